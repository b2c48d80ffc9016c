"""
The one door to the database: a transaction under a signed context, and nothing beside it.

Every statement of the product runs inside `Database.transaction`. It sets the context for that
transaction alone, gives the database's own time, and says so when the outcome of a commit is
unknown. Nothing is kept in the session between two transactions.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, LiteralString, Self, TypeVar
from uuid import UUID

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import class_row

from openbpo.storage.packing import take_packed
from openbpo.values.refusals import Refusal, Unavailable

POSTGRES_MAJOR = 18
CONTEXT_LIFE = timedelta(minutes=10)

Row = TypeVar("Row")


class ServerRefused(Refusal):
    """The database server, or the role that we were given on it, is not one to run on."""


class ServerUnreachable(Unavailable):
    """The database server does not answer, or does not let us in."""


class OutcomeUnknown(Exception):  # noqa: N818
    """
    The commit was sent and no certain answer came: the work is done, or it is not.

    Running the same command again finds out: it answers what was done, or does it.
    """


@dataclass(frozen=True, slots=True)
class Context:
    """Who acts, for which party, to what purpose, and in which engagements."""

    principal: str
    purpose: str
    party_id: UUID | None = None
    engagements: frozenset[UUID] = frozenset()

    def within(self, engagement_id: UUID) -> Context:
        """Return this context narrowed to one engagement."""
        return replace(self, engagements=frozenset({engagement_id}))

    def for_party(self, party_id: UUID) -> Context:
        """Return this context, acting for a party."""
        return replace(self, party_id=party_id)


@dataclass(frozen=True, slots=True)
class ContextKey:
    """The key that signs contexts; the database holds its HMAC pads, and no role can read them."""

    key_id: str
    secret: bytes = field(repr=False)

    def pads(self) -> tuple[bytes, bytes]:
        """Return the inner and outer pad of HMAC-SHA256 (RFC 2104), 64 bytes each."""
        block = self.secret.ljust(64, b"\0")
        return bytes(b ^ 0x36 for b in block), bytes(b ^ 0x5C for b in block)

    def sign(self, context: Context, *, expires: datetime) -> str:
        """Return the context as the database's policies read it, valid until `expires`."""
        parts = (
            "1",
            self.key_id,
            str(int(expires.timestamp())),
            context.principal,
            str(context.party_id or ""),
            context.purpose,
            ",".join(sorted(str(engagement) for engagement in context.engagements)),
        )
        assert not any("|" in part for part in parts), "no part of a context holds a bar"
        payload = "|".join(parts)
        return f"{payload}|{hmac.new(self.secret, payload.encode(), hashlib.sha256).hexdigest()}"


class Transaction:
    """What a `store` may do: run statements with named parameters, rows out as typed objects."""

    def __init__(self, connection: psycopg.Connection[Any], context: Context, at: datetime) -> None:
        self._connection = connection
        self.context = context
        self.at = at
        """The database's time at the transaction's start."""

    def rows(
        self, row: type[Row], query: LiteralString, params: Mapping[str, object] | None = None
    ) -> list[Row]:
        """Return the rows of a query, each built as `row(**columns)`."""
        with self._connection.cursor(row_factory=class_row(row)) as cursor:
            return cursor.execute(query, params).fetchall()

    def stream(
        self, row: type[Row], query: LiteralString, params: Mapping[str, object] | None = None
    ) -> Iterator[Row]:
        """Yield the rows of a query as they come, in memory that does not grow with them."""
        with self._connection.cursor(name="stream", row_factory=class_row(row)) as cursor:
            cursor.itersize = 5_000
            yield from cursor.execute(query, params)

    def row(
        self, row: type[Row], query: LiteralString, params: Mapping[str, object] | None = None
    ) -> Row | None:
        """Return the only row of a query, or None."""
        found = self.rows(row, query, params)
        assert len(found) <= 1, f"{len(found)} rows where one was promised"
        return found[0] if found else None

    def execute(self, query: LiteralString, params: Mapping[str, object] | None = None) -> int:
        """Run a statement and return how many rows it touched."""
        return self._connection.execute(query, params).rowcount

    def copy(
        self, statement: LiteralString, types: Sequence[str], rows: Iterable[Sequence[object]]
    ) -> None:
        """Send rows by a binary `COPY ... FROM STDIN`; `types` names the columns' types."""
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)


