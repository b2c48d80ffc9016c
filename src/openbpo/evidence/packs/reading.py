"""Reading a pack line by line, and judging each by what came before it. No database, no network."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from binascii import unhexlify
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from openbpo.agreements.files import content_hash
from openbpo.evidence.packs.event_lines import EventLines
from openbpo.evidence.packs.model import (
    ACT,
    CHECKPOINT,
    COUNTERSIGNATURE,
    END,
    EVENT,
    HEADER,
    LEAVES,
    OPENING,
    PACK_VERSIONS,
    PERIOD,
    TAGS,
    VERSION,
    WITHHELD,
    Misfit,
    PackLine,
)
from openbpo.record.checkpoints import Checkpoint, SignedNote, checked, origin_of, read_note
from openbpo.record.lines import SALT_BYTES, commitment
from openbpo.record.model import ToldEvent
from openbpo.record.tree import Frontier
from openbpo.trust.key_rings import KeyRing
from openbpo.values.canonical import instant_text
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal

OTHER_KEYS = (
    "If the key was rotated, give the history of now: openbpo keys --seal. If it was not, somebody "
    "else sealed this."
)
NO_PACK = "Name a pack that `openbpo bundle` wrote, plain or gzip."
LONGEST_LINE = 64 * 2**20
_LEAF_HEAD = re.compile(rb"(0|[1-9][0-9]{0,17}) ([0-9a-f]{64})(?: |\Z)")
_OPENING_HEAD = re.compile(rb"(0|[1-9][0-9]{0,17}) ")


@dataclass(frozen=True, slots=True)
class PackFile:
    """A pack on the disk, plain or gzip."""

    path: Path

    def lines(self) -> Iterator[PackLine]:
        """Yield its lines; raises Misfit for the first that cannot be one of a pack."""
        return Lines().of(self.raw_lines())

    def raw_lines(self) -> Iterator[bytes]:
        number = 0
        try:
            with self.path.open("rb") as raw, _unpacked(raw) as content:
                while line := content.readline(LONGEST_LINE):
                    number += 1
                    if not line.endswith(b"\n"):
                        what = "The line is too long." if len(line) == LONGEST_LINE else "Cut off."
                        raise Misfit(number, what)
                    yield line
        except (EOFError, gzip.BadGzipFile, zlib.error) as fault:
            raise Misfit(number + 1, f"The file is damaged here: {fault}") from fault
        except OSError as fault:
            raise Refusal.of(
                str(self.path), f"It cannot be read: {fault.strerror or fault}.", "Name a pack."
            ) from fault


@dataclass(slots=True)
class Lines:
    """Takes a pack apart; what it has seen so far is counted and hashed, as the last line tells."""

    count: int = 0
    digest: Any = field(default_factory=sha256)
    ended: bool = False

    def of(self, raws: Iterable[bytes]) -> Iterator[PackLine]:
        """Yield these lines, given with their ends; raises Misfit for one that can be none."""
        for raw in raws:
            number = self.count + 1
            if self.ended:
                raise Misfit(number, "Something stands after the last line.")
            line = split_line(number, raw)
            if line.tag == END:
                self._end(line)
            self.digest.update(raw)
            self.count = number
            yield line
        if not self.ended:
            raise Misfit(self.count + 1, "The pack is cut off: its last line is missing.")

    def copy(self) -> Lines:
        """Return one that goes on by itself from here."""
        return replace(self, digest=self.digest.copy())

    def _end(self, line: PackLine) -> None:
        told = line.told_canonically()
        counted = {"lines": self.count, "sha256": self.digest.hexdigest()}
        if told != counted and told != {**counted, "note": told.get("note")}:
            raise Misfit(line.number, "The lines before this one are not those that were written.")
        self.ended = True


def _unpacked(raw: IO[bytes]) -> Any:
    is_gzip = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    return gzip.GzipFile(fileobj=raw) if is_gzip else raw


def split_line(number: int, raw: bytes) -> PackLine:
    """Return a line with its end; raises Misfit for one that can be none of a pack."""
    if raw.startswith(b"E "):  # by far the most
        head = _LEAF_HEAD.match(raw, 2)
        if head is not None and head.end() < len(raw) - 1:
            sequence, leaf = head.groups()
            return PackLine(number, EVENT, int(sequence), unhexlify(leaf), raw[head.end() : -1])
    tag, _, rest = raw[:-1].partition(b" ")
    if tag not in TAGS:
        begins = raw[:20].decode("utf-8", "replace").strip()
        what = f"No line of a pack begins with “{begins}”."
        raise Misfit(number, what, NO_PACK) if number == 1 else Misfit(number, what)
    if tag in LEAVES:
        head = _LEAF_HEAD.match(rest)
        if head is None:
            raise Misfit(number, "The leaf has no sequence number and hash.")
        body = rest[head.end() :]
        if (tag == WITHHELD) != (not body):
            raise Misfit(number, "A leaf is shown with its line, or withheld without it.")
        return PackLine(number, tag, int(head[1]), unhexlify(head[2]), body)
    if tag == OPENING:
        head = _OPENING_HEAD.match(rest)
        if head is None:
            raise Misfit(number, "The opening does not say of which event it is.")
        return PackLine(number, tag, int(head[1]), None, rest[head.end() :])
    return PackLine(number, tag, None, None, rest)


HEADER_FIELDS = {
    "pack": int, "engagement": str, "handle": str, "for": str, "made_at": str, "made_by": str,
    "entries": int, "leaves": int,
}  # fmt: skip
AFTER_ACT = frozenset({ACT, PERIOD, CHECKPOINT, COUNTERSIGNATURE})


@dataclass(slots=True)
class Integrity:
    """
    Checks that a pack's lines are what was sealed: leaves, sequence, trees, signatures.

    Give it each line in order, and `finish` at the end. It keeps no events: memory does not grow.
    A copy goes on by itself from the line where it was made.
    """

    keys: KeyRing
    frontier: Frontier = field(default_factory=Frontier)
    header: dict[str, Any] = field(default_factory=dict)
    checkpoint: Checkpoint | None = None
    """The last checkpoint whose root and signature were found to fit."""
    countersigned: list[tuple[int, SignedNote]] = field(default_factory=list)
    roots_wanted: dict[int, bytes] = field(default_factory=dict)
    """Roots by size that the record must have had (of an earlier pack)."""
    told: dict[str, Any] = field(default_factory=dict)
    """What the last line with a body says that is no event's."""
    event: ToldEvent | None = None
    """The last event."""
    withheld: int = 0
    is_sealed: bool = False
    """Whether a sealing key signed all lines, the header among them."""
    _events: EventLines = field(default_factory=EventLines)
    _waiting: list[bytes] = field(default_factory=list)
    _last: PackLine | None = None
    _act: dict[str, Any] = field(default_factory=dict)
    _versions: dict[str, int] = field(default_factory=dict)
    """By content hash, the line where a version stands."""
    _signed: frozenset[str] = frozenset()
    _sequence: int = 0
    _entry: int = 0
    _since_act: int = 0
    _owed: bytes = b""
    """What must stand before the next leaf: the figures, or the signature, that an act names."""

    def copy(self) -> Integrity:
        """Return one that goes on by itself from here."""
        return replace(
            self,
            frontier=self.frontier.copy(),
            countersigned=list(self.countersigned),
            roots_wanted=dict(self.roots_wanted),
            _versions=dict(self._versions),
            _waiting=list(self._waiting),
        )

    def check(self, line: PackLine) -> None:
        """Check the next line; raises Misfit where it does not fit."""
        if line.tag == EVENT and self._last is not None:  # by far the most
            self._leaf(line)
            self.event = self._events.read(line)
        elif line.tag == HEADER:
            self._header(line)
        elif self._last is None:
            raise Misfit(line.number, "A pack begins with its header.")
        else:
            self._others(line)
        self._last = line

    def _others(self, line: PackLine) -> None:
        if line.tag == ACT:
            self._leaf(line)
            self._take_act(line)
        elif line.tag == WITHHELD:
            self._leaf(line)
            self.withheld += 1
            if "periods" not in self.header:
                raise Misfit(line.number, "A leaf is withheld, and the header says that none is.")
        elif line.tag == OPENING:
            self._opening(line)
        elif line.tag == VERSION:
            self._version(line)
        elif line.tag in AFTER_ACT:
            self._after_act(line)
        elif self._owed:
            self._refuse_owed(line)
        elif line.tag == END:
            self._end(line)

    def _end(self, line: PackLine) -> None:
        """Check who signed all lines, where somebody did."""
        if "note" not in line.told_canonically():
            return
        if self.header["pack"] == 1:
            raise Misfit(line.number, "In a pack of version 1 the last line is not signed.")
        note, signed = _note(line)
        told = line.told()
        of_this = (signed.origin, signed.size, signed.root.hex(), instant_text(signed.at)) == (
            *(origin_of(EngagementId(self.header["engagement"]), "pack"), told["lines"]),
            *(told["sha256"], self.header["made_at"]),
        )
        if not of_this:
            raise Misfit(line.number, "What is signed here is not this pack.")
        if not checked(note, self.keys.in_use(signed.at)).holds:
            raise Misfit(line.number, _unsigned(note, self.keys, signed), OTHER_KEYS)
        self.is_sealed = True

    def _version(self, line: PackLine) -> None:
        if self._sequence:
            raise Misfit(line.number, "Versions stand before the first leaf.")
        told = line.told_canonically()
        try:
            files = {name: text.encode() for name, text in told["files"].items()}
            covered = content_hash(files, told["resolved"], told["semantics"]).hex()
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise Misfit(line.number, f"This is no version: {fault!r}") from fault
        if covered != told.get("content_hash") or covered in self._versions:
            raise Misfit(
                line.number, f"Version {told.get('number')} is not what its content hash covers."
            )
        self._versions[covered] = line.number
        self.told = told

    def _after_act(self, line: PackLine) -> None:
        if self._since_act or not self._entry:
            raise Misfit(line.number, "Here only leaves may stand, up to the act that ends them.")
        if line.tag == PERIOD:
            self._period(line)
        elif line.tag == CHECKPOINT:
            self._checkpoint(line)
        else:
            self._countersignature(line)

    def finish(self) -> None:
        """Check what only the end can tell; raises Misfit."""
        assert self._last is not None
        self._flush()
        number = self._last.number
        if self.checkpoint is None or self.checkpoint.size != self.frontier.size:
            raise Misfit(number, "The last leaves are under no checkpoint.")
        if (self.header["leaves"], self.header["entries"]) != (self._sequence, self._entry):
            raise Misfit(
                number,
                f"The header tells of {self.header['leaves']} leaves and {self.header['entries']} "
                f"entries; {self._sequence} and {self._entry} came.",
            )
        unsigned = [at for version, at in self._versions.items() if version not in self._signed]
        if unsigned:
            raise Misfit(unsigned[0], "No act of the record signs this version.")
        missing = [size for size in self.roots_wanted if size > self.frontier.size]
        if missing:
            raise Misfit(
                number,
                f"The earlier pack goes on to leaf {max(missing):,}, this one to "
                f"{self.frontier.size:,}: the record was cut back.",
            )

    def _header(self, line: PackLine) -> None:
        if self._last is not None:
            raise Misfit(line.number, "The header stands first, and once.")
        told = line.told_canonically()
        missing = sorted(set(HEADER_FIELDS) - set(told))
        if missing:
            raise Misfit(line.number, "The header lacks " + ", ".join(missing))
        strange = sorted(set(told) - set(HEADER_FIELDS) - {"periods"})
        if strange:
            raise Misfit(line.number, "The header holds what none has: " + ", ".join(strange))
        wrong = [name for name, kind in HEADER_FIELDS.items() if type(told[name]) is not kind]
        if wrong or not _are_names(told.get("periods", ["-"])):
            raise Misfit(
                line.number, f"In the header {(wrong or ['periods'])[0]} has not its form."
            )
        if told["pack"] not in PACK_VERSIONS:
            raise Misfit(
                line.number, f"This is a pack of version {told['pack']}; install a newer OpenBPO."
            )
        self.header = told

    def _leaf(self, line: PackLine) -> None:
        if self._owed:
            self._refuse_owed(line)
        if line.sequence != self._sequence:
            raise Misfit(
                line.number,
                f"Leaf {line.sequence} stands where leaf {self._sequence} belongs{_named(line)}.",
            )
        assert line.leaf is not None
        if line.body and sha256(b"\x00" + line.body).digest() != line.leaf:
            raise Misfit(line.number, f"Leaf {line.sequence} is not what was hashed{_named(line)}.")
        self._sequence += 1
        self._since_act += 1
        self._waiting.append(line.leaf)
        if self._sequence in self.roots_wanted or len(self._waiting) >= 65_536:
            self._flush()
            wanted = self.roots_wanted.get(self._sequence)
            if wanted is not None and self.frontier.root() != wanted:
                raise Misfit(
                    line.number,
                    f"The first {self._sequence:,} leaves are not those of the earlier pack.",
                )

    def _refuse_owed(self, line: PackLine) -> None:
        what = "figures" if self._owed == PERIOD else "countersignature"
        raise Misfit(line.number, f"The {what} that entry {self._entry} names are not here.")

    def _take_act(self, line: PackLine) -> None:
        told = line.told_canonically()
        self._entry += 1
        if told.get("entry") != self._entry or not isinstance(told.get("act"), str):
            raise Misfit(
                line.number, f"Entry {told.get('entry')} stands where {self._entry} belongs."
            )
        brought = told.get("events", 0) if told["act"] == "recording" else 0
        if brought != self._since_act - 1:
            raise Misfit(
                line.number,
                f"Entry {self._entry} brought in {brought} events; {self._since_act - 1} came.",
            )
        self._since_act = 0
        self._act = self.told = told
        if told["act"] == "period" and told.get("period") in self.header.get(
            "periods", (told.get("period"),)
        ):
            self._owed = PERIOD
        elif told["act"] == "signature":
            if told.get("content_hash") not in self._versions:
                raise Misfit(line.number, f"The version {told.get('number')} is not here.")
            self._signed |= {told["content_hash"]}
        elif told["act"] == "countersignature":
            self._owed = COUNTERSIGNATURE

    def _opening(self, line: PackLine) -> None:
        before = self._last
        if before is None or before.tag != EVENT or before.sequence != line.sequence:
            raise Misfit(line.number, "An opening stands right after its event.")
        committed = (self.event.committed if self.event else None) or {}
        for name, one in line.told_canonically().items():
            try:
                salt = bytes.fromhex(one["salt"])
                made = commitment(salt, name, one["value"])
                is_plain = set(one) == {"salt", "value"} and salt.hex() == one["salt"]
                is_plain = is_plain and len(salt) == SALT_BYTES
            except (ValueError, TypeError, KeyError, AttributeError) as fault:
                raise Misfit(line.number, f"{name!r} is no opening: {fault!r}") from fault
            if committed.get(name) != made or not is_plain:
                raise Misfit(
                    line.number, f"{name!r} of leaf {line.sequence} is not what was committed to."
                )

    def _flush(self) -> None:
        if self._waiting:
            self.frontier.extend(self._waiting)
            self._waiting = []

    def _period(self, line: PackLine) -> None:
        act = self._act
        if self._last is None or self._last.tag != ACT or act["act"] != "period":
            raise Misfit(line.number, "The figures of a period stand right after their act.")
        if sha256(line.body).hexdigest() != act.get("document_sha256"):
            raise Misfit(
                line.number,
                f"The figures of {act.get('period')} are not those that entry {self._entry} "
                "closed.",
            )
        self.told = line.told_canonically()
        self._owed = b""

    def _checkpoint(self, line: PackLine) -> None:
        if self._owed == PERIOD:
            self._refuse_owed(line)
        self._flush()
        note, told = _note(line)
        origin = origin_of(EngagementId(self.header["engagement"]))
        if (told.origin, told.size) != (origin, self.frontier.size):
            raise Misfit(
                line.number,
                f"This checkpoint is of {told.size:,} leaves of {told.origin}; "
                f"{self.frontier.size:,} of {origin} stand before it.",
            )
        if told.root != self.frontier.root():
            before = self.checkpoint.size if self.checkpoint else 0
            raise Misfit(
                line.number,
                f"The root does not fit: of the leaves {before:,} to {told.size - 1:,} one is not "
                "what was sealed, or is missing.",
            )
        found = checked(note, self.keys.in_use(told.at))
        if not found.holds:
            raise Misfit(line.number, _unsigned(note, self.keys, told), OTHER_KEYS)
        self.checkpoint = told

    def _countersignature(self, line: PackLine) -> None:
        note, told = _note(line)
        if self._owed != COUNTERSIGNATURE or self._act.get("note") != str(note):
            raise Misfit(line.number, "No act before it names this countersignature.")
        if self.checkpoint is None or told.size > self.checkpoint.size:
            raise Misfit(line.number, "A countersignature stands after its checkpoint.")
        self.countersigned.append((line.number, note))
        self._owed = b""


def _are_names(told: object) -> bool:
    return isinstance(told, list) and bool(told) and all(isinstance(one, str) for one in told)


def _note(line: PackLine) -> tuple[SignedNote, Checkpoint]:
    told = line.told_canonically()
    try:
        note = read_note(str(told.get("note")))
        checkpoint = note.checkpoint
    except ValueError as fault:
        raise Misfit(line.number, f"This is no checkpoint: {fault}") from fault
    return note, checkpoint


def _unsigned(note: SignedNote, keys: KeyRing, told: Checkpoint) -> str:
    names = ", ".join(line.name for line in note.signatures)
    held = ", ".join(str(key) for key in keys)
    if checked(note, keys).by:
        return f"{names} signed this of {told.at}, when that key was retired already."
    return f"None of the keys given ({held}) made this signature; it is by {names}."


def _named(line: PackLine) -> str:
    """Name an event or act by what its line says, where it says anything."""
    try:
        told = json.loads(line.body)
        if "subject" in told:
            return f" ({told['kind']} {told['subject']}, {told['at']})"
        return f" (entry {told['entry']}, {told['act']}, {told['at']})" if "act" in told else ""
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
