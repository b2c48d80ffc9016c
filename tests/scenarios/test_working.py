"""The worker: what is asked for with an act is done as whoever did it, or refused in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.desk import Desk
from tests.support import agreement_at, ticket, write_log

from openbpo.billing.statements.queries import stale_periods
from openbpo.record.journal import REFRESH_STATEMENTS
from openbpo.storage.database import Context, Database
from openbpo.storage.installation import open_database
from openbpo.storage.jobs.actions import Work, claim, enqueue
from openbpo.storage.jobs.model import Job
from openbpo.storage.jobs.queries import jobs_of
from openbpo.surfaces.cli.session import checked_principal
from openbpo.surfaces.worker.kinds import KINDS, Carry
from openbpo.surfaces.worker.running import run
from openbpo.values.refusals import Refusal

pytestmark = pytest.mark.xdist_group("working")
MAY = ("2012-05-07T08:30:00", "2012-05-07T12:00:00", "2012-05-31T18:00:00")
JUNE = ("2012-06-07T08:30:00", "2012-06-07T12:00:00", "2012-06-29T18:00:00")


@pytest.fixture
def desk(
    databases: tuple[Database, Database], context: Context, handle: str, tmp_path: Path
) -> Desk:
    return Desk.opened(databases, context, handle, agreement_at(tmp_path / handle))


def jobs(desk: Desk) -> list[Job]:
    with desk.reading() as it:
        return jobs_of(it.tx, desk.engagement_id)


def carried_out(desk: Desk, kinds: Mapping[str, Carry] = KINDS) -> tuple[str, Job]:
    """Carry out the job that waits."""
    [waiting] = [job for job in jobs(desk) if job.state == "waiting"]
    job = claim(desk.database, desk.engagement_id, waiting.job_id)
    assert job is not None
    ended = run(desk.database, open_database, job, kinds=kinds)
    return ended, next(one for one in jobs(desk) if one.job_id == job.job_id)


def asked(desk: Desk, kind: str) -> UUID:
    with desk.database.transaction(desk.context.within(desk.engagement_id)) as tx:
        return enqueue(tx, desk.engagement_id, kind)


class TestStatements:
    def test_are_refreshed_after_each_act_that_may_change_them(
        self, desk: Desk, tmp_path: Path
    ) -> None:
        assert [job.kind for job in jobs(desk)] == [REFRESH_STATEMENTS]  # a version was signed
        ended, job = carried_out(desk)
        assert (ended, job.outcome) == ("done", {"refreshed": []})
        desk.imports(write_log(tmp_path / "may.csv", [ticket("premium", *MAY)]))
        ended, job = carried_out(desk)
        assert (ended, job.outcome) == ("done", {"refreshed": ["2012-05"]})
        assert job.asked_by == desk.context.principal
        desk.closes("2012-05")
        assert carried_out(desk)[1].outcome == {"refreshed": ["2012-05"]}
        desk.imports(write_log(tmp_path / "june.csv", [ticket("premium", *JUNE)] * 2))
        desk.accepts(tmp_path / desk.handle, "client")  # one job waits for both
        assert carried_out(desk)[1].outcome == {"refreshed": ["2012-06"]}
        with desk.reading() as it:
            assert stale_periods(it.tx, desk.engagement_id) == []


class TestAJobThatCannotBe:
    def test_is_refused_where_who_asked_is_not_let_in_any_more(
        self, desk: Desk, owner: Any
    ) -> None:
        owner.execute(
            "DELETE FROM sec.engagement_grant WHERE engagement_id = %s", [desk.engagement_id]
        )
        ended, job = carried_out(desk)
        assert ended == "failed"
        assert job.error is not None
        assert "not granted" in job.error[0]["what"]

    def test_is_refused_where_its_kind_is_not_known(self, desk: Desk) -> None:
        carried_out(desk)
        asked(desk, "make coffee")
        ended, job = carried_out(desk)
        assert ended == "failed"
        assert job.error is not None
        assert "newest OpenBPO" in job.error[0]["remedy"]

    def test_tells_a_refusal_with_its_remedy(self, desk: Desk) -> None:
        def refuse(_work: Work) -> Mapping[str, Any]:
            raise Refusal.of("row 7", "It is wrong.", "Mend it.")

        ended, job = carried_out(desk, {REFRESH_STATEMENTS: refuse})
        assert ended == "failed"
        assert job.error == [{"where": "row 7", "what": "It is wrong.", "remedy": "Mend it."}]

    def test_tells_nothing_of_what_a_fault_of_the_program_says(self, desk: Desk) -> None:
        def break_(_work: Work) -> Mapping[str, Any]:
            raise ValueError("Anna Rossi")

        with pytest.raises(ValueError, match="Anna"):
            carried_out(desk, {REFRESH_STATEMENTS: break_})
        [job] = jobs(desk)
        assert job.state == "failed"
        assert "Anna" not in str(job.error)


def test_nobody_passes_as_the_worker() -> None:
    with pytest.raises(Refusal, match="cannot name a principal"):
        checked_principal("openbpo:worker")
