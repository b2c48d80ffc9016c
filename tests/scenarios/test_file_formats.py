"""Files in all formats are read whole, in bounded memory; bad ones are refused, or their rows."""

from __future__ import annotations

import errno
import gzip
import io
import os
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from tests.row_files import (
    HEADER,
    SUFFIX,
    csv_bytes,
    faults,
    opened,
    read,
    write_rows,
    xlsx_bytes,
)
from tests.support import REPOSITORY

from openbpo.delivery.intake.files import zip_bounds
from openbpo.delivery.intake.files.csv_rows import CsvFile
from openbpo.delivery.intake.files.model import FORMATS, Format
from openbpo.delivery.intake.files.rejects import RejectWriter, reject_path
from openbpo.delivery.intake.model import RowFile
from openbpo.values.refusals import Refusal, Unavailable

ROWS = [
    ["c1", "opened", "2025-01-01 09:00:00", 'a "note", one; with | all\tof it'],
    ["c1", "two\nlines", "2025-01-01 10:00:00", "é"],
    ["c2", "closed", "2025-01-02 09:00:00", ""],
]


def written(tmp_path: Path, content: str | bytes, name: str = "log.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refused(path: Path, form: Format = "csv", **more: Any) -> str:
    """Return what a file is refused with, at whatever place of it."""
    with pytest.raises(Refusal) as refusal:
        for _ in opened(path, form, **more).rows():
            pass
    (mistake,) = refusal.value.mistakes
    assert mistake.remedy
    assert len(str(mistake)) < 600
    return str(mistake)


@pytest.mark.parametrize("form", FORMATS)
class TestEveryFormat:
    def test_is_read_whole_plain_and_packed(self, form: Format, tmp_path: Path) -> None:
        plain = opened(write_rows(tmp_path, form, ROWS), form)
        packed = opened(write_rows(tmp_path, form, ROWS, packed=True), form)
        assert read(plain) == read(packed) == ROWS
        assert list(plain.header) == list(HEADER)
        assert plain.fingerprint == packed.fingerprint
        assert len(plain.fingerprint) == 32

    def test_is_read_again_from_its_beginning(self, form: Format, tmp_path: Path) -> None:
        file: RowFile = opened(write_rows(tmp_path, form, ROWS), form)
        first = list(file.rows())
        fingerprint = file.fingerprint
        next(iter(file.rows()))
        assert list(file.rows()) == first
        assert file.fingerprint == fingerprint

    def test_notices_that_it_changed(self, form: Format, tmp_path: Path) -> None:
        path = write_rows(tmp_path, form, ROWS)
        for change in (
            lambda: os.utime(path, ns=(1, 1)),
            lambda: path.write_bytes(path.read_bytes() + b"\n"),
            lambda: path.write_bytes(b""),
            path.unlink,
        ):
            write_rows(tmp_path, form, ROWS)
            file = opened(path, form)
            assert not file.changed()
            change()
            assert file.changed()

    def test_that_is_replaced_by_its_like_has_changed(self, form: Format, tmp_path: Path) -> None:
        path = write_rows(tmp_path, form, ROWS)
        file = opened(path, form)
        copy = tmp_path / "copy"
        copy.write_bytes(path.read_bytes())
        os.utime(copy, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
        copy.replace(path)
        assert file.changed()

    def test_may_be_empty_missing_a_folder_or_have_no_end(
        self, form: Format, tmp_path: Path
    ) -> None:
        name = f"log.{SUFFIX[form]}"
        if form != "json lines":
            assert "is empty" in refused(written(tmp_path, b"", name), form)
            assert "is empty" in refused(written(tmp_path, gzip.compress(b""), name), form)
        assert "No such file" in refused(tmp_path / "nowhere", form)
        assert "Is a directory" in refused(tmp_path, form)
        os.mkfifo(tmp_path / "pipe")
        for endless in (tmp_path / "pipe", Path("/dev/zero")):
            assert "may never end" in refused(endless, form)

    def test_packed_and_cut_off_is_refused(self, form: Format, tmp_path: Path) -> None:
        path = write_rows(tmp_path, form, ROWS, packed=True)
        content = path.read_bytes()
        for cut in (content[:-9], content[:2], content[:40] + b"\0" + content[41:]):
            path.write_bytes(cut)
            assert "damaged or cut off" in refused(path, form)

    def test_of_noise_is_refused(self, form: Format, tmp_path: Path) -> None:
        path = written(tmp_path, b"\x89PNG" + bytes(range(256)) * 40)
        if form == "json lines":
            assert "is not utf-8" in refused(path, form)
        else:
            assert refused(path, form)


class TestCsv:
    def test_with_a_line_that_names_its_delimiter(self, tmp_path: Path) -> None:
        for first in ("sep=^", "SEP=^", '"sep=^"'):
            path = written(tmp_path, f"{first}\r\n" + csv_bytes(ROWS, delimiter="^").decode())
            file = opened(path)
            assert read(file) == ROWS
            assert [row.line for row in file.rows()] == [3, 4, 6]

    @pytest.mark.parametrize(
        ("encoding", "named"),
        [("utf-8-sig", "cp1252"), ("utf-16", "utf-8"), ("utf-16", "utf-16"), ("utf-32", "utf-8"),
         ("utf-16-be", "utf-16-be"), ("cp1252", "cp1252"), ("latin-1", "iso-8859-1")],
    )  # fmt: skip
    def test_of_any_encoding(self, encoding: str, named: str, tmp_path: Path) -> None:
        path = written(tmp_path, csv_bytes(ROWS, encoding=encoding))
        assert read(opened(path, encoding=named)) == ROWS

    def test_of_an_encoding_that_there_is_not(self, tmp_path: Path) -> None:
        path = written(tmp_path, csv_bytes(ROWS))
        for name in ("utf-9", "base64", "hex"):
            assert "There is no encoding" in refused(path, encoding=name)

    def test_in_utf_16_without_a_mark_says_what_to_do(self, tmp_path: Path) -> None:
        path = written(tmp_path, csv_bytes([["c", "a", "b", "d"]], encoding="utf-16-le"))
        assert "utf-16" in refused(path)

    @pytest.mark.parametrize("rows_before", [1, 3_000])
    def test_that_changes_its_encoding_is_refused_at_the_line(
        self, rows_before: int, tmp_path: Path
    ) -> None:
        good = csv_bytes([["c", "a", "b", "ü"]] * rows_before)
        path = written(tmp_path, good + "c,a,b,ü\r\n".encode("cp1252") + b"c,a,b,d\r\n")
        assert f"log.csv:{rows_before + 2}: From here on the file is not utf-8" in refused(path)

    def test_with_titles_twice_keeps_both(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a,b,a\n1,2,3\n")
        file = opened(path, columns=["a"])
        assert list(file.header) == ["a", "b", "a"]
        assert read(file) == [["1", "2", "3"]]

    def test_of_a_spreadsheet_with_what_was_once_used(self, tmp_path: Path) -> None:
        path = written(tmp_path, "\r\n;;;\r\na;b;;;\n1;2;;;\n;;;;\n3;4\n5;;;;\n;;;;\n;;;;\n\n")
        file = opened(path, columns=["a", "b"])
        assert list(file.header) == ["a", "b"]
        assert read(file) == [["1", "2"], ["3", "4"], ["5", ""]]

    def test_whose_rows_have_faults_is_read_on(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a,b\n1\n2,3\n4,5,6\n7,8\0\n9,10\n11,12,\n")
        file = opened(path, columns=["a"])
        assert faults(file) == [
            (2, "The row has 1 cells, the header 2."),
            (4, "The row has 3 cells, the header 2."),
            (5, "A cell holds a NUL character."),
            (7, "The row has 3 cells, the header 2."),
        ]
        assert [list(r.cells) for r in file.rows() if not r.fault] == [["2", "3"], ["9", "10"]]

    @pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
    def test_with_any_line_end_numbers_its_lines(self, ends: str, tmp_path: Path) -> None:
        text = ends.join(["a,b", "1,2", '"x\ny",3', "", "4,5"])
        path = written(tmp_path, text)
        assert [(r.line, *r.cells) for r in opened(path, columns=["a"]).rows()] == [
            (2, "1", "2"), (3, "x\ny", "3"), (6, "4", "5"),
        ]  # fmt: skip

    def test_longer_than_a_block_loses_nothing(self, tmp_path: Path) -> None:
        rows = [[f"c{n}", "é" * (n % 700), "x\r\ny" * (n % 50), "😀"] for n in range(4_000)]
        assert read(opened(written(tmp_path, csv_bytes(rows)))) == rows
        path = written(tmp_path, csv_bytes(rows, encoding="utf-16"))
        assert read(opened(path)) == rows

    def test_with_a_quote_that_does_not_end_is_refused(self, tmp_path: Path) -> None:
        good = csv_bytes([["c", "a", "b", "d"]] * 3).decode()
        assert "unexpected end of data" in refused(written(tmp_path, good + 'c,a,b,"d\n'))
        far = good + 'c,a,b,"d\n' + "c,a,b,d\n" * 200_000
        assert "field larger than" in refused(written(tmp_path, far))
        many = good + 'c,a,b,"d\n' + '","\n' * 2_000_000
        assert "the row does not end" in refused(written(tmp_path, many))
        assert "This is not CSV" in refused(written(tmp_path, good + 'c,a,"b"x,d\n'))

    def test_that_is_a_workbook_is_said_to_be_one(self, tmp_path: Path) -> None:
        assert "a workbook" in refused(written(tmp_path, xlsx_bytes(ROWS)))


class TestWorkbooks:
    def test_tell_every_kind_of_value_as_text(self, tmp_path: Path) -> None:
        content = io.BytesIO()
        with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
            sheet = book.add_worksheet()
            form = {
                name: book.add_format({"num_format": name})
                for name in ("yyyy-mm-dd hh:mm:ss", "dd/mm/yyyy", "hh:mm", "[h]:mm:ss")
            }
            sheet.write_row(3, 0, ["number", "text", "whole"])
            sheet.write_row(5, 0, [0.1, "0012", 112])
            sheet.write_row(6, 0, [1e21, "=1+1", -3])
            sheet.write_row(7, 0, [True, "1.0", False])
            sheet.write_datetime(
                8, 0, datetime(2012, 10, 9, 14, 50, 17), form["yyyy-mm-dd hh:mm:ss"]
            )
            sheet.write_datetime(8, 1, date(2012, 10, 9), form["dd/mm/yyyy"])
            sheet.write_datetime(8, 2, time(7, 8, 9), form["hh:mm"])
            sheet.write_datetime(9, 0, timedelta(hours=36, seconds=5), form["[h]:mm:ss"])
            sheet.write_datetime(
                9, 1, datetime(2012, 10, 9, 14, 50, 17, 123_000), form["yyyy-mm-dd hh:mm:ss"]
            )
            sheet.write_formula(10, 0, "=1+1", value=3)
            sheet.write_formula(10, 1, '=HYPERLINK("http://x")', value="shown")
        file = opened(written(tmp_path, content.getvalue(), "log.xlsx"), "xlsx")
        assert list(file.header) == ["number", "text", "whole"]
        assert [(row.line, *row.cells) for row in file.rows()] == [
            (6, "0.1", "0012", "112"),
            (7, "1000000000000000000000", "0", "-3"),
            (8, "true", "1.0", "false"),
            (9, "2012-10-09 14:50:17", "2012-10-09 00:00:00", "07:08:09"),
            (10, "36:00:05", "2012-10-09 14:50:17.123", ""),
            (11, "3", "shown", ""),
        ]

    def test_are_read_by_the_sheet_that_is_named(self, tmp_path: Path) -> None:
        path = written(tmp_path, xlsx_bytes(ROWS, sheets=("First", "März")), "log.xlsx")
        assert read(opened(path, "xlsx", sheet="März")) == ROWS
        told = refused(path, "xlsx", sheet="Marz")
        assert "There is no sheet 'Marz'. Did you mean 'März'?" in told
        empty = written(tmp_path, xlsx_bytes([], header=()), "empty.xlsx")
        assert "The sheet 'Log' is empty" in refused(empty, "xlsx")

    def test_keep_the_types_of_refused_values(self, tmp_path: Path) -> None:
        rows = [
            [1.5, datetime(2025, 1, 2, 3, 4, 5), True, "=1"],
            [7, date(2025, 1, 2), False, "-1"],
        ]
        file = opened(written(tmp_path, xlsx_bytes(rows), "log.xlsx"), "xlsx")
        with RejectWriter(file, tmp_path / "again.xlsx") as rejects:
            for row in file.rows():
                rejects.add(row, "=why")
        again = opened(tmp_path / "again.xlsx", "xlsx")
        assert [(r.cells, r.raw) for r in again.rows()] == [(r.cells, r.raw) for r in file.rows()]
        with zipfile.ZipFile(tmp_path / "again.xlsx") as archive:
            assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
        assert {path.name for path in tmp_path.iterdir()} == {"log.xlsx", "again.xlsx"}

    def test_that_are_encrypted_old_or_broken_are_refused(self, tmp_path: Path) -> None:
        ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000)
        assert "encrypted, or in the format of before 2007" in refused(
            written(tmp_path, ole), "xlsx"
        )
        good = xlsx_bytes(ROWS)
        for cut in (good[:-100], good[: len(good) // 2], good[:30]):
            assert "damaged or cut off" in refused(written(tmp_path, cut), "xlsx")
        other = with_part(good, "mimetype", b"application/vnd.oasis", without="xl/workbook.xml")
        assert "not a workbook in the format .xlsx" in refused(written(tmp_path, other), "xlsx")
        bent = with_part(good, "xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row")
        assert refused(written(tmp_path, bent), "xlsx")

    def test_that_unpack_to_too_much_are_refused(self, tmp_path: Path) -> None:
        bomb = with_part(xlsx_bytes(ROWS), "xl/media/a.xml", bytes(80 << 20))
        assert "more than 200 times its size" in refused(written(tmp_path, bomb), "xlsx")

    def test_that_lie_about_it_are_refused_too(self, tmp_path: Path) -> None:
        bomb = bytearray(with_part(xlsx_bytes(ROWS), "xl/media/a.xml", bytes(80 << 20)))
        size = (80 << 20).to_bytes(4, "little")
        assert bomb.count(size) == 2  # in its own header and in the directory
        lying = bytes(bomb).replace(size, (1_000).to_bytes(4, "little"))
        assert "more than 200 times its size" in refused(written(tmp_path, lying), "xlsx")

    def test_that_hold_too_much_in_sum_are_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(zip_bounds, "MAX_BYTES", 20_000)
        grown = with_part(xlsx_bytes(ROWS), "xl/media/a.xml", os.urandom(20_000))
        assert "unpacks to more than" in refused(written(tmp_path, grown), "xlsx")

    @pytest.mark.parametrize(
        "cells",
        [
            '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"/></row>',
            "<row r='1'><c r='A1'><v>1</v></c></row><row r='1048576'><c r='XFD1048576'/></row>",
            '<x:row r="1"><x:c r="A1"/></x:row><x:row r="1048576"><x:c r="&#88;FD9999"/></x:row>',
            '<row r="1"><c r="A1"/></row><row r="1048575"/><row><c/>' + "<c/>" * 9_000 + "</row>",
        ],
    )
    def test_that_reach_over_a_huge_sheet_are_refused(self, cells: str, tmp_path: Path) -> None:
        sheet = f'<worksheet xmlns="m" xmlns:x="m"><sheetData>{cells}</sheetData></worksheet>'
        for encoding in ("utf-8", "utf-16"):
            bomb = with_part(xlsx_bytes(ROWS), "xl/worksheets/sheet1.xml", sheet.encode(encoding))
            told = refused(written(tmp_path, bomb), "xlsx")
            assert "A sheet reaches over" in told
            assert "Delete the empty rows" in told

    def test_may_have_a_dtd_nowhere(self, tmp_path: Path) -> None:
        sheet = b'<!DOCTYPE x [<!ENTITY a "b">]><x:worksheet xmlns:x="m"><x:c/></x:worksheet>'
        bent = with_part(xlsx_bytes(ROWS), "xl/worksheets/sheet1.xml", sheet)
        assert refused(written(tmp_path, bent), "xlsx")

    def test_may_have_a_sheet_written_in_another_way(self, tmp_path: Path) -> None:
        content = xlsx_bytes(ROWS)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sheet = archive.read("xl/worksheets/sheet1.xml")
        other = re.sub(rb'<c r="([A-Z0-9]+)"', rb"<c  r='\1'", sheet)
        assert other != sheet
        bent = with_part(content, "xl/worksheets/sheet1.xml", other)
        assert read(opened(written(tmp_path, bent), "xlsx")) == ROWS


def with_part(content: bytes, name: str, part: bytes, without: str = "") -> bytes:
    """Return a workbook with one part put in or exchanged."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as archive,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as other,
    ):
        for entry in archive.namelist():
            if entry not in (name, without):
                other.writestr(entry, archive.read(entry))
        other.writestr(name, part)
    return made.getvalue()


class TestJsonLines:
    def test_tell_nested_keys_and_numbers_as_they_are(self, tmp_path: Path) -> None:
        line = (
            '{"a": {"b": 1.50, "c": {"d": "x"}}, "n": 12345678901234567890, "e": -1E+5, "t": true,'
            ' "z": null, "l": [1.0, {"k": false}], "dotted.key": "top",'
            ' "u": "\\u00fc\\ud83d\\ude00"}'
        )
        columns = (
            "a.b",
            "a.c.d",
            "n",
            "e",
            "t",
            "z",
            "l",
            "dotted.key",
            "u",
            "a.x",
            "none",
            "a.b.c",
        )
        file = opened(written(tmp_path, f"\n{line}\r\n  \n"), "json lines", columns)
        assert read(file) == [[
            "1.50", "x", "12345678901234567890", "-1E+5", "true", "", '[1.0,{"k":false}]', "top",
            "ü😀", "", "", "",
        ]]  # fmt: skip
        assert [row.line for row in file.rows()] == [2]
        assert read(opened(written(tmp_path, line), "json lines", ["b"], record="a")) == [["1.50"]]

    def test_have_a_fault_for_each_bad_line(self, tmp_path: Path) -> None:
        deep = "[" * 100_000
        lines = [
            '{"a": 1}', '{"a": 1', "[1]", '"a"', '{"a": NaN}', '{"a": 1, "a": 2}',
            '{"a": "\\ud800"}',
            '{"a": "x\\u0000"}', f'{{"a": {deep}', '{"a": 1} x', "nonsense", '{"a": "\t"}',
        ]  # fmt: skip
        file = opened(written(tmp_path, "\n".join(lines)), "json lines", ["a"])
        found = faults(file)
        assert [line for line, _ in found] == list(range(2, 13))
        assert all(len(what) < 300 for _, what in found)
        assert "the key 'a' stands twice" in found[4][1]
        assert "nested too deep" in found[7][1]
        with RejectWriter(file, tmp_path / "again.jsonl") as rejects:
            for row in file.rows():
                rejects.add(row, "why")
        again = opened(tmp_path / "again.jsonl", "json lines", ["a"])
        assert [row.raw for row in again.rows()] == [row.raw for row in file.rows()]
        assert [row.fault for row in again.rows()] == [row.fault for row in file.rows()]

    def test_that_are_one_array_are_refused(self, tmp_path: Path) -> None:
        assert "one JSON array" in refused(written(tmp_path, '[\n{"a": 1}]'), "json lines")

    def test_mended_under_their_reason_are_taken(self, tmp_path: Path) -> None:
        line = (
            '{"openbpo_line": 3, "openbpo_reason": "bad, \\"very\\"",'
            ' "openbpo_text": "{\\"a\\": 2}"}'
        )
        path = written(
            tmp_path, f'{line.replace(": ", ":")}\n{{"openbpo_line":4,"openbpo_reason":"x"}}'
        )
        assert read(opened(path, "json lines", ["a"])) == [["2"], [""]]


class TestXes:
    def test_tells_traces_and_nested_attributes(self, tmp_path: Path) -> None:
        text = """<?xml version='1.0'?><log xmlns="http://www.xes-standard.org/">
          <string key="concept:name" value="the log"/>
          <event><string key="a" value="loose"/></event>
          <trace><string key="concept:name" value="t1"><string key="in" value="deep"/></string>
            <event>
              <string key="concept:name" value="A &amp; B&#10;"><int key="n" value="1"/></string>
              <list key="l"><values><string key="x" value="1"/><string key="x" value="2"/></values>
              </list></event></trace>
          <trace><event><string key="a" value="1"/></event></trace></log>"""
        columns = (
            "case:concept:name",
            "case:concept:name.in",
            "concept:name",
            "concept:name.n",
            "l.x",
            "a",
        )
        file = opened(written(tmp_path, text), "xes", columns)
        assert [(row.line, *row.cells) for row in file.rows()] == [
            (3, "", "", "", "", "", "loose"),
            (5, "t1", "deep", "A & B\n", "1", "2", ""),
            (9, "", "", "", "", "", "1"),
        ]
        with RejectWriter(file, tmp_path / "again.xes") as rejects:
            for row in file.rows():
                rejects.add(row, 'why "so"')
        again = opened(tmp_path / "again.xes", "xes", columns)
        assert read(again) == read(file)
        text = (tmp_path / "again.xes").read_text()
        assert text.count('<int key="openbpo_line"') == 3
        assert "the log" in text

    @pytest.mark.parametrize(
        ("text", "what"),
        [
            ('<!DOCTYPE log [<!ENTITY a "b">]>\n<log/>', ":1: The file has a DTD or an entity"),
            ('<!DOCTYPE log SYSTEM "http://x/y.dtd">\n<log/>', ":1: The file has a DTD"),
            ('<log>\n<trace><event><int key="a" value="&b;"/>', ":2: This is not XML: undefined"),
            ("<log>\n<trace>\n<event>", ":3: This is not XML: no element found"),
            ("<html>\n</html>", ":1: This is XML, but not XES: it begins with <html>"),
            ("<log>" + "<list key='a'>" * 40, "within each other"),
            ("<log><trace><event>" + "<int key='a' value='1'/>" * 10_002, "more than 10,000"),
            ("<log><trace>\n<event/><int key='a' value='1'/>", ":2: An attribute of a trace"),
            ("<log><trace><event>\n<string key='a' value='" + "x" * 5_000_000, "larger than 4 MB"),
            ("<log><!--" + "x" * 5_000_000, "larger than 4 MB"),
            ("<log>\n<trace>\n\xff", "not well-formed"),
        ],
    )  # fmt: skip
    def test_of_evil_is_refused_by_line(self, text: str, what: str, tmp_path: Path) -> None:
        assert what in refused(written(tmp_path, text.encode("latin-1"), "log.xes"), "xes")

    def test_with_a_key_twice_has_a_fault_there(self, tmp_path: Path) -> None:
        event = '<event><int key="a" value="1"/><int key="a" value="2"/></event>'
        text = f"<log><trace>\n{event}\n<event/></trace></log>"
        assert faults(opened(written(tmp_path, text), "xes", ["a"])) == [
            (2, "The key 'a' stands twice in one trace or event.")
        ]


class TestRejects:
    def test_make_no_file_where_nothing_is_refused(self, tmp_path: Path) -> None:
        file = opened(write_rows(tmp_path, "csv", ROWS))
        with RejectWriter(file, tmp_path / "again.csv") as rejects:
            assert rejects.finish() is None
        assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]

    def test_read_as_a_person_would_want_them(self, tmp_path: Path) -> None:
        file = opened(written(tmp_path, "a;b\n1;x\n2\n=3;é\n"), columns=["a"])
        path = reject_path(tmp_path / "log.csv.gz")
        with RejectWriter(file, path) as rejects:
            for row in file.rows():
                if row.line > 2:
                    rejects.add(row, row.fault.what if row.fault else "It; is bad.")
        assert path.name == "log.refused.csv"
        assert path.read_text(encoding="utf-8") == (
            "openbpo_line;openbpo_reason;a;b\n3;The row has 1 cells, the header 2.;2\n"
            '4;"It; is bad.";\'=3;é\n'
        )
        again = opened(path, columns=["a"])
        assert faults(again) == [(2, "The row has 1 cells, the header 2.")]
        assert [list(row.cells) for row in again.rows()][1] == ["=3", "é"]

    @pytest.mark.parametrize("form", FORMATS)
    def test_leave_nothing_after_an_exception(self, form: Format, tmp_path: Path) -> None:
        file = opened(write_rows(tmp_path, form, ROWS), form)

        def write() -> None:
            with RejectWriter(file, tmp_path / "again") as rejects:
                for row in file.rows():
                    rejects.add(row, "x")
                raise KeyError

        with pytest.raises(KeyError):
            write()
        assert len(list(tmp_path.iterdir())) == 1

    def test_never_take_the_place_of_what_somebody_mends(self, tmp_path: Path) -> None:
        file = opened(write_rows(tmp_path, "csv", ROWS))
        path = written(tmp_path, "mended", "again.csv")
        with pytest.raises(Refusal, match="somebody may be mending"):
            RejectWriter(file, path)
        path.unlink()
        rejects = RejectWriter(file, path)
        rejects.add(next(file.rows()), "x")
        path.write_text("mended")
        with pytest.raises(Refusal, match="somebody may be mending"):
            rejects.finish()
        assert path.read_text() == "mended"
        with RejectWriter(file, path, replace=True) as rejects:
            rejects.add(next(file.rows()), "x")
        assert "openbpo_line" in path.read_text()
        assert len(list(tmp_path.iterdir())) == 2

    def test_are_refused_a_folder_that_cannot_be_written_before_anything(
        self, tmp_path: Path
    ) -> None:
        file = opened(write_rows(tmp_path, "csv", ROWS))
        for folder in (tmp_path / "nowhere", tmp_path / "log.csv", Path("/proc")):
            with pytest.raises(Refusal, match="cannot be written") as refusal:
                RejectWriter(file, folder / "again.csv")
            assert str(folder / "again.csv") in str(refusal.value)

    @pytest.mark.parametrize("form", FORMATS)
    def test_on_a_full_disk_name_the_file_and_leave_nothing(
        self, form: Format, tmp_path: Path
    ) -> None:
        write_rows(tmp_path, form, ROWS)
        ran = run_limited(
            f"""
            import resource
            from tests.row_files import opened
            from openbpo.delivery.intake.files.rejects import RejectWriter
            from openbpo.values.refusals import Unavailable
            file = opened(Path({str(tmp_path)!r}) / "log.{SUFFIX[form]}", {form!r})
            row = next(iter(file.rows()))
            resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
            try:
                with RejectWriter(file, Path({str(tmp_path)!r}) / "again") as rejects:
                    for n in range(20_000):
                        rejects.add(row, f"reason {{n * 7919}}")
            except Unavailable as refusal:
                print(refusal)
            """
        )
        assert "again: The refused rows cannot be written: File too large. Make room" in ran
        assert [path.name for path in tmp_path.iterdir()] == [f"log.{SUFFIX[form]}"]

    def test_know_a_full_disk_from_a_closed_folder(self) -> None:
        writer = RejectWriter.__new__(RejectWriter)
        writer.path = Path("x")
        assert isinstance(writer._refusal(OSError(errno.ENOSPC, "No space")), Unavailable)
        assert not isinstance(writer._refusal(OSError(errno.EACCES, "No")), Unavailable)


def run_limited(code: str) -> str:
    """Run code in a process of its own; return what it prints."""
    lines = code.strip("\n").splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip())
    text = "from pathlib import Path\n" + "\n".join(line[indent:] for line in lines)
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", text],
        capture_output=True, text=True, cwd=REPOSITORY, timeout=300, env=os.environ,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert not ran.stderr, ran.stderr
    return ran.stdout


def grown_mb(path: Path, form: Format, **more: Any) -> tuple[float, str]:
    """Return by how many MB a process grows while it reads a file, and what it is refused with."""
    told = run_limited(
        f"""
        import resource
        from tests.row_files import opened, write_rows
        from openbpo.values.refusals import Refusal
        from openbpo.delivery.intake.files.opening import open_rows
        small = Path({str(path.parent / "small")!r})
        small.mkdir()
        for _ in opened(write_rows(small, {form!r}, [["a", "b", "c", "d"]] * 9), {form!r}).rows():
            pass
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        said, rows, bad = "", 0, 0
        try:
            for row in opened(Path({str(path)!r}), {form!r}, **{more!r}).rows():
                rows += 1
                bad += row.fault is not None
        except Refusal as refusal:
            said = str(refusal)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print((after - before) / 1024, rows, bad, said)
        """
    )
    number, _, said = told.partition(" ")
    return float(number), said


ONE_MB = 1 << 20


class TestMemory:
    def big(self, path: Path, begin: bytes, row: bytes, end: bytes, megabytes: int) -> Path:
        block = row * (ONE_MB // len(row))
        with path.open("wb") as file:
            file.write(begin)
            for _ in range(megabytes):
                file.write(block)
            file.write(end)
        return path

    @pytest.mark.parametrize(
        ("form", "begin", "row", "end", "bad"),
        [
            ("csv", csv_bytes([]), b"c1,opened,2025-01-01 09:00:00,some note\n", b"bad\n", 1),
            ("json lines", b"", b'{"concept:name":"opened","note":"some note"}\n', b"bad\n", 1),
            ("xes", b"<log><trace>", b'<event><string key="note" value="x"/></event>\n',
             b'<event><int key="a" value="1"/><int key="a" value="1"/></event></trace></log>', 1),
        ],
    )  # fmt: skip
    def test_does_not_grow_with_a_file_whose_last_row_is_bad(
        self, form: Format, begin: bytes, row: bytes, end: bytes, bad: int, tmp_path: Path
    ) -> None:
        path = self.big(tmp_path / "log", begin, row, end, 45)
        grown, said = grown_mb(path, form)
        rows, found = said.split()[:2]
        assert int(rows) > 800_000
        assert int(found) == bad
        assert grown < 8

    @pytest.mark.parametrize("form", ["csv", "json lines", "xes"])
    def test_does_not_grow_with_a_line_without_end(self, form: Format, tmp_path: Path) -> None:
        begin = {"csv": csv_bytes([]), "json lines": b'{"a": "', "xes": b'<log><trace id="'}[form]
        path = self.big(tmp_path / "log", begin, b"x" * ONE_MB, b"", 300)
        grown, said = grown_mb(path, form)
        assert re.search(r"more than 2,000,000 characters|larger than 4 MB", said)
        assert grown < 40

    @pytest.mark.parametrize(
        ("form", "fill"),
        [("csv", b"\0"), ("csv", b",,,\n"), ("json lines", b"\n"), ("xes", b"\n")],
    )
    def test_does_not_grow_with_a_gzip_bomb(
        self, form: Format, fill: bytes, tmp_path: Path
    ) -> None:
        begin = {"csv": csv_bytes([]), "json lines": b"", "xes": b"<log>"}[form]
        packed = gzip.compress(fill * (ONE_MB // len(fill)))
        path = tmp_path / "log.gz"
        path.write_bytes(gzip.compress(begin) + packed * 90)
        grown, said = grown_mb(path, form)
        assert re.search(r"500 times|2,000,000 characters|not well-formed|larger than 4", said)
        assert grown < 40

    def test_of_a_workbook_is_bounded_by_its_cells(self, tmp_path: Path) -> None:
        rows = [["c1", f"opened {n}", "2025-01-01 09:00:00", n] for n in range(60_000)]
        path = written(tmp_path, xlsx_bytes(rows), "log.xlsx")
        grown, said = grown_mb(path, "xlsx")
        assert said.startswith("60000 0")
        assert grown < 120


class TestRealFiles:
    @pytest.fixture
    def data(self) -> Path:
        folder = os.environ.get("OPENBPO_DATA")
        if not folder:
            pytest.skip("OPENBPO_DATA does not name the real data")
        return Path(folder)

    @pytest.mark.parametrize(
        ("name", "columns", "rows", "width"),
        [
            ("callcentre_anonymous_bank/january1999.tsv.gz", ["vru+line", "outcome"], 31_599, 17),
            ("eventlog_bpic2012/bpic2012_3000cases.csv.gz", ["caseid"], 60_018, 5),
            ("eventlog_helpdesk_italy/helpdesk.csv.gz", ["Case ID"], 21_348, 16),
        ],
    )
    def test_are_read_whole(
        self, data: Path, name: str, columns: Sequence[str], rows: int, width: int, tmp_path: Path
    ) -> None:
        file = opened(data / name, columns=columns)
        assert isinstance(file, CsvFile)
        cells = read(file)
        assert (len(cells), {len(row) for row in cells}) == (rows, {width})
        with RejectWriter(file, tmp_path / "again.csv") as rejects:
            for row in file.rows():
                rejects.add(row, "why")
        assert read(opened(tmp_path / "again.csv", columns=columns)) == cells


def test_a_file_that_grows_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = write_rows(tmp_path, "csv", ROWS * 10_000)
    file = opened(path)
    stop = threading.Event()

    def grow() -> None:
        with path.open("ab") as more:
            while not stop.wait(0.001):
                more.write(b"c9,x,y,z\r\n")
                more.flush()

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        for _ in file.rows():
            pass
    finally:
        stop.set()
        thread.join()
    assert file.changed()
