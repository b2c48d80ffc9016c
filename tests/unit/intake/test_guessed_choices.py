"""Strangers' files: a row a ticket, bad cells, hours of twelve; choices that a person changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from openbpo.delivery.intake.files.looking import Look, look_at
from openbpo.delivery.intake.files.model import FileFormat
from openbpo.delivery.intake.guess_choices import Choices, Taken, changed, choose
from openbpo.delivery.intake.guess_columns import Study, study
from openbpo.delivery.intake.guess_writing import Guess, write
from openbpo.delivery.intake.guessing import guess
from openbpo.delivery.intake.time_guessing import guess_time, swapped
from openbpo.values.refusals import Refusal
from openbpo.values.time_formats import compile_time_format

HEADER = ("Ticket", "Priority", "Resolved", "Created", "First response", "Closed at", "Due date")


def at(n: int, hours: int) -> str:
    moment = datetime(2026, 3, 1, 8, 5) + timedelta(hours=5 * n + hours)
    return f"{moment.month}/{moment.day}/{moment.year} {(moment.hour - 1) % 12 + 1}:{moment:%M %p}"


def tickets(n: int = 60) -> list[tuple[str, ...]]:
    """A row a ticket, its times not in their order; some were never answered, some are open."""
    return [
        (
            f"INC-{k:04}", ("high", "low")[k % 2], "-" if k % 9 == 0 else at(k, 6), at(k, 0),
            "" if k % 7 == 0 else at(k, 1), "" if k % 5 == 0 else at(k, 30), at(k, 48),
        )
        for k in range(n)
    ]  # fmt: skip


def looked(rows: Sequence[tuple[str, ...]], header: tuple[str, ...] = HEADER) -> Look:
    return Look("tickets.csv", FileFormat(format="csv"), header, tuple(rows), 0, is_whole=True)


def studied(rows: list[tuple[str, ...]]) -> tuple[Study, Choices]:
    found = study(looked(rows))
    return found, choose(found)


def mapping_of(found: Guess) -> dict[str, Any]:
    [mapping] = YAML(typ="safe").load(found.mapping)
    return dict(mapping)


class TestARowATicket:
    def test_tells_an_event_for_each_of_its_times_in_their_order(self) -> None:
        mapping = mapping_of(guess(looked(tickets())))
        assert "column" not in mapping["at"]
        assert [(e["type"], e["at"]["column"], e.get("empty")) for e in mapping["events"]] == [
            ("created", "Created", None),
            ("first_response", "First response", [""]),
            ("resolved", "Resolved", ["-"]),
            ("closed", "Closed at", [""]),
        ]
        assert {e["at"]["format"] for e in mapping["events"]} == {"M/d/yyyy h:mm a"}
        assert mapping["key"] == ["Ticket"]

    def test_keeps_a_due_date_as_what_the_row_says(self) -> None:
        assert mapping_of(guess(looked(tickets())))["attributes"]["due_date"] == {
            "column": "Due date"
        }

    def test_is_no_log_where_cases_come_again(self) -> None:
        rows = [(f"INC-{k // 3:04}", *row[1:]) for k, row in enumerate(tickets())]
        assert "events" not in mapping_of(guess(looked(rows)))

    def test_named_in_a_column_of_any_title_is_found(self) -> None:
        found = study(looked(tickets(), ("Beleg", *HEADER[1:])))
        assert choose(found).case.title == "Beleg"

    def test_with_one_time_is_a_log(self) -> None:
        rows = [(row[0], row[1], row[3]) for row in tickets()]
        assert mapping_of(guess(looked(rows, ("Ticket", "Priority", "Created"))))["at"][
            "column"] == "Created"  # fmt: skip


class TestBadCells:
    def test_below_one_in_a_hundred_leave_a_column_of_times(self) -> None:
        rows = tickets(400)
        rows[7] = (*rows[7][:3], "see note 4", *rows[7][4:])
        rows[8] = (*rows[8][:3], "2/30/2026 8:05 AM", *rows[8][4:])
        found = guess(looked(rows))
        assert mapping_of(found)["events"][0]["at"]["column"] == "Created"
        assert any("2 times in 'Created'" in said and "see note 4" in said
                   for said in found.to_check)  # fmt: skip

    def test_in_more_than_that_are_no_days_of_a_pattern(self) -> None:
        cells = [f"2026-02-{day:02} 08:00" for day in range(1, 29)] + ["2026-02-30 08:00"]
        assert guess_time(cells, is_named_so=True) is None

    def test_of_fillers_say_that_it_did_not_happen(self) -> None:
        rows = [(*row[:4], "0000-00-00 00:00:00" if not row[4] else row[4], *row[5:])
                for row in tickets()]  # fmt: skip
        events = mapping_of(guess(looked(rows)))["events"]
        assert events[1]["empty"] == ["0000-00-00 00:00:00"]

    @pytest.mark.parametrize("filler", ["n/a", "NULL", "-", "00/00/0000"])
    def test_of_a_known_filler_say_so_however_rare(self, filler: str) -> None:
        rows = tickets(400)
        rows[5] = (*rows[5][:5], filler, *rows[5][6:])
        [closed] = [e for e in mapping_of(guess(looked(rows)))["events"] if e["type"] == "closed"]
        assert closed["empty"] == ["", filler]

    def test_of_a_word_that_comes_often_say_so_too(self) -> None:
        for often, empty in ((2, None), (9, ["still open"])):
            rows = [(*row[:3], row[3], *row[4:]) for row in tickets(400)]
            rows = [
                (*row[:2], "still open" if k < often else at(k, 6), *row[3:])
                for k, row in enumerate(rows)
            ]
            events = {e["type"]: e for e in mapping_of(guess(looked(rows)))["events"]}
            assert events["resolved"].get("empty") == empty


class TestHoursOfTwelve:
    @pytest.mark.parametrize(
        ("cells", "format_"),
        [
            (["3/14/2026 2:05 PM", "3/14/2026 12:05 AM"], "M/d/yyyy h:mm a"),
            (["2026-03-14 02:05:09pm"], "yyyy-MM-dd hh:mm:ssa"),
            (["14.03.2026 2:05 p.m."], "dd.MM.yyyy h:mm a"),
            (["3/14/2026, 2:05\u202fPM"], "M/d/yyyy, h:mm\u202fa"),
        ],
    )
    def test_are_found_and_can_be_read(self, cells: list[str], format_: str) -> None:
        found = guess_time(cells, is_named_so=True)
        assert found is not None
        assert found.format == format_
        for cell in cells:
            compile_time_format(found.format).parse(cell)


class TestChoices:
    def test_say_what_each_column_is_taken_for(self) -> None:
        _, choices = studied(tickets())
        assert {c.title: c.taken for c in choices.columns} == {
            "Ticket": Taken.CASE, "Priority": Taken.FACT, "Resolved": Taken.TIME,
            "Created": Taken.TIME, "First response": Taken.TIME, "Closed at": Taken.TIME,
            "Due date": Taken.FACT,
        }  # fmt: skip
        assert choices.case.why == "each row has another one"

    def test_changed_are_written_again(self) -> None:
        found, choices = studied(tickets())
        other = changed(
            found, choices, zone="America/New_York", doubled_hour="earlier",
            taken={1: Taken.UNUSED, 5: Taken.UNUSED},
        )  # fmt: skip
        guessed = write(found, other, mapping_id="from-us", service="desk")
        mapping = mapping_of(guessed)
        assert [e["type"] for e in mapping["events"]] == ["created", "first_response", "resolved"]
        assert mapping["at"] == {"zone": "America/New_York", "doubled_hour": "earlier"}
        assert (mapping["id"], mapping["service"]) == ("from-us", "desk")
        assert "# Priority is left out." in guessed.mapping
        assert list(mapping["attributes"]) == ["due_date"]

    def test_close_no_list_where_other_files_follow(self) -> None:
        found, choices = studied(tickets())
        for others_follow in (False, True):
            data = YAML(typ="safe").load(write(found, choices, others_follow=others_follow).data)
            priority = data["attributes"][0]
            assert ("values" in priority) is not others_follow
            assert priority.get("optional", False) is others_follow

    def test_unchanged_are_as_they_were(self) -> None:
        found, choices = studied(tickets())
        kept = {column.place: column.taken for column in choices.columns}
        assert write(found, changed(found, choices, taken=kept)) == write(found, choices)

    def test_with_day_and_month_exchanged(self) -> None:
        rows = [(f"c{n % 4}", f"step {n % 3}", f"0{n % 9 + 1}/02/2026 09:00") for n in range(40)]
        found = study(looked(rows, ("case", "step", "at")))
        choices = choose(found)
        assert choices.taken_as(Taken.TIME)[0].format == "dd/MM/yyyy HH:mm"
        other = changed(found, choices, taken={}, is_swapped=True)
        assert mapping_of(write(found, other))["at"]["format"] == "MM/dd/yyyy HH:mm"
        same = changed(found, other, taken={})
        assert mapping_of(write(found, same))["at"]["format"] == "MM/dd/yyyy HH:mm"
        back = changed(found, same, taken={}, is_swapped=True)
        assert mapping_of(write(found, back))["at"]["format"] == "dd/MM/yyyy HH:mm"

    @pytest.mark.parametrize(
        ("taken", "where", "what"),
        [
            ({0: Taken.FACT}, "columns", "No column names the case"),
            ({1: Taken.CASE}, "column 1", "Several columns"),
            ({1: Taken.TIME}, "column 1", "not times"),
            (dict.fromkeys((2, 3, 4, 5), Taken.UNUSED), "columns", "when it happened"),
        ],
    )
    def test_that_cannot_be_are_refused_at_their_column(
        self, taken: dict[int, Taken], where: str, what: str
    ) -> None:
        found, choices = studied(tickets())
        with pytest.raises(Refusal, match=what) as refused:
            changed(found, choices, taken=taken)
        assert refused.value.mistakes[0].where == where

    def test_without_any_attribute_still_make_a_mapping(self, tmp_path: Path) -> None:
        path = tmp_path / "t.csv"
        path.write_text("id,at\nA1,2026-01-01 08:00\nA1,2026-01-02 08:00\n")
        found = study(look_at(path))
        guessed = write(found, choose(found))
        assert mapping_of(guessed)["attributes"] == {"origin": {"constant": "file"}}

    @given(st.text(max_size=30), st.text(max_size=30))
    def test_of_any_title_and_cell_are_yaml(self, title: str, cell: str) -> None:
        rows = [(f"c{n % 3}", f"2026-01-0{n}", cell, f"s{n % 2}") for n in range(1, 9)]
        found = study(looked(rows, ("case", "at", title or "x", "step")))
        guessed = write(found, choose(found))
        assert mapping_of(guessed)["case"] == {"column": "case"}
        YAML(typ="safe").load(guessed.data)


def test_day_and_month_are_exchanged_and_back() -> None:
    assert swapped("M/d/yyyy h:mm a") == "d/M/yyyy h:mm a"
    assert swapped("dd-MM-yyyy") == "MM-dd-yyyy"
    assert swapped("yyyy-MM-dd HH:mm") is None
    assert swapped("iso 8601") is None
