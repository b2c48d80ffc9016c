"""The lines of a period's document, each with its signed amount and a name of its own: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from openbpo.billing.closing.model import Document
from openbpo.values.money import Money
from openbpo.values.shares import parse_decimal, percent_text

CREDIT = "credit"
LineKind = Literal["charge", "credit", "adjustment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLine:
    """
    A line as it adds to the net of a document: a credit has a negative amount.

    `period` is the one that it charges, which for an adjustment is an earlier one. `each` is a
    plain decimal, None where the amount is no product of a quantity.
    """

    key: str
    kind: LineKind
    period: str
    text: str
    quantity: int | None
    each: str | None
    amount: Money
    reason: str | None = None


def lines_of(document: Document) -> tuple[DocumentLine, ...]:
    """Return every line of a document: its own, its credit, and its adjustments' lines."""
    currency: str = document["currency"]
    own = _own_lines(document["period"], document["figures"], currency)
    adjusted = (line for one in document["adjustments"] for line in _adjusted(one))
    return (*own, *adjusted)


def _own_lines(period: str, figures: Mapping[str, Any], currency: str) -> Iterator[DocumentLine]:
    for line in figures["lines"]:
        yield DocumentLine(
            key=line["key"],
            kind="charge",
            period=period,
            text=line["text"],
            quantity=line["quantity"],
            each=line["each"],
            amount=_money(line["amount"], currency),
        )
    credit = figures["credit"]
    if credit is not None:
        of = str(_money(credit["of"], currency))
        yield DocumentLine(
            key=CREDIT,
            kind="credit",
            period=period,
            text=f"Service credit, {percent_text(parse_decimal(credit['rate']))} of {of}",
            quantity=None,
            each=None,
            amount=-_money(credit["amount"], currency),
        )


def _adjusted(one: Mapping[str, Any]) -> Iterator[DocumentLine]:
    period, currency, difference = one["period"], one["currency"], one["difference"]
    reason = reason_text(one["reasons"])
    for line in difference["lines"]:
        units = f", {line['quantity']:+,} units" if line["quantity"] else ""
        yield DocumentLine(
            key=f"{period}:{line['key']}",
            kind="adjustment",
            period=period,
            text=f"Adjustment of {period}: {line['text']}{units}",
            quantity=None,
            each=None,
            amount=_money(line["amount"], currency),
            reason=reason,
        )
    credits_ = _money(difference["credits"], currency)
    if credits_ != Money.zero(currency):
        yield DocumentLine(
            key=f"{period}:{CREDIT}",
            kind="adjustment",
            period=period,
            text=f"Adjustment of {period}: service credit",
            quantity=None,
            each=None,
            amount=-credits_,
            reason=reason,
        )


def reason_text(reasons: Sequence[Mapping[str, Any]]) -> str:
    """Return why a period was adjusted, as `3 cases recorded later, 1 case corrected`."""
    counted: dict[str, int] = {}
    for reason in reasons:
        counted[reason["why"]] = counted.get(reason["why"], 0) + ("case" in reason)
    return ", ".join(_counted(why, count) for why, count in counted.items())


def _counted(why: str, count: int) -> str:
    return f"{count:,} {'case' if count == 1 else 'cases'} {why}" if count else why


def _money(amount: str, currency: str) -> Money:
    return Money.parse(f"{amount} {currency}")
