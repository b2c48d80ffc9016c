"""What each side can do next in a dispute, with what it would change; and the doing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from openbpo.agreements.model import Side
from openbpo.billing.disputes.actions import open_dispute, reply_to
from openbpo.billing.disputes.decisions import other
from openbpo.billing.disputes.model import Claim, ClaimedFormula, Deed, Dispute, DisputeState, Reply
from openbpo.surfaces.web.numbers import current_locale, moment_text, signed_text
from openbpo.surfaces.web.pages.disputes.readings import Between
from openbpo.surfaces.web.pages.disputes.words import amount, is_credit, party
from openbpo.surfaces.web.pages.levels.figures import Told, money
from openbpo.surfaces.web.pages.levels.reading import measure_in, told_of
from openbpo.surfaces.web.visits import Visit, page
from openbpo.trust.roles.model import Right
from openbpo.values.money import Money
from openbpo.values.refusals import Refusal

RIGHT_OF = {"client": Right.DISPUTE_LINE, "provider": Right.ANSWER_DISPUTE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Something that a side can do: what it changes, and what its form asks for."""

    did: str
    what: str
    changes: str
    button: str
    asks_amount: bool = False
    asks_reason: bool = False
    amount: str = ""
    formulas: tuple[tuple[str, str, str, bool], ...] = ()
    is_main: bool = False


def acting_side(visit: Visit, found: Dispute) -> Side | None:
    """Return the side that the visitor may act for, None where it is none."""
    side = visit.side or found.turn or found.side
    return side if visit.may(RIGHT_OF[side]) else None


def own_moves(visit: Visit, found: Dispute, month: Told, apart: Between | None) -> dict[str, Any]:
    """Return what the visitor's side can do next."""
    side = acting_side(visit, found)
    if side is None or found.state.is_over:
        return {"side": side, "title": "", "moves": []}
    title = _("%(name)s (you)") % {"name": party(visit.named, side)}
    return {"side": side, "title": title, "moves": list(moves(found, side, month, apart))}


def others_moves(
    visit: Visit, found: Dispute, month: Told, apart: Between | None
) -> dict[str, Any]:
    """Return what the other side can do, as it waits."""
    side = acting_side(visit, found)
    across: Side = other(side) if side else other(visit.side or found.side)
    if found.state.is_over:
        return {"title": "", "moves": []}
    awaited = found.turn == across
    told = _("Its word is awaited.") if awaited else _("It need not do anything now.")
    until = moment_text(found.answer_by, current_locale()) if awaited and found.answer_by else ""
    silence = (
        _("If it says nothing until then, what is on the table is accepted.")
        if until and found.if_silent == "accepted"
        else ""
    )
    return {"title": party(visit.named, across), "told": told, "until": until,
            "silence": silence, "is_awaited": awaited,
            "moves": list(moves(found, across, month, apart))}  # fmt: skip


def moves(found: Dispute, side: Side, month: Told, apart: Between | None) -> Iterator[Move]:
    """Yield what a side may do, each with what it would change."""
    is_turn = found.turn == side
    if found.offer is not None and found.offered_by == other(side):
        yield Move(
            did=Deed.ACCEPTED.value,
            what=_("Accept %(amount)s") % {"amount": amount(found.offer, found)},
            changes=_change(found, found.offer),
            button=_("Accept"),
            is_main=is_turn,
        )
    may_offer = found.offered_by != side and not (
        found.state is DisputeState.OPEN and found.side == side
    )
    formulas = tuple(_formulas(side, month, apart))
    if may_offer:
        middle = _proposed(found, apart)
        yield Move(
            did=Deed.OFFERED.value,
            what=_("Offer another amount"),
            changes=_change(found, middle, is_supposed=True) if middle else "",
            button=_("Offer"),
            asks_amount=True,
            asks_reason=False,
            amount=_plain(found, middle) if middle else "",
            formulas=formulas,
        )
    if is_turn and found.offer is not None:
        yield Move(
            did=Deed.REFUSED.value,
            what=_("Refuse it, and say why"),
            changes=_("Nothing is on the table then, and no clock runs. No money moves."),
            button=_("Refuse"),
            asks_reason=True,
            formulas=formulas,
        )
    if found.side == side:
        yield Move(
            did=Deed.WITHDRAWN.value,
            what=_("Withdraw the dispute"),
            changes=_("It stays at %(amount)s. No money moves.")
            % {"amount": amount(found.stands, found)},
            button=_("Withdraw"),
        )


def _proposed(found: Dispute, apart: Between | None) -> Money | None:
    """Return what the agreement's words give, to begin from; None where that is what stands."""
    if apart is None:
        return None
    return -apart.judged.credit if is_credit(found) else None


