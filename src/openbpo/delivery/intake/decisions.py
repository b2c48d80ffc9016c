"""
From a row to the events that it tells, by the mapping: pure.

What a file repeats is worked out once: cells are looked up in tables that remember what a text
means (`Known`), so that a row costs a few look-ups. The rules are in docs/algorithms/import.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

from openbpo.agreements.facts import stored
from openbpo.agreements.model import (
    Attribute,
    AttributeSource,
    Column,
    EventSource,
    FileMapping,
    RecordKind,
    TextSource,
    TimeSource,
)
from openbpo.agreements.schema import did_you_mean
from openbpo.delivery.intake.model import Fault
from openbpo.record.decisions import Happening
from openbpo.values.canonical import canonical_bytes
from openbpo.values.expressions import BOOLEAN, DATE, NUMBER, Choice
from openbpo.values.refusals import Mistake, Refusal
from openbpo.values.shares import parse_decimal
from openbpo.values.time_formats import compile_time_format
from openbpo.values.time_reading import BeyondYears, Known, local_reader, time_reader
from openbpo.values.zones import Doubled, OutsideResolved, Skipped, Zone

SUBJECTS: Mapping[RecordKind, str] = {
    "case": "case",
    "call": "call",
    "agent_time": "agent",
    "interval_count": "queue or skill",
    "headcount": "site or group",
    "quantity": "quantity",
}
"""What the rows of each kind are about."""
MAX_SUBJECT = 200
MAX_RANK = 200
MAX_SENTENCE = 250
FURTHEST_BACK = timedelta(hours=12)
"""How far a time may lie before the row's event before it and still be of the same day."""

Cells = Sequence[str]
Values = dict[str, object]
Read = Callable[[str], object]
Text = Callable[[Cells], str]
Places = Mapping[Column, int]
Instant = Callable[[Cells], datetime]
Dated = Callable[[Cells, datetime | None], tuple[datetime, datetime | None]]


class ToldRow(NamedTuple):
    """What a row tells: at least one event, what it is known again by, and all that is mapped."""

    events: Sequence[Happening]
    key: str
    content: str
    out_of_order: bool
    """Whether a later event of the mapping's order happened before an earlier one."""


class _Faulty(Exception):  # noqa: N818
    def __init__(self, what: str, remedy: str) -> None:
        if len(what) > MAX_SENTENCE:  # it quotes a cell
            what = f"{what[:MAX_SENTENCE]} … {what[-MAX_SENTENCE:]}"
        self.fault = Fault(what, remedy)
        super().__init__(what)


class RowReader:
    """A mapping made ready for one file's header."""

    def __init__(
        self,
        mapping: FileMapping,
        attributes: Mapping[str, Attribute],
        zones: Mapping[str, Zone],
        header: Sequence[str],
        *,
        where: str = "header",
    ) -> None:
        """
        Make a mapping ready; `zones` holds each of its zones.

        Raises Refusal at `where`, naming each column that is not to be found in the header.
        """
        places = columns_in(header, mapping.columns, where)
        self._width = len(header)
        self._content = _together(places, mapping.columns)
        self._nuls = max(len(mapping.columns) - 1, 0)
        self._key = _together(places, mapping.key) if mapping.key else None
        self._subject = _subject_reader(mapping, places)
        self._rank = _rank_reader(mapping.rank, places) if mapping.rank else None
        self._carried = _carried_reader(mapping.attributes, attributes, places)
        tells_days = any(event.past_midnight for event in mapping.events)
        self._events = [
            _Event(event, attributes, zones, places, tells_days=tells_days)
            for event in mapping.events
        ]
        self._only = self._events[0] if _is_single(mapping) else None

    def read(self, cells: Cells) -> ToldRow | Fault:
        """Return what a row tells, or why it cannot be taken."""
        try:
            if len(cells) != self._width:
                raise _misshapen(cells, self._width)
            content = self._content(cells)
            if content.count("\0") != self._nuls:
                raise _with_nul()
            key = content if self._key is None else _checked_key(self._key(cells))
            rank = None if self._rank is None else self._rank(cells)
            subject = self._subject(cells)
            if self._only is None:
                return self._several(cells, subject, rank, key, content)
            event = Happening(
                self._only.type, subject, self._only.instant(cells), *self._carried(cells), rank
            )
            return ToldRow((event,), key, content, out_of_order=False)
        except _Faulty as faulty:
            return faulty.fault

    def _several(
        self, cells: Cells, subject: str, rank: str | None, key: str, content: str
    ) -> ToldRow:
        of_row = self._carried(cells)
        events: list[Happening] = []
        local = None
        for event in self._events:
            if event.is_absent(cells):
                continue
            instant, local = event.dated(cells, local)
            carried = of_row if event.carried is None else event.carried(cells)
            events.append(Happening(event.type, subject, instant, *carried, rank))
        if not events:
            raise _Faulty(
                "The row tells no event: each of its times says that it did not happen.",
                "Correct the row, or `empty` in mapping.yaml.",
            )
        return ToldRow(events, key, content, _is_out_of_order(events))


