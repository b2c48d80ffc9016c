"""Files that people hand in, on their way to where they are judged."""

from __future__ import annotations

from pathlib import Path

from django.core.files.uploadedfile import UploadedFile


def stored(file: UploadedFile, path: Path, *, at_most: int) -> int:
    """Write a file that was handed in to `path`, as it is read; return its bytes, at most so."""
    written = 0
    with path.open("wb") as target:
        path.chmod(0o600)
        for chunk in file.chunks():
            written += target.write(chunk)
            if written > at_most:
                break
    return written
