"""The server's log, which never outgrows its bound, and its last words."""

from __future__ import annotations

import time
from typing import Final

from openbpo.storage.server.places import Place

LOG_FILE_LIMIT_BYTES: Final = 10_000_000
LOG_FILE_LIFE_S: Final = 6 * 86_400  # a file is named for its day of the week


def prune_log(place: Place) -> None:
    """Remove what is older than a week, or grew too large: the log never outgrows its bound."""
    (place.log / "start.log").unlink(missing_ok=True)
    for path in place.log.iterdir():
        found = path.lstat()
        if time.time() - found.st_mtime > LOG_FILE_LIFE_S or found.st_size > LOG_FILE_LIMIT_BYTES:
            path.unlink()


def last_words(place: Place) -> list[str]:
    """Return the lines of the log file that was written last."""
    written = sorted(place.log.glob("*.log"), key=lambda path: path.lstat().st_mtime_ns)
    if not written:
        return []
    return written[-1].read_text(encoding="utf-8", errors="replace").splitlines()


def quoted(lines: list[str]) -> str:
    return "\n".join(f"  | {line}" for line in lines[-6:])
