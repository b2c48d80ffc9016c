"""A period's sums are counted some cases at a time; however they are cut, they are the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import EXAMPLE

from openbpo.agreements.files import read_folder
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.resolved import from_facts, resolve
from openbpo.agreements.versions.model import Standing, Terms
from openbpo.assurance.attainment.periods import work_from
from openbpo.billing.closing import figures
from openbpo.billing.closing.decisions import document
from openbpo.billing.closing.figures import count, count_cases
from openbpo.record.model import RecordedEvent
from openbpo.values.ids import EventId, VersionId
from openbpo.values.periods import Period
from openbpo.values.spans import Span

MAY: Final = datetime(2012, 5, 1, tzinfo=UTC)
LEVELS = ("premium", "standard", "basic", "project")
ACTIVITIES = ("Take in charge ticket", "Wait", "Resolve ticket", "Closed")


@st.composite
def histories(draw: st.DrawFn) -> list[RecordedEvent]:
    """Return the events of some cases around May, case by case and in order of time."""
    found = []
    for number in range(draw(st.integers(0, 12))):
        level = draw(st.sampled_from(LEVELS))
        told = draw(st.lists(st.tuples(st.integers(-400, 1_100), st.sampled_from(ACTIVITIES))))
        for nth, (hour, activity) in enumerate(sorted(told)):
            found.append(
                RecordedEvent(
                    event_id=EventId(f"1.{number}{nth}"),
                    kind="case",
                    subject=f"Case {number:02}",
                    happened_at=MAY + timedelta(hours=hour),
                    source="invented",
                    type="activity",
                    facts={"activity": activity, "service_level": level},
                )
            )
    return found


@pytest.fixture(scope="module")
def terms() -> Sequence[Terms]:
    agreement = read_agreement(read_folder(EXAMPLE))
    return (
        Terms(
            version_id=VersionId(UUID(int=1)),
            content_hash=bytes(32),
            standing=Standing.OUR_READING,
            signed_by=("provider",),
            days=Span(agreement.in_force.start, None),
            agreement=agreement,
            resolved=from_facts(agreement, resolve(agreement)),
        ),
    )


class TestTheSumsOfAPeriod:
    @given(events=histories(), at_a_time=st.integers(1, 20))
    def test_are_the_same_however_many_cases_are_counted_at_a_time(
        self, terms: Sequence[Terms], events: list[RecordedEvent], at_a_time: int
    ) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(figures, "EVENTS_AT_A_TIME", at_a_time)
            portioned = count_cases(events, terms, "2012-05")
        assert portioned == count(work_from(events, terms, "2012-05"))

    @given(events=histories(), odd=st.sets(st.integers(0, 12)))
    def test_are_those_of_any_two_parts_of_its_cases(
        self, terms: Sequence[Terms], events: list[RecordedEvent], odd: set[int]
    ) -> None:
        parts: tuple[list[RecordedEvent], list[RecordedEvent]] = ([], [])
        for event in events:
            parts[int(event.subject.split()[1]) in odd].append(event)
        one, other = (count(work_from(part, terms, "2012-05")).sums for part in parts)
        assert one.plus(other) == count(work_from(events, terms, "2012-05")).sums


@dataclass
class Asked:
    """A record of which nothing was told; it notes since when it was asked."""

    of: Sequence[Terms]
    since: list[int] = field(default_factory=list)

    def terms(self, known: int) -> tuple[Terms, ...]:
        return tuple(self.of)

    def active(self, period: Period, known: int) -> Iterator[RecordedEvent]:
        yield from ()

    def of_cases(self, cases: Sequence[str], known: int) -> Iterator[RecordedEvent]:
        yield from ()

    def touched(self, after: int, known: int, *, begun: datetime) -> Sequence[str]:
        self.since.append(after)
        return ()

    def corrected(self, after: int, known: int) -> frozenset[str]:
        return frozenset()


class TestAdjustments:
    @pytest.mark.parametrize(("since", "asked"), [(None, 3), (5, 5)])
    def test_start_where_the_last_period_was_closed(
        self, terms: Sequence[Terms], since: int | None, asked: int
    ) -> None:
        """Where documents are left out, as in a pack of some periods, an act tells where."""
        record = Asked(terms)
        closed = document(record, "2012-05", 3, [])
        assert document(record, "2012-07", 9, [closed], since=since)["adjustments"] == []
        assert record.since == [asked]
