"""Where a case stands in a formula: above the line, below it, or nowhere. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import product
from math import prod

from openbpo.agreements.formulas.model import Groups
from openbpo.agreements.model import CountMeasure, Share
from openbpo.values.expressions import Expression, Type, Undecided, deciding_values

MOST_COMBINATIONS = 20_000

Note = Callable[[str, tuple[str, ...]], None]
"""Takes a condition that was left undecided, and the attributes that were empty."""


def groups_of(
    counts: Mapping[str, Expression], attributes: Mapping[str, object], note: Note
) -> Groups:
    """
    Return to which counts a case of these attributes belongs.

    A count that empty values leave undecided is noted, and holds the case for no formula. One that
    is undecided only because a count before it is, is not noted a second time.
    """
    values = dict(attributes)
    undecided = set()
    for name, condition in counts.items():
        answer = condition(values)
        if isinstance(answer, Undecided):
            values[name] = None
            undecided.add(name)
            empty = tuple(read for read in answer.names if read not in counts)
            if empty or not answer.names:
                note(condition.text, empty)
        else:
            values[name] = answer
    held = frozenset(name for name in counts if values[name] is True)
    return Groups(held, frozenset(undecided))


def is_below(share: Share, held: AbstractSet[str]) -> bool:
    """Tell whether a case in these counts is in the denominator."""
    return not held.isdisjoint(share.of) and held.isdisjoint(share.less)


def is_above(share: Share, held: AbstractSet[str]) -> bool:
    """Tell whether a case in these counts is in the numerator; then it is in the denominator."""
    return not held.isdisjoint(share.share) and is_below(share, held)


def contradiction(share: Share, groups: Groups) -> str | None:
    """
    Return what is wrong with a formula if a case can be in these counts, None if nothing is.

    What empty values leave undecided contradicts nothing: it is an open question already.
    """
    held = groups.held
    if not groups.undecided.isdisjoint((*share.share, *share.of, *share.less)):
        return None
    for counts in (share.share, share.of, share.less):
        if len(both := [name for name in counts if name in held]) > 1:
            return f"is in {both[0]} and in {both[1]}, and would be counted twice"
    above = next((name for name in share.share if name in held), None)
    off = next((name for name in share.less if name in held), None)
    below = next((name for name in share.of if name in held), None)
    if off is not None and below is None:
        return f"is in {off}, and not in {' or '.join(share.of)}, from which it is taken off"
    if above is not None and below is None:
        return f"is in {above}, and not in {' or '.join(share.of)}: above the line and not below it"
    if above is not None and off is not None:
        return f"is in {above} and in {off}, which is taken off: above the line and not below it"
    return None


def shares_of(measure: CountMeasure) -> dict[str, Share]:
    """Return the formulas, and the shares beside them, by name."""
    beside = {name: of for name, of in measure.beside.items() if isinstance(of, Share)}
    return {**measure.formulas, **beside}


def possible_cases(
    cases: Expression | None, counts: Mapping[str, Expression], types: Mapping[str, Type]
) -> Iterator[dict[str, object]]:
    """
    Yield attributes of cases that together reach every answer that the conditions can give.

    They reach all where each condition compares attributes with written values; where one computes
    with attributes, or there are too many combinations, fewer are tried.
    """
    conditions = [*counts.values(), *([cases] if cases is not None else [])]
    found = deciding_values((condition.text for condition in conditions), types)
    if prod(map(len, found.values())) > MOST_COMBINATIONS:
        return
    for combination in product(*found.values()):
        attributes = dict(zip(found, combination, strict=True))
        if cases is None or cases(attributes) is True:
            yield attributes