class _Event:
    """One event that a row may tell, made ready."""

    def __init__(
        self,
        source: EventSource,
        attributes: Mapping[str, Attribute],
        zones: Mapping[str, Zone],
        places: Places,
        *,
        tells_days: bool,
    ) -> None:
        self.type = source.type
        self.instant = _instant_reader(source.at, zones, places)
        self.dated = _dated_reader(source, self.instant, zones, places, tells_days=tells_days)
        own = source.attributes
        self.carried = None if own is None else _carried_reader(own, attributes, places)
        self._empty = frozenset(source.empty)
        self._cells = [places[column] for column in source.at.text.columns]

    def is_absent(self, cells: Cells) -> bool:
        """Tell whether a cell of its time says that it did not happen."""
        empty = self._empty
        return bool(empty) and any(cells[at].strip() in empty for at in self._cells)


def _is_single(mapping: FileMapping) -> bool:
    """Tell whether each row tells exactly one event, which carries the row's attributes."""
    (first, *others) = mapping.events
    return not others and not first.empty and first.attributes is None


def _is_out_of_order(events: Sequence[Happening]) -> bool:
    return any(later.happened_at < first.happened_at for first, later in pairwise(events))


def _misshapen(cells: Cells, width: int) -> _Faulty:
    return _Faulty(
        f"The row has {len(cells)} cells, the header {width}.",
        "The file may be cut off here, or a cell hold the delimiter without quotes.",
    )


def _with_nul() -> _Faulty:
    return _Faulty("A cell holds a NUL character.", "Export the file again as text.")


def _checked_key(key: str) -> str:
    if not key.strip("\0 "):
        raise _Faulty("The cells of the row's key are empty.", "Fill at least one of them.")
    return key


def columns_in(header: Sequence[str], columns: Sequence[Column], where: str) -> dict[Column, int]:
    """Return where each column stands; raise Refusal naming every one that is not to be found."""
    places: dict[Column, int] = {}
    mistakes: dict[Mistake, None] = {}
    for column in columns:
        at = [index for index, title in enumerate(header) if title == column.name]
        wanted = column.occurrence or 1
        if len(at) < wanted:
            mistakes[_missing(header, column, where)] = None
        elif len(at) > 1 and column.occurrence is None:
            what = f"The column {column.name!r} stands {len(at)} times."
            remedy = "Say which is meant: `occurrence: 1` beside `column` in mapping.yaml."
            mistakes[Mistake(where, what, remedy)] = None
        else:
            places[column] = at[wanted - 1]
    if mistakes:
        raise Refusal(*mistakes)
    return places


def _missing(header: Sequence[str], column: Column, where: str) -> Mistake:
    which = f" (number {column.occurrence})" if column.occurrence else ""
    remedy = did_you_mean(column.name, dict.fromkeys(header), "The file has")
    return Mistake(where, f"There is no column {column.name!r}{which}.", remedy)


