"""
Refused rows, written in the shape of the file that they came in: mend them, import the file again.

CSV, workbooks and JSON lines get two columns at the front, the line and the reason; XES events two
attributes. `open_rows` leaves these out. What was written comes back the same, cell by cell.

It is written beside to a name of its own, and gets its name when it is whole and on the disk. Where
nothing was refused there is no file.
"""

from __future__ import annotations

import csv
import errno
import gzip
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self, TextIO, cast

from xlsxwriter.exceptions import FileCreateError

from openbpo.delivery.intake.files.csv_rows import CsvFile
from openbpo.delivery.intake.files.json_rows import JsonLinesFile, with_reason
from openbpo.delivery.intake.files.opening import AnyFile
from openbpo.delivery.intake.files.returned import LINE, REASON, escaped
from openbpo.delivery.intake.files.xes_rows import XesFile
from openbpo.delivery.intake.files.xes_writing import XesRejects
from openbpo.delivery.intake.files.xlsx_rows import Workbook
from openbpo.delivery.intake.files.xlsx_writing import WorkbookRejects
from openbpo.delivery.intake.model import RawRow
from openbpo.values.refusals import Refusal, Unavailable

FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


class _Shape(Protocol):
    def add(self, row: RawRow, reason: str) -> None: ...
    def finish(self) -> None: ...
    def discard(self) -> None: ...


def reject_path(source: Path) -> Path:
    """Return the usual name for a file's refused rows: for `log.csv.gz` `log.refused.csv`."""
    name = source.name.removesuffix(".gz")
    stem, point, suffix = name.rpartition(".")
    return source.with_name(f"{stem}.refused.{suffix}" if point and stem else f"{name}.refused")


class RejectWriter:
    """
    Writes the refused rows of `file` to `path` (gzipped if its name ends in .gz).

    Use it as a context: at its end the file gets its name, and after an exception nothing is left.
    Raises Refusal, when made, if the folder cannot be written to, or if there is such a file
    already (somebody may be mending it) unless `replace`; Unavailable when the disk is full.
    """

    def __init__(self, file: AnyFile, path: Path, *, replace: bool = False) -> None:
        self.path = path
        self.count = 0
        self._file, self._replace = file, replace
        self._beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        self._shape: _Shape | None = None
        self._streams: list[io.BufferedIOBase | io.TextIOWrapper] = []
        with self._told():
            if not replace and path.exists():
                raise self._in_the_way()
            self._raw = self._beside.open("xb")
            self._streams.append(self._raw)

    def add(self, row: RawRow, reason: str) -> None:
        """Write a row of the file, with the reason why it was refused."""
        with self._told():
            if self._shape is None:
                self._shape = self._begin()
            self._shape.add(row, reason)
            self.count += 1

    def finish(self) -> Path | None:
        """Give the file its name; return it, or None if nothing was refused."""
        if self._shape is None:
            self.discard()
            return None
        with self._told():
            self._shape.finish()
            raw = self._raw
            for stream in reversed(self._streams[1:]):
                _release(stream)
            raw.flush()
            os.fsync(raw.fileno())
            raw.close()
            self._name_it()
        return self.path

    def discard(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError):
            if self._shape is not None:
                self._shape.discard()
        for stream in reversed(self._streams):
            with suppress(OSError, ValueError):
                stream.close()
        with suppress(OSError):
            self._beside.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _value: object, _trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.discard()

    def _begin(self) -> _Shape:
        stream: IO[bytes] = self._raw
        if self.path.name.endswith(".gz"):
            packed = gzip.GzipFile(fileobj=stream, mode="wb", filename="", mtime=0)
            self._streams.append(packed)
            stream = cast("IO[bytes]", packed)
        file = self._file
        if isinstance(file, Workbook):
            return WorkbookRejects(stream, file, self.path.parent)
        encoding = "utf-8" if isinstance(file, XesFile) else file.encoding
        text = io.TextIOWrapper(stream, encoding=encoding, newline="", write_through=True)
        self._streams.append(text)
        if isinstance(file, XesFile):
            return XesRejects(text, file)
        return CsvRejects(text, file) if isinstance(file, CsvFile) else JsonRejects(text, file)

    def _name_it(self) -> None:
        if self._replace:
            self._beside.replace(self.path)
        else:
            try:
                # unlike a renaming, a link never takes another's place
                os.link(self._beside, self.path)
                self._beside.unlink()
            except FileExistsError:
                raise self._in_the_way() from None
            except OSError:  # a disk that knows no links
                self._beside.rename(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _in_the_way(self) -> Refusal:
        what = "There is such a file already: somebody may be mending its rows."
        return Refusal.of(str(self.path), what, "Import it, or move it away; then start again.")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What the disk refuses becomes a refusal that names the file; nothing is left behind."""
        try:
            yield
        except (OSError, FileCreateError) as fault:
            self.discard()
            raise self._refusal(fault) from fault
        except Refusal:
            self.discard()
            raise

    def _refusal(self, fault: Exception) -> Refusal:
        cause = fault.args[0] if isinstance(fault, FileCreateError) else fault
        number = getattr(cause, "errno", None)
        what = f"The refused rows cannot be written: {getattr(cause, 'strerror', None) or cause}."
        if number in FULL:
            return Unavailable.of(str(self.path), what, "Make room, then start again.")
        return Refusal.of(str(self.path), what, "Name another place with --rejects.")


def _release(stream: io.BufferedIOBase | io.TextIOWrapper) -> None:
    """End a stream, and leave the one under it open."""
    if isinstance(stream, io.TextIOWrapper):
        stream.detach()
    else:
        stream.close()


class CsvRejects:
    """Rows with the delimiter, quotes, encoding and header of their file."""

    def __init__(self, text: TextIO, source: CsvFile) -> None:
        self._encoding = source.encoding
        if source.separator:
            text.write(f"sep={source.separator}\r\n")
        # with this line end both of its characters are put in quotes, wherever they stand in a cell
        self._writer = csv.writer(
            text, delimiter=source.delimiter, quotechar=source.quote, lineterminator="\r\n"
        )
        self._writer.writerow([LINE, REASON, *map(escaped, source.titles)])

    def add(self, row: RawRow, reason: str) -> None:
        """Write a row with its line and reason."""
        assert isinstance(row.raw, list)
        reason = reason.encode(self._encoding, "replace").decode(self._encoding)
        self._writer.writerow([row.line, escaped(reason), *map(escaped, row.raw)])

    def finish(self) -> None:
        """Nothing is left to write."""

    def discard(self) -> None:
        """Leave it as it is."""


class JsonRejects:
    """Lines of JSON, their own text unchanged behind the line and the reason."""

    def __init__(self, text: TextIO, source: JsonLinesFile) -> None:
        self._text, self._encoding = text, source.encoding

    def add(self, row: RawRow, reason: str) -> None:
        """Write a line with its line and reason."""
        assert isinstance(row.raw, str)
        reason = reason.encode(self._encoding, "replace").decode(self._encoding)
        self._text.write(with_reason(row.raw, row.line, reason) + "\n")

    def finish(self) -> None:
        """Nothing is left to write."""

    def discard(self) -> None:
        """Leave it as it is."""
