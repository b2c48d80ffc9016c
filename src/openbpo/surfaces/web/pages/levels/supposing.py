"""What if: what a month would come to by another formula or low-volume rule. Nothing is saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from openbpo.billing.statements.inputs import inputs_from
from openbpo.billing.statements.model import Inputs, Supposed
from openbpo.billing.statements.supposing import what_if
from openbpo.surfaces.web.numbers import current_locale, signed_text
from openbpo.surfaces.web.pages.levels.figures import (
    Told,
    cases_text,
    decimals_of,
    levels_of,
    money,
    of_text,
    shown_share,
    verdict_chip,
)
from openbpo.surfaces.web.parts.pieces import Chip

MOST = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Something that can be supposed, with what it alone would come to."""

    value: str
    word: str
    small: str
    share: str
    money: str
    is_chosen: bool
    is_agreed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What everything that is chosen comes to together."""

    of: str
    share: str
    chip: Chip
    lines: tuple[tuple[str, str, str], ...]
    is_as_agreed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """The form: formulas, the number below which a measure is not judged, and what comes of it."""

    formulas: tuple[Option, ...]
    low_volume: int | None
    agreed_low_volume: int | None
    low_volume_note: str
    wrong: str
    outcome: Outcome


def wished(measure: Told, asked: Mapping[str, Any]) -> tuple[str, int | None, str]:
    """Return the formula and the low volume that were asked for, and what is wrong with them."""
    known = [one["id"] for one in measure["formulas"]]
    formula = asked.get("formula") or measure["agreed"]
    regime = measure["regime"]
    agreed: int | None = regime["low_volume_below"] if regime else None
    text, wrong = str(asked.get("low_volume") or "").strip(), ""
    low_volume = agreed
    if regime is not None and text:
        if text.isascii() and text.isdigit() and 1 <= int(text) <= MOST:
            low_volume = int(text)
        else:
            wrong = _("Write a whole number from 1 on: 1 judges every month with a case.")
    return (formula if formula in known else measure["agreed"]), low_volume, wrong


def told(month: Told, measure: Told, asked: Mapping[str, Any], *, sees_money: bool) -> WhatIf:
    """Return the form for what was asked."""
    formula, low_volume, wrong = wished(measure, asked)
    inputs = inputs_from(month["inputs"])
    regime = measure["regime"]
    agreed_low = regime["low_volume_below"] if regime else None
    return WhatIf(
        formulas=tuple(
            _option(one, measure, month, chosen=formula, sees_money=sees_money)
            for one in measure["formulas"]
        ),
        low_volume=low_volume,
        agreed_low_volume=agreed_low,
        low_volume_note=_("As agreed: below %(cases)s the month is not judged.")
        % {"cases": cases_text(agreed_low)}
        if agreed_low
        else "",
        wrong=wrong,
        outcome=_outcome(inputs, month, measure, formula, low_volume, sees_money=sees_money),
    )


def _option(one: Told, measure: Told, month: Told, *, chosen: str, sees_money: bool) -> Option:
    counted = of_text(one["numerator"], one["denominator"])
    return Option(
        value=one["id"],
        word=one["in_words"],
        small=_("as agreed: %(counted)s") % {"counted": counted} if one["is_agreed"] else counted,
        share=shown_share(
            one["compared"] or one["share"], decimals_of(measure), levels_of(measure)
        ),
        money=money(one["credits"], month["currency"]) if sees_money else "",
        is_chosen=one["id"] == chosen,
        is_agreed=one["is_agreed"],
    )


def _outcome(
    inputs: Inputs,
    month: Told,
    measure: Told,
    formula: str,
    low_volume: int | None,
    *,
    sees_money: bool,
) -> Outcome:
    rule = {measure["id"]: low_volume} if low_volume is not None else {}
    found = what_if(inputs, formula={measure["id"]: formula}, low_volume=rule)
    own = found.measure(measure["id"])
    share = f"{own.numerator}/{own.denominator}" if own.denominator else None
    agreed_low = measure["regime"]["low_volume_below"] if measure["regime"] else None
    return Outcome(
        of=of_text(own.numerator, own.denominator),
        share=shown_share(own.compared or share, decimals_of(measure), levels_of(measure)),
        chip=verdict_chip(own.verdict),
        lines=_lines(found, month) if sees_money else (),
        is_as_agreed=formula == measure["agreed"] and low_volume == agreed_low,
    )


def _lines(found: Supposed, month: Told) -> tuple[tuple[str, str, str], ...]:
    """Return each amount then, and by how much it differs: word, amount, difference."""
    pairs = (
        (_("Service credit"), found.credits.amount, month["credits"]),
        (_("Total of the month"), found.total.amount, month["total"]),
    )
    return tuple(
        (word, money(then, month["currency"]), _moved(then, now, month["currency"]))
        for word, then, now in pairs
    )


def _moved(then: str, now: str, currency: str) -> str:
    difference = Decimal(then) - Decimal(now)
    if difference == 0:
        return _("no change")
    return f"{signed_text(difference, current_locale())}\u00a0{currency}"
