"""
CSV of any dialect: its delimiter is found in the header, its bad rows do not end the reading.

A row with a wrong number of cells or a NUL is a fault of that row. A quote that is not closed, or
text after one, leaves open where the next row begins: that refuses the file, by its line.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from openbpo.delivery.intake.files.content import MAX_LINE, Content, encoding_of, text_blocks
from openbpo.delivery.intake.files.model import FileFormat
from openbpo.delivery.intake.files.returned import is_returned, without_escape
from openbpo.delivery.intake.model import Fault, RawRow
from openbpo.values.refusals import Refusal

DELIMITERS = (",", ";", "\t", "|")
MAX_CELL = 1_000_000
ZIP_MAGIC = b"PK\x03\x04"
SEPARATOR = re.compile(r'"?sep=([^"\r\n])"?', re.IGNORECASE)
NUL = Fault("A cell holds a NUL character.", "Export the file as text.")


class CsvFile:
    """A CSV file: its dialect, its header, its rows."""

    def __init__(self, content: Content, form: FileFormat, columns: Sequence[str]) -> None:
        _refuse_other_formats(content)
        csv.field_size_limit(MAX_CELL)
        self.name = content.name
        self.quote = form.quote or '"'
        self.encoding = encoding_of(content, form.encoding)
        self._content = content
        self._has_nul = False
        self._row_began = 0
        self.separator = self._separator()
        named = form.delimiter or self.separator
        self.delimiter, titles = self._header(columns, (named,) if named else DELIMITERS)
        self._width = len(titles)
        self._ours = 2 if is_returned(titles) else 0
        self.titles = titles[self._ours :]
        self.header: Sequence[str] = _without_last_empty(self.titles)

    @property
    def fingerprint(self) -> bytes:
        """Return the SHA-256 of the content, unpacked, once all rows were read."""
        return self._content.fingerprint

    def changed(self) -> bool:
        """Return whether the file is no longer the one that was opened."""
        return self._content.changed()

    def rows(self) -> Iterator[RawRow]:
        """
        Yield the rows after the header; those without any text tell nothing and are left out.

        Raises Refusal where the file cannot be read on.
        """
        found = self._rows()
        return map(self._as_sent, found) if self._ours else found

    def _rows(self) -> Iterator[RawRow]:
        reader = self._reader(self.delimiter, strict=True)
        width, is_even = self._width, self._width == len(self.header)
        new, kind = tuple.__new__, RawRow
        self._has_nul = False
        try:
            self._skip_header(reader)
            line = self._row_began = reader.line_num + 1
            for cells in reader:
                if any(cells):
                    if len(cells) == width and is_even and not self._has_nul:
                        yield new(kind, (line, cells, cells, None))
                    else:
                        yield self._uneven(line, cells)
                line = self._row_began = reader.line_num + 1
        except csv.Error as fault:
            raise self._not_csv(fault, reader.line_num) from fault

    def _uneven(self, line: int, cells: list[str]) -> RawRow:
        """Return a row that may be too short or too long, or hold a NUL."""
        least = self._ours + len(self.header)
        if not least <= len(cells) <= self._width:
            misshapen = _misshapen(len(cells) - self._ours, self._width - self._ours)
            return RawRow(line, cells, cells, misshapen)
        fault = NUL if self._has_nul and any("\0" in cell for cell in cells) else None
        return RawRow(line, cells[:least], cells, fault)

    def _as_sent(self, row: RawRow) -> RawRow:
        """Return a row of a reject file as it stood in the file that it was refused of."""
        assert isinstance(row.raw, list)
        cells = [without_escape(cell) for cell in row.cells[self._ours :]]
        raw = [without_escape(cell) for cell in row.raw[self._ours :]]
        return RawRow(row.line, cells, raw, row.fault)

    def _skip_header(self, reader: Any) -> None:
        if self.separator:
            next(reader, None)
        for cells in reader:
            if any(cells):
                break

    def _header(self, columns: Sequence[str], candidates: Sequence[str]) -> tuple[str, list[str]]:
        """Return the delimiter and the titles that it gives."""
        wanted = set(columns)
        headers = {delimiter: self._titles(delimiter) for delimiter in candidates}
        best = max(candidates, key=lambda d: (len(wanted & set(headers[d])), len(headers[d])))
        if not headers[best]:
            raise Refusal.of(self.name, "The file is empty.", "Export it again.")
        return best, headers[best]

    def _titles(self, delimiter: str) -> list[str]:
        reader = self._reader(delimiter, strict=False)
        if self.separator:
            next(reader, None)
        try:
            first: list[str] = next((cells for cells in reader if any(cells)), [])
        except csv.Error as fault:
            raise self._not_csv(fault, reader.line_num) from fault
        titles = [title.strip() for title in first]
        if is_returned(titles):
            titles = [without_escape(title) for title in titles]
        if any("\0" in title for title in titles):
            remedy = "Name its encoding in mapping.yaml (`encoding: utf-16`), or save it as text."
            raise Refusal.of(f"{self.name}:1", "The header holds NUL characters.", remedy)
        return titles

    def _separator(self) -> str | None:
        """Return the delimiter that a first line `sep=;` names, as Excel writes and reads it."""
        line = next(text_blocks(self._content, self.encoding), "").partition("\n")[0]
        found = SEPARATOR.fullmatch(line.rstrip("\r"))
        return found[1] if found else None

    def _reader(self, delimiter: str, *, strict: bool) -> Any:
        lines = chain.from_iterable(self._blocks())
        return csv.reader(lines, delimiter=delimiter, quotechar=self.quote, strict=strict)

    def _blocks(self) -> Iterator[io.StringIO]:
        """Yield blocks, each an iterator of its lines; bounds the row that is being read."""
        row_began, length = -1, 0
        for text in text_blocks(self._content, self.encoding):
            if row_began != self._row_began:
                row_began, length = self._row_began, 0
            length += len(text)
            if length > 2 * MAX_LINE:
                raise self._not_csv("the row does not end", self._row_began)
            if "\0" in text:
                self._has_nul = True
            yield io.StringIO(text, newline="")

    def _not_csv(self, fault: csv.Error | str, line: int) -> Refusal:
        what = f"This is not CSV: {fault}."
        remedy = "Look at the quotes of this line; the file may be cut off. Export it again."
        return Refusal.of(f"{self.name}:{line}", what, remedy)


def _without_last_empty(titles: list[str]) -> list[str]:
    """A spreadsheet exports columns that were once used, without a title."""
    end = len(titles)
    while end and not titles[end - 1]:
        end -= 1
    return titles[:end]


def _misshapen(cells: int, width: int) -> Fault:
    return Fault(
        f"The row has {cells} cells, the header {width}.",
        "Look at the quotes of this line; the file may be cut off here.",
    )


def _refuse_other_formats(content: Content) -> None:
    if content.begins.startswith(ZIP_MAGIC):
        what = "This is a workbook or another zip file, not CSV."
        remedy = "Save the sheet as CSV, or say `format: xlsx` in mapping.yaml."
        raise Refusal.of(content.name, what, remedy)
