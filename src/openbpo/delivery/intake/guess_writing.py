"""The texts of a mapping and of its data, written from what each column is taken for: pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from openbpo.delivery.intake.files.looking import Look
from openbpo.delivery.intake.guess_choices import Choices, ColumnChoice, Taken
from openbpo.delivery.intake.guess_columns import Seen, Study, changes, identifier

MOST_VALUES = 20
"""A list of values is written out up to here."""

_YES = ({"true", "false"}, {"yes", "no"}, {"y", "n"}, {"ja", "nein"}, {"si", "no"}, {"sí", "no"})
_TRUE = frozenset({"true", "yes", "y", "ja", "si", "sí"})
_PLAIN = re.compile(r"[^\W\d_][\w äöüÄÖÜß().:'/-]*(?<![ :])")
_WORDS_OF_YAML = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_OTHERS = (Taken.ACTIVITY, Taken.FACT, Taken.CONTENT, Taken.UNUSED)


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


@dataclass(frozen=True, slots=True)
class _Writing:
    """What is written of: the file, its columns by place, the choices."""

    look: Look
    by_place: dict[int, Seen]
    choices: Choices
    pages: _Pages
    is_complete: bool
    """Whether all that the file's values can be was seen."""

    def seen(self, choice: ColumnChoice) -> Seen:
        return self.by_place[choice.place]

    @property
    def case(self) -> Seen:
        return self.seen(self.choices.case)


def write(
    study: Study,
    choices: Choices,
    *,
    mapping_id: str = "",
    service: str = "",
    others_follow: bool = False,
) -> Guess:
    """
    Return the texts of choices; the same choices give the same texts.

    `mapping_id` is the file's name without it; without `service` the line says to check it. Where
    `others_follow`, files with other values and empty cells, no list of values is closed.
    """
    by_place = {column.place: column for column in study.columns}
    is_complete = study.look.is_whole and not others_follow
    writing = _Writing(study.look, by_place, choices, _Pages(), is_complete)
    _write_head(writing, mapping_id, service)
    if choices.tells_several:
        _write_events(writing)
    else:
        _write_time(writing)
    _write_attributes(writing)
    pages = writing.pages
    return Guess(
        mapping="\n".join(pages.mapping) + "\n",
        data="\n".join(pages.data) + "\n",
        to_check=tuple(pages.to_check),
    )


def _write_head(writing: _Writing, mapping_id: str, service: str) -> None:
    look, pages = writing.look, writing.pages
    form, rows = look.form, len(look.rows)
    extent = f"all {rows:,} rows" if look.is_whole else f"the first {rows:,} rows"
    name = "".join(letter for letter in look.name if letter.isprintable())
    check = "" if service else "CHECK: the id of your service in services.yaml"
    lines = [
        f"# Guessed from {extent} of {name}. Read each line before you rely on it.",
        f"- id: {mapping_id or identifier(_stem(look.name))}",
        "  kind: case events",
        *_noted(f"  service: {service or 'tickets'}", check),
        f"  format: {form.format}",
    ]
    if form.format == "csv":
        why = "" if form.encoding.startswith("utf") else "CHECK: it is not utf-8; look at umlauts"
        lines += _noted(f"  encoding: {form.encoding}", why)
        lines.append(f"  delimiter: {json.dumps(form.delimiter)}")
    if form.sheet:
        lines.append(f"  sheet: {quoted(form.sheet)}")
    pages.mapping += [*lines, *_case_lines(writing)]


def _case_lines(writing: _Writing) -> list[str]:
    case, pages, rows = writing.case, writing.pages, len(writing.look.rows)
    if writing.choices.tells_several:
        why = "CHECK: each row is a whole case, which has it alone"
        if not case.names_each_row:
            why = "CHECK: a row is a whole case; rows of the same one correct one another"
        if not case.is_called("case"):
            pages.to_check.append(f"That {case.title!r} names the case is guessed from its cells.")
        key = f"  key: [{_column(case)}]"
        noted = _noted(key, "a later row of the same case corrects what this one told")
        return [*_noted(f"  case: {{{_source(case)}}}", why), *noted]
    if case.names_each_row:
        why = "CHECK: each row has another one; is a row a whole case, or a call?"
        pages.to_check.append(f"Each row has another {case.title!r}: is that what names a case?")
    else:
        why = f"{len(case.values):,} of them in {rows:,} rows"
        if not case.is_called("case"):
            why = f"CHECK: chosen by its cells, {why}"
            pages.to_check.append(f"That {case.title!r} names the case is guessed from its cells.")
    return _noted(f"  case: {{{_source(case)}}}", why)


