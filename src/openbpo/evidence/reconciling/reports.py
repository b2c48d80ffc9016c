"""
Reading a report: a plain table, as a person makes it, in one sheet or several. No formula is run.

Every row tells a case or a figure. Columns are known by their titles, in any order and in capitals
or not; others are passed over. Every mistake is named by its cell, many of them at once. The whole
shape is in docs/reference/reconcile.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from openbpo.agreements.model import Agreement, ClockMeasure
from openbpo.agreements.schema import did_you_mean
from openbpo.delivery.intake.files.content import Content
from openbpo.delivery.intake.files.looking import look_at
from openbpo.delivery.intake.files.model import FileFormat
from openbpo.delivery.intake.files.opening import open_rows
from openbpo.delivery.intake.files.xlsx_formulas import formulas_by_sheet
from openbpo.delivery.intake.files.xlsx_rows import Workbook
from openbpo.delivery.intake.model import RowFile
from openbpo.evidence.reconciling.model import (
    OTHER,
    SUMS,
    Report,
    ToldCase,
    ToldLine,
    ToldMeasure,
    ToldShare,
    ToldTime,
)
from openbpo.values.durations import HOUR_US, MINUTE_US, SECOND_US, parse_duration_us
from openbpo.values.money import Money, Rounding, round_fraction
from openbpo.values.refusals import Mistake, Refusal
from openbpo.values.shares import parse_decimal

COLUMNS = (
    "period", "case", "measure", "charge", "within", "counted", "counted_minutes", "figure",
    "numerator", "denominator", "share", "quantity", "each", "amount",
)  # fmt: skip
OF_CASES = ("measure", "charge", "within", "counted", "counted_minutes")
OF_FIGURES = ("numerator", "denominator", "share", "quantity", "each", "amount")
OF_SHARES, OF_LINES = OF_FIGURES[:3], OF_FIGURES[3:]
YES, NO = ("yes", "y", "true", "1"), ("no", "n", "false", "0")
MISTAKES_SHOWN = 50
MOST_DECIMALS = 9
"""More than these are what a spreadsheet's binary numbers leave behind; they are rounded off."""
MOST_CHARACTERS = 40
"""Of a number: no figure of a report has more."""
_MONTH = re.compile(r"([0-9]{4}-[0-9]{2})(-01(?:[T ]00:00:00)?)?")
_CLOCK = re.compile(r"([0-9]{1,7}):([0-5][0-9])(?::([0-5][0-9](?:\.[0-9]{1,6})?))?")
_WHOLE = re.compile(r"[0-9]{1,12}")

T = TypeVar("T")


