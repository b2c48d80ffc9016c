"""The folder that holds everything OpenBPO keeps on this machine, and the secrets in it."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_data_path

from openbpo.values.refusals import Refusal

VARIABLE = "OPENBPO_HOME"
KEPT = frozenset({"postgres", "keys", "context-key", "seal-keys.json"})
"""What a home is known by; one of these is made first."""


class HomeRefused(Refusal):
    """The home folder cannot be made, is not ours, or can be written by others."""


def home() -> Path:
    """Return the home folder, made if need be: it belongs to us and nobody else can write to it."""
    path = _chosen()
    _refuse_strange(path)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
    except OSError as error:
        raise HomeRefused.of(
            str(path),
            f"This folder cannot be used: {error.strerror}.",
            f"Make it usable, or set {VARIABLE} to a folder of your own.",
        ) from error
    if found.st_uid != os.geteuid():
        raise HomeRefused.of(
            str(path),
            f"This folder belongs to user {found.st_uid}, and you are user {os.geteuid()}.",
            f"Run the command as its owner, or set {VARIABLE} to a folder of your own.",
        )
    if stat.S_IMODE(found.st_mode) & 0o022:
        raise HomeRefused.of(
            str(path),
            "Others than you can write to this folder.",
            f"Run: chmod go-w '{path}'",
        )
    return path.resolve()


def _refuse_strange(path: Path) -> None:
    """What is not ours to fill stays as it is: `/`, or a folder that holds other things."""
    if not path.is_absolute():
        raise HomeRefused.of(
            str(path),
            "This path depends on the folder that you are in.",
            f"Set {VARIABLE} to the whole path.",
        )
    try:
        held = {entry.name for entry in path.iterdir() if not entry.name.startswith(".")}
    except OSError:
        return  # it is not there yet, or what follows says what is wrong with it
    if held and not held & KEPT:
        raise HomeRefused.of(
            str(path),
            "This folder holds other things, and is no home of OpenBPO.",
            f"Set {VARIABLE} to an empty folder, or to one that does not exist yet.",
        )


def write_secret(path: Path, secret: bytes) -> None:
    """Put `secret` at `path`, readable by us alone: whole or not at all, over what was there."""
    with _written(path, secret) as temporary:
        temporary.replace(path)


def secret_once(path: Path, make: Callable[[], bytes]) -> bytes:
    """Return the secret at `path`, made at first need; of many who make it at once, one wins."""
    if not path.exists():
        with _written(path, make()) as temporary:
            _link_unless_there(temporary, path)
    return path.read_bytes()


def _chosen() -> Path:
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser()
    return user_data_path("openbpo", appauthor=False)


@contextmanager
def _written(path: Path, secret: bytes) -> Iterator[Path]:
    """Give a finished file beside `path`, on the disk; then see to it that its new name is too."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made 0600
    temporary = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _link_unless_there(temporary: Path, path: Path) -> None:
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return  # another process was first, and its secret is the one


def sync_folder(folder: Path) -> None:
    """Wait until the names in this folder are on the disk."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
