"""A pack's lines, as docs/reference/pack.md describes them; and what does not fit in one."""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

from openbpo.values.canonical import canonical_bytes
from openbpo.values.refusals import Mistake, Refusal

PACK_VERSION: Final = 2
PACK_VERSIONS: Final = (1, 2)
"""What can be read. In version 1 the last line was never signed."""
MOST_PARTS: Final = 2_000_000
"""How many values one line may hold: far more than any has, and few enough for memory."""

HEADER, VERSION, EVENT, ACT, WITHHELD = b"H", b"V", b"E", b"A", b"X"
OPENING, CHECKPOINT, COUNTERSIGNATURE, PERIOD, END = b"O", b"C", b"S", b"P", b"Z"
TAGS: Final = frozenset(
    {HEADER, VERSION, EVENT, ACT, WITHHELD, OPENING, CHECKPOINT, COUNTERSIGNATURE, PERIOD, END}
)
LEAVES: Final = frozenset({EVENT, ACT, WITHHELD})
_DECODER = json.JSONDecoder()
CHANGED: Final = "This is not what was sealed. Ask for the pack again, and keep this one."


class Misfit(Exception):  # noqa: N818
    """A pack's first line that does not fit: where it stands, and what is wrong with it."""

    def __init__(self, line: int, what: str, remedy: str = CHANGED) -> None:
        self.line, self.what, self.remedy = line, what, remedy
        super().__init__(f"line {line}: {what}")

    def refusal(self, pack: str) -> Refusal:
        """Return this as what a user is told."""
        return Refusal(Mistake(f"{pack}:{self.line}", self.what, self.remedy))


class PackLine(NamedTuple):
    """
    One line: its number, its tag, and what stands after it.

    A leaf has its sequence number and its hash (32 bytes); `body` is its own line, empty where it
    is withheld. An opening has the sequence number of its event.
    """

    number: int
    tag: bytes
    sequence: int | None
    leaf: bytes | None
    body: bytes

    def told(self) -> dict[str, Any]:
        """Return the body as JSON; raises Misfit where it is none, or is far too much."""
        if len(self.body) > MOST_PARTS and sum(map(self.body.count, b",[{")) > MOST_PARTS:
            raise Misfit(self.number, f"This line holds more than {MOST_PARTS:,} values.")
        try:
            text = self.body.decode()
            told, end = _DECODER.raw_decode(text)
        except (ValueError, RecursionError) as fault:
            raise Misfit(self.number, f"This is no JSON: {fault}.") from fault
        if end != len(text):
            raise Misfit(self.number, "Something stands after the JSON object.")
        if not isinstance(told, dict):
            raise Misfit(self.number, "This is no JSON object.")
        return told

    def told_canonically(self) -> dict[str, Any]:
        """Return the body as JSON; raises Misfit unless it is written in the canonical way."""
        told = self.told()
        try:
            is_canonical = canonical_bytes(told) == self.body
        except (TypeError, ValueError, RecursionError) as fault:
            raise Misfit(self.number, f"This is not canonical JSON: {fault}") from fault
        if not is_canonical:
            raise Misfit(self.number, "This is not written in the canonical way.")
        return told


def leaf_line(tag: bytes, sequence: int, leaf: bytes, body: bytes = b"") -> bytes:
    """Return the line of a leaf, without its end."""
    head = b"%s %d %s" % (tag, sequence, leaf.hex().encode())
    return b"%s %s" % (head, body) if body else head


def plain_line(tag: bytes, told: object) -> bytes:
    """Return a line that is no leaf, without its end."""
    return b"%s %s" % (tag, canonical_bytes(told))
