"""The review meeting of a period: what is brought to it, and the actions that it decides."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbpo.agreements.resolved import day_of
from openbpo.agreements.versions.queries import terms_in_force
from openbpo.billing.reviews.actions import LONGEST, act_on_action, raise_action
from openbpo.billing.reviews.model import State
from openbpo.billing.reviews.queries import actions_for
from openbpo.billing.statements.actions import statements_between
from openbpo.billing.statements.queries import period_names
from openbpo.record.queries import last_entry
from openbpo.storage.database import Transaction
from openbpo.surfaces.web.documents.review import Reviewed, as_pdf, as_workbook, pack_of, trend
from openbpo.surfaces.web.engagements import Named
from openbpo.surfaces.web.numbers import month_text
from openbpo.surfaces.web.parts.pieces import Cell, Column, Row, Table
from openbpo.surfaces.web.results import lines_table, results_table
from openbpo.surfaces.web.visits import Crumb, Group, Nav, Visit, page
from openbpo.trust.roles.model import Right

TREND_MONTHS = 6
STATES: dict[str, State] = {"open": "open", "done": "done", "dropped": "dropped"}


class ActionForm(forms.Form):
    """What is to be done, by whom, until when."""

    said = forms.CharField(label=gettext_lazy("Action"), max_length=LONGEST)
    owner_side = forms.ChoiceField(
        label=gettext_lazy("Owner"),
        choices=[
            ("provider", gettext_lazy("the provider")),
            ("client", gettext_lazy("the client")),
        ],
    )
    due_day = forms.DateField(
        label=gettext_lazy("Due"), widget=forms.DateInput(attrs={"type": "date"})
    )


@page(
    "e/<handle>/review",
    needs=Right.SEE_BILLING,
    nav=Nav(Group.MONTH, gettext_lazy("Review"), order=80),
)
def review(visit: Visit) -> HttpResponse:
    """Show what is brought to the review of a period: of the last one, or of that named."""
    with visit.transaction() as tx:
        names = period_names(tx, visit.engagement_id) if last_entry(tx, visit.engagement_id) else []
    if not names:
        return visit.page("pages/review.html", {"names": []})
    period, called = _asked(visit, names), visit.named
    with visit.reading(f"review {period}") as tx:
        found = reviewed(tx, visit, called, period, names)
        zone = terms_in_force(tx, visit.engagement_id, visit.handle)[-1]
        today = day_of(tx.at, zone.resolved.zones[zone.agreement.zone])
    told, shares = found.told, trend(found.statements, visit.locale)
    data = {
        "names": [(name, month_text(name, visit.locale)) for name in reversed(names)],
        "period": period,
        "pack": pack_of(found, visit.locale),
        "results": results_table(told, visit.locale, with_money=visit.may(Right.SEE_MONEY)),
        "lines": lines_table(told, visit.locale),
        "trend": Table(
            [Column(one.head, is_number=one.number) for one in shares.columns],
            [Row([Cell(text) for text in row]) for row in shares.rows],
        ),
        "actions": [(one, one.is_late(today), one.carries_over(period)) for one in found.actions],
        "form": ActionForm(),
        "may_act": may_act(visit),
        "told": told,
    }
    return visit.at(Crumb(month_text(period, visit.locale))).page("pages/review.html", data)


@page("e/<handle>/review/<period>/pack.<form>", needs=Right.SEE_BILLING, name="review_pack")
def review_pack(visit: Visit, period: str, form: str) -> HttpResponse:
    """Hand the pack over, as pdf or xlsx."""
    kinds = {
        "pdf": (as_pdf, "application/pdf"),
        "xlsx": (
            as_workbook, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
    }  # fmt: skip
    with visit.transaction() as tx:
        names = period_names(tx, visit.engagement_id)
    if form not in kinds or period not in names:
        raise Http404(_("There is no pack of this name."))
    called = visit.named
    with visit.reading(f"review pack {period}") as tx:
        found = reviewed(tx, visit, called, period, names)
    make, kind = kinds[form]
    answer = HttpResponse(make(pack_of(found, visit.locale)), content_type=kind)
    filename = f"{visit.handle.partition('@')[0]}-review-{period}.{form}"
    answer["Content-Disposition"] = f'attachment; filename="{filename}"'
    return answer


@page("e/<handle>/review/<period>/actions", needs=Right.SEE_BILLING, methods=("POST",))
def review_raise(visit: Visit, period: str) -> HttpResponse:
    """Add an action to the review of a period."""
    _refuse_onlookers(visit)
    form = ActionForm(visit.request.POST)
    with visit.transaction() as tx:
        if period not in period_names(tx, visit.engagement_id):
            raise Http404(_("There is no such period."))
        if form.is_valid():
            raise_action(tx, visit.engagement_id, period=period, **form.cleaned_data)
    if not form.is_valid():
        messages.error(visit.request, _("An action says what, who, and until which day."))
    return redirect(_back(visit, period))


@page("e/<handle>/review/<period>/actions/<action>", needs=Right.SEE_BILLING, methods=("POST",))
def review_act(visit: Visit, period: str, action: str) -> HttpResponse:
    """Say how far an action came."""
    _refuse_onlookers(visit)
    state = STATES.get(visit.request.POST.get("state", ""))
    try:
        action_id = UUID(action)
    except ValueError as fault:
        raise Http404(_("There is no such action.")) from fault
    if state is not None:
        with visit.transaction() as tx:
            note = visit.request.POST.get("note", "")
            act_on_action(tx, visit.engagement_id, action_id, state, note)
    return redirect(_back(visit, period))


def may_act(visit: Visit) -> bool:
    """Whoever settles a month for a side decides in its review."""
    return visit.may(Right.REPORT_PERIOD) or visit.may(Right.AGREE_PERIOD)


def reviewed(
    tx: Transaction, visit: Visit, called: Named, period: str, names: list[str]
) -> Reviewed:
    """Return what the review of a period is of."""
    upto = names[: names.index(period) + 1][-TREND_MONTHS:]
    return Reviewed(
        title=called.title,
        parties=f"{called.client} · {called.provider}",
        statements=statements_between(tx, visit.engagement_id, upto[0], period),
        actions=actions_for(tx, visit.engagement_id, period),
        made_by=visit.principal,
    )


def _asked(visit: Visit, names: list[str]) -> str:
    asked = visit.request.GET.get("period", names[-1])
    if asked not in names:
        raise Http404(_("There is no such period."))
    return asked


def _refuse_onlookers(visit: Visit) -> None:
    if not may_act(visit):
        raise PermissionDenied(Right.REPORT_PERIOD.value)


def _back(visit: Visit, period: str) -> Any:
    return f"{reverse('review', kwargs={'handle': visit.handle})}?period={period}#actions"
