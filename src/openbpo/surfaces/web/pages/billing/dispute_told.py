"""What the pages of a dispute tell, and what each answer would move: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from babel import Locale
from django.utils.translation import gettext as _

from openbpo.agreements.model import Side
from openbpo.billing.disputes.decisions import amount_in
from openbpo.billing.disputes.model import Claim, Deed, Dispute, DisputeAct, DisputeState, Reply
from openbpo.billing.drafting.queries import MonthOfMoney
from openbpo.billing.issuing.decisions import settlement_amounts
from openbpo.surfaces.web.numbers import figure_text, moment_text, money_text, signed_text
from openbpo.surfaces.web.pages.billing.acting import Doing, Field
from openbpo.surfaces.web.pages.billing.words import (
    DEEDS,
    DISPUTE_STATES,
    SIDES,
    amount,
    for_pages,
    titled,
    titles,
)
from openbpo.surfaces.web.pages.billing.words import until_text as last_day
from openbpo.surfaces.web.parts.pieces import Chip, Column, Row, Shape, Table
from openbpo.values.money import Money
from openbpo.values.refusals import Refusal
from openbpo.values.shares import decimal_text, parse_decimal

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LineTold:
    """A line that is disputed or may be: what it is called, its key, and how it stands."""

    text: str
    key: str
    stands: str
    formula: str


def line_of(month: MonthOfMoney, key: str) -> Json | None:
    """Return a line of a month's document that can be disputed, None where there is none."""
    for line in month.invoice["lines"]:
        if line["key"] == key and line["kind"] != "settlement":
            found: Json = line
            return found
    return None


def claimable(month: MonthOfMoney, line: Json, locale: Locale) -> LineTold:
    """Return a line as it stands."""
    currency = month.invoice["currency"]
    formula = ""
    if line["quantity"] is not None and line["each"] is not None:
        each = money_text(decimal_text(parse_decimal(line["each"])), currency, locale)
        formula = f"{figure_text(line['quantity'], locale)} × {each}"
    text = titled(line["text"], titles(month.statement.told))
    return LineTold(text, line["key"], money_text(line["amount"], currency, locale), formula)


def until_text(month: MonthOfMoney, locale: Locale) -> str:
    """Return until when the month may be disputed."""
    if month.dispute_until is None:
        return _("It can be disputed until it is final.")
    at = last_day(month.dispute_until, locale, month.terms.agreement.zone)
    return _("It can be disputed until %(at)s.") % {"at": at}


def would_move(dispute: Dispute, month: MonthOfMoney, locale: Locale) -> list[str]:
    """Return what opening a dispute would do, before it is opened."""
    told = [
        _("The line stands at %(stands)s; you say %(wanted)s.")
        % {"stands": amount(dispute.stands, locale), "wanted": amount(dispute.wanted, locale)},
        _("%(money)s are in dispute until it is settled or withdrawn.")
        % {"money": amount(dispute.at_stake, locale)},
        settling(dispute, dispute.wanted, month, locale),
    ]
    if dispute.answer_by is not None:
        at = last_day(dispute.answer_by, locale, month.terms.agreement.zone)
        told.append(_("The provider answers by %(at)s.") % {"at": at})
        told.append(
            _("Silence accepts what you ask for.") if dispute.if_silent == "accepted"
            else _("Silence leaves it open.")
        )  # fmt: skip
    return told


def settling(dispute: Dispute, at: Money, month: MonthOfMoney, locale: Locale) -> str:
    """Return what a settlement at an amount would add to the next invoice."""
    line = month.statement.told["tax_line"]
    rate = parse_decimal(line["rate"]) if line is not None else Fraction(0)
    rounding = month.terms.agreement.charges.rounding
    net, tax = settlement_amounts(replace(dispute, settled=at), rate, rounding)
    if not net.exact:
        return _("No money moves by that.")
    told = {"net": _signed(net, locale), "tax": _signed(tax, locale)}
    if tax.exact:
        return _("Settled at that, the next invoice carries %(net)s, and %(tax)s of tax.") % told
    return _("Settled at that, the next invoice carries %(net)s.") % told


