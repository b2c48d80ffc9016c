"""A closed period: its states, the sums that its figures are made of, and its document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from openbpo.agreements.model import Charge

Document = Mapping[str, Any]
"""What a period came to, as canonical JSON can hold it; described in docs/reference/pack.md."""


class State(StrEnum):
    """How far a period has come. From `reported` on its figures stand."""

    PRELIMINARY = "preliminary"
    REPORTED = "reported"
    AGREED = "agreed"
    DISPUTED = "disputed"
    FINAL = "final"

    @property
    def stands(self) -> bool:
        """Tell whether the figures of a period in this state stay as they are."""
        return self is not State.PRELIMINARY


FOLLOWING: Mapping[State | None, tuple[State, ...]] = {
    None: (State.PRELIMINARY, State.REPORTED),
    State.PRELIMINARY: (State.PRELIMINARY, State.REPORTED),
    State.REPORTED: (State.AGREED, State.DISPUTED),
    State.DISPUTED: (State.AGREED,),
    State.AGREED: (State.FINAL,),
    State.FINAL: (),
}
"""Which states may follow one; None is a period that is open."""
OF_THE_CLIENT = (State.AGREED, State.DISPUTED)
OF_THE_PROVIDER = (State.PRELIMINARY, State.REPORTED, State.FINAL)
"""Whose act brings a period to which state."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How many units a charge counts; all that rating needs to know of a volume."""

    charge: Charge
    quantity: int


@dataclass(frozen=True, slots=True)
class Sums:
    """
    What a period's figures are made of: (numerator, denominator) by measure, units by charge.

    Sums of disjoint cases add up to the sums of all of them, so that a few changed cases change
    them without counting the others again.
    """

    measures: Mapping[str, tuple[int, int]]
    charges: Mapping[str, int]

    def plus(self, other: Sums) -> Sums:
        """Return both together."""
        return self._with(other, lambda mine, its: mine + its)

    def minus(self, other: Sums) -> Sums:
        """Return this without the other."""
        return self._with(other, lambda mine, its: mine - its)

    def _with(self, other: Sums, join: Callable[[int, int], int]) -> Sums:
        measures = {**dict.fromkeys(self.measures), **dict.fromkeys(other.measures)}
        charges = {**dict.fromkeys(self.charges), **dict.fromkeys(other.charges)}
        return Sums(
            {
                name: (
                    join(self.measures.get(name, (0, 0))[0], other.measures.get(name, (0, 0))[0]),
                    join(self.measures.get(name, (0, 0))[1], other.measures.get(name, (0, 0))[1]),
                )
                for name in measures
            },
            {name: join(self.charges.get(name, 0), other.charges.get(name, 0)) for name in charges},
        )

    @property
    def holds_any(self) -> bool:
        """Tell whether anything is counted at all."""
        return any(map(any, self.measures.values())) or any(self.charges.values())

    def as_json(self) -> dict[str, Any]:
        """Return the sums as a document holds them."""
        return {
            "measures": {name: list(pair) for name, pair in sorted(self.measures.items())},
            "charges": dict(sorted(self.charges.items())),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Sums:
        """Return the sums that `as_json` told."""
        return cls(
            {name: (pair[0], pair[1]) for name, pair in told["measures"].items()},
            dict(told["charges"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act on a period: who brought it to which state, when, with which document."""

    number: int
    period: str
    state: State
    side: str
    note: str | None
    entry: int
    known: int
    document: Document
    document_sha256: bytes
    by: str
    at: str
