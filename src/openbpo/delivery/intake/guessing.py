"""
A first mapping of a file, guessed from a look at its first rows: pure.

It is a start to be read and corrected, so each line that could be otherwise says why it is so.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from openbpo.delivery.intake.files.looking import Look
from openbpo.delivery.intake.time_guessing import TimeGuess, guess_time, guess_time_of_day
from openbpo.values.expressions.tokens import KEYWORDS
from openbpo.values.refusals import Refusal

MOST_VALUES = 20
"""A list of values is written out up to here."""
MOST_ACTIVITIES = 200
LONG_TEXT = 40

_TITLES = {
    "case": r"(case|ticket|incident|request|order|claim|issue|vorgang|fall|auftrag|caso|pedido|"
    r"call|chat|conversation|invoice|work ?item|zgloszenie|sprawa)( ?(id|key|no|nr|number|nummer|"
    r"concept name|name|numero))?|id|key|number",
    "time": r".*\b(time|timestamp|date|datetime|at|zeit|datum|am|um|fecha|hora|data|czas|when|"
    r"start|started|end|ended|complete|completed|created|changed|updated|day)\b.*",
    "activity": r"(activity|activity name|action|step|event|event type|status|state|concept name|"
    r"task|aktivitat|aktion|schritt|actividad|estado|atividade|czynnosc|stan|operation|outcome)",
    "person": r".*\b(customer|client|kunde|cliente|name|email|mail|phone|telephone|address|iban|"
    r"birth|birthday|ssn|contact|passport|surname|subject|description|comment|note|notes|text|"
    r"message|body|caller)\b.*",
    "identifier": r".*\b(id|no|nr|number|nummer|key|code|user|agent|resource|org resource|zip|"
    r"phone|postcode|index|account)\b.*",
}
_YES = ({"true", "false"}, {"yes", "no"}, {"y", "n"}, {"ja", "nein"}, {"si", "no"}, {"sí", "no"})
_TRUE = frozenset({"true", "yes", "y", "ja", "si", "sí"})
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_PLAIN = re.compile(r"[^\W\d_][\w äöüÄÖÜß().:'/-]*(?<![ :])")
_WORDS_OF_YAML = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


@dataclass(frozen=True, slots=True)
class Seen:
    """A column as it was seen: its cells in the order of the rows."""

    title: str
    occurrence: int | None
    cells: tuple[str, ...]
    filled: tuple[str, ...]
    values: Mapping[str, int]
    time: TimeGuess | None
    time_of_day: str | None

    def is_called(self, role: str) -> bool:
        """Return whether the title is one of those that such a column has."""
        return re.fullmatch(_TITLES[role], _plain(self.title)) is not None

    @property
    def is_empty_somewhere(self) -> bool:
        return len(self.filled) < len(self.cells)

    @property
    def source(self) -> str:
        """Return the column as a mapping names it."""
        where = f"column: {quoted(self.title)}"
        return where if self.occurrence is None else f"{where}, occurrence: {self.occurrence}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """The texts of a first `mapping.yaml` and of the `data.yaml` that fits it."""

    mapping: str
    data: str
    to_check: tuple[str, ...]
    """What the file could not prove, in sentences."""


@dataclass(slots=True)
class _Pages:
    mapping: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    to_check: list[str] = field(default_factory=list)


def guess(look: Look) -> Guess:
    """Return a first mapping; raises Refusal if no column holds times or could name a case."""
    columns = _seen(look)
    case = _case(look, columns)
    at = _times(look, [column for column in columns if column is not case])
    rest = [column for column in columns if column is not case and column not in at]
    activity = _activity(case, rest)
    pages = _Pages()
    _write_head(pages, look, case)
    _write_times(pages, at)
    _write_attributes(pages, case, activity, rest, is_whole=look.is_whole)
    return Guess(
        mapping="\n".join(pages.mapping) + "\n",
        data="\n".join(pages.data) + "\n",
        to_check=tuple(pages.to_check),
    )


def _seen(look: Look) -> list[Seen]:
    titles = look.header
    columns = []
    for place, title in enumerate(titles):
        if not title:
            continue
        cells = tuple(row[place].strip() for row in look.rows)
        filled = tuple(filter(None, cells))
        values: dict[str, int] = {}
        for cell in filled:
            values[cell] = values.get(cell, 0) + 1
        occurrence = titles[: place + 1].count(title) if titles.count(title) > 1 else None
        is_named = re.fullmatch(_TITLES["time"], _plain(title)) is not None
        columns.append(
            Seen(
                title=title,
                occurrence=occurrence,
                cells=cells,
                filled=filled,
                values=values,
                time=guess_time(tuple(values), is_named_so=is_named),
                time_of_day=guess_time_of_day(tuple(values)),
            )
        )
    return columns


def _case(look: Look, columns: Sequence[Seen]) -> Seen:
    """Return the column that names the case: by its title, else by values that come again."""
    possible = [c for c in columns if c.filled and c.time is None and c.time_of_day is None]
    if not possible:
        raise Refusal.of(
            look.name, "No column was found that could name a case.", "Write the mapping by hand."
        )
    return max(possible, key=_likeness_to_a_case)


def _likeness_to_a_case(column: Seen) -> float:
    rows, distinct = len(column.cells), len(column.values)
    likeness = 3.0 if column.is_called("case") else 0.0
    if column.title.startswith("case:"):
        likeness += 2 if column.title == "case:concept:name" else -1
    if column.is_empty_somewhere:
        likeness -= 2
    if distinct == 1 and rows > 1:
        likeness -= 3
    per_value = rows / distinct if distinct else 0
    likeness += 1.5 if 1.5 <= per_value <= 200 else 0
    likeness += 0.5 if any(letter.isdigit() for letter in column.filled[0]) else 0
    likeness -= 2 if any(len(value) > 100 or "\n" in value for value in column.values) else 0
    return likeness + min(distinct, 10_000) / 100_000


def _times(look: Look, columns: Sequence[Seen]) -> list[Seen]:
    """Return the column of the times; or two, where one holds the day and another the time."""
    whole = [c for c in columns if c.time is not None and c.time.has_time]
    if whole:
        return [max(whole, key=_likeness_to_the_time)]
    days = [c for c in columns if c.time is not None]
    if not days:
        raise Refusal.of(
            look.name,
            "No column was found whose cells are times.",
            "Name it and its format in mapping.yaml by hand; the letters are those of CLDR.",
        )
    day = max(days, key=_likeness_to_the_time)
    clocks = [c for c in columns if c.time_of_day is not None]
    return [day, min(clocks, key=_zeros)] if clocks else [day]


def _likeness_to_the_time(column: Seen) -> tuple[float, int]:
    likeness = 1.0 if column.is_called("time") else 0.0
    likeness += 2 if _plain(column.title) in ("time timestamp", "timestamp", "at") else 0
    likeness += 1 if re.search(r"complete|changed|geandert|updated", _plain(column.title)) else 0
    likeness -= 3 * (1 - len(column.filled) / len(column.cells))
    return likeness, len(column.values)


def _zeros(column: Seen) -> float:
    """Return the share of rows without a time of the day; 0:00:00 often stands for none."""
    zeros = sum(n for value, n in column.values.items() if not value.strip("0:"))
    return (zeros + len(column.cells) - len(column.filled)) / len(column.cells)


def _activity(case: Seen, columns: Sequence[Seen]) -> Seen | None:
    """Return the column that says what happened: by its title, else the one that changes most."""
    possible = [
        c
        for c in columns
        if 2 <= len(c.values) <= MOST_ACTIVITIES and c.time is None and c.time_of_day is None
        and not c.title.startswith("case:") and not _is_numeric(c)
    ]  # fmt: skip
    named = [c for c in possible if c.is_called("activity")]
    if named:
        return named[0]
    changing = [(c, _changes(case, c)) for c in possible]
    best = max(changing, key=lambda found: found[1], default=None)
    return best[0] if best is not None and best[1] > 0 else None


def _changes(case: Seen, column: Seen) -> int:
    """Return in how many rows the cell differs from that of the case's row before."""
    before: dict[str, str] = {}
    changes = 0
    for key, cell in zip(case.cells, column.cells, strict=True):
        changes += before.get(key, cell) != cell
        before[key] = cell
    return changes


