"""The second verifier takes each pack that is whole, and finds and locates what was done to one."""

import functools
import importlib.util
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, cast
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.record_packs import (
    CLIENT,
    MORNING,
    SEAL,
    STRANGER,
    Hand,
    Record,
    computed_anew,
    finished,
    lines_of,
    note_line,
)
from tests.support import REPOSITORY

from openbpo.record.checkpoints import read_note, sealed
from openbpo.record.tree import Frontier
from openbpo.trust.seals import rotate, seal_keys
from openbpo.values.canonical import canonical_bytes
from openbpo.values.ids import EngagementId

SCRIPT = REPOSITORY / "verifier" / "openbpo_verify.py"
FOUND = re.compile(r"DOES NOT FIT\. line (\d+): ")
BETWEEN = re.compile(r"between sequence (\d+) and (\d+)")


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("openbpo_verify", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


verifier: Any = loaded()


class Said(NamedTuple):
    status: int
    out: str

    @property
    def line(self) -> int:
        """The number of the line that it names, from 1."""
        found = FOUND.search(self.out)
        assert found, self.out
        return int(found[1])

    @property
    def between(self) -> range:
        """The sequence numbers among which it says that it is."""
        found = BETWEEN.search(self.out)
        assert found, self.out
        return range(int(found[1]), int(found[2]) + 1)


Judge = Callable[..., Said]


@pytest.fixture
def judge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Judge:
    """Return what says of a pack's bytes what the program says of its file."""

    def said(pack: bytes, *, after: bytes | None = None, keys: tuple[Hand, ...] = (SEAL,)) -> Said:
        (tmp_path / "pack").write_bytes(pack)
        arguments = [str(tmp_path / "pack")]
        for key in keys:
            (tmp_path / key.name).write_text(key.raw.hex() + "\n")
            arguments += ["--key", str(tmp_path / key.name)]
        if after is not None:
            (tmp_path / "earlier").write_bytes(after)
            arguments += ["--after", str(tmp_path / "earlier")]
        status = verifier.main(arguments)
        return Said(status, capsys.readouterr().out)

    return said


def grown(seed: int = 1, entries: int = 4, events: int = 9) -> Record:
    record = Record(seed)
    for number in range(entries):
        record.entry(events)
        if number == 1:
            record.countersigned()
    return record


PACK = grown().pack()
LINES = lines_of(PACK)
PLAIN = lines_of(Record().entry(9).entry(9).entry(9).pack())
"""Without a countersignature, which nobody but the client could make again."""
LEAVES = [number for number, line in enumerate(LINES) if line[:1] in b"EAX"]
FIRST_CHECKPOINT = next(number for number, line in enumerate(LINES, 1) if line[:1] == b"C")
quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def sequence_of(line: bytes) -> int:
    return int(line.split(b" ")[1])


class TestWholePack:
    @quick
    @given(st.integers(0, 1000), st.lists(st.integers(0, 12), max_size=5), st.booleans())
    def test_fits(self, judge: Judge, seed: int, entries: list[int], is_signed: bool) -> None:
        record = Record(seed)
        if not entries:
            record.checkpoint(MORNING)
        for events in entries:
            record.entry(events)
        if is_signed:
            record.countersigned()
        said = judge(record.pack(), keys=(SEAL, CLIENT))
        assert said.status == 0, said.out
        assert f"{record.tree.size} leaves" in said.out

    def test_may_have_entries_that_are_sealed_together(self, judge: Judge) -> None:
        record = Record().entry(3, checkpoint=False).entry(4)
        assert judge(record.pack()).status == 0

    def test_tells_what_nobody_vouches_for(self, judge: Judge) -> None:
        said = judge(PACK)
        assert said.status == 0, said.out
        assert f"a countersignature of a key that you did not give: {CLIENT.name}." in said.out
        assert "countersignature" not in judge(PACK, keys=(SEAL, CLIENT)).out
        assert "nobody signed Z" in said.out

    def test_is_told_by_the_program_alone(self, tmp_path: Path) -> None:
        (tmp_path / "pack").write_bytes(PACK)
        (tmp_path / "key").write_text(SEAL.raw.hex())
        command = [sys.executable, "-I", "-S", str(SCRIPT), "pack", "--key", "key"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "fits. 43 leaves" in done.stdout

    def test_imports_nothing_of_the_package(self) -> None:
        imported = re.findall(r"^(?:from|import) (\w+)", SCRIPT.read_text(), re.MULTILINE)
        assert set(imported) <= set(sys.stdlib_module_names)


class TestWhatWasDoneToIt:
    @settings(quick, max_examples=400)
    @given(st.integers(0, len(PACK) - 1), st.integers(0, 7))
    def test_a_flipped_bit_is_found_on_its_line(self, judge: Judge, at: int, bit: int) -> None:
        changed = bytes([*PACK[:at], PACK[at] ^ 1 << bit, *PACK[at + 1 :]])
        said = judge(changed)
        assert said.status == 1, said.out
        number = PACK[:at].count(b"\n") + 1
        tag = PACK.split(b"\n")[number - 1][:1]
        checkpoint = next(
            (n for n, line in enumerate(LINES, 1) if n > number and line[:1] == b"C"), 0
        )
        later = {
            b"X": checkpoint,  # all that is there of a withheld leaf is its hash
            b"H": FIRST_CHECKPOINT,  # which is of another engagement then
        }.get(tag, 0)
        # What stands in no leaf is under the hash of Z alone, which is the last line.
        last = 0 if tag in b"EAXOC" else len(LINES) + 1
        assert said.line in {number, number + 1, later, last}, said.out
        if tag == b"X" and said.line == checkpoint:
            assert sequence_of(LINES[number - 1]) in said.between
        if tag in b"EAC" and changed[at] != 10 and PACK[at] != 10:
            assert said.line == number, said.out

    def test_no_byte_can_be_another(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each byte of a small pack, one bit of it: found, and never by a crash."""
        monkeypatch.setattr(verifier, "signed", functools.cache(verifier.signed))
        pack = Record(3).entry(4).countersigned().entry(3).pack()
        for at, byte in enumerate(pack):
            changed = bytearray(pack)
            changed[at] = byte ^ 1 << at % 8
            with pytest.raises(verifier.Misfit):
                verifier.Pack([verifier.Key(SEAL.raw)], None).check(io.BytesIO(bytes(changed)))

    @quick
    @given(st.sampled_from(LEAVES))
    def test_a_leaf_that_is_missing_is_found_where_it_was(self, judge: Judge, at: int) -> None:
        said = judge(finished(LINES[:at] + LINES[at + 1 :]))
        assert said.status == 1
        # At the next leaf, or at what followed it and now follows another: its opening, the end.
        assert at + 1 <= said.line <= at + 4, said.out

    @quick
    @given(st.data())
    def test_lines_swapped_doubled_or_put_in_are_found(
        self, judge: Judge, data: st.DataObject
    ) -> None:
        one, other = sorted(data.draw(st.lists(st.sampled_from(LEAVES), min_size=2, max_size=2,
                                               unique=True)))  # fmt: skip
        swapped = [*LINES]
        swapped[one], swapped[other] = swapped[other], swapped[one]
        doubled = [*LINES[: one + 1], *LINES[one:]]
        put_in = [*LINES[:one], LINES[other], *LINES[one:]]
        # An event's opening stands between it and its double.
        assert judge(finished(swapped)).line == one + 1
        assert judge(finished(doubled)).line == one + 2
        assert judge(finished(put_in)).line == one + 1

    @quick
    @given(st.integers(0, len(PACK) - 1))
    def test_an_end_that_is_missing_is_found(self, judge: Judge, length: int) -> None:
        said = judge(PACK[:length])
        assert said.status == 1
        assert said.line >= PACK[:length].count(b"\n")

    @quick
    @given(st.integers(1, len(LINES)))
    def test_an_end_that_was_made_anew_is_found(self, judge: Judge, count: int) -> None:
        """Unless it was cut where the record once ended: that needs an earlier pack."""
        cut = computed_anew(LINES[:count])
        said = judge(finished(cut))
        sealed_last = [line[:1] for line in cut if line[:1] in b"EAXC"][-1:] == [b"C"]
        assert said.status == (0 if sealed_last else 1), said.out
        assert judge(finished(cut), after=PACK).status == (1 if count < LEAVES[-1] + 2 else 0)

    @quick
    @given(st.sampled_from([n for n in LEAVES if LINES[n][:1] == b"E"]), st.data())
    def test_a_forgery_computed_anew_is_found_between_checkpoints(
        self, judge: Judge, at: int, data: st.DataObject
    ) -> None:
        way = data.draw(st.sampled_from(["delete", "change", "repeat", "swap"]))
        sequence = sequence_of(LINES[at])
        forged = {
            "delete": [*LINES[:at], *LINES[at + 1 + LINES[at + 1].startswith(b"O ") :]],
            "change": [*LINES[:at], LINES[at].replace(b'"part":1', b'"part":2'), *LINES[at + 1 :]],
            "repeat": [*LINES[:at], LINES[at], *LINES[at:]],
            "swap": swapped_with_next(at),
        }[way]
        said = judge(finished(computed_anew(forged)))
        assert said.status == 1, way
        if "does not stand after an act" in said.out:  # an event was moved behind its act
            assert way == "swap"
        else:
            assert sequence in said.between, (way, said.out)
            assert len(said.between) <= 12

    def test_another_key_is_found(self, judge: Judge) -> None:
        resigned = [
            note_line(b"C", sealed(note_in(line).checkpoint, STRANGER))
            if line[:1] == b"C"
            else line
            for line in LINES
        ]
        first = next(n for n, line in enumerate(LINES) if line[:1] == b"C") + 1
        assert judge(finished(resigned)).line == first
        assert "no key that you gave" in judge(PACK, keys=(STRANGER,)).out
        pretended = Hand(STRANGER.number, SEAL.name)
        assert judge(Record(seal=pretended).entry(3).pack()).status == 1

    def test_an_older_root_is_found(self, judge: Judge) -> None:
        places = [n for n, line in enumerate(LINES) if line[:1] == b"C"]
        older = [*LINES]
        older[places[2]] = LINES[places[1]]
        said = judge(finished(older))
        assert said.line == places[2] + 1
        assert "over 21 leaves, and 23 stand before it" in said.out

    def test_leaves_that_nobody_sealed_are_found(self, judge: Judge) -> None:
        said = judge(Record().entry(3).entry(2, checkpoint=False).pack())
        assert "no checkpoint is over sequence 5 and on" in said.out

    def test_a_version_that_is_another_is_found(self, judge: Judge) -> None:
        changed = [line.replace(b"says:", b"said:") for line in LINES]
        said = judge(finished(changed))
        assert said.line == 2
        assert "version 1 is not what its content hash is of" in said.out

    def test_an_opening_that_is_another_is_found(self, judge: Judge) -> None:
        at = next(n for n, line in enumerate(LINES) if line[:1] == b"O")
        changed = [*LINES]
        changed[at] = re.sub(rb'"Value (\d)', rb'"value \1', LINES[at])
        said = judge(finished(changed))
        assert said.line == at + 1
        assert "customer was not committed to like this" in said.out

    def test_a_countersignature_that_is_forged_is_found(self, judge: Judge) -> None:
        pretended = Hand(STRANGER.number, CLIENT.name)
        pack = Record().entry(2).countersigned(pretended).pack()
        # It is another key under the same name: not the client's, and said to be unknown.
        assert judge(pack, keys=(SEAL,)).status == 0
        good = Record().entry(2).countersigned().pack()
        at = good.index(b"\nS ")
        note = json.loads(good[at + 3 : good.index(b"\n", at + 3)])["note"]
        lines = lines_of(good)
        which = next(n for n, line in enumerate(lines) if line[:2] == b"S ")
        broken = note[:-10] + ("A" if note[-10] != "A" else "B") + note[-9:]
        lines[which] = b"S " + canonical_bytes({"note": broken})
        assert judge(finished(lines), keys=(SEAL, CLIENT)).line == which + 1

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b'"kind":"case"', b'"kind":"fox"'),
            (b'"part":1', b'"part":1.0'),
            (b'"part":1', b'"part":true'),
            (b'"is_new":true', b'"is_new":7'),
            (b'"is_new":true', b'"is_new": true'),
            (b'"is_new":true', b'"is_new":true,"is_new":true'),
            (b'"part":1,', b""),
            (b'"type":', b'"severity":"1","type":'),
        ],
    )
    def test_an_event_of_another_form_is_found(self, judge: Judge, old: bytes, new: bytes) -> None:
        record = Record()
        original = record._leaf

        def other(tag: bytes, line: bytes, *, is_withheld: bool = False) -> None:
            changed = line.replace(old, new) if tag == b"E" else line
            original(tag, changed, is_withheld=False)

        record._leaf = other  # type: ignore[method-assign]
        said = judge(record.entry(1).pack())
        assert (said.status, said.line) == (1, 4), said.out

    @pytest.mark.parametrize(
        ("which", "old", "new", "fault"),
        [
            (b"H", b'"entries":7', b'"entries":8', "other than 7 entries"),
            (b"H", b'"leaves":43', b'"leaves":44', "and 43 leaves"),
            (b"H", b'"pack":1', b'"pack":1,"pack":1', "a key stands twice"),
            (b"H", b"000000000001", b"000000000002", "of another tree"),
            (b"X", b"", b" more", "after the hash of a leaf that is withheld"),
        ],
    )
    def test_a_line_that_says_something_else_is_found(
        self, judge: Judge, which: bytes, old: bytes, new: bytes, fault: str
    ) -> None:
        at = next(n for n, line in enumerate(LINES) if line[:1] == which)
        changed = [*LINES]
        changed[at] = LINES[at].replace(old, new, 1) if old else LINES[at] + new
        assert changed[at] != LINES[at]
        said = judge(finished(changed))
        assert said.status == 1
        assert fault in said.out

    def test_what_follows_the_end_is_found(self, judge: Judge) -> None:
        assert "after the last line, Z" in judge(finished(PACK.split(b"\n")[:-1])).out

    def test_a_countersignature_of_something_else_is_found(self, judge: Judge) -> None:
        other = Record(seed=7).entry(2).countersigned()
        stranger = next(line for line in other.lines if line[:1] == b"S")
        said = judge(finished([*LINES, stranger]))
        assert said.line == len(LINES) + 1
        assert "names no such countersignature" in said.out

    @quick
    @given(st.binary(max_size=200))
    def test_noise_is_no_pack(self, judge: Judge, noise: bytes) -> None:
        assert judge(noise).status == 1


def note_in(line: bytes) -> Any:
    return read_note(json.loads(line[2:])["note"])


def swapped_with_next(at: int) -> list[bytes]:
    """Swap the facts of two neighbours, so that the order of the two is another."""
    following = LEAVES[LEAVES.index(at) + 1] if LEAVES.index(at) + 1 < len(LEAVES) else at - 1
    swapped = [line for line in LINES if line[:1] != b"O"]
    one, other = swapped.index(LINES[at]), swapped.index(LINES[following])
    swapped[one], swapped[other] = swapped[other], swapped[one]
    return swapped


class TestAfter:
    @quick
    @given(st.integers(1, 4))
    def test_a_record_that_grew_begins_with_the_earlier(self, judge: Judge, entries: int) -> None:
        said = judge(PACK, after=grown(entries=entries).pack())
        assert said.status == 0, said.out
        leaves = 1 + entries * 10 + (2 if entries > 1 else 0)
        assert f"begins with the {leaves} leaves" in said.out

    @quick
    @given(st.sampled_from([n for n, line in enumerate(PLAIN) if line[:1] == b"E"]))
    def test_a_fork_is_named_by_its_first_leaf(self, judge: Judge, at: int) -> None:
        """Who runs the system can seal another past; who holds an earlier pack sees which."""
        forged = sealed_anew(
            computed_anew(
                [*PLAIN[:at], PLAIN[at].replace(b'"part":1', b'"part":2'), *PLAIN[at + 1 :]]
            )
        )
        assert judge(forged).status == 0
        said = judge(forged, after=finished(PLAIN))
        assert said.status == 1
        subject = re.search(rb'"subject":"([^"]*)"', PLAIN[at])
        assert subject is not None
        assert f"sequence {sequence_of(PLAIN[at])}: the record was forked" in said.out
        assert subject[1].decode() in said.out

    def test_a_record_that_shrank_is_found(self, judge: Judge) -> None:
        said = judge(grown(entries=3).pack(), after=PACK)
        assert said.status == 1
        assert "it shrank: the earlier pack has 43 leaves, this one 33" in said.out

    def test_another_engagement_is_found(self, judge: Judge) -> None:
        other = Record(engagement=EngagementId(UUID(int=7))).entry(3)
        assert "another engagement" in judge(PACK, after=other.pack()).out

    def test_the_earlier_pack_must_itself_fit(self, judge: Judge) -> None:
        said = judge(PACK, after=PACK.replace(b"Case", b"case", 1))
        assert said.status == 1
        assert "earlier: DOES NOT FIT" in said.out


def sealed_anew(lines: list[bytes]) -> bytes:
    """Return the pack whose checkpoints the sealing key signed again, over what is there now."""
    record = Record(lines=[])
    record.tree = Frontier()
    made: list[bytes] = []
    for line in lines:
        if line[:1] in b"EAX":
            record.tree.append(bytes.fromhex(line.split(b" ")[2].decode()))
        if line[:1] == b"C":
            record.checkpoint(note_in(line).checkpoint.at)
            made.append(record.lines[-1])
        elif line[:1] != b"S":
            made.append(line)
    return finished(made)


# RFC 8032, section 7.1, tests 1, 2, 3 and SHA(abc): public key, message, signature.
VECTORS = [
    tuple(vector.split(" "))
    for vector in """\
d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a  \
e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b
3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c 72 \
92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00
fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025 af82 \
6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a
ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf \
ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f \
dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589\
09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704\
""".splitlines()
]


class TestEd25519:
    @pytest.mark.parametrize(("raw", "message", "signature"), VECTORS)
    def test_takes_the_vectors_of_the_rfc(self, raw: str, message: str, signature: str) -> None:
        key, said, by = bytes.fromhex(raw), bytes.fromhex(message), bytes.fromhex(signature)
        assert verifier.signed(key, said, by)
        assert not verifier.signed(key, said + b"!", by)

    @quick
    @given(st.binary(min_size=32, max_size=32), st.binary(max_size=64), st.integers(0, 511))
    def test_agrees_with_the_library(self, seed: bytes, message: bytes, bit: int) -> None:
        private = Ed25519PrivateKey.from_private_bytes(seed)
        raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        signature = private.sign(message)
        assert verifier.signed(raw, message, signature)
        flipped = bytearray(signature)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not verifier.signed(raw, message, bytes(flipped))
        s = int.from_bytes(signature[32:], "little") + verifier.L
        again = signature[:32] + s.to_bytes(32, "little")
        assert not verifier.signed(raw, message, again), "one signature can be written in two ways"
        assert not verifier.signed(raw, message, signature[:63])


class TestKeyFiles:
    """What the package writes as a file of keys, the second verifier reads alike."""

    T = (MORNING, MORNING + timedelta(hours=36), MORNING + timedelta(days=60))

    @pytest.fixture
    def sealed_twice(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Any]:
        """A pack whose second checkpoint a second key sealed, and the history of the keys."""
        monkeypatch.setenv("OPENBPO_HOME", str(tmp_path / "home"))
        record = Record(seal=cast("Hand", seal_keys(at=self.T[0]).current)).entry(3)
        keys = rotate(at=self.T[1])
        record.seal = cast("Hand", keys.current)
        (tmp_path / "pack").write_bytes(record.entry(3).pack())
        return tmp_path, keys

    def run(self, folder: Path, key: str) -> int:
        (folder / "key").write_text(key)
        status = verifier.main([str(folder / "pack"), "--key", str(folder / "key")])
        return int(status)

    def test_a_history_is_read_with_its_rotation(self, sealed_twice: tuple[Path, Any]) -> None:
        folder, keys = sealed_twice
        assert self.run(folder, keys.public_history()) == 0

    def test_the_first_key_alone_is_not_enough(self, sealed_twice: tuple[Path, Any]) -> None:
        folder, keys = sealed_twice
        assert self.run(folder, keys.keys[0].raw.hex()) == 1

    def test_a_key_that_the_old_one_did_not_name_is_refused(
        self, sealed_twice: tuple[Path, Any]
    ) -> None:
        folder, keys = sealed_twice
        told = json.loads(keys.public_history())
        told["keys"][1]["named_by"] = "00" * 64
        assert self.run(folder, json.dumps(told)) == 2

    def test_a_retired_key_seals_nothing_more(
        self, sealed_twice: tuple[Path, Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder, keys = sealed_twice
        record = Record(seal=cast("Hand", keys.keys[0])).entry(3).entry(3)
        (folder / "pack").write_bytes(record.pack())
        assert self.run(folder, keys.public_history()) == 1
        assert "in use then" in capsys.readouterr().out

    def test_lists_and_pem_are_read(self, sealed_twice: tuple[Path, Any]) -> None:
        folder, keys = sealed_twice
        told = [{"party": "a", "key_id": "k", "algorithm": "Ed25519", "public_key": key.raw.hex()}
                for key in keys.keys]  # fmt: skip
        assert self.run(folder, json.dumps(told)) == 0
        (folder / "pack").write_bytes(PACK)
        public = SEAL.private.public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        assert self.run(folder, pem.decode()) == 0

    @pytest.mark.parametrize("key", ["", "00", "{}", "[]", "[1]", "{", "zz" * 32, "02" * 32])
    def test_what_is_no_key_is_refused(self, sealed_twice: tuple[Path, Any], key: str) -> None:
        assert self.run(sealed_twice[0], key) == 2

    def test_what_is_not_there_is_refused(self, sealed_twice: tuple[Path, Any]) -> None:
        folder, keys = sealed_twice
        (folder / "pack").unlink()
        assert self.run(folder, keys.public_history()) == 2
