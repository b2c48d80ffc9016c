"""
A help desk's month in memory, and a book-keeper of its own who makes reports with errors in them.

The book-keeper adds up by hand (cents as fractions, tiers one unit at a time) what a report comes
to with a set of errors; nothing of `openbpo.evidence.reconciling` plays a part in that.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from openbpo.agreements.files import read_folder
from openbpo.agreements.model import ClockMeasure
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.resolved import from_facts, resolve
from openbpo.agreements.service_levels.decisions import elapsed
from openbpo.agreements.versions.model import Standing, Terms
from openbpo.assurance.attainment.model import ClockResult, MeasuredCase
from openbpo.assurance.attainment.queries import attain, work_from
from openbpo.billing.invoicing.queries import invoice_of
from openbpo.evidence.reconciling.model import Recomputed
from openbpo.evidence.reconciling.templates import CASES, FIGURES, Cell, Table, write_report
from openbpo.lines.helpdesk.sample import sample_log
from openbpo.record.model import RecordedEvent
from openbpo.values.calendars import WorkingCalendar
from openbpo.values.durations import HOUR_US, MINUTE_US, SECOND_US, duration_text
from openbpo.values.ids import EventId, VersionId
from openbpo.values.money import Money
from tests.support import EXAMPLE

LEVELS = {"Value 1": "premium", "Value 2": "standard", "Value 3": "basic", "Value 4": "project"}
PERIOD = "2025-11"
LONG_HOURS = """  holidays: {country: IT}
- id: long-hours
  hours:
    - {days: monday to saturday, from: 07:00, to: 20:00}
  # no holidays"""
ONE_PAUSE = """    - id: standing-still
      after: activity in ("Wait", "Resolve ticket", "Closed")
      until: next event"""
TWO_PAUSES = """    - id: waiting
      after: activity = "Wait"
      until: next event
    - id: done
      after: activity in ("Resolve ticket", "Closed")
      until: next event"""
EDITS: Mapping[str, Iterable[tuple[str, str]]] = {
    "calendars.yaml": [("  holidays: {country: IT}", LONG_HOURS)],
    "services.yaml": [(ONE_PAUSE, TWO_PAUSES)],
    "measures.yaml": [("pauses: [standing-still]", "pauses: [waiting, done]")],
}


def files(edits: Mapping[str, Iterable[tuple[str, str]]] = {}) -> dict[str, bytes]:
    """Return the example's files, with two pauses and two calendars, and pieces replaced."""
    found = dict(read_folder(EXAMPLE))
    for changes in (EDITS, edits):
        for name, replacements in changes.items():
            for old, new in replacements:
                text = found[name].decode()
                assert old in text, f"{name} does not hold {old!r}"
                found[name] = text.replace(old, new).encode()
    return found


def terms_of(edits: Mapping[str, Iterable[tuple[str, str]]] = {}) -> Terms:
    agreement = read_agreement(files(edits))
    return Terms(
        version_id=VersionId(UUID(int=1)),
        agreement=agreement,
        resolved=from_facts(agreement, resolve(agreement)),
        days=agreement.in_force,
        content_hash=bytes(32),
        standing=Standing.AGREED,
        signed_by=("client", "provider"),
    )


@cache
def events(year: int = 2025, seed: int = 7) -> tuple[RecordedEvent, ...]:
    """Return the made-up year's events, case by case."""
    rows = sample_log(year, seed)
    header = list(next(rows))
    level = header.index("service_level")
    told: dict[str, list[RecordedEvent]] = {}
    for number, row in enumerate(rows):
        at = datetime.strptime(row[3], "%Y/%m/%d %H:%M:%S.%f")  # noqa: DTZ007
        told.setdefault(row[0], []).append(
            RecordedEvent(
                event_id=EventId(f"1.{number}"),
                kind="case",
                subject=row[0],
                happened_at=at.replace(tzinfo=ZoneInfo("Europe/Rome")).astimezone(UTC),
                source="sample.csv",
                type="",
                facts={
                    **dict.fromkeys(("seriousness", "product", "resource", "workgroup"), "any"),
                    "activity": row[1],
                    "service_level": LEVELS[row[level]],
                },
            )
        )
    return tuple(
        one for case in sorted(told) for one in sorted(told[case], key=lambda e: e.happened_at)
    )


def recomputed_month(
    name: str = PERIOD, edits: Mapping[str, Iterable[tuple[str, str]]] = {}
) -> Recomputed:
    return _month(terms_of(edits), name)


@cache
def usual_month(name: str = PERIOD) -> Recomputed:
    return recomputed_month(name)


