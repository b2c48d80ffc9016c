"""Our own figures in the shape of a report: a workbook to start from, of values alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import xlsxwriter

from openbpo.evidence.reconciling.alternatives import Alternatives
from openbpo.evidence.reconciling.model import SUMS, Effect, Recomputed
from openbpo.evidence.reconciling.reckoning import books
from openbpo.values.durations import duration_text
from openbpo.values.money import Money
from openbpo.values.refusals import Refusal
from openbpo.values.shares import decimal_text

FIGURES = (
    "period", "figure", "numerator", "denominator", "quantity", "each", "amount",
)  # fmt: skip
CASES = ("period", "case", "measure", "within", "counted", "charge")
MOST_ROWS = 1_048_576
"""Of a sheet, by the format."""

Cell: TypeAlias = str | int | Money | None


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet of a report: its titles and its rows."""

    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def tables(recomputed: Recomputed) -> tuple[Table, Table]:
    """Return a period's figures and its cases, as a report tells them."""
    return (
        Table("figures", FIGURES, tuple(_figures(recomputed))),
        Table("cases", CASES, tuple(_cases(recomputed))),
    )


def _figures(recomputed: Recomputed) -> Iterator[Sequence[Cell]]:
    period = recomputed.work.period.name
    agreement = recomputed.terms.agreement
    found = books(agreement, recomputed.sums, Effect())
    for name, tally in found.tallies.items():
        yield period, name, tally.numerator, tally.denominator, None, None, None
    tiers = {charge.id: len(charge.tiers) for charge in agreement.charges.charges}
    for line in found.lines:
        figure = line.key if tiers.get(line.id, 1) > 1 else line.id
        yield period, figure, None, None, line.quantity, line.each, line.amount
    for name in SUMS:
        yield period, name, None, None, None, None, getattr(found.sums, name)


def _cases(recomputed: Recomputed) -> Iterator[Sequence[Cell]]:
    period = recomputed.work.period.name
    other_ways = Alternatives(recomputed)
    for result in recomputed.results:
        for key, one in sorted(other_ways.counted(result).items()):
            within = "yes" if one.is_within else "no"
            counted = duration_text(one.measured.elapsed.counted_us) if one.measured else None
            yield period, key, result.measure.id, within, counted, None
    for volume in recomputed.volumes:
        for case in volume.cases:
            yield period, case.key, None, None, None, volume.charge.id


def write_report(path: Path, sheets: Sequence[Table]) -> int:
    """
    Write a workbook, each value of its own type and no text ever a formula; return its rows.

    Raises Refusal where there is such a file already, or too many rows for a sheet.
    """
    if path.suffix.lower() != ".xlsx":
        raise Refusal.of(str(path), "The template is a workbook.", "Name it FILE.xlsx.")
    rows = sum(len(sheet.rows) for sheet in sheets)
    if any(len(sheet.rows) >= MOST_ROWS for sheet in sheets):
        what = f"A sheet holds at most {MOST_ROWS:,} rows."
        raise Refusal.of(str(path), what, "Take a shorter period.")
    try:
        with path.open("xb") as file, xlsxwriter.Workbook(file) as book:
            for sheet in sheets:
                _write(book, sheet)
    except FileExistsError as fault:
        raise Refusal.of(str(path), "There is such a file.", "Name another one.") from fault
    except OSError as fault:
        what = f"It cannot be written: {fault.strerror or fault}."
        raise Refusal.of(str(path), what, "Name a folder that is there and yours.") from fault
    return rows


def _write(book: xlsxwriter.Workbook, table: Table) -> None:
    sheet = book.add_worksheet(table.name)
    amount = book.add_format({"num_format": "0.00####"})
    for column, title in enumerate(table.header):
        sheet.write_string(0, column, title)
        sheet.set_column(column, column, max(12, len(title) + 2))
    sheet.freeze_panes(1, 0)
    for row, cells in enumerate(table.rows, start=1):
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                sheet.write_string(row, column, cell)
            elif isinstance(cell, int):
                sheet.write_number(row, column, cell)
            elif isinstance(cell, Money):
                _write_money(sheet, row, column, cell, amount)


def _write_money(
    sheet: xlsxwriter.worksheet.Worksheet, row: int, column: int, money: Money, form: object
) -> None:
    """A workbook's numbers are binary: an amount that they do not hold exactly is text."""
    text = decimal_text(money.exact)
    number = float(money.exact)
    if Fraction(repr(number)) == money.exact:
        sheet.write_number(row, column, number, form)
    else:
        sheet.write_string(row, column, text)
