"""The only SQL that names the tables of issued invoices and payments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from openbpo.billing.issuing.decisions import Numbered
from openbpo.billing.issuing.model import Issued, IssuedKind, Payment
from openbpo.record.model import Entry
from openbpo.storage.database import Transaction
from openbpo.values.canonical import instant_text
from openbpo.values.ids import EngagementId, PartyId
from openbpo.values.money import Money


@dataclass(frozen=True, slots=True)
class _Last:
    last: int


def next_number(tx: Transaction, party_id: PartyId, series: str) -> Numbered:
    """
    Return a party's next number of a series; nobody else gets one of it before this commits.

    The row's lock does that: what is rolled back was never given, so there is no gap.
    """
    found = tx.row(
        _Last,
        "INSERT INTO billing.invoice_series AS s (party_id, series, last)"
        " VALUES (%(party_id)s, %(series)s, 1) ON CONFLICT (party_id, series)"
        " DO UPDATE SET last = s.last + 1 RETURNING last",
        {"party_id": party_id, "series": series},
    )
    assert found is not None
    numbered = Numbered(series=series, ordinal=found.last)
    tx.execute(
        "INSERT INTO billing.given_number (party_id, series, ordinal, document_number)"
        " VALUES (%(party_id)s, %(series)s, %(ordinal)s, %(number)s)",
        {
            "party_id": party_id,
            "series": series,
            "ordinal": numbered.ordinal,
            "number": numbered.number,
        },
    )
    return numbered


@dataclass(frozen=True, slots=True, kw_only=True)
class _IssuedRow:
    number: str
    kind: IssuedKind
    period: str
    series: str
    ordinal: int
    cancels: str | None
    document: str
    document_sha256: bytes
    entry: int
    issued_by: str
    issued_at: datetime

    def as_model(self) -> Issued:
        return Issued(
            number=self.number,
            kind=self.kind,
            period=self.period,
            series=self.series,
            ordinal=self.ordinal,
            cancels=self.cancels,
            document=json.loads(self.document),
            document_sha256=bytes(self.document_sha256),
            entry=self.entry,
            by=self.issued_by,
            at=instant_text(self.issued_at),
        )


def issued(tx: Transaction, engagement_id: EngagementId) -> list[Issued]:
    """Return all that was issued, in the order of its entries."""
    found = tx.rows(
        _IssuedRow,
        "SELECT document_number AS number, kind, period, series, ordinal, cancels, document,"
        " document_sha256, entry, issued_by, issued_at FROM billing.issued"
        " WHERE engagement_id = %(engagement_id)s ORDER BY entry",
        {"engagement_id": engagement_id},
    )
    return [row.as_model() for row in found]


def add_issued(
    tx: Transaction,
    engagement_id: EngagementId,
    party_id: PartyId,
    document: Mapping[str, Any],
    text: bytes,
    digest: bytes,
    entry: Entry,
) -> None:
    """Add an issued document."""
    tx.execute(
        "INSERT INTO billing.issued (engagement_id, document_number, kind, period, party_id,"
        " series, ordinal, cancels, document, document_sha256, entry, issued_by, issued_at)"
        " VALUES (%(engagement_id)s, %(number)s, %(kind)s, %(period)s, %(party_id)s, %(series)s,"
        " %(ordinal)s, %(cancels)s, %(document)s, %(digest)s, %(entry)s, %(by)s, %(at)s)",
        {
            **{name: document[name] for name in ("number", "kind", "period", "series", "ordinal")},
            "engagement_id": engagement_id,
            "party_id": party_id,
            "cancels": document["cancels"]["number"] if document["cancels"] else None,
            "document": text.decode(),
            "digest": digest,
            "entry": entry.entry,
            "by": entry.entered_by,
            "at": entry.entered_at,
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _PaymentRow:
    number: str
    payment: int
    minor_units: int
    currency: str
    day: date
    reference: str
    entry: int
    recorded_by: str
    recorded_at: datetime

    def as_model(self) -> Payment:
        return Payment(
            number=self.number,
            payment=self.payment,
            amount=Money.from_minor_units(self.minor_units, self.currency),
            day=self.day,
            reference=self.reference,
            entry=self.entry,
            by=self.recorded_by,
            at=instant_text(self.recorded_at),
        )


def payments(tx: Transaction, engagement_id: EngagementId) -> list[Payment]:
    """Return what was paid, in the order of its entries."""
    found = tx.rows(
        _PaymentRow,
        "SELECT document_number AS number, payment, minor_units, currency, day, reference,"
        " entry, recorded_by, recorded_at FROM billing.payment"
        " WHERE engagement_id = %(engagement_id)s ORDER BY entry",
        {"engagement_id": engagement_id},
    )
    return [row.as_model() for row in found]


def add_payment(
    tx: Transaction, engagement_id: EngagementId, payment: Payment, entry: Entry
) -> None:
    """Add what was paid on an invoice."""
    tx.execute(
        "INSERT INTO billing.payment (engagement_id, document_number, payment, minor_units,"
        " currency, day, reference, entry, recorded_by, recorded_at)"
        " VALUES (%(engagement_id)s, %(number)s, %(payment)s, %(minor_units)s, %(currency)s,"
        " %(day)s, %(reference)s, %(entry)s, %(by)s,"
        " %(at)s)",
        {
            "engagement_id": engagement_id,
            "number": payment.number,
            "payment": payment.payment,
            "minor_units": payment.amount.minor_units,
            "currency": payment.amount.currency,
            "day": payment.day,
            "reference": payment.reference,
            "entry": entry.entry,
            "by": entry.entered_by,
            "at": entry.entered_at,
        },
    )
