"""What statements are computed from, and which are stored: reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from openbpo.agreements.resolved import day_of
from openbpo.agreements.versions.model import Terms
from openbpo.assurance.attainment.periods import case_from, find_period
from openbpo.billing.closing.model import State
from openbpo.billing.closing.queries import ActHead, StoredKnowledge, act_heads, follows
from openbpo.billing.statements import store
from openbpo.billing.statements.model import STATEMENT, Readiness, Statement
from openbpo.billing.statements.packing import unpacked
from openbpo.billing.statements.time_lines import time_line
from openbpo.record.queries import events_of_cases, last_of_each_act, reach
from openbpo.storage.database import Transaction
from openbpo.values.canonical import canonical_bytes
from openbpo.values.ids import EngagementId
from openbpo.values.periods import month_names
from openbpo.values.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Sources:
    """What there is to compute by: the last entry of each kind of act, and the acts on periods."""

    last: Mapping[str, int]
    acts: Sequence[ActHead]

    @property
    def latest(self) -> int:
        """Return the number of the last entry of all, 0 where there is none."""
        return max(self.last.values(), default=0)

    def own(self, period: str) -> ActHead | None:
        """Return the last act on a period."""
        return next((act for act in reversed(self.acts) if act.period == period), None)

    def entry(self, period: str) -> int:
        """
        Return the entry that a period is computed at.

        Where its figures stand that is the one on which they do, else the last by which anything
        was told or signed: other entries change no figure of an open period.
        """
        own = self.own(period)
        if own is not None and State(own.state).stands:
            return own.known
        return max(self.last.get("recording", 0), self.last.get("signature", 0))

    def depends_on(self, period: str) -> bytes:
        """Return a digest of all that a period's statement is computed from."""
        own = self.own(period)
        told: list[Any] = [STATEMENT, period, own.state if own else None, self.entry(period)]
        if own is not None and State(own.state).stands:
            told.append(own.document_sha256.hex())
        else:
            told.append(self._adjusted(period))
        return sha256(canonical_bytes(told)).digest()

    def _adjusted(self, period: str) -> list[str]:
        """Return the documents that a period adjusts: all that stand, if it follows the last."""
        standing = {act.period: act for act in reversed(self.acts) if State(act.state).stands}
        if not standing or not follows(max(standing), period):
            return []
        return [standing[name].document_sha256.hex() for name in sorted(standing)]


def sources(tx: Transaction, engagement_id: EngagementId) -> Sources:
    """Return what there is to compute an engagement's statements by."""
    return Sources(last_of_each_act(tx, engagement_id), act_heads(tx, engagement_id))


def stored_statement(
    tx: Transaction, engagement_id: EngagementId, period: str
) -> tuple[Statement, bool] | None:
    """Return what is stored of a period, and whether it is stale; None where nothing is."""
    found = store.statements(tx, engagement_id, [period]).get(period)
    if found is None:
        return None
    depends_on = sources(tx, engagement_id).depends_on(period)
    return as_statement(found), bytes(found.depends_on) != depends_on


def stored_statements(
    tx: Transaction, engagement_id: EngagementId, periods: Sequence[str]
) -> dict[str, Statement]:
    """Return by period what is stored, stale or not: for lists, which compute nothing."""
    found = store.statements(tx, engagement_id, list(periods))
    return {name: as_statement(one) for name, one in found.items()}


def stored_periods(tx: Transaction, engagement_id: EngagementId) -> list[str]:
    """Return the periods of which a statement is stored, in their order."""
    return sorted(store.heads(tx, engagement_id))


def as_statement(stored: store.StoredStatement) -> Statement:
    """Return a stored statement as it is read."""
    depends_on = bytes(stored.depends_on)
    return Statement(stored.period, stored.entry, depends_on, unpacked(bytes(stored.body)))


def period_names(tx: Transaction, engagement_id: EngagementId) -> list[str]:
    """Return the periods in which the record has events, or that were closed; in their order."""
    found = sources(tx, engagement_id)
    all_terms = terms_at(StoredKnowledge(tx, engagement_id), found.latest)
    held = reach(tx, engagement_id)
    names = {act.period for act in found.acts}
    if held.first is not None and held.last is not None:
        zone = all_terms[-1].resolved.zones[all_terms[-1].agreement.zone]
        first, last = (f"{day_of(at, zone):%Y-%m}" for at in (held.first, held.last))
        names.update(month_names(first, last))
    return sorted(name for name in names if _is_period(all_terms, name))


def _is_period(all_terms: Sequence[Terms], name: str) -> bool:
    try:
        find_period(all_terms, name)
    except Refusal:
        return False
    return True


def terms_at(knowledge: StoredKnowledge, known: int) -> tuple[Terms, ...]:
    """Return the terms in force at an entry. Raises Refusal where nobody has signed a version."""
    found = knowledge.terms(known)
    if not found:
        raise Refusal.of(
            "statements",
            "No version of the agreement is in force: there is nothing to compute by.",
            "Accept it: openbpo accept FOLDER --as provider (or client).",
        )
    return found


def readiness(tx: Transaction, engagement_id: EngagementId) -> list[Readiness]:
    """Return how the statement of each period of the record stands."""
    found = sources(tx, engagement_id)
    stored = store.heads(tx, engagement_id)
    names = period_names(tx, engagement_id)
    return [_readiness(name, stored.get(name), found) for name in names]


def _readiness(name: str, stored: store.StoredHead | None, found: Sources) -> Readiness:
    if stored is None:
        return Readiness(name, None, is_stale=True)
    is_stale = bytes(stored.depends_on) != found.depends_on(name)
    return Readiness(name, stored.entry, is_stale)


def stale_periods(tx: Transaction, engagement_id: EngagementId) -> list[str]:
    """Return the periods whose statement is missing or stale, in their order."""
    return [one.period for one in readiness(tx, engagement_id) if one.is_stale]


def case_time_line(
    tx: Transaction, engagement_id: EngagementId, case: str, *, known: int | None = None
) -> dict[str, Any]:
    """
    Return a case's events in order and what each measure and charge makes of it, as JSON.

    As known at an entry, or now; clocks that run are read at the record's last event. Its form is
    described in docs/reference/statements.md. Raises Refusal where there is no such case.
    """
    at = sources(tx, engagement_id).latest if known is None else known
    happened = list(events_of_cases(tx, engagement_id, [case], known=at))
    if not happened:
        raise Refusal.of(case, "The record holds no case of this key.", "Check how it is written.")
    happened = [event for event in happened if event.kind == happened[0].kind]
    all_terms = terms_at(StoredKnowledge(tx, engagement_id), at)
    terms, found = case_from(happened, all_terms, all_terms[-1])
    until = reach(tx, engagement_id, known=at).last
    assert until is not None, "a record with a case reaches somewhere"
    return {"entry": at, **time_line(happened, found, terms, until)}
