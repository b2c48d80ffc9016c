"""Disputing a line; a dispute with what each side did; answering, offering, settling."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbpo.agreements.model import Side
from openbpo.billing.disputes.actions import open_dispute, reply_to
from openbpo.billing.disputes.model import Claim, Deed, Dispute, Reply
from openbpo.billing.disputes.queries import disputes_of
from openbpo.billing.drafting.queries import MonthOfMoney, dispute_if_opened
from openbpo.surfaces.web.pages.billing import dispute_told
from openbpo.surfaces.web.pages.billing.months import (
    address_of_case,
    address_of_dispute,
    leads_of,
    read_month,
)
from openbpo.surfaces.web.pages.billing.words import for_pages, month_or_name
from openbpo.surfaces.web.people.names import names_of
from openbpo.surfaces.web.visits import Crumb, Visit, page
from openbpo.trust.roles.model import Right
from openbpo.values.refusals import Refusal

CASES = 200


class ClaimForm(forms.Form):
    """What a line should be, and why."""

    reason = forms.CharField(
        label=gettext_lazy("Why"),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        error_messages={"required": gettext_lazy("Say why, so that the other can answer.")},
    )
    amount = forms.CharField(
        label=gettext_lazy("The amount that it should come to"),
        help_text=gettext_lazy("As 1500.00; a credit has a minus. Or give the quantity."),
        required=False, max_length=30,
    )  # fmt: skip
    quantity = forms.IntegerField(
        label=gettext_lazy("Or how many units it should be"), required=False, min_value=0,
        max_value=10**9,
        error_messages={"invalid": gettext_lazy("Write a whole number of units.")},
    )  # fmt: skip
    cases = forms.CharField(
        label=gettext_lazy("Cases that show it"),
        help_text=gettext_lazy("One a line, as they are written in the list of cases."),
        required=False, widget=forms.Textarea(attrs={"rows": 3}), max_length=20_000,
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """One of amount and quantity."""
        given: dict[str, Any] = super().clean()
        if self.errors:
            return given
        if bool(given.get("amount")) == (given.get("quantity") is not None):
            self.add_error("amount", _("Give either the amount or the quantity."))
        return given

    def claim(self, period: str, line: str) -> Claim:
        """Return what is claimed."""
        given = self.cleaned_data
        keys = [one.strip() for one in given["cases"].splitlines() if one.strip()]
        return Claim(
            period=period, line=line, reason=given["reason"].strip(),
            amount=given["amount"].strip() or None, quantity=given["quantity"],
            cases=tuple(dict.fromkeys(keys))[:CASES],
        )  # fmt: skip


@page("e/<handle>/billing/<period>/dispute", needs=Right.DISPUTE_LINE, methods=("GET", "POST"))
def dispute_line(visit: Visit, period: str) -> HttpResponse:
    """Dispute a line: say why and what it should be; look what would move; then do it."""
    line = visit.request.GET.get("line", "")
    form = ClaimForm(visit.request.POST or None)
    month = read_month(visit, period)
    looked: Dispute | None = None
    mistakes = []
    if visit.request.method == "POST" and form.is_valid():
        claim = form.claim(period, line)
        try:
            if visit.request.POST.get("do") == "dispute":
                number = _opened(visit, claim)
                messages.success(visit.request, _("The line is disputed."))
                return redirect(address_of_dispute(visit, period, number))
            with visit.transaction() as tx:
                looked = dispute_if_opened(tx, visit.engagement_id, claim, "client")
        except Refusal as refusal:
            for one in map(for_pages, refusal.mistakes):
                if one.where == _("Amount"):
                    form.add_error("amount", f"{one.what} {one.remedy}")
                else:
                    mistakes.append(one)
    found = dispute_told.line_of(month, line)
    if found is None:
        raise Http404(_("There is no such line."))
    told = {
        "form": form,
        "line": dispute_told.claimable(month, found, visit.locale),
        "looked": looked and dispute_told.would_move(looked, month, visit.locale),
        "until": dispute_told.until_text(month, visit.locale),
        "mistakes": mistakes,
        "back": visit.href("month_billing", period=period),
    }
    failed = visit.request.method == "POST" and (mistakes or not form.is_valid())
    return _at(visit, period, _("Dispute a line")).page(
        "pages/billing/dispute_line.html", told, status=422 if failed else 200
    )


def _opened(visit: Visit, claim: Claim) -> int:
    """Open the dispute; sent twice it is there once."""
    try:
        found = open_dispute(visit.database, visit.context, visit.engagement_id, claim, "client")
    except Refusal:
        with visit.transaction() as tx:
            known = disputes_of(tx, visit.engagement_id)
        for one in known:
            if dispute_told.is_same_claim(one, claim, visit.principal):
                return one.number
        raise
    return found.number


@page("e/<handle>/billing/<period>/disputes/<number>", needs=Right.SEE_BILLING)
def line_dispute(visit: Visit, period: str, number: str) -> HttpResponse:
    """Show a dispute: the line, the money, what each side did, and what may follow."""
    return _dispute_page(visit, period, number)


@page(
    "e/<handle>/billing/<period>/disputes/<number>/answer",
    needs=Right.ANSWER_DISPUTE, methods=("POST",),
)  # fmt: skip
def answer_dispute(visit: Visit, period: str, number: str) -> HttpResponse:
    """Answer for the provider."""
    return _replied(visit, period, number, "provider")


@page(
    "e/<handle>/billing/<period>/disputes/<number>/reply",
    needs=Right.DISPUTE_LINE, methods=("POST",),
)  # fmt: skip
def reply_dispute(visit: Visit, period: str, number: str) -> HttpResponse:
    """Answer for the client."""
    return _replied(visit, period, number, "client")


def _dispute_page(
    visit: Visit, period: str, number: str, refused: Refusal | None = None
) -> HttpResponse:
    visit.refuse_unless(Right.SEE_MONEY)
    month = read_month(visit, period)
    dispute = _found(month, number)
    offered = (
        visit.request.POST.get("amount", "") if refused else visit.request.GET.get("offer", "")
    )
    sides: list[Side] = []
    if visit.may(Right.ANSWER_DISPUTE):
        sides.append("provider")
    if visit.may(Right.DISPUTE_LINE):
        sides.append("client")
    pages = {"provider": "answer_dispute", "client": "reply_dispute"}
    doings = [
        (one, visit.href(pages[side], period=period, number=dispute.number))
        for side in sides
        for one in dispute_told.doings(dispute, side, month, visit.locale, offered.strip())
    ]
    names = names_of(act.by for act in dispute.acts)
    can_see = visit.may(Right.SEE_CASES)
    told = {
        "told": dispute_told.dispute(dispute, month, names, visit.locale),
        "cases": [(case, address_of_case(visit, period, case) if can_see else "")
                  for case in dispute.cases],
        "doings": doings,
        "seen": len(dispute.acts),
        "mistakes": [for_pages(one) for one in refused.mistakes] if refused else [],
        "leads": leads_of(visit, month),
    }  # fmt: skip
    return _at(visit, period, _("Dispute %(n)d") % {"n": dispute.number}).page(
        "pages/billing/dispute.html", told, status=422 if refused else 200
    )


def _replied(visit: Visit, period: str, number: str, side: Side) -> HttpResponse:
    given = visit.request.POST
    try:
        did = Deed(given.get("did", ""))
    except ValueError as fault:
        raise Http404(_("There is no such answer.")) from fault
    amount = given.get("amount", "").strip() or None
    reply = Reply(did=did, amount=amount, reason=given.get("reason", "").strip() or None)
    if not (number.isascii() and number.isdecimal() and len(number) < 10) or did is Deed.OPENED:
        raise Http404(_("There is no such dispute."))
    try:
        reply_to(visit.database, visit.context, visit.engagement_id, int(number), reply, side)
    except Refusal as refusal:
        with visit.transaction() as tx:
            known = disputes_of(tx, visit.engagement_id)
        seen = given.get("seen", "")
        if not dispute_told.was_said(known, int(number), reply, seen, visit.principal):
            return _dispute_page(visit, period, number, refusal)
    messages.success(visit.request, _("Your answer stands in the record."))
    return redirect(address_of_dispute(visit, period, int(number)))


def _found(month: MonthOfMoney, number: str) -> Dispute:
    for one in month.disputes:
        if str(one.number) == number:
            return one
    raise Http404(_("There is no such dispute."))


def _at(visit: Visit, period: str, word: str) -> Visit:
    return visit.at(
        Crumb(_("Billing"), visit.href("engagement_billing")),
        Crumb(month_or_name(period, visit.locale), visit.href("month_billing", period=period)),
        Crumb(word),
    )
