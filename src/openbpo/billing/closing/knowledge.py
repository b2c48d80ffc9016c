"""What closing asks of the record, wherever it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from openbpo.agreements.versions.model import Terms
from openbpo.record.model import RecordedEvent
from openbpo.values.periods import Period


class Knowledge(Protocol):
    """The record up to an entry, wherever it is kept: in the database, or in an evidence pack."""

    def terms(self, known: int) -> tuple[Terms, ...]:
        """Return the terms in force."""

    def active(self, period: Period, known: int) -> Iterator[RecordedEvent]:
        """Yield the events of all cases that have one in the period, case by case."""

    def of_cases(self, cases: Sequence[str], known: int) -> Iterator[RecordedEvent]:
        """Yield the events of the cases named, case by case."""

    def touched(self, after: int, known: int, *, begun: datetime) -> Sequence[str]:
        """
        Return the cases of which something was told or corrected after an entry.

        Of these, the cases that have any event before the instant `begun`.
        """

    def corrected(self, after: int, known: int) -> frozenset[str]:
        """Return the cases of which something was corrected after an entry."""
