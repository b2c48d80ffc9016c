"""
The bytes of a file, plain or gzip, hashed as they are read, and their text.

What is hashed is the unpacked content, so that a file and its gzip are the same import. Nothing
here holds more than a block of the file, or one line of it, which is bounded.
"""

from __future__ import annotations

import codecs
import errno
import gzip
import hashlib
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from openbpo.values.refusals import Refusal

BLOCK_BYTES = 1 << 16
MAX_LINE = 2_000_000
"""Characters of one line, and of one row that goes over several."""
GZIP_MAGIC = b"\x1f\x8b"
BOMB_BYTES, BOMB_RATIO = 64 << 20, 500
"""A gzip is refused that is larger than the one and packed tighter than the other: no log is."""
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_Identity = tuple[int, int, int, int]


class Content:
    """
    A regular file, read from its beginning as often as it is asked for.

    Raises Refusal, when made, if there is no such file or it is none that ends (a pipe, a device).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        with self._opened() as raw:
            self._identity = _identity(os.fstat(raw.fileno()))
            self.begins = raw.read(8)
        self.is_gzip = self.begins[:2] == GZIP_MAGIC
        if self.is_gzip:
            self.begins = next(self.blocks(), b"")[:8]
        self._hash = hashlib.sha256()

    @property
    def fingerprint(self) -> bytes:
        """Return the SHA-256 of what the last reading read."""
        return self._hash.digest()

    def changed(self) -> bool:
        """Return whether the file was replaced or written to since this was made."""
        try:
            return _identity(self.path.stat()) != self._identity
        except OSError:
            return True

    def blocks(self) -> Iterator[bytes]:
        """Yield the content in blocks; raises Refusal where it cannot be read on."""
        self._hash = digest = hashlib.sha256()
        with self._opened() as raw:
            for block in self._unpacked(raw) if self.is_gzip else _read(raw):
                digest.update(block)
                yield block

    def _unpacked(self, raw: IO[bytes]) -> Iterator[bytes]:
        unpacked = 0
        try:
            with gzip.GzipFile(fileobj=raw) as content:
                while block := content.read(BLOCK_BYTES):
                    unpacked += len(block)
                    if unpacked > BOMB_BYTES and unpacked > BOMB_RATIO * raw.tell():
                        raise self._bomb()
                    yield block
        except (EOFError, zlib.error, gzip.BadGzipFile) as fault:
            what = "The gzip file is damaged or cut off."
            raise Refusal.of(self.name, what, "Copy or export it again.") from fault

    def _bomb(self) -> Refusal:
        what = f"This gzip unpacks to more than {BOMB_RATIO} times its size: no log does."
        return Refusal.of(self.name, what, "If it is one, unpack it and import what it holds.")

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        try:
            with _open_regular(self.path) as raw:
                yield raw
        except OSError as fault:
            what = f"The file cannot be read: {fault.strerror or fault}."
            remedy = "Check its name and who may read it."
            raise Refusal.of(str(self.path), what, remedy) from fault


def _open_regular(path: Path) -> IO[bytes]:
    # a plain open() of a pipe that nobody writes to would wait for ever
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    mode = os.fstat(number).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(number, "rb")
    os.close(number)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    what = "This is a pipe or a device, and may never end."
    raise Refusal.of(path.name, what, "Write what comes from it to a file, and import that.")


def _identity(found: os.stat_result) -> _Identity:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _read(raw: IO[bytes]) -> Iterator[bytes]:
    while block := raw.read(BLOCK_BYTES):
        yield block


def encoding_of(content: Content, named: str) -> str:
    """Return the codec by which to read: that of a byte order mark, which nobody means as text."""
    for mark, encoding in MARKS:
        if content.begins.startswith(mark):
            return encoding
    return named


def text_blocks(content: Content, encoding: str) -> Iterator[str]:
    """
    Yield the text in pieces that end with a line end, the last one perhaps without.

    Raises Refusal, naming the line, where it is not in the encoding or a line is without end.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    line, begun = 1, ""
    for block in content.blocks():
        try:
            text = begun + decoder.decode(block)
        except UnicodeDecodeError as fault:
            raise _of_encoding(content, encoding, line, begun, fault) from fault
        end = text.rfind("\n") + 1 or text.rfind("\r", 0, -1) + 1
        whole, begun = text[:end], text[end:]
        if len(begun) > MAX_LINE:
            raise _endless(content, line + whole.count("\n"))
        if whole:
            yield whole
            line += whole.count("\n")
    try:
        begun += decoder.decode(b"", final=True)
    except UnicodeDecodeError as fault:
        raise _of_encoding(content, encoding, line, begun, fault) from fault
    if begun:
        yield begun


def _of_encoding(
    content: Content, encoding: str, line: int, begun: str, fault: UnicodeDecodeError
) -> Refusal:
    line += begun.count("\n") + fault.object.count(b"\n", 0, fault.start)
    what = f"From here on the file is not {encoding.removesuffix('-sig')}."
    remedy = "Save it in that encoding, or name its own under `encoding` in mapping.yaml."
    return Refusal.of(f"{content.name}:{line}", what, remedy)


def _endless(content: Content, line: int) -> Refusal:
    what = f"This line has more than {MAX_LINE:,} characters."
    remedy = "Look whether this is the right file and whole; export it again."
    return Refusal.of(f"{content.name}:{line}", what, remedy)
