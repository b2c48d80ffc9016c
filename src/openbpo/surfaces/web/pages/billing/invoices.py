"""What was issued: the list, one document as issued, its payments; cancelling and paying."""

from __future__ import annotations

from datetime import date, datetime

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbpo.billing.disputes.queries import disputes_of
from openbpo.billing.documents.einvoice import refuse_unsayable
from openbpo.billing.issuing.actions import cancel, pay
from openbpo.billing.issuing.model import Account, IssuedDocument, Status
from openbpo.billing.issuing.queries import invoices_of
from openbpo.billing.statements.actions import statement_of
from openbpo.surfaces.web.numbers import day_text, moment_text
from openbpo.surfaces.web.pages.billing.downloads import FORMS
from openbpo.surfaces.web.pages.billing.month_told import documents
from openbpo.surfaces.web.pages.billing.months import (
    address_of_dispute,
    month_page,
)
from openbpo.surfaces.web.pages.billing.sheets import Leads, sheet
from openbpo.surfaces.web.pages.billing.words import (
    STATUS_SHAPES,
    STATUSES,
    amount,
    month_or_name,
)
from openbpo.surfaces.web.parts.pieces import Chip, Column, Row, Table
from openbpo.surfaces.web.people.names import names_of
from openbpo.surfaces.web.visits import Crumb, Group, Nav, Visit, page
from openbpo.trust.roles.model import Right
from openbpo.values.refusals import Refusal

AT_ONCE = 50


@page(
    "e/<handle>/invoices",
    needs=Right.SEE_BILLING,
    nav=Nav(Group.MONTH, gettext_lazy("Invoices"), order=30),
)
def invoices(visit: Visit) -> HttpResponse:
    """List what was issued, the latest first, with how each stands."""
    with visit.reading("invoices") as tx:
        found = invoices_of(tx, visit.engagement_id)
    asked = visit.request.GET.get("page", "1")
    at = max(int(asked), 1) if asked.isascii() and asked.isdecimal() and len(asked) < 6 else 1
    newest = list(reversed(found))[(at - 1) * AT_ONCE : at * AT_ONCE]
    addresses = {one.issued.number: visit.href("invoice", number=one.issued.number)
                 for one in newest}  # fmt: skip
    late = sum(one.status is Status.OVERDUE for one in found)
    open_ = sum(one.status in (Status.OPEN, Status.PART_PAID) for one in found)
    return visit.page(
        "pages/billing/invoices.html",
        {
            "table": documents(newest, addresses, visit.locale,
                               has_money=visit.may(Right.SEE_MONEY)),
            "count": len(found), "late": late, "open": open_,
            "back": at > 1 and at - 1, "on": at * AT_ONCE < len(found) and at + 1,
        },
    )  # fmt: skip


@page("e/<handle>/invoices/cancel", needs=Right.ISSUE_INVOICE, methods=("POST",))
def cancel_invoice(visit: Visit) -> HttpResponse:
    """Cancel an invoice by a credit note."""
    given = visit.request.POST
    try:
        found = cancel(
            visit.database, visit.context, visit.engagement_id, given.get("number", ""),
            reason=given.get("reason", ""),
        )  # fmt: skip
    except Refusal as refusal:
        return _refused(visit, refusal)
    messages.success(
        visit.request,
        _("Credit note %(number)s takes it back.") % {"number": found.issued.number},
    )
    return redirect(visit.href("month_billing", period=found.issued.period))


@page("e/<handle>/invoices/pay", needs=Right.RECORD_PAYMENT, methods=("POST",))
def pay_invoice(visit: Visit) -> HttpResponse:
    """Record what was paid on an invoice."""
    given = visit.request.POST
    try:
        found = pay(
            visit.database, visit.context, visit.engagement_id, given.get("number", ""),
            amount=given.get("amount", "").strip(), day=_day(given.get("day", "")),
            reference=given.get("reference", ""),
        )  # fmt: skip
    except Refusal as refusal:
        return _refused(visit, refusal)
    told = {"amount": amount(found.payment.amount, visit.locale),
            "open": amount(found.account.outstanding, visit.locale)}  # fmt: skip
    messages.success(visit.request, _("%(amount)s is recorded; %(open)s is open.") % told)
    return redirect(visit.href("month_billing", period=found.account.issued.period))


