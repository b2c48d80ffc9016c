"""What a period would come to if a formula or a low-volume rule were another: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from openbpo.agreements.model import Charges, Regime
from openbpo.agreements.regimes.decisions import consequences
from openbpo.agreements.regimes.model import Judged, Tally
from openbpo.billing.closing.model import Counted
from openbpo.billing.invoicing.decisions import invoice
from openbpo.billing.invoicing.model import Charged
from openbpo.billing.statements.model import Inputs, Supposed, SupposedMeasure
from openbpo.values.refusals import Refusal
from openbpo.values.shares import decimal_text

NOTHING: Mapping[str, str] = {}
NO_RULE: Mapping[str, int] = {}
AS_COUNTED: Mapping[str, tuple[int, int]] = {}


def what_if(
    inputs: Inputs,
    *,
    formula: Mapping[str, str] = NOTHING,
    low_volume: Mapping[str, int] = NO_RULE,
    tally: Mapping[str, tuple[int, int]] = AS_COUNTED,
) -> Supposed:
    """
    Return what a period would come to, from its counts alone.

    `formula` names another formula for a measure, and `low_volume` below how many cases a measure
    is not judged (1: always, where there is a case); `tally` gives a measure another numerator and
    denominator than its formula counted. Raises Refusal for a measure or formula that
    there is not.
    """
    _refuse_unknown(inputs, formula, low_volume)
    chosen = {**inputs.agreed, **formula}
    inputs = _with_tallies(inputs, chosen, tally)
    regime = _with_low_volume(inputs.regime, low_volume)
    found = _charged(inputs, chosen, regime)
    judged = {one.measure: one for one in found.consequences.judged}
    return Supposed(
        measures=tuple(
            _measure(name, chosen[name], inputs, judged.get(name), regime)
            for name in inputs.tallies
        ),
        rates_added=decimal_text(found.consequences.rates_added),
        credit_rate=decimal_text(found.consequences.credit_rate),
        fees=found.fees,
        credits=found.credits,
        net=found.net,
        tax=found.tax,
        total=found.total,
    )


def _refuse_unknown(
    inputs: Inputs, formula: Mapping[str, str], low_volume: Mapping[str, int]
) -> None:
    judged = {one.measure for one in inputs.regime.service_levels}
    for name, chosen in formula.items():
        if chosen not in inputs.tallies.get(name, {}):
            known = ", ".join(inputs.tallies.get(name, {}) or inputs.tallies)
            raise Refusal.of(name, f"There is no {chosen!r} of it.", f"There are: {known}.")
    for name, below in low_volume.items():
        if name not in judged or below < 1:
            remedy = "Name a measure with a service level, and a number of cases from 1 on."
            raise Refusal.of(name, f"No low volume below {below} can hold for it.", remedy)


def _with_tallies(
    inputs: Inputs, chosen: Mapping[str, str], tally: Mapping[str, tuple[int, int]]
) -> Inputs:
    for numerator, denominator in tally.values():
        assert 0 <= numerator <= denominator, "a numerator is a part of its denominator"
    return replace(
        inputs,
        tallies={
            name: {**by_formula, chosen[name]: tally[name]} if name in tally else by_formula
            for name, by_formula in inputs.tallies.items()
        },
    )


def _with_low_volume(regime: Regime, low_volume: Mapping[str, int]) -> Regime:
    return replace(
        regime,
        service_levels=tuple(
            replace(one, low_volume_below=low_volume.get(one.measure, one.low_volume_below))
            for one in regime.service_levels
        ),
    )


def _charged(inputs: Inputs, chosen: Mapping[str, str], regime: Regime) -> Charged[Counted]:
    tallies = (Tally(name, *inputs.tallies[name][chosen[name]]) for name in inputs.tallies)
    return invoice(
        inputs.period,
        [Counted(charge, inputs.quantities[charge.id]) for charge in inputs.charges],
        consequences(tallies, regime),
        charges=Charges(
            charges=inputs.charges,
            minimums=inputs.minimums,
            bases=inputs.bases,
            tax=inputs.tax,
            rounding=inputs.rounding,
        ),
        credit=regime.credit,
        currency=inputs.currency,
    )


def _measure(
    name: str, formula: str, inputs: Inputs, judged: Judged | None, regime: Regime
) -> SupposedMeasure:
    numerator, denominator = inputs.tallies[name][formula]
    return SupposedMeasure(
        id=name,
        formula=formula,
        numerator=numerator,
        denominator=denominator,
        compared=None if judged is None or judged.compared is None else str(judged.compared),
        level=None if judged is None else _level(judged, regime),
        verdict=None if judged is None else judged.verdict.value,
        credit_rate=None if judged is None else decimal_text(judged.credit_rate),
    )


def _level(judged: Judged, regime: Regime) -> int | None:
    """Return the place of the level that holds the share, None where none was compared."""
    if judged.level is None:
        return None
    of = next(one for one in regime.service_levels if one.measure == judged.measure)
    return of.levels.index(judged.level)
