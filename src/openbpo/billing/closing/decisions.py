"""
From what was known at an entry of the record to the document of a period: pure.

The document of a period is a function of the record's entries up to one of them (`known`), and of
the documents of the periods closed before it. Adjustments are differences of two figures of the
same earlier period: as known when it was last charged, and as known now. So whatever the order in
which facts come in, a period's figures with all its adjustments are the figures of all facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from openbpo.agreements.service_levels.model import OpenQuestion
from openbpo.assurance.attainment.periods import find_period
from openbpo.billing.closing.adjusting import adjustments
from openbpo.billing.closing.figures import count_cases, figures
from openbpo.billing.closing.knowledge import Knowledge
from openbpo.billing.closing.model import Document
from openbpo.values.money import Money, sum_money
from openbpo.values.refusals import Mistake, Refusal

DOCUMENT = 1
QUESTIONS_SHOWN = 20


def document(
    knowledge: Knowledge,
    name: str,
    known: int,
    closed: Sequence[Document],
    *,
    since: int | None = None,
) -> dict[str, Any]:
    """
    Return the document of a period as known at an entry.

    `closed` and `since` are those of `adjustments`. Raises Refusal while an empty value leaves
    anything undecided, in the period or in what it adjusts.
    """
    all_terms = knowledge.terms(known)
    period, _ = find_period(all_terms, name)
    counted = count_cases(knowledge.active(period, known), all_terms, name)
    adjusted = adjustments(knowledge, known, closed, since=since)
    _refuse_undecided(name, {*counted.questions, *adjusted.questions})
    currency = counted.terms.agreement.currency
    own = figures(counted.sums, counted.terms, period)
    return {
        "document": DOCUMENT,
        "period": name,
        "days": [str(period.days.start), str(period.days.end) if period.days.end else None],
        "currency": currency,
        "known": known,
        "figures": own,
        "adjustments": adjusted.entries,
        "due": due_with(own, adjusted.entries, currency),
    }


def due_with(
    own: Mapping[str, Any], adjusted: Sequence[Mapping[str, Any]], currency: str
) -> dict[str, str]:
    """
    Return what is due: a period's own net, tax and total with the differences of others.

    Raises Refusal where these are in another currency.
    """
    for one in adjusted:
        if one["currency"] != currency:
            raise Refusal.of(
                one["period"],
                f"Its adjustment is in {one['currency']}, and this period is charged in "
                f"{currency}: they are not one sum.",
                "Accept a version that keeps the currency until the adjustment is charged.",
            )
    return {
        part: _sum([own[key], *(one["difference"][key] for one in adjusted)], currency)
        for part, key in (("net", "net"), ("tax", "tax_amount"), ("total", "total"))
    }


def _sum(amounts: Iterable[str], currency: str) -> str:
    return sum_money((Money.parse(f"{amount} {currency}") for amount in amounts), currency).amount


def _refuse_undecided(name: str, questions: Iterable[OpenQuestion]) -> None:
    asked = sorted(questions)
    mistakes = [
        Mistake(
            question.case,
            f"`{question.condition}` is undecided: {', '.join(question.names)} is empty.",
            f"Correct the case and import it again; {name} cannot be closed before.",
        )
        for question in asked[:QUESTIONS_SHOWN]
    ]
    if len(asked) > QUESTIONS_SHOWN:
        more = f"{len(asked) - QUESTIONS_SHOWN:,} more cases are undecided."
        mistakes.append(Mistake(name, more, "Correct the first ones and try again."))
    if mistakes:
        raise Refusal(*mistakes)
