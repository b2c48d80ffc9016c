"""The fast way to read a time gives what the plain way gives: the same instant, the same fault."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from openbpo.delivery.intake.decisions import rank_of
from openbpo.values import time_reading
from openbpo.values.time_formats import TimeFormat, compile_time_format
from openbpo.values.time_reading import BeyondYears, Known, local_reader, time_reader
from openbpo.values.zones import Zone, resolve_zone

NAMES = (
    "Europe/Rome", "Europe/London", "America/New_York", "America/St_Johns", "America/Sao_Paulo",
    "Asia/Kolkata", "Asia/Kathmandu", "Asia/Jerusalem", "Asia/Dhaka", "Australia/Lord_Howe",
    "Africa/Casablanca", "Africa/Monrovia", "Pacific/Apia", "Antarctica/Troll", "UTC",
)  # fmt: skip
ZONES = {name: resolve_zone(name, 1970, 2030) for name in NAMES}
WRITTEN = {
    "yyyy-MM-dd HH:mm:ss.SSSSSS": "{0:%Y-%m-%d %H:%M:%S.%f}",
    "yyyy/MM/dd'T'HH:mm:ss": "{0:%Y/%m/%dT%H:%M:%S}",
    "yyMMdd H:mm:ss": "{0:%y%m%d} {0.hour}:{0:%M:%S}",
    "d.M.yyyy H:mm": "{0.day}.{0.month}.{0:%Y} {0.hour}:{0:%M}",
    "yyyyMMddHH": "{0:%Y%m%d%H}",
    "yyyy-MM-dd": "{0:%Y-%m-%d}",
    "HH:mm:ss dd.MM.yyyy": "{0:%H:%M:%S %d.%m.%Y}",
    "HH 'h' ss 's' mm 'm' yyyy-MM-dd": "{0:%H h %S s %M m %Y-%m-%d}",
    "yyyy-MM-dd HH ss mm": "{0:%Y-%m-%d %H %S %M}",
    "yyyy-MM-dd mm HH": "{0:%Y-%m-%d %M %H}",
    "dd/MM/yyyy hh:mm:ss a": "{0:%d/%m/%Y %I:%M:%S %p}",
    "a hh:mm yyyy-MM-dd": "{0:%p %I:%M %Y-%m-%d}",
}
FORMATS = {pattern: compile_time_format(pattern) for pattern in WRITTEN}
READERS = {
    (name, pattern): time_reader(compiled, ZONES[name])
    for name in NAMES
    for pattern, compiled in FORMATS.items()
}
LOCAL = {pattern: local_reader(compiled) for pattern, compiled in FORMATS.items()}
names, patterns = st.sampled_from(NAMES), st.sampled_from(sorted(WRITTEN))


@st.composite
def zones_and_readings(draw: st.DrawFn) -> tuple[str, datetime]:
    """A reading of a clock: any, or within some hours of one of the zone's changes."""
    name = draw(names)
    zone = ZONES[name]
    since = draw(st.sampled_from([since for since, _ in zone.offsets] + [zone.last]))
    near = st.integers(-30 * 3600, 30 * 3600).map(lambda s: since + timedelta(seconds=s))
    on_the_minute = st.integers(-300, 300).map(lambda m: since + timedelta(minutes=m))
    anywhere = st.datetimes(datetime(1969, 1, 1), datetime(2031, 12, 31))
    drawn = draw(near | on_the_minute | anywhere)
    return name, drawn.replace(tzinfo=None)


def told(read: object, text: str) -> object:
    """What a reader answers, or what it raises."""
    try:
        return read(text)  # type: ignore[operator]
    except ValueError as fault:
        return type(fault), str(fault)


def plainly(time_format: TimeFormat, zone: Zone) -> object:
    return lambda text: zone.to_utc(time_format.parse(text))


class TestAFastReader:
    @given(zones_and_readings(), patterns, st.integers(0, 999_999))
    def test_reads_as_the_plain_one(
        self, case: tuple[str, datetime], pattern: str, micros: int
    ) -> None:
        name, reading = case
        text = WRITTEN[pattern].format(reading.replace(microsecond=micros))
        plain = told(plainly(FORMATS[pattern], ZONES[name]), text)
        assert told(READERS[name, pattern], text) == plain
        assert told(READERS[name, pattern], text) == plain  # and so it does from memory
        assert told(LOCAL[pattern], text) == told(FORMATS[pattern].parse, text)

    @given(names, patterns, st.text(alphabet="0123456789-:. T/hsm\u0661", max_size=30))
    @example("UTC", "yyyy-MM-dd HH:mm:ss.SSSSSS", "2012-02-01 08:60:00.000000")
    @example("UTC", "yyyy-MM-dd HH:mm:ss.SSSSSS", "2012-02-01 24:00:00.000000")
    @example("UTC", "d.M.yyyy H:mm", "1.1.2012 11:60")
    @example("UTC", "yyyy-MM-dd HH ss mm", "2012-02-01 08 60 00")
    def test_refuses_what_the_plain_one_refuses(self, name: str, pattern: str, text: str) -> None:
        plain = told(plainly(FORMATS[pattern], ZONES[name]), text)
        assert told(READERS[name, pattern], text) == plain

    @given(
        st.datetimes(datetime(1969, 12, 30), datetime(2201, 1, 2)),
        st.integers(-24 * 60 + 1, 24 * 60 - 1),
        st.sampled_from([("XXX", ":"), ("XX", ""), ("Z", "")]),
    )
    def test_with_an_offset_gives_the_instant(
        self, reading: datetime, minutes: int, form: tuple[str, str]
    ) -> None:
        letters, colon = form
        reader = time_reader(compile_time_format(f"yyyy-MM-dd HH:mm:ss.SSSSSS{letters}"), None)
        sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
        text = f"{reading:%Y-%m-%d %H:%M:%S.%f}{sign}{hours:02}{colon}{rest:02}"
        expected = reading.replace(tzinfo=UTC) - timedelta(minutes=minutes)
        for _ in range(2):
            answer = told(reader, text)
            if 1970 <= expected.year <= 2200:
                assert answer == expected
            else:
                assert isinstance(answer, tuple)
                assert answer[0] is BeyondYears


