"""All that the page of a period's money is made of, read at one instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from openbpo.agreements.model import Side
from openbpo.agreements.versions.decisions import terms_on
from openbpo.agreements.versions.model import Terms
from openbpo.agreements.versions.queries import engagement_handle
from openbpo.billing.closing.model import Act
from openbpo.billing.closing.queries import StoredKnowledge, last_act
from openbpo.billing.closing.queries import acts as period_acts
from openbpo.billing.disputes.decisions import Disputable, as_of, opening, until_when
from openbpo.billing.disputes.model import Claim, Dispute, DisputeAct
from openbpo.billing.disputes.queries import disputable, disputes_of
from openbpo.billing.drafting.decisions import draft, open_figures
from openbpo.billing.issuing.decisions import ClosedFigures, live_invoice, to_carry
from openbpo.billing.issuing.model import Account, Issued, IssuedDocument
from openbpo.billing.issuing.queries import closed_figures, invoices_of
from openbpo.billing.standing.model import Standing
from openbpo.billing.standing.queries import board
from openbpo.billing.statements.actions import statement_of
from openbpo.billing.statements.model import Statement
from openbpo.storage.database import Transaction
from openbpo.values.ids import EngagementId


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthOfMoney:
    """
    A period's money as of an instant.

    `invoice` is the document that is issued or, while `issued` is None, the one that would be.
    `dispute_until` is None where no clock runs; `acts` and `disputes` are those of the period.
    """

    period: str
    statement: Statement
    standing: Standing
    acts: tuple[Act, ...]
    disputes: tuple[Dispute, ...]
    invoice: IssuedDocument
    issued: Issued | None
    accounts: tuple[Account, ...]
    dispute_until: datetime | None
    terms: Terms
    at: datetime


def month_of_money(tx: Transaction, engagement_id: EngagementId, period: str) -> MonthOfMoney:
    """Return a period's money; raises Refusal where there is no such period, or no terms."""
    statement = statement_of(tx, engagement_id, period)
    knowledge = StoredKnowledge(tx, engagement_id)
    all_terms = knowledge.terms(knowledge.latest())
    acts, found = period_acts(tx, engagement_id), disputes_of(tx, engagement_id)
    accounts = invoices_of(tx, engagement_id)
    issued = live_invoice((one.issued for one in accounts), period)

    def figures(name: str) -> ClosedFigures:
        closed = closed_figures(acts, name, knowledge.terms)
        return closed or open_figures(statement, all_terms)

    settled = to_carry(found, [one.issued for one in accounts], period)
    document = issued.document if issued is not None else draft(
        handle=engagement_handle(tx, engagement_id),
        closed=figures(period),
        settled=settled,
        settled_figures={one.period: figures(one.period) for one in settled},
        all_terms=all_terms,
        at=tx.at,
    )  # fmt: skip
    [standing] = board(tx, engagement_id, [period])
    return MonthOfMoney(
        period=period,
        statement=statement,
        standing=standing,
        acts=tuple(act for act in acts if act.period == period),
        disputes=tuple(one for one in found if one.period == period),
        invoice=document,
        issued=issued,
        accounts=tuple(one for one in accounts if one.issued.period == period),
        dispute_until=_until(acts, period, terms_on(all_terms, tx.at)),
        terms=terms_on(all_terms, tx.at),
        at=tx.at,
    )


def _until(acts: Sequence[Act], period: str, terms: Terms) -> datetime | None:
    last = last_act(acts, period)
    if last is None or not last.state.stands:
        return None
    found: Disputable = disputable(acts, period)
    return None if found.is_final else until_when(found, terms)


def dispute_if_opened(
    tx: Transaction, engagement_id: EngagementId, claim: Claim, side: Side
) -> Dispute:
    """Return the dispute that a claim would open now; raises Refusal as opening it would."""
    knowledge = StoredKnowledge(tx, engagement_id)
    told = opening(
        claim,
        side,
        disputable(period_acts(tx, engagement_id), claim.period),
        terms_on(knowledge.terms(knowledge.latest()), tx.at),
        disputes_of(tx, engagement_id),
        at=tx.at,
    )
    return as_of([DisputeAct.of(told, entry=0, by="")], tx.at)
