"""What runs: found without starting a process, and never mistaken for another."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from openbpo.storage.database import POSTGRES_MAJOR
from openbpo.storage.server.locks import alone_with
from openbpo.storage.server.logs import last_words, quoted
from openbpo.storage.server.making import admin_password
from openbpo.storage.server.model import (
    ADMIN_DATABASE,
    ADMIN_USER,
    LEFTOVERS_LIMIT_S,
    PORT,
    START_LIMIT_S,
    LockHeld,
    ServerAddress,
    ServerUnavailable,
)
from openbpo.storage.server.places import Place, is_private
from openbpo.values.refusals import Refusal


def mark_of(place: Place) -> str:
    """Return what the command line of this home's server says, and no other's does."""
    return f"config_file={place.settings}"


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What the server notes of itself in `postmaster.pid`."""

    pid: int
    started_at: datetime
    socket_folder: Path
    ready: bool

    def answers(self, place: Place) -> bool:
        """Return whether someone listens at the socket, in a folder that only we can enter."""
        try:
            if not is_private(self.socket_folder, place):
                return False
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(5)
                probe.connect(str(self.socket_folder / f".s.PGSQL.{PORT}"))
        except (TimeoutError, BlockingIOError):
            return True  # it is there, and busy
        except OSError:
            return False
        return True


def pid_file(place: Place) -> Path:
    return place.data / "postmaster.pid"


def _noted(place: Place) -> Postmaster | None:
    """Return what the server noted, unless that is of data elsewhere, of which this is a copy."""
    try:
        lines = pid_file(place).read_text(encoding="utf-8", errors="replace").splitlines()
        pid, data, started_at_s, _, socket_folder, *rest = lines
        noted = Postmaster(
            pid=int(pid),
            started_at=datetime.fromtimestamp(int(started_at_s), UTC),
            socket_folder=Path(socket_folder),
            ready="ready" in map(str.strip, rest),
        )
    except (FileNotFoundError, ValueError):  # there is none, or only the first of it is written
        return None
    return noted if data == str(place.data) else None


def find_postmaster(place: Place) -> Postmaster | None:
    """Return the server of this home if it is alive; its pid may long be another process's."""
    noted = _noted(place)
    if noted and os.fsencode(mark_of(place)) in _command_line(noted.pid):
        return noted
    return None


def _command_line(pid: int) -> bytes:
    if Path("/proc/self").exists():
        with suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        return b""
    ps = ("ps", "-ww", "-o", "command=", "-p", str(pid))
    return subprocess.run(ps, capture_output=True, check=False).stdout  # noqa: S603


def reachable(place: Place) -> ServerAddress | None:
    """Return the address of the server if it runs and answers; this starts no process."""
    _refuse_other_major(place)
    noted = _noted(place)
    if noted and noted.ready and _has_its_programs(noted.pid) and noted.answers(place):
        return _address(place, noted)
    return None


def _has_its_programs(pid: int) -> bool:
    """Tell whether the programs that a server runs are still there; without them it is no use."""
    try:
        program = Path(f"/proc/{pid}/exe").readlink()
    except OSError:
        return True  # nobody can tell
    return program.exists()


def await_ready(place: Place) -> ServerAddress | None:
    """Wait for a server that another command started; None if there is none, or it is cut off."""
    deadline = time.monotonic() + START_LIMIT_S
    while running := any_postmaster(place):
        if running.ready:
            return reachable(place)
        if time.monotonic() > deadline:
            raise still_starting(place)
        time.sleep(0.02)
    return None


def any_postmaster(place: Place) -> Postmaster | None:
    """Return the server, or None once no process is left that was killed or is to become it."""
    deadline = time.monotonic() + LEFTOVERS_LIMIT_S
    while (running := find_postmaster(place)) is None:
        try:
            with alone_with(place, limit_s=0):
                return None
        except LockHeld:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.02)
    return running


def proven(place: Place) -> ServerAddress:
    """Return the address of the server, once an administrator's session has come through."""
    noted = _noted(place)
    if noted is None:
        raise ServerUnavailable.of(
            str(place.data),
            f"PostgreSQL started and ended again:\n{quoted(last_words(place))}\n",
            "Run the command again.",
        )
    address = _address(place, noted)
    try:
        psycopg.connect(address.conninfo(), connect_timeout=10).close()
    except psycopg.OperationalError as refused:
        raise ServerUnavailable.of(
            str(place.data),
            f"The server runs and does not let its administrator in: {str(refused).strip()}.",
            f"Put {place.kept / 'admin-password'} back from a backup of the home folder.",
        ) from refused
    return address


def _address(place: Place, noted: Postmaster) -> ServerAddress:
    return ServerAddress(
        host=str(noted.socket_folder),
        port=PORT,
        user=ADMIN_USER,
        password=admin_password(place),
        database=ADMIN_DATABASE,
        major=POSTGRES_MAJOR,
        notes=place.notes,
    )


def _refuse_other_major(place: Place) -> None:
    try:
        major = (place.data / "PG_VERSION").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return
    if major != str(POSTGRES_MAJOR):
        raise ServerUnavailable.of(
            str(place.data),
            f"This data is of PostgreSQL {major}; this OpenBPO comes with {POSTGRES_MAJOR}.",
            "Dump it with the OpenBPO that made it, and load it into a new home; "
            "or set OPENBPO_HOME to another folder.",
        )


def still_starting(place: Place) -> Refusal:
    return ServerUnavailable.of(
        str(place.data),
        f"After {START_LIMIT_S:.0f} s the server is still starting, as it may after a crash:\n"
        f"{quoted(last_words(place))}\n",
        "Wait a minute and run the command again.",
    )