def _is_numeric(column: Seen) -> bool:
    return bool(column.values) and all(_NUMBER.fullmatch(value) for value in column.values)


def _write_head(pages: _Pages, look: Look, case: Seen) -> None:
    form, rows = look.form, len(look.rows)
    extent = f"all {rows:,} rows" if look.is_whole else f"the first {rows:,} rows"
    lines = [
        f"# Guessed from {extent} of {look.name}. Read each line before you rely on it.",
        f"- id: {identifier(_stem(look.name))}",
        "  kind: case events",
        *_noted("  service: tickets", "CHECK: the id of your service in services.yaml"),
        f"  format: {form.format}",
    ]
    if form.format == "csv":
        why = "" if form.encoding.startswith("utf") else "CHECK: it is not utf-8; look at umlauts"
        lines += _noted(f"  encoding: {form.encoding}", why)
        lines.append(f"  delimiter: {json.dumps(form.delimiter)}")
    cases = len(case.values)
    if cases == len(case.cells) and cases > 1:
        why = "CHECK: each row has another one; is a row a whole case, or a call?"
        pages.to_check.append(f"Each row has another {case.title!r}: is that what names a case?")
    else:
        why = f"{cases:,} of them in {rows:,} rows"
        if not case.is_called("case"):
            why = f"CHECK: chosen by its cells, {why}"
            pages.to_check.append(f"That {case.title!r} names the case is guessed from its cells.")
    pages.mapping += [*lines, *_noted(f"  case: {{{case.source}}}", why)]


