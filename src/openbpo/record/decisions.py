"""Making events: pure; their randomness is handed in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b, sha256
from typing import NamedTuple

from openbpo.record.lines import SALT_BYTES, commitment, event_line
from openbpo.record.model import NewEvents

ROW_HASH_BYTES = 16


class RowKeys:
    """
    What a row is known again by, and what it held: keyed hashes (BLAKE2b, 16 bytes).

    Keyed, so that they tell nobody what the row held; under the mapping's name, so that rows of two
    kinds of files are never taken for one another.
    """

    def __init__(self, key: bytes, mapping: str) -> None:
        self._keyed = blake2b(key=key, digest_size=ROW_HASH_BYTES)
        self._keyed.update(mapping.encode() + b"\0")

    def of(self, text: str) -> bytes:
        """Return the hash of some cells; raises UnicodeEncodeError for half a character."""
        digest = self._keyed.copy()
        digest.update(text.encode())
        return digest.digest()


class RowKeysOfBefore(RowKeys):
    """
    Row keys as records have them that were begun before lines were leaves (encoding 1).

    They count which of several equal rows a row is, so they are to be asked in the file's order.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._seen: Counter[bytes] = Counter()

    def of(self, text: str) -> bytes:
        """Return the hash of the next row's cells."""
        plain = self._digest(json.dumps(text.split("\0")).encode())
        self._seen[plain] += 1
        which = self._seen[plain]
        return plain if which == 1 else self._digest(plain + str(which).encode())

    def _digest(self, content: bytes) -> bytes:
        return blake2b(content, digest_size=ROW_HASH_BYTES, key=self._key).digest()


class Happening(NamedTuple):
    """
    What an event tells, on its way into the record.

    `facts` are as `lines.facts_text` writes them. `private` and `content` enter as commitments
    only: what one side keeps, and what may be erased.
    """

    type: str
    subject: str
    happened_at: datetime
    facts: str
    private: Mapping[str, object]
    content: Mapping[str, object]
    rank: str | None


class Row(NamedTuple):
    """A row: its number in its file, what it is known again by, what it holds, what it tells."""

    position: int
    key: str
    content: str
    events: Sequence[Happening]


def new_events(
    kind: str, keys: RowKeys, rows: Sequence[Row], random: Callable[[int], bytes]
) -> NewEvents:
    """
    Return the events of rows with their lines and leaves, in their order.

    `random` returns as many random bytes as it is asked for. Written for speed: every import waits
    for it, event by event.
    """
    salts = _salts(rows, random)
    hashed = keys.of
    events = NewEvents()
    lines = events.lines
    for position, key_text, content_text, told in rows:
        key = hashed(key_text)
        content = key if content_text is key_text else hashed(content_text)
        key_hex = key.hex()
        for part, event in enumerate(told, start=1):
            type_, subject, happened_at, facts, private, erasable, rank = event
            committed = None
            if private or erasable:
                opening, committed = _closed({**private, **erasable}, salts)
                events.openings[len(lines)] = opening
            lines.append(
                event_line(
                    kind,
                    type_,
                    subject,
                    happened_at,
                    facts,
                    position,
                    part,
                    key_hex,
                    next(salts),
                    rank,
                    committed,
                )
            )
            events.positions.append(position)
            events.parts.append(part)
            events.row_keys.append(key)
            events.row_contents.append(content)
            events.subjects.append(subject)
            events.happened.append(happened_at)
            events.ranks.append(rank)
    events.leaves.extend([sha256(b"\x00" + line.encode()).digest() for line in lines])
    return events


def _salts(rows: Sequence[Row], random: Callable[[int], bytes]) -> Iterator[str]:
    """Yield salts in hex, 16 bytes each, none twice: one for each line and each commitment."""
    needed = sum(1 + len(one.private) + len(one.content) for row in rows for one in row.events)
    digits = random(SALT_BYTES * needed).hex()
    width = 2 * SALT_BYTES
    return iter([digits[at : at + width] for at in range(0, len(digits), width)])


def _closed(
    values: Mapping[str, object], salts: Iterator[str]
) -> tuple[dict[str, dict[str, object]], dict[str, str]]:
    """Return what opens the commitments of some attributes, and the commitments."""
    opening = {name: {"salt": next(salts), "value": values[name]} for name in sorted(values)}
    committed = {
        name: commitment(bytes.fromhex(str(one["salt"])), name, one["value"])
        for name, one in opening.items()
    }
    return opening, committed
