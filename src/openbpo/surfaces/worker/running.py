"""
Looking for jobs, and carrying each out as whoever asked for it.

A lease is kept by a thread with a connection of its own while the job is carried out. Where the
process dies the lease runs out, and the next worker takes the job up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import psycopg

from openbpo.storage.database import Context, Database, OutcomeUnknown
from openbpo.storage.failpoints import failpoint
from openbpo.storage.jobs.actions import Work, claim, keep
from openbpo.storage.jobs.model import LEASE_S, MOST_ATTEMPTS, Job, LeaseLost
from openbpo.storage.jobs.queries import Ready, ready
from openbpo.surfaces.worker.kinds import KINDS, Carry
from openbpo.trust.engagements import granted
from openbpo.values.refusals import Refusal, Unavailable

KEEPS = 3
"""How often a lease is extended in its length."""

Open = Callable[[], AbstractContextManager[Database]]
Tell = Callable[[Job, str], None]


def run_ready(
    database: Database,
    open_another: Open,
    *,
    tell: Tell,
    lease_s: float = LEASE_S,
    kinds: Mapping[str, Carry] = KINDS,
) -> int:
    """Carry out one job of each engagement that has one, and return how many were taken up."""
    taken = 0
    for one in ready(database):
        job = _claimed(database, one, lease_s)
        if job is not None:
            taken += 1
            failpoint("worker.after_claim")
            tell(job, run(database, open_another, job, lease_s=lease_s, kinds=kinds))
    return taken


def _claimed(database: Database, one: Ready, lease_s: float) -> Job | None:
    return claim(database, one.engagement_id, one.job_id, lease_s=lease_s)


def run(
    database: Database,
    open_another: Open,
    job: Job,
    *,
    lease_s: float = LEASE_S,
    kinds: Mapping[str, Carry] = KINDS,
) -> str:
    """Carry out a job that was taken up; return how it ended: done, failed or taken over."""
    work = Work(database, job)
    try:
        with _kept(open_another, job, lease_s):
            _carry_out(work, kinds)
    except (LeaseLost, OutcomeUnknown):
        return "taken over"
    except (Unavailable, psycopg.OperationalError):
        raise  # the next worker tries again, once the lease is over
    except Refusal as refusal:
        return _failed(work, refusal)
    except Exception as fault:
        _failed(work, _unexpected(fault))
        raise
    return "done"


def _carry_out(work: Work, kinds: Mapping[str, Carry]) -> None:
    job = work.job
    if job.attempt > MOST_ATTEMPTS:
        raise Refusal.of(
            job.kind,
            f"It was taken up {MOST_ATTEMPTS} times, and each time its worker died.",
            "Look into the worker's output for what ends it, and ask for it again.",
        )
    if job.kind not in kinds:
        raise Refusal.of(
            job.kind, "This worker knows no such job.", "Run a worker of the newest OpenBPO."
        )
    _refuse_ungranted(work)
    work.done(kinds[job.kind](work))


def _refuse_ungranted(work: Work) -> None:
    """Who asked must still be let in when it is carried out."""
    asking = Context(work.job.asked_by, work.job.kind)
    with work.database.transaction(asking) as tx:
        held = {one.engagement_id for one in granted(tx)}
    if work.job.engagement_id not in held:
        raise Refusal.of(
            work.job.asked_by,
            "Who asked for this is not granted the engagement any more.",
            "Let somebody who is ask for it again.",
        )


def _failed(work: Work, refusal: Refusal) -> str:
    try:
        work.failed(refusal)
    except LeaseLost:
        return "taken over"
    return "failed"


def _unexpected(fault: Exception) -> Refusal:
    """What a fault says may hold what the record holds: its kind alone is told."""
    return Refusal.of(
        "worker",
        f"It broke off with a fault of the program ({type(fault).__name__}).",
        "The worker's output says more. Ask for it again once that is mended.",
    )


@contextmanager
def _kept(open_another: Open, job: Job, lease_s: float) -> Iterator[None]:
    """Keep a lease while the block runs."""
    over = threading.Event()

    def extend() -> None:
        with open_another() as database:
            while not over.wait(lease_s / KEEPS):
                if not keep(database, job, lease_s=lease_s):
                    return

    thread = threading.Thread(target=extend, name=f"lease of {job.job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