def _write_times(pages: _Pages, at: Sequence[Seen]) -> None:
    told = at[0].time
    assert told is not None
    lines = ["  at:"]
    if len(at) == 1:
        lines += _noted(f"    {at[0].source.replace(', ', chr(10) + '    ')}", _misfits(told))
        time_format = told.format
    else:
        names = ", ".join(quoted(column.title) for column in at)
        lines += _noted(f"    columns: [{names}]", "the day in one, the time in the other")
        time_format = f"{told.format} {at[1].time_of_day}"
    if not told.has_time and len(at) == 1:
        pages.to_check.append("The times have a day only: a clock that counts hours needs more.")
    if not told.is_sure:
        pages.to_check.append(f"Day and month could be exchanged: {told.why}.")
    if told.misfits:
        pages.to_check.append(f"{len(told.misfits):,} times are written otherwise: {_some(told)}.")
    why = told.why if told.is_sure else f"CHECK: {told.why}"
    lines += _noted(f"    format: {_pattern(time_format)}", why)
    if not told.has_offset:
        lines += _noted("    zone: UTC", "CHECK: no cell says in which zone its clock hung")
        lines.append("    doubled_hour: refuse")
        pages.to_check.append("No cell says in which zone the times were written: UTC is a guess.")
    pages.mapping += [*lines, "  same_instant: file_order"]


def _misfits(told: TimeGuess) -> str:
    return f"CHECK: {len(told.misfits)} cells are otherwise: {_some(told)}" if told.misfits else ""


def _some(told: TimeGuess) -> str:
    return ", ".join(repr(cell[:40]) for cell in told.misfits[:2])


def _write_attributes(
    pages: _Pages,
    case: Seen,
    activity: Seen | None,
    columns: Sequence[Seen],
    *,
    is_whole: bool,
) -> None:
    pages.mapping.append("  attributes:")
    pages.data += ["# What the mapping above fills; put it under `attributes` of data.yaml.",
                   "attributes:"]  # fmt: skip
    names = _names({"activity"} if activity else set())
    if activity is None:
        pages.to_check.append("No column was found that says what happened.")
    ordered = [c for c in columns if c is activity] + [c for c in columns if c is not activity]
    known: dict[tuple[str, ...], Seen] = {}
    lists: list[str] = []
    for column in ordered:
        if not column.filled:
            pages.mapping.append(f"    # {quoted(column.title)} is empty in all these rows.")
        elif (twin := known.get(column.cells)) is not None:
            which = (
                f"{quoted(column.title)} (number {column.occurrence})"
                if column.occurrence
                else (quoted(column.title))
            )
            told = f"{which} is the same as {quoted(twin.title)} in all these rows."
            pages.mapping.append(f"    # {told}")
        else:
            known[column.cells] = column
            name = "activity" if column is activity else next(names(column.title))
            listed = _write_attribute(
                pages, case, column, name, is_activity=column is activity, is_whole=is_whole
            )
            lists += [name] if listed else []
    times = [c.title for c in ordered if c.time_of_day or (c.time and c.time.has_time)]
    if times:
        named = ", ".join(map(repr, times))
        pages.to_check.append(f"More columns hold times: {named}. A row may tell several events.")
    if lists and not is_whole:
        pages.to_check.append(
            f"The values of {', '.join(lists)} stand in comments: rows further on may hold others."
        )


