"""
What the help desk contract owes, month by month, computed as slowly and plainly as possible.

Each block below quotes the contract lines it obeys, so that a reader can check one against the
other. Nothing is imported from the product: if both agree, they agree about the contract.

    python -m tests.oracle.helpdesk FILE [PERIOD]
"""

import csv
import gzip
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypedDict
from zoneinfo import ZoneInfo

# Times are local to Europe/Rome.
ROME = ZoneInfo("Europe/Rome")

# The clock stands still after Wait, Resolve ticket and Closed until the ticket's next event,
# and runs after every other activity.
PAUSING_ACTIVITIES = ("Wait", "Resolve ticket", "Closed")

# Calendar: Monday to Friday, 08:30-13:00 and 14:00-18:00.
BLOCKS = ((time(8, 30), time(13, 0)), (time(14, 0), time(18, 0)))

# Value 1 / 2 / 3 / 4 are premium / standard / basic / project.
LEVELS = {"Value 1": "premium", "Value 2": "standard", "Value 3": "basic", "Value 4": "project"}

# Within: at most 96 / 120 / 160 working hours; project: no promise.
LIMITS = {
    "premium": timedelta(hours=96),
    "standard": timedelta(hours=120),
    "basic": timedelta(hours=160),
}

# Fewer than 20 completed: low volume. At least 95 %: met. At least 90 %: 5 %. Less: 10 %.
FEWEST_COMPLETED = 20
MET_SHARE = Fraction(95, 100)
FIRST_DEFAULT_SHARE = Fraction(90, 100)
FIRST_DEFAULT_RATE = Fraction(5, 100)
SECOND_DEFAULT_RATE = Fraction(10, 100)
CREDIT_CAP = Fraction(12, 100)

# The first 50 at 38.00, the next 50 at 31.50, beyond at 26.25; at least 1,500.00; VAT 22 %.
CURRENCY = "EUR"
FIRST_PRICE_CENTS = 38_00
NEXT_PRICE_CENTS = 31_50
BEYOND_PRICE_CENTS = 26_25
MINIMUM_CENTS = 1_500_00
VAT_RATE = Fraction(22, 100)


class ServiceLevel(TypedDict):
    """One promise in one month, as an invoice shows it."""

    id: str
    numerator: int
    denominator: int
    verdict: str
    credit_rate: str


class Invoice(TypedDict):
    """One month: amounts have two decimals, `credits` is positive."""

    period: str
    currency: str
    fees: str
    credits: str
    net: str
    tax: str
    total: str
    service_levels: list[ServiceLevel]


@dataclass(frozen=True)
class Event:
    """One row of the log; `at` is in UTC, so that a difference is time that really passed."""

    case_id: str
    activity: str
    at: datetime
    service_level: str


class Judged(NamedTuple):
    """One level's month: what the invoice shows, and the exact rate that is added and capped."""

    shown: ServiceLevel
    credit_rate: Fraction


# --- the log ------------------------------------------------------------------------------------


def read(path: str | Path) -> list[dict[str, str]]:
    """Return the rows of a log, gzipped or not, in file order."""
    path = Path(path)
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    # The header says `Variant` twice; a dict keeps the second, and we need neither.
    return list(csv.DictReader(data.decode("utf-8").splitlines()))


def parsed(row: Mapping[str, str]) -> Event:
    """Return the row as an event; an unknown service level is refused."""
    local = datetime.strptime(row["Complete Timestamp"], "%Y/%m/%d %H:%M:%S.%f")  # noqa: DTZ007
    if row["service_level"] not in LEVELS:
        raise ValueError(f"unknown service level {row['service_level']!r} in {row['Case ID']}")
    return Event(row["Case ID"], row["Activity"], instant(local), LEVELS[row["service_level"]])


