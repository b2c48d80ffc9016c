"""The embedded server: whatever was killed, removed or left behind, the next command works."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from openbpo.storage import failpoints
from openbpo.storage.server import ServerUnavailable, ensure_running, logs, programs, status, stop

ENSURE = """
from openbpo.storage import server
server.ensure_running()
print(server.status().pid)
"""
AS_ROOT = os.geteuid() == 0
NAMESPACES = subprocess.run([*programs.ORDINARY_USER, "true"], capture_output=True).returncode == 0


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.delenv(failpoints.VARIABLE, raising=False)
    with in_home(tmp_path / "home") as folder:
        yield folder


@contextmanager
def in_home(folder: Path) -> Iterator[Path]:
    """Work in this home, and leave no server and nothing outside of it."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OPENBPO_HOME", str(folder))
        try:
            yield folder
        finally:
            if (folder / "postgres").is_dir():
                stop()
            elsewhere = folder / "postgres" / "elsewhere"
            if elsewhere.exists():
                shutil.rmtree(json.loads(elsewhere.read_text())["folder"])
            assert not serving(folder), "a server was left running"


def serving(folder: Path) -> list[int]:
    """Return the pids of the postmasters whose settings lie in this folder."""
    return processes("postgres", f"config_file={folder}")


def processes(program: str, word: str = "") -> list[int]:
    """Return the pids of the processes of this program, one of whose words begins so."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            name, *words = path.read_bytes().split(b"\0")
            if name.endswith(program.encode()) and any(w.startswith(word.encode()) for w in words):
                found.append(int(path.parent.name))
    return found


def start_command(code: str = ENSURE, *prefix: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", code],
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def command(*prefix: str, code: str = ENSURE, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the product to its end, and to the end of its output."""
    with start_command(code, *prefix, **variables) as process:
        out, err = process.communicate(timeout=30)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def ask(query: str) -> Any:
    with psycopg.connect(ensure_running().conninfo(), autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchone() if cursor.description else None


def pid() -> int:
    running = status().pid
    assert running is not None
    return running


def kill_server() -> None:
    """Kill the server as a power cut would, and wait until its processes are gone."""
    postmaster = pid()
    os.kill(postmaster, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while not has_ended(postmaster):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def has_ended(pid: int) -> bool:
    """Tell whether a process has closed all that it held, its socket too: it is gone, or waits."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


class TestEnsureRunning:
    def test_keeps_the_data_over_a_stop(self) -> None:
        ask("CREATE TABLE kept AS SELECT 42 AS number")
        first = pid()
        assert stop()
        assert not status().running
        assert ask("SELECT number FROM kept") == (42,)
        assert pid() != first

    def test_makes_a_server_that_is_safe_for_a_laptop(self, home: Path) -> None:
        expected = {
            "server_version_num": "1800",
            "server_encoding": "UTF8",
            "data_checksums": "on",
            "listen_addresses": "",
            "fsync": "on",
            "full_page_writes": "on",
            "max_connections": "40",
            "synchronous_commit": "on",
            "max_wal_size": "4GB",
            "TimeZone": "UTC",
            "log_timezone": "UTC",
            "password_encryption": "scram-sha-256",
            "idle_in_transaction_session_timeout": "1min",
        }
        with psycopg.connect(ensure_running().conninfo()) as connection:
            for name, value in expected.items():
                found = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
                assert found is not None
                assert found[0].startswith(value), name
            locale = connection.execute(
                "SELECT datlocprovider, datlocale, datcollate FROM pg_database"
                " WHERE datname = 'template1'"
            ).fetchone()
        assert locale == ("b", "C.UTF-8", "C")
        assert (home / "postgres" / "admin-password").stat().st_mode & 0o777 == 0o600

    def test_lets_nobody_in_without_the_password(self) -> None:
        address = ensure_running()
        assert address.password not in repr(address)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(address.conninfo(), password="guess")
        psycopg.connect(address.conninfo(), require_auth="scram-sha-256").close()

    def test_costs_little_and_starts_no_process_when_it_runs(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        address = ensure_running()
        monkeypatch.setattr(subprocess, "Popen", None)
        taken_s = []
        for _ in range(20):
            began = time.perf_counter()
            assert ensure_running() == address
            taken_s.append(time.perf_counter() - began)
        assert min(taken_s) < 0.005

    def test_starts_one_server_for_commands_at_once(self, home: Path) -> None:
        commands = [start_command() for _ in range(3)]
        ends = [(*process.communicate(timeout=30), process.returncode) for process in commands]
        assert [end[1:] for end in ends] == [("", 0)] * 3
        assert {int(end[0]) for end in ends} == {pid()}
        assert serving(home) == [pid()]

    def test_leaves_the_server_out_of_reach_of_the_terminal(self) -> None:
        ended = command()  # returns only when nobody holds its output open
        assert ended.returncode == 0, ended.stderr
        assert os.getsid(pid()) != os.getsid(0)
        assert os.getpgid(pid()) != os.getpgid(0)

    def test_works_in_a_deep_home(self, tmp_path: Path) -> None:
        with in_home(tmp_path.joinpath(*["deep" * 10] * 8)) as folder:
            assert len(str(folder)) > 300
            assert ask("SELECT 1") == (1,)

    def test_works_in_a_home_of_any_name(self, tmp_path: Path) -> None:
        with in_home(tmp_path / 'it\'s "my" $HOME, `x` \\ é'):
            assert ask("SELECT 1") == (1,)

    def test_survives_the_loss_of_its_socket_folder(self) -> None:
        ask("CREATE TABLE kept AS SELECT 42 AS number")
        shutil.rmtree(ensure_running().host)
        assert ask("SELECT number FROM kept") == (42,)

    def test_finds_the_server_of_a_session_that_had_a_runtime_folder(
        self, runtime: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
        address = ensure_running()
        assert Path(address.host).parent == runtime
        monkeypatch.delenv("XDG_RUNTIME_DIR")
        assert ensure_running() == address

    def test_needs_no_runtime_folder_of_a_long_path(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        long = tmp_path / ("long" * 20)
        long.mkdir(mode=0o700)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
        assert Path(ensure_running().host).parent == Path("/tmp")

    @pytest.fixture
    def runtime(self) -> Iterator[Path]:
        """As of a session of the user: a folder of a short path, which goes when it ends."""
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            yield Path(folder)
            stop()

    @pytest.mark.parametrize("kind", ["open to all", "a link", "a file"])
    def test_refuses_a_socket_folder_that_is_not_ours_alone(
        self, tmp_path: Path, kind: str
    ) -> None:
        folder = Path(ensure_running().host)
        assert stop()
        assert not folder.exists()
        if kind == "open to all":
            folder.mkdir()
            folder.chmod(0o777)
        elif kind == "a link":
            folder.symlink_to(tmp_path)
        else:
            folder.touch()
        try:
            with pytest.raises(ServerUnavailable, match=folder.name):
                ensure_running()
        finally:
            folder.rmdir() if kind == "open to all" else folder.unlink()

    def test_refuses_the_data_of_another_major_version(self, home: Path) -> None:
        data = home / "postgres" / "data"
        data.mkdir(parents=True)
        (data / "PG_VERSION").write_text("17\n")
        with pytest.raises(ServerUnavailable, match=r"PostgreSQL 17.*OPENBPO_HOME"):
            ensure_running()
        assert [path.name for path in (home / "postgres").rglob("*")] == ["data", "PG_VERSION"]

    def test_refuses_a_machine_for_which_there_is_no_postgresql(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
        with pytest.raises(ServerUnavailable, match="OPENBPO_OWNER_DATABASE_URL"):
            ensure_running()

    def test_refuses_data_whose_password_is_lost(self, home: Path) -> None:
        ensure_running()
        (home / "postgres" / "admin-password").unlink()
        with pytest.raises(ServerUnavailable, match="from a backup"):
            ensure_running()

    def test_says_why_data_could_not_be_made(self, home: Path) -> None:
        """As on a full disk: no file may grow beyond 1 MB."""
        limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))"
        ended = command(code=f"{limit}\n{ENSURE}")
        assert "ServerUnavailable" in ended.stderr
        assert "  | " in ended.stderr
        assert "run the command again" in ended.stderr
        assert not list((home / "postgres").glob("data*"))
        assert ask("SELECT 1") == (1,)

    def test_says_why_the_server_does_not_start(self, home: Path) -> None:
        address = ensure_running()
        assert stop()
        (home / "postgres" / "data" / "global" / "pg_control").unlink()
        with pytest.raises(ServerUnavailable, match=r"  \| .*pg_control"):
            ensure_running()
        assert not list(Path("/tmp").glob(f"openbpo-*-{Path(address.host).name[-8:]}"))

    def test_says_what_the_system_refuses(self, home: Path) -> None:
        home.mkdir(mode=0o700)
        (home / "postgres").touch()
        with pytest.raises(ServerUnavailable, match="Not a directory"):
            ensure_running()
        (home / "postgres").unlink()

    def test_keeps_the_log_within_its_bound(self, home: Path) -> None:
        log = home / "postgres" / "log"
        log.mkdir(parents=True, mode=0o700)
        (log / "Mon.log").touch()
        os.utime(log / "Mon.log", (0, 0))
        with (log / "Tue.log").open("wb") as large:
            large.truncate(logs.LOG_FILE_LIMIT_BYTES + 1)
        (home / "postgres").chmod(0o700)
        home.chmod(0o700)
        ensure_running()
        for path in log.iterdir():
            assert time.time() - path.stat().st_mtime < 3600
            assert path.stat().st_size < 100_000

    def test_logs_neither_statements_nor_values(self, home: Path) -> None:
        ask("CREATE TABLE people (name text PRIMARY KEY)")
        ask("INSERT INTO people VALUES ('Ada Client')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            ask("INSERT INTO people VALUES ('Ada Client')")
        assert stop()
        logged = "".join(path.read_text() for path in (home / "postgres" / "log").iterdir())
        assert "duplicate key" in logged
        assert "Ada" not in logged


class TestAfterACrash:
    @pytest.mark.parametrize(
        "name", sorted(name for name in failpoints.known() if name.startswith("server."))
    )
    def test_the_same_command_works(self, home: Path, name: str) -> None:
        killed = command(**{failpoints.VARIABLE: name})
        assert killed.returncode == -signal.SIGKILL
        again = command()
        assert again.returncode == 0, again.stderr
        assert serving(home) == [int(again.stdout)]
        assert not list((home / "postgres").glob("data.new-*"))
        assert ask("SELECT 1") == (1,)

    def test_the_same_command_works_when_initdb_was_cut_off_too(self, home: Path) -> None:
        with start_command() as process:
            deadline = time.monotonic() + 20
            while not list(home.glob("postgres/data*/base")):
                assert time.monotonic() < deadline
            for cut_off in (process.pid, *processes("initdb", f"--pgdata={home}")):
                os.kill(cut_off, signal.SIGKILL)
            process.communicate(timeout=20)
        assert process.returncode == -signal.SIGKILL
        assert ask("SELECT 1") == (1,)
        assert not list((home / "postgres").glob("data.new-*"))

    def test_committed_work_is_there(self) -> None:
        ask("CREATE TABLE kept AS SELECT 42 AS number")
        kill_server()
        assert ask("SELECT number FROM kept") == (42,)

    def test_a_pid_that_is_another_process_now_stops_nothing(self, home: Path) -> None:
        with subprocess.Popen(["sleep", "60"]) as bystander:
            try:
                self.leave_pid_file(home, f"{bystander.pid}\n")
                assert not status().running
                assert not stop()
                assert ask("SELECT 1") == (1,)
                assert stop()
                assert bystander.poll() is None
            finally:
                bystander.kill()

    @pytest.mark.parametrize("first_line", ["", "garbage\n", "999999999\n"])
    def test_a_pid_file_of_any_kind_stops_nothing(self, home: Path, first_line: str) -> None:
        self.leave_pid_file(home, first_line)
        assert ask("SELECT 1") == (1,)

    def leave_pid_file(self, home: Path, first_line: str) -> None:
        ensure_running()
        pid_file = home / "postgres" / "data" / "postmaster.pid"
        _, *rest = pid_file.read_text().splitlines(keepends=True)
        kill_server()
        assert pid_file.exists()
        pid_file.write_text(first_line + "".join(rest) if first_line else "")

    def test_a_copy_is_not_taken_for_the_server_that_it_was_copied_from(
        self, home: Path, tmp_path: Path
    ) -> None:
        first = ensure_running()
        ask("CHECKPOINT")
        shutil.copytree(home, tmp_path / "copy")
        with in_home(tmp_path / "copy"):
            assert ensure_running().host != first.host

    def test_a_server_whose_programs_were_removed_is_started_anew(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ensure_running()
        first = status().pid
        monkeypatch.setattr(
            "openbpo.storage.server.running._has_its_programs", lambda pid: pid != first
        )
        ensure_running()
        second = status().pid
        assert second not in (None, first)
        ensure_running()
        assert status().pid == second

    def test_data_that_another_container_serves_is_left_alone(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its processes cannot be seen from here; its lock can."""
        ensure_running()
        assert stop()
        for module in ("openbpo.storage.server", "openbpo.storage.server.running"):
            monkeypatch.setattr(f"{module}.LEFTOVERS_LIMIT_S", 0.1)
        with (home / "postgres" / "in-use").open("r+") as theirs:
            fcntl.flock(theirs, fcntl.LOCK_EX)
            with pytest.raises(ServerUnavailable, match="another container"):
                ensure_running()


class TestStop:
    def test_answers_that_nothing_ran(self) -> None:
        assert not stop()

    def test_ends_sessions_and_every_process(self, home: Path) -> None:
        connection = psycopg.connect(ensure_running().conninfo())
        connection.execute("SELECT 1")
        assert stop()
        assert not serving(home)
        assert not stop()
        connection.close()


@pytest.mark.skipif(not AS_ROOT, reason="only root needs another user for PostgreSQL")
class TestAsRoot:
    @pytest.fixture
    def refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Refuse user namespaces, as many containers do."""
        unshare = tmp_path / "bin" / "unshare"
        unshare.parent.mkdir()
        unshare.write_text("#!/bin/sh\nexit 1\n")
        unshare.chmod(0o755)
        monkeypatch.setenv("PATH", str(unshare.parent), prepend=os.pathsep)

    @pytest.mark.skipif(not NAMESPACES, reason="user namespaces are refused here")
    def test_runs_in_a_user_namespace(self, home: Path) -> None:
        assert ensure_running().notes == ()
        assert (home / "postgres" / "data").stat().st_uid == 0
        theirs, ours = Path(f"/proc/{pid()}/ns/user"), Path("/proc/self/ns/user")
        assert theirs.readlink() != ours.readlink()

    @pytest.mark.usefixtures("refused")
    def test_runs_as_a_system_user_where_namespaces_are_refused(self) -> None:
        address = ensure_running()
        owner = status().data.stat().st_uid
        assert owner != 0
        assert Path(f"/proc/{pid()}").stat().st_uid == owner
        assert Path(address.host).stat().st_uid == owner
        assert "runs as the system user" in address.notes[0]
        ask("CREATE TABLE kept AS SELECT 42 AS number")
        assert stop()
        assert ask("SELECT number FROM kept") == (42,)

    @pytest.mark.usefixtures("refused")
    def test_copies_the_programs_once_where_that_user_cannot_read_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wheel = programs._wheel()
        hidden = tmp_path / "site-packages" / wheel.name  # in a folder that is root's alone
        hidden.parent.mkdir()
        hidden.symlink_to(wheel)
        libraries = wheel.with_name(f"{wheel.name}.libs")
        hidden.with_name(libraries.name).symlink_to(libraries)
        monkeypatch.setattr(programs, "_wheel", lambda: hidden)
        assert ask("SELECT 1") == (1,)
        found = status().data.parent.parent.glob("programs-*")
        copied = {path: path.stat().st_ctime_ns for path in found}
        assert len(copied) == 1
        assert stop()
        assert ask("SELECT 1") == (1,)
        assert copied == {path: path.stat().st_ctime_ns for path in copied}

    @pytest.mark.skipif(not NAMESPACES, reason="user namespaces are refused here")
    def test_refuses_to_begin_anew_when_namespaces_are_refused_later(
        self, request: pytest.FixtureRequest
    ) -> None:
        ensure_running()
        assert stop()
        request.getfixturevalue("refused")
        with pytest.raises(ServerUnavailable, match="user namespaces"):
            ensure_running()

    @pytest.mark.skipif(not NAMESPACES, reason="user namespaces are refused here")
    def test_an_ordinary_user_needs_none_of_this(self, home: Path) -> None:
        """Seen from within the namespace, the command is user 1000 and the home is his."""
        home.mkdir(mode=0o700)
        as_ordinary = ("unshare", "--user", "--map-user=1000", "--")
        ended = command(*as_ordinary)
        assert ended.returncode == 0, ended.stderr
        assert command(*as_ordinary, code=STOP_AS_ANOTHER).stdout == "1000 True\n"


STOP_AS_ANOTHER = """
import os
from openbpo.storage import server
print(os.geteuid(), server.stop())
"""
