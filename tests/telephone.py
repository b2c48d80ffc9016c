"""The telephone example in memory: its agreement, and calls of a file as the record would tell."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from openbpo.agreements.files import read_folder
from openbpo.agreements.model import Agreement
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.resolved import Resolved, from_facts, resolve
from openbpo.agreements.service_levels.decisions import case_of
from openbpo.agreements.service_levels.model import Case, CaseEvent
from openbpo.agreements.versions.model import Standing, Terms
from openbpo.assurance.attainment.queries import PeriodOfWork, find_period
from openbpo.values.ids import EventId, VersionId
from tests.support import REPOSITORY

EXAMPLE = REPOSITORY / "examples" / "telephone"
ZONE = ZoneInfo("Asia/Jerusalem")
NEVER = "0:00:00"
TIMES = {"arrived": "vru_entry", "queued": "q_start", "answered": "ser_start", "ended": "ser_exit"}


def example_files() -> dict[str, bytes]:
    """Return the files of the example."""
    return dict(read_folder(EXAMPLE))


def example(edits: Mapping[str, Iterable[tuple[str, str]]] = {}) -> Agreement:
    """Return the example's agreement, with pieces of its files replaced."""
    return read_agreement(edited(example_files(), edits))


def edited(
    files: Mapping[str, bytes], edits: Mapping[str, Iterable[tuple[str, str]]]
) -> dict[str, bytes]:
    """Return files with pieces of them replaced, each at its first place."""
    found = dict(files)
    for name, replacements in edits.items():
        for old, new in replacements:
            text = found[name].decode()
            assert old in text, f"{name} does not hold {old!r}"
            found[name] = text.replace(old, new, 1).encode()
    return found


def rows_of(path: Path) -> Iterator[Mapping[str, str]]:
    """Yield the rows of a file of calls."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter="\t")


def call(agreement: Agreement, row: Mapping[str, str], number: int = 0) -> Case:
    """Return the call that a row tells, as the mapping of the example means it."""
    queue = (row["q_start"], row["q_exit"])
    values: dict[str, object] = {
        "outcome": row["outcome"],
        "queued": queue != (NEVER, NEVER),
        "waited_s": Decimal(row["q_time"]),
        "served_s": Decimal(row["ser_time"]),
        "priority": row["priority"],
        "type": row["type"],
        "server": row["server"],
    }
    key = " ".join((row["vru+line"], row["call_id"], row["date"]))
    return call_of(agreement, key, dict(_events(row)), values, number)


def call_of(
    agreement: Agreement,
    key: str,
    events: Mapping[str, datetime],
    values: Mapping[str, object],
    number: int = 0,
) -> Case:
    """Return a call of these events and attributes."""
    [service] = agreement.services.values()
    told = [
        CaseEvent(EventId(f"{number}.{place}"), at, values, kind)
        for place, (kind, at) in enumerate(sorted(events.items(), key=lambda one: one[1]))
    ]
    return case_of(key, told, service, agreement.attributes)


def _events(row: Mapping[str, str]) -> Iterator[tuple[str, datetime]]:
    before: datetime | None = None
    for kind, column in TIMES.items():
        if row[column] == NEVER and kind != "arrived":
            continue
        at = datetime.strptime(f"{row['date']} {row[column]}", "%y%m%d %H:%M:%S")  # noqa: DTZ007
        if before is not None and before - at > timedelta(hours=12):
            at += timedelta(days=1)
        before = at
        yield kind, at.replace(tzinfo=ZONE).astimezone(UTC)


def work_of(agreement: Agreement, cases: Iterable[Case], name: str = "1999-01") -> PeriodOfWork:
    """Return a period of these calls, under the agreement alone."""
    terms = terms_of(agreement)
    period, _ = find_period([terms], name)
    return PeriodOfWork(period=period, terms=terms, cases=((terms, tuple(cases)),))


def terms_of(agreement: Agreement) -> Terms:
    """Return an agreement as the terms that govern."""
    resolved: Resolved = from_facts(agreement, resolve(agreement))
    return Terms(
        version_id=VersionId(UUID(int=1)),
        agreement=agreement,
        resolved=resolved,
        days=agreement.in_force,
        content_hash=bytes(32),
        standing=Standing.AGREED,
        signed_by=("client", "provider"),
    )
