"""From a statement to the figures of an invoice's draft, and what an act would change: pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from openbpo.agreements.versions.model import Terms
from openbpo.billing.closing.model import State
from openbpo.billing.disputes.model import Dispute
from openbpo.billing.issuing.decisions import ClosedFigures, Json, Numbered, invoice_document
from openbpo.billing.statements.model import Statement

UNNUMBERED = Numbered(series="", ordinal=0)


def open_figures(statement: Statement, all_terms: Sequence[Terms]) -> ClosedFigures:
    """Return the figures of a period that does not stand, in the form of one that does."""
    told = statement.told
    figures = {
        "version": told["version"],
        "lines": told["lines"],
        "credit": told["credit"],
        "tax": told["tax_line"],
        "net": told["net"],
        "tax_amount": told["tax"],
        "total": told["total"],
    }
    document = {
        "period": statement.period,
        "days": told["days"],
        "currency": told["currency"],
        "known": statement.entry,
        "figures": figures,
        "adjustments": told["adjustments"],
        "due": told["due"],
    }
    return ClosedFigures(
        document=document,
        document_sha256=b"",
        entry=0,
        state=State.PRELIMINARY,
        all_terms=all_terms,
    )


def draft(
    *,
    handle: str,
    closed: ClosedFigures,
    settled: Sequence[Dispute],
    settled_figures: dict[str, ClosedFigures],
    all_terms: Sequence[Terms],
    at: datetime,
) -> Json:
    """Return the invoice that issuing would make at an instant, without a number."""
    return invoice_document(
        handle=handle,
        numbered=UNNUMBERED,
        closed=closed,
        settled=settled,
        settled_figures=settled_figures,
        now_terms=all_terms,
        order=None,
        at=at,
    )
