"""
A power cut while the record is sealed, a period closed, a pack written, a checkpoint countersigned.

Every failpoint of these is tried with the real command (R4): nothing is lost, nothing is there
twice, checkpoints follow one another, and a pack is whole or not there.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import psycopg
import pytest
from tests.desks import JANUARY, Desk, desk, run, told, witnessed_by
from tests.support import REPOSITORY, openbpo

from openbpo.record.sealing import store
from openbpo.storage import failpoints
from openbpo.storage.database import Database
from openbpo.surfaces.sealing import WITNESS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kills of evidence")]
PREFIXES = ("seal.", "close.", "bundle.", "countersign.", "readings.")
POINTS = sorted(name for name in failpoints.known() if name.startswith(PREFIXES))
REACHED = {
    "seal": ("seal.",),
    "close": ("seal.", "close."),
    "bundle": ("seal.", "bundle."),
    "countersign": ("seal.", "countersign."),
}
"""By command, the failpoints that it comes by."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evidence")


@pytest.fixture(scope="module")
def made(database: Database, folder: Path) -> Desk:
    made = desk(folder, "killed-desk", 600).accepted().takes_in(0, 500)
    run("close", made.name, "--period", JANUARY)
    return made


def dies(at: str, *arguments: str, witness: Path) -> None:
    env = {failpoints.VARIABLE: at, WITNESS: str(witness)}
    ran = openbpo(*arguments, env=env)
    assert ran.status == -signal.SIGKILL, (at, arguments, ran)


def command(name: str, made: Desk, period: str, out: Path) -> list[str]:
    return {
        "seal": ["seal", made.name],
        "close": ["close", made.name, "--period", period],
        "bundle": ["bundle", made.name, "--out", str(out)],
        "countersign": ["countersign", made.name, "--as", "client"],
    }[name]


def is_whole(made: Desk) -> None:
    """Replay checks entries, checkpoints and figures; none may be there twice."""
    assert "replayed, and equal" in run("replay", made.name)
    acts = [(act["period"], act["state"]) for act in told("periods", made.name)]
    assert len(acts) == len(set(acts))


def test_every_failpoint_of_these_is_tried() -> None:
    tried = {n for prefixes in REACHED.values() for n in POINTS if n.startswith(prefixes)}
    assert tried == set(POINTS)


@pytest.mark.parametrize(
    ("name", "at"),
    [(name, at) for name, prefixes in REACHED.items() for at in POINTS if at.startswith(prefixes)],
)
def test_a_power_cut_is_mended_by_the_same_command(
    made: Desk, folder: Path, name: str, at: str
) -> None:
    witness = folder / "witness"
    witness.mkdir(exist_ok=True)
    fresh(made, folder)
    period = next_period(made)
    out = folder / f"{name}-{at}.pack"
    dies(at, *command(name, made, period, out), witness=witness)
    if name == "bundle" and out.exists():
        run("verify", str(out), "--key", str(made.key))
    with witnessed_by(witness):
        run(*command(name, made, period, out))
        is_whole(made)
    if name == "close":
        assert [act["period"] for act in told("periods", made.name)].count(period) == 1
    if name == "bundle":
        run("verify", str(out), "--key", str(made.key))
    left = [path.name for path in folder.iterdir() if path.name.startswith(f".{out.name}")]
    assert name != "bundle" or len(left) <= 1, left


def fresh(made: Desk, folder: Path) -> None:
    """Let something wait to be sealed."""
    number = len(list(folder.glob("fresh-*.csv")))
    path = folder / f"fresh-{number}.csv"
    row = [f"Fresh {number}", *made.rows[10][1:]]
    path.write_text("\n".join([",".join(made.header), ",".join(row)]) + "\n", encoding="utf-8")
    run("import", made.name, str(path))


def next_period(made: Desk) -> str:
    """Return the month after the last that was closed."""
    last = max(act["period"] for act in told("periods", made.name))
    year, month = (int(part) for part in last.split("-"))
    return f"{year + month // 12:04}-{month % 12 + 1:02}"


