"""The only SQL that asks for roles and gives them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from openbpo.storage.database import Transaction
from openbpo.trust.roles.model import Grant, GrantedRole, Granting, Role
from openbpo.values.ids import EngagementId


@dataclass(frozen=True, slots=True)
class _Granted:
    engagement_id: EngagementId
    handle: str
    role: str
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class _Grant:
    principal: str
    role: str
    valid_from: datetime
    valid_until: datetime | None
    revoked_at: datetime | None
    granted_by: str


@dataclass(frozen=True, slots=True)
class _Granting:
    number: int
    principal: str
    act: Literal["granted", "revoked"]
    role: str
    valid_from: datetime
    valid_until: datetime | None
    acted_by: str
    acted_at: datetime


def granted_roles(tx: Transaction) -> list[GrantedRole]:
    """Return the engagements that the context's principal may work in now, and as what."""
    rows = tx.rows(
        _Granted,
        "SELECT engagement_id, handle, role, valid_until FROM sec.granted_roles()"
        ' ORDER BY handle COLLATE "C"',
    )
    return [
        GrantedRole(
            engagement_id=row.engagement_id,
            handle=row.handle,
            role=Role(row.role),
            valid_until=row.valid_until,
        )
        for row in rows
    ]


def grants_within(tx: Transaction, engagement_id: EngagementId) -> list[Grant]:
    """Return everybody's grants in an engagement, those that are over too."""
    rows = tx.rows(
        _Grant,
        "SELECT principal, role, valid_from, valid_until, revoked_at, granted_by"
        " FROM sec.grants_within() WHERE engagement_id = %(engagement_id)s"
        ' ORDER BY principal COLLATE "C"',
        {"engagement_id": engagement_id},
    )
    return [
        Grant(
            principal=row.principal,
            role=Role(row.role),
            valid_from=row.valid_from,
            valid_until=row.valid_until,
            revoked_at=row.revoked_at,
            granted_by=row.granted_by,
        )
        for row in rows
    ]


def grantings(tx: Transaction, engagement_id: EngagementId) -> list[Granting]:
    """Return who gave and took which roles in an engagement, in the order of the acts."""
    rows = tx.rows(
        _Granting,
        "SELECT number, principal, act, role, valid_from, valid_until, acted_by, acted_at"
        " FROM trust.granting WHERE engagement_id = %(engagement_id)s ORDER BY number",
        {"engagement_id": engagement_id},
    )
    return [
        Granting(
            number=row.number,
            principal=row.principal,
            act=row.act,
            role=Role(row.role),
            valid_from=row.valid_from,
            valid_until=row.valid_until,
            acted_by=row.acted_by,
            acted_at=row.acted_at,
        )
        for row in rows
    ]


def grant_role(
    tx: Transaction,
    engagement_id: EngagementId,
    *,
    principal: str,
    handle: str,
    role: Role,
    starting: datetime | None,
    ending: datetime | None,
) -> None:
    """Give a role; one that this principal has is replaced."""
    tx.execute(
        "SELECT sec.grant_role(%(engagement_id)s, %(principal)s, %(handle)s, %(role)s,"
        " %(starting)s, %(ending)s)",
        {
            "engagement_id": engagement_id,
            "principal": principal,
            "handle": handle,
            "role": role.value,
            "starting": starting,
            "ending": ending,
        },
    )


@dataclass(frozen=True, slots=True)
class _Revoked:
    revoked: bool


def revoke_role(tx: Transaction, engagement_id: EngagementId, principal: str) -> bool:
    """Take a role back; False when there was none."""
    row = tx.row(
        _Revoked,
        "SELECT sec.revoke_role(%(engagement_id)s, %(principal)s) AS revoked",
        {"engagement_id": engagement_id, "principal": principal},
    )
    assert row is not None
    return row.revoked
