"""data.yaml and services.yaml: what the work is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from openbpo.agreements.located import Path
from openbpo.agreements.model import Attribute, Moment, Pause, Service
from openbpo.agreements.reading.findings import Findings, shortened
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

REFUSED = compile_expression("false", {})
"""Stands for a condition with a mistake, so that what it is for is not called missing too."""

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
            audience=entry.get("audience", "both"),
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
    findings: Findings,
    name: str,
    path: Path,
    text: str | None,
    attributes: Mapping[str, Attribute],
    groups: AbstractSet[str] = frozenset(),
) -> Expression | None:
    """Return a condition over attributes, and groups by name; what it may not read is refused."""
    if text is None or not findings.is_sound("data"):
        return None
    types = {attribute.id: attribute.type for attribute in attributes.values()}
    types |= dict.fromkeys(groups, BOOLEAN)
    expression = findings.expression(name, path, text, types, groups)
    for read in sorted(expression.names - groups if expression else ()):
        if attributes[read].is_content:
            findings.say(
                name, path,
                f"`{shortened(text)}` reads {read!r}, which is content and may be erased.",
                "Measure and charge by facts only, or make it a fact in data.yaml.",
            )  # fmt: skip
        elif attributes[read].audience != "both":
            findings.say(
                name, path,
                f"`{shortened(text)}` reads {read!r}, which only the "
                f"{attributes[read].audience} may see.",
                "Measure and charge by what both may see, or make it `audience: both` in "
                "data.yaml.",
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
            type=entry.get("type"),
        )
        _refuse_unknown_type(findings, (*path, number, "type"), entry.get("type"))
    return moments


def _refuse_unknown_type(findings: Findings, path: Path, kind: str | None) -> None:
    """Where files tell events of several types, a moment is of one of them."""
    told = {
        event["type"]
        for _, mapping in findings.entries("mapping")
        for event in mapping.get("events", ())
    }
    if kind is not None and told:
        findings.known("services", path, kind, told, "type of event")


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
        pauses[entry["id"]] = Pause(id=entry["id"], after=after or REFUSED)
    return pauses
