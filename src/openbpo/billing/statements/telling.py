"""
From a period that was computed to its statement: pure.

The figures come from the results, the invoice and what closing says of them; nothing is computed a
second time but the suppositions, whose counts and terms stand in the statement as `inputs`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from openbpo.agreements.model import ClockMeasure, CountMeasure, Measure, ServiceLevel, Share
from openbpo.agreements.resolved import day_of
from openbpo.agreements.service_levels.model import OpenQuestion
from openbpo.agreements.versions.model import Terms
from openbpo.agreements.words import share_in_words, words_of
from openbpo.assurance.attainment.model import ClockResult, CountResult, Ratio, Result
from openbpo.assurance.attainment.periods import PeriodOfWork
from openbpo.billing.closing.queries import Closed
from openbpo.billing.invoicing.model import CreditLine, Invoice, TaxLine
from openbpo.billing.metering.model import Volume
from openbpo.billing.rating.model import ChargeLine
from openbpo.billing.statements.case_lists import (
    BEFORE,
    COMPLETED,
    RECEIVED,
    CaseList,
    cases_of_charge,
    cases_of_result,
    figure_of,
    groups_of_cases,
    reasons,
    received,
)
from openbpo.billing.statements.inputs import inputs_json, inputs_of
from openbpo.billing.statements.model import (
    OF_A_CHARGE,
    OF_A_MEASURE,
    STATEMENT,
    Inputs,
    Outcome,
    Supposed,
)
from openbpo.billing.statements.supposing import what_if
from openbpo.record.queries import Reach
from openbpo.values.durations import duration_text
from openbpo.values.money import sum_money
from openbpo.values.shares import decimal_text

QUESTIONS_TOLD = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """A period as it was computed by what was known at `entry`, and how far the record reaches."""

    entry: int
    work: PeriodOfWork
    results: tuple[Result, ...]
    invoice: Invoice
    closed: Closed
    reach: Reach

    @property
    def case_lists(self) -> tuple[CaseList, ...]:
        """Return the cases behind every figure."""
        return (
            *(cases_of_result(self.work, one, self.reach.last) for one in self.results),
            *(cases_of_charge(self.work, one) for one in self.invoice.volumes),
        )

    @property
    def inputs(self) -> Inputs:
        """Return what the period's money is made of."""
        return inputs_of(
            self.work.terms.agreement,
            self.work.period,
            agreed={one.measure.id: _agreed(one.measure) for one in self.results},
            tallies={one.measure.id: _tallies(self.work, one) for one in self.results},
            quantities={one.charge.id: one.quantity for one in self.invoice.volumes},
        )


def _agreed(measure: Measure) -> str:
    return measure.judged_by if isinstance(measure, CountMeasure) else COMPLETED


def _tallies(work: PeriodOfWork, result: Result) -> dict[str, tuple[int, int]]:
    if isinstance(result, CountResult):
        tallies = {name: result.tally_by(name) for name in result.measure.formulas}
        return {name: (one.numerator, one.denominator) for name, one in tallies.items()}
    return {
        COMPLETED: (result.numerator, result.denominator),
        RECEIVED: received(work, result),
    }


def told(of: Computed, lists: Sequence[CaseList]) -> dict[str, Any]:
    """Return a period's statement; its form is described in docs/reference/statements.md."""
    agreement, period = of.work.terms.agreement, of.work.period
    inputs = of.inputs
    supposed = what_if(inputs)
    by_figure = {one.figure: one for one in lists}
    return {
        "statement": STATEMENT,
        "period": period.name,
        "days": inputs_json(inputs)["days"],
        "zone": agreement.zone,
        "state": of.closed.state.value if of.closed.state else "open",
        "entry": of.entry,
        "version": _version(of.work.terms),
        "began_under": sorted({terms.agreement.version for terms, _ in of.work.cases}),
        "currency": agreement.currency,
        "measures": [
            _measure(of, result, inputs, supposed, by_figure[figure_of(result.measure)])
            for result in of.results
        ],
        "charges": [_charge(of, one, by_figure[figure_of(one.charge)])
                    for one in of.invoice.volumes],
        "lines": list(_lines(of.invoice.lines)),
        "credit": of.invoice.credit and _credit(of, of.invoice.credit),
        "rates_added": decimal_text(of.invoice.consequences.rates_added),
        "credit_rate": decimal_text(of.invoice.consequences.credit_rate),
        "minimums": [_minimum(of, one.id) for one in agreement.charges.minimums],
        "tax_line": of.invoice.tax_line and _tax(of.invoice.tax_line),
        **_sums(of.invoice),
        "adjustments": list(of.closed.adjustments),
        "due": of.closed.due(of.invoice)["due"],
        "undecided": _undecided(of),
        "doubts": list(_doubts(of)),
        "inputs": inputs_json(inputs),
    }  # fmt: skip


