"""A billable volume and the cases that it counts."""

from __future__ import annotations

from dataclasses import dataclass

from openbpo.agreements.model import Charge
from openbpo.agreements.service_levels.model import Case, OpenQuestion


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """The cases that a charge counts in a period, each once, in the order of their moment."""

    charge: Charge
    cases: tuple[Case, ...]
    questions: tuple[OpenQuestion, ...]

    @property
    def quantity(self) -> int:
        """Return how many units are charged."""
        return len(self.cases)
