"""A real month of the help desk against reports with errors in them, by the real command."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from tests.oracle import helpdesk as oracle
from tests.support import agreement_at, done, openbpo, ticket, write_log

DATA = Path(os.environ.get("OPENBPO_DATA", "/nonexistent"))
LOG = DATA / "eventlog_helpdesk_italy" / "helpdesk.csv.gz"
MONTH = "2012-05"

Rows = list[dict[str, str]]


def table_of(path: Path) -> Rows:
    """Read both sheets of a template as one table of texts."""
    book = CalamineWorkbook.from_path(str(path))
    rows: Rows = []
    for name in book.sheet_names:
        header, *cells = book.get_sheet_by_name(name).to_python()
        rows += [dict(zip(map(str, header), map(_text, row), strict=True)) for row in cells]
    return rows


def _text(cell: Any) -> str:
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return str(cell)


def write_csv(path: Path, rows: Rows) -> Path:
    header = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def is_row(row: dict[str, str], measure: str, within: str) -> bool:
    return (row.get("measure"), row.get("within")) == (measure, within)


def due_in(log: Path, level: str, hours: int) -> tuple[int, int]:
    """Return how many tickets of a level run out in the month, and how many of them are within."""
    start, end = (oracle.instant(datetime(2012, month, 1)) for month in (5, 6))
    above = below = 0
    for events in oracle.tickets(oracle.read(log)):
        if events[0].service_level != level or events[0].at >= end:
            continue
        resolved = oracle.last_resolution(events)
        upto = len(events) - 1 if resolved is None else resolved
        if events[upto].at < start - timedelta(days=60):
            continue
        runs_on = resolved is not None or events[-1].activity not in oracle.PAUSING_ACTIVITIES
        limit = timedelta(hours=hours)
        if spent(events, upto, start, runs_on) < limit <= spent(events, upto, end, runs_on):
            below += 1
            above += resolved is not None and oracle.counted_time(events, resolved) <= limit
    return above, below


def spent(events: list[oracle.Event], upto: int, at: datetime, runs_on: bool) -> timedelta:
    """Return the working time up to an instant, as if the clock ran on after its stop."""
    until = [replace(event, at=min(event.at, at)) for event in events[: upto + 1]]
    after = oracle.working_time(until[-1].at, at) if runs_on else timedelta(0)
    return oracle.counted_time(until, upto) + after


@pytest.fixture(scope="module")
def template(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    folder = tmp_path_factory.mktemp("reconcile")
    done("accept", str(agreement_at(folder / "rec-desk")), "--as", "client")
    done("import", "rec-desk", str(LOG))
    path = folder / "ours.xlsx"
    done("reconcile", "rec-desk", "--template", str(path), "--period", MONTH)
    same = done("reconcile", "rec-desk", str(path), "--json").json
    assert same["differences"] == []
    assert same["not_told"] == []
    assert same["reported"]["total"] == "5584.55"
    return table_of(path)


@pytest.mark.skipif(not LOG.is_file(), reason="OPENBPO_DATA names no folder with the real log")
@pytest.mark.xdist_group("real_reconcile")
class TestTheRealMonth:
    def test_as_csv_is_the_same(self, template: Rows, tmp_path: Path) -> None:
        path = write_csv(tmp_path / "ours.csv", template)
        assert done("reconcile", "rec-desk", str(path), "--json").json["differences"] == []

    def test_with_errors_lists_these_and_no_others(self, template: Rows, tmp_path: Path) -> None:
        rows = [dict(row) for row in template]
        late = next(r for r in rows if is_row(r, "resolve-standard", "no"))
        late["within"], late["counted"] = "yes", "77 h 7 min 7.007 s"
        gone = next(r for r in rows if is_row(r, "resolve-basic", "yes"))
        rows.remove(gone)
        rows.append({**gone, "case": "Case 0", "charge": "tickets-closed", "measure": "",
                     "within": "", "counted": ""})  # fmt: skip
        for row in rows:
            figure = row.get("figure", "")
            if figure == "resolve-standard":
                row["numerator"] = str(int(row["numerator"]) + 1)
            elif figure == "resolve-basic":
                row["numerator"] = str(int(row["numerator"]) - 1)
                row["denominator"] = str(int(row["denominator"]) - 1)
            elif figure == "tickets-closed/101":
                row["quantity"], row["each"] = "43", "27"
                row["amount"] = "1161.00"
            elif figure in ("fees", "net"):
                row["amount"] = "4636.00"
            elif figure == "tax":
                row["amount"] = "1019.92"
            elif figure == "total":
                row["amount"] = "5655.92"
        told = done("reconcile", "rec-desk", str(write_csv(tmp_path / "r.csv", rows)), "--json")
        found = [(d["cause"], d["figure"], d["cases"]) for d in told.json["differences"]]
        assert found == [
            ("unexplained", "resolve-standard", [late["case"]]),
            ("missing case", "resolve-basic", [gone["case"]]),
            ("extra case", "tickets-closed", ["Case 0"]),
            ("rate", "tickets-closed/101", []),
        ]
        money = [d["money"]["total"] for d in told.json["differences"]]
        assert money == ["0.00", "0.00", "32.94", "39.34"]
        assert told.json["difference"]["total"] == "71.37"
        assert told.json["interaction"]["total"] == "-0.91"

    def test_due_is_found_with_the_cases_of_the_months_before(
        self, template: Rows, tmp_path: Path
    ) -> None:
        """The numbers are those of `due_in`, which counts the log by itself."""
        above, below = due_in(LOG, "standard", 120)
        rows: Rows = [{"figure": "resolve-standard", "period": MONTH, "numerator": str(above),
                       "denominator": str(below)}]  # fmt: skip
        told = done("reconcile", "rec-desk", str(write_csv(tmp_path / "due.csv", rows)), "--json")
        [one] = told.json["differences"]
        assert (one["cause"], one["why"]) == ("formula", "as counted by the formula: of due")
        rows[0]["denominator"] = str(below + 31)
        told = done("reconcile", "rec-desk", str(write_csv(tmp_path / "odd.csv", rows)), "--json")
        assert [one["cause"] for one in told.json["differences"]] == ["unexplained"]


@pytest.fixture(scope="module")
def desk(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    done("accept", str(agreement_at(folder / "small-desk")), "--as", "client")
    times = ("2025-03-03 09:00:00", "2025-03-05 10:00:00", "2025-03-12 00:00:00")
    log = write_log(folder / "log.csv", [ticket("standard", *times) for _ in range(3)])
    done("import", "small-desk", str(log))
    return folder


class TestTheCommand:
    def test_needs_a_report_or_a_template(self, desk: Path) -> None:
        assert openbpo("reconcile", "small-desk").status == 2
        both = ("reconcile", "small-desk", "r.csv", "--template", "t.xlsx", "--period", "2025-03")
        assert openbpo(*both).status == 2
        assert openbpo("reconcile", "small-desk", "--template", "t.xlsx").status == 2

    def test_refuses_what_is_not_there(self, desk: Path) -> None:
        none = openbpo("reconcile", "small-desk", str(desk / "none.csv"), "--period", "2025-03")
        assert none.status == 1
        assert "none.csv" in none.err
        path = write_csv(desk / "r.csv", [{"figure": "total", "amount": "1"}])
        unnamed = openbpo("reconcile", "small-desk", str(path))
        assert unnamed.status == 1
        assert "It names no period." in unnamed.err
        early = openbpo("reconcile", "small-desk", str(path), "--period", "2009-01")
        assert early.status == 1
        assert "is no period of this agreement" in early.err

    def test_replaces_no_file(self, desk: Path) -> None:
        taken = desk / "r.xlsx"
        taken.write_bytes(b"mine")
        ran = openbpo("reconcile", "small-desk", "--template", str(taken), "--period", "2025-03")
        assert ran.status == 1
        assert taken.read_bytes() == b"mine"


@pytest.fixture(scope="module")
def as_closed(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("closed")
    done("accept", str(agreement_at(folder / "closed-desk")), "--as", "client")
    march = [ticket("standard", f"2012-03-{day} 09:00", f"2012-03-{day} 10:00",
                    f"2012-03-{day} 11:00") for day in (12, 13, 14)]  # fmt: skip
    done("import", "closed-desk", str(write_log(folder / "march.csv", march[:2])))
    done("close", "closed-desk", "--period", "2012-03")
    path = folder / "as-closed.xlsx"
    done("reconcile", "closed-desk", "--template", str(path), "--period", "2012-03")
    done("import", "closed-desk", str(write_log(folder / "later.csv", march)))
    return path


@pytest.mark.xdist_group("closed_reconcile")
class TestAClosedPeriod:
    """A ticket comes in after its month was closed: the closed figures are what is compared."""

    def test_is_compared_as_it_stands(self, as_closed: Path) -> None:
        told = done("reconcile", "closed-desk", str(as_closed), "--json").json
        assert told["differences"] == []
        assert (told["state"], told["known"]) == ("reported", 2)
        said = " ".join(done("reconcile", "closed-desk", str(as_closed)).out.split())
        assert (
            "2012-03 is reported: its figures as they stand, by what was known at entry 2." in said
        )

    def test_is_compared_as_known_at_an_entry(self, as_closed: Path) -> None:
        latest = done(
            "attain", "closed-desk", "--period", "2012-03", "--as-known-at", "4", "--json"
        )
        assert latest.json["known"] == 4
        told = done("reconcile", "closed-desk", str(as_closed), "--as-known-at", "4", "--json").json
        assert [d["cause"] for d in told["differences"]] == ["missing case", "missing case"]
        assert (told["state"], told["known"]) == ("reported", 4)
        first = done(
            "reconcile", "closed-desk", str(as_closed), "--as-known-at", "2", "--json"
        ).json
        assert (first["differences"], first["state"]) == ([], "open")

    def test_writes_its_template_as_it_stands(self, as_closed: Path, tmp_path: Path) -> None:
        again = tmp_path / "again.xlsx"
        done("reconcile", "closed-desk", "--template", str(again), "--period", "2012-03")
        assert table_of(again) == table_of(as_closed)

    def test_says_what_the_report_does_not_tell(self, as_closed: Path, tmp_path: Path) -> None:
        rows = [row for row in table_of(as_closed) if row.get("figure") not in ("fees", "tax")]
        path = write_csv(tmp_path / "less.csv", rows)
        told = done("reconcile", "closed-desk", str(path), "--json").json
        assert (told["reported"]["fees"], told["reported"]["tax"]) == (None, None)
        assert told["reported"]["total"] == told["recomputed"]["total"]
        lines = done("reconcile", "closed-desk", str(path)).out.splitlines()
        [fees] = [line for line in lines if line.lstrip().startswith("Fees")]
        assert "not told" in fees