def _version(terms: Terms) -> dict[str, Any]:
    return {
        "number": terms.agreement.version,
        "content_hash": terms.content_hash.hex(),
        "standing": terms.standing.value,
        "signed_by": sorted(terms.signed_by),
    }


def _sums(invoice: Invoice) -> dict[str, str]:
    return {
        "fees": invoice.fees.amount,
        "credits": invoice.credits.amount,
        "net": invoice.net.amount,
        "tax": invoice.tax.amount,
        "total": invoice.total.amount,
    }


def _measure(
    of: Computed, result: Result, inputs: Inputs, supposed: Supposed, cases: CaseList
) -> dict[str, Any]:
    measure = result.measure
    own = supposed.measure(measure.id)
    levels = {one.measure: one for one in of.work.terms.agreement.regime.service_levels}
    case = of.work.terms.agreement.services[measure.service].case
    return {
        "id": measure.id,
        "clause": measure.clause,
        "says": measure.says,
        "service": measure.service,
        "case": case,
        "cases": measure.cases.text if measure.cases else None,
        **_of_kind(result),
        "agreed": own.formula,
        "in_words": dict(_formulas(measure, case))[own.formula],
        "numerator": own.numerator,
        "denominator": own.denominator,
        "share": _share(own.numerator, own.denominator),
        "compared": own.compared,
        "level": own.level,
        "verdict": own.verdict,
        "credit_rate": own.credit_rate,
        "regime": _regime(levels.get(measure.id)),
        "formulas": [_formula(measure.id, name, words, inputs)
                     for name, words in _formulas(measure, case)],
        "groups": list(groups_of_cases(result, cases)),
        "outcomes": {one.value: cases.number(one) for one in OF_A_MEASURE},
        "left_out": _reasons(cases, Outcome.LEFT_OUT),
        "not_provable": _reasons(cases, Outcome.NOT_PROVABLE),
    }  # fmt: skip


def _reasons(cases: CaseList, outcome: Outcome) -> list[dict[str, Any]]:
    return [{"why": why, "cases": n} for why, n in reasons(cases.rows, outcome).items()]


def _of_kind(result: Result) -> dict[str, Any]:
    if isinstance(result, ClockResult):
        clock = result.measure.clock
        return {
            "kind": "clock",
            "clock": {
                "from": clock.start,
                "to": clock.stop,
                "calendar": clock.calendar,
                "pauses": list(clock.pauses),
                "within_us": result.measure.within_us,
            },
        }
    return {
        "kind": "count",
        "moment": result.measure.moment,
        "counts": [
            {"id": name, "condition": condition.text, "cases": result.counts[name]}
            for name, condition in result.measure.counts.items()
        ],
        "beside": [_beside(result, name) for name in result.measure.beside],
    }


def _beside(result: CountResult, name: str) -> dict[str, Any]:
    of = result.measure.beside[name]
    if isinstance(of, Share):
        return {"id": name, "kind": "share", "in_words": share_in_words(of),
                **_ratio(result.shares[name])}  # fmt: skip
    words = f"mean of {words_of(of.attribute)} over {words_of(of.over)}"
    return {"id": name, "kind": "mean", "in_words": words, **_ratio(result.means[name])}


