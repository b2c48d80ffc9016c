"""Figures and words of service levels: shares as they were compared, verdicts, reasons. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from openbpo.surfaces.web.numbers import current_locale, figure_text, money_text, share_text
from openbpo.surfaces.web.parts.pieces import Chip, Level, Month, Scale, Shape, Trend
from openbpo.values.durations import duration_text
from openbpo.values.money import Rounding, round_fraction
from openbpo.values.shares import decimal_text, is_finite_decimal

Told = Mapping[str, Any]
Levels = Sequence[Fraction]
DECIMALS, MOST_DECIMALS = 2, 12
MONTHS = 12


def points(
    share: Fraction | str | None, decimals: int | None = None, levels: Levels = ()
) -> Decimal | None:
    """
    Return a share in per cent points, rounded at the decimals at which it is compared.

    One that is compared exactly has two of them, or as many more as it takes to tell on which side
    of a level it lies, as on the command line.
    """
    if share is None:
        return None
    exact = Fraction(share)
    if decimals is not None:
        rounded = round_fraction(exact * 100, decimals, Rounding.HALF_UP)
        return Decimal(decimal_text(rounded, decimals))
    for digits in range(DECIMALS, MOST_DECIMALS):
        rounded = round_fraction(exact * 100, digits, Rounding.HALF_UP)
        if all((exact >= level) == (rounded / 100 >= level) for level in levels):
            break
    return Decimal(decimal_text(rounded, DECIMALS))


def levels_of(measure: Told) -> Levels:
    """Return where the levels of a measure begin."""
    regime = measure["regime"]
    return tuple(Fraction(level["at_least"]) for level in (regime["levels"] if regime else ()))


def level_points(share: str | Fraction) -> Decimal:
    """Return a level in per cent points, with no more decimals than it has."""
    return Decimal(decimal_text(Fraction(share) * 100, 0))


def shown_share(
    share: Fraction | str | None, decimals: int | None = None, levels: Levels = ()
) -> str:
    """Return a share as it is read: 82.02 %; a dash where there is no case."""
    found = points(share, decimals, levels)
    return "–" if found is None else share_text(found, current_locale())


def shown_level(share: str | Fraction) -> str:
    """Return a level or a rate as it is read: 85 %."""
    value = Fraction(share) * 100
    if not is_finite_decimal(value):
        return shown_share(share)
    return share_text(level_points(share), current_locale())


def number(value: int) -> str:
    """Return a whole number as the language writes it."""
    return figure_text(value, current_locale())


def money(amount: str | Decimal, currency: str) -> str:
    """Return an amount with its currency."""
    return money_text(amount, currency, current_locale())


def of_text(numerator: int, denominator: int) -> str:
    """Return the two numbers of a share: 4,096 of 4,994."""
    return _("%(n)s of %(of)s") % {"n": number(numerator), "of": number(denominator)}


def decimals_of(measure: Told) -> int | None:
    """Return at how many decimals of a per cent a measure is compared, None where exactly."""
    regime = measure["regime"]
    found: int | None = regime["compare_decimals"] if regime else None
    return found


def share_of(measure: Told) -> str | None:
    """Return a measure's share as it was compared, or as it was counted where none was."""
    found: str | None = measure["compared"] or measure["share"]
    return found


# --- Verdicts and states ---------------------------------------------------------------------


def verdict_chip(verdict: str | None, *, undecided: int = 0) -> Chip:
    """Return a verdict as a chip: met, default, low volume, or that nothing judges it."""
    known: dict[str | None, tuple[Shape, str]] = {
        "met": (Shape.MET, _("Met")),
        "default": (Shape.DEFAULT, _("Default")),
        "low_volume": (Shape.LOW, _("Low volume")),
        None: (Shape.PLAIN, _("Not judged")),
    }
    shape, word = known[verdict]
    if undecided and verdict is None:
        return Chip(Shape.NOT_PROVABLE, _("Not provable"))
    return Chip(shape, word)


def state_chip(state: str) -> Chip:
    """Return the state of a period as a chip."""
    known = {
        "open": (Shape.PRELIMINARY, _("Preliminary")),
        "preliminary": (Shape.PRELIMINARY, _("Preliminary")),
        "reported": (Shape.AGREED, _("Reported")),
        "agreed": (Shape.AGREED, _("Agreed")),
        "disputed": (Shape.DISPUTED, _("Disputed")),
        "final": (Shape.AGREED, _("Final")),
    }
    return Chip(*known[state])


def is_preliminary(state: str) -> bool:
    """Whether a period's figures may still change of themselves."""
    return state in ("open", "preliminary")


STATE_NOTES: Mapping[str, Callable[[], str]] = {
    "open": lambda: _("It is open: what comes in still changes these figures."),
    "preliminary": lambda: _("It is preliminary: what comes in still changes these figures."),
    "reported": lambda: _("The provider has reported these figures; they stand."),
    "agreed": lambda: _("Both sides stand by these figures."),
    "disputed": lambda: _("The client disputes these figures; they stand until that is settled."),
    "final": lambda: _("These figures are final."),
}


# --- Outcomes --------------------------------------------------------------------------------

