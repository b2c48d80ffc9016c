"""Results and invoices as they are read: in words that line up, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from openbpo.agreements.model import Agreement
from openbpo.agreements.regimes.decisions import consequences
from openbpo.agreements.regimes.model import Consequences, Judged, Verdict
from openbpo.agreements.versions.model import Standing, Terms
from openbpo.agreements.words import listed, party_text
from openbpo.assurance.attainment.model import Result
from openbpo.assurance.attainment.periods import PeriodOfWork
from openbpo.billing.invoicing.model import Invoice
from openbpo.billing.metering.model import Volume
from openbpo.surfaces.cli.printing import folded, table
from openbpo.values.money import Money, Rounding, round_fraction, sum_money
from openbpo.values.shares import decimal_text, percent_text

VERDICTS = {
    Verdict.MET: "met",
    Verdict.DEFAULT: "default",
    Verdict.LOW_VOLUME: "low volume",
}
MINUS = "−"
MOST_DECIMALS = 8
CASES_SHOWN = 12
SUMS = ("fees", "credits", "net", "tax", "total")


def standing_line(terms: Terms) -> str:
    """Return by which version a figure was computed, and whose word that is."""
    version = f"version {terms.agreement.version} ({terms.content_hash.hex()[:12]})"
    if terms.standing is Standing.AGREED:
        return f"By {version}, agreed by both parties."
    return f"By {version}, our reading: only the {listed(terms.signed_by)} has signed it."


def share_text(judged: Judged) -> str:
    """
    Return the share in per cent with two decimals, or as many more as it takes to tell on which
    side of a level it lies; a dash where nothing was completed.
    """
    if judged.denominator == 0:
        return "–"
    share = judged.compared
    if share is None:
        share = Fraction(judged.numerator, judged.denominator)
    for digits in range(2, MOST_DECIMALS):
        shown = round_fraction(share, 2 + digits, Rounding.HALF_UP)
        if _same_level(judged, shown):
            break
    return f"{decimal_text(shown * 100, at_least=2)} %"


def _same_level(judged: Judged, shown: Fraction) -> bool:
    level = judged.level
    return level is None or (
        shown >= level.at_least and (level.below is None or shown < level.below)
    )


def judged_lines(found: Consequences) -> list[str]:
    """Return the service levels as a table."""
    rows = [
        (
            judged.measure,
            f"{judged.numerator:,} of {judged.denominator:,}",
            share_text(judged),
            VERDICTS[judged.verdict],
            percent_text(judged.credit_rate) if judged.credit_rate else "–",
        )
        for judged in found.judged
    ]
    return table(("Service level", "Within", "Share", "Verdict", "Credit"), rows, right=(1, 2, 4))


def credit_sentence(found: Consequences, agreement: Agreement) -> str:
    """Return what the verdicts come to."""
    if found.rates_added == 0:
        return "No service credit."
    base = agreement.regime.credit.base
    rate = f"{percent_text(found.credit_rate)} of {base}"
    if found.is_capped:
        return f"Service credit: {percent_text(found.rates_added)} added, capped: {rate}."
    return f"Service credit: {rate}."


def attained_json(work: PeriodOfWork, results: Sequence[Result]) -> dict[str, Any]:
    """Return a period's results."""
    found = consequences((result.tally for result in results), work.terms.agreement.regime)
    return {
        **head_json(work),
        "service_levels": [_judged_json(judged) for judged in found.judged],
        "credit_rate": decimal_text(found.credit_rate),
        "undecided": questions_json(results),
    }


def head_json(work: PeriodOfWork) -> dict[str, Any]:
    """Return of which period figures are, and by which terms."""
    terms = work.terms
    return {
        "period": work.period.name,
        "version": terms.agreement.version,
        "content_hash": terms.content_hash.hex(),
        "standing": terms.standing.value,
        "signed_by": list(terms.signed_by),
    }


def _judged_json(judged: Judged) -> dict[str, Any]:
    return {
        "id": judged.measure,
        "numerator": judged.numerator,
        "denominator": judged.denominator,
        "verdict": judged.verdict.value,
        "credit_rate": decimal_text(judged.credit_rate),
    }


