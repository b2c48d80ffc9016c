"""The disputes of an engagement: what is open first, with the money in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from openbpo.billing.disputes.decisions import in_dispute
from openbpo.billing.disputes.model import Dispute
from openbpo.billing.disputes.queries import disputes_of
from openbpo.surfaces.web.engagements import Named
from openbpo.surfaces.web.numbers import current_locale, moment_text, money_text
from openbpo.surfaces.web.pages.disputes.words import amount, line_text, party, state_chip
from openbpo.surfaces.web.pages.levels.reading import month_name
from openbpo.surfaces.web.parts.pieces import Cell, Column, Row, Table
from openbpo.surfaces.web.visits import Group, Nav, Visit, page
from openbpo.trust.roles.model import Right


@page(
    "e/<handle>/disputes",
    needs=Right.SEE_BILLING,
    nav=Nav(Group.TODAY, gettext_lazy("Disputes"), order=10),
)
def disputes(visit: Visit) -> HttpResponse:
    """List what is and was disputed."""
    visit.refuse_unless(Right.SEE_MONEY)
    with visit.reading("disputes") as tx:
        found = disputes_of(tx, visit.engagement_id)
    if not found:
        return visit.page("pages/disputes/none.html")
    return visit.page("pages/disputes/list.html", told(found, visit.named, visit.href))


def told(found: Sequence[Dispute], called: Named, href: Any) -> dict[str, Any]:
    """Return what the page tells: the open ones first, the newest on top."""
    ordered = sorted(found, key=lambda one: (one.state.is_over, -one.number))
    return {"finding": finding(found), "table": _table(ordered, called, href)}


def finding(found: Sequence[Dispute]) -> str:
    """Return how much is in dispute, in a line."""
    running = [one for one in found if not one.state.is_over]
    if not running:
        return _("Nothing is in dispute")
    locale = current_locale()
    sums = [money_text(in_dispute(found, currency), None, locale)
            for currency in sorted({one.stands.currency for one in running})]  # fmt: skip
    said = {"n": len(running), "money": ", ".join(sums)}
    return (
        ngettext("%(money)s lie in %(n)s dispute", "%(money)s lie in %(n)s disputes", len(running))
        % said
    )


def _table(found: Sequence[Dispute], called: Named, href: Any) -> Table:
    columns = (
        Column(_("Dispute")), Column(_("Month")), Column(_("By")),
        Column(_("Stands at"), is_number=True), Column(_("Claimed"), is_number=True),
        Column(_("Awaited")), Column(_("State")),
    )  # fmt: skip
    rows = [
        Row(
            (
                Cell(line_text(one), href=href("dispute", number=one.number), small=one.reason),
                month_name(one.period),
                party(called, one.side),
                amount(one.stands, one),
                amount(one.wanted, one),
                awaited(one, called),
                Cell(
                    chip=state_chip(one),
                    small=amount(one.settled, one) if one.settled is not None else "",
                ),
            )
        )
        for one in found
    ]
    return Table(columns, rows, are_links=True)


def awaited(one: Dispute, called: Named) -> Any:
    """Return whose word is awaited and until when."""
    if one.turn is None:
        return ""
    until = moment_text(one.answer_by, current_locale()) if one.answer_by else ""
    return Cell(party(called, one.turn), small=_("until %(at)s") % {"at": until} if until else "")
