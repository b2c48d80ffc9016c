"""
An issued document as an EN 16931 invoice: UN/CEFACT CII, in the profile EN 16931 of Factur-X.

A credit note is of type 381. Its amounts say what is credited, so they are those of the invoice
that it cancels: the standard negates by the type, our documents by the sign.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from openbpo.values.refusals import Refusal

if TYPE_CHECKING:
    from drafthorse.models.accounting import ApplicableTradeTax
    from drafthorse.models.document import Document
    from drafthorse.models.party import TradeParty
    from drafthorse.models.tradelines import LineItem

GUIDELINE: Final = "urn:cen.eu:en16931:2017"
INVOICE, CREDIT_NOTE = "380", "381"
CATEGORIES: Final = {
    "standard": "S", "zero": "Z", "exempt": "E", "reverse_charge": "AE", "outside_scope": "O",
}  # fmt: skip
REASON_CODES: Final = {"AE": "VATEX-EU-AE", "O": "VATEX-EU-O"}
WITHOUT_RATE: Final = "O"
ONE: Final = "C62"
"""The unit `one` of UNECE Recommendation 20."""
_RATE: Final = re.compile(rb"\s*<ram:RateApplicablePercent>[^<]*</ram:RateApplicablePercent>")

Json = Mapping[str, Any]


def einvoice(document: Json) -> bytes:
    """
    Return an issued document as XML, checked against the profile's XML schema.

    Raises Refusal where the standard cannot say what the document says.
    """
    from drafthorse.models.document import Document

    refuse_unsayable(document)
    found = Document()
    found.context.guideline_parameter.id = GUIDELINE
    _header(found, document)
    _parties(found, document)
    sign = -1 if document["kind"] == "credit_note" else 1
    for number, line in enumerate(document["lines"], start=1):
        found.trade.items.add(_line(number, line, sign))
    _settlement(found, document, sign)
    text: bytes = found.serialize(schema="FACTUR-X_EN16931")
    return _RATE.sub(b"", text) if _is_untaxed(document) else text


def _is_untaxed(document: Json) -> bool:
    """Tell whether it is outside the scope of VAT: then no rate stands in it, not even zero."""
    return any(CATEGORIES[tax["category"]] == WITHOUT_RATE for tax in document["taxes"])


def _header(found: Document, document: Json) -> None:
    from drafthorse.models.note import IncludedNote

    is_credit = document["kind"] == "credit_note"
    found.header.id = document["number"]
    found.header.type_code = CREDIT_NOTE if is_credit else INVOICE
    found.header.issue_date_time = date.fromisoformat(document["issue_date"])
    for text in (document["reason"], _proof(document)):
        if text:
            note = IncludedNote()
            note.content = text
            found.header.notes.add(note)


def _proof(document: Json) -> str:
    closed = document["closed"]
    return (
        f"Computed from the sealed record of {document['engagement']}, entry {closed['entry']}; "
        f"SHA-256 of the period's figures {closed['document_sha256']}."
    )


def _parties(found: Document, document: Json) -> None:
    agreement = found.trade.agreement
    is_untaxed = _is_untaxed(document)
    _party(agreement.seller, document["provider"], is_untaxed=is_untaxed, is_seller=True)
    _party(agreement.buyer, document["client"], is_untaxed=is_untaxed, is_seller=False)
    if document["order"]:
        agreement.buyer_order.issuer_assigned_id = document["order"]
    agreed = document["agreement"]
    agreement.contract.issuer_assigned_id = f"{document['engagement']}, version {agreed['version']}"
    found.trade.delivery.event.occurrence = date.fromisoformat(document["service"][1])


def _party(party: TradeParty, told: Json, *, is_untaxed: bool, is_seller: bool) -> None:
    from drafthorse.models.party import TaxRegistration

    party.name = told["name"]
    if told["registration"]:
        party.legal_organization.id = ("", told["registration"]["number"])
        if is_seller:
            party.description = f"{told['registration']['register']}: {_registered(told)}"
    address = told["address"]
    party.address.postcode = address["postcode"] or ""
    party.address.line_one = address["street"]
    party.address.city_name = address["city"]
    party.address.country_id = address["country"]
    if address["region"]:
        party.address.country_subdivision = address["region"]
    tax = told["tax"]
    has_vat_number = tax["scheme"] == "VAT" and not is_untaxed
    if has_vat_number or is_seller:
        registration = TaxRegistration()
        registration.id = ("VA" if has_vat_number else "FC", tax["number"])
        party.tax_registrations.add(registration)


def _registered(told: Json) -> str:
    number: str = told["registration"]["number"]
    return number


def _line(number: int, line: Json, sign: int) -> LineItem:
    from drafthorse.models.tradelines import LineItem

    amount = sign * Decimal(line["amount"])
    quantity, price = _priced(line, amount, sign)
    item = LineItem()
    item.document.line_id = str(number)
    item.product.name = line["text"]
    if line["reason"]:
        item.product.description = line["reason"]
    item.agreement.net.amount = price
    item.delivery.billed_quantity = (quantity, ONE)
    _tax_of_line(item.settlement.trade_tax, line["tax"])
    item.settlement.period.start = date.fromisoformat(line["service"][0])
    item.settlement.period.end = date.fromisoformat(line["service"][1])
    item.settlement.monetary_summation.total_amount = amount
    return item


def _priced(line: Json, amount: Decimal, sign: int) -> tuple[Decimal, Decimal]:
    """Return quantity and price; what is no product is one unit, and what takes off minus one."""
    if line["each"] is not None and line["quantity"] is not None:
        return Decimal(sign * line["quantity"]), Decimal(line["each"])
    return Decimal(-1 if amount < 0 else 1), abs(amount)


def _tax_of_line(tax: ApplicableTradeTax, told: Json) -> None:
    tax.type_code = "VAT"
    tax.category_code = CATEGORIES[told["category"]]
    tax.rate_applicable_percent = _percent(told["rate"])


def _settlement(found: Document, document: Json, sign: int) -> None:
    from drafthorse.models.accounting import ApplicableTradeTax
    from drafthorse.models.payment import PaymentTerms

    settlement, currency = found.trade.settlement, document["currency"]
    settlement.currency_code = currency
    for told in document["taxes"]:
        tax = ApplicableTradeTax()
        tax.calculated_amount = sign * Decimal(told["amount"])
        tax.basis_amount = sign * Decimal(told["base"])
        _tax_of_line(tax, told)
        _exempted(tax, told)
        settlement.trade_tax.add(tax)
    settlement.period.start = date.fromisoformat(document["service"][0])
    settlement.period.end = date.fromisoformat(document["service"][1])
    if document["due_date"]:
        terms = PaymentTerms()
        terms.description = f"Due within {document['due_days']} days."
        terms.due = date.fromisoformat(document["due_date"])
        settlement.terms.add(terms)
    if document["cancels"]:
        settlement.invoice_referenced_document.issuer_assigned_id = document["cancels"]["number"]
        settlement.invoice_referenced_document.issue_date_time = date.fromisoformat(
            document["cancels"]["issue_date"]
        )
    sums = settlement.monetary_summation
    net, tax_total, total = (sign * Decimal(document[name]) for name in ("net", "tax", "total"))
    sums.line_total = net
    sums.charge_total = sums.allowance_total = Decimal("0.00")
    sums.tax_basis_total = net
    sums.tax_total = (tax_total, currency)
    sums.grand_total = total
    sums.due_amount = total


def _exempted(tax: ApplicableTradeTax, told: Json) -> None:
    code = CATEGORIES[told["category"]]
    if code in ("E", "AE", "O"):
        tax.exemption_reason = told["reason"]
    if code in REASON_CODES:
        tax.exemption_reason_code = REASON_CODES[code]


def _percent(rate: str) -> Decimal:
    return Decimal(rate) * 100


def refuse_unsayable(document: Json) -> None:
    """Raise Refusal where EN 16931 cannot say what a document says."""
    codes = {CATEGORIES[tax["category"]] for tax in document["taxes"]}
    if "O" in codes and len(codes) > 1:
        raise Refusal.of(
            document["number"],
            "It charges tax for one period and is outside its scope for another; EN 16931 has no "
            "invoice of both.",
            "Send the PDF; or cancel it, and issue the periods apart.",
        )
