"""Proposing a version: single terms in a form, or the folder's files as a zip."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbpo.agreements.editing import NewVersion, Term, editable, edited
from openbpo.agreements.files import FILE_NAMES, Files, read_folder
from openbpo.agreements.located import MAX_BYTES
from openbpo.agreements.model import Side
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.versions import actions
from openbpo.agreements.versions.queries import (
    VersionStands,
    version_read,
    versions,
)
from openbpo.billing.statements.queries import period_names
from openbpo.storage.database import Context
from openbpo.surfaces.web.pages.agreement.comparing import ask_for_cost
from openbpo.surfaces.web.pages.agreement.reading import named, shown
from openbpo.surfaces.web.visits import Crumb, Visit, page
from openbpo.trust.roles.model import Right
from openbpo.values.refusals import Refusal

MOST_FILES = 40


@dataclass(frozen=True, slots=True)
class Group:
    """Terms of a form that belong together."""

    name: str
    fields: Sequence[Any]


class TermsForm(forms.Form):
    """The terms that can be changed one by one, with the first day of the new version."""

    first_day = forms.DateField(
        label=gettext_lazy("In force from"),
        help_text=gettext_lazy("The first day of a month that is not closed."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, terms: Sequence[Term], *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.terms = terms
        for one in terms:
            self.fields[one.key] = _field(one)

    def groups(self) -> list[Group]:
        """Return the fields by what they are about."""
        about: dict[str, list[Any]] = {}
        for one in self.terms:
            about.setdefault(one.about or _("Service credit"), []).append(self[one.key])
        return [Group(name, fields) for name, fields in about.items()]


class FilesForm(forms.Form):
    """The folder of an agreement, as a zip."""

    folder = forms.FileField(
        label=gettext_lazy("Zip of the agreement's folder"),
        help_text=gettext_lazy("The ten files, as `openbpo new` writes them."),
    )


def _field(term: Term) -> Any:
    label = term_words(term)
    if term.choices:
        return forms.ChoiceField(
            label=label, choices=[(one, one) for one in term.choices], initial=term.value
        )
    return forms.CharField(
        label=label, initial=term.value, max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )  # fmt: skip


def term_words(term: Term) -> str:
    """Return what a term is called, with its unit."""
    words = {
        "threshold": _("Level %(n)s: at least"), "credit": _("Level %(n)s: credit"),
        "low volume": _("Low volume below, cases"), "cap": _("Cap of the month"),
        "price": _("Tier %(n)s: each") if term.number else _("Each"),
        "minimum": _("At least, a month"), "formula": _("Formula that is judged by"),
    }  # fmt: skip
    said = (
        words[term.kind] % {"n": term.number} if "%(n)s" in words[term.kind] else words[term.kind]
    )
    return f"{said}, {term.unit}" if term.unit else said


@page("e/<handle>/agreement/propose/<version>", needs=Right.PROPOSE_TERMS, methods=("GET", "POST"))
def agreement_propose(visit: Visit, version: str) -> HttpResponse:
    """Change single terms of a version, and put the new one on the table."""
    with visit.transaction() as tx:
        found = versions(tx, visit.engagement_id)
        base = named(found, version)
        read = version_read(tx, visit.engagement_id, base.head.version_id)
        worked = period_names(tx, visit.engagement_id) if base_is_signed(found) else []
    files: Files = {name: text.encode() for name, text in read.stored.files.items()}
    is_sent = visit.request.method == "POST"
    first = {"first_day": first_day_after(read.agreement.in_force.start, worked)}
    form = TermsForm(editable(files), visit.request.POST if is_sent else None, initial=first)
    if is_sent and form.is_valid():
        try:
            return _proposed(visit, _from_form(form, files, found), base)
        except Refusal as refusal:
            for one in refusal.mistakes:
                form.add_error(one.where if one.where in form.fields else None,
                               f"{one.where}: {one.what} {one.remedy}")  # fmt: skip
    return _form_page(visit, form, base, found, status=422 if is_sent else 200)


@page("e/<handle>/agreement/bring/<version>", needs=Right.PROPOSE_TERMS, methods=("POST",))
def agreement_bring(visit: Visit, version: str) -> HttpResponse:
    """Put the version on the table that the files of a zip tell."""
    with visit.transaction() as tx:
        base = named(versions(tx, visit.engagement_id), version)
    form = FilesForm(visit.request.POST, visit.request.FILES)
    if not form.is_valid():
        raise Refusal.of(
            _("Zip"), _("No file was given."), _("Choose the zip of the agreement's folder.")
        )
    return _proposed(visit, files_of_zip(form.cleaned_data["folder"]), base)


def base_is_signed(found: Sequence[VersionStands]) -> bool:
    """Tell whether any version computes: without one there are no periods."""
    return any(one.signatures for one in found)


def first_day_after(start: date, worked: Sequence[str]) -> date:
    """Return the first day of the month after a version's first one and all that was worked."""
    last = date.fromisoformat(f"{worked[-1]}-01") if worked else start
    return next_month(max(start, last))


