"""Laws of money: nothing is lost in a split, and each named rounding is the one it is named for."""

import decimal
from decimal import Decimal
from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from openbpo.values.currencies import CURRENCIES
from openbpo.values.money import Money, Rounding, round_fraction, sum_money
from openbpo.values.shares import decimal_text, parse_decimal, parse_percent, percent_text

ORACLE = {rounding: getattr(decimal, f"ROUND_{rounding.name}") for rounding in Rounding}

currencies = st.sampled_from(sorted(CURRENCIES))
roundings = st.sampled_from(list(Rounding))
weights = st.lists(st.integers(0, 1000), min_size=1, max_size=12).filter(any)
# Few digits, so that halves and ties are common.
decimals = st.decimals(-10_000, 10_000, places=4) | st.integers(-40, 40).map(
    lambda eighths: Decimal(eighths) / 8
)


class TestRounding:
    @given(decimals, st.integers(-2, 4), roundings)
    def test_is_what_the_decimal_module_does(
        self, value: Decimal, digits: int, rounding: Rounding
    ) -> None:
        expected = value.quantize(Decimal(1).scaleb(-digits), rounding=ORACLE[rounding])
        assert round_fraction(Fraction(value), digits, rounding) == Fraction(expected)

    @given(st.fractions(), st.integers(0, 4), roundings)
    def test_moves_by_less_than_a_step_and_only_once(
        self, value: Fraction, digits: int, rounding: Rounding
    ) -> None:
        rounded = round_fraction(value, digits, rounding)
        assert abs(rounded - value) < Fraction(1, 10**digits)
        assert round_fraction(rounded, digits, rounding) == rounded


class TestSplitBy:
    @given(st.integers(-(10**9), 10**9), currencies, weights)
    @example(1, "EUR", [1, 1])
    @example(-1, "EUR", [1, 1])
    def test_shares_sum_to_the_total(self, units: int, currency: str, weights: list[int]) -> None:
        total = Money.from_minor_units(units, currency)
        assert sum_money(total.split_by(weights), currency) == total

    @given(st.integers(0, 10**6), weights)
    def test_gives_by_largest_remainder_and_then_by_position(
        self, units: int, weights: list[int]
    ) -> None:
        shares = [
            share.minor_units for share in Money.from_minor_units(units, "EUR").split_by(weights)
        ]
        quotas = [Fraction(units * weight, sum(weights)) for weight in weights]
        rest = [(quota - quota // 1, -i) for i, quota in enumerate(quotas)]
        got_more = [share - quota // 1 for share, quota in zip(shares, quotas, strict=True)]
        assert set(got_more) <= {0, 1}
        assert all(
            rest[i] > rest[j]
            for i, more in enumerate(got_more)
            for j, less in enumerate(got_more)
            if more > less
        )

    @given(st.integers(0, 10**6), weights)
    def test_splits_a_debt_as_its_amount(self, units: int, weights: list[int]) -> None:
        credit, debt = (Money.from_minor_units(sign * units, "EUR") for sign in (1, -1))
        assert debt.split_by(weights) == tuple(-share for share in credit.split_by(weights))


class TestMoney:
    @given(st.integers(-(10**9), 10**9), currencies)
    def test_is_read_back_from_its_amount(self, units: int, currency: str) -> None:
        money = Money.from_minor_units(units, currency)
        assert Money.parse(f"{money.amount} {currency}") == money
        assert str(money).replace(",", "") == f"{money.amount} {currency}"


class TestDecimalText:
    @given(st.integers(), st.integers(0, 12), st.integers(0, 12), st.integers(0, 6))
    def test_is_read_back_and_never_longer_than_needed(
        self, number: int, twos: int, fives: int, at_least: int
    ) -> None:
        value = Fraction(number, 2**twos * 5**fives)
        text = decimal_text(value, at_least)
        assert parse_decimal(text) == value
        places = len(text.partition(".")[2])
        assert places >= at_least
        assert places == at_least or not text.endswith("0")
        assert parse_percent(percent_text(value)) == value
