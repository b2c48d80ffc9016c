"""
The embedded PostgreSQL server: made at first need, left running, reached by its socket alone.

Everything of it lies in `postgres` in the home folder, and a command that is killed anywhere
leaves nothing that the next one does not mend:

- `lock` is held around making, starting and stopping, so that two commands start one server;
- `in-use` is held by the server's own processes, down to the last; it is free only when no
  process, of this or of another container, can still write to the data;
- `data` appears by one rename, finished;
- `log` holds a file for each day of the week, and is pruned at each start.

PostgreSQL does not run as root. For root it runs in a user namespace, where root's files are an
ordinary user's; where that is refused, as a system user, in a folder that `elsewhere` names.
"""

from __future__ import annotations

from pathlib import Path

from openbpo.storage.failpoints import failpoint
from openbpo.storage.server.locks import alone_with, explained, locked
from openbpo.storage.server.making import initialise, remove_leftovers
from openbpo.storage.server.model import (
    LEFTOVERS_LIMIT_S,
    ServerAddress,
    ServerStatus,
    ServerUnavailable,
)
from openbpo.storage.server.places import find_place, kept_folder, make_private
from openbpo.storage.server.programs import settle
from openbpo.storage.server.running import (
    any_postmaster,
    await_ready,
    find_postmaster,
    proven,
    reachable,
)
from openbpo.storage.server.starting import forget_earlier_server, halt, launch

__all__ = ["ServerAddress", "ServerStatus", "ServerUnavailable", "ensure_running", "status", "stop"]


def ensure_running() -> ServerAddress:
    """Return the address of the running server; make and start it first if need be."""
    kept = kept_folder()
    with explained(kept):
        return reachable(find_place(kept)) or _start(kept)


def stop() -> bool:
    """Stop the server and wait until its last process has ended; False when none ran."""
    kept = kept_folder()
    with explained(kept), locked(kept):
        place = find_place(kept)
        running = any_postmaster(place)
        if running is None:
            return False
        halt(place, running)
        return True


def status() -> ServerStatus:
    """Return what there is of the server now, and change nothing."""
    kept = kept_folder()
    with explained(kept):
        place = find_place(kept)
        running = find_postmaster(place)
    return ServerStatus(
        running=running is not None,
        pid=running.pid if running else None,
        started_at=running.started_at if running else None,
        data=place.data,
        log=place.log,
        notes=place.notes,
    )


def _start(kept: Path) -> ServerAddress:
    with locked(kept) as lock:
        place, programs = settle(kept)
        if address := await_ready(place):
            return address
        if out_of_reach := find_postmaster(place):
            halt(place, out_of_reach)
        remove_leftovers(place)
        make_private(place.log, place)
        if not place.data.exists():
            initialise(place, programs, lock)
        with alone_with(place, limit_s=LEFTOVERS_LIMIT_S) as in_use:
            forget_earlier_server(place)
            launch(place, programs, in_use)
        failpoint("server.after_start")
        return proven(place)
