"""Measuring: from cases and a period to a result, pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction

from openbpo.agreements.formulas.decisions import (
    contradiction,
    groups_of,
    is_above,
    is_below,
    shares_of,
)
from openbpo.agreements.formulas.model import Groups
from openbpo.agreements.model import ClockMeasure, CountMeasure, Mean, Service, Share
from openbpo.agreements.service_levels.decisions import elapsed, holds
from openbpo.agreements.service_levels.model import Case, OpenQuestion
from openbpo.assurance.attainment.model import (
    ClockResult,
    CountedCase,
    CountResult,
    MeasuredCase,
    Ratio,
)
from openbpo.values.calendars import WorkingCalendar
from openbpo.values.periods import Period
from openbpo.values.refusals import Refusal

Questions = dict[OpenQuestion, None]


def measure(
    terms: ClockMeasure,
    cases: Iterable[Case],
    period: Period,
    *,
    service: Service,
    calendars: Mapping[str, WorkingCalendar],
) -> ClockResult:
    """
    Return the share within the promised time, of the cases completed in the period.

    A case is completed at its clock's stop. One that the filter cannot decide is left out of both
    numbers and listed as a question.
    """
    questions: Questions = {}
    measured = []
    for case in cases:
        questions.update(dict.fromkeys(case.questions))
        if not is_completed(case, terms, period):
            continue
        if terms.cases is None or holds(case.key, terms.cases, case.attributes, questions):
            found = measured_case(case, terms, service, calendars)
            if found is not None:
                measured.append(found)
    return ClockResult(
        measure=terms, period=period, cases=tuple(measured), questions=tuple(sorted(questions))
    )


def is_completed(case: Case, terms: ClockMeasure, period: Period) -> bool:
    """Tell whether the clock of a measure stopped for this case in the period."""
    stopped = case.at(terms.clock.stop)
    return stopped is not None and period.span.contains(stopped)


def measured_case(
    case: Case, terms: ClockMeasure, service: Service, calendars: Mapping[str, WorkingCalendar]
) -> MeasuredCase | None:
    """Return a case with the time that counted, None if its clock never started or stopped."""
    calendar = calendars[terms.clock.calendar]
    time = elapsed(case, terms.clock, service.pauses, calendar)
    if time is None:
        return None
    return MeasuredCase(case, time, terms.within_us, time.counted_us <= terms.within_us)


def count(terms: CountMeasure, cases: Iterable[Case], period: Period) -> CountResult:
    """
    Return the counts of the cases whose moment falls in the period, and the shares made of them.

    What empty values leave undecided is taken not to hold, and listed as a question. A formula by
    which a case would stand above the line and not below it is refused, naming the case.
    """
    questions: Questions = {}
    counted = _counted_cases(terms, cases, period, questions)
    of_each = Counter(one.groups for one in counted)
    _refuse_contradictions(terms, counted, of_each)
    return CountResult(
        measure=terms,
        period=period,
        cases=counted,
        counts={name: _sum(of_each, name) for name in terms.counts},
        shares={name: _share(of_each, share) for name, share in shares_of(terms).items()},
        means={
            name: _mean(counted, mean, questions)
            for name, mean in terms.beside.items()
            if isinstance(mean, Mean)
        },
        questions=tuple(sorted(questions)),
    )


def _counted_cases(
    terms: CountMeasure, cases: Iterable[Case], period: Period, questions: Questions
) -> tuple[CountedCase, ...]:
    seen: dict[Groups, Groups] = {}  # equal groups are one object: there are few, and many cases
    counted = []
    for case in cases:
        questions.update(dict.fromkeys(case.questions))
        happened_at = case.at(terms.moment)
        if happened_at is None or not period.span.contains(happened_at):
            continue
        if terms.cases is None or holds(case.key, terms.cases, case.attributes, questions):
            groups = _groups(terms, case, questions)
            counted.append(CountedCase(case, seen.setdefault(groups, groups)))
    return tuple(counted)


def _groups(terms: CountMeasure, case: Case, questions: Questions) -> Groups:
    def note(condition: str, empty: tuple[str, ...]) -> None:
        questions[OpenQuestion(case.key, condition, empty)] = None

    return groups_of(terms.counts, case.attributes, note)


def _refuse_contradictions(
    terms: CountMeasure, counted: Iterable[CountedCase], of_each: Iterable[Groups]
) -> None:
    for groups in of_each:
        for name, share in shares_of(terms).items():
            if (why := contradiction(share, groups)) is not None:
                case = next(one.case for one in counted if one.groups == groups)
                raise Refusal.of(
                    f"{terms.id}, {name}",
                    f"{case.key} {why}.",
                    "Accept a version whose counts lie within one another as the formula needs.",
                )


def _sum(of_each: Mapping[Groups, int], name: str) -> int:
    return sum(number for groups, number in of_each.items() if name in groups.held)


def _share(of_each: Mapping[Groups, int], share: Share) -> Ratio:
    above = sum(number for groups, number in of_each.items() if is_above(share, groups.held))
    below = sum(number for groups, number in of_each.items() if is_below(share, groups.held))
    return Ratio(above, below)


def _mean(counted: Iterable[CountedCase], mean: Mean, questions: Questions) -> Ratio:
    """An empty value is left out of the sum and of the number, and listed as a question."""
    values: Counter[Decimal] = Counter()
    for one in counted:
        if mean.over not in one.groups.held:
            continue
        value = one.case.attributes.get(mean.attribute)
        if value is None:
            question = OpenQuestion(one.case.key, mean.attribute, (mean.attribute,))
            questions[question] = None
        else:
            assert isinstance(value, Decimal), "a mean is of a number"
            values[value] += 1
    total = sum((Fraction(value) * number for value, number in values.items()), Fraction(0))
    return Ratio(total, values.total())