def _write_time(writing: _Writing) -> None:
    """Write when the row's one event happened."""
    choices, pages = writing.choices, writing.pages
    (at,) = choices.taken_as(Taken.TIME)
    column = writing.seen(at)
    time_format = at.format
    lines = ["  at:"]
    if clocks := choices.taken_as(Taken.TIME_OF_DAY):
        names = ", ".join(_column(writing.seen(one)) for one in (at, *clocks))
        lines += _noted(f"    columns: [{names}]", "the day in one, the time in the other")
        time_format = f"{at.format} {clocks[0].format}"
    else:
        source = _source(column).replace(", ", "\n    ")
        lines += _noted(f"    {source}", _misfits(at))
        if not column.has_time:
            pages.to_check.append(
                "The times have a day only: a clock that counts hours needs more."
            )
    _say_doubts(pages, at)
    why = at.why if at.is_sure else f"CHECK: {at.why}"
    lines += _noted(f"    format: {pattern(time_format)}", why)
    if choices.needs_zone:
        lines += _zone_lines(writing)
    pages.mapping += [*lines, "  same_instant: file_order"]


def _zone_lines(writing: _Writing) -> list[str]:
    choices = writing.choices
    doubled = f"    doubled_hour: {choices.doubled_hour}"
    if choices.zone:
        return [f"    zone: {choices.zone}", doubled]
    writing.pages.to_check.append(
        "No cell says in which zone the times were written: UTC is a guess."
    )
    return [*_noted("    zone: UTC", "CHECK: no cell says in which zone its clock hung"), doubled]


def _write_events(writing: _Writing) -> None:
    """Write an event for each time of the row; those that did not happen are left out."""
    choices, pages = writing.choices, writing.pages
    times = choices.taken_as(Taken.TIME)
    formats = dict.fromkeys(one.format for one in times)
    lines = []
    if choices.needs_zone:
        lines += ["  at:", *_zone_lines(writing)]
    lines.append("  events:")
    for one in times:
        doubt = _misfits(one) or (one.why if one.is_sure else f"CHECK: {one.why}")
        at = f"{{{_source(writing.seen(one))}, format: {_in_braces(one.format)}}}"
        empty = f", empty: [{', '.join(map(_text, one.empty))}]" if one.empty else ""
        lines += _noted(f"    - {{type: {one.name}, at: {at}{empty}}}", doubt)
        _say_doubts(pages, one)
        if not writing.seen(one).has_time:
            pages.to_check.append(f"{one.title!r} has a day only: clocks count from its midnight.")
    if len(formats) > 1:
        pages.to_check.append(f"The times are written in {len(formats)} ways: look at each.")
    pages.mapping += [*lines, "  same_instant: file_order"]


def _say_doubts(pages: _Pages, at: ColumnChoice) -> None:
    if not at.is_sure:
        pages.to_check.append(f"Day and month could be exchanged: {at.why}.")
    if at.bad:
        which = f" in {at.title!r}" if at.name else ""
        pages.to_check.append(
            f"{len(at.bad):,} times{which} are written otherwise: {_some(at)}. Their rows will be "
            "refused."
        )


def _misfits(at: ColumnChoice) -> str:
    return f"CHECK: {len(at.bad)} cells are otherwise: {_some(at)}" if at.bad else ""


def _some(at: ColumnChoice) -> str:
    return ", ".join(repr(cell[:40]) for cell in at.bad[:2])


def _write_attributes(writing: _Writing) -> None:
    choices, pages, is_whole = writing.choices, writing.pages, writing.is_complete
    pages.mapping.append("  attributes:")
    pages.data += ["# What the mapping above fills; put it under `attributes` of data.yaml.",
                   "attributes:"]  # fmt: skip
    others = choices.taken_as(*_OTHERS)
    ordered = sorted(others, key=lambda c: (c.taken is not Taken.ACTIVITY, c.place))
    if not choices.taken_as(Taken.ACTIVITY) and not choices.tells_several:
        pages.to_check.append("No column was found that says what happened.")
    lists: list[str] = []
    for choice in ordered:
        column = writing.seen(choice)
        if choice.taken is Taken.UNUSED:
            why = choice.why if choice.why.startswith("is ") else "is left out"
            number = f" (number {column.occurrence})" if column.occurrence else ""
            pages.mapping.append(f"    # {quoted(column.title)}{number} {why}.")
        elif _write_attribute(writing, choice, column):
            lists.append(choice.name)
    if not any(choice.taken is not Taken.UNUSED for choice in ordered):
        _write_constant(writing)
    used = [c for c in ordered if c.taken is not Taken.UNUSED]
    times = [c.title for c in used if (s := writing.seen(c)).time_of_day or s.has_time]
    if times:
        named = ", ".join(map(repr, times))
        pages.to_check.append(f"More columns hold times: {named}. A row may tell several events.")
    if lists and not is_whole:
        pages.to_check.append(
            f"The values of {', '.join(lists)} stand in comments: rows further on may hold others."
        )


