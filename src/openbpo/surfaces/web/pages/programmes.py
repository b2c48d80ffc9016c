"""All engagements that somebody may see: how they stand, what is in question, what comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from openbpo.agreements.model import SIDES
from openbpo.agreements.resolved import day_of
from openbpo.agreements.versions.model import Terms
from openbpo.agreements.versions.queries import VersionStands, terms_in_force, versions
from openbpo.billing.closing.model import State
from openbpo.billing.closing.queries import act_heads
from openbpo.billing.disputes.model import Dispute
from openbpo.billing.disputes.queries import disputes_of
from openbpo.billing.statements.queries import period_names, stored_periods, stored_statements
from openbpo.record.queries import last_entry
from openbpo.record.readings import note_reading
from openbpo.storage.database import Transaction
from openbpo.surfaces.web.engagements import Named, named
from openbpo.surfaces.web.numbers import money_text, month_text
from openbpo.surfaces.web.pages.agreement.reading import is_on_the_table
from openbpo.surfaces.web.parts.pieces import Chip, Shape
from openbpo.surfaces.web.visits import Visitor, own_page, short_handles
from openbpo.trust.roles.model import GrantedRole, Right
from openbpo.values.zones import Zone

A_PAGE = 10
AHEAD_DAYS = 366
MONTHS = 12
Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Coming:
    """A day that comes, and what it is; without a day what waits now."""

    what: str
    day: date | None = None
    days_left: int | None = None


@dataclass(slots=True)
class Programme:
    """An engagement as the list shows it. Money is None where the role does not see it."""

    handle: str
    named: Named
    other: str
    month: str = ""
    state: Chip | None = None
    verdicts: list[Chip] = field(default_factory=list)
    at_risk: bool = False
    in_question: str | None = None
    disputes: int = 0
    coming: list[Coming] = field(default_factory=list)


@own_page("programmes", name="programmes")
def programmes(visitor: Visitor) -> HttpResponse:
    """List every engagement, those at risk first."""
    granted = visitor.granted()
    handles = short_handles(granted)
    text = visitor.request.GET.get("page", "1")
    number = max(int(text), 1) if text.isdecimal() and len(text) < 6 else 1
    shown = granted[(number - 1) * A_PAGE : number * A_PAGE]
    rows = [_programme(visitor, one, handles[one.engagement_id]) for one in shown]
    rows.sort(key=lambda one: (not one.at_risk, -one.disputes, one.named.title))
    at_risk = sum(one.at_risk for one in rows)
    told = {
        "rows": rows,
        "at_risk": at_risk,
        "finding": finding(at_risk, len(granted)),
        "with_money": any(one.in_question is not None for one in rows),
        "later": number + 1 if len(granted) > number * A_PAGE else None,
    }
    return visitor.page("pages/programmes.html", told)


def finding(at_risk: int, total: int) -> str:
    """Return what the page's head says."""
    if not total:
        return _("No programmes yet")
    if not at_risk:
        return ngettext(
            "%(n)s programme, and none is at risk", "%(n)s programmes, and none is at risk", total
        ) % {"n": total}
    return _("%(n)s of %(total)s programmes at risk") % {"n": at_risk, "total": total}


def _programme(visitor: Visitor, one: GrantedRole, handle: str) -> Programme:
    context = visitor.context.within(one.engagement_id)
    called = named(visitor.database, visitor.context, one.engagement_id, handle)
    found = Programme(handle, called, called.other(one.role.side))
    rights = one.role.rights
    with visitor.database.transaction(context) as tx:
        if last_entry(tx, one.engagement_id) is None or Right.SEE_SERVICE_LEVELS not in rights:
            return found
        note_reading(tx, one.engagement_id, "programmes")
    with visitor.database.transaction(context) as tx:
        terms = terms_in_force(tx, one.engagement_id, handle)
        states = _states(tx, one)
        _take_figures(tx, found, one, states, visitor)
        open_ones = _open_disputes(tx, one)
        found.disputes = len(open_ones) + sum(state == State.DISPUTED for state in states.values())
        zone = terms[-1].resolved.zones[terms[-1].agreement.zone]
        today = day_of(tx.at, zone)
        if Right.SEE_AGREEMENT in rights:
            on_the_table = versions(tx, one.engagement_id)
            found.coming = coming(terms, states, on_the_table, one.role.side, today, visitor.locale)
        waiting = [(dispute, _day(dispute.answer_by, zone)) for dispute in open_ones]
        found.coming[:0] = awaited(waiting, one.role.side, today, visitor.locale)
    return found


