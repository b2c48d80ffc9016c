"""Starting and stopping the server."""

from __future__ import annotations

import os
import shlex
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

from openbpo.storage.failpoints import failpoint
from openbpo.storage.server.locks import alone_with
from openbpo.storage.server.logs import last_words, prune_log, quoted
from openbpo.storage.server.model import PORT, START_LIMIT_S, ServerUnavailable
from openbpo.storage.server.places import Place, make_private
from openbpo.storage.server.programs import Programs
from openbpo.storage.server.running import (
    Postmaster,
    find_postmaster,
    mark_of,
    pid_file,
    still_starting,
)

STOP_LIMIT_S: Final = 60.0
SOCKET_PATH_LIMIT: Final = 103  # bytes; 107 on Linux, 103 on macOS


def launch(place: Place, programs: Programs, in_use: int) -> None:
    socket_folder = _socket_folder(place)
    prune_log(place)
    _write_settings(place, socket_folder)
    # pg_ctl hands its options to a shell, and its folder and log unquoted: we name none there.
    with programs.spawn(
        "pg_ctl",
        "start",
        "--wait",
        f"--timeout={START_LIMIT_S:.0f}",
        "--silent",
        "--log=log/start.log",
        f"--options=-c {shlex.quote(mark_of(place))}",
        folder=place.served,
        keep_open=in_use,
        data=place.data,
    ) as pg_ctl:
        failpoint("server.during_start")
        said, _ = pg_ctl.communicate()
    if pg_ctl.returncode == 0:
        return
    if find_postmaster(place):
        raise still_starting(place)
    with suppress(OSError):
        socket_folder.rmdir()
    raise ServerUnavailable.of(
        str(place.data),
        f"PostgreSQL did not start:\n{quoted(last_words(place) or said.splitlines())}\n",
        f"Mend what it names (space on the disk, rights) and run the command again; "
        f"all of it is in {place.log}.",
    )


def _write_settings(place: Place, socket_folder: Path) -> None:
    """Write every setting, at each start; what the server was told by hand does not count."""
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": '"{}"'.format(str(socket_folder).replace('"', '""')),
        "unix_socket_permissions": "0700",
        "port": str(PORT),
        "cluster_name": "openbpo",
        "allow_alter_system": "off",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "max_connections": "40",
        "shared_buffers": f"{_shared_megabytes()}MB",
        # Imports of millions write every page of an index again and again: seldom checkpoints keep
        # that off the disk. Files of the log are written once, not filled with zeros before.
        "max_wal_size": "4GB",
        "wal_init_zero": "off",
        "checkpoint_timeout": "15min",
        # A container's /dev/shm is too small, and a log-out may empty it: use files of our own.
        "dynamic_shared_memory_type": "mmap",
        "password_encryption": "scram-sha-256",
        "idle_in_transaction_session_timeout": "60s",
        "timezone": "UTC",
        "lc_messages": "C",
        "log_timezone": "UTC",
        "logging_collector": "on",
        "log_directory": str(place.log),
        "log_filename": "%a.log",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_truncate_on_rotation": "on",
        "log_file_mode": "0600",
        # A log is no place for a client's data: neither statements nor the values of keys.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
    lines = (f"{name} = {_literal(value)}\n" for name, value in settings.items())
    new = place.settings.with_name(f"{place.settings.name}.new")
    new.write_text("# Written at each start.\n" + "".join(lines), encoding="utf-8")
    new.chmod(0o644)  # its folder decides who reads it; a system user must
    new.replace(place.settings)


def _shared_megabytes() -> int:
    """Return an eighth of the machine's memory, from 128 MB to 1 GB; it is taken as it is used."""
    megabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    return max(128, min(1024, megabytes // 8))


def _literal(value: str) -> str:
    return "'{}'".format(value.replace("\\", "\\\\").replace("'", "''"))


def _socket_folder(place: Place) -> Path:
    """Return the folder for the socket, made private: a short path, whatever the home's is."""
    folder = _runtime_folder(place) or Path(f"/tmp/openbpo-{place.owner}-{place.socket_name}")  # noqa: S108
    make_private(folder, place)
    for left in folder.glob(".s.PGSQL.*"):
        left.unlink()
    return folder


def _runtime_folder(place: Place) -> Path | None:
    parent = Path(os.environ.get("XDG_RUNTIME_DIR") or "/")
    folder = parent / f"openbpo-{place.socket_name}"
    fits = len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_LIMIT
    ours = parent.is_dir() and parent.stat().st_uid == os.geteuid() and parent != Path("/")
    return folder if fits and ours and place.account is None else None


def forget_earlier_server(place: Place) -> None:
    """
    See to it that the pid of a server that is gone stops no start, though another process has it.

    No process of ours is left, yet the rest of the file stays: from it PostgreSQL finds shared
    memory that is still in use, should anyone have started a server here without our lock.
    """
    try:
        number = os.open(pid_file(place), os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    with os.fdopen(number, "r+", encoding="utf-8") as file:
        _, *rest = file.read().splitlines(keepends=True) or [""]
        if rest:
            file.seek(0)
            file.writelines((f"{2**31 - 1}\n", *rest))  # no process can have this pid
            file.truncate()
            return
    pid_file(place).unlink()


def halt(place: Place, running: Postmaster) -> None:
    """End the server's sessions and the server, and wait for the last of its processes."""
    with suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGINT)
    with alone_with(place, limit_s=STOP_LIMIT_S), suppress(OSError):
        if running.socket_folder.name.endswith(place.socket_name):
            running.socket_folder.rmdir()
