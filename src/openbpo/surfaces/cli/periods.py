"""openbpo close, periods, seal: what stands, and the proof that it does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any

import typer

from openbpo.agreements.model import SIDES, Side
from openbpo.agreements.resolved import day_of
from openbpo.agreements.versions.queries import terms_known
from openbpo.agreements.words import day_text
from openbpo.billing.closing.actions import Closing, act_on
from openbpo.billing.closing.model import Act, State
from openbpo.billing.closing.queries import acts
from openbpo.record.checkpoints import read_note
from openbpo.record.queries import extent
from openbpo.record.sealing.actions import Pass, waiting
from openbpo.record.sealing.store import Sealed
from openbpo.storage.database import Database, Transaction
from openbpo.storage.installation import open_sealer
from openbpo.surfaces import sealing
from openbpo.surfaces.cli.figures import adjustment_lines, amount_text, due_line
from openbpo.surfaces.cli.printing import say, say_json, say_wrapped, table
from openbpo.surfaces.cli.session import find_engagement, session
from openbpo.values.ids import EngagementId

Engagement = Annotated[str, typer.Argument(help="The engagement: its agreement folder's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def close(
    engagement: Engagement,
    period: Annotated[str, typer.Option("--period", help="As 2012-02.")],
    state: Annotated[
        str,
        typer.Option("--state", help="preliminary, reported, agreed, disputed or final."),
    ] = State.REPORTED.value,
    side: Annotated[
        str | None,
        typer.Option("--as", help="Whose act it is. The provider reports, the client agrees."),
    ] = None,
    note: Annotated[str | None, typer.Option("--note", help="A word that goes with it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Close a period: seal the record, and let its figures stand. What comes later adjusts."""
    closing = Closing(period, _state(state), _side(side, state), note)
    with session("close a period") as current, open_sealer() as sealer:
        engagement_id = find_engagement(current, engagement)
        act = act_on(
            current.database, current.context, engagement_id, closing,
            lambda: sealed(sealer, engagement_id).record,
        )  # fmt: skip
        with current.database.transaction(current.context.within(engagement_id)) as tx:
            doubts = _doubts(tx, engagement_id, act)
    if as_json:
        say_json({**act_json(engagement, act), "doubts": doubts})
        return
    say(f"{engagement}, {period}: {act.state.value} by the {act.side} ({act.by}) on {act.at}.")
    checkpoint = act.document["checkpoint"]
    say_wrapped(
        f"Its figures stand on the first {checkpoint['size']:,} leaves of the record, root "
        f"{checkpoint['root'][:16]}…: "
        f"{amount_text(act.document['figures']['total'], act.document['currency'])} "
        f"{act.document['currency']}."
    )
    for line in adjustment_lines(act.document):
        say(line)
    if act.document["adjustments"]:
        say(due_line(act.document))
    for doubt in doubts:
        say_wrapped(doubt)


def _doubts(tx: Transaction, engagement_id: EngagementId, act: Act) -> list[str]:
    """Return what a period that was just closed may lack: the end of it, or all before it."""
    held = extent(tx, engagement_id)
    terms = terms_known(tx, engagement_id, known=act.known)[-1]
    zone = terms.resolved.zones[terms.agreement.zone]
    start, end = act.document["days"]
    found = []
    if held.last is None or held.first is None:
        return [f"The record holds no events: nothing happened in {act.period} that it knows of."]
    if end and day_of(held.last, zone) < date.fromisoformat(end) - timedelta(days=1):
        found.append(
            f"The last event is of {day_text(day_of(held.last, zone))}: what comes later for "
            f"{act.period} will adjust the next period."
        )
    first = min(one.period for one in acts(tx, engagement_id) if one.state.stands)
    if act.period == first and day_of(held.first, zone) < date.fromisoformat(start):
        found.append(
            f"Events begin on {day_text(day_of(held.first, zone))}. Periods are closed one after "
            f"another from {act.period} on: what was before it is in no closed period."
        )
    return found


