"""regime.yaml and charges.yaml: what results lead to, and what is charged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

from openbpo.agreements.located import Path
from openbpo.agreements.model import (
    Attribute,
    Charge,
    Charges,
    CreditTerms,
    Level,
    Measure,
    Minimum,
    Regime,
    Service,
    ServiceLevel,
    Tier,
)
from openbpo.agreements.reading.findings import Findings
from openbpo.agreements.reading.invoices import (
    at_most_whole,
    read_dispute_terms,
    read_invoice_terms,
    read_tax,
)
from openbpo.agreements.reading.work import condition
from openbpo.values.money import Money, Rounding
from openbpo.values.shares import parse_percent, percent_text

WHOLE = Fraction(1)


def read_regime(findings: Findings, measures: Mapping[str, Measure]) -> Regime | None:
    """Return what results lead to."""
    known = findings.ids("measures") | set(measures)
    levels = tuple(
        ServiceLevel(
            measure=entry["measure"],
            clause=entry.get("clause"),
            compare_decimals=_decimals(entry["compare_at"]),
            low_volume_below=entry["low_volume"]["below"],
            levels=_levels(findings, (*path, "levels"), entry["levels"]),
        )
        for path, entry in findings.entries("regime", "service_levels")
        if findings.known("regime", (*path, "measure"), entry["measure"], known, "measure")
    )
    credit = _credit(findings)
    return Regime(service_levels=levels, credit=credit) if credit is not None else None


def _decimals(compare_at: str) -> int | None:
    return None if compare_at == "exact" else int(compare_at[0])


def _levels(findings: Findings, path: Path, entries: list[dict[str, str]]) -> tuple[Level, ...]:
    levels = []
    for number, entry in enumerate(entries):
        level = _level(findings, (*path, number), entry)
        if level is not None:
            levels.append((number, level))
    levels.sort(key=lambda pair: pair[1].at_least)
    if len(levels) == len(entries):
        _refuse_gaps(findings, path, levels)
    return tuple(level for _, level in levels)


def _level(findings: Findings, path: Path, entry: dict[str, str]) -> Level | None:
    at_least = parse_percent(entry.get("at_least", "0 %"))
    below = parse_percent(entry["below"]) if "below" in entry else None
    if at_least > WHOLE or (below is not None and below > WHOLE):
        findings.say("regime", path, "A share is at most 100 %.", "Write a share of 0 % to 100 %.")
        return None
    if below is not None and below <= at_least:
        findings.say(
            "regime", path, f"No result is at least {percent_text(at_least)} and below "
            f"{percent_text(below)}.", "Write the lower bound into `at_least`.",
        )  # fmt: skip
        return None
    is_met = entry["verdict"] == "met"
    if is_met and "credit" in entry:
        findings.say("regime", path, "A met level has a credit.", "Leave `credit` out.")
    credit = at_most_whole(findings, "regime", (*path, "credit"), entry.get("credit", "0 %"))
    return Level(at_least=at_least, below=below, is_met=is_met, credit_rate=credit)


def _refuse_gaps(findings: Findings, path: Path, levels: list[tuple[int, Level]]) -> None:
    """Together the bands hold every share from 0 to 100 %, each of them once."""
    lowest, highest = levels[0][1], levels[-1][1]
    remedy = "Let each band begin where the one below it ends."
    if lowest.at_least > 0:
        what = f"No level says what a result below {percent_text(lowest.at_least)} is."
        findings.say("regime", (*path, levels[0][0]), what, "Leave `at_least` out of the lowest.")
    if highest.below is not None:
        what = f"No level says what a result of {percent_text(highest.below)} or more is."
        findings.say("regime", (*path, levels[-1][0]), what, "Leave `below` out of the highest.")
    for (_, lower), (number, upper) in pairwise(levels):
        if lower.below is None or lower.below > upper.at_least:
            what = f"A result of {percent_text(upper.at_least)} is in two levels."
            findings.say("regime", (*path, number), what, remedy)
        elif lower.below < upper.at_least:
            what = (
                f"A result of at least {percent_text(lower.below)} and below "
                f"{percent_text(upper.at_least)} is in no level."
            )
            findings.say("regime", (*path, number), what, remedy)


def _credit(findings: Findings) -> CreditTerms | None:
    entry = findings.section("regime", "credit")
    if entry is None:
        return None
    known = findings.ids("charges", "bases")
    findings.known("regime", ("credit", "of"), entry["of"], known, "charge base")
    cap = entry.get("cap")
    return CreditTerms(
        clause=entry.get("clause"),
        base=entry["of"],
        cap=at_most_whole(findings, "regime", ("credit", "cap", "at_most"), cap["at_most"])
        if cap
        else None,
    )


def read_charges(
    findings: Findings,
    currency: str | None,
    attributes: Mapping[str, Attribute],
    services: Mapping[str, Service],
) -> Charges | None:
    """Return the rate card."""
    charges = tuple(
        _charge(findings, path, entry, currency, attributes, services)
        for path, entry in findings.entries("charges", "charges")
    )
    minimums = tuple(
        _minimum(findings, path, entry, currency)
        for path, entry in findings.entries("charges", "minimums")
    )
    _refuse_shared_minimums(findings)
    bases = _bases(findings)
    taxes = [read_tax(findings, path, entry) for path, entry in findings.entries("charges", "tax")]
    rounding = findings.section("charges", "rounding")
    if rounding is None:
        return None
    return Charges(
        charges=charges,
        minimums=minimums,
        bases=bases,
        tax=taxes[0] if taxes else None,
        rounding=Rounding(rounding["rule"]),
        invoices=read_invoice_terms(findings),
        disputes=read_dispute_terms(findings),
    )


def _charge(
    findings: Findings,
    path: Path,
    entry: dict[str, Any],
    currency: str | None,
    attributes: Mapping[str, Attribute],
    services: Mapping[str, Service],
) -> Charge:
    count = entry["count"]
    at = (*path, "count")
    findings.known(
        "charges", (*at, "service"), count["service"], findings.ids("services"), "service"
    )
    service = services.get(count["service"])
    if service is not None:
        moments = set(service.moments)
        findings.known("charges", (*at, "moment"), count["moment"], moments, "moment")
    periods = findings.ids("periods")
    findings.known("charges", (*path, "period"), entry["period"], periods, "period")
    return Charge(
        id=entry["id"],
        clause=entry.get("clause"),
        says=entry.get("says"),
        service=count["service"],
        moment=count["moment"],
        cases=condition(findings, "charges", (*at, "cases"), count.get("cases"), attributes),
        period=entry["period"],
        tiers=_tiers(findings, (*path, "price"), entry["price"], currency),
        title=entry.get("title"),
    )


def _tiers(
    findings: Findings, path: Path, price: dict[str, Any], currency: str | None
) -> tuple[Tier, ...]:
    entries = price.get("graduated", [{"from": 1, "each": price.get("each")}])
    at: Path = (*path, "graduated") if "graduated" in price else path
    tiers: list[Tier] = []
    expected = 1
    for number, entry in enumerate(entries):
        here = (*at, number) if "graduated" in price else (*at, "each")
        each = money(findings, "charges", here, entry["each"], currency)
        expected = _refuse_misfit(findings, here, entry, expected, is_last=entry is entries[-1])
        if each is not None:
            tiers.append(Tier(start=entry["from"], end=entry.get("to"), each=each))
    return tuple(tiers)


def _refuse_misfit(
    findings: Findings, path: Path, entry: dict[str, Any], expected: int, *, is_last: bool
) -> int:
    """Tiers follow one another, none missing or double, the last open; return the next start."""
    start: int = entry["from"]
    end: int | None = entry.get("to")
    if start < expected:
        what = f"Unit {start} is in two tiers."
        findings.say("charges", path, what, f"Let this tier begin at {expected}.")
    elif start > expected:
        missing = (
            f"Unit {expected} is"
            if start == expected + 1
            else f"Units {expected} to {start - 1} are"
        )
        what = f"{missing} in no tier."
        findings.say("charges", path, what, f"Let this tier begin at {expected}.")
    if end is None and not is_last:
        findings.say("charges", path, "Only the last tier is open.", "Add `to:`.")
    elif end is not None and is_last:
        what = f"No tier says what unit {end + 1} costs."
        findings.say("charges", path, what, "Leave `to` out of the last tier.")
    elif end is not None and end < start:
        findings.say("charges", path, "The tier ends before it begins.", "Swap from and to.")
    return max(expected, (end if end is not None else start) + 1)


def money(
    findings: Findings, name: str, path: Path, text: str, currency: str | None
) -> Money | None:
    """Return an amount in the agreement's currency."""
    amount = findings.parse(name, path, Money.parse, text, "Write it as 38.00 EUR.")
    if amount is not None and currency is not None and amount.currency != currency:
        findings.say(
            name, path, f"{text} is not in the agreement's currency, {currency}.",
            f"Name the amount in {currency}.",
        )  # fmt: skip
        return None
    return amount


