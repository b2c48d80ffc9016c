"""openbpo bundle, verify, countersign, replay: what either side can hold and check."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from openbpo.agreements.model import SIDES, Side
from openbpo.agreements.versions.queries import engagement_handle, terms_known
from openbpo.evidence.packs import actions
from openbpo.evidence.packs.making import Asked, make_pack
from openbpo.evidence.packs.verifying import Verified, verify
from openbpo.evidence.proving.decisions import Difference
from openbpo.evidence.proving.replaying import replay
from openbpo.record.readings import readings
from openbpo.storage.installation import open_sealer
from openbpo.surfaces.cli.periods import sealed
from openbpo.surfaces.cli.printing import say, say_json, say_wrapped, table
from openbpo.surfaces.cli.session import find_engagement, reading, session
from openbpo.surfaces.sealing import named_witness
from openbpo.trust.key_rings import read_key_file
from openbpo.trust.seals import seal_keys
from openbpo.values.canonical import instant_text
from openbpo.values.refusals import Mistake, Refusal

Engagement = Annotated[str, typer.Argument(help="The engagement: its agreement folder's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def bundle(
    engagement: Engagement,
    periods: Annotated[
        str | None,
        typer.Option("--periods", help="Only the cases of 2012-01, or 2012-01..2012-03."),
    ] = None,
    audience: Annotated[
        str | None,
        typer.Option("--for", help="client or provider: with what is that side's alone."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where to write it; else ENGAGEMENT.pack.")
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option("--page", help="Write a page to read instead: one HTML file, no network."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the evidence pack: the sealed record, its agreement and its figures, in one file."""
    asked = Asked(periods, _side(audience, "--for") if audience else None)
    if page is not None:
        _write_page(engagement, asked, page, as_json=as_json)
        return
    path = out or Path(f"{engagement}.pack")
    with session("make an evidence pack") as current, open_sealer() as sealer:
        engagement_id = reading(current, engagement, asked.what)
        checkpoint = sealed(sealer, engagement_id).record
        with current.database.transaction(current.context.within(engagement_id)) as tx:
            made = make_pack(tx, engagement_id, checkpoint, asked, path)
    told = {"engagement": engagement, "pack": str(path), **made.as_json()}
    if as_json:
        say_json(told)
        return
    say(f"{path}: {made.leaves:,} leaves, {made.withheld:,} of them withheld, {made.size:,} bytes.")
    if made.more:
        say_wrapped(f"It shows {', '.join(made.more)} too, of which the adjustments are made.")
    say_wrapped(
        f"Its root is {told['root']}. Whoever holds this root, or an earlier pack, can tell "
        "whether the record was changed: openbpo verify PACK --key FILE."
    )


def _write_page(engagement: str, asked: Asked, page: Path, *, as_json: bool) -> None:
    from openbpo.surfaces.web.packs import PagesWanted, write_page  # it loads what pages are of

    with session("make a page of a period") as current, open_sealer() as sealer:
        engagement_id = reading(current, engagement, f"{asked.what} as a page")
        checkpoint = sealed(sealer, engagement_id).record
        with current.database.transaction(current.context.within(engagement_id)) as tx:
            wanted = PagesWanted(engagement_id, asked.periods, checkpoint)
            size = write_page(tx, wanted, page)
    if as_json:
        say_json({"engagement": engagement, "page": str(page), "bytes": size})
        return
    say(f"{page}: {size:,} bytes. It opens in any browser, from the disk, without a network.")


