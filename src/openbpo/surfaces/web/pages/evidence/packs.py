"""Packs that lie ready, one that is to be made, the checkpoints that they stand on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbpo.agreements.model import Side
from openbpo.billing.statements.queries import period_names
from openbpo.evidence.packs import actions
from openbpo.evidence.packs.keeping import Kept, all_kept, delete_kept, find_kept
from openbpo.evidence.packs.making import RANGE, Asked
from openbpo.record.checkpoints import read_note
from openbpo.record.queries import entries, last_entry
from openbpo.record.readings import note_reading
from openbpo.record.sealing.queries import Sealed, all_sealed
from openbpo.storage.database import Transaction
from openbpo.storage.installation import open_sealer
from openbpo.storage.jobs.actions import enqueue
from openbpo.storage.jobs.model import Job, JobState
from openbpo.storage.jobs.queries import jobs_of_kind
from openbpo.surfaces.sealing import sealed
from openbpo.surfaces.web.numbers import month_text
from openbpo.surfaces.web.progress import page_with_jobs
from openbpo.surfaces.web.visits import Crumb, Group, Nav, Visit, page
from openbpo.surfaces.worker.packs import MAKE_PACK, MAKE_PAGE
from openbpo.trust.roles.model import Right
from openbpo.values.canonical import instant_from_text
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal

Countersigned = Mapping[int, Sequence[tuple[str, str]]]
SHOWN = 5
"""How many checkpoints are shown on the page of packs; all stand on their own page."""


@dataclass(frozen=True, slots=True)
class ShownPack:
    """A file that lies ready, as the list shows it."""

    kept_id: str
    is_page: bool
    of: str
    audience: str
    size: str
    leaves: int | None
    withheld: int | None
    root: str
    made_at: datetime
    made_by: str


@dataclass(frozen=True, slots=True)
class ShownCheckpoint:
    """A checkpoint with who signed it."""

    size: int
    root: str
    at: datetime
    signed_by: Sequence[str]
    countersigned_by: Sequence[tuple[str, str]]


class MakeForm(forms.Form):
    """Which periods, for whom, and whether to verify or to read."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What"),
        choices=[
            ("pack", gettext_lazy("Evidence pack, to verify")),
            ("page", gettext_lazy("Page, to read without an installation")),
        ],
    )
    first = forms.ChoiceField(label=gettext_lazy("From"))
    last = forms.ChoiceField(label=gettext_lazy("To"))
    audience = forms.ChoiceField(
        label=gettext_lazy("For"),
        required=False,
        help_text=gettext_lazy("A side's own pack also opens what is that side's alone."),
    )

    def __init__(self, visit: Visit, periods: Sequence[str], *arguments: Any) -> None:
        super().__init__(*arguments)
        months = [(one, month_text(one, visit.locale)) for one in periods]
        self.fields["first"].choices = [("", _("all that is recorded")), *months]
        self.fields["first"].required = False
        self.fields["last"].choices = [("", _("the same")), *months]
        self.fields["last"].required = False
        sides = [side for side in ("client", "provider") if visit.side in (None, side)]
        self.fields["audience"].choices = [
            ("", _("both sides")),
            *((side, _("the client") if side == "client" else _("the provider")) for side in sides),
        ]

    def asked(self) -> Asked:
        """Return what is asked for."""
        first, last = self.cleaned_data["first"], self.cleaned_data["last"]
        if last and not first:
            raise Refusal.of("from", _("An end without a beginning."), _("Name the first month."))
        side: Side | None = self.cleaned_data["audience"] or None
        return Asked((f"{first}{RANGE}{last}" if last else first) or None, side)


@page(
    "e/<handle>/evidence",
    needs=Right.MAKE_PACK,
    nav=Nav(Group.EVIDENCE, gettext_lazy("Packs"), order=10),
)
def evidence(visit: Visit) -> HttpResponse:
    """List what lies ready, what is being made, and the latest checkpoints."""
    with visit.transaction() as tx:
        names = period_names(tx, visit.engagement_id) if last_entry(tx, visit.engagement_id) else []
        jobs = [
            one
            for kind in (MAKE_PACK, MAKE_PAGE)
            for one in jobs_of_kind(tx, visit.engagement_id, kind, limit=10)
        ]
        checkpoints = all_sealed(tx, visit.engagement_id, "record")
        signed = countersignatures(tx, visit.engagement_id)
        now = tx.at
    told = {
        "packs": [shown(one) for one in all_kept(visit.engagement_id) if _may_have(visit, one)],
        "form": MakeForm(visit, names, {"kind": "pack"}),
        "has_periods": bool(names),
        "checkpoints": [told_checkpoint(one, signed) for one in reversed(checkpoints[-SHOWN:])],
        "sides": [visit.side] if visit.side else ["client", "provider"],
        "more": len(checkpoints) > SHOWN,
    }
    shown_jobs = [one for one in jobs if unfinished(one, now)]
    return page_with_jobs(visit, "pages/evidence/packs.html", told, shown_jobs)


def unfinished(job: Job, now: datetime) -> bool:
    """Tell whether a job is still to be told of: it waits, runs, or has failed within a day."""
    if job.state == JobState.FAILED and job.ended_at is not None:
        return (now - job.ended_at).days < 1
    return job.state in (JobState.WAITING, JobState.RUNNING)


