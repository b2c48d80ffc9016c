"""The cases of a measure: by outcome, by reason, by group, in pages of fifty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from openbpo.billing.statements.actions import cases_of
from openbpo.billing.statements.model import CaseRow, CasesPage, Outcome
from openbpo.surfaces.web.numbers import current_locale, moment_text
from openbpo.surfaces.web.pages.levels.figures import (
    IN_ORDER,
    OUTCOME_WORDS,
    Told,
    cases_text,
    lasted,
    named,
    number,
    outcome_chip,
    reason_text,
    whose_text,
)
from openbpo.surfaces.web.pages.levels.reading import (
    any_text,
    at_month,
    measure_in,
    month_name,
    told_of,
)
from openbpo.surfaces.web.parts.pieces import Cell, Column, Row, Table
from openbpo.surfaces.web.visits import Crumb, Visit, page
from openbpo.trust.roles.model import Right

SORTED = {"case": "case", "began": "began", "ended": "ended", "counted_us": "counted_us"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for of the list."""

    outcome: str = ""
    why: str = ""
    group: str = ""
    sort: str = ""
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, Any]) -> Asked:
        """Return what a query asks for; what it cannot mean is left out."""
        outcome = any_text(query.get("outcome"))
        sort, at = any_text(query.get("sort")), any_text(query.get("page"))
        is_page = at.isascii() and at.isdigit() and 0 < int(at) < 1_000_000
        return cls(
            outcome=outcome if outcome in OUTCOME_WORDS else "",
            why=any_text(query.get("why")),
            group=any_text(query.get("group")),
            sort=sort if sort.removeprefix("-") in SORTED else "",
            page=int(at) if is_page else 1,
        )

    def href(self, address: str) -> str:
        """Return the address of this list."""
        told = {"outcome": self.outcome, "why": self.why, "group": self.group, "sort": self.sort,
                "page": str(self.page) if self.page > 1 else ""}  # fmt: skip
        query = urlencode({name: value for name, value in told.items() if value})
        return f"{address}?{query}" if query else address


@page(
    "e/<handle>/service-levels/<period>/<measure>/cases",
    needs=Right.SEE_CASES,
    name="measure_cases",
)
def measure_cases(visit: Visit, period: str, measure: str) -> HttpResponse:
    """List the cases of a measure."""
    asked = Asked.of(visit.request.GET)
    with visit.reading("cases") as tx:
        month = told_of(tx, visit, period)
        found = measure_in(month, measure)
        listed = cases_of(
            tx, visit.engagement_id, period, f"measure:{measure}",
            outcome=Outcome(asked.outcome) if asked.outcome else None, why=asked.why or None,
            group=asked.group or None, page=asked.page, sort=asked.sort or None,
        )  # fmt: skip
    data = told(visit, month, found, listed, asked)
    parts = {"period": period, "measure": measure}
    here = at_month(visit, period).at(
        Crumb(found["clause"] or named(measure), visit.href("measure", **parts)), Crumb(_("Cases"))
    )
    return here.page("pages/levels/cases.html", data)


def told(visit: Visit, month: Told, measure: Told, listed: CasesPage, asked: Asked) -> Any:
    """Return what the page tells."""
    address = visit.href("measure_cases", period=month["period"], measure=measure["id"])
    return {
        "finding": finding(listed, asked),
        "says": measure["says"] or measure["in_words"],
        "period": month["period"],
        "note": note(asked),
        "filters": filters(measure, asked, address),
        "table": table(visit, listed, measure, month["zone"], asked, address),
        "pager": pager(listed, asked, address),
        "total": listed.total,
        "address": address,
        "over": f"{measure['clause'] or named(measure['id'])} · {month_name(month['period'])}",
    }


def finding(listed: CasesPage, asked: Asked) -> str:
    """Return how many cases there are of what was asked for."""
    if asked.group:
        counts = named(", ".join(asked.group.split(" ")))
        said = {"cases": cases_text(listed.total), "counts": counts}
        return _("%(cases)s in: %(counts)s") % said
    words = {
        "within": _("%(cases)s within"),
        "late": _("%(cases)s late"),
        "open": _("%(cases)s still open"),
        "left_out": _("%(cases)s left out"),
        "not_provable": _("%(cases)s not provable"),
        "billed": _("%(cases)s billed"),
        "": _("%(cases)s in all"),
    }
    return words[asked.outcome] % {"cases": cases_text(listed.total)}


