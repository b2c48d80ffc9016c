"""Making the data: finished under another name, then given its own by one rename."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from openbpo.storage.failpoints import failpoint
from openbpo.storage.home import secret_once, sync_folder
from openbpo.storage.server.logs import quoted
from openbpo.storage.server.model import ADMIN_USER, ServerUnavailable
from openbpo.storage.server.places import Place
from openbpo.storage.server.programs import Programs


def initialise(place: Place, programs: Programs, lock: int) -> None:
    """Make the data in a folder of another name, and give it its own when it is finished."""
    password = admin_password(place)
    new = place.data.with_name(f"data.new-{os.getpid()}")
    password_file = new.with_name(f"{new.name}.password")
    _lend(password_file, password, place)
    with programs.spawn(
        "initdb",
        f"--pgdata={new}",
        f"--username={ADMIN_USER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--no-instructions",
        folder=place.served,
        keep_open=lock,  # should we be killed, the next command waits until initdb has ended
    ) as initdb:
        failpoint("server.during_initdb")
        said, _ = initdb.communicate()
    password_file.unlink()
    if initdb.returncode != 0:
        remove_leftovers(place)
        raise ServerUnavailable.of(
            str(place.data),
            f"PostgreSQL could not make its data folder:\n{quoted(said.splitlines())}\n",
            "Mend what it names (space on the disk, rights), and run the command again.",
        )
    failpoint("server.after_initdb")
    new.rename(place.data)
    sync_folder(place.served)
    failpoint("server.after_rename")


def admin_password(place: Place) -> str:
    path = place.kept / "admin-password"
    if place.data.exists() and not path.exists():
        raise ServerUnavailable.of(
            str(path),
            "The administrator's password of the embedded server is missing.",
            "Put this file back from a backup of the home folder.",
        )
    return secret_once(path, lambda: secrets.token_hex(32).encode()).decode()


def _lend(path: Path, text: str, place: Place) -> None:
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "w") as file:
        if place.account is not None:
            os.fchown(number, place.account.pw_uid, place.account.pw_gid)
        file.write(text)


def remove_leftovers(place: Place) -> None:
    for path in place.served.glob("data.new-*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
