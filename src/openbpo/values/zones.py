"""
Time zones whose clock changes are resolved once and then kept as facts.

A zone is read from the pinned `tzdata` package alone, for a range of years. What is stored is the
resolved `Zone`, so an agreement never changes its meaning when governments change their clocks.
"""

from __future__ import annotations

import zoneinfo
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import cache, cached_property, lru_cache
from itertools import pairwise
from operator import index
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from openbpo.values.canonical import instant_from_text, instant_text
from openbpo.values.spans import as_utc

# For the whole process: the machine's own zone files may be older or newer than the pinned ones.
zoneinfo.reset_tzpath(to=())
ZoneInfo.clear_cache()

# Before 1970 the tz database itself does not claim to be right.
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2200

_SECOND: Final = timedelta(seconds=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
# No zone changes its clock and changes it back within this.
_STEP: Final = timedelta(hours=12)


class OutsideResolved(ValueError):  # noqa: N818 - it is named for what is wrong
    """The moment lies outside the years for which the zone is resolved. Resolve more years."""

    def __init__(self, moment: date, zone: Zone) -> None:
        self.moment, self.zone = moment, zone
        first, last = zone.first.isoformat(), zone.last.isoformat()
        super().__init__(
            f"{moment.isoformat()} is outside what is resolved for {zone.name}, "
            f"from {first} until {last}. Resolve the zone for more years."
        )


@dataclass(frozen=True, slots=True)
class Skipped:
    """No instant has this local reading: the clock jumped over it at `jump`."""

    jump: datetime


@dataclass(frozen=True, slots=True)
class Doubled:
    """Two instants have this local reading: the clock was set back in between."""

    earlier: datetime
    later: datetime


class Stretch(NamedTuple):
    """Instants [start, end) in which local time is UTC plus `offset_s` seconds."""

    start: datetime
    end: datetime
    offset_s: int


@dataclass(frozen=True)
class Zone:
    """
    A zone's clock for the instants [first, last), which are whole local years.

    `offsets` holds the instants from which an offset from UTC, in seconds, applies; the first of
    them is `first`. All instants are in UTC.
    """

    name: str
    first: datetime
    last: datetime
    offsets: tuple[tuple[datetime, int], ...]

    def __post_init__(self) -> None:
        starts = [self.first, *self._starts[1:], self.last]
        if not self.offsets or self._starts[0] != self.first or not _rises(starts):
            raise ValueError(f"The offsets of {self.name} do not follow each other in time.")
        # Equal readings are right: the clock may be set back in the first or the last hour.
        if _falls(self._local_starts) or _falls(self._local_ends):
            raise ValueError(f"The clock of {self.name} is set back further than it has run.")

    def to_local(self, instant: datetime) -> datetime:
        """Return what a clock on the wall shows at `instant`: a naive datetime."""
        moment = as_utc(instant)
        if not self.first <= moment < self.last:
            raise OutsideResolved(instant, self)
        return (moment + self._shifts[bisect_right(self._starts, moment) - 1]).replace(tzinfo=None)

    def to_utc(self, local: datetime) -> datetime | Skipped | Doubled:
        """Return the instant at which a clock on the wall shows the naive `local`."""
        if local.tzinfo is not None:
            raise ValueError(f"{local.isoformat()} is no local reading: it has a time zone.")
        i = bisect_right(self._local_ends, local)
        if i == len(self._local_ends) or local < self._local_starts[0]:
            raise OutsideResolved(local, self)
        if local < self._local_starts[i]:
            return Skipped(self._starts[i])
        instant = (local - self._shifts[i]).replace(tzinfo=UTC)
        if i + 1 < len(self._local_starts) and self._local_starts[i + 1] <= local:
            return Doubled(instant, (local - self._shifts[i + 1]).replace(tzinfo=UTC))
        return instant

    def even_hour_to_utc(self, hour: datetime) -> datetime | None:
        """
        Return the instant at which the naive `hour` begins on the wall; None for an uneven hour.

        In an even one each reading of [hour, hour + 1 h) is one instant, as far from the first as
        it reads. The hours around a clock change and outside the resolved years are uneven.
        """
        i = bisect_right(self._local_ends, hour)
        if i == len(self._local_ends) or hour < self._local_starts[i]:
            return None
        end = min((self._local_ends[i], *self._local_starts[i + 1 : i + 2]))
        return (hour - self._shifts[i]).replace(tzinfo=UTC) if hour + _HOUR <= end else None

    def day_start(self, day: date) -> datetime:
        """
        Return the first instant at which the wall shows `day` or a later day.

        That is local midnight; the earlier one when midnight is doubled, and the jump when midnight
        or the whole day is skipped. The day after the last resolved one starts at `last`.
        """
        first_day, day_after = self._days
        if not first_day <= day <= day_after:
            raise OutsideResolved(day, self)
        midnight = datetime.combine(day, time())
        i = bisect_right(self._local_ends, midnight)
        if i == len(self._local_ends):
            return self.last
        return max(self._starts[i], (midnight - self._shifts[i]).replace(tzinfo=UTC))

    def offset_spans(self, start: datetime, end: datetime) -> tuple[Stretch, ...]:
        """Return the stretches of constant offset that cover [start, end), in order."""
        start, end = as_utc(start), as_utc(end)
        if not self.first <= start <= end <= self.last:
            raise OutsideResolved(start if start < self.first else end, self)
        ends = [*self._starts[1:], self.last]
        clipped = (
            Stretch(max(start, since), min(end, until), offset_s)
            for (since, offset_s), until in zip(self.offsets, ends, strict=True)
        )
        return tuple(stretch for stretch in clipped if stretch.start < stretch.end)

    def as_facts(self) -> dict[str, object]:
        """Return the zone as values that JSON can hold; `from_facts` reads them back."""
        return {
            "name": self.name,
            "first": instant_text(self.first),
            "last": instant_text(self.last),
            "offsets": [[instant_text(since), offset_s] for since, offset_s in self.offsets],
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Zone:
        """Return the zone that `as_facts` wrote. Raises ValueError for anything else."""
        try:
            offsets = tuple((instant_from_text(at), index(s)) for at, s in facts["offsets"])
            first, last = instant_from_text(facts["first"]), instant_from_text(facts["last"])
            return cls(str(facts["name"]), first, last, offsets)
        except (KeyError, TypeError) as error:
            raise ValueError(f"These are not the facts of a zone: {error}.") from error

    # What follows is computed once from the fields, as arrays to bisect.

    @cached_property
    def _starts(self) -> list[datetime]:
        return [as_utc(since) for since, _ in self.offsets]

    @cached_property
    def _shifts(self) -> list[timedelta]:
        return [timedelta(seconds=offset_s) for _, offset_s in self.offsets]

    @cached_property
    def _local_starts(self) -> list[datetime]:
        return _local(self._starts, self._shifts)

    @cached_property
    def _local_ends(self) -> list[datetime]:
        return _local([*self._starts[1:], self.last], self._shifts)

    @cached_property
    def _days(self) -> tuple[date, date]:
        """The first local day that starts in the zone, and the day after the last one."""
        first, last = self._local_starts[0], self._local_ends[-1]
        return first.date(), (last + _DAY - datetime.resolution).date()


@lru_cache(maxsize=256)
def resolve_zone(name: str, first_year: int, last_year: int) -> Zone:
    """
    Return the zone `name` for the local years first_year..last_year, both included.

    Raises ValueError for a name that tzdata does not have, naming the nearest ones, and for years
    outside 1970..2200. Clock changes are exact to the second.
    """
    if name not in zone_names():
        raise ValueError(f"{name!r} is no time zone.{near_matches(name, _zones_by_word())}")
    if not FIRST_YEAR <= first_year <= last_year <= LAST_YEAR:
        raise ValueError(f"{first_year}..{last_year} are not years in {FIRST_YEAR}..{LAST_YEAR}.")
    new_year, next_new_year = date(first_year, 1, 1), date(last_year + 1, 1, 1)
    # Local years start up to a day from the years of UTC: resolve more, then cut at local midnight.
    first = datetime.combine(new_year, time(), UTC) - 2 * _DAY
    last = datetime.combine(next_new_year, time(), UTC) + 2 * _DAY
    wide = Zone(name, first, last, tuple(_clock_changes(ZoneInfo(name), first, last)))
    stretches = wide.offset_spans(wide.day_start(new_year), wide.day_start(next_new_year))
    offsets = tuple((stretch.start, stretch.offset_s) for stretch in stretches)
    return Zone(name, stretches[0].start, stretches[-1].end, offsets)


@cache
def zone_names() -> frozenset[str]:
    """Return the names of all zones in the pinned tzdata package."""
    return frozenset(zoneinfo.available_timezones())


def near_matches(word: str, meanings: Mapping[str, str]) -> str:
    """
    Return " Did you mean A or B?" for what `word` may have meant, or nothing.

    `meanings` holds, for each lower-case word that people may write, what to write instead.
    """
    word = word.lower()
    near = [word] if word in meanings else get_close_matches(word, sorted(meanings), n=3)
    meant = dict.fromkeys(meanings[match] for match in near)
    return f" Did you mean {' or '.join(meant)}?" if meant else ""


def _zones_by_word() -> dict[str, str]:
    """Return each zone by its name and by its city."""
    names = sorted(zone_names())
    cities = {name.rpartition("/")[2].lower(): name for name in names}
    return cities | {name.lower(): name for name in names}


def _clock_changes(
    info: ZoneInfo, first: datetime, last: datetime
) -> Iterator[tuple[datetime, int]]:
    """Yield `first` and each instant before `last` at which the offset changes, with the offset."""
    since, offset_s = first, _offset_s(info, first)
    yield since, offset_s
    while since < last:
        until = min(since + _STEP, last)
        if _offset_s(info, until) != offset_s:
            until = _first_change(info, since, until)
            offset_s = _offset_s(info, until)
            yield until, offset_s
        since = until


def _first_change(info: ZoneInfo, since: datetime, until: datetime) -> datetime:
    """Return, by bisection, the first second after `since` whose offset is not that of `since`."""
    offset_s = _offset_s(info, since)
    low, high = 0, (until - since) // _SECOND
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_s(info, since + middle * _SECOND) == offset_s:
            low = middle
        else:
            high = middle
    return since + high * _SECOND


def _offset_s(info: ZoneInfo, instant: datetime) -> int:
    local = instant.astimezone(info)
    return (local.replace(tzinfo=UTC, fold=0) - instant) // _SECOND


def _local(instants: list[datetime], shifts: list[timedelta]) -> list[datetime]:
    pairs = zip(instants, shifts, strict=True)
    return [(instant + shift).replace(tzinfo=None) for instant, shift in pairs]


def _rises(moments: list[datetime]) -> bool:
    return all(left < right for left, right in pairwise(moments))


def _falls(moments: list[datetime]) -> bool:
    return any(left > right for left, right in pairwise(moments))
