"""Two versions of an agreement held against each other, sentence by sentence: pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal

from openbpo.agreements.model import Agreement
from openbpo.agreements.words import Entry, Section, sections

Kind = Literal["removed", "added", "changed"]
ALIKE = 0.5
"""From which likeness on two sentences are one that was changed."""
_SENTENCE = re.compile(r"(?<=\.) (?=[A-Z“])")
_WORD = re.compile(r"\s+|[^\s]+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words, and whether it stands on one side alone."""

    text: str
    is_other: bool


@dataclass(frozen=True, slots=True)
class Change:
    """A sentence that was removed, added or changed, as it reads before and after."""

    kind: Kind
    before: tuple[Piece, ...]
    after: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class ChangedEntry:
    """A term in which sentences differ; `kind` is "changed" where it is on both sides."""

    id: str
    clause: str | None
    kind: Kind
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class ChangedSection:
    """A section in which terms differ."""

    id: str
    title: str
    entries: tuple[ChangedEntry, ...]


def compare(older: Agreement, newer: Agreement) -> tuple[ChangedSection, ...]:
    """Return what reads otherwise in the newer version: by section, term and sentence."""
    pairs = zip(sections(older), sections(newer), strict=True)
    found = (ChangedSection(new.id, new.title, tuple(_entries(old, new))) for old, new in pairs)
    return tuple(one for one in found if one.entries)


def _entries(old: Section, new: Section) -> Iterator[ChangedEntry]:
    before = {entry.id: entry for entry in old.entries}
    after = {entry.id: entry for entry in new.entries}
    for entry_id in [*after, *(name for name in before if name not in after)]:
        was, now = before.get(entry_id), after.get(entry_id)
        changes = tuple(_changes(_sentences(was), _sentences(now)))
        if changes:
            kind: Kind = "added" if was is None else "removed" if now is None else "changed"
            one = now or was
            assert one is not None
            yield ChangedEntry(entry_id, one.clause, kind, changes)


def _sentences(entry: Entry | None) -> list[str]:
    lines = entry.lines if entry else ()
    return [one for line in lines for one in _SENTENCE.split(line.strip())]


def _changes(before: Sequence[str], after: Sequence[str]) -> Iterator[Change]:
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for kind, b1, b2, a1, a2 in matcher.get_opcodes():
        if kind != "equal":
            for old, new in zip_longest(before[b1:b2], after[a1:a2]):
                yield from _change(old, new)


def _change(old: str | None, new: str | None) -> Iterator[Change]:
    if old is not None and new is not None:
        words = _WORD.findall(old), _WORD.findall(new)
        matcher = SequenceMatcher(None, *words, autojunk=False)
        if matcher.ratio() >= ALIKE:
            yield Change("changed", *_pieces(matcher, *words))
            return
    if old is not None:
        yield Change("removed", (Piece(old, is_other=True),), ())
    if new is not None:
        yield Change("added", (), (Piece(new, is_other=True),))


def _pieces(
    matcher: SequenceMatcher[str], old: list[str], new: list[str]
) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    before: list[Piece] = []
    after: list[Piece] = []
    for kind, b1, b2, a1, a2 in matcher.get_opcodes():
        for side, words in ((before, old[b1:b2]), (after, new[a1:a2])):
            if words:
                side.append(Piece("".join(words), is_other=kind != "equal"))
    return tuple(before), tuple(after)
