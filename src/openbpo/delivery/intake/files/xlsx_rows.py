"""
Workbooks (XLSX), read by calamine: the values that were stored; no formula is ever computed.

A workbook is a zip, and one of a few kilobytes can unpack to any size, or say that it has a cell in
the last row and column of a sheet. So it is measured first, without believing what it declares.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import IO, Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, WorksheetNotFound

from openbpo.agreements.schema import did_you_mean
from openbpo.delivery.intake.files.content import Content
from openbpo.delivery.intake.files.model import FileFormat
from openbpo.delivery.intake.files.returned import is_returned
from openbpo.delivery.intake.files.zip_bounds import refuse_unbounded
from openbpo.delivery.intake.model import RawRow
from openbpo.values.refusals import Refusal

MAX_FILE_BYTES = 512 << 20
MAX_TEXT = 32_767
"""Characters of a cell, by the format."""
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Workbook:
    """A sheet of a workbook: its header is the first row that is not empty."""

    def __init__(self, content: Content, form: FileFormat) -> None:
        self.name = content.name
        self._content = content
        self._wanted_sheet = form.sheet
        self._refuse_other_formats()
        self._sheet: CalamineSheet | None
        self._sheet = sheet = self._open()
        self.sheet_name = sheet.name
        self.first_column = sheet.start[1] if sheet.start is not None else 0
        """Where the header begins, from 0 for column A: calamine leaves out empty columns."""
        self._starts, titles = self._titles(sheet)
        self._ours = 2 if is_returned(titles) else 0
        self.header: Sequence[str] = titles[self._ours :]

    @property
    def fingerprint(self) -> bytes:
        """Return the SHA-256 of the content, unpacked, once all rows were read."""
        return self._content.fingerprint

    def changed(self) -> bool:
        """Return whether the file is no longer the one that was opened."""
        return self._content.changed()

    def rows(self) -> Iterator[RawRow]:
        """Yield the rows under the header; those without any value are left out."""
        sheet, self._sheet = self._sheet or self._open(), None
        ours, end = self._ours, self._ours + len(self.header)
        for number, values in enumerate(sheet.iter_rows(), start=1):
            if number <= self._starts:
                continue
            cells = [v if type(v) is str else _text(v) for v in values[ours:end]]
            if any(cells) or any(v != "" for v in values):
                self._refuse_long(number, cells)
                yield RawRow(number, cells, values[ours:], None)

    def _open(self) -> CalamineSheet:
        with tempfile.SpooledTemporaryFile(max_size=1 << 20) as file:
            self._copy(file)
            refuse_unbounded(file, self.name)
            file.seek(0)
            try:
                book = CalamineWorkbook.from_filelike(io.BytesIO(file.read()))
                return self._named(book)
            except WorksheetNotFound as fault:
                raise self._broken(str(fault)) from fault
            except CalamineError as fault:
                raise self._broken(str(fault)) from fault

    def _copy(self, file: IO[bytes]) -> None:
        length = 0
        for block in self._content.blocks():
            length += len(block)
            if length > MAX_FILE_BYTES:
                what = f"The workbook is larger than {MAX_FILE_BYTES >> 20} MB."
                raise Refusal.of(self.name, what, "Save the sheet as CSV, and import that.")
            file.write(block)

    def _named(self, book: CalamineWorkbook) -> CalamineSheet:
        names = book.sheet_names
        if not names:
            raise self._broken("it has no sheet")
        if self._wanted_sheet is None:
            return book.get_sheet_by_index(0)
        if self._wanted_sheet not in names:
            remedy = did_you_mean(self._wanted_sheet, names, "It has")
            raise Refusal.of(self.name, f"There is no sheet {self._wanted_sheet!r}.", remedy)
        return book.get_sheet_by_name(self._wanted_sheet)

    def _titles(self, sheet: CalamineSheet) -> tuple[int, list[str]]:
        """Return the number of the row of the header, and its titles."""
        for number, values in enumerate(sheet.iter_rows(), start=1):
            titles = [_text(value).strip() for value in values]
            while titles and not titles[-1]:
                titles.pop()
            if titles:
                return number, titles
        what = f"The sheet {sheet.name!r} is empty."
        raise Refusal.of(self.name, what, "Name another under `sheet` in mapping.yaml.")

    def _refuse_other_formats(self) -> None:
        begins = self._content.begins
        if not begins:
            raise Refusal.of(self.name, "The file is empty.", "Export it again.")
        if begins == OLE_MAGIC:
            what = "The workbook is encrypted, or in the format of before 2007."
            remedy = "Open it, take the password off and save it as .xlsx."
            raise Refusal.of(self.name, what, remedy)
        if not begins.startswith(b"PK"):
            what = "This is not a workbook."
            raise Refusal.of(self.name, what, "Save it as .xlsx, or correct `format`.")

    def _refuse_long(self, number: int, cells: list[str]) -> None:
        for cell in cells:
            if len(cell) > MAX_TEXT:
                what = f"A cell has more than {MAX_TEXT:,} characters, which no workbook may."
                raise Refusal.of(f"{self.name}:{number}", what, "Save it as CSV.")

    def _broken(self, why: str) -> Refusal:
        what = f"The workbook cannot be read: {why[:200].rstrip('.')}."
        return Refusal.of(self.name, what, "Open it and save it again as .xlsx.")


def _text(value: Any) -> str:
    """Return a cell's value as text."""
    if type(value) is str:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is float:
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else _plain(value)
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, date):
        return f"{value.isoformat()} 00:00:00"
    if isinstance(value, time):
        return _with_fraction(value.isoformat("seconds"), value.microsecond)
    if isinstance(value, timedelta):
        return _duration(value)
    return str(value)


def _plain(value: float) -> str:
    return format(Decimal(repr(value)), "f").removesuffix(".0")


def _moment(value: datetime) -> str:
    return _with_fraction(value.isoformat(" ", "seconds"), value.microsecond)


def _with_fraction(text: str, microsecond: int) -> str:
    return f"{text}.{microsecond // 1000:03}" if microsecond >= 1000 else text


def _duration(value: timedelta) -> str:
    sign, value = ("-", -value) if value < timedelta(0) else ("", value)
    minutes, seconds = divmod(value.days * 86_400 + value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return _with_fraction(f"{sign}{hours}:{minutes:02}:{seconds:02}", value.microseconds)
