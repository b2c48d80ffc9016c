"""Disputing a line, answering, settling, withdrawing: each an entry of the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openbpo.agreements.model import Side
from openbpo.agreements.versions.decisions import terms_on
from openbpo.agreements.versions.model import Terms
from openbpo.billing.closing.queries import StoredKnowledge
from openbpo.billing.closing.queries import acts as period_acts
from openbpo.billing.disputes import store
from openbpo.billing.disputes.decisions import disputes, opening, replying
from openbpo.billing.disputes.model import Claim, Deed, Dispute, Reply
from openbpo.billing.disputes.queries import disputable
from openbpo.record.journal import enter, hold
from openbpo.storage.database import Context, Database, Transaction
from openbpo.storage.failpoints import failpoint
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal


def open_dispute(
    database: Database, context: Context, engagement_id: EngagementId, claim: Claim, side: Side
) -> Dispute:
    """
    Dispute a line of a period whose figures stand.

    Raises Refusal where they do not stand yet, the line is not there, is disputed or settled
    already, or the time to dispute is over.
    """
    with database.transaction(context.within(engagement_id)) as tx:
        hold(tx, engagement_id)
        period = disputable(period_acts(tx, engagement_id), claim.period)
        known = disputes(store.acts(tx, engagement_id), tx.at)
        terms = _terms(tx, engagement_id)
        told = opening(claim, side, period, terms, known, at=tx.at)
        found = _entered(tx, engagement_id, told)
        failpoint("dispute.before_commit")
    failpoint("dispute.after_commit")
    return found


def reply_to(
    database: Database,
    context: Context,
    engagement_id: EngagementId,
    dispute: int,
    reply: Reply,
    side: Side,
) -> Dispute:
    """
    Accept what is on the table, refuse it with a reason, offer another amount, or withdraw.

    An offer of the very amount that the other side offers settles the dispute. Raises Refusal
    where there is no such dispute, it is over, or it is not this side's turn.
    """
    with database.transaction(context.within(engagement_id)) as tx:
        hold(tx, engagement_id)
        found = _found(tx, engagement_id, dispute)
        told = replying(found, reply, side, _terms(tx, engagement_id), at=tx.at)
        found = _entered(tx, engagement_id, told)
        failpoint("dispute.before_commit")
    failpoint("dispute.after_commit")
    return found


def settle(
    database: Database,
    context: Context,
    engagement_id: EngagementId,
    dispute: int,
    amount: str,
    side: Side,
) -> Dispute:
    """
    Agree that the disputed line comes to an amount; it is settled when both sides have.

    The first side's word is an offer, the second's of the same amount its acceptance.
    """
    reply = Reply(did=Deed.OFFERED, amount=amount)
    return reply_to(database, context, engagement_id, dispute, reply, side)


def _terms(tx: Transaction, engagement_id: EngagementId) -> Terms:
    knowledge = StoredKnowledge(tx, engagement_id)
    return terms_on(knowledge.terms(knowledge.latest()), tx.at)


def _found(tx: Transaction, engagement_id: EngagementId, dispute: int) -> Dispute:
    known = disputes(store.acts(tx, engagement_id), tx.at)
    for one in known:
        if one.number == dispute:
            return one
    numbers = ", ".join(str(one.number) for one in known)
    raise Refusal.of(
        f"dispute {dispute}",
        "There is no such dispute.",
        f"There are: {numbers}." if known else "None was opened: openbpo dispute ENGAGEMENT.",
    )


def _entered(tx: Transaction, engagement_id: EngagementId, told: Mapping[str, Any]) -> Dispute:
    entry = enter(tx, engagement_id, "dispute", told)
    store.add_act(tx, engagement_id, told, entry)
    return _found(tx, engagement_id, told["dispute"])
