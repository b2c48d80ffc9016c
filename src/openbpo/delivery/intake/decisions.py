"""From a row to an event, by the mapping: pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from openbpo.agreements.facts import stored
from openbpo.agreements.model import Attribute, AttributeSource, Column, FileMapping
from openbpo.agreements.schema import did_you_mean
from openbpo.delivery.intake.model import EventRow, Fault
from openbpo.values.expressions import BOOLEAN, DATE, NUMBER, Choice
from openbpo.values.shares import parse_decimal
from openbpo.values.time_formats import compile_time_format
from openbpo.values.zones import Doubled, OutsideResolved, Skipped, Zone

MAX_CASE_KEY = 200
MAX_SENTENCE = 250
ROW_HASH_BYTES = 16

Read = Callable[[str], object]


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
        zone: Zone,
        columns: Mapping[Column, int],
        width: int,
    ) -> None:
        self._width = width
        self._mapping = mapping
        self._zone = zone
        self._format = compile_time_format(mapping.time_format)
        self._case_at, self._time_at = columns[mapping.case], columns[mapping.at]
        self._mapped = [columns[column] for column in sorted(columns, key=_column_order)]
        readers = [
            (source.attribute, columns[source.column], value_reader(source, attributes))
            for source in sorted(mapping.attributes, key=lambda source: source.attribute)
        ]
        self._facts = [r for r in readers if not attributes[r[0]].is_content]
        self._content = [r for r in readers if attributes[r[0]].is_content]

    def read(self, cells: Sequence[str]) -> EventRow | Fault:
        """Return the event that a row tells, or why it cannot be taken."""
        try:
            self._refuse_misshapen(cells)
            return EventRow(
                case=self._case(cells[self._case_at].strip()),
                happened_at=self._instant(cells[self._time_at].strip()),
                facts=_values(self._facts, cells),
                content=_values(self._content, cells),
                identity=json.dumps([cells[at] for at in self._mapped]),
            )
        except _Faulty as faulty:
            return faulty.fault

    def _refuse_misshapen(self, cells: Sequence[str]) -> None:
        if len(cells) != self._width:
            raise _Faulty(
                f"The row has {len(cells)} cells, the header {self._width}.",
                "The file may be cut off here, or a cell hold the delimiter without quotes.",
            )
        for cell in cells:
            if "\0" in cell:
                raise _Faulty("A cell holds a NUL character.", "Export the file again as text.")

    def _case(self, key: str) -> str:
        if not key:
            what = f"The column {self._mapping.case.name!r} is empty."
            raise _Faulty(what, "Every row names its case.")
        if len(key) > MAX_CASE_KEY:
            raise _Faulty(
                f"The case's name is longer than {MAX_CASE_KEY} characters.",
                "Map the column that names the case.",
            )
        return key

    def _instant(self, text: str) -> datetime:
        try:
            local = self._format.parse(text)
            found = self._zone.to_utc(local)
        except OutsideResolved as fault:
            raise _Faulty(f"{fault}", "Check the year.") from fault
        except ValueError as fault:
            raise _Faulty(f"The time {fault}.", "See `at.format` in mapping.yaml.") from fault
        if isinstance(found, Skipped):
            raise _Faulty(
                f"There is no {text} in {self._zone.name}: clocks were put forward over it.",
                "Correct the time, or name the zone that it was written in.",
            )
        return self._choose(found, text) if isinstance(found, Doubled) else found

    def _choose(self, found: Doubled, text: str) -> datetime:
        if self._mapping.doubled_hour == "refuse":
            raise _Faulty(
                f"{text} happened twice in {self._zone.name}: clocks were put back over it.",
                "Say which is meant: `doubled_hour: earlier` or `later` in mapping.yaml.",
            )
        return found.earlier if self._mapping.doubled_hour == "earlier" else found.later


def _column_order(column: Column) -> tuple[str, int]:
    """The mapped columns make a row's identity, in an order that is not the file's."""
    return column.name, column.occurrence or 1


def _values(readers: Sequence[tuple[str, int, Read]], cells: Sequence[str]) -> dict[str, object]:
    return {name: read(cells[at].strip()) for name, at, read in readers}


def value_reader(source: AttributeSource, attributes: Mapping[str, Attribute]) -> Read:
    """Return what turns a cell into the stored value of an attribute, None where it is empty."""
    attribute = attributes[source.attribute]
    convert = _converter(source, attribute)
    means_something = source.values is not None and "" in source.values

    def read(cell: str) -> object:
        if cell or means_something:
            return convert(cell)
        if not attribute.is_optional:
            raise _Faulty(
                f"The column {source.column.name!r} is empty.",
                f"Fill it, or make {attribute.id!r} `optional: true` in data.yaml.",
            )
        return None

    return read


def _converter(source: AttributeSource, attribute: Attribute) -> Read:
    column = source.column.name
    meanings = dict(source.values) if source.values is not None else None
    if meanings is None and isinstance(attribute.type, Choice):
        meanings = {value: value for value in attribute.type.values}
    if attribute.type == BOOLEAN:
        return _looked_up(column, {k: v == "true" for k, v in (meanings or {}).items()})
    if meanings is not None:
        return _looked_up(column, meanings)
    if attribute.type == NUMBER:
        return _parsed(column, lambda cell: str(_plain_number(cell)))
    if attribute.type == DATE:
        return _parsed(column, _date_reader(source))
    return str


def _looked_up(column: str, meanings: Mapping[str, object]) -> Read:
    def look_up(cell: str) -> object:
        try:
            return meanings[cell]
        except KeyError:
            raise _Faulty(
                f"{cell!r} in the column {column!r} means nothing.",
                did_you_mean(cell, meanings, "Values with a meaning in mapping.yaml"),
            ) from None

    return look_up


def _parsed(column: str, parse: Read) -> Read:
    def parse_cell(cell: str) -> object:
        try:
            return parse(cell)
        except ValueError as fault:
            what = f"{cell!r} in the column {column!r} cannot be read: {str(fault).rstrip('.')}."
            raise _Faulty(what, "Correct the cell.") from fault

    return parse_cell


def _plain_number(cell: str) -> str:
    parse_decimal(cell)
    return cell


def _date_reader(source: AttributeSource) -> Read:
    date_format = compile_time_format(source.date_format or "yyyy-MM-dd")
    return lambda cell: stored(date_format.parse_date(cell))


class RowHashes:
    """
    Tells rows apart and knows them again: by their mapped cells, and how many such came before.

    The hash is keyed (BLAKE2b, 16 bytes), so that it tells nobody what the row held.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._seen: Counter[bytes] = Counter()

    def of(self, row: EventRow) -> bytes:
        """Return the next row's hash; rows are to be given in the order of the file."""
        plain = self._digest(row.identity.encode("utf-8", "surrogatepass"))
        self._seen[plain] += 1
        which = self._seen[plain]
        return plain if which == 1 else self._digest(plain + str(which).encode())

    def _digest(self, content: bytes) -> bytes:
        return hashlib.blake2b(content, digest_size=ROW_HASH_BYTES, key=self._key).digest()
