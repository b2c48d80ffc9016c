"""What was issued, what was paid on it, and how it stands as of a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Literal

from openbpo.values.money import Money

IssuedDocument = Mapping[str, Any]
"""An issued invoice or credit note, as docs/reference/invoice.md describes it."""
IssuedKind = Literal["invoice", "credit_note"]


class Status(StrEnum):
    """How an issued invoice stands; a credit note is none of these."""

    OPEN = "open"
    PART_PAID = "part paid"
    PAID = "paid"
    OVERDUE = "overdue"
    CANCELLED = "cancelled"
    CREDIT_NOTE = "credit note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """An invoice or a credit note, which never changes; `cancels` is the invoice's number."""

    number: str
    kind: IssuedKind
    period: str
    series: str
    ordinal: int
    cancels: str | None
    document: IssuedDocument
    document_sha256: bytes
    entry: int
    by: str
    at: str

    @property
    def currency(self) -> str:
        """The currency of all its amounts."""
        return str(self.document["currency"])

    @property
    def total(self) -> Money:
        """What it comes to with tax; of a credit note it is what the invoice came to, negated."""
        return Money.parse(f"{self.document['total']} {self.currency}")

    @property
    def issue_date(self) -> date:
        """Its date."""
        return date.fromisoformat(self.document["issue_date"])

    @property
    def due_date(self) -> date | None:
        """When it is due; None for a credit note."""
        due = self.document["due_date"]
        return date.fromisoformat(due) if due else None

    @property
    def settles(self) -> tuple[int, ...]:
        """The disputes whose settlements it carries."""
        return tuple(
            line["dispute"] for line in self.document["lines"] if line["kind"] == "settlement"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What was paid on an invoice on a day; a negative amount was given back."""

    number: str
    payment: int
    amount: Money
    day: date
    reference: str
    entry: int
    by: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An issued invoice with what was paid on it, as of a day."""

    issued: Issued
    payments: tuple[Payment, ...]
    cancelled_by: str | None
    paid: Money
    outstanding: Money
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuance:
    """What was issued; `is_new` False where it stood already, and nothing was done."""

    issued: Issued
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """A payment, and how its invoice stands with it; `is_new` False where it was known."""

    payment: Payment
    account: Account
    is_new: bool
