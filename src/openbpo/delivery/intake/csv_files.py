"""
CSV files of any dialect, plain or gzip, read row by row in memory that does not grow.

The delimiter is the mapping's, else the one under which the header holds every mapped column. What
is hashed is the content, so that a file and its gzip are the same import.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from openbpo.agreements.model import Column, FileMapping
from openbpo.agreements.schema import did_you_mean
from openbpo.delivery.intake.model import RawRow
from openbpo.values.refusals import Mistake, Refusal

DELIMITERS = (",", ";", "\t", "|")
GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
MAX_CELL = 1_000_000


class CsvFile:
    """A file under a mapping: its header, where each mapped column stands in it, and its rows."""

    def __init__(self, path: Path, mapping: FileMapping) -> None:
        self.path = path
        self._mapping = mapping
        self._hash = hashlib.sha256()
        csv.field_size_limit(MAX_CELL)
        columns = (mapping.case, mapping.at, *(source.column for source in mapping.attributes))
        self._delimiter, self.header = self._header(columns)
        self.columns = _found(path.name, self.header, columns)

    @property
    def fingerprint(self) -> bytes:
        """Return the SHA-256 of the content, once all rows were read."""
        return self._hash.digest()

    def rows(self) -> Iterator[RawRow]:
        """
        Yield the rows after the header.

        Raises Refusal where the file ends in the middle, is not in its encoding or not CSV.
        """
        with self._reader(self._delimiter) as reader:
            next(reader, None)
            line = reader.line_num + 1
            for cells in reader:
                if cells:
                    yield RawRow(line, cells)
                line = reader.line_num + 1

    def _header(self, columns: Sequence[Column]) -> tuple[str, list[str]]:
        """Return the delimiter and the header that it gives."""
        wanted = {column.name for column in columns}
        candidates = DELIMITERS if self._mapping.delimiter is None else (self._mapping.delimiter,)
        headers = {delimiter: self._first_row(delimiter) for delimiter in candidates}
        best = max(candidates, key=lambda d: (len(wanted & set(headers[d])), len(headers[d])))
        if not any(headers[best]):
            raise Refusal.of(self.path.name, "The file is empty.", "Export it again.")
        return best, headers[best]

    def _first_row(self, delimiter: str) -> list[str]:
        with self._reader(delimiter, strict=False) as reader:
            return [name.strip() for name in next(reader, [])]

    @contextmanager
    def _reader(self, delimiter: str, *, strict: bool = True) -> Iterator[Any]:
        """Give a CSV reader over the file's text; what goes wrong below becomes a refusal."""
        self._hash = hashlib.sha256()
        reader = None
        try:
            with self._open() as content:
                text = io.TextIOWrapper(
                    io.BufferedReader(_Hashed(content, self._hash), 1 << 16),
                    encoding=_tolerating_mark(self._mapping.encoding),
                    errors="strict",
                    newline="",
                )
                reader = csv.reader(
                    text, delimiter=delimiter, quotechar=self._mapping.quote, strict=strict
                )
                yield reader
        except (UnicodeError, EOFError, zlib.error, gzip.BadGzipFile, csv.Error, OSError) as fault:
            line = (reader.line_num if reader is not None else 0) + 1
            if isinstance(fault, UnicodeDecodeError):  # in the block that was read ahead
                line += fault.object.count(b"\n", 0, fault.start)
            raise self._refusal(fault, line) from fault

    @contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        with self.path.open("rb") as raw:
            begins = raw.read(4)
            raw.seek(0)
            if begins == ZIP_MAGIC:
                raise Refusal.of(
                    self.path.name,
                    "This is a workbook or another zip file, not CSV.",
                    "Save the sheet as CSV.",
                )
            is_gzip = begins[:2] == GZIP_MAGIC
            if not is_gzip:
                yield raw
                return
            with gzip.GzipFile(fileobj=raw) as content:
                yield content  # type: ignore[misc]

    def _refusal(self, fault: Exception, line: int) -> Refusal:
        where = f"{self.path.name}:{line}"
        if isinstance(fault, UnicodeError):
            what = f"From here on the file is not {self._mapping.encoding}."
            remedy = "Save it in that encoding, or name its own under `encoding` in mapping.yaml."
        elif isinstance(fault, EOFError | zlib.error | gzip.BadGzipFile):
            what, remedy = "The gzip file is damaged or cut off.", "Copy or export it again."
        elif isinstance(fault, csv.Error):
            what = f"This is not CSV: {fault}."
            remedy = "Look at the quotes of this line; the file may be cut off. Export it again."
        else:
            assert isinstance(fault, OSError)
            where, what = str(self.path), f"The file cannot be read: {fault.strerror or fault}."
            remedy = "Check its name and who may read it."
        return Refusal.of(where, what, remedy)


class _Hashed(io.RawIOBase):
    """Reads on, and hashes what it reads."""

    def __init__(self, content: IO[bytes], digest: Any) -> None:
        self._content = content
        self._digest = digest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._content.read(len(buffer))
        self._digest.update(data)
        buffer[: len(data)] = data
        return len(data)


def _tolerating_mark(encoding: str) -> str:
    """UTF-8 may begin with a byte order mark; nobody means it as text."""
    return "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding


def _found(name: str, header: Sequence[str], columns: Sequence[Column]) -> dict[Column, int]:
    """Return where each column stands; raise Refusal naming every one that is not to be found."""
    places: dict[Column, int] = {}
    mistakes: dict[Mistake, None] = {}
    for column in columns:
        at = [index for index, title in enumerate(header) if title == column.name]
        wanted = column.occurrence or 1
        if len(at) < wanted:
            mistakes[_missing(name, header, column)] = None
        elif len(at) > 1 and column.occurrence is None:
            what = f"The column {column.name!r} stands {len(at)} times."
            remedy = "Say which is meant: `occurrence: 1` beside `column` in mapping.yaml."
            mistakes[Mistake(f"{name}:1", what, remedy)] = None
        else:
            places[column] = at[wanted - 1]
    if mistakes:
        raise Refusal(*mistakes)
    return places


def _missing(name: str, header: Sequence[str], column: Column) -> Mistake:
    which = f" (number {column.occurrence})" if column.occurrence else ""
    remedy = did_you_mean(column.name, dict.fromkeys(header), "The file has")
    return Mistake(f"{name}:1", f"There is no column {column.name!r}{which}.", remedy)
