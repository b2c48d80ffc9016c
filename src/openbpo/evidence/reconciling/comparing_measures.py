"""The cases and numbers of each measure: where a report differs, and why. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction

from openbpo.agreements.model import ClockMeasure
from openbpo.agreements.regimes.model import Tally
from openbpo.assurance.attainment.model import ClockResult, Result
from openbpo.evidence.reconciling.alternatives import COMPLETED_OF_RECEIVED, Counted, placed
from openbpo.evidence.reconciling.comparison import (
    NONE,
    Comparison,
    Explained,
    Placed,
    percent_of,
    tally_effect,
)
from openbpo.evidence.reconciling.model import Cause, Effect, ToldCase, ToldMeasure, ToldShare
from openbpo.values.durations import HOUR_US, MINUTE_US, SECOND_US, duration_text
from openbpo.values.money import Rounding, round_fraction

COMMON_STEPS_US = (SECOND_US, MINUTE_US, 15 * MINUTE_US, HOUR_US)

Fits = Callable[[tuple[int, int]], bool]
"""Tells whether a numerator and a denominator are those that the report tells."""


class MeasuresCompared(Comparison):
    """Compares what a report tells of measures."""

    def _measure(self, result: Result) -> None:
        name = result.measure.id
        told = self.report.measured.get(name, {})
        figure = self.report.measures.get(name)
        if told or (figure is not None and figure.denominator == 0):
            self._cases(result, told)
        elif figure is None:
            self.not_told.append(name)
        if figure is not None:
            self._figure(result, figure)

    def _cases(self, result: Result, told: Mapping[str, ToldCase]) -> None:
        name = result.measure.id
        ours = self.other_ways.counted(result)
        for key in sorted({*ours, *told}):
            mine, its = ours.get(key), told.get(key)
            if its is None:
                assert mine is not None, "it is in one of the two"
                effect = Effect(tallies={name: (-mine.is_within, -1)})
                why = "the record counts it here"
                self.add((Cause.MISSING_CASE, why), name, NONE, _case(mine), effect, key)
            elif mine is None:
                effect = Effect(tallies={name: (its.within, 1)})
                self.add((Cause.EXTRA_CASE, self._why_extra(result, key)), name, _told(its), NONE,
                         effect, key)  # fmt: skip
            elif not _same(mine, its):
                explained = self._why_case(result, mine, its)
                effect = Effect(tallies={name: (its.within - mine.is_within, 0)})
                self.add(explained, name, _told(its), _case(mine), effect, key)

    def _why_extra(self, result: Result, key: str) -> str:
        for name, places in self._formulas(result).items():
            if places.get(key, (False, False))[0]:
                return f"the record counts it only by the formula {name}"
        return f"the record does not count it in {result.period.name}"

    def _why_case(self, result: Result, mine: Counted, its: ToldCase) -> Explained:
        if mine.measured is None or not isinstance(result, ClockResult):
            for name, places in self._formulas(result).items():
                if places.get(mine.case.key) == (True, its.within):
                    return Cause.FORMULA, f"as counted by the formula: {name}"
            return Cause.UNEXPLAINED, ""
        for way in self.other_ways.ways(result.measure):
            found = self.other_ways.case_by(way, mine, result.measure.id)
            if found is not None and _fits(found.elapsed.counted_us, found.is_within, its):
                return way.cause, way.why
        step_us = _rounded_to(mine.measured.elapsed.counted_us, mine.measured.within_us, its)
        if step_us is not None:
            return Cause.ROUNDING, _rounded_why(step_us)
        return self._why_by_two(result.measure, mine, its) or (Cause.UNEXPLAINED, "")

    def _why_by_two(self, terms: ClockMeasure, mine: Counted, its: ToldCase) -> Explained | None:
        """
        Return the two causes that together give a case's time, the first such pair in their order.

        Only where a time is told: that a case is within or not says too little for two causes.
        """
        if its.counted is None:
            return None
        for way in self.other_ways.pairs(terms):
            found = self.other_ways.case_by(way, mine, terms.id)
            if found is not None and _fits(found.elapsed.counted_us, found.is_within, its):
                assert way.also is not None, "it is a pair"
                return way.cause, way.why, way.also
        for way in self.other_ways.ways(terms):
            found = self.other_ways.case_by(way, mine, terms.id)
            if found is not None:
                step_us = _rounded_to(found.elapsed.counted_us, found.within_us, its)
                if step_us is not None:
                    return way.cause, f"{way.why}, and {_rounded_why(step_us)}", Cause.ROUNDING
        return None

    def _figure(self, result: Result, told: ToldMeasure) -> None:
        name = result.measure.id
        expected = self.books.tallies[name]
        numerator = expected.numerator if told.numerator is None else told.numerator
        denominator = expected.denominator if told.denominator is None else told.denominator
        if (numerator, denominator) != (expected.numerator, expected.denominator):
            effect = tally_effect(expected, numerator, denominator)
            explained = self._why_tally(result, lambda pair: pair == (numerator, denominator))
            self.add(
                explained or (Cause.UNEXPLAINED, ""), name, f"{numerator:,} of {denominator:,}",
                _tally_text(expected), effect,
            )  # fmt: skip
        if told.share is not None:
            self._share(result, told.share)

    def _share(self, result: Result, told: ToldShare) -> None:
        name = result.measure.id
        expected = self.books.tallies[name]
        exact = Fraction(expected.numerator, expected.denominator) if expected.denominator else None
        if exact is not None and told.fits(exact):
            return
        found: list[tuple[int, int]] = []

        def fits(pair: tuple[int, int]) -> bool:
            if pair[1] and told.fits(Fraction(*pair)):
                found.append(pair)
            return bool(found)

        explained = self._why_tally(result, fits)
        effect = Effect()
        if explained is not None:
            effect = tally_effect(expected, *found[0])
        elif exact is not None and abs(told.share - exact) < told.step:
            explained = Cause.ROUNDING, "rounded the other way"
        else:
            explained = Cause.UNEXPLAINED, ""
            effect = tally_effect(expected, *self._scaled(told.share, expected))
        recomputed = f"{percent_of(exact)}, {_tally_text(expected)}" if exact is not None else NONE
        self.add(explained, name, percent_of(told.share), recomputed, effect)

    def _scaled(self, share: Fraction, near: Tally) -> tuple[int, int]:
        """Return counts that make exactly this share, as much or as little a volume as before."""
        below = max(
            (
                level.low_volume_below
                for level in self.agreement.regime.service_levels
                if level.measure == near.measure
            ),
            default=0,
        )
        if near.denominator < below:
            return round(share * near.denominator), near.denominator
        times = -(-max(near.denominator, 1) // share.denominator)
        return share.numerator * times, share.denominator * times

    def _why_tally(self, result: Result, fits: Fits) -> Explained | None:
        return next((why for why, pair in self._other_tallies(result) if fits(pair)), None)

    def _other_tallies(self, result: Result) -> Iterator[tuple[Explained, tuple[int, int]]]:
        """Yield what a measure comes to when it is counted in another way, and in which."""
        name = result.measure.id
        told = self.report.measured.get(name, {})
        expected = self.books.tallies[name]
        for formula, places in self._formulas(result).items():
            explained = Cause.FORMULA, f"as counted by the formula: {formula}"
            pair = placed(places.values())
            yield explained, pair
            if told:
                yield explained, placed(self._with_told(result, places, told))
            if formula == "of received" and isinstance(result, ClockResult):
                both = Cause.FORMULA, f"as counted by the formula: {COMPLETED_OF_RECEIVED}"
                yield both, (expected.numerator, pair[1])
        if told or not isinstance(result.measure, ClockMeasure):
            return  # each case says itself how it was counted
        for way in self.other_ways.ways(result.measure):
            yield (way.cause, way.why), self.other_ways.tally_by(way, name)

    def _with_told(
        self, result: Result, places: Placed, told: Mapping[str, ToldCase]
    ) -> Iterator[tuple[bool, bool]]:
        """Yield where each case stands, the cases as the report tells them."""
        ours = self.other_ways.counted(result)
        for key, (is_below, is_above) in places.items():
            if key in told:
                same = key in ours and ours[key].is_within == told[key].within
                yield is_below, is_above if same or not is_below else told[key].within
            elif key not in ours:
                yield is_below, is_above
        yield from ((True, its.within) for key, its in told.items() if key not in places
                    and key not in ours)  # fmt: skip

    def _formulas(self, result: Result) -> dict[str, Placed]:
        name = result.measure.id
        if name not in self._formulas_of:
            self._formulas_of[name] = self.other_ways.formulas(result)
        return self._formulas_of[name]


def _same(mine: Counted, its: ToldCase) -> bool:
    if mine.is_within != its.within:
        return False
    return (
        mine.measured is None
        or its.counted is None
        or its.counted.fits(mine.measured.elapsed.counted_us)
    )


def _fits(counted_us: int, is_within: bool, its: ToldCase) -> bool:  # noqa: FBT001
    return is_within == its.within and (its.counted is None or its.counted.fits(counted_us))


def _rounded_why(step_us: int) -> str:
    return f"as rounded to {duration_text(step_us)} before it is compared"


def _rounded_to(counted_us: int, within_us: int, its: ToldCase) -> int | None:
    """Return to which step a time was rounded to give what is told, None if to none."""
    if its.counted is not None and its.counted.fits(counted_us):
        if its.within == (its.counted.told_us <= within_us):
            return round(its.counted.step_us)
        return None
    for step_us in COMMON_STEPS_US:
        for rounding in (Rounding.HALF_UP, Rounding.DOWN, Rounding.UP):
            rounded = round_fraction(Fraction(counted_us, step_us), 0, rounding) * step_us
            is_told = its.counted is None or its.counted.told_us == rounded
            if is_told and its.within == (rounded <= within_us):
                return step_us
    return None


def _case(mine: Counted) -> str:
    within = _yes(mine.is_within)
    if mine.measured is None:
        return within
    return f"{within}, {duration_text(mine.measured.elapsed.counted_us)}"


def _told(its: ToldCase) -> str:
    if its.counted is None:
        return _yes(its.within)
    return f"{_yes(its.within)}, {duration_text(round(its.counted.told_us))}"


def _yes(within: bool) -> str:  # noqa: FBT001
    return "yes" if within else "no"


def _tally_text(tally: Tally) -> str:
    return f"{tally.numerator:,} of {tally.denominator:,}"
