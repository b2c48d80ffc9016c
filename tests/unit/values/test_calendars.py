from datetime import UTC, date, datetime, timedelta

import pytest

from openbpo.values.calendars import Block, WorkingCalendar, resolve_holidays
from openbpo.values.zones import OutsideResolved, resolve_zone

HOUR_US = 3_600_000_000
ROME = resolve_zone("Europe/Rome", 2012, 2013)
SPRING, AUTUMN = date(2012, 3, 25), date(2012, 10, 28)
EPIPHANY = date(2012, 1, 6)
OFFICE = WorkingCalendar(
    ROME,
    ((Block(14 * 60, 18 * 60), Block(9 * 60, 13 * 60)),) * 5 + ((),) * 2,
    frozenset({EPIPHANY}),
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def every_day(*blocks: Block) -> WorkingCalendar:
    return WorkingCalendar(ROME, (blocks,) * 7)


def worked_on(day: date, calendar: WorkingCalendar) -> int:
    start, end = ROME.day_start(day), ROME.day_start(day + timedelta(days=1))
    return calendar.worked_us(start, end)


class TestBlock:
    @pytest.mark.parametrize("minutes", [(-1, 60), (60, 60), (60, 30), (0, 1441)])
    def test_is_part_of_a_day(self, minutes: tuple[int, int]) -> None:
        with pytest.raises(ValueError, match="is no part of a day"):
            Block(*minutes)


class TestWorkingCalendar:
    def test_refuses_blocks_of_a_day_that_overlap(self) -> None:
        with pytest.raises(ValueError, match="overlap"):
            every_day(Block(60, 120), Block(0, 61))

    def test_takes_blocks_that_touch(self) -> None:
        both = every_day(Block(60, 120), Block(0, 60))
        assert both.intervals(utc(2012, 2, 1, 12), utc(2012, 2, 2, 12)) == [
            (utc(2012, 2, 1, 23), utc(2012, 2, 2, 1))
        ]

    def test_refuses_a_week_that_has_not_seven_days(self) -> None:
        with pytest.raises(ValueError, match="7 days"):
            WorkingCalendar(ROME, ((),) * 6)

    def test_counts_the_blocks_of_a_working_day(self) -> None:
        wednesday, saturday = date(2012, 2, 1), date(2012, 2, 4)
        assert worked_on(wednesday, OFFICE) == 8 * HOUR_US
        assert worked_on(saturday, OFFICE) == 0
        assert OFFICE.intervals(utc(2012, 2, 1, 9), utc(2012, 2, 2, 9)) == [
            (utc(2012, 2, 1, 9), utc(2012, 2, 1, 12)),
            (utc(2012, 2, 1, 13), utc(2012, 2, 1, 17)),
            (utc(2012, 2, 2, 8), utc(2012, 2, 2, 9)),
        ]

    def test_counts_nothing_on_a_holiday(self) -> None:
        assert worked_on(EPIPHANY, OFFICE) == 0
        assert worked_on(EPIPHANY - timedelta(days=1), OFFICE) == 8 * HOUR_US

    @pytest.mark.parametrize(
        ("day", "block", "minutes"),
        [
            (SPRING, Block(0, 1440), 23 * 60),
            (AUTUMN, Block(0, 1440), 25 * 60),
            (SPRING, Block(120, 180), 0),
            (SPRING, Block(90, 210), 60),
            (AUTUMN, Block(120, 150), 60),
            (AUTUMN, Block(0, 150), 180),
            (AUTUMN, Block(150, 240), 120),
        ],
    )
    def test_follows_the_wall_when_the_clock_changes(
        self, day: date, block: Block, minutes: int
    ) -> None:
        assert worked_on(day, every_day(block)) == minutes * 60_000_000

    def test_counts_a_doubled_half_hour_in_two_intervals(self) -> None:
        assert every_day(Block(120, 150)).intervals(utc(2012, 10, 28), utc(2012, 10, 29)) == [
            (utc(2012, 10, 28, 0), utc(2012, 10, 28, 0, 30)),
            (utc(2012, 10, 28, 1), utc(2012, 10, 28, 1, 30)),
        ]

    def test_round_the_clock_is_elapsed_time(self) -> None:
        always = WorkingCalendar.round_the_clock(ROME)
        assert always.worked_us(ROME.first, ROME.last) == 731 * 24 * HOUR_US
        assert always.intervals(ROME.first, ROME.last) == [(ROME.first, ROME.last)]
        assert always.after(utc(2012, 3, 24, 12, 0, 0, 1), 24 * HOUR_US) == utc(
            2012, 3, 25, 12, 0, 0, 1
        )

    def test_is_after_some_work_at_the_first_such_instant(self) -> None:
        friday = utc(2012, 2, 3, 16, 30)
        assert OFFICE.after(friday, HOUR_US // 2) == utc(2012, 2, 3, 17)
        assert OFFICE.after(friday, HOUR_US // 2 + 1) == utc(2012, 2, 6, 8, 0, 0, 1)
        assert OFFICE.after(utc(2012, 2, 4, 3), 0) == utc(2012, 2, 4, 3)

    def test_sees_no_interval_in_an_instant(self) -> None:
        assert OFFICE.intervals(utc(2012, 2, 1, 9), utc(2012, 2, 1, 9)) == []

    def test_refuses_time_that_runs_backwards(self) -> None:
        later, earlier = utc(2012, 2, 2), utc(2012, 2, 1)
        with pytest.raises(ValueError, match="is before"):
            OFFICE.worked_us(later, earlier)
        with pytest.raises(ValueError, match="is before"):
            OFFICE.intervals(later, earlier)
        with pytest.raises(ValueError, match="cannot pass"):
            OFFICE.after(earlier, -1)
        with pytest.raises(ValueError, match="has no time zone"):
            OFFICE.worked_us(datetime(2012, 2, 1), later)

    def test_answers_nothing_outside_the_resolved_years(self) -> None:
        tick = timedelta(microseconds=1)
        with pytest.raises(OutsideResolved):
            OFFICE.worked_us(ROME.first - tick, ROME.last)
        with pytest.raises(OutsideResolved):
            OFFICE.worked_us(ROME.first, ROME.last + tick)
        with pytest.raises(OutsideResolved):
            OFFICE.intervals(ROME.first, ROME.last + tick)
        with pytest.raises(OutsideResolved):
            OFFICE.after(utc(2013, 12, 31), 9 * HOUR_US)
        with pytest.raises(OutsideResolved):
            WorkingCalendar(ROME, ((),) * 7).after(ROME.first, 1)

    def test_reaches_the_last_resolved_instant(self) -> None:
        always = WorkingCalendar.round_the_clock(ROME)
        assert always.after(ROME.last - timedelta(hours=1), HOUR_US) == ROME.last


class TestResolveHolidays:
    def test_names_national_holidays_in_english(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LANGUAGE", "it")
        italy = resolve_holidays("IT", None, 2012, 2013)
        assert (EPIPHANY, "Epiphany") in italy
        assert (date(2013, 4, 1), "Easter Monday") in italy
        assert list(italy) == sorted(italy)

    def test_adds_those_of_a_region(self) -> None:
        milan, italy = (set(resolve_holidays("IT", region, 2012, 2012)) for region in ("MI", None))
        assert milan - italy == {(date(2012, 12, 7), "Saint Ambrose's Day")}

    @pytest.mark.parametrize(
        ("country", "near"),
        [("Italy", "IT"), ("it", "IT"), ("UK", "GB"), ("Philipines", "PH"), ("COL", "CO")],
    )
    def test_names_near_matches_of_an_unknown_country(self, country: str, near: str) -> None:
        with pytest.raises(ValueError, match=rf"is no country code. Did you mean .*\b{near} \("):
            resolve_holidays(country, None, 2012, 2012)

    @pytest.mark.parametrize("region", ["Milano", "mi"])
    def test_names_near_matches_of_an_unknown_region(self, region: str) -> None:
        with pytest.raises(ValueError, match=r"is no region of IT\. Did you mean .*MI"):
            resolve_holidays("IT", region, 2012, 2012)
