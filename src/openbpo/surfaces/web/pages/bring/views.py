"""The three pages of bringing one's own: the file, what was understood of it, the terms."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from openbpo.agreements.versions.actions import accept
from openbpo.delivery.intake.files.looking import look_at
from openbpo.delivery.intake.guess_choices import choose
from openbpo.delivery.intake.guess_columns import Study, identifier, study
from openbpo.delivery.intake.guess_writing import write
from openbpo.lines.plain_terms import (
    SERVICE,
    TEMPLATES,
    Written,
    refuse_unsound,
    template_names,
    written,
)
from openbpo.storage.jobs.actions import enqueue
from openbpo.surfaces.uploads import Upload, find_upload, give_to
from openbpo.surfaces.web.pages.bring.columns import (
    BroughtForm,
    choices_of,
    kept_of,
    told,
    wrong_at,
)
from openbpo.surfaces.web.pages.bring.terms import TermsForm, free_handle, party_id
from openbpo.surfaces.web.uploading import FileForm
from openbpo.surfaces.web.visits import Visitor, own_page
from openbpo.surfaces.worker.bringing import IMPORT
from openbpo.trust.keys import party_key
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal

Found = tuple[Upload, dict[str, Any]]


@own_page("bring", methods=("GET", "POST"))
def bring(visitor: Visitor) -> HttpResponse:
    """Take a file, look at it, and go on to what was understood."""
    form = FileForm(visitor.request)
    if visitor.request.method == "POST" and form.is_valid():
        upload = form.taken(owner=visitor.principal)
        try:
            seen = study(look_at(upload.path))
            upload.note(kept=kept_of(seen, choose(seen)))
        except Refusal as refusal:
            upload.discard()
            for one in refusal.mistakes:
                form.add_error("file", f"{one.what} {one.remedy}")
        else:
            return redirect("bring_columns", token=upload.token)
    return visitor.page("pages/bring/file.html", {"form": form})


@own_page("bring/<token>", methods=("GET", "POST"))
def bring_columns(visitor: Visitor, token: str) -> HttpResponse:
    """Show what each column was taken for; take what a person changes."""
    found = _found(visitor, token)
    if isinstance(found, HttpResponse):
        return found
    upload, kept = found
    posted = visitor.request.POST if visitor.request.method == "POST" else None
    form, wrong = BroughtForm(posted, kept), dict[str, str]()
    if posted is not None and form.is_valid():
        try:
            seen = _study(upload)
            kept = kept_of(seen, form.changed(seen, posted))
            upload.note(kept=kept)
        except Refusal as refusal:
            wrong = wrong_at(refusal)
        else:
            return redirect("bring_terms" if "go" in posted else "bring_columns", token=token)
    columns, rows = told(kept, wrong)
    return visitor.page("pages/bring/columns.html", {
        "form": form, "columns": columns, "rows": rows, "kept": kept, "upload": upload,
        "zones": sorted(available_timezones()), "wrong": wrong.get("columns", ""),
        "several": choices_of(kept).tells_several,
    })  # fmt: skip


@own_page("bring/<token>/discard", methods=("POST",))
def bring_discard(visitor: Visitor, token: str) -> HttpResponse:
    """Delete what was brought and not begun."""
    found = _found(visitor, token)
    if not isinstance(found, HttpResponse):
        found[0].discard()
    return redirect("bring")


@own_page("bring/<token>/terms", methods=("GET", "POST"))
def bring_terms(visitor: Visitor, token: str) -> HttpResponse:
    """Take the terms; with sound ones the engagement is opened and the import begins."""
    found = _found(visitor, token)
    if isinstance(found, HttpResponse):
        return found
    upload, kept = found
    choices = choices_of(kept)
    if choices.needs_zone and not choices.zone:
        return redirect("bring_columns", token=token)
    posted = visitor.request.POST if visitor.request.method == "POST" else None
    line = (posted or visitor.request.GET).get("line", "")
    line = line if line in TEMPLATES else next(iter(TEMPLATES))
    form = TermsForm(posted, line=line, kept=kept, choices=choices, name=upload.name)
    if posted is not None and form.is_valid():
        try:
            return _begun(visitor, upload, form)
        except Refusal as refusal:
            form.add_refusal(refusal)
    return visitor.page("pages/bring/terms.html", {
        "form": form, "line": line, "lines": template_names(), "upload": upload,
        "case": TEMPLATES[line].case, "zones": sorted(available_timezones()),
        "can_finish": bool(form.fields["finished"].choices),
    })  # fmt: skip


def _found(visitor: Visitor, token: str) -> Found | HttpResponse:
    """Return one's own upload; what has begun already leads to its import."""
    upload = find_upload(token, owner=visitor.principal)
    if upload is None:
        return _elsewhere(visitor, token)
    note = upload.told()
    if "kept" not in note or not upload.path.exists():
        raise Http404(_("There is no such file any more."))
    return upload, note["kept"]


def _elsewhere(visitor: Visitor, token: str) -> HttpResponse:
    for one in visitor.granted():
        begun = find_upload(token, owner=visitor.principal, engagement_id=str(one.engagement_id))
        if begun is not None:
            return redirect("import_job", handle=one.handle, job=begun.told()["job"])
    raise Http404(_("There is no such file any more."))


def _study(upload: Upload) -> Study:
    return study(look_at(upload.path))


def _begun(visitor: Visitor, upload: Upload, form: TermsForm) -> HttpResponse:
    """Open the engagement, sign as one side, ask for the import; done twice it is the same."""
    names = _names(visitor, upload, form)
    agreement = _agreement(upload, form, names)
    refuse_unsound(agreement)
    side = form.cleaned_data["side"]
    accept(
        visitor.database, visitor.context, handle=names["handle"], files=agreement.files,
        side=side, key=party_key(names[side]),
    )  # fmt: skip
    engagement_id = _engagement(visitor, names["handle"])
    arguments = {"upload": upload.token, "handle": names["handle"], "name": upload.name}
    with visitor.database.transaction(visitor.context.within(engagement_id)) as tx:
        job = enqueue(tx, engagement_id, IMPORT, arguments, alone_as=upload.token)
        upload.note(job=str(job))
        give_to(upload, str(engagement_id))  # before the worker can look for it
    return redirect("import_job", handle=names["handle"], job=job)


def _names(visitor: Visitor, upload: Upload, form: TermsForm) -> Mapping[str, str]:
    """Return the engagement's and the parties' names, the same for the same words."""
    told = form.cleaned_data
    words = [told["title"], told["client"], told["provider"]]
    note = upload.told()
    if note.get("named_for") != words:
        taken = [one.handle for one in visitor.granted()]
        names = {
            "handle": free_handle(told["title"], taken),
            "client": party_id(told["client"]),
            "provider": party_id(told["provider"]),
            "mapping": f"{identifier(upload.name.partition('.')[0])[:50]}-{secrets.token_hex(2)}",
        }
        upload.note(named_for=words, names=names)
        return names
    names = note["names"]
    return dict(names)


def _agreement(upload: Upload, form: TermsForm, names: Mapping[str, str]) -> Written:
    guessed = write(
        _study(upload), choices_of(upload.told()["kept"]), mapping_id=names["mapping"],
        service=SERVICE,
        others_follow=True,
    )  # fmt: skip
    terms = form.plain_terms(names["client"], names["provider"])
    return written(terms, mapping=guessed.mapping, data=guessed.data)


def _engagement(visitor: Visitor, handle: str) -> EngagementId:
    return next(one.engagement_id for one in visitor.granted() if one.handle == handle)
