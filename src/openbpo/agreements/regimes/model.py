"""Results on the way in, verdicts and credits on the way out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from openbpo.agreements.model import Level


class Verdict(StrEnum):
    """What a result is, by the agreement."""

    MET = "met"
    DEFAULT = "default"
    LOW_VOLUME = "low_volume"


@dataclass(frozen=True, slots=True)
class Tally:
    """A measure's result for a period: how many of how many."""

    measure: str
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A result with its verdict; `credit_rate` is the level's own, before any cap."""

    measure: str
    clause: str | None
    numerator: int
    denominator: int
    compared: Fraction | None
    """The share as it was compared; None where a low volume was not compared at all."""
    level: Level | None
    verdict: Verdict
    credit_rate: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """All verdicts of a period and the one credit rate that they come to, in 0..1 of its base."""

    judged: tuple[Judged, ...]
    rates_added: Fraction
    credit_rate: Fraction

    @property
    def is_capped(self) -> bool:
        """Tell whether the cap took anything away."""
        return self.credit_rate < self.rates_added
