"""
The pack for a review meeting: what it says, and how it becomes a PDF and a workbook.

What the record holds reaches the PDF as data, never as markup; the workbook writes text as text.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from babel import Locale
from babel.numbers import NumberFormatError, parse_decimal
from django.utils.translation import gettext as _

from openbpo.billing.reviews.model import Action
from openbpo.billing.statements.model import Statement
from openbpo.surfaces.web.numbers import MINUS, day_text, money_text, month_text, share_text
from openbpo.surfaces.web.parts.pieces import Table
from openbpo.surfaces.web.results import lines_table, points, results_table

SOURCE = Path(__file__).parent / "review.typ"


@dataclass(frozen=True, slots=True)
class Head:
    """A column of a part."""

    head: str
    number: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the pack: a table with its title."""

    title: str
    note: str
    columns: Sequence[Head]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class ReviewPack:
    """All that is brought to a review meeting."""

    title: str
    over: str
    finding: str
    note: str
    parts: Sequence[Part]
    made_by: str
    foot: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """What a review is of: the period, those before it, and the actions before the meeting."""

    title: str
    parties: str
    statements: Sequence[Statement]
    actions: Sequence[Action]
    made_by: str

    @property
    def told(self) -> Any:
        """Return the period's own statement."""
        return self.statements[-1].told


def pack_of(of: Reviewed, locale: Locale) -> ReviewPack:
    """Return what the pack says."""
    told = of.told
    month = month_text(told["period"], locale)
    defaults = sum(one["verdict"] == "default" for one in told["measures"])
    due = money_text(told["due"]["total"], told["currency"], locale)
    finding = _("%(month)s: %(n)s of %(all)s measures in default, %(due)s due") % {
        "month": month, "n": defaults, "all": len(told["measures"]), "due": due,
    }  # fmt: skip
    state = _("open, preliminary") if told["state"] == "open" else told["state"]
    note = _("By version %(number)s of the agreement, as known at entry %(entry)s; %(state)s.") % {
        "number": told["version"]["number"], "entry": told["entry"], "state": state,
    }  # fmt: skip
    return ReviewPack(
        title=f"{of.title}, {month}",
        over=f"{of.title} · {of.parties}",
        finding=finding,
        note=note,
        parts=[one for one in _parts(of, locale) if one.rows or one.note],
        made_by=of.made_by,
        foot=f"{of.title}, {month}",
        language=locale.language,
    )


def _parts(of: Reviewed, locale: Locale) -> list[Part]:
    told = of.told
    return [
        _of_table(_("Results"), results_table(told, locale, with_money=True)),
        trend(of.statements, locale),
        _of_table(_("Lines and credits"), lines_table(told, locale)),
        _adjustments(told, locale),
        _doubts(told),
        actions_part(of.actions, told["period"], locale),
    ]


def _of_table(title: str, table: Table, note: str = "") -> Part:
    columns = [Head(str(one.head), one.is_number) for one in table.columns]
    rows = [
        [_cell(cell) for _column, cell in line.cells] for line in (*table.lines, *table.foot_lines)
    ]
    return Part(title, note, columns, rows)


def _cell(cell: Any) -> str:
    said = str(cell.chip.word) if cell.chip else str(cell.text)
    return f"{said}: {cell.small}" if cell.small else said


def trend(statements: Sequence[Statement], locale: Locale) -> Part:
    """Return each measure's share month by month; where it was in default that is said."""
    columns = [Head(_("Measure"))] + [
        Head(month_text(one.period, locale), number=True) for one in statements
    ]
    names = dict.fromkeys(one["id"] for each in statements for one in each.told["measures"])
    rows = [[name, *(_share(each.told, name, locale) for each in statements)] for name in names]
    return Part(_("Trend"), _("▼ in default"), columns, rows)


