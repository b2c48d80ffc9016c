"""Jobs: asked for with what makes them needed, carried out once in effect, by one at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from openbpo.storage.database import Context, Database, Transaction
from openbpo.storage.installation import open_database
from openbpo.storage.jobs import store
from openbpo.storage.jobs.actions import Work, claim, enqueue, keep
from openbpo.storage.jobs.model import WORKER, Job, LeaseLost
from openbpo.storage.jobs.queries import find_job, jobs_of, ready
from openbpo.values.refusals import Refusal

LONG, SHORT = 30.0, 0.2


@pytest.fixture
def engagement(database: Database, context: Context) -> UUID:
    return uuid4()


@pytest.fixture
def acting(context: Context, engagement: UUID) -> Context:
    return context.within(engagement)


@pytest.fixture
def second() -> Iterator[Database]:
    with open_database() as opened:
        yield opened


def asked(database: Database, acting: Context, **more: Any) -> UUID:
    [engagement] = acting.engagements
    with database.transaction(acting) as tx:
        return enqueue(tx, engagement, "test", {"n": 1}, **more)


def job_of(database: Database, acting: Context, job_id: UUID) -> Job:
    [engagement] = acting.engagements
    with database.transaction(acting) as tx:
        found = find_job(tx, engagement, job_id)
    assert found is not None
    return found


def is_ready(database: Database, engagement: UUID) -> bool:
    return engagement in {one.engagement_id for one in ready(database)}


class TestAskingForAJob:
    def test_of_which_one_waits_at_a_time_answers_which(
        self, database: Database, acting: Context, engagement: UUID
    ) -> None:
        first = asked(database, acting, alone_as="all")
        assert asked(database, acting, alone_as="all") == first
        assert asked(database, acting, alone_as="another") != first
        assert asked(database, acting) != asked(database, acting)
        assert claim(database, engagement, first) is not None
        assert asked(database, acting, alone_as="all") != first  # that one has begun

    def test_is_undone_with_what_made_it_needed(
        self, database: Database, acting: Context, engagement: UUID
    ) -> None:
        with pytest.raises(ZeroDivisionError):
            self.fails_later(database, acting, engagement)
        with database.transaction(acting) as tx:
            assert jobs_of(tx, engagement) == []
        assert not is_ready(database, engagement)

    def fails_later(self, database: Database, acting: Context, engagement: UUID) -> None:
        with database.transaction(acting) as tx:
            enqueue(tx, engagement, "test")
            raise ZeroDivisionError

    def test_keeps_one_that_waits_from_being_taken_up_before_the_commit(
        self, database: Database, second: Database, acting: Context, engagement: UUID
    ) -> None:
        """Else it might be carried out without what it is asked for a second time."""
        job_id = asked(database, acting, alone_as="all")
        with database.transaction(acting) as tx:
            assert enqueue(tx, engagement, "test", alone_as="all") == job_id
            assert claim(second, engagement, job_id) is None
        assert claim(second, engagement, job_id) is not None


class TestAJob:
    def test_is_taken_up_by_one(
        self, database: Database, second: Database, acting: Context, engagement: UUID
    ) -> None:
        job_id = asked(database, acting)
        assert is_ready(database, engagement)
        found = [claim(one, engagement, job_id) for one in (database, second)]
        assert [one is not None for one in found] == [True, False]
        assert not is_ready(database, engagement)

    def test_is_taken_up_by_one_of_many_at_once(
        self, database: Database, acting: Context, engagement: UUID
    ) -> None:
        job_id, won = asked(database, acting), list[Job]()
        barrier = threading.Barrier(4)

        def take() -> None:
            with open_database() as own:
                barrier.wait()
                if (job := claim(own, engagement, job_id)) is not None:
                    won.append(job)

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1

    def test_is_done_with_what_it_came_to(
        self, database: Database, acting: Context, engagement: UUID
    ) -> None:
        job_id = asked(database, acting)
        job = claim(database, engagement, job_id)
        assert job is not None
        work = Work(database, job)
        with work.step(1, 2, "half"):
            pass
        half = job_of(database, acting, job_id)
        assert (half.state, half.steps_done, half.steps, half.doing) == ("running", 1, 2, "half")
        work.done({"found": 3})
        done = job_of(database, acting, job_id)
        assert (done.state, done.outcome, done.leased_until) == ("done", {"found": 3}, None)
        assert claim(database, engagement, job_id) is None
        assert not is_ready(database, engagement)

    def test_that_fails_says_what_to_do(
        self, database: Database, acting: Context, engagement: UUID
    ) -> None:
        job_id = asked(database, acting)
        job = claim(database, engagement, job_id)
        assert job is not None
        Work(database, job).failed(Refusal.of("here", "It is wrong.", "Mend it."))
        failed = job_of(database, acting, job_id)
        assert failed.state == "failed"
        assert failed.error == [{"where": "here", "what": "It is wrong.", "remedy": "Mend it."}]

    def test_whose_lease_is_over_goes_to_the_next_who_alone_can_end_it(
        self, database: Database, second: Database, acting: Context, engagement: UUID
    ) -> None:
        job_id = asked(database, acting)
        dead = claim(database, engagement, job_id, lease_s=SHORT)
        assert dead is not None
        assert not is_ready(database, engagement)
        time.sleep(SHORT * 2)
        assert is_ready(database, engagement)
        living = claim(second, engagement, job_id)
        assert living is not None
        assert living.attempt == dead.attempt + 1
        late = Work(database, dead)
        assert not keep(database, dead)
        with pytest.raises(LeaseLost), late.step(1, 1) as tx:
            enqueue(tx, engagement, "written too late")
        with pytest.raises(LeaseLost):
            late.done({"by": "the dead"})
        with pytest.raises(LeaseLost):
            late.failed(Refusal.of("a", "b", "c"))
        Work(second, living).done({"by": "the living"})
        with database.transaction(acting) as tx:
            assert [one.kind for one in jobs_of(tx, engagement)] == ["test"]
        assert job_of(database, acting, job_id).outcome == {"by": "the living"}

    def test_that_is_kept_stays_whose_it_is(
        self, database: Database, second: Database, acting: Context, engagement: UUID
    ) -> None:
        job_id = asked(database, acting)
        job = claim(database, engagement, job_id, lease_s=SHORT)
        assert job is not None
        assert keep(database, job, lease_s=LONG)
        time.sleep(SHORT * 2)
        assert claim(second, engagement, job_id) is None


class TestWhichJobsAreReady:
    def test_the_worker_alone_is_told(
        self, database: Database, acting: Context, engagement: UUID
    ) -> None:
        asked(database, acting)
        assert is_ready(database, engagement)
        for context in (acting, Context("somebody", "look"), Context(f"{WORKER}s", "look")):
            with database.transaction(context) as tx:
                assert store.ready(tx) == []

    def test_is_one_of_each_engagement_the_longest_waiting_first(
        self, database: Database, acting: Context, engagement: UUID
    ) -> None:
        first, _ = asked(database, acting), asked(database, acting)
        other = Context("other", "test").within(uuid4())
        asked(database, other)
        found = [one for one in ready(database)
                 if one.engagement_id in {engagement, *other.engagements}]  # fmt: skip
        assert [one.engagement_id for one in found] == [engagement, *other.engagements]
        assert found[0].job_id == first

    def test_is_out_of_the_application_s_reach(self, database: Database, acting: Context) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            self.read(database, acting)

    def read(self, database: Database, acting: Context) -> None:
        with database.transaction(acting) as tx:
            tx.execute("SELECT * FROM sec.ready_job")


def test_a_stranger_sees_and_takes_no_job(
    database: Database, acting: Context, engagement: UUID
) -> None:
    job_id = asked(database, acting)
    stranger = Context("stranger", "test").within(uuid4())

    def look(tx: Transaction) -> Job | None:
        return find_job(tx, engagement, job_id)

    with database.transaction(stranger) as tx:
        assert look(tx) is None
        assert store.claim(tx, engagement, job_id, lease_s=1) is None
