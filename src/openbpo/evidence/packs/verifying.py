"""Verifying a pack: that it is what was sealed, only grew, and comes to the figures it states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openbpo.assurance.attainment.periods import find_period
from openbpo.evidence.packs.model import (
    ACT,
    CHECKPOINT,
    EVENT,
    HEADER,
    LEAVES,
    PERIOD,
    VERSION,
    WITHHELD,
    Misfit,
    PackLine,
)
from openbpo.evidence.packs.reading import Integrity, PackFile
from openbpo.evidence.proving.decisions import Difference, Proving
from openbpo.evidence.proving.knowledge import HeldRecord
from openbpo.evidence.proving.ledger import ACTS, Ledger
from openbpo.record.checkpoints import Checkpoint, checked, origin_of
from openbpo.trust.key_rings import KeyRing, KnownKey, party_name
from openbpo.values.cycles import without_looking_for_cycles
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal

TAKEN: Mapping[bytes, str] = {ACT: "act", PERIOD: "document", VERSION: "version"}
BROKEN = (
    *(ValueError, KeyError, TypeError, AttributeError, IndexError),
    *(ArithmeticError, AssertionError, RecursionError),
)
"""What reading or computing may raise over what somebody wrote, well signed, into a pack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A pack that fits: what was checked of it, and where its figures differ from recomputed."""

    header: Mapping[str, Any]
    leaves: int
    entries: int
    withheld: int
    checkpoint: Checkpoint
    countersigned_by: tuple[str, ...]
    made_by_seal: bool
    """Whether a sealing key signed the last line, and with it the header and all that is shown."""
    periods: int
    billed: int
    """How many invoices, credit notes, payments and acts of disputes were recomputed."""
    differences: tuple[Difference, ...]
    earlier: int | None
    """How many leaves the earlier pack has, all of which stand in this one."""


def verify(path: Path, keys: KeyRing, *, after: Path | None = None) -> Verified:
    """
    Return what a pack proves, by keys from outside it.

    Raises Refusal that names the first line that does not fit.
    """
    earlier = _earlier(after, keys) if after else None
    integrity = Integrity(keys)
    if earlier is not None and earlier.size:
        integrity.roots_wanted[earlier.size] = earlier.root
    reading = PackReading(integrity)
    try:
        with without_looking_for_cycles():
            for line in PackFile(path).lines():
                integrity.check(line)
                if line.tag == HEADER and earlier is not None:
                    _refuse_another(integrity.header, earlier, line.number)
                reading.take(line)
            integrity.finish()
            reading.finish()
    except Misfit as misfit:
        if after is not None:
            misfit = _where_they_part(path, after, misfit)
        raise misfit.refusal(path.name) from misfit
    assert integrity.checkpoint is not None
    return Verified(
        header=integrity.header,
        leaves=integrity.frontier.size,
        entries=integrity.header["entries"],
        withheld=integrity.withheld,
        checkpoint=integrity.checkpoint,
        countersigned_by=tuple(reading.countersigned),
        made_by_seal=integrity.is_sealed,
        periods=reading.proving.recomputed,
        billed=reading.ledger.recomputed,
        differences=tuple(reading.proving.differences),
        earlier=earlier.size if earlier else None,
    )


def _earlier(path: Path, keys: KeyRing) -> Checkpoint:
    """Return the last checkpoint of an earlier pack, which must be whole itself."""
    integrity = Integrity(keys)
    try:
        for line in PackFile(path).lines():
            integrity.check(line)
        integrity.finish()
    except Misfit as misfit:
        raise misfit.refusal(path.name) from misfit
    assert integrity.checkpoint is not None
    return integrity.checkpoint


def _refuse_another(header: Mapping[str, Any], earlier: Checkpoint, line: int) -> None:
    if origin_of(EngagementId(header["engagement"])) != earlier.origin:
        raise Misfit(line, f"The earlier pack is of another engagement, {earlier.origin}.")


def _where_they_part(path: Path, after: Path, otherwise: Misfit) -> Misfit:
    """Return the first leaf in which two packs differ, unless what was found stands before it."""
    leaves = (line for line in PackFile(after).lines() if line.tag in LEAVES)
    for ours in PackFile(path).lines():
        if ours.number > otherwise.line:
            break
        theirs = next(leaves, None) if ours.tag in LEAVES else None
        if theirs is not None and theirs.leaf != ours.leaf:
            return Misfit(
                ours.number,
                f"Leaf {ours.sequence} is another than in the earlier pack ({after.name}:"
                f"{theirs.number}): the record did not only grow.",
            )
    return otherwise


@dataclass(slots=True)
class PackReading:
    """Takes a whole pack's lines, and recomputes its periods as they come."""

    integrity: Integrity
    held: HeldRecord = field(default_factory=lambda: HeldRecord(""))
    proving: Proving = field(init=False)
    ledger: Ledger = field(init=False)
    countersigned: list[str] = field(default_factory=list)
    _act: dict[str, Any] = field(default_factory=dict)
    _entry: int = 0
    _act_line: int = 0
    _roots: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.proving = Proving(self.held)
        self.ledger = Ledger(self.held, self.proving.differences.append)

    def take(self, line: PackLine) -> None:
        """Take a line whose integrity was just checked."""
        if line.tag == EVENT:  # by far the most
            assert self.integrity.event is not None
            try:
                self.held.add_event(self.integrity.event)
            except BROKEN as fault:
                raise Misfit(line.number, f"This is no event: {fault!r}") from fault
        elif line.tag in TAKEN:
            try:
                self._take(line, self.integrity.told)
            except Refusal as refusal:
                mistake = refusal.mistakes[0]
                raise Misfit(line.number, f"{mistake.where}: {mistake.what}") from refusal
            except BROKEN as fault:
                raise Misfit(line.number, f"This is no {TAKEN[line.tag]}: {fault!r}") from fault
        elif line.tag == WITHHELD:
            self.held.add_withheld()
        elif line.tag == HEADER:
            header = self.integrity.header
            self.held.handle = self.ledger.handle = header["handle"]
            self.proving.shows_what_it_adjusts = header["pack"] > 1 or "periods" not in header
        elif line.tag == CHECKPOINT:
            checkpoint = self.integrity.checkpoint
            assert checkpoint is not None
            self._roots[checkpoint.size] = checkpoint.root.hex()

    def _take(self, line: PackLine, told: dict[str, Any]) -> None:
        if line.tag == ACT:
            self._take_act(line, told)
        elif line.tag == PERIOD:
            self._period(line, told)
        else:
            self.held.add_version(told)

    def _take_act(self, line: PackLine, told: dict[str, Any]) -> None:
        self._entry, self._act_line = told["entry"], line.number
        self.held.add_act(told)
        self._act = told
        if told["act"] == "period":
            self.proving.add_act(told)
        if told["act"] == "signature":
            version = self.held.versions[bytes.fromhex(told["content_hash"])]
            if version.stored.number != told["number"]:
                raise Misfit(line.number, f"It signs version {told['number']}, which is another.")
            self.held.terms(self._entry)
        elif told["act"] == "period":
            self.ledger.take_closing(told)
        elif told["act"] in ACTS:
            self.ledger.take(told)

    def _period(self, line: PackLine, stored: dict[str, Any]) -> None:
        checkpoint = self._act["checkpoint"]
        if self._roots.get(checkpoint["size"]) != checkpoint["root"]:
            raise Misfit(line.number, "It names a checkpoint that the record does not have.")
        self.proving.prove(self._act, stored)
        self.ledger.take_period(self._act, stored)

    def finish(self) -> None:
        """Check the countersignatures, and every period once more from scratch."""
        parties = KeyRing(
            tuple(
                KnownKey(raw=s.public_key, name=party_name(s.key_id), key_id=s.key_id, party=s.side)
                for s in self.held.signatures
            )
        )
        for number, note in self.integrity.countersigned:
            if self._roots.get(note.checkpoint.size) != note.checkpoint.root.hex():
                raise Misfit(number, "What was countersigned is no checkpoint of this record.")
            found = checked(note, parties)
            if not found.holds:
                raise Misfit(number, "No party of this engagement made this countersignature.")
            self.countersigned += [str(key.party) for key in found.by]
        self._check_periods(self.integrity.header)
        try:
            self.proving.finish(self._entry)
        except BROKEN as fault:
            raise Misfit(self._act_line, f"Its figures cannot be recomputed: {fault!r}") from fault

    def _check_periods(self, header: Mapping[str, Any]) -> None:
        """Raise Misfit where the header names a period that the agreement does not have."""
        for name in header.get("periods", ()) if header["pack"] > 1 else ():
            try:
                find_period(self.held.terms(self._entry), name)
            except Refusal as refusal:
                raise Misfit(1, refusal.mistakes[0].what) from refusal