def instant(local: datetime) -> datetime:
    """Return Rome's wall time as UTC. The contract names no rule for a skipped or doubled hour."""
    earlier = local.replace(tzinfo=ROME, fold=0).astimezone(UTC)
    later = local.replace(tzinfo=ROME, fold=1).astimezone(UTC)
    if earlier != later:
        raise ValueError(f"{local} is skipped or doubled by a change of clocks")
    return earlier


def tickets(rows: Iterable[Mapping[str, str]]) -> list[list[Event]]:
    """Return each ticket's events in order of time; those of one instant stay in file order."""
    by_case: dict[str, list[Event]] = {}
    for row in rows:
        event = parsed(row)
        by_case.setdefault(event.case_id, []).append(event)
    # Python's sort is stable: equal times keep the order of the file.
    return [sorted(events, key=lambda event: event.at) for events in by_case.values()]


def month_of(moment: datetime) -> str:
    """Return the calendar month in Rome, as in 2012-02."""
    return moment.astimezone(ROME).strftime("%Y-%m")


# --- working time -------------------------------------------------------------------------------


def easter_sunday(year: int) -> date:
    """Return Easter by the Gregorian computus (Meeus, Jones, Butcher)."""
    a = year % 19
    b, c = divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    el = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 19 * el) // 433
    month = (h + el - 7 * m + 90) // 25
    return date(year, month, (h + el - 7 * m + 33 * month + 19) % 32)


def italian_holidays(year: int) -> set[date]:
    """Return Italy's national holidays, without any patron saint of a town (2009 to 2030)."""
    found = {
        date(year, 1, 1),  # Capodanno
        date(year, 1, 6),  # Epifania
        easter_sunday(year),  # Pasqua
        easter_sunday(year) + timedelta(days=1),  # Lunedì dell'Angelo
        date(year, 4, 25),  # Festa della Liberazione
        date(year, 5, 1),  # Festa del Lavoro
        date(year, 6, 2),  # Festa della Repubblica
        date(year, 8, 15),  # Assunzione
        date(year, 11, 1),  # Ognissanti
        date(year, 12, 8),  # Immacolata Concezione
        date(year, 12, 25),  # Natale
        date(year, 12, 26),  # Santo Stefano
    }
    if year == 2011:
        found.add(date(2011, 3, 17))  # 150 years of unity: this once
    if year >= 2026:
        found.add(date(year, 10, 4))  # San Francesco: Legge 8 ottobre 2025, n. 151
    return found


def is_working_day(day: date) -> bool:
    """Tell whether the desk's calendar is open on this day: Monday to Friday and no holiday."""
    return day.weekday() < 5 and day not in italian_holidays(day.year)


def working_time(start: datetime, end: datetime) -> timedelta:
    """Return the working time from `start` to `end`, walking day by day and block by block."""
    total = timedelta(0)
    day = start.astimezone(ROME).date()
    while day <= end.astimezone(ROME).date():
        if is_working_day(day):
            for opens, closes in BLOCKS:
                block_start = instant(datetime.combine(day, opens))
                block_end = instant(datetime.combine(day, closes))
                counted = min(end, block_end) - max(start, block_start)
                total += max(counted, timedelta(0))
        day += timedelta(days=1)
    return total


# --- one ticket ---------------------------------------------------------------------------------


def last_resolution(events: list[Event]) -> int | None:
    """Return the place of the last `Resolve ticket`, or None: it is resolved at that event."""
    places = [place for place, event in enumerate(events) if event.activity == "Resolve ticket"]
    return places[-1] if places else None


def counted_time(events: list[Event], upto: int) -> timedelta:
    """Return the ticket's working time from its first event to the one at `upto`, less pauses."""
    total = timedelta(0)
    for before, after in pairwise(events[: upto + 1]):
        if before.activity not in PAUSING_ACTIVITIES:
            total += working_time(before.at, after.at)
    return total


def first_closed(events: list[Event]) -> datetime | None:
    """Return when the ticket was first `Closed`, or None."""
    for event in events:
        if event.activity == "Closed":
            return event.at
    return None


# --- one month ----------------------------------------------------------------------------------