def _together(places: Places, columns: Sequence[Column]) -> Text:
    """Return what joins the cells of columns, as they stand in the file, by NUL."""
    at = [places[column] for column in columns]
    if len(at) > 1:
        pick = itemgetter(*at)
        return lambda cells: "\0".join(pick(cells))
    return itemgetter(at[0]) if at else lambda _cells: ""


def _text_reader(source: TextSource, places: Places) -> Text:
    """Return what puts a text together; cells that are empty are left out."""
    if source.constant is not None:
        constant = source.constant
        return lambda _cells: constant
    at, joined = [places[column] for column in source.columns], source.joined
    if len(at) == 1:
        (only,) = at
        return lambda cells: cells[only].strip()
    return lambda cells: joined.join([cell for i in at if (cell := cells[i].strip())])


def _named(source: TextSource) -> str:
    """Return what a source is called where one of its cells is at fault."""
    names = [repr(column.name) for column in source.columns]
    if len(names) == 1:
        return f"column {names[0]}"
    return f"columns {', '.join(names[:-1])} and {names[-1]}" if names else "constant"


def _subject_reader(mapping: FileMapping, places: Places) -> Text:
    """Return what names the subject; no part of its name may be empty."""
    source, noun = mapping.subject, SUBJECTS[mapping.kind]

    def check(name: str) -> str:
        if len(name) > MAX_SUBJECT:
            raise _Faulty(
                f"The {noun}'s name is longer than {MAX_SUBJECT} characters.",
                f"Map the column that names the {noun}.",
            )
        return name

    def part(column: Column) -> Text:
        def read(text: str) -> str:
            if not (name := text.strip()):
                what = f"The column {column.name!r} is empty."
                raise _Faulty(what, f"Every row names its {noun}.")
            return check(name)

        known, at = Known(read), places[column]
        return lambda cells: known[cells[at]]

    if source.constant is not None:
        constant = source.constant
        return lambda _cells: constant
    parts, joined = [part(column) for column in source.columns], source.joined
    if len(parts) == 1:
        return parts[0]
    return lambda cells: check(joined.join([read(cells) for read in parts]))


def _rank_reader(column: Column, places: Places) -> Text:
    def read(text: str) -> str:
        if len(text) > MAX_RANK:
            what = f"The rank in the column {column.name!r} is longer than {MAX_RANK} characters."
            raise _Faulty(what, "Take a shorter column for `by_column`.")
        return rank_of(text.strip())

    known, at = Known(read), places[column]
    return lambda cells: known[cells[at]]


def rank_of(text: str) -> str:
    """
    Return a text that sorts by code point as it should: numbers by size, then other texts.

    "" comes first. A number is its sign, how many digits it has before the point, and its digits;
    of a negative one each digit is its complement to 9, so that -2 comes before -1.
    """
    if not text:
        return ""
    found = _RANKED_NUMBER.fullmatch(text)
    if found is None:
        return f"2{text}"
    whole, decimals = found[2].lstrip("0"), (found[3] or "").rstrip("0")
    ranked = f"{len(whole):03}{whole}.{decimals}"
    if found[1] and ranked != "000.":
        return f"0{ranked.translate(_COMPLEMENT)}~"
    return f"1{ranked}"


_RANKED_NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")
_COMPLEMENT = str.maketrans("0123456789", "9876543210")


def _instant_reader(source: TimeSource, zones: Mapping[str, Zone], places: Places) -> Instant:
    zone = zones[source.zone] if source.zone is not None else None
    text_of = _text_reader(source.text, places)
    read = time_reader(compile_time_format(source.format), zone)

    def instant(cells: Cells) -> datetime:
        text = text_of(cells)
        try:
            found = read(text)
        except ValueError as fault:
            raise _no_time(fault) from fault
        return found if isinstance(found, datetime) else _chosen(found, text, source)

    return instant


