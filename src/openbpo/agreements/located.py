"""
YAML 1.2 read into plain values that remember their lines.

An agreement may come from a stranger, so the reader takes a small, safe part of YAML: one document
of mappings, lists and scalars. Anchors, aliases, tags and merge keys are refused (no bomb can be
written without them), a key may stand once, a number with a point stays the text that was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import Event

from openbpo.values.refusals import Mistake

MAX_BYTES = 1_000_000
MAX_DEPTH = 30

Path = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_NO_TEXT = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\U0010ffff]")
_WORDS: dict[str, object] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


@dataclass(slots=True)
class Located:
    """A file's value, and the line (from 1) on which each part of it stands."""

    name: str
    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def where(self, path: Path = ()) -> str:
        """Return `measures.yaml:12` for a part, or for the nearest part around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.name}:{self.lines.get(path, 1)}"


class _Unreadable(Exception):  # noqa: N818
    def __init__(self, line: int, what: str, remedy: str) -> None:
        self.line, self.what, self.remedy = line, what, remedy
        super().__init__(what)


def read_located(name: str, content: bytes) -> Located:
    """Read one file; what cannot be read stands in `mistakes`, and then `value` is None."""
    located = Located(name)
    try:
        _Reader(located, content).read()
    except _Unreadable as fault:
        located.value = None
        located.mistakes.append(Mistake(f"{name}:{fault.line}", fault.what, fault.remedy))
    return located


class _Reader:
    """Builds values out of the parser's events, so that no alias is ever followed."""

    def __init__(self, located: Located, content: bytes) -> None:
        self._located = located
        self._events = _events(content)

    def read(self) -> None:
        event = self._content(next(self._events))
        self._located.value = self._value(event, ())
        if not isinstance(following := next(self._events), events.DocumentEndEvent):
            raise _at(following, "The file goes on after its end.", "Keep one value in it.")
        if not isinstance(following := next(self._events), events.StreamEndEvent):
            raise _at(following, "The file holds several documents.", "Make one file of each.")

    def _content(self, event: Event) -> Event:
        while isinstance(event, events.StreamStartEvent | events.DocumentStartEvent):
            event = next(self._events)
        if isinstance(event, events.StreamEndEvent):
            raise _Unreadable(1, "The file is empty.", "Write its content, or remove it.")
        return event

    def _value(self, event: Event, path: Path) -> Any:
        self._located.lines.setdefault(path, event.start_mark.line + 1)
        if len(path) > MAX_DEPTH:
            raise _at(
                event, f"More than {MAX_DEPTH} levels lie in one another.", "Make it flatter."
            )
        _refuse_cleverness(event)
        if isinstance(event, events.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, events.SequenceStartEvent):
            return self._sequence(path)
        return _scalar(event)

    def _mapping(self, path: Path) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(self._events), events.MappingEndEvent):
            key = self._key(event)
            at = (*path, key)
            if key in mapping:
                self._located.mistakes.append(
                    Mistake(
                        f"{self._located.name}:{event.start_mark.line + 1}",
                        f"The key {key!r} stands again, after line {self._located.lines[at]}.",
                        "Keep one of the two.",
                    )
                )
            self._located.lines[at] = event.start_mark.line + 1
            mapping[key] = self._value(next(self._events), at)
        return mapping

    def _key(self, event: Event) -> str:
        _refuse_cleverness(event)
        if not isinstance(event, events.ScalarEvent):
            raise _at(event, "A key must be a word.", "Write `key: value`.")
        if event.value == "<<":
            raise _at(event, "Merge keys (<<) are not taken.", "Write the values out.")
        return str(event.value)

    def _sequence(self, path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), events.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items


def _events(content: bytes) -> Iterator[Event]:
    if len(content) > MAX_BYTES:
        raise _Unreadable(1, f"The file is larger than {MAX_BYTES:,} bytes.", "Split it.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        raise _Unreadable(line, "The file is not UTF-8.", "Save it as UTF-8.") from fault
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 2)
    try:
        yield from yaml.parse(text)
    except RecursionError as fault:
        raise _Unreadable(1, "The file is nested too deep.", "Make it flatter.") from fault
    except YAMLError as fault:
        raise _broken(fault) from fault
    except (ValueError, OverflowError) as fault:  # an escape such as \UFFFFFFFF
        raise _Unreadable(1, f"This is not YAML: {fault}.", "Look at the escapes (\\).") from fault


def _broken(fault: YAMLError) -> _Unreadable:
    if isinstance(fault, MarkedYAMLError) and fault.problem_mark is not None:
        problem = str(fault.problem or "it cannot be parsed").strip()
        what = f"This is not YAML: {problem}."
        return _Unreadable(
            fault.problem_mark.line + 1, what, "Look at this line and the one above."
        )
    first_line = str(fault).strip().splitlines()[0]
    return _Unreadable(1, f"This is not YAML: {first_line}.", "Remove what is not plain text.")


def _at(event: Event, what: str, remedy: str) -> _Unreadable:
    return _Unreadable(event.start_mark.line + 1, what, remedy)


def _refuse_cleverness(event: Event) -> None:
    if isinstance(event, events.AliasEvent) or getattr(event, "anchor", None) is not None:
        raise _at(event, "Anchors and aliases (&, *) are not taken.", "Write the value out.")
    if (tag := getattr(event, "tag", None)) is not None:
        raise _at(event, f"The tag {tag} is not taken.", "Write the value without a tag.")
    if found := _NO_TEXT.search(getattr(event, "value", "")):
        raise _at(event, f"The character {found[0]!a} is no text.", "Take it out.")


def _scalar(event: Event) -> object:
    assert isinstance(event, events.ScalarEvent), event
    text = str(event.value)
    if event.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _INTEGER.match(text) and len(text) <= 18 else text
