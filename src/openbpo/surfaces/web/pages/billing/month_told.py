"""What the page of a month's money tells: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from babel import Locale
from django.utils.translation import gettext as _

from openbpo.billing.closing.model import Act
from openbpo.billing.drafting.queries import MonthOfMoney
from openbpo.billing.issuing.model import Account
from openbpo.billing.standing.model import Block, Blocked, Step
from openbpo.billing.statements.model import Statement
from openbpo.surfaces.web.numbers import day_text, moment_text
from openbpo.surfaces.web.pages.billing.words import (
    BLOCK_REMEDIES,
    DISPUTE_STATES,
    SIDES,
    STATES,
    STATUS_SHAPES,
    STATUSES,
    amount,
    block_text,
    chip_of,
    clock_text,
    left_text,
    month_or_name,
    titled,
    titles,
    until_text,
)
from openbpo.surfaces.web.parts.pieces import Cell, Chip, Column, Row, Shape, Table
from openbpo.values.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthTold:
    """A month's money in words: its head, what blocks it, volumes, acts, disputes, documents."""

    name: str
    finding: str
    note: str
    chip: Chip
    blocks: list[tuple[str, str, str]]
    undecided: Table | None
    acts: Table | None
    disputes: Table | None
    documents: Table | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the page leads: to disputes, documents and other months."""

    dispute: Mapping[int, str]
    document: Mapping[str, str]
    month: Callable[[str], str]


def told(month: MonthOfMoney, names: Mapping[str, str], to: Addresses, locale: Locale) -> MonthTold:
    """Return what the page tells; `names` are what those are called who acted."""
    standing = month.standing
    name = month_or_name(month.period, locale)
    of = month.invoice
    total = amount(Money.parse(f"{of['total']} {of['currency']}"), locale)
    return MonthTold(
        name=name,
        finding=f"{name}: {_finding(month, total, locale)}",
        note=_note(month, locale),
        chip=chip_of(standing.step, month.issued.number if month.issued else None,
                     standing.blocks),
        blocks=[
            (block_text(one, locale), BLOCK_REMEDIES[one.block](), _leads(one, to))
            for one in standing.blocks
        ],
        undecided=_undecided(month),
        acts=_acts(month, names, locale),
        disputes=_disputes(month, to, locale),
        documents=_documents(month.accounts, to, locale),
    )  # fmt: skip


def _leads(blocked: Blocked, to: Addresses) -> str:
    """Where what blocks is cleared: the month that is open, the disputes."""
    if blocked.block is Block.EARLIER_PERIOD_OPEN and blocked.note:
        return to.month(blocked.note)
    return "#disputes" if blocked.block is Block.DISPUTED else ""


def _finding(month: MonthOfMoney, total: str, locale: Locale) -> str:
    step, told_ = month.standing.step, {"total": total}
    at_stake = month.standing.in_dispute
    words = {
        Step.COLLECTING: _("%(total)s so far, still collecting"),
        Step.DATA_COMPLETE: _("%(total)s to report"),
        Step.DRAFT: _("%(total)s in a draft"),
        Step.CLIENT_REVIEW: _("%(total)s in the client's review"),
        Step.APPROVED: _("%(total)s agreed, to be issued"),
        Step.ISSUED: _("%(total)s issued"),
        Step.PAID: _("%(total)s paid"),
    }
    found = words[step] % told_
    if at_stake.exact:
        found += ", " + _("%(money)s in dispute") % {"money": amount(at_stake, locale)}
    return found


def _note(month: MonthOfMoney, locale: Locale) -> str:
    clock = month.standing.clock
    if clock is None:
        return ""
    said = clock_text(clock, locale, month.terms.agreement.zone)
    left = left_text(clock.until, month.at)
    text = f"{said[:1].upper()}{said[1:]}"
    return f"{text} ({left})." if left else f"{text}."


def _undecided(month: MonthOfMoney) -> Table | None:
    """The cases whose empty values block the report: what to fill in, the first fifty."""
    if not any(one.block is Block.OPEN_QUESTIONS for one in month.standing.blocks):
        return None
    first = month.statement.told["undecided"]["first"][:50]
    columns = [Column(_("Case")), Column(_("Empty")), Column(_("What rests on it"))]
    rows = [
        Row((Cell(one["case"], kind="id"), ", ".join(one["empty"]), one["condition"]))
        for one in first
    ]
    return Table(columns, rows)


def _acts(month: MonthOfMoney, names: Mapping[str, str], locale: Locale) -> Table | None:
    rows = [_act(act, names, month, locale) for act in reversed(month.acts)]
    rows = [*(_issue(one, names, month, locale) for one in reversed(month.accounts)), *rows]
    if not rows:
        return None
    columns = [
        Column(_("When")), Column(_("What")), Column(_("By")), Column(_("Word")),
        Column(_("Due then"), is_number=True),
    ]  # fmt: skip
    return Table(columns, rows)


def _act(act: Act, names: Mapping[str, str], month: MonthOfMoney, locale: Locale) -> Row:
    at = moment_text(datetime.fromisoformat(act.at), locale, month.terms.agreement.zone)
    due = act.document["due"]["total"]
    shown = amount(Money.parse(f"{due} {act.document['currency']}"), locale)
    who = f"{names.get(act.by, act.by)}, {SIDES[act.side]()}"
    return Row((at, STATES[act.state](), who, act.note or "", shown))


def _issue(one: Account, names: Mapping[str, str], month: MonthOfMoney, locale: Locale) -> Row:
    issued = one.issued
    at = moment_text(datetime.fromisoformat(issued.at), locale, month.terms.agreement.zone)
    what = _("Cancelled by %(number)s") if issued.kind == "credit_note" else _("Issued: %(number)s")
    who = f"{names.get(issued.by, issued.by)}, {SIDES['provider']()}"
    reason = issued.document["reason"] or ""
    return Row((at, what % {"number": issued.number}, who, reason, amount(issued.total, locale)))


def _disputes(month: MonthOfMoney, to: Addresses, locale: Locale) -> Table | None:
    if not month.disputes:
        return None
    called = titles(month.statement.told)
    columns = [
        Column(_("Dispute")), Column(_("State")), Column(_("Stands at"), is_number=True),
        Column(_("Asked"), is_number=True), Column(_("On the table"), is_number=True),
        Column(_("Awaited")),
    ]  # fmt: skip
    rows = []
    for one in month.disputes:
        shape = Shape.AGREED if one.state.is_over else Shape.DISPUTED
        offered = one.settled if one.settled is not None else one.offer
        until = (
            until_text(one.answer_by, locale, month.terms.agreement.zone) if one.answer_by else ""
        )
        awaited = SIDES[one.turn]() if one.turn else ""
        name = Cell(f"{one.number}. {titled(one.text, called)}", one.reason,
                    to.dispute.get(one.number, ""))  # fmt: skip
        rows.append(Row((
            name, Cell(chip=Chip(shape, DISPUTE_STATES[one.state]())), amount(one.stands, locale),
            amount(one.wanted, locale), amount(offered, locale) if offered else "",
            Cell(awaited, until),
        )))  # fmt: skip
    return Table(columns, rows, are_links=True)


def _documents(accounts: tuple[Account, ...], to: Addresses, locale: Locale) -> Table | None:
    return documents(accounts, to.document, locale) if accounts else None


def documents(
    accounts: tuple[Account, ...] | list[Account],
    addresses: Mapping[str, str],
    locale: Locale,
    *,
    has_money: bool = True,
) -> Table:
    """Return what was issued, each with how it stands; the table of the list of invoices too."""
    columns = [
        Column(_("Number")), Column(_("Month")), Column(_("Date")), Column(_("Due")),
        *([Column(_("Total"), is_number=True), Column(_("Open"), is_number=True)]
          if has_money else []),
        Column(_("State")),
    ]  # fmt: skip
    rows = []
    for one in accounts:
        issued = one.issued
        small = ""
        if issued.cancels is not None:
            small = _("cancels %(number)s") % {"number": issued.cancels}
        elif one.cancelled_by is not None:
            small = _("cancelled by %(number)s") % {"number": one.cancelled_by}
        state = Chip(STATUS_SHAPES[one.status], STATUSES[one.status]())
        rows.append(Row((
            Cell(issued.number, small, addresses.get(issued.number, "")),
            month_or_name(issued.period, locale),
            day_text(issued.issue_date, locale),
            day_text(issued.due_date, locale) if issued.due_date else "",
            *([amount(issued.total, locale), amount(one.outstanding, locale)]
              if has_money else []),
            Cell(chip=state),
        )))  # fmt: skip
    return Table(columns, rows, are_links=True)


def volume_rows(statement: Statement) -> Iterator[list[object]]:
    """Yield the rows of the volumes as a file: from what was seen to what is billed."""
    called = titles(statement.told)
    yield ["period", "charge", "title", "clause", "row", "why", "cases", "line", "each", "amount",
           "currency"]  # fmt: skip
    for charge in statement.told["charges"]:
        head = [statement.period, charge["id"], called[charge["id"]], charge["clause"] or ""]
        for row in charge["bridge"]:
            yield [*head, row["row"], row["why"] or "", row["cases"], "", "", "", ""]
        for line in statement.told["lines"]:
            if line["id"] == charge["id"]:
                yield [*head, "line", "", line["quantity"], line["key"], line["each"],
                       line["amount"], statement.told["currency"]]  # fmt: skip
