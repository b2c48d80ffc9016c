"""Until when one may dispute or answer: whole days after the day of an instant, pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from openbpo.agreements.model import Days
from openbpo.agreements.resolved import day_of
from openbpo.agreements.versions.model import Terms


def end_of(days: Days, after: datetime, terms: Terms, calendar: str | None) -> datetime:
    """
    Return the instant at which the n-th day after an instant's day is over.

    The day of the instant itself is not counted. A business day is one on which the calendar has
    working time. Raises OutsideResolved past the years that were signed with the version.
    """
    zone = terms.resolved.zones[terms.agreement.zone]
    day, left = day_of(after, zone), days.count
    while left:
        day += timedelta(days=1)
        if not days.are_business or _is_worked(day, terms, calendar):
            left -= 1
    return zone.day_start(day + timedelta(days=1))


def _is_worked(day: date, terms: Terms, calendar: str | None) -> bool:
    assert calendar is not None, "business days name their calendar"
    found = terms.resolved.calendars[calendar]
    start, end = found.zone.day_start(day), found.zone.day_start(day + timedelta(days=1))
    return found.worked_us(start, end) > 0