def verify_(
    pack: Annotated[Path, typer.Argument(help="The evidence pack.")],
    key: Annotated[Path, typer.Option("--key", help="The public key, from outside the pack.")],
    after: Annotated[
        Path | None, typer.Option("--after", help="An earlier pack, of which this one only grew.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a pack without database or network: whole, only grown, every figure recomputed."""
    found = verify(pack, read_key_file(key), after=after)
    if found.differences:
        raise _differing(pack.name, found.differences)
    if as_json:
        say_json(_verified_json(pack, found))
        return
    _say_verified(pack, found)


def _verified_json(pack: Path, found: Verified) -> dict[str, Any]:
    return {
        "pack": str(pack),
        "verified": True,
        "engagement": found.header["handle"],
        "leaves": found.leaves,
        "withheld": found.withheld,
        "shown": found.header.get("periods"),
        "entries": found.entries,
        "root": found.checkpoint.root.hex(),
        "sealed_at": instant_text(found.checkpoint.at),
        "countersigned_by": list(found.countersigned_by),
        "pack_signed": found.made_by_seal,
        "periods_recomputed": found.periods,
        "billed_recomputed": found.billed,
        "grown_since": found.earlier,
    }


def _say_verified(pack: Path, found: Verified) -> None:
    say(f"{pack} fits.")
    say_wrapped(
        f"  Whole: {found.leaves:,} leaves in {found.entries:,} entries, {found.withheld:,} "
        f"withheld, under the root {found.checkpoint.root.hex()}, sealed "
        f"{instant_text(found.checkpoint.at)}.",
        "  ",
    )
    if "periods" in found.header:
        shown = ", ".join(found.header["periods"])
        say_wrapped(f"  Partial: it shows the cases of {shown} alone.", "  ")
    if not found.made_by_seal:
        say_wrapped(
            "  Unsigned: nobody vouches for its header: who made it, when, for whom, and that it "
            "shows all that it was made to show.",
            "  ",
        )
    if found.earlier is not None:
        say(f"  Grown: the {found.earlier:,} leaves of the earlier pack stand in it unchanged.")
    say(f"  Recomputed: the figures of {found.periods:,} closed periods, each cent of them equal.")
    if found.billed:
        say(f"  Recomputed: {found.billed:,} acts of billing: issued, paid, disputed and settled.")
    if found.countersigned_by:
        say(f"  Countersigned by the {' and the '.join(dict.fromkeys(found.countersigned_by))}.")


def countersign(
    engagement: Engagement,
    side: Annotated[str, typer.Option("--as", help="client or provider.")],
    as_json: AsJson = False,
) -> None:
    """Sign the record's latest checkpoint with a party's key: this is what stood there then."""
    name = _side(side, "--as")
    with session("countersign") as current, open_sealer() as sealer:
        engagement_id = find_engagement(current, engagement)
        sealed(sealer, engagement_id)
        told = actions.countersign(current.database, current.context, engagement_id, name)
        sealed(sealer, engagement_id)
    if as_json:
        say_json({"engagement": engagement, **told})
        return
    say(f"{engagement}: the {name} has countersigned the first {told['size']:,} leaves.")


def replay_(engagement: Engagement, as_json: AsJson = False) -> None:
    """Recompute everything of an engagement from its stored events, and compare."""
    with session("replay") as current, open_sealer() as sealer:
        engagement_id = reading(current, engagement, "replay")
        checkpoint = sealed(sealer, engagement_id).record
        if checkpoint is None:
            raise Refusal.of(engagement, "Nothing is recorded yet.", "Accept an agreement first.")
        with current.database.transaction(current.context.within(engagement_id)) as tx:
            terms = terms_known(tx, engagement_id, known=checkpoint.last_number)
            found = replay(
                tx, engagement_id, checkpoint, engagement_handle(tx, engagement_id), terms,
                keys=seal_keys(at=tx.at).ring, witness=named_witness(),
            )  # fmt: skip
    if found.differences:
        raise _differing(engagement, found.differences, CHANGED)
    if as_json:
        say_json(
            {
                "engagement": engagement, "leaves": found.leaves, "events": found.events,
                "periods_recomputed": found.periods, "readings": found.readings,
                "witnessed": found.witnessed,
                "root": found.root, "differences": [],
            }
        )  # fmt: skip
        return
    say(f"{engagement}: replayed, and equal.")
    say_wrapped(
        f"{found.events:,} events under {found.leaves:,} leaves, the figures of {found.periods:,} "
        f"closed periods, {found.readings:,} readings, {found.witnessed:,} checkpoints of the "
        "witness.",
        "  ",
    )


def readings_(engagement: Engagement, as_json: AsJson = False) -> None:
    """Tell who read an engagement's record, when, and to what purpose."""
    with session("read the access log") as current:
        engagement_id = find_engagement(current, engagement)
        with current.database.transaction(current.context.within(engagement_id)) as tx:
            found = [json.loads(one.told) for one in readings(tx, engagement_id)]
    if as_json:
        say_json(found)
        return
    if not found:
        say(f"Nobody has read the record of {engagement} yet.")
        return
    rows = [(str(r["number"]), r["at"][:16].replace("T", " "), r["by"], r["what"], r["purpose"])
            for r in found]  # fmt: skip
    for line in table(("Number", "When", "By", "What", "Purpose"), rows, right=(0,)):
        say(line)


CHANGED = "The database was changed. Put it back from a backup, and find out who changed it."
WRONG = "The figures are not what the events come to."


def _differing(where: str, differences: Iterable[Difference], remedy: str = WRONG) -> Refusal:
    return Refusal(
        *(
            Mistake(
                f"{where}, {one.period}",
                f"{one.where} is {one.stored}, and recomputed {one.recomputed}.",
                remedy,
            )
            for one in differences
        )
    )


def _side(name: str, option: str) -> Side:
    for side in SIDES:
        if name == side:
            return side
    raise typer.BadParameter("client or provider", param_hint=option)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(bundle)
    app.command("verify")(verify_)
    app.command()(countersign)
    app.command("replay")(replay_)
    app.command("readings")(readings_)
