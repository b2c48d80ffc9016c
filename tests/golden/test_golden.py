"""
What people read, as files that a person has read.

`OPENBPO_GOLDEN=write` writes them anew; the difference is then to be read before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.support import REPOSITORY, agreement_at, done, openbpo

FILES = Path(__file__).parent / "files"

pytestmark = pytest.mark.xdist_group("golden")


def golden(name: str, text: str) -> None:
    """Compare a text with its file."""
    path = FILES / name
    if os.environ.get("OPENBPO_GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sampled(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An engagement with the made-up year 2025, accepted by the provider alone."""
    folder = tmp_path_factory.mktemp("golden")
    desk = agreement_at(folder / "golden-desk")
    log = folder / "tickets-2025.csv.gz"
    done("accept", str(desk), "--as", "provider")
    done("sample", "helpdesk", str(log), "--year", "2025", "--seed", "7")
    done("import", "golden-desk", str(log))
    return desk


class TestWhatIsRead:
    def test_of_an_agreement(self, home: Path, tmp_path: Path) -> None:
        folder = agreement_at(tmp_path / "read-desk")
        text = done("check", str(folder)).out.replace(str(tmp_path), "FOLDER")
        golden("agreement.txt", text)

    def test_of_many_mistakes(self, home: Path, tmp_path: Path) -> None:
        edits = {
            "charges.yaml": [("from: 51, to: 100", "from: 50, to: 90"), ("rate: 22 %", "rate: 22")],
            "measures.yaml": [
                ('service_level = "premium"', 'customer = "Value 1"'),
                ("within: 160 h", "within: 160 hours"),
            ],
            "regime.yaml": [("{at_least: 90 %, below: 95 %,", "{at_least: 91 %, below: 95 %,")],
        }
        ran = openbpo("check", str(agreement_at(tmp_path / "wrong-desk", edits)))
        assert ran.status == 1
        golden("mistakes.txt", ran.err)

    def test_of_a_year(self, sampled: Path) -> None:
        year = done("invoice", "golden-desk", "--period", "2025-01..2025-12")
        golden("year.txt", year.out)

    @pytest.mark.parametrize("month", ["2025-08", "2025-11"])
    def test_of_a_month(self, sampled: Path, month: str) -> None:
        golden(f"invoice-{month}.txt", done("invoice", "golden-desk", "--period", month).out)
        golden(f"attain-{month}.txt", done("attain", "golden-desk", "--period", month).out)

    @pytest.mark.parametrize(
        "figure", ["fees", "credits", "net", "tax", "total", "tickets-closed", "resolve-basic"]
    )
    def test_of_a_figure(self, sampled: Path, figure: str) -> None:
        told = done("invoice", "golden-desk", "--period", "2025-11", "--explain", figure)
        golden(f"explain-{figure}.txt", told.out)

    def test_of_the_readme_is_what_the_command_prints(self) -> None:
        invoice = (FILES / "invoice-2025-11.txt").read_text(encoding="utf-8")
        readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
        assert invoice.replace("golden-desk", "my-desk").strip() in readme
