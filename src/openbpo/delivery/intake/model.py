"""Rows of a file, and what became of an import."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from openbpo.values.refusals import Mistake, Refusal


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row cannot be taken: what is wrong with it, and what to do."""

    what: str
    remedy: str


class RawRow(NamedTuple):
    """A row as it stands in the file."""

    line: int
    """Where it begins, from 1; in a workbook the sheet's row."""
    cells: Sequence[str]
    """As text, by the file's header; "" where empty or absent."""
    raw: object = None
    """What it takes to write the row again in the shape of the input."""
    fault: Fault | None = None
    """Set where the row itself cannot be read; its cells are then not to be used."""


class RowFile(Protocol):
    """A file of rows that can be read from its beginning any number of times."""

    name: str
    header: Sequence[str]
    """Titles as they stand, duplicates too; of JSON lines and XES the columns asked for."""

    def rows(self) -> Iterator[RawRow]:
        """Yield the rows; raises Refusal where the file cannot be read on."""

    @property
    def fingerprint(self) -> bytes:
        """Return the SHA-256 of the content, unpacked, once all rows were read."""

    def changed(self) -> bool:
        """Return whether the file is no longer the one that was opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A file looked through: how many rows, and the first faults of how many."""

    rows: int
    refused: int
    faults: Sequence[tuple[int, Fault]]


def refused_rows(name: str, refused: int, faults: Sequence[tuple[int, Fault]]) -> Refusal:
    """Return the refusal that names the first faulty rows, and says how many more there are."""
    mistakes = [Mistake(f"{name}:{line}", fault.what, fault.remedy) for line, fault in faults]
    if refused > len(faults):
        what = f"{refused - len(faults):,} more rows have faults."
        mistakes.append(Mistake(name, what, "Mend the first ones and try again."))
    return Refusal(*mistakes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did: read = accepted + corrected + already_known + refused."""

    source: str
    read: int
    accepted: int
    corrected: int
    already_known: int
    refused: int
    out_of_order: int
    was_known: bool
    """True when this very file had been imported before, so that nothing was done."""
    faults: Sequence[tuple[int, Fault]] = ()
    """The first refused rows: line, and why."""
    rejects: Path | None = None
    """The file that holds all refused rows, to be mended and imported again."""
