"""Cells of a report: numbers, shares, money and times, as a person writes them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Final

from openbpo.evidence.reconciling.model import ToldShare, ToldTime
from openbpo.values.durations import HOUR_US, MINUTE_US, SECOND_US, parse_duration_us
from openbpo.values.money import Money, Rounding, round_fraction
from openbpo.values.shares import parse_decimal

YES, NO = ("yes", "y", "true", "1"), ("no", "n", "false", "0")
MOST_DECIMALS = 9
"""More than these are what a spreadsheet's binary numbers leave behind; they are rounded off."""
MOST_CHARACTERS = 40
"""Of a number: no figure of a report has more."""
_CLOCK = re.compile(r"([0-9]{1,7}):([0-5][0-9])(?::([0-5][0-9](?:\.[0-9]{1,6})?))?")
_WHOLE = re.compile(r"[0-9]{1,12}")


class WrongCell(Exception):  # noqa: N818 - it is caught here, and becomes a mistake
    """A cell that cannot be taken: what is wrong, and the remedy."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what, self.remedy = what, remedy


STEPS: Final = {"counted": HOUR_US, "counted_minutes": MINUTE_US}
"""The columns of time, and what a bare number in each counts, in microseconds."""


def step_of_column(texts: Iterable[str], column: str) -> Fraction:
    """
    Return the step in which a column's times are told, in microseconds.

    It is that of the most precise of them: a spreadsheet shows 96.5 and 96.25 in one column, and
    drops the zeros at the end of each.
    """
    steps = [_step_of(text, STEPS[column]) for text in texts if text]
    return min(steps, default=Fraction(SECOND_US))


def _step_of(text: str, unit_us: int) -> Fraction:
    if found := _CLOCK.fullmatch(text):
        return _last_digit(found[3] or "") * SECOND_US if found[3] else Fraction(MINUTE_US)
    if re.fullmatch(r"[0-9.]+", text):
        return max(_last_digit(text), Fraction(1, 10**MOST_DECIMALS)) * unit_us
    seconds = re.search(r"([0-9.]+) ?(ms|s)$", text)
    if seconds is None:
        return Fraction(MINUTE_US if text.endswith("min") else HOUR_US)
    return _last_digit(seconds[1]) * (SECOND_US if seconds[2] == "s" else 1000)


def _last_digit(text: str) -> Fraction:
    return Fraction(1, 10 ** len(text.partition(".")[2]))


def _number(text: str) -> Fraction:
    if len(text) > MOST_CHARACTERS:
        raise _not_a_number(text)
    try:
        exact = parse_decimal(text)
    except ValueError:
        raise _not_a_number(text) from None
    return round_fraction(exact, MOST_DECIMALS, Rounding.HALF_UP)


def _not_a_number(text: str) -> WrongCell:
    return WrongCell(
        f"{text[:MOST_CHARACTERS]!r} is no number.",
        "Write digits and at most one point, as 1234.50, without thousands separators.",
    )


def whole_told(text: str) -> int:
    """Return a whole number."""
    if not _WHOLE.fullmatch(text):
        what = f"{text[:MOST_CHARACTERS]!r} is no whole number."
        raise WrongCell(what, "Write it as 1234, without thousands separators.")
    return int(text)


def share_told(text: str) -> ToldShare:
    """Return a share: 95.3 % or 0.953. A bare number above 1 could be either, and is refused."""
    plain = text.removesuffix("%").strip()
    value, step = _number(plain), _last_digit(plain)
    if text.endswith("%"):
        value, step = value / 100, step / 100
    if not 0 <= value <= 1:
        raise WrongCell(f"{text!r} is no share of 0 to 100 %.", "Write it as 95.3 % or as 0.953.")
    return ToldShare(value, max(step, Fraction(1, 10**MOST_DECIMALS)))


def money_told(text: str, currency: str, *, may_be_negative: bool) -> Money:
    """Return an amount, in the currency named or none."""
    plain = text.removesuffix(currency).strip()
    if re.search(r"[A-Z]{3}$", plain):
        raise WrongCell(f"{text!r} is not in {currency}.", f"The agreement is in {currency}.")
    money = Money(_number(plain), currency)
    if money.exact < 0 and not may_be_negative:
        raise WrongCell(f"{text!r} is below zero.", "Write what it comes to; credits are positive.")
    return money


def _time(text: str, unit_us: int, step: Fraction) -> ToldTime:
    """Return a time: 96 h 30 min, 96:30, 96:30:15, or a number of the column's unit."""
    if found := _CLOCK.fullmatch(text):
        minutes = 60 * int(found[1]) + int(found[2])
        us = minutes * MINUTE_US + Fraction(found[3] or 0) * SECOND_US
        return ToldTime(us, step)
    if text[:1].isdigit() and text[-1:].isalpha():
        try:
            return ToldTime(Fraction(parse_duration_us(text)), step)
        except ValueError as fault:
            raise WrongCell(str(fault).partition(". ")[0] + ".", "Write 96 h 30 min.") from None
    value = _number(text)
    if value < 0:
        raise WrongCell(f"{text!r} is below zero.", "No time is.")
    return ToldTime(value * unit_us, step)


def time_of(unit_us: int, step: Fraction) -> Callable[[str], ToldTime]:
    """Return what reads the times of a column that counts in a unit, told in a step."""
    return lambda text: _time(text, unit_us, step)


def within_told(text: str) -> bool:
    """Return whether a case is told to be within."""
    if text.casefold() in YES:
        return True
    if text.casefold() in NO:
        return False
    what = f"{text!r} is neither yes nor no." if text else "It does not say whether it is within."
    raise WrongCell(what, "Write yes or no.")
