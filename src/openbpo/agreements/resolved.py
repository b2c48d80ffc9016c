"""
What could change under our feet, resolved once when a version is proposed and signed with it.

Holidays are announced and zones are moved by law. A verdict of last year must not move with them,
so a version carries the days and transitions that it was signed with and computes by these alone.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from openbpo.agreements.model import Agreement, CalendarTerms
from openbpo.values.calendars import Block, WorkingCalendar, resolve_holidays
from openbpo.values.zones import FIRST_YEAR, LAST_YEAR, Zone, resolve_zone

YEARS_BEFORE = 5
YEARS_AHEAD = 40

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resolved:
    """The zones by name and the working calendars by id that a version computes with."""

    zones: Mapping[str, Zone]
    calendars: Mapping[str, WorkingCalendar]


def resolve(agreement: Agreement) -> Facts:
    """
    Return the zones' transitions and the calendars' holidays as plain facts, to be signed.

    They reach from five years before the term to its end, or for forty years after the version
    comes into force where the term is open.
    """
    first, last = _years(agreement)
    zones = sorted(_zone_names(agreement))
    return {
        "years": [first, last],
        "sources": {name: importlib.metadata.version(name) for name in ("tzdata", "holidays")},
        "zones": {name: resolve_zone(name, first, last).as_facts() for name in zones},
        "holidays": {
            calendar.id: [[day.isoformat(), name] for day, name in _holidays(calendar, first, last)]
            for calendar in agreement.calendars.values()
        },
    }


def from_facts(agreement: Agreement, facts: Mapping[str, Any]) -> Resolved:
    """Return what a version computes with, from the facts that were signed with it."""
    zones = {name: Zone.from_facts(stored) for name, stored in facts["zones"].items()}
    calendars = {
        terms.id: _calendar(terms, zones[terms.zone], facts["holidays"][terms.id])
        for terms in agreement.calendars.values()
    }
    return Resolved(zones, calendars)


def _years(agreement: Agreement) -> tuple[int, int]:
    end = agreement.term.end
    last = max(end.year + 1 if end else 0, agreement.in_force.start.year + YEARS_AHEAD)
    return max(FIRST_YEAR, agreement.term.start.year - YEARS_BEFORE), min(LAST_YEAR, last)


def _zone_names(agreement: Agreement) -> set[str]:
    return (
        {agreement.zone}
        | {calendar.zone for calendar in agreement.calendars.values()}
        | {zone for mapping in agreement.mappings.values() for zone in mapping.zones}
    )


def _holidays(terms: CalendarTerms, first: int, last: int) -> list[tuple[date, str]]:
    days = dict(resolve_holidays(terms.country, terms.region, first, last) if terms.country else ())
    days.update(terms.also)
    return sorted((day, name) for day, name in days.items() if day not in terms.worked)


def _calendar(terms: CalendarTerms, zone: Zone, holidays: list[list[str]]) -> WorkingCalendar:
    if terms.blocks is None:
        return WorkingCalendar.round_the_clock(zone)
    days: list[list[Block]] = [[] for _ in range(7)]
    for block in terms.blocks:
        for weekday in block.weekdays:
            days[weekday].append(Block(block.start_min, block.end_min))
    free = frozenset(date.fromisoformat(day) for day, _ in holidays)
    return WorkingCalendar(
        zone, tuple(tuple(sorted(day, key=lambda b: b.start_min)) for day in days), free
    )


def day_of(instant: datetime, zone: Zone) -> date:
    """Return the local day of an instant."""
    return zone.to_local(instant).date()
