"""A command is carried out once, however often and by however many it is sent."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from openbpo.agreements.versions.actions import open_engagement
from openbpo.storage.commands import Answer, Command, carry_out
from openbpo.storage.database import Context, Database, Transaction
from openbpo.storage.installation import context_key
from openbpo.trust.engagements import grant, granted
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal


class Desk:
    """A desk where each command opens one more engagement, and answers with how many it opened."""

    def __init__(self, database: Database, context: Context, engagement_id: UUID) -> None:
        self.database = database
        self.context = context
        self.engagement_id = engagement_id
        self.acts = 0

    def send(
        self,
        database: Database,
        request: Mapping[str, object],
        *,
        command_id: str = "order:1",
        principal: str | None = None,
    ) -> Answer:
        context = Context(principal or self.context.principal, "test").within(self.engagement_id)
        command = Command(self.engagement_id, command_id, request)
        with database.transaction(context) as tx:
            return carry_out(tx, command, lambda: self.act(tx))

    def act(self, tx: Transaction) -> Answer:
        """Open one more engagement of the sender's: only `carry_out` keeps it to one."""
        self.acts += 1
        time.sleep(0.05)  # whoever comes at the same time finds us at it
        new = EngagementId(uuid4())
        grant(tx, new, principal=tx.context.principal, handle=f"effect-{new}")
        return {"opened": str(new), "exact": "0.10", "nested": {"list": [1, None, "ü"]}}

    def effects(self, principal: str | None = None) -> list[str]:
        with self.database.transaction(Context(principal or self.context.principal, "test")) as tx:
            found = granted(tx)
        return [str(one.engagement_id) for one in found if one.handle.startswith("effect-")]


@pytest.fixture
def desk(database: Database, context: Context, handle: str) -> Desk:
    return Desk(database, context, open_engagement(database, context, handle))


@pytest.fixture
def another_door(app_url: str) -> Iterator[Database]:
    with Database(app_url, context_key()) as database:
        yield database


class TestCarryOut:
    def test_answers_the_same_and_acts_once(self, desk: Desk) -> None:
        first = desk.send(desk.database, {"seats": 4})
        assert [desk.send(desk.database, {"seats": 4}) for _ in range(3)] == [first] * 3
        assert (desk.acts, desk.effects()) == (1, [first["opened"]])

    def test_takes_a_request_for_the_same_whatever_its_order(self, desk: Desk) -> None:
        first = desk.send(desk.database, {"seats": 4, "days": [1, 2]})
        assert desk.send(desk.database, {"days": [1, 2], "seats": 4}) == first

    def test_acts_once_for_two_at_once(self, desk: Desk, another_door: Database) -> None:
        with ThreadPoolExecutor(2) as pool:
            for number in range(5):
                sent = [
                    pool.submit(desk.send, door, {"seats": 4}, command_id=f"order:{number}")
                    for door in (desk.database, another_door)
                ]
                first, second = (answer.result(timeout=10) for answer in sent)
                assert first == second
        assert (desk.acts, len(desk.effects())) == (5, 5)

    def test_refuses_another_request_under_the_same_id(self, desk: Desk) -> None:
        first = desk.send(desk.database, {"seats": 4})
        with pytest.raises(Refusal, match="order:1: This command was given before"):
            desk.send(desk.database, {"seats": 5})
        assert (desk.acts, desk.effects()) == (1, [first["opened"]])
        assert desk.send(desk.database, {"seats": 4}) == first

    def test_acts_for_each_id_and_for_each_principal(self, desk: Desk) -> None:
        other = f"{desk.context.principal}-2"
        answers = [
            desk.send(desk.database, {}),
            desk.send(desk.database, {}, command_id="order:2"),
            desk.send(desk.database, {}, principal=other),
        ]
        assert desk.acts == 3
        assert len({answer["opened"] for answer in answers}) == 3
        assert (len(desk.effects()), len(desk.effects(other))) == (2, 1)

    def test_stores_nothing_when_the_action_fails(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        act = desk.act

        def fail_after_acting(tx: Transaction) -> Answer:
            act(tx)
            raise Refusal.of("seats", "There are none.", "Order fewer.")

        with monkeypatch.context() as patched:
            patched.setattr(desk, "act", fail_after_acting)
            with pytest.raises(Refusal, match="There are none"):
                desk.send(desk.database, {"seats": 4})
        assert desk.effects() == []
        later = desk.send(desk.database, {"seats": 5})  # the id was not used up
        assert desk.effects() == [later["opened"]]

    def test_stores_nothing_that_it_could_not_answer_again(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        act = desk.act

        def answer_with_an_id(tx: Transaction) -> Answer:
            act(tx)
            return {"opened": uuid4()}

        monkeypatch.setattr(desk, "act", answer_with_an_id)
        with pytest.raises(TypeError, match="not JSON serializable"):
            desk.send(desk.database, {"seats": 4})
        assert desk.effects() == []

    def test_answers_nobody_in_another_engagement(
        self, desk: Desk, database: Database, handle: str
    ) -> None:
        first = desk.send(desk.database, {})
        elsewhere = open_engagement(database, desk.context, f"{handle}-2")
        other = Desk(database, desk.context, elsewhere)
        assert other.send(database, {})["opened"] != first["opened"]