def _change(found: Dispute, then: Money, *, is_supposed: bool = False) -> str:
    """Return what a settlement at an amount changes."""
    moved = then - found.stands
    locale = current_locale()
    if moved == Money.zero(moved.currency):
        said = _("At %(amount)s, as it stands: no money moves.")
        return said % {"amount": amount(then, found)}
    said = (
        _("At %(amount)s, by the agreement’s words, the next invoice changes by %(moved)s.")
        if is_supposed
        else _("Settled at %(amount)s: the next invoice changes by %(moved)s.")
    )
    text = f"{signed_text(Decimal(moved.amount), locale)}\u00a0{moved.currency}"
    return said % {"amount": amount(then, found), "moved": text}


def _plain(found: Dispute, value: Money) -> str:
    """Return an amount as it is written into the form: a credit without its minus."""
    return (-value if is_credit(found) else value).amount


def _formulas(
    side: Side, month: Told, apart: Between | None
) -> Iterator[tuple[str, str, str, bool]]:
    """Yield the formulas that a side can name: value, words, credit, whether it has named it."""
    if apart is None:
        return
    own = apart.of(side).reading.formula
    for one in apart.measure["formulas"]:
        value = f"{apart.measure['id']}={one['id']}"
        yield value, one["in_words"], money(one["credits"], month["currency"]), one["id"] == own


# --- Doing -----------------------------------------------------------------------------------


@page("e/<handle>/disputes/<number>/answer", needs=Right.SEE_BILLING, methods=("POST",))
def dispute_answer(visit: Visit, number: str) -> HttpResponse:
    """Accept, refuse, offer or withdraw, for the visitor's own side."""
    from openbpo.surfaces.web.pages.disputes.page import find

    with visit.reading("a dispute") as tx:
        found = find(tx, visit, number)
    side: Side = visit.side or _asked_side(visit) or found.turn or found.side
    visit.refuse_unless(RIGHT_OF[side])
    reply = _reply(visit, found)
    done = reply_to(
        visit.database, visit.context, visit.engagement_id, found.number, reply, side
    )  # fmt: skip
    messages.success(visit.request, _said(done))
    return redirect(visit.href("dispute", number=found.number))


def _asked_side(visit: Visit) -> Side | None:
    asked = visit.request.POST.get("side")
    return asked if asked in ("client", "provider") else None


def _reply(visit: Visit, found: Dispute) -> Reply:
    """Return what a form says; raises Refusal where it names no deed."""
    post = visit.request.POST
    did, reason = post.get("did", ""), post.get("reason", "").strip()
    if did not in {one.value for one in Deed if one is not Deed.OPENED}:
        raise Refusal.of(_("Answer"), _("It is not said what to do."), _("Choose one of them."))
    offered = None
    if did == Deed.OFFERED.value:
        offered = _signed(found, post.get("amount", "").strip())
    return Reply(
        did=Deed(did), amount=offered, reason=reason or None,
        formula=_formula(post.get("formula", "")),
    )  # fmt: skip


def _signed(found: Dispute, text: str) -> str:
    """Return an amount with the line's sign: what a form calls a credit of 5 is −5."""
    bare = text.replace("\u00a0", "").replace(" ", "")
    if not is_credit(found) or bare.startswith("-") or not bare.strip("0."):
        return bare
    return f"-{bare}"


def _formula(text: str) -> ClaimedFormula | None:
    measure, _equals, formula = text.partition("=")
    return ClaimedFormula(measure, formula) if measure and formula else None


def _said(done: Dispute) -> str:
    if done.state is DisputeState.SETTLED and done.settled is not None:
        return _("It is settled at %(amount)s.") % {"amount": amount(done.settled, done)}
    words = {
        DisputeState.OFFERED: _("Your offer is on the table."),
        DisputeState.REFUSED: _("It is refused; the other side knows why."),
        DisputeState.WITHDRAWN: _("It is withdrawn."),
    }
    return words.get(done.state, _("It is noted."))


@page(
    "e/<handle>/service-levels/<period>/<measure>/dispute",
    needs=Right.DISPUTE_LINE,
    methods=("POST",),
)
def dispute_credit(visit: Visit, period: str, measure: str) -> HttpResponse:
    """Dispute the month's credit by another formula: it should be what that formula gives."""
    post = visit.request.POST
    formula = post.get("formula", "")
    with visit.reading("service levels") as tx:
        month = told_of(tx, visit, period)
        found = measure_in(month, measure)
    known = {one["id"]: one for one in found["formulas"]}
    if formula not in known:
        raise Refusal.of(_("Formula"), _("There is no such formula."), _("Choose one of them."))
    claim = Claim(
        period=period, line="credit", reason=post.get("reason", "").strip(),
        amount=f"-{known[formula]['credits']}", formula=ClaimedFormula(measure, formula),
    )  # fmt: skip
    side: Side = visit.side or "client"
    done = open_dispute(visit.database, visit.context, visit.engagement_id, claim, side)
    messages.success(visit.request, _("It is disputed; the other side sees it now."))
    return redirect(visit.href("dispute", number=done.number))
