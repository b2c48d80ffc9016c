"""
The processes of one program: started together, each started again when it dies, ended together.

A file in the home folder is locked for as long as the program runs, and holds its number: so
`openbpo down` finds it, and two do not run on one home.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from openbpo.storage.home import home
from openbpo.values.refusals import Refusal

GRACE_S = 20.0
PAUSES_S = (0.5, 1.0, 2.0, 5.0, 15.0)
"""How long to wait before a process that died is started again, by how often it died early."""
EARLY_S = 30.0


class RunsAlready(Refusal):
    """The program runs on this home already."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process by its name: what `python -m openbpo` is given to run it."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Running:
    process: Process
    popen: subprocess.Popen[bytes]
    since_s: float
    died_early: int = 0


def pid_file() -> Path:
    """Return the file that the running program locks."""
    return home() / "up.pid"


@contextmanager
def alone() -> Iterator[None]:
    """Hold the program's file; raises RunsAlready where another one does."""
    number = os.open(pid_file(), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunsAlready.of(
                str(pid_file()), "openbpo up runs on this home already.", "Stop it: openbpo down."
            ) from None
        os.ftruncate(number, 0)
        os.write(number, str(os.getpid()).encode())
        yield
    finally:
        os.close(number)


def running() -> int | None:
    """Return the number of the program that runs on this home, if one does."""
    try:
        number = os.open(pid_file(), os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with suppress(ValueError):
            return int(os.read(number, 32))
    finally:
        os.close(number)
    return None


def stop() -> bool:
    """End the program that runs on this home and wait until it has; False when none did."""
    pid = running()
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 2 * GRACE_S
    while running() == pid and time.monotonic() < deadline:
        time.sleep(0.05)
    return True


def run(processes: Sequence[Process], tell: Callable[[str], None]) -> None:
    """Run the processes until SIGINT or SIGTERM; one that dies is started again."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    found = [_started(process) for process in processes]
    try:
        while not ended.wait(0.2):
            for one in found:
                if one.popen.poll() is not None:
                    _start_again(one, ended, tell)
    finally:
        _end(found)


def _started(process: Process) -> _Running:
    popen = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "openbpo", *process.arguments],
        env={**os.environ, **process.environment},
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C reaches us alone; we end them in order
    )
    return _Running(process, popen, time.monotonic())


def _start_again(one: _Running, ended: threading.Event, tell: Callable[[str], None]) -> None:
    with suppress(ProcessLookupError):  # what it had started and left behind
        os.killpg(one.popen.pid, signal.SIGKILL)
    early = time.monotonic() - one.since_s < EARLY_S
    one.died_early = one.died_early + 1 if early else 0
    pause = PAUSES_S[min(one.died_early, len(PAUSES_S) - 1)]
    tell(f"{one.process.name} ended ({one.popen.returncode}); it is started again in {pause} s.")
    if ended.wait(pause):
        return
    again = _started(one.process)
    one.popen, one.since_s = again.popen, again.since_s


def _end(found: Sequence[_Running]) -> None:
    for one in found:
        with suppress(ProcessLookupError):
            one.popen.terminate()
    deadline = time.monotonic() + GRACE_S
    for one in found:
        try:
            one.popen.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(one.popen.pid, signal.SIGKILL)