OUTCOME_WORDS: Mapping[str, Callable[[], str]] = {
    "within": lambda: _("Within"),
    "late": lambda: _("Late"),
    "open": lambda: _("Still open"),
    "left_out": lambda: _("Left out"),
    "not_provable": lambda: _("Not provable"),
    "billed": lambda: _("Billed"),
}
IN_ORDER = ("within", "late", "open", "left_out", "not_provable")
"""The outcomes of a measure, as they are listed."""
OUTCOME_SHAPES = {
    "within": Shape.MET,
    "late": Shape.DEFAULT,
    "open": Shape.PRELIMINARY,
    "left_out": Shape.PLAIN,
    "not_provable": Shape.NOT_PROVABLE,
    "billed": Shape.AGREED,
}


def outcome_chip(outcome: str) -> Chip:
    """Return what became of a case as a chip."""
    return Chip(OUTCOME_SHAPES[outcome], OUTCOME_WORDS[outcome]())


def named(word: str) -> str:
    """Return an id of the agreement as words: short_abandons is "short abandons"."""
    return word.replace("_", " ").replace("-", " ")


def titled(word: str) -> str:
    """Return an id of the agreement as words with a capital letter."""
    words = named(word)
    return words[:1].upper() + words[1:]


def reason_text(why: str) -> str:
    """Return why a case is left out or not provable."""
    kind, _sep, about = why.partition(": ")
    if kind == "condition":
        return _("The measure is not of it: %(condition)s does not hold") % {"condition": about}
    if kind == "empty":
        return _("Nothing is told of: %(names)s") % {"names": named(about)}
    if kind == "counts":
        return _("Only in: %(names)s") % {"names": named(about)} if about else _("In no count")
    words = {
        "before": _("Charged in an earlier period"),
        "not started": _("Its clock never started"),
    }
    return words.get(why, named(why))


def whose_text(whose: str | None) -> str:
    """Return whose minutes made a case late."""
    return {"provider": _("Provider"), "client": _("Client")}.get(whose or "", "")


def lasted(us: int | None) -> str:
    """Return how long something lasted, exactly."""
    return "" if us is None else duration_text(us)


def instant(text: str) -> datetime:
    """Return an instant of a statement."""
    return datetime.fromisoformat(text)


def doubt_text(doubt: Told, day_text: Callable[[date], str]) -> str:
    """Return what may still change a period's figures."""
    day = day_text(date.fromisoformat(doubt["day"])) if doubt["day"] else ""
    words = {
        "no events": _("The record has no events at all."),
        "record begins after the period": _("The record begins on %(day)s, after this month."),
        "record ends before the period": _("The record ends on %(day)s, before this month does."),
    }
    return words[doubt["doubt"]] % {"day": day}


def cases_text(count: int) -> str:
    """Return a number of cases."""
    return ngettext("%(n)s case", "%(n)s cases", count) % {"n": number(count)}


# --- Trends ----------------------------------------------------------------------------------


def expected_levels(regime: Told | None) -> list[Level]:
    """Return the levels that divide a regime's verdicts: the highest is expected."""
    if regime is None:
        return []
    found = sorted({Fraction(one["at_least"]) for one in regime["levels"]} - {Fraction(0)})
    words = [shown_level(one) for one in found]
    return [
        Level(level_points(one), _("expected %(level)s") % {"level": word})
        if nth == len(found) - 1
        else Level(level_points(one), _("minimum %(level)s") % {"level": word}, is_minimum=nth == 0)
        for nth, (one, word) in enumerate(zip(found, words, strict=True))
    ]


def scale_over(values: Sequence[Decimal], levels: Sequence[Level]) -> Scale:
    """Return a scale that holds values and levels with room at both ends."""
    held = [*values, *(level.at for level in levels)]
    low, high = min(held, default=Decimal(0)), max(held, default=Decimal(100))
    room = max((high - low) / 8, Decimal(1))
    return Scale(max(low - room, Decimal(0)), min(high + room, Decimal(100)), tuple(levels))


_SHAPES = {"met": Shape.MET, "default": Shape.DEFAULT, "low_volume": Shape.LOW, None: Shape.MET}


def trend_of(
    months: Sequence[tuple[str, str, Told]], label: str, word: Callable[[str], str]
) -> Trend:
    """Return the trend of a measure from (period, state, measure), the newest last."""
    shown = [
        _month(word(period), state, measure, is_last=nth == len(months) - 1)
        for nth, (period, state, measure) in enumerate(months)
    ]
    levels = expected_levels(months[-1][2]["regime"]) if months else []
    values = [one.value for one in shown if one.value is not None]
    return Trend(shown, scale_over(values, levels), label)


def _month(word: str, state: str, measure: Told, *, is_last: bool) -> Month:
    decimals = decimals_of(measure)
    value = points(share_of(measure), decimals, levels_of(measure))
    shape = _SHAPES[measure["verdict"]]
    if is_last and is_preliminary(state):
        shape = Shape.PRELIMINARY
    elif state == "disputed":
        shape = Shape.DISPUTED
    told = "" if value is None else figure_text(value, current_locale())
    return Month(word, value, shape, told)
