"""Where a mapping takes its texts and attributes from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from openbpo.agreements.located import Path
from openbpo.agreements.model import Attribute, AttributeSource, Column, TextSource
from openbpo.agreements.reading.findings import Findings
from openbpo.values.expressions import BOOLEAN, DATE, NUMBER, Choice
from openbpo.values.shares import parse_decimal
from openbpo.values.time_formats import compile_time_format

Entry = dict[str, Any]

BESIDE_CELLS = ("values", "otherwise", "empty", "format", "decimal", "thousands")
"""What is said of cells, and means nothing of a constant."""


def column_of(part: str | Entry) -> Column:
    """Return a column that is written as its name, or with its occurrence."""
    if isinstance(part, str):
        return Column(name=part, occurrence=None)
    return Column(name=part["column"], occurrence=part.get("occurrence"))


def read_text(findings: Findings, path: Path, entry: Entry) -> TextSource:
    """Return where a text comes from: a column, several columns, or a constant."""
    given = [key for key in ("column", "columns", "constant") if key in entry]
    if len(given) != 1:
        what = (
            f"Both `{given[0]}` and `{given[1]}` stand here."
            if given
            else "Nothing says where it is taken from."
        )
        remedy = "Write one of `column: NAME`, `columns: [NAME, NAME]` and `constant: TEXT`."
        findings.say("mapping", (*path, *given[1:2]), what, remedy)
    for key, of in (("occurrence", "column"), ("joined", "columns")):
        if key in entry and given and of not in entry:
            what = f"`{key}` belongs to `{of}`."
            findings.say("mapping", (*path, key), what, f"Leave `{key}` out.")
    columns = entry.get("columns") or ([entry] if "column" in entry else [])
    return TextSource(
        columns=tuple(column_of(part) for part in columns),
        joined=entry.get("joined", " "),
        constant=entry.get("constant"),
    )


def read_sources(
    findings: Findings,
    path: Path,
    entries: Mapping[str, Entry],
    attributes: Mapping[str, Attribute],
) -> tuple[AttributeSource, ...]:
    """Return where each attribute comes from."""
    known = findings.ids("data", "attributes")
    sources = []
    for name, entry in entries.items():
        findings.known("mapping", (*path, name), name, known, "attribute")
        text = read_text(findings, (*path, name), entry)
        if name in attributes:
            misfit = _refuse_constant if text.constant is not None else _refuse_misfit
            misfit(findings, (*path, name), entry, attributes[name])
        sources.append(
            AttributeSource(
                attribute=name,
                text=text,
                values=entry.get("values"),
                otherwise=entry.get("otherwise"),
                date_format=entry.get("format"),
                decimal=entry.get("decimal", "."),
                thousands=entry.get("thousands"),
                empty=tuple(entry.get("empty", ())),
            )
        )
    return tuple(sources)


def _refuse_constant(findings: Findings, path: Path, entry: Entry, attribute: Attribute) -> None:
    """A constant must be what the attribute may be, and is told by nothing else."""
    for key in (key for key in BESIDE_CELLS if key in entry):
        what = f"`{key}` is said of cells, and here is a constant."
        findings.say("mapping", (*path, key), what, f"Leave `{key}` out.")
    at, constant = (*path, "constant"), entry["constant"]
    if isinstance(attribute.type, Choice):
        findings.known("mapping", at, constant, set(attribute.type.values), "allowed value")
    elif attribute.type == BOOLEAN and constant not in ("true", "false"):
        what = "A boolean is true or false."
        findings.say("mapping", at, what, 'Write `constant: "true"` or `"false"`.')
    elif attribute.type == NUMBER:
        findings.parse("mapping", at, parse_decimal, constant, "Write a number as 1500.00.")
    elif attribute.type == DATE:
        findings.parse("mapping", at, date.fromisoformat, constant, "Write a day as 2012-02-29.")


def _refuse_misfit(findings: Findings, path: Path, entry: Entry, attribute: Attribute) -> None:
    """What the cells give must be what the attribute may be."""
    _refuse_table(findings, path, entry, attribute)
    _refuse_boolean(findings, path, entry, attribute)
    _refuse_number(findings, path, entry, attribute)
    _refuse_date(findings, path, entry, attribute)


def _refuse_table(findings: Findings, path: Path, entry: Entry, attribute: Attribute) -> None:
    values, otherwise = entry.get("values"), entry.get("otherwise")
    if otherwise is not None and values is None:
        what = "`otherwise` is for what is not in `values`."
        findings.say("mapping", (*path, "otherwise"), what, "Add `values`, or write a `constant`.")
    elif values is not None and attribute.type in (NUMBER, DATE):
        findings.say("mapping", path, "A value table gives text.", "Leave `values` out.")
    for text in entry.get("empty", ()):
        if text in (values or {}):
            what = f"{text!r} has a meaning in `values` and means nothing in `empty`."
            findings.say("mapping", (*path, "values", text), what, "Keep one of the two.")
    if isinstance(attribute.type, Choice):
        allowed = set(attribute.type.values)
        for given, meant in (values or {}).items():
            findings.known("mapping", (*path, "values", given), meant, allowed, "allowed value")
        if otherwise is not None:
            findings.known("mapping", (*path, "otherwise"), otherwise, allowed, "allowed value")


def _refuse_boolean(findings: Findings, path: Path, entry: Entry, attribute: Attribute) -> None:
    if attribute.type != BOOLEAN:
        return
    if entry.get("values") is None:
        what = "A boolean needs a table of what its values mean."
        findings.say("mapping", path, what, 'Add `values: {Ja: "true", Nein: "false"}`.')
    elif not {*entry["values"].values(), entry.get("otherwise", "true")} <= {"true", "false"}:
        findings.say("mapping", path, "A boolean is true or false.", "Map its values to these.")


def _refuse_number(findings: Findings, path: Path, entry: Entry, attribute: Attribute) -> None:
    decimal, thousands = entry.get("decimal", "."), entry.get("thousands")
    if attribute.type != NUMBER:
        for key in (key for key in ("decimal", "thousands") if key in entry):
            what = f"`{key}` is for numbers, and {attribute.id!r} is none."
            findings.say("mapping", (*path, key), what, f"Leave `{key}` out.")
    elif decimal == thousands:
        what = "One mark cannot stand before decimals and between thousands."
        findings.say("mapping", (*path, "thousands"), what, "Write `decimal` and `thousands`.")


def _refuse_date(findings: Findings, path: Path, entry: Entry, attribute: Attribute) -> None:
    date_format = entry.get("format")
    if date_format is None:
        if attribute.type == DATE:
            findings.say("mapping", path, "A date needs its format.", "Add `format: yyyy-MM-dd`.")
        return
    at, remedy = (*path, "format"), "Write it as yyyy-MM-dd."
    compiled = findings.parse("mapping", at, compile_time_format, date_format, remedy)
    if compiled is not None and not compiled.needs_zone:
        findings.say("mapping", at, "A date has no offset from UTC.", remedy)
