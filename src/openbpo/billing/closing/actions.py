"""
Closing a period, in steps that a kill may part: seal, compute at one entry, and enter the act.

The figures are computed at the last entry that is sealed, which is looked up under a lock on the
engagement's periods: two who close at once do it one after the other, and the later one by all
that was known when the earlier one did.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from openbpo.agreements.model import Side
from openbpo.assurance.attainment.periods import find_period
from openbpo.billing.closing import store
from openbpo.billing.closing.decisions import document
from openbpo.billing.closing.model import FOLLOWING, OF_THE_CLIENT, OF_THE_PROVIDER, Act, State
from openbpo.billing.closing.queries import StoredKnowledge, last_act, standing_documents
from openbpo.record.journal import enter
from openbpo.record.sealing.store import last_sealed
from openbpo.storage.database import Context, Database, Transaction
from openbpo.storage.failpoints import failpoint
from openbpo.values.canonical import canonical_bytes
from openbpo.values.ids import EngagementId
from openbpo.values.periods import months_between
from openbpo.values.refusals import Refusal

Seal = Callable[[], object]
"""Seals the engagement's record."""


@dataclass(frozen=True, slots=True)
class Closing:
    """What is to be done with a period: to which state, by which side, with a word on it."""

    period: str
    state: State
    side: Side
    note: str | None = None


def act_on(
    database: Database, context: Context, engagement_id: EngagementId, closing: Closing, seal: Seal
) -> Act:
    """
    Bring a period to a state; done twice, the second time answers what stands.

    Raises Refusal where the state does not follow, an earlier period is open, there is nothing to
    compute by, or an empty value leaves something undecided.
    """
    seal()
    failpoint("close.after_sealing")
    with database.transaction(context.within(engagement_id)) as tx:
        store.lock_periods(tx, engagement_id)
        all_acts = store.acts(tx, engagement_id)
        before = last_act(all_acts, closing.period)
        if before is not None and _is_done(before, closing):
            return before
        _refuse_out_of_turn(before, closing)
        told = _document(tx, engagement_id, closing, all_acts, before)
        act = _entered(tx, engagement_id, closing, told, before)
        failpoint("close.before_commit")
    failpoint("close.after_commit")
    seal()
    return act


def _is_done(before: Act, closing: Closing) -> bool:
    return before.state is closing.state and closing.state is not State.PRELIMINARY


def _refuse_out_of_turn(before: Act | None, closing: Closing) -> None:
    acts = OF_THE_CLIENT if closing.side == "client" else OF_THE_PROVIDER
    if closing.state not in acts:
        raise Refusal.of(
            closing.period,
            f"It is not the {closing.side} who brings a period to {closing.state.value}.",
            "The provider reports and settles; the client agrees or disputes.",
        )
    following = FOLLOWING[before.state if before else None]
    if closing.state not in following:
        now = f"is {before.state.value}" if before else "is open"
        allowed = " or ".join(state.value for state in following)
        raise Refusal.of(
            closing.period,
            f"It {now}; it cannot become {closing.state.value} from there.",
            f"What can follow is: {allowed}." if allowed else "Nothing follows: it is settled.",
        )


def _document(
    tx: Transaction,
    engagement_id: EngagementId,
    closing: Closing,
    all_acts: list[Act],
    before: Act | None,
) -> dict[str, Any]:
    """Return the period's document: computed now, or as it stands since it was reported."""
    if before is not None and before.state.stands:
        return dict(before.document)
    checkpoint = last_sealed(tx, engagement_id, "record")
    if checkpoint is None:
        raise Refusal.of(closing.period, "Nothing is recorded yet.", "Accept an agreement first.")
    knowledge, known = StoredKnowledge(tx, engagement_id), checkpoint.last_number
    _refuse_gap(knowledge, known, closing, all_acts)
    told = document(knowledge, closing.period, known, standing_documents(all_acts))
    return {
        **told,
        "checkpoint": {"size": checkpoint.size, "root": bytes(checkpoint.root).hex()},
    }


def _refuse_gap(
    knowledge: StoredKnowledge, known: int, closing: Closing, all_acts: list[Act]
) -> None:
    """Periods are closed one after another: an adjustment has one period to stand in."""
    all_terms = knowledge.terms(known)
    find_period(all_terms, closing.period)
    standing = [one["period"] for one in standing_documents(all_acts)]
    if not standing:
        return
    last, zone = standing[-1], all_terms[-1].resolved.zones[all_terms[-1].agreement.zone]
    if closing.period <= last:
        raise Refusal.of(
            closing.period,
            f"{last} is closed, and this period is before it.",
            "What comes in for an earlier period is an adjustment of the next one.",
        )
    between = [month.name for month in months_between(last, closing.period, zone)][1:-1]
    if between:
        raise Refusal.of(
            closing.period, f"{last} is the last period closed.", f"Close {between[0]} first."
        )


def _entered(
    tx: Transaction,
    engagement_id: EngagementId,
    closing: Closing,
    told: dict[str, Any],
    before: Act | None,
) -> Act:
    text = canonical_bytes(told)
    digest = sha256(text).digest()
    number = before.number + 1 if before else 1
    entry = enter(
        tx,
        engagement_id,
        "period",
        {
            "period": closing.period,
            "number": number,
            "state": closing.state.value,
            "side": closing.side,
            "note": closing.note,
            "known": told["known"],
            "checkpoint": told["checkpoint"],
            "version": told["figures"]["version"]["content_hash"],
            "document_sha256": digest.hex(),
        },
    )
    store.add_act(
        tx,
        engagement_id,
        period=closing.period,
        number=number,
        state=closing.state,
        side=closing.side,
        note=closing.note,
        entry=entry.entry,
        known=told["known"],
        document=text.decode(),
        document_sha256=digest,
        at=entry.entered_at,
    )
    found = last_act(store.acts(tx, engagement_id), closing.period)
    assert found is not None
    return found
