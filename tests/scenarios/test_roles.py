"""Who gives and takes roles: the database refuses what is not one's own to give."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from tests.desk import Desk
from tests.support import EXAMPLE

from openbpo.storage.database import Context, Database
from openbpo.trust.engagements import grant
from openbpo.trust.roles.actions import grant_role, revoke_role
from openbpo.trust.roles.model import Role
from openbpo.trust.roles.queries import granted_roles, grantings, grants_within
from openbpo.values.refusals import Refusal


@pytest.fixture
def desk(databases: tuple[Database, Database], context: Context, handle: str) -> Desk:
    return Desk.opened(databases, context, handle, EXAMPLE)


def of(desk: Desk, principal: str) -> Context:
    """Return the context of another principal within the desk's engagement."""
    return replace(desk.context, principal=f"{principal}-{desk.handle}").within(desk.engagement_id)


def give(desk: Desk, giver: Context, receiver: Context, role: Role, **span: Any) -> None:
    with desk.database.transaction(giver.within(desk.engagement_id)) as tx:
        grant_role(
            tx, desk.engagement_id, principal=receiver.principal, handle=desk.handle, role=role,
            **span,
        )  # fmt: skip


def take(desk: Desk, taker: Context, holder: Context) -> bool:
    with desk.database.transaction(taker.within(desk.engagement_id)) as tx:
        return revoke_role(tx, desk.engagement_id, principal=holder.principal)


def roles_of(desk: Desk, who: Context) -> list[Role]:
    with desk.database.transaction(who) as tx:
        return [one.role for one in granted_roles(tx) if one.engagement_id == desk.engagement_id]


class TestGiving:
    @pytest.mark.parametrize("role", list(Role))
    @pytest.mark.parametrize("given", list(Role))
    def test_is_for_ones_own_side(self, desk: Desk, role: Role, given: Role) -> None:
        giver, receiver = of(desk, "giver"), of(desk, "receiver")
        give(desk, desk.context, giver, role)
        if role.may_grant(given):
            give(desk, giver, receiver, given)
            assert roles_of(desk, receiver) == [given]
        else:
            with pytest.raises(Refusal, match="not yours"):
                give(desk, giver, receiver, given)
            assert roles_of(desk, receiver) == []

    def test_replaces_nobody_of_the_other_side(self, desk: Desk) -> None:
        client, provider = of(desk, "client"), of(desk, "provider")
        give(desk, desk.context, client, Role.CLIENT_OWNER)
        give(desk, desk.context, provider, Role.PROVIDER_LEAD)
        for act in (lambda: give(desk, client, provider, Role.CLIENT_USER),
                    lambda: take(desk, client, provider)):  # fmt: skip
            with pytest.raises(Refusal, match="not yours"):
                act()
        assert roles_of(desk, provider) == [Role.PROVIDER_LEAD]

    def test_is_for_nobody_who_has_no_role(self, desk: Desk) -> None:
        with pytest.raises(Refusal, match="not yours"):
            give(desk, of(desk, "stranger"), of(desk, "friend"), Role.CLIENT_USER)

    def test_of_everything_is_the_operators(self, desk: Desk) -> None:
        owner = of(desk, "owner")
        give(desk, desk.context, owner, Role.CLIENT_OWNER)
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege, match="only an operator"),
            desk.database.transaction(owner) as tx,
        ):
            grant(tx, desk.engagement_id, principal="friend", handle=desk.handle)

    def test_ends_with_the_role_of_who_gives(self, desk: Desk) -> None:
        owner = of(desk, "owner")
        give(desk, desk.context, owner, Role.CLIENT_OWNER)
        assert take(desk, desk.context, owner)
        assert not take(desk, desk.context, owner)
        with pytest.raises(Refusal, match="not yours"):
            give(desk, owner, of(desk, "friend"), Role.CLIENT_USER)

    def test_leaves_who_opened_it_as_it_is(self, desk: Desk) -> None:
        for act in (lambda: give(desk, desk.context, desk.context, Role.CLIENT_USER),
                    lambda: take(desk, desk.context, desk.context)):  # fmt: skip
            with pytest.raises(Refusal, match="opened this engagement"):
                act()
        assert roles_of(desk, desk.context) == [Role.OPERATOR]


class TestGrantings:
    def test_are_kept_in_their_order(self, desk: Desk) -> None:
        anna = of(desk, "anna")
        with desk.database.transaction(desk.context) as tx:
            end = tx.at + timedelta(days=30)
        give(desk, desk.context, anna, Role.CLIENT_USER)
        give(desk, desk.context, anna, Role.CLIENT_OWNER, ending=end)
        take(desk, desk.context, anna)
        with desk.database.transaction(anna) as tx:
            told = [(one.number, one.act, one.role) for one in grantings(tx, desk.engagement_id)]
            [standing] = [
                one
                for one in grants_within(tx, desk.engagement_id)
                if one.principal == anna.principal
            ]
            assert not standing.holds(tx.at)
        assert told == [
            (1, "granted", Role.CLIENT_USER),
            (2, "granted", Role.CLIENT_OWNER),
            (3, "revoked", Role.CLIENT_OWNER),
        ]

    def test_of_another_engagement_are_not_shown(self, desk: Desk) -> None:
        give(desk, desk.context, of(desk, "anna"), Role.CLIENT_USER)
        with desk.database.transaction(desk.context) as tx:
            assert grantings(tx, desk.engagement_id) == []
            assert grants_within(tx, desk.engagement_id) == []

    @pytest.mark.parametrize("act", ["UPDATE trust.granting SET acted_by = ''",
                                     "DELETE FROM trust.granting"])  # fmt: skip
    def test_are_never_changed(self, admin: Any, act: str) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="never changed"):
            admin.execute(act)


class TestARoleThatEnds:
    def test_gives_none_that_lasts_longer(self, desk: Desk) -> None:
        owner, receiver = of(desk, "owner"), of(desk, "receiver")
        with desk.database.transaction(desk.context.within(desk.engagement_id)) as tx:
            end = tx.at + timedelta(days=2)
        give(desk, desk.context, owner, Role.CLIENT_OWNER, ending=end)
        with pytest.raises(Refusal, match="not yours"):
            give(desk, owner, receiver, Role.CLIENT_USER)
        with pytest.raises(Refusal, match="not yours"):
            give(desk, owner, receiver, Role.CLIENT_USER, ending=end + timedelta(seconds=1))
        give(desk, owner, receiver, Role.CLIENT_USER, ending=end)
        assert roles_of(desk, receiver) == [Role.CLIENT_USER]

    def test_takes_and_replaces_none_that_lasts_longer(self, desk: Desk) -> None:
        owner, standing = of(desk, "owner"), of(desk, "standing")
        with desk.database.transaction(desk.context.within(desk.engagement_id)) as tx:
            end = tx.at + timedelta(days=2)
        give(desk, desk.context, owner, Role.CLIENT_OWNER, ending=end)
        give(desk, desk.context, standing, Role.CLIENT_OWNER)
        with pytest.raises(Refusal, match="not yours"):
            take(desk, owner, standing)
        with pytest.raises(Refusal, match="not yours"):
            give(desk, owner, standing, Role.CLIENT_USER, ending=end)
        assert roles_of(desk, standing) == [Role.CLIENT_OWNER]