def _dated_reader(
    source: EventSource,
    instant: Instant,
    zones: Mapping[str, Zone],
    places: Places,
    *,
    tells_days: bool,
) -> Dated:
    """
    Return what tells an instant and what the clock on the wall showed, given what it showed before.

    A reading after midnight whose day the row does not tell is moved on by days; see `_moved`.
    """
    time_format = compile_time_format(source.at.format)
    if not tells_days or source.at.zone is None or not time_format.needs_zone:
        return lambda cells, previous: (instant(cells), previous)
    text_of, read_local = _text_reader(source.at.text, places), local_reader(time_format)
    zone, past_midnight = zones[source.at.zone], source.past_midnight

    def dated(cells: Cells, previous: datetime | None) -> tuple[datetime, datetime | None]:
        text = text_of(cells)
        try:
            local = read_local(text)
            if not past_midnight or previous is None or previous - local <= FURTHEST_BACK:
                return instant(cells), local
            local = _moved(local, previous)
            found = zone.to_utc(local)
        except ValueError as fault:
            raise _no_time(fault) from fault
        if isinstance(found, datetime):
            return found, local
        return _chosen(found, f"{text} (on {local:%Y-%m-%d})", source.at), local

    return dated


def _moved(local: datetime, previous: datetime) -> datetime:
    """Return a reading on the first day on which it is at most twelve hours before `previous`."""
    days = -((FURTHEST_BACK - (previous - local)) // timedelta(days=1))
    return local + timedelta(days=days)


def _no_time(fault: ValueError) -> _Faulty:
    if isinstance(fault, OutsideResolved | BeyondYears):
        return _Faulty(f"{fault}", "Check the year.")
    return _Faulty(f"The time {fault}.", "See `at.format` in mapping.yaml.")


def _chosen(found: Skipped | Doubled, text: str, source: TimeSource) -> datetime:
    """Return the instant that is meant on a night when clocks are changed."""
    if isinstance(found, Skipped):
        raise _Faulty(
            f"There is no {text} in {source.zone}: clocks were put forward over it.",
            "Correct the time, or name the zone that it was written in.",
        )
    if source.doubled_hour == "refuse":
        raise _Faulty(
            f"{text} happened twice in {source.zone}: clocks were put back over it.",
            "Say which is meant: `doubled_hour: earlier` or `later` in mapping.yaml.",
        )
    return found.earlier if source.doubled_hour == "earlier" else found.later


def _carried_reader(
    sources: Sequence[AttributeSource], attributes: Mapping[str, Attribute], places: Places
) -> Callable[[Cells], tuple[str, Values, Values]]:
    """Return what reads the attributes that an event carries: open facts, private ones, content."""
    ordered = sorted(sources, key=lambda source: source.attribute)
    facts, private, content = (
        [
            (s.attribute, *_value_of(s, attributes, places))
            for s in ordered
            if fits(attributes[s.attribute])
        ]
        for fits in (_is_open, _is_private, _is_content)
    )
    read_facts = _facts_reader(facts)
    if not private and not content:
        nothing: Values = {}
        return lambda cells: (read_facts(cells), nothing, nothing)
    return lambda cells: (
        read_facts(cells),
        {name: read(text_of(cells)) for name, text_of, read in private},
        {name: read(text_of(cells)) for name, text_of, read in content},
    )


def _value_of(
    source: AttributeSource, attributes: Mapping[str, Attribute], places: Places
) -> tuple[Text, Read]:
    """Return what picks an attribute's text from a row, and what that text means."""
    attribute = attributes[source.attribute]
    if source.text.constant is not None:
        value = _constant(source.text.constant, attribute)
        return (lambda _cells: ""), (lambda _text: value)
    if len(source.text.columns) == 1:
        return itemgetter(places[source.text.columns[0]]), value_reader(source, attributes)
    return _text_reader(source.text, places), value_reader(source, attributes)


def _facts_reader(facts: Sequence[tuple[str, Text, Read]]) -> Text:
    """Return what tells the facts of a row as a canonical JSON object; names are in order."""
    told = [(text_of, Known(_fragment_reader(name, read))) for name, text_of, read in facts]
    return lambda cells: "{" + ",".join([known[text_of(cells)] for text_of, known in told]) + "}"


def _fragment_reader(name: str, read: Read) -> Callable[[str], str]:
    def fragment(text: str) -> str:
        return canonical_bytes({name: read(text)})[1:-1].decode()

    return fragment


def _is_open(attribute: Attribute) -> bool:
    return attribute.is_open


def _is_private(attribute: Attribute) -> bool:
    return not attribute.is_open and not attribute.is_content


def _is_content(attribute: Attribute) -> bool:
    return attribute.is_content


def _constant(text: str, attribute: Attribute) -> object:
    return text == "true" if attribute.type == BOOLEAN else text


def value_reader(source: AttributeSource, attributes: Mapping[str, Attribute]) -> Read:
    """Return what turns a cell into the stored value of an attribute, None where it is empty."""
    attribute = attributes[source.attribute]
    convert = _converter(source, attribute)
    means_nothing = {"", *source.empty} - set(source.values or ())

    def read(cell: str) -> object:
        cell = cell.strip()
        if cell not in means_nothing:
            return convert(cell)
        if not attribute.is_optional:
            raise _Faulty(
                f"The {_named(source.text)} {'is' if len(source.text.columns) == 1 else 'are'} "
                f"empty{f' ({cell!r})' if cell else ''}.",
                f"Fill it, or make {attribute.id!r} `optional: true` in data.yaml.",
            )
        return None

    return read


def _converter(source: AttributeSource, attribute: Attribute) -> Read:
    name = _named(source.text)
    meanings = dict(source.values) if source.values is not None else None
    if meanings is None and isinstance(attribute.type, Choice):
        meanings = {value: value for value in attribute.type.values}
    if attribute.type == BOOLEAN:
        otherwise = None if source.otherwise is None else source.otherwise == "true"
        return _looked_up(name, {k: v == "true" for k, v in (meanings or {}).items()}, otherwise)
    if meanings is not None:
        return _looked_up(name, meanings, source.otherwise)
    if attribute.type == NUMBER:
        return _parsed(name, _number_reader(source))
    if attribute.type == DATE:
        return _parsed(name, _date_reader(source))
    return str


def _looked_up(name: str, meanings: Mapping[str, object], otherwise: object) -> Read:
    def look_up(cell: str) -> object:
        meaning = meanings.get(cell, otherwise)
        if meaning is None:
            raise _Faulty(
                f"{cell!r} in the {name} means nothing.",
                did_you_mean(cell, meanings, "Values with a meaning in mapping.yaml"),
            )
        return meaning

    return look_up


def _parsed(name: str, parse: Read) -> Read:
    def parse_cell(cell: str) -> object:
        try:
            return parse(cell)
        except ValueError as fault:
            what = f"{cell!r} in the {name} cannot be read: {str(fault).rstrip('.')}."
            raise _Faulty(what, "Correct the cell.") from fault

    return parse_cell


def _number_reader(source: AttributeSource) -> Callable[[str], str]:
    """Return what writes a number as a plain decimal, without marks between thousands."""
    decimal, thousands = source.decimal, source.thousands
    if decimal == "." and thousands is None:
        return _plain_number
    mark, point = re.escape(thousands or ""), re.escape(decimal)
    grouped = f"|[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+" if thousands else ""
    regex = re.compile(f"(-?)([0-9]+{grouped})(?:{point}([0-9]+))?")
    example = f"1{thousands or ''}500{decimal}00"

    def read(cell: str) -> str:
        found = regex.fullmatch(cell)
        if found is None:
            raise ValueError(f"it is no number written as {example}")
        whole = found[2].replace(thousands, "") if thousands else found[2]
        return f"{found[1]}{whole}.{found[3]}" if found[3] else f"{found[1]}{whole}"

    return read


def _plain_number(cell: str) -> str:
    parse_decimal(cell)
    return cell


def _date_reader(source: AttributeSource) -> Read:
    date_format = compile_time_format(source.date_format or "yyyy-MM-dd")
    return lambda cell: stored(date_format.parse_date(cell))
