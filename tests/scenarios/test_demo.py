"""The demonstration: a year of two engagements as both sides would have lived it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import done

pytestmark = pytest.mark.xdist_group("demo")
STEPS = {
    **{f"2025-0{month}": "paid" for month in range(1, 8)},
    "2025-08": "issued", "2025-09": "client review", "2025-10": "client review",
    "2025-11": "data complete", "2025-12": "data complete",
}  # fmt: skip


@pytest.fixture(scope="module")
def told(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What the command says, under a principal of its own."""
    del home
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OPENBPO_PRINCIPAL", "demonstrator")
        folder = tmp_path_factory.mktemp("demo")
        yield done("demo", str(folder), "--no-pages").out


@pytest.mark.usefixtures("told")
class TestTheDemonstration:
    def test_is_set_up_once(self, tmp_path: Path) -> None:
        again = done("demo", str(tmp_path), "--no-pages").out
        assert again == "demo-desk and demo-line are set up already.\n"
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("engagement", ["demo-desk", "demo-line"])
    def test_has_months_at_every_step(self, engagement: str) -> None:
        board = done("board", engagement, "--json").json
        assert {one["period"]: one["step"] for one in board} == STEPS

    def test_has_a_month_that_adjusts_an_earlier_one(self) -> None:
        april = done("invoice", "demo-desk", "--period", "2025-04", "--json").json
        assert [one["period"] for one in april["adjustments"]] == ["2025-03"]

    def test_has_a_month_above_the_cap(self) -> None:
        text = done("invoice", "demo-desk", "--period", "2025-11").out
        assert "15 % added, capped: 12 % of fees-of-the-month" in text

    def test_has_formulas_on_both_sides_of_the_target(self) -> None:
        told = done("attain", "demo-line", "--period", "2025-09", "--formulas", "--json").json
        shares = {name: float(share) for name, share in told["formulas"].items()}
        assert shares["a"] < 0.80 < shares["c"] < 0.85 < shares["d"]
        assert sorted(set(told["credits"].values())) == ["0.00", "159.60", "79.80"]

    def test_has_a_dispute_that_is_open_and_one_that_is_settled(self) -> None:
        (line,) = done("disputes", "demo-line", "--json").json
        (desk,) = done("disputes", "demo-desk", "--json").json
        assert (line["state"], line["in_dispute"]) == ("refused", "79.80")
        assert (desk["state"], desk["settled"]) == ("settled", "-220.00")

    @pytest.mark.parametrize("engagement", ["demo-desk", "demo-line"])
    def test_verifies(self, engagement: str, tmp_path: Path) -> None:
        pack, keys = tmp_path / "year.pack", tmp_path / "keys.json"
        done("bundle", engagement, "--out", str(pack))
        keys.write_text(done("keys", "--seal").out)
        assert "fits." in done("verify", str(pack), "--key", str(keys)).out
        assert "replayed, and equal" in done("replay", engagement).out
