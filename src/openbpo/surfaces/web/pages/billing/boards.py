"""The month-end board: of all engagements of a visitor, and of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbpo.billing.standing.model import OnBoard
from openbpo.billing.standing.queries import months_on_board
from openbpo.record.readings import note_reading
from openbpo.surfaces.web.engagements import named
from openbpo.surfaces.web.pages.billing.boarding import MonthHere, told
from openbpo.surfaces.web.pages.billing.words import month_or_name
from openbpo.surfaces.web.visits import Group, Nav, Visit, Visitor, own_page, page, short_handles
from openbpo.trust.roles.model import GrantedRole, Right

AT_ONCE = 50
"""Engagements, and months of one engagement, on a page."""
WHAT = "the month-end board"


@own_page("billing", name="billing")
def billing(visitor: Visitor) -> HttpResponse:
    """Show every engagement's month that the visitor may see, by how far it has come."""
    granted = [one for one in visitor.granted() if Right.SEE_BILLING in one.role.rights]
    handles = short_handles(granted)
    first = _page(visitor) * AT_ONCE
    here = granted[first : first + AT_ONCE]
    looked = [_Looked.at(visitor, one, visitor.request.GET.get("period")) for one in here]
    names = sorted({name for one in looked for name in one.names})
    period = visitor.request.GET.get("period") or max((one.chosen for one in looked), default="")
    months = [
        month
        for one in looked
        if period in one.names
        for month in one.months(visitor, handles[one.of.engagement_id], period)
    ]
    with visitor.database.transaction(visitor.context) as tx:
        at = tx.at
    return visitor.page(
        "pages/billing/board.html",
        {
            "board": told(months, month_or_name(period, visitor.locale) or _("Billing"),
                          at=at, locale=visitor.locale),
            "periods": _switch(names, period, visitor),
            "has_engagements": bool(granted),
            "more": first + AT_ONCE < len(granted) and _page(visitor) + 2,
            "less": _page(visitor),
            "period": period,
        },
    )  # fmt: skip


@page(
    "e/<handle>/billing",
    needs=Right.SEE_BILLING,
    nav=Nav(Group.MONTH, gettext_lazy("Billing"), order=20),
    name="engagement_billing",
)
def engagement_billing(visit: Visit) -> HttpResponse:
    """Show the months of one engagement by how far each has come, the latest first."""
    with visit.reading(WHAT) as tx:
        names, found = months_on_board(
            tx, visit.engagement_id, lambda all_: list(reversed(all_))[:AT_ONCE]
        )
        at = tx.at
    months = [
        MonthHere(
            name=month_or_name(one.standing.period, visit.locale),
            what="",
            href=visit.href("month_billing", period=one.standing.period),
            on_board=one,
            has_money=visit.may(Right.SEE_MONEY),
        )
        for one in found
    ]
    return visit.page(
        "pages/billing/months.html",
        {"board": told(months, _("Billing"), at=at, locale=visit.locale), "has_months": bool(names),
         "left_out": len(names) - len(found)},
    )  # fmt: skip


def _page(visitor: Visitor) -> int:
    asked = visitor.request.GET.get("page", "1")
    return max(int(asked) - 1, 0) if asked.isdecimal() and len(asked) < 6 else 0


@dataclass(frozen=True)
class _Looked:
    """An engagement's periods, and the one that was looked at."""

    of: GrantedRole
    names: list[str]
    chosen: str
    found: tuple[OnBoard, ...]

    @classmethod
    def at(cls, visitor: Visitor, of: GrantedRole, period: str | None) -> _Looked:
        """Look at the period named, else at the last that is over."""
        with visitor.database.transaction(visitor.context.within(of.engagement_id)) as tx:
            note_reading(tx, of.engagement_id, WHAT)

            def choose(names: Sequence[str]) -> list[str]:
                wanted = period or _ended(names, tx.at)
                return [wanted] if wanted in names else []

            names, found = months_on_board(tx, of.engagement_id, choose)
            return cls(of, names, _ended(names, tx.at), found)

    def months(self, visitor: Visitor, handle: str, period: str) -> list[MonthHere]:
        """Return the engagement's month as the board shows it."""
        found = [one for one in self.found if one.standing.period == period]
        if not found:
            context = visitor.context.within(self.of.engagement_id)
            with visitor.database.transaction(context) as tx:
                _, chosen = months_on_board(tx, self.of.engagement_id, lambda _names: [period])
            found = list(chosen)
        called = named(visitor.database, visitor.context, self.of.engagement_id, handle)
        address = reverse("month_billing", kwargs={"handle": handle, "period": period})
        return [
            MonthHere(
                name=called.other(self.of.role.side) or called.title,
                what=called.title,
                href=address,
                on_board=one,
                has_money=Right.SEE_MONEY in self.of.role.rights,
            )
            for one in found
        ]


def _ended(names: Sequence[str], at: datetime) -> str:
    """Return the latest month that is over, else the latest of all."""
    over = [name for name in names if name < f"{at:%Y-%m}"]
    return (over or list(names) or [""])[-1]


def _switch(names: list[str], period: str, visitor: Visitor) -> list[dict[str, Any]]:
    """Return the months to switch to: those around the one that is shown."""
    where = names.index(period) if period in names else len(names) - 1
    around = names[max(where - 4, 0) : where + 4]
    return [
        {
            "word": month_or_name(name, visitor.locale),
            "href": f"{reverse('billing')}?{urlencode({'period': name})}",
            "is_current": name == period,
        }
        for name in around
    ]