@page("e/<handle>/evidence/make", needs=Right.MAKE_PACK, methods=("POST",))
def evidence_make(visit: Visit) -> HttpResponse:
    """Ask for a pack or a page; a worker makes it, whoever leaves the page meanwhile."""
    with visit.transaction() as tx:
        names = period_names(tx, visit.engagement_id)
    form = MakeForm(visit, names, visit.request.POST)
    if not form.is_valid():
        raise Refusal.of("form", _("This names no period or side."), _("Choose from the lists."))
    asked = form.asked()
    is_page = form.cleaned_data["kind"] == "page"
    with visit.transaction() as tx:
        note_reading(tx, visit.engagement_id, asked.what + (" as a page" if is_page else ""))
        arguments = {
            "periods": asked.periods, "audience": None if is_page else asked.audience,
            "language": visit.locale.language,
        }  # fmt: skip
        enqueue(tx, visit.engagement_id, MAKE_PAGE if is_page else MAKE_PACK, arguments)
    messages.success(
        visit.request, _("It is being made. You may leave this page; it will lie here.")
    )
    return redirect(visit.href("evidence"))


@page("e/<handle>/evidence/packs/<kept>", needs=Right.MAKE_PACK)
def evidence_pack(visit: Visit, kept: str) -> FileResponse:
    """Hand a pack over, as a file to keep."""
    found = _found(visit, kept)
    with visit.transaction() as tx:
        note_reading(tx, visit.engagement_id, f"fetch {found.kind} {found.kept_id}")
    called = f"{visit.handle.partition('@')[0]}-{found.told.get('periods') or 'all'}"
    return FileResponse(
        found.path.open("rb"),
        as_attachment=True,
        filename=f"{called.replace(RANGE, '-to-')}{found.path.suffix}",
        content_type="application/octet-stream",
    )


@page("e/<handle>/evidence/packs/<kept>/delete", needs=Right.MAKE_PACK, methods=("POST",))
def evidence_delete(visit: Visit, kept: str) -> HttpResponse:
    """Delete a file, if it is one's own to delete; the record stays as it is."""
    found = _found(visit, kept)
    if found.told.get("made_by") != visit.principal:
        visit.refuse_unless(Right.GRANT_ROLES)
    delete_kept(found)
    messages.success(visit.request, _("It is deleted here. Copies elsewhere stay."))
    return redirect(visit.href("evidence"))


@page("e/<handle>/evidence/countersign", needs=Right.COUNTERSIGN, methods=("POST",))
def evidence_countersign(visit: Visit) -> HttpResponse:
    """Sign the latest checkpoint with the key of the visitor's side."""
    side: Side = visit.side or ("client" if visit.request.POST.get("side") == "client" else
                                "provider")  # fmt: skip
    with open_sealer() as sealer:
        sealed(sealer, visit.engagement_id)
        told = actions.countersign(visit.database, visit.context, visit.engagement_id, side)
        sealed(sealer, visit.engagement_id)
    messages.success(
        visit.request,
        _("Countersigned: the first %(size)s leaves are what stood there.")
        % {"size": told["size"]},
    )
    return redirect(visit.href("evidence"))


@page("e/<handle>/evidence/checkpoints", needs=Right.MAKE_PACK)
def evidence_checkpoints(visit: Visit) -> HttpResponse:
    """List every checkpoint with its signatures, the latest first, fifty a page."""
    with visit.transaction() as tx:
        found = all_sealed(tx, visit.engagement_id, "record")
        signed = countersignatures(tx, visit.engagement_id)
    number = page_number(visit)
    found = found[::-1][(number - 1) * 50 : number * 50 + 1]
    told = {
        "checkpoints": [told_checkpoint(one, signed) for one in found[:50]],
        "earlier": number + 1 if len(found) > 50 else None,
    }
    return visit.at(Crumb(_("Checkpoints"))).page("pages/evidence/checkpoints.html", told)


def page_number(visit: Visit) -> int:
    """Return which page of a list is asked for, from 1."""
    text = visit.request.GET.get("page", "1")
    return max(int(text), 1) if text.isdecimal() and len(text) < 7 else 1


def shown(kept: Kept) -> ShownPack:
    """Return a file as the list shows it."""
    told: Mapping[str, Any] = kept.told
    return ShownPack(
        kept_id=str(kept.kept_id),
        is_page=kept.kind == "page",
        of=told.get("periods") or "",
        audience=told.get("audience") or "",
        size=size_text(told["bytes"]),
        leaves=told.get("leaves"),
        withheld=told.get("withheld"),
        root=told.get("root", ""),
        made_at=instant_from_text(told["made_at"]),
        made_by=told["made_by"],
    )


def size_text(size: int) -> str:
    """Return bytes as people read them: 812 kB, 3 MB."""
    return f"{max(size // 1000, 1):,} kB" if size < 2_000_000 else f"{size // 1_000_000:,} MB"


def countersignatures(tx: Transaction, engagement_id: EngagementId) -> Countersigned:
    """Return by its size which sides countersigned a checkpoint, each with its key's id."""
    by_size: dict[int, list[tuple[str, str]]] = {}
    for one in entries(tx, engagement_id, act="countersignature"):
        told = json.loads(one.told)
        by_size.setdefault(told["size"], []).append((told["side"], told["key_id"]))
    return by_size


def told_checkpoint(one: Sealed, countersigned: Countersigned) -> ShownCheckpoint:
    """Return a checkpoint with the names under which it was signed."""
    return ShownCheckpoint(
        size=one.size,
        root=bytes(one.root).hex(),
        at=one.sealed_at,
        signed_by=[line.name for line in read_note(one.note).signatures],
        countersigned_by=countersigned.get(one.size, []),
    )


def _found(visit: Visit, kept: str) -> Kept:
    try:
        found = find_kept(visit.engagement_id, UUID(kept))
    except ValueError:
        found = None
    if found is None or not _may_have(visit, found):
        raise Http404(_("No pack of this name lies here."))
    return found


def _may_have(visit: Visit, kept: Kept) -> bool:
    """What opens one side's own goes to that side alone."""
    return visit.side is None or kept.told.get("audience") in (None, visit.side)