def _ratio(of: Ratio) -> dict[str, Any]:
    value = of.value
    return {
        "numerator": str(of.numerator),
        "denominator": of.denominator,
        "value": None if value is None else str(value),
    }


def _formulas(measure: Measure, case: str) -> Iterator[tuple[str, str]]:
    """Yield each formula of a measure, in words."""
    if isinstance(measure, ClockMeasure):
        within = f"{case}s whose counted time is at most {duration_text(measure.within_us)}"
        yield COMPLETED, f"{within}, of those {measure.clock.stop} in the period"
        yield RECEIVED, f"{within}, of those {measure.clock.start} in the period"
    else:
        yield from ((name, share_in_words(one)) for name, one in measure.formulas.items())


def _formula(measure_id: str, name: str, in_words: str, inputs: Inputs) -> dict[str, Any]:
    """Return what a formula says, and what the period would come to by it."""
    supposed = what_if(inputs, formula={measure_id: name})
    own = supposed.measure(measure_id)
    return {
        "id": name,
        "in_words": in_words,
        "is_agreed": inputs.agreed[measure_id] == name,
        "numerator": own.numerator,
        "denominator": own.denominator,
        "share": _share(own.numerator, own.denominator),
        "compared": own.compared,
        "level": own.level,
        "verdict": own.verdict,
        "credit_rate": own.credit_rate,
        "credits": supposed.credits.amount,
        "total": supposed.total.amount,
    }


def _share(numerator: int, denominator: int) -> str | None:
    return str(Fraction(numerator, denominator)) if denominator else None


def _regime(level: ServiceLevel | None) -> dict[str, Any] | None:
    if level is None:
        return None
    return {
        "clause": level.clause,
        "compare_decimals": level.compare_decimals,
        "low_volume_below": level.low_volume_below,
        "levels": [
            {
                "at_least": decimal_text(one.at_least),
                "below": None if one.below is None else decimal_text(one.below),
                "is_met": one.is_met,
                "credit_rate": decimal_text(one.credit_rate),
            }
            for one in level.levels
        ],
    }


def _charge(of: Computed, volume: Volume, cases: CaseList) -> dict[str, Any]:
    charge = volume.charge
    return {
        "id": charge.id,
        "clause": charge.clause,
        "title": charge.title,
        "says": charge.says,
        "service": charge.service,
        "case": of.work.terms.agreement.services[charge.service].case,
        "moment": charge.moment,
        "cases": charge.cases.text if charge.cases else None,
        "billed": volume.quantity,
        "bridge": _volume_bridge(cases),
        "outcomes": {one.value: cases.number(one) for one in OF_A_CHARGE},
        "tiers": [
            {"from": tier.start, "to": tier.end, "each": decimal_text(tier.each.exact)}
            for tier in charge.tiers
        ],
    }


def _volume_bridge(cases: CaseList) -> list[dict[str, Any]]:
    """Return how many cases were seen, which part of them was measured, and which is billed."""
    left_out = reasons(cases.rows, Outcome.LEFT_OUT)
    before = left_out.pop(BEFORE, 0)
    rows = [_row(cases, "seen", len(cases.rows))]
    if before:
        rows.append(_row(cases, "before", -before, Outcome.LEFT_OUT, BEFORE))
    if still_open := cases.number(Outcome.OPEN):
        rows.append(_row(cases, "open", -still_open, Outcome.OPEN))
    rows.append(_row(cases, "measured", len(cases.rows) - before - still_open))
    rows += [
        _row(cases, outcome.value, -number, outcome, why)
        for outcome in (Outcome.LEFT_OUT, Outcome.NOT_PROVABLE)
        for why, number in reasons(cases.rows, outcome).items()
        if why != BEFORE
    ]
    return [*rows, _row(cases, "billed", cases.number(Outcome.BILLED), Outcome.BILLED)]


def _row(
    cases: CaseList, row: str, number: int, outcome: Outcome | None = None, why: str | None = None
) -> dict[str, Any]:
    opens = {"figure": cases.figure, "outcome": outcome.value if outcome else None, "why": why}
    return {"row": row, "why": why, "cases": number, "opens": None if row == "measured" else opens}


