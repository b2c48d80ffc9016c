"""A case's life: its events, and under each measure what counted, stood still or was late: pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from openbpo.agreements.formulas.decisions import groups_of, is_above, is_below
from openbpo.agreements.model import Charge, ClockMeasure, CountMeasure, Share
from openbpo.agreements.service_levels.decisions import due_at, elapsed, segments
from openbpo.agreements.service_levels.model import Case, Segment
from openbpo.agreements.versions.model import Terms
from openbpo.billing.statements.case_lists import PROVIDER, undecided_or_not
from openbpo.billing.statements.model import Outcome
from openbpo.record.model import RecordedEvent
from openbpo.values.canonical import instant_text


def time_line(
    happened: Sequence[RecordedEvent], case: Case, terms: Terms, until: datetime
) -> dict[str, Any]:
    """Return the life of a case; clocks that have not stopped are read at `until`."""
    agreement = terms.agreement
    return {
        "case": case.key,
        "kind": happened[0].kind,
        "version": agreement.version,
        "zone": agreement.zone,
        "until": instant_text(until),
        "attributes": _attributes(happened, terms),
        "events": [_event(one) for one in happened],
        "moments": {name: instant_text(case.events[n].happened_at)
                    for name, n in case.moments.items()},
        "measures": [
            _clock(case, one, terms, until) if isinstance(one, ClockMeasure) else _count(case, one)
            for one in agreement.measures.values()
        ],
        "charges": [_charge(case, one) for one in agreement.charges.charges],
    }  # fmt: skip


def _event(event: RecordedEvent) -> dict[str, Any]:
    return {
        "event_id": str(event.event_id),
        "at": instant_text(event.happened_at),
        "type": event.type,
        "source": event.source,
        "facts": dict(event.facts),
    }


def _attributes(happened: Sequence[RecordedEvent], terms: Terms) -> dict[str, Any]:
    """Return of which class each fact is that the events tell, None where its version has none."""
    names = dict.fromkeys(name for event in happened for name in event.facts)
    known = terms.agreement.attributes
    return {
        name: {
            "class": "content" if known[name].is_content else "fact",
            "audience": known[name].audience,
            "purpose": known[name].purpose,
        }
        if name in known
        else None
        for name in names
    }


def _clock(case: Case, measure: ClockMeasure, terms: Terms, until: datetime) -> dict[str, Any]:
    calendar = terms.resolved.calendars[measure.clock.calendar]
    pauses = terms.agreement.services[measure.service].pauses
    stopped = case.at(measure.clock.stop)
    time = elapsed(case, measure.clock, pauses, calendar, until=None if stopped else until)
    head = _head(case, measure)
    told: dict[str, Any] = {
        **head,
        "kind": "clock",
        "from": measure.clock.start,
        "to": measure.clock.stop,
        "calendar": measure.clock.calendar,
        "limit_us": measure.within_us,
        "began": _at(case.at(measure.clock.start)),
        "ended": _at(stopped),
    }
    if time is None or not head["applies"]:
        return told | {"outcome": None, "counted_us": None, "paused_us": None, "due": None,
                       "whose": None, "segments": []}  # fmt: skip
    is_late = time.counted_us > measure.within_us
    outcome = Outcome.LATE if is_late else Outcome.WITHIN if stopped else Outcome.OPEN
    return told | {
        "outcome": outcome.value,
        "counted_us": time.counted_us,
        "paused_us": time.paused_us,
        "due": _at(due_at(time, calendar, measure.within_us)),
        "whose": PROVIDER if is_late else None,
        "segments": [_segment(one) for one in segments(time, calendar, measure.within_us)],
    }


def _head(case: Case, measure: ClockMeasure | CountMeasure) -> dict[str, Any]:
    why = undecided_or_not(measure.cases, case)
    return {
        "id": measure.id,
        "clause": measure.clause,
        "says": measure.says,
        "applies": why is None,
        "why": why[1] if why else None,
    }


def _at(at: datetime | None) -> str | None:
    return None if at is None else instant_text(at)


def _segment(one: Segment) -> dict[str, Any]:
    return {
        "from": instant_text(one.start),
        "to": instant_text(one.end),
        "state": one.state,
        "pause": one.pause,
        "lasts_us": one.lasts_us,
    }


def _count(case: Case, measure: CountMeasure) -> dict[str, Any]:
    empty: list[str] = []

    def note(_condition: str, names: tuple[str, ...]) -> None:
        empty.extend(names)

    groups = groups_of(measure.counts, case.attributes, note)
    return {
        **_head(case, measure),
        "kind": "count",
        "moment": measure.moment,
        "at": _at(case.at(measure.moment)),
        "counts": [name for name in measure.counts if name in groups.held],
        "undecided": list(dict.fromkeys(empty)),
        "agreed": measure.judged_by,
        "formulas": {name: _place(one, groups.held) for name, one in measure.formulas.items()},
    }


def _place(share: Share, held: frozenset[str]) -> str:
    if is_above(share, held):
        return Outcome.WITHIN.value
    return Outcome.LATE.value if is_below(share, held) else Outcome.LEFT_OUT.value


def _charge(case: Case, charge: Charge) -> dict[str, Any]:
    why = undecided_or_not(charge.cases, case)
    return {
        "id": charge.id,
        "clause": charge.clause,
        "moment": charge.moment,
        "at": _at(case.at(charge.moment)),
        "applies": why is None,
        "why": why[1] if why else None,
    }
