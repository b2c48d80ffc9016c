"""A dispute: what each side did, and the state that follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from openbpo.agreements.model import Side
from openbpo.values.money import Money


class Deed(StrEnum):
    """What a side does in a dispute."""

    OPENED = "opened"
    REFUSED = "refused"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"


class DisputeState(StrEnum):
    """How a dispute stands. While it is open, offered or refused, its money is in dispute."""

    OPEN = "open"
    OFFERED = "offered"
    REFUSED = "refused"
    SETTLED = "settled"
    WITHDRAWN = "withdrawn"

    @property
    def is_over(self) -> bool:
        """Tell whether nothing can follow."""
        return self in (DisputeState.SETTLED, DisputeState.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class ClaimedFormula:
    """The formula by which a side reads a measure."""

    measure: str
    formula: str

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> ClaimedFormula | None:
        """Return the formula that an act tells, None where it tells none."""
        found = told.get("formula")
        return None if found is None else cls(found["measure"], found["formula"])

    def as_json(self) -> dict[str, str]:
        """Return it as an entry tells it."""
        return {"measure": self.measure, "formula": self.formula}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """
    What a side disputes: a line of a period, why, and what it should be.

    `amount` is a plain decimal with the line's sign; or `quantity` says how many units there were,
    of a line that has a price for each. Of a credit, `formula` says by which formula the side reads
    a measure; `cases` are those that it reads otherwise than the record.
    """

    period: str
    line: str
    reason: str
    amount: str | None = None
    quantity: int | None = None
    cases: tuple[str, ...] = ()
    formula: ClaimedFormula | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """
    What is said in a dispute: `amount` with an offer, `reason` with a refusal at least; `formula`
    is the one by which this side reads a measure.
    """

    did: Deed
    amount: str | None = None
    reason: str | None = None
    formula: ClaimedFormula | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeAct:
    """One act of a dispute: `told` is what its entry tells, `at` the instant it was decided by."""

    dispute: int
    number: int
    did: Deed
    side: Side
    told: Mapping[str, Any]
    entry: int
    by: str
    at: datetime

    @classmethod
    def of(cls, told: Mapping[str, Any], *, entry: int, by: str) -> DisputeAct:
        """Return the act that an entry tells."""
        return cls(
            dispute=told["dispute"],
            number=told["number"],
            did=Deed(told["did"]),
            side=told["side"],
            told=told,
            entry=entry,
            by=by,
            at=datetime.fromisoformat(told["as_of"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """
    A dispute as of an instant.

    `stands` is what the line comes to in the document, `wanted` what the disputer says it should;
    `offer` is on the table, by `offered_by`; `turn` is whose answer is awaited, `answer_by` until
    when (None: no clock runs). `settled` is what both agreed that the line comes to.
    """

    number: int
    period: str
    line: str
    text: str
    side: Side
    reason: str
    cases: tuple[str, ...]
    stands: Money
    wanted: Money
    offer: Money | None
    offered_by: Side | None
    state: DisputeState
    turn: Side | None
    answer_by: datetime | None
    if_silent: str
    opened_at: datetime
    settled: Money | None = None
    settled_at: datetime | None = None
    by_silence: bool = False
    acts: tuple[DisputeAct, ...] = ()

    def formula_of(self, side: Side) -> ClaimedFormula | None:
        """Return the formula by which a side read a measure when it last named one."""
        found = [ClaimedFormula.of(act.told) for act in self.acts if act.side == side]
        return next((one for one in reversed(found) if one is not None), None)

    @property
    def at_stake(self) -> Money:
        """How much is in dispute: zero when it is over."""
        if self.state.is_over:
            return Money.zero(self.stands.currency)
        asked = self.wanted - self.stands
        return -asked if asked < Money.zero(asked.currency) else asked

    @property
    def difference(self) -> Money | None:
        """What the settlement adds to what was charged; None while it is not settled."""
        return self.settled - self.stands if self.settled is not None else None

    @property
    def settlement_reason(self) -> str:
        """Why there is a settlement, as an invoice's line says it."""
        how = "no answer came in time" if self.by_silence else "agreed by both sides"
        return f"Dispute {self.number}: {self.reason} ({how})"
