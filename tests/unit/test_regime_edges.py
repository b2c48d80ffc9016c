"""Edges of verdicts, calendars and typed attributes that no help desk's month touches."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from tests.support import EXAMPLE, agreement_at

from openbpo.agreements.facts import decoder, stored
from openbpo.agreements.files import read_folder
from openbpo.agreements.model import Agreement, Attribute
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.regimes.decisions import consequences
from openbpo.agreements.regimes.model import Tally
from openbpo.agreements.resolved import resolve
from openbpo.values.expressions import BOOLEAN, DATE, NUMBER, STRING, Type

TALLIES = [Tally(f"resolve-{name}", 80, 100) for name in ("premium", "standard", "basic")]


def example() -> Agreement:
    return read_agreement(read_folder(EXAMPLE))


def test_a_cap_of_nothing_leaves_no_credit() -> None:
    regime = example().regime
    capped = replace(regime, credit=replace(regime.credit, cap=Fraction(0)))
    assert consequences(TALLIES, capped).credit_rate == 0
    free = replace(regime, credit=replace(regime.credit, cap=None))
    assert consequences(TALLIES, free).credit_rate == Fraction(3, 10)


def test_a_holiday_that_is_worked_is_none(tmp_path: Path) -> None:
    edits = {
        "calendars.yaml": [
            (
                "holidays: {country: IT}",
                (
                    "holidays: {country: IT, except: [2012-05-01], "
                    "also: [{day: 2012-05-02, name: The firm's day}]}"
                ),
            )
        ]
    }
    agreement = read_agreement(read_folder(agreement_at(tmp_path / "worked", edits)))
    days = {day for day, _ in resolve(agreement)["holidays"]["desk-hours"]}
    assert "2012-05-01" not in days
    assert {"2012-05-02", "2012-04-25", "2013-05-01"} <= days


def attribute(name: str, kind: Type) -> Attribute:
    return Attribute(
        id=name, is_content=False, type=kind, is_optional=True, case_value="first", purpose="test"
    )


def test_values_come_back_from_the_record_as_they_went_in() -> None:
    kinds = {"n": NUMBER, "d": DATE, "b": BOOLEAN, "s": STRING}
    values = {"n": Decimal("1.50"), "d": date(2012, 2, 29), "b": False, "s": "x"}
    decode = decoder({name: attribute(name, kind) for name, kind in kinds.items()})
    assert decode({name: stored(value) for name, value in values.items()}) == values
    assert decode(dict.fromkeys(kinds)) == dict.fromkeys(kinds)
