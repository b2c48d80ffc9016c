"""
A report against the recomputed figures: every difference, where it was made, and why. Pure.

The figures are gone through from the cases up to the total, each stage with the differences found
so far in it. So a difference is listed once, in the figure in which it was made; what follows from
it further on is no difference any more. A cause is named only where it gives exactly what the
report says.
"""

from __future__ import annotations

from openbpo.assurance.attainment.model import ClockResult
from openbpo.evidence.reconciling.comparing_charges import ChargesCompared
from openbpo.evidence.reconciling.comparing_sums import SumsCompared
from openbpo.evidence.reconciling.comparison import NONE, money_text
from openbpo.evidence.reconciling.model import (
    Cause,
    Effect,
    Priced,
    Reckoned,
    Recomputed,
    Reconciliation,
    Report,
)
from openbpo.evidence.reconciling.reckoning import books, together, without


def reconcile(recomputed: Recomputed, report: Report) -> Reconciliation:
    """Return every difference between a report of a period and its recomputed figures."""
    found = _Comparison(recomputed, report)
    found.compare()
    whole = together(difference.effect for difference in found.differences)
    agreement, ours = recomputed.terms.agreement, recomputed.sums
    theirs = books(agreement, ours, whole).sums
    own = books(agreement, ours, Effect()).sums
    priced = tuple(
        Priced(one, theirs.minus(books(agreement, ours, without(whole, one.effect)).sums))
        for one in found.differences
    )
    alone = Reckoned.nothing(agreement.currency)
    for one in priced:
        alone = alone.plus(one.money)
    return Reconciliation(
        differences=priced,
        reported=theirs,
        recomputed=own,
        interaction=theirs.minus(own).minus(alone),
        not_told=tuple(found.not_told),
    )


class _Comparison(SumsCompared, ChargesCompared):
    """All figures of a report, from the cases to the total."""

    def compare(self) -> None:
        """Go through all figures, from the cases to the total."""
        for result in self.recomputed.results:
            self._measure(result)
        for volume in self.recomputed.volumes:
            self._charge(volume.charge, frozenset(case.key for case in volume.cases))
        for minimum in self.agreement.charges.minimums:
            self._minimum(minimum.id)
        for text, amount in self.report.others.items():
            effect = Effect(sums={"fees": amount})
            why = "the agreement has no such line"
            self.add((Cause.UNEXPLAINED, why), text, money_text(amount), NONE, effect)
        self._fees()
        self._credits()
        self._sum("net", self.minor)
        self._tax()
        self._sum("total", self.minor)


def needs_earlier(recomputed: Recomputed, found: Reconciliation) -> bool:
    """Tell whether cases of earlier months could explain what the period's own did not."""
    clocks = {one.measure.id for one in recomputed.results if isinstance(one, ClockResult)}
    return any(
        one.difference.cause is Cause.UNEXPLAINED
        and not one.difference.cases
        and one.difference.figure in (*clocks, "credits")
        for one in found.differences
    )
