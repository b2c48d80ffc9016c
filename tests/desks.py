"""A help desk as its people work with it: by the real commands, run within this process."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from openbpo.lines.helpdesk.sample import write_sample
from openbpo.surfaces.cli.main import app
from openbpo.surfaces.sealing import WITNESS
from openbpo.values.refusals import Refusal
from tests.support import agreement_at

PRIVATE = (
    "class: fact\n    type: string\n    purpose: Hand-overs",
    "class: fact\n    audience: provider\n    type: string\n    purpose: Hand-overs",
)
"""Who worked on a ticket is the provider's alone."""
JANUARY, FEBRUARY = "2025-01", "2025-02"


def run(*arguments: str) -> str:
    """Run a command in this process, and return what it prints; raises what it raises."""
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=True)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, (arguments, done.output)
    return done.stdout


def told(*arguments: str) -> Any:
    """Run a command with --json, and return what it tells."""
    return json.loads(run(*arguments, "--json"))


def refused(*arguments: str) -> str:
    """Run a command that must be refused, and return in which words."""
    with pytest.raises(Refusal) as raised:
        run(*arguments)
    return str(raised.value)


@contextmanager
def witnessed_by(address: object) -> Iterator[None]:
    """Let commands hand checkpoints to a witness."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(WITNESS, str(address))
        yield


@dataclass(frozen=True)
class Desk:
    """An engagement with a made-up log, which may come in piece by piece."""

    name: str
    folder: Path
    rows: Sequence[Sequence[str]]
    header: Sequence[str]

    def accepted(self) -> Desk:
        """Let both sides sign."""
        for side in ("provider", "client"):
            run("accept", str(self.folder / self.name), "--as", side)
        return self

    def takes_in(self, first: int, end: int) -> Desk:
        """Import some rows of the log."""
        path = self.folder / f"{self.name}-{first}-{end}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(self.header)
            writer.writerows(self.rows[first:end])
        run("import", self.name, str(path))
        return self

    def bundle(self, *options: str, out: str = "pack") -> Path:
        """Write its pack."""
        path = self.folder / out
        run("bundle", self.name, "--out", str(path), *options)
        return path

    @property
    def key(self) -> Path:
        """A file with the sealing keys' public history."""
        path = self.folder / "seal-keys.public"
        path.write_text(run("keys", "--seal"), encoding="utf-8")
        return path


def desk(folder: Path, name: str, rows: int = 2_000) -> Desk:
    """Return a desk with its agreement on the disk, and the first rows of a made-up year."""
    agreement_at(folder / name, {"data.yaml": [PRIVATE]})
    log = folder / "sample.csv"
    if not log.exists():
        write_sample(log, 2025, 7)
    with log.open(newline="", encoding="utf-8") as file:
        header, *all_rows = csv.reader(file)
    all_rows.sort(key=lambda row: row[3])
    return Desk(name, folder, all_rows[:rows], header)


def worked(folder: Path, name: str, rows: int = 1_500) -> Desk:
    """Return a desk with two closed months, of which the second adjusts, and a countersignature."""
    made = desk(folder, name, rows).accepted()
    cut = next(number for number, row in enumerate(made.rows) if row[3] > "2025/02/01")
    made.takes_in(40, cut)
    run("close", name, "--period", JANUARY)
    run("countersign", name, "--as", "client")
    made.takes_in(0, 40).takes_in(cut, rows)
    run("close", name, "--period", FEBRUARY)
    run("close", name, "--period", JANUARY, "--state", "agreed", "--as", "client")
    return made
