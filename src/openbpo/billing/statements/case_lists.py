"""
The cases behind each figure of a period, with what became of each: pure.

Which cases are within, late or billed the results and volumes say; here stand beside them those
that are open, left out or not provable, with the reason. A reason is a word, or a word and what it
is about: `condition: ...`, `empty: ...`, `counts: ...`, `before`, `not started`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from openbpo.agreements.formulas.decisions import is_above, is_below
from openbpo.agreements.formulas.model import Groups
from openbpo.agreements.model import Charge, ClockMeasure, CountMeasure, Measure
from openbpo.agreements.service_levels.decisions import elapsed
from openbpo.agreements.service_levels.model import Case
from openbpo.agreements.versions.model import Terms
from openbpo.assurance.attainment.decisions import measured_case
from openbpo.assurance.attainment.model import ClockResult, CountResult, MeasuredCase, Result
from openbpo.assurance.attainment.periods import PeriodOfWork
from openbpo.billing.metering.model import Volume
from openbpo.billing.statements.model import CaseRow, Outcome
from openbpo.values.expressions import Expression, Undecided
from openbpo.values.periods import Period

BEFORE, NOT_STARTED = "before", "not started"
COMPLETED, RECEIVED, WITHIN = "completed", "received", "within"
"""What a clock's groups are made of; the first two are also its formulas."""
PROVIDER = "provider"
"""Whose minutes a late case was made of: what counted, since what stood still did not."""

Why = tuple[Outcome, str | None]


@dataclass(frozen=True, slots=True)
class CaseList:
    """The cases of a figure, in their order."""

    figure: str
    rows: tuple[CaseRow, ...]

    def number(self, outcome: Outcome) -> int:
        """Return how many have an outcome."""
        return sum(row.outcome is outcome for row in self.rows)


def figure_of(terms: Measure | Charge) -> str:
    """Return the name of the figure of a measure or a charge: `measure:ID` or `charge:ID`."""
    return f"{'charge' if isinstance(terms, Charge) else 'measure'}:{terms.id}"


def cases_of_result(work: PeriodOfWork, result: Result, until: datetime | None) -> CaseList:
    """
    Return the cases of a measure: the slowest first, or in the order of their moment.

    Open clocks are read at `until`, or at the period's end where that is earlier.
    """
    if isinstance(result, ClockResult):
        rows = sorted(_of_clock(work, result, until), key=_slowest_first)
    else:
        rows = sorted(_of_count(work, result), key=_earliest_first)
    return CaseList(figure_of(result.measure), tuple(rows))


def _slowest_first(row: CaseRow) -> tuple[int, str]:
    return -(row.counted_us if row.counted_us is not None else -1), row.case


def _earliest_first(row: CaseRow) -> tuple[datetime, str]:
    return row.began, row.case


def _of_clock(work: PeriodOfWork, result: ClockResult, until: datetime | None) -> Iterator[CaseRow]:
    measured = {id(one.case): one for one in result.cases}
    for terms, own, cases in own_clocks(work, result.measure.id):
        for case in cases:
            found = measured.get(id(case))
            if found is not None:
                yield _measured(found, own, work.period)
            elif (row := _unmeasured(case, own, terms, work.period, until)) is not None:
                yield row


def own_clocks(
    work: PeriodOfWork, measure_id: str
) -> Iterator[tuple[Terms, ClockMeasure, tuple[Case, ...]]]:
    """Yield the cases of each version with the measure by which they are measured."""
    for terms, cases in work.cases:
        own = terms.agreement.measures.get(measure_id)
        if isinstance(own, ClockMeasure):
            yield terms, own, cases


def _measured(found: MeasuredCase, own: ClockMeasure, period: Period) -> CaseRow:
    began = found.case.at(own.clock.start)
    assert began is not None, "a clock that was measured started"
    return CaseRow(
        case=found.case.key,
        began=began,
        ended=found.case.at(own.clock.stop),
        counted_us=found.elapsed.counted_us,
        paused_us=found.elapsed.paused_us,
        limit_us=found.within_us,
        outcome=Outcome.WITHIN if found.is_within else Outcome.LATE,
        whose=None if found.is_within else PROVIDER,
        why=None,
        unit=None,
        group=_group(
            {
                COMPLETED: True,
                RECEIVED: period.span.contains(began),
                WITHIN: found.is_within,
            }
        ),
    )


