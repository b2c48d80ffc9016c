"""
Where this installation keeps its database: the embedded server, or one of the user's.

Both are reached by the same addresses: an owner's that migrates, the application's that runs, and
the sealer's. For the embedded server they are made here; for another one the user names them:

- OPENBPO_DATABASE_URL: a plain login role, which is granted what the product needs, and no more;
- OPENBPO_OWNER_DATABASE_URL: a role that owns the database, or may act as its owner;
- OPENBPO_SEALER_DATABASE_URL: another plain login role, which reads leaves and writes checkpoints;
- OPENBPO_WEB_DATABASE_URL: another plain login role, which has the schema `web` and nothing else.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from openbpo.storage import server
from openbpo.storage.database import (
    Context,
    ContextKey,
    Database,
    ServerRefused,
    unreadable_address,
)
from openbpo.storage.failpoints import failpoint
from openbpo.storage.home import home, secret_once
from openbpo.storage.migrations import migrate

APP_URL = "OPENBPO_DATABASE_URL"
OWNER_URL = "OPENBPO_OWNER_DATABASE_URL"
SEALER_URL = "OPENBPO_SEALER_DATABASE_URL"
WEB_URL = "OPENBPO_WEB_DATABASE_URL"

OWNER, MIGRATOR, DATABASE = "openbpo_owner", "openbpo_migrator", "openbpo"
APP, SEALER, WEB = "openbpo_app", "openbpo_sealer", "openbpo_web"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """The addresses, and what the user should be told about them."""

    app_url: str = field(repr=False)
    owner_url: str | None = field(repr=False)
    sealer_url: str | None = field(repr=False, default=None)
    web_url: str | None = field(repr=False, default=None)
    notes: tuple[str, ...] = ()


def find_installation() -> Installation:
    """
    Return where the database is; start the embedded server if it is that one.

    Raises Refusal when it cannot be had.
    """
    app_url, owner_url = os.environ.get(APP_URL), os.environ.get(OWNER_URL)
    if app_url:
        return Installation(
            app_url=app_url,
            owner_url=owner_url,
            sealer_url=os.environ.get(SEALER_URL),
            web_url=os.environ.get(WEB_URL),
        )
    if owner_url:
        raise ServerRefused.of(
            OWNER_URL,
            f"It is set, but {APP_URL} is not.",
            f"Set {APP_URL} to the address of a plain login role on the same database.",
        )
    was_running = server.status().running
    return _embedded(server.ensure_running(), is_new=not was_running)


@contextmanager
def open_database(tell: Callable[[str], None] = lambda _note: None) -> Iterator[Database]:
    """
    Give the application's database, its shape up to date, and close it at the end.

    `tell` is given what the user should know of a server that was started for this.
    """
    installation = find_installation()
    for note in installation.notes:
        tell(note)
    key = context_key()
    bring_up_to_date(installation)
    with Database(installation.app_url, key) as database:
        if installation.owner_url is None:
            _refuse_strange_database(database)
        yield database


def bring_up_to_date(installation: Installation) -> None:
    """Give the database its newest shape, where its owner's address is known."""
    if installation.owner_url is None:
        return
    sealer, web = installation.sealer_url, installation.web_url
    migrate(
        installation.owner_url,
        app_role=_user_of(installation.app_url),
        key=context_key(),
        sealer_role=_user_of(sealer) if sealer else None,
        web_role=_user_of(web) if web else None,
    )


@contextmanager
def open_sealer() -> Iterator[Database]:
    """Give the sealer's database; raises ServerRefused where it has no role of its own."""
    installation = find_installation()
    if installation.sealer_url is None:
        raise ServerRefused.of(
            SEALER_URL,
            "The sealer has no role of its own on this server.",
            f"Set {SEALER_URL} to the address of a plain login role, other than the application's.",
        )
    with Database(installation.sealer_url, context_key()) as database:
        yield database


