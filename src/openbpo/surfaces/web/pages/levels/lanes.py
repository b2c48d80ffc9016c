"""A clock's segments as lanes: a lane a day, only the calendar's hours. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from openbpo.surfaces.web.numbers import current_locale, day_text
from openbpo.surfaces.web.pages.levels.figures import Told, instant, lasted, named
from openbpo.surfaces.web.parts.pieces import Gap, Lane, LaneKind, LaneStretch

MOST_LANES = 40


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a segment within one day, by the calendar's clock."""

    start: datetime
    end: datetime
    state: str
    pause: str | None

    @property
    def lasts_us(self) -> int:
        """Return how long it is, in microseconds."""
        return (self.end - self.start) // timedelta(microseconds=1)


@dataclass(slots=True)
class Day:
    """A day of a clock."""

    day: date
    pieces: list[Piece] = field(default_factory=list)

    @property
    def working(self) -> list[Piece]:
        """Return what lies in working time."""
        return [one for one in self.pieces if one.state != "outside"]

    @property
    def counted_us(self) -> int:
        """Return what counted on this day, in microseconds."""
        return sum(one.lasts_us for one in self.pieces if one.state in ("counted", "late"))


def days_of(segments: Sequence[Told], zone: str) -> list[Day]:
    """Return the days of a clock from its segments, cut at midnight."""
    local = ZoneInfo(zone)
    found: dict[date, Day] = {}
    for segment in segments:
        for piece in _cut(segment, local):
            day = piece.start.astimezone(local).date()
            found.setdefault(day, Day(day)).pieces.append(piece)
    return [found[day] for day in sorted(found)]


def _cut(segment: Told, zone: ZoneInfo) -> Iterator[Piece]:
    at, end = instant(segment["from"]), instant(segment["to"])
    while at < end:
        next_day = at.astimezone(zone).date() + timedelta(days=1)
        midnight = datetime.combine(next_day, time(), zone).astimezone(at.tzinfo)
        until = min(end, midnight)
        yield Piece(at, until, segment["state"], segment["pause"])
        at = until


def lanes_of(segments: Sequence[Told], zone: str, due: str | None) -> list[Lane | Gap]:
    """
    Return the lanes of a clock; days of which nothing counts are told in a line between them.

    Lanes lie over the same hours, from the earliest to the latest working hour of the days shown.
    """
    local = ZoneInfo(zone)
    days = days_of(segments, zone)
    drawn = [day for day in days if day.counted_us]
    if len(drawn) > MOST_LANES:
        drawn = [*drawn[: MOST_LANES // 2], *drawn[-MOST_LANES // 2 :]]
    kept = {day.day for day in drawn}
    if not kept:
        return []
    hours = _hours(drawn, local)
    due_at = instant(due).astimezone(local) if due else None
    found: list[Lane | Gap] = []
    for is_drawn, run in groupby(days, key=lambda day: day.day in kept):
        held = list(run)
        if is_drawn:
            found += [_lane(day, hours, local, due_at) for day in held]
        else:
            found.append(Gap(_gap(held)))
    return found


def _hours(days: Sequence[Day], zone: ZoneInfo) -> tuple[time, time]:
    """Return from which hour to which lanes are drawn; midnight at the end is 0:00."""
    starts = [one.start.astimezone(zone) for day in days for one in day.working]
    ends = [one.end.astimezone(zone) for day in days for one in day.working]
    first = min(at.time() for at in starts)
    if any(at.date() != day.day for day in days for one in day.working
           for at in [one.end.astimezone(zone)]):  # fmt: skip
        return first, time()
    return first, max(at.time() for at in ends)


def _lane(day: Day, hours: tuple[time, time], zone: ZoneInfo, due: datetime | None) -> Lane:
    opens = datetime.combine(day.day, hours[0], zone)
    closing_day = day.day if hours[1] > hours[0] else day.day + timedelta(days=1)
    closes = datetime.combine(closing_day, hours[1], zone)
    return Lane(
        word=_weekday(day.day),
        opens=opens,
        closes=closes,
        stretches=[_stretch(one, zone) for one in day.working],
        total=lasted(day.counted_us),
        due=due if due is not None and opens <= due <= closes else None,
    )


_KINDS: dict[str, LaneKind] = {"counted": "counted", "late": "late", "paused": "paused"}


def _stretch(one: Piece, zone: ZoneInfo) -> LaneStretch:
    told = named(one.pause) if one.pause else ""
    return LaneStretch(
        one.start.astimezone(zone), one.end.astimezone(zone), _KINDS[one.state], told
    )


def _gap(days: Sequence[Day]) -> str:
    locale = current_locale()
    first, last = day_text(days[0].day, locale), day_text(days[-1].day, locale)
    span = first if len(days) == 1 else f"{first} – {last}"
    counted = sum(day.counted_us for day in days)
    if counted:
        return _("%(days)s: %(time)s counted, not drawn") % {"days": span, "time": lasted(counted)}
    paused = list(dict.fromkeys(
        named(one.pause) for day in days for one in day.working if one.pause
    ))  # fmt: skip
    number = ngettext("%(n)s day", "%(n)s days", len(days)) % {"n": len(days)}
    if paused:
        return _("%(days)s (%(number)s): paused, %(pause)s; nothing counts") % {
            "days": span, "number": number, "pause": ", ".join(paused),
        }  # fmt: skip
    return _("%(days)s (%(number)s): outside working time, nothing counts") % {
        "days": span, "number": number,
    }  # fmt: skip


def _weekday(day: date) -> str:
    from babel.dates import format_date

    found: str = format_date(day, "EEE d MMM", locale=current_locale())
    return found
