"""A month's money, what can be done with it, and the cases behind each figure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch
from django.utils.translation import gettext as _

from openbpo.billing.closing.actions import Closing, act_on
from openbpo.billing.closing.model import State
from openbpo.billing.drafting.queries import MonthOfMoney, month_of_money
from openbpo.billing.issuing.actions import issue
from openbpo.billing.statements.actions import cases_of, statement_of
from openbpo.billing.statements.model import CasesPage, Outcome
from openbpo.storage.installation import open_sealer
from openbpo.surfaces.sealing import sealed
from openbpo.surfaces.web.pages.billing import case_told
from openbpo.surfaces.web.pages.billing.acting import awaited, doings
from openbpo.surfaces.web.pages.billing.month_told import Addresses, told
from openbpo.surfaces.web.pages.billing.sheets import Leads, sheet, volumes
from openbpo.surfaces.web.pages.billing.words import for_pages, month_or_name
from openbpo.surfaces.web.people.names import names_of
from openbpo.surfaces.web.showing import show_cases
from openbpo.surfaces.web.visits import PAGES, Crumb, Visit, page
from openbpo.trust.roles.model import Right
from openbpo.values.refusals import Refusal

MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
BILLING = "billing of {}"


@page("e/<handle>/billing/<period>", needs=Right.SEE_BILLING)
def month_billing(visit: Visit, period: str) -> HttpResponse:
    """Show a month's money as it will print, how it stands, and what can be done next."""
    return month_page(visit, period)


def month_page(
    visit: Visit, period: str, refused: Refusal | None = None, given: Mapping[str, str] = {}
) -> HttpResponse:
    """Return the page of a month; with what was refused of it, and what was given then."""
    visit.refuse_unless(Right.SEE_MONEY)
    month = read_month(visit, period)
    leads = leads_of(visit, month)
    to = Addresses(
        dispute={one.number: address_of_dispute(visit, period, one.number)
                 for one in month.disputes},
        document={one.issued.number: visit.href("invoice", number=one.issued.number)
                  for one in month.accounts},
        month=lambda name: visit.href("month_billing", period=name),
    )  # fmt: skip
    names = names_of([*(a.by for a in month.acts), *(a.issued.by for a in month.accounts)])
    rights = visit.role.rights
    acts = [
        (one, one.page and _address(visit, one.page, period))
        for one in doings(month, rights, visit.locale)
    ]
    found = {
        "told": told(month, names, to, visit.locale),
        "sheet": sheet(month.invoice, locale=visit.locale, statement=month.statement,
                       disputes=month.disputes, leads=leads),
        "volumes": volumes(month.invoice, month.statement, leads, visit.locale),
        "doings": acts,
        "others": [(one, address) for one, address in acts if one.button and not one.is_main],
        "awaited": awaited(month, rights),
        "period": period,
        "issued": month.issued,
        "mistakes": [for_pages(one) for one in refused.mistakes] if refused else [],
        "given": given,
    }  # fmt: skip
    here = visit.at(Crumb(_("Billing"), visit.href("engagement_billing")),
                    Crumb(month_or_name(period, visit.locale)))  # fmt: skip
    return here.page("pages/billing/month.html", found, status=422 if refused else 200)


def read_month(visit: Visit, period: str) -> MonthOfMoney:
    """Read a month's money, and note that it was read; Http404 for what is no month."""
    if not MONTH.fullmatch(period):
        raise Http404(_("There is no month of this name."))
    with visit.reading(BILLING.format(period)) as tx:
        return month_of_money(tx, visit.engagement_id, period)


def _address(visit: Visit, name: str, period: str) -> str:
    parts = {"period": period} if "<period>" in PAGES[name].path else {}
    return visit.href(name, **parts)


def address_of_dispute(visit: Visit, period: str, number: int) -> str:
    """Return the address of a dispute of a line."""
    return visit.href("line_dispute", period=period, number=number)


def leads_of(visit: Visit, month: MonthOfMoney) -> Leads:
    """Return where a month's figures lead this visitor."""
    period = month.period
    cases = visit.href("billing_cases", period=period)
    disputing = visit.href("dispute_line", period=period)
    until = month.dispute_until
    state = month.acts[-1].state if month.acts else None
    can_dispute = (
        visit.may(Right.DISPUTE_LINE)
        and state is not None
        and state.stands
        and state is not State.FINAL
        and (until is None or month.at < until)
    )
    return Leads(
        cases=(lambda asked: f"{cases}?{asked}") if visit.may(Right.SEE_CASES) else None,
        dispute=lambda number: address_of_dispute(visit, period, number),
        disputing=(lambda key: f"{disputing}?{urlencode({'line': key})}") if can_dispute else None,
    )


@page("e/<handle>/billing/<period>/report", needs=Right.REPORT_PERIOD, methods=("POST",))
def report_month(visit: Visit, period: str) -> HttpResponse:
    """Bring a month to the state that the provider may bring it to."""
    return _brought(visit, period, (State.PRELIMINARY, State.REPORTED, State.FINAL), "provider")


@page("e/<handle>/billing/<period>/agree", needs=Right.AGREE_PERIOD, methods=("POST",))
def agree_month(visit: Visit, period: str) -> HttpResponse:
    """Agree to a month, or dispute it."""
    return _brought(visit, period, (State.AGREED, State.DISPUTED), "client")


