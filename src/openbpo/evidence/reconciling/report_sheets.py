"""Sheets of a report: tables under one header, in a workbook or in CSV. No formula is run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from openbpo.delivery.intake.files.content import Content
from openbpo.delivery.intake.files.looking import look_at
from openbpo.delivery.intake.files.model import FileFormat
from openbpo.delivery.intake.files.opening import open_rows
from openbpo.delivery.intake.files.xlsx_formulas import formulas_by_sheet
from openbpo.delivery.intake.files.xlsx_rows import Workbook
from openbpo.delivery.intake.model import RowFile
from openbpo.evidence.reconciling.report_cells import STEPS, step_of_column
from openbpo.values.refusals import Mistake, Refusal

COLUMNS = (
    "period", "case", "measure", "charge", "within", "counted", "counted_minutes", "figure",
    "numerator", "denominator", "share", "quantity", "each", "amount",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A row's cells by their columns, and where it stands."""

    cells: Mapping[str, str]
    place: Callable[[str], str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def filled(self, columns: Iterable[str]) -> list[str]:
        """Return which of some columns are not empty."""
        return [column for column in columns if self[column]]


@dataclass(frozen=True, slots=True)
class ReportSheet:
    """A sheet's rows, and the most precise step of its two columns of time."""

    rows: tuple[ReportRow, ...]
    steps: Mapping[str, Fraction]


Place = Callable[[int, str, int], str]
"""Names a cell, of a row's line, a column's title and its number from 0."""
IsFormula = Callable[[int, int, str], bool]
"""Tells whether a cell, of a row's line, a column's number and its text, is a formula."""


def sheets_of(
    path: Path, notes: list[str], mistakes: list[Mistake]
) -> Iterator[ReportSheet | None]:
    if not _is_workbook(path):
        form = look_at(path).form
        if form.format != "csv":
            what = "This is neither a workbook nor CSV."
            raise Refusal.of(path.name, what, "Save the report as .xlsx or .csv.")
        file = open_rows(path, form, COLUMNS)
        yield _sheet(file, path.name, _place_in_text(path.name), _begins_as_one, notes, mistakes)
        return
    formulas = formulas_by_sheet(path)
    for name, cells in formulas.items():
        try:
            book = open_rows(path, FileFormat(format="xlsx", sheet=name), COLUMNS)
        except Refusal as fault:
            if len(formulas) == 1 or "is empty" not in str(fault):
                raise
            notes.append(f"The sheet {name!r} is empty.")
        else:
            first = book.first_column if isinstance(book, Workbook) else 0
            place, is_formula = _place_in_sheet(path.name, name, first), _is_one_of(cells, first)
            yield _sheet(book, f"The sheet {name!r}", place, is_formula, notes, mistakes)


def _place_in_text(file: str) -> Place:
    return lambda line, column, _: f"{file}:{line}, column {column}"


def _place_in_sheet(file: str, sheet: str, first: int) -> Place:
    return lambda line, _, at: f"{file}, {sheet}!{_letters(first + at)}{line}"


def _begins_as_one(_line: int, _at: int, text: str) -> bool:
    return text.startswith("=")


def _is_one_of(cells: frozenset[str], first: int) -> IsFormula:
    return lambda line, at, _: f"{_letters(first + at)}{line}" in cells


def _is_workbook(path: Path) -> bool:
    return Content(path).begins.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"))


def _sheet(
    file: RowFile,
    name: str,
    place: Place,
    is_formula: IsFormula,
    notes: list[str],
    mistakes: list[Mistake],
) -> ReportSheet | None:
    """Return a sheet's rows, None if it is no table of a report."""
    at = _columns(file.header, place, mistakes)
    if not {"case", "figure"} & set(at):
        notes.append(f"{name} has no column `case` or `figure`, and was passed over.")
        return None
    rows = []
    for raw in file.rows():
        if raw.fault is not None:
            mistakes.append(Mistake(f"{file.name}:{raw.line}", raw.fault.what, raw.fault.remedy))
            continue
        cells = {
            column: raw.cells[index].strip()
            for column, index in at.items()
            if index < len(raw.cells)
        }
        row = ReportRow(cells, _placed(place, raw.line, at))
        formulas = [
            col for col, index in at.items() if is_formula(raw.line, index, cells.get(col, ""))
        ]
        for column in formulas:
            what = "This cell holds a formula; what it comes to is not looked at."
            remedy = "Copy the column and paste it as values."
            mistakes.append(Mistake(row.place(column), what, remedy))
        if any(cells.values()) and not formulas:
            rows.append(row)
    return ReportSheet(
        tuple(rows),
        {column: step_of_column((row[column] for row in rows), column) for column in STEPS},
    )


def _placed(place: Place, line: int, at: Mapping[str, int]) -> Callable[[str], str]:
    return lambda column: place(line, column, at.get(column, 0))


def _columns(header: Sequence[str], place: Place, mistakes: list[Mistake]) -> dict[str, int]:
    at: dict[str, int] = {}
    for index, title in enumerate(header):
        column = re.sub(r"[\s_-]+", "_", title.strip().casefold())
        if column in COLUMNS:
            if column in at:
                what = f"There are two columns {column!r}."
                mistakes.append(Mistake(place(1, column, index), what, "Delete one, or rename it."))
            at.setdefault(column, index)
    return at


def _letters(index: int) -> str:
    """Return the letters of a column of a sheet: 0 is A, 26 is AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
