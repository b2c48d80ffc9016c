"""What an import writes: each line, leaf, commitment and entry, read by the page alone."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.support import agreement_at, done, ticket, write_log

EVENTS = """
SELECT e.recording, e.ordinal, e.position, e.part, e.row_key, e.row_content, e.kind, e.subject,
       to_char(e.happened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, e.told,
       e.leaf, o.attributes AS opening
  FROM record.event e LEFT JOIN record.opening o USING (engagement_id, recording, ordinal)
  JOIN agreements.engagement g USING (engagement_id) WHERE g.handle = %s
 ORDER BY e.recording, e.ordinal
"""
ENTRIES = """
SELECT t.entry, t.act, t.recording, t.events, t.first_sequence, t.entered_by, t.told, t.leaf,
       to_char(t.entered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at
  FROM record.entry t JOIN agreements.engagement g USING (engagement_id) WHERE g.handle = %s
 ORDER BY t.entry
"""
Row = dict[str, Any]


def read(admin: psycopg.Connection[Any], query: str, handle: str) -> list[Row]:
    cursor = admin.execute(query.encode(), (handle,))
    assert cursor.description is not None
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def imported(folder: Path, name: str) -> None:
    desk = agreement_at(folder / name)
    tickets = [ticket("standard", "2012-05-07T08:30:00", "2012-05-07T12:00:00")] * 3
    done("accept", str(desk), "--as", "provider")
    done("import", name, str(write_log(folder / f"{name}.csv", tickets)))


@pytest.fixture
def rows(home: Path, tmp_path: Path, handle: str, admin: psycopg.Connection[Any]) -> list[Row]:
    imported(tmp_path, handle)
    return read(admin, EVENTS, handle)


@pytest.fixture
def entries(rows: list[Row], handle: str, admin: psycopg.Connection[Any]) -> list[Row]:
    return read(admin, ENTRIES, handle)


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def leaf(line: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + line).digest()


def opened(name: str, opening: Any) -> str:
    salted = bytes.fromhex(opening["salt"]) + canonical([name, opening["value"]])
    return hashlib.sha256(salted).hexdigest()


def test_each_line_is_canonical_and_says_what_stands_beside_it(rows: list[Row]) -> None:
    assert len(rows) == 6
    for row in rows:
        told = json.loads(row["told"])
        assert canonical(told).decode() == row["told"]
        assert told["row"] == row["row_key"].hex()
        assert told["type"] == "activity"
        named = ("at", "kind", "part", "position", "subject")
        assert [told[name] for name in named] == [row[name] for name in named]


def test_each_leaf_is_that_of_its_line(rows: list[Row], entries: list[Row]) -> None:
    for row in [*rows, *entries]:
        assert leaf(row["told"].encode()) == row["leaf"]


def test_what_is_content_enters_as_a_commitment_that_its_opening_fits(rows: list[Row]) -> None:
    for row in rows:
        told = json.loads(row["told"])
        assert told["committed"] == {name: opened(name, o) for name, o in row["opening"].items()}
        assert set(row["opening"]) == {"customer"}
        assert "customer" not in told["facts"]


def test_no_salt_stands_twice(rows: list[Row]) -> None:
    salts = [json.loads(row["told"])["salt"] for row in rows]
    salts += [one["salt"] for row in rows for one in row["opening"].values()]
    assert len(salts) == 6 * 2
    assert len(set(salts)) == len(salts)
    assert all(len(bytes.fromhex(salt)) == 16 for salt in salts)


def test_entries_say_who_did_what_and_where_their_leaves_stand(
    rows: list[Row], entries: list[Row]
) -> None:
    assert [(e["entry"], e["act"], e["events"]) for e in entries] == [
        (1, "signature", 0),
        (2, "recording", 6),
    ]
    assert [entry["first_sequence"] for entry in entries] == [0, 1]
    for entry in entries:
        told = json.loads(entry["told"])
        assert canonical(told).decode() == entry["told"]
        said = [told[name] for name in ("entry", "act", "at", "by")]
        assert said == [entry[name] for name in ("entry", "act", "at", "entered_by")]
    told = json.loads(entries[1]["told"])
    counts = ("read", "accepted", "corrected", "already_known", "refused", "events")
    assert [told[name] for name in counts] == [6, 6, 0, 0, 0, 6]
    assert told["version"] == json.loads(entries[0]["told"])["content_hash"]
    assert {row["recording"] for row in rows} == {told["recording"]} == {1}
    assert [row["ordinal"] for row in rows] == [1, 2, 3, 4, 5, 6]


def test_a_row_key_tells_nobody_what_the_row_held(
    rows: list[Row], tmp_path: Path, handle: str, admin: psycopg.Connection[Any]
) -> None:
    """Two engagements with the same log share no key: each hashes under a key of its own."""
    imported(tmp_path, f"{handle}-too")
    others = read(admin, EVENTS, f"{handle}-too")
    assert len(others) == 6
    for name in ("row_key", "row_content", "leaf"):
        assert not {row[name] for row in rows} & {row[name] for row in others}


def test_what_was_signed_is_computed_with() -> None:
    """Holidays and clock changes come from the version, not from what the machine knows today."""
    from tests.support import EXAMPLE

    from openbpo.agreements.files import read_folder
    from openbpo.agreements.reading import read_agreement
    from openbpo.agreements.resolved import from_facts, resolve
    from openbpo.values.zones import resolve_zone

    agreement = read_agreement(read_folder(EXAMPLE))
    facts = resolve(agreement)
    facts["holidays"]["desk-hours"] = [["2012-05-07", "A day of our own"]]
    facts["zones"]["Europe/Rome"] = resolve_zone("Asia/Tokyo", *facts["years"]).as_facts()
    resolved = from_facts(agreement, facts)
    assert len(resolved.calendars["desk-hours"].holidays) == 1
    assert resolved.zones["Europe/Rome"].name == "Asia/Tokyo"
