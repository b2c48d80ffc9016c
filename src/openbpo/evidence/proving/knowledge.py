"""
The record held in memory, as its lines tell it: what was known at each entry. Pure.

It answers what the database answers, from the lines alone: which events a later version of their
row has corrected, in which order a case's events stand, which terms were in force.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from openbpo.agreements.files import FILE_NAMES
from openbpo.agreements.versions.model import Proposed, Terms
from openbpo.agreements.versions.replaying import (
    ReadVersion,
    Signed,
    read_version,
    signed_told,
    terms_after,
)
from openbpo.record.model import CASE_KINDS, RecordedEvent, ToldEvent
from openbpo.values.ids import EventId, VersionId
from openbpo.values.periods import Period

NEVER = 2**31
NOWHERE = (datetime.min.replace(tzinfo=UTC), "", 0, 0, 0)
Case = tuple[str, str]
"""A kind and a subject."""


@dataclass(slots=True)
class HeldEvent:
    """An event, from which entry on it is known, and from which on it is corrected."""

    told: ToldEvent
    ordinal: int
    recording: int = 0
    order: tuple[datetime, str, int, int, int] = NOWHERE
    known: int = NEVER
    corrected: int = NEVER

    @property
    def case(self) -> Case:
        """Return of which case it tells."""
        return self.told.kind, self.told.subject


_ORDER = attrgetter("order")
_Row = HeldEvent | list[HeldEvent]
"""The events of a row's last version: one, as nearly always, or several."""


def _parts(row: _Row) -> list[HeldEvent]:
    return row if isinstance(row, list) else [row]


