"""
A made-up year of a small call centre, in the shape of a real switch's export.

A row is a call. Its times are local to Asia/Jerusalem, without a day of their own: what happens
after midnight is told by the clock alone. 0:00:00 means that something did not happen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from openbpo.lines.sampling import Band, Dice, Weighted, write_rows

HEADER = [
    *("vru+line", "call_id", "customer_id", "priority", "type", "date"),
    *("vru_entry", "vru_exit", "vru_time", "q_start", "q_exit", "q_time", "outcome"),
    *("ser_start", "ser_exit", "ser_time", "server"),
]
NEVER = "0:00:00"
MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400

# How many calls come in on a day, Monday first; the centre rests from Friday to Saturday evening.
CALLS = (36, 35, 34, 35, 19, 9, 38)
HOURS: Weighted[Band] = (
    ((7 * HOUR_S, 9 * HOUR_S), 13),
    ((9 * HOUR_S, 13 * HOUR_S), 38),
    ((13 * HOUR_S, 18 * HOUR_S), 31),
    ((18 * HOUR_S, 22 * HOUR_S), 14),
    ((22 * HOUR_S, DAY_S - 1), 4),
)
FRIDAY_HOURS: Weighted[Band] = (((7 * HOUR_S, 14 * HOUR_S), 1),)
SATURDAY_HOURS: Weighted[Band] = (((20 * HOUR_S, DAY_S - 1), 1),)
FRIDAY, SATURDAY = 4, 5

VRU: Weighted[Band] = (((3, 8), 50), ((8, 14), 45), ((14, 40), 5))
SERVICE: Weighted[Band] = (((15, 60), 16), ((60, 180), 46), ((180, 420), 30), ((420, 1_500), 8))
LEAVES_THE_VRU, IS_PHANTOM, IS_NOT_TIMED = 38, 8, 3  # of 1,000 calls
TYPES: Weighted[str] = (("PS", 68), ("NW", 17), ("NE", 8), ("IN", 3), ("TT", 3), ("PE", 1))
PRIORITIES: Weighted[str] = (("0", 55), ("1", 16), ("2", 29))
SERVERS: Weighted[str] = [(f"AGENT {number}", weight) for number, weight in enumerate(
    (14, 12, 12, 11, 10, 9, 9, 8, 6, 5, 4), start=1)]  # fmt: skip
LINES, VRUS = 10, 6


@dataclass(frozen=True, slots=True)
class Staffing:
    """How the centre is staffed: waits, patience, and the queue by month (100 is usual)."""

    wait: Weighted[Band]
    patience: Weighted[Band]
    pace: tuple[int, ...]


VARIANTS = {
    # Short of people: 60 % within 20 seconds; full in March, empty in August.
    "short-staffed": Staffing(
        wait=(
            ((0, 1), 46),  # an agent is free: the call does not queue
            ((1, 10), 6),
            ((10, 25), 10),
            ((25, 60), 16),
            ((60, 150), 16),
            ((150, 400), 6),
        ),
        patience=(((1, 20), 8), ((20, 60), 7), ((60, 180), 15), ((180, 1_200), 70)),
        pace=(100, 85, 190, 100, 70, 100, 60, 30, 130, 100, 110, 150),
    ),
    # Enough of them: most answers come at once, and who hangs up does so early. The formulas lie
    # on both sides of 85 % in most months, between 76 and 88 %.
    "staffed": Staffing(
        wait=(
            ((0, 1), 67),
            ((1, 10), 8),
            ((10, 20), 5),
            ((20, 45), 12),
            ((45, 110), 6),
            ((110, 260), 2),
        ),
        patience=(((2, 20), 34), ((20, 60), 4), ((60, 180), 6), ((180, 1_200), 56)),
        pace=(100, 100, 150, 105, 95, 100, 90, 60, 135, 115, 100, 120),
    ),
}
SHORT_STAFFED = "short-staffed"


@dataclass(frozen=True, slots=True)
class Call:
    """What becomes of a call; seconds, None for what does not happen."""

    outcome: str
    vru_s: int
    wait_s: int | None
    service_s: int | None


def sample_log(year: int, seed: int, variant: str = SHORT_STAFFED) -> Iterator[list[str]]:
    """Yield the header, then the year's calls in order of coming in."""
    dice, staffing = Dice(seed), VARIANTS[variant]
    numbers = [20_000 + 1_000 * vru for vru in range(VRUS)]
    yield list(HEADER)
    day = date(year, 1, 1)
    while day.year == year:
        for second in _arrivals(dice, day):
            vru = dice.below(VRUS)
            numbers[vru] += 1 + dice.below(3)
            line = f"AA{vru + 1:02}{1 + dice.below(LINES):02}"
            yield _row(dice, staffing, day, second, line, numbers[vru])
        day += timedelta(days=1)


def write_sample(path: str | Path, year: int, seed: int, variant: str = SHORT_STAFFED) -> None:
    """Write the year, parted by tabs; a name that ends in .gz is gzipped."""
    write_rows(path, sample_log(year, seed, variant), delimiter="\t")


def _arrivals(dice: Dice, day: date) -> list[int]:
    """Return when the day's calls come in: the usual count, give or take a tenth."""
    hours = {FRIDAY: FRIDAY_HOURS, SATURDAY: SATURDAY_HOURS}.get(day.weekday(), HOURS)
    calls = CALLS[day.weekday()] * (90 + dice.below(21)) // 100
    return sorted(dice.within(hours) for _ in range(calls))


def _row(
    dice: Dice, staffing: Staffing, day: date, second: int, line: str, number: int
) -> list[str]:
    call = _call(dice, staffing, day.month)
    left_vru = second + call.vru_s
    left_queue = left_vru + (call.wait_s or 0)
    is_known = call.wait_s is not None
    served = call.service_s is not None
    return [
        line, str(number),
        str(1_000_000 + dice.below(9_000_000)) if is_known else "0",
        dice.pick(PRIORITIES) if is_known else "0",
        dice.pick(TYPES), f"{day:%y%m%d}",
        _clock(second), _clock(left_vru), str(call.vru_s),
        *((_clock(left_vru), _clock(left_queue)) if call.wait_s is not None else (NEVER, NEVER)),
        str(call.wait_s or 0), call.outcome,
        *((_clock(left_queue), _clock(left_queue + (call.service_s or 0))) if served
          else (NEVER, NEVER)),
        str(call.service_s or 0),
        dice.pick(SERVERS) if call.outcome == "AGENT" else "NO_SERVER",
    ]  # fmt: skip


def _call(dice: Dice, staffing: Staffing, month: int) -> Call:
    """Return a call's fate: who waits longer than their patience hangs up."""
    vru_s, fate = dice.within(VRU), dice.below(1_000)
    if fate < LEAVES_THE_VRU:
        return Call("HANG", vru_s, None, None)
    wait_s = dice.within(staffing.wait) * staffing.pace[month - 1] // 100
    patience_s = dice.within(staffing.patience)
    if fate >= 1_000 - IS_PHANTOM:
        return Call("PHANTOM", vru_s, wait_s or None, None)
    if patience_s < wait_s:
        return Call("HANG", vru_s, patience_s, None)
    service_s = None if dice.below(1_000) < IS_NOT_TIMED else dice.within(SERVICE)
    return Call("AGENT", vru_s, wait_s or None, service_s)


def _clock(second: int) -> str:
    """Return a second of the day as a clock shows it; midnight itself would mean never."""
    minutes, seconds = divmod(second % DAY_S or 1, MINUTE_S)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