def _minimum(
    findings: Findings, path: Path, entry: dict[str, Any], currency: str | None
) -> Minimum:
    charges = findings.ids("charges", "charges")
    _refuse_unknown(findings, path, entry["of"], charges, "charge")
    if entry["id"] in charges:
        what = f"{entry['id']!r} is a charge already."
        findings.say("charges", path, what, "Give each its own name.")
    at_least = money(findings, "charges", (*path, "at_least"), entry["at_least"], currency)
    return Minimum(
        id=entry["id"],
        clause=entry.get("clause"),
        of=tuple(entry["of"]),
        at_least=at_least if at_least is not None else Money.zero(currency or "EUR"),
        title=entry.get("title"),
    )


def _refuse_shared_minimums(findings: Findings) -> None:
    """A charge that counts towards two minimums would be topped up twice."""
    counted: dict[str, str] = {}
    for path, entry in findings.entries("charges", "minimums"):
        for number, charge in enumerate(entry["of"]):
            if charge in counted:
                what = f"{charge!r} counts towards {counted[charge]!r} already."
                remedy = "Several minimums on one charge are not computed yet: keep one."
                findings.say("charges", (*path, "of", number), what, remedy)
            counted.setdefault(charge, entry["id"])


def _bases(findings: Findings) -> Mapping[str, tuple[str, ...]]:
    known = findings.ids("charges", "charges") | findings.ids("charges", "minimums")
    bases = {}
    for path, entry in findings.entries("charges", "bases"):
        _refuse_unknown(findings, path, entry["of"], known, "charge or minimum")
        bases[entry["id"]] = tuple(entry["of"])
    return bases


def _refuse_unknown(
    findings: Findings, path: Path, names: Iterable[str], known: set[str], what: str
) -> None:
    for number, name in enumerate(names):
        findings.known("charges", (*path, "of", number), name, known, what)