def _share(told: Any, name: str, locale: Locale) -> str:
    found = next((one for one in told["measures"] if one["id"] == name), None)
    share = None if found is None else points(found["share"])
    if found is None or share is None:
        return "—"
    return ("▼ " if found["verdict"] == "default" else "") + share_text(share, locale)


def _adjustments(told: Any, locale: Locale) -> Part:
    rows = [
        [month_text(one["period"], locale),
         money_text(one["difference"]["total"], told["currency"], locale),
         str(len(one["reasons"]))]
        for one in told["adjustments"]
    ]  # fmt: skip
    heads = [Head(_("Of")), Head(_("Difference"), number=True), Head(_("Reasons"), number=True)]
    return Part(_("Adjustments of earlier periods"), "", heads, rows)


def _doubts(told: Any) -> Part:
    rows = [[one["doubt"], str(one.get("day") or "")] for one in told["doubts"]]
    number = told["undecided"]["number"]
    if number:
        rows.append([_("Questions that empty values leave undecided"), str(number)])
    return Part(_("Doubts"), "", [Head(_("Doubt")), Head(_("Day or number"))], rows)


def actions_part(actions: Sequence[Action], period: str, locale: Locale) -> Part:
    """Return the action list; what carries over names the review that it comes from."""
    sides = {"client": _("client"), "provider": _("provider")}
    states = {"open": _("open"), "done": _("done"), "dropped": _("dropped")}
    rows = [
        [
            str(one.number), one.said, sides[one.owner_side], day_text(one.due_day, locale),
            states[one.state],
            month_text(one.period, locale) if one.carries_over(period) else _("this review"),
        ]
        for one in actions
    ]  # fmt: skip
    heads = (_("No."), _("Action"), _("Owner"), _("Due"), _("State"), _("Raised in"))
    note = "" if rows else _("No action is open.")
    columns = [Head(one, number=place == 0) for place, one in enumerate(heads)]
    return Part(_("Actions"), note, columns, rows)


def as_pdf(pack: ReviewPack) -> bytes:
    """Return the pack as a PDF."""
    import typst  # it takes a while to load, and pages do without it

    made = typst.compile(SOURCE.read_bytes(), sys_inputs={"told": json.dumps(asdict(pack))})
    assert isinstance(made, bytes), "one document comes as one file"
    return made


def as_workbook(pack: ReviewPack) -> bytes:
    """Return the pack as a workbook, a sheet for each part; figures are figures there."""
    import xlsxwriter

    held = io.BytesIO()
    book = xlsxwriter.Workbook(held, {"in_memory": True, "strings_to_formulas": False,
                                      "strings_to_urls": False})  # fmt: skip
    bold, title = book.add_format({"bold": True, "bottom": 1}), book.add_format({"bold": True})
    for number, part in enumerate(pack.parts, start=1):
        sheet = book.add_worksheet(f"{number} {part.title}"[:31].translate(_FORBIDDEN))
        sheet.write_string(0, 0, pack.finding if number == 1 else part.title, title)
        for column, one in enumerate(part.columns):
            sheet.write_string(2, column, one.head, bold)
            sheet.set_column(column, column, 16 if one.number else 34)
        for line, row in enumerate(part.rows, start=3):
            for column, text in enumerate(row):
                figure = _figure(text, pack.language) if part.columns[column].number else None
                if figure is None:
                    sheet.write_string(line, column, text)
                else:
                    sheet.write_number(line, column, figure, _format(book, figure))
    book.close()
    return held.getvalue()


def _figure(text: str, language: str) -> Decimal | None:
    """Return the figure that a text is as a language writes it, None where it is more than one."""
    try:
        return parse_decimal(text.replace(MINUS, "-"), locale=language, strict=True)
    except (NumberFormatError, ValueError):
        return None


def _format(book: Any, figure: Decimal) -> Any:
    exponent = figure.as_tuple().exponent
    decimals = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return book.add_format({"num_format": "#,##0" + ("." + "0" * decimals if decimals else "")})


_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))
