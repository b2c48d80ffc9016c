"""The words of billing, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from openbpo.billing.closing.model import State
from openbpo.billing.disputes.model import Deed, DisputeState
from openbpo.billing.issuing.model import Status
from openbpo.billing.standing.model import Block, Blocked, Clock, Running, Step
from openbpo.surfaces.web.numbers import day_text, moment_text, money_text, month_text
from openbpo.surfaces.web.parts.pieces import Chip, Shape
from openbpo.values.money import Money
from openbpo.values.refusals import Mistake

STEPS: Mapping[Step, Callable[[], str]] = {
    Step.COLLECTING: lambda: _("Collecting"),
    Step.DATA_COMPLETE: lambda: _("Data complete"),
    Step.DRAFT: lambda: _("Draft"),
    Step.CLIENT_REVIEW: lambda: _("Client review"),
    Step.APPROVED: lambda: _("Approved"),
    Step.ISSUED: lambda: _("Issued"),
    Step.PAID: lambda: _("Paid"),
}
STATES: Mapping[State | None, Callable[[], str]] = {
    None: lambda: _("Open"),
    State.PRELIMINARY: lambda: _("Preliminary"),
    State.REPORTED: lambda: _("Reported"),
    State.AGREED: lambda: _("Agreed"),
    State.DISPUTED: lambda: _("Disputed"),
    State.FINAL: lambda: _("Final"),
}
STATUSES: Mapping[Status, Callable[[], str]] = {
    Status.OPEN: lambda: _("Open"),
    Status.PART_PAID: lambda: _("Part paid"),
    Status.PAID: lambda: _("Paid"),
    Status.OVERDUE: lambda: _("Overdue"),
    Status.CANCELLED: lambda: _("Cancelled"),
    Status.CREDIT_NOTE: lambda: _("Credit note"),
}
STATUS_SHAPES: Mapping[Status, Shape] = {
    Status.OPEN: Shape.AGREED,
    Status.PART_PAID: Shape.PRELIMINARY,
    Status.PAID: Shape.MET,
    Status.OVERDUE: Shape.DEFAULT,
    Status.CANCELLED: Shape.PLAIN,
    Status.CREDIT_NOTE: Shape.PLAIN,
}
DISPUTE_STATES: Mapping[DisputeState, Callable[[], str]] = {
    DisputeState.OPEN: lambda: _("Disputed"),
    DisputeState.OFFERED: lambda: _("Offer made"),
    DisputeState.REFUSED: lambda: _("Refused"),
    DisputeState.SETTLED: lambda: _("Settled"),
    DisputeState.WITHDRAWN: lambda: _("Withdrawn"),
}
DEEDS: Mapping[Deed, Callable[[], str]] = {
    Deed.OPENED: lambda: _("disputed the line"),
    Deed.REFUSED: lambda: _("refused it"),
    Deed.OFFERED: lambda: _("offered"),
    Deed.ACCEPTED: lambda: _("accepted"),
    Deed.WITHDRAWN: lambda: _("withdrew it"),
}
SIDES: Mapping[str, Callable[[], str]] = {
    "client": lambda: _("client"),
    "provider": lambda: _("provider"),
}
NOT_READY = (Block.OPEN_QUESTIONS, Block.EARLIER_PERIOD_OPEN)
"""While these block, reporting is refused."""


def month_or_name(period: str, locale: Locale) -> str:
    """Return a period in words; whatever else stands in an address is said as it is."""
    try:
        return month_text(period, locale)
    except ValueError:
        return period


def block_text(blocked: Blocked, locale: Locale) -> str:
    """Return what blocks, with how much of it."""
    count = blocked.count
    if blocked.block is Block.RECORD_ENDS_EARLY:
        return _("the record ends before the month does")
    if blocked.block is Block.REJECTED_ROWS:
        return ngettext("%(n)d row was set aside", "%(n)d rows were set aside", count) % {
            "n": count
        }
    if blocked.block is Block.OPEN_QUESTIONS:
        return ngettext(
            "an empty value leaves %(n)d case undecided",
            "empty values leave %(n)d cases undecided", count,
        ) % {"n": count}  # fmt: skip
    if blocked.block is Block.NOT_PROVABLE:
        return _("only one side has signed the terms")
    if blocked.block is Block.EARLIER_PERIOD_OPEN:
        return _("%(month)s is still open") % {"month": month_or_name(blocked.note or "", locale)}
    if blocked.block is Block.DISPUTED:
        return ngettext("%(n)d line is disputed", "%(n)d lines are disputed", count) % {"n": count}
    if blocked.block is Block.CLIENT_DISPUTES:
        return _("the client disputes the month")
    return _("the invoice is overdue")


BLOCK_REMEDIES: Mapping[Block, Callable[[], str]] = {
    Block.RECORD_ENDS_EARLY: lambda: _(
        "Import what is missing. What comes after the report adjusts the next month."
    ),
    Block.REJECTED_ROWS: lambda: _("Mend the rows that were set aside, and import them again."),
    Block.OPEN_QUESTIONS: lambda: _(
        "Fill in the empty values below and import the cases again; the month cannot be reported "
        "before."
    ),
    Block.NOT_PROVABLE: lambda: _("Let the other side sign the version of the agreement."),
    Block.EARLIER_PERIOD_OPEN: lambda: _("Months are closed one after another: report it first."),
    Block.DISPUTED: lambda: _("Answer and settle each below."),
    Block.CLIENT_DISPUTES: lambda: _("Settle what is disputed; then the client agrees."),
    Block.OVERDUE: lambda: _("Record what was paid, or remind the client."),
}


def until_text(until: datetime, locale: Locale, zone: str) -> str:
    """Return until when, by a zone's clock: of an end at midnight the last whole day."""
    local = until.astimezone(ZoneInfo(zone))
    if (local.hour, local.minute) != (0, 0):
        return moment_text(until, locale, zone)
    return day_text(local.date() - timedelta(days=1), locale)


