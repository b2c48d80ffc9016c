"""
Reading a report: a plain table, as a person makes it, in one sheet or several. No formula is run.

Sheets are read in report_sheets, cells in report_cells; here rows become what a report tells. Every
row tells a case or a figure. Columns are known by their titles, in any order and in capitals or
not; others are passed over. Every mistake is named by its cell, many of them at once. The whole
shape is in docs/reference/reconcile.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from openbpo.agreements.model import Agreement, ClockMeasure
from openbpo.agreements.schema import did_you_mean
from openbpo.evidence.reconciling.model import OTHER, SUMS, Report, ToldCase, ToldLine, ToldMeasure
from openbpo.evidence.reconciling.report_cells import (
    STEPS,
    WrongCell,
    money_told,
    share_told,
    time_of,
    whole_told,
    within_told,
)
from openbpo.evidence.reconciling.report_sheets import ReportRow, sheets_of
from openbpo.values.money import Money
from openbpo.values.refusals import Mistake, Refusal

OF_CASES = ("measure", "charge", "within", "counted", "counted_minutes")
OF_FIGURES = ("numerator", "denominator", "share", "quantity", "each", "amount")
OF_SHARES, OF_LINES = OF_FIGURES[:3], OF_FIGURES[3:]
MISTAKES_SHOWN = 50
_MONTH = re.compile(r"([0-9]{4}-[0-9]{2})(-01(?:[T ]00:00:00)?)?")

T = TypeVar("T")


def period_of_report(path: Path) -> str:
    """Return the one period that a report's column `period` names; raises Refusal if none is."""
    mistakes: list[Mistake] = []
    found: dict[str, None] = {}
    for sheet in sheets_of(path, [], mistakes):
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
    sheets = [sheet for sheet in sheets_of(path, notes, mistakes) if sheet is not None]
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


def _period(row: ReportRow, mistakes: list[Mistake]) -> str:
    """Return the month of a row; a spreadsheet makes a date of 2012-05."""
    text = row["period"]
    found = _MONTH.fullmatch(text)
    if found is not None:
        return found[1]
    if text:
        what = f"{text!r} is no month."
        mistakes.append(Mistake(row.place("period"), what, "Write it as 2012-05."))
    return ""


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

    def read(self, row: ReportRow, steps: Mapping[str, Fraction]) -> None:
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

    def _wrong(self, row: ReportRow, column: str, what: str, remedy: str) -> None:
        self.mistakes.append(Mistake(row.place(column), what, remedy))

    def _cell(self, row: ReportRow, column: str, read: Callable[[str], T]) -> T | None:
        """Return what a cell holds, None if it cannot be taken; then the mistake is noted."""
        try:
            return read(row[column])
        except WrongCell as fault:
            self._wrong(row, column, fault.what, fault.remedy)
            return None

    def _is_new(self, row: ReportRow, column: str, *key: str) -> bool:
        place = row.place(column)
        if (first := self._seen.setdefault(key, place)) != place:
            self._wrong(row, column, f"{key[-1]!r} stands here a second time; first in {first}.",
                        "Delete one of the rows.")  # fmt: skip
            return False
        return True

    # cases

    def _case(self, row: ReportRow, steps: Mapping[str, Fraction]) -> None:
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

    def _measured(self, row: ReportRow, steps: Mapping[str, Fraction]) -> None:
        case, name = row["case"], row["measure"]
        terms = self.agreement.measures.get(name)
        within = self._cell(row, "within", within_told)
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
            counted = self._cell(row, column, time_of(STEPS[column], steps[column]))
        if self._is_new(row, "case", "measure", name, case) and within is not None:
            self.measured.setdefault(name, {})[case] = ToldCase(within, counted)

    def _charged(self, row: ReportRow) -> None:
        case, name = row["case"], row["charge"]
        known = [charge.id for charge in self.agreement.charges.charges]
        if name not in known:
            remedy = did_you_mean(name, known, "There are")
            self._wrong(row, "charge", f"There is no charge {name!r}.", remedy)
        elif self._is_new(row, "case", "charge", name, case):
            self.charged.setdefault(name, set()).add(case)

    # figures

    def _figure(self, row: ReportRow) -> None:
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

    def _only(self, row: ReportRow, columns: Sequence[str]) -> None:
        others = [column for column in OF_FIGURES if column not in columns]
        for column in row.filled(others):
            self._wrong(row, column, f"{row['figure']} has no {column}.", "Clear the cell.")
        if not row.filled(columns):
            what = f"Nothing is told of {row['figure']}."
            self._wrong(row, columns[-1], what, f"Fill in {' or '.join(columns)}.")

    def _sum(self, row: ReportRow, name: str) -> None:
        self._only(row, ("amount",))
        may_be_negative = name in ("net", "tax", "total")
        amount = self._amount(row, "amount", may_be_negative=may_be_negative)
        if self._is_new(row, "figure", "figure", name) and amount is not None:
            self.sums[name] = amount

    def _other(self, row: ReportRow, name: str) -> None:
        self._only(row, ("amount",))
        amount = self._amount(row, "amount", may_be_negative=True)
        if self._is_new(row, "figure", "figure", name) and amount is not None:
            self.others[name] = amount

    def _share_of(self, row: ReportRow, name: str) -> None:
        self._only(row, OF_SHARES)
        numerator = self._cell(row, "numerator", whole_told) if row["numerator"] else None
        denominator = self._cell(row, "denominator", whole_told) if row["denominator"] else None
        share = self._cell(row, "share", share_told) if row["share"] else None
        if numerator is not None and denominator is not None and numerator > denominator:
            what = f"{numerator:,} of {denominator:,} is more than all."
            self._wrong(row, "numerator", what, "Look whether the two are exchanged.")
        if self._is_new(row, "figure", "figure", name):
            self.measures[name] = ToldMeasure(
                numerator=numerator, denominator=denominator, share=share
            )

    def _line(self, row: ReportRow, name: str) -> None:
        is_minimum = any(minimum.id == name for minimum in self.agreement.charges.minimums)
        self._only(row, ("amount",) if is_minimum else OF_LINES)
        quantity = self._cell(row, "quantity", whole_told) if row["quantity"] else None
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

    def _amount(self, row: ReportRow, column: str, *, may_be_negative: bool) -> Money | None:
        if not row[column]:
            return None
        currency = self.agreement.currency
        return self._cell(
            row, column, lambda text: money_told(text, currency, may_be_negative=may_be_negative)
        )
