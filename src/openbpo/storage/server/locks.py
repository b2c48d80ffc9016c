"""The locks under which the server is made, started and stopped, and held while it runs."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from openbpo.storage.server.model import LockHeld, ServerUnavailable
from openbpo.storage.server.places import Place

LOCK_LIMIT_S: Final = 180.0  # another command that makes, starts or stops the server


@contextmanager
def locked(kept: Path) -> Iterator[int]:
    """Hold the lock under which the server is made, started and stopped."""
    kept.mkdir(mode=0o700, exist_ok=True)
    with _held(kept / "lock", limit_s=LOCK_LIMIT_S) as number:
        yield number


@contextmanager
def alone_with(place: Place, *, limit_s: float) -> Iterator[int]:
    """Hold the lock that the server's processes hold: while we do, none of them is left."""
    with _held(place.kept / "in-use", limit_s=limit_s) as number:
        yield number


@contextmanager
def _held(path: Path, *, limit_s: float) -> Iterator[int]:
    """Hold a file's lock, for as long as any process has the number that this gives."""
    number = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + limit_s
    try:
        while not _lock_now(number):
            if time.monotonic() > deadline:
                raise LockHeld.of(
                    str(path),
                    "Another process holds this lock and does not let go: another command, or "
                    "a server on the same data, perhaps in another container.",
                    "Let it end or stop it there, and run the command again.",
                )
            time.sleep(0.01)
        yield number
    finally:
        os.close(number)


def _lock_now(number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def explained(kept: Path) -> Iterator[None]:
    """Turn what the system refuses into a refusal that names the file and the remedy."""
    try:
        yield
    except OSError as error:
        raise ServerUnavailable.of(
            str(error.filename or kept),
            f"The system refuses this: {error.strerror}.",
            "Mend it (rights, space on the disk), or set OPENBPO_HOME to another folder.",
        ) from error
