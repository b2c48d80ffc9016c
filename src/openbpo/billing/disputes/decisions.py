"""Disputing: acts in, states out; and what may be done next. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from openbpo.agreements.model import CountMeasure, Side
from openbpo.agreements.versions.model import Terms
from openbpo.billing.closing.lines import CREDIT, DocumentLine, lines_of
from openbpo.billing.closing.model import Document
from openbpo.billing.disputes.clocks import end_of
from openbpo.billing.disputes.model import (
    Claim,
    ClaimedFormula,
    Deed,
    Dispute,
    DisputeAct,
    DisputeState,
    Reply,
)
from openbpo.values.canonical import instant_text
from openbpo.values.money import Money, Rounding, sum_money
from openbpo.values.refusals import Refusal
from openbpo.values.shares import parse_decimal

Told = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputable:
    """A period whose figures stand: its document, since when, and whether it is final."""

    document: Document
    document_sha256: bytes
    reported_at: datetime
    is_final: bool


def other(side: Side) -> Side:
    """Return the other side."""
    return "provider" if side == "client" else "client"


def disputes(acts: Iterable[DisputeAct], at: datetime) -> tuple[Dispute, ...]:
    """Return every dispute as of an instant, from all acts in their order."""
    ordered = sorted(acts, key=lambda act: (act.dispute, act.number))
    return tuple(
        as_of(tuple(of_one), at) for _, of_one in groupby(ordered, key=lambda act: act.dispute)
    )


def as_of(acts: Sequence[DisputeAct], at: datetime) -> Dispute:
    """Return a dispute as of an instant, from its acts in their order."""
    found = _opened(acts[0])
    for act in acts[1:]:
        found = _FOLLOWED[act.did](found, act)
    return _after_silence(replace(found, acts=tuple(acts)), at)


def _opened(act: DisputeAct) -> Dispute:
    told = act.told
    currency = told["currency"]
    wanted = Money.parse(f"{told['wanted']} {currency}")
    return Dispute(
        number=act.dispute,
        period=told["period"],
        line=told["line"],
        text=told["text"],
        side=act.side,
        reason=told["reason"],
        cases=tuple(told["cases"]),
        stands=Money.parse(f"{told['stands']} {currency}"),
        wanted=wanted,
        offer=wanted,
        offered_by=act.side,
        state=DisputeState.OPEN,
        turn=other(act.side),
        answer_by=_instant(told["answer_by"]),
        if_silent=told["if_silent"],
        opened_at=act.at,
    )


def _offered(found: Dispute, act: DisputeAct) -> Dispute:
    return replace(
        found,
        state=DisputeState.OFFERED,
        offer=Money.parse(f"{act.told['amount']} {found.stands.currency}"),
        offered_by=act.side,
        turn=other(act.side),
        answer_by=_instant(act.told["answer_by"]),
    )


def _refused(found: Dispute, act: DisputeAct) -> Dispute:
    return replace(
        found, state=DisputeState.REFUSED, offer=None, offered_by=None, turn=other(act.side),
        answer_by=None,
    )  # fmt: skip


def _accepted(found: Dispute, act: DisputeAct) -> Dispute:
    return _settled(found, act.at)


def _withdrawn(found: Dispute, _act: DisputeAct) -> Dispute:
    return replace(
        found, state=DisputeState.WITHDRAWN, offer=None, offered_by=None, turn=None, answer_by=None
    )


_FOLLOWED: dict[Deed, Callable[[Dispute, DisputeAct], Dispute]] = {
    Deed.OFFERED: _offered,
    Deed.REFUSED: _refused,
    Deed.ACCEPTED: _accepted,
    Deed.WITHDRAWN: _withdrawn,
}


def _settled(found: Dispute, at: datetime, *, by_silence: bool = False) -> Dispute:
    return replace(
        found, state=DisputeState.SETTLED, settled=found.offer, settled_at=at, turn=None,
        answer_by=None, by_silence=by_silence,
    )  # fmt: skip


def _after_silence(found: Dispute, at: datetime) -> Dispute:
    """What is on the table is accepted when the time to answer is over, if that was agreed."""
    if found.if_silent != "accepted" or found.answer_by is None or at < found.answer_by:
        return found
    return _settled(found, found.answer_by, by_silence=True)


def opening(
    claim: Claim,
    side: Side,
    period: Disputable,
    terms: Terms,
    known: Sequence[Dispute],
    *,
    at: datetime,
) -> Told:
    """
    Return what the act tells that opens a dispute.

    Raises Refusal where the line is not there, is disputed or settled already, nothing else is
    wanted of it, or the time to dispute is over.
    """
    line = _line(period.document, claim)
    _refuse_again(line, claim, known)
    until = until_when(period, terms)
    _refuse_late(period, claim.period, until, at)
    wanted = _wanted(claim, line, terms)
    if wanted == line.amount:
        raise Refusal.of(
            f"{claim.period}, {claim.line}",
            f"It stands at {line.amount} already.",
            "Name what it should come to instead.",
        )
    _refuse_empty(claim.reason)
    _refuse_unknown_formula(claim.formula, line.key, terms)
    return {
        **_formula_told(claim.formula),
        "dispute": max((one.number for one in known), default=0) + 1,
        "number": 1,
        "did": Deed.OPENED.value,
        "side": side,
        "as_of": instant_text(at),
        "period": claim.period,
        "line": line.key,
        "text": line.text,
        "reason": claim.reason,
        "cases": list(claim.cases),
        "currency": line.amount.currency,
        "stands": line.amount.amount,
        "wanted": wanted.amount,
        "quantity": claim.quantity,
        "document_sha256": period.document_sha256.hex(),
        "until": instant_text(until) if until else None,
        "answer_by": _answer_by(terms, at),
        "if_silent": terms.agreement.charges.disputes.if_silent,
    }


def until_when(period: Disputable, terms: Terms) -> datetime | None:
    """Return until when a period may be disputed; None where no clock runs."""
    agreed = terms.agreement.charges.disputes
    if agreed.within is None:
        return None
    return end_of(agreed.within, period.reported_at, terms, agreed.calendar)


def _line(document: Document, claim: Claim) -> DocumentLine:
    lines = {line.key: line for line in lines_of(document)}
    if claim.line not in lines:
        raise Refusal.of(
            f"{claim.period}, {claim.line}",
            "There is no such line.",
            f"Its lines are: {', '.join(lines) or 'none'}.",
        )
    return lines[claim.line]


def _refuse_again(line: DocumentLine, claim: Claim, known: Sequence[Dispute]) -> None:
    for one in known:
        if (one.period, one.line) != (claim.period, line.key):
            continue
        if one.state is DisputeState.SETTLED:
            raise Refusal.of(
                f"{claim.period}, {line.key}",
                f"Dispute {one.number} has settled it at {one.settled}.",
                "What both have settled stands.",
            )
        if not one.state.is_over:
            raise Refusal.of(
                f"{claim.period}, {line.key}",
                f"It is disputed already: dispute {one.number}, by the {one.side}.",
                f"Answer that one: openbpo answer ENGAGEMENT {one.number}.",
            )


def _refuse_late(period: Disputable, name: str, until: datetime | None, at: datetime) -> None:
    if period.is_final:
        raise Refusal.of(name, "It is final.", "What is final is disputed no more.")
    if until is not None and at >= until:
        raise Refusal.of(
            name,
            f"The time to dispute it was over at {instant_text(until)}.",
            "Agree on another period's line, or change the agreement.",
        )


def _refuse_empty(reason: str | None) -> None:
    if not (reason or "").strip():
        raise Refusal.of("--reason", "It says nothing.", "Say why, so that the other can answer.")


CLOCK_FORMULAS = ("completed", "received")
"""By which a clock can be read: of the cases that stopped in the period, or started in it."""


def _formula_told(formula: ClaimedFormula | None) -> Told:
    return {} if formula is None else {"formula": formula.as_json()}


def _refuse_unknown_formula(formula: ClaimedFormula | None, line: str, terms: Terms) -> None:
    if formula is None:
        return
    if line != CREDIT:
        raise Refusal.of(
            "--formula",
            "This line is made of units, and of no formula.",
            "Say how many units it should be: --quantity.",
        )
    measure = terms.agreement.measures.get(formula.measure)
    if measure is None:
        raise Refusal.of(
            "--formula",
            f"There is no measure {formula.measure!r}.",
            f"There are: {', '.join(terms.agreement.measures)}.",
        )
    known = tuple(measure.formulas) if isinstance(measure, CountMeasure) else CLOCK_FORMULAS
    if formula.formula not in known:
        raise Refusal.of(
            "--formula",
            f"{formula.measure} is not read by {formula.formula!r}.",
            f"It is read by: {', '.join(known)}.",
        )


def _wanted(claim: Claim, line: DocumentLine, terms: Terms) -> Money:
    if (claim.amount is None) == (claim.quantity is None):
        raise Refusal.of(
            f"{claim.period}, {claim.line}",
            "It is not said what it should be.",
            "Name either the amount or the quantity.",
        )
    if claim.amount is not None:
        return _amount(claim.amount, line)
    if line.each is None or claim.quantity is None or claim.quantity < 0:
        raise Refusal.of(
            f"{claim.period}, {claim.line}",
            "It is no number of units at one price.",
            "Name the amount that it should come to.",
        )
    each = Money(parse_decimal(line.each), line.amount.currency)
    rounding: Rounding = terms.agreement.charges.rounding
    return (each * claim.quantity).rounded(rounding)


def _amount(text: str, line: DocumentLine) -> Money:
    found = amount_in(text, line.amount.currency)
    if line.kind == "credit" and found > Money.zero(found.currency):
        raise Refusal.of(
            f"{line.period}, {line.key}",
            f"A credit takes off: it stands at {line.amount}.",
            f"Write it with its minus: --amount=-{found.amount}.",
        )
    return found


def amount_in(text: str, currency: str) -> Money:
    """Return an amount of whole minor units; raises Refusal for anything else."""
    try:
        found = Money.parse(f"{text} {currency}")
        _ = found.minor_units
    except ValueError as fault:
        raise Refusal.of(
            "--amount", f"{text!r} is no amount of {currency}.", "Write it as 1500.00."
        ) from fault
    return found


def _answer_by(terms: Terms, at: datetime) -> str | None:
    agreed = terms.agreement.charges.disputes
    if agreed.answer_within is None:
        return None
    return instant_text(end_of(agreed.answer_within, at, terms, agreed.calendar))


def replying(dispute: Dispute, reply: Reply, side: Side, terms: Terms, *, at: datetime) -> Told:
    """
    Return what the act of a reply tells.

    An offer of the very amount that the other side offers is its acceptance. Raises Refusal where
    the dispute is over, it is the other side's turn, or a refusal has no reason.
    """
    _refuse_over(dispute)
    did, amount = reply.did, None
    if did is Deed.OFFERED:
        amount = amount_in(reply.amount or "", dispute.stands.currency)
        if amount == dispute.offer and dispute.offered_by == other(side):
            did, amount = Deed.ACCEPTED, None
    _FOLLOWS[did](dispute, side, reply)
    _refuse_unknown_formula(reply.formula, dispute.line, terms)
    return {
        **_formula_told(reply.formula),
        "dispute": dispute.number,
        "number": len(dispute.acts) + 1,
        "did": did.value,
        "side": side,
        "as_of": instant_text(at),
        "reason": reply.reason,
        "amount": amount.amount if amount else None,
        "answer_by": _answer_by(terms, at) if did is Deed.OFFERED else None,
    }


def _refuse_over(dispute: Dispute) -> None:
    if not dispute.state.is_over:
        return
    at = f" at {dispute.settled}" if dispute.settled is not None else ""
    how = ", because no answer came in time" if dispute.by_silence else ""
    raise Refusal.of(
        f"dispute {dispute.number}",
        f"It is {dispute.state.value}{at}{how}.",
        "Nothing follows.",
    )


def _may_offer(dispute: Dispute, side: Side, _reply: Reply) -> None:
    if dispute.offered_by == side and dispute.state is not DisputeState.OPEN:
        raise _not_your_turn(dispute, side, "Your offer is on the table")
    if dispute.state is DisputeState.OPEN and dispute.side == side:
        raise _not_your_turn(dispute, side, "Your claim is on the table")


def _may_accept(dispute: Dispute, side: Side, _reply: Reply) -> None:
    if dispute.offer is None:
        raise Refusal.of(
            f"dispute {dispute.number}", "No amount is on the table.",
            "Offer one: openbpo answer ENGAGEMENT DISPUTE --offer AMOUNT.",
        )  # fmt: skip
    if dispute.offered_by == side:
        raise _not_your_turn(dispute, side, "You cannot accept what you asked for")


def _may_refuse(dispute: Dispute, side: Side, reply: Reply) -> None:
    _refuse_empty(reply.reason)
    if dispute.turn != side or dispute.offer is None:
        raise _not_your_turn(dispute, side, "There is nothing for you to refuse")


def _may_withdraw(dispute: Dispute, side: Side, _reply: Reply) -> None:
    if dispute.side != side:
        raise Refusal.of(
            f"dispute {dispute.number}",
            f"The {dispute.side} opened it, and alone can withdraw it.",
            "Refuse it, with a reason: openbpo answer ENGAGEMENT DISPUTE --refuse REASON.",
        )


_FOLLOWS: dict[Deed, Callable[[Dispute, Side, Reply], None]] = {
    Deed.OFFERED: _may_offer,
    Deed.ACCEPTED: _may_accept,
    Deed.REFUSED: _may_refuse,
    Deed.WITHDRAWN: _may_withdraw,
}


def _not_your_turn(dispute: Dispute, side: Side, what: str) -> Refusal:
    waiting = dispute.turn or other(side)
    return Refusal.of(
        f"dispute {dispute.number}",
        f"{what}: the {waiting}'s word is awaited.",
        "Wait for it, or, if you opened the dispute, withdraw it.",
    )


def in_dispute(found: Iterable[Dispute], currency: str, period: str | None = None) -> Money:
    """Return how much money of a currency is in dispute: in a period, or in all of them."""
    return sum_money(
        (
            one.at_stake
            for one in found
            if one.stands.currency == currency and period in (None, one.period)
        ),
        currency,
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
