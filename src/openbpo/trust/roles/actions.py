"""Giving a role and taking it back: the database refuses what is not one's own to give."""

from __future__ import annotations

from datetime import datetime

from psycopg.errors import CheckViolation, InsufficientPrivilege, UniqueViolation

from openbpo.storage.database import Transaction
from openbpo.trust.roles import store
from openbpo.trust.roles.model import Role
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal


def grant_role(
    tx: Transaction,
    engagement_id: EngagementId,
    *,
    principal: str,
    handle: str,
    role: Role,
    starting: datetime | None = None,
    ending: datetime | None = None,
) -> None:
    """
    Give a principal a role in an engagement, [starting, ending); it replaces the one it has.

    Raises Refusal when the role is not the context's principal's to give, or ends before it begins.
    """
    if ending is not None and ending <= (starting or tx.at):
        raise Refusal.of(principal, "This role would end before it begins.", "Name a later end.")
    try:
        store.grant_role(
            tx, engagement_id, principal=principal, handle=handle, role=role,
            starting=starting, ending=ending,
        )  # fmt: skip
    except InsufficientPrivilege as refused:
        raise _not_yours(role.value) from refused
    except CheckViolation as refused:
        raise _opened_it(principal) from refused
    except UniqueViolation as twice:
        raise Refusal.of(
            principal,
            f"It has an engagement named {handle!r} of yours already.",
            "Two of one name cannot be told apart: grant this one as another principal.",
        ) from twice


def revoke_role(tx: Transaction, engagement_id: EngagementId, *, principal: str) -> bool:
    """
    Take a principal's role back; False when it has none.

    Raises Refusal when it is not the context's principal's to take, or whoever opened the
    engagement has it.
    """
    try:
        return store.revoke_role(tx, engagement_id, principal)
    except InsufficientPrivilege as refused:
        raise _not_yours(principal) from refused
    except CheckViolation as refused:
        raise _opened_it(principal) from refused


def _not_yours(where: str) -> Refusal:
    return Refusal.of(
        where,
        "This role is not yours to give or to take.",
        "Ask an operator, or somebody of that side who may grant roles.",
    )


def _opened_it(principal: str) -> Refusal:
    return Refusal.of(
        principal,
        "It opened this engagement and keeps it.",
        "Leave it as it is; what others may do is granted beside it.",
    )
