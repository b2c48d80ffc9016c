"""An issued document to print: PDF/A-3 with the EN 16931 invoice within, and plain text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from importlib import resources
from textwrap import wrap
from typing import Any, Final

from openbpo.agreements.words import day_text
from openbpo.values.money import Money
from openbpo.values.shares import parse_decimal, percent_text

Json = Mapping[str, Any]
WIDTH: Final = 96
MINUS: Final = "−"
ATTACHED: Final = "factur-x.xml"


def printed(document: Json, einvoice: bytes | None) -> bytes:
    """
    Return an issued document as PDF/A-3b; `einvoice` is attached to it, if there is one.

    The same document gives the same bytes: nothing of the machine or the moment is in it.
    """
    import typst

    template = resources.files(__package__) / "invoice.typ"
    inputs = {"document": json.dumps(view(document), ensure_ascii=False)}
    if einvoice is not None:
        inputs["einvoice"] = einvoice.decode()
    found: bytes = typst.compile(
        template.read_bytes(),
        format="pdf",
        ignore_system_fonts=True,
        sys_inputs=inputs,
        pdf_standards=["a-3b"],
        timestamp=int(_issued_at(document).timestamp()),
    )
    return found


def view(document: Json) -> dict[str, Any]:
    """Return what is printed of a document, each figure as it is read."""
    currency, is_credit = document["currency"], document["kind"] == "credit_note"
    cancels = document["cancels"]
    return {
        "title": "Credit note" if is_credit else "Invoice",
        "number": document["number"],
        "engagement": document["engagement"],
        "facts": [list(fact) for fact in _facts(document)],
        "provider": _party(document["provider"]),
        "client": _party(document["client"]),
        "lines": [_line(line, document) for line in document["lines"]],
        "net": amount_text(document["net"], currency),
        "taxes": [_tax(tax, currency) for tax in document["taxes"]],
        "total": amount_text(document["total"], currency),
        "total_name": "Total credited" if is_credit else "Total due",
        "currency": currency,
        "note": _note(document),
        "reason": document["reason"] and f"Reason: {document['reason']}",
        "cancels": cancels
        and f"It cancels invoice {cancels['number']} of {_day(cancels['issue_date'])}.",
        "proof": document["closed"]["document_sha256"],
        "entry": document["closed"]["entry"],
    }


def _facts(document: Json) -> list[tuple[str, str]]:
    start, end = document["service"]
    agreed = document["agreement"]
    facts = [
        ("Date", _day(document["issue_date"])),
        ("Due", _day(document["due_date"]) if document["due_date"] else ""),
        ("Service", f"{_day(start)} to {_day(end)}"),
        ("Your order", document["order"] or ""),
        ("Agreement", f"{agreed['title']}, version {agreed['version']}"),
    ]
    return [(name, value) for name, value in facts if value]


def _party(told: Json) -> dict[str, Any]:
    address = told["address"]
    place = " ".join(part for part in (address["postcode"], address["city"]) if part)
    lines = [address["street"], f"{place}, {address['country']}", address["region"]]
    registration, tax = told["registration"], told["tax"]
    return {
        "name": told["name"],
        "lines": [line for line in lines if line],
        "registered": [
            *([f"{registration['register']} {registration['number']}"] if registration else []),
            f"{tax['scheme'] or 'Tax number'} {tax['number']}",
        ],
    }


def _line(line: Json, document: Json) -> dict[str, Any]:
    each, currency = line["each"], document["currency"]
    return {
        "text": line["text"],
        "reason": line["reason"],
        "service": line["period"] if line["period"] != document["period"] else "",
        "quantity": _signed(f"{line['quantity']:,}") if line["quantity"] is not None else "",
        "each": _figure(Money(parse_decimal(each), currency)) if each is not None else "",
        "amount": amount_text(line["amount"], currency),
    }


def _tax(tax: Json, currency: str) -> list[str]:
    base = amount_text(tax["base"], currency)
    rate = percent_text(parse_decimal(tax["rate"]))
    if tax["category"] == "standard":
        name = f"{tax['name']} {rate} of {base}"
    else:
        name = tax["reason"] or f"{tax['name'] or 'Tax'} {rate} of {base}"
    return [name, amount_text(tax["amount"], currency)]


def _note(document: Json) -> str:
    if document["kind"] == "credit_note":
        return "It takes the invoice back in full."
    days = document["due_days"]
    return f"Payable within {days} days, by {_day(document['due_date'])}."


def amount_text(amount: str, currency: str) -> str:
    """Return an amount as it is read, without its currency."""
    return _figure(Money.parse(f"{amount} {currency}"))


def _figure(money: Money) -> str:
    return _signed(str(money).rsplit(" ", 1)[0])


def _signed(text: str) -> str:
    return text.replace("-", MINUS)


def _day(text: str) -> str:
    return day_text(date.fromisoformat(text))


def _issued_at(document: Json) -> datetime:
    return datetime.fromisoformat(document["issued_at"]).astimezone(UTC)


def text_lines(document: Json) -> list[str]:
    """Return an issued document in words that line up, for a terminal."""
    shown = view(document)
    width = max([40, *(len(line["text"]) for line in shown["lines"])])
    told = [f"{shown['title']} {shown['number']}", ""]
    told += [f"  {name + ':':11} {value}" for name, value in shown["facts"]]
    for name, party in (("From:", shown["provider"]), ("To:", shown["client"])):
        parts = (party["name"], *party["lines"], *party["registered"])
        told += wrap(
            ", ".join(parts), WIDTH, initial_indent=f"  {name:11} ", subsequent_indent=" " * 14,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    told.append("")
    for one in shown["lines"]:
        told.append(_row((one["text"], one["quantity"], one["each"], one["amount"]), width))
        if one["reason"]:
            told += wrap(one["reason"], width, initial_indent="    ", subsequent_indent="    ")
    told.append(_row(("Net", "", "", shown["net"]), width))
    told += [_row((name, "", "", amount), width) for name, amount in shown["taxes"]]
    told.append(
        _row((f"{shown['total_name']}, {shown['currency']}", "", "", shown["total"]), width)
    )
    ends = [shown["cancels"], shown["reason"], shown["note"]]
    return [*told, "", *(f"  {end}" for end in ends if end)]


def _row(row: tuple[str, str, str, str], width: int) -> str:
    text, quantity, each, amount = row
    return f"  {text:{width}} {quantity:>9} {each:>11} {amount:>13}".rstrip()
