"""What can be done with a month next, by whom, and what each act would change: pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from babel import Locale
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from openbpo.billing.closing.model import State
from openbpo.billing.drafting.queries import MonthOfMoney
from openbpo.billing.issuing.model import Account, Status
from openbpo.billing.standing.model import Step
from openbpo.surfaces.web.numbers import day_text
from openbpo.surfaces.web.pages.billing.words import (
    NOT_READY,
    SIDES,
    amount,
    block_text,
    month_or_name,
    until_text,
)
from openbpo.trust.roles.model import Right
from openbpo.values.money import Money


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an act's form."""

    name: str
    label: str
    value: str = ""
    kind: str = "text"
    is_required: bool = True
    help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """
    An act that the visitor may take; `changes` says what it would change, before it is taken.

    `page` is the address' name; `told` goes with it unseen. Without a button it cannot be taken
    yet, and `changes` says why.
    """

    what: str
    changes: str
    page: str
    button: str
    until: str = ""
    fields: tuple[Field, ...] = ()
    told: tuple[tuple[str, str], ...] = ()
    is_main: bool = False


def doings(month: MonthOfMoney, rights: Collection[Right], locale: Locale) -> list[Doing]:
    """Return what a visitor with these rights may do, the likeliest first; one is the main one."""
    found = list(_Doing(month, locale).all(rights))
    main = next((n for n, one in enumerate(found) if one.is_main and one.button), None)
    return [replace(one, is_main=n == main) for n, one in enumerate(found)]


def awaited(month: MonthOfMoney, rights: Collection[Right]) -> str:
    """Return whose act is awaited where the visitor has none to take."""
    state = month.acts[-1].state if month.acts else None
    if month.standing.step is Step.PAID:
        return _("It is paid: nothing is left to do.")
    if state is None or state is State.PRELIMINARY:
        side, right = "provider", Right.REPORT_PERIOD
    elif state in (State.REPORTED, State.DISPUTED):
        side, right = "client", Right.AGREE_PERIOD
    elif month.issued is None:
        side, right = "provider", Right.ISSUE_INVOICE
    else:
        side, right = "provider", Right.RECORD_PAYMENT
    if right in rights:
        return ""
    words = {
        Right.REPORT_PERIOD: _("The %(side)s reports the month next."),
        Right.AGREE_PERIOD: _("The %(side)s agrees to it next, or disputes it."),
        Right.ISSUE_INVOICE: _("The %(side)s issues the invoice next."),
        Right.RECORD_PAYMENT: _("The %(side)s records what is paid next."),
    }
    return words[right] % {"side": SIDES[side]()}


