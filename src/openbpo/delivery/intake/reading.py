"""
A file read by its mapping: chunk by chunk, each row with its events or set aside with its fault.

Nothing here touches the database, so that a process of its own can do it; see `reading_ahead`.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from openbpo.agreements.model import Agreement, Attribute, FileMapping
from openbpo.agreements.resolved import Resolved
from openbpo.agreements.schema import did_you_mean
from openbpo.delivery.intake.decisions import RowReader, ToldRow
from openbpo.delivery.intake.files.content import Content
from openbpo.delivery.intake.files.model import FileFormat
from openbpo.delivery.intake.files.opening import AnyFile, open_rows
from openbpo.delivery.intake.files.rejects import RejectWriter
from openbpo.delivery.intake.model import Fault, RawRow, refused_rows
from openbpo.record.decisions import Row, RowKeys, RowKeysOfBefore, new_events
from openbpo.record.store import PackedEvents, pack_events
from openbpo.values.cycles import without_looking_for_cycles
from openbpo.values.refusals import Refusal
from openbpo.values.zones import Zone

CHUNK_ROWS = 10_000
FAULTS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Source:
    """A file with everything that it takes to read it the same way twice."""

    path: Path
    mapping: FileMapping
    attributes: Mapping[str, Attribute]
    zones: Mapping[str, Zone]

    def open(self) -> tuple[AnyFile, RowReader]:
        """Return the file and what reads its rows; raises Refusal where they do not fit."""
        mapping = self.mapping
        form = FileFormat(
            format=mapping.format,
            encoding=mapping.encoding or "utf-8",
            delimiter=mapping.delimiter,
            quote=mapping.quote,
            sheet=mapping.sheet,
        )
        file = open_rows(self.path, form, [column.name for column in mapping.columns])
        where = f"{self.path.name}:1"
        return file, RowReader(mapping, self.attributes, self.zones, file.header, where=where)

    def fingerprint(self) -> bytes:
        """Return the SHA-256 of the content, unpacked; raises Refusal where it does not fit."""
        self.open()
        content = Content(self.path)
        for _ in content.blocks():
            pass
        return content.fingerprint


def find_source(
    path: Path, agreement: Agreement, resolved: Resolved, mapping_id: str | None
) -> Source:
    """Return a file with its mapping; raises Refusal when it is not said which one it is."""
    mappings = agreement.mappings
    if mapping_id is None and len(mappings) == 1:
        mapping_id = next(iter(mappings))
    if mapping_id is None or mapping_id not in mappings:
        raise Refusal.of(
            "--mapping",
            f"There is no mapping {mapping_id!r}." if mapping_id else "There are several mappings.",
            did_you_mean(mapping_id or "", mappings, "Name one"),
        )
    mapping = mappings[mapping_id]
    return Source(path, mapping, agreement.attributes, resolved.zones)


@dataclass(slots=True)
class Tally:
    """What was read of a file so far: rows, and those that were refused."""

    read: int = 0
    refused: int = 0
    out_of_order: int = 0
    faults: list[tuple[int, Fault]] = field(default_factory=list)

    def refuse(self, row: RawRow, fault: Fault) -> None:
        """Note a row that cannot be taken."""
        self.refused += 1
        if len(self.faults) < FAULTS_SHOWN:
            self.faults.append((row.line, fault))


class Chunk(NamedTuple):
    """Some of a file's rows: the number of the last one, and the events of all."""

    last: int
    events: PackedEvents


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """
    What it takes to read a file into an open recording.

    `fingerprint` is what the file was when the recording was opened. Of a record that was begun
    before lines were leaves (`is_of_before`) rows are known again as they were then.
    """

    source: Source
    fingerprint: bytes
    key: bytes
    is_of_before: bool
    rejects: Path
    replaces_rejects: bool

    def keys(self) -> RowKeys:
        """Return what rows are known again by."""
        if self.is_of_before:
            return RowKeysOfBefore(self.key)
        return RowKeys(self.key, self.source.mapping.id)


class Read(NamedTuple):
    """What became of a file's rows on this side, and where the refused ones were written."""

    tally: Tally
    rejects: Path | None


