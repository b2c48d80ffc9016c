"""
Where checkpoints are handed outside: a folder, or an HTTP address. What is out stays out.

A folder holds one file a checkpoint, `ORIGIN/SIZE.note`, the origin's slashes written as `_` and
the size with 20 digits. It may lie on a share or in a mirrored folder that the other side holds.

An HTTP address answers

    PUT ADDRESS/ORIGIN/SIZE     the note, as text/plain: 200, 201 or 204 where it is kept now or
                                was before; 409 with the note that stands there, if another
    GET ADDRESS/ORIGIN/latest   200 with the note of the largest size, 404 where there is none

A witness that cannot be reached is an answer, not an error: what was not handed over is handed
over later. A witness that holds another root for the same size is the alarm that it is there for.
"""

from __future__ import annotations

import http.client
import os
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from openbpo.record.checkpoints import LARGEST_NOTE, SignedNote, read_checkpoint, read_note
from openbpo.values.refusals import Refusal

TIMEOUT_S: Final = 10.0
_KEPT = (200, 201, 204)
_SIZE_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Witnessed:
    """The witness holds this checkpoint, now or since before."""

    where: str


@dataclass(frozen=True, slots=True)
class Contradicted:
    """The witness holds another root for this size: one of the two records was forged."""

    where: str
    theirs: SignedNote


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The witness cannot be asked now, or does not answer as one."""

    where: str
    why: str


class Witness(Protocol):
    """Who keeps checkpoints outside."""

    def publish(self, note: SignedNote) -> Witnessed | Contradicted | Unreachable:
        """Hand over a checkpoint; again and again comes to the same."""
        ...

    def latest(self, origin: str) -> SignedNote | Unreachable | None:
        """Return the checkpoint of the largest size that the witness holds."""
        ...


def witness_at(address: str) -> Witness:
    """Return the witness at an HTTP(S) address or in a folder. Raises Refusal for anything else."""
    parts = _split(address)
    if parts.scheme in ("http", "https"):
        if not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
            raise Refusal.of(
                "the witness",
                "This address names no host, or a password, a query or a fragment besides.",
                "Give https://HOST/PATH alone.",
            )
        return HttpWitness(address.rstrip("/"))
    if "://" in address or not address:
        raise Refusal.of(
            address or "the witness",
            "This is neither a folder nor an HTTP address.",
            "Give a folder's path, or https://HOST/PATH.",
        )
    return FolderWitness(Path(address).expanduser())


def _split(address: str) -> urllib.parse.SplitResult:
    try:
        return urllib.parse.urlsplit(address)
    except ValueError as fault:
        raise Refusal.of(
            "the witness", f"This is no address: {fault}.", "Give https://HOST/PATH."
        ) from fault


@dataclass(frozen=True, slots=True)
class FolderWitness:
    """A folder, which must be there: one that is not mounted is not made."""

    folder: Path

    def publish(self, note: SignedNote) -> Witnessed | Contradicted | Unreachable:
        """Write the checkpoint's file, unless one stands there."""
        checkpoint = note.checkpoint
        path = self._of(checkpoint.origin) / f"{checkpoint.size:0{_SIZE_DIGITS}}.note"
        try:
            path.parent.mkdir(exist_ok=True)
            if not path.exists():
                _write_once(path, str(note).encode())
            return _compared(note, _read(path), str(path))
        except (OSError, ValueError) as error:
            return Unreachable(str(path), _in_words(error))

    def latest(self, origin: str) -> SignedNote | Unreachable | None:
        """Return the checkpoint of the largest size, if the folder holds one."""
        try:
            paths = self._paths(origin)
            return _read(paths[-1]) if paths else None
        except (OSError, ValueError) as error:
            return Unreachable(str(self._of(origin)), _in_words(error))

    def all(self, origin: str) -> Sequence[SignedNote] | Unreachable:
        """Return all checkpoints of a tree, by size."""
        try:
            return [_read(path) for path in self._paths(origin)]
        except (OSError, ValueError) as error:
            return Unreachable(str(self._of(origin)), _in_words(error))

    def _of(self, origin: str) -> Path:
        return self.folder / origin.replace("/", "_")

    def _paths(self, origin: str) -> list[Path]:
        if not self.folder.is_dir():
            raise FileNotFoundError(None, "This folder is not there", str(self.folder))
        return sorted(self._of(origin).glob("[0-9]" * _SIZE_DIGITS + ".note"))


