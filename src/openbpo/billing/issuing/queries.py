"""What was issued and paid, as of a day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from openbpo.agreements.resolved import day_of
from openbpo.agreements.versions.decisions import terms_on
from openbpo.agreements.versions.model import Terms
from openbpo.billing.closing.model import Act
from openbpo.billing.closing.queries import StoredKnowledge, last_act
from openbpo.billing.issuing.decisions import ClosedFigures
from openbpo.billing.issuing.model import Account, Issued, IssuedDocument
from openbpo.billing.issuing.paying import accounts
from openbpo.billing.issuing.store import issued, payments
from openbpo.storage.database import Transaction
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal


def invoices_of(
    tx: Transaction, engagement_id: EngagementId, *, as_of: date | None = None
) -> tuple[Account, ...]:
    """Return all that was issued as it stands at the end of a day, of today if none is named."""
    found = issued(tx, engagement_id)
    if not found:
        return ()
    day = as_of or today(tx, engagement_id)
    return accounts(found, payments(tx, engagement_id), day)


def issued_document(tx: Transaction, engagement_id: EngagementId, number: str) -> IssuedDocument:
    """Return an issued document; raises Refusal where there is none of this number."""
    return find_issued(issued(tx, engagement_id), number).document


def find_issued(all_issued: Sequence[Issued], number: str) -> Issued:
    """Return what was issued under a number; raises Refusal where there is nothing."""
    for one in all_issued:
        if one.number == number:
            return one
    numbers = ", ".join(one.number for one in all_issued)
    raise Refusal.of(
        number,
        "Nothing was issued under this number.",
        f"There are: {numbers}." if numbers else "Issue it: openbpo issue ENGAGEMENT --period ...",
    )


def today(tx: Transaction, engagement_id: EngagementId) -> date:
    """Return the day of the transaction's instant in the agreement's zone."""
    knowledge = StoredKnowledge(tx, engagement_id)
    terms = terms_on(knowledge.terms(knowledge.latest()), tx.at)
    return day_of(tx.at, terms.resolved.zones[terms.agreement.zone])


def closed_figures(
    all_acts: Sequence[Act], period: str, terms_at: Callable[[int], Sequence[Terms]]
) -> ClosedFigures | None:
    """Return a period's figures that stand, None while none do."""
    act = last_act(all_acts, period)
    if act is None or not act.state.stands:
        return None
    return ClosedFigures(
        document=act.document,
        document_sha256=act.document_sha256,
        entry=act.entry,
        state=act.state,
        all_terms=terms_at(act.known),
    )


__all__ = [
    "closed_figures",
    "find_issued",
    "invoices_of",
    "issued",
    "issued_document",
    "payments",
    "today",
]