def read_chunks(
    reading: Reading, all_taken: Callable[[], None] = lambda: None
) -> Generator[Chunk | Read, None, None]:
    """
    Yield a file's chunks, and at the very end what was read.

    Who asks for the next chunk has taken in the one before; where it is handed on instead,
    `all_taken` waits until every one is in the record. Only then do the refused rows get the name
    of their file. Raises Refusal, and leaves nothing, where the file cannot be read to its
    end, changed meanwhile, or has no row that can be taken.
    """
    source, tally = reading.source, Tally()
    file, reader = source.open()
    with ExitStack() as stack, without_looking_for_cycles():
        aside = _Aside(file, reading, stack)
        rows = told_rows(source, file, reader, tally, aside.add)
        keys = reading.keys()
        for chunk in _chunks(rows):
            events = new_events(source.mapping.kind, keys, chunk, secrets.token_bytes)
            yield Chunk(chunk[-1].position, pack_events(events))
        all_taken()
        _refuse_changed(source, file, reading.fingerprint)
        if tally.refused == tally.read:  # the mapping is not this file's
            raise refused_rows(source.path.name, tally.refused, tally.faults)
    yield Read(tally, aside.path)


class _Aside:
    """Refused rows on their way to a file that the first one makes."""

    def __init__(self, file: AnyFile, reading: Reading, stack: ExitStack) -> None:
        self._file, self._reading, self._stack = file, reading, stack
        self._writer: RejectWriter | None = None

    @property
    def path(self) -> Path | None:
        return self._writer.path if self._writer is not None else None

    def add(self, row: RawRow, fault: Fault) -> None:
        if self._writer is None:
            path, replace = self._reading.rejects, self._reading.replaces_rejects
            self._writer = self._stack.enter_context(
                RejectWriter(self._file, path, replace=replace)
            )
        self._writer.add(row, f"{fault.what} {fault.remedy}")


def told_rows(
    source: Source,
    file: AnyFile,
    reader: RowReader,
    tally: Tally,
    set_aside: Callable[[RawRow, Fault], None] = lambda _row, _fault: None,
) -> Iterator[Row]:
    """Yield the rows that can be taken, each with its number in the file; refuse the others."""
    for position, raw in enumerate(file.rows(), start=1):
        tally.read = position
        told = _told(reader, raw)
        if isinstance(told, Fault):
            tally.refuse(raw, told)
            set_aside(raw, told)
        else:
            tally.out_of_order += told.out_of_order
            content = _what_it_tells(told) if source.mapping.key else told.content
            yield Row(position, told.key, content, told.events)
    if tally.read == 0:
        raise Refusal.of(source.path.name, "The file has a header but no rows.", "Export it again.")


def _what_it_tells(row: ToldRow) -> str:
    """
    Return what a row with a key is compared by: what it tells, not how the file writes it.

    So a mapping that was mended corrects the rows that it now reads otherwise.
    """
    told = [
        [e.type, e.subject, e.happened_at.isoformat(), e.facts, e.private, e.content, e.rank]
        for e in row.events
    ]
    return json.dumps(told)


def _told(reader: RowReader, raw: RawRow) -> ToldRow | Fault:
    if raw.fault is not None:
        return raw.fault
    told = reader.read(raw.cells)
    if isinstance(told, ToldRow) and not told.content.isascii():
        try:
            told.content.encode()
        except UnicodeEncodeError:
            return Fault("A cell holds half a character.", "Export the file again as UTF-8.")
    return told


def _refuse_changed(source: Source, file: AnyFile, fingerprint: bytes) -> None:
    if file.changed() or file.fingerprint != fingerprint:
        raise Refusal.of(
            source.path.name,
            "The file changed while it was read.",
            "Start it again when nothing writes to the file any more.",
        )


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Yield the rows by chunks: where one ends is told by the rows' numbers in the file alone."""
    chunk: list[Row] = []
    end = CHUNK_ROWS
    for row in rows:
        while row.position > end:
            if chunk:
                yield chunk
                chunk = []
            end += CHUNK_ROWS
        chunk.append(row)
    if chunk:
        yield chunk
