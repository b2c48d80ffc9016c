from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from openbpo.values.periods import calendar_month, calendar_month_of, months_between
from openbpo.values.spans import Span
from openbpo.values.zones import OutsideResolved, resolve_zone

ROME = resolve_zone("Europe/Rome", 2012, 2012)
ST_JOHNS = resolve_zone("America/St_Johns", 2009, 2009)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


class TestCalendarMonth:
    def test_runs_from_local_midnight_to_local_midnight(self) -> None:
        february = calendar_month("2012-02", ROME)
        assert february.name == "2012-02"
        assert february.days == Span(date(2012, 2, 1), date(2012, 3, 1))
        assert february.span == Span(utc(2012, 1, 31, 23), utc(2012, 2, 29, 23))

    def test_covers_all_resolved_months_and_no_other(self) -> None:
        assert calendar_month("2012-12", ROME).span.end == ROME.last
        for name in ("2011-12", "2013-01"):
            with pytest.raises(OutsideResolved):
                calendar_month(name, ROME)

    def test_starts_at_the_earlier_of_two_midnights(self) -> None:
        assert calendar_month("2009-11", ST_JOHNS).span.start == utc(2009, 11, 1, 2, 30)

    @pytest.mark.parametrize(
        "name", ["2012-13", "2012-00", "2012-2", "Feb", "0000-01", "2012-02-01", "2012-02\n"]
    )
    def test_refuses_what_is_no_month(self, name: str) -> None:
        with pytest.raises(ValueError, match="is no month"):
            calendar_month(name, ROME)


class TestCalendarMonthOf:
    def test_is_the_month_on_the_wall(self) -> None:
        assert calendar_month_of(utc(2012, 1, 31, 23), ROME).name == "2012-02"
        assert calendar_month_of(utc(2012, 1, 31, 22, 59), ROME).name == "2012-01"

    def test_is_the_new_month_when_its_first_midnight_is_doubled(self) -> None:
        # At 00:01 on 1 November the clock was set back to 23:01 on 31 October.
        midnight = utc(2009, 11, 1, 2, 30)
        for minutes, name in ((-1, "2009-10"), (0, "2009-11"), (1, "2009-11"), (90, "2009-11")):
            instant = midnight + timedelta(minutes=minutes)
            assert calendar_month_of(instant, ST_JOHNS).name == name


class TestMonthsBetween:
    def test_follow_each_other_without_gap(self) -> None:
        months = months_between("2012-01", "2012-12", ROME)
        assert [month.name for month in months] == [f"2012-{n:02}" for n in range(1, 13)]
        for month, following in pairwise(months):
            assert month.span.meets(following.span)
            assert month.days.meets(following.days)

    def test_are_at_least_one(self) -> None:
        assert months_between("2012-02", "2012-02", ROME) == (calendar_month("2012-02", ROME),)
        with pytest.raises(ValueError, match="2012-01 is before 2012-02"):
            months_between("2012-02", "2012-01", ROME)
