"""A job: what is to be done, for whom, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

Plain = str | int | bool | None
"""What a job's arguments may hold: ids and small plain values."""

WORKER = "openbpo:worker"
"""The principal that looks for jobs. What a job does, it does as whoever asked for it."""
LEASE_S = 30.0
MOST_ATTEMPTS = 5


class JobState(StrEnum):
    """How far a job has come."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """
    A job as it is stored; `attempt` is the token that fences off whoever took it up before.

    `steps_done` of `steps` are done, and `doing` says what is under way. `error` holds the mistakes
    of one that failed, each with where, what and remedy.
    """

    engagement_id: UUID
    job_id: UUID
    kind: str
    arguments: Mapping[str, Any]
    asked_by: str
    asked_at: datetime
    state: str
    attempt: int
    leased_until: datetime | None
    steps_done: int
    steps: int | None
    doing: str | None
    outcome: Mapping[str, Any] | None
    error: list[Mapping[str, str]] | None
    ended_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """Return how far it is, for programs and pages."""
        return {
            "job_id": str(self.job_id),
            "kind": self.kind,
            "arguments": dict(self.arguments),
            "asked_by": self.asked_by,
            "asked_at": self.asked_at.isoformat(),
            "state": self.state,
            "attempt": self.attempt,
            "steps_done": self.steps_done,
            "steps": self.steps,
            "doing": self.doing,
            "outcome": self.outcome,
            "error": self.error,
            "ended_at": self.ended_at.isoformat() if self.ended_at else None,
        }


class LeaseLost(Exception):  # noqa: N818
    """Another worker has taken the job up: what this one would still write is rolled back."""
