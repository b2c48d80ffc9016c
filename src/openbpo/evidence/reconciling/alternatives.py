"""
The same cases counted in another way: another formula, calendar, pause or stop. Pure.

Each way differs from the agreed one in one thing. A way explains a reported figure only where it
gives exactly that figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from itertools import combinations, islice

from openbpo.agreements.formulas.decisions import is_above, is_below, shares_of
from openbpo.agreements.model import Charge, ClockMeasure, CountMeasure, Service
from openbpo.agreements.service_levels.decisions import case_of, elapsed, holds
from openbpo.agreements.service_levels.model import Case, Elapsed
from openbpo.agreements.versions.model import Terms
from openbpo.agreements.words import listed
from openbpo.assurance.attainment.decisions import measure, measured_case
from openbpo.assurance.attainment.model import CountResult, MeasuredCase, Result
from openbpo.billing.metering.decisions import meter
from openbpo.evidence.reconciling.model import Cause, Recomputed
from openbpo.values.calendars import WorkingCalendar
from openbpo.values.zones import OutsideResolved

MOST_PAUSES = 6
MOST_PAIRS = 500
ROUND_THE_CLOCK, NO_HOLIDAYS = "", "\0"
COMPLETED_OF_RECEIVED = "completed within, of received"


@dataclass(frozen=True, slots=True)
class Way:
    """One thing in which a clock may be read differently; what is None is as agreed."""

    cause: Cause
    why: str
    calendar: str | None = None
    pauses: tuple[str, ...] | None = None
    is_other_stop: bool = False
    also: Cause | None = None
    """The second cause, where this is two ways in one."""

    def with_(self, other: Way) -> Way:
        """Return both in one; they differ in what they read differently."""
        return Way(
            self.cause,
            f"{self.why}, and {other.why}",
            calendar=other.calendar if self.calendar is None else self.calendar,
            pauses=other.pauses if self.pauses is None else self.pauses,
            is_other_stop=self.is_other_stop or other.is_other_stop,
            also=other.cause,
        )


@dataclass(frozen=True, slots=True)
class Counted:
    """A case of the recomputed figures: whether it is within, and its time where there is one."""

    terms: Terms
    case: Case
    is_within: bool
    measured: MeasuredCase | None


@dataclass(frozen=True)
class Alternatives:
    """The other ways in which the cases of a period can be counted."""

    recomputed: Recomputed

    def counted(self, result: Result) -> dict[str, Counted]:
        """Return the cases below the line of a measure, by their keys."""
        if isinstance(result, CountResult):
            return {
                key: Counted(self._terms_of[key], one.case, is_within, None)
                for one in result.cases
                for key in [one.case.key]
                for is_below_, is_within in [self._places(result, key, result.measure.judged_by)]
                if is_below_
            }
        return {
            one.case.key: Counted(self._terms_of[one.case.key], one.case, one.is_within, one)
            for one in result.cases
        }

    def ways(self, terms: ClockMeasure) -> tuple[Way, ...]:
        """Return every other way to read a measure's clock, in the order of trying."""
        governing = self.recomputed.terms
        service = governing.agreement.services[terms.service]
        return (
            *_calendar_ways(terms, governing),
            *_pause_ways(terms, service),
            *_stop_ways(service.moments[terms.clock.stop].which),
        )

    def pairs(self, terms: ClockMeasure) -> Iterator[Way]:
        """Yield ways of two causes together, in the order of trying, no more than MOST_PAIRS."""
        both = combinations(self.ways(terms), 2)
        apart = (one.with_(other) for one, other in both if one.cause is not other.cause)
        yield from islice(apart, MOST_PAIRS)

    def case_by(self, way: Way, counted: Counted, measure_id: str) -> MeasuredCase | None:
        """Return a case as measured in another way, None where its clock does not stop then."""
        own = counted.terms.agreement.measures[measure_id]
        assert isinstance(own, ClockMeasure), "only a clock is read in ways"
        terms, service, calendars = self._read(way, counted.terms, own)
        case = counted.case
        if way.is_other_stop:
            case = _told_again(case, service, counted.terms)
        return measured_case(case, terms, service, calendars)

    def tally_by(self, way: Way, measure_id: str) -> tuple[int, int]:
        """Return a measure's numerator and denominator, all its cases counted in another way."""
        above = below = 0
        for terms, cases in self.recomputed.work.cases:
            own = terms.agreement.measures.get(measure_id)
            if not isinstance(own, ClockMeasure):
                continue
            read, service, calendars = self._read(way, terms, own)
            again = [_told_again(c, service, terms) for c in cases] if way.is_other_stop else cases
            found = measure(
                read, again, self.recomputed.work.period, service=service, calendars=calendars
            )
            above, below = above + found.numerator, below + found.denominator
        return above, below

    def formulas(self, result: Result) -> dict[str, Mapping[str, tuple[bool, bool]]]:
        """
        Return the other formulas of a measure: by name, which cases stand (below, above) the line.

        Of counts these are the formulas that the agreement names; of a clock those in common use.
        """
        if isinstance(result, CountResult):
            return {
                name: {one.case.key: self._places(result, one.case.key, name) for one in
                       result.cases}
                for name in result.measure.formulas
                if name != result.measure.judged_by
            }  # fmt: skip
        named = result.measure
        return {
            "of received": dict(self._received(named)),
            "of due": dict(self._due(named)),
        }

    def units_by_other_moment(self, charge: Charge) -> int:
        """Return how many units a charge counts at the first moment of its kind, not the last."""
        units = 0
        for terms, cases in self.recomputed.work.cases:
            service = terms.agreement.services[charge.service]
            other = _with_other(service, charge.moment)
            again = [_told_again(case, other, terms) for case in cases]
            units += meter(charge, again, self.recomputed.work.period).quantity
        return units

    @cached_property
    def _terms_of(self) -> dict[str, Terms]:
        return {case.key: terms for terms, cases in self.recomputed.work.cases for case in cases}

    def _places(self, result: CountResult, key: str, name: str) -> tuple[bool, bool]:
        own = self._terms_of[key].agreement.measures[result.measure.id]
        assert isinstance(own, CountMeasure), "a measure stays of its kind"
        share, held = shares_of(own)[name], self._held(result)[key]
        return is_below(share, held), is_above(share, held)

    def _held(self, result: CountResult) -> dict[str, frozenset[str]]:
        held = self._held_by_measure
        if result.measure.id not in held:
            held[result.measure.id] = {one.case.key: one.groups.held for one in result.cases}
        return held[result.measure.id]

    @cached_property
    def _held_by_measure(self) -> dict[str, dict[str, frozenset[str]]]:
        return {}

    def _read(
        self, way: Way, terms: Terms, own: ClockMeasure
    ) -> tuple[ClockMeasure, Service, Mapping[str, WorkingCalendar]]:
        """Return a measure, its service and the calendars, read in another way."""
        service = terms.agreement.services[own.service]
        clock, calendars = own.clock, terms.resolved.calendars
        if way.calendar is not None:
            name = f"\0{way.calendar}"
            clock = replace(clock, calendar=name)
            calendars = {name: self._calendar(way.calendar, terms, own.clock.calendar)}
        if way.pauses is not None:
            clock = replace(clock, pauses=tuple(p for p in way.pauses if p in service.pauses))
        if way.is_other_stop:
            service = _with_other(service, clock.stop)
        return replace(own, clock=clock), service, calendars

    def _calendar(self, wanted: str, terms: Terms, agreed: str) -> WorkingCalendar:
        key = (id(terms), wanted, agreed)
        if key not in self._calendars:
            calendar = terms.resolved.calendars[agreed]
            if wanted == ROUND_THE_CLOCK:
                calendar = WorkingCalendar.round_the_clock(calendar.zone)
            elif wanted == NO_HOLIDAYS:
                calendar = WorkingCalendar(calendar.zone, calendar.blocks)
            else:
                calendar = terms.resolved.calendars.get(wanted, calendar)
            self._calendars[key] = calendar
        return self._calendars[key]

    @cached_property
    def _calendars(self) -> dict[tuple[int, str, str], WorkingCalendar]:
        return {}

    def _of_measure(
        self, measure_id: str
    ) -> Iterator[tuple[Case, ClockMeasure, Service, WorkingCalendar]]:
        """Yield the cases that a measure's filter takes, earlier ones too, with their own terms."""
        earlier = self.recomputed.earlier
        for terms, cases in (*self.recomputed.work.cases, *(earlier.cases if earlier else ())):
            own = terms.agreement.measures.get(measure_id)
            if not isinstance(own, ClockMeasure):
                continue
            service = terms.agreement.services[own.service]
            calendar = terms.resolved.calendars[own.clock.calendar]
            for case in cases:
                if own.cases is None or holds(case.key, own.cases, case.attributes, {}):
                    yield case, own, service, calendar

    def _received(self, terms: ClockMeasure) -> Iterator[tuple[str, tuple[bool, bool]]]:
        for case, own, service, calendar in self._of_measure(terms.id):
            started = case.at(own.clock.start)
            if started is not None and self.recomputed.work.period.span.contains(started):
                yield case.key, (True, _is_within(case, own, service, calendar))

    def _due(self, terms: ClockMeasure) -> Iterator[tuple[str, tuple[bool, bool]]]:
        for case, own, service, calendar in self._of_measure(terms.id):
            due = due_at(case, own, service, calendar)
            if due is not None and self.recomputed.work.period.span.contains(due):
                yield case.key, (True, _is_within(case, own, service, calendar))