def _signed(money: Money, locale: Locale) -> str:
    return f"{signed_text(money.amount, locale)}\u00a0{money.currency}"


def is_same_claim(one: Dispute, claim: Claim, principal: str) -> bool:
    """Tell whether a dispute is the one that a claim, sent twice, has opened."""
    told = one.acts[0].told
    asked = claim.amount is None or amount_in(claim.amount, one.stands.currency) == one.wanted
    return (
        (one.period, one.line, one.reason) == (claim.period, claim.line, claim.reason)
        and one.acts[0].by == principal
        and asked
        and told["quantity"] == claim.quantity
    )


def was_said(
    known: Sequence[Dispute], number: int, reply: Reply, seen: str, principal: str
) -> bool:
    """Tell whether an answer that was refused stands already: it was sent twice."""
    dispute = next((one for one in known if one.number == number), None)
    if dispute is None or not seen.isdecimal() or int(seen) >= len(dispute.acts):
        return False
    act = dispute.acts[int(seen)]
    if act.by != principal:
        return False
    if reply.did is Deed.OFFERED and act.did is Deed.OFFERED:
        return Money.parse(f"{reply.amount} {dispute.stands.currency}") == Money.parse(
            f"{act.told['amount']} {dispute.stands.currency}"
        )
    return act.did is reply.did or (reply.did is Deed.OFFERED and act.did is Deed.ACCEPTED)


def doings(
    dispute: Dispute, side: Side, month: MonthOfMoney, locale: Locale, offered: str = ""
) -> list[Doing]:
    """Return what a side may do in a dispute; `offered` is an amount to be looked at first."""
    return list(_doings(dispute, side, month, locale, offered))


def _doings(
    dispute: Dispute, side: Side, month: MonthOfMoney, locale: Locale, offered: str
) -> Iterator[Doing]:
    if dispute.state.is_over:
        return
    may_offer = not (
        (dispute.offered_by == side and dispute.state is not DisputeState.OPEN)
        or (dispute.state is DisputeState.OPEN and dispute.side == side)
    )
    looked = _looked(dispute, offered, month, locale) if offered and may_offer else None
    if looked is not None:
        yield looked
    if dispute.offer is not None and dispute.offered_by != side:
        yield Doing(
            what=_("Accept %(amount)s") % {"amount": amount(dispute.offer, locale)},
            page="", button=_("Accept"), told=(("did", Deed.ACCEPTED.value),),
            changes=_("It is settled at that.") + " "
            + settling(dispute, dispute.offer, month, locale),
            is_main=looked is None,
        )  # fmt: skip
    if may_offer:
        yield Doing(
            what=_("Offer another amount"), page="", button=_("Look what it would change"),
            changes=_("What the line should come to. The other side accepts, refuses, or offers."),
            fields=(Field("offer", _("Amount, %(currency)s")
                          % {"currency": dispute.stands.currency}, offered),),
        )  # fmt: skip
    if dispute.turn == side and dispute.offer is not None:
        yield Doing(
            what=_("Refuse it"), page="", button=_("Refuse"),
            changes=_("Nothing is on the table then; %(money)s stay in dispute.")
            % {"money": amount(dispute.at_stake, locale)},
            told=(("did", Deed.REFUSED.value),), fields=(Field("reason", _("Why")),),
        )  # fmt: skip
    if dispute.side == side:
        yield Doing(
            what=_("Withdraw it"), page="", button=_("Withdraw"),
            changes=_("The line stays at %(amount)s. No money moves.")
            % {"amount": amount(dispute.stands, locale)},
            told=(("did", Deed.WITHDRAWN.value),),
        )  # fmt: skip


