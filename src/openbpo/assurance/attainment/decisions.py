"""Measuring: from cases and a period to a result, pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from openbpo.agreements.model import Measure, Service
from openbpo.agreements.service_levels.decisions import elapsed, holds
from openbpo.agreements.service_levels.model import Case, OpenQuestion
from openbpo.assurance.attainment.model import MeasuredCase, Result
from openbpo.values.calendars import WorkingCalendar
from openbpo.values.periods import Period


def measure(
    terms: Measure,
    cases: Iterable[Case],
    period: Period,
    *,
    service: Service,
    calendars: Mapping[str, WorkingCalendar],
) -> Result:
    """
    Return the share within the promised time, of the cases completed in the period.

    A case is completed at its clock's stop. One that the filter cannot decide is left out of both
    numbers and listed as a question.
    """
    questions: dict[OpenQuestion, None] = {}
    measured = []
    for case in cases:
        questions.update(dict.fromkeys(case.questions))
        if not is_completed(case, terms, period):
            continue
        if terms.cases is None or holds(case.key, terms.cases, case.attributes, questions):
            found = measured_case(case, terms, service, calendars)
            if found is not None:
                measured.append(found)
    return Result(
        measure=terms, period=period, cases=tuple(measured), questions=tuple(sorted(questions))
    )


def is_completed(case: Case, terms: Measure, period: Period) -> bool:
    """Tell whether the clock of a measure stopped for this case in the period."""
    stopped = case.at(terms.clock.stop)
    return stopped is not None and period.span.contains(stopped)


def measured_case(
    case: Case, terms: Measure, service: Service, calendars: Mapping[str, WorkingCalendar]
) -> MeasuredCase | None:
    """Return a case with the time that counted, None if its clock never started or stopped."""
    calendar = calendars[terms.clock.calendar]
    time = elapsed(case, terms.clock, service.pauses, calendar)
    if time is None:
        return None
    return MeasuredCase(case, time, terms.within_us, time.counted_us <= terms.within_us)
