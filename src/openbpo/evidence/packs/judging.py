"""What verifying a pack came to, as it is told to people: it fits, or which line does not."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openbpo.evidence.packs.model import EVENT, LEAVES, Misfit
from openbpo.evidence.packs.reading import LONGEST_LINE, PackFile, split_line
from openbpo.evidence.packs.verifying import Verified, verify
from openbpo.trust.key_rings import KeyRing
from openbpo.values.canonical import instant_text
from openbpo.values.refusals import Refusal

_LINE = re.compile(r":([0-9]+)$")


@dataclass(frozen=True, slots=True)
class Dropped:
    """What somebody handed in: a pack under its own name, and an earlier one to hold it against."""

    path: Path
    name: str
    after: Path | None = None


def judge(dropped: Dropped, keys: KeyRing) -> dict[str, Any]:
    """
    Verify a pack by `openbpo verify`'s own code, and return what it came to, as JSON.

    `fits` tells whether it does. If not, `mistakes` hold what is wrong and what to do, and `event`
    what the line that does not fit says of itself, where it is one of an event.
    """
    try:
        found = verify(dropped.path, keys, after=dropped.after)
    except Refusal as refusal:
        return _misfit(dropped, refusal)
    return {"fits": not found.differences, "pack": dropped.name, **_told(found)}


def _misfit(dropped: Dropped, refusal: Refusal) -> dict[str, Any]:
    mistakes = [
        {"where": m.where.replace(dropped.path.name, dropped.name), "what": m.what.replace(
            dropped.path.name, dropped.name), "remedy": m.remedy}
        for m in refusal.mistakes
    ]  # fmt: skip
    line = _LINE.search(refusal.mistakes[0].where)
    number = int(line[1]) if line else None
    return {
        "fits": False,
        "pack": dropped.name,
        "line": number,
        "event": _event_at(dropped.path, number) if number else None,
        "mistakes": mistakes,
        "differences": [],
    }


def _told(found: Verified) -> dict[str, Any]:
    return {
        "engagement": found.header["handle"],
        "for": found.header["for"],
        "made_at": found.header["made_at"],
        "made_by": found.header["made_by"],
        "leaves": found.leaves,
        "withheld": found.withheld,
        "shown": found.header.get("periods"),
        "entries": found.entries,
        "root": found.checkpoint.root.hex(),
        "sealed_at": instant_text(found.checkpoint.at),
        "countersigned_by": list(dict.fromkeys(found.countersigned_by)),
        "pack_signed": found.made_by_seal,
        "periods_recomputed": found.periods,
        "billed_recomputed": found.billed,
        "grown_since": found.earlier,
        "mistakes": [],
        "differences": [
            {"period": one.period, "where": one.where, "stored": str(one.stored),
             "recomputed": str(one.recomputed)}
            for one in found.differences
        ],
    }  # fmt: skip


def _event_at(path: Path, number: int) -> dict[str, Any] | None:
    """Return what an event's line says of itself; it may be what was tampered with."""
    try:
        for count, raw in enumerate(PackFile(path).raw_lines(), start=1):
            if count == number:
                line = split_line(number, raw)
                if line.tag != EVENT or len(raw) >= LONGEST_LINE:
                    return {"leaf": line.sequence} if line.tag in LEAVES else None
                told = json.loads(line.body)
                named = {name: str(told[name]) for name in ("subject", "type", "at")}
                return {"leaf": line.sequence, **named}
    except (Misfit, Refusal, ValueError, KeyError, TypeError, RecursionError):
        return None
    return None