def _open_disputes(tx: Transaction, one: GrantedRole) -> list[Dispute]:
    if Right.SEE_BILLING not in one.role.rights:
        return []
    return [found for found in disputes_of(tx, one.engagement_id) if not found.state.is_over]


def _day(at: datetime | None, zone: Zone) -> date | None:
    return None if at is None else day_of(at, zone)


def awaited(
    disputes: Sequence[tuple[Dispute, date | None]], side: str | None, today: date, locale: Any
) -> list[Coming]:
    """Return the disputes that wait for this side's answer, each with the day until which."""
    return [
        Coming(
            _("The dispute of %(month)s waits for your answer")
            % {"month": month_text(dispute.period, locale)},
            until,
            None if until is None else (until - today).days,
        )
        for dispute, until in disputes
        if side is None or dispute.turn == side
    ]


def _states(tx: Transaction, one: GrantedRole) -> dict[str, str | None]:
    """Return the last state of each period that stands stored, None while it is open; in order."""
    names = stored_periods(tx, one.engagement_id) or period_names(tx, one.engagement_id)
    states: dict[str, str | None] = dict.fromkeys(names)
    states.update({act.period: act.state for act in act_heads(tx, one.engagement_id)})
    return dict(sorted(states.items()))


def _take_figures(
    tx: Transaction,
    found: Programme,
    one: GrantedRole,
    states: Mapping[str, str | None],
    visitor: Visitor,
) -> None:
    """Take what stands stored; a list computes no month."""
    if not states:
        return
    newest = list(states)[-1]
    found.month = month_text(newest, visitor.locale)
    stored = stored_statements(tx, one.engagement_id, list(states)[-MONTHS:])
    if newest not in stored:
        found.state = Chip(Shape.PRELIMINARY, _("Not computed yet"))
        return
    told = stored[newest].told
    is_open = told["state"] == "open"
    found.state = Chip(Shape.PRELIMINARY, _("Open")) if is_open else Chip(
        Shape.AGREED, told["state"].capitalize()
    )  # fmt: skip
    found.verdicts, found.at_risk = verdicts(told), "default" in _verdicts(told)
    if Right.SEE_MONEY in one.role.rights:
        settled = (State.AGREED, State.FINAL)
        asked = [at.told["credits"] for name, at in stored.items() if states[name] not in settled]
        found.in_question = money_text(
            sum(map(Decimal, asked), start=Decimal("0.00")), told["currency"], visitor.locale
        )


def _verdicts(told: Told) -> list[str]:
    return [one["verdict"] for one in told["measures"] if one["verdict"]]


def verdicts(told: Told) -> list[Chip]:
    """Return how many measures are met, in default, of low volume."""
    words = {
        "met": (Shape.MET, _("%(n)s met")), "default": (Shape.DEFAULT, _("%(n)s in default")),
        "low_volume": (Shape.LOW, _("%(n)s low volume")),
    }  # fmt: skip
    counts = {name: _verdicts(told).count(name) for name in words}
    return [Chip(words[name][0], words[name][1] % {"n": n}) for name, n in counts.items() if n]


def coming(
    terms: Sequence[Terms],
    states: Mapping[str, str | None],
    proposed: Sequence[VersionStands],
    side: str | None,
    today: date,
    locale: Any,
) -> list[Coming]:
    """Return what waits for this side, and the days of the next year that the agreement names."""
    found = [
        Coming(_("Version %(n)s waits for your signature") % {"n": one.head.number})
        for one in proposed
        if is_on_the_table(one, proposed) and side in SIDES and side not in one.signed_by
    ]
    waiting = [name for name, state in states.items() if state == State.REPORTED]
    if waiting and side in (None, "client"):
        said = ngettext("%(month)s is to be agreed", "%(month)s and %(n)s more are to be agreed",
                        len(waiting))  # fmt: skip
        found.append(
            Coming(said % {"month": month_text(waiting[0], locale), "n": len(waiting) - 1})
        )
    return [*found, *_days(terms, today)]


def _days(terms: Sequence[Terms], today: date) -> list[Coming]:
    ends = {_("End of the term"): terms[-1].agreement.term.end}
    if terms[-1].days.end != terms[-1].agreement.term.end:
        ends[_("The last version's days end")] = terms[-1].days.end
    for one in terms[1:]:
        ends[_("Version %(n)s begins") % {"n": one.agreement.version}] = one.days.start
    found = [
        Coming(what, day, (day - today).days)
        for what, day in ends.items()
        if day is not None and 0 <= (day - today).days <= AHEAD_DAYS
    ]
    return sorted(found, key=lambda one: one.days_left or 0)
