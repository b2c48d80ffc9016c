"""Who reads a record is noted before it reads, without a gap, and cannot be taken back."""

from pathlib import Path

from tests.desks import JANUARY, desk, refused, run, told

from openbpo.storage.database import Database


def test_each_command_that_reads_is_noted(database: Database, tmp_path: Path) -> None:
    made = desk(tmp_path, "read-desk", 400).accepted()
    assert "Nobody has read the record" in run("readings", made.name)
    assert "holds no events yet" in refused("attain", made.name, "--period", JANUARY)
    made.takes_in(0, 400)
    run("attain", made.name, "--period", JANUARY)
    run("invoice", made.name, "--period", JANUARY, "--explain", "total")
    made.bundle("--for", "client", "--periods", JANUARY)
    run("replay", made.name)
    found = told("readings", made.name)
    assert [one["number"] for one in found] == [1, 2, 3, 4, 5]
    assert [one["what"] for one in found] == [
        "attain 2025-01", "attain 2025-01", "invoice 2025-01 total",
        "bundle 2025-01 for the client", "replay",
    ]  # fmt: skip
    assert {one["purpose"] for one in found} == {
        "read results", "make an evidence pack", "replay",
    }  # fmt: skip
    assert told("replay", made.name)["readings"] == 6
    assert "bundle 2025-01 for the client" in run("readings", made.name)
