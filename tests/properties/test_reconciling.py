"""A seeded set of k differences: exactly those k are listed, with their cause, case and money."""

from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from tests.reconciling import PERIOD, Error, Keeper, Seeder, usual_month, write

from openbpo.evidence.reconciling.decisions import reconcile
from openbpo.evidence.reconciling.model import SUMS, Cause, Reconciliation, Report
from openbpo.evidence.reconciling.reports import read_report

CAUSES = [cause.value for cause in Cause]


def found_in(path: Path, keeper: Keeper, errors: list[Error]) -> Reconciliation:
    """Write the report with these errors, read it, and compare it."""
    write(path, keeper.tables(errors))
    report = read_report(path, keeper.ours.terms.agreement, PERIOD)
    return reconcile(keeper.ours, report)


def check(path: Path, keeper: Keeper, errors: list[Error]) -> None:
    """Exactly the errors are listed, each with its money; and all money adds up."""
    found = found_in(path, keeper, errors)
    listed = [one.difference for one in found.differences]
    assert Counter((one.cause.value, one.figure, one.cases) for one in listed) == Counter(
        error.told for error in errors
    ), "\n".join(f"{one.cause.value} {one.figure} {one.cases} {one.why}" for one in listed)
    money = {error.told: one for error, one in zip(errors, keeper.money(errors), strict=True)}
    for one in found.differences:
        told = one.difference
        expected = money[told.cause.value, told.figure, told.cases]
        assert one.money.total.exact == expected, told
    theirs = keeper.sums(errors, keeper.deltas(errors))
    for name in SUMS:
        alone = sum((getattr(one.money, name).exact for one in found.differences), Fraction(0))
        whole = theirs[name] - keeper.sums([], {})[name]
        assert getattr(found.reported, name).exact == theirs[name], name
        assert alone + getattr(found.interaction, name).exact == whole, name


@pytest.fixture(scope="module")
def seeders() -> dict[int, Seeder]:
    return {seed: Seeder(usual_month(), random.Random(seed)) for seed in range(6)}


def test_a_report_equal_to_ours_lists_nothing(tmp_path: Path) -> None:
    found = found_in(tmp_path / "r.xlsx", Keeper(usual_month()), [])
    assert found.differences == ()
    assert found.not_told == ()
    assert found.reported == found.recomputed


def test_the_book_keeper_agrees_with_the_invoice() -> None:
    ours = usual_month()
    found = reconcile(ours, Report(name="empty"))
    sums = Keeper(ours).sums([], {})
    assert {name: getattr(found.recomputed, name).exact for name in SUMS} == sums
    assert sums["credits"] > 0, "a month without credits shows little"


@pytest.mark.parametrize("cause", CAUSES)
def test_one_difference_of_each_cause(
    cause: str, seeders: dict[int, Seeder], tmp_path: Path
) -> None:
    seeder = seeders[0]
    pool = [error for error in seeder.pool() if error.cause == cause]
    assert pool, f"no {cause} could be seeded"
    kinds = {(error.figure, error.slot[0]): error for error in pool}
    for number, error in enumerate(kinds.values()):
        check(tmp_path / f"{number}.xlsx", seeder.keeper, [error])


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13, 21, 30, 40])
@pytest.mark.parametrize("seed", range(6))
def test_a_mix_of_differences(
    count: int, seed: int, seeders: dict[int, Seeder], tmp_path: Path
) -> None:
    seeder = seeders[seed]
    check(tmp_path / "r.xlsx", seeder.keeper, seeder.take(count))