class _Wrong(Exception):  # noqa: N818 - it is caught here, and becomes a mistake
    """A cell that cannot be taken: what is wrong, and the remedy."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what, self.remedy = what, remedy


@dataclass(frozen=True, slots=True)
class _Row:
    """A row's cells by their columns, and where it stands."""

    cells: Mapping[str, str]
    place: Callable[[str], str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def filled(self, columns: Iterable[str]) -> list[str]:
        """Return which of some columns are not empty."""
        return [column for column in columns if self[column]]


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A sheet's rows, and the most precise step of its two columns of time."""

    rows: tuple[_Row, ...]
    steps: Mapping[str, Fraction]


def period_of_report(path: Path) -> str:
    """Return the one period that a report's column `period` names; raises Refusal if none is."""
    mistakes: list[Mistake] = []
    found: dict[str, None] = {}
    for sheet in _sheets(path, [], mistakes):
        for row in sheet.rows if sheet is not None else ():
            if told := _period(row, mistakes):
                found[told] = None
    if len(found) == 1:
        return next(iter(found))
    if mistakes:
        raise Refusal(*_first(path.name, mistakes))
    told_of = f"It tells of {', '.join(list(found)[:12])}." if found else "It names no period."
    remedy = "Say with which month it is to be compared, as --period 2012-05."
    raise Refusal.of(path.name, told_of, remedy)


def read_report(path: Path, agreement: Agreement, period: str) -> Report:
    """
    Return what a report tells of a period.

    Raises Refusal that names every mistake by its cell.
    """
    notes: list[str] = []
    mistakes: list[Mistake] = []
    sheets = [sheet for sheet in _sheets(path, notes, mistakes) if sheet is not None]
    reader = _Reader(agreement, mistakes)
    passed = 0
    for sheet in sheets:
        for row in sheet.rows:
            if _period(row, mistakes) in ("", period):
                reader.read(row, sheet.steps)
            else:
                passed += 1
    if passed:
        notes.append(f"Rows of other periods, {passed:,} of them, were passed over.")
    if not mistakes and not reader.has_read:
        what = f"It has no row of {period} under a column `case` or `figure`."
        remedy = "See for its shape: openbpo reconcile ENGAGEMENT --template FILE.xlsx --period P."
        mistakes.append(Mistake(path.name, what, remedy))
    if mistakes:
        raise Refusal(*_first(path.name, mistakes))
    return reader.report(path.name, notes)


def _first(name: str, mistakes: list[Mistake]) -> list[Mistake]:
    shown = mistakes[:MISTAKES_SHOWN]
    if len(mistakes) > len(shown):
        what = f"{len(mistakes) - len(shown):,} more cells are wrong."
        shown.append(Mistake(name, what, "Mend the first ones and try again."))
    return shown


def _period(row: _Row, mistakes: list[Mistake]) -> str:
    """Return the month of a row; a spreadsheet makes a date of 2012-05."""
    text = row["period"]
    found = _MONTH.fullmatch(text)
    if found is not None:
        return found[1]
    if text:
        what = f"{text!r} is no month."
        mistakes.append(Mistake(row.place("period"), what, "Write it as 2012-05."))
    return ""


# sheets


Place = Callable[[int, str, int], str]
"""Names a cell, of a row's line, a column's title and its number from 0."""
IsFormula = Callable[[int, int, str], bool]
"""Tells whether a cell, of a row's line, a column's number and its text, is a formula."""


def _sheets(path: Path, notes: list[str], mistakes: list[Mistake]) -> Iterator[_Sheet | None]:
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
) -> _Sheet | None:
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
        row = _Row(cells, _placed(place, raw.line, at))
        formulas = [
            col for col, index in at.items() if is_formula(raw.line, index, cells.get(col, ""))
        ]
        for column in formulas:
            what = "This cell holds a formula; what it comes to is not looked at."
            remedy = "Copy the column and paste it as values."
            mistakes.append(Mistake(row.place(column), what, remedy))
        if any(cells.values()) and not formulas:
            rows.append(row)
    return _Sheet(tuple(rows), {column: _step(rows, column) for column in _STEPS})


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


# cells

_STEPS = {"counted": HOUR_US, "counted_minutes": MINUTE_US}


def _step(rows: Iterable[_Row], column: str) -> Fraction:
    """
    Return the step in which a column's times are told, in microseconds.

    It is that of the most precise of them: a spreadsheet shows 96.5 and 96.25 in one column, and
    drops the zeros at the end of each.
    """
    steps = [_step_of(row[column], _STEPS[column]) for row in rows if row[column]]
    return min(steps, default=Fraction(SECOND_US))


def _step_of(text: str, unit_us: int) -> Fraction:
    if found := _CLOCK.fullmatch(text):
        return _last_digit(found[3] or "") * SECOND_US if found[3] else Fraction(MINUTE_US)
    if re.fullmatch(r"[0-9.]+", text):
        return max(_last_digit(text), Fraction(1, 10**MOST_DECIMALS)) * unit_us
    seconds = re.search(r"([0-9.]+) ?(ms|s)$", text)
    if seconds is None:
        return Fraction(MINUTE_US if text.endswith("min") else HOUR_US)
    return _last_digit(seconds[1]) * (SECOND_US if seconds[2] == "s" else 1000)


