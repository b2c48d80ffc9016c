"""From the record in the database to the lines of a pack, and to a file of them."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from openbpo.agreements.model import Side
from openbpo.agreements.versions.model import Terms
from openbpo.agreements.versions.queries import versions_signed
from openbpo.assurance.attainment.periods import find_period
from openbpo.billing.closing.model import Act
from openbpo.billing.closing.queries import acts
from openbpo.evidence.packs.model import (
    ACT,
    CHECKPOINT,
    COUNTERSIGNATURE,
    END,
    EVENT,
    HEADER,
    OPENING,
    PACK_VERSION,
    PERIOD,
    VERSION,
    WITHHELD,
    leaf_line,
    plain_line,
)
from openbpo.record.checkpoints import Checkpoint, Signer, origin_of, sealed
from openbpo.record.model import Entry
from openbpo.record.queries import entries, lines_of_recording, subjects_active
from openbpo.record.sealing.store import Sealed, all_sealed
from openbpo.storage.database import Transaction
from openbpo.storage.failpoints import failpoint
from openbpo.values.canonical import canonical_bytes, instant_text
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal, Unavailable

Noted = Callable[[int, bytes], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a pack is to hold: for whom, and the cases of which periods (None: of all)."""

    handle: str
    audience: Side | None
    private: Mapping[str, str]
    """By name, the side whose alone an attribute is."""
    periods: Sequence[str] | None
    terms: Sequence[Terms]


def private_attributes(terms: Sequence[Terms]) -> dict[str, str]:
    """Return whose alone an attribute is, where every version says the same of it."""
    said: dict[str, set[str]] = {}
    for one in terms:
        for attribute in one.agreement.attributes.values():
            says = "erasable" if attribute.is_content else attribute.audience
            said.setdefault(attribute.id, set()).add(says)
    return {name: sides.pop() for name, sides in said.items() if len(sides) == 1}


def with_adjusted(wanted: Sequence[str], known: Sequence[Act]) -> tuple[str, ...]:
    """
    Return the periods wanted with all that is needed to recompute their adjustments, in order.

    These are the periods that they adjust, and, as an adjustment starts from all that was charged
    before, the periods that adjusted those before. They again must be shown with their adjustments.
    """
    shown = set(wanted)
    while True:
        last = max((act.known for act in known if act.period in shown), default=0)
        more = {name for act in known if act.period in shown for name in _adjusted(act)}
        more |= {
            act.period
            for act in known
            if act.known <= last and act.state.stands and not shown.isdisjoint(_adjusted(act))
        }
        if more <= shown:
            return tuple(sorted(shown))
        shown |= more


def _adjusted(act: Act) -> set[str]:
    return {one["period"] for one in act.document["adjustments"]}


