"""
A made-up year of an Italian help desk, in the shape of a real ticket system's export.

The desk starts on 1 January and the log is exported on 31 December, so that the last tickets are
still open. Times are local to Europe/Rome. Only `random.Random(seed).random()` and integers are
used: a seed gives the same rows on every machine. Weights are shares of their own table's sum.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TypeAlias

import holidays

from openbpo.lines.sampling import Band, Dice, Weighted, write_rows

Case: TypeAlias = list["Step"]

ASSIGN, TAKE, WAIT = "Assign seriousness", "Take in charge ticket", "Wait"
RESOLVE, CLOSED, INSERT = "Resolve ticket", "Closed", "Insert ticket"
UPGRADE, ANOMALY, REPAIRED = "Require upgrade", "Create SW anomaly", "Resolve SW anomaly"
INTERVENTION, LEFT_OPEN = "Schedule intervention", "(nothing more)"

FIRST_ACTIVITY: Weighted[str] = ((ASSIGN, 957), (INSERT, 26), (TAKE, 17))
NEXT_ACTIVITY: dict[str, Weighted[str]] = {
    INSERT: ((ASSIGN, 94), (WAIT, 3), (TAKE, 3)),
    ASSIGN: ((TAKE, 842), (ASSIGN, 88), (RESOLVE, 53), (WAIT, 14), (UPGRADE, 2), (ANOMALY, 1)),
    TAKE: (
        (RESOLVE, 704),
        (WAIT, 250),
        (TAKE, 20),
        (UPGRADE, 14),
        (ANOMALY, 10),
        (INTERVENTION, 2),
    ),
    WAIT: ((RESOLVE, 529), (TAKE, 382), (WAIT, 77), (UPGRADE, 5), (LEFT_OPEN, 5), (ANOMALY, 2)),
    UPGRADE: ((RESOLVE, 70), (UPGRADE, 13), (WAIT, 7), (TAKE, 5), (ANOMALY, 3), (LEFT_OPEN, 2)),
    ANOMALY: ((RESOLVE, 64), (UPGRADE, 16), (REPAIRED, 10), (ANOMALY, 6), (TAKE, 4)),
    REPAIRED: ((REPAIRED, 4), (RESOLVE, 3), (UPGRADE, 3)),
    INTERVENTION: ((RESOLVE, 8), (TAKE, 2)),
    RESOLVE: ((CLOSED, 916), (RESOLVE, 50), (TAKE, 31), (LEFT_OPEN, 2), (WAIT, 1)),
    CLOSED: ((LEFT_OPEN, 995), (CLOSED, 3), (TAKE, 2)),
}

MINUTE_S, HOUR_S = 60, 3_600
MORNING_S, DAY_S = 4 * HOUR_S + 1_800, 8 * HOUR_S + 1_800  # office hours 8:30-13, 14-18
OPENS, LUNCH_S = time(8, 30), HOUR_S

# How long the desk works, or waits for the client, after an activity: seconds of office hours.
AT_ONCE: Band = (0, 45)
HOURS: Band = (2 * MINUTE_S, 6 * HOUR_S)
DAYS: Band = (6 * HOUR_S, 3 * DAY_S)
WEEK: Band = (3 * DAY_S, 7 * DAY_S)
WEEKS: Band = (7 * DAY_S, 16 * DAY_S)
WORK: Weighted[Band] = ((AT_ONCE, 36), (HOURS, 34), (DAYS, 20), (WEEK, 7), (WEEKS, 3))
SLOW_WORK: Weighted[Band] = ((AT_ONCE, 10), (HOURS, 25), (DAYS, 35), (WEEK, 22), (WEEKS, 8))
GAP_S: dict[str, Weighted[Band]] = {
    INSERT: ((AT_ONCE, 45), (HOURS, 45), (DAYS, 10)),
    ASSIGN: WORK,
    TAKE: WORK,
    WAIT: ((HOURS, 20), (DAYS, 25), (WEEK, 25), (WEEKS, 30)),
    UPGRADE: SLOW_WORK,
    ANOMALY: SLOW_WORK,
    REPAIRED: SLOW_WORK,
    INTERVENTION: SLOW_WORK,
    RESOLVE: ((HOURS, 40), (DAYS, 40), (WEEK, 20)),
}
REPEATED_GAP_S: Weighted[Band] = ((AT_ONCE, 1),)  # a button pressed twice: RESOLVE or CLOSED again

# A job closes what the client has not contested: days after the resolution, on weekends too.
CLOSED_AFTER_DAYS: Weighted[int] = ((10, 62), (20, 24), (15, 8), (3, 6))

# The year: how many tickets come in, and how slow the work is (100 is usual), by month.
TICKETS = (104, 116, 128, 104, 122, 116, 76, 36, 142, 138, 124, 84)
PACE = (90, 105, 120, 100, 190, 105, 100, 110, 105, 300, 90, 95)  # a release in May and in October
LEVEL_PACE = {"Value 1": 55, "Value 2": 100, "Value 3": 125, "Value 4": 200}
SUMMER_LEAVE = ((8, 4), (8, 22))  # month and day, both included; a few people stay
WORKED_IN_LEAVE = 12  # of 100 tickets

OPENED_ON_WEEKDAY: Weighted[int] = ((0, 192), (1, 218), (2, 208), (3, 197), (4, 179), (5, 6))
OPENED_IN_S: Weighted[Band] = (
    ((30_600, 46_800), 54),  # 8:30-13
    ((46_800, 50_400), 6),
    ((50_400, 64_800), 38),  # 14-18
    ((64_800, 73_800), 2),
)


def _values(*weights: int) -> Weighted[str]:
    """Return anonymous values, as the real export has: Value 1, Value 2, and so on."""
    return [(f"Value {number}", weight) for number, weight in enumerate(weights, start=1)]


AGENTS = _values(240, 270, 0, 66, 0, 40, 18, 75, 125, 14, 16, 26, 90, 42, 18, 24, 6, 8, 6)
KEEPS_THE_TICKET = 74  # of 100 steps
CLOSERS: Weighted[str] = (("Value 5", 82), ("Value 3", 18))
CUSTOMERS = 240
ATTRIBUTES: dict[str, Weighted[str]] = {  # the export's last columns, in their order
    "seriousness": _values(1),
    "customer": (),  # many; the low numbers more often
    "product": _values(372, 129, 366, 42, 13, 17, 8, 8, 4, 3, 8, 15, 3, 2, 4, 2),
    "responsible_section": _values(956, 11, 4, 16, 4, 8, 1),
    "seriousness_2": _values(570, 385, 2, 43),
    "service_level": _values(30, 745, 220, 5),
    "service_type": _values(847, 143, 9, 1),
    "support_section": _values(960, 4, 25, 4, 6, 1),
    "workgroup": _values(847, 119, 21, 13),
}
CHANGED_LATER = (("service_level", 10), ("seriousness_2", 17))  # of 1,000 tickets

HEADER = [
    *("Case ID", "Activity", "Resource", "Complete Timestamp"),
    *("Variant", "Variant index", "Variant"),  # the real export says Variant twice, so do we
    *ATTRIBUTES,
]


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a ticket; `attributes` are the export's last columns."""

    activity: str
    resource: str
    at: datetime
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class OfficeDays:
    """The days on which somebody works on a ticket: time there is a count of office seconds."""

    days: tuple[date, ...]

    def position(self, at: datetime) -> int:
        """Return the first office second at or after this moment."""
        index = bisect_left(self.days, at.date())
        if index == len(self.days) or self.days[index] != at.date():
            return index * DAY_S
        since_opening = (at - datetime.combine(at.date(), OPENS)) // timedelta(seconds=1)
        morning = min(max(since_opening, 0), MORNING_S)
        afternoon = min(max(since_opening - MORNING_S - LUNCH_S, 0), DAY_S - MORNING_S)
        return index * DAY_S + morning + afternoon

    def moment(self, position: int) -> datetime | None:
        """Return the moment of an office second, or None after the last of the days."""
        index, second = divmod(position, DAY_S)
        if index >= len(self.days):
            return None
        lunch = LUNCH_S if second >= MORNING_S else 0
        opens = datetime.combine(self.days[index], OPENS)
        return opens + timedelta(seconds=second + lunch)


