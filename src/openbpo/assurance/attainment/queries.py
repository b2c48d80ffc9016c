"""From the record to the results of a period."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from openbpo.agreements.facts import decoder
from openbpo.agreements.model import Attribute
from openbpo.agreements.resolved import day_of
from openbpo.agreements.service_levels.decisions import case_of
from openbpo.agreements.service_levels.model import Case, CaseEvent
from openbpo.agreements.versions.model import Terms
from openbpo.agreements.words import days_text
from openbpo.assurance.attainment.decisions import measure
from openbpo.assurance.attainment.model import Result
from openbpo.record.model import RecordedEvent
from openbpo.record.queries import events_of_active_cases
from openbpo.storage.database import Transaction
from openbpo.values.ids import EngagementId, VersionId
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


def work_of(
    tx: Transaction, engagement_id: EngagementId, all_terms: Sequence[Terms], name: str
) -> PeriodOfWork:
    """Return a period with its cases; raises Refusal as `find_period` does."""
    period, governing = find_period(all_terms, name)
    by_version: dict[VersionId, tuple[Terms, list[Case]]] = {}
    events = events_of_active_cases(tx, engagement_id, period.span)
    for key, group in groupby(events, key=lambda event: event.subject):
        happened = list(group)
        terms = _terms_at_start(happened[0], all_terms, governing)
        case = _case(key, happened, terms)
        by_version.setdefault(terms.version_id, (terms, []))[1].append(case)
    return PeriodOfWork(
        period=period,
        terms=governing,
        cases=tuple((terms, tuple(cases)) for terms, cases in by_version.values()),
    )


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
        events = [CaseEvent(e.event_id, e.happened_at, decode(e.facts)) for e in happened]
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
    parts = [
        measure(
            own,
            cases,
            work.period,
            service=terms.agreement.services[own.service],
            calendars=terms.resolved.calendars,
        )
        for terms, cases in work.cases
        if (own := terms.agreement.measures.get(measure_id)) is not None
    ]
    return Result(
        measure=work.terms.agreement.measures[measure_id],
        period=work.period,
        cases=tuple(measured for part in parts for measured in part.cases),
        questions=tuple(sorted({question for part in parts for question in part.questions})),
    )