@dataclass(slots=True)
class PackWriter:
    """Writes the lines of one engagement's pack, up to a checkpoint."""

    tx: Transaction
    engagement_id: EngagementId
    sealed: Sealed
    wanted: Wanted
    leaves: int = 0
    withheld: int = 0
    _shown: set[str] | None = field(init=False, default=None)
    periods: tuple[str, ...] | None = field(init=False, default=None)
    """The periods that are shown: those wanted, and all that their adjustments are made of."""
    _documents: dict[int, Mapping[str, Any]] = field(init=False)
    _checkpoints: dict[int, Sealed] = field(init=False)

    def __post_init__(self) -> None:
        known = [a for a in acts(self.tx, self.engagement_id) if a.entry <= self.sealed.last_number]
        if self.wanted.periods is not None:
            self.periods = with_adjusted(self.wanted.periods, known)
        self._documents = {
            act.entry: act.document
            for act in known
            if self.periods is None or act.period in self.periods
        }
        sealed = all_sealed(self.tx, self.engagement_id, "record")
        self._checkpoints = {one.size: one for one in sealed if one.size <= self.sealed.size}
        if self.periods is not None:
            spans = [find_period(self.wanted.terms, name)[0].span for name in self.periods]
            found = (subjects_active(self.tx, self.engagement_id, span) for span in spans)
            self._shown = set().union(*found)

    def lines(self, made_at: datetime) -> Iterator[bytes]:
        """Yield every line but the last, without their ends."""
        last = self.sealed.last_number
        header: dict[str, Any] = {
            "pack": PACK_VERSION,
            "engagement": str(self.engagement_id),
            "handle": self.wanted.handle,
            "for": self.wanted.audience or "both",
            "made_at": instant_text(made_at),
            "made_by": self.tx.context.principal,
            "entries": last,
            "leaves": self.sealed.size,
        }
        if self.periods is not None:
            header["periods"] = list(self.periods)
        yield plain_line(HEADER, header)
        for version in versions_signed(self.tx, self.engagement_id, known=last):
            told = {
                "number": version.number,
                "content_hash": bytes(version.content_hash).hex(),
                "semantics": version.semantics,
                "files": version.files,
                "resolved": version.resolved,
            }
            yield plain_line(VERSION, told)
        for entry in entries(self.tx, self.engagement_id):
            if entry.entry <= last:
                yield from self._entry(entry)

    def _entry(self, entry: Entry) -> Iterator[bytes]:
        if entry.recording is not None:
            yield from self._events(entry.recording)
        yield leaf_line(ACT, self.leaves, bytes(entry.leaf), entry.told.encode())
        self.leaves += 1
        if entry.entry in self._documents:
            yield plain_line(PERIOD, self._documents[entry.entry])
        if self.leaves in self._checkpoints:
            yield plain_line(CHECKPOINT, {"note": self._checkpoints[self.leaves].note})
        if entry.act == "countersignature":
            yield plain_line(COUNTERSIGNATURE, {"note": json.loads(entry.told)["note"]})

    def _events(self, recording: int) -> Iterator[bytes]:
        for event in lines_of_recording(self.tx, self.engagement_id, recording):
            leaf = bytes(event.leaf)
            if self._shown is not None and event.subject not in self._shown:
                self.withheld += 1
                yield leaf_line(WITHHELD, self.leaves, leaf)
            else:
                yield leaf_line(EVENT, self.leaves, leaf, event.told.encode())
                opened = {
                    name: one for name, one in (event.opening or {}).items() if self._may_open(name)
                }
                if opened:
                    yield b"%s %d %s" % (OPENING, self.leaves, canonical_bytes(opened))
            self.leaves += 1

    def _may_open(self, name: str) -> bool:
        """Content stays where it can be erased; what is one side's alone goes to that side."""
        return self.wanted.audience is not None and (
            self.wanted.private.get(name) == self.wanted.audience
        )


@contextmanager
def whole_or_not_at_all(path: Path) -> Iterator[IO[bytes]]:
    """
    Give a file beside `path` that takes its name once it is whole and on the disk.

    Raises Refusal where something other than a pack has that name.
    """
    _refuse_in_the_way(path)
    try:
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise _unwritable(path, error) from error
    temporary = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        failpoint("bundle.before_name")
        temporary.chmod(0o644)
        temporary.replace(path)
        failpoint("bundle.after_name")
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def _begins(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(3)


def _refuse_in_the_way(path: Path) -> None:
    try:
        is_pack = stat.S_ISREG(path.lstat().st_mode) and _begins(path) == b"H {"
    except FileNotFoundError:
        return
    except OSError:
        is_pack = False
    if not is_pack:
        raise Refusal.of(
            str(path), "Something else than a pack has this name.", "Name another with --out."
        )


def _unwritable(path: Path, error: OSError) -> Refusal:
    return Unavailable.of(
        str(path),
        f"It cannot be written: {error.strerror or error}.",
        "Nothing of it was left behind. Make room, or name another place with --out.",
    )


def note_of_pack(engagement_id: EngagementId, at: datetime, signer: Signer) -> Noted:
    """Return what signs a pack's last line, of how many lines came before and their digest."""

    def note(lines: int, digest: bytes) -> str:
        origin = origin_of(engagement_id, "pack")
        return str(sealed(Checkpoint(origin=origin, size=lines, root=digest, at=at), signer))

    return note


def write_pack(path: Path, lines: Iterator[bytes], note: Noted | None = None) -> int:
    """Write a pack's lines and its last line, signed if `note` is given; return how many bytes."""
    digest = sha256()
    count = size = 0
    with whole_or_not_at_all(path) as file:
        for line in lines:
            ended = line + b"\n"
            digest.update(ended)
            size += file.write(ended)
            count += 1
            if count == 1:
                failpoint("bundle.after_first_line")
        told: dict[str, Any] = {"lines": count, "sha256": digest.hexdigest()}
        if note is not None:
            told["note"] = note(count, digest.digest())
        size += file.write(plain_line(END, told) + b"\n")
    return size
