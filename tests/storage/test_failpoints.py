"""A failpoint kills the process where it is told to, and nowhere else."""

import os
import signal
import subprocess
import sys

from openbpo.storage import failpoints

CALLS = """
from openbpo.storage.failpoints import failpoint
for time in range(3):
    failpoint("server.after_rename")
    print(time, flush=True)
"""


def run(wanted: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {failpoints.VARIABLE: wanted}
    command = (sys.executable, "-c", CALLS)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20)


class TestFailpoint:
    def test_does_nothing_unless_told_to(self) -> None:
        assert run("").stdout.split() == ["0", "1", "2"]

    def test_passes_when_another_is_wanted(self) -> None:
        assert run("server.after_start").stdout.split() == ["0", "1", "2"]

    def test_kills_at_once(self) -> None:
        killed = run("server.after_rename")
        assert killed.returncode == -signal.SIGKILL
        assert killed.stdout == ""

    def test_kills_the_nth_time(self) -> None:
        killed = run("server.after_rename@3")
        assert killed.returncode == -signal.SIGKILL
        assert killed.stdout.split() == ["0", "1"]

    def test_asserts_that_the_name_is_one_that_the_source_calls(self) -> None:
        misspelt = run("server.after_renaming")
        assert misspelt.returncode == 1
        assert "AssertionError: unknown failpoint: ['server.after_renaming']" in misspelt.stderr


def test_the_known_are_read_from_the_source() -> None:
    assert {"server.during_initdb", "server.after_start"} <= failpoints.known()
