"""Which engagements a principal may work in: known by handle, given by grant."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.errors import UniqueViolation

from openbpo.storage.database import Transaction
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Granted:
    """An engagement that the context's principal may work in."""

    engagement_id: EngagementId
    handle: str


def granted(tx: Transaction) -> list[Granted]:
    """Return the engagements that this context's principal was granted, by handle."""
    return tx.rows(
        Granted,
        'SELECT engagement_id, handle FROM sec.granted_engagements() ORDER BY handle COLLATE "C"',
    )


def grant(tx: Transaction, engagement_id: EngagementId, *, principal: str, handle: str) -> None:
    """
    Grant an engagement; the first grant goes to whoever opens it.

    Raises Refusal when that principal has an engagement of this name already.
    """
    try:
        tx.execute(
            "SELECT sec.grant_engagement(%(engagement)s, %(principal)s, %(handle)s)",
            {"engagement": engagement_id, "principal": principal, "handle": handle},
        )
    except UniqueViolation as twice:
        raise Refusal.of(
            principal,
            f"It has an engagement named {handle!r} already.",
            "There is nothing to grant if it is this one; two of one name cannot be told apart.",
        ) from twice
