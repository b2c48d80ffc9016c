"""
Files that came by the browser, under the home folder until what they were brought for is done.

Each has a folder of its own, named by chance, with the file under a harmless name and a note of
whose it is and what was found in it. Nothing in it is ever run. What nobody fetched for a week is
swept away when the next file comes.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openbpo.delivery.intake.files.rejects import reject_path
from openbpo.storage.home import home, write_secret
from openbpo.values.refusals import Refusal

FOLDER = "uploads"
VARIABLE = "OPENBPO_UPLOAD_MB"
USUAL_MB = 200
KEPT_S = 7 * 24 * 60 * 60
MOST_NAME = 100
_NOTE = ".told.json"
_TOKEN = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was brought: by whom, for which engagement ("" for none yet)."""

    token: str
    folder: Path
    name: str
    owner: str
    engagement_id: str

    @property
    def path(self) -> Path:
        """Return where the file lies, as long as it does."""
        return self.folder / self.name

    @property
    def rejects(self) -> Path:
        """Return where its refused rows lie, if any were refused."""
        return reject_path(self.path)

    def told(self) -> dict[str, Any]:
        """Return what was noted of it."""
        found: dict[str, Any] = json.loads((self.folder / _NOTE).read_text(encoding="utf-8"))
        return found

    def note(self, **told: Any) -> None:
        """Note something of it, beside what is noted already."""
        content = json.dumps({**self.told(), **told}, ensure_ascii=False)
        write_secret(self.folder / _NOTE, content.encode("utf-8", "surrogatepass"))

    def forget_content(self) -> None:
        """Delete the file; what was refused of it, and the note, stay."""
        self.path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Delete all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def uploads_folder() -> Path:
    """Return the folder of what was brought; only we can look into it."""
    folder = home() / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def limit_bytes() -> int:
    """Return how large a file may be: OPENBPO_UPLOAD_MB, else 200 MB."""
    told = os.environ.get(VARIABLE, "")
    if told and not re.fullmatch(r"[1-9][0-9]{0,5}", told):
        raise Refusal.of(VARIABLE, f"{told!r} is no size.", "Write whole megabytes, as 200.")
    return int(told or USUAL_MB) * 1_000_000


def safe_name(name: str) -> str:
    """Return a name without folders, and without letters that do not show or turn others round."""
    last = re.split(r"[/\\]", name)[-1]
    shown = "".join(c for c in last if unicodedata.category(c)[0] not in "CZ" or c == " ")
    shown = re.sub(r"\s+", " ", shown).strip(" .")
    stem, point, suffix = shown.rpartition(".")
    if not point:
        stem, suffix = shown, ""
    suffix = f".{suffix[:10]}" if suffix else ""
    return (stem[: MOST_NAME - len(suffix)] + suffix) if stem else f"file{suffix}"


def receive(temporary: Path, *, name: str, owner: str, engagement_id: str = "") -> Upload:
    """Take a file that has arrived; `temporary` lies in the uploads' folder and is moved."""
    token = secrets.token_hex(16)
    folder = uploads_folder() / token
    folder.mkdir(mode=0o700)
    upload = Upload(token, folder, safe_name(name), owner, engagement_id)
    told = {"name": upload.name, "owner": owner, "engagement_id": engagement_id}
    write_secret(folder / _NOTE, json.dumps(told).encode())
    temporary.replace(upload.path)
    _sweep(folder)
    return upload


def find_upload(token: str, *, owner: str | None, engagement_id: str = "") -> Upload | None:
    """Return somebody's upload, None where there is none; `owner` None is whoever brought it."""
    if not _TOKEN.fullmatch(token):
        return None
    folder = uploads_folder() / token
    try:
        told: Mapping[str, Any] = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    upload = Upload(token, folder, told["name"], told["owner"], told["engagement_id"])
    if owner is not None and upload.owner != owner:
        return None
    return upload if upload.engagement_id == engagement_id else None


def give_to(upload: Upload, engagement_id: str) -> Upload:
    """Let an upload belong to an engagement from now on."""
    upload.note(engagement_id=engagement_id)
    return Upload(upload.token, upload.folder, upload.name, upload.owner, engagement_id)


def _sweep(newest: Path) -> None:
    """Delete what is older than a week; the newest folder's own time says what time it is."""
    now = newest.stat().st_mtime
    for one in uploads_folder().iterdir():
        with suppress(OSError):
            if now - one.stat().st_mtime > KEPT_S:
                if one.is_dir():
                    shutil.rmtree(one, ignore_errors=True)
                else:
                    one.unlink()
