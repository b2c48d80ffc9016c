"""From events to a case, and from a case to the time that counts: pure, without a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from openbpo.agreements.model import Attribute, ClockTerms, Moment, Pause, Service
from openbpo.agreements.service_levels.model import (
    Case,
    CaseEvent,
    Elapsed,
    OpenQuestion,
    Stretch,
)
from openbpo.values.calendars import WorkingCalendar
from openbpo.values.expressions import Expression, Undecided


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
        for event in events:
            holds(key, pause.after, event.values, questions)
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
    case: Case, clock: ClockTerms, pauses: Mapping[str, Pause], calendar: WorkingCalendar
) -> Elapsed | None:
    """
    Return the working time from the clock's start to its stop, None if either has not happened.

    From an event after which a pause holds up to the case's next event the clock stands still;
    after every other event it runs. Of events at one instant the last one decides what follows.
    A stop before the start counts nothing.
    """
    start, stop = case.moments.get(clock.start), case.moments.get(clock.stop)
    if start is None or stop is None:
        return None
    standing = [pauses[name].after for name in clock.pauses]
    stretches = tuple(
        _stretch(event, following, standing, calendar)
        for event, following in pairwise(case.events[start : stop + 1])
    )
    counted = sum(s.working_us for s in stretches if s.state == "counted")
    return Elapsed(counted, sum(s.working_us for s in stretches) - counted, stretches)


def _stretch(
    event: CaseEvent,
    following: CaseEvent,
    standing: Sequence[Expression],
    calendar: WorkingCalendar,
) -> Stretch:
    stands_still = any(condition(event.values) is True for condition in standing)
    return Stretch(
        event.happened_at,
        following.happened_at,
        "paused" if stands_still else "counted",
        calendar.worked_us(event.happened_at, following.happened_at),
        event,
    )
