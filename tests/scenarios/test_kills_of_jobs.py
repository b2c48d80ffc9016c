"""A worker killed anywhere: the next one takes its job up, and all that is there is whole."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support import Ran, agreement_at, openbpo

from openbpo.lines.helpdesk.sample import write_sample
from openbpo.storage import failpoints, installation
from openbpo.storage import home as homes

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kills-of-jobs")]

PLACES = (
    "worker.after_claim", "jobs.before_step_commit", "jobs.before_step_commit@3",
    "jobs.after_step", "jobs.after_step@2", "jobs.before_end_commit",
)  # fmt: skip
LEASE = ("--lease", "1")


class Office:
    """A home of its own with a desk whose year is in the record, and jobs that wait."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home

    def run(self, *arguments: str, dying_at: str = "") -> Ran:
        env = {homes.VARIABLE: str(self.home), failpoints.VARIABLE: dying_at}
        return openbpo(*arguments, env=env)

    def done(self, *arguments: str) -> Ran:
        ran = self.run(*arguments)
        assert ran.status == 0, (arguments, ran.err)
        return ran

    def desk(self, name: str, log: Path) -> str:
        self.done("accept", str(agreement_at(self.folder / name)), "--as", "provider")
        self.done("import", name, str(log))
        return name

    def statements(self, desk: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.done("statements", desk, "--json").json
        return found

    def works(self) -> list[dict[str, Any]]:
        """Let a worker run until nothing waits; JSON documents follow one another."""
        text = self.done("work", "--once", "--json", *LEASE).out
        found: list[dict[str, Any]] = []
        decoder = json.JSONDecoder()
        while text := text.lstrip():
            told, end = decoder.raw_decode(text)
            found.append(told)
            text = text[end:]
        return found


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "log.csv"
    write_sample(path, 2025, 7)
    header, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text(header + "".join(rows[:500]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("jobs"), tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as environment:
        for name in (installation.APP_URL, installation.OWNER_URL):
            environment.delenv(name, raising=False)
        yield made
        assert made.run("down").status == 0


@pytest.fixture(scope="module")
def unharmed(office: Office, log: Path) -> list[dict[str, Any]]:
    """The statements of a desk whose worker was never killed."""
    desk = office.desk("unharmed", log)
    assert {one["stands"] for one in office.statements(desk)} == {"missing"}
    [ended] = office.works()
    assert (ended["kind"], ended["ended"], ended["attempt"]) == ("refresh-statements", "done", 1)
    found = office.statements(desk)
    assert {one["stands"] for one in found} == {"fresh"}
    assert len(found) >= 2
    assert office.works() == []
    return found


class TestAWorkerThatIsKilled:
    @pytest.mark.parametrize("at", PLACES)
    def test_leaves_its_job_to_the_next(
        self, office: Office, log: Path, unharmed: list[dict[str, Any]], at: str
    ) -> None:
        desk = office.desk(at.translate(str.maketrans(".@_", "---")), log)
        ran = office.run("work", "--once", *LEASE, dying_at=at)
        assert ran.status == -signal.SIGKILL, (at, ran)
        for one, whole in zip(office.statements(desk), unharmed, strict=True):
            assert one["stands"] == "missing" or one == whole
        time.sleep(1.2)
        [ended] = office.works()
        assert (ended["ended"], ended["attempt"]) == ("done", 2)
        assert office.statements(desk) == unharmed

    def test_over_and_over_is_given_up_with_a_remedy(self, office: Office, log: Path) -> None:
        desk = office.desk("hopeless", log)
        for _ in range(5):
            ran = office.run("work", "--once", *LEASE, dying_at="worker.after_claim")
            assert ran.status == -signal.SIGKILL
            time.sleep(1.2)
        [ended] = office.works()
        assert (ended["ended"], ended["attempt"]) == ("failed", 6)
        assert {one["stands"] for one in office.statements(desk)} == {"missing"}