def questions_json(
    results: Sequence[Result], volumes: Sequence[Volume] = ()
) -> list[dict[str, Any]]:
    """Return what empty values left undecided, in results and in billable volumes."""
    of_results = {question for result in results for question in result.questions}
    of_volumes = {question for volume in volumes for question in volume.questions}
    questions = sorted(of_results | of_volumes)
    return [{"case": q.case, "condition": q.condition, "empty": list(q.names)} for q in questions]


def invoice_json(work: PeriodOfWork, results: Sequence[Result], invoice: Invoice) -> dict[str, Any]:
    """Return an invoice; amounts are texts with the currency's decimals, credits are positive."""
    return {
        **head_json(work),
        "currency": work.terms.agreement.currency,
        "fees": invoice.fees.amount,
        "credits": invoice.credits.amount,
        "net": invoice.net.amount,
        "tax": invoice.tax.amount,
        "total": invoice.total.amount,
        "service_levels": [_judged_json(judged) for judged in invoice.consequences.judged],
        "lines": [
            {
                "id": line.id,
                "clause": line.clause,
                "text": line.text,
                "quantity": line.quantity,
                "each": _plain(line.each) if line.each else None,
                "amount": line.amount.amount,
            }
            for line in invoice.lines
        ],
        "credit_line": invoice.credit
        and {
            "clause": invoice.credit.clause,
            "rate": decimal_text(invoice.consequences.credit_rate),
            "rates_added": decimal_text(invoice.consequences.rates_added),
            "of": invoice.credit.base.amount,
            "amount": invoice.credit.amount.amount,
        },
        "tax_line": invoice.tax_line
        and {
            "id": invoice.tax_line.id,
            "name": invoice.tax_line.name,
            "rate": decimal_text(invoice.tax_line.rate),
            "of": invoice.tax_line.base.amount,
            "amount": invoice.tax_line.amount.amount,
        },
        "undecided": questions_json(results, invoice.volumes),
    }


def _plain(money: Money) -> str:
    return decimal_text(money.exact)


def invoice_lines(work: PeriodOfWork, invoice: Invoice) -> list[str]:
    """Return an invoice as it is read."""
    agreement = work.terms.agreement
    rows = [
        (
            line.text,
            f"{line.quantity:,}" if line.quantity is not None else "",
            figure_text(line.each) if line.each else "",
            figure_text(line.amount),
        )
        for line in invoice.lines
    ]
    rows.append(("Fees", "", "", figure_text(invoice.fees)))
    if invoice.credit is not None:
        of = f"{percent_text(invoice.credit.rate)} of {figure_text(invoice.credit.base)}"
        text = f"Service credit, {of}"
        rows.append((text, "", "", MINUS + figure_text(invoice.credit.amount)))
    rows.append(("Net", "", "", figure_text(invoice.net)))
    if invoice.tax_line is not None:
        tax = invoice.tax_line
        text = f"{tax.name} {percent_text(tax.rate)} of {figure_text(tax.base)}"
        rows.append((text, "", "", figure_text(tax.amount)))
    rows.append(("Total", "", "", figure_text(invoice.total)))
    head = ("", "Quantity", "Each", f"Amount {agreement.currency}")
    return [
        *folded(f"From: {party_text(agreement.provider)}", "  ", "        "),
        *folded(f"To:   {party_text(agreement.client)}", "  ", "        "),
        "",
        *table(head, rows, right=(1, 2, 3)),
    ]


def figure_text(money: Money) -> str:
    """Return an amount as it is read, without its currency."""
    return str(money).rsplit(" ", 1)[0]