def _lines(lines: Iterable[ChargeLine]) -> Iterator[dict[str, Any]]:
    """Yield the lines; each of a volume opens the units that it charges, by their numbers."""
    for line in lines:
        yield {
            "key": line.key,
            "id": line.id,
            "clause": line.clause,
            "text": line.text,
            "quantity": line.quantity,
            "each": decimal_text(line.each.exact) if line.each else None,
            "exact": decimal_text(line.exact.exact),
            "amount": line.amount.amount,
            "opens": _units(line),
        }


def _units(line: ChargeLine) -> dict[str, Any] | None:
    if line.quantity is None:
        return None
    first = int(line.key.rsplit("/", 1)[1])
    units = [first, first + line.quantity - 1]
    return {"figure": f"charge:{line.id}", "outcome": Outcome.BILLED.value, "units": units}


def _credit(of: Computed, line: CreditLine) -> dict[str, Any]:
    terms = of.work.terms.agreement.regime.credit
    found = of.invoice.consequences
    return {
        "clause": line.clause,
        "parts": [
            {"measure": one.measure, "rate": decimal_text(one.credit_rate)}
            for one in found.judged
            if one.credit_rate
        ],
        "rates_added": decimal_text(found.rates_added),
        "cap": None if terms.cap is None else decimal_text(terms.cap),
        "is_capped": found.is_capped,
        "rate": decimal_text(line.rate),
        "base": terms.base,
        "base_of": list(of.work.terms.agreement.charges.bases[terms.base]),
        "of": line.base.amount,
        "exact": decimal_text(line.exact.exact),
        "amount": line.amount.amount,
    }


def _minimum(of: Computed, minimum_id: str) -> dict[str, Any]:
    charges = of.work.terms.agreement.charges
    minimum = next(one for one in charges.minimums if one.id == minimum_id)
    currency = of.invoice.total.currency
    made_up = sum_money((one.amount for one in of.invoice.lines if one.id == minimum_id), currency)
    charged = sum_money((one.amount for one in of.invoice.lines if one.id in minimum.of), currency)
    return {
        "id": minimum.id,
        "clause": minimum.clause,
        "title": minimum.title,
        "of": list(minimum.of),
        "at_least": minimum.at_least.amount,
        "charged": charged.amount,
        "made_up": made_up.amount,
    }


def _tax(line: TaxLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "clause": line.clause,
        "name": line.name,
        "rate": decimal_text(line.rate),
        "of": line.base.amount,
        "exact": decimal_text(line.exact.exact),
        "amount": line.amount.amount,
    }


def _undecided(of: Computed) -> dict[str, Any]:
    """Return how many questions empty values leave open, and the first of them."""
    questions: set[OpenQuestion] = set()
    for found in (*of.results, *of.invoice.volumes):
        questions.update(found.questions)
    first = sorted(questions)[:QUESTIONS_TOLD]
    return {
        "number": len(questions),
        "first": [
            {"case": one.case, "condition": one.condition, "empty": list(one.names)}
            for one in first
        ],
    }


def _doubts(of: Computed) -> Iterator[Mapping[str, str | None]]:
    """Yield what may still change the figures: the record begins too late, or ends too early."""
    first, last = of.reach.first, of.reach.last
    end = of.work.period.days.end
    assert end is not None, "a month ends"
    if first is None or last is None:
        yield {"doubt": "no events", "day": None}
    elif _day(of, first) >= end:
        yield {"doubt": "record begins after the period", "day": str(_day(of, first))}
    elif not (of.closed.state is not None and of.closed.state.stands) and (
        _day(of, last) < end - timedelta(days=1)
    ):
        yield {"doubt": "record ends before the period", "day": str(_day(of, last))}


def _day(of: Computed, at: datetime) -> Any:
    terms = of.work.terms
    return day_of(at, terms.resolved.zones[terms.agreement.zone])
