"""
Packs and pages that were made for somebody and lie ready to be fetched, in the home folder.

Each lies beside a small file that tells what it is; that one is written last, so that what is
listed is whole. A folder belongs to one engagement.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID

from openbpo.storage.home import home, write_secret
from openbpo.values.ids import EngagementId

FOLDER: Final = "packs"
Kind = Literal["pack", "page"]
ENDS: Final[Mapping[Kind, str]] = {"pack": ".pack", "page": ".html"}


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that lies ready, and what is told of it."""

    kept_id: UUID
    kind: Kind
    path: Path
    told: Mapping[str, Any]


def place(engagement_id: EngagementId, kept_id: UUID, kind: Kind = "pack") -> Path:
    """Return where a file of an engagement lies, or is to lie."""
    return _folder(engagement_id) / f"{kept_id}{ENDS[kind]}"


def keep(engagement_id: EngagementId, kept_id: UUID, kind: Kind, told: Mapping[str, Any]) -> None:
    """Let a file that was written in its place be listed from now on."""
    content = json.dumps({"kind": kind, **told}).encode()
    write_secret(_folder(engagement_id) / f"{kept_id}.json", content)


def all_kept(engagement_id: EngagementId) -> list[Kept]:
    """Return the files of an engagement that lie ready, the newest first."""
    found = (_read(path) for path in _folder(engagement_id).glob("*.json"))
    held = [one for one in found if one is not None]
    return sorted(held, key=lambda one: (str(one.told.get("made_at")), one.kept_id), reverse=True)


def find_kept(engagement_id: EngagementId, kept_id: UUID) -> Kept | None:
    """Return a file of an engagement, None where none of this id lies there."""
    return _read(_folder(engagement_id) / f"{kept_id}.json")


def delete_kept(kept: Kept) -> None:
    """Delete a file; what it was made of stays recorded."""
    kept.path.with_suffix(".json").unlink(missing_ok=True)
    kept.path.unlink(missing_ok=True)


def dropped(engagement_id: EngagementId, name: str) -> Path:
    """Return where a file that somebody handed in waits to be looked at."""
    folder = _folder(engagement_id) / "dropped"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / name


def _folder(engagement_id: EngagementId) -> Path:
    folder = home() / FOLDER / str(engagement_id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _read(path: Path) -> Kept | None:
    try:
        told = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    kind: Kind = "page" if told.get("kind") == "page" else "pack"
    file = path.with_suffix(ENDS[kind])
    return Kept(UUID(path.stem), kind, file, told) if file.exists() else None
