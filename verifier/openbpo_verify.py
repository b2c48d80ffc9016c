"""
Check an evidence pack of OpenBPO with nothing but Python's standard library (3.11 or later).

    python openbpo_verify.py PACK --key FILE [--key FILE ...] [--after EARLIER]

It shares no code with OpenBPO. It checks two things, and no verdict and no amount:

integrity  Every line has its form and its place; each leaf is the hash of its line; no sequence
           number and no entry is missing; openings and versions fit their hashes; the leaves come
           to the root of each checkpoint; a key that you gave signed each checkpoint.
growth     With --after: the leaves of the earlier pack are those with which this one begins.

FILE is the history of the sealing keys as OpenBPO hands it out, its list of parties' keys, an
Ed25519 public key as PEM, or 64 hex digits. Have it from elsewhere than the pack.

How closely a fault is located: a changed line is named, as its hash does not fit. The hash of a
withheld event tells nothing by itself, and neither does what somebody changed, added or removed who
then computed all hashes and numbers anew. Such a thing is found at the next checkpoint, whose root
is signed: the leaves between it and the checkpoint before are named, and nothing in the pack tells
closer. With --after, the first leaf that differs from the earlier pack's is named.

V, P and S stand in no leaf; but an act that does names each by its hash, or in full. One that is
not named so, or is named and not there, does not fit. A remark is printed for a signature by a key
that you did not give, and for a Z that no sealing key signed, as in packs of version 1. Of such a
pack it cannot see who wrote H, when and for whom, nor that openings were left out, or events
withheld by who says that some periods are shown alone.
A pack cut off right after a checkpoint and finished anew is the record as it was then: only an
earlier pack, or a witness, shows that it shrank.

Exit status: 0 it fits; 1 it does not, and the first line that does not is named; 2 usage.
"""

import argparse
import base64
import functools
import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any, BinaryIO, NamedTuple

LONGEST_LINE = 2**26  # bytes; the files of an agreement stand on one line
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


class Misfit(Exception):  # noqa: N818 - it is no error of this program
    """Something does not fit; the text says what."""


class Fork(Misfit):
    """The leaves of the earlier pack are not those with which this one begins."""


def need(holds: object, fault: str) -> None:
    if not holds:
        raise Misfit(fault)


# --- Ed25519: RFC 8032, section 5.1. A point is (X, Y, Z, T): x = X/Z, y = Y/Z, xy = T/Z ----------

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int, int, int]


def add(one: Point, other: Point) -> Point:
    a, b = (one[1] - one[0]) * (other[1] - other[0]), (one[1] + one[0]) * (other[1] + other[0])
    c, d = 2 * one[3] * other[3] * D, 2 * one[2] * other[2]
    e, f, g, h = (b - a) % P, (d - c) % P, (d + c) % P, (b + a) % P
    return (e * f % P, g * h % P, f * g % P, e * h % P)


@functools.lru_cache(maxsize=1024)
def decompress(raw: bytes) -> Point:
    number = int.from_bytes(raw, "little")
    y, sign = number & (2**255 - 1), number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    is_point = y < P and (x * x - square) % P == 0 and (x or not sign)
    need(len(raw) == 32 and is_point, "a key is no point of the curve")
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