def periods(engagement: Engagement, as_json: AsJson = False) -> None:
    """Tell what was done with each period: to which state it was brought, by whom and when."""
    with session("read periods") as current:
        engagement_id = find_engagement(current, engagement)
        with current.database.transaction(current.context.within(engagement_id)) as tx:
            found = acts(tx, engagement_id)
    if as_json:
        say_json([act_json(engagement, act) for act in found])
        return
    if not found:
        say(f"No period of {engagement} was closed yet: openbpo close {engagement} --period ...")
        return
    rows = [_act_row(act) for act in found]
    head = ("Period", "State", "By", "When", "Total", "Adjustments", "Note")
    for line in table(head, rows, right=(4, 5)):
        say(line)


def _act_row(act: Act) -> Sequence[str]:
    document = act.document
    adjusted = len(document["adjustments"])
    return (
        act.period,
        act.state.value,
        f"{act.side} ({act.by})",
        act.at[:16].replace("T", " "),
        amount_text(document["figures"]["total"], document["currency"]),
        str(adjusted) if adjusted else "",
        act.note or "",
    )


def act_json(engagement: str, act: Act) -> dict[str, Any]:
    """Return an act on a period for programs, with the document of its figures."""
    return {
        "engagement": engagement,
        "period": act.period,
        "state": act.state.value,
        "side": act.side,
        "by": act.by,
        "at": act.at,
        "note": act.note,
        "entry": act.entry,
        "document_sha256": act.document_sha256.hex(),
        "document": act.document,
    }


def _state(name: str) -> State:
    try:
        return State(name)
    except ValueError:
        states = ", ".join(state.value for state in State)
        raise typer.BadParameter(f"{name!r} is none of: {states}", param_hint="--state") from None


def _side(name: str | None, state: str) -> Side:
    if name is None:
        return "client" if state in (State.AGREED, State.DISPUTED) else "provider"
    for side in SIDES:
        if name == side:
            return side
    raise typer.BadParameter("client or provider", param_hint="--as")


def seal_(
    engagement: Annotated[
        str | None, typer.Argument(help="The engagement; without it, all that have grown.")
    ] = None,
    watch: Annotated[
        float | None,
        typer.Option(
            "--watch", help="Go on, with a look every so many seconds.", min=0.1, max=86_400
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Seal what was recorded: a signed root over all its leaves, handed to the witness."""
    if watch is not None and engagement is not None:
        raise typer.BadParameter("--watch seals all engagements")
    with session("seal") as current, open_sealer() as sealer:
        if engagement is not None:
            found = {engagement: sealed(sealer, find_engagement(current, engagement))}
        else:
            found = {str(one): sealed(sealer, one) for one in waiting(sealer, sealing.SEALER)}
        _say_sealed(found, as_json=as_json)
        while watch is not None:
            time.sleep(watch)
            again = {str(one): sealed(sealer, one) for one in waiting(sealer, sealing.SEALER)}
            if any(one.leaves for one in again.values()):
                _say_sealed(again, as_json=as_json)


def _say_sealed(found: dict[str, Pass], *, as_json: bool) -> None:
    if as_json:
        say_json([{"engagement": name, **_sealed_json(one)} for name, one in found.items()])
        return
    for name, one in found.items():
        if one.record is None:
            say(f"{name}: nothing is recorded yet.")
        else:
            say(
                f"{name}: {one.leaves:,} leaves sealed; {one.record.size:,} in all, root "
                f"{bytes(one.record.root).hex()[:16]}…, {one.record.sealed_at:%Y-%m-%d %H:%M} UTC."
            )
    if not found:
        say("Nothing waits to be sealed.")


def _sealed_json(one: Pass) -> dict[str, Any]:
    latest: Sealed | None = one.record
    return {
        "sealed": one.leaves,
        "size": latest.size if latest else 0,
        "root": bytes(latest.root).hex() if latest else None,
        "note": str(read_note(latest.note)) if latest else None,
    }


def sealed(sealer: Database, engagement_id: EngagementId) -> Pass:
    """Seal an engagement, and tell the witness that OPENBPO_WITNESS names."""
    return sealing.sealed(sealer, engagement_id, tell=lambda t: typer.echo(t, err=True))


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(close)
    app.command()(periods)
    app.command("seal")(seal_)
