"""The telephone, by the real commands: what the issue asks, on the real January and on bad rows."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.oracle.telephone import month, read
from tests.support import done, openbpo

LOG = Path(os.environ.get("OPENBPO_DATA", "/nonexistent")) / (
    "callcentre_anonymous_bank/january1999.tsv.gz"
)
pytestmark = [
    pytest.mark.skipif(not LOG.is_file(), reason="OPENBPO_DATA names no folder with the real log"),
    pytest.mark.xdist_group("real_telephone"),
]


def attained(engagement: str) -> dict[str, Any]:
    out = done("attain", engagement, "--period", "1999-01", "--formulas", "--json").out
    return dict(json.loads(out, parse_float=str))


def test_january_is_what_the_oracle_says(home: Path) -> None:
    done("accept", "examples/telephone", "--as", "provider")
    done("import", "telephone", str(LOG))
    wanted = month(read(LOG), "1999-01")
    found = attained("telephone")
    assert {key: found[key] for key in wanted} == wanted


def test_rows_with_a_missing_column_are_refused_by_line(home: Path, tmp_path: Path) -> None:
    lines = gzip.decompress(LOG.read_bytes()).decode().splitlines()[:2_000]
    for number in (10, 1_999):
        lines[number] = lines[number].rpartition("\t")[0]
    file = tmp_path / "some.tsv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done("accept", "examples/telephone", "--as", "provider", "--engagement", "mended")
    openbpo("import", "mended", str(file))
    wanted = month(read(file), "1999-01")
    assert wanted["rejected_rows"] == 2
    found = attained("mended")
    assert {key: found[key] for key in wanted} == wanted
