"""
The record held in memory, as its lines tell it: what was known at each entry. Pure.

It answers what the database answers, from the lines alone: which events a later version of their
row has corrected, in which order a case's events stand, which terms were in force.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
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
from openbpo.record.model import CASE_KINDS, RecordedEvent
from openbpo.values.ids import EventId, VersionId
from openbpo.values.periods import Period

NEVER = 2**31


@dataclass(slots=True)
class HeldEvent:
    """An event, from which entry on it is known, and from which on it is corrected."""

    order: tuple[datetime, str, int, int, int]
    recording: int
    ordinal: int
    kind: str
    type: str
    facts: Mapping[str, Any]
    known: int = NEVER
    corrected: int = NEVER


@dataclass(slots=True)
class HeldRecord:
    """A record that is being read from its lines."""

    handle: str
    versions: dict[bytes, ReadVersion] = field(default_factory=dict)
    signatures: list[Signed] = field(default_factory=list)
    cases: dict[tuple[str, str], list[HeldEvent]] = field(default_factory=dict)
    sources: dict[int, str] = field(default_factory=dict)
    events: int = 0
    _touched: list[tuple[int, str, str, bool]] = field(default_factory=list)
    """(entry, kind, case, is a correction) of everything that was told."""
    _rows: dict[str, list[tuple[str, HeldEvent]]] = field(default_factory=dict)
    """By row key: the case and event of each part of the row's last version."""
    _again: list[tuple[str, list[tuple[str, HeldEvent]]]] = field(default_factory=list)
    """Rows of the entry under way whose key was there before: (key, last version)."""
    _withheld: int = 0
    _brought: list[tuple[str, HeldEvent]] = field(default_factory=list)
    _times: list[tuple[datetime, str, str]] | None = None
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

    def add_event(self, told: Mapping[str, Any]) -> None:
        """Add an event of the recording that the next act completes."""
        row, part, position = told["row"], told["part"], told["position"]
        before = self._rows.get(row)
        if part == 1:
            if before is not None:
                self._again.append((row, before))
            self._rows[row] = parts = []
        else:
            parts = self._rows[row]
        event = HeldEvent(
            (datetime.fromisoformat(told["at"]), told.get("rank", ""), 0, position, part),
            0,
            len(self._brought) + self._withheld + 1,
            told["kind"],
            told["type"],
            told["facts"],
        )
        subject = told["subject"]
        parts.append((subject, event))
        self._brought.append((subject, event))

    def add_withheld(self) -> None:
        """Count an event that is withheld, so that the others keep their place."""
        self._withheld += 1

    def add_act(self, told: Mapping[str, Any]) -> None:
        """Add an act; one that completes a recording makes its events known."""
        if told["act"] == "recording":
            self._complete(told)
        elif told["act"] == "signature":
            self.signatures.append(signed_told(told))

    def _complete(self, told: Mapping[str, Any]) -> None:
        entry, recording = told["entry"], told["recording"]
        self.sources[recording] = told["source"]
        for subject, event in self._brought:
            at, rank, _, position, part = event.order
            event.order = (at, rank, recording, position, part)
            event.recording, event.known = recording, entry
            case = (event.kind, subject)
            self.cases.setdefault(case, []).append(event)
            self._touched.append((entry, *case, False))
        self.events += len(self._brought)
        if told["identity"] == "key":
            for row, before in self._again:
                self._correct(entry, row, before)
        self._brought, self._again, self._times, self._withheld = [], [], None, 0

    def _correct(self, entry: int, row: str, before: Sequence[tuple[str, HeldEvent]]) -> None:
        """What a row said before is corrected; its new version keeps the place of the first."""
        for subject, event in before:
            event.corrected = min(event.corrected, entry)
            self._touched.append((entry, event.kind, subject, True))
        _, _, recording, position, _ = before[0][1].order
        for _, event in self._rows[row]:
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
        if self._times is None:
            self._times = sorted(
                (event.order[0], *case)
                for case, events in self.cases.items()
                if case[0] in CASE_KINDS
                for event in events
            )
        start, end = period.span.start, period.span.end
        assert end is not None, "a period ends"
        first = bisect_left(self._times, (start,))
        last = bisect_left(self._times, (end,))
        for case in sorted({(kind, case) for _, kind, case in self._times[first:last]}):
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

    def _of(self, case: tuple[str, str], known: int) -> Iterator[RecordedEvent]:
        events = [e for e in self.cases[case] if e.known <= known < e.corrected]
        for event in sorted(events, key=lambda event: event.order):
            yield RecordedEvent(
                event_id=EventId(f"{event.recording}.{event.ordinal}"),
                kind=event.kind,
                subject=case[1],
                happened_at=event.order[0],
                source=self.sources[event.recording],
                type=event.type,
                facts=event.facts,
            )

    def touched(self, after: int, known: int, *, begun: datetime) -> Sequence[str]:
        """Return the cases, begun before an instant, of which something was told or corrected."""
        told = {
            case
            for at, kind, case, _ in self._touched
            if after < at <= known and kind in CASE_KINDS
        }
        return sorted(case for case in told if self._has_begun(case, begun))

    def _has_begun(self, case: str, by: datetime) -> bool:
        return any(
            event.order[0] < by for kind in CASE_KINDS for event in self.cases.get((kind, case), ())
        )

    def corrected(self, after: int, known: int) -> frozenset[str]:
        """Return the cases of which something was corrected after an entry."""
        return frozenset(
            case
            for at, kind, case, is_one in self._touched
            if is_one and after < at <= known and kind in CASE_KINDS
        )


def told_of(body: bytes) -> dict[str, Any]:
    """Return a line's JSON."""
    told: dict[str, Any] = json.loads(body)
    return told
