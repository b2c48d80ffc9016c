"""Bringing a further file by a mapping that is there; progress, outcome, refused rows."""

from __future__ import annotations

import io
import zipfile
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbpo.agreements.versions.queries import files_of, newest_version, terms_in_force
from openbpo.billing.statements.queries import readiness, stored_statement
from openbpo.delivery.intake.actions import abandon
from openbpo.record.queries import recordings
from openbpo.storage.database import Transaction
from openbpo.storage.jobs.actions import enqueue
from openbpo.storage.jobs.model import Job, JobState
from openbpo.storage.jobs.queries import find_job, jobs_of
from openbpo.surfaces.uploads import Upload, find_upload, safe_name
from openbpo.surfaces.web.numbers import moment_text
from openbpo.surfaces.web.pages.imports.told import (
    UNDER_WAY,
    Counted,
    Verdict,
    progress_of,
    recordings_table,
    verdict_of,
    verdict_table,
)
from openbpo.surfaces.web.uploading import FileForm
from openbpo.surfaces.web.visits import PAGES, Crumb, Group, Nav, Visit, page
from openbpo.surfaces.worker.bringing import IMPORT
from openbpo.trust.roles.model import Right

PAGE = 50
MONTHS_SHOWN = 12


class ImportForm(FileForm):
    """A file, and by which of the agreement's mappings it is read."""

    mapping = forms.ChoiceField(label=gettext_lazy("Read by the mapping"))

    def __init__(self, request: HttpRequest, mappings: list[str]) -> None:
        super().__init__(request)
        self.fields["mapping"].choices = [(name, name) for name in mappings]
        if len(mappings) == 1:
            self.fields["mapping"].widget = forms.HiddenInput()
            self.fields["mapping"].initial = mappings[0]


@page(
    "e/<handle>/imports",
    needs=Right.IMPORT_WORK,
    nav=Nav(Group.TODAY, gettext_lazy("Imports"), order=40),
    methods=("GET", "POST"),
)
def imports(visit: Visit) -> HttpResponse:
    """List what was imported; take a further file."""
    with visit.transaction() as tx:
        mappings = sorted(terms_in_force(tx, visit.engagement_id, visit.handle)[-1]
                          .agreement.mappings)  # fmt: skip
    form = ImportForm(visit.request, mappings)
    if visit.request.method == "POST" and form.is_valid():
        upload = form.taken(owner=visit.principal, engagement_id=str(visit.engagement_id))
        return _begun(visit, upload, form.cleaned_data["mapping"])
    number = _page_number(visit.request)
    with visit.transaction() as tx:
        found = recordings(tx, visit.engagement_id, limit=PAGE + 1, offset=PAGE * (number - 1))
        jobs = [job for job in jobs_of(tx, visit.engagement_id) if job.kind == IMPORT]
    unfinished = next((r for r in found if not r.completed_at and not r.abandoned_at), None)
    told = {
        "form": form,
        "table": recordings_table(found[:PAGE], lambda at: moment_text(at, visit.locale)),
        "count": len(found),
        "running": [(job, progress_of(job)) for job in jobs if job.state in UNDER_WAY],
        "ended": [(job, _counted(job)) for job in jobs if job.state not in UNDER_WAY][:10],
        "unfinished": unfinished,
        "again": _to_go_on(visit, jobs) if unfinished else None,
        "older": number + 1 if len(found) > PAGE else None,
        "newer": number - 1 if number > 1 else None,
    }
    return visit.page("pages/imports/list.html", told)


@page("e/<handle>/imports/give-up", needs=Right.IMPORT_WORK, methods=("POST",))
def import_give_up(visit: Visit) -> HttpResponse:
    """Give up the import that is not finished."""
    source = abandon(
        visit.database, visit.context, engagement_id=visit.engagement_id, handle=visit.handle
    )
    said = _("The import of %(file)s is given up; nothing of it was ever seen.")
    messages.success(visit.request, said % {"file": source})
    return redirect(visit.href("imports"))


@page("e/<handle>/imports/<job>", needs=Right.IMPORT_WORK)
def import_job(visit: Visit, job: str) -> HttpResponse:
    """Show how far an import is, and at its end what came of it: rows, and the first verdict."""
    found = _job(visit, job)
    upload = _upload(visit, found)
    told: dict[str, Any] = {
        "job": found,
        "name": found.arguments.get("name", ""),
        "is_under_way": found.state in UNDER_WAY,
        "progress": progress_of(found),
        "counted": _counted(found),
        "has_failed": found.state == JobState.FAILED,
        "can_go_on": found.state == JobState.FAILED and upload is not None
        and upload.path.exists(),
        "may_see_rows": _may_see_rows(visit, found),
    }  # fmt: skip
    if told["may_see_rows"] and upload is not None:
        note = upload.told()
        told["faults"] = note.get("faults", ())
        told["mistakes"] = note.get("mistakes", ())
        told["has_rejects"] = upload.rejects.exists()
    if found.state == JobState.DONE:
        told.update(_verdicts(visit))
    return visit.at(Crumb(told["name"] or _("Import"))).page("pages/imports/job.html", told)


