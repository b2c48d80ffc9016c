"""What was closed, and the record as closing reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from openbpo.agreements.versions.model import Terms
from openbpo.agreements.versions.queries import last_signature, terms_known
from openbpo.billing.closing.adjusting import adjustments
from openbpo.billing.closing.decisions import due_with
from openbpo.billing.closing.model import Act, Document, State
from openbpo.billing.closing.store import ActHead, act_heads, acts
from openbpo.billing.invoicing.model import Invoice
from openbpo.record.model import RecordedEvent
from openbpo.record.queries import (
    cases_corrected,
    cases_touched,
    events_of_active_cases,
    events_of_cases,
    last_entry,
)
from openbpo.storage.database import Transaction
from openbpo.values.ids import EngagementId
from openbpo.values.periods import Period


@dataclass(frozen=True, slots=True)
class StoredKnowledge:
    """The record in the database, as known at an entry."""

    tx: Transaction
    engagement_id: EngagementId
    _terms: dict[int, tuple[Terms, ...]] = field(default_factory=dict)
    """By the last entry in which a version was signed: reading one takes a while."""

    def latest(self) -> int:
        """Return the number of the last entry."""
        entry = last_entry(self.tx, self.engagement_id)
        return entry.entry if entry else 0

    def terms(self, known: int) -> tuple[Terms, ...]:
        """Return the terms in force."""
        signed = last_signature(self.tx, self.engagement_id, known=known)
        if signed not in self._terms:
            self._terms[signed] = terms_known(self.tx, self.engagement_id, known=signed)
        return self._terms[signed]

    def active(self, period: Period, known: int) -> Iterator[RecordedEvent]:
        """Yield the events of all cases that have one in the period, case by case."""
        return events_of_active_cases(self.tx, self.engagement_id, period.span, known=known)

    def of_cases(self, cases: Sequence[str], known: int) -> Iterator[RecordedEvent]:
        """Yield the events of the cases named, case by case."""
        return events_of_cases(self.tx, self.engagement_id, cases, known=known)

    def touched(self, after: int, known: int, *, begun: datetime) -> Sequence[str]:
        """Return the cases, begun before an instant, of which something was told or corrected."""
        return cases_touched(self.tx, self.engagement_id, after=after, known=known, begun=begun)

    def corrected(self, after: int, known: int) -> frozenset[str]:
        """Return the cases of which something was corrected after an entry."""
        return frozenset(cases_corrected(self.tx, self.engagement_id, after=after, known=known))


def standing_documents(all_acts: Sequence[Act]) -> list[Document]:
    """Return the documents of the periods whose figures stand, in the order of their closing."""
    last: dict[str, Act] = {}
    for act in all_acts:
        if act.state.stands and act.period not in last:
            last[act.period] = act
    return [act.document for act in last.values()]


def last_act(all_acts: Sequence[Act], period: str) -> Act | None:
    """Return the latest act on a period, None while it is open."""
    return next((act for act in reversed(all_acts) if act.period == period), None)


@dataclass(frozen=True, slots=True)
class Closed:
    """
    How far a period is closed, at which entry its figures stand, and what it adjusts.

    `known` None means all that is recorded. The first period after the last closed one carries the
    adjustments of those before it, also while it is open.
    """

    state: State | None
    known: int | None
    adjustments: Sequence[Mapping[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """Return what figures say of it; nothing where nothing was ever closed."""
        if self.state is None and self.known is None and not self.adjustments:
            return {}
        return {
            "state": self.state.value if self.state else "open",
            "known": self.known,
            "adjustments": list(self.adjustments),
        }

    def as_document(self, currency: str) -> dict[str, Any]:
        """Return the adjustments as a document holds them."""
        return {"adjustments": list(self.adjustments), "currency": currency}

    def due(self, invoice: Invoice) -> dict[str, Any]:
        """Return what is due: the period's own sums with all that is adjusted."""
        return {
            "currency": invoice.total.currency,
            "due": due_with(
                {
                    "net": invoice.net.amount,
                    "tax_amount": invoice.tax.amount,
                    "total": invoice.total.amount,
                },
                self.adjustments,
                invoice.total.currency,
            ),
        }


def closed_as(
    knowledge: StoredKnowledge, all_acts: Sequence[Act], name: str, at: int | None
) -> Closed:
    """Return how far a period is closed by these acts; `at` is the entry asked for, if one is."""
    act = last_act(all_acts, name)
    if act is not None and act.state.stands:
        return Closed(act.state, act.known if at is None else at, act.document["adjustments"])
    standing = standing_documents(all_acts)
    adjusted: Sequence[Mapping[str, Any]] = ()
    if standing and follows(standing[-1]["period"], name):
        latest = knowledge.latest() if at is None else at
        adjusted = adjustments(knowledge, latest, standing).entries
    return Closed(act.state if act else None, at, adjusted)


def follows(last: str, name: str) -> bool:
    """Tell whether a period is the one after another."""
    year, month = (int(part) for part in last.split("-"))
    return name == f"{year + month // 12:04}-{month % 12 + 1:02}"


__all__ = [
    "ActHead",
    "Closed",
    "StoredKnowledge",
    "act_heads",
    "acts",
    "closed_as",
    "follows",
    "last_act",
    "standing_documents",
]
