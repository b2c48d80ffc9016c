"""Working time against an oracle that reads a wall clock once a minute."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from openbpo.values.calendars import Block, WorkingCalendar
from openbpo.values.zones import Zone, resolve_zone

MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)
NAMES = (
    "Europe/Rome",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Bogota",
    "Pacific/Apia",
)
zones = st.sampled_from([resolve_zone(name, 2009, 2012) for name in NAMES])


@st.composite
def days_of_blocks(draw: st.DrawFn) -> tuple[Block, ...]:
    """Up to three blocks, most of them on the quarter hour and early, where clocks change."""
    minute = st.integers(0, 16).map(lambda quarters: quarters * 15) | st.integers(0, 1440)
    edges = sorted(draw(st.sets(minute, max_size=6)))
    return tuple(Block(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[WorkingCalendar, datetime, datetime, datetime]:
    """A calendar and three instants in order, within some days of a clock change."""
    zone: Zone = draw(zones)
    inside = [since for since, _ in zone.offsets[1:]] or [datetime(2012, 2, 28, 5, tzinfo=UTC)]
    anchor = draw(st.sampled_from(inside))
    week = tuple(draw(st.tuples(*[days_of_blocks()] * 7)))
    near = st.integers(-2, 2).map(lambda n: (anchor + timedelta(days=n)).date())
    holidays: frozenset[date] = draw(st.frozensets(near, max_size=2))
    minutes = st.integers(-1500, 1500).map(lambda n: anchor + n * MINUTE)
    instants = st.tuples(minutes, st.sampled_from([0, 0, 1, 59_999_999])).map(
        lambda pair: pair[0] + pair[1] * MICROSECOND
    )
    a, b, c = sorted(draw(st.tuples(instants, instants, instants)))
    return WorkingCalendar(zone, week, holidays), a, b, c


def counts(calendar: WorkingCalendar, instant: datetime) -> bool:
    local = instant.astimezone(ZoneInfo(calendar.zone.name))
    minute = 60 * local.hour + local.minute
    return local.date() not in calendar.holidays and any(
        block.start_min <= minute < block.end_min for block in calendar.blocks[local.weekday()]
    )


def minutes_that_count(
    calendar: WorkingCalendar, start: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    """Return each part of [start, end) within one minute of the clock that counts."""
    minute = start.replace(second=0, microsecond=0)
    found = []
    while minute < end:
        if counts(calendar, minute):
            found.append((max(start, minute), min(end, minute + MINUTE)))
        minute += MINUTE
    return found


class TestWorkedUs:
    @settings(max_examples=120, deadline=None)
    @given(worlds())
    def test_is_what_a_clock_watcher_counts(
        self, world: tuple[WorkingCalendar, datetime, datetime, datetime]
    ) -> None:
        calendar, start, _, end = world
        counted = minutes_that_count(calendar, start, end)
        total = sum((until - since for since, until in counted), timedelta())
        assert calendar.worked_us(start, end) == total // MICROSECOND

    @settings(deadline=None)
    @given(worlds())
    def test_adds_up(self, world: tuple[WorkingCalendar, datetime, datetime, datetime]) -> None:
        calendar, a, b, c = world
        assert calendar.worked_us(a, b) + calendar.worked_us(b, c) == calendar.worked_us(a, c)
        assert 0 <= calendar.worked_us(a, b) <= (b - a) // MICROSECOND


class TestIntervals:
    @settings(deadline=None)
    @given(worlds())
    def test_hold_all_that_was_worked_and_never_touch(
        self, world: tuple[WorkingCalendar, datetime, datetime, datetime]
    ) -> None:
        calendar, start, _, end = world
        intervals = calendar.intervals(start, end)
        edges = [edge for interval in intervals for edge in interval]
        assert edges == sorted(set(edges))
        assert all(start <= edge <= end for edge in edges)
        length = sum((until - since for since, until in intervals), timedelta())
        assert calendar.worked_us(start, end) == length // MICROSECOND
        for since, until in intervals:
            assert counts(calendar, since)
            assert counts(calendar, until - MICROSECOND)
            assert until == end or not counts(calendar, until)


class TestAfter:
    @settings(deadline=None)
    @given(worlds(), st.integers(0, 10**4))
    def test_is_the_first_instant_by_which_it_was_worked(
        self,
        world: tuple[WorkingCalendar, datetime, datetime, datetime],
        ten_thousandths: int,
    ) -> None:
        calendar, start, _, end = world
        working_us = calendar.worked_us(start, end) * ten_thousandths // 10**4
        reached = calendar.after(start, working_us)
        assert calendar.worked_us(start, reached) == working_us
        assert reached <= end
        if working_us:
            assert calendar.worked_us(start, reached - MICROSECOND) == working_us - 1
        else:
            assert reached == start


class TestRoundTheClock:
    @settings(deadline=None)
    @given(worlds())
    def test_is_elapsed_time(
        self, world: tuple[WorkingCalendar, datetime, datetime, datetime]
    ) -> None:
        calendar, start, _, end = world
        always = WorkingCalendar.round_the_clock(calendar.zone)
        assert always.worked_us(start, end) == (end - start) // MICROSECOND
        assert always.after(start, (end - start) // MICROSECOND) == end