def _refuse_strange_database(database: Database) -> None:
    """Without the owner's address nothing was brought up to date: see that it was, with our key."""
    try:
        with database.transaction(Context(principal="installation", purpose="prove")) as tx:
            tx.execute("SELECT sec.principal()")
    except psycopg.errors.InsufficientPrivilege as refused:
        raise ServerRefused.of(
            APP_URL,
            f"The database does not know this home: {refused.diag.message_primary}.",
            f"Copy the file context-key from the home that prepared it, or set {OWNER_URL} once.",
        ) from refused
    except (psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedFunction) as missing:
        raise ServerRefused.of(
            APP_URL,
            "The database was not prepared for OpenBPO yet.",
            f"Set {OWNER_URL} to the address of its owner, and run the command again.",
        ) from missing


def context_key() -> ContextKey:
    """Return the key that signs contexts; made at first use, kept under the home folder."""
    stored = secret_once(home() / "context-key", lambda: secrets.token_hex(36).encode())
    text = stored.decode()
    return ContextKey(key_id=text[:8], secret=bytes.fromhex(text[8:]))


def _user_of(url: str) -> str:
    try:
        user = conninfo_to_dict(url).get("user") or os.environ.get("PGUSER")
    except psycopg.ProgrammingError:
        raise unreadable_address(APP_URL) from None
    if not user:
        raise ServerRefused.of(APP_URL, "It names no user.", "Write postgresql://user:...@host/db.")
    return str(user)


def _embedded(address: server.ServerAddress, *, is_new: bool) -> Installation:
    passwords = {role: _password(role) for role in (MIGRATOR, APP, SEALER, WEB)}
    urls = {
        role: psycopg.conninfo.make_conninfo(
            host=address.host, port=address.port, user=role, password=password, dbname=DATABASE
        )
        for role, password in passwords.items()
    }
    if not all(_answers(url) for url in urls.values()):
        _prepare(address, passwords)
    notes = address.notes if is_new else ()
    return Installation(
        app_url=urls[APP],
        owner_url=urls[MIGRATOR],
        sealer_url=urls[SEALER],
        web_url=urls[WEB],
        notes=notes,
    )


def _password(role: str) -> str:
    return secret_once(home() / f"{role}.password", lambda: secrets.token_hex(24).encode()).decode()


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.OperationalError:
        return False
    return True


def _prepare(address: server.ServerAddress, passwords: dict[str, str]) -> None:
    """Make the roles and the database; each step may have been done before, also by another now."""
    with psycopg.connect(address.conninfo(), autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock(hashtextextended('openbpo.prepare', 0))")
        _make_role(admin, OWNER, "NOLOGIN")
        for role, password in passwords.items():
            _make_role(admin, role, "LOGIN")
            _set_password(admin, role, password)
        failpoint("installation.after_roles")
        admin.execute(
            sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE").format(
                sql.Identifier(OWNER), sql.Identifier(MIGRATOR)
            )
        )
        _make_database(admin)
        failpoint("installation.after_database")


def _make_role(admin: psycopg.Connection[Any], role: str, login: str) -> None:
    if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is None:
        admin.execute(sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(role), sql.SQL(login)))


def _set_password(admin: psycopg.Connection[Any], role: str, password: str) -> None:
    admin.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(password))
    )


def _make_database(admin: psycopg.Connection[Any]) -> None:
    exists = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
    names = {"database": sql.Identifier(DATABASE), "owner": sql.Identifier(OWNER)}
    if exists is None:
        admin.execute(sql.SQL("CREATE DATABASE {database} OWNER {owner}").format(**names))
    admin.execute(sql.SQL("REVOKE ALL ON DATABASE {database} FROM PUBLIC").format(**names))
    for role in (MIGRATOR, APP, SEALER, WEB):
        admin.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {database} TO {role}").format(
                role=sql.Identifier(role), **names
            )
        )
