"""
What can be done to a pack, and whether it is found and where: R32, with both verifiers.

A mutation replaces some lines. The lines before them are judged once: the state of both verifiers
is kept every few hundred lines, and goes on from there. `tests/simulation/test_pack_mutations.py`
shows on a sample that this comes to what a whole run says.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from tests.record_packs import STRANGER, Hand, note_line
from tests.support import REPOSITORY

from openbpo.evidence.packs.model import Misfit
from openbpo.evidence.packs.reading import Integrity, Lines
from openbpo.record.checkpoints import read_note, sealed
from openbpo.record.lines import leaf_hash
from openbpo.trust.key_rings import KeyRing, read_key_file
from openbpo.values.canonical import canonical_bytes

EVERY = 250
"""After how many lines the verifiers' states are kept."""
SCRIPT = REPOSITORY / "verifier" / "openbpo_verify.py"
LEAVES = (b"E", b"A", b"X")


def second_verifier() -> Any:
    """Return the stand-alone program as a module."""
    spec = importlib.util.spec_from_file_location("openbpo_verify", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


stand_alone = second_verifier()


@dataclass(frozen=True)
class Mutation:
    """
    Something done to a pack: lines [first, first + taken) are replaced by others.

    A forger (`is_anew`) computes what follows anew: sequence numbers by `shift`, the header by what
    is there, and the last line. What was done is to be found at one of the lines `found_from` to
    `found_to`, counted from 0 in the pack as it is then.
    """

    kind: str
    first: int
    taken: int
    lines: Sequence[bytes]
    found_from: int
    found_to: int
    is_anew: bool = False
    shift: int = 0
    entries: int = 0


class Found(NamedTuple):
    """The line, from 0, that a verifier names; None where it finds nothing."""

    line: int | None
    says: str


@dataclass
class Pack:
    """A pack's lines with their ends, and where each kind of them stands."""

    lines: list[bytes]
    keys: KeyRing
    key_file: Path
    places: dict[bytes, list[int]] = field(default_factory=dict)
    _package: list[tuple[Integrity, Lines]] = field(default_factory=list)
    _alone: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number, line in enumerate(self.lines):
            self.places.setdefault(line[:1], []).append(number)
        self._size = sum(line[:1] in LEAVES for line in self.lines)
        self._keep()

    @classmethod
    def read(cls, path: Path, keys: Path) -> Pack:
        """Return the pack at a path."""
        return cls(path.read_bytes().splitlines(keepends=True), read_key_file(keys), keys)

    def _keep(self) -> None:
        """Judge it whole, by both, and keep their states on the way."""
        integrity, lines = Integrity(self.keys), Lines()
        stated = iter(lines.of(iter(self.lines)))
        alone = stand_alone.Pack(stand_alone.keys_in(self.key_file.read_text()), None)
        for number, raw in enumerate(self.lines):
            if number % EVERY == 0:
                self._package.append((integrity.copy(), lines.copy()))
                self._alone.append(copied(alone))
            integrity.check(next(stated))
            alone.check(OneByOne([raw])) if raw[:1] == b"Z" else alone_takes(alone, raw)
        assert next(stated, None) is None
        integrity.finish()
        self.root = self._size, integrity.frontier.root()

    def next_checkpoint(self, line: int) -> int:
        """Return where the first checkpoint after a line stands."""
        return next(at for at in self.places[b"C"] if at > line)

    def by_package(self, done: Mutation, *, is_grown: bool = False) -> Found:
        """Return what openbpo finds; `is_grown` asks too that it holds all that this pack holds."""
        integrity, lines = self._package[done.first // EVERY]
        integrity, lines = integrity.copy(), lines.copy()
        if done.is_anew and integrity.header:
            integrity.header = self.header_of(done)
        if is_grown:
            integrity.roots_wanted[self.root[0]] = self.root[1]

        def last() -> bytes:
            told = {"lines": lines.count, "sha256": lines.digest.hexdigest()}
            return b"Z " + canonical_bytes(told) + b"\n"

        try:
            for line in lines.of(self._mutated(done, last)):
                integrity.check(line)
            integrity.finish()
        except Misfit as misfit:
            return Found(misfit.line - 1, misfit.what)
        return Found(None, "")

    def by_stand_alone(self, done: Mutation, *, is_grown: bool = False) -> Found:
        """Return what the program of the standard library finds."""
        state = copied(self._alone[done.first // EVERY])
        if done.is_anew and state.header:
            state.header = self.header_of(done)
        if is_grown:
            state.earlier = self._whole

        def last() -> bytes:
            told = {"lines": state.lines, "sha256": state.digest.hexdigest()}
            return b"Z " + canonical_bytes(told) + b"\n"

        try:
            state.check(OneByOne(self._mutated(done, last)))
        except stand_alone.Misfit as misfit:
            found = re.match(r"line (\d+): ", str(misfit))
            return Found(int(found[1]) - 1 if found else -1, str(misfit))
        return Found(None, "")

    @property
    def _whole(self) -> Any:
        if not hasattr(self, "_whole_state"):
            keys = stand_alone.keys_in(self.key_file.read_text())
            self._whole_state = stand_alone.Pack(keys, None).check(OneByOne(self.lines))
        return self._whole_state

    def header_of(self, done: Mutation) -> dict[str, Any]:
        """Return the header as the forger writes it."""
        told: dict[str, Any] = json.loads(self.lines[0][2:])
        told["leaves"] += done.shift
        told["entries"] += done.entries
        return told

    def whole(self, done: Mutation) -> bytes:
        """Return the mutated pack as a file."""
        head = b"H " + canonical_bytes(self.header_of(done)) + b"\n" if done.is_anew else None
        made: list[bytes] = []

        def last() -> bytes:
            told = {"lines": len(made), "sha256": sha256(b"".join(made)).hexdigest()}
            return b"Z " + canonical_bytes(told) + b"\n"

        made += [head or self.lines[0]] if done.first else []
        made += self.lines[1 : done.first]
        for line in self._after(done, last):
            made.append(line)
        return b"".join(made)

    def _mutated(self, done: Mutation, last: Callable[[], bytes]) -> Iterator[bytes]:
        yield from self.lines[done.first // EVERY * EVERY : done.first]
        yield from self._after(done, last)

    def _after(self, done: Mutation, last: Callable[[], bytes]) -> Iterator[bytes]:
        yield from done.lines
        for line in self.lines[done.first + done.taken :]:
            if done.is_anew and line[:1] == b"Z":
                yield last()
            elif done.is_anew and (done.shift or done.entries):
                yield renumbered(line, done.shift, done.entries)
            else:
                yield line


def alone_takes(state: Any, raw: bytes) -> None:
    """Let the stand-alone verifier take one line of a pack that goes on."""
    state.tag = state.take(raw)
    state.digest.update(raw)
    state.lines += 1


def copied(state: Any) -> Any:
    """Return a state of the stand-alone verifier that goes on by itself."""
    made = copy.copy(state)
    made.tree = copy.copy(state.tree)
    made.tree.roots = list(state.tree.roots)
    made.digest = state.digest.copy()
    made.checkpoints = set(state.checkpoints)
    made.versions, made.signed = dict(state.versions), set(state.signed)
    made.remarks = list(state.remarks)
    return made


class OneByOne:
    """Lines as a file gives them."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._rest, self._lines = b"", iter(lines)

    def readline(self, limit: int) -> bytes:
        """Return the next line; pieces without an end are joined, and those with several parted."""
        while b"\n" not in self._rest:
            piece = next(self._lines, None)
            if piece is None:
                break
            self._rest += piece
        line, end, self._rest = self._rest.partition(b"\n")
        return line + end


def leaf(tag: bytes, sequence: int, told: bytes) -> bytes:
    """Return the line of a leaf whose hash fits."""
    return b"%b %d %b %b\n" % (tag, sequence, leaf_hash(told).hex().encode(), told)


def renumbered(line: bytes, shift: int, entries: int) -> bytes:
    """Return a line as a forger writes it when `shift` leaves more stand before it."""
    if line[:1] not in (*LEAVES, b"O"):
        return line
    tag, sequence, rest = line.split(b" ", 2)
    number = int(sequence) + shift
    if tag == b"A" and entries:
        told = json.loads(rest.split(b" ", 1)[1])
        told["entry"] += entries
        return leaf(tag, number, canonical_bytes(told))
    return b"%b %d %b" % (tag, number, rest)


# --- What is done to a pack: each takes the pack and a source of chance -------------------------

Maker = Callable[[Pack, random.Random], Mutation]


def _plain(pack: Pack, kind: str, first: int, taken: int, lines: Sequence[bytes]) -> Mutation:
    """Something that the last line tells at the latest: nothing is computed anew."""
    content = b"".join(lines)
    last = len(pack.lines) + content.count(b"\n") - taken
    return Mutation(kind, first, taken, lines, first, last)


def flip(pack: Pack, chance: random.Random) -> Mutation:
    at = chance.randrange(len(pack.lines))
    line = bytearray(pack.lines[at])
    byte = chance.randrange(len(line))
    line[byte] ^= 1 << chance.randrange(8)
    made = bytes(line).splitlines(keepends=True) if b"\n" in line[:-1] else [bytes(line)]
    done = _plain(pack, "flip", at, 1, made)
    is_leaf = pack.lines[at][:1] in (b"E", b"A") and byte < len(line) - 1
    return Mutation(**{**vars(done), "found_to": at + 1 if is_leaf else done.found_to})


def delete_bytes(pack: Pack, chance: random.Random) -> Mutation:
    at = chance.randrange(len(pack.lines))
    line = pack.lines[at]
    start = chance.randrange(len(line))
    end = chance.randrange(start, min(len(line), start + 40)) + 1
    return _plain(pack, "delete bytes", at, 1, [line[:start] + line[end:]])


def insert_bytes(pack: Pack, chance: random.Random) -> Mutation:
    at = chance.randrange(len(pack.lines))
    line, byte = pack.lines[at], 0
    byte = chance.randrange(len(line))
    noise = chance.randbytes(chance.randrange(1, 20)).replace(b"\n", b"?")
    return _plain(pack, "insert bytes", at, 1, [line[:byte] + noise + line[byte:]])


def delete_line(pack: Pack, chance: random.Random) -> Mutation:
    at = chance.randrange(len(pack.lines))
    return _plain(pack, "delete a line", at, 1, [])


def repeat_line(pack: Pack, chance: random.Random) -> Mutation:
    at = chance.randrange(len(pack.lines))
    return _plain(pack, "repeat a line", at, 1, [pack.lines[at]] * 2)


def insert_line(pack: Pack, chance: random.Random) -> Mutation:
    at = chance.randrange(1, len(pack.lines))
    return _plain(pack, "insert a line", at, 0, [pack.lines[chance.randrange(len(pack.lines))]])


def swap_lines(pack: Pack, chance: random.Random) -> Mutation:
    at = chance.randrange(len(pack.lines) - 300)
    other = at + chance.randrange(1, 300)
    lines = pack.lines[at : other + 1]
    if lines[0] == lines[-1]:
        return swap_lines(pack, chance)
    lines[0], lines[-1] = lines[-1], lines[0]
    return _plain(pack, "swap two lines", at, len(lines), lines)


def truncate(pack: Pack, chance: random.Random) -> Mutation:
    at = chance.randrange(len(pack.lines))
    kept = pack.lines[at][: chance.randrange(len(pack.lines[at]))]
    rest = len(pack.lines) - at
    return Mutation("truncate", at, rest, [kept] if kept else [], at, at)


def truncate_anew(pack: Pack, chance: random.Random) -> Mutation:
    """Cut at a line, and finished anew; right after a checkpoint only growth can tell."""
    at = chance.randrange(2, len(pack.lines) - 1)
    gone = pack.lines[at:-1]
    shift = -sum(line[:1] in LEAVES for line in gone)
    entries = -sum(line[:1] == b"A" for line in gone)
    return Mutation("truncate, finished anew", at, len(gone), [], at, at, True, shift, entries)


def _resigned(pack: Pack, chance: random.Random, hand: Hand, kind: str) -> Mutation:
    at = chance.choice(pack.places[b"C"])
    told = read_note(json.loads(pack.lines[at][2:])["note"])
    forged = note_line(b"C", sealed(told.checkpoint, hand)) + b"\n"
    return Mutation(kind, at, 1, [forged], at, at, True)


def other_key(pack: Pack, chance: random.Random) -> Mutation:
    return _resigned(pack, chance, STRANGER, "signed with another key")


def other_key_same_name(pack: Pack, chance: random.Random) -> Mutation:
    hand = Hand(STRANGER.number, next(iter(pack.keys)).name or "")
    return _resigned(pack, chance, hand, "signed with another key under our name")


def older_root(pack: Pack, chance: random.Random) -> Mutation:
    older, at = sorted(chance.sample(pack.places[b"C"], 2))
    return Mutation("older root", at, 1, [pack.lines[older]], at, at, True)


def _forged(
    pack: Pack, kind: str, at: int, taken: int, lines: Sequence[bytes], shift: int = 0
) -> Mutation:
    """Computed anew as far as a forger can: found where the next checkpoint stands."""
    to = pack.next_checkpoint(at + taken - 1) + len(lines) - taken
    return Mutation(kind, at, taken, lines, at, to, True, shift)


def _event(pack: Pack, chance: random.Random) -> int:
    return chance.choice(pack.places[b"E"])


def _taken(pack: Pack, at: int) -> int:
    """Return how many lines an event has with its opening."""
    return 2 if pack.lines[at + 1][:1] == b"O" else 1


def leaf_out(pack: Pack, chance: random.Random) -> Mutation:
    at = _event(pack, chance)
    return _forged(pack, "renumber after deletion", at, _taken(pack, at), [], -1)


def leaf_in(pack: Pack, chance: random.Random) -> Mutation:
    at = _event(pack, chance)
    _, sequence, _, body = pack.lines[at].split(b" ", 3)
    told = json.loads(body)
    told["salt"] = chance.randbytes(16).hex()
    told.pop("committed", None)
    made = [pack.lines[at], leaf(b"E", int(sequence) + 1, canonical_bytes(told))]
    if _taken(pack, at) == 2:
        made.insert(1, pack.lines[at + 1])
    return _forged(pack, "a leaf put in, renumbered", at, _taken(pack, at), made, 1)


def other_facts(pack: Pack, chance: random.Random) -> Mutation:
    at = _event(pack, chance)
    tag, sequence, _, body = pack.lines[at].split(b" ", 3)
    told = json.loads(body)
    way = chance.choice(["fact", "subject", "at", "salt", "row"])
    if way == "fact":
        name = chance.choice(sorted(told["facts"]))
        told["facts"][name] = f"{told['facts'][name]}!"
    elif way == "at":
        told["at"] = told["at"].replace("2025", "2024")
    elif way == "subject":
        told["subject"] += "1"
    else:
        told[way] = chance.randbytes(16).hex()
    made = leaf(tag, int(sequence), canonical_bytes(told))
    return _forged(pack, f"another {way}, leaf computed anew", at, 1, [made])


def exchanged(pack: Pack, chance: random.Random) -> Mutation:
    at = _event(pack, chance)
    other = next((n for n in pack.places[b"E"] if n > at), None)
    if other is None:
        return exchanged(pack, chance)
    one, two = (pack.lines[n].split(b" ", 3) for n in (at, other))
    first, second = json.loads(one[3]), json.loads(two[3])
    if first["facts"] == second["facts"]:
        return other_facts(pack, chance)
    first["facts"], second["facts"] = second["facts"], first["facts"]
    lines = pack.lines[at : other + 1]
    lines[0] = leaf(b"E", int(one[1]), canonical_bytes(first))
    lines[-1] = leaf(b"E", int(two[1]), canonical_bytes(second))
    return _forged(pack, "facts of two exchanged, leaves computed anew", at, len(lines), lines)


def act_changed(pack: Pack, chance: random.Random) -> Mutation:
    at = chance.choice(pack.places[b"A"])
    _, sequence, _, body = pack.lines[at].split(b" ", 3)
    told = json.loads(body)
    told["by"] += "x"
    made = leaf(b"A", int(sequence), canonical_bytes(told))
    return _forged(pack, "an act's name changed, leaf computed anew", at, 1, [made])


def _document(pack: Pack, chance: random.Random) -> tuple[int, bytes]:
    at = chance.choice(pack.places[b"P"])
    figures = list(re.finditer(rb'"\d+\.\d\d"', pack.lines[at]))
    hit = chance.choice(figures)
    amount = b'"%d.%02d"' % (chance.randrange(10_000), chance.randrange(100))
    changed = pack.lines[at][: hit.start()] + amount + pack.lines[at][hit.end() :]
    return (at, changed) if changed != pack.lines[at] else _document(pack, chance)


def figure(pack: Pack, chance: random.Random) -> Mutation:
    at, changed = _document(pack, chance)
    return Mutation("a figure in P", at, 1, [changed], at, at, True)


def figure_and_hash(pack: Pack, chance: random.Random) -> Mutation:
    at, changed = _document(pack, chance)
    _, sequence, _, body = pack.lines[at - 1].split(b" ", 3)
    told = json.loads(body)
    told["document_sha256"] = sha256(changed[2:-1]).hexdigest()
    act = leaf(b"A", int(sequence), canonical_bytes(told))
    return _forged(pack, "a figure in P and its hash in the act", at - 1, 2, [act, changed])


def document_left_out(pack: Pack, chance: random.Random) -> Mutation:
    at = chance.choice(pack.places[b"P"])
    return Mutation("P left out", at, 1, [], at, at, True)


def withhold(pack: Pack, chance: random.Random) -> Mutation:
    at = _event(pack, chance)
    _, sequence, hashed, _ = pack.lines[at].split(b" ", 3)
    hidden = b"X %b %b\n" % (sequence, hashed)
    return Mutation("an event withheld", at, _taken(pack, at), [hidden], at, at, True)


def withhold_act(pack: Pack, chance: random.Random) -> Mutation:
    at = chance.choice(pack.places[b"A"])
    _, sequence, hashed, _ = pack.lines[at].split(b" ", 3)
    hidden = b"X %b %b\n" % (sequence, hashed)
    return Mutation("an act withheld", at, 1, [hidden], at, at, is_anew=True, entries=-1)


def signature_changed(pack: Pack, chance: random.Random) -> Mutation:
    at = chance.choice(pack.places[b"S"])
    told = json.loads(pack.lines[at][2:])
    made = note_line(b"S", sealed(read_note(told["note"]).checkpoint, STRANGER)) + b"\n"
    way = chance.choice(["left out", "by another"])
    return Mutation(f"S {way}", at, 1, [made] if way == "by another" else [], at, at, True)


def terms_changed(pack: Pack, chance: random.Random) -> Mutation:
    at = chance.choice(pack.places[b"V"])
    told = json.loads(pack.lines[at][2:])
    name = chance.choice(sorted(told["files"]))
    told["files"][name] += "# Ours.\n"
    made = b"V " + canonical_bytes(told) + b"\n"
    return Mutation("the agreement's text", at, 1, [made], at, at, True)


def version_left_out(pack: Pack, chance: random.Random) -> Mutation:
    at = chance.choice(pack.places[b"V"])
    first = pack.places[b"A"][0] - 1
    return Mutation("the agreement left out", at, 1, [], at, first + 2, True)


def opening_changed(pack: Pack, chance: random.Random) -> Mutation:
    at = chance.choice(pack.places[b"O"])
    _, sequence, body = pack.lines[at].split(b" ", 2)
    told = json.loads(body)
    name = chance.choice(sorted(told))
    told[name]["value"] = f"{told[name]['value']}?"
    made = b"O %b %b\n" % (sequence, canonical_bytes(told))
    return Mutation("an opening's value", at, 1, [made], at, at, True)


MAKERS: Mapping[str, tuple[int, Maker]] = {
    made.__name__: (weight, made)
    for weight, made in [
        (20, flip), (5, delete_bytes), (5, insert_bytes), (5, delete_line), (5, repeat_line),
        (5, insert_line), (5, swap_lines), (5, truncate), (5, truncate_anew), (3, other_key),
        (2, other_key_same_name), (3, older_root), (5, leaf_out), (3, leaf_in), (8, other_facts),
        (5, exchanged), (2, act_changed), (3, figure), (3, figure_and_hash),
        (1, document_left_out), (4, withhold), (2, withhold_act), (2, signature_changed),
        (1, terms_changed), (1, version_left_out), (2, opening_changed),
    ]
}  # fmt: skip


def mutations(pack: Pack, count: int, seed: int) -> Iterator[Mutation]:
    """Yield mutations of a pack, of all kinds that it has lines for."""
    chance = random.Random(seed)
    needed: dict[Maker, bytes] = {figure: b"P", figure_and_hash: b"P", document_left_out: b"P",
              signature_changed: b"S", opening_changed: b"O"}  # fmt: skip
    makers = [(w, m) for w, m in MAKERS.values() if needed.get(m, b"Z") in pack.places]
    weights, makes = zip(*makers, strict=True)
    for make in chance.choices(makes, weights, k=count):
        yield make(pack, chance)


@dataclass
class Tally:
    """How many mutations of each kind were tried, and those that were not found, or elsewhere."""

    tried: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)

    def note(self, pack: Pack, done: Mutation) -> None:
        """Judge one mutation by both verifiers."""
        self.tried[done.kind] += 1
        is_grown = done.kind == "truncate, finished anew"
        for who in ("by_package", "by_stand_alone"):
            found = getattr(pack, who)(done, is_grown=is_grown)
            if found.line is None or not done.found_from <= found.line <= done.found_to:
                self.missed.append(
                    f"{who}: {done.kind} at line {done.first + 1}: found at "
                    f"{found.line}, to be found at {done.found_from} to {done.found_to}: "
                    f"{found.says}"
                )


def all_found(pack: Pack, count: int, seed: int) -> Tally:
    """Try many mutations."""
    tally = Tally()
    for done in mutations(pack, count, seed):
        tally.note(pack, done)
    return tally
