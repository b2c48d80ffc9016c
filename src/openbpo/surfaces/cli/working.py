"""openbpo statements, work: what stands ready to be read, and what makes it so."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from openbpo.billing.statements.actions import refresh
from openbpo.billing.statements.model import Readiness, Statement
from openbpo.billing.statements.queries import readiness, stale_periods, stored_statement
from openbpo.storage.installation import open_database
from openbpo.storage.jobs.model import LEASE_S, Job
from openbpo.surfaces.cli.figures import amount_text
from openbpo.surfaces.cli.printing import say, say_json, table
from openbpo.surfaces.cli.session import Session, reading, session
from openbpo.surfaces.worker.running import run_ready
from openbpo.values.ids import EngagementId

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LOOK_EVERY_S = 2.0


def statements(
    engagement: Annotated[str, typer.Argument(help="The engagement: its agreement folder's name.")],
    refreshed: Annotated[
        bool, typer.Option("--refresh", help="First compute what is missing or stale.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the statements of all periods: at which entry each stands, and what it comes to."""
    with session("read statements") as current:
        engagement_id = reading(current, engagement, "statements")
        if refreshed:
            _refresh(current, engagement_id)
        with current.database.transaction(current.context.within(engagement_id)) as tx:
            found = [
                (one, stored_statement(tx, engagement_id, one.period))
                for one in readiness(tx, engagement_id)
            ]
    told = [_told(one, stored[0] if stored else None) for one, stored in found]
    if as_json:
        say_json(told)
        return
    if not told:
        say(f"The record of {engagement} holds no period yet: openbpo import {engagement} FILE")
        return
    head = ("Period", "State", "Entry", "Statement", "Fees", "Credits", "Total", "Due")
    for line in table(head, [_row(one) for one in told], right=(2, 4, 5, 6, 7)):
        say(line)


def _refresh(current: Session, engagement_id: EngagementId) -> None:
    """Each period in a transaction of its own: what is computed stays, whatever comes after."""
    context = current.context.within(engagement_id)
    with current.database.transaction(context) as tx:
        stale = stale_periods(tx, engagement_id)
    for period in stale:
        with current.database.transaction(context) as tx:
            refresh(tx, engagement_id, [period])


def _told(one: Readiness, stored: Statement | None) -> dict[str, Any]:
    told: Mapping[str, Any] = stored.told if stored else {}
    sums = {name: told.get(name) for name in ("state", "currency", "fees", "credits", "total")}
    return {
        "period": one.period,
        "entry": one.entry,
        "stands": "missing" if stored is None else "stale" if one.is_stale else "fresh",
        **sums,
        "due": told["due"]["total"] if told else None,
    }


def _row(told: Mapping[str, Any]) -> tuple[str, ...]:
    amounts = tuple(
        amount_text(told[name], told["currency"]) if told[name] is not None else ""
        for name in ("fees", "credits", "total", "due")
    )
    entry = "" if told["entry"] is None else str(told["entry"])
    return (told["period"], told["state"] or "", entry, told["stands"], *amounts)


def work(
    once: Annotated[bool, typer.Option("--once", help="End when nothing waits any more.")] = False,
    lease_s: Annotated[
        float,
        typer.Option(
            "--lease", help="After how many seconds a dead worker's job is taken up.", min=1, max=60
        ),
    ] = LEASE_S,
    as_json: AsJson = False,
) -> None:
    """Carry out the jobs that wait: statements are computed after each import, closing, version."""

    def tell(job: Job, ended: str) -> None:
        if as_json:
            ids = {"engagement_id": str(job.engagement_id), "job_id": str(job.job_id)}
            what = {"kind": job.kind, "asked_by": job.asked_by, "attempt": job.attempt}
            say_json({**ids, **what, "ended": ended})
        else:
            again = f", for the {job.attempt}. time" if job.attempt > 1 else ""
            say(f"{job.kind} for {job.asked_by}{again}: {ended}.")

    with open_database(tell=lambda note: typer.echo(note, err=True)) as database:
        while True:
            taken = run_ready(database, open_database, tell=tell, lease_s=lease_s)
            if once and not taken:
                return
            if not taken:
                time.sleep(LOOK_EVERY_S)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(statements)
    app.command()(work)
