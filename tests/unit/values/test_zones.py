import json
import zoneinfo
from datetime import UTC, date, datetime, timedelta, timezone
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest

from openbpo.values.zones import (
    Doubled,
    OutsideResolved,
    Skipped,
    Stretch,
    Zone,
    resolve_zone,
    zone_names,
)

ROME = resolve_zone("Europe/Rome", 2008, 2014)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


class TestResolveZone:
    def test_reads_only_the_pinned_package(self) -> None:
        assert zoneinfo.TZPATH == ()
        with files("tzdata").joinpath("zoneinfo", "Europe", "Rome").open("rb") as file:
            pinned = ZoneInfo.from_file(file)
        for month in range(1, 13):
            noon = utc(2012, month, 15, 12)
            assert ROME.to_local(noon) == noon.astimezone(pinned).replace(tzinfo=None)

    def test_finds_clock_changes_to_the_second(self) -> None:
        assert resolve_zone("Europe/Rome", 2012, 2012) == Zone(
            "Europe/Rome",
            utc(2011, 12, 31, 23),
            utc(2012, 12, 31, 23),
            (
                (utc(2011, 12, 31, 23), 3600),
                (utc(2012, 3, 25, 1), 7200),
                (utc(2012, 10, 28, 1), 3600),
            ),
        )
        monrovia = resolve_zone("Africa/Monrovia", 1972, 1972)
        assert monrovia.offsets[0][1] == -(44 * 60 + 30)
        assert monrovia.offsets[1] == (utc(1972, 1, 7, 0, 44, 30), 0)

        st_johns = resolve_zone("America/St_Johns", 1987, 1987)
        assert st_johns.offsets[1] == (utc(1987, 4, 5, 3, 31), -9000)

    @pytest.mark.parametrize(
        ("name", "near"),
        [
            ("Europe/Roma", "Europe/Rome"),
            ("rome", "Europe/Rome"),
            ("america/bogota", "America/Bogota"),
        ],
    )
    def test_names_near_matches_of_an_unknown_zone(self, name: str, near: str) -> None:
        with pytest.raises(ValueError, match=f"is no time zone. Did you mean .*{near}"):
            resolve_zone(name, 2012, 2012)

    @pytest.mark.parametrize("name", ["", "America", "../zones", "zzzzzz"])
    def test_refuses_what_is_no_zone(self, name: str) -> None:
        with pytest.raises(ValueError, match="is no time zone"):
            resolve_zone(name, 2012, 2012)

    @pytest.mark.parametrize("years", [(2013, 2012), (1969, 2012), (2012, 2201)])
    def test_refuses_years_out_of_range(self, years: tuple[int, int]) -> None:
        with pytest.raises(ValueError, match="are not years in"):
            resolve_zone("Europe/Rome", *years)

    def test_joins_years_that_follow_each_other(self) -> None:
        # In Dhaka the clock was set back over the midnight with which 2010 began.
        assert resolve_zone("Asia/Dhaka", 2009, 2009).last == utc(2009, 12, 31, 18)
        for name in ("Asia/Dhaka", "Europe/Rome", "Pacific/Apia"):
            assert resolve_zone(name, 2009, 2009).last == resolve_zone(name, 2010, 2010).first

    def test_cuts_a_year_that_ends_with_a_doubled_hour(self) -> None:
        dhaka = resolve_zone("Asia/Dhaka", 2009, 2009)
        assert dhaka.to_utc(datetime(2009, 12, 31, 23, 30)) == Doubled(
            utc(2009, 12, 31, 16, 30), utc(2009, 12, 31, 17, 30)
        )
        with pytest.raises(OutsideResolved):
            dhaka.to_utc(datetime(2010, 1, 1))