def _is_within(
    case: Case, terms: ClockMeasure, service: Service, calendar: WorkingCalendar
) -> bool:
    """A case whose clock has not stopped is not within."""
    time = elapsed(case, terms.clock, service.pauses, calendar)
    return time is not None and time.counted_us <= terms.within_us


def due_at(
    case: Case, terms: ClockMeasure, service: Service, calendar: WorkingCalendar
) -> datetime | None:
    """
    Return when the promised time of a case runs out, None if it never began or stands still.

    After its stop the clock is taken to run on, so that every case done in time is due once.
    """
    last = len(case.events) - 1
    stopped = case.moments.get(terms.clock.stop)
    upto = last if stopped is None else stopped
    until = replace(case, moments={**case.moments, terms.clock.stop: upto})
    time = elapsed(until, terms.clock, service.pauses, calendar)
    if time is None:
        return None
    try:
        return _runs_out(case, time, terms, service, calendar, upto)
    except OutsideResolved:  # so far ahead that no month of the agreement holds it
        return None


def _runs_out(
    case: Case,
    time: Elapsed,
    terms: ClockMeasure,
    service: Service,
    calendar: WorkingCalendar,
    upto: int,
) -> datetime | None:
    left_us = terms.within_us
    for stretch in time.stretches:
        if stretch.state == "counted":
            if stretch.working_us >= left_us:
                return calendar.after(stretch.start, left_us)
            left_us -= stretch.working_us
    if terms.clock.stop not in case.moments and _stands_still(case, terms, service):
        return None
    return calendar.after(case.events[upto].happened_at, left_us)