@dataclass(frozen=True, slots=True)
class HttpWitness:
    """An HTTP(S) address; see the head of this file for what it answers."""

    address: str
    timeout_s: float = TIMEOUT_S

    def publish(self, note: SignedNote) -> Witnessed | Contradicted | Unreachable:
        """PUT the checkpoint."""
        checkpoint = note.checkpoint
        url = f"{self.address}/{checkpoint.origin}/{checkpoint.size}"
        answer = self._ask("PUT", url, str(note).encode())
        if isinstance(answer, Unreachable):
            return answer
        status, content = answer
        if status in _KEPT:
            return Witnessed(url)
        if status != http.client.CONFLICT:
            return Unreachable(url, f"It answered {status}.")
        theirs = _note_or_why(content, url)
        return theirs if isinstance(theirs, Unreachable) else _compared(note, theirs, url)

    def latest(self, origin: str) -> SignedNote | Unreachable | None:
        """GET the checkpoint of the largest size, if there is one."""
        url = f"{self.address}/{origin}/latest"
        answer = self._ask("GET", url, None)
        if isinstance(answer, Unreachable):
            return answer
        status, content = answer
        if status == http.client.NOT_FOUND:
            return None
        if status != http.client.OK:
            return Unreachable(url, f"It answered {status}.")
        found = _note_or_why(content, url)
        if isinstance(found, SignedNote) and found.checkpoint.origin != origin:
            return Unreachable(url, f"It answered for {found.checkpoint.origin}.")
        return found

    def _ask(self, method: str, url: str, body: bytes | None) -> tuple[int, bytes] | Unreachable:
        """Return the status and the content. Only http and https ever get here: `witness_at`."""
        headers = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "openbpo"}
        request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:  # noqa: S310
                return answer.status, answer.read(LARGEST_NOTE + 1)
        except urllib.error.HTTPError as error:
            with error:
                return _content_of(error, url)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Unreachable(url, _in_words(error))


def _content_of(error: urllib.error.HTTPError, url: str) -> tuple[int, bytes] | Unreachable:
    try:
        return error.code, error.read(LARGEST_NOTE + 1)
    except (OSError, http.client.HTTPException) as broken:
        return Unreachable(url, _in_words(broken))


def _note_or_why(content: bytes, url: str) -> SignedNote | Unreachable:
    try:
        note = read_note(content.decode())
        read_checkpoint(note.text)
    except ValueError as fault:
        return Unreachable(url, f"It answered with no checkpoint. {fault}")
    return note


def _compared(ours: SignedNote, theirs: SignedNote, where: str) -> Witnessed | Contradicted:
    """Say whether both tell of one tree. Times and signatures may differ: sealed again."""
    mine, kept = ours.checkpoint, theirs.checkpoint
    is_same = (mine.origin, mine.size, mine.root) == (kept.origin, kept.size, kept.root)
    return Witnessed(where) if is_same else Contradicted(where, theirs)


def _read(path: Path) -> SignedNote:
    with path.open("rb") as file:
        note = read_note(file.read(LARGEST_NOTE + 1).decode())
    if path.name != f"{note.checkpoint.size:0{_SIZE_DIGITS}}.note":
        raise ValueError(f"{path.name} holds the checkpoint of another size.")
    return note


def _write_once(path: Path, content: bytes) -> None:
    """Put a whole file there; where another process was first, leave its file."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    temporary = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # it is there for others to read
        _name_it(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _name_it(temporary: Path, path: Path) -> None:
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return
    except OSError:  # a share without hard links: the look just before has to do
        if not path.exists():
            temporary.replace(path)


def _in_words(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError):
        error = error.reason if isinstance(error.reason, Exception) else error
    if isinstance(error, TimeoutError):
        return "It did not answer in time."
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}."
    return str(error) or type(error).__name__