def _group(held: Mapping[str, bool]) -> str:
    return " ".join(name for name, holds in held.items() if holds)


def _unmeasured(
    case: Case, own: ClockMeasure, terms: Terms, period: Period, until: datetime | None
) -> CaseRow | None:
    """Return a case that is in neither number of a share, None where it is none of the period."""
    began, stopped = case.at(own.clock.start), case.at(own.clock.stop)
    end = period.span.end
    assert end is not None, "a month ends"
    if stopped is not None and stopped < period.span.start:
        return None
    is_completed = stopped is not None and stopped < end
    if not is_completed and (began is None or began >= end):
        return None
    is_taken = undecided_or_not(own.cases, case)
    if is_taken is not None:
        outcome, why = is_taken
        if outcome is Outcome.LEFT_OUT and not is_completed:
            return None
        return _row(case, began, stopped if is_completed else None, outcome, why)
    if is_completed:
        return _row(case, began, stopped, Outcome.LEFT_OUT, NOT_STARTED)
    return _open(case, own, terms, period, end if until is None else min(end, until))


def _open(case: Case, own: ClockMeasure, terms: Terms, period: Period, until: datetime) -> CaseRow:
    calendar = terms.resolved.calendars[own.clock.calendar]
    pauses = terms.agreement.services[own.service].pauses
    time = elapsed(case, own.clock, pauses, calendar, until=until)
    began = case.at(own.clock.start)
    assert began is not None, "an open clock started"
    return CaseRow(
        case=case.key,
        began=began,
        ended=None,
        counted_us=time.counted_us if time else 0,
        paused_us=time.paused_us if time else 0,
        limit_us=own.within_us,
        outcome=Outcome.OPEN,
        whose=None,
        why=None,
        unit=None,
        group=_group(
            {
                RECEIVED: period.span.contains(began),
                WITHIN: period.span.contains(began) and _is_within(case, own, terms),
            }
        ),
    )


def _is_within(case: Case, own: ClockMeasure, terms: Terms) -> bool:
    """Tell whether a clock stopped in time, whenever that was, by all that is known."""
    service = terms.agreement.services[own.service]
    found = measured_case(case, own, service, terms.resolved.calendars)
    return found is not None and found.is_within


def undecided_or_not(condition: Expression | None, case: Case) -> Why | None:
    """Return why a condition does not take a case, None where it does."""
    answer = True if condition is None else condition(case.attributes)
    if isinstance(answer, Undecided):
        return Outcome.NOT_PROVABLE, f"empty: {', '.join(answer.names)}"
    if answer is True:
        return None
    assert condition is not None, "no condition takes every case"
    return Outcome.LEFT_OUT, f"condition: {condition.text}"


def _row(
    case: Case, began: datetime | None, ended: datetime | None, outcome: Outcome, why: str | None
) -> CaseRow:
    first = case.events[0].happened_at
    return CaseRow(case.key, began or first, ended, None, None, None, outcome, None, why, None)


def received(work: PeriodOfWork, result: ClockResult) -> tuple[int, int]:
    """
    Return how many of the cases whose clock started in the period are within, by what is known.

    One that has not stopped is not within.
    """
    within = started = 0
    for terms, own, cases in own_clocks(work, result.measure.id):
        for case in cases:
            began = case.at(own.clock.start)
            if began is None or not work.period.span.contains(began):
                continue
            if undecided_or_not(own.cases, case) is None:
                started += 1
                within += _is_within(case, own, terms)
    return within, started