def judged(level: str, within: int, completed: int) -> Judged:
    """Return the verdict on one level's month and the credit that it alone would give."""
    if completed < FEWEST_COMPLETED:
        verdict, rate = "low_volume", Fraction(0)
    elif Fraction(within, completed) >= MET_SHARE:
        verdict, rate = "met", Fraction(0)
    elif Fraction(within, completed) >= FIRST_DEFAULT_SHARE:
        verdict, rate = "default", FIRST_DEFAULT_RATE
    else:
        verdict, rate = "default", SECOND_DEFAULT_RATE
    shown: ServiceLevel = {
        "id": f"resolve-{level}",
        "numerator": within,
        "denominator": completed,
        "verdict": verdict,
        "credit_rate": two_decimals(int(rate * 100)),
    }
    return Judged(shown, rate)


def fees_cents(closed: int) -> int:
    """Return the month's fees: three tiers, each ticket at its own tier's price, or the minimum."""
    first = min(closed, 50)
    next_ = min(max(closed - 50, 0), 50)
    beyond = max(closed - 100, 0)
    graduated = first * FIRST_PRICE_CENTS + next_ * NEXT_PRICE_CENTS + beyond * BEYOND_PRICE_CENTS
    return max(graduated, MINIMUM_CENTS)


def half_up(cents: Fraction) -> int:
    """Return a positive amount rounded to the cent; exactly half a cent goes up."""
    return int(cents + Fraction(1, 2))


def two_decimals(hundredths: int) -> str:
    """Return 160050 as 1600.50, and 5 as 0.05."""
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def invoice(period: str, closed: int, levels: list[Judged]) -> Invoice:
    """Return the month's invoice from the count of closed tickets and the three verdicts."""
    fees = fees_cents(closed)
    rate = min(sum((level.credit_rate for level in levels), Fraction(0)), CREDIT_CAP)
    credit = half_up(fees * rate)
    net = fees - credit
    tax = half_up(net * VAT_RATE)
    return {
        "period": period,
        "currency": CURRENCY,
        "fees": two_decimals(fees),
        "credits": two_decimals(credit),
        "net": two_decimals(net),
        "tax": two_decimals(tax),
        "total": two_decimals(net + tax),
        "service_levels": [level.shown for level in levels],
    }


# --- all months ---------------------------------------------------------------------------------


def months(first: str, last: str) -> list[str]:
    """Return every month from `first` to `last`, both included: an idle month bills too."""
    year, month = (int(part) for part in first.split("-"))
    found = []
    while f"{year}-{month:02d}" <= last:
        found.append(f"{year}-{month:02d}")
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return found


def invoices(rows: Iterable[Mapping[str, str]]) -> dict[str, Invoice]:
    """Return the invoice of every month from that of the log's first event to that of its last."""
    log = tickets(rows)
    closed: list[str] = []  # one month for each ticket that was ever closed
    completed: list[tuple[str, str]] = []  # (month, level) for each that was ever resolved
    within: list[tuple[str, str]] = []  # the same, for those resolved within their limit
    for events in log:
        closed_at = first_closed(events)
        if closed_at is not None:
            closed.append(month_of(closed_at))
        resolved = last_resolution(events)
        level = events[0].service_level
        if resolved is not None and level in LIMITS:
            completed.append((month_of(events[resolved].at), level))
            if counted_time(events, resolved) <= LIMITS[level]:
                within.append((month_of(events[resolved].at), level))
    seen = sorted(month_of(event.at) for events in log for event in events)
    return {
        period: invoice(
            period,
            closed.count(period),
            [
                judged(level, within.count((period, level)), completed.count((period, level)))
                for level in LIMITS
            ],
        )
        for period in (months(seen[0], seen[-1]) if seen else [])
    }


def main(arguments: list[str]) -> None:
    """Print the invoices of a log as JSON, or that of one period."""
    found = invoices(read(arguments[0]))
    answer = found[arguments[1]] if len(arguments) > 1 else found
    print(json.dumps(answer, indent=1))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
