"""
Events from their lines: each line must be just what writing its values comes to.

The plain way parses a line, writes what it read again, and compares. Most lines of a record are of
a few forms: the same names of facts, and no character that JSON escapes. Once a line of a form was
read in the plain way, a pattern of that form reads the others and allows nothing else, so that
nothing has to be written again. What a pattern does not match is read in the plain way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from json.encoder import encode_basestring
from typing import Any, Final, NamedTuple

from openbpo.evidence.packs.model import Misfit, PackLine
from openbpo.record.lines import event_line, facts_text
from openbpo.record.model import ToldEvent

KINDS: Final = frozenset({"case", "call", "agent_time", "interval_count", "headcount", "quantity"})
FORMS_KEPT: Final = 16
"""How many forms are tried on a line, the last one that matched first."""
_HASH = re.compile("[0-9a-f]{64}")
_TEXT = r'"([^"\\\x00-\x1f]*)"'
_AT = (
    '"([0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}'
    r'\.[0-9]{6}Z)"'
)
_COUNT = "([1-9][0-9]{0,14})"
_HEX = '"([0-9a-f]{32})"'
_AFTER_FACTS = 7
"""How many values a pattern finds after the facts: the salt is not among them."""


class _Shape(NamedTuple):
    """What makes the form of a line: its names, which facts are true or false, a rank or none."""

    facts: tuple[str, ...]
    words: tuple[str, ...]
    committed: tuple[str, ...]
    is_ranked: bool


@dataclass(frozen=True, slots=True)
class _Form:
    """A pattern that matches only lines that are written in the canonical way."""

    shape: _Shape
    pattern: re.Pattern[str]

    def read(self, text: str) -> ToldEvent | None:
        """Return the event of a line of this form; None for any other. Raises ValueError."""
        match = self.pattern.fullmatch(text)
        if match is None:
            return None
        names, words, held, is_ranked = self.shape
        found = match.groups()
        kind, part, position, rank, row, subject, type_ = found[-_AFTER_FACTS:]
        facts: dict[str, Any] = dict(zip(names, found[1 + len(held) : -_AFTER_FACTS], strict=True))
        for name in words:
            facts[name] = facts[name] == "true"
        return ToldEvent(
            datetime.fromisoformat(found[0]), kind, type_, subject, facts,
            int(position), int(part), row, rank if is_ranked else None,
            dict(zip(held, found[1:], strict=False)) if held else None,
        )  # fmt: skip


def _form(shape: _Shape) -> _Form:
    facts = ",".join(
        _name(name) + ("(true|false)" if name in shape.words else f"(?:{_TEXT}|null)")
        for name in shape.facts
    )
    held = ",".join(_name(name) + '"([0-9a-f]{64})"' for name in shape.committed)
    committed = rf',"committed":\{{{held}\}}' if held else ""
    rank = f',"rank":{_TEXT}' if shape.is_ranked else "()"
    return _Form(
        shape,
        re.compile(
            rf'\{{"at":{_AT}{committed},"facts":\{{{facts}\}},"kind":"({"|".join(sorted(KINDS))})"'
            rf',"part":{_COUNT},"position":{_COUNT}{rank},"row":{_HEX},"salt":"[0-9a-f]{{32}}"'
            rf',"subject":{_TEXT},"type":{_TEXT}\}}'
        ),
    )


def _name(name: str) -> str:
    return re.escape(encode_basestring(name)) + ":"


@dataclass(slots=True)
class EventLines:
    """Reads events from their lines, and knows the forms of those that it has read."""

    _forms: list[_Form] = field(default_factory=list)

    def read(self, line: PackLine) -> ToldEvent:
        """Return the event that a line tells; raises Misfit unless it is just such a line."""
        try:
            text = line.body.decode()
            for place, form in enumerate(self._forms):
                told = form.read(text)
                if told is not None:
                    if place:
                        self._forms.insert(0, self._forms.pop(place))
                    return told
        except ValueError:
            pass  # the plain way says what is wrong
        return self._read_plainly(line)

    def _read_plainly(self, line: PackLine) -> ToldEvent:
        told, shape = read_plainly(line)
        if b"\\" not in line.body and all(one.shape != shape for one in self._forms):
            self._forms = [_form(shape), *self._forms[: FORMS_KEPT - 1]]
        return told


def read_plainly(line: PackLine) -> tuple[ToldEvent, _Shape]:
    """Return the event that a line tells, and its form; raises Misfit unless it is such a line."""
    told = line.told()
    try:
        fault = _unlike_event(told, line.body)
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as broken:
        fault = repr(broken)
    if fault is not None:
        raise Misfit(line.number, f"This is no event as one is written: {fault}")
    facts: Mapping[str, Any] = told["facts"]
    event = ToldEvent(
        datetime.fromisoformat(told["at"]), told["kind"], told["type"], told["subject"], facts,
        told["position"], told["part"], told["row"], told.get("rank"), told.get("committed"),
    )  # fmt: skip
    words = tuple(name for name, value in facts.items() if value is True or value is False)
    return event, _Shape(tuple(facts), words, tuple(event.committed or ()), event.rank is not None)


def _unlike_event(told: Mapping[str, Any], body: bytes) -> str | None:
    """Say how a line is other than what writing its values comes to; None if it is just that."""
    part, position, committed = told["part"], told["position"], told.get("committed")
    if part.__class__ is not int or position.__class__ is not int or min(part, position) < 1:
        return "part and position are counted from 1"
    if told["kind"] not in KINDS:
        return f"there is no kind {told['kind']!r}"
    hashes = [told["row"] + told["salt"], *(committed.values() if committed else ())]
    if not all(map(_HASH.fullmatch, hashes)) or len(told["row"]) != 32:
        return "row, salt and commitments are hex"
    again = event_line(
        kind=told["kind"],
        type_=told["type"],
        subject=told["subject"],
        happened_at=datetime.fromisoformat(told["at"]),
        facts=facts_text(told["facts"]),
        position=position,
        part=part,
        row=told["row"],
        salt=told["salt"],
        rank=told.get("rank"),
        committed=committed,
    )
    return None if again.encode() == body else "it is not written in the canonical way"
