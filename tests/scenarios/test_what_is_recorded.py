"""What an import writes: each leaf can be computed again from its row, by the page alone."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.support import agreement_at, done, ticket, write_log

ROWS = """
SELECT e.engagement_id, e.event_id, e.recording_id, e.position, e.type, e.subject, e.happened_at,
       e.recorded_at, e.recorded_by, e.facts, e.fact_salts, e.content_commitments, e.leaf,
       c.attributes, c.salts, r.opened_at, e.row_hash
  FROM record.event e JOIN record.content c USING (engagement_id, event_id)
  JOIN record.recording r USING (engagement_id, recording_id)
  JOIN agreements.engagement g USING (engagement_id) WHERE g.handle = %s
"""


def imported(folder: Path, name: str, admin: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    desk = agreement_at(folder / name)
    tickets = [ticket("standard", "2012-05-07T08:30:00", "2012-05-07T12:00:00")] * 3
    done("accept", str(desk), "--as", "provider")
    done("import", name, str(write_log(folder / f"{name}.csv", tickets)))
    admin.execute("SET TIME ZONE 'UTC'")
    return admin.execute(ROWS, (name,)).fetchall()


@pytest.fixture
def rows(
    home: Path, tmp_path: Path, handle: str, admin: psycopg.Connection[Any]
) -> list[tuple[Any, ...]]:
    return imported(tmp_path, handle, admin)


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def committed(values: dict[str, Any], salts: bytes) -> dict[str, str]:
    return {
        name: hashlib.sha256(
            salts[16 * i : 16 * i + 16] + canonical([name, values[name]])
        ).hexdigest()
        for i, name in enumerate(sorted(values))
    }


def test_each_leaf_is_that_of_its_row(rows: list[tuple[Any, ...]]) -> None:
    assert len(rows) == 6
    for row in rows:
        facts, content = committed(row[9], row[10]), committed(row[13], row[14])
        assert content == row[11]
        told = {
            "encoding": 1, "engagement": str(row[0]), "event": str(row[1]),
            "recording": str(row[2]), "position": row[3], "type": row[4], "subject": row[5],
            "happened_at": f"{row[6]:%Y-%m-%dT%H:%M:%S.%f}Z",
            "recorded_at": f"{row[7]:%Y-%m-%dT%H:%M:%S.%f}Z", "recorded_by": row[8],
            "facts": facts, "content": content,
        }  # fmt: skip
        assert hashlib.sha256(b"\x00" + canonical(told)).digest() == row[12]
        assert row[7] == row[15]


def test_no_salt_stands_twice(rows: list[tuple[Any, ...]]) -> None:
    salts = [
        whole[at : at + 16] for row in rows for whole in (row[10], row[14])
        for at in range(0, len(whole), 16)
    ]  # fmt: skip
    assert len(salts) == 6 * 7
    assert len(set(salts)) == len(salts)


def test_a_row_hash_tells_nobody_what_the_row_held(
    rows: list[tuple[Any, ...]], tmp_path: Path, handle: str, admin: psycopg.Connection[Any]
) -> None:
    """Two engagements with the same log share no hash: each has a key of its own."""
    others = imported(tmp_path, f"{handle}-too", admin)
    assert len({bytes(row[16]) for row in (*rows, *others)}) == 12


def test_the_content_is_apart_from_the_facts(rows: list[tuple[Any, ...]]) -> None:
    assert {tuple(row[13]) for row in rows} == {("customer",)}
    assert all("customer" not in row[9] for row in rows)


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
