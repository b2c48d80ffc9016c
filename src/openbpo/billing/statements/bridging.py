"""
From one reading of a measure to another, over the same cases, one cause at a time: pure.

A reading is a formula, and cases that are claimed otherwise. Each cause is a group of cases that
one reading places elsewhere than the other: within, late, or left out of both numbers. The causes
come in one order, by what changes and then by the group's name; taken together they lead exactly
from the one count to the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from openbpo.billing.statements.model import Outcome

Place = tuple[Outcome, Outcome]

WORTH = {Outcome.WITHIN: (1, 1), Outcome.LATE: (0, 1), Outcome.LEFT_OUT: (0, 0)}
"""What a case at a place adds to the numerator and to the denominator."""
ORDER: tuple[Place, ...] = (
    (Outcome.LATE, Outcome.LEFT_OUT),
    (Outcome.WITHIN, Outcome.LEFT_OUT),
    (Outcome.LEFT_OUT, Outcome.LATE),
    (Outcome.LEFT_OUT, Outcome.WITHIN),
    (Outcome.LATE, Outcome.WITHIN),
    (Outcome.WITHIN, Outcome.LATE),
)


@dataclass(frozen=True, slots=True, order=True)
class Counted:
    """A share as it is counted: cases in the numerator and in the denominator."""

    numerator: int
    denominator: int

    @property
    def share(self) -> Fraction | None:
        """Return the exact share, None where there is no case."""
        return Fraction(self.numerator, self.denominator) if self.denominator else None

    def moved(self, cases: int, before: Outcome, after: Outcome) -> Counted:
        """Return the share with cases taken from one place to another."""
        (n, d), (m, e) = WORTH[before], WORTH[after]
        return Counted(self.numerator + cases * (m - n), self.denominator + cases * (e - d))


@dataclass(frozen=True, slots=True)
class Claimed:
    """Cases of a group that a reading places elsewhere than its formula does."""

    group: str
    case: str
    place: Outcome


@dataclass(frozen=True, slots=True)
class Reading:
    """A formula of a measure, and the cases that are claimed otherwise."""

    formula: str
    claimed: tuple[Claimed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """
    Cases that one reading places elsewhere than the other, and the count with them moved.

    `named` are their keys where they were claimed case by case; without it they are the whole
    group, but for those that are named.
    """

    group: str
    cases: int
    before: Outcome
    after: Outcome
    was: Counted
    then: Counted
    named: tuple[str, ...] = ()

    @property
    def points(self) -> Fraction | None:
        """Return by how much the share changes, of one; None where a side of it has no case."""
        if self.was.share is None or self.then.share is None:
            return None
        return self.then.share - self.was.share

    def after_only(self, cases: int) -> Counted:
        """Return the count with only so many of the cases moved."""
        return self.was.moved(cases, self.before, self.after)


def counted(groups: Sequence[Mapping[str, Any]], reading: Reading) -> Counted:
    """Return what a reading counts of a statement's groups of a measure."""
    found = Counted(0, 0)
    for group in groups:
        place = Outcome(group["places"][reading.formula])
        found = found.moved(group["cases"], Outcome.LEFT_OUT, place)
    for claim in reading.claimed:
        found = found.moved(1, _place(groups, claim.group, reading.formula), claim.place)
    return found


def _place(groups: Sequence[Mapping[str, Any]], group: str, formula: str) -> Outcome:
    for one in groups:
        if one["id"] == group:
            return Outcome(one["places"][formula])
    return Outcome.LEFT_OUT


def bridge(groups: Sequence[Mapping[str, Any]], one: Reading, other: Reading) -> tuple[Cause, ...]:
    """Return the causes that lead from one reading to another, in their order."""
    moves = sorted(_moves(groups, one, other), key=lambda move: (ORDER.index(move[0]), *move[1:]))
    causes: list[Cause] = []
    at = counted(groups, one)
    for (before, after), group, named, cases in moves:
        then = at.moved(cases, before, after)
        causes.append(
            Cause(
                group=group, cases=cases, before=before, after=after, was=at, then=then, named=named
            )
        )
        at = then
    assert at == counted(groups, other), "the causes lead from the one count to the other"
    return tuple(causes)


def _moves(
    groups: Sequence[Mapping[str, Any]], one: Reading, other: Reading
) -> Iterable[tuple[Place, str, tuple[str, ...], int]]:
    by_one, by_other = _claims(one), _claims(other)
    named: dict[tuple[Place, str], list[str]] = {}
    single: dict[str, int] = {}
    for case, group in sorted({**_groups(by_one), **_groups(by_other)}.items()):
        single[group] = single.get(group, 0) + 1
        before = _claimed_place(by_one, case, groups, group, one.formula)
        after = _claimed_place(by_other, case, groups, group, other.formula)
        if before is not after:
            named.setdefault(((before, after), group), []).append(case)
    for group_told in groups:
        group, places = group_told["id"], group_told["places"]
        place = Outcome(places[one.formula]), Outcome(places[other.formula])
        cases = group_told["cases"] - single.get(group, 0)
        if place[0] is not place[1] and cases:
            yield place, group, (), cases
    for (place, group), cases_named in named.items():
        yield place, group, tuple(cases_named), len(cases_named)


def _claims(reading: Reading) -> dict[str, Claimed]:
    return {claim.case: claim for claim in reading.claimed}


def _groups(claims: Mapping[str, Claimed]) -> dict[str, str]:
    return {case: claim.group for case, claim in claims.items()}


def _claimed_place(
    claims: Mapping[str, Claimed],
    case: str,
    groups: Sequence[Mapping[str, Any]],
    group: str,
    formula: str,
) -> Outcome:
    return claims[case].place if case in claims else _place(groups, group, formula)
