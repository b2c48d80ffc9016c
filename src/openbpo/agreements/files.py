"""The agreement's folder: which files it has, and the hash that both parties sign."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from openbpo.agreements.located import MAX_BYTES
from openbpo.agreements.schema import NAMES, did_you_mean
from openbpo.values.canonical import canonical_bytes
from openbpo.values.refusals import Mistake, Refusal

FILE_NAMES = tuple(f"{name}.yaml" for name in NAMES)
NOT_TERMS = ("README.md",)
"""What may lie in the folder beside the agreement, as may names that begin with a dot."""

Files = Mapping[str, bytes]


def read_folder(folder: Path) -> Files:
    """Return the agreement's files by name; raises Refusal naming each one missing or unknown."""
    if not folder.is_dir():
        raise Refusal.of(
            str(folder),
            "There is no such folder.",
            f"Make one with `openbpo new {folder} --from helpdesk`.",
        )
    present = {entry.name: entry for entry in sorted(folder.iterdir()) if _is_of_interest(entry)}
    if not set(present) & set(FILE_NAMES):
        raise Refusal.of(
            str(folder),
            "This folder holds no agreement.",
            f"Name the folder that holds {FILE_NAMES[0]}, or make one with `openbpo new`.",
        )
    mistakes = [_unknown(name) for name in present if name not in FILE_NAMES]
    mistakes += [_missing(name) for name in FILE_NAMES if name not in present]
    mistakes += [_no_file(name) for name, path in present.items() if not path.is_file()]
    mistakes += [_too_large(name) for name, path in present.items() if _size(path) > MAX_BYTES]
    if mistakes:
        raise Refusal(*mistakes)
    return {name: _content(present[name]) for name in FILE_NAMES}


def content_hash(files: Files, resolved: Mapping[str, object], semantics: int) -> bytes:
    """
    Return the SHA-256 that a signature covers: the files, what was resolved, the rules' number.

    It is taken over the canonical encoding of `{"files": {name: SHA-256 in hex}, "resolved": ...,
    "semantics": n}`, so that neither a changed holiday nor a changed rule can slip under it.
    """
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    told = {"files": hashes, "resolved": dict(resolved), "semantics": semantics}
    return hashlib.sha256(canonical_bytes(told)).digest()


def _is_of_interest(entry: Path) -> bool:
    return not entry.name.startswith(".") and entry.name not in NOT_TERMS


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        what = f"The file cannot be read: {fault.strerror}."
        raise Refusal.of(path.name, what, "Check who may read it.") from fault


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _unknown(name: str) -> Mistake:
    return Mistake(
        name, "This is no file of an agreement.", did_you_mean(name, FILE_NAMES, "They are")
    )


def _missing(name: str) -> Mistake:
    return Mistake(name, "The file is missing.", "Add it; `openbpo new` writes one of each.")


def _no_file(name: str) -> Mistake:
    return Mistake(name, "This is no file.", "Put the file itself there, not a folder or a link.")


def _too_large(name: str) -> Mistake:
    return Mistake(f"{name}:1", f"The file is larger than {MAX_BYTES:,} bytes.", "Shorten it.")
