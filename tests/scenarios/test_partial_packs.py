"""Packs of some periods: each line that they show is recomputed; and what signs a pack."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests.desks import Desk, desk, refused, run, told
from tests.record_packs import STRANGER, finished, note_line
from tests.simulation.pack_mutations import stand_alone

from openbpo.evidence.packs.model import PACK_VERSION
from openbpo.evidence.packs.verifying import Verified, verify
from openbpo.evidence.packs.writing import with_adjusted
from openbpo.record.checkpoints import Checkpoint, read_note, sealed
from openbpo.record.lines import leaf_hash
from openbpo.record.tree import Frontier
from openbpo.storage.database import Database
from openbpo.trust.key_rings import read_key_file
from openbpo.values.canonical import canonical_bytes
from openbpo.values.refusals import Refusal

pytestmark = pytest.mark.xdist_group("partial-packs")
JANUARY, FEBRUARY, MARCH, APRIL = (f"2025-0{month}" for month in range(1, 5))
Lines = list[bytes]


@pytest.fixture(scope="module")
def made(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Four closed months; the first rows of January come in February, the next in April."""
    made = desk(tmp_path_factory.mktemp("partial"), "partial", 2_600).accepted()
    ends = [
        next((n for n, row in enumerate(made.rows) if row[3] > f"2025/0{month}/01"), 2_600)
        for month in range(2, 6)
    ]
    made.takes_in(40, ends[0])
    run("close", made.name, "--period", JANUARY)
    made.takes_in(0, 20).takes_in(ends[0], ends[1])
    run("close", made.name, "--period", FEBRUARY)
    made.takes_in(ends[1], ends[2])
    run("close", made.name, "--period", MARCH)
    made.takes_in(20, 40).takes_in(ends[2], ends[3])
    run("close", made.name, "--period", APRIL, "--state", "preliminary")
    run("close", made.name, "--period", APRIL)
    return made


def verified(made: Desk, path: Path, key: Path | None = None) -> Verified:
    return verify(path, read_key_file(key or made.key))


def header_of(lines: Sequence[bytes]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lines[0][2:])
    return found


def lines_of(path: Path) -> Lines:
    """A pack's lines without the last one."""
    return path.read_bytes().splitlines()[:-1]


