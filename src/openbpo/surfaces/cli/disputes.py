"""openbpo dispute, disputes, answer, settle: what is not agreed, until it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

import typer

from openbpo.agreements.model import SIDES, Side
from openbpo.agreements.schema import did_you_mean
from openbpo.billing.disputes import actions
from openbpo.billing.disputes.decisions import in_dispute
from openbpo.billing.disputes.model import (
    Claim,
    ClaimedFormula,
    Deed,
    Dispute,
    DisputeAct,
    Reply,
)
from openbpo.billing.disputes.queries import disputes_of
from openbpo.surfaces.cli.figures import figure_text
from openbpo.surfaces.cli.printing import say, say_json, say_wrapped, table
from openbpo.surfaces.cli.session import find_engagement, reading, session
from openbpo.values.canonical import instant_text
from openbpo.values.refusals import Refusal

Engagement = Annotated[str, typer.Argument(help="The engagement: its agreement folder's name.")]
Which = Annotated[int, typer.Argument(help="The dispute's number.", min=1)]
As = Annotated[str, typer.Option("--as", help="Whose side you act for: provider or client.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
By = Annotated[
    str | None,
    typer.Option("--formula", help="By which formula you read a measure: MEASURE=FORMULA."),
]


def dispute(
    engagement: Engagement,
    period: Annotated[str, typer.Option("--period", help="As 2012-02.")],
    line: Annotated[
        str, typer.Option("--line", help="The line's key, as tickets-closed/1; or credit.")
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    side: As,
    amount: Annotated[
        str | None,
        typer.Option("--amount", help="What it should come to; a credit has a minus."),
    ] = None,
    quantity: Annotated[
        int | None, typer.Option("--quantity", help="How many units it should be.", min=0)
    ] = None,
    case: Annotated[
        list[str] | None, typer.Option("--case", help="A case that shows it; may stand again.")
    ] = None,
    formula: By = None,
    as_json: AsJson = False,
) -> None:
    """Dispute a line or credit of a period whose figures stand."""
    claim = Claim(
        period=period, line=line, reason=reason, amount=amount, quantity=quantity,
        cases=tuple(case or ()), formula=formula_of(formula),
    )  # fmt: skip
    with session("dispute a line") as current:
        engagement_id = find_engagement(current, engagement)
        found = actions.open_dispute(
            current.database, current.context, engagement_id, claim, side_of(side)
        )
    _say(found, as_json=as_json)


def answer(
    engagement: Engagement,
    number: Which,
    side: As,
    accept: Annotated[
        bool, typer.Option("--accept", help="Accept the amount that is on the table.")
    ] = False,
    refuse: Annotated[
        str | None, typer.Option("--refuse", help="Refuse it, for this reason.")
    ] = None,
    offer: Annotated[
        str | None, typer.Option("--offer", help="Offer another amount that the line comes to.")
    ] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Take back what you disputed.")
    ] = False,
    formula: By = None,
    as_json: AsJson = False,
) -> None:
    """Answer a dispute: accept, refuse with a reason, offer an amount, or withdraw."""
    replies = [
        *([Reply(did=Deed.ACCEPTED)] if accept else []),
        *([Reply(did=Deed.REFUSED, reason=refuse)] if refuse is not None else []),
        *([Reply(did=Deed.OFFERED, amount=offer)] if offer is not None else []),
        *([Reply(did=Deed.WITHDRAWN)] if withdraw else []),
    ]
    if len(replies) != 1:
        raise typer.BadParameter("give one of --accept, --refuse, --offer and --withdraw")
    reply = replace(replies[0], formula=formula_of(formula))
    with session("answer a dispute") as current:
        engagement_id = find_engagement(current, engagement)
        found = actions.reply_to(
            current.database, current.context, engagement_id, number, reply, side_of(side)
        )
    _say(found, as_json=as_json)


def settle(
    engagement: Engagement,
    number: Which,
    amount: Annotated[str, typer.Option("--amount", help="What the line comes to.")],
    side: As,
    as_json: AsJson = False,
) -> None:
    """Agree on what a disputed line comes to; once both sides have, it is settled."""
    with session("settle a dispute") as current:
        engagement_id = find_engagement(current, engagement)
        found = actions.settle(
            current.database, current.context, engagement_id, number, amount, side_of(side)
        )
    _say(found, as_json=as_json)


def disputes(engagement: Engagement, as_json: AsJson = False) -> None:
    """Tell what is and was disputed, whose answer is awaited until when, and the money in it."""
    with session("read disputes") as current:
        engagement_id = reading(current, engagement, "disputes")
        with current.database.transaction(current.context.within(engagement_id)) as tx:
            found = disputes_of(tx, engagement_id)
    if as_json:
        say_json([dispute_json(one) for one in found])
        return
    if not found:
        say(f"Nothing of {engagement} was disputed.")
        return
    head = ("No.", "Period", "Line", "By", "Stands at", "Wanted", "State", "Awaited")
    for line in table(head, [_row(one) for one in found], right=(0, 4, 5)):
        say(line)
    for currency in sorted({one.stands.currency for one in found}):
        say(f"  In dispute: {in_dispute(found, currency)}.")


def _row(one: Dispute) -> tuple[str, ...]:
    state = one.state.value
    if one.settled is not None:
        state = f"settled at {figure_text(one.settled)}" + (" by silence" * one.by_silence)
    return (
        str(one.number),
        one.period,
        one.line,
        one.side,
        figure_text(one.stands),
        figure_text(one.wanted),
        state,
        _awaited(one),
    )


def _awaited(one: Dispute) -> str:
    if one.turn is None:
        return ""
    return f"{one.turn}, until {_minute(one.answer_by)}" if one.answer_by else one.turn


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _say(one: Dispute, *, as_json: bool) -> None:
    if as_json:
        say_json(dispute_json(one))
        return
    say_wrapped(
        f"Dispute {one.number}, {one.period}, {one.line}: it stands at {one.stands}; the "
        f"{one.side} says {one.wanted}: {one.reason}"
    )
    if one.settled is not None and one.difference is not None:
        say_wrapped(
            f"Settled at {one.settled}: {one.difference} stand on the next invoice as a line of "
            "their own."
        )
    elif one.turn is not None:
        on_table = f" {one.offer} is on the table." if one.offer is not None else ""
        say_wrapped(f"It is {one.state.value}.{on_table} Awaited: {_awaited(one)}.")
    else:
        say(f"It is {one.state.value}.")


def dispute_json(one: Dispute) -> dict[str, Any]:
    """Return a dispute for programs."""
    return {
        "dispute": one.number,
        "period": one.period,
        "line": one.line,
        "text": one.text,
        "side": one.side,
        "reason": one.reason,
        "cases": list(one.cases),
        "currency": one.stands.currency,
        "stands": one.stands.amount,
        "wanted": one.wanted.amount,
        "offer": one.offer.amount if one.offer is not None else None,
        "offered_by": one.offered_by,
        "state": one.state.value,
        "turn": one.turn,
        "answer_by": instant_text(one.answer_by) if one.answer_by else None,
        "settled": one.settled.amount if one.settled is not None else None,
        "difference": one.difference.amount if one.difference is not None else None,
        "by_silence": one.by_silence,
        "in_dispute": one.at_stake.amount,
        "acts": [_act_json(act) for act in one.acts],
    }


def _act_json(act: DisputeAct) -> dict[str, Any]:
    return {
        "did": act.did.value,
        "side": act.side,
        "by": act.by,
        "at": instant_text(act.at),
        "amount": act.told.get("amount"),
        "reason": act.told.get("reason"),
        "formula": act.told.get("formula"),
    }


def formula_of(text: str | None) -> ClaimedFormula | None:
    """Return the formula that MEASURE=FORMULA names; raises Refusal for anything else."""
    if text is None:
        return None
    measure, _equals, formula = text.partition("=")
    if not (measure and formula):
        raise Refusal.of("--formula", f"{text!r} names no formula.", "Write it MEASURE=FORMULA.")
    return ClaimedFormula(measure, formula)


def side_of(name: str) -> Side:
    """Return a side by its name; raises Refusal for anything else."""
    for side in SIDES:
        if name == side:
            return side
    raise Refusal.of("--as", f"There is no side {name!r}.", did_you_mean(name, SIDES, "It can be"))


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(dispute)
    app.command()(disputes)
    app.command()(answer)
    app.command()(settle)
