"""Whatever is done to a pack is found, and where it was done, by both verifiers (R32)."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.desks import Desk, run, worked
from tests.record_packs import finished
from tests.simulation.pack_mutations import MAKERS, Pack, all_found, mutations, stand_alone

from openbpo.evidence.packs.reading import LONGEST_LINE
from openbpo.evidence.packs.verifying import verify
from openbpo.storage.database import Database
from openbpo.trust.key_rings import read_key_file
from openbpo.values.canonical import canonical_bytes
from openbpo.values.refusals import Refusal

pytestmark = pytest.mark.slow

COUNT = 1_000
PLACE = re.compile(r":(\d+): ")
Folder = Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return tmp_path_factory.mktemp("packs")


@pytest.fixture(scope="module")
def made(database: Database, folder: Folder) -> Desk:
    return worked(folder, "mutated")


@pytest.fixture(scope="module")
def pack(made: Desk) -> Pack:
    """The provider's pack: it opens what is the provider's alone."""
    return Pack.read(made.bundle("--for", "provider"), made.key)


def by_whole_runs(pack: Pack, content: bytes, folder: Folder) -> tuple[int, int]:
    """Return the line, from 0, that each verifier names of a file; -1 where it names none."""
    path = folder / "changed.pack"
    path.write_bytes(content)
    return package_says(pack, path), alone_says(pack, path)


def package_says(pack: Pack, path: Path) -> int:
    try:
        found = verify(path, read_key_file(pack.key_file))
    except Refusal as refusal:
        return int(PLACE.findall(str(refusal))[0]) - 1
    assert not found.differences
    return -1


def alone_says(pack: Pack, path: Path) -> int:
    keys = stand_alone.keys_in(pack.key_file.read_text())
    try:
        stand_alone.checked(str(path), keys, None)
    except stand_alone.Misfit as misfit:
        return int(re.findall(r"^line (\d+): ", str(misfit))[0]) - 1
    return -1


class TestMutations:
    def test_all_are_found_and_located_by_both(self, pack: Pack) -> None:
        tally = all_found(pack, COUNT, seed=1)
        assert tally.missed == []
        assert sum(tally.tried.values()) == COUNT

    @pytest.mark.parametrize("name", MAKERS)
    def test_each_kind_is_found_as_by_a_whole_run(
        self, pack: Pack, folder: Folder, name: str
    ) -> None:
        """That the unchanged lines are judged once makes no difference to what is found."""
        make = MAKERS[name][1]
        done = make(pack, random.Random(name))
        went_on = pack.by_package(done).line, pack.by_stand_alone(done).line
        whole = by_whole_runs(pack, pack.whole(done), folder)
        assert whole == tuple(-1 if line is None else line for line in went_on), done.kind

    def test_the_same_seed_makes_the_same(self, pack: Pack) -> None:
        assert list(mutations(pack, 30, 5)) == list(mutations(pack, 30, 5))

    def test_openings_left_out_are_what_another_audience_gets(
        self, pack: Pack, folder: Folder
    ) -> None:
        """Nobody can tell, and nothing can: what is left out is only not shown."""
        lines = [line[:-1] for line in pack.lines[:-1] if line[:1] != b"O"]
        assert by_whole_runs(pack, finished(lines), folder) == (-1, -1)

    def test_more_withheld_by_who_says_so_shows_in_the_figures(
        self, made: Desk, pack: Pack, folder: Folder
    ) -> None:
        """A pack of some periods withholds other cases; one of these withheld is found."""
        path = made.bundle("--periods", "2025-01", out="partial.pack")
        partial = Pack.read(path, made.key)
        assert by_whole_runs(partial, path.read_bytes(), folder) == (-1, -1)
        closed = (n for n in partial.places[b"E"] if b'"activity":"Closed"' in partial.lines[n])
        first = next(closed)
        _, sequence, leaf, _ = partial.lines[first].split(b" ", 3)
        lines = [line[:-1] for line in partial.lines[:-1]]
        lines[first] = b"X %b %b" % (sequence, leaf)
        changed = folder / "more.pack"
        changed.write_bytes(finished(lines))
        found = verify(changed, read_key_file(made.key))
        assert {one.period for one in found.differences} == {"2025-01"}


quick = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
VALUES: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('abc\u20ac"', max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab"), inner, max_size=2),
    max_leaves=4,
)
DEEP = b"[" * 100_000
BODIES = [
    b"", b"{", b"null", b"[]", b'"H"', b"NaN", b'{"a":NaN}', b'{"a":1e999}', b'{"a":1.5}',
    b'{"a":1,"a":1}', b'{"a":' + DEEP, b'{"a":' + b"9" * 5_000 + b"}", b'{"a":"\\ud800"}',
    b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}', b'{"a":' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"note":5}', b'{"note":"\\n\\n"}', b'{"note":null}', b"\x00", b"\xef\xbb\xbf{}",
]  # fmt: skip


def refused_at(pack: Pack, path: Path) -> int:
    """Return the line that both name, from 0."""
    ours, theirs = package_says(pack, path), alone_says(pack, path)
    assert ours == theirs >= 0
    return ours


class TestWhatIsNoPack:
    """Always a refusal that names the line, never a traceback, in bounded memory."""

    @quick
    @given(noise=st.binary(max_size=300))
    def test_noise(self, pack: Pack, folder: Folder, noise: bytes) -> None:
        path = folder / "noise.pack"
        path.write_bytes(noise)
        assert refused_at(pack, path) == 0

    @pytest.mark.parametrize("tag", [b"H", b"V", b"A", b"E", b"O", b"P", b"C", b"S", b"Z"])
    def test_any_body_in_the_place_of_a_line(self, pack: Pack, folder: Folder, tag: bytes) -> None:
        at = pack.places[tag][0]
        path = folder / "body.pack"
        for body in BODIES:
            head = pack.lines[at].split(b"{", 1)[0]
            path.write_bytes(b"".join([*pack.lines[:at], head + body + b"\n"]))
            assert package_says(pack, path) == at, (tag, body[:20])
            assert alone_says(pack, path) == at, (tag, body[:20])

    @quick
    @given(
        tag=st.sampled_from([b"H", b"V", b"A", b"E", b"O", b"P", b"C", b"S"]),
        which=st.integers(0, 2**20),
        where=st.integers(0, 2**20),
        value=VALUES,
    )
    def test_any_json_in_the_place_of_a_value(
        self, pack: Pack, folder: Folder, tag: bytes, which: int, where: int, value: object
    ) -> None:
        """Well hashed and well formed, and signed by nobody: refused, wherever it is noticed."""
        at = pack.places[tag][which % len(pack.places[tag])]
        head, body = pack.lines[at][:-1].split(b"{", 1)
        told = json.loads(b"{" + body)
        key = sorted(told)[where % len(told)]
        if value == told[key] or (tag == b"H" and key in ("made_by", "for", "made_at", "handle")):
            return
        told[key] = value
        content = canonical_bytes(told)
        if tag in (b"A", b"E"):
            head = head[: -len(b"0" * 64) - 1] + hashed(content) + b" "
        path = folder / "value.pack"
        lines = [line[:-1] for line in pack.lines[:-1]]
        lines[at] = head + content
        path.write_bytes(finished(lines))
        assert package_says(pack, path) >= 0
        assert alone_says(pack, path) >= 0

    def test_a_line_without_end(self, pack: Pack, folder: Folder) -> None:
        path = folder / "endless.pack"
        path.write_bytes(pack.lines[0] + b"V " + b"x" * (LONGEST_LINE + 5))
        assert refused_at(pack, path) == 1

    def test_a_line_of_more_values_than_memory_holds(
        self, pack: Pack, folder: Folder, within: Callable[[Path, int], str]
    ) -> None:
        path = folder / "values.pack"
        path.write_bytes(pack.lines[0] + b'V {"files":[' + b"[]," * 2**24 + b"0]}\n")
        assert "more than 2,000,000 values" in within(path, 700)

    def test_a_gzip_bomb(
        self, pack: Pack, folder: Folder, within: Callable[[Path, int], str]
    ) -> None:
        path = folder / "bomb.pack"
        with gzip.open(path, "wb", compresslevel=9) as file:
            file.write(pack.lines[0])
            for _ in range(200):
                file.write(b"0" * 10_000_000)
        assert ":2: The line is too long." in within(path, 700)

    def test_a_damaged_gzip(self, pack: Pack, folder: Folder) -> None:
        path = folder / "damaged.pack"
        packed = gzip.compress(b"".join(pack.lines))
        for at in range(30, len(packed), len(packed) // 40):
            path.write_bytes(packed[:at] + bytes([packed[at] ^ 255]) + packed[at + 1 :])
            assert package_says(pack, path) >= 0
        path.write_bytes(packed[: len(packed) // 2])
        assert package_says(pack, path) >= 0

    def test_a_gzip_is_read_as_what_it_holds(self, pack: Pack, folder: Folder) -> None:
        path = folder / "good.pack.gz"
        path.write_bytes(gzip.compress(b"".join(pack.lines)))
        assert package_says(pack, path) == -1


def hashed(content: bytes) -> bytes:
    from openbpo.record.lines import leaf_hash

    return leaf_hash(content).hex().encode()


@pytest.fixture
def within(pack: Pack) -> Callable[[Path, int], str]:
    """Return what verifies a pack in a process of so many megabytes, and says what it was told."""
    import subprocess
    import sys

    def said(path: Path, megabytes: int) -> str:
        told = (
            "import resource, sys; limit = int(sys.argv[1]) << 20;"
            "resource.setrlimit(resource.RLIMIT_AS, (limit, limit));"
            "sys.argv[1:] = sys.argv[2:];"
            "from openbpo.surfaces.cli.main import main; main()"
        )
        done = subprocess.run(
            [sys.executable, "-c", told, str(megabytes), "verify", str(path), "--key",
             str(pack.key_file)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1, done.stderr
        return done.stderr

    return said


def test_the_desk_is_replayed_and_equal(made: Desk) -> None:
    assert "replayed, and equal" in run("replay", made.name)
