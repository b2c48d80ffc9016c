"""The inputs of a period's money, from its cases, to JSON and back: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from openbpo.agreements.model import (
    Agreement,
    Charge,
    CreditTerms,
    Level,
    Minimum,
    Regime,
    ServiceLevel,
    Tax,
    Tier,
)
from openbpo.billing.statements.model import Inputs
from openbpo.values.canonical import instant_from_text, instant_text
from openbpo.values.money import Money, Rounding
from openbpo.values.periods import Period
from openbpo.values.spans import Span

Tallies = Mapping[str, Mapping[str, tuple[int, int]]]


def inputs_of(
    agreement: Agreement,
    period: Period,
    *,
    agreed: Mapping[str, str],
    tallies: Tallies,
    quantities: Mapping[str, int],
) -> Inputs:
    """Return the inputs of a period under the agreement that governs it."""
    return Inputs(
        period=period,
        currency=agreement.currency,
        agreed=agreed,
        tallies=tallies,
        regime=agreement.regime,
        charges=agreement.charges.charges,
        quantities=quantities,
        minimums=agreement.charges.minimums,
        bases=agreement.charges.bases,
        tax=agreement.charges.tax,
        rounding=agreement.charges.rounding,
    )


def inputs_json(of: Inputs) -> dict[str, Any]:
    """Return inputs as a statement holds them; fractions and prices are texts."""
    end, until = of.period.days.end, of.period.span.end
    assert end is not None, "a month ends"
    assert until is not None, "a month ends"
    return {
        "period": of.period.name,
        "days": [str(of.period.days.start), str(end)],
        "span": [instant_text(of.period.span.start), instant_text(until)],
        "currency": of.currency,
        "measures": [
            {
                "id": measure,
                "agreed": of.agreed[measure],
                "formulas": [
                    {"id": name, "numerator": pair[0], "denominator": pair[1]}
                    for name, pair in by_formula.items()
                ],
            }
            for measure, by_formula in of.tallies.items()
        ],
        "service_levels": [_service_level_json(one) for one in of.regime.service_levels],
        "credit": {
            "clause": of.regime.credit.clause,
            "base": of.regime.credit.base,
            "cap": None if of.regime.credit.cap is None else str(of.regime.credit.cap),
        },
        "charges": [_charge_json(one, of.quantities[one.id]) for one in of.charges],
        "minimums": [
            {
                "id": one.id,
                "clause": one.clause,
                "of": list(one.of),
                "at_least": str(one.at_least.exact),
            }
            for one in of.minimums
        ],
        "bases": {name: list(ids) for name, ids in of.bases.items()},
        "tax": of.tax
        and {
            "id": of.tax.id,
            "clause": of.tax.clause,
            "name": of.tax.name,
            "rate": str(of.tax.rate),
        },
        "rounding": of.rounding.value,
    }


def _service_level_json(of: ServiceLevel) -> dict[str, Any]:
    return {
        "measure": of.measure,
        "clause": of.clause,
        "compare_decimals": of.compare_decimals,
        "low_volume_below": of.low_volume_below,
        "levels": [
            {
                "at_least": str(level.at_least),
                "below": None if level.below is None else str(level.below),
                "is_met": level.is_met,
                "credit_rate": str(level.credit_rate),
            }
            for level in of.levels
        ],
    }


def _charge_json(charge: Charge, quantity: int) -> dict[str, Any]:
    return {
        "id": charge.id,
        "clause": charge.clause,
        "service": charge.service,
        "moment": charge.moment,
        "quantity": quantity,
        "tiers": [
            {"start": tier.start, "end": tier.end, "each": str(tier.each.exact)}
            for tier in charge.tiers
        ],
    }


def inputs_from(told: Mapping[str, Any]) -> Inputs:
    """Return the inputs that `inputs_json` told. Which cases a charge counts, they do not say."""
    currency = told["currency"]
    days, span = told["days"], told["span"]
    return Inputs(
        period=Period(
            told["period"],
            Span(date.fromisoformat(days[0]), date.fromisoformat(days[1])),
            Span(instant_from_text(span[0]), instant_from_text(span[1])),
        ),
        currency=currency,
        agreed={one["id"]: one["agreed"] for one in told["measures"]},
        tallies={
            measure["id"]: {
                one["id"]: (one["numerator"], one["denominator"]) for one in measure["formulas"]
            }
            for measure in told["measures"]
        },
        regime=Regime(
            service_levels=tuple(_service_level(one) for one in told["service_levels"]),
            credit=CreditTerms(
                clause=told["credit"]["clause"],
                base=told["credit"]["base"],
                cap=_optional(told["credit"]["cap"]),
            ),
        ),
        charges=tuple(_charge(one, currency) for one in told["charges"]),
        quantities={one["id"]: one["quantity"] for one in told["charges"]},
        minimums=tuple(
            Minimum(
                id=one["id"],
                clause=one["clause"],
                of=tuple(one["of"]),
                at_least=Money(Fraction(one["at_least"]), currency),
            )
            for one in told["minimums"]
        ),
        bases={name: tuple(ids) for name, ids in told["bases"].items()},
        tax=told["tax"] and _tax(told["tax"]),
        rounding=Rounding(told["rounding"]),
    )


def _optional(told: str | None) -> Fraction | None:
    return None if told is None else Fraction(told)


def _service_level(told: Mapping[str, Any]) -> ServiceLevel:
    return ServiceLevel(
        measure=told["measure"],
        clause=told["clause"],
        compare_decimals=told["compare_decimals"],
        low_volume_below=told["low_volume_below"],
        levels=_levels(told["levels"]),
    )


def _levels(told: Sequence[Mapping[str, Any]]) -> tuple[Level, ...]:
    return tuple(
        Level(
            at_least=Fraction(one["at_least"]),
            below=_optional(one["below"]),
            is_met=one["is_met"],
            credit_rate=Fraction(one["credit_rate"]),
        )
        for one in told
    )


def _charge(told: Mapping[str, Any], currency: str) -> Charge:
    return Charge(
        id=told["id"],
        clause=told["clause"],
        says=None,
        service=told["service"],
        moment=told["moment"],
        cases=None,
        period="month",
        tiers=tuple(
            Tier(
                start=tier["start"],
                end=tier["end"],
                each=Money(Fraction(tier["each"]), currency),
            )
            for tier in told["tiers"]
        ),
    )


def _tax(told: Mapping[str, Any]) -> Tax:
    return Tax(id=told["id"], clause=told["clause"], name=told["name"], rate=Fraction(told["rate"]))
