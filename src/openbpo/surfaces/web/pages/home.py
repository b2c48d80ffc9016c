"""The first page: what one may see, and how to begin where that is nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import redirect

from openbpo.billing.disputes.queries import disputes_of
from openbpo.record.queries import reach
from openbpo.surfaces.web.engagements import Named, named
from openbpo.surfaces.web.visits import Visit, Visitor, own_page, page, short_handles
from openbpo.trust.roles.model import GrantedRole, Right, Role


@dataclass(frozen=True, slots=True)
class Row:
    """An engagement as the list shows it."""

    handle: str
    called: Named
    other: str
    role: Role
    until: datetime | None


@own_page("", name="home")
def home(visitor: Visitor) -> HttpResponse:
    """
    Show what waits for an answer: the newest dispute that is open.

    Where there is none, one's engagements are listed; the only one is shown itself.
    """
    granted = visitor.granted()
    handles = short_handles(granted)
    if "all" not in visitor.request.GET:
        for one in granted:
            number = _open_dispute(visitor, one)
            if number is not None:
                return redirect("dispute", handle=handles[one.engagement_id], number=number)
        if len(granted) == 1:
            return redirect("engagement", handle=handles[granted[0].engagement_id])
    rows = [_row(visitor, one, handles[one.engagement_id]) for one in granted]
    return visitor.page("pages/home.html", {"rows": rows})


def _open_dispute(visitor: Visitor, one: GrantedRole) -> int | None:
    """Return the newest open dispute of an engagement, if its figures are this visitor's to see."""
    if not {Right.SEE_BILLING, Right.SEE_MONEY} <= one.role.rights:
        return None
    with visitor.database.transaction(visitor.context.within(one.engagement_id)) as tx:
        found = disputes_of(tx, one.engagement_id)
    return max((each.number for each in found if not each.state.is_over), default=None)


def _row(visitor: Visitor, one: GrantedRole, handle: str) -> Row:
    called = named(visitor.database, visitor.context, one.engagement_id, handle)
    return Row(handle, called, called.other(one.role.side), one.role, one.valid_until)


@page("e/<handle>/", needs=Right.SEE_ENGAGEMENT, name="engagement")
def engagement(visit: Visit) -> HttpResponse:
    """Lead to the service levels; where there are none to see, show what else there is."""
    with visit.transaction() as tx:
        is_empty = reach(tx, visit.engagement_id).first is None
    if visit.may(Right.SEE_SERVICE_LEVELS) and not is_empty:
        return redirect(visit.href("service_levels"))
    return visit.page("pages/engagement.html", {"called": visit.named})


@own_page("parts", name="parts")
def parts(visitor: Visitor) -> HttpResponse:
    """Show every part of which pages are made."""
    from openbpo.surfaces.web.parts.shown import examples

    return visitor.page("pages/parts.html", examples())
