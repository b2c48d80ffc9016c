"""
What people read, as files that a person has read.

`OPENBPO_GOLDEN=write` writes them anew; the difference is then to be read before it is committed.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.issued import invoice, line
from tests.support import (
    REPOSITORY,
    Ticket,
    agreement_at,
    done,
    openbpo,
    ticket,
    write_cases,
)

from openbpo.billing.documents.printed import text_lines
from openbpo.billing.issuing.decisions import Numbered, credit_note_document

ANNA = {"OPENBPO_PRINCIPAL": "cli:anna"}
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


@pytest.fixture(scope="module")
def closed(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    An engagement whose May and June are closed, with tickets of May that came too late for each.

    The last to come is a ticket of June that was resolved beyond its promise.
    """
    folder = tmp_path_factory.mktemp("closed")
    desk = agreement_at(folder / "closed-desk")
    may = ("2012-05-07T08:30:00", "2012-05-07T12:00:00", "2012-05-31T18:00:00")
    june = ("2012-06-04T08:30:00", "2012-06-29T18:00:00", "2012-06-29T18:00:00")

    def does(*arguments: str) -> None:
        ran = openbpo(*arguments, env=ANNA)
        assert ran.status == 0, ran.err

    def bring_in(name: str, tickets: dict[str, Ticket]) -> None:
        does("import", "closed-desk", str(write_cases(folder / name, tickets)))

    does("accept", str(desk), "--as", "provider")

    bring_in("may.csv", {f"May {n}": ticket("standard", *may) for n in range(1, 40)})
    does("close", "closed-desk", "--period", "2012-05")
    bring_in("late.csv", {f"Late {n}": ticket("standard", *may) for n in range(1, 16)})
    does("close", "closed-desk", "--period", "2012-06", "--note", "As discussed")
    does("close", "closed-desk", "--period", "2012-05", "--state", "disputed", "--note", "Late 3?")
    bring_in("later.csv", {"June 1": ticket("standard", *june)})
    return desk


class TestWhatIsReadOfClosedPeriods:
    @pytest.mark.parametrize("month", ["2012-05", "2012-06", "2012-07"])
    def test_of_an_invoice(self, closed: Path, month: str) -> None:
        golden(f"closed-invoice-{month}.txt", _told("invoice", "--period", month))

    def test_of_a_range(self, closed: Path) -> None:
        golden("closed-range.txt", _told("invoice", "--period", "2012-05..2012-07"))

    def test_of_all_acts(self, closed: Path) -> None:
        golden("closed-periods.txt", _told("periods"))

    def test_of_closing(self, closed: Path) -> None:
        """What stands already is answered as it stands: the same words as the first time."""
        golden("closed-close.txt", _told("close", "--period", "2012-06"))


def _told(command: str, *arguments: str) -> str:
    """Return what a command says, but for when it was done and the record's root."""
    out = openbpo(command, "closed-desk", *arguments, env=ANNA).out
    out = re.sub(r"20[2-9][0-9]-[0-9-]{5} [0-9:]{5}", "2012-07-02 09:00", out)
    out = re.sub(r"20[2-9][0-9]-[0-9-]{5}T[0-9:.]+Z", "2012-07-02T09:00:00.000000Z", out)
    return re.sub(r"\b[0-9a-f]{16}…", "0123456789abcdef…", out)


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

    def test_of_a_report(self, sampled: Path, tmp_path: Path) -> None:
        report = tmp_path / "report.csv"
        report.write_text((FILES / "report.csv").read_text(encoding="utf-8"), encoding="utf-8")
        told = done("reconcile", "golden-desk", str(report))
        golden("reconcile.txt", told.out)

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


class TestAnIssuedInvoice:
    """What `openbpo issued` prints; the days of issue are the day of the test, so they are told."""

    def test_reads_as_it_was_agreed(self) -> None:
        golden("issued-invoice.txt", "\n".join(text_lines(_issued())) + "\n")

    def test_is_taken_back_in_full(self) -> None:
        note = credit_note_document(
            _issued(),
            numbered=Numbered(series="BS-2025-{number}", ordinal=8),
            reason="The order is another",
            at=datetime(2025, 2, 6, 9, tzinfo=UTC),
            zone_day=date(2025, 2, 6),
        )
        golden("issued-credit-note.txt", "\n".join(text_lines(note)) + "\n")


def _issued() -> dict[str, Any]:
    return invoice(
        [
            line("1900.00", quantity=50, each="38.00"),
            line("63.00", quantity=2, each="31.50", text="tickets-closed, units 51 to 100"),
            line("-98.15", kind="credit", key="credit", text="Service credit, 5 % of 1,963.00 EUR"),
            line(
                "-38.00",
                kind="settlement",
                key="dispute-1",
                period="2024-12",
                text="Settlement of 2024-12: tickets-closed, units 1 to 50",
                reason="1,862.00 EUR instead of 1,900.00 EUR. Dispute 1: Ours (agreed by both)",
            ),
        ]
    )