def _write_constant(writing: _Writing) -> None:
    """A record of cases needs an attribute: where no column is one, where it came from is."""
    writing.pages.mapping.append("    origin: {constant: file}")
    writing.pages.data += ["  - id: origin", "    class: fact", "    type: string",
                           "    purpose: Where it was told."]  # fmt: skip


def _write_attribute(writing: _Writing, choice: ColumnChoice, column: Seen) -> bool:
    """Write an attribute; return whether its values are listed."""
    pages, case, is_whole = writing.pages, writing.case, writing.is_complete
    kind, extra, values, why = _type(column)
    pages.mapping += _noted(f"    {choice.name}: {{{_source(column)}{extra}}}", why)
    is_content, is_activity = choice.taken is Taken.CONTENT, choice.taken is Taken.ACTIVITY
    noted = "it may tell who somebody is: erasable, not measured" if is_content else ""
    lines = [
        f"  - id: {choice.name}",
        *_noted(f"    class: {'content' if is_content else 'fact'}", noted),
        f"    type: {kind}",
    ]
    if values:
        lines += _listed(values) if is_whole else [f"    # {', '.join(map(quoted, values))}"]
    if column.is_empty_somewhere:
        missing = len(column.cells) - len(column.filled)
        lines += _noted("    optional: true", f"empty in {missing:,} rows")
    elif not is_whole and not is_activity:
        lines += _noted("    optional: true", "rows further on may leave it empty")
    if writing.choices.tells_several:
        lines.append("    case_value: last")
    elif not is_activity and len(case.values) < len(case.cells) and changes(case, column) == 0:
        lines += _noted("    case_value: first", "the same in all rows of a case")
    purpose = "What happened; clocks and counts read it." if is_activity else "CHECK: say what for."
    pages.data += [*lines, f"    purpose: {quoted(purpose)}"]
    return bool(values)


def _type(column: Seen) -> tuple[str, str, Sequence[str], str]:
    """Return the type, what the mapping adds, the values if they are few, and a comment."""
    words = {value.lower() for value in column.values}
    if any(words == pair for pair in _YES):
        told = ", ".join(
            f"{_text(value)}: {json.dumps('true' if value.lower() in _TRUE else 'false')}"
            for value in column.values
        )
        return "boolean", f", values: {{{told}}}", (), ""
    if column.time is not None and not column.time.misfits:
        if column.time.has_time:
            return "string", "", (), f"a time as {column.time.format}, kept as text"
        if "yyyy" in column.time.format:
            return "date", f", format: {pattern(column.time.format)}", (), column.time.why
    if column.time_of_day is not None:
        return "string", "", (), f"a time of the day as {column.time_of_day}, kept as text"
    if column.is_numeric and not _is_identifier(column):
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


def _listed(values: Sequence[str]) -> list[str]:
    one_line = f"    values: [{', '.join(map(quoted, values))}]"
    if len(one_line) <= 100:
        return [one_line]
    return ["    values:", *(f"      - {quoted(value)}" for value in values)]


def _source(column: Seen) -> str:
    """Return a column as a mapping names it."""
    where = f"column: {quoted(column.title)}"
    return where if column.occurrence is None else f"{where}, occurrence: {column.occurrence}"


def _column(column: Seen) -> str:
    """Return a column as a list of columns names it."""
    return quoted(column.title) if column.occurrence is None else f"{{{_source(column)}}}"


def _noted(line: str, why: str) -> list[str]:
    why = "".join(letter if letter.isprintable() else " " for letter in why)
    return [f"{line:<40}# {why}" if len(line) < 40 else f"{line}  # {why}"] if why else [line]


def _stem(name: str) -> str:
    return name.removesuffix(".gz").partition(".")[0]


def pattern(text: str) -> str:
    """Return a time's format as YAML writes it in a line of its own."""
    return _text(text) if ", " in text or not text.isprintable() else text


def _in_braces(text: str) -> str:
    is_plain = text.isprintable() and not re.search(r"[,:'{}\[\]#]", text)
    return text if is_plain else _text(text)


def _text(text: str) -> str:
    """Return a text in quotes, what cannot be printed as its number."""
    told = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in told)


def _escaped(letter: str) -> str:
    return f"\\u{ord(letter):04x}" if ord(letter) < 1 << 16 else f"\\U{ord(letter):08x}"


def quoted(text: str) -> str:
    """Return a text as YAML writes it, in quotes where it would be read as something else."""
    is_plain = _PLAIN.fullmatch(text) and ": " not in text and text.lower() not in _WORDS_OF_YAML
    return text if is_plain else _text(text)
