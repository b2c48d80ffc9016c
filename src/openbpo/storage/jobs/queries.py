"""Which jobs there are, and how far."""

from __future__ import annotations

from uuid import UUID

from openbpo.storage.database import Context, Database, Transaction
from openbpo.storage.jobs import store
from openbpo.storage.jobs.model import WORKER, Job
from openbpo.storage.jobs.store import Ready

LATEST = 50


def ready(database: Database) -> list[Ready]:
    """Return one job of each engagement that can be taken up, the longest waiting first."""
    with database.transaction(Context(WORKER, "look for jobs")) as tx:
        return store.ready(tx)


def find_job(tx: Transaction, engagement_id: UUID, job_id: UUID) -> Job | None:
    """Return a job of an engagement, None if there is none of this id."""
    return store.find(tx, engagement_id, job_id)


def jobs_of(tx: Transaction, engagement_id: UUID, *, limit: int = LATEST) -> list[Job]:
    """Return the jobs of an engagement, the latest first."""
    return store.latest(tx, engagement_id, limit)


def jobs_of_kind(
    tx: Transaction, engagement_id: UUID, kind: str, *, limit: int = LATEST
) -> list[Job]:
    """Return the jobs of a kind, the latest first."""
    return store.latest_of(tx, engagement_id, kind, limit)


def latest_alone(tx: Transaction, engagement_id: UUID, kind: str, alone_as: str) -> Job | None:
    """Return the latest job of a kind that is `alone_as` a word, None if there was none."""
    return store.latest_alone(tx, engagement_id, kind, alone_as)


__all__ = ["Ready", "find_job", "jobs_of", "jobs_of_kind", "latest_alone", "ready"]
