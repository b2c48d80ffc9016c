"""mapping.yaml: how a file becomes events."""

from __future__ import annotations

import codecs
import io
from collections.abc import Mapping
from typing import Any

from openbpo.agreements.located import Path
from openbpo.agreements.model import Attribute, AttributeSource, Column, FileMapping
from openbpo.agreements.reading.findings import Findings
from openbpo.agreements.reading.terms import read_zone
from openbpo.values.expressions import BOOLEAN, DATE, NUMBER, Choice
from openbpo.values.time_formats import compile_time_format

NOT_OF_FILES = {
    "idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf_7",
}  # fmt: skip
"""Python's codecs of names and literals, and one that can spell half a character."""


def read_mappings(
    findings: Findings, attributes: Mapping[str, Attribute]
) -> Mapping[str, FileMapping]:
    """Return the mappings by id."""
    mappings = {}
    for path, entry in findings.entries("mapping"):
        services = findings.ids("services")
        findings.known("mapping", (*path, "service"), entry["service"], services, "service")
        at = (*path, "at")
        findings.parse(
            "mapping", (*path, "encoding"), _known_encoding, entry["encoding"],
            "Write an encoding, as utf-8 or cp1252.",
        )  # fmt: skip
        findings.parse(
            "mapping", (*at, "format"), compile_time_format, entry["at"]["format"],
            "Write it as yyyy/MM/dd HH:mm:ss.",
        )  # fmt: skip
        _refuse_delimiter(findings, path, entry)
        read_zone(findings, "mapping", (*at, "zone"), entry["at"]["zone"])
        mappings[entry["id"]] = _mapping(findings, path, entry, attributes)
    return mappings


def _mapping(
    findings: Findings, path: Path, entry: dict[str, Any], attributes: Mapping[str, Attribute]
) -> FileMapping:
    return FileMapping(
        id=entry["id"],
        service=entry["service"],
        encoding=entry["encoding"],
        delimiter=entry.get("delimiter"),
        quote=entry.get("quote", '"'),
        case=_column(entry["case"]),
        at=_column(entry["at"]),
        time_format=entry["at"]["format"],
        zone=entry["at"]["zone"],
        doubled_hour=entry["at"].get("doubled_hour", "refuse"),
        attributes=_sources(findings, (*path, "attributes"), entry["attributes"], attributes),
    )


def _known_encoding(name: str) -> str:
    try:
        encoding = io.TextIOWrapper(io.BytesIO(), encoding=name).encoding
    except LookupError as unknown:
        raise ValueError(f"There is no encoding {name!r}") from unknown
    if codecs.lookup(encoding).name.lower().replace("-", "_") in NOT_OF_FILES:
        raise ValueError(f"{name!r} is no encoding of files")
    return encoding


def _refuse_delimiter(findings: Findings, path: Path, entry: dict[str, Any]) -> None:
    delimiter, quote = entry.get("delimiter"), entry.get("quote", '"')
    if delimiter == quote or "\n" in (delimiter, quote):
        findings.say(
            "mapping", (*path, "delimiter" if delimiter else "quote"),
            "Delimiter, quote and line break must differ.", "Leave both out: they are found.",
        )  # fmt: skip


def _column(entry: dict[str, Any]) -> Column:
    return Column(name=entry["column"], occurrence=entry.get("occurrence"))


def _sources(
    findings: Findings,
    path: Path,
    entries: dict[str, dict[str, Any]],
    attributes: Mapping[str, Attribute],
) -> tuple[AttributeSource, ...]:
    known = findings.ids("data", "attributes")
    for missing in sorted(set(attributes) - set(entries)):
        if not attributes[missing].is_optional:
            findings.say(
                "mapping", path, f"The attribute {missing!r} comes from no column.",
                "Map it, or make it `optional: true` in data.yaml.",
            )  # fmt: skip
    sources = []
    for name, entry in entries.items():
        findings.known("mapping", (*path, name), name, known, "attribute")
        if name in attributes:
            _refuse_misfit(findings, (*path, name), entry, attributes[name])
        sources.append(
            AttributeSource(
                attribute=name,
                column=_column(entry),
                values=entry.get("values"),
                date_format=entry.get("format"),
            )
        )
    return tuple(sources)


def _refuse_misfit(
    findings: Findings, path: Path, entry: dict[str, Any], attribute: Attribute
) -> None:
    """What the column gives must be what the attribute may be."""
    values, date_format = entry.get("values"), entry.get("format")
    if isinstance(attribute.type, Choice):
        for given, meant in (values or {}).items():
            at = (*path, "values", given)
            findings.known("mapping", at, meant, set(attribute.type.values), "allowed value")
    elif values is not None and attribute.type in (NUMBER, DATE):
        findings.say("mapping", path, "A value table gives text.", "Leave `values` out.")
    if attribute.type == DATE and date_format is None:
        findings.say("mapping", path, "A date needs its format.", "Add `format: yyyy-MM-dd`.")
    if attribute.type == BOOLEAN and values is None:
        what = "A boolean needs a table of what its values mean."
        findings.say("mapping", path, what, 'Add `values: {Ja: "true", Nein: "false"}`.')
    elif attribute.type == BOOLEAN and not set((values or {}).values()) <= {"true", "false"}:
        findings.say("mapping", path, "A boolean is true or false.", "Map its values to these.")
    if date_format is not None:
        findings.parse(
            "mapping", (*path, "format"), compile_time_format, date_format,
            "Write it as yyyy-MM-dd.",
        )  # fmt: skip
