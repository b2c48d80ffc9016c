"""
What a dispute of a credit is about: two readings of a measure, the agreement's, and the causes
that lead from the disputer's to the agreement's and from there to the other side's. Pure:
everything is computed from a statement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from openbpo.agreements.model import Side
from openbpo.billing.disputes.decisions import other
from openbpo.billing.disputes.model import Dispute
from openbpo.billing.statements.bridging import (
    Cause,
    Claimed,
    Counted,
    Reading,
    bridge,
    counted,
)
from openbpo.billing.statements.inputs import inputs_from
from openbpo.billing.statements.model import CaseRow, Outcome, Supposed
from openbpo.billing.statements.supposing import what_if
from openbpo.values.money import Money

Told = Mapping[str, Any]
CLAIMED_AS: Mapping[Side, Outcome] = {"client": Outcome.LATE, "provider": Outcome.WITHIN}
"""Where a side places the cases that it reads otherwise than the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A reading with what the month comes to by it."""

    side: Side | None
    reading: Reading
    counted: Counted
    compared: str | None
    verdict: str | None
    credit: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A cause with the credit that the month comes to once it is taken."""

    cause: Cause
    against: Side
    """Whose reading of these cases is not the agreement's."""
    by_the_agreement: Outcome
    compared: str | None
    credit: Money
    moved: Money
    deciding: int | None
    """How many of its cases it takes to move the credit; None where all of them do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """What lies between the disputer's reading and the other side's."""

    measure: Told
    disputer: Said
    judged: Said
    answerer: Said
    steps: tuple[Step, ...]
    cases: int
    """How many cases the two sides read otherwise, each once."""

    def of(self, side: Side) -> Said:
        """Return a side's reading."""
        return self.disputer if self.disputer.side == side else self.answerer

    @property
    def money(self) -> Money:
        """Return how much credit lies between the two readings, never negative."""
        apart = self.disputer.credit - self.answerer.credit
        return -apart if apart < Money.zero(apart.currency) else apart


def measure_of(dispute: Dispute, month: Told) -> Told | None:
    """Return the measure that a disputed credit is about, None where none alone is."""
    sides: tuple[Side, Side] = (dispute.side, other(dispute.side))
    named = [found.measure for side in sides if (found := dispute.formula_of(side)) is not None]
    if not named and month["credit"] is not None:
        parts = [one for one in month["credit"]["parts"] if Fraction(one["rate"])]
        named = [one["measure"] for one in parts] if len(parts) == 1 else []
    return next((one for one in month["measures"] if named and one["id"] == named[0]), None)


def between(dispute: Dispute, month: Told, measure: Told, claimed: Sequence[CaseRow]) -> Between:
    """Return the readings of both sides; `claimed` are the rows of the cases that are disputed."""
    groups, agreed = measure["groups"], measure["agreed"]
    answering = other(dispute.side)
    one = Reading(_formula(dispute, dispute.side, measure), _claims(dispute, claimed))
    two = Reading(_formula(dispute, answering, measure))
    judged = Reading(agreed)
    return Between(
        measure=measure,
        disputer=_said(month, measure, dispute.side, one),
        judged=_said(month, measure, None, judged),
        answerer=_said(month, measure, answering, two),
        steps=(
            *(_step(month, measure, cause, dispute.side, cause.after)
              for cause in bridge(groups, one, judged)),
            *(_step(month, measure, cause, answering, cause.before)
              for cause in bridge(groups, judged, two)),
        ),
        cases=sum(cause.cases for cause in bridge(groups, one, two)),
    )  # fmt: skip


def _formula(dispute: Dispute, side: Side, measure: Told) -> str:
    found = dispute.formula_of(side)
    known = {one["id"] for one in measure["formulas"]}
    if found is None or found.measure != measure["id"] or found.formula not in known:
        agreed: str = measure["agreed"]
        return agreed
    return found.formula


def _claims(dispute: Dispute, rows: Sequence[CaseRow]) -> tuple[Claimed, ...]:
    place = CLAIMED_AS[dispute.side]
    return tuple(Claimed(row.group or "", row.case, place) for row in rows)


def _said(month: Told, measure: Told, side: Side | None, reading: Reading) -> Said:
    number = counted(measure["groups"], reading)
    found = supposed(month, measure, number)
    own = found.measure(measure["id"])
    return Said(
        side=side,
        reading=reading,
        counted=number,
        compared=own.compared,
        verdict=own.verdict,
        credit=found.credits,
    )


def supposed(month: Told, measure: Told, number: Counted) -> Supposed:
    """Return what the month comes to if the measure's two numbers were these."""
    tally = {measure["id"]: (number.numerator, number.denominator)}
    return what_if(inputs_from(month["inputs"]), tally=tally)


def _step(
    month: Told, measure: Told, cause: Cause, against: Side, by_the_agreement: Outcome
) -> Step:
    was = supposed(month, measure, cause.was).credits
    then = supposed(month, measure, cause.then)
    return Step(
        cause=cause,
        against=against,
        by_the_agreement=by_the_agreement,
        compared=then.measure(measure["id"]).compared,
        credit=then.credits,
        moved=then.credits - was,
        deciding=_deciding(month, measure, cause, was) if then.credits != was else None,
    )


def _deciding(month: Told, measure: Told, cause: Cause, was: Money) -> int:
    """
    Return how few of a cause's cases already move the credit.

    Each of them moves the share the same way, so once it has moved it stays so.
    """
    low, high = 1, cause.cases
    while low < high:
        middle = (low + high) // 2
        if supposed(month, measure, cause.after_only(middle)).credits != was:
            high = middle
        else:
            low = middle + 1
    return low


__all__ = ["Between", "Said", "Step", "between", "measure_of", "supposed"]
