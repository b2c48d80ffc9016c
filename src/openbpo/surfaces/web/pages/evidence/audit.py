"""Who read what, what was done, who may do what: the engagement's own audit view."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbpo.record.model import Entry
from openbpo.record.queries import latest_entries
from openbpo.record.readings import Reading, latest_readings
from openbpo.surfaces.web.visits import Crumb, Group, Nav, Visit, page
from openbpo.trust.roles.model import Right
from openbpo.trust.roles.queries import grantings
from openbpo.values.canonical import instant_from_text

A_PAGE = 50


@dataclass(frozen=True, slots=True)
class ShownReading:
    """A reading as the list shows it."""

    number: int
    at: datetime
    by: str
    what: str
    purpose: str


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """An act of the record as the list shows it."""

    number: int
    at: datetime
    by: str
    what: str
    events: int
    leaf: str


@page(
    "e/<handle>/audit",
    needs=Right.SEE_READINGS,
    nav=Nav(Group.EVIDENCE, gettext_lazy("Who read what"), order=30),
)
def audit(visit: Visit) -> HttpResponse:
    """List who read the record, when, to what purpose; the latest first."""
    with visit.transaction() as tx:
        found = latest_readings(tx, visit.engagement_id, before=before(visit), limit=A_PAGE + 1)
    told = {
        "readings": [told_reading(one) for one in found[:A_PAGE]],
        "before": found[A_PAGE - 1].number if len(found) > A_PAGE else None,
        "total": found[0].number if found and before(visit) is None else None,
    }
    return visit.page("pages/evidence/audit.html", told)


@page("e/<handle>/audit/acts", needs=Right.SEE_READINGS)
def audit_acts(visit: Visit) -> HttpResponse:
    """List what was done: each act of the record, the latest first."""
    with visit.transaction() as tx:
        found = latest_entries(tx, visit.engagement_id, before=before(visit), limit=A_PAGE + 1)
    told = {
        "entries": [told_entry(one) for one in found[:A_PAGE]],
        "before": found[A_PAGE - 1].entry if len(found) > A_PAGE else None,
        "total": found[0].entry if found and before(visit) is None else None,
    }
    return visit.at(Crumb(_("Acts"))).page("pages/evidence/acts.html", told)


@page("e/<handle>/audit/grants", needs=Right.SEE_READINGS)
def audit_grants(visit: Visit) -> HttpResponse:
    """List who was let in, by whom, until when; and who was not any more."""
    with visit.transaction() as tx:
        found = grantings(tx, visit.engagement_id)
    return visit.at(Crumb(_("Grants"))).page("pages/evidence/grants.html", {"grants": found[::-1]})


def before(visit: Visit) -> int | None:
    """Return the number before which a list goes on."""
    text = visit.request.GET.get("before", "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


def told_reading(one: Reading) -> ShownReading:
    """Return a reading from its line."""
    told = json.loads(one.told)
    return ShownReading(
        one.number, instant_from_text(told["at"]), told["by"], told["what"], told["purpose"]
    )


def told_entry(one: Entry) -> ShownEntry:
    """Return an act from its line, in words."""
    told = json.loads(one.told)
    return ShownEntry(
        number=one.entry,
        at=one.entered_at,
        by=one.entered_by,
        what=act_in_words(one.act, told),
        events=one.events,
        leaf=bytes(one.leaf).hex()[:16],
    )


def act_in_words(act: str, told: Mapping[str, Any]) -> str:
    """Return what an act was."""
    side = {"client": _("the client"), "provider": _("the provider")}.get(
        str(told.get("side", "")), ""
    )
    if act == "signature":
        return _("Version %(number)s was signed by %(side)s") % {
            "number": told["number"], "side": side,
        }  # fmt: skip
    if act == "period":
        return _("%(period)s was brought to: %(state)s") % {
            "period": told.get("period", ""), "state": told.get("state", ""),
        }  # fmt: skip
    if act == "countersignature":
        return _("The first %(size)s leaves were countersigned by %(side)s") % {
            "size": told.get("size", ""), "side": side,
        }  # fmt: skip
    if act == "recording":
        return _("Events came in")
    return act
