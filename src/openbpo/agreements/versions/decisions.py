"""Which version governs which day: pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from openbpo.agreements.model import Agreement
from openbpo.agreements.resolved import day_of
from openbpo.agreements.versions.model import InForce, Placement, Standing, Terms
from openbpo.values.ids import VersionId
from openbpo.values.refusals import Mistake, Refusal
from openbpo.values.spans import Span


def terms_on(all_terms: Sequence[Terms], at: datetime) -> Terms:
    """Return the terms that govern the day of an instant; the last ones where none do."""
    newest = all_terms[-1]
    day = day_of(at, newest.resolved.zones[newest.agreement.zone])
    return next((terms for terms in all_terms if terms.days.contains(day)), newest)


def place(
    version_id: VersionId, agreement: Agreement, standing: Standing, now: Iterable[InForce]
) -> Placement:
    """
    Return what changes when a version comes to a standing.

    A version that it names under `supersedes` gives way on the days that both would govern, and it
    gives way itself to one that names it: also when that one was signed first. What both have
    signed never gives way to what one side has signed: both stay, and it prevails.
    Raises Refusal when another version governs one of the days and neither supersedes the other.
    """
    now = tuple(now)
    own = [row for row in now if row.version_id == version_id]
    others = [row for row in now if row.version_id != version_id]
    overlapping = [row for row in others if row.days.overlaps(agreement.in_force)]
    later = [row for row in overlapping if agreement.version in row.supersedes]
    earlier = [row for row in overlapping if agreement.version not in row.supersedes]
    if conflicts := [row for row in earlier if row.number not in agreement.supersedes]:
        raise Refusal(*(_conflict(agreement, row) for row in conflicts))
    if standing is Standing.OUR_READING:
        earlier = [row for row in earlier if row.standing is Standing.OUR_READING]
    kept = tuple(
        (row.version_id, row.standing, days)
        for row in earlier
        for days in without(row.days, agreement.in_force)
    )
    left = _uncovered(agreement.in_force, [row for row in later if row.standing is standing])
    governing = (*kept, *((version_id, standing, days) for days in left))
    return Placement(superseded=(*own, *earlier), governing=governing)


def _conflict(agreement: Agreement, row: InForce) -> Mistake:
    return Mistake(
        "agreement.yaml",
        f"Version {row.number} ({row.standing.words}) governs {row.days} already, by other terms.",
        f"Give this version (number {agreement.version} now) a higher number and name "
        f"`supersedes: [{row.number}]`, or let `in_force` begin where the other ends.",
    )


def without(days: Span[date], taken: Span[date]) -> Sequence[Span[date]]:
    """Return what is left of some days when others are taken out of them."""
    if not days.overlaps(taken):
        return [days]
    left = []
    if days.start < taken.start:
        left.append(Span(days.start, taken.start))
    if taken.end is not None and (days.end is None or days.end > taken.end):
        left.append(Span(taken.end, days.end))
    return left


def governing(days: Span[date], now: Iterable[InForce]) -> tuple[InForce, ...]:
    """
    Return the versions that govern any of the days, in the order of their days; none overlap.

    On a day that two govern, what both have signed prevails over what one side has: of a reading
    only the days are returned that no agreed version governs.
    """
    now = tuple(now)
    agreed = [row for row in now if row.standing is Standing.AGREED]
    readings = [
        replace(row, days=left)
        for row in now
        if row.standing is Standing.OUR_READING
        for left in _uncovered(row.days, agreed)
    ]
    found = [row for row in (*agreed, *readings) if row.days.overlaps(days)]
    return tuple(sorted(found, key=lambda row: row.days.start))


def _uncovered(days: Span[date], by: Iterable[InForce]) -> list[Span[date]]:
    left = [days]
    for row in by:
        left = [rest for part in left for rest in without(part, row.days)]
    return left