class TestZone:
    def test_shows_what_the_wall_shows(self) -> None:
        assert ROME.to_local(utc(2012, 3, 25, 0, 59, 59)) == datetime(2012, 3, 25, 1, 59, 59)
        assert ROME.to_local(utc(2012, 3, 25, 1)) == datetime(2012, 3, 25, 3)

    def test_reads_an_instant_in_any_zone(self) -> None:
        bogota = timezone(timedelta(hours=-5))
        assert ROME.to_local(datetime(2012, 1, 1, 7, tzinfo=bogota)) == datetime(2012, 1, 1, 13)

    def test_finds_the_instant_of_a_reading(self) -> None:
        assert ROME.to_utc(datetime(2012, 7, 1, 12)) == utc(2012, 7, 1, 10)

    @pytest.mark.parametrize("minute", [0, 59])
    def test_says_that_a_reading_is_skipped(self, minute: int) -> None:
        assert ROME.to_utc(datetime(2012, 3, 25, 2, minute)) == Skipped(utc(2012, 3, 25, 1))

    @pytest.mark.parametrize("minute", [0, 59])
    def test_says_that_a_reading_is_doubled(self, minute: int) -> None:
        assert ROME.to_utc(datetime(2012, 10, 28, 2, minute)) == Doubled(
            utc(2012, 10, 28, 0, minute), utc(2012, 10, 28, 1, minute)
        )

    def test_finds_one_instant_just_outside_a_doubled_hour(self) -> None:
        assert ROME.to_utc(datetime(2012, 10, 28, 1, 59)) == utc(2012, 10, 27, 23, 59)
        assert ROME.to_utc(datetime(2012, 10, 28, 3)) == utc(2012, 10, 28, 2)

    def test_refuses_what_is_naive_or_aware_in_the_wrong_place(self) -> None:
        with pytest.raises(ValueError, match="has no time zone"):
            ROME.to_local(datetime(2012, 1, 1))
        with pytest.raises(ValueError, match="is no local reading"):
            ROME.to_utc(utc(2012, 1, 1))

    def test_answers_nothing_outside_the_resolved_years(self) -> None:
        assert ROME.to_local(ROME.first) == datetime(2008, 1, 1)
        assert ROME.to_utc(datetime(2008, 1, 1)) == ROME.first
        tick = timedelta(microseconds=1)
        for instant in (ROME.first - tick, ROME.last):
            with pytest.raises(OutsideResolved, match="Resolve the zone for more years"):
                ROME.to_local(instant)
        for local in (datetime(2008, 1, 1) - tick, datetime(2015, 1, 1)):
            with pytest.raises(OutsideResolved):
                ROME.to_utc(local)
        for day in (date(2007, 12, 31), date(2015, 1, 2)):
            with pytest.raises(OutsideResolved):
                ROME.day_start(day)
        for start, end in ((ROME.first - tick, ROME.last), (ROME.first, ROME.last + tick)):
            with pytest.raises(OutsideResolved):
                ROME.offset_spans(start, end)

    def test_covers_a_range_with_stretches_of_one_offset(self) -> None:
        start, change, end = utc(2012, 3, 1), utc(2012, 3, 25, 1), utc(2012, 4, 1)
        assert ROME.offset_spans(start, end) == (
            Stretch(start, change, 3600),
            Stretch(change, end, 7200),
        )
        assert ROME.offset_spans(start, change) == (Stretch(start, change, 3600),)
        assert ROME.offset_spans(start, start) == ()

    @pytest.mark.parametrize(
        ("name", "day", "start"),
        [
            ("Europe/Rome", date(2012, 2, 1), utc(2012, 1, 31, 23)),
            ("Europe/Rome", date(2015, 1, 1), utc(2014, 12, 31, 23)),
            # Midnight is skipped: the clock goes from 23:59:59 to 01:00.
            ("America/Sao_Paulo", date(2012, 10, 21), utc(2012, 10, 21, 3)),
            # Midnight is doubled: at 00:01 the clock is set back to 23:01.
            ("America/St_Johns", date(2009, 11, 1), utc(2009, 11, 1, 2, 30)),
            # The whole of 30 December was skipped.
            ("Pacific/Apia", date(2011, 12, 30), utc(2011, 12, 30, 10)),
            ("Pacific/Apia", date(2011, 12, 31), utc(2011, 12, 30, 10)),
        ],
    )
    def test_starts_a_day_at_its_first_instant(self, name: str, day: date, start: datetime) -> None:
        assert resolve_zone(name, 2008, 2014).day_start(day) == start

    @pytest.mark.parametrize("name", ["Europe/Rome", "America/Bogota", "Pacific/Apia"])
    def test_is_read_back_from_its_facts(self, name: str) -> None:
        zone = resolve_zone(name, 2008, 2014)
        assert Zone.from_facts(json.loads(json.dumps(zone.as_facts()))) == zone

    @pytest.mark.parametrize(
        "broken",
        [
            {"first": "2008-01-01"},
            {"first": None},
            {"offsets": []},
            {"offsets": [["2007-12-31T23:00:00.000000Z", 3600.0]]},
            {"offsets": [["2008-12-31T23:00:00.000000Z", 3600]]},
            {"last": "2007-12-31T23:00:00.000000Z"},
            {"last": "2009-01-01T00:00:00.000000Z"},
        ],
    )
    def test_refuses_broken_facts(self, broken: dict[str, object]) -> None:
        with pytest.raises(ValueError, match=r"is no instant|facts of a zone|do not follow"):
            Zone.from_facts(ROME.as_facts() | broken)
        with pytest.raises(ValueError, match="not the facts of a zone"):
            Zone.from_facts({})

    def test_refuses_a_clock_set_back_further_than_it_has_run(self) -> None:
        offsets = ((utc(2012, 1, 1), 7200), (utc(2012, 1, 1, 1), 0), (utc(2012, 1, 1, 2), -7200))
        with pytest.raises(ValueError, match="set back further"):
            Zone("Nowhere", utc(2012, 1, 1), utc(2013, 1, 1), offsets)


class TestZoneNames:
    def test_hold_the_zones_of_the_package(self) -> None:
        assert {"Europe/Rome", "Asia/Kolkata", "America/Bogota"} <= zone_names()