@page("e/<handle>/imports/<job>/refused", needs=Right.IMPORT_WORK)
def import_refused(visit: Visit, job: str) -> HttpResponse:
    """Give the refused rows, in the shape of their file, to be mended and brought again."""
    found = _job(visit, job)
    upload = _upload(visit, found)
    if not _may_see_rows(visit, found) or upload is None or not upload.rejects.exists():
        raise Http404(_("No refused rows are kept."))
    return FileResponse(
        upload.rejects.open("rb"), as_attachment=True, filename=upload.rejects.name,
        content_type="application/octet-stream",
    )  # fmt: skip


@page("e/<handle>/imports/<job>/again", needs=Right.IMPORT_WORK, methods=("POST",))
def import_again(visit: Visit, job: str) -> HttpResponse:
    """Go on with an import that broke off: what is in stays in."""
    found = _job(visit, job)
    upload = _upload(visit, found)
    if upload is None or not upload.path.exists():
        raise Http404(_("The file is not here any more."))
    return _begun(visit, upload, found.arguments.get("mapping"))


@page("e/<handle>/agreement.zip", needs=Right.SEE_AGREEMENT, name="agreement_files")
def agreement_files(visit: Visit) -> HttpResponse:
    """Give the agreement's folder, as a person would write it, to be taken along."""
    with visit.transaction() as tx:
        newest = newest_version(tx, visit.engagement_id)
        files = files_of(tx, visit.engagement_id, newest) if newest else {}
    held = io.BytesIO()
    folder = safe_name(visit.handle.partition("@")[0])
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(f"{folder}/{name}"), content)
    response = HttpResponse(held.getvalue(), content_type="application/zip")
    response["Content-Disposition"] = content_disposition_header(True, f"{folder}.zip")  # noqa: FBT003
    return response


def _begun(visit: Visit, upload: Upload, mapping: str | None) -> HttpResponse:
    arguments = {
        "upload": upload.token, "handle": visit.handle, "name": upload.name, "mapping": mapping,
    }  # fmt: skip
    with visit.transaction() as tx:
        job = enqueue(tx, visit.engagement_id, IMPORT, arguments, alone_as=upload.token)
        upload.note(job=str(job), faults=[], mistakes=[])
    return redirect(visit.href("import_job", job=job))


def job_uuid(told: str) -> UUID:
    """Return a job's id as an address tells it; Http404 where it is none."""
    try:
        return UUID(told)
    except ValueError as fault:
        raise Http404(_("There is no such import.")) from fault


def _job(visit: Visit, job_id: str) -> Job:
    with visit.transaction() as tx:
        found = find_job(tx, visit.engagement_id, job_uuid(job_id))
    if found is None or found.kind != IMPORT:
        raise Http404(_("There is no such import."))
    return found


def _upload(visit: Visit, job: Job) -> Upload | None:
    token = str(job.arguments["upload"])
    return find_upload(token, owner=None, engagement_id=str(visit.engagement_id))


def _may_see_rows(visit: Visit, job: Job) -> bool:
    """Refused rows quote the file: they are for whoever brought it, or sees content."""
    return job.asked_by == visit.principal or visit.may(Right.SEE_CONTENT)


def _counted(job: Job) -> Counted | None:
    return Counted.of(job.outcome) if job.outcome else None


def _to_go_on(visit: Visit, jobs: list[Job]) -> Job | None:
    """Return the import that broke off and can go on, where none is under way."""
    if any(job.state in UNDER_WAY for job in jobs):
        return None
    for job in jobs:
        upload = _upload(visit, job)
        if job.state == JobState.FAILED and upload is not None and upload.path.exists():
            return job
    return None


def _page_number(request: HttpRequest) -> int:
    told = request.GET.get("page", "1")
    return max(int(told), 1) if told.isdecimal() and len(told) < 6 else 1


def _verdicts(visit: Visit) -> dict[str, Any]:
    """Return the first verdicts: of the newest month that is over, and of the last twelve."""
    if not visit.may(Right.SEE_SERVICE_LEVELS):
        return {}
    sees_money = visit.may(Right.SEE_MONEY)
    with visit.reading("first verdict") as tx:
        statements = _stored(visit, tx)
    judged = [one for one in statements if one["measures"]]
    if not judged:
        return {}
    verdicts = [verdict_of(one, sees_money=sees_money) for one in judged]
    currency = judged[0]["currency"]
    return {
        "verdict": _first(verdicts, judged),
        "currency": currency,
        "by": _by(judged[0]["version"]),
        "sees_money": sees_money,
        "months": verdict_table(verdicts, currency, sees_money=sees_money),
        "levels": visit.href("service_levels") if "service_levels" in PAGES else "",
    }


def _by(version: dict[str, Any]) -> str:
    """Return by whose reading of the terms."""
    if len(version["signed_by"]) > 1:
        return _("By the terms that both sides have signed.")
    return _("By one side's reading of the terms: the other has not signed.")


def _stored(visit: Visit, tx: Transaction) -> list[Any]:
    names = [one.period for one in readiness(tx, visit.engagement_id)][-MONTHS_SHOWN:]
    found = [stored_statement(tx, visit.engagement_id, name) for name in reversed(names)]
    return [one[0].told for one in found if one is not None]


def _first(verdicts: list[Verdict], statements: list[Any]) -> Verdict:
    """Return the newest month to whose end the record reaches; else the newest."""
    for verdict, statement in zip(verdicts, statements, strict=True):
        if not statement["doubts"] and statement["measures"][0]["denominator"]:
            return verdict
    return verdicts[0]
