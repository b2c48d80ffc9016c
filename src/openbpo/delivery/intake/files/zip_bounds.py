"""
What a workbook unpacks to, measured before it is read and without believing what it declares.

calamine holds a sheet as the full rectangle of its cells: so the rectangle is measured too, and
must be as full as the cells that there are.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO
from xml.parsers import expat

from openbpo.values.refusals import Refusal

MAX_ENTRIES = 10_000
MAX_BYTES = 2 << 30
"""Of all that it unpacks to."""
MAX_RATIO, RATIO_FROM = 200, 64 << 20
"""No sheet of this size or more is packed tighter."""
MAX_CELLS = 30_000_000
"""Of a sheet's rectangle, some 1 GB in memory."""
MAX_EMPTY, MAX_EMPTY_SHARE = 2_000_000, 20
"""A rectangle may have that many cells, or that many times those that are in it."""
BLOCK_BYTES = 1 << 18
STORED, DEFLATED = 0, 8
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_ELEMENT = re.compile(rb"<(?:[A-Za-z0-9_.-]+:)?(?:c|row)[\s/>]")
_PLAIN_CELL = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"[ />]')
_PLAIN_ROW = re.compile(rb'<row r="[0-9]{1,7}"[ />]')
_A = ord("A") - 1
_ENCRYPTED = 0x1


def refuse_unbounded(file: IO[bytes], name: str) -> None:
    """Raise Refusal if the file is no sound zip, or would unpack to more than is bearable."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
        _refuse_other_documents(entries, name)
        total = 0
        for entry in entries:
            total += entry.file_size
            _refuse_size(total, entry.file_size, entry.compress_size, name)
        total = 0
        for entry in entries:
            total += _measured(file, entry, total, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError) as fault:
        raise _damaged(name) from fault


def _refuse_other_documents(entries: list[zipfile.ZipInfo], name: str) -> None:
    names = {entry.filename for entry in entries}
    if "xl/workbook.xml" not in names:
        what = "This zip file is not a workbook in the format .xlsx."
        raise Refusal.of(name, what, "Open it and save it as .xlsx, or correct `format`.")
    if len(entries) > MAX_ENTRIES:
        raise _bomb(name, f"it holds {len(entries):,} files")
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in (STORED, DEFLATED):
            what = "The workbook is encrypted, or packed as no spreadsheet packs one."
            raise Refusal.of(name, what, "Open it, take the password off and save it as .xlsx.")


def _refuse_size(total: int, size: int, packed: int, name: str) -> None:
    if total > MAX_BYTES:
        raise _bomb(name, f"it unpacks to more than {MAX_BYTES >> 30} GB")
    if size > RATIO_FROM and size > MAX_RATIO * packed:
        raise _bomb(name, f"a part of it unpacks to more than {MAX_RATIO} times its size")


def _measured(file: IO[bytes], entry: zipfile.ZipInfo, before: int, name: str) -> int:
    """Return how many bytes an entry unpacks to; raise Refusal where that is too much."""
    length = 0
    extent = _Extent()
    for block in _unpacked(file, entry):
        length += len(block)
        _refuse_size(before + length, length, entry.compress_size, name)
        extent.add(block)
    extent.finish()
    if not extent.is_plain:
        extent = _extent_by_parsing(_unpacked(file, entry))
    _refuse_extent(extent, name)
    return length


def _refuse_extent(extent: _Extent, name: str) -> None:
    rectangle = extent.rectangle
    if rectangle > MAX_CELLS or rectangle > max(MAX_EMPTY, MAX_EMPTY_SHARE * extent.cells):
        what = f"A sheet reaches over {rectangle:,} cells, of which {extent.cells:,} are there."
        remedy = "Delete the empty rows and columns at its ends, or save the sheet as CSV."
        raise Refusal.of(name, what, remedy)


def _unpacked(file: IO[bytes], entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield what an entry really unpacks to; zipfile itself stops at what it declares."""
    file.seek(entry.header_offset)
    signature, name_length, extra_length = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    if signature != b"PK\3\4":
        raise zipfile.BadZipFile("no local header")
    file.seek(name_length + extra_length, 1)
    left = entry.compress_size
    inflater = zlib.decompressobj(-zlib.MAX_WBITS) if entry.compress_type == DEFLATED else None
    while left and (packed := file.read(min(left, BLOCK_BYTES))):
        left -= len(packed)
        at = file.tell()
        if inflater is None:
            yield packed
        while inflater is not None and packed:
            yield inflater.decompress(packed, BLOCK_BYTES)
            packed = inflater.unconsumed_tail
        file.seek(at)
    if inflater is not None:
        yield inflater.flush()


class _Extent:
    """The rectangle of a sheet's cells, found in the text of its XML as spreadsheets write it."""

    def __init__(self) -> None:
        self.cells = self.last_row = 0
        self.columns: set[int] = set()
        self.is_plain = True
        self._rest = b""
        self._is_first = True

    @property
    def rectangle(self) -> int:
        if not self.columns:
            return 0
        return self.last_row * (max(self.columns) - min(self.columns) + 1)

    def add(self, block: bytes) -> None:
        """Take in the next piece of the XML."""
        if not self.is_plain:
            return
        if self._is_first and block:
            self._is_first = False
            self.is_plain = block[:1] not in b"\xfe\xff\0" and block[1:2] != b"\0"
        text = self._rest + block
        end = text.rfind(b"<")
        self._rest = text[end:] if end >= 0 else b""
        self._look_at(text[:end] if end >= 0 else text)
        if len(self._rest) > BLOCK_BYTES:
            self.is_plain = False

    def finish(self) -> None:
        self._look_at(self._rest)

    def _look_at(self, text: bytes) -> None:
        cells = _PLAIN_CELL.findall(text)
        found = len(cells) + len(_PLAIN_ROW.findall(text))
        if found != len(_ELEMENT.findall(text)):
            self.is_plain = False
        elif cells:
            self.cells += len(cells)
            self.columns |= {column_number(letters) for letters in {c for c, _ in cells}}
            self.last_row = max(self.last_row, *map(int, {row for _, row in cells}))


def column_number(letters: bytes) -> int:
    """Return the number of a column, from 1 for A."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - _A
    return number


def _extent_by_parsing(blocks: Iterator[bytes]) -> _Extent:
    """Return the rectangle of a sheet whose XML is written in another way, or of no sheet."""
    extent = _Extent()
    row = column = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal row, column
        tag = tag.rpartition(":")[2]
        if tag == "row":
            row, column = int(attributes.get("r", row + 1)), 0
        elif tag == "c":
            column += 1
            if found := re.fullmatch(r"([A-Za-z]{1,3})([0-9]{1,7})", attributes.get("r", "")):
                column, row = column_number(found[1].encode()), int(found[2])
            extent.cells += 1
            extent.columns.add(column)
            extent.last_row = max(extent.last_row, row)

    def refuse(*_told: object) -> None:
        raise ValueError("a workbook has no DTD")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    try:
        for block in blocks:
            parser.Parse(block)
        parser.Parse(b"", True)  # noqa: FBT003
    except expat.ExpatError as fault:
        raise ValueError("not XML") from fault
    return extent


def _bomb(name: str, why: str) -> Refusal:
    what = f"The workbook is not one that a spreadsheet wrote: {why}."
    return Refusal.of(name, what, "Export it again, or save the sheet as CSV.")


def _damaged(name: str) -> Refusal:
    what = "The workbook is damaged or cut off."
    return Refusal.of(name, what, "Copy or export it again.")