def _looked(dispute: Dispute, offered: str, month: MonthOfMoney, locale: Locale) -> Doing | None:
    try:
        found = amount_in(offered, dispute.stands.currency)
    except Refusal as refusal:
        one = for_pages(refusal.mistakes[0])
        return Doing(what=_("Offer another amount"), page="", button="",
                     changes=f"{one.what} {one.remedy}")  # fmt: skip
    return Doing(
        what=_("Offer %(amount)s") % {"amount": amount(found, locale)}, page="",
        button=_("Offer it"), changes=settling(dispute, found, month, locale),
        told=(("did", Deed.OFFERED.value), ("amount", found.amount)), is_main=True,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeTold:
    """A dispute in words."""

    finding: str
    note: str
    chip: Chip
    figures: list[tuple[str, str, str]]
    acts: Table
    line: LineTold


def dispute(
    of: Dispute, month: MonthOfMoney, names: Mapping[str, str], locale: Locale
) -> DisputeTold:
    """Return what the page of a dispute tells."""
    stands, wanted = amount(of.stands, locale), amount(of.wanted, locale)
    text = titled(of.text, titles(month.statement.told))
    if of.settled is not None:
        finding = _("Settled at %(settled)s instead of %(stands)s") % {
            "settled": amount(of.settled, locale), "stands": stands,
        }  # fmt: skip
    elif of.state is DisputeState.WITHDRAWN:
        finding = _("Withdrawn: the line stays at %(stands)s") % {"stands": stands}
    else:
        finding = _("%(side)s says %(wanted)s, the line says %(stands)s") % {
            "side": SIDES[of.side]().capitalize(), "wanted": wanted, "stands": stands,
        }  # fmt: skip
    shape = Shape.AGREED if of.state.is_over else Shape.DISPUTED
    found = line_of(month, of.line)
    told = claimable(month, found, locale) if found else LineTold(text, of.line, stands, "")
    return DisputeTold(
        finding=finding,
        note=_waits(of, month, locale),
        chip=Chip(shape, DISPUTE_STATES[of.state]()),
        figures=list(_figures(of, told, locale)),
        acts=_acts(of, names, month, locale),
        line=told,
    )


def _figures(of: Dispute, line: LineTold, locale: Locale) -> Iterator[tuple[str, str, str]]:
    yield _("The line stands at"), amount(of.stands, locale), line.formula
    asked = _signed(of.wanted - of.stands, locale)
    yield _("The %(side)s says") % {"side": SIDES[of.side]()}, amount(of.wanted, locale), asked
    if of.settled is not None and of.difference is not None:
        yield _("Settled at"), amount(of.settled, locale), _signed(of.difference, locale)
    elif of.offer is not None and of.offered_by is not None and of.offer != of.wanted:
        by = _("offered by the %(side)s") % {"side": SIDES[of.offered_by]()}
        yield _("On the table"), amount(of.offer, locale), by
    yield _("In dispute"), amount(of.at_stake, locale), ""


def _waits(of: Dispute, month: MonthOfMoney, locale: Locale) -> str:
    if of.by_silence:
        return _("No answer came in time, which accepts it, as was agreed.")
    if of.turn is None:
        return ""
    told = {"side": SIDES[of.turn]()}
    if of.answer_by is None:
        return _("The %(side)s's answer is awaited; no clock runs.") % told
    at = last_day(of.answer_by, locale, month.terms.agreement.zone)
    silence = (
        _("Silence accepts it.") if of.if_silent == "accepted" else _("Silence leaves it open.")
    )
    return (_("The %(side)s's answer is awaited by %(at)s.") % {**told, "at": at}) + " " + silence


def _acts(of: Dispute, names: Mapping[str, str], month: MonthOfMoney, locale: Locale) -> Table:
    columns = [Column(_("When")), Column(_("Who")), Column(_("What")), Column(_("Why")),
               Column(_("Amount"), is_number=True)]  # fmt: skip
    zone = month.terms.agreement.zone
    return Table(columns, [_act(act, of, names, zone, locale) for act in reversed(of.acts)])


def _act(act: DisputeAct, of: Dispute, names: Mapping[str, str], zone: str, locale: Locale) -> Row:
    told = act.told.get("wanted") if act.did is Deed.OPENED else act.told.get("amount")
    shown = money_text(told, of.stands.currency, locale) if told else ""
    who = f"{names.get(act.by, act.by)}, {SIDES[act.side]()}"
    return Row((
        moment_text(act.at, locale, zone), who, DEEDS[act.did](), act.told.get("reason") or "",
        shown,
    ))  # fmt: skip
