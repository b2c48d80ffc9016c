"""Events read by the pattern of their form, and events read in the plain way, are the same."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openbpo.evidence.packs.event_lines import KINDS, EventLines, read_plainly
from openbpo.evidence.packs.model import EVENT, Misfit, PackLine
from openbpo.record.lines import event_line, facts_text

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
HEX = st.binary(min_size=16, max_size=16).map(bytes.hex)
HASHES = st.binary(min_size=32, max_size=32).map(bytes.hex)
NAMES = st.sampled_from(["a", "a.b", "B", "c[d]", "e f", "activity"])
FACTS = st.dictionaries(NAMES, TEXTS | st.none() | st.booleans(), max_size=4)


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """Lines of events, as an import writes them."""
    line = event_line(
        kind=draw(st.sampled_from(sorted(KINDS))),
        type_=draw(TEXTS),
        subject=draw(TEXTS),
        happened_at=draw(st.datetimes(timezones=st.just(UTC))),
        facts=facts_text(draw(FACTS)),
        position=draw(st.integers(1, 10**15)),
        part=draw(st.integers(1, 3)),
        row=draw(HEX),
        salt=draw(HEX),
        rank=draw(st.none() | TEXTS),
        committed=draw(st.none() | st.dictionaries(NAMES, HASHES, min_size=1, max_size=2)),
    )
    return line.encode()


def packed(body: bytes) -> PackLine:
    return PackLine(7, EVENT, 0, b"", body)


def outcome(read: object) -> object:
    assert callable(read)
    try:
        return read()
    except Misfit as misfit:
        return misfit.line, misfit.what


@st.composite
def changes(draw: st.DrawFn) -> bytes:
    """Lines in which something was put in, taken out or exchanged."""
    body = draw(lines())
    at = draw(st.integers(0, len(body) - 1))
    noise = draw(
        st.binary(max_size=3)
        | st.sampled_from([b'"', b'"a":null,', b"0", b" ", b"\\u0041", b"\\n", b"\x7f", b"T24"])
    )
    return body[:at] + noise + body[at + draw(st.integers(0, 3)) :]


A_LINE = event_line(
    kind="case", type_="t", subject="s", happened_at=datetime(2025, 1, 1, tzinfo=UTC),
    facts=facts_text({"a": "x", "b": None, "c": True}), position=1, part=1, row="0" * 32,
    salt="1" * 32, rank=None, committed=None,
).encode()  # fmt: skip


class TestAnEventRead:
    @settings(max_examples=300)
    @given(st.lists(lines(), min_size=1, max_size=3))
    def test_by_its_form_is_the_one_read_plainly(self, told: list[bytes]) -> None:
        events = EventLines()
        for body in [*told, *reversed(told)]:
            line = packed(body)
            assert events.read(line) == read_plainly(line)[0]

    @settings(max_examples=1000)
    @given(lines(), changes())
    def test_from_a_changed_line_is_refused_as_plainly(self, known: bytes, body: bytes) -> None:
        events = EventLines()
        events.read(packed(known))
        line = packed(body)
        assert outcome(lambda: events.read(line)) == outcome(lambda: read_plainly(line)[0])

    @pytest.mark.parametrize(
        ("was", "is_now"),
        [
            (b'"x"', b'"\xff"'),
            (b'"x"', b'"\\u0078"'),
            (b'"x"', b'"\x1f"'),
            (b'"x"', b"true"),
            (b"null", b"false"),
            (b"true", b'"true"'),
            (b'"a":"x","b":null', b'"b":null,"a":"x"'),
            (b'"part":1', b'"part":01'),
            (b'"part":1', b'"part":0'),
            (b"T00:", b"T24:"),
            (b"01-01T", b"02-30T"),
            (b".000000Z", b".000Z"),
            (b"Z", b"+00:00"),
            (b'"case"', b'"cases"'),
            (b'"row":"0', b'"row":"A'),
            (b'"type":"t"}', b'"type":"t"}\n'),
            (b'"type":"t"}', b'"type":"t","z":1}'),
        ],
    )
    def test_of_a_known_form_is_read_as_plainly(self, was: bytes, is_now: bytes) -> None:
        events = EventLines()
        events.read(packed(A_LINE))
        line = packed(A_LINE.replace(was, is_now, 1))
        assert line.body != A_LINE
        assert outcome(lambda: events.read(line)) == outcome(lambda: read_plainly(line)[0])

    def test_is_of_many_forms_in_turn(self) -> None:
        events = EventLines()
        told = [
            A_LINE.replace(b'"a":"x"', b'"a%03d":"x"' % number) for number in [*range(40), 0, 39]
        ]
        for body in told:
            assert events.read(packed(body)) == read_plainly(packed(body))[0]
