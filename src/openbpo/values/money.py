"""
Money is exact, carries its currency, and is rounded only where a rule is named.

`exact` counts major units (euros, not cents) as a `Fraction`; no float ever enters. A rate may be
finer than the currency's minor unit (0.0125 EUR a call); what is paid is whole minor units.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from openbpo.values.currencies import minor_digits
from openbpo.values.shares import PLAIN_DECIMAL, decimal_text, is_finite_decimal, parse_decimal

_MONEY: Final = re.compile(f"(-?{PLAIN_DECIMAL}) ([A-Z]{{3}})")


class CurrencyMismatch(ValueError):  # noqa: N818 - it is named for what is wrong
    """Two currencies met in one sum or comparison. Convert one by an agreed rate first."""

    def __init__(self, left: str, right: str) -> None:
        self.left, self.right = left, right
        super().__init__(f"{left} and {right} do not mix. Convert one by an agreed rate first.")


class Rounding(StrEnum):
    """By which rule a value that falls between two steps goes to one of them."""

    HALF_UP = "half_up"
    """To the nearest; the half goes away from zero: 0.5 is 1, -0.5 is -1."""
    HALF_DOWN = "half_down"
    """To the nearest; the half goes toward zero: 0.5 is 0, -0.5 is 0."""
    HALF_EVEN = "half_even"
    """To the nearest; the half goes to the even neighbour: 0.5 is 0, 1.5 is 2."""
    UP = "up"
    """Away from zero: 0.1 is 1, -0.1 is -1."""
    DOWN = "down"
    """Toward zero: 0.9 is 0, -0.9 is 0."""
    CEILING = "ceiling"
    """Toward plus infinity: 0.1 is 1, -0.9 is 0."""
    FLOOR = "floor"
    """Toward minus infinity: 0.9 is 0, -0.1 is -1."""


# Whether a value strictly between `low` and `low + 1` goes up. `side` is the sign of its distance
# from the half; `low < 0` says that the value is negative.
_GOES_UP: Final[dict[Rounding, Callable[[int, int], bool]]] = {
    Rounding.HALF_UP: lambda low, side: side > 0 or (side == 0 and low >= 0),
    Rounding.HALF_DOWN: lambda low, side: side > 0 or (side == 0 and low < 0),
    Rounding.HALF_EVEN: lambda low, side: side > 0 or (side == 0 and low % 2 == 1),
    Rounding.UP: lambda low, _side: low >= 0,
    Rounding.DOWN: lambda low, _side: low < 0,
    Rounding.CEILING: lambda _low, _side: True,
    Rounding.FLOOR: lambda _low, _side: False,
}


def round_fraction(x: Fraction, digits: int, rounding: Rounding) -> Fraction:
    """Return `x` rounded to `digits` decimals (negative: to tens, hundreds) by the named rule."""
    step = Fraction(10) ** -digits
    low, rest = divmod(x, step)
    if not rest:
        return x
    twice = 2 * rest
    return (low + _GOES_UP[rounding](low, (twice > step) - (twice < step))) * step


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount of one currency. Equal only to the same amount of the same currency."""

    exact: Fraction
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.exact, Fraction):
            raise TypeError(f"Money holds a Fraction, not {self.exact!r}.")
        minor_digits(self.currency)

    @classmethod
    def parse(cls, text: str) -> Money:
        """Return the money that `text` names, such as "38.00 EUR" or a rate of "0.0125 EUR"."""
        found = _MONEY.fullmatch(text)
        if found is None:
            raise ValueError(
                f"{text!r} is no amount of money. Write a plain decimal, one space and a currency, "
                "such as 1500.00 EUR: no thousands separator, no exponent."
            )
        return cls(parse_decimal(found[1]), found[2])

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Return no money, of `currency`."""
        return cls(Fraction(0), currency)

    @classmethod
    def from_minor_units(cls, units: int, currency: str) -> Money:
        """Return `units` of the currency's smallest coin: 3800 of EUR are 38.00 EUR."""
        return cls(Fraction(units, _units_in_one(currency)), currency)

    @property
    def minor_units(self) -> int:
        """How many minor units these are. Raises ValueError when they are not whole."""
        units = self.exact * _units_in_one(self.currency)
        if units.denominator != 1:
            raise ValueError(f"{self} is not whole minor units. Round it by a named rule first.")
        return units.numerator

    @property
    def amount(self) -> str:
        """The amount with the currency's decimals, "1500.00". Raises ValueError when not whole."""
        whole = Fraction(self.minor_units, _units_in_one(self.currency))
        return decimal_text(whole, minor_digits(self.currency))

    def rounded(self, rounding: Rounding) -> Money:
        """Return this rounded to the currency's minor unit by the named rule."""
        digits = minor_digits(self.currency)
        return Money(round_fraction(self.exact, digits, rounding), self.currency)

    def split_by(self, weights: Sequence[int]) -> tuple[Money, ...]:
        """
        Return one share a weight, by largest remainder: the shares always sum to the whole.

        Each share is whole minor units and less than one from its exact part; what is left over
        goes one unit at a time to the largest remainders, on a tie to the earlier position.
        A debt is split as its amount would be. Raises ValueError when this is not whole minor
        units, a weight is negative, or no weight is above zero.
        """
        if min(weights, default=0) < 0 or not sum(weights):
            raise ValueError(f"{list(weights)} shares out nothing. Give weights above zero.")
        units = self.minor_units
        sign = -1 if units < 0 else 1
        shares = _largest_remainder(abs(units), weights)
        return tuple(Money.from_minor_units(sign * share, self.currency) for share in shares)

    def __add__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        return Money(self.exact + self._same_currency(other).exact, self.currency)

    def __sub__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        return Money(self.exact - self._same_currency(other).exact, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.exact, self.currency)

    def __mul__(self, times: int | Fraction) -> Money:
        if not isinstance(times, int | Fraction):
            return NotImplemented
        return Money(self.exact * times, self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: Money) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.exact < self._same_currency(other).exact

    def __le__(self, other: Money) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.exact <= self._same_currency(other).exact

    def __gt__(self, other: Money) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.exact > self._same_currency(other).exact

    def __ge__(self, other: Money) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.exact >= self._same_currency(other).exact

    def __str__(self) -> str:
        """Return "1,500.00 EUR": every digit when the decimal ends, else the fraction."""
        if not is_finite_decimal(self.exact):
            return f"{self.exact} {self.currency}"
        sign = "-" if self.exact < 0 else ""
        digits = decimal_text(abs(self.exact), minor_digits(self.currency))
        whole, point, part = digits.partition(".")
        return f"{sign}{int(whole):,}{point}{part} {self.currency}"

    def _same_currency(self, other: Money) -> Money:
        if self.currency != other.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return other


def sum_money(items: Iterable[Money], currency: str) -> Money:
    """Return the sum of `items`, all of `currency`; of no items it is zero."""
    return sum(items, start=Money.zero(currency))


def _units_in_one(currency: str) -> int:
    """Return how many minor units make one: 100 for EUR, 1 for JPY."""
    units: int = 10 ** minor_digits(currency)
    return units


def _largest_remainder(units: int, weights: Sequence[int]) -> list[int]:
    """Return whole shares of `units` >= 0 in proportion to `weights`, summing to `units`."""
    total = sum(weights)
    shares = [units * weight // total for weight in weights]
    # Python's sort is stable: equal remainders keep their positions.
    by_remainder = sorted(range(len(weights)), key=lambda i: -(units * weights[i] % total))
    for i in by_remainder[: units - sum(shares)]:
        shares[i] += 1
    return shares
