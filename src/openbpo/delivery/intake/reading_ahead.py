"""
Reading a large file in a process of its own, while the server takes in what was read before.

Within one process reading and sending would wait for each other (Python runs one thread at a time).
The other process gets a `Reading` on its standard input, and answers on its standard output with
frames: a length of eight bytes, then a pickled chunk, the outcome, or what went wrong. It knows no
database and no secret but the key of rows. When either side ends, the other one sees its pipe end:
the reader then leaves no file of refused rows behind.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import IO, NamedTuple

from openbpo.delivery.intake.reading import Chunk, Read, Reading, read_chunks
from openbpo.values.refusals import Mistake, Refusal

LARGE_BYTES = 8_000_000
"""From this size on a file is worth a process, which takes its time to start."""

ENDING_S = 10
_LENGTH_BYTES = 8
_ALL_TAKEN = b"."


class ReaderFailed(Exception):  # noqa: N818
    """The process that reads ended, or failed; carries what it said."""


class _Refused(NamedTuple):
    kind: type[Refusal]
    mistakes: tuple[Mistake, ...]


class _Failed(NamedTuple):
    said: str


@contextmanager
def chunks_of(reading: Reading) -> Iterator[Iterator[Chunk | Read]]:
    """
    Give what `read_chunks` yields; a large file is read by a process of its own.

    Who asks for the next chunk has taken in the one before. Raises ReaderFailed where the other
    process fails; it is ended with the block.
    """
    if reading.source.path.stat().st_size < LARGE_BYTES:
        with closing(read_chunks(reading)) as chunks:
            yield chunks
        return
    program = f"from {__name__} import main; main()"  # so that what it sends has its own name
    command = [sys.executable, "-P", "-c", program]
    with subprocess.Popen(  # noqa: S603 - our own program
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reader:
        try:
            yield _chunks_from(reader, reading)
        finally:
            _end(reader)


def _chunks_from(reader: subprocess.Popen[bytes], reading: Reading) -> Iterator[Chunk | Read]:
    assert reader.stdin is not None
    assert reader.stdout is not None
    try:
        _send(reader.stdin, reading)
        while True:
            match _receive(reader.stdout):
                case Chunk() as chunk:
                    yield chunk
                case None:
                    reader.stdin.write(_ALL_TAKEN)
                    reader.stdin.flush()
                case Read() as read:
                    yield read
                    return
                case _Refused(kind, mistakes):
                    raise kind(*mistakes)
                case _Failed(said):
                    raise ReaderFailed(said)
    except (BrokenPipeError, EOFError) as ended:
        raise ReaderFailed("The process that reads the file ended.") from ended


def _end(reader: subprocess.Popen[bytes]) -> None:
    """End the other process: it ends by itself when its pipes do, and cleans up."""
    for pipe in (reader.stdin, reader.stdout):
        assert pipe is not None
        with suppress(BrokenPipeError):
            pipe.close()
    try:
        reader.wait(ENDING_S)
    except subprocess.TimeoutExpired:
        reader.kill()


def _send(pipe: IO[bytes], told: object) -> None:
    data = pickle.dumps(told, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(len(data).to_bytes(_LENGTH_BYTES, "big"))
    pipe.write(data)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> object:
    length = int.from_bytes(_exactly(pipe, _LENGTH_BYTES), "big")
    return pickle.loads(_exactly(pipe, length))  # noqa: S301 - from our own process, by its pipe


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data


def main() -> None:
    """Read the file that standard input names, and answer on standard output."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever prints does not mix with it
    asked = sys.stdin.buffer
    reading = _receive(asked)
    assert isinstance(reading, Reading)

    def all_taken() -> None:
        _send(answers, None)
        if asked.read(1) != _ALL_TAKEN:
            raise BrokenPipeError

    try:
        with closing(read_chunks(reading, all_taken)) as chunks:
            for told in chunks:
                _send(answers, told)
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(1)  # who asked has ended, or is ending; nobody is left to be told
    except Refusal as refusal:
        _send(answers, _Refused(type(refusal), refusal.mistakes))
    except Exception:  # noqa: BLE001 - handed on to who asked
        _send(answers, _Failed(traceback.format_exc()))