def _write_attribute(
    pages: _Pages, case: Seen, column: Seen, name: str, *, is_activity: bool, is_whole: bool
) -> bool:
    """Write an attribute; return whether its values are listed."""
    kind, extra, values, why = _type(column)
    pages.mapping += _noted(f"    {name}: {{{column.source}{extra}}}", why)
    is_content = not is_activity and _is_content(column)
    lines = [
        f"  - id: {name}",
        *_noted(
            f"    class: {'content' if is_content else 'fact'}",
            "it may tell who somebody is: erasable, not measured" if is_content else "",
        ),
        f"    type: {kind}",
    ]
    if values:
        lines += _listed(values) if is_whole else [f"    # {', '.join(map(quoted, values))}"]
    if column.is_empty_somewhere:
        missing = len(column.cells) - len(column.filled)
        lines += _noted("    optional: true", f"empty in {missing:,} rows")
    if not is_activity and len(case.values) < len(case.cells) and _changes(case, column) == 0:
        lines += _noted("    case_value: first", "the same in all rows of a case")
    purpose = "What happened; clocks and counts read it." if is_activity else "CHECK: say what for."
    pages.data += [*lines, f"    purpose: {quoted(purpose)}"]
    return bool(values)


def _type(column: Seen) -> tuple[str, str, Sequence[str], str]:
    """Return the type, what the mapping adds, the values if they are few, and a comment."""
    words = {value.lower() for value in column.values}
    if any(words == pair for pair in _YES):
        told = ", ".join(
            f"{json.dumps(value, ensure_ascii=False)}: "
            f"{json.dumps('true' if value.lower() in _TRUE else 'false')}"
            for value in column.values
        )
        return "boolean", f", values: {{{told}}}", (), ""
    if column.time is not None and not column.time.misfits:
        if column.time.has_time:
            return "string", "", (), f"a time as {column.time.format}, kept as text"
        if "yyyy" in column.time.format:
            return "date", f", format: {_pattern(column.time.format)}", (), column.time.why
    if column.time_of_day is not None:
        return "string", "", (), f"a time of the day as {column.time_of_day}, kept as text"
    if _is_numeric(column) and not _is_identifier(column):
        return "number", "", (), ""
    if _is_list(column):
        return "string", "", sorted(column.values), ""
    return "string", "", (), ""


def _is_identifier(column: Seen) -> bool:
    has_zeros = any(
        len(value) > 1 and value[0] == "0" and value[1] != "." for value in column.values
    )
    return has_zeros or column.is_called("identifier") or column.is_called("case")


def _is_list(column: Seen) -> bool:
    """A list is complete, as far as can be seen, if the second half of the rows brought nothing."""
    half = column.cells[: len(column.cells) // 2]
    is_short = 2 <= len(column.values) <= MOST_VALUES and len(column.filled) >= 5 * len(
        column.values
    )
    return is_short and set(filter(None, half)) == set(column.values)


def _is_content(column: Seen) -> bool:
    if column.is_called("person"):
        return True
    length = sum(len(value) * n for value, n in column.values.items()) / len(column.filled)
    return length > LONG_TEXT and len(column.values) > len(column.filled) / 2


def _listed(values: Sequence[str]) -> list[str]:
    one_line = f"    values: [{', '.join(map(quoted, values))}]"
    if len(one_line) <= 100:
        return [one_line]
    return ["    values:", *(f"      - {quoted(value)}" for value in values)]


def _noted(line: str, why: str) -> list[str]:
    return [f"{line:<40}# {why}" if len(line) < 40 else f"{line}  # {why}"] if why else [line]


def _names(taken: set[str]) -> _Namer:
    return _Namer(taken)


class _Namer:
    """Gives each column an identifier of its own."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = taken

    def __call__(self, title: str) -> Iterator[str]:
        wished = identifier(title.removeprefix("case:")).replace("-", "_")
        for number in count(1):
            name = wished if number == 1 else f"{wished[:58]}_{number}"
            if name not in self._taken and name not in KEYWORDS:
                self._taken.add(name)
                yield name


def identifier(title: str) -> str:
    """Return a title as an identifier: lower-case letters, digits and _, from a letter on."""
    name = re.sub(r"[^a-z0-9]+", "_", _plain(title)).strip("_")[:63].rstrip("_")
    return name if name[:1].isalpha() else f"column_{name}".rstrip("_")


def _plain(title: str) -> str:
    """Return a title in small letters, without accents, its words apart."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", title).replace("ß", "ss").replace("ł", "l")
    letters = unicodedata.normalize("NFKD", apart).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", " ", letters).strip()


def _stem(name: str) -> str:
    return name.removesuffix(".gz").partition(".")[0]


def _pattern(text: str) -> str:
    return json.dumps(text) if ", " in text else text


def quoted(text: str) -> str:
    """Return a text as YAML writes it, in quotes where it would be read as something else."""
    is_plain = _PLAIN.fullmatch(text) and ": " not in text and text.lower() not in _WORDS_OF_YAML
    return text if is_plain else json.dumps(text, ensure_ascii=False)