@dataclass(frozen=True)
class _Doing:
    month: MonthOfMoney
    locale: Locale

    def all(self, rights: Collection[Right]) -> Iterator[Doing]:
        state = self.month.acts[-1].state if self.month.acts else None
        stands = state is not None and state.stands
        makers: list[tuple[Right, bool, Callable[[], Iterator[Doing]]]] = [
            (Right.AGREE_PERIOD, state in (State.REPORTED, State.DISPUTED), self._agreeing),
            (Right.REPORT_PERIOD, not stands, self._reporting),
            (Right.ISSUE_INVOICE, stands and self.month.issued is None, self._issuing),
            (Right.RECORD_PAYMENT, self.month.issued is not None, self._paying),
            (Right.ISSUE_INVOICE, self.month.issued is not None, self._cancelling),
            (Right.REPORT_PERIOD, state is State.AGREED, self._ending),
        ]
        for right, is_now, make in makers:
            if is_now and right in rights:
                yield from make()

    @property
    def _name(self) -> str:
        return month_or_name(self.month.period, self.locale)

    @property
    def _total(self) -> str:
        of = self.month.invoice
        return amount(Money.parse(f"{of['total']} {of['currency']}"), self.locale)

    def _reporting(self) -> Iterator[Doing]:
        held = [one for one in self.month.standing.blocks if one.block in NOT_READY]
        if held:
            why = "; ".join(block_text(one, self.locale) for one in held)
            yield Doing(
                what=_("Report the month"), button="", page="",
                changes=_("Not yet: %(why)s. What blocks stands above, with its remedy.")
                % {"why": why},
            )  # fmt: skip
        else:
            days = self.month.terms.agreement.charges.disputes.within
            span = _("for %(days)s") % {"days": days} if days else _("until it is final")
            yield Doing(
                what=_("Report the month"), page="report_month", button=_("Report"),
                changes=_(
                    "Its figures stand from then on: %(total)s due. The client can agree, or "
                    "dispute a line %(span)s. What comes in later adjusts the next month."
                ) % {"total": self._total, "span": span},
                told=(("state", State.REPORTED.value),),
                is_main=True,
            )  # fmt: skip
            yield Doing(
                what=_("Give a draft"), page="report_month", button=_("Give a draft"),
                changes=_("The client is told the figures as they are now; they can still change. "
                          "No clock begins to run."),
                told=(("state", State.PRELIMINARY.value),),
                fields=(Field("note", _("A word that goes with it"), is_required=False),),
            )  # fmt: skip

    def _agreeing(self) -> Iterator[Doing]:
        at_stake = self.month.standing.in_dispute
        disputed = (
            " " + _("%(money)s stay in dispute until they are settled.")
            % {"money": amount(at_stake, self.locale)}
            if at_stake.exact else ""
        )  # fmt: skip
        until = self.month.dispute_until
        yield Doing(
            what=_("Agree to the month"), page="agree_month", button=_("Agree"),
            until=_("can be disputed until %(at)s") % {"at": self._moment(until)} if until else "",
            changes=_("The provider may then invoice %(total)s.") % {"total": self._total}
            + disputed,
            told=(("state", State.AGREED.value),),
            is_main=True,
        )  # fmt: skip
        if self.month.acts[-1].state is State.REPORTED:
            yield Doing(
                what=_("Dispute the whole month"), page="agree_month",
                button=_("Dispute the month"),
                changes=_(
                    "The provider is told that you do not agree, and cannot invoice it in the "
                    "usual way. No money moves by it; to claim an amount, dispute the line."
                ),
                told=(("state", State.DISPUTED.value),),
                fields=(Field("note", _("Why")),),
            )  # fmt: skip

    def _moment(self, at: datetime) -> str:
        return until_text(at, self.locale, self.month.terms.agreement.zone)

    def _issuing(self) -> Iterator[Doing]:
        invoices = self.month.terms.agreement.charges.invoices
        state = self.month.acts[-1].state
        is_early = state not in (State.AGREED, State.FINAL)
        undecided = sum(not one.state.is_over for one in self.month.disputes)
        order = Field("order", _("The client's order"), invoices.order or "", is_required=False)
        changes = _(
            "It gets the next number of the provider's series, %(total)s, due %(n)d days after "
            "today. It never changes; a wrong one is cancelled by a credit note."
        ) % {"total": self._total, "n": invoices.due_days}
        if not is_early and not undecided:
            yield Doing(
                what=_("Issue the invoice"), page="issue_month", button=_("Issue the invoice"),
                changes=changes, fields=(order,), is_main=True,
            )  # fmt: skip
            return
        why = (
            _("The client has not agreed yet.") if is_early
            else ngettext("%(n)d line is still disputed.", "%(n)d lines are still disputed.",
                          undecided) % {"n": undecided}
        )  # fmt: skip
        yield Doing(
            what=_("Issue the invoice before that"), page="issue_month",
            button=_("Issue it now"), fields=(order,), told=(("early", "yes"),),
            changes=f"{why} {changes} " + _("What is settled later stands on the next invoice."),
        )  # fmt: skip

    def _account(self) -> Account | None:
        issued = self.month.issued
        for one in self.month.accounts:
            if issued is not None and one.issued.number == issued.number:
                return one
        return None

    def _paying(self) -> Iterator[Doing]:
        account = self._account()
        if account is None or account.status is Status.PAID:
            return
        open_ = amount(account.outstanding, self.locale)
        due = account.issued.due_date
        yield Doing(
            what=_("Record a payment"), page="pay_invoice", button=_("Record the payment"),
            until=_("due %(day)s") % {"day": day_text(due, self.locale)} if due else "",
            changes=_("%(open)s of %(number)s is open. A payment in full makes the month paid.")
            % {"open": open_, "number": account.issued.number},
            told=(("number", account.issued.number), ("period", self.month.period)),
            fields=(
                Field("amount", _("Amount, %(currency)s")
                      % {"currency": account.outstanding.currency}, account.outstanding.amount),
                Field("day", _("Paid on"), kind="date"),
                Field("reference", _("Reference"),
                      help=_("The bank's or your own; each payment has another.")),
            ),
            is_main=True,
        )  # fmt: skip

    def _cancelling(self) -> Iterator[Doing]:
        account = self._account()
        if account is None:
            return
        number, total = account.issued.number, amount(account.issued.total, self.locale)
        paid = (
            " " + _("%(paid)s that was paid is owed back.")
            % {"paid": amount(account.paid, self.locale)}
            if account.paid.exact else ""
        )  # fmt: skip
        yield Doing(
            what=_("Cancel invoice %(number)s") % {"number": number}, page="cancel_invoice",
            button=_("Cancel by a credit note"),
            changes=_("A credit note takes %(total)s back in full; the month can then be issued "
                      "again.") % {"total": total} + paid,
            told=(("number", number), ("period", self.month.period)),
            fields=(Field("reason", _("Reason, as it stands on the credit note")),),
        )  # fmt: skip

    def _ending(self) -> Iterator[Doing]:
        yield Doing(
            what=_("Make the month final"), page="report_month", button=_("Make it final"),
            changes=_("Nothing of it can be disputed from then on. No money moves."),
            told=(("state", State.FINAL.value),),
        )  # fmt: skip