def _last_digit(text: str) -> Fraction:
    return Fraction(1, 10 ** len(text.partition(".")[2]))


def _number(text: str) -> Fraction:
    if len(text) > MOST_CHARACTERS:
        raise _not_a_number(text)
    try:
        exact = parse_decimal(text)
    except ValueError:
        raise _not_a_number(text) from None
    return round_fraction(exact, MOST_DECIMALS, Rounding.HALF_UP)


def _not_a_number(text: str) -> _Wrong:
    return _Wrong(
        f"{text[:MOST_CHARACTERS]!r} is no number.",
        "Write digits and at most one point, as 1234.50, without thousands separators.",
    )


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        what = f"{text[:MOST_CHARACTERS]!r} is no whole number."
        raise _Wrong(what, "Write it as 1234, without thousands separators.")
    return int(text)


def _share(text: str) -> ToldShare:
    """Return a share: 95.3 % or 0.953. A bare number above 1 could be either, and is refused."""
    plain = text.removesuffix("%").strip()
    value, step = _number(plain), _last_digit(plain)
    if text.endswith("%"):
        value, step = value / 100, step / 100
    if not 0 <= value <= 1:
        raise _Wrong(f"{text!r} is no share of 0 to 100 %.", "Write it as 95.3 % or as 0.953.")
    return ToldShare(value, max(step, Fraction(1, 10**MOST_DECIMALS)))


def _money(text: str, currency: str, *, may_be_negative: bool) -> Money:
    plain = text.removesuffix(currency).strip()
    if re.search(r"[A-Z]{3}$", plain):
        raise _Wrong(f"{text!r} is not in {currency}.", f"The agreement is in {currency}.")
    money = Money(_number(plain), currency)
    if money.exact < 0 and not may_be_negative:
        raise _Wrong(f"{text!r} is below zero.", "Write what it comes to; credits are positive.")
    return money


def _time(text: str, unit_us: int, step: Fraction) -> ToldTime:
    """Return a time: 96 h 30 min, 96:30, 96:30:15, or a number of the column's unit."""
    if found := _CLOCK.fullmatch(text):
        minutes = 60 * int(found[1]) + int(found[2])
        us = minutes * MINUTE_US + Fraction(found[3] or 0) * SECOND_US
        return ToldTime(us, step)
    if text[:1].isdigit() and text[-1:].isalpha():
        try:
            return ToldTime(Fraction(parse_duration_us(text)), step)
        except ValueError as fault:
            raise _Wrong(str(fault).partition(". ")[0] + ".", "Write 96 h 30 min.") from None
    value = _number(text)
    if value < 0:
        raise _Wrong(f"{text!r} is below zero.", "No time is.")
    return ToldTime(value * unit_us, step)


def _time_of(unit_us: int, step: Fraction) -> Callable[[str], ToldTime]:
    return lambda text: _time(text, unit_us, step)


def _within(text: str) -> bool:
    if text.casefold() in YES:
        return True
    if text.casefold() in NO:
        return False
    what = f"{text!r} is neither yes nor no." if text else "It does not say whether it is within."
    raise _Wrong(what, "Write yes or no.")


# rows