def sample_log(year: int, seed: int) -> Iterator[list[str]]:
    """Yield the header, then the year's rows, ticket by ticket in order of opening."""
    dice = Dice(seed)
    closed_days = _national_holidays(year)
    usual, staffed = _office_days(year, closed_days)
    cases = []
    for opened_at in _openings(dice, year, closed_days):
        desk = staffed if dice.below(100) < WORKED_IN_LEAVE else usual
        cases.append(_case(dice, opened_at, desk))
    variants = _variants(cases)
    yield list(HEADER)
    for number, case in enumerate(cases, start=1):
        yield from _rows(f"Case {number}", case, variants[_trace(case)])


def write_sample(path: str | Path, year: int, seed: int) -> None:
    """Write the year as CSV; a name that ends in .gz is gzipped, without a time of writing."""
    write_rows(path, sample_log(year, seed))


def _national_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("IT", years=year))


def _office_days(year: int, closed: frozenset[date]) -> tuple[OfficeDays, OfficeDays]:
    """Return the days of those who take the summer leave, and of the few who stay."""
    staffed = [day for day in _days(year) if day.weekday() < 5 and day not in closed]
    usual = [day for day in staffed if not _on_leave(day)]
    return OfficeDays(tuple(usual)), OfficeDays(tuple(staffed))


