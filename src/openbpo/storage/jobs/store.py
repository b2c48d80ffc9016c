"""The only SQL that names jobs. Leases are measured by the database's clock alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from openbpo.storage.database import Transaction
from openbpo.storage.jobs.model import Job

_COLUMNS: LiteralString = (
    "engagement_id, job_id, kind, arguments, asked_by, asked_at, state, attempt, leased_until,"
    " steps_done, steps, doing, outcome, error, ended_at"
)
_FENCED: LiteralString = (
    " WHERE engagement_id = %(engagement_id)s AND job_id = %(job_id)s AND state = 'running'"
    " AND attempt = %(attempt)s"
)


@dataclass(frozen=True, slots=True)
class Ready:
    """A job that can be taken up: ids, and no more."""

    engagement_id: UUID
    job_id: UUID


@dataclass(frozen=True, slots=True)
class _Added:
    job_id: UUID


def add(
    tx: Transaction,
    engagement_id: UUID,
    job_id: UUID,
    kind: str,
    arguments: Mapping[str, Any],
    alone_as: str | None,
) -> UUID:
    """
    Add a job, or return the one that waits already under the same word.

    That one is locked until the commit: nobody takes it up before what it is asked for is there.
    """
    added = tx.row(
        _Added,
        "INSERT INTO storage.job AS job (engagement_id, job_id, kind, arguments, alone_as,"
        " asked_by, asked_at) VALUES (%(engagement_id)s, %(job_id)s, %(kind)s, %(arguments)s,"
        " %(alone_as)s, %(asked_by)s, clock_timestamp())"
        " ON CONFLICT (engagement_id, kind, alone_as) WHERE state = 'waiting'"
        " DO UPDATE SET asked_at = job.asked_at RETURNING job_id",
        {
            "engagement_id": engagement_id,
            "job_id": job_id,
            "kind": kind,
            "arguments": Jsonb(dict(arguments)),
            "alone_as": alone_as,
            "asked_by": tx.context.principal,
        },
    )
    assert added is not None
    return added.job_id


def ready(tx: Transaction) -> list[Ready]:
    """Return one job of each engagement that can be taken up, the longest waiting first."""
    return tx.rows(Ready, "SELECT engagement_id, job_id FROM sec.ready_jobs()")


def claim(tx: Transaction, engagement_id: UUID, job_id: UUID, *, lease_s: float) -> Job | None:
    """Take a job up, None where somebody else has it or it is done."""
    return tx.row(
        Job,
        "UPDATE storage.job SET state = 'running', attempt = attempt + 1,"
        " leased_until = clock_timestamp() + make_interval(secs => %(lease_s)s)"
        " WHERE engagement_id = %(engagement_id)s AND job_id = ("
        "   SELECT j.job_id FROM storage.job j WHERE j.engagement_id = %(engagement_id)s"
        "      AND j.job_id = %(job_id)s AND (j.state = 'waiting'"
        "       OR (j.state = 'running' AND j.leased_until <= clock_timestamp()))"
        "   FOR UPDATE SKIP LOCKED) RETURNING " + _COLUMNS,
        {"engagement_id": engagement_id, "job_id": job_id, "lease_s": lease_s},
    )


def extend(tx: Transaction, job: Job, *, lease_s: float) -> bool:
    """Extend a lease; False where it is somebody else's by now."""
    return bool(
        tx.execute(
            "UPDATE storage.job SET"
            " leased_until = clock_timestamp() + make_interval(secs => %(lease_s)s)" + _FENCED,
            {**_token(job), "lease_s": lease_s},
        )
    )


def note_progress(tx: Transaction, job: Job, done: int, steps: int, doing: str | None) -> bool:
    """Note how far a job is; False where it is somebody else's by now."""
    return bool(
        tx.execute(
            "UPDATE storage.job SET steps_done = %(done)s, steps = %(steps)s, doing = %(doing)s"
            + _FENCED,
            {**_token(job), "done": done, "steps": steps, "doing": doing},
        )
    )


def end(
    tx: Transaction,
    job: Job,
    *,
    outcome: Mapping[str, Any] | None = None,
    error: Sequence[Mapping[str, str]] | None = None,
) -> bool:
    """End a job; False where it is somebody else's by now."""
    return bool(
        tx.execute(
            "UPDATE storage.job SET state = %(state)s, leased_until = NULL, doing = NULL,"
            " outcome = %(outcome)s, error = %(error)s, ended_at = clock_timestamp()" + _FENCED,
            {
                **_token(job),
                "state": "failed" if error is not None else "done",
                "outcome": None if outcome is None else Jsonb(dict(outcome)),
                "error": None if error is None else Jsonb(list(error)),
            },
        )
    )


def _token(job: Job) -> dict[str, object]:
    return {"engagement_id": job.engagement_id, "job_id": job.job_id, "attempt": job.attempt}


def find(tx: Transaction, engagement_id: UUID, job_id: UUID) -> Job | None:
    """Return a job."""
    return tx.row(
        Job,
        "SELECT " + _COLUMNS + " FROM storage.job WHERE engagement_id = %(engagement_id)s"
        " AND job_id = %(job_id)s",
        {"engagement_id": engagement_id, "job_id": job_id},
    )


def latest(tx: Transaction, engagement_id: UUID, limit: int) -> list[Job]:
    """Return the jobs of an engagement, the latest first."""
    return tx.rows(
        Job,
        "SELECT " + _COLUMNS + " FROM storage.job WHERE engagement_id = %(engagement_id)s"
        " ORDER BY asked_at DESC, job_id DESC LIMIT %(limit)s",
        {"engagement_id": engagement_id, "limit": limit},
    )


def latest_of(tx: Transaction, engagement_id: UUID, kind: str, limit: int) -> list[Job]:
    """Return the jobs of a kind, the latest first."""
    return tx.rows(
        Job,
        "SELECT " + _COLUMNS + " FROM storage.job WHERE engagement_id = %(engagement_id)s"
        " AND kind = %(kind)s ORDER BY asked_at DESC, job_id DESC LIMIT %(limit)s",
        {"engagement_id": engagement_id, "kind": kind, "limit": limit},
    )


def latest_alone(tx: Transaction, engagement_id: UUID, kind: str, alone_as: str) -> Job | None:
    """Return the latest job of a kind that is alone as a word."""
    return tx.row(
        Job,
        "SELECT " + _COLUMNS + " FROM storage.job WHERE engagement_id = %(engagement_id)s"
        " AND kind = %(kind)s AND alone_as = %(alone_as)s"
        " ORDER BY asked_at DESC, job_id DESC LIMIT 1",
        {"engagement_id": engagement_id, "kind": kind, "alone_as": alone_as},
    )
