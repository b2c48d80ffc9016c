"""Serve the pages by granian, a process of ours under it."""

from __future__ import annotations

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from openbpo.surfaces.web.starting import prepare

THREADS = 8
IDLE_S = 600


def serve(host: str, port: int) -> None:
    """Bring the tables up to date, then answer until SIGINT or SIGTERM."""
    prepare()
    Granian(
        "openbpo.surfaces.web.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        blocking_threads_idle_timeout=IDLE_S,
        log_access=False,
        log_level=LogLevels.error,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    ).serve()
