"""
Calendar months in a zone: the days that an account is for and the instants that fall in it.

A month runs from the start of its first local day until the start of the next month's: local
midnight, or the jump when midnight is skipped, or the earlier midnight when it is doubled. Months
follow each other without gap or overlap, so every instant belongs to exactly one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from openbpo.values.spans import Span
from openbpo.values.zones import Zone

_MONTH: Final = re.compile(r"([0-9]{4})-([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Period:
    """A named stretch of time: its local days and its instants, both half-open."""

    name: str
    days: Span[date]
    span: Span[datetime]


def calendar_month(name: str, zone: Zone) -> Period:
    """Return the month `name`, such as "2012-02". Raises ValueError when it is no such name."""
    year, month = _year_and_month(name)
    return _month(12 * year + month - 1, zone)


def calendar_month_of(instant: datetime, zone: Zone) -> Period:
    """Return the month in whose span `instant` falls."""
    local = zone.to_local(instant)
    number = 12 * local.year + local.month - 1
    month = _month(number, zone)
    # When the clock is set back over the first midnight of a month, the wall shows the old month
    # once more although the new one has begun.
    return month if instant in month.span else _month(number + 1, zone)


def months_between(first_name: str, last_name: str, zone: Zone) -> tuple[Period, ...]:
    """Return the months from `first_name` to `last_name`, both included, in order."""
    (year, month), (last_year, last_month) = map(_year_and_month, (first_name, last_name))
    numbers = range(12 * year + month - 1, 12 * last_year + last_month)
    if not numbers:
        raise ValueError(f"{last_name} is before {first_name}. Name the earlier month first.")
    return tuple(_month(number, zone) for number in numbers)


def month_names(first_name: str, last_name: str) -> tuple[str, ...]:
    """Return the names of the months from one to another, both included; none if it is before."""
    (year, month), (last_year, last_month) = map(_year_and_month, (first_name, last_name))
    numbers = range(12 * year + month - 1, 12 * last_year + last_month)
    return tuple(f"{number // 12:04}-{number % 12 + 1:02}" for number in numbers)


def _month(number: int, zone: Zone) -> Period:
    """Return the month that is `number` months after January of the year 0."""
    first, next_first = (date(n // 12, n % 12 + 1, 1) for n in (number, number + 1))
    span = Span(zone.day_start(first), zone.day_start(next_first))
    return Period(f"{first:%Y-%m}", Span(first, next_first), span)


def _year_and_month(name: str) -> tuple[int, int]:
    found = _MONTH.fullmatch(name)
    if found is None or not 1 <= int(found[2]) <= 12 or int(found[1]) == 0:
        raise ValueError(f"{name!r} is no month. Write year and month, such as 2012-02.")
    return int(found[1]), int(found[2])
