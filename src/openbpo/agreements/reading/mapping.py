"""mapping.yaml: how a file becomes events."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from openbpo.agreements.located import Path
from openbpo.agreements.model import (
    Attribute,
    EventSource,
    FileMapping,
    RecordKind,
    TextSource,
    TimeSource,
    in_order,
)
from openbpo.agreements.reading.findings import Findings
from openbpo.agreements.reading.sources import column_of, read_sources, read_text
from openbpo.agreements.reading.terms import read_zone
from openbpo.record.model import CASE_KINDS
from openbpo.values.expressions import NUMBER
from openbpo.values.time_formats import TimeFormat, compile_time_format

Entry = dict[str, Any]
Attributes = Mapping[str, Attribute]

EVENT_TYPE = "activity"
"""The type of a row's one event, where the mapping tells no `events`."""
NOT_OF_FILES = {
    "idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf_7",
}  # fmt: skip
"""Python's codecs of names and literals, and one that can spell half a character."""
OF_FORMAT = {"encoding": "csv", "delimiter": "csv", "quote": "csv", "sheet": "xlsx"}
SUBJECTS = ("case", "call", "agent", "interval", "site", "group", "quantity")
OWN_SOURCE = ("column", "occurrence", "columns", "constant")
TEXT = (*OWN_SOURCE, "joined")
SHARED = ("format", "zone", "doubled_hour", "joined")


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of rows: its kind in the record, its subject's keys, and what it has to map."""

    record: RecordKind
    subjects: tuple[str, ...]
    needs: tuple[Callable[[Entry, Attributes], tuple[str, str] | None], ...] = ()


def read_mappings(findings: Findings, attributes: Attributes) -> Mapping[str, FileMapping]:
    """Return the mappings by id."""
    mappings = {}
    for path, entry in findings.entries("mapping"):
        services = findings.ids("services")
        findings.known("mapping", (*path, "service"), entry["service"], services, "service")
        _refuse_misplaced(findings, path, entry)
        _read_encoding(findings, path, entry)
        _refuse_delimiter(findings, path, entry)
        _refuse_lacking(findings, path, entry, attributes)
        mappings[entry["id"]] = _mapping(findings, path, entry, attributes)
    return mappings


def _mapping(findings: Findings, path: Path, entry: Entry, attributes: Attributes) -> FileMapping:
    _refuse_unmapped(findings, path, entry, attributes)
    _refuse_told_openly(findings, path, entry, attributes)
    same_instant = entry["same_instant"]
    return FileMapping(
        id=entry["id"],
        kind=KINDS[entry["kind"]].record,
        service=entry["service"],
        format=entry["format"],
        sheet=entry.get("sheet"),
        encoding=entry.get("encoding"),
        delimiter=entry.get("delimiter"),
        quote=entry.get("quote", '"'),
        subject=_subject(findings, path, entry),
        key=in_order(dict.fromkeys(column_of(part) for part in entry.get("key", ()))),
        events=_events(findings, path, entry, attributes),
        rank=None if same_instant == "file_order" else column_of(same_instant["by_column"]),
        attributes=read_sources(findings, (*path, "attributes"), entry["attributes"], attributes),
    )


def _refuse_told_openly(
    findings: Findings, path: Path, entry: Entry, attributes: Attributes
) -> None:
    """What can be erased, or is one side's alone, names no case and orders no events."""
    sources = [entry["attributes"], *(e.get("attributes", {}) for e in entry.get("events", ()))]
    closed = {
        column: name
        for part in sources
        for name, source in part.items()
        if name in attributes and not attributes[name].is_open
        for column in _columns_of(source)
    }
    rank = entry["same_instant"]
    told = {"same_instant": [rank["by_column"]] if isinstance(rank, dict) else []}
    told |= {key: list(_columns_of(entry[key])) for key in SUBJECTS if key in entry}
    for key, columns in told.items():
        for column in columns:
            if (name := closed.get(str(column))) is not None:
                findings.say(
                    "mapping", (*path, key),
                    f"The column {column!r} is that of {name!r}, which the record may not tell.",
                    "Take another column: this one would stand in the record for good.",
                )  # fmt: skip


def _columns_of(source: object) -> Iterator[str]:
    """Yield the titles of the columns that a source names."""
    if not isinstance(source, dict):
        return
    if "column" in source:
        yield str(source["column"])
    for column in source.get("columns", ()):
        yield str(column["column"] if isinstance(column, dict) else column)


def _refuse_misplaced(findings: Findings, path: Path, entry: Entry) -> None:
    """A key that means nothing for this format."""
    for key, file_format in OF_FORMAT.items():
        if key in entry and entry["format"] != file_format:
            what = f"`{key}` means nothing in a file of {entry['format']}."
            findings.say("mapping", (*path, key), what, f"Leave `{key}` out.")


