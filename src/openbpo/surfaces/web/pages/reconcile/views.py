"""Dropping a report, and each place in which it differs: by cause, with cases and money."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbpo.billing.statements.queries import period_names
from openbpo.storage.jobs.actions import enqueue
from openbpo.storage.jobs.model import Job, JobState
from openbpo.storage.jobs.queries import find_job, jobs_of
from openbpo.surfaces.uploads import Upload, find_upload
from openbpo.surfaces.web.numbers import current_locale, month_text
from openbpo.surfaces.web.pages.imports.told import UNDER_WAY, progress_of
from openbpo.surfaces.web.pages.imports.views import job_uuid
from openbpo.surfaces.web.pages.reconcile.told import (
    PAGE,
    causes_table,
    differences_table,
    exported,
    finding_of,
    sums_table,
)
from openbpo.surfaces.web.uploading import FileForm
from openbpo.surfaces.web.visits import Crumb, Group, Nav, Visit, page
from openbpo.surfaces.worker.bringing import RECONCILE
from openbpo.trust.roles.model import Right


class ReportForm(FileForm):
    """A report, and of which period it tells."""

    period = forms.ChoiceField(label=gettext_lazy("Period"), required=False)

    def __init__(self, request: HttpRequest, periods: list[str]) -> None:
        super().__init__(request)
        self.fields["file"].help_text = _("CSV or XLSX: a row for each case or figure.")
        self.fields["file"].widget.attrs["accept"] = ".csv,.xlsx"
        months = [(one, month_text(one, current_locale())) for one in reversed(periods)]
        self.fields["period"].choices = [("", _("as the report says")), *months]


@page(
    "e/<handle>/reconcile",
    needs=Right.SEE_BILLING,
    nav=Nav(Group.MONTH, gettext_lazy("Reconcile"), order=70),
    methods=("GET", "POST"),
)
def reconcile(visit: Visit) -> HttpResponse:
    """Take a report; list those that were set against the record before."""
    visit.refuse_unless(Right.SEE_CASES)
    with visit.transaction() as tx:
        periods = period_names(tx, visit.engagement_id)
        jobs = [job for job in jobs_of(tx, visit.engagement_id) if job.kind == RECONCILE]
    form = ReportForm(visit.request, periods)
    if visit.request.method == "POST" and form.is_valid():
        return _begun(visit, form)
    return visit.page("pages/reconcile/list.html", {
        "form": form, "periods": periods, "jobs": jobs,
    })  # fmt: skip


@page("e/<handle>/reconcile/<job>", needs=Right.SEE_BILLING)
def reconcile_job(visit: Visit, job: str) -> HttpResponse:
    """Show what differs, or how far the reckoning is."""
    found, upload = _job(visit, job)
    note = upload.told() if upload is not None else {}
    told: dict[str, Any] = {
        "job": found,
        "name": found.arguments.get("name", ""),
        "is_under_way": found.state in UNDER_WAY,
        "progress": progress_of(found),
        "has_failed": found.state == JobState.FAILED,
        "mistakes": note.get("mistakes", ()),
    }
    if found.state == JobState.DONE and "found" in note:
        told.update(_told(visit, note))
    return visit.at(Crumb(told["name"] or _("Report"))).page("pages/reconcile/job.html", told)


@page("e/<handle>/reconcile/<job>/differences.csv", needs=Right.SEE_BILLING)
def reconcile_export(visit: Visit, job: str) -> HttpResponse:
    """Give all differences as CSV."""
    _found, upload = _job(visit, job)
    note = upload.told() if upload is not None else {}
    if "found" not in note:
        raise Http404(_("What was found is not kept any more."))
    text = exported(note["found"], note["currency"])
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    name = f"differences-{note['period']}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _begun(visit: Visit, form: ReportForm) -> HttpResponse:
    upload = form.taken(owner=visit.principal, engagement_id=str(visit.engagement_id))
    arguments = {
        "upload": upload.token, "handle": visit.handle, "name": upload.name,
        "period": form.cleaned_data["period"] or None,
    }  # fmt: skip
    with visit.transaction() as tx:
        job = enqueue(tx, visit.engagement_id, RECONCILE, arguments)
    return redirect(visit.href("reconcile_job", job=job))


def _job(visit: Visit, job_id: str) -> tuple[Job, Upload | None]:
    visit.refuse_unless(Right.SEE_CASES)
    with visit.transaction() as tx:
        found = find_job(tx, visit.engagement_id, job_uuid(job_id))
    if found is None or found.kind != RECONCILE:
        raise Http404(_("There is no such report."))
    token = str(found.arguments["upload"])
    return found, find_upload(token, owner=None, engagement_id=str(visit.engagement_id))


def _told(visit: Visit, note: dict[str, Any]) -> dict[str, Any]:
    found, currency = note["found"], note["currency"]
    asked = visit.request.GET.get("page", "1")
    last = max((len(found["differences"]) - 1) // PAGE + 1, 1)
    number = min(max(int(asked), 1), last) if asked.isdecimal() and len(asked) < 6 else 1
    return {
        "found": found,
        "finding": finding_of(found, currency),
        "month": month_text(note["period"], visit.locale),
        "sums": sums_table(found, currency),
        "causes": causes_table(found, currency),
        "differences": differences_table(found, currency, number),
        "notes": note["notes"],
        "older": number + 1 if number < last else None,
        "newer": number - 1 if number > 1 else None,
    }
