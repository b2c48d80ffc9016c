"""A first mapping of a file: what is found in its cells, and what is said of it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML
from tests.row_files import csv_bytes, write_rows

from openbpo.delivery.intake.files.looking import look_at
from openbpo.delivery.intake.files.model import FORMATS, Format
from openbpo.delivery.intake.guessing import Guess, guess, identifier, quoted
from openbpo.delivery.intake.time_guessing import guess_time
from openbpo.values.refusals import Refusal

CHAT = """Vorgang;Status;Geändert am;Priorität;Bearbeiter;Kunde;Leer
4711;Neu;24.10.2025 16:10;B;m.k;Kunde 12;
4711;In Arbeit;24.10.2025 16:40;B;m.k;Kunde 12;
4712;Neu;26.10.2025 02:30;A;;Kunde 3;
4711;Gelöst;27.10.2025 10:30;B;s.t;Kunde 12;
4712;Gelöst;27.10.2025 11:00;A;s.t;Kunde 3;
"""


def guessed(path: Path) -> tuple[Guess, dict[str, Any], dict[str, Any]]:
    """Return the guess, and its two texts as read."""
    found = guess(look_at(path))
    [mapping] = YAML(typ="safe").load(found.mapping)
    data = YAML(typ="safe").load(found.data)
    return found, mapping, {entry["id"]: entry for entry in data["attributes"]}


def written(tmp_path: Path, text: str | bytes, name: str = "log.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refuse_unlike_schema(found: Guess) -> None:
    for name, text in (("mapping", found.mapping), ("data", found.data)):
        schema = json.loads((files("openbpo.agreements.schemas") / f"{name}.json").read_text())
        jsonschema.validate(YAML(typ="safe").load(text), schema)


class TestTimes:
    @pytest.mark.parametrize(
        ("cells", "format_", "is_sure"),
        [
            (["2025-01-31 09:00:00"], "yyyy-MM-dd HH:mm:ss", True),
            (["2012/10/09 14:50:17.000"], "yyyy/MM/dd HH:mm:ss.SSS", True),
            (["2011-10-01T06:10:30.287000"], "yyyy-MM-dd'T'HH:mm:ss.SSSSSS", True),
            (["2011-10-01T00:38:44.546+02:00", "2011-12-01T00:38:44.546Z"],
             "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", True),
            (["2011-10-01T00:38:44-0300"], "yyyy-MM-dd'T'HH:mm:ssXX", True),
            (["24.10.2025 16:10", "1.10.2025 16:10"], "d.M.yyyy HH:mm", True),
            (["24.10.2025 9:10"], "dd.MM.yyyy H:mm", True),
            (["01/02/2025 9:10"], "dd/MM/yyyy H:mm", False),
            (["01/02/2025 9:10", "13/02/2025 9:10"], "dd/MM/yyyy H:mm", True),
            (["01/02/2025 9:10", "01/13/2025 9:10"], "MM/dd/yyyy H:mm", True),
            (["1/2/25 9:10", "1/13/25 9:10"], "M/d/yy H:mm", True),
            (["01-02-2025", "31-01-2025"], "dd-MM-yyyy", True),
            (["2025-01-31"], "yyyy-MM-dd", True),
            (["20250131", "20250201"], "yyyyMMdd", True),
            (["990101", "990131"], "yyMMdd", True),
            (["1735689600"], "epoch s", True),
            (["1735689600123"], "epoch ms", True),
        ],
    )  # fmt: skip
    def test_are_found(self, cells: Sequence[str], format_: str, is_sure: bool) -> None:
        found = guess_time(cells, is_named_so=True)
        assert found is not None
        assert (found.format, found.is_sure, found.misfits) == (format_, is_sure, ())

    def test_say_what_proves_the_order_of_day_and_month(self) -> None:
        proved = guess_time(["01/02/2025", "01/13/2025"], is_named_so=True)
        assert proved is not None
        assert proved.why == "01/13/2025 proves that it is not dd/MM/yyyy"
        open_ = guess_time(["01/02/2025"], is_named_so=True)
        assert open_ is not None
        assert open_.why == "no cell proves that it is not MM/dd/yyyy"

    @pytest.mark.parametrize(
        "cells",
        [["Case 1"], ["1.5"], ["2025-13-01"], ["30/02/2025"], ["13/13/2025"], ["0012"], [],
         ["2025-01-31", "x", "y"], ["31/01/2025", "01/31/2025"]],
    )  # fmt: skip
    def test_are_not_seen_where_there_are_none(self, cells: Sequence[str]) -> None:
        assert guess_time(cells, is_named_so=True) is None

    def test_of_bare_digits_need_a_title_that_says_so(self) -> None:
        for cells in (["20250131"], ["990101"], ["1735689600"]):
            assert guess_time(cells, is_named_so=False) is None

    def test_tell_the_few_that_are_written_otherwise(self) -> None:
        cells = [f"2025-01-{day:02} 09:00" for day in range(1, 31)] + ["unknown"]
        found = guess_time(cells, is_named_so=False)
        assert found is not None
        assert (found.format, found.misfits) == ("yyyy-MM-dd HH:mm", ("unknown",))


class TestGuess:
    def test_of_a_german_chat_desk(self, tmp_path: Path) -> None:
        found, mapping, data = guessed(written(tmp_path, CHAT))
        assert mapping["case"] == {"column": "Vorgang"}
        assert mapping["at"] == {
            "column": "Geändert am", "format": "dd.MM.yyyy HH:mm", "zone": "UTC",
            "doubled_hour": "refuse",
        }  # fmt: skip
        assert (mapping["delimiter"], mapping["encoding"]) == (";", "utf-8")
        assert mapping["attributes"] == {
            "activity": {"column": "Status"}, "prioritat": {"column": "Priorität"},
            "bearbeiter": {"column": "Bearbeiter"}, "kunde": {"column": "Kunde"},
        }  # fmt: skip
        assert "# Leer is empty in all these rows." in found.mapping
        assert data["kunde"]["class"] == "content"
        assert data["bearbeiter"]["optional"] is True
        assert data["prioritat"]["case_value"] == "first"
        assert "case_value" not in data["bearbeiter"]
        assert any("UTC is a guess" in sentence for sentence in found.to_check)
        refuse_unlike_schema(found)

    @pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
    def test_finds_the_encoding(self, encoding: str, tmp_path: Path) -> None:
        path = written(tmp_path, CHAT.encode(encoding))
        _, mapping, _ = guessed(path)
        assert mapping["encoding"] == encoding.removesuffix("-sig")
        assert mapping["at"]["column"] == "Geändert am"

    def test_finds_the_delimiter_also_in_quotes(self, tmp_path: Path) -> None:
        rows = [[f"c{n % 3}", "a,b,c", f"2025-01-01 09:0{n}", "x,y"] for n in range(9)]
        for delimiter in ",;\t|":
            text = csv_bytes(rows, delimiter=delimiter, quoting=1)
            assert guessed(written(tmp_path, text))[1]["delimiter"] == delimiter

    @pytest.mark.parametrize("form", FORMATS)
    def test_finds_the_format(self, form: Format, tmp_path: Path) -> None:
        rows = [[f"c{n // 3}", "ab"[n % 2], f"2025-01-01 09:{n:02}:00", ""] for n in range(30)]
        for packed in (False, True):
            path = write_rows(tmp_path, form, rows, packed=packed)
            _, mapping, _ = guessed(path)
            assert mapping["format"] == form
            assert mapping["case"] == {"column": "case:concept:name"}
            assert mapping["at"]["column"] == "time:timestamp"
            assert mapping["at"]["format"] == "yyyy-MM-dd HH:mm:ss"
            assert mapping["attributes"] == {"activity": {"column": "concept:name"}}
            assert ("encoding" in mapping) is (form == "csv")

    def test_tells_types_apart(self, tmp_path: Path) -> None:
        lines = ["id,at,step,done,amount,zip,due,level,note"]
        lines += [
            f"c{n % 20},2025-01-01 09:{n:02},s{n % 3},{'no' if n % 2 else 'yes'},{n}.5,"
            f"0{n:04},3{n % 2}/01/2025,{'ABC'[n % 3]},a long text that somebody wrote by hand {n}"
            for n in range(60)
        ]
        found, mapping, data = guessed(written(tmp_path, "\n".join(lines)))
        told = {name: (entry["type"], entry["class"]) for name, entry in data.items()}
        assert told == {
            "activity": ("string", "fact"), "done": ("boolean", "fact"),
            "amount": ("number", "fact"), "zip": ("string", "fact"), "due": ("date", "fact"),
            "level": ("string", "fact"), "note": ("string", "content"),
        }  # fmt: skip
        assert mapping["attributes"]["done"]["values"] == {"yes": "true", "no": "false"}
        assert mapping["attributes"]["due"]["format"] == "dd/MM/yyyy"
        assert data["level"]["values"] == ["A", "B", "C"]
        refuse_unlike_schema(found)

    def test_knows_titles_that_stand_twice(self, tmp_path: Path) -> None:
        lines = ["case,at,step,x,x,y"] + [
            f"{n % 3},2025-01-0{n},s{n % 2},{n},{-n},{n}" for n in range(1, 9)
        ]
        found, mapping, _ = guessed(written(tmp_path, "\n".join(lines)))
        assert mapping["attributes"]["x"] == {"column": "x", "occurrence": 1}
        assert mapping["attributes"]["x_2"] == {"column": "x", "occurrence": 2}
        assert '# "y" is the same as x in all these rows.' in found.mapping
        refuse_unlike_schema(found)

    @pytest.mark.parametrize(
        ("text", "what"),
        [
            ("a,b\n1,2\n", "No column was found whose cells are times"),
            ("at,on\n2025-01-01,2025-01-02\n", "No column was found that could name a case"),
            ("a,b\n", "There are no rows"),
            ("", "The file is empty"),
        ],
    )
    def test_refuses_what_cannot_be_guessed(self, text: str, what: str, tmp_path: Path) -> None:
        with pytest.raises(Refusal, match=what):
            guessed(written(tmp_path, text))


@pytest.mark.parametrize(
    ("title", "name"),
    [("Case ID", "case_id"), ("Geändert am", "geandert_am"), ("vru+line", "vru_line"),
     ("2nd", "column_2nd"),
     ("結果", "column"), ("concept:name", "concept_name"), ("OrderNumber", "order_number")],
)  # fmt: skip
def test_titles_become_identifiers(title: str, name: str) -> None:
    assert identifier(title) == name


@pytest.mark.parametrize(
    "text",
    ["Case ID", "no", "NULL", "a: b", "a #b", "a, b", "[x]", "{x}",
     "'", '"', "1", "08:30", "-", "=1",
     "é",
     "a:", " a", "a ", "@a", "ticket/no", "it's", "x]", "null", "~", "a\nb", "%", "vru+line"],
)  # fmt: skip
def test_texts_are_quoted_where_yaml_needs_it(text: str) -> None:
    for line in (f"{{a: {quoted(text)}, b: 1}}", f"a: {quoted(text)}", f"a: [{quoted(text)}]"):
        told = YAML(typ="safe").load(line)["a"]
        assert told in (text, [text])


class TestRealFiles:
    @pytest.fixture
    def data(self) -> Path:
        folder = os.environ.get("OPENBPO_DATA")
        if not folder:
            pytest.skip("OPENBPO_DATA does not name the real data")
        return Path(folder)

    def test_of_the_italian_help_desk(self, data: Path) -> None:
        found, mapping, attributes = guessed(data / "eventlog_helpdesk_italy/helpdesk.csv.gz")
        assert mapping["case"] == {"column": "Case ID"}
        assert mapping["at"]["column"] == "Complete Timestamp"
        assert mapping["at"]["format"] == "yyyy/MM/dd HH:mm:ss.SSS"
        assert mapping["attributes"]["activity"] == {"column": "Activity"}
        assert mapping["attributes"]["variant"] == {"column": "Variant", "occurrence": 1}
        assert "Variant (number 2) is the same" in found.mapping
        assert attributes["customer"]["class"] == "content"
        refuse_unlike_schema(found)

    def test_of_the_loan_applications(self, data: Path) -> None:
        found, mapping, attributes = guessed(data / "eventlog_bpic2012/bpic2012_3000cases.csv.gz")
        assert mapping["case"] == {"column": "caseid"}
        assert mapping["at"]["format"] == "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"
        assert list(mapping["attributes"]) == ["activity", "lifecycle", "user"]
        assert "values" not in attributes["lifecycle"]
        assert "    # COMPLETE, SCHEDULE, START\n" in found.data
        assert attributes["user"]["type"] == "string"
        refuse_unlike_schema(found)

    def test_of_the_call_centre(self, data: Path) -> None:
        found, mapping, attributes = guessed(data / "callcentre_anonymous_bank/january1999.tsv.gz")
        assert mapping["delimiter"] == "\t"
        assert mapping["case"] == {"column": "call_id"}
        assert mapping["at"]["columns"] == ["date", "vru_entry"]
        assert mapping["at"]["format"] == "yyMMdd H:mm:ss"
        assert mapping["attributes"]["activity"] == {"column": "outcome"}
        assert attributes["q_time"]["type"] == "number"
        assert attributes["customer_id"]["class"] == "content"
        assert any("ser_start" in sentence for sentence in found.to_check)


class TestWebPages:
    @pytest.mark.parametrize("text", ["<!DOCTYPE html>\n<html>", "\ufeff \n<html lang=en>"])
    def test_are_called_so(self, text: str, tmp_path: Path) -> None:
        with pytest.raises(Refusal, match="This is a web page"):
            look_at(written(tmp_path, text, "export.csv"))