def _month(terms: Terms, name: str) -> Recomputed:
    work = work_from(events(), [terms], name)
    results = attain(work)
    return Recomputed(work=work, results=results, volumes=invoice_of(work, results).volumes)


# ---- errors


@dataclass(frozen=True)
class Error:
    """An error in a report: where it is made, and what `reconcile` must say of it."""

    cause: str
    figure: str
    case: str = ""
    slot: tuple[str, ...] = ()
    """What two errors may not both touch."""
    row: tuple[bool, int | None] | None = None
    """What a case's row says: within, counted. None takes the row out."""
    numbers: tuple[int, int] | None = None
    """What is written as a measure's numerator and denominator."""
    units: int = 0
    each: Fraction | None = None
    added: Fraction = Fraction(0)
    """To the amount of the figure."""
    tax_rate: Fraction | None = None

    @property
    def told(self) -> tuple[str, str, tuple[str, ...]]:
        """Return cause, figure and cases, as they must be listed."""
        return self.cause, self.figure, (self.case,) if self.case else ()


def cents(exact: Fraction) -> Fraction:
    """Round half up, of an amount that is not negative."""
    return Fraction((exact * 100 + Fraction(1, 2)) // 1, 100)


@dataclass
class Keeper:
    """Keeps a month's books with errors in them."""

    ours: Recomputed
    rows: dict[tuple[str, str], tuple[bool, int | None]] = field(default_factory=dict)
    charged: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for result in self.ours.results:
            assert isinstance(result, ClockResult)
            for one in result.cases:
                self.rows[result.measure.id, one.case.key] = (
                    one.is_within,
                    one.elapsed.counted_us,
                )
        [volume] = self.ours.volumes
        self.charge = volume.charge
        self.charged = [case.key for case in volume.cases]

    # what it comes to

    def rows_with(self, errors: Iterable[Error]) -> dict[tuple[str, str], Any]:
        rows = dict(self.rows)
        for error in errors:
            if error.slot[:1] == ("row",):
                if error.row is None:
                    del rows[error.figure, error.case]
                else:
                    rows[error.figure, error.case] = error.row
        return rows

    def tallies(self, errors: Iterable[Error]) -> dict[str, tuple[int, int]]:
        found = {}
        rows = self.rows_with(errors)
        for result in self.ours.results:
            name = result.measure.id
            of = [row for (measure, _), row in rows.items() if measure == name]
            found[name] = sum(within for within, _ in of), len(of)
        return found

    def deltas(self, errors: list[Error]) -> dict[str, tuple[int, int]]:
        """Return by how much written numbers are off what the report's own cases come to."""
        tallies = self.tallies(errors)
        return {
            error.figure: (
                error.numbers[0] - tallies[error.figure][0],
                error.numbers[1] - tallies[error.figure][1],
            )
            for error in errors
            if error.numbers is not None
        }

    def sums(
        self, errors: list[Error], deltas: Mapping[str, tuple[int, int]]
    ) -> dict[str, Fraction]:
        """Return fees, credits, net, tax and total of a report with these errors."""
        credit_rate = Fraction(0)
        for name, pair in self.tallies(errors).items():
            above, below = pair
            if any(error.figure == name and error.numbers for error in errors):
                above, below = pair[0] + deltas[name][0], pair[1] + deltas[name][1]
            above = min(max(above, 0), below)
            if below >= 20:
                share = Fraction(above, below)
                if share < Fraction(95, 100):
                    credit_rate += Fraction(5 if share >= Fraction(90, 100) else 10, 100)
        amounts = [amount for _, _, _, amount in self.lines(errors)]
        charged = sum(amounts, Fraction(0)) + self._added(errors, self.charge.id)
        fees = max(charged, Fraction(1500))
        base = fees
        fees += sum((e.added for e in errors if e.figure.startswith("other:")), Fraction(0))
        fees += self._added(errors, "fees")
        credits_ = cents(base * min(credit_rate, Fraction(12, 100)))
        credits_ += self._added(errors, "credits")
        net = fees - credits_ + self._added(errors, "net")
        tax = cents(net * Fraction(22, 100)) + self._added(errors, "tax")
        total = net + tax + self._added(errors, "total")
        return {"fees": fees, "credits": credits_, "net": net, "tax": tax, "total": total}

    def lines(self, errors: list[Error]) -> list[tuple[str, int, Fraction, Fraction]]:
        """Return (key, units, each, amount) of the tiers, the units priced one by one."""
        units = len(self.charged) + sum(error.units for error in errors)
        found = []
        for tier in self.charge.tiers:
            key = f"{self.charge.id}/{tier.start}"
            held = sum(tier.start <= n and (tier.end is None or n <= tier.end) for n in
                       range(1, units + 1))  # fmt: skip
            each = next((e.each for e in errors if e.figure == key and e.each), tier.each.exact)
            amount = cents(each * held) + self._added(errors, key)
            found.append((key, held, each, amount))
        return found

    def _added(self, errors: Iterable[Error], figure: str) -> Fraction:
        return sum((error.added for error in errors if error.figure == figure), Fraction(0))

    def tables(self, errors: list[Error]) -> tuple[Table, Table]:
        """Return the report that has these errors in it, in random order of its rows."""
        eur = self.ours.terms.agreement.currency
        cases: list[tuple[Cell, ...]] = [
            (PERIOD, case, measure, "yes" if within else "no",
             None if us is None else duration_text(us), None)
            for (measure, case), (within, us) in self.rows_with(errors).items()
        ]  # fmt: skip
        out = {e.case for e in errors if e.slot[:1] == ("charged",) and e.units < 0}
        new = [e.case for e in errors if e.slot[:1] == ("charged",) and e.units > 0]
        cases += [
            (PERIOD, case, None, None, None, self.charge.id)
            for case in [*(c for c in self.charged if c not in out), *new]
        ]
        figures: list[tuple[Cell, ...]] = []
        deltas = self.deltas(errors)
        for name, (above, below) in self.tallies(errors).items():
            more = deltas.get(name, (0, 0))
            figures.append((PERIOD, name, above + more[0], below + more[1], None, None, None))
        for key, units, each, amount in self.lines(errors):
            figures.append((PERIOD, key, None, None, units, Money(each, eur), Money(amount, eur)))
        figures += [
            (PERIOD, e.figure, None, None, None, None, Money(e.added, eur))
            for e in errors
            if e.figure.startswith("other:")
        ]
        for name, exact in self.sums(errors, deltas).items():
            figures.append((PERIOD, name, None, None, None, None, Money(exact, eur)))
        return Table("figures", FIGURES, figures), Table("cases", CASES, cases)

    def money(self, errors: list[Error]) -> list[Fraction]:
        """Return by how much the total changes when one error is undone, for each."""
        deltas = self.deltas(errors)
        whole = self.sums(errors, deltas)["total"]
        return [
            whole - self.sums([e for e in errors if e is not error], deltas)["total"]
            for error in errors
        ]


def write(path: Path, sheets: Iterable[Table]) -> Path:
    write_report(path, tuple(sheets))
    return path


# ---- seeding


@dataclass
class Seeder:
    """Makes errors of every cause, each of them one that no cause tried before would explain."""

    ours: Recomputed
    dice: random.Random

    def __post_init__(self) -> None:
        self.keeper = Keeper(self.ours)
        resolved = self.ours.terms.resolved
        agreed = resolved.calendars["desk-hours"]
        self.calendars = [
            WorkingCalendar.round_the_clock(agreed.zone),
            WorkingCalendar(agreed.zone, agreed.blocks),
            resolved.calendars["long-hours"],
        ]
        self.measured: dict[tuple[str, str], tuple[MeasuredCase, ClockMeasure]] = {}
        for result in self.ours.results:
            assert isinstance(result, ClockResult)
            for one in result.cases:
                self.measured[result.measure.id, one.case.key] = one, result.measure

    def pool(self) -> list[Error]:
        """Return many errors, of which no two of one slot may be taken."""
        found = [*self._all_rows, *self._charges(), *self._figures(), *self._lines(), *self._sums()]
        self.dice.shuffle(found)
        return found

    def take(self, count: int) -> list[Error]:
        """Return so many errors that can stand together, of as many causes as there are."""
        by_cause: dict[str, list[Error]] = {}
        for error in self.pool():
            by_cause.setdefault(error.cause, []).append(error)
        taken: list[Error] = []
        slots: set[tuple[str, ...]] = set()
        while len(taken) < count:
            causes = [cause for cause, left in by_cause.items() if left]
            error = by_cause[self.dice.choice(causes)].pop()
            if error.slot not in slots and self._stays_itself(error, taken):
                slots.add(error.slot)
                taken.append(error)
        return taken

    def _stays_itself(self, error: Error, taken: list[Error]) -> bool:
        """Written numbers must differ from what the cases come to, and lie in 0 to 100 %."""
        both = [*taken, error]
        tallies, deltas = self.keeper.tallies(both), self.keeper.deltas(both)
        return (
            all(delta != (0, 0) for delta in deltas.values())
            and all(error.numbers is None or error.numbers[0] <= error.numbers[1] for error in both)
            and all(below >= 0 for _, below in tallies.values())
        )

    def readings(self, one: MeasuredCase, terms: ClockMeasure) -> list[tuple[str, int]]:
        """Return (cause, counted) by every other reading, in the order of the causes."""
        resolved = self.ours.terms.resolved
        service = self.ours.terms.agreement.services[terms.service]
        agreed = resolved.calendars[terms.clock.calendar]
        found = []
        for calendar in self.calendars:
            time = elapsed(one.case, terms.clock, service.pauses, calendar)
            found.append(("calendar", time))
        for pauses in ((), ("waiting",), ("done",)):
            time = elapsed(one.case, replace(terms.clock, pauses=pauses), service.pauses, agreed)
            found.append(("pause", time))
        first = next(
            index
            for index, event in enumerate(one.case.events)
            if event.values["activity"] == "Resolve ticket"
        )
        sooner = replace(one.case, moments={**one.case.moments, "resolved": first})
        found.append(("reopening", elapsed(sooner, terms.clock, service.pauses, agreed)))
        return [(cause, time.counted_us) for cause, time in found if time is not None]

    @cached_property
    def _all_rows(self) -> list[Error]:
        return list(self._rows())

    def _rows(self) -> Iterable[Error]:
        for (name, case), (one, terms) in self.measured.items():
            slot = ("row", name, case)
            yield Error("missing case", name, case, slot)
            ours, limit = one.elapsed.counted_us, one.within_us
            tried = [ours]
            for cause, us in self.readings(one, terms):
                if all(abs(us - other) > 2 * SECOND_US for other in tried):
                    yield Error(cause, name, case, slot, row=(us <= limit, us))
                tried.append(us)
            for step in (MINUTE_US, 15 * MINUTE_US, HOUR_US):
                us = ours // step * step
                if all(abs(us - other) > 2 * SECOND_US for other in tried):
                    yield Error("rounding", name, case, slot, row=(us <= limit, us))
                    break
            us = ours + 7_777 * SECOND_US + 123_000
            if all(abs(us - other) > 2 * SECOND_US for other in tried):
                yield Error("unexplained", name, case, slot, row=(us <= limit, us))
        for number in range(20):
            name = self.dice.choice(list(self.ours.terms.agreement.measures))
            case = f"Elsewhere {number}"
            within = self.dice.random() < 0.5
            yield Error(
                "extra case", name, case, ("row", name, case), row=(within, 3 * HOUR_US + 1_000_000)
            )

    def _charges(self) -> Iterable[Error]:
        name = self.keeper.charge.id
        for case in self.dice.sample(self.keeper.charged, 12):
            yield Error("missing case", name, case, ("charged", case), units=-1)
        for number in range(12):
            case = f"Not closed {number}"
            yield Error("extra case", name, case, ("charged", case), units=1)

    def _figures(self) -> Iterable[Error]:
        for result in self.ours.results:
            assert isinstance(result, ClockResult)
            name = result.measure.id
            slot = ("numbers", name)
            formulas = self.formulas(result.measure)
            for numbers in formulas:
                if numbers != (result.numerator, result.denominator):
                    yield Error("formula", name, slot=slot, numbers=numbers)
            odd = result.numerator // 2 + 1, result.denominator + 17
            if odd not in formulas:
                yield Error("unexplained", name, slot=slot, numbers=odd)

    def formulas(self, terms: ClockMeasure) -> list[tuple[int, int]]:
        """Return the share of all that was received in the month, counted by hand."""
        period = self.ours.work.period
        received = within = 0
        service = self.ours.terms.agreement.services[terms.service]
        calendar = self.ours.terms.resolved.calendars[terms.clock.calendar]
        level = terms.id.removeprefix("resolve-")
        for case in self.ours.work.all_cases:
            if case.attributes["service_level"] != level:
                continue
            if not period.span.contains(case.events[0].happened_at):
                continue
            received += 1
            time = elapsed(case, terms.clock, service.pauses, calendar)
            within += time is not None and time.counted_us <= terms.within_us
        return [(within, received)]

    def _lines(self) -> Iterable[Error]:
        for tier in self.keeper.charge.tiers:
            key = f"{self.keeper.charge.id}/{tier.start}"
            yield Error("rate", key, slot=("line", key), each=tier.each.exact + Fraction(3, 4))
            yield Error("rounding", key, slot=("line", key), added=Fraction(4, 1000))
            yield Error("unexplained", key, slot=("line", key), added=Fraction(1111, 100))
        for number in range(3):
            name = f"other: a fee {number}"
            yield Error("unexplained", name, slot=(name,), added=Fraction(1234 + number, 100))

    def _sums(self) -> Iterable[Error]:
        for name in ("fees", "credits", "net", "tax", "total"):
            yield Error("unexplained", name, slot=("sum", name), added=Fraction(12347, 1000))
            yield Error("rounding", name, slot=("sum", name), added=Fraction(3, 1000))
