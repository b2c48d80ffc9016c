"""The service levels of a month: each measure, its verdict, what it costs, and its trend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from openbpo.billing.statements.model import Statement
from openbpo.surfaces.web.numbers import current_locale, day_text
from openbpo.surfaces.web.pages.levels.figures import (
    STATE_NOTES,
    Told,
    decimals_of,
    doubt_text,
    levels_of,
    money,
    number,
    of_text,
    points,
    share_of,
    shown_level,
    shown_share,
    state_chip,
    trend_of,
    verdict_chip,
)
from openbpo.surfaces.web.pages.levels.reading import (
    Periods,
    at_month,
    month_name,
    months_of,
    periods_of,
    short_month,
    up_to,
)
from openbpo.surfaces.web.parts.pieces import Cell, Chip, Column, Row, Table, Trend
from openbpo.surfaces.web.visits import Group, Nav, Visit, page
from openbpo.trust.roles.model import Right


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A measure of the month."""

    id: str
    says: str
    clause: str
    share: str
    of: str
    in_words: str
    chip: Chip
    credit: str
    href: str
    trend: Trend | None


@page(
    "e/<handle>/service-levels",
    needs=Right.SEE_SERVICE_LEVELS,
    nav=Nav(Group.MONTH, gettext_lazy("Service levels"), order=10),
)
def service_levels(visit: Visit) -> HttpResponse:
    """Show the measures of a month, the newest without another wish."""
    with visit.reading("service levels") as tx:
        periods = periods_of(tx, visit, visit.request.GET.get("period"))
        statements = up_to(tx, visit, periods) if periods else []
    if periods is None:
        return visit.page("pages/levels/none.html")
    data = told(statements, periods, sees_money=visit.may(Right.SEE_MONEY), href=visit.href)
    return at_month(visit, periods.chosen).page("pages/levels/overview.html", data)


def told(
    statements: Sequence[Statement], periods: Periods, *, sees_money: bool, href: Any
) -> dict[str, Any]:
    """Return what the page tells of the last of these statements."""
    month = statements[-1].told
    measures = [_shown(one, statements, href=href) for one in month["measures"]]
    return {
        "finding": finding(month),
        "period": periods.chosen,
        "periods": [(name, month_name(name)) for name in reversed(periods.names)],
        "state": state_chip(month["state"]),
        "note": STATE_NOTES[month["state"]](),
        "tiles": tiles(month, sees_money=sees_money),
        "table": _table(measures, month, sees_money=sees_money),
        "measures": measures,
        "doubts": [
            doubt_text(one, lambda day: day_text(day, current_locale())) for one in month["doubts"]
        ],
        "undecided": undecided(month),
    }


def finding(month: Told) -> str:
    """Return what the month came to, in a line."""
    judged = [one for one in month["measures"] if one["verdict"] in ("met", "default")]
    met = sum(one["verdict"] == "met" for one in judged)
    if not judged:
        return _("Nothing was judged in %(month)s") % {"month": month_name(month["period"])}
    return ngettext(
        "%(met)s of %(n)s service level was met in %(month)s",
        "%(met)s of %(n)s service levels were met in %(month)s",
        len(judged),
    ) % {"met": met, "n": len(judged), "month": month_name(month["period"])}


def tiles(month: Told, *, sees_money: bool) -> list[tuple[str, str, str, str]]:
    """Return at most four figures: label, figure, unit, formula."""
    verdicts = [one["verdict"] for one in month["measures"]]
    judged = sum(verdict in ("met", "default") for verdict in verdicts)
    unjudged = len(verdicts) - judged
    beside = _("%(n)s not judged") % {"n": unjudged} if unjudged else ""
    found = [(_("Met"), str(verdicts.count("met")), _("of %(n)s") % {"n": judged}, beside)]
    if sees_money:
        found.append((_("Service credit"), *_credit(month)))
        tax = _("%(net)s and tax of %(tax)s") % {
            "net": money(month["net"], month["currency"]), "tax": month["tax"],
        }  # fmt: skip
        found.append((_("Total of the month"), *_amount(month["total"], month), tax))
    number_undecided = month["undecided"]["number"]
    found.append((_("Undecided"), number(number_undecided), _("questions"),
                  _("empty values that decide something") if number_undecided else ""))  # fmt: skip
    return found


def _amount(amount: str, month: Told) -> tuple[str, str]:
    return money(amount, "").strip(), month["currency"]


def _credit(month: Told) -> tuple[str, str, str]:
    credit = month["credit"]
    formula = _("no default") if credit is None else credit_formula(month)
    return (*_amount(month["credits"], month), formula)


def credit_formula(month: Told) -> str:
    """Return how the month's credit was made: 12 % (15 % capped) of fees of 4,000.00 EUR."""
    credit = month["credit"]
    rate = shown_level(credit["rate"])
    if credit["is_capped"]:
        rate = _("%(rate)s (%(added)s before the cap)") % {
            "rate": rate, "added": shown_level(credit["rates_added"]),
        }  # fmt: skip
    of = money(credit["of"], month["currency"])
    return _("%(rate)s of fees of %(of)s") % {"rate": rate, "of": of}


def _shown(measure: Told, statements: Sequence[Statement], *, href: Any) -> Shown:
    months = months_of(statements, measure["id"])
    says = measure["says"] or measure["in_words"]
    return Shown(
        id=measure["id"],
        says=says,
        clause=measure["clause"] or "",
        share=shown_share(share_of(measure), decimals_of(measure), levels_of(measure)),
        of=of_text(measure["numerator"], measure["denominator"]),
        in_words=measure["in_words"],
        chip=verdict_chip(measure["verdict"], undecided=measure["outcomes"]["not_provable"]),
        credit=credit_rate(measure),
        href=href("measure", period=statements[-1].period, measure=measure["id"]),
        trend=trend_of(months, says, short_month) if len(months) > 1 else None,
    )


def credit_rate(measure: Told) -> str:
    """Return the rate that a measure adds to the credit; a dash where it adds none."""
    rate = measure["credit_rate"]
    return "–" if rate is None or points(rate) == 0 else shown_level(rate)


def _table(measures: Sequence[Shown], month: Told, *, sees_money: bool) -> Table:
    columns = [
        Column(_("Measure")), Column(_("Clause")), Column(_("Share"), is_number=True),
        Column(_("Cases"), is_number=True), Column(_("Verdict")),
    ]  # fmt: skip
    if sees_money:
        columns.append(Column(_("Credit"), is_number=True))
    rows = [_row(one, sees_money=sees_money) for one in measures]
    foot = []
    if sees_money:
        total = money(month["credits"], month["currency"])
        formula = credit_formula(month) if month["credit"] else ""
        foot.append(Row((Cell(_("Credit of the month"), small=formula), "", "", "", "", total)))
    return Table(columns, rows, foot=foot, are_links=True)


def _row(one: Shown, *, sees_money: bool) -> Row:
    cells: list[Any] = [
        Cell(one.says, href=one.href, small=one.in_words),
        one.clause,
        one.share,
        one.of,
        Cell(chip=one.chip),
    ]
    return Row([*cells, one.credit] if sees_money else cells)


def undecided(month: Told) -> list[Mapping[str, Any]]:
    """Return the first questions that empty values leave open, a few of them."""
    return [
        {"case": one["case"], "condition": one["condition"], "empty": ", ".join(one["empty"])}
        for one in month["undecided"]["first"][:10]
    ]