def _read_encoding(findings: Findings, path: Path, entry: Entry) -> None:
    if entry["format"] != "csv":
        return
    remedy = "Write an encoding, as utf-8 or cp1252."
    if "encoding" not in entry:
        findings.say("mapping", path, "The key 'encoding' is missing.", remedy)
        return
    findings.parse("mapping", (*path, "encoding"), _known_encoding, entry["encoding"], remedy)


def _known_encoding(name: str) -> str:
    try:
        encoding = io.TextIOWrapper(io.BytesIO(), encoding=name).encoding
    except LookupError as unknown:
        raise ValueError(f"There is no encoding {name!r}") from unknown
    if codecs.lookup(encoding).name.lower().replace("-", "_") in NOT_OF_FILES:
        raise ValueError(f"{name!r} is no encoding of files")
    return encoding


def _refuse_delimiter(findings: Findings, path: Path, entry: Entry) -> None:
    delimiter, quote = entry.get("delimiter"), entry.get("quote", '"')
    if delimiter == quote or "\n" in (delimiter, quote):
        findings.say(
            "mapping", (*path, "delimiter" if delimiter else "quote"),
            "Delimiter, quote and line break must differ.", "Leave both out: they are found.",
        )  # fmt: skip


def _subject(findings: Findings, path: Path, entry: Entry) -> TextSource:
    """Return what names the subject; each kind has its own word for it."""
    wanted = KINDS[entry["kind"]].subjects
    given = [key for key in SUBJECTS if key in entry]
    for key in given:
        if key not in wanted:
            what = f"`{key}` does not name what rows of {entry['kind']} are about."
            findings.say("mapping", (*path, key), what, f"Write `{wanted[0]}:`.")
    fitting = [key for key in given if key in wanted]
    if not given:
        findings.say(
            "mapping", path, f"The key {wanted[0]!r} is missing.",
            f"Add `{'` or `'.join(f'{key}:' for key in wanted)}`, what each row is about.",
        )  # fmt: skip
    if len(fitting) > 1:
        what = f"Both `{fitting[0]}` and `{fitting[1]}` are named."
        findings.say("mapping", (*path, fitting[1]), what, "A row is about one of them.")
    sources = [read_text(findings, (*path, key), entry[key]) for key in fitting]
    return sources[0] if sources else TextSource(columns=(), constant="")


def _events(
    findings: Findings, path: Path, entry: Entry, attributes: Attributes
) -> tuple[EventSource, ...]:
    shared = entry.get("at", {})
    at = (*path, "at")
    if "events" not in entry:
        if "at" not in entry:
            remedy = "Add `at:`, when it happened, or `events:`."
            findings.say("mapping", path, "The key 'at' is missing.", remedy)
            return ()
        return (EventSource(type=EVENT_TYPE, at=_time(findings, at, shared, at, {})),)
    for key in (key for key in OWN_SOURCE if key in shared):
        what = "With `events`, `at` says only what their times share."
        findings.say("mapping", (*at, key), what, f"Put `{key}` into the `at` of each event.")
    shared = {key: shared[key] for key in SHARED if key in shared}
    return tuple(
        _event(findings, (*path, "events"), number, event, (at, shared), attributes)
        for number, event in enumerate(entry["events"])
    )


def _event(
    findings: Findings,
    path: Path,
    number: int,
    entry: Entry,
    shared: tuple[Path, Entry],
    attributes: Attributes,
) -> EventSource:
    path = (*path, number)
    past_midnight = entry.get("past_midnight") == "next_day"
    at = _time(findings, (*path, "at"), entry["at"], *shared)
    if past_midnight and number == 0:
        what = "The row's first event has none before it whose midnight it could be past."
        findings.say("mapping", (*path, "past_midnight"), what, "Leave `past_midnight` out.")
    elif past_midnight and at.zone is None and _tells_its_instant(at.format):
        what = "A time that tells its offset from UTC tells its day too."
        findings.say("mapping", (*path, "past_midnight"), what, "Leave `past_midnight` out.")
    own = entry.get("attributes")
    return EventSource(
        type=entry["type"],
        at=at,
        empty=tuple(entry.get("empty", ())),
        past_midnight=past_midnight,
        attributes=None
        if own is None
        else read_sources(findings, (*path, "attributes"), own, attributes),
    )


def _tells_its_instant(pattern: str) -> bool:
    try:
        return not compile_time_format(pattern).needs_zone
    except ValueError:
        return False


def _time(
    findings: Findings, path: Path, own: Entry, shared_path: Path, shared: Entry
) -> TimeSource:
    """Return a time's source; what its own entry leaves out stands in the shared one."""
    entry = {**shared, **own}
    if "columns" not in entry and "joined" not in own:
        entry.pop("joined", None)
    where = {key: (*(path if key in own else shared_path), key) for key in entry}
    time_format = _format(findings, path, entry, where)
    zone = _zone(findings, path, entry, where, time_format)
    return TimeSource(
        text=read_text(findings, path, {k: v for k, v in entry.items() if k in TEXT}),
        format=entry.get("format", ""),
        zone=zone,
        doubled_hour=entry.get("doubled_hour", "refuse"),
    )


