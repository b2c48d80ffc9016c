"""What is refused comes back as it was, cell by cell, in every format."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.row_files import HEADER, csv_bytes, opened, read, write_rows

from openbpo.delivery.intake.files.csv_rows import CsvFile
from openbpo.delivery.intake.files.model import FORMATS, Format
from openbpo.delivery.intake.files.rejects import RejectWriter
from openbpo.delivery.intake.files.returned import escaped, without_escape

NASTY = st.one_of(
    st.sampled_from(
        ["", " ", "=1+1", "+1", "-1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\tx", "\rx", "\nx",
         "'", "''",
         "'=1", "''=1", "'a", '"', '""', 'a"b', ",", ";", "a;b,c|d\te", "sep=;", "x\r\ny", "\u2028",
         "\x85", "\x0b", "\x1c", "é", "😀", "<a>&amp;", "_x0041_", "_x000D_", "0012", "1.50", "1e5",
         "TRUE", "null", "{}", "openbpo_line", "#N/A", "﻿", "＝1", " a ", "x" * 3_000]
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
    st.text(st.sampled_from("=+-@'\"\t\r\n,;|\\ a1"), max_size=12),
)  # fmt: skip
ROWS = st.lists(
    st.tuples(st.sampled_from(["c1", "c 2", "=c"]), NASTY, NASTY, NASTY).map(list),
    min_size=1, max_size=12,
)  # fmt: skip
XML_KNOWS = str.maketrans("", "", "\x0b\x1c\ufffe\uffff")


def known_to(form: Format, rows: list[list[str]]) -> list[list[str]]:
    """XML cannot hold some characters at all, not even escaped."""
    if form not in ("xes", "xlsx"):
        return rows
    return [[cell.translate(XML_KNOWS) for cell in row] for row in rows]


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=ROWS, reason=NASTY)
@example(rows=[["c1", "", "", ""]], reason="=x")
def test_rows_come_back_the_same(form: Format, rows: list[list[str]], reason: str) -> None:
    rows = known_to(form, rows)
    folder = Path(tempfile.mkdtemp())
    try:
        file = opened(write_rows(folder, form, rows), form)
        assert read(file) == rows
        for _ in range(3):
            path = folder / "again"
            with RejectWriter(file, path, replace=True) as rejects:
                for row in file.rows():
                    rejects.add(row, reason.translate(XML_KNOWS))
            file = opened(path.rename(folder / f"round-{_}"), form)
            assert read(file) == rows
            if form in ("csv", "xlsx"):
                assert list(file.header) == list(HEADER)
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_csv_file_keeps_its_dialect(tmp_path: Path, delimiter: str, encoding: str) -> None:
    rows = [["c1", "a;b", "x|y,z", "=1\t^\n"], ["c2", "", "é", "'"]]
    sep = f"sep={delimiter}\r\n" if delimiter == "^" else ""
    text = sep + csv_bytes(rows, delimiter=delimiter).decode()
    path = tmp_path / "log.csv"
    path.write_bytes(text.encode(encoding))
    named = "cp1252" if encoding == "cp1252" else "utf-8"
    file = opened(path, encoding=named)
    assert read(file) == rows
    with RejectWriter(file, tmp_path / "again.csv") as rejects:
        for row in file.rows():
            rejects.add(row, "≠ é")
    assert (tmp_path / "again.csv").read_bytes()[:3] == (
        {"utf-8-sig": b"\xef\xbb\xbf", "utf-16": b"\xff\xfe" + (b"s" if sep else b"o")}
        .get(encoding, b"sep" if sep else b"ope")
    )  # fmt: skip
    again = opened(tmp_path / "again.csv", encoding=named)
    assert isinstance(again, CsvFile)
    assert again.delimiter == delimiter
    assert read(again) == rows


@given(NASTY)
def test_an_escaped_cell_runs_nowhere_and_comes_back(cell: str) -> None:
    shown = escaped(cell)
    assert without_escape(shown) == cell
    begins: Sequence[str] = tuple("=@\t\r\n＝＠")
    assert not shown.startswith(tuple(begins))


def test_numbers_are_shown_as_they_are() -> None:
    assert [escaped(cell) for cell in ("-5", "+4,50", "-1.0", "-1-1")] == [
        "-5",
        "+4,50",
        "-1.0",
        "'-1-1",
    ]