def documents(lines: Sequence[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines):
        if line[:1] == b"P":
            yield number, json.loads(line[2:])


class TestAPackOfAPeriod:
    def test_shows_what_the_period_adjusts_and_what_adjusted_that(self, made: Desk) -> None:
        for wanted in (JANUARY, FEBRUARY, MARCH, APRIL):
            path = made.bundle("--periods", wanted, out=f"{wanted}.pack")
            found = verified(made, path)
            assert found.differences == ()
            shown = set(found.header["periods"])
            adjusting = dict[str, set[str]]()
            for _, document in documents(lines_of(path)):
                adjusted = {one["period"] for one in document["adjustments"]}
                adjusting.setdefault(document["period"], set()).update(adjusted)
            assert set(adjusting) == shown
            assert set().union(*adjusting.values()) <= shown
            assert wanted in shown
            assert found.withheld > 0 or shown == {JANUARY, FEBRUARY, MARCH, APRIL}
        assert {JANUARY, FEBRUARY, APRIL} <= shown

    def test_of_january_alone_shows_it_alone(self, made: Desk) -> None:
        run("close", made.name, "--period", JANUARY, "--state", "agreed", "--as", "client")
        said = told("bundle", made.name, "--periods", JANUARY, "--out", str(made.folder / "j.pack"))
        assert said["shown"] == [JANUARY]

    def test_says_what_it_shows_beside_what_was_asked_for(self, made: Desk) -> None:
        out = str(made.folder / "f.pack")
        said = " ".join(run("bundle", made.name, "--periods", FEBRUARY, "--out", out).split())
        assert f"It shows {JANUARY} too, of which the adjustments are made." in said


@dataclass(frozen=True)
class Forger:
    """Writes a pack anew, all hashes and roots with it, and seals it with a key of its own."""

    lines: Lines

    def changed(self, change: Callable[[dict[str, Any]], None], period: str) -> bytes:
        """Return the pack in which a period's last document says something else."""
        at = max(number for number, one in documents(self.lines) if one["period"] == period)
        document = json.loads(self.lines[at][2:])
        change(document)
        text = canonical_bytes(document)
        tag, sequence, _, body = self.lines[at - 1].split(b" ", 3)
        act = json.loads(body)
        act["document_sha256"] = sha256(text).hexdigest()
        leaf = canonical_bytes(act)
        lines = list(self.lines)
        lines[at] = b"P " + text
        lines[at - 1] = b"%b %b %b %b" % (tag, sequence, leaf_hash(leaf).hex().encode(), leaf)
        return finished(_sealed_by_a_stranger(lines))


def _sealed_by_a_stranger(lines: Lines) -> Lines:
    tree, made = Frontier(), Lines()
    for line in lines:
        if line[:1] in b"EAX":
            tree.append(bytes.fromhex(line.split(b" ", 3)[2].decode()))
        if line[:1] == b"C":
            note = read_note(json.loads(line[2:])["note"]).checkpoint
            again = Checkpoint(origin=note.origin, size=tree.size, root=tree.root(), at=note.at)
            made.append(note_line(b"C", sealed(again, STRANGER)))
        else:
            made.append(line)
    return made


class TestAChangedAdjustment:
    """Whoever could seal anew, and says another amount, is found by what the events come to."""

    @pytest.fixture
    def forger(self, made: Desk) -> Forger:
        return Forger(lines_of(made.bundle("--periods", APRIL, out="april.pack")))

    def judged(self, made: Desk, content: bytes) -> Verified:
        path, key = made.folder / "forged.pack", made.folder / "stranger.key"
        path.write_bytes(content)
        key.write_text(STRANGER.raw.hex())
        return verified(made, path, key)

    def test_of_nothing_is_no_difference(self, made: Desk, forger: Forger) -> None:
        assert self.judged(made, forger.changed(lambda _: None, APRIL)).differences == ()

    @pytest.mark.parametrize("part", ["net", "total"])
    def test_amount_is_found(self, made: Desk, forger: Forger, part: str) -> None:
        def change(document: dict[str, Any]) -> None:
            document["adjustments"][0]["difference"][part] = "12345.67"

        [one] = self.judged(made, forger.changed(change, APRIL)).differences
        assert one.period == APRIL
        assert one.where == f"adjustments[0].difference.{part}"
        assert one.stored == "12345.67"

    def test_is_found_where_it_is_left_out(self, made: Desk, forger: Forger) -> None:
        def change(document: dict[str, Any]) -> None:
            document["adjustments"] = []
            document["due"] = {
                part: document["figures"][key]
                for part, key in (("net", "net"), ("tax", "tax_amount"), ("total", "total"))
            }

        found = self.judged(made, forger.changed(change, APRIL)).differences
        assert "adjustments" in {one.where for one in found}

    def test_reason_is_found(self, made: Desk, forger: Forger) -> None:
        def change(document: dict[str, Any]) -> None:
            document["adjustments"][0]["reasons"][0]["case"] += "0"

        [one] = self.judged(made, forger.changed(change, APRIL)).differences
        assert one.where == "adjustments[0].reasons[0].case"


class TestTheLastLine:
    """It signs all lines, so that nobody can say less than was sealed, or say it for another."""

    @pytest.fixture
    def path(self, made: Desk) -> Path:
        return made.bundle("--periods", FEBRUARY, "--for", "client", out="signed.pack")

    def last(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(path.read_bytes().splitlines()[-1][2:])
        return found

    def judged(self, made: Desk, lines: Lines, note: str | None = None) -> str:
        """Return what both verifiers say of a pack that was finished anew."""
        content = finished(lines)
        if note is not None:
            *_, last = content.splitlines()
            told = {**json.loads(last[2:]), "note": note}
            content = content[: -len(last) - 1] + b"Z " + canonical_bytes(told) + b"\n"
        path = made.folder / "anew.pack"
        path.write_bytes(content)
        try:
            found = verified(made, path)
            said = "signed" if found.made_by_seal else "unsigned"
            assert not found.differences
        except Refusal as refusal:
            said = str(refusal)
        keys = stand_alone.keys_in(made.key.read_text())
        try:
            remarks = stand_alone.checked(str(path), keys, None).remarks
            alone = "unsigned" if any("signed Z" in one for one in remarks) else "signed"
        except stand_alone.Misfit as misfit:
            alone = str(misfit)
        assert (said in ("signed", "unsigned")) == (alone in ("signed", "unsigned")), (said, alone)
        assert said not in ("signed", "unsigned") or said == alone
        return said

    def test_is_signed_by_the_sealing_key(self, made: Desk, path: Path) -> None:
        assert verified(made, path).made_by_seal
        assert self.judged(made, lines_of(path), self.last(path)["note"]) == "signed"
        assert header_of(lines_of(path))["pack"] == PACK_VERSION

    def test_may_be_unsigned_and_that_is_told(self, made: Desk, path: Path) -> None:
        assert self.judged(made, lines_of(path)) == "unsigned"
        out = run("verify", str(made.folder / "anew.pack"), "--key", str(made.key))
        assert "Unsigned: nobody vouches for its header" in " ".join(out.split())

    @pytest.mark.parametrize(
        ("name", "value"),
        [("made_by", "cli:eve"), ("for", "provider"), ("made_at", "2024-01-01T00:00:00.000000Z")],
    )
    def test_signs_what_the_header_says(
        self, made: Desk, path: Path, name: str, value: str
    ) -> None:
        lines = lines_of(path)
        lines[0] = b"H " + canonical_bytes({**header_of(lines), name: value})
        assert "What is signed here is not this pack" in self.judged(
            made, lines, self.last(path)["note"]
        )
        assert self.judged(made, lines) == "unsigned"

    def test_cannot_be_kept_by_who_drops_the_figures(self, made: Desk, path: Path) -> None:
        """It fits without, and then says that nobody vouches for what it shows."""
        lines = [line for line in lines_of(path) if line[:1] != b"P"]
        lines[0] = b"H " + canonical_bytes({**header_of(lines), "periods": ["2025-12"]})
        assert "What is signed here" in self.judged(made, lines, self.last(path)["note"])
        assert self.judged(made, lines) == "unsigned"

    def test_goes_with_periods_of_the_term(self, made: Desk, path: Path) -> None:
        lines = [line for line in lines_of(path) if line[:1] != b"P"]
        lines[0] = b"H " + canonical_bytes({**header_of(lines), "periods": ["1925-01"]})
        anew = made.folder / "term.pack"
        anew.write_bytes(finished(lines))
        said = refused("verify", str(anew), "--key", str(made.key))
        assert "term.pack:1: '1925-01' is no period of this agreement." in said

    def test_of_version_1_has_no_signature(self, made: Desk, path: Path) -> None:
        lines = lines_of(path)
        lines[0] = b"H " + canonical_bytes({**header_of(lines), "pack": 1})
        said = self.judged(made, lines, self.last(path)["note"])
        assert "In a pack of version 1 the last line is not signed" in said

    def test_by_another_key_is_found(self, made: Desk, path: Path) -> None:
        ours = read_note(self.last(path)["note"])
        note = str(sealed(ours.checkpoint, STRANGER))
        assert "None of the keys given" in self.judged(made, lines_of(path), note)

    def test_that_says_something_more_is_found(self, made: Desk, path: Path) -> None:
        lines = lines_of(path)
        content = finished(lines)
        anew = made.folder / "more.pack"
        anew.write_bytes(content[:-2] + b',"shown":1}\n')
        said = refused("verify", str(anew), "--key", str(made.key))
        assert "not those that were written" in said


class _Act:
    """An act on a period as far as it matters to what is shown."""

    class state:  # noqa: N801
        stands = True

    def __init__(self, known: int, period: str, *adjusted: str) -> None:
        self.known, self.period = known, period
        self.document = {"adjustments": [{"period": name} for name in adjusted]}


class TestWhatIsShown:
    ACTS: Any = (
        _Act(1, "1"), _Act(2, "2"), _Act(3, "3", "1"), _Act(4, "4", "2"), _Act(5, "5", "1"),
        _Act(6, "6", "4"),
    )  # fmt: skip

    @pytest.mark.parametrize(
        ("wanted", "shown"),
        [
            ("1", "1"), ("2", "2"), ("3", "1 3"), ("4", "2 4"), ("5", "1 3 5"), ("6", "2 4 6"),
            ("1 6", "1 2 3 4 5 6"), ("7", "7"),
        ],
    )  # fmt: skip
    def test_is_what_adjustments_are_made_of(self, wanted: str, shown: str) -> None:
        assert with_adjusted(wanted.split(), self.ACTS) == tuple(shown.split())