class Database:
    """A connection of the application's own role, and the key that signs its contexts."""

    def __init__(self, url: str, key: ContextKey) -> None:
        self._key = key
        self._connection = connect(url)
        self._connection.add_notice_handler(self._note_doubt)
        take_packed(self._connection)
        self._doubt: str | None = None
        _refuse_unsafe_role(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def answers(self) -> bool:
        """Whether the session still stands; one that was lost does not come back."""
        if self._connection.info.transaction_status is TransactionStatus.INTRANS:
            return True  # it is in use, and a rollback would undo what was done
        try:
            self._connection.execute("SELECT")
            self._connection.rollback()
        except psycopg.OperationalError:
            self._connection.close()
            return False
        return True

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @contextmanager
    def transaction(self, context: Context) -> Iterator[Transaction]:
        """
        Run a block as one transaction under `context`.

        Raises OutcomeUnknown when the commit was sent but not certainly answered.
        """
        status = self._connection.info.transaction_status
        assert status is not TransactionStatus.INTRANS, "one transaction at a time"
        try:
            yield self._begin(context)
            self._refuse_swallowed_error()
        except BaseException:
            if not self._connection.closed:
                self._connection.rollback()
            raise
        self._commit()

    def _begin(self, context: Context) -> Transaction:
        (at,) = self._one("SELECT transaction_timestamp()")
        signed = self._key.sign(context, expires=at + CONTEXT_LIFE)
        self._one("SELECT set_config('openbpo.context', %(signed)s, true)", {"signed": signed})
        return Transaction(self._connection, context, at)

    def _one(
        self, query: LiteralString, params: Mapping[str, object] | None = None
    ) -> tuple[Any, ...]:
        row = self._connection.execute(query, params).fetchone()
        assert row is not None
        return tuple(row)

    def _refuse_swallowed_error(self) -> None:
        """After a failed statement COMMIT rolls back, and says nothing."""
        status = self._connection.info.transaction_status
        assert status is not TransactionStatus.INERROR, "a statement's error was swallowed"

    def _commit(self) -> None:
        self._doubt = None
        try:
            self._connection.commit()
        except psycopg.OperationalError as lost:
            raise OutcomeUnknown(f"The connection was lost during the commit ({lost}).") from lost
        if self._doubt is not None:
            raise OutcomeUnknown(f"The server warned during the commit: {self._doubt}.")

    def _note_doubt(self, notice: psycopg.errors.Diagnostic) -> None:
        """A warning during COMMIT: a standby may not have it (synchronous replication)."""
        if notice.sqlstate == "01000":
            self._doubt = notice.message_primary


def connect(url: str, *, autocommit: bool = False) -> psycopg.Connection[Any]:
    """Return a session of the server; raises ServerUnreachable, or ServerRefused by its version."""
    try:
        connection = psycopg.connect(
            url,
            options="-c timezone=UTC -c idle_in_transaction_session_timeout=60s"
            " -c lock_timeout=30s -c search_path=pg_catalog",
            application_name="openbpo",
            autocommit=autocommit,
        )
    except psycopg.ProgrammingError:
        raise unreadable_address("database") from None  # what it says may hold the password
    except psycopg.OperationalError as refused:
        raise ServerUnreachable.of(
            "database",
            f"The server cannot be reached: {str(refused).strip()}.",
            "Check OPENBPO_DATABASE_URL and OPENBPO_OWNER_DATABASE_URL, or unset both to use the "
            "embedded server.",
        ) from refused
    refuse_other_major(connection)
    return connection


def unreadable_address(where: str) -> Refusal:
    """Return the refusal of an address that cannot be parsed; it says nothing of what it holds."""
    return ServerRefused.of(
        where,
        "The database's address cannot be read.",
        "Write postgresql://user:password@host:5432/database, with % in a password as %25.",
    )


def refuse_other_major(connection: psycopg.Connection[Any]) -> None:
    """Raise ServerRefused unless the server is of the one major version that we run on."""
    major = connection.info.server_version // 10_000
    if major != POSTGRES_MAJOR:
        connection.close()
        raise ServerRefused.of(
            "database",
            f"The server is PostgreSQL {major}; OpenBPO runs on PostgreSQL {POSTGRES_MAJOR}.",
            f"Name a PostgreSQL {POSTGRES_MAJOR} server in OPENBPO_DATABASE_URL and "
            "OPENBPO_OWNER_DATABASE_URL, or unset both to use the embedded one.",
        )


def _refuse_unsafe_role(connection: psycopg.Connection[Any]) -> None:
    """Row-level security holds only for a role that cannot step around it."""
    row = connection.execute("""
        SELECT r.rolname, r.rolsuper, r.rolbypassrls,
               EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                        WHERE n.nspname IN
                              ('sec', 'storage', 'trust', 'agreements', 'record', 'billing')
                          AND pg_has_role(r.oid, c.relowner, 'MEMBER')) AS owns,
               EXISTS (SELECT 1 FROM pg_auth_members m WHERE m.member = r.oid) AS acts
          FROM pg_roles r WHERE r.rolname = session_user
    """).fetchone()
    connection.rollback()
    assert row is not None
    name, superuser, bypasses, owns, acts = row
    faults = {
        "is a superuser": superuser,
        "has BYPASSRLS": bypasses,
        "owns our tables": owns,
        "may act as another role": acts,
    }
    for fault in (fault for fault, is_so in faults.items() if is_so):
        connection.close()
        raise ServerRefused.of(
            "database",
            f"The role {name!r} {fault}, so no policy would hold for it.",
            "Name a plain login role in OPENBPO_DATABASE_URL; the owner's goes into "
            "OPENBPO_OWNER_DATABASE_URL.",
        )