@dataclass
class _Reader:
    """Takes in row by row what a report tells, by the names of an agreement."""

    agreement: Agreement
    mistakes: list[Mistake]
    measured: dict[str, dict[str, ToldCase]] = field(default_factory=dict)
    charged: dict[str, set[str]] = field(default_factory=dict)
    measures: dict[str, ToldMeasure] = field(default_factory=dict)
    lines: dict[str, ToldLine] = field(default_factory=dict)
    others: dict[str, Money] = field(default_factory=dict)
    sums: dict[str, Money] = field(default_factory=dict)
    has_read: bool = False
    _seen: dict[tuple[str, ...], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        charges = self.agreement.charges
        tiers = [f"{c.id}/{t.start}" for c in charges.charges for t in c.tiers]
        self._lines = {name: name for name in [*(c.id for c in charges.charges), *tiers]}
        for minimum in charges.minimums:
            self._lines |= {minimum.id: minimum.id, f"{minimum.id}/minimum": minimum.id}
        self._sums = {name: name for name in SUMS}
        if charges.tax is not None:
            self._sums[charges.tax.id] = "tax"

    def read(self, row: _Row, steps: Mapping[str, Fraction]) -> None:
        """Take in a row."""
        self.has_read = True
        if row["case"] and row["figure"]:
            self._wrong(row, "figure", "A row tells a case or a figure, not both.",
                        "Give the figure a row of its own.")  # fmt: skip
        elif row["case"]:
            self._case(row, steps)
        elif row["figure"]:
            self._figure(row)
        elif filled := row.filled((*OF_CASES, *OF_FIGURES)):
            self._wrong(row, filled[0], "The row names neither a case nor a figure.",
                        "Name it, or clear the row.")  # fmt: skip

    def report(self, name: str, notes: Sequence[str]) -> Report:
        """Return what was read."""
        return Report(
            name=name,
            measured=self.measured,
            charged={charge: frozenset(cases) for charge, cases in self.charged.items()},
            measures=self.measures,
            lines=self.lines,
            others=self.others,
            sums=self.sums,
            notes=tuple(notes),
        )

    def _wrong(self, row: _Row, column: str, what: str, remedy: str) -> None:
        self.mistakes.append(Mistake(row.place(column), what, remedy))

    def _cell(self, row: _Row, column: str, read: Callable[[str], T]) -> T | None:
        """Return what a cell holds, None if it cannot be taken; then the mistake is noted."""
        try:
            return read(row[column])
        except _Wrong as fault:
            self._wrong(row, column, fault.what, fault.remedy)
            return None

    def _is_new(self, row: _Row, column: str, *key: str) -> bool:
        place = row.place(column)
        if (first := self._seen.setdefault(key, place)) != place:
            self._wrong(row, column, f"{key[-1]!r} stands here a second time; first in {first}.",
                        "Delete one of the rows.")  # fmt: skip
            return False
        return True

    # cases

    def _case(self, row: _Row, steps: Mapping[str, Fraction]) -> None:
        if filled := row.filled(OF_FIGURES):
            self._wrong(row, filled[0], "A case has no such number.", "Clear the cell.")
        if not row.filled(("measure", "charge")):
            self._wrong(row, "case", "The row does not say in which measure or charge it counts.",
                        "Name one in the column `measure` or `charge`.")  # fmt: skip
        if row["measure"]:
            self._measured(row, steps)
        elif filled := row.filled(OF_CASES[2:]):
            self._wrong(row, filled[0], "Only a case of a measure has this.", "Clear the cell.")
        if row["charge"]:
            self._charged(row)

    def _measured(self, row: _Row, steps: Mapping[str, Fraction]) -> None:
        case, name = row["case"], row["measure"]
        terms = self.agreement.measures.get(name)
        within = self._cell(row, "within", _within)
        if terms is None:
            remedy = did_you_mean(name, self.agreement.measures, "There are")
            self._wrong(row, "measure", f"There is no measure {name!r}.", remedy)
            return
        times = row.filled(("counted", "counted_minutes"))
        if len(times) > 1:
            self._wrong(row, times[1], "The time is told twice.", "Clear one of the cells.")
        elif times and not isinstance(terms, ClockMeasure):
            self._wrong(row, times[0], f"{name} counts cases and no time.", "Clear the cell.")
        counted = None
        for column in times[:1]:
            counted = self._cell(row, column, _time_of(_STEPS[column], steps[column]))
        if self._is_new(row, "case", "measure", name, case) and within is not None:
            self.measured.setdefault(name, {})[case] = ToldCase(within, counted)

    def _charged(self, row: _Row) -> None:
        case, name = row["case"], row["charge"]
        known = [charge.id for charge in self.agreement.charges.charges]
        if name not in known:
            remedy = did_you_mean(name, known, "There are")
            self._wrong(row, "charge", f"There is no charge {name!r}.", remedy)
        elif self._is_new(row, "case", "charge", name, case):
            self.charged.setdefault(name, set()).add(case)

    # figures

    def _figure(self, row: _Row) -> None:
        name = row["figure"]
        if filled := row.filled(OF_CASES):
            self._wrong(row, filled[0], "Only a case has this.", "Clear the cell.")
        if name.casefold() in self._sums:
            self._sum(row, self._sums[name.casefold()])
        elif name in self.agreement.measures:
            self._share_of(row, name)
        elif name in self._lines:
            self._line(row, self._lines[name])
        elif name.casefold().startswith(OTHER) and name[len(OTHER) :].strip():
            self._other(row, name)
        else:
            known = [*self.agreement.measures, *self._lines, *self._sums]
            remedy = did_you_mean(name, known, "There are")
            what = f"There is no figure {name!r}."
            self._wrong(row, "figure", what, f"{remedy} A line of its own is `{OTHER} NAME`.")

    def _only(self, row: _Row, columns: Sequence[str]) -> None:
        others = [column for column in OF_FIGURES if column not in columns]
        for column in row.filled(others):
            self._wrong(row, column, f"{row['figure']} has no {column}.", "Clear the cell.")
        if not row.filled(columns):
            what = f"Nothing is told of {row['figure']}."
            self._wrong(row, columns[-1], what, f"Fill in {' or '.join(columns)}.")

    def _sum(self, row: _Row, name: str) -> None:
        self._only(row, ("amount",))
        may_be_negative = name in ("net", "tax", "total")
        amount = self._amount(row, "amount", may_be_negative=may_be_negative)
        if self._is_new(row, "figure", "figure", name) and amount is not None:
            self.sums[name] = amount

    def _other(self, row: _Row, name: str) -> None:
        self._only(row, ("amount",))
        amount = self._amount(row, "amount", may_be_negative=True)
        if self._is_new(row, "figure", "figure", name) and amount is not None:
            self.others[name] = amount

    def _share_of(self, row: _Row, name: str) -> None:
        self._only(row, OF_SHARES)
        numerator = self._cell(row, "numerator", _whole) if row["numerator"] else None
        denominator = self._cell(row, "denominator", _whole) if row["denominator"] else None
        share = self._cell(row, "share", _share) if row["share"] else None
        if numerator is not None and denominator is not None and numerator > denominator:
            what = f"{numerator:,} of {denominator:,} is more than all."
            self._wrong(row, "numerator", what, "Look whether the two are exchanged.")
        if self._is_new(row, "figure", "figure", name):
            self.measures[name] = ToldMeasure(
                numerator=numerator, denominator=denominator, share=share
            )

    def _line(self, row: _Row, name: str) -> None:
        is_minimum = any(minimum.id == name for minimum in self.agreement.charges.minimums)
        self._only(row, ("amount",) if is_minimum else OF_LINES)
        quantity = self._cell(row, "quantity", _whole) if row["quantity"] else None
        each = self._amount(row, "each", may_be_negative=False)
        amount = self._amount(row, "amount", may_be_negative=False)
        if not self._is_new(row, "figure", "figure", name):
            return
        charge = name.partition("/")[0]
        whole = (
            charge in self.lines
            if "/" in name
            else any(told.startswith(f"{name}/") for told in self.lines)
        )
        if whole:
            self._wrong(row, "figure", f"{charge} is told as a whole and by its tiers.",
                        "Delete the one or the other.")  # fmt: skip
        self.lines[name] = ToldLine(quantity=quantity, each=each, amount=amount)

    def _amount(self, row: _Row, column: str, *, may_be_negative: bool) -> Money | None:
        if not row[column]:
            return None
        currency = self.agreement.currency
        return self._cell(
            row, column, lambda text: _money(text, currency, may_be_negative=may_be_negative)
        )
