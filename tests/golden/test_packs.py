"""Packs of each release, kept as they were (scripts/golden-packs): later versions verify them."""

import json
from pathlib import Path

import pytest
from tests.simulation.pack_mutations import stand_alone

from openbpo.evidence.packs.verifying import verify
from openbpo.trust.key_rings import read_key_file
from openbpo.values.refusals import Refusal

PACKS = sorted((Path(__file__).parent / "packs").glob("v*/*.pack"))
NAMES = {"helpdesk", "helpdesk-provider", "helpdesk-partial", "telephone"}
VERSIONS = {"v1": set(NAMES), "v2": NAMES | {"helpdesk-adjusting"}}


@pytest.mark.parametrize("version", VERSIONS)
def test_they_are_there(version: str) -> None:
    assert {path.stem for path in PACKS if path.parent.name == version} == VERSIONS[version]


@pytest.mark.parametrize("path", PACKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
class TestAPackOfARelease:
    def test_is_verified_with_all_its_figures(self, path: Path) -> None:
        found = verify(path, read_key_file(path.parent / "seal-keys.json"))
        assert found.differences == ()
        assert found.periods >= 1
        assert (found.withheld > 0) == ("partial" in path.stem)
        assert found.made_by_seal == (path.parent.name != "v1")
        if path.stem.startswith("helpdesk"):
            assert found.countersigned_by == ("client", "provider")

    def test_is_verified_by_the_stand_alone_program(
        self, path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        key = str(path.parent / "seal-keys.json")
        assert stand_alone.main([str(path), "--key", key]) == 0
        assert "fits." in capsys.readouterr().out

    def test_has_the_root_of_the_whole_however_much_it_shows(self, path: Path) -> None:
        if path.stem.startswith("helpdesk-"):
            keys = read_key_file(path.parent / "seal-keys.json")
            whole = verify(path.with_name("helpdesk.pack"), keys)
            assert verify(path, keys).checkpoint.root == whole.checkpoint.root
            assert verify(path, keys, after=path.with_name("helpdesk.pack")).earlier == whole.leaves


def test_another_engagement_is_no_earlier_pack() -> None:
    one, other = (PACKS[0].with_name(f"{name}.pack") for name in ("helpdesk", "telephone"))
    keys = read_key_file(one.parent / "seal-keys.json")
    with pytest.raises(Refusal, match=r"helpdesk\.pack:1: The earlier pack is of another"):
        verify(one, keys, after=other)


class TestTheKeys:
    """The help desk's packs were sealed by two keys, of which the first named the second."""

    @pytest.mark.parametrize(("which", "says"), [(0, "made this signature"), (1, "made this")])
    def test_one_of_two_is_not_enough(self, tmp_path: Path, which: int, says: str) -> None:
        folder = PACKS[0].parent
        told = json.loads((folder / "seal-keys.json").read_text())
        (tmp_path / "key").write_text(told["keys"][which]["public_key"])
        with pytest.raises(Refusal, match=says) as raised:
            verify(folder / "helpdesk.pack", read_key_file(tmp_path / "key"))
        lines = (folder / "helpdesk.pack").read_bytes().splitlines()
        checkpoints = [n for n, line in enumerate(lines, 1) if line[:1] == b"C"]
        named = checkpoints[0] if which == 1 else checkpoints[-1]
        assert f"helpdesk.pack:{named}: " in str(raised.value)