def _on_leave(day: date) -> bool:
    first, last = SUMMER_LEAVE
    return first <= (day.month, day.day) <= last


def _days(year: int) -> Iterator[date]:
    day = date(year, 1, 1)
    while day.year == year:
        yield day
        day += timedelta(days=1)


def _openings(dice: Dice, year: int, closed: frozenset[date]) -> list[datetime]:
    """Return when the year's tickets come in: each month's count, give or take a twentieth."""
    found = []
    for month, usual in enumerate(TICKETS, start=1):
        days = [day for day in _days(year) if day.month == month and day not in closed]
        for _ in range(usual * (95 + dice.below(11)) // 100):
            weekday = dice.pick(OPENED_ON_WEEKDAY)
            candidates = [day for day in days if day.weekday() == weekday]
            day = candidates[dice.below(len(candidates))]
            midnight = datetime.combine(day, time())
            found.append(midnight + timedelta(seconds=dice.within(OPENED_IN_S)))
    return sorted(found)


def _case(dice: Dice, opened_at: datetime, desk: OfficeDays) -> Case:
    """Return a ticket's events, from its opening to its end or to the end of the year."""
    attributes = _attributes(dice)
    pace = PACE[opened_at.month - 1] * LEVEL_PACE[attributes["service_level"]]
    activity, agent, at = dice.pick(FIRST_ACTIVITY), dice.pick(AGENTS), opened_at
    steps = [Step(activity, agent, at, attributes)]
    attributes = _changed(dice, attributes)
    while (activity := dice.pick(NEXT_ACTIVITY[steps[-1].activity])) != LEFT_OPEN:
        later = _next_moment(dice, steps[-1], activity, desk, pace)
        if later is None or later.year > opened_at.year:
            break
        agent = agent if dice.below(100) < KEEPS_THE_TICKET else dice.pick(AGENTS)
        resource = dice.pick(CLOSERS) if activity == CLOSED else agent
        steps.append(Step(activity, resource, later, attributes))
    return steps


def _next_moment(
    dice: Dice, step: Step, activity: str, desk: OfficeDays, pace: int
) -> datetime | None:
    """Return when the ticket's next activity happens, or None if that is after the year."""
    if activity == step.activity and activity in (RESOLVE, CLOSED):
        return step.at + timedelta(seconds=dice.within(REPEATED_GAP_S))
    if activity == CLOSED:
        days = dice.pick(CLOSED_AFTER_DAYS)
        return step.at + timedelta(days=days, seconds=dice.below(20))
    gap_s = dice.within(GAP_S.get(step.activity, WORK))
    if step.activity not in (WAIT, RESOLVE, CLOSED):  # the client's time is not the desk's
        gap_s = gap_s * pace // 10_000
    return desk.moment(desk.position(step.at) + gap_s)


def _attributes(dice: Dice) -> dict[str, str]:
    customer = f"Value {1 + dice.below(1 + dice.below(1 + dice.below(CUSTOMERS)))}"
    return {
        column: dice.pick(values) if values else customer for column, values in ATTRIBUTES.items()
    }


def _changed(dice: Dice, attributes: dict[str, str]) -> dict[str, str]:
    """Return what the ticket's later rows say: now and then the desk corrects a column."""
    corrections = {
        column: dice.pick(ATTRIBUTES[column])
        for column, of_1000 in CHANGED_LATER
        if dice.below(1000) < of_1000
    }
    return attributes | corrections


def _trace(case: Case) -> tuple[str, ...]:
    return tuple(step.activity for step in case)


def _variants(cases: list[Case]) -> dict[tuple[str, ...], int]:
    """Return each trace's number: 1 is the most frequent, the first seen wins a tie."""
    by_frequency = Counter(_trace(case) for case in cases).most_common()
    return {trace: number for number, (trace, _) in enumerate(by_frequency, start=1)}


def _rows(case_id: str, case: Case, variant: int) -> Iterator[list[str]]:
    name = f"Variant {variant}"
    for step in case:
        at = step.at.strftime("%Y/%m/%d %H:%M:%S.000")
        head = [case_id, step.activity, step.resource, at, name, str(variant), name]
        yield [*head, *step.attributes.values()]
