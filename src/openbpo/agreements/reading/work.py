"""data.yaml, services.yaml and measures.yaml: what the work is, and what is measured of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from openbpo.agreements.located import Path
from openbpo.agreements.model import (
    Attribute,
    CalendarTerms,
    ClockTerms,
    Measure,
    Moment,
    Pause,
    Service,
)
from openbpo.agreements.reading.findings import Findings, shortened
from openbpo.values.durations import parse_duration_us
from openbpo.values.expressions import (
    BOOLEAN,
    DATE,
    NUMBER,
    STRING,
    Choice,
    Expression,
    Type,
    compile_expression,
)

_REFUSED = compile_expression("false", {})
"""Stands for a condition with a mistake, so that its pause is not called missing too."""

TYPES: Mapping[str, Type] = {"string": STRING, "number": NUMBER, "boolean": BOOLEAN, "date": DATE}


def read_attributes(findings: Findings) -> Mapping[str, Attribute]:
    """Return the attributes of events and cases, by id."""
    return {
        entry["id"]: Attribute(
            id=entry["id"],
            is_content=entry["class"] == "content",
            type=Choice(tuple(entry["values"])) if "values" in entry else TYPES[entry["type"]],
            is_optional=entry.get("optional", False),
            case_value=entry.get("case_value", "first"),
            purpose=entry["purpose"],
        )
        for path, entry in findings.entries("data", "attributes")
        if _takes_its_values(findings, path, entry)
    }


def _takes_its_values(findings: Findings, path: Path, entry: Mapping[str, object]) -> bool:
    if "values" in entry and entry["type"] != "string":
        findings.say(
            "data", (*path, "values"), "Only a string has a list of values.",
            "Write `type: string`, or leave `values` out.",
        )  # fmt: skip
        return False
    return True


def condition(
    findings: Findings, name: str, path: Path, text: str | None, attributes: Mapping[str, Attribute]
) -> Expression | None:
    """Return a condition over attributes; one that reads content is refused."""
    if text is None or not findings.is_sound("data"):
        return None
    types = {attribute.id: attribute.type for attribute in attributes.values()}
    expression = findings.expression(name, path, text, types)
    for read in sorted(expression.names if expression else ()):
        if attributes[read].is_content:
            findings.say(
                name, path,
                f"`{shortened(text)}` reads {read!r}, which is content and may be erased.",
                "Measure and charge by facts only, or make it a fact in data.yaml.",
            )  # fmt: skip
    return expression


def read_services(findings: Findings, attributes: Mapping[str, Attribute]) -> Mapping[str, Service]:
    """Return the services by id."""
    services = {}
    for path, entry in findings.entries("services"):
        moments = entry["moments"]
        pauses = entry.get("pauses", [])
        _refuse_twice(findings, (*path, "moments"), [moment["id"] for moment in moments])
        _refuse_twice(findings, (*path, "pauses"), [pause["id"] for pause in pauses])
        services[entry["id"]] = Service(
            id=entry["id"],
            clause=entry.get("clause"),
            line=entry["line"],
            case=entry["case"],
            moments=_moments(findings, (*path, "moments"), moments, attributes),
            pauses=_pauses(findings, (*path, "pauses"), pauses, attributes),
        )
    return services


def _refuse_twice(findings: Findings, path: Path, ids: list[str]) -> None:
    for number, name in enumerate(ids):
        if name in ids[:number]:
            what = f"{name!r} stands a second time."
            findings.say("services", (*path, number), what, "Give each its own name.")


def _moments(
    findings: Findings,
    path: Path,
    entries: Iterable[Mapping[str, str]],
    attributes: Mapping[str, Attribute],
) -> Mapping[str, Moment]:
    moments = {}
    for number, entry in enumerate(entries):
        at = (*path, number, "where")
        moments[entry["id"]] = Moment(
            id=entry["id"],
            which="first" if entry["at"] == "first event" else "last",
            where=condition(findings, "services", at, entry.get("where"), attributes),
        )
    return moments


def _pauses(
    findings: Findings,
    path: Path,
    entries: Iterable[Mapping[str, str]],
    attributes: Mapping[str, Attribute],
) -> Mapping[str, Pause]:
    pauses = {}
    for number, entry in enumerate(entries):
        after = condition(
            findings, "services", (*path, number, "after"), entry["after"], attributes
        )
        pauses[entry["id"]] = Pause(id=entry["id"], after=after or _REFUSED)
    return pauses


def read_measures(
    findings: Findings,
    attributes: Mapping[str, Attribute],
    services: Mapping[str, Service],
    calendars: Mapping[str, CalendarTerms],
) -> Mapping[str, Measure]:
    """Return the measures by id."""
    measures = {}
    for path, entry in findings.entries("measures"):
        clock = _clock(findings, path, entry["clock"], services.get(entry["service"]), calendars)
        known = findings.ids("services")
        findings.known("measures", (*path, "service"), entry["service"], known, "service")
        known = findings.ids("periods")
        findings.known("measures", (*path, "period"), entry["period"], known, "period")
        measures[entry["id"]] = Measure(
            id=entry["id"],
            clause=entry.get("clause"),
            says=entry["says"],
            service=entry["service"],
            cases=condition(findings, "measures", (*path, "cases"), entry.get("cases"), attributes),
            clock=clock,
            within_us=_within_us(findings, (*path, "within"), entry["within"]),
            period=entry["period"],
        )
    return measures


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
