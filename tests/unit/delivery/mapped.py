"""A mapping written as the agreement has it, made ready to read rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.support import EXAMPLE

from openbpo.agreements.files import read_folder
from openbpo.agreements.located import read_located
from openbpo.agreements.model import Agreement
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.resolved import from_facts, resolve
from openbpo.delivery.intake.decisions import RowReader, ToldRow
from openbpo.delivery.intake.model import Fault
from openbpo.record.decisions import Happening

FILES = dict(read_folder(EXAMPLE))
CONSTANTS = {
    "activity": {"constant": "told"},
    "service_level": {"constant": "premium"},
    **{
        name: {"constant": "x"}
        for name in ("seriousness", "customer", "product", "resource", "workgroup")
    },
}
"""What the example's data.yaml asks of every row, told without a column."""
AT = {"column": "at", "format": "yyyy-MM-dd HH:mm:ss", "zone": "Europe/Rome"}


def fact(name: str, kind: str = "string", **more: object) -> dict[str, object]:
    """Return an attribute as data.yaml has it; it may be empty unless it is said otherwise."""
    return {"id": name, "class": "fact", "type": kind, "purpose": "test", "optional": True} | more


def files_with(mapping: Mapping[str, object], data: Sequence[object] = ()) -> dict[str, bytes]:
    """Return the example's files with one mapping, and further attributes."""
    base = {
        "id": "m", "kind": "case events", "service": "tickets", "format": "csv",
        "encoding": "utf-8", "same_instant": "file_order", "attributes": {},
    }  # fmt: skip
    entry: dict[str, Any] = {**base, **mapping}
    if mapping.get("format", "csv") != "csv":
        entry.pop("encoding")
    entry["attributes"] = {**CONSTANTS, **entry["attributes"]}
    known = read_located("data.yaml", FILES["data.yaml"]).value
    return {
        **FILES,
        "data.yaml": json.dumps({"attributes": [*known["attributes"], *data]}, indent=1).encode(),
        "mapping.yaml": json.dumps([entry], indent=1).encode(),
    }


def agreement_with(mapping: Mapping[str, object], data: Sequence[object] = ()) -> Agreement:
    """Return the example's terms with one mapping."""
    return read_agreement(files_with(mapping, data))


def reader_of(
    mapping: Mapping[str, object], header: Sequence[str], data: Sequence[object] = ()
) -> RowReader:
    """Return what reads the rows of a file with this header."""
    agreement = agreement_with(mapping, data)
    zones = from_facts(agreement, resolve(agreement)).zones
    terms = agreement.mappings["m"]
    return RowReader(terms, agreement.attributes, zones, header, where="log.csv:1")


def told(row: ToldRow | Fault) -> ToldRow:
    """Return the row, which must have no fault."""
    assert isinstance(row, ToldRow), row
    return row


def only(row: ToldRow | Fault) -> Happening:
    """Return the one event that a row tells."""
    (event,) = told(row).events
    return event


def fault(row: ToldRow | Fault) -> Fault:
    """Return why a row cannot be taken."""
    assert isinstance(row, Fault), row
    return row
