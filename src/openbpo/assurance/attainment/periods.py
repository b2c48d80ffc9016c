"""From events to the results of a period, by the terms that were in force: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from openbpo.agreements.facts import decoder
from openbpo.agreements.model import Attribute, ClockMeasure, CountMeasure, Measure
from openbpo.agreements.resolved import day_of
from openbpo.agreements.service_levels.decisions import case_of
from openbpo.agreements.service_levels.model import Case, CaseEvent
from openbpo.agreements.versions.model import Terms
from openbpo.agreements.words import days_text
from openbpo.assurance.attainment.decisions import count, measure
from openbpo.assurance.attainment.model import ClockResult, CountResult, Ratio, Result
from openbpo.record.model import RecordedEvent
from openbpo.values.ids import VersionId
from openbpo.values.periods import Period, calendar_month
from openbpo.values.refusals import Refusal
from openbpo.values.spans import Span
from openbpo.values.zones import OutsideResolved


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodOfWork:
    """
    A period, the terms that govern it, and the cases that have an event in it.

    Cases stand under the terms that governed the day on which each of them began.
    """

    period: Period
    terms: Terms
    cases: tuple[tuple[Terms, tuple[Case, ...]], ...]

    @property
    def all_cases(self) -> Iterator[Case]:
        """Yield every case."""
        return (case for _, cases in self.cases for case in cases)


def find_period(all_terms: Sequence[Terms], name: str) -> tuple[Period, Terms]:
    """
    Return a period by its name, as far as it lies within the term, with the terms that govern it.

    Raises Refusal when there is no such period, it lies outside the term, or no single version
    governs all its days.
    """
    newest = all_terms[-1]
    try:
        days = calendar_month(name, newest.resolved.zones[newest.agreement.zone]).days
    except OutsideResolved as fault:
        why = "Holidays and clocks were not resolved that far."
        raise _no_period(name, newest, why) from fault
    except ValueError as fault:
        raise _no_period(name, newest, str(fault)) from fault
    terms = _terms_of(name, days, all_terms)
    within = days.intersection(terms.agreement.term)
    assert within is not None, "a version is in force within its term only"
    assert within.end is not None, "a month ends"
    zone = terms.resolved.zones[terms.agreement.zone]
    span = Span(zone.day_start(within.start), zone.day_start(within.end))
    return Period(name, within, span), terms


def _no_period(name: str, terms: Terms, why: str) -> Refusal:
    example = f"{terms.agreement.term.start:%Y-%m}"
    return Refusal.of(
        "--period",
        f"{name!r} is no period of this agreement. {why}",
        f"Its periods are calendar months, the first is {example}.",
    )


def _terms_of(name: str, days: Span[date], all_terms: Sequence[Terms]) -> Terms:
    term = all_terms[-1].agreement.term
    found = [terms for terms in all_terms if terms.days.overlaps(days)]
    if not found and not days.overlaps(term):
        raise _no_period(name, all_terms[-1], f"The term runs {days_text(term)}.")
    if len(found) > 1:
        numbers = " and ".join(str(terms.agreement.version) for terms in found)
        raise Refusal.of(
            "--period",
            f"Versions {numbers} each govern a part of {name}; a period under two versions is not "
            "computed yet.",
            "Let a version come into force on the first day of a period.",
        )
    if not found or not _holds_all(found[0], days):
        raise Refusal.of(
            "--period",
            f"No version is in force on every day of {name}.",
            "Accept a version whose `in_force` holds the whole period.",
        )
    return found[0]


def _holds_all(terms: Terms, days: Span[date]) -> bool:
    """Tell whether a version governs every one of the days that lie within its term."""
    within = days.intersection(terms.agreement.term)
    return within is not None and within == within.intersection(terms.days)


def work_from(
    events: Iterable[RecordedEvent], all_terms: Sequence[Terms], name: str
) -> PeriodOfWork:
    """Return a period with the cases that events tell; they come case by case, each in order."""
    period, governing = find_period(all_terms, name)
    by_version: dict[VersionId, tuple[Terms, list[Case]]] = {}
    for _, group in groupby(events, key=lambda event: (event.kind, event.subject)):
        happened = list(group)
        for event in happened:
            if period.span.contains(event.happened_at):
                break
        else:
            continue  # what made the case active then was corrected, or is not known yet
        terms, case = case_from(happened, all_terms, governing)
        by_version.setdefault(terms.version_id, (terms, []))[1].append(case)
    return PeriodOfWork(
        period=period,
        terms=governing,
        cases=tuple((terms, tuple(cases)) for terms, cases in by_version.values()),
    )


def case_from(
    happened: Sequence[RecordedEvent], all_terms: Sequence[Terms], otherwise: Terms
) -> tuple[Terms, Case]:
    """
    Return the case that events tell, in their order, under the terms of the day on which it began.

    `otherwise` holds for a case that began on a day of no version.
    """
    terms = _terms_at_start(happened[0], all_terms, otherwise)
    return terms, _case(happened[0].subject, happened, terms)


def _terms_at_start(first: RecordedEvent, all_terms: Iterable[Terms], otherwise: Terms) -> Terms:
    """A running case keeps the version under which it began."""
    for terms in all_terms:
        if _governs(terms, first):
            return terms
    return otherwise


def _governs(terms: Terms, event: RecordedEvent) -> bool:
    """Tell whether an event is of a day of a version; of what it did not resolve it has none."""
    try:
        day = day_of(event.happened_at, terms.resolved.zones[terms.agreement.zone])
    except OutsideResolved:
        return False
    return terms.days.contains(day)


def _case(key: str, happened: Sequence[RecordedEvent], terms: Terms) -> Case:
    attributes: Mapping[str, Attribute] = terms.agreement.attributes
    decode = decoder(attributes)
    service = next(iter(terms.agreement.services.values()))
    try:
        events = [CaseEvent(e.event_id, e.happened_at, decode(e.facts), e.type) for e in happened]
    except (ArithmeticError, ValueError, TypeError) as fault:
        raise Refusal.of(
            key,
            f"Its values are not of the types that version {terms.agreement.version} gives them.",
            "Let a version that changes an attribute's type give it another name.",
        ) from fault
    return case_of(key, events, service, attributes)


def attain(work: PeriodOfWork) -> tuple[Result, ...]:
    """
    Return the result of every measure of the terms that govern the period.

    A case that began under an earlier version is measured by that version's measure of the same id,
    and by none if it had none.
    """
    return tuple(_attained(work, measure_id) for measure_id in work.terms.agreement.measures)


def _attained(work: PeriodOfWork, measure_id: str) -> Result:
    governing = work.terms.agreement.measures[measure_id]
    own = [
        (terms, terms.agreement.measures[measure_id], cases)
        for terms, cases in work.cases
        if measure_id in terms.agreement.measures
    ]
    for terms, measure_of_case, _ in own:
        _refuse_other_figures(governing, measure_of_case, terms)
    if isinstance(governing, CountMeasure):
        counted = [
            count(of_case, cases, work.period)
            for _, of_case, cases in own
            if isinstance(of_case, CountMeasure)
        ]
        return _together(governing, counted or [count(governing, (), work.period)])
    measured = [
        measure(
            of_case,
            cases,
            work.period,
            service=terms.agreement.services[of_case.service],
            calendars=terms.resolved.calendars,
        )
        for terms, of_case, cases in own
        if isinstance(of_case, ClockMeasure)
    ]
    return ClockResult(
        measure=governing,
        period=work.period,
        cases=tuple(case for part in measured for case in part.cases),
        questions=tuple(sorted({question for part in measured for question in part.questions})),
    )


def _refuse_other_figures(governing: Measure, own: Measure, terms: Terms) -> None:
    """A measure that counts other things, or by a clock, is not the same measure any more."""
    if _figures(own) != _figures(governing):
        raise Refusal.of(
            governing.id,
            f"Cases of this period began under version {terms.agreement.version}, where the "
            "measure of this name has other counts, formulas or means.",
            "Let a version that changes them give the measure another id.",
        )


def _figures(terms: Measure) -> tuple[set[str], ...]:
    if isinstance(terms, ClockMeasure):
        return ()
    return set(terms.counts), set(terms.formulas), set(terms.beside)


def _together(governing: CountMeasure, parts: Sequence[CountResult]) -> CountResult:
    """Return the results of the cases of several versions as one."""
    first = parts[0]
    return CountResult(
        measure=governing,
        period=first.period,
        cases=tuple(case for part in parts for case in part.cases),
        counts={name: sum(part.counts[name] for part in parts) for name in governing.counts},
        shares={name: _added(part.shares[name] for part in parts) for name in first.shares},
        means={name: _added(part.means[name] for part in parts) for name in first.means},
        questions=tuple(sorted({question for part in parts for question in part.questions})),
    )


def _added(ratios: Iterable[Ratio]) -> Ratio:
    return sum(ratios, start=Ratio(0, 0))