def year_lines(found: Sequence[tuple[PeriodOfWork, Invoice]]) -> list[str]:
    """Return one line for each period, and their sum; versions may name different measures."""
    invoices = [invoice for _, invoice in found]
    judged = [{j.measure: _short(j) for j in invoice.consequences.judged} for invoice in invoices]
    levels = list(dict.fromkeys(measure for of_period in judged for measure in of_period))
    rows = [
        (
            work.period.name,
            *(of_period.get(level, "") for level in levels),
            *(figure_text(getattr(invoice, name)) for name in SUMS),
        )
        for (work, invoice), of_period in zip(found, judged, strict=True)
    ]
    currencies = {invoice.total.currency for invoice in invoices}
    if len(currencies) == 1:
        rows.append(("Sum", *("" for _ in levels), *_sums(invoices, *currencies)))
    head = ("Period", *levels, *(name.capitalize() for name in SUMS[:-1]))
    right = tuple(range(1 + len(levels), 6 + len(levels)))
    return table((*head, f"Total {' or '.join(sorted(currencies))}"), rows, right=right)


def _sums(invoices: Sequence[Invoice], currency: str) -> tuple[str, ...]:
    return tuple(
        figure_text(sum_money((getattr(invoice, name) for invoice in invoices), currency))
        for name in SUMS
    )


def _short(judged: Judged) -> str:
    counts = f"{judged.numerator}/{judged.denominator}"
    return f"{counts} {VERDICTS[judged.verdict]}"


def question_lines(results: Sequence[Result], volumes: Sequence[Volume]) -> list[str]:
    """Return what empty values left undecided, as warnings."""
    return [
        f"Undecided: {q['case']}: `{q['condition']}`, because {listed(q['empty'])} is empty. The "
        "figures take it not to hold until that is corrected."
        for q in questions_json(results, volumes)
    ]


def adjustment_lines(document: Mapping[str, Any]) -> list[str]:
    """Return what a period's document adjusts of earlier periods, by line, with the reasons."""
    told: list[str] = []
    for one in document["adjustments"]:
        rows = _adjustment_rows(one["difference"], one["currency"])
        head = (f"Adjustment of {one['period']}", "Quantity", f"Amount {one['currency']}")
        told += ["", *table(head, rows, right=(1, 2)), "", *_reason_lines(one["reasons"])]
    return told


def _adjustment_rows(difference: Mapping[str, Any], currency: str) -> list[tuple[str, str, str]]:
    def money(amount: str) -> Money:
        return Money.parse(f"{amount} {currency}")

    rows = [
        (
            line["text"],
            f"{line['quantity']:+,}" if line["quantity"] is not None else "",
            _signed(money(line["amount"])),
        )
        for line in difference["lines"]
    ]
    credits_ = money(difference["credits"])
    if credits_ != Money.zero(currency):
        rows.append(("Service credit", "", _signed(-credits_)))
    for name, key in (("Net", "net"), ("Tax", "tax_amount"), ("Total", "total")):
        rows.append((name, "", _signed(money(difference[key]))))
    return rows


def _reason_lines(reasons: Sequence[Mapping[str, Any]]) -> list[str]:
    by_why: dict[str, list[str]] = {}
    for reason in reasons:
        by_why.setdefault(reason["why"], []).append(reason.get("case", ""))
    told = []
    for why, cases in by_why.items():
        named = [case for case in cases if case]
        shown = ", ".join(named[:CASES_SHOWN])
        more = f" and {len(named) - CASES_SHOWN:,} more" if len(named) > CASES_SHOWN else ""
        told += folded(
            f"{why.capitalize()}: {shown}{more}." if named else f"{why.capitalize()}.", "  ", "    "
        )
    return told


def due_line(document: Mapping[str, Any]) -> str:
    """Return what is due with all adjustments."""
    return f"  Due with adjustments: {due_text(document)}."


def due_text(document: Mapping[str, Any]) -> str:
    """Return what is due as net, tax and total."""
    net, tax, total = (
        amount_text(document["due"][part], document["currency"]) for part in ("net", "tax", "total")
    )
    return f"{net} net, {tax} tax, {total} {document['currency']}"


def amount_text(amount: str, currency: str) -> str:
    """Return an amount that a document holds as it is read, without its currency."""
    return figure_text(Money.parse(f"{amount} {currency}"))


def _signed(amount: Money) -> str:
    zero = Money.zero(amount.currency)
    if amount < zero:
        return MINUS + figure_text(-amount)
    return f"+{figure_text(amount)}" if amount > zero else figure_text(amount)