def _of_count(work: PeriodOfWork, result: CountResult) -> Iterator[CaseRow]:
    counted = {id(one.case): one.groups for one in result.cases}
    for terms, cases in work.cases:
        own = terms.agreement.measures.get(result.measure.id)
        if not isinstance(own, CountMeasure):
            continue
        for case in cases:
            at = case.at(own.moment)
            if at is None or not work.period.span.contains(at):
                continue
            groups = counted.get(id(case))
            if groups is None:
                why = undecided_or_not(own.cases, case)
                assert why is not None, "what the condition takes is counted"
            else:
                why = _place(own, result.measure.judged_by, groups)
            whose = PROVIDER if why[0] is Outcome.LATE else None
            last = case.events[-1].happened_at
            held = None if groups is None else _group({n: n in groups.held for n in own.counts})
            yield CaseRow(case.key, at, last, None, None, None, why[0], whose, why[1], None, held)


def _place(own: CountMeasure, formula: str, groups: Groups) -> Why:
    share = own.formulas[formula]
    if is_above(share, groups.held):
        return Outcome.WITHIN, None
    if is_below(share, groups.held):
        return Outcome.LATE, None
    if groups.undecided.intersection((*share.share, *share.of, *share.less)):
        return Outcome.NOT_PROVABLE, f"empty: {', '.join(sorted(groups.undecided))}"
    held = [name for name in own.counts if name in groups.held]
    return Outcome.LEFT_OUT, f"counts: {', '.join(held)}"


def cases_of_charge(work: PeriodOfWork, volume: Volume) -> CaseList:
    """Return the cases of a charge: its units in their order, and after them the others."""
    units = {id(case): unit for unit, case in enumerate(volume.cases, start=1)}
    billed = [
        _charged(case, case.at(volume.charge.moment), Outcome.BILLED, None, unit)
        for unit, case in enumerate(volume.cases, start=1)
    ]
    others = [
        row
        for case in work.all_cases
        if id(case) not in units and (row := _uncharged(case, volume, work.period)) is not None
    ]
    return CaseList(figure_of(volume.charge), (*billed, *sorted(others, key=_earliest_first)))


def _uncharged(case: Case, volume: Volume, period: Period) -> CaseRow | None:
    at, end = case.at(volume.charge.moment), period.span.end
    assert end is not None, "a month ends"
    if at is not None and at < period.span.start:
        return _charged(case, at, Outcome.LEFT_OUT, BEFORE, None)
    if at is None or at >= end:
        return _charged(case, None, Outcome.OPEN, None, None)
    why = undecided_or_not(volume.charge.cases, case)
    assert why is not None, "what the condition takes is charged"
    return _charged(case, at, *why, None)


def _charged(
    case: Case, at: datetime | None, outcome: Outcome, why: str | None, unit: int | None
) -> CaseRow:
    first = case.events[0].happened_at
    return CaseRow(case.key, first, at, None, None, None, outcome, None, why, unit)


def reasons(rows: Iterable[CaseRow], outcome: Outcome) -> dict[str, int]:
    """Return how many cases of an outcome there are for each reason, the most frequent first."""
    found: dict[str, int] = {}
    for row in rows:
        if row.outcome is outcome:
            found[row.why or ""] = found.get(row.why or "", 0) + 1
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def groups_of_cases(result: Result, cases: CaseList) -> Iterator[dict[str, Any]]:
    """
    Yield each group of a measure's cases that the same counts hold, and its place by each formula.

    The cases of a group stand at one place by every formula: within, late or left out. What each
    formula counts is the sum of the groups at its places.
    """
    numbers: dict[str, int] = {}
    for row in cases.rows:
        if row.group:
            numbers[row.group] = numbers.get(row.group, 0) + 1
    for group in sorted(numbers):
        held = frozenset(group.split(" "))
        yield {
            "id": group,
            "counts": group.split(" "),
            "cases": numbers[group],
            "places": {name: place.value for name, place in _places(result, held)},
        }


def _places(result: Result, held: frozenset[str]) -> Iterator[tuple[str, Outcome]]:
    if isinstance(result, ClockResult):
        for name in (COMPLETED, RECEIVED):
            inside = Outcome.WITHIN if WITHIN in held else Outcome.LATE
            yield name, inside if name in held else Outcome.LEFT_OUT
        return
    for name, share in result.measure.formulas.items():
        if is_above(share, held):
            yield name, Outcome.WITHIN
        else:
            yield name, Outcome.LATE if is_below(share, held) else Outcome.LEFT_OUT
