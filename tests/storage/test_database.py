"""The door: no transaction without a context, none that outlives it, none whose end is guessed."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from openbpo.agreements.versions.actions import open_engagement
from openbpo.storage.commands import Answer, Command, carry_out
from openbpo.storage.database import (
    Context,
    ContextKey,
    Database,
    OutcomeUnknown,
    ServerRefused,
    ServerUnreachable,
    Transaction,
)
from openbpo.storage.installation import (
    APP_URL,
    OWNER_URL,
    Installation,
    context_key,
    find_installation,
    open_database,
)
from openbpo.storage.migrations import migrate, shipped
from openbpo.storage.server import programs
from openbpo.trust.engagements import granted
from openbpo.trust.keys import party_key
from openbpo.trust.store import note_key

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Number:
    number: int


def engagements_seen(tx: Transaction) -> int:
    found = tx.row(Number, "SELECT count(*) AS number FROM agreements.engagement")
    assert found is not None
    return found.number


@pytest.fixture
def engagement_id(database: Database, context: Context, handle: str) -> UUID:
    return open_engagement(database, context, handle)


class TestContext:
    """What the policies say to a session that comes in around the door."""

    @pytest.fixture
    def session(self, app_url: str) -> Iterator[Connection]:
        with psycopg.connect(app_url) as connection:
            yield connection

    @staticmethod
    def look(session: Connection, signed: str | None) -> int:
        if signed is not None:
            session.execute("SELECT set_config('openbpo.context', %s, true)", [signed])
        row = session.execute("SELECT count(*) FROM agreements.engagement").fetchone()
        assert row is not None
        return int(row[0])

    @staticmethod
    def soon() -> datetime:
        return datetime.now(UTC) + timedelta(minutes=1)

    def test_lets_its_own_engagements_through(
        self, session: Connection, context: Context, engagement_id: UUID
    ) -> None:
        signed = context_key().sign(context.within(engagement_id), expires=self.soon())
        assert self.look(session, signed) == 1
        session.rollback()
        assert self.look(session, context_key().sign(context, expires=self.soon())) == 0

    @pytest.mark.parametrize("signed", [None, ""])
    def test_must_be_there(
        self, session: Connection, signed: str | None, engagement_id: UUID
    ) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="no signed context"):
            self.look(session, signed)

    def test_expires(self, session: Connection, context: Context, engagement_id: UUID) -> None:
        past = datetime.now(UTC) - timedelta(seconds=1)
        signed = context_key().sign(context.within(engagement_id), expires=past)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="expired context"):
            self.look(session, signed)

    def test_is_signed_by_a_known_key(
        self, session: Connection, context: Context, engagement_id: UUID
    ) -> None:
        stranger = ContextKey("ffffffff", b"x" * 32)
        signed = stranger.sign(context.within(engagement_id), expires=self.soon())
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="unknown or retired key"):
            self.look(session, signed)

    def test_is_signed_by_a_key_that_is_not_retired(
        self, session: Connection, context: Context, engagement_id: UUID, owner: Connection
    ) -> None:
        old = ContextKey(uuid4().hex[:8], b"y" * 32)
        signed = old.sign(context.within(engagement_id), expires=self.soon())
        owner.execute(
            "INSERT INTO sec.context_key (key_id, inner_pad, outer_pad) VALUES (%s, %s, %s)",
            (old.key_id, *old.pads()),
        )
        assert self.look(session, signed) == 1
        session.rollback()
        owner.execute(
            "UPDATE sec.context_key SET retired_at = now() WHERE key_id = %s", [old.key_id]
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="unknown or retired key"):
            self.look(session, signed)

    def test_is_signed_with_the_secret_of_its_key(
        self, session: Connection, context: Context, engagement_id: UUID
    ) -> None:
        pretender = ContextKey(context_key().key_id, b"z" * 32)
        signed = pretender.sign(context.within(engagement_id), expires=self.soon())
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="forged context"):
            self.look(session, signed)

    @pytest.mark.parametrize("part", range(2, 8))
    def test_is_signed_in_every_part(
        self, session: Connection, context: Context, engagement_id: UUID, part: int
    ) -> None:
        signed = context_key().sign(context.within(engagement_id), expires=self.soon())
        parts = signed.split("|")
        other = {2: "9999999999", 4: str(uuid4()), 6: str(uuid4()), 7: "0" * 64}
        parts[part] = other.get(part, parts[part] + "x")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="forged context"):
            self.look(session, "|".join(parts))

    @pytest.mark.parametrize(
        "change",
        [
            lambda _: "x",
            lambda _: "|" * 7,
            lambda signed: "2" + signed[1:],
            lambda signed: signed.rpartition("|")[0],
            lambda signed: signed + "|",
            lambda signed: "|" + signed,
        ],
    )
    def test_has_its_one_form(
        self,
        session: Connection,
        context: Context,
        engagement_id: UUID,
        change: Callable[[str], str],
    ) -> None:
        signed = context_key().sign(context.within(engagement_id), expires=self.soon())
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="malformed context"):
            self.look(session, change(signed))

    def test_keeps_its_parts_apart(self) -> None:
        with pytest.raises(AssertionError, match="bar"):
            context_key().sign(Context(principal="a|b", purpose="test"), expires=self.soon())

    def test_shows_no_secret(self) -> None:
        key = context_key()
        assert repr(key.secret) not in repr(key)
        assert key.secret.hex() not in repr(key)


class TestTransaction:
    @staticmethod
    def parties_seen(database: Database, context: Context) -> int:
        with database.transaction(context) as tx:
            found = tx.row(Number, "SELECT count(*) AS number FROM trust.party")
        assert found is not None
        return found.number

    def test_sees_its_own_context_alone(
        self, database: Database, context: Context, engagement_id: UUID
    ) -> None:
        stranger = Context(principal="a-stranger", purpose="test")
        for _ in range(12):  # by then the driver has prepared the statement
            with database.transaction(context.within(engagement_id)) as tx:
                assert engagements_seen(tx) == 1
                assert [one.engagement_id for one in granted(tx)] == [engagement_id]
            with database.transaction(stranger) as tx:
                assert engagements_seen(tx) == 0
                assert granted(tx) == []

    @pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
    def test_leaves_no_context_behind(
        self, app_url: str, context: Context, engagement_id: UUID, end: str
    ) -> None:
        with Database(app_url, context_key()) as database:
            with (
                suppress(ZeroDivisionError),
                database.transaction(context.within(engagement_id)) as tx,
            ):
                assert engagements_seen(tx) == 1
                assert 1 / (end == "COMMIT")
            session = database._connection
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="no signed context"):
                session.execute("SELECT count(*) FROM agreements.engagement")

    def test_is_undone_by_an_exception(self, database: Database, context: Context) -> None:
        party = party_key(context.principal)

        def act() -> None:
            with database.transaction(context.for_party(party.party_id)) as tx:
                note_key(tx, party)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            act()
        assert self.parties_seen(database, context.for_party(party.party_id)) == 0

    def test_is_not_taken_for_done_when_an_error_was_swallowed(
        self, database: Database, context: Context
    ) -> None:
        party = party_key(context.principal)

        def act() -> None:
            with database.transaction(context.for_party(party.party_id)) as tx:
                note_key(tx, party)
                with suppress(psycopg.errors.DivisionByZero):
                    tx.execute("SELECT 1 / 0")

        with pytest.raises(AssertionError, match="swallowed"):
            act()
        assert self.parties_seen(database, context.for_party(party.party_id)) == 0

    def test_stands_in_no_other(self, database: Database, context: Context) -> None:
        party = party_key(context.principal)

        def act() -> None:
            with database.transaction(context.for_party(party.party_id)) as tx:
                note_key(tx, party)
                with database.transaction(context):
                    pass

        with pytest.raises(AssertionError, match="one transaction at a time"):
            act()
        assert self.parties_seen(database, context.for_party(party.party_id)) == 0

    def test_tells_the_databases_time(self, database: Database, context: Context) -> None:
        with database.transaction(context) as tx:
            assert tx.at.utcoffset() == timedelta(0)
            assert abs(datetime.now(UTC) - tx.at) < timedelta(seconds=10)


# --- Commits without a certain answer --------------------------------------------------------


class CuttingProxy:
    """Stands between us and the server, and cuts the line at the first COMMIT."""

    def __init__(self, folder: Path, upstream: str, *, forward_commit: bool) -> None:
        self._upstream, self._forward_commit = upstream, forward_commit
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        with client, socket.socket(socket.AF_UNIX) as server_side:
            server_side.connect(self._upstream)
            answers = threading.Thread(target=self._answer, args=(server_side, client))
            answers.start()
            while sent := client.recv(65536):
                if b"COMMIT\0" in sent:
                    self._cut(client, server_side, sent)
                    break
                server_side.sendall(sent)
            server_side.shutdown(socket.SHUT_WR)
            answers.join()

    def _cut(self, client: socket.socket, server_side: socket.socket, commit: bytes) -> None:
        client.shutdown(socket.SHUT_RDWR)
        if self._forward_commit:
            server_side.sendall(commit)

    @staticmethod
    def _answer(server_side: socket.socket, client: socket.socket) -> None:
        while answer := server_side.recv(65536):
            try:
                client.sendall(answer)
            except OSError:  # the line is cut: nobody hears it
                continue

    def close(self) -> None:
        self._thread.join()
        self._listener.close()


@contextmanager
def through_proxy(app_url: str, *, forward_commit: bool) -> Iterator[Database]:
    """Open the database over a line that is cut at COMMIT, before or after the server has it."""
    upstream = f"{psycopg.conninfo.conninfo_to_dict(app_url)['host']}/.s.PGSQL.5432"
    with tempfile.TemporaryDirectory(prefix="cut-") as folder:  # a socket's path is short
        proxy = CuttingProxy(Path(folder), upstream, forward_commit=forward_commit)
        with Database(make_conninfo(app_url, host=folder), context_key()) as database:
            yield database
        proxy.close()


class TestCommit:
    """A commit that was sent and not answered is unknown; the same command finds out."""

    @pytest.fixture
    def command(self, engagement_id: UUID) -> Command:
        return Command(engagement_id, f"count:{uuid4()}", {"by": 1})

    @staticmethod
    def give(database: Database, context: Context, command: Command, said: str) -> Answer:
        with database.transaction(context.within(command.engagement_id)) as tx:
            return carry_out(tx, command, lambda: {"said": said})

    @pytest.mark.parametrize(("forward_commit", "answer"), [(True, "first"), (False, "second")])
    def test_is_unknown_when_the_line_is_cut(
        self,
        database: Database,
        app_url: str,
        context: Context,
        command: Command,
        forward_commit: bool,
        answer: str,
    ) -> None:
        with (
            through_proxy(app_url, forward_commit=forward_commit) as cut,
            pytest.raises(OutcomeUnknown, match="connection was lost during the commit"),
        ):
            self.give(cut, context, command, "first")
        assert self.give(database, context, command, "second") == {"said": answer}

    def test_is_unknown_when_the_server_ends_the_session(
        self,
        admin: Connection,
        database: Database,
        app_url: str,
        context: Context,
        command: Command,
    ) -> None:
        """A deferred trigger ends the backend within its own COMMIT."""
        admin.execute("""
            CREATE FUNCTION public.end_session() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
            AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER dying AFTER INSERT ON storage.command
              DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.end_session()
        """)
        try:
            with (
                Database(app_url, context_key()) as dying,
                pytest.raises(OutcomeUnknown, match="connection was lost during the commit"),
            ):
                self.give(dying, context, command, "first")
        finally:
            admin.execute("DROP FUNCTION public.end_session() CASCADE")
        assert self.give(database, context, command, "second") == {"said": "second"}

    def test_is_unknown_when_no_standby_confirmed_it(
        self,
        admin: Connection,
        home: Path,
        database: Database,
        app_url: str,
        context: Context,
        command: Command,
    ) -> None:
        """The server waits for a standby that is not there, until the wait is cancelled."""
        with awaiting_standby(home, admin), Database(app_url, context_key()) as waiting:
            pid = waiting._connection.info.backend_pid
            canceller = threading.Thread(target=cancel_when_waiting, args=(admin, pid))
            canceller.start()
            with pytest.raises(OutcomeUnknown, match="server warned during the commit: cancel"):
                self.give(waiting, context, command, "first")
            canceller.join()
        assert self.give(database, context, command, "second") == {"said": "first"}

    def test_is_known_when_the_server_refuses_it(
        self, admin: Connection, database: Database, context: Context, command: Command
    ) -> None:
        admin.execute("""
            CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RAISE check_violation USING MESSAGE = 'not like this'; END $$;
            CREATE CONSTRAINT TRIGGER refusing AFTER INSERT ON storage.command
              DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.refuse();
            GRANT EXECUTE ON FUNCTION public.refuse() TO PUBLIC
        """)
        try:
            with pytest.raises(psycopg.errors.CheckViolation, match="not like this"):
                self.give(database, context, command, "first")
        finally:
            admin.execute("DROP FUNCTION public.refuse() CASCADE")
        assert self.give(database, context, command, "second") == {"said": "second"}


@contextmanager
def awaiting_standby(home: Path, admin: Connection) -> Iterator[None]:
    settings = home / "postgres" / "postgresql.conf"
    before = settings.read_text()
    settings.write_text(before + "synchronous_standby_names = 'nobody'\n")
    admin.execute("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        settings.write_text(before)
        admin.execute("SELECT pg_reload_conf()")
        while admin.execute("SHOW synchronous_standby_names").fetchone() != ("",):
            time.sleep(0.01)


def cancel_when_waiting(admin: Connection, pid: int) -> None:
    waits = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event = 'SyncRep'"
    while admin.execute(waits, [pid]).fetchone() is None:
        time.sleep(0.01)
    admin.execute("SELECT pg_cancel_backend(%s)", [pid])


# --- Servers and roles that we do not run on -------------------------------------------------


@contextmanager
def login_role(admin: Connection, attributes: str) -> Iterator[str]:
    """Make a role that can log in, for as long as it takes; return its name."""
    name = f"role_{uuid4().hex[:8]}"
    create = f"CREATE ROLE {name} LOGIN PASSWORD 'guess' {attributes}"
    admin.execute(create.encode())
    admin.execute(f"GRANT CONNECT ON DATABASE openbpo TO {name}".encode())
    try:
        yield name
    finally:
        admin.execute(f"DROP OWNED BY {name}; DROP ROLE {name}".encode())


class TestUnsafeRole:
    @pytest.mark.parametrize(
        ("attributes", "fault"),
        [
            ("SUPERUSER", "is a superuser"),
            ("BYPASSRLS", "has BYPASSRLS"),
            ("IN ROLE openbpo_owner", "owns our tables"),
            ("NOINHERIT IN ROLE openbpo_owner", "owns our tables"),
            ("IN ROLE pg_read_all_data", "may act as another role"),
        ],
    )
    def test_is_refused(self, admin: Connection, app_url: str, attributes: str, fault: str) -> None:
        with (
            login_role(admin, attributes) as role,
            pytest.raises(ServerRefused, match=fault),
            Database(make_conninfo(app_url, user=role, password="guess"), context_key()),
        ):
            pass

    def test_is_refused_behind_a_plain_one(self, admin: Connection, app_url: str) -> None:
        """A superuser whose sessions begin as somebody harmless becomes itself by RESET ROLE."""
        with login_role(admin, "SUPERUSER") as role:
            admin.execute(f"ALTER ROLE {role} SET role = 'openbpo_app'".encode())
            url = make_conninfo(app_url, user=role, password="guess")
            with pytest.raises(ServerRefused, match="superuser"), Database(url, context_key()):
                pass

    def test_is_refused_when_it_owns_our_tables(self, admin: Connection, app_url: str) -> None:
        with login_role(admin, "") as role:
            admin.execute(
                "CREATE TABLE storage.its_own ();"
                f" ALTER TABLE storage.its_own OWNER TO {role}".encode()
            )
            url = make_conninfo(app_url, user=role, password="guess")
            with (
                pytest.raises(ServerRefused, match="owns our tables"),
                Database(url, context_key()),
            ):
                pass

    def test_is_refused_when_it_is_the_migrators(self, installed: Installation) -> None:
        assert installed.owner_url is not None
        with pytest.raises(ServerRefused), Database(installed.owner_url, context_key()):
            pass

    def test_is_refused_when_it_cannot_log_in(self, app_url: str) -> None:
        url = make_conninfo(app_url, password="guess")
        with (
            pytest.raises(ServerUnreachable, match="cannot be reached"),
            Database(url, context_key()),
        ):
            pass


def other_postgres() -> tuple[int, Path] | None:
    """Return the major version and the programs of a PostgreSQL here that is not ours."""
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    if on_path := shutil.which("postgres"):
        folders.append(Path(on_path).resolve().parent)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            said = subprocess.run([folder / "postgres", "-V"], capture_output=True, text=True)
            major = int(said.stdout.split()[2].split(".")[0])
            if major != 18:
                return major, folder
    return None


OTHER_POSTGRES = other_postgres()


@pytest.fixture
def other_server() -> Iterator[tuple[int, str]]:
    """A server of another major version: that version, and its address."""
    if OTHER_POSTGRES is None:
        pytest.skip("there is no PostgreSQL of another major version on this machine")
    major, folder_of_programs = OTHER_POSTGRES
    prefix = programs.ORDINARY_USER if os.geteuid() == 0 else ()
    with tempfile.TemporaryDirectory(prefix="other-") as folder:
        data, log = f"{folder}/data", f"{folder}/log"

        def run(program: str, *words: str) -> None:
            command = [*prefix, str(folder_of_programs / program), f"--pgdata={data}", *words]
            subprocess.run(command, check=True, capture_output=True, cwd=folder)

        run("initdb", "--username=postgres", "--auth=trust", "--no-sync", "--no-locale")
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "start", "--wait", f"--log={log}", f"--options={options}")
        try:
            yield major, make_conninfo(host=folder, user="postgres", dbname="postgres")
        finally:
            run("pg_ctl", "stop", "--wait", "--mode=immediate")


@pytest.mark.skipif(
    os.geteuid() == 0
    and sys.platform == "linux"
    and OTHER_POSTGRES is not None
    and subprocess.run([*programs.ORDINARY_USER, "true"], capture_output=True).returncode != 0,
    reason="PostgreSQL does not run as root, and there are no user namespaces here",
)
class TestOtherMajorVersion:
    def test_is_refused_by_name(self, other_server: tuple[int, str]) -> None:
        major, url = other_server
        told = f"The server is PostgreSQL {major}; OpenBPO runs on PostgreSQL 18"
        with pytest.raises(ServerRefused, match=told), Database(url, ContextKey("k", b"")):
            pass
        with pytest.raises(ServerRefused, match=told):
            migrate(url, app_role="postgres", key=ContextKey("k", b""))


# --- A server of the user's ------------------------------------------------------------------


class TestUsersServer:
    """Both addresses name a database and plain roles of the user's own making."""

    OWNER, APP, NAME = 'Acme\'s "DBA"', "acme-app", "Acme Ops"

    @pytest.fixture
    def addresses(
        self, admin: Connection, installed: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[tuple[str, str]]:
        names = {
            "owner": sql.Identifier(self.OWNER),
            "app": sql.Identifier(self.APP),
            "name": sql.Identifier(self.NAME),
        }

        def run(*statements: Any) -> None:
            for statement in statements:
                admin.execute(sql.SQL(statement).format(**names))

        run(
            "CREATE ROLE {owner} LOGIN PASSWORD 'guess'",
            "CREATE ROLE {app} LOGIN PASSWORD 'guess'",
            "CREATE DATABASE {name} OWNER {owner}",
        )
        app, owner = (
            make_conninfo(installed.app_url, user=user, password="guess", dbname=self.NAME)
            for user in (self.APP, self.OWNER)
        )
        monkeypatch.setenv(APP_URL, app)
        monkeypatch.setenv(OWNER_URL, owner)
        yield app, owner
        run("DROP DATABASE {name} WITH (FORCE)", "DROP ROLE {owner}", "DROP ROLE {app}")

    def test_is_prepared_and_used(
        self, addresses: tuple[str, str], context: Context, handle: str
    ) -> None:
        with open_database() as database:
            engagement_id = open_engagement(database, context, handle)
            assert open_engagement(database, context, handle) == engagement_id
        with psycopg.connect(addresses[1]) as owner:
            owners = owner.execute(
                "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN"
                " ('sec', 'storage', 'trust', 'agreements', 'record')"
            ).fetchall()
            applied = owner.execute("SELECT count(*) FROM storage.migration").fetchone()
        assert owners == [(self.OWNER,)]
        assert applied == (len(shipped()),)

    def test_lets_the_application_read_no_key(self, addresses: tuple[str, str]) -> None:
        with open_database():
            pass
        with psycopg.connect(addresses[0]) as app:
            for table in ("sec.context_key", "sec.engagement_grant", "storage.migration"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege), app.transaction():
                    app.execute(f"SELECT * FROM {table}".encode())

    def test_is_used_without_the_owners_address_once_it_is_prepared(
        self, addresses: tuple[str, str], monkeypatch: pytest.MonkeyPatch, context: Context
    ) -> None:
        with open_database():
            pass
        monkeypatch.delenv(OWNER_URL)
        with open_database() as database, database.transaction(context) as tx:
            assert granted(tx) == []

    def test_is_refused_when_the_owner_is_named_alone(
        self, addresses: tuple[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv(APP_URL)
        with pytest.raises(ServerRefused, match=f"{APP_URL} is not"):
            find_installation()

    def test_is_refused_when_both_are_the_owners(
        self, addresses: tuple[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(APP_URL, addresses[1])
        with pytest.raises(ServerRefused, match="owns our tables"), open_database():
            pass
