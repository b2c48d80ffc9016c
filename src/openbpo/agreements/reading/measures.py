"""measures.yaml: what is measured of the work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openbpo.agreements.located import Path
from openbpo.agreements.model import (
    Attribute,
    CalendarTerms,
    ClockMeasure,
    ClockTerms,
    Measure,
    Service,
)
from openbpo.agreements.reading.counts import read_count_measure
from openbpo.agreements.reading.findings import Findings
from openbpo.agreements.reading.work import condition
from openbpo.values.durations import parse_duration_us

OF_CLOCKS = ("clock", "within", "formula")
OF_COUNTS = ("moment", "counts", "formulas", "judged_by", "beside")


def read_measures(
    findings: Findings,
    attributes: Mapping[str, Attribute],
    services: Mapping[str, Service],
    calendars: Mapping[str, CalendarTerms],
) -> Mapping[str, Measure]:
    """Return the measures by id."""
    measures: dict[str, Measure] = {}
    for path, entry in findings.entries("measures"):
        known = findings.ids("services")
        findings.known("measures", (*path, "service"), entry["service"], known, "service")
        known = findings.ids("periods")
        findings.known("measures", (*path, "period"), entry["period"], known, "period")
        service = services.get(entry["service"])
        _refuse_both_forms(findings, path, entry)
        measures[entry["id"]] = (
            read_count_measure(findings, path, entry, attributes, service)
            if "counts" in entry
            else _clock_measure(findings, path, entry, attributes, service, calendars)
        )
    return measures


def _refuse_both_forms(findings: Findings, path: Path, entry: Mapping[str, object]) -> None:
    """A measure has a clock, or it counts."""
    other, form = (OF_CLOCKS, "counts") if "counts" in entry else (OF_COUNTS, "a clock")
    for key in other:
        if key in entry:
            what = f"`{key}` has no meaning in a measure with {form}."
            findings.say("measures", (*path, key), what, "Leave it out, or make it two measures.")


def _clock_measure(
    findings: Findings,
    path: Path,
    entry: Mapping[str, Any],
    attributes: Mapping[str, Attribute],
    service: Service | None,
    calendars: Mapping[str, CalendarTerms],
) -> ClockMeasure:
    return ClockMeasure(
        id=entry["id"],
        clause=entry.get("clause"),
        says=entry["says"],
        service=entry["service"],
        cases=condition(findings, "measures", (*path, "cases"), entry.get("cases"), attributes),
        clock=_clock(findings, path, entry["clock"], service, calendars),
        within_us=_within_us(findings, (*path, "within"), entry["within"]),
        period=entry["period"],
    )


def _within_us(findings: Findings, path: Path, text: str) -> int:
    remedy = "Write it in whole microseconds."
    return findings.parse("measures", path, parse_duration_us, text, remedy) or 0


def _clock(
    findings: Findings,
    path: Path,
    entry: Mapping[str, object],
    service: Service | None,
    calendars: Mapping[str, CalendarTerms],
) -> ClockTerms:
    terms = ClockTerms(
        start=str(entry["from"]),
        stop=str(entry["to"]),
        calendar=str(entry["calendar"]),
        pauses=tuple(_texts(entry.get("pauses", []))),
    )
    at = (*path, "clock")
    known = findings.ids("calendars") | set(calendars)
    findings.known("measures", (*at, "calendar"), terms.calendar, known, "calendar")
    if service is not None:
        for key, moment in (("from", terms.start), ("to", terms.stop)):
            known_moments = set(service.moments)
            findings.known("measures", (*at, key), moment, known_moments, "moment")
        for number, pause in enumerate(terms.pauses):
            known_pauses = set(service.pauses)
            findings.known("measures", (*at, "pauses", number), pause, known_pauses, "pause")
    return terms


def _texts(value: object) -> list[str]:
    assert isinstance(value, list)
    return [str(item) for item in value]
