"""charges.yaml: how what is charged is taxed, invoiced and disputed."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from openbpo.agreements.located import Path
from openbpo.agreements.model import Days, DisputeTerms, InvoiceTerms, Tax
from openbpo.agreements.reading.findings import Findings
from openbpo.values.shares import parse_percent

WHOLE = Fraction(1)
NEED_A_REASON = ("exempt", "outside_scope")


def at_most_whole(findings: Findings, name: str, path: Path, text: str) -> Fraction:
    """Return a share, and note one that is more than all."""
    share = parse_percent(text)
    if share > WHOLE:
        findings.say(name, path, f"{text} is more than all.", "Write a share of 0 % to 100 %.")
    return share


def read_tax(findings: Findings, path: Path, entry: dict[str, Any]) -> Tax:
    """Return the tax, with how the supply is taxed."""
    rate = at_most_whole(findings, "charges", (*path, "rate"), entry["rate"])
    category = entry.get("category", "standard" if rate else "zero")
    if rate and category != "standard":
        what = f"{category!r} is not taxed, and the rate is {entry['rate']}."
        findings.say("charges", (*path, "category"), what, "Write `rate: 0 %`.")
    if not rate and category == "standard":
        what = "The standard category has a rate above 0 %."
        remedy = "Name why nothing is charged: zero, exempt, reverse_charge or outside_scope."
        findings.say("charges", (*path, "category"), what, remedy)
    if category in NEED_A_REASON and "reason" not in entry:
        what = f"An invoice must say why the supply is {category.replace('_', ' ')}."
        findings.say("charges", path, what, "Add `reason:`, in the words of the law.")
    return Tax(
        id=entry["id"],
        clause=entry.get("clause"),
        name=entry["name"],
        rate=rate,
        category=category,
        reason=entry.get("reason"),
    )


def read_invoice_terms(findings: Findings) -> InvoiceTerms:
    """Return how the provider invoices."""
    entry = findings.section("charges", "invoices")
    if entry is None:
        return InvoiceTerms()
    plain, path = InvoiceTerms(), ("invoices", "due_within")
    due = _days(entry.get("due_within", f"{plain.due_days} days"))
    if due.are_business:
        what = "An invoice is due after days of the calendar."
        findings.say("charges", path, what, "Write it as 30 days.")
    if "untaxed" in entry and findings.section("charges", "tax"):
        what = "A tax is charged, so nothing says why none is."
        findings.say("charges", ("invoices", "untaxed"), what, "Leave `untaxed` or `tax` out.")
    return InvoiceTerms(
        clause=entry.get("clause"),
        number=entry.get("number", plain.number),
        order=entry.get("order"),
        due_days=due.count,
        untaxed=entry.get("untaxed"),
        is_agreed=True,
    )


def read_dispute_terms(findings: Findings) -> DisputeTerms:
    """Return how figures are disputed."""
    entry = findings.section("charges", "disputes")
    if entry is None:
        return DisputeTerms()
    calendar = entry.get("calendar")
    if calendar is not None:
        known = findings.ids("calendars")
        findings.known("charges", ("disputes", "calendar"), calendar, known, "calendar")
    for key in ("within", "answer_within"):
        if calendar is None and key in entry and _days(entry[key]).are_business:
            what = "Nothing says which days are business days."
            remedy = "Add `calendar:`, the id of a calendar, or count plain days."
            findings.say("charges", ("disputes", key), what, remedy)
    if entry.get("if_silent") == "accepted" and "answer_within" not in entry:
        what = "Silence means something only when the time to answer is over."
        findings.say("charges", ("disputes", "if_silent"), what, "Add `answer_within:`.")
    return DisputeTerms(
        clause=entry.get("clause"),
        calendar=calendar,
        within=_days(entry["within"]) if "within" in entry else None,
        answer_within=_days(entry["answer_within"]) if "answer_within" in entry else None,
        if_silent=entry.get("if_silent", "open"),
        is_agreed=True,
    )


def _days(text: str) -> Days:
    count, *rest = text.split(" ")
    return Days(count=int(count), are_business=rest[0] == "business")
