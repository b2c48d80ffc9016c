"""The folders of one server, and to whom they belong."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from openbpo.storage.home import home
from openbpo.storage.server.model import ServerUnavailable
from openbpo.values.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one server; three are one unless it runs as a system user."""

    kept: Path  # the administrator's password and the locks; ours
    fixed: Path  # the settings, and the programs if they had to be copied; ours
    served: Path  # the data and the log; belongs to whom the server runs as
    account: pwd.struct_passwd | None = None  # the system user, if it runs as one

    @property
    def data(self) -> Path:
        return self.served / "data"

    @property
    def log(self) -> Path:
        return self.served / "log"

    @property
    def settings(self) -> Path:
        return self.fixed / "postgresql.conf"

    @property
    def owner(self) -> int:
        """The user, as seen from here, to whom the server's files belong."""
        return self.account.pw_uid if self.account else os.geteuid()

    @property
    def socket_name(self) -> str:
        return hashlib.sha256(os.fsencode(self.kept.parent)).hexdigest()[:8]

    @property
    def notes(self) -> tuple[str, ...]:
        if self.account is None:
            return ()
        note = (
            "PostgreSQL does not run as root, and cannot run in a user namespace here: "
            f"it runs as the system user '{self.account.pw_name}', in {self.fixed}."
        )
        return (note,)


def kept_folder() -> Path:
    return home() / "postgres"


def find_place(kept: Path) -> Place:
    try:
        elsewhere = json.loads((kept / "elsewhere").read_bytes())
    except FileNotFoundError:
        return Place(kept, kept, kept)
    fixed = Path(elsewhere["folder"])
    return Place(kept, fixed, fixed / "server", system_user(elsewhere["account"]))


def system_user(*names: str) -> pwd.struct_passwd:
    for name in names:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerUnavailable.of(
        "PostgreSQL",
        "It does not run as root, cannot run in a user namespace here, and there is no system "
        f"user {' or '.join(names)}.",
        "Make that user, or run the command as an ordinary user.",
    )


def make_folder_of_root(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
        raise _not_private(folder)
    folder.chmod(0o755)


def make_private(folder: Path, place: Place) -> None:
    """Make a folder that only whom the server runs as can enter; one that is there must be so."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.lstat().st_uid == os.geteuid() and place.account is not None:
        os.chown(folder, place.account.pw_uid, place.account.pw_gid, follow_symlinks=False)
    if not is_private(folder, place):
        raise _not_private(folder)


def is_private(folder: Path, place: Place) -> bool:
    found = folder.lstat()
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == place.owner
        and not stat.S_IMODE(found.st_mode) & 0o077
    )


def _not_private(folder: Path) -> Refusal:
    return ServerUnavailable.of(
        str(folder),
        "The server needs this name for a folder of its own, and it is someone else's, "
        "is open to others, or is no folder.",
        "Look at it, remove it, and run the command again.",
    )