def _brought(visit: Visit, period: str, allowed: tuple[State, ...], side: Any) -> HttpResponse:
    asked = visit.request.POST.get("state", "")
    found = next((one for one in allowed if one.value == asked), None)
    if found is None:
        raise Http404(_("There is no such state."))
    note = visit.request.POST.get("note", "").strip() or None
    try:
        with open_sealer() as sealer:
            act_on(
                visit.database, visit.context, visit.engagement_id,
                Closing(period, found, side, note),
                lambda: sealed(sealer, visit.engagement_id),
            )  # fmt: skip
    except Refusal as refusal:
        return month_page(visit, period, refusal, visit.request.POST.dict())
    said = {
        State.PRELIMINARY: _("The draft is given to the client."),
        State.REPORTED: _("The month is reported: its figures stand."),
        State.AGREED: _("You agreed to the month."),
        State.DISPUTED: _("The month is disputed."),
        State.FINAL: _("The month is final."),
    }
    messages.success(visit.request, said[found])
    return redirect(visit.href("month_billing", period=period))


@page("e/<handle>/billing/<period>/issue", needs=Right.ISSUE_INVOICE, methods=("POST",))
def issue_month(visit: Visit, period: str) -> HttpResponse:
    """Issue a month's invoice."""
    order = visit.request.POST.get("order", "").strip()
    try:
        found = issue(
            visit.database, visit.context, visit.engagement_id, period,
            order=order or None, before_agreed=visit.request.POST.get("early") == "yes",
        )  # fmt: skip
    except Refusal as refusal:
        return month_page(visit, period, refusal, visit.request.POST.dict())
    messages.success(
        visit.request, _("Invoice %(number)s is issued.") % {"number": found.issued.number}
    )
    return redirect(visit.href("month_billing", period=period))


@page("e/<handle>/billing/<period>/cases", needs=Right.SEE_CASES)
def billing_cases(visit: Visit, period: str) -> HttpResponse:
    """List the cases of a figure, fifty a page; with `case` one of them, event by event."""
    if not MONTH.fullmatch(period):
        raise Http404(_("There is no month of this name."))
    asked = visit.request.GET
    figure, case = asked.get("figure", ""), asked.get("case", "")
    here = visit
    if visit.may(Right.SEE_BILLING):
        here = visit.at(
            Crumb(_("Billing"), visit.href("engagement_billing")),
            Crumb(month_or_name(period, visit.locale), visit.href("month_billing", period=period)),
        )
    back = visit.href("billing_cases", period=period)
    listed = {
        name: asked[name] for name in ("figure", "outcome", "why", "units") if asked.get(name)
    }
    if case:
        return _case(here, period, case, f"{back}?{urlencode(listed)}" if figure else "")
    with visit.reading(f"cases of {figure} in {period}") as tx:
        statement = statement_of(tx, visit.engagement_id, period)
        found: CasesPage | case_told.AdjustedCases
        if figure.startswith("adjustment:"):
            found = case_told.of_adjustment(
                statement, figure.partition(":")[2], asked.get("why", ""), _number(asked)
            )
        else:
            found = cases_of(
                tx, visit.engagement_id, period, figure, outcome=_outcome(asked.get("outcome")),
                why=asked.get("why") or None, units=_units(asked.get("units")),
                page=_number(asked),
            )  # fmt: skip
    zone = statement.told["zone"]
    told_ = case_told.cases(
        found, statement, listed, zone=zone, locale=visit.locale,
        href=lambda key: address_of_case(visit, period, key, listed),
    )  # fmt: skip
    pages = case_told.pages(found, f"{back}?{urlencode(listed)}")
    return here.at(Crumb(_("Cases"))).page(
        "pages/billing/cases.html", {"told": told_, "pages": pages, "period": period}
    )


def address_of_case(
    visit: Visit, period: str, key: str, listed: Mapping[str, str] | None = None
) -> str:
    """Return the address of a case: its page where there is one, else what is known of it here."""
    if "case" in PAGES:
        try:
            return visit.href("case", case=key)
        except NoReverseMatch:
            pass
    asked = urlencode({**(listed or {}), "case": key})
    return f"{visit.href('billing_cases', period=period)}?{asked}"


def _case(here: Visit, period: str, case: str, back: str) -> HttpResponse:
    with here.reading(f"case {case}") as tx:
        month = statement_of(tx, here.engagement_id, period)
        attributes = case_told.attributes_of(tx, here.engagement_id)
        events = show_cases(here, tx, attributes, [case])
    if not events:
        raise Http404(_("There is no case of this name."))
    found = case_told.case(events, case, zone=month.told["zone"], locale=here.locale)
    steps = [Crumb(_("Cases"), back)] if back else []
    return here.at(*steps, Crumb(case)).page("pages/billing/case.html", {"told": found})


def _outcome(text: str | None) -> Outcome | None:
    try:
        return Outcome(text) if text else None
    except ValueError as fault:
        raise Http404(_("There is no such outcome.")) from fault


def _units(text: str | None) -> tuple[int, int] | None:
    found = re.fullmatch(r"([0-9]{1,9})-([0-9]{1,9})", text or "")
    return (int(found[1]), int(found[2])) if found else None


def _number(asked: Any) -> int:
    page_ = asked.get("page", "1")
    return max(int(page_), 1) if page_.isascii() and page_.isdecimal() and len(page_) < 8 else 1


__all__ = ["leads_of", "month_page", "read_month"]
