"""January 1999 of a real call centre: the kernels and an independent oracle agree to the digit."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from tests.oracle.telephone import month, read
from tests.telephone import call, example, rows_of, work_of

from openbpo.assurance.attainment.queries import attain
from openbpo.billing.invoicing.queries import invoice_of
from openbpo.surfaces.cli.formulas import formulas_json
from openbpo.surfaces.cli.printing import json_text

DATA = Path(os.environ.get("OPENBPO_DATA", "/nonexistent"))
LOG = DATA / "callcentre_anonymous_bank" / "january1999.tsv.gz"
KEYS = (
    "offered", "answered", "abandoned", "left_ivr", "rejected_rows", "formulas", "asa_s", "aht_s",
    "abandonment", "credits",
)  # fmt: skip

pytestmark = [
    pytest.mark.skipif(not LOG.is_file(), reason="OPENBPO_DATA names no folder with the real log"),
    pytest.mark.xdist_group("real_telephone"),
]


@pytest.fixture(scope="module")
def january() -> dict[str, Any]:
    """What `attain --formulas --json` prints, its numbers as they are written."""
    agreement = example()
    work = work_of(agreement, [call(agreement, row, n) for n, row in enumerate(rows_of(LOG))])
    began = time.process_time()
    results = attain(work)
    told = json_text(formulas_json(work, results, invoice_of(work, results)))
    assert time.process_time() - began < 3, "a month of 31,599 calls"
    return dict(json.loads(told, parse_float=str))


def test_is_what_the_oracle_says(january: dict[str, Any]) -> None:
    wanted = month(read(LOG), "1999-01")
    assert {key: january[key] for key in KEYS} == wanted


def test_is_what_was_counted_once_by_hand(january: dict[str, Any]) -> None:
    """A change of both sides at once would show here."""
    assert january["formulas"] == {
        "a": "0.543815",
        "b": "0.606135",
        "c": "0.562579",
        "d": "0.577169",
    }
    assert january["credits"] == {"a": "5682.60", "b": "0.00", "c": "2841.30", "d": "2841.30"}
    assert (january["offered"], january["answered"]) == (30161, 27060)
    assert january["undecided"] == []