def _refused(visit: Visit, refusal: Refusal) -> HttpResponse:
    """Tell a refusal on the month's page, where one was named; else on its own."""
    period = visit.request.POST.get("period", "")
    if not period:
        raise refusal
    return month_page(visit, period, refusal, visit.request.POST.dict())


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as fault:
        raise Refusal.of(
            "--day", f"{text!r} is no day.", "Name the day on which it was paid."
        ) from fault


@page("e/<handle>/invoices/<path:number>", needs=Right.SEE_BILLING)
def invoice(visit: Visit, number: str) -> HttpResponse:
    """Show an invoice or a credit note as it was issued, and what was paid on it."""
    visit.refuse_unless(Right.SEE_MONEY)
    with visit.reading(f"invoice {number}") as tx:
        account = next(
            (one for one in invoices_of(tx, visit.engagement_id) if one.issued.number == number),
            None,
        )
        if account is None:
            raise Http404(_("Nothing was issued under this number."))
        period = account.issued.period
        statement = statement_of(tx, visit.engagement_id, period)
        known = [one for one in disputes_of(tx, visit.engagement_id) if one.period == period]
    cases = visit.href("billing_cases", period=period)
    leads = Leads(
        cases=(lambda asked: f"{cases}?{asked}") if visit.may(Right.SEE_CASES) else None,
        dispute=lambda n: address_of_dispute(visit, period, n),
    )
    told = {
        "account": account,
        "finding": _finding(visit, account),
        "chip": Chip(STATUS_SHAPES[account.status], STATUSES[account.status]()),
        "sheet": sheet(account.issued.document, locale=visit.locale, statement=statement,
                       disputes=known, leads=leads),
        "files": [(word, visit.href("invoice_file", form=form, number=number))
                  for form, word in FORMS.items()
                  if form != "xml" or _is_sayable(account.issued.document)],
        "payments": _payments(visit, account, statement.told["zone"]),
        "month": (month_or_name(period, visit.locale),
                  visit.href("month_billing", period=period)),
        "proof": account.issued.document_sha256.hex(),
    }  # fmt: skip
    here = visit.at(Crumb(_("Invoices"), visit.href("invoices")), Crumb(number))
    return here.page("pages/billing/invoice.html", told)


def _is_sayable(document: IssuedDocument) -> bool:
    try:
        refuse_unsayable(document)
    except Refusal:
        return False
    return True


def _finding(visit: Visit, account: Account) -> str:
    told = {"number": account.issued.number, "total": amount(account.issued.total, visit.locale),
            "open": amount(account.outstanding, visit.locale)}  # fmt: skip
    if account.issued.kind == "credit_note":
        return _("Credit note %(number)s: %(total)s") % told
    if account.cancelled_by is not None:
        return _("%(number)s is cancelled by %(by)s") % {**told, "by": account.cancelled_by}
    if account.status is Status.PAID:
        return _("%(number)s: %(total)s, paid") % told
    if not account.payments:
        return _("%(number)s: %(total)s open") % told
    return _("%(number)s: %(open)s of %(total)s open") % told


def _payments(visit: Visit, account: Account, zone: str) -> Table | None:
    if not account.payments:
        return None
    names = names_of(one.by for one in account.payments)
    columns = [Column(_("Paid on")), Column(_("Reference")), Column(_("Recorded by")),
               Column(_("Amount"), is_number=True)]  # fmt: skip
    rows = [
        Row((
            day_text(one.day, visit.locale), one.reference,
            f"{names[one.by]}, {moment_text(datetime.fromisoformat(one.at), visit.locale, zone)}",
            amount(one.amount, visit.locale),
        ))
        for one in account.payments
    ]  # fmt: skip
    foot = (Row((_("Open"), "", "", amount(account.outstanding, visit.locale))),)
    return Table(columns, rows, foot=foot)
