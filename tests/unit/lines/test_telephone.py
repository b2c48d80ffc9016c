"""The telephone's template and its made-up year: a demo in which the formula decides."""

from hashlib import sha256
from pathlib import Path

import pytest
from tests.oracle import telephone
from tests.support import REPOSITORY
from tests.telephone import EXAMPLE

from openbpo.agreements.files import read_folder
from openbpo.lines.telephone.sample import SHORT_STAFFED, sample_log, write_sample

TEMPLATE = REPOSITORY / "src" / "openbpo" / "lines" / "telephone" / "agreement"
YEARS_AND_SEEDS = [(2024, 1), (2025, 7), (2026, 7)]


def months_of(
    path: Path, year: int, seed: int, variant: str = SHORT_STAFFED
) -> dict[str, telephone.Month]:
    write_sample(path, year, seed, variant)
    rows = telephone.read(path)
    return {
        name: telephone.month(rows, name)
        for name in (f"{year}-{number:02}" for number in range(1, 13))
    }


def test_the_example_is_what_openbpo_new_makes() -> None:
    assert dict(read_folder(EXAMPLE)) == dict(read_folder(TEMPLATE))


class TestTheMadeUpYear:
    def test_is_the_same_on_every_machine(self, tmp_path: Path) -> None:
        write_sample(tmp_path / "a.tsv", 2025, 7)
        digest = sha256((tmp_path / "a.tsv").read_bytes()).hexdigest()
        assert digest == "e245d7eac519fba0fffa8f7e5997ea6bb09c0c287f77a54284ec11822020050e"

    @pytest.mark.parametrize(("year", "seed"), YEARS_AND_SEEDS)
    def test_staffed_has_formulas_on_both_sides_of_85(
        self, year: int, seed: int, tmp_path: Path
    ) -> None:
        found = months_of(tmp_path / "a.tsv", year, seed, "staffed")
        shares = [
            {name: float(str(share)) for name, share in month["formulas"].items()}
            for month in found.values()
        ]
        assert all(one["a"] < one["c"] < min(one["b"], one["d"]) for one in shares)
        straddling = [one for one in shares if one["a"] < 0.80 and one["c"] < 0.85 < one["d"]]
        assert len(straddling) >= 1
        assert all(0.70 < share < 0.93 for one in shares for share in one.values())

    def test_begins_with_the_real_header(self) -> None:
        assert "\t".join(next(sample_log(2025, 7))) == (
            "vru+line\tcall_id\tcustomer_id\tpriority\ttype\tdate\tvru_entry\tvru_exit\tvru_time\t"
            "q_start\tq_exit\tq_time\toutcome\tser_start\tser_exit\tser_time\tserver"
        )

    @pytest.mark.parametrize(("year", "seed"), YEARS_AND_SEEDS)
    def test_has_whole_rows_each_with_a_key_of_its_own(self, year: int, seed: int) -> None:
        rows = list(sample_log(year, seed))[1:]
        assert all(len(row) == 17 and all(row) for row in rows)
        assert len({(row[0], row[1], row[5]) for row in rows}) == len(rows)
        assert 9_000 < len(rows) < 12_000

    @pytest.mark.parametrize(("year", "seed"), YEARS_AND_SEEDS)
    def test_has_the_shares_of_a_real_centre(self, year: int, seed: int, tmp_path: Path) -> None:
        found = months_of(tmp_path / "a.tsv", year, seed)
        offered = sum(month["offered"] for month in found.values())
        assert 0.05 < sum(month["abandoned"] for month in found.values()) / offered < 0.12
        assert 0.02 < sum(month["left_ivr"] for month in found.values()) / offered < 0.06

    def test_has_months_that_each_formula_judges_otherwise(self, tmp_path: Path) -> None:
        found = months_of(tmp_path / "a.tsv", 2025, 7)
        assert found["2025-03"]["credits"] == {
            "a": "157.08",
            "b": "78.54",
            "c": "157.08",
            "d": "78.54",
        }
        assert found["2025-10"]["credits"] == {
            "a": "83.27",
            "b": "0.00",
            "c": "83.27",
            "d": "0.00",
        }
        assert set(found["2025-08"]["credits"].values()) == {"0.00"}
