"""Each kind of rows comes in, is sealed and replayed, and tells of no case."""

from pathlib import Path

import pytest
from tests.support import agreement_at, done, openbpo, ticket, write_log

DATA = """\
  - {id: state, class: fact, type: string, purpose: What an agent did.}
  - {id: duration_s, class: fact, type: number, purpose: How long.}
  - {id: offered, class: fact, type: number, purpose: How many came.}
  - {id: heads, class: fact, type: number, purpose: How many were there.}
  - {id: amount, class: fact, type: number, purpose: How much was agreed.}
  - {id: approver, class: fact, type: string, purpose: Who approved it.}
  - {id: reference, class: fact, type: string, purpose: Where that is written.}
"""
MAPPING = """
- id: other
  kind: {kind}
  service: tickets
  format: csv
  encoding: utf-8
  key: [subject, at]
  {subject}: {{column: subject}}
  at: {{column: at, format: "yyyy-MM-dd HH:mm", zone: Europe/Rome}}
  same_instant: file_order
  attributes:
    {attributes}
"""


@pytest.mark.parametrize(
    ("kind", "subject", "columns", "cells"),
    [
        ("agent time", "agent", ("state", "duration_s"), ("talking", "312")),
        ("interval counts", "interval", ("offered",), ("17",)),
        ("headcount", "site", ("heads",), ("40",)),
        ("manual quantities", "quantity", ("amount", "approver", "reference"), ("8", "Ada", "M-1")),
    ],
)
def test_a_kind_of_rows(
    tmp_path: Path, home: Path, kind: str, subject: str, columns: tuple[str, ...],
    cells: tuple[str, ...],
) -> None:  # fmt: skip
    folder = agreement_at(tmp_path / f"desk-{tmp_path.name}")
    data, mapping = folder / "data.yaml", folder / "mapping.yaml"
    own = [line for line in DATA.splitlines(keepends=True) if line[9:].split(",")[0] in columns]
    data.write_text(
        data.read_text(encoding="utf-8").rstrip() + "\n" + "".join(own), encoding="utf-8"
    )
    told = MAPPING.format(
        kind=kind, subject=subject,
        attributes="\n    ".join(f"{name}: {{column: {name}}}" for name in columns),
    )  # fmt: skip
    mapping.write_text(mapping.read_text(encoding="utf-8") + told, encoding="utf-8")
    done("accept", str(folder), "--as", "provider")
    name = folder.name
    log = write_log(
        tmp_path / "log.csv", [ticket("standard", "2012-03-05 09:00", "2012-03-05 10:00")]
    )
    done("import", name, str(log), "--mapping", "helpdesk-log")
    before = done("attain", name, "--period", "2012-03", "--json").json
    other = tmp_path / "other.csv"
    head = ",".join(("subject", "at", *columns))
    rows = [",".join((f"{subject}-1", f"2012-03-05 09:{minute:02}", *cells)) for minute in (0, 30)]
    other.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    imported = done("import", name, str(other), "--mapping", "other", "--json").json
    assert (imported["read"], imported["accepted"], imported["refused"]) == (2, 2, 0)
    rows[1] = rows[1].replace(cells[0], f"{cells[0]}0")
    other.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    again = done("import", name, str(other), "--mapping", "other", "--json").json
    assert (again["already_known"], again["corrected"]) == (1, 1)
    after = done("attain", name, "--period", "2012-03", "--json").json
    assert after["service_levels"] == before["service_levels"]
    assert "replayed, and equal" in done("replay", name).out
    assert openbpo("attain", name, "--period", "2012-03").status == 0
