"""
Lengths of time as whole microseconds, read from text and written as text.

A day ("d") is 24 hours of elapsed time, not a date on a calendar and not a working day.
"""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise
from typing import Final

from openbpo.values.shares import PLAIN_DECIMAL, decimal_text, parse_decimal

MILLISECOND_US: Final = 1_000
SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US

_UNITS_US: Final = {
    "d": DAY_US,
    "h": HOUR_US,
    "min": MINUTE_US,
    "s": SECOND_US,
    "ms": MILLISECOND_US,
}
_PART: Final = re.compile(f"({PLAIN_DECIMAL}) ?({'|'.join(_UNITS_US)})")
_PARTS: Final = re.compile(f"{_PART.pattern}(?: {_PART.pattern})*")


def parse_duration_us(text: str) -> int:
    """
    Return the microseconds that `text` names: "96 h", "1.5 h", "95 h 59 min 59.999 s".

    Each unit (d, h, min, s, ms) appears at most once, the longest first. Raises ValueError for
    anything else, and for a decimal that is not whole microseconds.
    """
    parts: list[tuple[str, str]] = _PART.findall(text)
    if not _PARTS.fullmatch(text) or not _longest_first([unit for _, unit in parts]):
        raise ValueError(
            f"{text!r} is no duration. Write it such as 96 h, 1.5 h or 2 min 30 s: "
            "units d, h, min, s, ms, the longest first."
        )
    exact = sum((parse_decimal(number) * _UNITS_US[unit] for number, unit in parts), Fraction(0))
    if exact.denominator != 1:
        raise ValueError(f"{text!r} is not whole microseconds. Write it with fewer decimals.")
    return exact.numerator


def duration_text(us: int) -> str:
    """Return `us` microseconds as people read them, exactly: "95 h 59 min 59.999 s", "0 s"."""
    hours, rest = divmod(abs(us), HOUR_US)
    minutes, seconds_us = divmod(rest, MINUTE_US)
    seconds = decimal_text(Fraction(seconds_us, SECOND_US), 0)
    parts = ((str(hours), "h"), (str(minutes), "min"), (seconds, "s"))
    text = " ".join(f"{number} {unit}" for number, unit in parts if number != "0")
    return ("-" if us < 0 else "") + (text or "0 s")


def _longest_first(units: list[str]) -> bool:
    order = list(_UNITS_US)
    return all(order.index(left) < order.index(right) for left, right in pairwise(units))
