"""A look at a file of which nothing is known yet: its format, its encoding, its first rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from openbpo.delivery.intake.files.content import Content, encoding_of, text_blocks
from openbpo.delivery.intake.files.csv_rows import DELIMITERS, CsvFile
from openbpo.delivery.intake.files.json_rows import JsonLinesFile
from openbpo.delivery.intake.files.model import FileFormat, Format
from openbpo.delivery.intake.files.opening import open_rows
from openbpo.delivery.intake.files.xes_rows import OF_TRACE, XesFile
from openbpo.values.refusals import Refusal

ROWS = 5_000
ROWS_OF_A_DELIMITER = 200
BLOCKS_OF_TEXT = 64
ENCODINGS = ("utf-8", "cp1252", "latin-1")
"""In the order in which they are tried; the last one reads anything."""
_WEB_PAGE = re.compile(
    rb"[\xef\xbb\xbf\s]*<(?:!doctype\s+html|html|head|body|table)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Look:
    """What the first rows of a file are: its format, titles, cells, and how many were left out."""

    name: str
    form: FileFormat
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    faults: int
    is_whole: bool
    """True when these are all rows of the file."""


def look_at(path: Path, *, sheet: str | None = None) -> Look:
    """Return a look at the first 5,000 rows; raises Refusal if the file cannot be read."""
    form = replace(_form(path), sheet=sheet)
    columns = _columns(path, form)
    file = open_rows(path, form, columns)
    width = len(file.header)
    raw = list(islice(file.rows(), ROWS + 1))
    rows = tuple(tuple(row.cells[:width]) for row in raw[:ROWS] if row.fault is None)
    if not rows:
        raise Refusal.of(path.name, "There are no rows to look at.", "Export it again.")
    faults = sum(row.fault is not None for row in raw[:ROWS])
    return Look(path.name, form, tuple(file.header), rows, faults, len(raw) <= ROWS)


def _form(path: Path) -> FileFormat:
    content = Content(path)
    kind = _kind(content.begins)
    if kind == "xes" and _WEB_PAGE.match(next(content.blocks(), b"")[:200]):
        what = "This is a web page, not a file of rows, whatever its name says."
        remedy = "Export the table itself: as CSV or XLSX, not the page that shows it."
        raise Refusal.of(path.name, what, remedy)
    encoding = _encoding(content) if kind != "xlsx" else "utf-8"
    form = FileFormat(format=kind, encoding=encoding)
    return replace(form, delimiter=_delimiter(path, form)) if kind == "csv" else form


def _encoding(content: Content) -> str:
    """Return the first encoding in which the text can be read, as far as it is looked at."""
    for encoding in ENCODINGS[:-1]:
        try:
            for _ in islice(text_blocks(content, encoding_of(content, encoding)), BLOCKS_OF_TEXT):
                pass
        except Refusal:
            continue
        return encoding_of(content, encoding).removesuffix("-sig")
    return ENCODINGS[-1]


def _kind(begins: bytes) -> Format:
    text = begins.removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"").lstrip(b"\xff\xfe \r\n\t")
    if begins.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return "xlsx"
    if text.startswith(b"<"):
        return "xes"
    return "json lines" if text.startswith((b"{", b"[")) else "csv"


def _delimiter(path: Path, form: FileFormat) -> str:
    """Return the delimiter under which most cells are told apart and most rows are whole."""
    file = open_rows(path, form, ())
    if isinstance(file, CsvFile) and file.separator:
        return file.separator

    def cells(delimiter: str) -> int:
        try:
            file = open_rows(path, replace(form, delimiter=delimiter), ())
            rows = islice(file.rows(), ROWS_OF_A_DELIMITER)
            whole = sum(1 for row in rows if row.fault is None)
        except Refusal:  # under another than its own, its quotes make no sense
            return 0
        return (len(file.header) - 1) * (whole + 1)

    return max(DELIMITERS, key=cells)


def _columns(path: Path, form: FileFormat) -> tuple[str, ...]:
    """Return the columns that the first rows have, where the format has no header."""
    file = open_rows(path, form, ())
    if isinstance(file, JsonLinesFile):
        told = (key for one in islice(file.objects(), ROWS) for key in _paths(one))
    elif isinstance(file, XesFile):
        told = (
            key
            for event in islice(file.events(), ROWS)
            for key in (*(OF_TRACE + name for name in event.trace), *event.event)
        )
    else:
        return ()
    return tuple(dict.fromkeys(told))


def _paths(told: dict[str, Any], under: str = "") -> Iterator[str]:
    for key, value in told.items():
        if type(value) is dict and value:
            yield from _paths(value, f"{under}{key}.")
        else:
            yield f"{under}{key}"
