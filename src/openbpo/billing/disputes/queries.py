"""An engagement's disputes as of now, and until when a period may be disputed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from openbpo.agreements.versions.decisions import terms_on
from openbpo.billing.closing.model import Act, State
from openbpo.billing.closing.queries import StoredKnowledge, last_act
from openbpo.billing.closing.queries import acts as period_acts
from openbpo.billing.disputes.decisions import Disputable, disputes, until_when
from openbpo.billing.disputes.model import Dispute
from openbpo.billing.disputes.store import acts
from openbpo.storage.database import Transaction
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal


def disputes_of(tx: Transaction, engagement_id: EngagementId) -> tuple[Dispute, ...]:
    """Return every dispute of an engagement as of the transaction's instant, by number."""
    return disputes(acts(tx, engagement_id), tx.at)


def disputable_until(tx: Transaction, engagement_id: EngagementId, period: str) -> datetime | None:
    """
    Return until when a period may be disputed; None where it is so until it is final.

    Raises Refusal while its figures do not stand.
    """
    knowledge = StoredKnowledge(tx, engagement_id)
    found = disputable(period_acts(tx, engagement_id), period)
    return until_when(found, terms_on(knowledge.terms(knowledge.latest()), tx.at))


def disputable(all_acts: Sequence[Act], period: str) -> Disputable:
    """Return a period as it may be disputed; raises Refusal while its figures do not stand."""
    standing = [act for act in all_acts if act.period == period and act.state.stands]
    latest = last_act(all_acts, period)
    if not standing or latest is None:
        raise Refusal.of(
            period,
            "Its figures do not stand yet.",
            f"Report it first: openbpo close ENGAGEMENT --period {period}.",
        )
    return Disputable(
        document=standing[0].document,
        document_sha256=standing[0].document_sha256,
        reported_at=datetime.fromisoformat(standing[0].at),
        is_final=latest.state is State.FINAL,
    )


__all__ = ["acts", "disputable", "disputable_until", "disputes_of"]