class TestAnHourOfTwelve:
    @given(
        st.datetimes(datetime(1970, 1, 2), datetime(2029, 12, 30)),
        st.sampled_from(("am pm", "AM PM", "a.m. p.m.", "Am Pm")),
        st.sampled_from(("M/d/yyyy h:mm a", "yyyy-MM-dd hh:mm a", "d.M.yyyy h:mma")),
    )
    @example(datetime(2026, 3, 14, 0, 5), "am pm", "M/d/yyyy h:mm a")
    @example(datetime(2026, 3, 14, 12, 5), "AM PM", "M/d/yyyy h:mm a")
    def test_and_its_half_are_the_hour_of_the_day(
        self, reading: datetime, words: str, pattern: str
    ) -> None:
        at = reading.replace(second=0, microsecond=0)
        hour, half = (at.hour - 1) % 12 + 1, words.split()[at.hour >= 12]
        told_so = {
            "M/d/yyyy h:mm a": f"{at.month}/{at.day}/{at.year} {hour}:{at:%M} {half}",
            "yyyy-MM-dd hh:mm a": f"{at:%Y-%m-%d} {hour:02}:{at:%M} {half}",
            "d.M.yyyy h:mma": f"{at.day}.{at.month}.{at.year} {hour}:{at:%M}{half}",
        }[pattern]
        compiled = compile_time_format(pattern)
        assert compiled.parse(told_so) == at
        assert time_reader(compiled, ZONES["UTC"])(told_so) == at.replace(tzinfo=UTC)

    @given(st.integers(0, 99), st.sampled_from(("AM", "PM")))
    def test_is_one_of_twelve(self, hour: int, half: str) -> None:
        read = time_reader(compile_time_format("yyyy-MM-dd h:mm a"), ZONES["UTC"])
        answer = told(read, f"2026-03-14 {hour}:05 {half}")
        assert isinstance(answer, datetime) is (1 <= hour <= 12)

    def test_needs_its_half(self) -> None:
        for pattern in ("yyyy-MM-dd h:mm", "yyyy-MM-dd HH:mm a", "yyyy-MM-dd H h:mm a"):
            assert isinstance(told(compile_time_format, pattern), tuple)


class TestAnEvenHour:
    @given(zones_and_readings(), st.integers(0, 3_599_999_999))
    def test_is_one_through_which_the_clock_runs_evenly(
        self, case: tuple[str, datetime], micros: int
    ) -> None:
        name, reading = case
        hour = reading.replace(minute=0, second=0, microsecond=0)
        begins = ZONES[name].even_hour_to_utc(hour)
        within = ZONES[name]
        if begins is not None:
            passed = timedelta(microseconds=micros)
            assert within.to_utc(hour + passed) == begins + passed
        else:  # it is uneven for a reason: an edge of it is no single instant, or is moved

            def edges() -> tuple[object, object]:
                last = hour + timedelta(hours=1, microseconds=-1)
                return within.to_utc(hour), within.to_utc(last)

            try:
                first, last = edges()
            except ValueError:
                return
            even = isinstance(first, datetime) and isinstance(last, datetime)
            assert not (even and last - first == timedelta(hours=1, microseconds=-1))  # type: ignore[operator]


class TestWhatIsKnown:
    def test_is_forgotten_before_it_fills_the_memory(self) -> None:
        asked: list[str] = []

        def of(text: str) -> int:
            asked.append(text)
            return len(text)

        known = Known(of)
        for number in range(2 * time_reading.MOST_KEPT + 5):
            assert known[str(number)] == len(str(number))
            assert len(known) <= time_reading.MOST_KEPT
        long = "x" * (time_reading.LONGEST_KEPT + 1)
        assert (known[long], known[long]) == (len(long), len(long))
        assert long not in known
        assert asked.count("7") == 1


decimals = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9),
                       max_value=10**9)  # fmt: skip


class TestARank:
    @given(decimals, decimals)
    def test_orders_as_the_numbers_do(self, one: object, other: object) -> None:
        first, second = rank_of(f"{one:f}"), rank_of(f"{other:f}")
        assert (first < second) == (one < other)  # type: ignore[operator]
        assert (first == second) == (one == other)