def clock_text(running: Running, locale: Locale, zone: str) -> str:
    """Return which clock runs and until when, by the agreement's clock."""
    told = {"at": until_text(running.until, locale, zone)}
    if running.clock is Clock.DISPUTING:
        return (
            _("could be disputed until %(at)s") % told
            if running.is_over
            else _("can be disputed until %(at)s") % told
        )
    if running.clock is Clock.ANSWER:
        return (
            _("an answer was due by %(at)s") % told
            if running.is_over
            else _("an answer is due by %(at)s") % told
        )
    if running.clock is Clock.PAYMENT:
        return _("was due by %(at)s") % told if running.is_over else _("due by %(at)s") % told
    return _("the month ends on %(at)s") % told


def left_text(until: datetime, at: datetime) -> str:
    """Return how many whole days are left, or nothing where it is over."""
    days = (until - at).days
    if until <= at:
        return ""
    return ngettext("%(n)d day left", "%(n)d days left", days) % {"n": days}


def chip_of(step: Step, number: str | None, blocks: Sequence[Blocked]) -> Chip:
    """Return a card's one chip: what blocks it, else its state."""
    lines = sum(one.count for one in blocks if one.block is Block.DISPUTED)
    others = [one for one in blocks if one.block is not Block.DISPUTED]
    if others:
        word = ngettext("%(n)d blocker", "%(n)d blockers", len(others)) % {"n": len(others)}
        return Chip(Shape.DEFAULT, word)
    if lines:
        return Chip(Shape.DISPUTED, ngettext("%(n)d line", "%(n)d lines", lines) % {"n": lines})
    if step is Step.PAID:
        return Chip(Shape.MET, _("Paid"))
    if step is Step.ISSUED:
        return Chip(Shape.AGREED, number or _("Issued"))
    if step is Step.APPROVED:
        return Chip(Shape.AGREED, _("Agreed"))
    if step is Step.CLIENT_REVIEW:
        return Chip(Shape.PRELIMINARY, _("In review"))
    if step is Step.DRAFT:
        return Chip(Shape.PRELIMINARY, _("Preliminary"))
    return Chip(Shape.AGREED, _("Complete"))


def amount(money: Money, locale: Locale) -> str:
    """Return an amount with its currency."""
    return money_text(money, None, locale)


def of_id(name: str) -> str:
    """Return an id as words: tickets-closed is Tickets closed."""
    words = re.sub(r"[-_]+", " ", name).strip()
    return f"{words[:1].upper()}{words[1:]}"


def titles(told: Mapping[str, Any]) -> dict[str, str]:
    """Return what each charge and minimum of a statement is called."""
    named = [*told["charges"], *told["minimums"]]
    found = {one["id"]: one.get("title") or of_id(one["id"]) for one in named}
    return {**{line["id"]: of_id(line["id"]) for line in told["lines"]}, **found}


def titled(text: str, called: Mapping[str, str]) -> str:
    """Return a line's text with the charge's title where its id stands."""
    for name in sorted(called, key=len, reverse=True):
        found = re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)
        if found is not None:
            return text[: found.start()] + called[name] + text[found.end() :]
    return text


_COMMAND = re.compile(r"(?:: | \()?\(?openbpo [^().]*(?:\.\.\.)?\)?")
_OPTIONS: Mapping[str, Callable[[], str]] = {
    "--amount": lambda: _("Amount"),
    "--reason": lambda: _("Reason"),
    "--order": lambda: _("Order"),
    "--day": lambda: _("Day"),
}


def for_pages(mistake: Mistake) -> Mistake:
    """Return a mistake as a page tells it: without the commands of a terminal."""
    where = _OPTIONS[mistake.where]() if mistake.where in _OPTIONS else mistake.where
    remedy = _COMMAND.sub("", mistake.remedy)
    remedy = remedy.replace("Say why: --reason TEXT.", "Say why.")
    remedy = re.sub(r"Write it with its minus: --amount=(\S+?)\.?$", r"Write \1.", remedy)
    remedy = remedy.replace(
        "or issue --before-agreed", "or issue it before that on the month's page"
    )
    remedy = re.sub(r"\s+([.,])", r"\1", remedy).strip()
    if remedy and remedy[-1] not in ".!?":
        remedy += "."
    return Mistake(where, mistake.what, remedy)
