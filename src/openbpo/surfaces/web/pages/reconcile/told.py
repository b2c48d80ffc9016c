"""What the pages of a reconciliation tell, from what was found: pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from openbpo.evidence.reconciling.model import SUMS, Cause
from openbpo.surfaces.web.numbers import current_locale, figure_text, signed_text
from openbpo.surfaces.web.parts.pieces import Cell, Column, Row, Table

PAGE = 50
CASES_SHOWN = 3
Found = Mapping[str, Any]


def cause_words() -> dict[str, str]:
    """Return what each cause is called."""
    return {
        Cause.MISSING_CASE: _("case missing in the report"),
        Cause.EXTRA_CASE: _("case only in the report"),
        Cause.FORMULA: _("another formula"),
        Cause.CALENDAR: _("another calendar"),
        Cause.PAUSE: _("pauses read otherwise"),
        Cause.REOPENING: _("reopening read otherwise"),
        Cause.RATE: _("another rate"),
        Cause.ROUNDING: _("rounding"),
        Cause.UNEXPLAINED: _("not explained"),
    }


def sum_words() -> dict[str, str]:
    """Return what each sum is called."""
    return {
        "fees": _("Fees"), "credits": _("Credits"), "net": _("Net"), "tax": _("Tax"),
        "total": _("Total"),
    }  # fmt: skip


def finding_of(found: Found, currency: str) -> str:
    """Return what is said first: how many differences, and what they come to."""
    count = len(found["differences"])
    if not count and not Decimal(found["difference"]["total"]):
        return _("The report agrees with the record")
    money = signed_text(found["difference"]["total"], current_locale())
    return ngettext(
        "%(n)s difference: the report's total is off by %(money)s %(currency)s",
        "%(n)s differences: the report's total is off by %(money)s %(currency)s",
        count,
    ) % {"n": figure_text(count, current_locale()), "money": money, "currency": currency}


def sums_table(found: Found, currency: str) -> Table:
    """Return the report's sums beside the recomputed ones."""
    columns = (
        Column(_("In %(currency)s") % {"currency": currency}), Column(_("Report"), is_number=True),
        Column(_("Recomputed"), is_number=True), Column(_("Difference"), is_number=True),
    )  # fmt: skip
    locale, words = current_locale(), sum_words()
    rows = [
        Row((
            words[name], figure_text(found["reported"][name], locale),
            figure_text(found["recomputed"][name], locale),
            signed_text(found["difference"][name], locale),
        ), kind="sum" if name == "total" else "")
        for name in SUMS
    ]  # fmt: skip
    return Table(columns, rows)


def causes_table(found: Found, currency: str) -> Table:
    """Return what each cause comes to; with what they do together it is the whole difference."""
    columns = (
        Column(_("Cause")), Column(_("Differences"), is_number=True),
        Column(_("Total, %(currency)s") % {"currency": currency}, is_number=True),
    )  # fmt: skip
    locale, words = current_locale(), cause_words()
    rows = []
    for cause in Cause:
        of_cause = [one for one in found["differences"] if one["cause"] == cause.value]
        if of_cause:
            money = sum((Decimal(one["money"]["total"]) for one in of_cause), Decimal(0))
            rows.append(Row((words[cause], figure_text(len(of_cause), locale),
                             signed_text(money, locale))))  # fmt: skip
    if Decimal(found["interaction"]["total"]):
        rows.append(Row((_("together, beyond each alone"), "",
                         signed_text(found["interaction"]["total"], locale))))  # fmt: skip
    whole = Row((_("The whole difference"), figure_text(len(found["differences"]), locale),
                 signed_text(found["difference"]["total"], locale)))  # fmt: skip
    return Table(columns, rows, foot=(whole,))


def differences_table(found: Found, currency: str, page: int) -> Table:
    """Return one page of the differences, as they were found."""
    columns = (
        Column(_("Cause")), Column(_("Figure")), Column(_("Cases")),
        Column(_("Report"), is_number=True), Column(_("Recomputed"), is_number=True),
        Column(_("Total, %(currency)s") % {"currency": currency}, is_number=True),
    )  # fmt: skip
    locale, words = current_locale(), cause_words()
    shown = found["differences"][PAGE * (page - 1) : PAGE * page]
    return Table(columns, [
        Row((
            Cell(words[one["cause"]], small=one["why"]), one["figure"], _cases(one["cases"]),
            one["reported"], one["recomputed"], signed_text(one["money"]["total"], locale),
        ))
        for one in shown
    ])  # fmt: skip


def _cases(cases: Sequence[str]) -> Cell:
    more = len(cases) - CASES_SHOWN
    return Cell(
        ", ".join(cases[:CASES_SHOWN]), kind="id",
        small=_("and %(n)s more") % {"n": figure_text(more, current_locale())} if more > 0 else "",
    )  # fmt: skip


def exported(found: Found, currency: str) -> str:
    """Return all differences as CSV: a row each, all cases, money as plain decimals."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    money = [f"{name}_{currency}" for name in SUMS]
    writer.writerow(["number", "cause", "figure", "cases", "reported", "recomputed", "why", *money])
    for number, one in enumerate(found["differences"], start=1):
        words = (one["cause"], one["figure"], " ".join(one["cases"]), one["reported"],
                 one["recomputed"], one["why"])  # fmt: skip
        writer.writerow([number, *map(harmless, words), *_plain(one["money"])])
    writer.writerow(["", "interaction", "", "", "", "", "together, beyond each alone",
                     *_plain(found["interaction"])])  # fmt: skip
    return text.getvalue()


def _plain(sums: Mapping[str, str]) -> Iterable[str]:
    return (sums[name] for name in SUMS)


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
