"""From the cells of a row to the events that it tells, by every means of the mapping."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.delivery.mapped import AT, fact, fault, only, reader_of, told

from openbpo.delivery.intake.decisions import rank_of
from openbpo.values.refusals import Refusal


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def value(source: dict[str, Any], cell: str, attribute: dict[str, object]) -> object:
    """Return what one cell gives for one attribute, or what is at fault."""
    mapping = {"case": {"column": "id"}, "at": AT, "attributes": {"x": source}}
    row = reader_of(mapping, ["id", "at", "c"], [attribute]).read(
        ["1", "2012-02-01 08:00:00", cell]
    )
    return fault(row).what if not isinstance(row, tuple) else json.loads(only(row).facts)["x"]


class TestASource:
    def test_may_be_several_columns_joined(self) -> None:
        mapping = {
            "case": {"columns": ["line", "id"], "joined": "-"},
            "at": {k: v for k, v in AT.items() if k != "column"} | {"columns": ["day", "time"]},
            "attributes": {"x": {"columns": ["first", "last"]}},
        }
        reader = reader_of(mapping, ["line", "id", "day", "time", "first", "last"], [fact("x")])
        event = only(reader.read(["A", " 7 ", "2012-02-01", "08:00:00", "Ada", "Byron"]))
        assert (event.subject, json.loads(event.facts)["x"]) == ("A-7", "Ada Byron")
        assert event.happened_at == utc("2012-02-01 07:00")
        assert (
            json.loads(only(reader.read(["A", "7", "2012-02-01", "08:00:00", "", "B"])).facts)["x"]
            == "B"
        )
        assert (
            json.loads(only(reader.read(["A", "7", "2012-02-01", "08:00:00", "", " "])).facts)["x"]
            is None
        )
        lacking = fault(reader.read(["A", "", "2012-02-01", "08:00:00", "", " "]))
        assert lacking.what == "The column 'id' is empty."

    def test_may_be_a_constant(self) -> None:
        mapping = {
            "case": {"constant": "all"}, "at": AT,
            "attributes": {
                "b": {"constant": "true"}, "n": {"constant": "1.5"}, "d": {"constant": "2012-02-01"}
            },
        }  # fmt: skip
        data = [fact("b", "boolean"), fact("n", "number"), fact("d", "date")]
        event = only(reader_of(mapping, ["at"], data).read(["2012-02-01 08:00:00"]))
        assert event.subject == "all"
        assert {name: json.loads(event.facts)[name] for name in "bnd"} == {
            "b": True, "n": "1.5", "d": "2012-02-01",
        }  # fmt: skip

    def test_may_be_the_second_column_of_a_name(self) -> None:
        mapping = {
            "case": {"column": "id", "occurrence": 2},
            "at": AT,
            "key": [{"column": "id", "occurrence": 2}],
        }
        row = told(reader_of(mapping, ["id", "id", "at"]).read(["1", "2", "2012-02-01 08:00:00"]))
        assert (row.events[0].subject, row.key, row.content) == (
            "2", "2", "2012-02-01 08:00:00\x002",
        )  # fmt: skip

    def test_that_the_header_lacks_is_told_with_all_others(self) -> None:
        mapping = {"case": {"column": "id"}, "at": AT, "key": ["idd"]}
        with pytest.raises(Refusal) as refusal:
            reader_of(mapping, ["id", "id", "was"])
        assert [(m.where, m.what) for m in refusal.value.mistakes] == [
            ("log.csv:1", "There is no column 'at'."),
            ("log.csv:1", "The column 'id' stands 2 times."),
            ("log.csv:1", "There is no column 'idd'."),
        ]


class TestAValue:
    @pytest.mark.parametrize(
        ("source", "cell", "attribute", "expected"),
        [
            ({"decimal": ","}, "-1234,50", fact("x", "number"), "-1234.50"),
            ({"decimal": ",", "thousands": "."}, "1.234.567,5", fact("x", "number"), "1234567.5"),
            ({"decimal": ",", "thousands": "."}, "1234", fact("x", "number"), "1234"),
            ({"thousands": ","}, "1,234", fact("x", "number"), "1234"),
            ({"thousands": " "}, "1 234.5", fact("x", "number"), "1234.5"),
            ({}, "1234.50", fact("x", "number"), "1234.50"),
            ({"empty": ["n/a", "-"]}, "n/a", fact("x", "number"), None),
            ({"empty": ["n/a", "-"]}, " - ", fact("x", "number"), None),
            ({"empty": ["n/a"]}, "", fact("x", "number"), None),
            ({"format": "yyMMdd"}, "990101", fact("x", "date"), "1999-01-01"),
            ({"format": "yyMMdd"}, "680101", fact("x", "date"), "2068-01-01"),
            ({"format": "yyMMdd"}, "690101", fact("x", "date"), "1969-01-01"),
            ({"values": {"0": "false"}, "otherwise": "true"}, "0", fact("x", "boolean"), False),
            ({"values": {"0": "false"}, "otherwise": "true"}, "7", fact("x", "boolean"), True),
            ({"values": {"1": "true"}, "otherwise": "false"}, "7", fact("x", "boolean"), False),
            ({"values": {"0": "false"}, "otherwise": "true"}, "", fact("x", "boolean"), None),
            ({"values": {"A": "a"}, "otherwise": "other"}, "B", fact("x"), "other"),
            ({"values": {"": "none"}}, "", fact("x"), "none"),
        ],
    )
    def test_is_what_its_cell_means(
        self, source: dict[str, Any], cell: str, attribute: dict[str, object], expected: object
    ) -> None:
        assert value({"column": "c", **source}, cell, attribute) == expected

    @pytest.mark.parametrize(
        ("source", "cell", "attribute", "what"),
        [
            ({"decimal": ","}, "1.5", fact("x", "number"), "'1.5' in the column 'c' cannot be"),
            ({"decimal": ",", "thousands": "."}, "1.5", fact("x", "number"), "written as 1.500,00"),
            ({"decimal": ",", "thousands": "."}, "1.2345", fact("x", "number"), "cannot be read"),
            ({"thousands": ","}, "12,34", fact("x", "number"), "cannot be read"),
            ({"thousands": ","}, ",234", fact("x", "number"), "cannot be read"),
            ({}, "1e5", fact("x", "number"), "cannot be read"),
            ({}, "\u0661", fact("x", "number"), "cannot be read"),
            ({"decimal": ","}, "\u0661", fact("x", "number"), "cannot be read"),
            ({"values": {"A": "a"}}, "B", fact("x"), "'B' in the column 'c' means nothing"),
            (
                {"empty": ["n/a"]}, "n/a", fact("x", optional=False),
                "The column 'c' is empty ('n/a').",
            ),
            ({}, " ", fact("x", optional=False), "The column 'c' is empty."),
        ],
    )  # fmt: skip
    def test_that_means_nothing_is_a_fault(
        self, source: dict[str, Any], cell: str, attribute: dict[str, object], what: str
    ) -> None:
        assert what in str(value({"column": "c", **source}, cell, attribute))

    def test_is_private_or_content_where_data_says_so(self) -> None:
        sources = {name: {"column": name} for name in ("a", "b", "c", "d")}
        data = [
            fact("a"),
            fact("b", audience="provider"),
            fact("c", audience="client"),
            {**fact("d", audience="provider"), "class": "content"},
        ]
        mapping = {"case": {"column": "a"}, "at": AT, "attributes": sources}
        reader = reader_of(mapping, ["at", *sources], data)
        event = only(reader.read(["2012-02-01 08:00:00", *"abcd"]))
        assert (json.loads(event.facts)["a"], event.private, event.content) == (
            "a", {"b": "b", "c": "c"}, {"customer": "x", "d": "d"},
        )  # fmt: skip
        assert not {"b", "c", "d"} & set(json.loads(event.facts))


class TestATime:
    @pytest.mark.parametrize(
        ("time_format", "zone", "cell", "instant"),
        [
            ("yyyy-MM-dd'T'HH:mm:ssXXX", None, "2012-07-01T08:00:00+02:00", "2012-07-01 06:00"),
            ("yyyy-MM-dd'T'HH:mm:ssXXX", None, "2012-07-01T08:00:00Z", "2012-07-01 08:00"),
            ("yyyy-MM-dd HH:mm XX", None, "2012-07-01 00:10 -0130", "2012-07-01 01:40"),
            ("yyyy-MM-dd HH:mm Z", None, "2012-07-01 00:10 +0530", "2012-06-30 18:40"),
            ("iso 8601", None, "2012-07-01T08:00:00.5+02:00", "2012-07-01 06:00:00.5"),
            ("iso 8601", None, "2012-07-01T08:00Z", "2012-07-01 08:00"),
            ("epoch s", None, "1328081400", "2012-02-01 07:30"),
            ("epoch s", None, "1328081400.25", "2012-02-01 07:30:00.25"),
            ("epoch ms", None, "1328081400250", "2012-02-01 07:30:00.25"),
            ("HH:mm:ss dd.MM.yyyy", "Europe/Rome", "08:30:00 01.02.2012", "2012-02-01 07:30"),
        ],
    )
    def test_is_read_by_its_format(
        self, time_format: str, zone: str | None, cell: str, instant: str
    ) -> None:
        at = {"column": "at", "format": time_format} | ({"zone": zone} if zone else {})
        agreed = {"case": {"column": "at"}, "at": at}
        assert only(reader_of(agreed, ["at"]).read([cell])).happened_at == utc(instant)

    @pytest.mark.parametrize(
        ("time_format", "cell", "what"),
        [
            ("iso 8601", "2012-07-01T08:00:00", "is not written as iso 8601 with its offset"),
            ("iso 8601", "2012-W01-1T08:00Z", "is not written as iso 8601"),
            ("iso 8601", "2012-02-30T08:00Z", "is no time"),
            ("epoch s", "soon", "is not written as epoch s"),
            ("epoch s", "99999999999", "is not in the years 1970 to 2200"),
            ("epoch ms", "1328081400250.5", "is not written as epoch ms"),
            ("yyyy-MM-dd HH:mm XXX", "2012-07-01 08:00 +24:00", "there is no offset"),
            ("yyyy-MM-dd HH:mm XXX", "2012-07-01 08:00 +0200", "is not written as"),
            ("yyyy-MM-dd HH:mm XXX", "1066-07-01 08:00 Z", "is not in the years"),
            ("yyyy-MM-dd HH:mm XXX", "2012-07-01 08:60 Z", "is no time"),
            ("yyyy-MM-dd HH:mmXXX", "2012-07-01 08:00+01:00+01:00", "is not written as"),
        ],
    )
    def test_that_is_not_of_its_format_is_a_fault(
        self, time_format: str, cell: str, what: str
    ) -> None:
        agreed = {"case": {"column": "at"}, "at": {"column": "at", "format": time_format}}
        assert what in fault(reader_of(agreed, ["at"]).read([cell])).what


CALL: dict[str, Any] = {
    "kind": "calls",
    "call": {"column": "id"},
    "key": ["id"],
    "at": {"format": "yyyy-MM-dd H:mm:ss", "zone": "Europe/Rome", "joined": " "},
    "events": [
        {"type": "entered", "at": {"columns": ["day", "in"]}},
        {"type": "queued", "at": {"columns": ["day", "queue"]}, "empty": ["0:00:00"],
         "past_midnight": "next_day"},
        {"type": "left", "at": {"columns": ["day", "out"]}, "empty": ["0:00:00", ""],
         "past_midnight": "next_day", "attributes": {"x": {"column": "how"}}},
    ],
}  # fmt: skip
TITLES = ["id", "day", "in", "queue", "out", "how"]


def call(*times: str, day: str = "2012-02-01") -> Any:
    row = reader_of(CALL, TITLES, [fact("x")]).read(["7", day, *times, "hung up"])
    return [(event.type, event.happened_at) for event in told(row).events]


class TestSeveralEventsOfARow:
    def test_are_told_in_the_order_of_the_mapping(self) -> None:
        assert call("8:00:00", "8:00:05", "8:01:00") == [
            ("entered", utc("2012-02-01 07:00:00")),
            ("queued", utc("2012-02-01 07:00:05")),
            ("left", utc("2012-02-01 07:01:00")),
        ]

    def test_did_not_happen_where_a_cell_says_so(self) -> None:
        assert [kind for kind, _ in call("8:00:00", "0:00:00", "8:01:00")] == ["entered", "left"]
        assert [kind for kind, _ in call("8:00:00", " 0:00:00 ", "")] == ["entered"]

    def test_carry_what_is_theirs_or_the_rows(self) -> None:
        reader = reader_of(CALL, TITLES, [fact("x")])
        row = told(reader.read(["7", "2012-02-01", "8:00:00", "8:00:05", "8:01:00", "hung up"]))
        entered, queued, left = row.events
        assert json.loads(entered.facts) == json.loads(queued.facts)
        assert json.loads(entered.facts)["activity"] == "told"
        assert json.loads(left.facts) == {"x": "hung up"}
        assert (row.key, left.content) == ("7", {})

    def test_are_none_without_a_time_and_then_the_row_is_at_fault(self) -> None:
        mapping = {**CALL, "events": CALL["events"][2:], "at": CALL["at"]}
        mapping["events"] = [
            {k: v for k, v in mapping["events"][0].items() if k != "past_midnight"}
        ]
        reader = reader_of(mapping, TITLES, [fact("x")])
        row = reader.read(["7", "2012-02-01", "8:00:00", "8:00:05", "0:00:00", "hung up"])
        assert fault(row).what.startswith("The row tells no event")

    def test_tell_whether_they_are_out_of_order(self) -> None:
        reader = reader_of(CALL, TITLES, [fact("x")])
        in_order = reader.read(["7", "2012-02-01", "8:00:00", "8:00:00", "8:01:00", ""])
        out_of_order = reader.read(["7", "2012-02-01", "8:00:00", "7:59:59", "8:01:00", ""])
        over = reader.read(["7", "2012-02-01", "23:59:50", "0:00:10", "0:01:00", ""])
        assert [told(r).out_of_order for r in (in_order, out_of_order, over)] == [
            False, True, False,
        ]  # fmt: skip


class TestATimePastMidnight:
    @pytest.mark.parametrize(
        ("times", "days"),
        [
            (("23:59:50", "23:59:58", "0:00:10"), (0, 0, 1)),
            (("23:59:50", "0:00:03", "0:00:55"), (0, 1, 1)),
            (("23:59:50", "0:00:03", "23:59:58"), (0, 1, 0)),  # some seconds out of order
            (("15:00:05", "15:00:03", "15:02:00"), (0, 0, 0)),
            (("12:00:00", "0:00:01", "0:00:02"), (0, 0, 0)),  # just under twelve hours
            (("12:00:01", "0:00:01", "0:00:02"), (0, 0, 0)),  # twelve hours
            (("12:00:02", "0:00:01", "0:00:02"), (0, 1, 1)),  # just over
            (("8:00:00", "23:00:00", "23:30:00"), (0, 0, 0)),
            (("23:59:48", "0:00:00", "0:00:24"), (0, None, 1)),  # did not queue
        ],
    )
    def test_is_on_the_first_day_not_over_twelve_hours_back(
        self, times: tuple[str, str, str], days: tuple[int | None, ...]
    ) -> None:
        expected = [
            utc(f"2012-02-01 {time:0>8}") + timedelta(days=day, hours=-1)
            for time, day in zip(times, days, strict=True)
            if day is not None
        ]
        assert [instant for _, instant in call(*times)] == expected

    def test_may_be_past_several(self) -> None:
        events = [
            {"type": "seen", "at": {"columns": ["day", f"t{n}"]}, "past_midnight": past}
            for n, past in enumerate(["same_day", *["next_day"] * 3])
        ]
        titles = ["id", "day", "t0", "t1", "t2", "t3"]
        row = reader_of({**CALL, "events": events}, titles).read(
            ["7", "2012-02-01", "23:00:00", "9:00:00", "20:00:00", "6:00:00"]
        )
        assert [event.happened_at for event in told(row).events] == [
            utc("2012-02-01 22:00"), utc("2012-02-02 08:00"), utc("2012-02-02 19:00"),
            utc("2012-02-03 05:00"),
        ]  # fmt: skip

    def test_is_read_by_the_clock_of_its_own_day(self) -> None:
        """In the night of 25 March 2012 clocks were put forward in Rome: there was no 2:30."""
        told_ = call("23:50:00", "1:30:00", "3:30:00", day="2012-03-24")
        assert [instant for _, instant in told_] == [
            utc("2012-03-24 22:50"), utc("2012-03-25 00:30"), utc("2012-03-25 01:30"),
        ]  # fmt: skip
        reader = reader_of(CALL, TITLES, [fact("x")])
        row = reader.read(["7", "2012-03-24", "23:50:00", "2:30:00", "3:30:00", ""])
        assert "There is no 2012-03-24 2:30:00 (on 2012-03-25)" in fault(row).what


class TestARank:
    def test_orders_numbers_as_numbers_and_then_texts(self) -> None:
        numbers = "-10.5 -10 -2 -1.5 -1.25 -1 0 0.05 0.5 1 1.5 2 9 10 100 12345678901234567890123"
        texts = ["", *numbers.split(), "+1", "1e3", "a", "b"]
        ranks = [rank_of(text) for text in texts]
        assert ranks == sorted(ranks)
        assert len(set(ranks)) == len(texts)
        for same in (("1", "01", "1.0"), ("0", "-0", "0.00"), ("-1.5", "-01.50")):
            assert len({rank_of(text) for text in same}) == 1

    def test_stands_with_each_event(self) -> None:
        mapping = {"case": {"column": "id"}, "at": AT, "same_instant": {"by_column": "step"}}
        reader = reader_of(mapping, ["id", "at", "step"])
        rows = [only(reader.read(["1", "2012-02-01 08:00:00", step])) for step in ("9", "10")]
        assert rows[0].rank is not None
        assert rows[1].rank is not None
        assert rows[0].rank < rows[1].rank
        long = fault(reader.read(["1", "2012-02-01 08:00:00", "x" * 201]))
        assert "longer than 200 characters" in long.what


class TestARowsIdentity:
    def test_is_its_key_or_else_all_that_is_mapped(self) -> None:
        mapping = {
            "case": {"column": "id"}, "at": AT, "attributes": {"x": {"column": "c"}},
        }  # fmt: skip
        header = ["c", "id", "unmapped", "at"]
        cells = ["C", "1", "u", "2012-02-01 08:00:00"]
        row = told(reader_of(mapping, header, [fact("x")]).read(cells))
        assert row.key == row.content == "2012-02-01 08:00:00\0C\x001"
        keyed = told(reader_of({**mapping, "key": ["id", "c"]}, header, [fact("x")]).read(cells))
        assert (keyed.key, keyed.content) == ("C\x001", row.content)
        swapped = told(reader_of({**mapping, "key": ["c", "id"]}, header, [fact("x")]).read(cells))
        assert swapped == keyed

    def test_cannot_be_nothing(self) -> None:
        mapping = {"case": {"column": "id"}, "at": AT, "key": ["c", "d"]}
        reader = reader_of(mapping, ["id", "at", "c", "d"])
        empty = fault(reader.read(["1", "2012-02-01 08:00:00", "", " "]))
        assert empty.what == "The cells of the row's key are empty."
        told(reader.read(["1", "2012-02-01 08:00:00", "", "d"]))

    @pytest.mark.parametrize("cells", [["1"], ["1", "2012-02-01 08:00:00", "more"], []])
    def test_needs_the_headers_width(self, cells: list[str]) -> None:
        reader = reader_of({"case": {"column": "id"}, "at": AT}, ["id", "at"])
        assert f"{len(cells)} cells, the header 2" in fault(reader.read(cells)).what

    def test_cannot_be_forged_with_a_nul(self) -> None:
        reader = reader_of({"case": {"column": "id"}, "at": AT}, ["id", "at"])
        assert "NUL" in fault(reader.read(["1\0", "2012-02-01 08:00:00"])).what
