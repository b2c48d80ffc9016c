"""From a period's cases to its sums, and from sums to figures as a document holds them: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from openbpo.agreements.regimes.decisions import consequences
from openbpo.agreements.regimes.model import Consequences, Judged, Tally
from openbpo.agreements.service_levels.model import OpenQuestion
from openbpo.agreements.versions.model import Terms
from openbpo.assurance.attainment.periods import PeriodOfWork, attain, find_period, work_from
from openbpo.billing.closing.model import Counted, Sums
from openbpo.billing.invoicing.decisions import invoice
from openbpo.billing.invoicing.model import Charged, CreditLine, TaxLine
from openbpo.billing.invoicing.queries import refuse_unknown_moments
from openbpo.billing.metering.decisions import meter
from openbpo.billing.rating.model import ChargeLine
from openbpo.record.model import RecordedEvent
from openbpo.values.periods import Period
from openbpo.values.shares import decimal_text

EVENTS_AT_A_TIME = 10_000


@dataclass(frozen=True, slots=True)
class Counting:
    """A period's sums with the terms that they are judged by, and what nothing decided."""

    terms: Terms
    period: Period
    sums: Sums
    questions: tuple[OpenQuestion, ...]


def count(work: PeriodOfWork) -> Counting:
    """Return the sums of a period's cases."""
    refuse_unknown_moments(work)
    results = attain(work)
    cases = tuple(work.all_cases)
    volumes = [meter(c, cases, work.period) for c in work.terms.agreement.charges.charges]
    tallies = [result.tally for result in results]
    questions = {question for result in results for question in result.questions}
    questions |= {question for volume in volumes for question in volume.questions}
    return Counting(
        work.terms,
        work.period,
        Sums(
            {tally.measure: (tally.numerator, tally.denominator) for tally in tallies},
            {volume.charge.id: volume.quantity for volume in volumes},
        ),
        tuple(sorted(questions)),
    )


def count_cases(events: Iterable[RecordedEvent], all_terms: Sequence[Terms], name: str) -> Counting:
    """
    Return the sums of a period's cases, which come case by case, in memory that does not grow.

    Sums of disjoint cases add up, so they are counted some cases at a time.
    """
    period, governing = find_period(all_terms, name)
    sums, questions = Sums({}, {}), set[OpenQuestion]()
    for portion in _portions(events):
        counted = count(work_from(portion, all_terms, name))
        sums = sums.plus(counted.sums)
        questions.update(counted.questions)
    if not sums.measures:
        sums = count(work_from((), all_terms, name)).sums
    return Counting(governing, period, sums, tuple(sorted(questions)))


def _portions(events: Iterable[RecordedEvent]) -> Iterator[list[RecordedEvent]]:
    """Yield the events of some cases at a time, never a part of a case."""
    portion: list[RecordedEvent] = []
    for _, of_case in groupby(events, key=lambda event: (event.kind, event.subject)):
        portion += of_case
        if len(portion) >= EVENTS_AT_A_TIME:
            yield portion
            portion = []
    if portion:
        yield portion


def charged(sums: Sums, terms: Terms, period: Period) -> Charged[Counted]:
    """Return the invoice that a period's sums come to."""
    agreement = terms.agreement
    return invoice(
        period,
        [Counted(charge, sums.charges.get(charge.id, 0)) for charge in agreement.charges.charges],
        _judged(sums, terms),
        charges=agreement.charges,
        credit=agreement.regime.credit,
        currency=agreement.currency,
    )


def _judged(sums: Sums, terms: Terms) -> Consequences:
    tallies = (Tally(name, *sums.measures.get(name, (0, 0))) for name in terms.agreement.measures)
    return consequences(tallies, terms.agreement.regime)


def figures(sums: Sums, terms: Terms, period: Period) -> dict[str, Any]:
    """Return a period's figures as a document holds them: verdicts, lines, credit, tax, sums."""
    found = charged(sums, terms, period)
    return {
        "version": _version(terms),
        "sums": sums.as_json(),
        "service_levels": [_service_level(one) for one in found.consequences.judged],
        "lines": [_line(line) for line in found.lines],
        "credit": _credit(found.credit) if found.credit else None,
        "tax": _tax(found.tax_line) if found.tax_line else None,
        "fees": found.fees.amount,
        "credits": found.credits.amount,
        "net": found.net.amount,
        "tax_amount": found.tax.amount,
        "total": found.total.amount,
    }


def came_to(told: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return what a period came to, without the version that says so.

    A signature that is given later, or a version that changes nothing of a period, changes no
    figure of it.
    """
    return {name: value for name, value in told.items() if name != "version"}


def _version(terms: Terms) -> dict[str, Any]:
    return {
        "number": terms.agreement.version,
        "content_hash": terms.content_hash.hex(),
        "standing": terms.standing.value,
        "signed_by": sorted(terms.signed_by),
    }


def _service_level(judged: Judged) -> dict[str, Any]:
    return {
        "id": judged.measure,
        "numerator": judged.numerator,
        "denominator": judged.denominator,
        "verdict": judged.verdict.value,
        "credit_rate": decimal_text(judged.credit_rate),
    }


def _line(line: ChargeLine) -> dict[str, Any]:
    return {
        "key": line.key,
        "id": line.id,
        "text": line.text,
        "quantity": line.quantity,
        "each": decimal_text(line.each.exact) if line.each else None,
        "amount": line.amount.amount,
    }


def _credit(credit: CreditLine) -> dict[str, Any]:
    return {
        "rate": decimal_text(credit.rate),
        "of": credit.base.amount,
        "amount": credit.amount.amount,
    }


def _tax(tax: TaxLine) -> dict[str, Any]:
    return {
        "id": tax.id,
        "name": tax.name,
        "rate": decimal_text(tax.rate),
        "of": tax.base.amount,
        "amount": tax.amount.amount,
    }
