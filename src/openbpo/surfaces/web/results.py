"""A statement's results and money as parts: for pages that show a period whole."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from babel import Locale
from django.utils.translation import gettext as _

from openbpo.surfaces.web.numbers import figure_text, money_text, share_text
from openbpo.surfaces.web.parts.pieces import Cell, Chip, Column, Row, Shape, Table

Told = Mapping[str, Any]
SHAPES = {"met": Shape.MET, "default": Shape.DEFAULT, "low_volume": Shape.LOW}
HUNDREDTH = Decimal("0.01")


def points(share: str | None) -> Decimal | None:
    """Return a share, "23/27", in per cent points at two decimals, half up."""
    if share is None:
        return None
    exact = Fraction(share) * 100
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(
        HUNDREDTH, rounding=ROUND_HALF_UP
    )


def rate_points(rate: str | None) -> Decimal:
    """Return a rate, "0.05", in per cent points as short as it is exact."""
    found = Decimal(rate or "0") * 100
    return found.quantize(Decimal(1)) if found == found.to_integral() else found.normalize()


def verdict_chip(measure: Told) -> Chip:
    """Return a measure's verdict: shape and word."""
    words = {"met": _("Met"), "default": _("Default"), "low_volume": _("Low volume")}
    verdict = measure["verdict"]
    if verdict is None:
        return Chip(Shape.PLAIN, _("Not judged"))
    return Chip(SHAPES[verdict], words[verdict])


def results_table(told: Told, locale: Locale, *, with_money: bool) -> Table:
    """Return what each measure came to, with its clause and its numerator and denominator."""
    columns = [Column(_("Measure")), Column(_("Clause")), Column(_("Share"), is_number=True),
               Column(_("Of"), is_number=True), Column(_("Verdict"))]  # fmt: skip
    if with_money:
        columns.insert(4, Column(_("Credit rate"), is_number=True))
    return Table(columns, [_result(one, locale, with_money=with_money) for one in told["measures"]])


def _result(measure: Told, locale: Locale, *, with_money: bool) -> Row:
    share = points(measure["share"])
    counted = _("%(numerator)s of %(denominator)s") % {
        "numerator": figure_text(measure["numerator"], locale),
        "denominator": figure_text(measure["denominator"], locale),
    }
    cells: list[Cell | str] = [
        Cell(measure["id"], small=measure["says"]),
        measure["clause"] or "",
        "—" if share is None else share_text(share, locale),
        counted,
        Cell(chip=verdict_chip(measure)),
    ]
    if with_money:
        rate = measure["credit_rate"]
        cells.insert(4, "" if rate is None else share_text(rate_points(rate), locale))
    return Row(cells)


def lines_table(told: Told, locale: Locale) -> Table:
    """Return the invoice's lines, the credit, the tax and the sums."""
    currency = told["currency"]
    columns = [Column(_("Line")), Column(_("Clause")), Column(_("Quantity"), is_number=True),
               Column(_("Each"), is_number=True), Column(currency, is_number=True)]  # fmt: skip
    rows = [Row((one["text"], one["clause"] or "", _figure(one["quantity"], locale),
                 _figure(one["each"], locale), figure_text(one["amount"], locale)))
            for one in told["lines"]]  # fmt: skip
    if credit := told["credit"]:
        text = _("Service credit, %(rate)s of %(base)s") % {
            "rate": share_text(rate_points(credit["rate"]), locale),
            "base": money_text(credit["of"], currency, locale),
        }
        amount = figure_text(f"-{credit['amount']}", locale)
        rows.append(Row((text, credit["clause"] or "", "", "", amount)))
    sums = [Row((_("Net"), "", "", "", figure_text(told["net"], locale)))]
    if tax := told["tax_line"]:
        named = f"{tax['name']} {share_text(rate_points(tax['rate']), locale)}"
        sums.append(Row((named, tax["clause"] or "", "", "", figure_text(tax["amount"], locale)),
                        "lighter"))  # fmt: skip
    sums.append(Row((_("Total"), "", "", "", figure_text(told["total"], locale))))
    if told["adjustments"]:
        due = figure_text(told["due"]["total"], locale)
        sums.append(Row((_("Due, with adjustments of earlier periods"), "", "", "", due)))
    return Table(columns, rows, foot=sums)


def _figure(value: Any, locale: Locale) -> str:
    return "" if value is None else figure_text(str(value), locale)
