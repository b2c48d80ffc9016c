"""
XES (IEEE 1849): an event a row, read as a stream in memory that does not grow.

The trace's attributes are columns under `case:`, the event's under their keys; an attribute within
another has both keys with a point between. A file with a DTD or an entity is refused: it could
name other files, or unfold to any size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.parsers import expat

from openbpo.delivery.intake.files.content import Content
from openbpo.delivery.intake.files.returned import LINE, REASON
from openbpo.delivery.intake.model import Fault, RawRow
from openbpo.values.refusals import Refusal

OF_TRACE = "case:"
MAX_DEPTH = 32
MAX_ELEMENT_BYTES = 4_000_000
MAX_ATTRIBUTES = 10_000
OURS = frozenset((LINE, REASON))

Node = tuple[int, str, dict[str, str]]
"""An element as it stands: how deep under its trace or event (from 0), name, attributes."""


class XesEvent(NamedTuple):
    """What it takes to write an event again: which trace it was of, and what both held."""

    trace: int
    """Its number from 1; 0 for an event that stands in no trace."""
    trace_nodes: Sequence[Node]
    nodes: Sequence[Node]


class Told(NamedTuple):
    """An event as it is read: its line, what is known of its trace and of it."""

    line: int
    trace: dict[str, str]
    event: dict[str, str]
    raw: XesEvent
    twice: str | None
    """A key that its trace or it has twice."""


class XesFile:
    """An XES log: the columns that were asked for, its events."""

    def __init__(self, content: Content, columns: Sequence[str]) -> None:
        self.name = content.name
        self.header: Sequence[str] = list(dict.fromkeys(columns))
        self.head: Sequence[Node] = ()
        """What stands before the first trace, once it was read."""
        self._content = content
        if not content.begins:
            raise Refusal.of(self.name, "The file is empty.", "Export it again.")

    @property
    def fingerprint(self) -> bytes:
        """Return the SHA-256 of the content, unpacked, once all rows were read."""
        return self._content.fingerprint

    def changed(self) -> bool:
        """Return whether the file is no longer the one that was opened."""
        return self._content.changed()

    def rows(self) -> Iterator[RawRow]:
        """Yield a row for each event; raises Refusal, naming the line, where it is not XES."""
        header = self.header
        for line, trace, event, raw, twice in self.events():
            cells = [_cell(column, trace, event) for column in header]
            yield RawRow(line, cells, raw, _is_twice(twice) if twice is not None else None)

    def events(self) -> Iterator[Told]:
        """Yield each event as it is read: to take it in, or to look what there is."""
        reader = _Reader(self.name)
        for block in self._content.blocks():
            reader.feed(block)
            self.head = reader.head
            yield from reader.taken()
        reader.feed(b"", is_final=True)
        yield from reader.taken()


def _cell(column: str, trace: dict[str, str], event: dict[str, str]) -> str:
    if column.startswith(OF_TRACE):
        found = trace.get(column[len(OF_TRACE) :])
        if found is not None:
            return found
    return event.get(column, "")


def _is_twice(key: str) -> Fault:
    what = f"The key {key!r} stands twice in one trace or event."
    return Fault(what, "Take one of the two out.")


class _Place:
    """A log, trace or event that is being read: what stands in it."""

    __slots__ = ("depth", "nodes", "twice", "values")

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.nodes: list[Node] = []
        self.values: dict[str, str] = {}
        self.twice: str | None = None


class _Reader:
    """Expat's handlers: where it stands in the log, and the events that are whole."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._fed = self._depth = self._traces = self._line = 0
        self._keys: list[str] = []
        self._log = self._place = _Place(1)
        self._trace: _Place | None = None
        self._event: _Place | None = None
        self._trace_has_events = False
        self._events: list[Told] = []
        self._parser = parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._refuse_dtd
        parser.EntityDeclHandler = self._refuse_dtd
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    @property
    def head(self) -> Sequence[Node]:
        return self._log.nodes

    def feed(self, block: bytes, *, is_final: bool = False) -> None:
        """Read on; raises Refusal, naming the line, where it is not XES or grows without end."""
        self._fed += len(block)
        try:
            self._parser.Parse(block, is_final)
        except expat.ExpatError as fault:
            what = f"This is not XML: {expat.errors.messages.get(fault.code, fault)}."
            remedy = "The file may be damaged or cut off here. Export it again."
            raise Refusal.of(f"{self._name}:{fault.lineno}", what, remedy) from fault
        if self._fed - self._parser.CurrentByteIndex > MAX_ELEMENT_BYTES:
            raise self._refusal("An element here is larger than 4 MB.")

    def taken(self) -> Sequence[Told]:
        """Return the events that are whole, once."""
        events, self._events = self._events, []
        return events

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth = depth = self._depth + 1
        if ":" in tag:
            tag = tag.rpartition(":")[2]
        if self._is_plain(depth, tag, attributes):
            return
        if tag == "event" and self._place is (self._trace or self._log):
            self._begin_event(depth)
        elif tag == "trace" and depth == 2:
            self._traces += 1
            self._trace = self._place = _Place(depth)
            self._trace_has_events = False
        elif depth == 1:
            if tag != "log":
                raise self._refusal(f"This is XML, but not XES: it begins with <{tag}>.")
        else:
            self._attribute(depth, tag, attributes)

    def _is_plain(self, depth: int, tag: str, attributes: dict[str, str]) -> bool:
        """Take in an attribute of an event that has nothing to be looked at: nearly all are so."""
        place = self._event
        if place is None or depth != place.depth + 1 or len(place.nodes) > MAX_ATTRIBUTES:
            return False
        key, value = attributes.get("key"), attributes.get("value")
        if key is None or value is None or key in OURS or key in place.values:
            return False
        place.nodes.append((0, tag, attributes))
        place.values[key] = value
        self._keys = [key]
        return True

    def _begin_event(self, depth: int) -> None:
        if depth != self._place.depth + 1:
            raise self._refusal("An event stands within an attribute.")
        self._line = self._parser.CurrentLineNumber
        self._trace_has_events = True
        self._event = self._place = _Place(depth)

    def _attribute(self, depth: int, tag: str, attributes: dict[str, str]) -> None:
        place = self._place
        under = depth - place.depth - 1
        if under > MAX_DEPTH or len(place.nodes) > MAX_ATTRIBUTES:
            raise self._refusal(
                f"Here stand more than {MAX_ATTRIBUTES:,} attributes, or {MAX_DEPTH} within "
                "each other."
            )
        key = attributes.get("key", "")
        if place is self._trace and self._trace_has_events:
            raise self._refusal("An attribute of a trace stands after its events.")
        if place is self._log and self._traces:
            return  # of the log, after its traces: no event's
        if not (under == 0 and key in OURS and place is not self._trace):
            place.nodes.append((under, tag, attributes))
        self._keys[under:] = [key]
        if "value" in attributes and place is not self._log:
            self._value(place, under, key, attributes["value"])

    def _value(self, place: _Place, under: int, key: str, value: str) -> None:
        if under:
            key = ".".join(filter(None, self._keys))
        elif key in place.values:
            place.twice = key
        place.values[key] = value

    def _end(self, _tag: str) -> None:
        depth, place = self._depth, self._place
        self._depth = depth - 1
        if depth == place.depth and place is not self._log:
            self._end_place(place)

    def _end_place(self, place: _Place) -> None:
        if place is self._trace:
            self._trace, self._place = None, self._log
            return
        self._event = None
        self._place = trace = self._trace or self._log
        known = self._trace is not None
        raw = XesEvent(self._traces if known else 0, trace.nodes if known else (), place.nodes)
        of_trace = trace.values if known else {}
        self._events.append(
            Told(self._line, of_trace, place.values, raw, place.twice or trace.twice)
        )

    def _refuse_dtd(self, *_told: object) -> None:
        raise self._refusal("The file has a DTD or an entity, which could name other files.")

    def _refusal(self, what: str) -> Refusal:
        line = self._parser.CurrentLineNumber
        remedy = "Look whether this is the right file and whole; export it again."
        return Refusal.of(f"{self._name}:{line}", what, remedy)