def _stands_still(case: Case, terms: ClockMeasure, service: Service) -> bool:
    values = case.events[-1].values
    return any(service.pauses[name].after(values) is True for name in terms.clock.pauses)


def _calendar_ways(terms: ClockMeasure, governing: Terms) -> Iterator[Way]:
    yield Way(Cause.CALENDAR, "as counted round the clock", calendar=ROUND_THE_CLOCK)
    if governing.resolved.calendars[terms.clock.calendar].holidays:
        yield Way(Cause.CALENDAR, "as counted without holidays", calendar=NO_HOLIDAYS)
    for name in governing.agreement.calendars:
        if name != terms.clock.calendar:
            yield Way(Cause.CALENDAR, f"as counted by the calendar {name}", calendar=name)


def _pause_ways(terms: ClockMeasure, service: Service) -> Iterator[Way]:
    names = tuple(service.pauses)[:MOST_PAUSES]
    for size in range(len(names) + 1):
        for pauses in combinations(names, size):
            if set(pauses) != set(terms.clock.pauses):
                why = f"with the pauses {listed(pauses)}" if pauses else "without pauses"
                yield Way(Cause.PAUSE, f"as counted {why}", pauses=pauses)


def _stop_ways(which: str) -> Iterator[Way]:
    other = "first" if which == "last" else "last"
    yield Way(Cause.REOPENING, f"as stopped at the {other}, not the {which}", is_other_stop=True)


def _with_other(service: Service, moment_id: str) -> Service:
    """Return a service with a moment at the other end of the events that fit."""
    moment = service.moments[moment_id]
    other = replace(moment, which="first" if moment.which == "last" else "last")
    return replace(service, moments={**service.moments, moment_id: other})


def _told_again(case: Case, service: Service, terms: Terms) -> Case:
    return case_of(case.key, case.events, service, terms.agreement.attributes)


def placed(places: Iterable[tuple[bool, bool]]) -> tuple[int, int]:
    """Return numerator and denominator of cases that stand (below, above) the line."""
    above = below = 0
    for is_below_, is_above_ in places:
        below += is_below_
        above += is_above_
    return above, below