class TestAFullDisk:
    @pytest.fixture
    def small(self, tmp_path: Path) -> Iterator[Path]:
        """A disk of 64 kilobytes."""
        place = tmp_path / "small"
        place.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)], capture_output=True
        )
        if mounted.returncode:
            pytest.skip("nothing may be mounted here")
        yield place
        subprocess.run(["umount", str(place)], check=True)

    def test_leaves_no_pack_and_says_so(self, made: Desk, small: Path) -> None:
        ran = openbpo("bundle", made.name, "--out", str(small / "a.pack"))
        assert ran.status == 3
        assert "No space left on device" in ran.err
        assert "Nothing of it was left behind." in ran.err
        assert list(small.iterdir()) == []
        is_whole(made)

    def test_at_the_witness_is_told_and_made_up_for(
        self, made: Desk, folder: Path, small: Path
    ) -> None:
        filler = small / "filler"
        with filler.open("wb", buffering=0) as file:
            fill(file)
        fresh(made, folder)
        ran = openbpo("seal", made.name, env={WITNESS: str(small)})
        assert ran.status == 0
        assert "The witness was not told" in ran.err
        filler.unlink()
        assert list(small.rglob("*.note")) == []
        ran = openbpo("seal", made.name, env={WITNESS: str(small)})
        assert (ran.status, ran.err) == (0, "")
        assert len(list(small.rglob("*record/*.note"))) == 1


def fill(file: IO[bytes]) -> None:
    """Write until the disk is full."""
    try:
        while True:
            file.write(b"0" * 512)
    except OSError as full:
        if full.errno != errno.ENOSPC:
            raise


class TestAtOnce:
    def test_two_sealers_make_each_checkpoint_once(self, made: Desk, folder: Path) -> None:
        for _ in range(3):
            fresh(made, folder)
            environment = {**os.environ}
            both = [
                subprocess.Popen(
                    [sys.executable, "-m", "openbpo", "seal", made.name, "--json"],
                    cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True,
                )
                for _ in range(2)
            ]  # fmt: skip
            said = [one.communicate(timeout=120)[0] for one in both]
            assert [one.returncode for one in both] == [0, 0]
            sealed = sorted(int(re.findall(r'"sealed": (\d+)', one)[0]) for one in said)
            assert sealed[0] == 0 < sealed[1]
        is_whole(made)

    def test_two_closers_close_once(self, made: Desk) -> None:
        period = next_period(made)
        both = [
            threading.Thread(target=openbpo, args=("close", made.name, "--period", period))
            for _ in range(2)
        ]
        for one in both:
            one.start()
        for one in both:
            one.join()
        assert [act["period"] for act in told("periods", made.name)].count(period) == 1
        is_whole(made)


class TestTheGuard:
    """What was entered after the oldest transaction that is under way waits to be sealed."""

    def test_entries_wait_for_an_older_transaction_and_then_come(
        self, made: Desk, folder: Path, admin: psycopg.Connection[Any]
    ) -> None:
        run("seal", made.name)
        with psycopg.connect(admin.info.dsn, password=admin.info.password) as older:
            older.execute("SELECT pg_current_xact_id()")
            fresh(made, folder)
            assert told("seal", made.name)[0]["sealed"] == 0
        assert told("seal", made.name)[0]["sealed"] == 2
        is_whole(made)

    def test_a_sealer_without_it_would_not_wait(
        self, made: Desk, folder: Path, admin: psycopg.Connection[Any]
    ) -> None:
        """So the test above can fail."""
        run("seal", made.name)

        def all_there_is(tx: Any) -> store.Horizon:
            seen = horizon(tx)
            return store.Horizon(str(int(seen.xmin) + 1_000_000), seen.now)

        horizon = store.horizon
        with (
            psycopg.connect(admin.info.dsn, password=admin.info.password) as older,
            pytest.MonkeyPatch.context() as seeded,
        ):
            older.execute("SELECT pg_current_xact_id()")
            fresh(made, folder)
            seeded.setattr(store, "horizon", all_there_is)
            assert told("seal", made.name)[0]["sealed"] == 2
