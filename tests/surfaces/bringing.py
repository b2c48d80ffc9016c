"""Files such as strangers bring, and the worker that takes them in."""

from __future__ import annotations

import io
import random
import zipfile
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from openbpo.storage.database import Context, Database
from openbpo.storage.installation import open_database
from openbpo.storage.jobs.actions import claim
from openbpo.storage.jobs.model import Job
from openbpo.storage.jobs.queries import find_job
from openbpo.surfaces.worker.running import run
from tests.surfaces.conftest import Visitor

HEADER = "Ticket,Priority,Agent,Created,First response,Resolved,Closed"
TERMS = {
    "line": "helpdesk", "title": "Night desk", "side": "client", "client": "Acme Inc.",
    "provider": "Desk Ltd.", "country": "US", "zone": "America/New_York",
    "in_force": "2025-01-01", "started": "event:created", "finished": "event:resolved",
    "within": "8 h", "days": "monday to friday", "opens": "08:00", "closes": "18:00",
    "holidays": "US", "expected": "95", "minimum": "90", "below_expected": "5",
    "below_minimum": "10", "low_volume": "20", "rate": "38.00", "currency": "USD", "tax": "",
}  # fmt: skip


def written(at: datetime) -> str:
    return f"{at.month}/{at.day}/{at.year} {(at.hour - 1) % 12 + 1}:{at:%M %p}"


def tickets(rows: int = 400, *, bad: int = 0, seed: int = 3) -> bytes:
    """A row a ticket over some months; `bad` rows have a time that is none."""
    dice = random.Random(seed)
    lines = [HEADER]
    start = datetime(2026, 1, 5, 9, 0)
    step = timedelta(days=150) / max(rows, 1)
    for n in range(rows):
        created = (start + n * step).replace(hour=dice.randint(8, 16), minute=dice.randint(0, 59))
        resolved = created + timedelta(minutes=dice.choice((30, 90, 200, 400, 3000)))
        closed = resolved + timedelta(days=2)
        told = f"see mail {n}" if n < bad else written(created)
        lines.append(
            f"INC-{n:05},{dice.choice(('high', 'low'))},agent {n % 7},{told},"
            f"{written(created + timedelta(minutes=9))},{written(resolved)},"
            f"{written(closed) if n % 6 else ''}"
        )
    return ("\n".join(lines) + "\n").encode()


def named(content: bytes, name: str = "tickets.csv") -> Any:
    file = io.BytesIO(content)
    file.name = name
    return file


def bomb() -> bytes:
    """A workbook that would unpack to a gigabyte."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            for _ in range(200):
                sheet.write(b" " * 1_000_000)
    return held.getvalue()


def carried_out(database: Database, context: Context, engagement_id: UUID, job_id: UUID) -> Job:
    """Carry one job out, as a worker does, and return it as it is then."""
    job = claim(database, engagement_id, job_id)
    assert job is not None
    run(database, open_database, job)
    with database.transaction(context.within(engagement_id)) as tx:
        found = find_job(tx, engagement_id, job_id)
    assert found is not None
    return found


def job_in(path: str) -> UUID:
    """Return the job that an address names."""
    return UUID(path.rstrip("/").rpartition("/")[2])


def engagement_of(visitor: Visitor, database: Database, handle: str) -> UUID:
    """Return the engagement of a name that somebody works in."""
    from openbpo.trust.engagements import granted

    with database.transaction(Context(visitor.person.principal, "test")) as tx:
        return next(one.engagement_id for one in granted(tx) if one.handle == handle)
