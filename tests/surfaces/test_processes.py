"""All processes of one command: one that dies comes back, and all end together."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from openbpo.storage.database import Database
from openbpo.surfaces import processes
from tests.support import openbpo


def free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with closing(socket.socket()) as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


def children(pid: int) -> list[int]:
    told = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in told.read_text().split()]


def commands(pid: int) -> dict[str, int]:
    found = {}
    for child in children(pid):
        with suppress(FileNotFoundError):
            words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            if len(words) > 3:  # between fork and exec it still has our own
                found[words[3].decode()] = child
    return found


def waited(true: object, limit_s: float = 40) -> bool:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if true():  # type: ignore[operator]
            return True
        time.sleep(0.1)
    return False


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="it looks into /proc")
class TestUp:
    def test_starts_again_what_dies_and_ends_all(self, home: Path, database: Database) -> None:
        port = free_port()
        try:
            ran = openbpo("up", "--detach", "--port", str(port))
            assert ran.status == 0, ran.err
            pid = processes.running()
            assert pid is not None
            before = commands(pid)
            assert set(before) == {"web", "seal", "work"}
            os.kill(before["web"], signal.SIGKILL)
            assert waited(lambda: commands(pid).get("web") not in (None, before["web"]))
            assert waited(lambda: answers(port))
            again = openbpo("up", "--port", str(port))
            assert again.status == 1
            assert "runs on this home already" in again.err
        finally:
            assert processes.stop()
        assert processes.running() is None
        assert not answers(port)
        assert not processes.stop()

    def test_refuses_a_port_that_is_taken(self, home: Path, database: Database) -> None:
        with closing(socket.socket()) as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            ran = openbpo("up", "--port", str(taken.getsockname()[1]))
        assert ran.status == 1
        assert "answers there already" in ran.err


def test_begins_on_a_home_that_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBPO_HOME", str(tmp_path / "home"))
    try:
        ran = openbpo("up", "--detach", "--port", str(free_port()))
        assert ran.status == 0, ran.err
    finally:
        assert openbpo("down").status == 0
