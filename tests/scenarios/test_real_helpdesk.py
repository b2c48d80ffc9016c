"""The real log of a help desk, imported and billed by the real command, against a slow oracle."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from tests.oracle.helpdesk import invoices, read
from tests.support import Ran, done, openbpo

DATA = Path(os.environ.get("OPENBPO_DATA", "/nonexistent"))
LOG = DATA / "eventlog_helpdesk_italy" / "helpdesk.csv.gz"
KEYS = ("period", "currency", "fees", "credits", "net", "tax", "total")
LEVEL_KEYS = ("id", "numerator", "denominator", "verdict", "credit_rate")

pytestmark = [
    pytest.mark.skipif(not LOG.is_file(), reason="OPENBPO_DATA names no folder with the real log"),
    pytest.mark.xdist_group("real_helpdesk"),
]


@pytest.fixture(scope="module")
def imported(home: Path) -> Ran:
    """The example's engagement with the whole log; the home is the tests' own."""
    done("accept", "examples/helpdesk", "--as", "provider")
    return done("import", "helpdesk", str(LOG))


@pytest.fixture(scope="module")
def billed(imported: Ran) -> list[dict[str, Any]]:
    """All months, billed in one command."""
    found: list[dict[str, Any]] = done(
        "invoice", "helpdesk", "--period", "2010-01..2014-01", "--json"
    ).json
    return found


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """All months, by the oracle."""
    return invoices(read(LOG))


class TestTheRealLog:
    def test_comes_in_whole(self, imported: Ran) -> None:
        assert imported.out.startswith(
            "helpdesk.csv.gz: 21,348 rows read, 21,348 accepted, 0 corrected, 0 already known,"
            " 0 refused."
        )
        assert "21,348 events of 4,580 cases" in imported.out

    def test_is_billed_to_the_cent_in_each_of_its_49_months(
        self, billed: list[dict[str, Any]], expected: dict[str, Any]
    ) -> None:
        assert len(billed) == 49
        assert {month["period"]: _core(month) for month in billed} == expected

    def test_says_that_one_signature_is_our_reading(self, billed: list[dict[str, Any]]) -> None:
        assert {month["standing"] for month in billed} == {"our_reading"}

    def test_is_billed_the_same_one_month_at_a_time(
        self, imported: Ran, expected: dict[str, Any]
    ) -> None:
        one = done("invoice", "helpdesk", "--period", "2012-02", "--json").json
        assert _core(one) == expected["2012-02"]

    def test_comes_in_once_however_often_it_is_imported(
        self, imported: Ran, billed: list[dict[str, Any]]
    ) -> None:
        again = done("import", "helpdesk", str(LOG), "--json").json
        assert again["was_known"]
        assert again["events"] == 21348
        after = done("invoice", "helpdesk", "--period", "2010-01..2014-01", "--json").json
        assert after == billed

    def test_opens_from_a_figure_to_its_events(self, imported: Ran) -> None:
        listed = done(
            "attain", "helpdesk", "--period", "2012-02", "--explain", "resolve-basic", "--json"
        ).json["explanation"]["rows"]
        assert len(listed) == 36
        late = [row["case"] for row in listed if row["within"] == "NO"]
        assert len(late) == 2
        opened = openbpo(
            "attain", "helpdesk", "--period", "2012-02", "--explain", "resolve-basic",
            "--case", late[0],
        )  # fmt: skip
        assert "Resolve ticket" in opened.out
        assert "not within 160 h" in opened.out


def _core(month: dict[str, Any]) -> dict[str, Any]:
    core = {key: month[key] for key in KEYS}
    levels = [{key: level[key] for key in LEVEL_KEYS} for level in month["service_levels"]]
    return core | {"service_levels": levels}
