"""What scenarios need: the real command, an agreement folder to edit, and logs to import."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from openbpo.record.decisions import Happening, Row, RowKeys, new_events
from openbpo.record.lines import facts_text
from openbpo.record.model import NewEvent

REPOSITORY = Path(__file__).parent.parent
EXAMPLE = REPOSITORY / "examples" / "helpdesk"

HEADER = (
    "Case ID", "Activity", "Resource", "Complete Timestamp", "Variant", "Variant index", "Variant",
    "seriousness", "customer", "product", "responsible_section", "seriousness_2", "service_level",
    "service_type", "support_section", "workgroup",
)  # fmt: skip
LEVELS = {"premium": "Value 1", "standard": "Value 2", "basic": "Value 3", "project": "Value 4"}


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that was run."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return what it printed, as JSON."""
        return json.loads(self.out)


def openbpo(*arguments: str, env: Mapping[str, str] | None = None) -> Ran:
    """Run the real command in a process of its own, under the home of these tests."""
    run = subprocess.run(
        [sys.executable, "-m", "openbpo", *arguments],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, **(env or {})},
        timeout=300,
    )
    return Ran(run.returncode, run.stdout, run.stderr)


def done(*arguments: str) -> Ran:
    """Run a command that must succeed."""
    ran = openbpo(*arguments)
    assert ran.status == 0, (arguments, ran.err)
    return ran


def agreement_at(folder: Path, edits: Mapping[str, Sequence[tuple[str, str]]] = {}) -> Path:
    """Copy the example agreement to a folder, and replace pieces of its files by others."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".*"))
    for name, replacements in edits.items():
        text = (folder / name).read_text(encoding="utf-8")
        for old, new in replacements:
            assert old in text, f"{name} does not hold {old!r}"
            text = text.replace(old, new)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@dataclass(frozen=True, slots=True)
class Ticket:
    """A made-up ticket: its level, and what happened when (local time)."""

    level: str
    events: Sequence[tuple[str, str]]


def ticket(level: str, opened: str, resolved: str, closed: str | None = None) -> Ticket:
    """Return a ticket that was worked on from its opening to its resolution."""
    events = [("Take in charge ticket", opened), ("Resolve ticket", resolved)]
    return Ticket(level, [*events, ("Closed", closed)] if closed else events)


def write_log(path: Path, tickets: Iterable[Ticket]) -> Path:
    """Write a log in the shape of the real one; its cases are numbered from 1."""
    return write_cases(path, {f"Case {n}": told for n, told in enumerate(tickets, start=1)})


def write_cases(path: Path, tickets: Mapping[str, Ticket], **cells: str) -> Path:
    """Write a log of the cases named; `cells` say what stands in other columns."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for case, told in tickets.items():
            writer.writerows(_row(case, told.level, *event, **cells) for event in told.events)
    return path


def _row(case: str, level: str, activity: str, at: str, **more: str) -> list[str]:
    moment = datetime.fromisoformat(at)
    cells = dict.fromkeys(HEADER, "Value 1")
    cells |= {
        "Case ID": case,
        "Activity": activity,
        "Complete Timestamp": f"{moment:%Y/%m/%d %H:%M:%S}.{moment.microsecond // 1000:03}",
        "service_level": LEVELS[level],
        **more,
    }
    return [cells[name] for name in HEADER]


def told_event(
    *,
    kind: str,
    type_: str,
    subject: str,
    happened_at: datetime,
    facts: Mapping[str, object],
    closed: Mapping[str, object],
    position: int,
    part: int,
    row_key: bytes,
    row_content: bytes,
    rank: str | None,
    random: bytes,
) -> NewEvent:
    """Return an event as an import makes it; `random` are its salts, 16 bytes each."""
    told = Happening(type_, subject, happened_at, facts_text(facts), {}, closed, rank)
    keys = _GivenKeys({"key": row_key, "content": row_content})
    rows = [Row(position, "key", "content", [*[told] * (part - 1), told])]
    [event] = [
        event
        for event in new_events(kind, keys, rows, lambda size: (random * part)[:size])
        if event.part == part
    ]
    return event


class _GivenKeys(RowKeys):
    """Row keys that a test gives."""

    def __init__(self, given: Mapping[str, bytes]) -> None:
        self._given = given

    def of(self, text: str) -> bytes:
        return self._given[text]
