"""Bring the database's shape up to date: each numbered file once, in order, in a transaction."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from importlib import resources
from typing import Any

import psycopg
from psycopg import sql

from openbpo.storage.database import ContextKey, connect
from openbpo.storage.failpoints import failpoint
from openbpo.values.refusals import Refusal

LOCK = 4_861_734_159_000_001
LOCK_TRIES = 30


class SchemaRefused(Refusal):
    """The database holds another shape than this version of OpenBPO can bring up to date."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of SQL; its number orders it, its checksum shows whether it was edited since."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> bytes:
        """Return the SHA-256 of the file."""
        return hashlib.sha256(self.text.encode()).digest()


def shipped() -> tuple[Migration, ...]:
    """Return the migrations of this version, in order."""
    files = [f for f in resources.files("openbpo.migrations").iterdir() if f.name.endswith(".sql")]
    found = (Migration(int(f.name[:4]), f.name, f.read_text(encoding="utf-8")) for f in files)
    return tuple(sorted(found, key=lambda migration: migration.number))


def migrate(
    owner_url: str,
    *,
    app_role: str,
    key: ContextKey,
    sealer_role: str | None = None,
    web_role: str | None = None,
) -> tuple[str, ...]:
    """
    Apply what is missing and return its names; safe to run by many at once, and again after a kill.

    `app_role` is the role that the product runs as: it is granted what each file grants to
    `openbpo_app`; `sealer_role`, where there is one, what it takes to seal; `web_role` a schema of
    its own, which holds who signs in and nothing of what is recorded. Raises SchemaRefused when
    the database is newer than we are, or was edited.
    """
    with connect(owner_url, autocommit=True) as connection:
        _become_owner(connection)
        connection.execute("SET lock_timeout = 0")
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        _prepare(connection)
        applied = _apply_missing(connection, app_role)
        _store_key(connection, key)
        if sealer_role is not None:
            _grant_sealing(connection, sealer_role)
        if web_role is not None:
            _grant_web(connection, web_role)
    return applied


def _become_owner(connection: psycopg.Connection[Any]) -> None:
    """Act as the database's owner, which may be a role that nobody can log in as."""
    row = connection.execute(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    assert row is not None
    connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(row[0])))


def _prepare(connection: psycopg.Connection[Any]) -> None:
    connection.execute("""
        CREATE SCHEMA IF NOT EXISTS storage;
        CREATE TABLE IF NOT EXISTS storage.migration (
          number integer PRIMARY KEY,
          name text NOT NULL,
          checksum bytea NOT NULL,
          applied_at timestamptz NOT NULL DEFAULT transaction_timestamp()
        );
        ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
    """)


def _apply_missing(connection: psycopg.Connection[Any], app_role: str) -> tuple[str, ...]:
    known = dict(connection.execute("SELECT number, checksum FROM storage.migration").fetchall())
    ours = shipped()
    _refuse_strangers(known, ours)
    missing = [migration for migration in ours if migration.number not in known]
    for migration in missing:
        _apply(connection, migration, app_role)
        failpoint("migrations.after_one")
    return tuple(migration.name for migration in missing)


def _refuse_strangers(known: dict[int, bytes], ours: tuple[Migration, ...]) -> None:
    numbers = {migration.number for migration in ours}
    if newer := sorted(set(known) - numbers):
        raise SchemaRefused.of(
            "database",
            f"It was brought up to date by a newer OpenBPO (migration {newer[-1]:04}).",
            "Install that version of OpenBPO, or set OPENBPO_HOME to another folder.",
        )
    for migration in ours:
        if migration.number in known and known[migration.number] != migration.checksum:
            raise SchemaRefused.of(
                migration.name,
                "The database was made by another edition of this file.",
                "Install the OpenBPO that made it; or start empty, with another OPENBPO_HOME.",
            )


def _apply(connection: psycopg.Connection[Any], migration: Migration, app_role: str) -> None:
    """Wait a second for a lock, give way, try again: a waiting migration blocks everyone."""
    role = sql.Identifier(app_role).as_string(connection)
    text = migration.text.replace("openbpo_app", role)
    for attempt in range(1, LOCK_TRIES + 1):
        try:
            with connection.transaction():
                connection.execute("SET LOCAL lock_timeout = '1s'")
                connection.execute(text.encode())
                connection.execute(
                    "INSERT INTO storage.migration (number, name, checksum) VALUES (%s, %s, %s)",
                    (migration.number, migration.name, migration.checksum),
                )
        except psycopg.errors.LockNotAvailable:
            if attempt == LOCK_TRIES:
                raise
            time.sleep(min(0.1 * attempt, 2))
        else:
            return


def _grant_sealing(connection: psycopg.Connection[Any], role: str) -> None:
    """The sealer reads leaves and writes checkpoints; what events say it cannot read."""
    for grant in (
        "USAGE ON SCHEMA sec, record",
        "EXECUTE ON FUNCTION sec.principal(), sec.party(), sec.engagements()",
        "EXECUTE ON FUNCTION sec.unsealed_engagements(), sec.forget_sealed(xid8)",
        "SELECT ON record.entry, record.reading, record.checkpoint",
        "SELECT (engagement_id, recording, ordinal, leaf) ON record.event",
        "INSERT ON record.checkpoint",
    ):
        statement = sql.SQL("GRANT {} TO {}").format(sql.SQL(grant), sql.Identifier(role))
        connection.execute(statement)


def _grant_web(connection: psycopg.Connection[Any], role: str) -> None:
    """What it makes in its schema belongs to it; nothing of ours does, and nobody else enters."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS web")
    connection.execute(
        sql.SQL("GRANT USAGE, CREATE ON SCHEMA web TO {}").format(sql.Identifier(role))
    )


def _store_key(connection: psycopg.Connection[Any], key: ContextKey) -> None:
    inner, outer = key.pads()
    connection.execute(
        "INSERT INTO sec.context_key (key_id, inner_pad, outer_pad) VALUES (%s, %s, %s)"
        " ON CONFLICT (key_id) DO NOTHING",
        (key.key_id, inner, outer),
    )
