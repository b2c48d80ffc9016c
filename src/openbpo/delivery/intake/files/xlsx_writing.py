"""Refused rows as a workbook: each value of its own type, and no text ever a formula."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any

import xlsxwriter

from openbpo.delivery.intake.files.returned import LINE, REASON
from openbpo.delivery.intake.files.xlsx_rows import MAX_TEXT, Workbook
from openbpo.delivery.intake.model import RawRow

MOMENT, DAY, TIME, DURATION = "yyyy-mm-dd hh:mm:ss", "yyyy-mm-dd", "hh:mm:ss", "[h]:mm:ss"


class WorkbookRejects:
    """A workbook of one sheet; its parts stand in a folder beside it until it is finished."""

    def __init__(self, stream: IO[bytes], source: Workbook, folder: Path) -> None:
        self._parts = tempfile.TemporaryDirectory(prefix=".parts-", dir=folder)
        options = {"constant_memory": True, "tmpdir": self._parts.name}
        self._book = xlsxwriter.Workbook(stream, options)
        self._sheet = self._book.add_worksheet(source.sheet_name)
        formats = {
            kind: self._book.add_format({"num_format": text})
            for kind, text in ((datetime, MOMENT), (date, DAY), (time, TIME), (timedelta, DURATION))
        }
        moment = self._sheet.write_datetime
        self._writers: dict[type, Callable[[int, int, Any], Any]] = {
            str: self._sheet.write_string,
            bool: self._sheet.write_boolean,
            int: self._sheet.write_number,
            float: self._sheet.write_number,
            **{
                kind: lambda r, c, v, form=form: moment(r, c, v, form)  # type: ignore[misc]
                for kind, form in formats.items()
            },
        }
        self._row = 0
        self._write((LINE, REASON, *source.header))

    def add(self, row: RawRow, reason: str) -> None:
        """Write a row with its line and reason."""
        assert isinstance(row.raw, list)
        self._write((row.line, reason[:MAX_TEXT], *row.raw))

    def finish(self) -> None:
        """Put the workbook together."""
        self._book.close()
        self._parts.cleanup()

    def discard(self) -> None:
        """Leave nothing behind."""
        part = getattr(self._sheet, "row_data_fh", None)
        if part is not None:
            with suppress(OSError):
                part.close()
        self._parts.cleanup()

    def _write(self, values: tuple[Any, ...]) -> None:
        for column, value in enumerate(values):
            if value != "":
                self._writers[type(value)](self._row, column, value)
        self._row += 1
