"""From a period's document to an invoice, and from an invoice to its credit note: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from openbpo.agreements.model import Party
from openbpo.agreements.resolved import day_of
from openbpo.agreements.versions.decisions import terms_on
from openbpo.agreements.versions.model import Terms
from openbpo.billing.closing.lines import DocumentLine, lines_of
from openbpo.billing.closing.model import Document, State
from openbpo.billing.disputes.model import Dispute, DisputeState
from openbpo.billing.issuing.model import Issued, IssuedDocument
from openbpo.values.canonical import instant_text
from openbpo.values.money import Money, Rounding, sum_money
from openbpo.values.refusals import Refusal
from openbpo.values.shares import decimal_text, parse_decimal

ISSUED = 1
"""The version of an issued document's form."""
UNTAXED = "Not subject to VAT"
REVERSE_CHARGE = "Reverse charge"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedFigures:
    """A period's document that stands, the act that closed it last, and the terms of then."""

    document: Document
    document_sha256: bytes
    entry: int
    state: State
    all_terms: Sequence[Terms]


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """A number in its series; `series` is the number with `{number}` in it."""

    series: str
    ordinal: int

    @property
    def number(self) -> str:
        """The number as it stands on the document."""
        return self.series.replace("{number}", f"{self.ordinal:04}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taxed:
    """How an amount is taxed."""

    name: str | None
    category: str
    rate: Fraction
    reason: str | None
    rounding: Rounding


def series_on(terms: Terms, at: datetime) -> str:
    """Return the series of numbers that an invoice of an instant's day stands in."""
    day = day_of(at, terms.resolved.zones[terms.agreement.zone])
    return terms.agreement.charges.invoices.number.replace("{year}", f"{day.year:04}")


def refuse_unready(
    period: str, state: State | None, open_disputes: Sequence[Dispute], *, is_early: bool
) -> None:
    """Raise Refusal unless a period can be invoiced: agreed and undisputed, or early on demand."""
    if state is None or not state.stands:
        raise Refusal.of(
            period,
            "Its figures do not stand yet.",
            f"Report it first: openbpo close ENGAGEMENT --period {period}.",
        )
    if is_early:
        return
    if state not in (State.AGREED, State.FINAL):
        raise Refusal.of(
            period,
            f"It is {state.value}; the client has not agreed to it.",
            f"Let the client agree (openbpo close ENGAGEMENT --period {period} --state agreed), "
            "or issue --before-agreed.",
        )
    if open_disputes:
        numbers = ", ".join(str(one.number) for one in open_disputes)
        raise Refusal.of(
            period,
            f"It is disputed: {numbers}.",
            "Settle that first (openbpo disputes ENGAGEMENT), or issue --before-agreed: what is "
            "settled later stands on the next invoice.",
        )


def live_invoice(issued: Iterable[Issued], period: str) -> Issued | None:
    """Return the invoice of a period that no credit note has cancelled."""
    issued = tuple(issued)
    cancelled = {one.cancels for one in issued}
    for one in issued:
        if one.kind == "invoice" and one.period == period and one.number not in cancelled:
            return one
    return None


def to_carry(
    found: Iterable[Dispute], issued: Iterable[Issued], period: str
) -> tuple[Dispute, ...]:
    """
    Return the settlements that an invoice of a period carries.

    Those of its own and of earlier periods that change anything, and that no invoice carries which
    stands.
    """
    issued = tuple(issued)
    cancelled = {one.cancels for one in issued}
    carried = {
        number
        for one in issued
        if one.kind == "invoice" and one.number not in cancelled
        for number in one.settles
    }
    return tuple(
        one
        for one in found
        if one.state is DisputeState.SETTLED
        and one.period <= period
        and one.number not in carried
        and one.difference != Money.zero(one.stands.currency)
    )


def invoice_document(
    *,
    handle: str,
    numbered: Numbered,
    closed: ClosedFigures,
    settled: Sequence[Dispute],
    settled_figures: Mapping[str, ClosedFigures],
    now_terms: Sequence[Terms],
    order: str | None,
    at: datetime,
) -> Json:
    """
    Return an invoice as it is issued: a period's document, line by line, and the settlements.

    Parties, number and due date are those of the terms of the day; amounts and tax those of the
    period's document. `settled_figures` holds the periods that were disputed, by name.
    """
    terms = terms_on(now_terms, at)
    agreed = terms.agreement.charges.invoices
    day = day_of(at, terms.resolved.zones[terms.agreement.zone])
    document = closed.document
    currency: str = document["currency"]
    _refuse_other_currency(settled, currency)
    lines = [
        *(_line(line, document, closed, settled_figures) for line in lines_of(document)),
        *(_settlement(one, settled_figures[one.period]) for one in settled),
    ]
    taxes = _taxes(closed, settled, settled_figures)
    net = _sum((line["amount"] for line in lines), currency)
    tax = _sum((one["amount"] for one in taxes), currency)
    _assert_as_closed(document, net, tax, settled, settled_figures)
    return {
        "issued": ISSUED,
        "kind": "invoice",
        "number": numbered.number,
        "series": numbered.series,
        "ordinal": numbered.ordinal,
        "engagement": handle,
        "period": document["period"],
        "service": inclusive(document["days"]),
        "issued_at": instant_text(at),
        "issue_date": str(day),
        "due_date": str(day + timedelta(days=agreed.due_days)),
        "due_days": agreed.due_days,
        "order": order if order is not None else agreed.order,
        "currency": currency,
        "agreement": _agreement(terms),
        "provider": party_json(terms.agreement.provider),
        "client": party_json(terms.agreement.client),
        "closed": {
            "entry": closed.entry,
            "state": closed.state.value,
            "known": document["known"],
            "document_sha256": closed.document_sha256.hex(),
        },
        "lines": lines,
        "taxes": taxes,
        "net": net.amount,
        "tax": tax.amount,
        "total": (net + tax).amount,
        "cancels": None,
        "reason": None,
    }


def credit_note_document(
    original: IssuedDocument, *, numbered: Numbered, reason: str, at: datetime, zone_day: date
) -> Json:
    """Return the credit note that takes an invoice back: all that it says, its amounts negated."""
    currency: str = original["currency"]
    return {
        **original,
        "kind": "credit_note",
        "number": numbered.number,
        "series": numbered.series,
        "ordinal": numbered.ordinal,
        "issued_at": instant_text(at),
        "issue_date": str(zone_day),
        "due_date": None,
        "due_days": None,
        "lines": [_negated_line(line, currency) for line in original["lines"]],
        "taxes": [
            {
                **tax,
                "base": _negated(tax["base"], currency),
                "amount": _negated(tax["amount"], currency),
            }
            for tax in original["taxes"]
        ],
        **{name: _negated(original[name], currency) for name in ("net", "tax", "total")},
        "cancels": {"number": original["number"], "issue_date": original["issue_date"]},
        "reason": reason,
    }


def party_json(party: Party) -> Json:
    """Return a party with its legal and tax data, as a document freezes it."""
    seat = party.address
    return {
        "id": party.handle,
        "name": party.name,
        "address": {
            "street": seat.street,
            "postcode": seat.postcode,
            "city": seat.city,
            "region": seat.region,
            "country": seat.country,
        },
        "registration": party.register
        and {"register": party.register, "number": party.register_number},
        "tax": {
            "country": party.tax_country,
            "number": party.tax_number,
            "scheme": party.tax_scheme,
        },
        "invoices_to": party.invoices_to,
    }


def inclusive(days: Sequence[str | None]) -> list[str]:
    """Return half-open days as their first and last."""
    start, end = days
    assert start is not None
    assert end is not None, "a month ends"
    return [start, str(date.fromisoformat(end) - timedelta(days=1))]


def _agreement(terms: Terms) -> Json:
    return {
        "title": terms.agreement.title,
        "version": terms.agreement.version,
        "content_hash": terms.content_hash.hex(),
        "clause": terms.agreement.charges.invoices.clause,
    }


def _line(
    line: DocumentLine,
    document: Document,
    closed: ClosedFigures,
    others: Mapping[str, ClosedFigures],
) -> Json:
    days = document["days"]
    if line.period != document["period"]:
        days = others[line.period].document["days"] if line.period in others else None
    return {
        "key": line.key,
        "kind": line.kind,
        "period": line.period,
        "service": inclusive(days) if days else month_days(line.period),
        "text": line.text,
        "quantity": line.quantity,
        "each": line.each,
        "amount": line.amount.amount,
        "tax": _code(_taxed(closed, _figures_of(document, line.period))),
        "reason": line.reason,
    }


def month_days(period: str) -> list[str]:
    """Return the first and last day of a month."""
    first = date.fromisoformat(f"{period}-01")
    following = (first + timedelta(days=31)).replace(day=1)
    return [str(first), str(following - timedelta(days=1))]


def _figures_of(document: Document, period: str) -> Mapping[str, Any]:
    for one in document["adjustments"]:
        if one["period"] == period:
            figures: Mapping[str, Any] = one["figures"]
            return figures
    own: Mapping[str, Any] = document["figures"]
    return own


def _settlement(one: Dispute, figures: ClosedFigures) -> Json:
    assert one.difference is not None
    return {
        "key": f"dispute-{one.number}",
        "kind": "settlement",
        "dispute": one.number,
        "period": one.period,
        "service": inclusive(figures.document["days"]),
        "text": f"Settlement of {one.period}: {one.text}",
        "quantity": None,
        "each": None,
        "amount": one.difference.amount,
        "tax": _code(_taxed(figures, figures.document["figures"])),
        "reason": f"{one.settled} instead of {one.stands}. {one.settlement_reason}",
    }


def _taxed(closed: ClosedFigures, figures: Mapping[str, Any]) -> _Taxed:
    """Return how a period's figures are taxed: the rate they say, the category of their version."""
    version = bytes.fromhex(figures["version"]["content_hash"])
    terms = next(one for one in closed.all_terms if one.content_hash == version)
    charges, stored = terms.agreement.charges, figures["tax"]
    if stored is None:
        reason = charges.invoices.untaxed or UNTAXED
        return _Taxed(
            name=None, category="outside_scope", rate=Fraction(0), reason=reason,
            rounding=charges.rounding,
        )  # fmt: skip
    assert charges.tax is not None
    usual = REVERSE_CHARGE if charges.tax.category == "reverse_charge" else None
    return _Taxed(
        name=stored["name"],
        category=charges.tax.category,
        rate=parse_decimal(stored["rate"]),
        reason=charges.tax.reason or usual,
        rounding=charges.rounding,
    )


def _code(taxed: _Taxed) -> Json:
    return {"category": taxed.category, "rate": decimal_text(taxed.rate)}


def _taxes(
    closed: ClosedFigures, settled: Sequence[Dispute], others: Mapping[str, ClosedFigures]
) -> list[Json]:
    """Return the tax by category and rate, from the amounts that were rounded in the documents."""
    document = closed.document
    currency: str = document["currency"]
    figures = document["figures"]
    parts = [(_taxed(closed, figures), figures["net"], figures["tax_amount"])]
    for one in document["adjustments"]:
        difference = one["difference"]
        parts.append((_taxed(closed, one["figures"]), difference["net"], difference["tax_amount"]))
    for dispute in settled:
        of = others[dispute.period]
        taxed = _taxed(of, of.document["figures"])
        base, tax = settlement_amounts(dispute, taxed.rate, taxed.rounding)
        parts.append((taxed, base.amount, tax.amount))
    return _grouped(parts, currency)


def settlement_amounts(dispute: Dispute, rate: Fraction, rounding: Rounding) -> tuple[Money, Money]:
    """Return what a settlement adds, and its tax, rounded once by the agreement's rule."""
    assert dispute.difference is not None
    return dispute.difference, (dispute.difference * rate).rounded(rounding)


def _grouped(parts: Sequence[tuple[_Taxed, str, str]], currency: str) -> list[Json]:
    groups: dict[tuple[str, Fraction], list[tuple[_Taxed, str, str]]] = {}
    for part in parts:
        groups.setdefault((part[0].category, part[0].rate), []).append(part)
    return [
        {
            "name": of_one[0][0].name,
            "category": category,
            "rate": decimal_text(rate),
            "reason": of_one[0][0].reason,
            "base": _sum((base for _, base, _ in of_one), currency).amount,
            "amount": _sum((amount for _, _, amount in of_one), currency).amount,
        }
        for (category, rate), of_one in groups.items()
    ]


def _assert_as_closed(
    document: Document,
    net: Money,
    tax: Money,
    settled: Sequence[Dispute],
    others: Mapping[str, ClosedFigures],
) -> None:
    """An invoice is what was closed, and the settlements, to the cent."""
    currency, due = document["currency"], document["due"]
    added = [Money.zero(currency)] * 2
    for one in settled:
        taxed = _taxed(others[one.period], others[one.period].document["figures"])
        base, its_tax = settlement_amounts(one, taxed.rate, taxed.rounding)
        added = [added[0] + base, added[1] + its_tax]
    assert (net - added[0]).amount == due["net"], (net, due)
    assert (tax - added[1]).amount == due["tax"], (tax, due)


def _refuse_other_currency(settled: Sequence[Dispute], currency: str) -> None:
    for one in settled:
        if one.stands.currency != currency:
            raise Refusal.of(
                f"dispute {one.number}",
                f"It was settled in {one.stands.currency}, and this period is charged in "
                f"{currency}.",
                "Invoice it with a period of its own currency.",
            )


def _negated_line(line: Mapping[str, Any], currency: str) -> Json:
    quantity = line["quantity"]
    return {
        **line,
        "quantity": -quantity if quantity is not None else None,
        "amount": _negated(line["amount"], currency),
    }


def _negated(amount: str, currency: str) -> str:
    return (-Money.parse(f"{amount} {currency}")).amount


def _sum(amounts: Iterable[str], currency: str) -> Money:
    return sum_money((Money.parse(f"{amount} {currency}") for amount in amounts), currency)
