"""A bridge leads from any reading of a measure to any other, exactly, and in one order."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from openbpo.billing.statements.bridging import (
    WORTH,
    Claimed,
    Counted,
    Reading,
    bridge,
    counted,
)
from openbpo.billing.statements.model import Outcome

PLACES = tuple(WORTH)
FORMULAS = ("a", "b", "c")


@st.composite
def measures(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Groups of a measure as a statement tells them, and every case with its group."""
    groups: list[dict[str, Any]] = [
        {
            "id": f"g{nth}",
            "counts": [f"g{nth}"],
            "cases": draw(st.integers(1, 6)),
            "places": {name: draw(st.sampled_from(PLACES)).value for name in FORMULAS},
        }
        for nth in range(draw(st.integers(1, 5)))
    ]
    cases = [(f"{one['id']}-{n}", one["id"]) for one in groups for n in range(one["cases"])]
    return groups, cases


@st.composite
def readings(draw: st.DrawFn, cases: list[tuple[str, str]]) -> Reading:
    """A formula, and some cases that are claimed otherwise."""
    chosen = draw(st.lists(st.sampled_from(cases), unique=True, max_size=4))
    claimed = tuple(Claimed(group, case, draw(st.sampled_from(PLACES))) for case, group in chosen)
    return Reading(draw(st.sampled_from(FORMULAS)), claimed)


def one_by_one(groups: list[dict[str, Any]], cases: list[Any], reading: Reading) -> Counted:
    """Return what a reading counts, each case for itself."""
    places = {one["id"]: Outcome(one["places"][reading.formula]) for one in groups}
    claims = {claim.case: claim.place for claim in reading.claimed}
    worth = [WORTH[claims.get(case, places[group])] for case, group in cases]
    return Counted(sum(n for n, _ in worth), sum(d for _, d in worth))


class TestBridge:
    @given(st.data())
    def test_leads_from_one_reading_to_the_other(self, data: st.DataObject) -> None:
        groups, cases = data.draw(measures())
        one, other = data.draw(readings(cases)), data.draw(readings(cases))
        causes = bridge(groups, one, other)
        start, end = one_by_one(groups, cases, one), one_by_one(groups, cases, other)
        assert counted(groups, one) == start
        assert counted(groups, other) == end
        at = start
        for cause in causes:
            assert cause.was == at
            assert cause.cases > 0
            assert cause.before is not cause.after
            assert 0 <= cause.then.numerator <= cause.then.denominator
            at = cause.then
        assert at == end
        points = [cause.points for cause in causes if cause.points is not None]
        if len(points) == len(causes) and start.share is not None and end.share is not None:
            assert sum(points, Fraction(0)) == end.share - start.share

    @given(st.data())
    def test_has_each_case_once_and_one_order(self, data: st.DataObject) -> None:
        groups, cases = data.draw(measures())
        one, other = data.draw(readings(cases)), data.draw(readings(cases))
        causes = bridge(groups, one, other)
        named = [case for cause in causes for case in cause.named]
        assert len(named) == len(set(named))
        for cause in causes:
            assert not cause.named or len(cause.named) == cause.cases
        again = bridge(list(reversed(groups)), one, other)
        assert [(c.group, c.before, c.after, c.cases, c.named) for c in again] == [
            (c.group, c.before, c.after, c.cases, c.named) for c in causes
        ]

    @given(st.data())
    def test_back_is_its_mirror(self, data: st.DataObject) -> None:
        groups, cases = data.draw(measures())
        one, other = data.draw(readings(cases)), data.draw(readings(cases))
        there = sum(cause.cases for cause in bridge(groups, one, other))
        assert there == sum(cause.cases for cause in bridge(groups, other, one))

    def test_of_a_reading_to_itself_has_no_cause(self) -> None:
        groups = [{"id": "x", "counts": ["x"], "cases": 3, "places": {"a": "late"}}]
        assert bridge(groups, Reading("a"), Reading("a")) == ()
