"""Roles, rights, and the table that says which role has which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from openbpo.values.ids import EngagementId

RoleSide = Literal["client", "provider"]


class Right(StrEnum):
    """What can be done; a page names the one that it needs."""

    SEE_ENGAGEMENT = "see the engagement"
    SEE_SERVICE_LEVELS = "see service levels"
    SEE_CASES = "see cases"
    SEE_CONTENT = "see content"
    SEE_MONEY = "see money"
    SEE_BILLING = "see billing"
    SEE_AGREEMENT = "see the agreement"
    SEE_READINGS = "see who read what"
    IMPORT_WORK = "import work"
    REPORT_PERIOD = "report a period"
    AGREE_PERIOD = "agree to a period, or dispute it"
    DISPUTE_LINE = "dispute a line"
    ANSWER_DISPUTE = "answer a dispute"
    ISSUE_INVOICE = "issue an invoice"
    RECORD_PAYMENT = "record a payment"
    PROPOSE_TERMS = "propose terms"
    SIGN_TERMS = "sign terms"
    MAKE_PACK = "make a pack"
    COUNTERSIGN = "countersign"
    GRANT_ROLES = "grant roles"


class Role(StrEnum):
    """Who one is in an engagement. An operator is either side and may do everything."""

    OPERATOR = "operator"
    CLIENT_OWNER = "client-owner"
    CLIENT_USER = "client-user"
    CLIENT_AUDITOR = "client-auditor"
    PROVIDER_CONTRACT = "provider-contract"
    PROVIDER_BILLING = "provider-billing"
    PROVIDER_LEAD = "provider-lead"
    PROVIDER_ADMINISTRATOR = "provider-administrator"

    @property
    def side(self) -> RoleSide | None:
        """Return the side it belongs to; None for the operator, who is either."""
        if self is Role.OPERATOR:
            return None
        return "client" if self.startswith("client-") else "provider"

    @property
    def rights(self) -> frozenset[Right]:
        """Return what it may do."""
        return RIGHTS[self]

    def may_grant(self, other: Role) -> bool:
        """Whether it may give that role, or take it: one's own side's; an operator gives all."""
        if self is Role.OPERATOR:
            return True
        return Right.GRANT_ROLES in self.rights and self.side == other.side


_SEES: Final = frozenset({Right.SEE_ENGAGEMENT, Right.SEE_SERVICE_LEVELS})
_SEES_ALL: Final = _SEES | {
    Right.SEE_CASES, Right.SEE_MONEY, Right.SEE_BILLING, Right.SEE_AGREEMENT,
}  # fmt: skip

RIGHTS: Final[Mapping[Role, frozenset[Right]]] = {
    Role.OPERATOR: frozenset(Right),
    Role.CLIENT_OWNER: _SEES_ALL
    | {
        Right.SEE_CONTENT, Right.SEE_READINGS, Right.AGREE_PERIOD, Right.DISPUTE_LINE,
        Right.PROPOSE_TERMS, Right.SIGN_TERMS, Right.MAKE_PACK, Right.COUNTERSIGN,
        Right.GRANT_ROLES,
    },
    Role.CLIENT_USER: _SEES | {Right.SEE_CASES},
    Role.CLIENT_AUDITOR: _SEES_ALL | {Right.SEE_READINGS, Right.MAKE_PACK},
    Role.PROVIDER_CONTRACT: _SEES_ALL
    | {
        Right.SEE_CONTENT, Right.SEE_READINGS, Right.IMPORT_WORK, Right.REPORT_PERIOD,
        Right.ANSWER_DISPUTE, Right.ISSUE_INVOICE, Right.RECORD_PAYMENT, Right.PROPOSE_TERMS,
        Right.SIGN_TERMS, Right.MAKE_PACK, Right.COUNTERSIGN, Right.GRANT_ROLES,
    },
    Role.PROVIDER_BILLING: _SEES_ALL
    | {
        Right.REPORT_PERIOD, Right.ANSWER_DISPUTE, Right.ISSUE_INVOICE, Right.RECORD_PAYMENT,
        Right.MAKE_PACK,
    },
    Role.PROVIDER_LEAD: _SEES | {Right.SEE_CASES, Right.SEE_CONTENT, Right.IMPORT_WORK},
    Role.PROVIDER_ADMINISTRATOR: _SEES | {Right.IMPORT_WORK, Right.GRANT_ROLES},
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedRole:
    """An engagement that the context's principal may work in now, and as what."""

    engagement_id: EngagementId
    handle: str
    role: Role
    valid_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Somebody's grant in an engagement: as what, [from, until), and who gave it."""

    principal: str
    role: Role
    valid_from: datetime
    valid_until: datetime | None
    revoked_at: datetime | None
    granted_by: str

    def holds(self, at: datetime) -> bool:
        """Whether it counts at that time."""
        if self.revoked_at is not None or at < self.valid_from:
            return False
        return self.valid_until is None or at < self.valid_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Granting:
    """One act: who gave whom which role, or took it."""

    number: int
    principal: str
    act: Literal["granted", "revoked"]
    role: Role
    valid_from: datetime
    valid_until: datetime | None
    acted_by: str
    acted_at: datetime
