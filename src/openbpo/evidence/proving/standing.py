"""
Whether what stands beside the record's lines tells what they tell: columns, openings, checkpoints.

A line and its leaf are under a signed root; what is indexed, counted or kept beside them is not.
Somebody who can write to the database could change it there, and be believed by the next query.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from openbpo.billing.closing.queries import acts
from openbpo.billing.disputes.queries import acts as dispute_acts
from openbpo.billing.issuing.actions import payment_told
from openbpo.billing.issuing.queries import issued, payments
from openbpo.evidence.proving.decisions import Difference, differing
from openbpo.evidence.proving.ledger import ACTS
from openbpo.record.checkpoints import SignedNote, Tree, checked, origin_of, read_note
from openbpo.record.lines import commitment, leaf_hash
from openbpo.record.queries import columns_unlike_lines, entries, openings
from openbpo.record.readings import readings
from openbpo.record.sealing.store import Sealed, all_sealed
from openbpo.record.tree import Frontier
from openbpo.storage.database import Transaction
from openbpo.trust.key_rings import KeyRing
from openbpo.values.canonical import canonical_bytes, instant_text
from openbpo.values.ids import EngagementId

_COLUMNS = ("number", "kind", "period", "series", "ordinal")


@dataclass(frozen=True, slots=True)
class Stored:
    """An engagement's stored record, to be compared with its lines."""

    tx: Transaction
    engagement_id: EngagementId
    keys: KeyRing

    def unlike(self) -> Iterator[Difference]:
        """Yield what tells otherwise than the record's lines."""
        for one in columns_unlike_lines(self.tx, self.engagement_id):
            yield Difference("record", f"{one.name} of {one.where}", str(one.stored), str(one.told))
        yield from self._openings()
        ends = yield from self._entries()
        yield from self._periods()
        yield from self._billing()
        yield from self._checkpoints("record", ends)

    def _openings(self) -> Iterator[Difference]:
        for one in openings(self.tx, self.engagement_id):
            committed = json.loads(one.told).get("committed", {})
            for name, opened in one.attributes.items():
                made = commitment(bytes.fromhex(opened["salt"]), name, opened["value"])
                if committed.get(name) != made:
                    where = f"what {name} of {one.event_id} was committed to"
                    yield Difference("record", where, made, str(committed.get(name)))

    def _entries(self) -> Generator[Difference, None, dict[int, int]]:
        """Return, by how many leaves there were with it, the number of each entry."""
        size = 0
        ends: dict[int, int] = {}
        for entry in entries(self.tx, self.engagement_id):
            told = json.loads(entry.told)
            pairs: dict[str, tuple[object, object]] = {
                "entry": (entry.entry, told["entry"]),
                "act": (entry.act, told["act"]),
                "entered_at": (instant_text(entry.entered_at), told["at"]),
                "entered_by": (entry.entered_by, told["by"]),
                "first_sequence": (entry.first_sequence, size),
            }
            if told["act"] == "recording":
                pairs["recording"] = (entry.recording, told["recording"])
                pairs["events"] = (entry.events, told["events"])
            yield from _unlike(f"of entry {entry.entry}", pairs)
            size = entry.end
            ends[size] = entry.entry
        return ends

    def _periods(self) -> Iterator[Difference]:
        told_by_entry = {
            entry.entry: json.loads(entry.told)
            for entry in entries(self.tx, self.engagement_id, act="period")
        }
        for act in acts(self.tx, self.engagement_id):
            told = told_by_entry.pop(act.entry, {})
            pairs: dict[str, tuple[object, object]] = {
                "period": (act.period, told.get("period")),
                "number": (act.number, told.get("number")),
                "state": (act.state.value, told.get("state")),
                "side": (act.side, told.get("side")),
                "note": (act.note, told.get("note")),
                "known": (act.known, told.get("known")),
                "document_sha256": (act.document_sha256.hex(), told.get("document_sha256")),
                "acted_by": (act.by, told.get("by")),
                "acted_at": (act.at, told.get("at")),
            }
            for one in _unlike(f"of the act at entry {act.entry}", pairs):
                yield Difference(act.period, one.where, one.stored, one.recomputed)
        for entry, told in told_by_entry.items():
            yield Difference(told["period"], f"the act at entry {entry}", "nothing", told["state"])

    def _billing(self) -> Iterator[Difference]:
        """Yield what is stored of invoices, payments and disputes otherwise than entered."""
        stored: dict[int, dict[str, Any]] = {}
        for one in issued(self.tx, self.engagement_id):
            digest = sha256(canonical_bytes(dict(one.document))).hexdigest()
            kept = {"document": one.document, "document_sha256": one.document_sha256.hex()}
            columns = (one.number, one.kind, one.period, one.series, one.ordinal)
            told = tuple(one.document[name] for name in _COLUMNS)
            cancels = one.document["cancels"]["number"] if one.document["cancels"] else None
            if (digest, told, cancels) != (one.document_sha256.hex(), columns, one.cancels):
                yield Difference("billing", f"the columns of {one.number}", str(columns), str(told))
            stored[one.entry] = {"act": one.kind, **kept, "by": one.by, "at": one.at}
        for payment in payments(self.tx, self.engagement_id):
            kept = {"act": "payment", "by": payment.by, "at": payment.at}
            stored[payment.entry] = {**payment_told(payment), **kept}
        for act in dispute_acts(self.tx, self.engagement_id):
            stored[act.entry] = {**act.told, "act": "dispute", "by": act.by}
        for entry in entries(self.tx, self.engagement_id):
            told_ = json.loads(entry.told)
            if told_["act"] not in ACTS:
                continue
            ours = stored.pop(entry.entry, {})
            for path, kept_, theirs in differing(ours, {n: told_[n] for n in told_ if n in ours}):
                where = f"{path} of what entry {entry.entry} entered"
                yield Difference("billing", where, str(kept_), str(theirs))
            if not ours:
                yield Difference("billing", f"entry {entry.entry}", "nothing", told_["act"])
        for number in stored:
            yield Difference("billing", f"entry {number}", "something", "nothing of billing")

    def _checkpoints(self, tree: Tree, ends: Mapping[int, int]) -> Iterator[Difference]:
        origin = origin_of(self.engagement_id, tree)
        for sealed in all_sealed(self.tx, self.engagement_id, tree):
            where = f"of the checkpoint of {sealed.size} leaves"
            try:
                note = read_note(sealed.note)
                told = note.checkpoint
            except ValueError as fault:
                yield Difference(tree, f"note {where}", "what is stored", f"no checkpoint: {fault}")
                continue
            pairs: dict[str, tuple[object, object]] = {
                "origin": (origin, told.origin),
                "size": (sealed.size, told.size),
                "root": (bytes(sealed.root).hex(), told.root.hex()),
                "sealed_at": (instant_text(sealed.sealed_at), instant_text(told.at)),
                "last_number": (sealed.last_number, ends.get(sealed.size)),
                "signature": (checked(note, self.keys.in_use(told.at)).holds, True),
            }
            for one in _unlike(where, pairs):
                yield Difference(tree, one.where, one.stored, one.recomputed)

    def witnessed(self, notes: Iterable[SignedNote], tree: Tree) -> Iterator[Difference]:
        """Yield the checkpoints of a witness that are not stored here any more."""
        ours = {one.size: bytes(one.root) for one in all_sealed(self.tx, self.engagement_id, tree)}
        for note in notes:
            told = note.checkpoint
            if ours.get(told.size) != told.root:
                where = f"the checkpoint of {told.size} leaves that the witness holds"
                here = ours.get(told.size)
                yield Difference(tree, where, here.hex() if here else "nothing", told.root.hex())

    def access(self) -> Generator[Difference, None, int]:
        """Yield what is not as it was in the access log; returned is how many readings it has."""
        sealed: dict[int, Sealed] = {
            one.size: one for one in all_sealed(self.tx, self.engagement_id, "access")
        }
        frontier = Frontier()
        for reading in readings(self.tx, self.engagement_id):
            number = frontier.size + 1
            if (reading.number, json.loads(reading.told)["number"]) != (number, number):
                yield Difference("access", f"reading {reading.number}", "here", f"reading {number}")
            if leaf_hash(reading.told.encode()) != bytes(reading.leaf):
                yield Difference("access", f"the line of reading {number}", "it", "another")
            frontier.append(bytes(reading.leaf))
            checkpoint = sealed.get(frontier.size)
            if checkpoint and bytes(checkpoint.root) != frontier.root():
                where = f"the root of the first {frontier.size} readings"
                yield Difference(
                    "access", where, bytes(checkpoint.root).hex(), frontier.root().hex()
                )
        for size in sealed:
            if size > frontier.size:
                yield Difference("access", "the number of readings", str(frontier.size), str(size))
        ends = {number: number for number in range(1, frontier.size + 1)}
        yield from self._checkpoints("access", ends)
        return frontier.size


def _unlike(where: str, pairs: Mapping[str, tuple[object, object]]) -> Sequence[Difference]:
    return [
        Difference("record", f"{name} {where}", str(stored), str(told))
        for name, (stored, told) in pairs.items()
        if stored != told
    ]
