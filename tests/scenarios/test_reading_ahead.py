"""A large file is read by a process of its own: what happens where one of the two ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.scenarios.test_bad_files import HEADER, row, text_of
from tests.support import EXAMPLE

from openbpo.agreements.files import read_folder
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.resolved import from_facts, resolve
from openbpo.delivery.intake import reading_ahead
from openbpo.delivery.intake.reading import Chunk, Read, Reading, find_source
from openbpo.delivery.intake.reading_ahead import ReaderFailed, chunks_of

ROWS = 25_000


@pytest.fixture(autouse=True)
def _every_file_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_ahead, "LARGE_BYTES", 0)


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    """Three chunks, whose first row is refused."""
    agreement = read_agreement(read_folder(EXAMPLE))
    path = tmp_path / "log.csv"
    rows = [row(case=""), *(row(case=f"Case {number}") for number in range(ROWS - 1))]
    path.write_text(text_of(rows, HEADER))
    source = find_source(path, agreement, from_facts(agreement, resolve(agreement)), None)
    return Reading(
        source=source,
        fingerprint=source.fingerprint(),
        key=b"k" * 32,
        is_of_before=False,
        rejects=tmp_path / "log.refused.csv",
        replaces_rejects=False,
    )


def readers() -> Iterator[int]:
    """Yield the processes of this one that read files."""
    found = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-f", "reading_ahead"], capture_output=True, text=True
    )
    yield from map(int, found.stdout.split())


def left_behind(reading: Reading) -> list[str]:
    return sorted(path.name for path in reading.rejects.parent.iterdir())


def eventually_gone(reading: Reading) -> bool:
    deadline = time.monotonic() + 20
    while left_behind(reading) != ["log.csv"] and time.monotonic() < deadline:
        time.sleep(0.05)
    return left_behind(reading) == ["log.csv"]


def test_reads_what_one_process_reads(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    with chunks_of(reading) as chunks:
        apart = [told.last if isinstance(told, Chunk) else told for told in chunks]
    reading.rejects.unlink()
    monkeypatch.setattr(reading_ahead, "LARGE_BYTES", 10**9)
    with chunks_of(reading) as chunks:
        here = [told.last if isinstance(told, Chunk) else told for told in chunks]
    assert apart == here
    assert apart[:-1] == [10_000, 20_000, ROWS]
    assert isinstance(apart[-1], Read)
    assert apart[-1].tally.refused == 1
    assert apart[-1].rejects == reading.rejects
    assert list(readers()) == []


def test_that_is_killed_is_told_and_leaves_no_process(reading: Reading) -> None:
    def read() -> None:
        with chunks_of(reading) as chunks:
            for _ in chunks:
                for reader in readers():
                    os.kill(reader, signal.SIGKILL)

    with pytest.raises(ReaderFailed, match="ended"):
        read()
    assert list(readers()) == []


def test_leaves_no_refused_rows_where_a_chunk_was_not_taken(reading: Reading) -> None:
    def read() -> None:
        with chunks_of(reading) as chunks:
            if next(chunks):
                raise ValueError("the server went away")

    with pytest.raises(ValueError, match="the server"):
        read()
    assert eventually_gone(reading)
    assert list(readers()) == []


def test_ends_where_the_other_is_killed(reading: Reading) -> None:
    """The process that sends is killed at the last chunk, which is not taken."""
    pid = os.fork()
    if pid == 0:
        with chunks_of(reading) as chunks:
            for told in chunks:
                if told.last == ROWS:  # type: ignore[union-attr]
                    os.kill(os.getpid(), signal.SIGKILL)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status)
    assert eventually_gone(reading)


def test_tells_what_went_wrong(reading: Reading, tmp_path: Path) -> None:
    broken = reading.__class__(
        source=reading.source,
        fingerprint=reading.fingerprint,
        key=b"k" * 65,  # longer than a key of BLAKE2b may be
        is_of_before=False,
        rejects=tmp_path / "refused.csv",
        replaces_rejects=False,
    )
    with pytest.raises(ReaderFailed, match="maximum key length"), chunks_of(broken) as chunks:
        next(chunks)
