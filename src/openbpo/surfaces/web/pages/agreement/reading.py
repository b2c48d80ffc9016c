"""The agreement to be read, its versions, and who signed them when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbpo.agreements.model import SIDES, Side
from openbpo.agreements.versions.queries import (
    VersionStands,
    newest_version,
    version_read,
    versions,
)
from openbpo.agreements.words import Entry, days_text, sections
from openbpo.surfaces.web.parts.pieces import Chip, Shape
from openbpo.surfaces.web.visits import Crumb, Group, Nav, Visit, page
from openbpo.trust.roles.model import Right


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a term; one that belongs to the one before it stands further in."""

    text: str
    depth: int


@dataclass(frozen=True, slots=True)
class ShownTerm:
    """A term with its clause and its anchor."""

    anchor: str
    clause: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class ShownSection:
    """A section with its anchor."""

    anchor: str
    title: str
    terms: Sequence[ShownTerm]


@dataclass(frozen=True, slots=True)
class ShownVersion:
    """A version as the list shows it."""

    stands: VersionStands
    chip: Chip
    days: Sequence[str]
    before: str
    """The version that it is compared with: what it supersedes, else the one before it."""
    waits_for: Sequence[Side]

    @property
    def short(self) -> str:
        """Return by what addresses name it."""
        return self.stands.short


@page(
    "e/<handle>/agreement",
    needs=Right.SEE_AGREEMENT,
    nav=Nav(Group.CONTRACT, gettext_lazy("Agreement"), order=10),
)
def agreement(visit: Visit) -> HttpResponse:
    """Show the version that governs the last days, and what is on the table."""
    with visit.transaction() as tx:
        newest = newest_version(tx, visit.engagement_id)
        found = versions(tx, visit.engagement_id)
        if newest is None:
            return visit.page("pages/agreement/none.html")
        read = version_read(tx, visit.engagement_id, newest)
    own = next(one for one in found if one.head.version_id == newest)
    told = {
        "read": read.agreement,
        "sections": shown_sections(read.agreement),
        "own": shown(own, found),
        "versions": [shown(one, found) for one in reversed(found)],
        "on_the_table": [shown(one, found) for one in found if is_on_the_table(one, found)],
    }
    return visit.page("pages/agreement/agreement.html", told)


@page("e/<handle>/agreement/versions/<version>", needs=Right.SEE_AGREEMENT)
def agreement_version(visit: Visit, version: str) -> HttpResponse:
    """Show a version whole: to be read, and to be printed as the annex."""
    with visit.transaction() as tx:
        found = versions(tx, visit.engagement_id)
        own = named(found, version)
        read = version_read(tx, visit.engagement_id, own.head.version_id)
    told = {
        "read": read.agreement,
        "sections": shown_sections(read.agreement),
        "own": shown(own, found),
        "files": sorted(read.stored.files),
    }
    return visit.at(Crumb(_("Version %(n)s") % {"n": own.head.number})).page(
        "pages/agreement/version.html", told
    )


def named(found: Sequence[VersionStands], short: str) -> VersionStands:
    """Return the version of a name in addresses; Http404 where there is none."""
    for one in found:
        if one.short == short:
            return one
    raise Http404(_("There is no version of this name."))


def shown(one: VersionStands, found: Sequence[VersionStands]) -> ShownVersion:
    """Return a version as lists show it."""
    return ShownVersion(
        stands=one,
        chip=_chip(one),
        days=[days_text(days) for days in one.days],
        before=_before(one, found),
        waits_for=[side for side in SIDES if side not in one.signed_by],
    )


def is_on_the_table(one: VersionStands, found: Sequence[VersionStands]) -> bool:
    """Tell whether a version waits for a signature, and none that was agreed came after it."""
    agreed = [i for i, other in enumerate(found) if len(other.signed_by) == len(SIDES)]
    return len(one.signed_by) < len(SIDES) and found.index(one) > max(agreed, default=-1)


def _chip(one: VersionStands) -> Chip:
    if len(one.signed_by) == len(SIDES):
        return Chip(Shape.AGREED, _("Agreed") if one.days else _("Agreed, governs no day now"))
    if one.signed_by:
        side = next(iter(one.signed_by))
        said = _("Signed by the client") if side == "client" else _("Signed by the provider")
        return Chip(Shape.PRELIMINARY, said)
    return Chip(Shape.PRELIMINARY, _("Proposed"))


def _before(one: VersionStands, found: Sequence[VersionStands]) -> str:
    """The last version before it that was agreed, or else was proposed."""
    earlier = found[: found.index(one)]
    agreed = [other for other in earlier if len(other.signed_by) == len(SIDES)]
    return (agreed or earlier)[-1].short if earlier else ""


def shown_sections(of: Any) -> list[ShownSection]:
    """Return the agreement in words with an anchor for each section and term."""
    return [
        ShownSection(
            one.id,
            one.title.capitalize(),
            [_term(one.id, entry) for entry in one.entries if entry.lines],
        )
        for one in sections(of)
        if any(entry.lines for entry in one.entries)
    ]


def _term(section: str, entry: Entry) -> ShownTerm:
    lines = [
        Line(line.strip(), max((len(line) - len(line.lstrip())) // 2 - 1, 0))
        for line in entry.lines
    ]
    return ShownTerm(f"{section}-{entry.id}", entry.clause or "", lines)