@dataclass(slots=True)
class HeldRecord:
    """A record that is being read from its lines."""

    handle: str
    versions: dict[bytes, ReadVersion] = field(default_factory=dict)
    signatures: list[Signed] = field(default_factory=list)
    cases: dict[Case, list[HeldEvent]] = field(default_factory=dict)
    sources: dict[int, str] = field(default_factory=dict)
    events: int = 0
    _touched: dict[int, set[Case]] = field(default_factory=dict)
    """By entry, the cases of which it told or corrected anything."""
    _corrected: dict[int, set[Case]] = field(default_factory=dict)
    """By entry, the cases of which it corrected anything."""
    _rows: dict[str, _Row] = field(default_factory=dict)
    """By row key, the row's last version."""
    _again: list[tuple[str, _Row]] = field(default_factory=list)
    """Rows of the entry under way whose key was there before: (key, last version)."""
    _withheld: int = 0
    _brought: list[HeldEvent] = field(default_factory=list)
    _months: dict[tuple[int, int], set[Case]] = field(default_factory=dict)
    """By year and month in UTC, the cases with an event in it."""
    _terms: dict[int, tuple[Terms, ...]] = field(default_factory=dict)

    def add_version(self, told: Mapping[str, Any]) -> None:
        """Add a version's files; raises Refusal unless its content hash covers them."""
        digest = bytes.fromhex(told["content_hash"])
        if set(told["files"]) != set(FILE_NAMES):
            raise ValueError(f"Its files are {sorted(told['files'])}.")
        self.versions[digest] = read_version(
            Proposed(
                version_id=VersionId(UUID(bytes=digest[:16])),
                number=told["number"],
                supersedes=(),
                content_hash=digest,
                files=told["files"],
                resolved=told["resolved"],
                semantics=told["semantics"],
            )
        )

    def add_event(self, told: ToldEvent) -> None:
        """Add an event of the recording that the next act completes."""
        event = HeldEvent(told, len(self._brought) + self._withheld + 1)
        row = told.row
        before = self._rows.get(row)
        if told.part == 1:
            if before is not None:
                self._again.append((row, before))
            self._rows[row] = event
        elif before is None:
            raise KeyError(row)
        else:
            self._rows[row] = [*_parts(before), event]
        self._brought.append(event)

    def add_withheld(self) -> None:
        """Count an event that is withheld, so that the others keep their place."""
        self._withheld += 1

    def add_act(self, told: Mapping[str, Any]) -> None:
        """Add an act; one that completes a recording makes its events known."""
        if told["act"] == "recording":
            self._complete(told)
        elif told["act"] == "signature":
            self.signatures.append(signed_told(told))

    def _complete(self, told_act: Mapping[str, Any]) -> None:
        entry, recording = told_act["entry"], told_act["recording"]
        self.sources[recording] = told_act["source"]
        touched = self._touched.setdefault(entry, set())
        for event in self._brought:
            told = event.told
            at = told.happened_at
            event.recording, event.known = recording, entry
            event.order = (at, told.rank or "", recording, told.position, told.part)
            case = (told.kind, told.subject)
            self.cases.setdefault(case, []).append(event)
            self._months.setdefault((at.year, at.month), set()).add(case)
            touched.add(case)
        self.events += len(self._brought)
        if told_act["identity"] == "key":
            for row, before in self._again:
                self._correct(entry, row, _parts(before))
        self._brought, self._again, self._withheld = [], [], 0

    def _correct(self, entry: int, row: str, before: Sequence[HeldEvent]) -> None:
        """What a row said before is corrected; its new version keeps the place of the first."""
        for event in before:
            event.corrected = min(event.corrected, entry)
            self._touched.setdefault(entry, set()).add(event.case)
            self._corrected.setdefault(entry, set()).add(event.case)
        _, _, recording, position, _ = before[0].order
        for event in _parts(self._rows[row]):
            at, rank, _, _, part = event.order
            event.order = (at, rank, recording, position, part)

    def terms(self, known: int) -> tuple[Terms, ...]:
        """Return the terms in force at an entry."""
        signatures = [signed for signed in self.signatures if signed.entry <= known]
        key = len(signatures)
        if key not in self._terms:
            self._terms[key] = terms_after(self.handle, self.versions, signatures)
        return self._terms[key]

    def active(self, period: Period, known: int) -> Iterator[RecordedEvent]:
        """Yield the events of all cases that have one in the period, case by case."""
        start, end = period.span.start, period.span.end
        assert end is not None, "a period ends"
        first, last = _month_of(start), _month_of(end)
        near = (cases for month, cases in self._months.items() if first <= month <= last)
        for case in sorted(set().union(*near)):
            if case[0] in CASE_KINDS and any(
                start <= event.told.happened_at < end for event in self.cases[case]
            ):
                yield from self._of(case, known)

    def of_cases(self, cases: Sequence[str], known: int) -> Iterator[RecordedEvent]:
        """Yield the events of the cases named, case by case."""
        wanted = set(cases)
        for case in sorted(
            case for case in self.cases if case[1] in wanted and case[0] in CASE_KINDS
        ):
            yield from self._of(case, known)

    def everything(self, known: int) -> Iterator[RecordedEvent]:
        """Yield the events of all cases, case by case."""
        for case in sorted(case for case in self.cases if case[0] in CASE_KINDS):
            yield from self._of(case, known)

    def corrections(self) -> dict[tuple[int, int], int]:
        """Return from which entry on each corrected event is corrected, by its place."""
        return {
            (event.recording, event.ordinal): event.corrected
            for events in self.cases.values()
            for event in events
            if event.corrected < NEVER
        }

    def _of(self, case: Case, known: int) -> Iterator[RecordedEvent]:
        events = [e for e in self.cases[case] if e.known <= known < e.corrected]
        events.sort(key=_ORDER)
        sources = self.sources
        for event in events:
            told, recording = event.told, event.recording
            yield RecordedEvent(
                EventId(f"{recording}.{event.ordinal}"), told.kind, told.subject,
                told.happened_at, sources[recording], told.type, told.facts,
            )  # fmt: skip

    def touched(self, after: int, known: int, *, begun: datetime) -> Sequence[str]:
        """Return the cases, begun before an instant, of which something was told or corrected."""
        told = {case for kind, case in _between(self._touched, after, known) if kind in CASE_KINDS}
        return sorted(case for case in told if self._has_begun(case, begun))

    def _has_begun(self, case: str, by: datetime) -> bool:
        return any(
            event.told.happened_at < by
            for kind in CASE_KINDS
            for event in self.cases.get((kind, case), ())
        )

    def corrected(self, after: int, known: int) -> frozenset[str]:
        """Return the cases of which something was corrected after an entry."""
        return frozenset(
            case for kind, case in _between(self._corrected, after, known) if kind in CASE_KINDS
        )


def _between(by_entry: Mapping[int, set[Case]], after: int, known: int) -> set[Case]:
    """Return the cases of the entries after one and up to another."""
    return set().union(*(cases for at, cases in by_entry.items() if after < at <= known))


def _month_of(at: datetime) -> tuple[int, int]:
    in_utc = at.astimezone(UTC)
    return in_utc.year, in_utc.month