BASE = decompress((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def signed(raw: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether the key `raw` (32 bytes) made this signature, R || S: R = [S]B - [k]A."""
    x, y, z, t = decompress(raw)
    s = int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(signature[:32] + raw + message).digest(), "little") % L
    minus = (P - x, y, z, P - t)
    summands, found = ((0, 1, 1, 0), BASE, minus, add(BASE, minus)), (0, 1, 1, 0)
    for bit in range(252, -1, -1):
        found = add(add(found, found), summands[(s >> bit & 1) | (k >> bit & 1) << 1])
    inverse = pow(found[2], -1, P)
    x, y = found[0] * inverse % P, found[1] * inverse % P
    return (
        len(signature) == 64
        and s < L
        and signature[:32] == (y | (x & 1) << 255).to_bytes(32, "little")
    )


# --- JSON and forms ------------------------------------------------------------------------------

SORTED = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)
AS_ORDERED = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def canonical(value: object) -> bytes:
    """RFC 8785 without floats: keys in the order of their UTF-16 units, no spaces, UTF-8."""
    text = SORTED.encode(value)
    return (text if text.isascii() else AS_ORDERED.encode(in_order(value))).encode()


def in_order(value: Any) -> Any:
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return {key: in_order(value[key]) for key in keys}
    return [in_order(part) for part in value] if isinstance(value, list) else value


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    need(len(dict(pairs)) == len(pairs), "a key stands twice")
    return dict(pairs)


def no_float(text: str) -> None:
    raise Misfit(f"{text} is no whole number, and there are no others")


DECODER = json.JSONDecoder(object_pairs_hook=once, parse_float=no_float, parse_constant=no_float)


def parsed(text: bytes | str) -> dict[str, Any]:
    try:
        told = DECODER.decode(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError) as fault:
        raise Misfit(f"this is no JSON: {fault}") from fault
    need(isinstance(told, dict), "this is no JSON object")
    return dict(told)


def is_text(value: object) -> bool:
    return isinstance(value, str)


def is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**53


def is_place(value: object) -> bool:
    return is_count(value) and value != 0


def is_hex(size: int) -> Callable[[object], bool]:
    form = re.compile(f"[0-9a-f]{{{2 * size}}}")
    return lambda value: isinstance(value, str) and form.fullmatch(value) is not None


is_hash = is_hex(32)


def is_instant(value: object) -> bool:
    if not isinstance(value, str) or not INSTANT.fullmatch(value):
        return False
    try:
        return bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def is_named(value: object, form: Callable[[object], bool]) -> bool:
    return isinstance(value, dict) and all(map(form, value.values()))


HEADER = {"pack": is_place, "engagement": is_text, "handle": is_text, "for": is_text,
          "made_at": is_instant, "made_by": is_text, "entries": is_count,
          "leaves": is_count}  # fmt: skip
EVENT = {"at": is_instant, "part": is_place, "position": is_place, "row": is_hex(16),
         "salt": is_hex(16), "subject": is_text, "type": is_text,
         "kind": re.compile("case|call|agent_time|interval_count|headcount|quantity").fullmatch,
         "facts": lambda value: is_named(value, lambda v: v is None or isinstance(v, str | bool)),
         }  # fmt: skip
OPTIONAL = {"rank": is_text, "committed": lambda value: value and is_named(value, is_hash)}
ACT = {"act": is_text, "at": is_instant, "by": is_text, "entry": is_count}


def need_form(told: dict[str, Any], forms: dict[str, Any], optional: dict[str, Any]) -> None:
    for key, holds in forms.items():
        if key not in told or not holds(told[key]):
            raise Misfit(f"{key} is missing or has not its form")
    for key in told.keys() - forms.keys():
        need(key in optional and optional[key](told[key]), f"{key} has not its form")


# --- Keys and signed notes: C2SP signed-note and tlog-checkpoint ----------------------------------


class Key(NamedTuple):
    raw: bytes
    retired_at: str | None = None  # instants of one form compare as texts


def keys_in(text: str) -> list[Key]:
    text = text.strip()
    if text.startswith("-----BEGIN PUBLIC KEY-----"):
        der = base64.b64decode("".join(text.splitlines()[1:-1]), validate=True)
        need(der[:12].hex() == "302a300506032b6570032100", "this is no Ed25519 key")
        return [Key(der[12:])]
    if text[:1] not in ("{", "["):
        return [Key(bytes.fromhex(text))]
    told = json.loads(text)
    if isinstance(told, list):
        return [Key(bytes.fromhex(entry["public_key"])) for entry in told]
    need(told["openbpo"] == "seal-keys/1", "this is no history of sealing keys")
    keys = [Key(bytes.fromhex(entry["public_key"]), entry["retired_at"]) for entry in told["keys"]]
    for (old, new), entry in zip(pairwise(keys), told["keys"][1:], strict=True):
        statement = {"openbpo": "seal.rotated/1", "at": old.retired_at, "from": old.raw.hex(),
                     "to": new.raw.hex()}  # fmt: skip
        said = is_instant(old.retired_at) and bytes.fromhex(entry["named_by"] or "")
        is_named = said and signed(old.raw, canonical(statement), said)
        need(is_named, f"the key before {entry['name']} did not name it")
    return keys


class Note(NamedTuple):
    text: str
    origin: str
    size: int
    root: str
    at: str
    lines: list[tuple[str, bytes]]  # a key's name; its hash (4 bytes) and the signature


def note_of(told: dict[str, Any]) -> Note:
    head, _, tail = told["note"].rpartition("\n\n")
    found = re.fullmatch(r"([^\s+]+)\n(0|[1-9][0-9]*)\n([A-Za-z0-9+/]{43}=)\nat (.+)", head)
    if found is None or not is_instant(found[4]):
        raise Misfit("the note is no checkpoint: origin, size, root, time")
    lines = [(name, base64.b64decode(said, validate=True))
             for name, said in re.findall(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)\n", tail)]  # fmt: skip
    again = [f"— {name} {base64.b64encode(said).decode()}\n" for name, said in lines]
    need(lines and "".join(again) == tail, "the line of a signature has not its form")
    return Note(f"{head}\n", found[1], int(found[2]), found[3], found[4], lines)


def signers(note: Note, keys: list[Key]) -> list[str]:
    """Return the names under which keys of yours signed; nobody may have signed for one of them."""
    names = []
    for name, said in note.lines:
        start = name.encode() + b"\n\x01"  # the key's hash is over its name, its type and itself
        own = [key for key in keys if hashlib.sha256(start + key.raw).digest()[:4] == said[:4]]
        by = [key for key in own if signed(key.raw, note.text.encode(), said[4:])]
        need(by or not own, f"the signature of {name} is not over this text")
        in_use = [key for key in by if key.retired_at is None or note.at < key.retired_at]
        names += [name] if in_use else []
    return names


# --- The pack ------------------------------------------------------------------------------------


class Tree:
    """RFC 6962, section 2.1: the roots of the perfect subtrees, the largest first."""

    def __init__(self) -> None:
        self.size, self.roots = 0, list[bytes]()

    def append(self, leaf: bytes) -> None:
        bit = 1
        while self.size & bit:
            leaf = hashlib.sha256(b"\x01" + self.roots.pop() + leaf).digest()
            bit *= 2
        self.roots.append(leaf)
        self.size += 1

    def root(self) -> str:
        """In base64, as it stands in a checkpoint."""
        found = self.roots[-1] if self.roots else hashlib.sha256().digest()
        for left in reversed(self.roots[:-1]):
            found = hashlib.sha256(b"\x01" + left + found).digest()
        return base64.b64encode(found).decode()


def told_by(line: bytes) -> str:
    """Say of which event a line tells, as far as it can be read."""
    found = [re.search(rb'"(%b)":"([^"]*)"' % key, line) for key in (b"subject", b"act", b"at")]
    return ", ".join(f"{hit[1].decode()} {hit[2].decode(errors='replace')}" for hit in found if hit)


class Pack:
    """A pack, read line by line; what is kept of it does not grow with its events."""

    def __init__(self, keys: list[Key], earlier: "Pack | None") -> None:
        self.keys, self.earlier, self.tree = keys, earlier, Tree()
        self.header: dict[str, Any] = {}
        self.lines, self.entries, self.withheld, self.sealed = 0, 0, 0, -1
        self.digest, self.tag = hashlib.sha256(), ""
        self.told: dict[str, Any] = {}  # what the last act says
        self.owed = ""  # the tag that must come before the next leaf
        self.opening: dict[str, str] = {}  # the commitments that the next line may open
        self.last, self.by = "", list[str]()  # the last checkpoint, and who signed it
        self.checkpoints = set[bytes]()  # the hashes of their texts
        self.versions, self.signed = dict[str, Any](), set[str]()  # numbers by hash, and hashes
        self.remarks: list[str] = []

    def check(self, file: BinaryIO) -> "Pack":
        """Read it all. Raises Misfit at the first line that does not fit."""
        for line in iter(lambda: file.readline(LONGEST_LINE), b""):
            try:
                need(self.tag != "Z", "something stands after the last line, Z")
                self.tag = self.take(line)
            except KeyError as fault:
                raise Misfit(f"{self.place(line)}{fault} is missing") from fault
            except (Misfit, ValueError, TypeError, AttributeError) as fault:
                raise Misfit(f"{self.place(line)}{fault}") from fault
            self.digest.update(line)
            self.lines += 1
        need(self.tag == "Z", f"line {self.lines + 1}: the pack ends without its last line, Z")
        return self

    def place(self, line: bytes) -> str:
        start, (tag, *rest) = f"line {self.lines + 1}: ", line.split(b" ", 3)
        if not rest or tag not in (b"E", b"A", b"X", b"O"):
            return start
        return f"{start}sequence {rest[0].decode(errors='replace').strip()}, {told_by(line)}: "

    def take(self, line: bytes) -> str:
        """Check one line, and return its tag."""
        tag, rest = line[:2].decode(), line[2:-1]
        need(line.endswith(b"\n"), "the line does not end")
        need((tag == "H ") == (self.lines == 0), "H is the first line, and no other")
        after_act = self.tag in ("A", "P", "C", "S")
        need(after_act or tag not in ("P ", "C ", "S "), "it does not stand after an act")
        if tag in ("E ", "A ", "X "):
            self.leaf(tag, rest)
        elif tag == "O ":
            self.openings(rest)
        elif tag == "H ":
            self.head(parsed(rest))
        elif tag == "C ":
            self.checkpoint(note_of(parsed(rest)))
        elif tag == "S ":
            self.countersignature(note_of(parsed(rest)))
        elif tag == "V ":
            self.version(parsed(rest))
        elif tag == "P ":
            named = self.tag == "A" and self.told.get("document_sha256")
            need(named == hashlib.sha256(rest).hexdigest(), "the act before names no such figures")
            need(parsed(rest), "the document is empty")
            self.owed = ""
        else:
            need(tag == "Z ", "no line of a pack begins so")
            self.end(parsed(rest))
        return tag.strip()

    def head(self, told: dict[str, Any]) -> None:
        need_form(told, HEADER, {"periods": lambda value: isinstance(value, list) and value})
        need(told["pack"] in (1, 2), "this is no pack of version 1 or 2")
        other = self.earlier.header if self.earlier else told
        need(other["engagement"] == told["engagement"], "the earlier pack is of another engagement")
        self.header = told

    def leaf(self, tag: str, rest: bytes) -> None:
        sequence, _, said = rest.partition(b" ")
        leaf, space, line = said.partition(b" ")
        need(not self.owed, f"{self.owed} is missing, which entry {self.entries} names")
        if sequence != b"%d" % self.tree.size:
            raise Misfit(f"leaf {self.tree.size} belongs here: one was taken out, put in or moved")
        need(is_hash(leaf.decode()), "the leaf is no hash")
        self.opening = {}
        if tag == "X ":
            need(not space, "something stands after the hash of a leaf that is withheld")
            need("periods" in self.header, "a leaf is withheld, and H says that none is")
            self.withheld += 1
        else:
            hashed = hashlib.sha256(b"\0" + line).hexdigest()
            need(hashed == leaf.decode(), "the line does not hash to its leaf")
            told = parsed(line)
            need(canonical(told) == line, "the line is not canonical JSON")
            self.act(told) if tag == "A " else self.event(told)
        self.tree.append(bytes.fromhex(leaf.decode()))
        before = self.earlier.tree if self.earlier else None
        if before and before.size == self.tree.size and before.root() != self.tree.root():
            raise Fork

    def event(self, told: dict[str, Any]) -> None:
        need_form(told, EVENT, OPTIONAL)
        self.opening = told.get("committed", {})

    def act(self, told: dict[str, Any]) -> None:
        need_form(told, ACT, dict.fromkeys(told, lambda _: True))
        self.entries += 1
        need(told["entry"] == self.entries, f"entry {self.entries} belongs here")
        self.told = told
        if told["act"] == "countersignature":
            self.owed = "S"
        elif told["act"] == "period":
            shown = self.header.get("periods", [told["period"]])
            self.owed = "P" if told["period"] in shown else ""
        if told["act"] == "signature":
            number = self.versions.get(told["content_hash"])
            need(number is not None, "the version that it signs is not here")
            need(number == told["number"], "the version that it signs has another number")
            self.signed.add(told["content_hash"])

    def openings(self, rest: bytes) -> None:
        sequence, _, told = rest.partition(b" ")
        is_here = sequence == b"%d" % (self.tree.size - 1) and self.opening
        need(is_here, "it does not stand after an event with something to open")
        for name, opened in parsed(told).items():
            committed = bytes.fromhex(opened["salt"]) + canonical([name, opened["value"]])
            fits = self.opening.get(name) == hashlib.sha256(committed).hexdigest()
            fits = fits and len(opened) == 2 and is_hex(16)(opened["salt"])
            need(fits, f"{name} was not committed to like this")
        self.opening = {}

    def checkpoint(self, note: Note) -> None:
        size, since = self.tree.size, max(self.sealed, 0)
        need(self.owed != "P", f"P is missing, which entry {self.entries} names")
        ours = f"openbpo/{self.header['engagement']}/record"
        need(note.origin == ours, f"the checkpoint is of another tree, {note.origin}")
        by = signers(note, self.keys)
        need(by, "no key that you gave, and that was in use then, signed the checkpoint")
        between = f"between sequence {since} and {max(size, note.size) - 1}"
        fault = f"the checkpoint is over {note.size} leaves, and {size} stand before it: leaves"
        need(note.size == size, f"{fault} were taken out or put in {between}")
        fault = "the leaves do not come to the root that was sealed: leaves"
        need(note.root == self.tree.root(), f"{fault} were changed or moved {between}")
        self.sealed, self.last, self.by = size, note.at, by
        self.checkpoints.add(hashlib.sha256(note.text.encode()).digest())

    def countersignature(self, note: Note) -> None:
        is_named = self.owed == "S" and note_of(self.told) == note
        need(is_named, "the act before names no such countersignature")
        self.owed = ""
        is_ours = hashlib.sha256(note.text.encode()).digest() in self.checkpoints
        need(is_ours, "what is countersigned is no checkpoint of this pack")
        known = signers(note, self.keys)
        if names := ", ".join(name for name, _ in note.lines if name not in known):
            self.remarks.append(f"a countersignature of a key that you did not give: {names}")

    def version(self, told: dict[str, Any]) -> None:
        terms = {key: told[key] for key in ("files", "resolved", "semantics")}
        terms["files"] = {name: hashlib.sha256(text.encode()).hexdigest()
                          for name, text in terms["files"].items()}  # fmt: skip
        fits = hashlib.sha256(canonical(terms)).hexdigest() == told["content_hash"]
        need(fits, f"version {told['number']} is not what its content hash is of")
        need(self.tree.size == 0, "versions stand before the first leaf")
        self.versions[told["content_hash"]] = told["number"]

    def end(self, told: dict[str, Any]) -> None:
        size, entries, digest = self.tree.size, self.entries, self.digest.hexdigest()
        need(not self.owed, f"{self.owed} is missing, which entry {entries} names")
        need(self.versions.keys() == self.signed, "no act signs a version of the agreement")
        need(self.sealed == size, f"no checkpoint is over sequence {max(self.sealed, 0)} and on")
        need((self.header["entries"], self.header["leaves"]) == (entries, size),
             f"the header tells of other than {entries} entries and {size} leaves")  # fmt: skip
        before = self.earlier.tree.size if self.earlier else 0
        need(before <= size, f"it shrank: the earlier pack has {before} leaves, this one {size}")
        counted = {"lines": self.lines, "sha256": digest}
        is_noted = "note" in told and self.header["pack"] > 1
        need(told == counted | ({"note": told["note"]} if is_noted else {}),
             "Z tells of other lines. All leaves fit: H, V, S, P or Z was changed")  # fmt: skip
        if not is_noted:
            self.remarks.append("nobody signed Z: H is under no signature, nor what is left out")
            return
        note = note_of(told)
        root = base64.b64encode(bytes.fromhex(digest)).decode()
        origin = f"openbpo/{self.header['engagement']}/pack"
        ours = (origin, self.lines, root, self.header["made_at"])
        need((note.origin, note.size, note.root, note.at) == ours, "Z signs another pack")
        need(signers(note, self.keys), "no key that you gave, and that was in use, signed Z")


def leaves(path: str) -> Iterator[tuple[bytes, bytes]]:
    with open(path, "rb") as file:  # noqa: PTH123
        for line in file:
            if line[:2] in (b"E ", b"A ", b"X "):
                yield line.split()[2], line


def fork(path: str, after: str) -> str:
    """Name the first leaf that two packs do not share."""
    both = zip(leaves(after), leaves(path), strict=False)
    for sequence, ((one, before), (other, now)) in enumerate(both):
        if one != other:
            there, here = told_by(before) or "withheld", told_by(now) or "withheld"
            return f"sequence {sequence}: the record was forked. Earlier: {there}. Here: {here}."
    raise AssertionError("their roots differ")


def checked(path: str, keys: list[Key], earlier: Pack | None) -> Pack:
    with open(path, "rb") as file:  # noqa: PTH123
        return Pack(keys, earlier).check(file)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check an evidence pack of OpenBPO.")
    parser.add_argument("pack", metavar="PACK")
    parser.add_argument("--key", metavar="FILE", action="append", required=True)
    parser.add_argument("--after", metavar="EARLIER")
    asked, path = parser.parse_args(arguments), ""
    keys: list[Key] = []
    try:
        for path in asked.key:
            with open(path, encoding="utf-8") as file:  # noqa: PTH123
                keys += keys_in(file.read(2**20))
        need(keys and all(decompress(key.raw) for key in keys), "there is no key in it")
    except (OSError, ValueError, LookupError, TypeError, AttributeError, Misfit) as fault:
        print(f"{path}: no file of public keys: {fault}", file=sys.stderr)
        return 2
    try:
        earlier = checked(path := asked.after, keys, None) if asked.after else None
        pack = checked(path := asked.pack, keys, earlier)
    except OSError as fault:
        print(fault, file=sys.stderr)
        return 2
    except Misfit as fault:
        is_fork = isinstance(fault.__cause__, Fork)
        print(f"{path}: DOES NOT FIT. {fork(path, asked.after) if is_fork else fault}")
        return 1
    print(
        f"{path}: fits. {pack.tree.size} leaves ({pack.withheld} withheld), {pack.entries} entries."
    )
    print(f"{len(pack.checkpoints)} checkpoints, the last {pack.last}, by {', '.join(pack.by)}.")
    if earlier:
        print(f"It begins with the {earlier.tree.size} leaves of {asked.after}.")
    print("".join(f"Remark: {remark}.\n" for remark in pack.remarks), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