def next_month(after: date) -> date:
    """Return the first day of the month after a day."""
    return date(after.year + after.month // 12, after.month % 12 + 1, 1)


def _from_form(form: TermsForm, files: Files, found: Sequence[VersionStands]) -> Files:
    first_day: date = form.cleaned_data["first_day"]
    changes = {one.key: form.cleaned_data[one.key] for one in form.terms}
    supersedes = sorted(
        {one.head.number for one in found for days in one.claims
         if days.end is None or days.end > first_day}
    )  # fmt: skip
    number = max(one.head.number for one in found) + 1
    new = NewVersion(number=number, supersedes=supersedes, first_day=first_day)
    return edited(files, changes, new)


def _proposed(visit: Visit, files: Files, base: VersionStands) -> HttpResponse:
    """Check the files as `openbpo check` does, put them on the table, ask for their cost."""
    side: Side = visit.side or (
        "client" if visit.request.POST.get("side") == "client" else "provider"
    )
    refuse_other_parties(visit, files)
    context = Context(visit.principal, visit.declared.purpose)
    answer = actions.propose(
        visit.database, context, handle=visit.granted_handle, files=files, side=side
    )
    short = answer["content_hash"][:12]
    with visit.transaction() as tx:
        ask_for_cost(tx, visit.engagement_id, named(versions(tx, visit.engagement_id), short))
    messages.success(
        visit.request,
        _("Version %(number)s is on the table. Nobody has signed it.")
        % {"number": answer["version"]},
    )
    if short == base.short:
        return redirect(visit.href("agreement_version", version=short))
    return redirect(visit.href("agreement_compare", older=base.short, newer=short))


def refuse_other_parties(visit: Visit, files: Files) -> None:
    """Another pair of parties is another engagement."""
    brought = read_agreement(files)
    with visit.transaction() as tx:
        newest = versions(tx, visit.engagement_id)[-1].head.version_id
        known = version_read(tx, visit.engagement_id, newest).agreement
    if {brought.client.handle, brought.provider.handle} != {
        known.client.handle, known.provider.handle,
    }:  # fmt: skip
        raise Refusal.of(
            "parties.yaml",
            _("This engagement is that of %(client)s and %(provider)s.")
            % {"client": known.client.name, "provider": known.provider.name},
            _("Another contract is another engagement."),
        )


def files_of_zip(zipped: IO[bytes]) -> Files:
    """Return the agreement's files out of a zip. Raises Refusal for a zip that holds no such."""
    try:
        with zipfile.ZipFile(zipped) as found, TemporaryDirectory() as name:
            folder = Path(name)
            for member in _members(found):
                with found.open(member) as content:
                    (folder / member.filename.rpartition("/")[2]).write_bytes(
                        content.read(MAX_BYTES + 1)
                    )
            return read_folder(folder)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as fault:
        raise Refusal.of(
            _("Zip"), _("This is no zip that can be read."), _("Zip the folder and try again.")
        ) from fault


def _members(found: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files beside agreement.yaml, wherever in the zip that stands; hidden ones are left."""
    listed = found.infolist()
    heads = [one.filename for one in listed if one.filename.rpartition("/")[2] == FILE_NAMES[0]]
    if len(listed) > MOST_FILES or len(heads) != 1:
        raise Refusal.of(
            _("Zip"),
            _("It does not hold the files of just one agreement."),
            _("Zip one agreement's folder alone."),
        )
    folder = heads[0].rpartition("/")[0]
    return [
        one
        for one in listed
        if not one.is_dir()
        and one.filename.rpartition("/")[0] == folder
        and not one.filename.rpartition("/")[2].startswith(".")
    ]


def _form_page(
    visit: Visit, form: TermsForm, base: VersionStands, found: Sequence[VersionStands], status: int
) -> HttpResponse:
    told = {
        "form": form,
        "groups": form.groups(),
        "files": FilesForm(),
        "base": shown(base, found),
        "number": max(one.head.number for one in found) + 1,
        "sides": [visit.side] if visit.side else ["client", "provider"],
    }
    steps = visit.at(Crumb(_("A new version")))
    return steps.page("pages/agreement/propose.html", told, status=status)