def note(asked: Asked) -> str:
    """Return the reason that the list is narrowed to."""
    return reason_text(asked.why) if asked.why else ""


def filters(measure: Told, asked: Asked, address: str) -> list[tuple[str, str, bool]]:
    """Return a link for all and for each outcome that there is: word, address, whether here."""
    whole = sum(measure["outcomes"].values())
    is_whole = not (asked.outcome or asked.why or asked.group)
    plain = Asked(sort=asked.sort)
    found = [(f"{_('All')} {number(whole)}", plain.href(address), is_whole)]
    for outcome in IN_ORDER:
        if count := measure["outcomes"][outcome]:
            href = replace(plain, outcome=outcome).href(address)
            word = f"{OUTCOME_WORDS[outcome]()} {number(count)}"
            found.append((word, href, asked.outcome == outcome and not asked.why))
    return found


def table(
    visit: Visit, listed: CasesPage, measure: Told, zone: str, asked: Asked, address: str
) -> Table:
    """Return the cases; each row leads to its case."""
    is_clock = measure["kind"] == "clock"
    heads = [("case", _("Case")), ("began", _("Began") if is_clock else _("At")),
             ("ended", _("Ended"))]  # fmt: skip
    columns = [_sorted_column(*head, asked, address) for head in heads]
    if is_clock:
        columns += [
            _sorted_column("counted_us", _("Counted"), asked, address),
            Column(_("Paused"), is_number=True), Column(_("Limit"), is_number=True),
            Column(_("Whose minutes")),
        ]  # fmt: skip
    else:
        columns.append(Column(_("In")))
    columns.append(Column(_("Outcome")))
    rows = [_row(visit, one, zone, is_clock=is_clock) for one in listed.rows]
    return Table(columns, rows, are_links=True)


def _sorted_column(sort: str, word: str, asked: Asked, address: str) -> Column:
    is_up = asked.sort == sort
    href = replace(asked, sort=f"-{sort}" if is_up else sort, page=1).href(address)
    mark = " ↑" if is_up else " ↓" if asked.sort == f"-{sort}" else ""
    head = format_html('<a class="plain-link" href="{}">{}{}</a>', href, word, mark)
    return Column(head, is_number=sort == "counted_us")


def _row(visit: Visit, one: CaseRow, zone: str, *, is_clock: bool) -> Row:
    locale = current_locale()
    cells: list[Any] = [
        Cell(one.case, href=visit.href("case", case=one.case)),
        moment_text(one.began, locale, zone),
        moment_text(one.ended, locale, zone) if one.ended else "–",
    ]
    if is_clock:
        is_late = one.outcome is Outcome.LATE
        over = (one.counted_us or 0) - (one.limit_us or 0)
        cells += [
            Cell(
                lasted(one.counted_us) or "–",
                small=_("over by %(time)s") % {"time": lasted(over)} if is_late else "",
                kind="bad" if is_late else "",
            ),
            lasted(one.paused_us) or "–",
            lasted(one.limit_us) or "–",
            whose_text(one.whose),
        ]
    else:
        cells.append(named(", ".join((one.group or "").split(" "))) or "–")
    chip = outcome_chip(one.outcome.value)
    return Row((*cells, Cell(chip=chip, small=_why(one, is_clock=is_clock))))


def _why(one: CaseRow, *, is_clock: bool) -> str:
    """Return the reason beside an outcome; the counts stand in a column of their own."""
    if one.why is None or (one.why.startswith("counts: ") and not is_clock):
        return ""
    return reason_text(one.why)


def pager(listed: CasesPage, asked: Asked, address: str) -> dict[str, str]:
    """Return which of the cases are shown, and the addresses of the pages beside this one."""
    first = (listed.page - 1) * listed.size + 1
    last = first + len(listed.rows) - 1
    return {
        "shown": _("%(first)s to %(last)s of %(total)s") % {
            "first": number(first), "last": number(last), "total": number(listed.total),
        } if listed.rows else "",
        "before": replace(asked, page=asked.page - 1).href(address) if asked.page > 1 else "",
        "after": replace(asked, page=asked.page + 1).href(address)
        if asked.page < listed.pages else "",
    }  # fmt: skip
