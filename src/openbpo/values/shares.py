"""
Exact decimals and shares of a whole, read from text and written as text.

A share is a `Fraction`, 0..1 where it is a part of a whole; "95 %" is only how people write it.
A plain decimal is digits with at most one point: no exponent, no thousands separator, no NaN.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

PLAIN_DECIMAL: Final = r"[0-9]+(?:\.[0-9]+)?"
_DECIMAL: Final = re.compile(f"-?{PLAIN_DECIMAL}")
_PERCENT: Final = re.compile(f"(-?{PLAIN_DECIMAL}) ?%")


def parse_decimal(text: str) -> Fraction:
    """Return the exact value of a plain decimal such as "1500", "-0.50" or "0.0125"."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError(
            f"{text!r} is no plain decimal. Write digits and at most one point, such as 1500.00."
        )
    return Fraction(text)


def parse_percent(text: str) -> Fraction:
    """Return the share that `text` names: "95 %" and "95%" are 19/20, "7.25 %" is 29/400."""
    found = _PERCENT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no percentage. Write it such as 95 % or 7.25 %.")
    return parse_decimal(found[1]) / 100


def percent_text(share: Fraction) -> str:
    """Return `share` as people read it, exactly: 19/20 is "95 %", a third is "100/3 %"."""
    percent = share * 100
    return f"{decimal_text(percent, 0) if is_finite_decimal(percent) else percent} %"


def is_finite_decimal(value: Fraction) -> bool:
    """Return whether `value` can be written as a decimal that ends."""
    return _decimals(value) is not None


def decimal_text(value: Fraction, at_least: int = 2) -> str:
    """
    Return `value` exactly, with as many decimals as it needs and no fewer than `at_least`.

    1/20 is "0.05", 29/400 is "0.0725", 0 is "0.00". Raises ValueError when no decimal is exact.
    """
    needed = _decimals(value)
    if needed is None:
        raise ValueError(f"{value} has no exact decimal. Round it by a named rule first.")
    decimals = max(needed, at_least)
    digits = str(abs(value) * 10**decimals).zfill(decimals + 1)
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else sign + digits


def _decimals(value: Fraction) -> int | None:
    """Return how many decimals `value` needs, or None when its decimals never end."""
    rest, twos = _divided_out(value.denominator, 2)
    rest, fives = _divided_out(rest, 5)
    return max(twos, fives) if rest == 1 else None


def _divided_out(number: int, prime: int) -> tuple[int, int]:
    """Return `number` without its factors `prime`, and how many they were."""
    count = 0
    while number % prime == 0:
        number, count = number // prime, count + 1
    return number, count
