"""Rows of a file, and what became of an import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as it stands in the file: its line (from 1) and its cells."""

    line: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row cannot be taken: what is wrong with it, and what to do."""

    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class EventRow:
    """A row that became an event; `identity` is what it is known again by."""

    case: str
    happened_at: datetime
    facts: Mapping[str, object]
    content: Mapping[str, object]
    identity: str


@dataclass(frozen=True, slots=True)
class Looked:
    """A file looked through without a fault: how many rows, and the SHA-256 of what it holds."""

    rows: int
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did: read = accepted + already_known."""

    source: str
    read: int
    accepted: int
    already_known: int
    was_known: bool
    """True when this very file had been imported before, so that nothing was done."""
