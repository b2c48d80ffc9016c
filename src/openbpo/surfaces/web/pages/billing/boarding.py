"""What the month-end board tells: pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from babel import Locale
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from openbpo.billing.standing.model import Block, OnBoard, Step
from openbpo.surfaces.web.numbers import day_text, share_text
from openbpo.surfaces.web.pages.billing.words import (
    STEPS,
    amount,
    block_text,
    chip_of,
    clock_text,
    left_text,
)
from openbpo.surfaces.web.parts.pieces import BoardColumn, Card, Cell, Column, Row, Table
from openbpo.values.money import Money, sum_money

COLUMNS = (
    Step.DATA_COMPLETE, Step.DRAFT, Step.CLIENT_REVIEW, Step.APPROVED, Step.ISSUED, Step.PAID,
)  # fmt: skip
DONE = (Step.ISSUED, Step.PAID)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthHere:
    """A month of an engagement as the visitor may see it; `has_money` False leaves it out."""

    name: str
    what: str
    href: str
    on_board: OnBoard
    has_money: bool = True


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure of the board, with the line that made it."""

    label: str
    figure: str
    unit: str
    formula: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The board: what its head finds, its figures, its columns, and who still collects."""

    finding: str
    tiles: list[list[Tile]]
    columns: list[BoardColumn]
    collecting: Table | None
    first_blocked: str
    has_cards: bool


def told(months: Sequence[MonthHere], period: str, *, at: datetime, locale: Locale) -> Board:
    """Return what the board of these months tells; `period` is what they have in common."""
    shown = [one for one in months if one.on_board.standing.step in COLUMNS]
    still = [one for one in months if one.on_board.standing.step is Step.COLLECTING]
    return Board(
        finding=_finding(shown, still, period),
        tiles=[_tiles(of, locale) for of in _by_currency(shown)],
        columns=[_column(step, shown, at, locale) for step in COLUMNS],
        collecting=_collecting(still, locale) if still else None,
        first_blocked=next((one.href for one in shown if _blockers(one)), ""),
        has_cards=bool(shown),
    )


def _blockers(one: MonthHere) -> int:
    return sum(b.block is not Block.DISPUTED for b in one.on_board.standing.blocks)


def _disputed(one: MonthHere) -> int:
    return sum(b.count for b in one.on_board.standing.blocks if b.block is Block.DISPUTED)


def _finding(shown: Sequence[MonthHere], still: Sequence[MonthHere], period: str) -> str:
    if not shown and still:
        n = len(still)
        word = ngettext("%(n)d month still collects", "%(n)d months still collect", n) % {"n": n}
        return f"{period}: {word}"
    n, blockers = len(shown), sum(map(_blockers, shown))
    lines = sum(map(_disputed, shown))
    parts = [ngettext("%(n)d invoice", "%(n)d invoices", n) % {"n": n}]
    if blockers:
        parts.append(ngettext("%(n)d blocker", "%(n)d blockers", blockers) % {"n": blockers})
    if lines:
        parts.append(ngettext("%(n)d disputed line", "%(n)d disputed lines", lines) % {"n": lines})
    if n and not blockers and not lines:
        parts.append(_("nothing blocks"))
    return f"{period}: {', '.join(parts)}"


def _by_currency(shown: Sequence[MonthHere]) -> Iterable[list[MonthHere]]:
    with_money = [one for one in shown if one.has_money]
    currencies = dict.fromkeys(one.on_board.amount.currency for one in with_money)
    for currency in currencies:
        yield [one for one in with_money if one.on_board.amount.currency == currency]


def _tiles(of: list[MonthHere], locale: Locale) -> list[Tile]:
    currency = of[0].on_board.amount.currency
    issued = [one for one in of if one.on_board.standing.step in DONE]
    disputed = [one for one in of if one.on_board.standing.in_dispute != Money.zero(currency)]
    all_due = sum_money((one.on_board.amount for one in of), currency)
    all_issued = sum_money((one.on_board.amount for one in issued), currency)
    at_stake = sum_money((one.on_board.standing.in_dispute for one in of), currency)
    paid = sum_money((one.on_board.paid for one in of), currency)
    lines = sum(map(_disputed, of))
    n_paid = sum(one.on_board.standing.step is Step.PAID for one in of)
    return [
        _tile(
            _("To be billed"), all_due, locale,
            ngettext("%(n)d invoice, with tax", "%(n)d invoices, with tax", len(of))
            % {"n": len(of)},
        ),
        _tile(
            _("Issued"), all_issued, locale,
            _of(len(issued), len(of), all_issued, all_due, locale),
        ),
        _tile(
            _("In dispute"), at_stake, locale,
            ngettext("%(n)d line", "%(n)d lines", lines) % {"n": lines}
            if disputed else _("no line"),
        ),
        _tile(
            _("Paid"), paid, locale,
            _("%(n)d of %(of)d issued") % {"n": n_paid, "of": len(issued)},
        ),
    ]  # fmt: skip


def _of(some: int, of: int, amount_of_some: Money, amount_of_all: Money, locale: Locale) -> str:
    told = _("%(n)d of %(of)d") % {"n": some, "of": of}
    if amount_of_all.exact <= 0 or some in (0, of):
        return told
    share = share_text(
        Decimal(round(amount_of_some.exact / amount_of_all.exact * 1000)) / 10, locale
    )
    return _("%(told)s, %(share)s of the amount") % {"told": told, "share": share}


def _tile(label: str, money: Money, locale: Locale, formula: str) -> Tile:
    shown, unit = amount(money, locale).rsplit("\u00a0", 1)
    return Tile(label, shown, unit, formula)


def _column(step: Step, shown: Sequence[MonthHere], at: datetime, locale: Locale) -> BoardColumn:
    here = [one for one in shown if one.on_board.standing.step is step]
    sums = [
        amount(sum_money((o.on_board.amount for o in of), of[0].on_board.amount.currency), locale)
        for of in _by_currency(here)
    ]
    total = " · ".join([str(len(here)), *sums]) if here else _("none")
    return BoardColumn(STEPS[step](), total, [_card(one, at, locale) for one in here])


def _card(one: MonthHere, at: datetime, locale: Locale) -> Card:
    of = one.on_board
    return Card(
        name=one.name,
        what=one.what,
        amount=amount(of.amount, locale) if one.has_money else "",
        chip=chip_of(of.standing.step, of.number, of.standing.blocks),
        clock=_waits(one, at, locale),
        href=one.href,
    )


def _waits(one: MonthHere, at: datetime, locale: Locale) -> str:
    """What blocks it, else the clock that runs."""
    of = one.on_board
    blocks = [block_text(b, locale) for b in of.standing.blocks]
    clock = of.standing.clock
    if of.standing.step is Step.PAID:
        return _("in full")
    if of.standing.step is Step.ISSUED and of.due is not None:
        blocks.append(_("due %(day)s") % {"day": day_text(of.due, locale)})
    elif clock is not None:
        blocks.append(left_text(clock.until, at) or clock_text(clock, locale, of.zone))
    return "; ".join(blocks)


def _collecting(still: Sequence[MonthHere], locale: Locale) -> Table:
    columns = [Column(_("Month")), Column(_("So far"), is_number=True), Column(_("Until"))]
    rows = []
    for one in still:
        of = one.on_board
        waits = [block_text(b, locale) for b in of.standing.blocks]
        clock = of.standing.clock
        until = clock_text(clock, locale, of.zone) if clock else ""
        money = amount(of.amount, locale) if one.has_money else ""
        cells = (Cell(one.name, one.what, one.href), money, "; ".join([*waits, until]).strip("; "))
        rows.append(Row(cells))
    return Table(columns, rows, are_links=True)
