"""
Asking for a job, taking it up, and ending it.

A job runs once in effect: what it writes, it writes in steps, and each step is committed together
with a look at the lease. A worker that was thought dead, and is not, can commit nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from openbpo.storage.database import Context, Database, Transaction
from openbpo.storage.failpoints import failpoint
from openbpo.storage.identifiers import new_id
from openbpo.storage.jobs import store
from openbpo.storage.jobs.model import LEASE_S, WORKER, Job, LeaseLost, Plain
from openbpo.values.refusals import Refusal


def enqueue(
    tx: Transaction,
    engagement_id: UUID,
    kind: str,
    arguments: Mapping[str, Plain] | None = None,
    *,
    alone_as: str | None = None,
) -> UUID:
    """
    Ask for a job, in the transaction that makes it needed; return its id.

    Of the jobs of a kind that are `alone_as` the same word one waits at a time: where one does, its
    id is returned.
    """
    return store.add(tx, engagement_id, new_id(tx.at), kind, arguments or {}, alone_as)


def claim(
    database: Database, engagement_id: UUID, job_id: UUID, *, lease_s: float = LEASE_S
) -> Job | None:
    """Take a job up, None where somebody else has it or it is done."""
    with database.transaction(_worker(engagement_id)) as tx:
        return store.claim(tx, engagement_id, job_id, lease_s=lease_s)


def keep(database: Database, job: Job, *, lease_s: float = LEASE_S) -> bool:
    """Extend a job's lease; False where it is somebody else's by now."""
    with database.transaction(_worker(job.engagement_id)) as tx:
        return store.extend(tx, job, lease_s=lease_s)


@dataclass(frozen=True, slots=True)
class Work:
    """A job that was taken up, and where it is carried out: as whoever asked for it."""

    database: Database
    job: Job

    @property
    def context(self) -> Context:
        """Return the context of whoever asked, within the job's engagement."""
        return Context(self.job.asked_by, self.job.kind).within(self.job.engagement_id)

    @contextmanager
    def step(self, done: int, steps: int, doing: str | None = None) -> Iterator[Transaction]:
        """
        Give a transaction that is committed only while the job is still ours.

        With it is noted that `done` of `steps` are done. Raises LeaseLost.
        """
        with self.database.transaction(self.context) as tx:
            yield tx
            if not store.note_progress(tx, self.job, done, steps, doing):
                raise LeaseLost(self.job.job_id)
            failpoint("jobs.before_step_commit")
        failpoint("jobs.after_step")

    def done(self, outcome: Mapping[str, Any]) -> None:
        """End the job. Raises LeaseLost."""
        with self.database.transaction(self.context) as tx:
            if not store.end(tx, self.job, outcome=outcome):
                raise LeaseLost(self.job.job_id)
            failpoint("jobs.before_end_commit")

    def failed(self, refusal: Refusal) -> None:
        """End the job with what was wrong, and its remedies. Raises LeaseLost."""
        mistakes = [
            {"where": m.where, "what": m.what, "remedy": m.remedy} for m in refusal.mistakes
        ]
        with self.database.transaction(_worker(self.job.engagement_id)) as tx:
            if not store.end(tx, self.job, error=mistakes):
                raise LeaseLost(self.job.job_id)


def _worker(engagement_id: UUID) -> Context:
    return Context(WORKER, "work").within(engagement_id)
