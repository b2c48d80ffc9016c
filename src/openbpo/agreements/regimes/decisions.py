"""From results to verdicts and credits: pure."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from openbpo.agreements.model import Level, Regime, ServiceLevel
from openbpo.agreements.regimes.model import Consequences, Judged, Tally, Verdict
from openbpo.values.money import Rounding, round_fraction

PER_CENT_DIGITS = 2


def consequences(tallies: Iterable[Tally], regime: Regime) -> Consequences:
    """
    Judge each service level's result, add the rates of all defaults, and cap the sum.

    `tallies` holds one result for each measure that the regime names.
    """
    by_measure = {tally.measure: tally for tally in tallies}
    judged = tuple(
        judge(by_measure[service_level.measure], service_level)
        for service_level in regime.service_levels
    )
    added = sum((result.credit_rate for result in judged), start=Fraction(0))
    cap = regime.credit.cap
    capped = added if cap is None else min(added, cap)
    return Consequences(judged=judged, rates_added=added, credit_rate=capped)


def judge(tally: Tally, service_level: ServiceLevel) -> Judged:
    """Return the verdict of one result: low volume first, else the level that holds the share."""
    assert 0 <= tally.numerator <= tally.denominator, tally
    if tally.denominator < service_level.low_volume_below:
        return _judged(tally, service_level, None, None, Verdict.LOW_VOLUME)
    share = compared_share(tally, service_level)
    level = next(level for level in service_level.levels if _holds(level, share))
    verdict = Verdict.MET if level.is_met else Verdict.DEFAULT
    return _judged(tally, service_level, share, level, verdict)


def compared_share(tally: Tally, service_level: ServiceLevel) -> Fraction:
    """Return the share, rounded half up to the stated decimals of a per cent, or exact."""
    share = Fraction(tally.numerator, tally.denominator)
    if service_level.compare_decimals is None:
        return share
    digits = PER_CENT_DIGITS + service_level.compare_decimals
    return round_fraction(share, digits, Rounding.HALF_UP)


def _holds(level: Level, share: Fraction) -> bool:
    return level.at_least <= share and (level.below is None or share < level.below)


def _judged(
    tally: Tally,
    service_level: ServiceLevel,
    compared: Fraction | None,
    level: Level | None,
    verdict: Verdict,
) -> Judged:
    return Judged(
        measure=tally.measure,
        clause=service_level.clause,
        numerator=tally.numerator,
        denominator=tally.denominator,
        compared=compared,
        level=level,
        verdict=verdict,
        credit_rate=level.credit_rate if level is not None else Fraction(0),
    )
