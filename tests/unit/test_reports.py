"""Reports as people make them: read whatever their dress, or refused by cell with a remedy."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from tests import telephone
from tests.reconciling import Keeper, terms_of, usual_month, write

from openbpo.agreements.model import Agreement
from openbpo.evidence.reconciling.model import (
    Report,
    ToldCase,
    ToldLine,
    ToldMeasure,
    ToldShare,
    ToldTime,
)
from openbpo.evidence.reconciling.reports import period_of_report, read_report
from openbpo.evidence.reconciling.templates import Table, tables, write_report
from openbpo.values.durations import HOUR_US, MINUTE_US, SECOND_US
from openbpo.values.money import Money
from openbpo.values.refusals import Refusal

MONTH = "2025-11"
STANDARD = "resolve-standard"


@pytest.fixture(scope="module")
def agreement() -> Agreement:
    return terms_of().agreement


def csv(folder: Path, *lines: str, name: str = "report.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def workbook(
    folder: Path, sheets: dict[str, Sequence[Sequence[Any]]], *, at: tuple[int, int] = (0, 0)
) -> Path:
    path = folder / "report.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for row, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    if isinstance(cell, str) and cell.startswith("{="):
                        sheet.write_formula(at[0] + row, at[1] + column, cell[1:], None, 7)
                    elif cell is not None:
                        sheet.write(at[0] + row, at[1] + column, cell)
    return path


def told(path: Path, agreement: Agreement) -> Report:
    return read_report(path, agreement, MONTH)


def refused(path: Path, agreement: Agreement) -> str:
    with pytest.raises(Refusal) as caught:
        told(path, agreement)
    for mistake in caught.value.mistakes:
        assert mistake.remedy
        assert path.name in mistake.where
    return str(caught.value)


class TestTheTemplate:
    def test_is_read_as_it_was_written(self, tmp_path: Path) -> None:
        ours = usual_month()
        path = tmp_path / "t.xlsx"
        rows = write_report(path, tables(ours))
        report = told(path, ours.terms.agreement)
        keeper = Keeper(ours)
        assert sum(map(len, report.measured.values())) == len(keeper.rows)
        assert sum(map(len, report.charged.values())) == len(keeper.charged)
        assert rows == len(keeper.rows) + len(keeper.charged) + len(report.measures) + len(
            report.lines
        ) + len(report.sums)
        assert period_of_report(path) == MONTH

    def test_writes_text_as_text(self, tmp_path: Path, agreement: Agreement) -> None:
        cases = [(MONTH, "=1+1", STANDARD, "yes", None, None), (MONTH, "0012", STANDARD, "no")]
        header = ("period", "case", "measure", "within", "counted", "charge")
        write(tmp_path / "t.xlsx", [Table("cases", header, cases)])
        report = told(tmp_path / "t.xlsx", agreement)
        assert set(report.measured[STANDARD]) == {"=1+1", "0012"}

    def test_replaces_no_file(self, tmp_path: Path) -> None:
        write_report(tmp_path / "t.xlsx", [])
        before = (tmp_path / "t.xlsx").read_bytes()
        for path in (tmp_path / "t.xlsx", tmp_path / "t.csv", tmp_path / "none" / "t.xlsx"):
            with pytest.raises(Refusal):
                write_report(path, [])
        assert (tmp_path / "t.xlsx").read_bytes() == before
        assert [one.name for one in tmp_path.iterdir()] == ["t.xlsx"]


class TestAReport:
    def test_is_read_by_its_titles(self, tmp_path: Path, agreement: Agreement) -> None:
        path = csv(
            tmp_path,
            "Remarks;WITHIN; Case ;Measure;Counted Minutes",
            "fine;Yes;Case 1;resolve-standard;90.5",
            ";n;Case 2;resolve-standard;",
        )
        time = ToldTime(Fraction(90 * MINUTE_US + 30 * SECOND_US), Fraction(MINUTE_US, 10))
        assert told(path, agreement).measured == {
            STANDARD: {"Case 1": ToldCase(True, time), "Case 2": ToldCase(False, None)}
        }

    def test_is_the_same_as_a_workbook(self, tmp_path: Path, agreement: Agreement) -> None:
        rows: list[list[Any]] = [
            ["figure", "numerator", "denominator", "share", "quantity", "each", "amount"],
            [STANDARD, 10, 12, None, None, None, None],
            ["resolve-basic", None, None, "83.3 %", None, None, None],
            ["tickets-closed", None, None, None, 3, 38, 114.5],
            ["VAT", None, None, None, None, None, 25.19],
            ["total", None, None, None, None, None, "139.69 EUR"],
        ]
        lines = [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
        plain, book = csv(tmp_path, *lines), workbook(tmp_path, {"Any": rows})
        first, second = told(plain, agreement), told(book, agreement)
        assert (first.measures, first.lines, first.sums) == (
            second.measures, second.lines, second.sums,
        )  # fmt: skip
        assert first.measures[STANDARD] == ToldMeasure(numerator=10, denominator=12)
        amount = Money.parse("114.50 EUR")
        line = ToldLine(quantity=3, each=Money.parse("38.00 EUR"), amount=amount)
        assert first.lines["tickets-closed"] == line
        assert first.sums["tax"] == Money.parse("25.19 EUR")

    def test_may_stand_in_several_sheets(self, tmp_path: Path, agreement: Agreement) -> None:
        path = workbook(
            tmp_path,
            {
                "Cover": [["Dear client"], ["see the next sheets"]],
                "Sums": [["figure", "amount"], ["total", 5]],
                "Cases": [["case", "charge"], ["A", "tickets-closed"]],
                "Empty": [],
            },
        )
        report = told(path, agreement)
        assert report.sums == {"total": Money.parse("5.00 EUR")}
        assert report.charged == {"tickets-closed": frozenset({"A"})}
        assert report.notes == (
            "The sheet 'Cover' has no column `case` or `figure`, and was passed over.",
            "The sheet 'Empty' is empty.",
        )

    def test_of_other_periods_is_passed_over(self, tmp_path: Path, agreement: Agreement) -> None:
        path = csv(tmp_path, "period,figure,amount", "2025-10,total,7", "2025-11,total,8")
        report = told(path, agreement)
        assert report.sums == {"total": Money.parse("8.00 EUR")}
        assert report.notes == ("Rows of other periods, 1 of them, were passed over.",)
        with pytest.raises(Refusal, match="2025-10, 2025-11"):
            period_of_report(path)

    @pytest.mark.parametrize(
        ("text", "share", "step"),
        [
            ("95.3 %", "953/1000", "1/1000"),
            ("0.953", "953/1000", "1/1000"),
            ("95%", "0.95", "0.01"),
        ],
    )
    def test_tells_shares_with_their_precision(
        self, text: str, share: str, step: str, tmp_path: Path, agreement: Agreement
    ) -> None:
        path = csv(tmp_path, "figure,share", f"{STANDARD},{text}")
        found = told(path, agreement).measures[STANDARD].share
        assert found == ToldShare(Fraction(share), Fraction(step))

    def test_names_its_period_as_a_spreadsheet_makes_it(self, tmp_path: Path) -> None:
        path = csv(tmp_path, "period,figure,amount", "2025-11-01 00:00:00,total,7")
        assert period_of_report(path) == MONTH

    def test_tells_no_time_more_precisely_than_its_column(
        self, tmp_path: Path, agreement: Agreement
    ) -> None:
        path = csv(
            tmp_path,
            "case,measure,within,counted",
            "A,resolve-standard,yes,96",
            "B,resolve-standard,yes,96.25",
        )
        cases = told(path, agreement).measured[STANDARD]
        assert cases["A"].counted == ToldTime(Fraction(96 * HOUR_US), Fraction(HOUR_US, 100))

    @pytest.mark.parametrize(
        ("text", "us"),
        [
            ("96 h 30 min", 96 * HOUR_US + 30 * MINUTE_US),
            ("96:30", 96 * HOUR_US + 30 * MINUTE_US),
            ("96:30:15", 96 * HOUR_US + 30 * MINUTE_US + 15 * SECOND_US),
            ("96.5", 96 * HOUR_US + 30 * MINUTE_US),
            ("0 s", 0),
        ],
    )
    def test_tells_times_in_many_ways(
        self, text: str, us: int, tmp_path: Path, agreement: Agreement
    ) -> None:
        path = csv(tmp_path, "case,measure,within,counted", f"A,{STANDARD},yes,{text}")
        counted = told(path, agreement).measured[STANDARD]["A"].counted
        assert counted is not None
        assert counted.told_us == us

    def test_may_hold_what_binary_numbers_leave(self, tmp_path: Path, agreement: Agreement) -> None:
        rows: list[list[Any]] = [["figure", "amount"], ["total", 0.1 + 0.2]]
        report = told(workbook(tmp_path, {"S": rows}), agreement)
        assert report.sums["total"] == Money.parse("0.30 EUR")

    def test_may_hold_lines_that_no_agreement_has(
        self, tmp_path: Path, agreement: Agreement
    ) -> None:
        path = csv(tmp_path, "figure,amount", "other: express fee,12.00", "Other: gift,-1")
        assert told(path, agreement).others == {
            "other: express fee": Money.parse("12.00 EUR"),
            "Other: gift": Money.parse("-1.00 EUR"),
        }


HEAD = "case,measure,charge,within,counted,counted_minutes,figure,numerator,denominator,share,"
HEAD += "quantity,each,amount"


def row(**cells: str) -> str:
    return ",".join(cells.get(name, "") for name in HEAD.split(","))


class TestAMistake:
    @pytest.mark.parametrize(
        ("cells", "column", "what"),
        [
            ({"case": "A", "measure": "resolve-standrad", "within": "yes"}, "measure", "Did you"),
            ({"case": "A", "charge": "tickets"}, "charge", "There is no charge"),
            ({"case": "A", "measure": STANDARD, "within": "maybe"}, "within", "neither yes nor"),
            ({"case": "A", "measure": STANDARD}, "within", "does not say"),
            ({"case": "A", "within": "yes"}, "case", "in which measure or charge"),
            ({"case": "A", "charge": "tickets-closed", "within": "no"}, "within", "Only a case"),
            ({"case": "A", "charge": "tickets-closed", "amount": "3"}, "amount", "no such number"),
            ({"case": "A", "figure": "total", "amount": "3"}, "figure", "not both"),
            ({"amount": "3"}, "amount", "neither a case nor a figure"),
            ({"figure": "totl", "amount": "3"}, "figure", "no figure 'totl'"),
            ({"figure": "total"}, "amount", "Nothing is told"),
            ({"figure": "total", "amount": "1,234.00"}, "amount", None),
            ({"figure": "total", "amount": "12 USD"}, "amount", "is in EUR"),
            ({"figure": "total", "amount": "1e3"}, "amount", "is no number"),
            ({"figure": "total", "amount": "9" * 41}, "amount", "is no number"),
            ({"figure": "credits", "amount": "-5"}, "amount", "below zero"),
            ({"figure": "total", "quantity": "3", "amount": "1"}, "quantity", "has no quantity"),
            ({"figure": STANDARD, "numerator": "7.5"}, "numerator", "no whole number"),
            ({"figure": STANDARD, "numerator": "9", "denominator": "8"}, "numerator", "more than"),
            ({"figure": STANDARD, "share": "95"}, "share", "no share of 0 to 100"),
            ({"figure": STANDARD, "share": "101 %"}, "share", "no share of 0 to 100"),
            ({"figure": STANDARD, "amount": "5"}, "amount", "has no amount"),
            ({"figure": "monthly-minimum", "quantity": "5"}, "quantity", "has no quantity"),
            ({"figure": "total", "amount": "=SUM(A1:A9)"}, "amount", "holds a formula"),
            ({"case": "A", "measure": STANDARD, "within": "no", "counted": "x h"}, "counted",
             "is no"),
            ({"case": "A", "measure": STANDARD, "within": "no", "counted": "-4"}, "counted",
             "below zero"),
            ({"case": "A", "measure": STANDARD, "within": "no", "counted": "4",
              "counted_minutes": "240"}, "counted_minutes", "told twice"),
        ],
    )  # fmt: skip
    def test_is_named_by_its_cell(
        self,
        cells: dict[str, str],
        column: str,
        what: str | None,
        tmp_path: Path,
        agreement: Agreement,
    ) -> None:
        fine = row(figure="fees", amount="5")
        said = refused(csv(tmp_path, HEAD, fine, row(**cells)), agreement)
        if what is not None:
            assert f"report.csv:3, column {column}: " in said
            assert what in said
        else:  # a comma too many is a row with too many cells
            assert "report.csv:3: " in said

    def test_is_told_with_all_others(self, tmp_path: Path, agreement: Agreement) -> None:
        rows = [row(case=f"C{n}", measure="nothing", within="perhaps") for n in range(30)]
        said = refused(csv(tmp_path, HEAD, *rows), agreement)
        assert len(said.splitlines()) == 51
        assert "10 more cells are wrong" in said
        assert "report.csv:2, column measure" in said
        rows += [row(case=f"D{n}", measure="nothing", within="perhaps") for n in range(50)]
        assert "110 more cells are wrong" in refused(csv(tmp_path, HEAD, *rows), agreement)

    @pytest.mark.parametrize(
        "cells",
        [
            {"case": "A", "measure": STANDARD, "within": "yes"},
            {"case": "A", "charge": "tickets-closed"},
            {"figure": "total", "amount": "5"},
            {"figure": STANDARD, "numerator": "5"},
            {"figure": "tickets-closed", "quantity": "5"},
        ],
    )
    def test_is_what_stands_twice(
        self, cells: dict[str, str], tmp_path: Path, agreement: Agreement
    ) -> None:
        said = refused(csv(tmp_path, HEAD, row(**cells), row(**cells)), agreement)
        assert "report.csv:3" in said
        assert "first in report.csv:2" in said

    def test_is_a_charge_told_in_two_ways(self, tmp_path: Path, agreement: Agreement) -> None:
        whole = row(figure="tickets-closed", quantity="5")
        tier = row(figure="tickets-closed/1", quantity="5")
        for rows in ((whole, tier), (tier, whole)):
            assert "by its tiers" in refused(csv(tmp_path, HEAD, *rows), agreement)

    def test_in_a_workbook_is_named_as_people_name_cells(
        self, tmp_path: Path, agreement: Agreement
    ) -> None:
        rows: list[list[Any]] = [["figure", "x", "amount"], ["total", 1, "many"]]
        for at, cell in (((0, 0), "C2"), ((3, 2), "E5"), ((0, 24), "AA2")):
            said = refused(workbook(tmp_path, {"Sums": rows}, at=at), agreement)
            assert f"report.xlsx, Sums!{cell}: 'many' is no number" in said

    def test_is_a_formula(self, tmp_path: Path, agreement: Agreement) -> None:
        rows = [["figure", "amount", "of no matter"], ["total", "{=3+4}", "{=1+1}"]]
        said = refused(workbook(tmp_path, {"A": [["x"]], "Sums": rows}), agreement)
        assert said.splitlines() == [
            (
                "report.xlsx, Sums!B2: This cell holds a formula; what it comes to is not looked "
                "at. Copy the column and paste it as values."
            )
        ]
        said = refused(workbook(tmp_path, {"Sums": rows}, at=(2, 3)), agreement)
        assert said.startswith("report.xlsx, Sums!E4: This cell holds a formula")

    def test_is_told_once_of_a_formula(self, tmp_path: Path, agreement: Agreement) -> None:
        said = refused(csv(tmp_path, "figure,amount", "total,=1+1"), agreement)
        assert len(said.splitlines()) == 1

    def test_is_a_sheet_without_rows(self, tmp_path: Path, agreement: Agreement) -> None:
        assert "no row of 2025-11" in refused(
            workbook(tmp_path, {"S": [["figure", "amount"]]}), agreement
        )
        assert "is empty" in refused(workbook(tmp_path, {"S": []}), agreement)
        assert "no row of 2025-11" in refused(
            workbook(tmp_path, {"S": [["a", "b"], [1, 2]]}), agreement
        )
        other = csv(tmp_path, "period,figure,amount", "2025-10,total,7")
        assert "no row of 2025-11" in refused(other, agreement)

    def test_is_a_column_twice(self, tmp_path: Path, agreement: Agreement) -> None:
        said = refused(csv(tmp_path, "figure,amount,Amount", "total,1,2"), agreement)
        assert "two columns 'amount'" in said

    def test_is_a_month_that_is_none(self, tmp_path: Path, agreement: Agreement) -> None:
        path = csv(tmp_path, "period,figure,amount", "November,total,1")
        assert "column period: 'November' is no month" in refused(path, agreement)
        with pytest.raises(Refusal, match="'November' is no month"):
            period_of_report(path)

    def test_is_a_file_of_another_kind(self, tmp_path: Path, agreement: Agreement) -> None:
        path = tmp_path / "report.json"
        path.write_text('{"figure": "total", "amount": 5}\n', encoding="utf-8")
        assert "neither a workbook nor CSV" in refused(path, agreement)
        path.write_bytes(b"PK\x03\x04 cut off")
        assert "damaged" in refused(path, agreement)

    def test_is_a_time_where_only_counts_are(self, tmp_path: Path) -> None:
        path = csv(tmp_path, "case,measure,within,counted", "A,answered-in-time,yes,0:20")
        said = refused(path, telephone.example())
        assert "counts cases and no time" in said
