"""
Working time: which instants count towards a promise, and how much of it has passed.

An instant counts when its local reading falls in a block [start, end) of its local weekday, and
its local date is no holiday. The reading decides, so a night on which the clock changes needs no
rule of its own: a block of 00:00-24:00 lasts 23 or 25 hours then, a block that ends at 02:30 counts
02:00-02:30 twice when that hour is doubled, and a block in a skipped hour counts nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

import holidays
from holidays.registry import COUNTRIES

from openbpo.values.durations import DAY_US, MINUTE_US
from openbpo.values.spans import as_utc
from openbpo.values.zones import OutsideResolved, Zone, near_matches

MINUTES_OF_DAY: Final = 24 * 60
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL: Final = _EPOCH.toordinal()
_EPOCH_WEEKDAY: Final = _EPOCH.weekday()
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, order=True)
class Block:
    """Local minutes of a day [start_min, end_min); 1440 is the midnight at which the day ends."""

    start_min: int
    end_min: int

    def __post_init__(self) -> None:
        if not 0 <= self.start_min < self.end_min <= MINUTES_OF_DAY:
            raise ValueError(f"{self} is no part of a day of {MINUTES_OF_DAY} minutes.")


class _Worked(NamedTuple):
    """The working intervals of all resolved years, in microseconds since 1970 in UTC."""

    starts: list[int]
    ends: list[int]
    before: list[int]
    """How much was worked before each interval, and at last the total: one item more."""


@dataclass(frozen=True)
class WorkingCalendar:
    """The working blocks of a week, Monday first, in one zone, and the dates without any."""

    zone: Zone
    blocks: tuple[tuple[Block, ...], ...]
    holidays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if len(self.blocks) != 7:
            raise ValueError(f"A week has 7 days of blocks, Monday first, not {len(self.blocks)}.")
        for blocks in self.blocks:
            for left, right in pairwise(sorted(blocks)):
                if right.start_min < left.end_min:
                    raise ValueError(f"{left} and {right} of one day overlap.")

    @classmethod
    def round_the_clock(cls, zone: Zone) -> WorkingCalendar:
        """Return the calendar by which every instant counts: elapsed time, no holidays."""
        return cls(zone, ((Block(0, MINUTES_OF_DAY),),) * 7)

    def worked_us(self, start: datetime, end: datetime) -> int:
        """Return how many microseconds of [start, end) count. Raises ValueError if end < start."""
        start_us, end_us = self._resolved_us(start), self._resolved_us(end)
        if end_us < start_us:
            raise ValueError(f"{end.isoformat()} is before {start.isoformat()}.")
        return self._worked_until(end_us) - self._worked_until(start_us)

    def after(self, start: datetime, working_us: int) -> datetime:
        """
        Return the first instant by which `working_us` microseconds have counted since `start`.

        For 0 that is `start`. Raises OutsideResolved when the resolved years do not hold so much.
        """
        if working_us < 0:
            raise ValueError(f"{working_us} microseconds of working time cannot pass.")
        target = self._worked_until(self._resolved_us(start)) + working_us
        if working_us == 0:
            return as_utc(start)
        if target > self._worked.before[-1]:
            raise OutsideResolved(self.zone.last, self.zone)
        i = bisect_left(self._worked.before, target) - 1
        return _instant(self._worked.starts[i] + target - self._worked.before[i])

    def intervals(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """Return the stretches of [start, end) that count: half-open, in UTC, none touching."""
        start_us, end_us = self._resolved_us(start), self._resolved_us(end)
        if end_us < start_us:
            raise ValueError(f"{end.isoformat()} is before {start.isoformat()}.")
        table = self._worked
        within = range(bisect_right(table.ends, start_us), bisect_left(table.starts, end_us))
        clipped = ((max(table.starts[i], start_us), min(table.ends[i], end_us)) for i in within)
        return [(_instant(since), _instant(until)) for since, until in clipped if since < until]

    def _resolved_us(self, instant: datetime) -> int:
        at_us = _us(instant)
        first_us, last_us = self._bounds_us
        if not first_us <= at_us <= last_us:
            raise OutsideResolved(instant, self.zone)
        return at_us

    def _worked_until(self, at_us: int) -> int:
        starts, ends, before = self._worked
        i = bisect_right(starts, at_us)
        if i == 0:
            return 0
        return before[i - 1] + min(at_us, ends[i - 1]) - starts[i - 1]

    @cached_property
    def _bounds_us(self) -> tuple[int, int]:
        return _us(self.zone.first), _us(self.zone.last)

    @cached_property
    def _worked(self) -> _Worked:
        starts: list[int] = []
        ends: list[int] = []
        for start, end in self._counting():
            if ends and ends[-1] == start:
                ends[-1] = end
            else:
                starts.append(start)
                ends.append(end)
        lengths = (end - start for start, end in zip(starts, ends, strict=True))
        return _Worked(starts, ends, list(accumulate(lengths, initial=0)))

    def _counting(self) -> Iterator[tuple[int, int]]:
        """Yield each block of each working date of each stretch of constant offset, in order."""
        week = [[(b.start_min, b.end_min) for b in sorted(blocks)] for blocks in self.blocks]
        days_off = {day.toordinal() - _EPOCH_ORDINAL for day in self.holidays}
        for stretch in self.zone.offset_spans(self.zone.first, self.zone.last):
            offset_us = stretch.offset_s * 1_000_000
            low, high = _us(stretch.start) + offset_us, _us(stretch.end) + offset_us
            for day in range(low // DAY_US, -(-high // DAY_US)):
                if day in days_off:
                    continue
                for start_min, end_min in week[(day + _EPOCH_WEEKDAY) % 7]:
                    start = max(low, day * DAY_US + start_min * MINUTE_US)
                    end = min(high, day * DAY_US + end_min * MINUTE_US)
                    if start < end:
                        yield start - offset_us, end - offset_us


def resolve_holidays(
    country: str, region: str | None, first_year: int, last_year: int
) -> tuple[tuple[date, str], ...]:
    """
    Return the public holidays of first_year..last_year, both included, with their English names.

    `country` is an ISO 3166 code such as IT; `region` one of its subdivisions, or None for the
    national holidays alone. Days off in lieu are included and named "(observed)"; dates of a moon
    calendar that is not yet published are named "(estimated)". Source: the pinned `holidays`
    package. Raises ValueError for an unknown country or region, naming the nearest ones.
    """
    regions = holidays.list_supported_countries(include_aliases=False)
    if country not in regions:
        raise ValueError(f"{country!r} is no country code.{_near_country(country)}")
    if region is not None and region not in regions[country]:
        raise ValueError(f"{region!r} is no region of {country}.{_near_region(country, region)}")
    years = range(first_year, last_year + 1)
    found = holidays.country_holidays(country, subdiv=region, years=years, language="en_US")
    return tuple(sorted((day, str(name)) for day, name in found.items()))


def _near_country(word: str) -> str:
    """Return the countries whose code or English name is near to `word`, as " Did you mean"."""
    meanings: dict[str, str] = {}
    for snake_name, (_, code, *aliases) in COUNTRIES.items():
        name = snake_name.replace("_", " ")
        meant = f"{code} ({name.title()})"
        meanings |= {word.lower(): meant for word in (name, code, *aliases)}
    return near_matches(word, meanings)


def _near_region(country: str, word: str) -> str:
    """Return the regions of `country` whose code or name is near to `word`."""
    known = holidays.country_holidays(country)
    names = {name.lower(): code for name, code in known.subdivisions_aliases.items()}
    return near_matches(word, names | {code.lower(): code for code in known.subdivisions})


def _us(instant: datetime) -> int:
    return (as_utc(instant) - _EPOCH) // _MICROSECOND


def _instant(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_us)
