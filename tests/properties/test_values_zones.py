"""A resolved zone answers as `zoneinfo` does, most of all around its clock changes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from openbpo.values.periods import calendar_month_of
from openbpo.values.zones import Doubled, Skipped, Zone, resolve_zone

NAMES = (
    "Europe/Rome",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Dhaka",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Bogota",
    "Pacific/Apia",
)
zones = st.sampled_from([resolve_zone(name, 2008, 2020) for name in NAMES])


@st.composite
def zones_and_instants(draw: st.DrawFn) -> tuple[Zone, datetime]:
    """An instant of the zone: any, or within some hours of a clock change, often on the minute."""
    zone = draw(zones)
    anchor = draw(st.sampled_from([since for since, _ in zone.offsets] + [zone.last]))
    near = st.integers(-26 * 60, 26 * 60).map(lambda minutes: anchor + timedelta(minutes=minutes))
    tick = st.sampled_from([-1, 0, 1]).map(lambda us: anchor + timedelta(microseconds=us))
    inside = [zone.first, zone.last - timedelta(microseconds=1)]
    anywhere = st.datetimes(*(edge.replace(tzinfo=None) for edge in inside))
    instant = draw(near | tick | anywhere.map(lambda moment: moment.replace(tzinfo=UTC)))
    return zone, min(max(instant, inside[0]), inside[1])


def reading(zone: Zone, instant: datetime) -> datetime:
    return instant.astimezone(ZoneInfo(zone.name)).replace(tzinfo=None, fold=0)


class TestZone:
    @given(zones_and_instants())
    def test_shows_what_zoneinfo_shows(self, case: tuple[Zone, datetime]) -> None:
        zone, instant = case
        assert zone.to_local(instant) == reading(zone, instant)

    @given(zones_and_instants())
    def test_finds_the_instant_that_it_showed(self, case: tuple[Zone, datetime]) -> None:
        zone, instant = case
        match zone.to_utc(zone.to_local(instant)):
            case Doubled(earlier, later):
                assert instant in (earlier, later)
                assert earlier < later
            case found:
                assert found == instant

    @given(zones_and_instants(), st.integers(-180, 180))
    def test_tells_skipped_and_doubled_as_fold_does(
        self, case: tuple[Zone, datetime], minutes: int
    ) -> None:
        zone, instant = case
        local = reading(zone, instant) + timedelta(minutes=minutes)
        edges = reading(zone, zone.first), reading(zone, zone.last - timedelta(microseconds=1))
        local = min(max(local, edges[0]), edges[1])
        info = ZoneInfo(zone.name)
        first, second = (local.replace(tzinfo=info, fold=fold).astimezone(UTC) for fold in (0, 1))
        answer = zone.to_utc(local)
        if first == second:
            assert answer == first
        elif first < second:
            assert answer == Doubled(first, second)
        else:
            assert isinstance(answer, Skipped)
            just_before = answer.jump - timedelta(microseconds=1)
            assert reading(zone, just_before) < local < reading(zone, answer.jump) or (
                local == reading(zone, just_before) + timedelta(microseconds=1)
            )

    @given(zones_and_instants(), zones_and_instants())
    def test_is_covered_by_its_stretches(
        self, case: tuple[Zone, datetime], other: tuple[Zone, datetime]
    ) -> None:
        zone, start = case
        end = min(max(other[1], start), zone.last)
        stretches = zone.offset_spans(start, end)
        assert [start, *(stretch.end for stretch in stretches)] == [
            *(stretch.start for stretch in stretches),
            end,
        ]
        for stretch in stretches:
            for moment in (stretch.start, stretch.end - timedelta(microseconds=1)):
                shift = timedelta(seconds=stretch.offset_s)
                assert moment.replace(tzinfo=None) + shift == reading(zone, moment)

    @given(zones_and_instants())
    def test_starts_each_day_at_its_first_instant(self, case: tuple[Zone, datetime]) -> None:
        zone, instant = case
        day = reading(zone, instant).date()
        start = zone.day_start(day)
        assert start <= instant
        assert reading(zone, start).date() == day
        if start > zone.first:
            just_before = start - timedelta(microseconds=1)
            assert reading(zone, just_before).date() < day

    @given(zones)
    def test_is_read_back_from_its_facts(self, zone: Zone) -> None:
        assert Zone.from_facts(zone.as_facts()) == zone


class TestCalendarMonthOf:
    @given(zones_and_instants())
    def test_holds_its_instant(self, case: tuple[Zone, datetime]) -> None:
        zone, instant = case
        assert instant in calendar_month_of(instant, zone).span
