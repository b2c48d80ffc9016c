"""Verifying a pack that is dropped into the page."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbpo.evidence.packs.judging import Dropped, judge
from openbpo.storage.jobs.actions import enqueue
from openbpo.storage.jobs.model import Job
from openbpo.storage.jobs.queries import find_job
from openbpo.surfaces.uploads import limit_bytes
from openbpo.surfaces.web.pages.evidence.packs import size_text
from openbpo.surfaces.web.uploads import stored
from openbpo.surfaces.web.visits import Crumb, Group, Nav, Visit, page
from openbpo.surfaces.worker.packs import AFTER, KEY, PACK, VERIFY_PACK, handed_in, keys_from
from openbpo.trust.roles.model import Right
from openbpo.trust.seals import seal_keys

AT_ONCE = 2 * 2**20
"""A pack up to so many bytes is judged while one waits; a larger one by a worker."""
LARGEST_KEY = 2**20


class DropForm(forms.Form):
    """A pack; beside it, if one likes, keys from elsewhere and an earlier pack."""

    pack = forms.FileField(label=gettext_lazy("Evidence pack"))
    key = forms.FileField(
        label=gettext_lazy("Public keys"),
        required=False,
        help_text=gettext_lazy(
            "The file that the other installation printed (openbpo keys --seal), by another way "
            "than the pack. Empty: the keys that seal here."
        ),
    )
    after = forms.FileField(
        label=gettext_lazy("Earlier pack"),
        required=False,
        help_text=gettext_lazy("Then it is also checked that the record only grew since."),
    )


@page(
    "e/<handle>/evidence/verify",
    needs=Right.MAKE_PACK,
    nav=Nav(Group.EVIDENCE, gettext_lazy("Verify a pack"), order=20),
    methods=("GET", "POST"),
)
def evidence_verify(visit: Visit) -> HttpResponse:
    """Take a pack and judge it: at once where it is small, else by a worker."""
    is_sent = visit.request.method == "POST"
    form = DropForm(visit.request.POST, visit.request.FILES) if is_sent else DropForm()
    if not is_sent or not form.is_valid():
        limits = {"largest": size_text(limit_bytes())}
        told: dict[str, Any] = {"form": form, **limits}
        return visit.page("pages/evidence/verify.html", told, status=422 if is_sent else 200)
    number = uuid4().hex
    size = _taken(visit, form, number)
    name = plain_name(form.cleaned_data["pack"].name)
    if size > AT_ONCE:
        with visit.transaction() as tx:
            arguments = {"handed_in": number, "name": name}
            job_id = enqueue(tx, visit.engagement_id, VERIFY_PACK, arguments)
        return redirect(visit.href("evidence_verified", job=str(job_id)))
    return outcome_page(visit, _judged(visit, number, name))


@page("e/<handle>/evidence/verify/<job>", needs=Right.MAKE_PACK)
def evidence_verified(visit: Visit, job: str) -> HttpResponse:
    """Show how far the verification of a pack is, and what it came to."""
    found = _job(visit, job)
    if found.outcome is not None:
        return outcome_page(visit, dict(found.outcome))
    return visit.at(Crumb(_("Outcome"))).page("pages/evidence/verifying.html", {"job": found})


def outcome_page(visit: Visit, outcome: dict[str, Any]) -> HttpResponse:
    """Show what a verification came to."""
    return visit.at(Crumb(_("Outcome"))).page("pages/evidence/verified.html", {"outcome": outcome})


def plain_name(name: str) -> str:
    """Return a file's name as it may be told: its last part, printable, not long."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(one for one in last if one.isprintable())[:120] or "pack"


def _taken(visit: Visit, form: DropForm, number: str) -> int:
    """Move what was handed in to where it is judged; return its bytes."""
    size, largest = 0, limit_bytes()
    for what, most in ((PACK, largest), (AFTER, largest), (KEY, LARGEST_KEY)):
        if (file := form.cleaned_data[what]) is not None:
            size += stored(file, handed_in(visit.engagement_id, number, what), at_most=most)
    return size


def _judged(visit: Visit, number: str, name: str) -> dict[str, Any]:
    files = {what: handed_in(visit.engagement_id, number, what) for what in (PACK, AFTER, KEY)}
    try:
        with visit.transaction() as tx:
            keys = keys_from(files[KEY]) or seal_keys(at=tx.at).ring
        after = files[AFTER] if files[AFTER].exists() else None
        brought = "brought" if files[KEY].exists() else "own"
        return {**judge(Dropped(files[PACK], name, after), keys), "keys": brought}
    finally:
        for path in files.values():
            path.unlink(missing_ok=True)


def _job(visit: Visit, job: str) -> Job:
    try:
        with visit.transaction() as tx:
            found = find_job(tx, visit.engagement_id, UUID(job))
    except ValueError:
        found = None
    if found is None or found.kind != VERIFY_PACK:
        raise Http404(_("There is no verification of this name."))
    return found