def _format(
    findings: Findings, path: Path, entry: Entry, where: Mapping[str, Path]
) -> TimeFormat | None:
    remedy = "Write it as yyyy/MM/dd HH:mm:ss."
    if "format" not in entry:
        findings.say("mapping", path, "The key 'format' is missing.", f"Add `format:`. {remedy}")
        return None
    return findings.parse("mapping", where["format"], compile_time_format, entry["format"], remedy)


def _zone(
    findings: Findings,
    path: Path,
    entry: Entry,
    where: Mapping[str, Path],
    time_format: TimeFormat | None,
) -> str | None:
    if time_format is not None and not time_format.needs_zone:
        level = len(where["format"])  # what the times share may be for the other ones
        for key in (k for k in ("zone", "doubled_hour") if len(where.get(k, ())) >= level):
            what = f"A time written as {entry['format']} needs no `{key}`: it tells its instant."
            findings.say("mapping", where[key], what, f"Leave `{key}` out.")
        return None
    if "zone" not in entry:
        if time_format is not None:
            remedy = "Add `zone:`, the IANA zone of the times, as Europe/Rome."
            findings.say("mapping", path, "The key 'zone' is missing.", remedy)
        return None
    return read_zone(findings, "mapping", where["zone"], entry["zone"])


def _refuse_unmapped(findings: Findings, path: Path, entry: Entry, attributes: Attributes) -> None:
    """Every attribute of cases comes from somewhere, unless it may be empty."""
    if KINDS[entry["kind"]].record not in CASE_KINDS:
        return
    others = [
        name
        for _, other in findings.entries("mapping")
        if KINDS[other["kind"]].record not in CASE_KINDS
        for name in _mapped(other)
    ]
    for missing in sorted(set(attributes) - set(_mapped(entry)) - set(others)):
        if not attributes[missing].is_optional:
            findings.say(
                "mapping", (*path, "attributes"),
                f"The attribute {missing!r} comes from no column.",
                "Map it, or make it `optional: true` in data.yaml.",
            )  # fmt: skip


def _mapped(entry: Entry) -> dict[str, None]:
    """Return the names of all attributes that the row or one of its events carries."""
    events = (event.get("attributes", {}) for event in entry.get("events", ()))
    return dict.fromkeys(name for part in (entry["attributes"], *events) for name in part)


def _refuse_lacking(findings: Findings, path: Path, entry: Entry, attributes: Attributes) -> None:
    """What a kind of rows has to tell is mapped."""
    if not findings.is_sound("data"):
        return
    for need in KINDS[entry["kind"]].needs:
        if (lack := need(entry, attributes)) is not None:
            what, remedy = lack
            findings.say("mapping", (*path, "attributes"), f"{entry['kind']}: {what}", remedy)


def _facts(entry: Entry, attributes: Attributes) -> list[Attribute]:
    """Return the mapped facts that no row may leave empty."""
    mapped = [attributes[name] for name in _mapped(entry) if name in attributes]
    return [a for a in mapped if not a.is_content and not a.is_optional]


def _needs_state(entry: Entry, attributes: Attributes) -> tuple[str, str] | None:
    if {"state", "activity"} & {fact.id for fact in _facts(entry, attributes)}:
        return None
    return (
        "nothing says what the agent did.",
        "Map the fact `state` or `activity`, not optional.",
    )


def _needs_end(entry: Entry, attributes: Attributes) -> tuple[str, str] | None:
    ends = any(event["type"] == "end" for event in entry.get("events", ()))
    durations = [f for f in _facts(entry, attributes) if (f.id, f.type) == ("duration_s", NUMBER)]
    if ends or durations:
        return None
    return (
        "nothing says how long it lasted.",
        "Tell an event of type `end`, or map the number `duration_s`, not optional.",
    )


def _needs_number(entry: Entry, attributes: Attributes) -> tuple[str, str] | None:
    if any(fact.type == NUMBER for fact in _facts(entry, attributes)):
        return None
    return "no number is mapped.", "Map a fact of `type: number`, not optional."


def _needs_fact(name: str, why: str) -> Callable[[Entry, Attributes], tuple[str, str] | None]:
    def need(entry: Entry, attributes: Attributes) -> tuple[str, str] | None:
        if name in {fact.id for fact in _facts(entry, attributes)}:
            return None
        return why, f"Map the fact `{name}`, not optional."

    return need


KINDS: Mapping[str, _Kind] = {
    "case events": _Kind("case", ("case",)),
    "calls": _Kind("call", ("call",)),
    "agent time": _Kind("agent_time", ("agent",), (_needs_state, _needs_end)),
    "interval counts": _Kind("interval_count", ("interval",), (_needs_number,)),
    "headcount": _Kind("headcount", ("site", "group"), (_needs_number,)),
    "manual quantities": _Kind(
        "quantity",
        ("quantity",),
        (
            _needs_number,
            _needs_fact("approver", "nothing says who approved it."),
            _needs_fact("reference", "nothing says where it is written."),
        ),
    ),
}
