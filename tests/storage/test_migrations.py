"""Migrations: once each, by many at once, over a kill anywhere, and never over what is not ours."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

import openbpo
from openbpo.storage import failpoints, migrations, server
from openbpo.storage.installation import Installation, context_key
from openbpo.storage.migrations import Migration, SchemaRefused, migrate, shipped

Connection = psycopg.Connection[Any]

NAMES = tuple(migration.name for migration in shipped())


def bring_up_to_date(installation: Installation) -> tuple[str, ...]:
    assert installation.owner_url is not None
    return migrate(installation.owner_url, app_role="openbpo_app", key=context_key())


def as_owner(installation: Installation) -> Connection:
    assert installation.owner_url is not None
    connection = psycopg.connect(installation.owner_url, autocommit=True)
    connection.execute("SET ROLE openbpo_owner")
    return connection


@pytest.fixture(scope="session")
def migrated(make_database: Callable[..., Installation]) -> Installation:
    """A database that is up to date, and stays as it is."""
    made = make_database()
    assert bring_up_to_date(made) == NAMES
    return made


class TestMigrate:
    def test_does_nothing_the_second_time(self, migrated: Installation) -> None:
        notes = "SELECT * FROM storage.migration ORDER BY number"
        with as_owner(migrated) as owner:
            before = owner.execute(notes).fetchall()
            assert bring_up_to_date(migrated) == ()
            assert owner.execute(notes).fetchall() == before
            assert owner.execute("SELECT count(*) FROM sec.context_key").fetchone() == (1,)

    def test_is_done_once_by_many_at_once(self, make_database: Callable[..., Installation]) -> None:
        made = make_database()
        with ThreadPoolExecutor(4) as pool:
            applied = list(pool.map(bring_up_to_date, [made] * 4))
        assert sorted(applied) == [(), (), (), NAMES]

    def test_applies_a_file_whole_or_not_at_all(
        self, make_database: Callable[..., Installation], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = make_database()
        broken = Migration(9_001, "9001_broken.sql", "CREATE SCHEMA half; SELECT 1 / 0;")
        with monkeypatch.context() as patched:
            patched.setattr(migrations, "shipped", lambda: (*shipped(), broken))
            with pytest.raises(psycopg.errors.DivisionByZero):
                bring_up_to_date(made)
        with as_owner(made) as owner:
            half = owner.execute("SELECT to_regnamespace('half')").fetchone()
            noted = owner.execute("SELECT count(*) FROM storage.migration").fetchone()
        assert (half, noted) == ((None,), (len(NAMES),))
        assert bring_up_to_date(made) == ()

    def test_refuses_a_file_that_was_edited_since(
        self, migrated: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second, *others = shipped()
        edited = Migration(second.number, second.name, second.text + "-- edited\n")
        monkeypatch.setattr(migrations, "shipped", lambda: (first, edited, *others))
        with pytest.raises(SchemaRefused, match=f"{second.name}: .* another edition"):
            bring_up_to_date(migrated)

    def test_refuses_a_database_of_a_newer_version(
        self, migrated: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        *older, newest = shipped()
        monkeypatch.setattr(migrations, "shipped", lambda: tuple(older))
        with pytest.raises(SchemaRefused, match=f"newer OpenBPO .migration {newest.number:04}"):
            bring_up_to_date(migrated)

    def test_gives_way_while_another_holds_the_lock(
        self, make_database: Callable[..., Installation], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It waits for 2 s in turns of at most 1 s; who reads meanwhile waits for no turn more."""
        made = make_database()
        bring_up_to_date(made)
        change = Migration(9_001, "9001_after.sql", "ALTER TABLE record.event ADD note text;")
        monkeypatch.setattr(migrations, "shipped", lambda: (*shipped(), change))
        look = "LOCK TABLE record.event IN ACCESS SHARE MODE"
        reader_waited_s, done = [], threading.Event()

        def read_all_the_time() -> None:
            with as_owner(made) as reader:
                while not done.is_set():
                    began = time.monotonic()
                    with reader.transaction():
                        reader.execute(look)
                    reader_waited_s.append(time.monotonic() - began)
                    time.sleep(0.01)

        with as_owner(made) as holder, ThreadPoolExecutor(2) as pool:
            holder.execute("BEGIN")
            holder.execute(look)
            began = time.monotonic()
            applied = pool.submit(bring_up_to_date, made)
            reading = pool.submit(read_all_the_time)
            time.sleep(2)
            holder.execute("COMMIT")
            assert applied.result(timeout=10) == (change.name,)
            done.set()
            reading.result(timeout=10)
        assert time.monotonic() - began >= 2
        assert 0.5 < max(reader_waited_s) < 1.9


OPEN = """
from openbpo.storage.installation import open_database
with open_database() as database:
    pass
"""


def command(folder: Path, failpoint: str = "") -> int:
    """Run a command of the product in a home; return how it ended."""
    environment = os.environ | {"OPENBPO_HOME": str(folder), failpoints.VARIABLE: failpoint}
    ended = subprocess.run([sys.executable, "-c", OPEN], env=environment, timeout=60)
    return ended.returncode


class TestKill:
    def test_is_mended_by_the_same_command(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One home, killed at each step in turn: what was done stays, the rest is done later."""
        home = tmp_path / "home"
        monkeypatch.setenv("OPENBPO_HOME", str(home))
        try:
            for failpoint in (
                "installation.after_roles",
                "installation.after_database",
                "migrations.after_one@2",
                "migrations.after_one",
            ):
                assert command(home, failpoint) == -signal.SIGKILL, failpoint
            assert command(home) == 0
            with psycopg.connect(server.ensure_running().conninfo("openbpo")) as admin:
                noted = admin.execute("SELECT name FROM storage.migration ORDER BY number")
                assert tuple(name for (name,) in noted) == NAMES
        finally:
            server.stop()


class TestFiles:
    def test_are_numbered_without_a_gap_and_say_when_they_run(self) -> None:
        assert [migration.number for migration in shipped()] == list(range(1, len(NAMES) + 1))
        assert all(name[4:].startswith(("_before_", "_after_")) for name in NAMES)

    def test_pass_squawk(self) -> None:
        root = Path(__file__).parents[2]
        folder = Path(openbpo.__file__).parent / "migrations"
        squawk = Path(sys.executable).with_name("squawk")
        files = sorted(folder.glob("*.sql"))
        assert len(files) == len(NAMES)
        said = subprocess.run(
            [squawk, f"--config={root / '.squawk.toml'}", "--reporter=gcc", *files],
            capture_output=True,
            text=True,
        )
        assert (said.returncode, said.stdout) == (0, ""), said.stdout + said.stderr
