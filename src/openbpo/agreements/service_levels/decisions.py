"""From events to a case, and from a case to the time that counts: pure, without a clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from openbpo.agreements.model import Attribute, ClockTerms, Moment, Pause, Service
from openbpo.agreements.service_levels.model import (
    Case,
    CaseEvent,
    Elapsed,
    OpenQuestion,
    Segment,
    Stretch,
)
from openbpo.values.calendars import WorkingCalendar
from openbpo.values.expressions import Expression, Undecided
from openbpo.values.spans import as_utc
from openbpo.values.zones import OutsideResolved


def case_of(
    key: str,
    events: Sequence[CaseEvent],
    service: Service,
    attributes: Mapping[str, Attribute],
) -> Case:
    """
    Return the case that `events` tell; they stand in the order in which they happened.

    A condition that an empty value leaves undecided holds for no event and is listed as a question.
    """
    assert events, "a case has at least one event"
    questions: dict[OpenQuestion, None] = {}
    moments = {
        moment.id: index
        for moment in service.moments.values()
        if (index := _index(key, events, moment, questions)) is not None
    }
    for pause in service.pauses.values():
        condition = pause.after
        for event in events:
            if condition(event.values).__class__ is Undecided:
                holds(key, condition, event.values, questions)
    return Case(
        key=key,
        events=tuple(events),
        attributes={a.id: _case_value(events, a) for a in attributes.values() if a.is_open},
        moments=moments,
        questions=tuple(questions),
    )


def _index(
    key: str,
    events: Sequence[CaseEvent],
    moment: Moment,
    questions: dict[OpenQuestion, None],
) -> int | None:
    indices = range(len(events)) if moment.which == "first" else range(len(events) - 1, -1, -1)
    for index in indices:
        if moment.type is not None and events[index].type != moment.type:
            continue
        if moment.where is None or holds(key, moment.where, events[index].values, questions):
            return index
    return None


def holds(
    key: str,
    condition: Expression,
    values: Mapping[str, object],
    questions: dict[OpenQuestion, None],
) -> bool:
    """Tell whether a condition holds; where nothing decides it, note the question and say no."""
    answer = condition(values)
    if isinstance(answer, Undecided):
        questions[OpenQuestion(key, condition.text, answer.names)] = None
        return False
    return answer


def _case_value(events: Sequence[CaseEvent], attribute: Attribute) -> object:
    event = events[0] if attribute.case_value == "first" else events[-1]
    return event.values.get(attribute.id)


def elapsed(
    case: Case,
    clock: ClockTerms,
    pauses: Mapping[str, Pause],
    calendar: WorkingCalendar,
    *,
    until: datetime | None = None,
) -> Elapsed | None:
    """
    Return the working time from the clock's start to its stop, None if either has not happened.

    From an event after which a pause holds up to the case's next event the clock stands still;
    after every other event it runs. Of events at one instant the last one decides what follows.
    A stop before the start counts nothing. With `until`, a clock that has not stopped by then is
    read at that instant.
    """
    start, stop = case.moments.get(clock.start), case.moments.get(clock.stop)
    if start is None:
        return None
    standing = [pauses[name] for name in clock.pauses]
    if until is not None and (stop is None or case.events[stop].happened_at > until):
        return _running(case.events[start:], standing, calendar, until)
    if stop is None:
        return None
    return _sum(
        _stretch(event, following.happened_at, standing, calendar)
        for event, following in pairwise(case.events[start : stop + 1])
    )


def _running(
    events: Sequence[CaseEvent],
    standing: Sequence[Pause],
    calendar: WorkingCalendar,
    until: datetime,
) -> Elapsed | None:
    """Return what a clock that runs on shows at an instant, None if it had not started by then."""
    happened = [event for event in events if event.happened_at <= until]
    if not happened:
        return None
    ends = [*(event.happened_at for event in happened[1:]), until]
    return _sum(
        _stretch(event, end, standing, calendar) for event, end in zip(happened, ends, strict=True)
    )


def _sum(stretches: Iterable[Stretch]) -> Elapsed:
    found = tuple(stretches)
    counted = sum(s.working_us for s in found if s.state == "counted")
    return Elapsed(counted, sum(s.working_us for s in found) - counted, found)


def _stretch(
    event: CaseEvent, end: datetime, standing: Sequence[Pause], calendar: WorkingCalendar
) -> Stretch:
    pause = next((one.id for one in standing if one.after(event.values) is True), None)
    return Stretch(
        event.happened_at,
        end,
        "counted" if pause is None else "paused",
        calendar.worked_us(event.happened_at, end),
        event,
        pause,
    )


def segments(time: Elapsed, calendar: WorkingCalendar, within_us: int) -> tuple[Segment, ...]:
    """
    Return the stretches of a clock, parted where working time begins or ends, and where the promise
    does: what counted is the sum of the segments that are counted or late.
    """
    found: list[Segment] = []
    left_us = within_us
    for stretch in time.stretches:
        for start, end, works in _parted(stretch.start, stretch.end, calendar):
            if not works:
                found.append(Segment(start, end, "outside"))
            elif stretch.state == "paused":
                found.append(Segment(start, end, "paused", stretch.pause))
            else:
                due = start + timedelta(microseconds=left_us)
                within = Segment(start, min(due, end), "counted")
                found += [one for one in (within, Segment(max(due, start), end, "late"))
                          if one.start < one.end]  # fmt: skip
                left_us = max(0, left_us - Segment(start, end, "counted").lasts_us)
    return tuple(found)


def _parted(
    start: datetime, end: datetime, calendar: WorkingCalendar
) -> Iterator[tuple[datetime, datetime, bool]]:
    """Yield the parts of [start, end) in order, and whether each of them is working time."""
    at = as_utc(start)
    for since, until in calendar.intervals(start, end):
        if at < since:
            yield at, since, False
        yield since, until, True
        at = until
    if at < as_utc(end):
        yield at, as_utc(end), False


def due_at(time: Elapsed, calendar: WorkingCalendar, within_us: int) -> datetime | None:
    """
    Return the first instant by which a clock has counted the time that is promised.

    Of a clock that was read before that, as if it ran on; None where it stood still then, or where
    the calendar does not reach so far.
    """
    left_us = within_us
    at: datetime | None = None
    for stretch in time.stretches:
        at = stretch.end if stretch.state == "counted" else None
        if stretch.state == "counted" and stretch.working_us >= left_us:
            at = stretch.start
            break
        left_us -= stretch.working_us if stretch.state == "counted" else 0
    try:
        return None if at is None else calendar.after(at, left_us)
    except OutsideResolved:
        return None
