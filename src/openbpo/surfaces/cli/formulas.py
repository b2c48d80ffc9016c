"""The same cases under each formula: what each says, and what each would cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from openbpo.agreements.model import ServiceLevel
from openbpo.agreements.regimes.decisions import judge
from openbpo.agreements.words import share_in_words
from openbpo.assurance.attainment.model import CountResult, Ratio, Result
from openbpo.assurance.attainment.periods import PeriodOfWork
from openbpo.billing.invoicing.model import Invoice
from openbpo.billing.invoicing.queries import credits_by_formula
from openbpo.surfaces.cli.figures import (
    VERDICTS,
    figure_text,
    head_json,
    questions_json,
    share_text,
)
from openbpo.surfaces.cli.printing import Spelled, folded, table
from openbpo.values.money import Money, Rounding, round_fraction
from openbpo.values.refusals import Refusal
from openbpo.values.shares import decimal_text

SHARE_DECIMALS = 6
MEAN_DECIMALS = 4
SHOWN_DECIMALS = 2
NONE = "–"


def counted_results(results: Sequence[Result]) -> tuple[CountResult, ...]:
    """Return the results that have formulas; raises Refusal where there is none."""
    counted = tuple(result for result in results if isinstance(result, CountResult))
    if not counted:
        raise Refusal.of(
            "--formulas",
            "No measure of this agreement is made of counts, so that there are no formulas.",
            "Leave --formulas out.",
        )
    return counted


def formulas_json(
    work: PeriodOfWork, results: Sequence[Result], invoice: Invoice, *, rejected_rows: int = 0
) -> dict[str, Any]:
    """
    Return the counts of a period by their names, and each formula with its credits.

    Shares have six decimals and means four, rounded half up once; where there is no case they are
    null. With several measures of this kind each stands in a list of its own.
    """
    told = [_measure_json(work, results, invoice, one) for one in counted_results(results)]
    own = told[0] if len(told) == 1 else {"measures": told}
    return {
        **head_json(work),
        "currency": work.terms.agreement.currency,
        **own,
        "rejected_rows": rejected_rows,
        "undecided": questions_json(results, invoice.volumes),
    }


def _measure_json(
    work: PeriodOfWork, results: Sequence[Result], invoice: Invoice, counted: CountResult
) -> dict[str, Any]:
    measure = counted.measure
    credit = credits_by_formula(work, results, invoice, counted)
    return {
        "measure": measure.id,
        "judged_by": measure.judged_by,
        **counted.counts,
        "formulas": {
            name: _spelled(counted.shares[name], SHARE_DECIMALS) for name in measure.formulas
        },
        **{name: _spelled(*_beside(counted, name)) for name in measure.beside},
        "credits": {name: amount.amount for name, amount in credit.items()},
    }


def _beside(counted: CountResult, name: str) -> tuple[Ratio, int]:
    if name in counted.means:
        return counted.means[name], MEAN_DECIMALS
    return counted.shares[name], SHARE_DECIMALS


def _spelled(ratio: Ratio, decimals: int) -> Spelled | None:
    text = _rounded(ratio, decimals)
    return Spelled(text) if text is not None else None


def _rounded(ratio: Ratio, decimals: int, times: int = 1) -> str | None:
    if (value := ratio.value) is None:
        return None
    return decimal_text(round_fraction(value * times, decimals, Rounding.HALF_UP), decimals)


def formula_lines(
    work: PeriodOfWork, results: Sequence[Result], invoice: Invoice, *, rejected_rows: int = 0
) -> list[str]:
    """Return, for each measure of counts, its counts and the same cases under each formula."""
    lines: list[str] = []
    for counted in counted_results(results):
        lines += [*([""] if lines else []), *_told(work, results, invoice, counted)]
    if rejected_rows:
        lines.append(f"  Rows that were refused and are not in these figures: {rejected_rows:,}.")
    return lines


def _told(
    work: PeriodOfWork, results: Sequence[Result], invoice: Invoice, counted: CountResult
) -> Iterator[str]:
    measure = counted.measure
    clause = f" ({measure.clause})" if measure.clause else ""
    yield from folded(f"{measure.id}{clause}. {measure.says}", "  ", "  ")
    yield ""
    rows = [(name, f"{number:,}") for name, number in counted.counts.items()]
    rows += [
        (name, _rounded(ratio, SHOWN_DECIMALS) or NONE) for name, ratio in counted.means.items()
    ]
    case = work.terms.agreement.services[measure.service].case
    yield from table((f"{case.capitalize()}s {measure.moment}", ""), rows, right=(1,))
    yield ""
    credit = credits_by_formula(work, results, invoice, counted)
    head = ("Formula", "Which share", "Within", "Share", "Verdict", "Credits")
    yield from table(head, list(_formula_rows(work, counted, credit)), right=(2, 3, 5))
    yield ""
    yield f"  * is the formula that is agreed. Fees of the period: {invoice.fees}."


def _formula_rows(
    work: PeriodOfWork, counted: CountResult, credit: Mapping[str, Money]
) -> Iterator[tuple[str, ...]]:
    measure = counted.measure
    levels = {level.measure: level for level in work.terms.agreement.regime.service_levels}
    for name, share in measure.formulas.items():
        tally = counted.tally_by(name)
        text, verdict = _judged(counted, name, levels.get(measure.id))
        yield (
            f"{name} *" if name == measure.judged_by else name,
            share_in_words(share),
            f"{tally.numerator:,} of {tally.denominator:,}",
            text,
            verdict,
            figure_text(credit[name]),
        )
    for name, ratio in counted.shares.items():
        if name not in measure.formulas:
            share_of = f"{ratio.numerator:,} of {ratio.denominator:,}"
            yield (name, "", share_of, _percent(ratio), "", "")


def _judged(counted: CountResult, name: str, level: ServiceLevel | None) -> tuple[str, str]:
    if level is None:
        return _percent(counted.shares[name]), NONE
    judged = judge(counted.tally_by(name), level)
    return share_text(judged), VERDICTS[judged.verdict]


def _percent(ratio: Ratio) -> str:
    text = _rounded(ratio, SHOWN_DECIMALS, times=100)
    return f"{text} %" if text is not None else NONE
