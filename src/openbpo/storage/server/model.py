"""Where the embedded server listens, what there is of it, what is said when it cannot be had."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from psycopg.conninfo import make_conninfo

from openbpo.values.refusals import Unavailable

ADMIN_USER: Final = "openbpo_admin"
ADMIN_DATABASE: Final = "postgres"
PORT: Final = 5432  # the socket's folder is ours alone, so that no other server can be in the way
START_LIMIT_S: Final = 60.0
LEFTOVERS_LIMIT_S: Final = 10.0  # processes of a killed server end by themselves


class ServerUnavailable(Unavailable):
    """The embedded server cannot be made, started, reached or stopped. Nothing was lost."""


class LockHeld(ServerUnavailable):
    """Another process holds the lock that we need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAddress:
    """Where the server listens, and how to come in as its administrator."""

    host: str  # the folder of its socket
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    major: int
    notes: tuple[str, ...] = ()  # what the user should be told

    def conninfo(self, database: str | None = None) -> str:
        """Return the connection string to this or that database."""
        return make_conninfo(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            dbname=database or self.database,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """What there is of the server now."""

    running: bool
    pid: int | None
    started_at: datetime | None
    data: Path
    log: Path
    notes: tuple[str, ...]
