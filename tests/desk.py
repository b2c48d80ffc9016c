"""An engagement within the test's own process: what the commands do, without starting them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from openbpo.agreements.files import read_folder
from openbpo.agreements.model import Side
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.versions.actions import accept, open_engagement
from openbpo.agreements.versions.model import Terms
from openbpo.assurance.attainment.queries import attain, find_period, work_from, work_of
from openbpo.billing.closing.actions import Closing, act_on
from openbpo.billing.closing.figures import count, figures
from openbpo.billing.closing.model import Act, State, Sums
from openbpo.billing.closing.queries import StoredKnowledge, acts
from openbpo.billing.invoicing.model import Invoice
from openbpo.billing.invoicing.queries import invoice_of
from openbpo.delivery.intake.actions import import_file
from openbpo.delivery.intake.model import Imported
from openbpo.evidence.proving.replaying import Replayed, replay
from openbpo.record.model import RecordedEvent
from openbpo.record.queries import events_of_active_cases
from openbpo.record.sealing.actions import seal
from openbpo.record.sealing.store import Sealed
from openbpo.storage.database import Context, Database, Transaction
from openbpo.trust.keys import party_key
from openbpo.trust.seals import seal_keys
from openbpo.values.ids import EngagementId
from openbpo.values.spans import Span

SEALER = Context(principal="openbpo:sealer", purpose="seal")
EVER = Span(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))

Fact = tuple[str, datetime, str, str]
"""An event without its place in the record: case, time, type, facts."""


@dataclass(frozen=True, slots=True)
class Desk:
    """An engagement, and the two databases in which it is worked and sealed."""

    database: Database
    sealer: Database
    context: Context
    handle: str
    engagement_id: EngagementId

    @classmethod
    def opened(
        cls,
        databases: tuple[Database, Database],
        context: Context,
        handle: str,
        folder: Path,
        *sides: Side,
    ) -> Desk:
        """Accept an agreement's folder, as the provider if nobody else is named."""
        database, sealer = databases
        engagement_id = open_engagement(database, context, handle)
        desk = cls(database, sealer, context, handle, engagement_id)
        for side in sides or ("provider",):
            desk.accepts(folder, side)
        return desk

    def accepts(self, folder: Path, side: Side = "provider") -> None:
        """Sign the version that a folder holds."""
        files = read_folder(folder)
        key = party_key(read_agreement(files).party(side).handle)
        accept(self.database, self.context, handle=self.handle, files=files, side=side, key=key)

    def imports(self, path: Path) -> Imported:
        """Import a file."""
        return import_file(
            self.database,
            self.context,
            engagement_id=self.engagement_id,
            handle=self.handle,
            path=path,
        )

    def seals(self) -> Sealed:
        """Seal what was entered."""
        found = seal(self.sealer, SEALER, self.engagement_id).record
        assert found is not None
        return found

    def closes(
        self, period: str, state: State = State.REPORTED, side: Side | None = None
    ) -> Mapping[str, Any]:
        """Bring a period to a state, and return its document."""
        return self.acts_on(period, state, side).document

    def acts_on(self, period: str, state: State, side: Side | None = None) -> Act:
        """Bring a period to a state, as the side whose act that is."""
        closing = Closing(period, state, side or self.whose(state))
        return act_on(self.database, self.context, self.engagement_id, closing, self.seals)

    @staticmethod
    def whose(state: State) -> Side:
        """Return the side that brings a period to a state."""
        return "client" if state in (State.AGREED, State.DISPUTED) else "provider"

    def facts(self) -> list[Fact]:
        """Return every event that counts, case by case in its order, without where it came from."""
        with self.reading() as record:
            return record.facts()

    def reading(self) -> Reading:
        """Return the engagement to be read; its block is one transaction."""
        return Reading(self)


class Reading:
    """A transaction in which an engagement is read: `with desk.reading() as it`."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._open = desk.database.transaction(desk.context.within(desk.engagement_id))

    def __enter__(self) -> Self:
        self.tx: Transaction = self._open.__enter__()
        self.knowledge = StoredKnowledge(self.tx, self.desk.engagement_id)
        self.last = self.knowledge.latest()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, fault, where)

    def terms(self, known: int | None = None) -> tuple[Terms, ...]:
        """Return the terms in force."""
        return self.knowledge.terms(known or self.last)

    def figures(self, period: str, known: int | None = None) -> dict[str, Any]:
        """Return a period's figures from scratch, by what was known at an entry."""
        all_terms = self.terms(known)
        span, governing = find_period(all_terms, period)
        active = self.knowledge.active(span, known or self.last)
        counted = count(work_from(active, all_terms, period))
        return figures(counted.sums, governing, span)

    def invoice(self, period: str) -> Invoice:
        """Return a period's invoice, as the command computes it."""
        work = work_of(self.tx, self.desk.engagement_id, self.terms(), period)
        return invoice_of(work, attain(work))

    def by_case(self, period: str, known: int | None = None) -> dict[str, Sums]:
        """Return what each case adds to a period; those that add nothing are left out."""
        all_terms = self.terms(known)
        span, _ = find_period(all_terms, period)
        active = self.knowledge.active(span, known or self.last)
        found = {
            case: count(work_from(list(events), all_terms, period)).sums
            for case, events in groupby(active, key=lambda event: event.subject)
        }
        return {case: sums for case, sums in found.items() if sums.holds_any}

    def events(self) -> Iterator[RecordedEvent]:
        """Yield every event that counts, case by case in its order."""
        return events_of_active_cases(self.tx, self.desk.engagement_id, EVER)

    @staticmethod
    def whose(state: State) -> Side:
        """Return the side that brings a period to a state."""
        return "client" if state in (State.AGREED, State.DISPUTED) else "provider"

    def facts(self) -> list[Fact]:
        """Return every event that counts, case by case in its order, without where it came from."""
        return [
            (one.subject, one.happened_at, one.type, repr(sorted(one.facts.items())))
            for one in self.events()
        ]

    def acts(self) -> list[Act]:
        """Return every act on the engagement's periods."""
        return acts(self.tx, self.desk.engagement_id)

    def replayed(self, sealed: Sealed) -> Replayed:
        """Recompute everything from the stored lines."""
        return replay(
            self.tx,
            self.desk.engagement_id,
            sealed,
            self.desk.handle,
            self.knowledge.terms(sealed.last_number),
            keys=seal_keys(at=self.tx.at).ring,
            witness=None,
        )
