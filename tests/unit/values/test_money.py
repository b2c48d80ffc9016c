from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from openbpo.values.currencies import UnknownCurrency
from openbpo.values.money import (
    CurrencyMismatch,
    Money,
    Rounding,
    round_fraction,
    sum_money,
)


def eur(amount: str) -> Money:
    return Money.parse(f"{amount} EUR")


class TestMoney:
    @pytest.mark.parametrize(
        ("text", "exact"),
        [
            ("38.00 EUR", Fraction(38)),
            ("-0.50 EUR", Fraction(-1, 2)),
            ("0.0125 EUR", Fraction(1, 80)),
            ("7 EUR", Fraction(7)),
        ],
    )
    def test_is_read_exactly(self, text: str, exact: Fraction) -> None:
        assert Money.parse(text) == Money(exact, "EUR")

    @pytest.mark.parametrize(
        "text",
        [
            "1,500.00 EUR",
            "1e3 EUR",
            "NaN EUR",
            "Infinity EUR",
            "38.00",
            "EUR 38.00",
            "38.00  EUR",
            "38.00 EUR\n",
            "38. EUR",
            ".5 EUR",
            "+1 EUR",
            "1_000 EUR",
            "٣ EUR",
            "38.00 eur",
        ],
    )
    def test_is_not_read_from_anything_else(self, text: str) -> None:
        with pytest.raises(ValueError, match="is no amount of money"):
            Money.parse(text)

    def test_refuses_an_unknown_currency(self) -> None:
        with pytest.raises(UnknownCurrency, match="'ABC'"):
            Money.parse("1.00 ABC")
        with pytest.raises(UnknownCurrency):
            Money.zero("ABC")

    @pytest.mark.parametrize("exact", [1.5, 1, "1.00"])
    def test_holds_nothing_but_a_fraction(self, exact: Any) -> None:
        with pytest.raises(TypeError, match="Fraction"):
            Money(exact, "EUR")

    def test_adds_subtracts_negates_and_multiplies(self) -> None:
        assert eur("1.10") + eur("2.20") == eur("3.30")
        assert eur("1.10") - eur("2.20") == eur("-1.10")
        assert -eur("1.10") == eur("-1.10")
        assert eur("1.10") * 3 == 3 * eur("1.10") == eur("3.30")
        assert eur("1.10") * Fraction(1, 2) == Fraction(1, 2) * eur("1.10") == eur("0.55")

    @pytest.mark.parametrize("times", [0.5, "2", eur("1.00")])
    def test_is_multiplied_by_nothing_inexact(self, times: Any) -> None:
        with pytest.raises(TypeError):
            eur("1.00") * times
        with pytest.raises(TypeError):
            times * eur("1.00")

    def test_orders_by_amount(self) -> None:
        small, large = eur("1.00"), eur("2.00")
        assert small < large
        assert small <= large
        assert large > small
        assert large >= small
        assert small <= eur("1.0")
        assert small >= eur("1.0")
        assert not small < eur("1.0")
        assert not small > eur("1.0")

    def test_never_mixes_currencies(self) -> None:
        usd = Money.parse("1.00 USD")
        mixes: list[Callable[[], object]] = [
            lambda: eur("1.00") + usd,
            lambda: eur("1.00") - usd,
            lambda: eur("1.00") < usd,
            lambda: eur("1.00") <= usd,
            lambda: eur("1.00") > usd,
            lambda: eur("1.00") >= usd,
            lambda: sum_money([usd], "EUR"),
        ]
        for mix in mixes:
            with pytest.raises(CurrencyMismatch, match="do not mix"):
                mix()
        assert eur("1.00") != usd

    def test_is_neither_added_to_nor_compared_with_a_number(self) -> None:
        number: Any = 1
        mixes: list[Callable[[], object]] = [
            lambda: eur("1.00") + number,
            lambda: eur("1.00") - number,
            lambda: eur("1.00") < number,
            lambda: eur("1.00") <= number,
            lambda: eur("1.00") > number,
            lambda: eur("1.00") >= number,
        ]
        for mix in mixes:
            with pytest.raises(TypeError):
                mix()

    def test_rounds_to_the_minor_unit_of_its_currency(self) -> None:
        assert eur("0.125").rounded(Rounding.HALF_EVEN) == eur("0.12")
        assert Money.parse("0.5 JPY").rounded(Rounding.UP) == Money.parse("1 JPY")
        assert Money.parse("0.0005 BHD").rounded(Rounding.HALF_UP) == Money.parse("0.001 BHD")

    def test_counts_minor_units_only_when_whole(self) -> None:
        assert eur("1500.00").minor_units == 150_000
        assert Money.from_minor_units(150_000, "EUR") == eur("1500.00")
        with pytest.raises(ValueError, match=r"0\.001 EUR is not whole minor units"):
            _ = eur("0.001").minor_units

    @pytest.mark.parametrize(
        ("text", "amount", "shown"),
        [
            ("1500 EUR", "1500.00", "1,500.00 EUR"),
            ("-1500.5 EUR", "-1500.50", "-1,500.50 EUR"),
            ("-0.5 EUR", "-0.50", "-0.50 EUR"),
            ("1234567 JPY", "1234567", "1,234,567 JPY"),
            ("0 EUR", "0.00", "0.00 EUR"),
        ],
    )
    def test_is_written_with_the_decimals_of_its_currency(
        self, text: str, amount: str, shown: str
    ) -> None:
        assert Money.parse(text).amount == amount
        assert str(Money.parse(text)) == shown

    def test_is_written_in_full_when_not_whole(self) -> None:
        assert str(eur("1000.0125")) == "1,000.0125 EUR"
        assert str(Money(Fraction(10, 3), "EUR")) == "10/3 EUR"
        with pytest.raises(ValueError, match="not whole minor units"):
            _ = eur("0.0125").amount


class TestSplitBy:
    @pytest.mark.parametrize(
        ("total", "weights", "shares"),
        [
            ("1.00", [1, 1, 1], ["0.34", "0.33", "0.33"]),
            ("-1.00", [1, 1, 1], ["-0.34", "-0.33", "-0.33"]),
            ("1.00", [1, 2, 3], ["0.17", "0.33", "0.50"]),
            ("0.01", [1, 3], ["0.00", "0.01"]),
            ("0.05", [0, 1, 1], ["0.00", "0.03", "0.02"]),
            ("0.00", [5, 7], ["0.00", "0.00"]),
        ],
    )
    def test_gives_the_rest_to_the_largest_remainders(
        self, total: str, weights: list[int], shares: list[str]
    ) -> None:
        assert eur(total).split_by(weights) == tuple(map(eur, shares))

    @pytest.mark.parametrize("weights", [[], [0, 0], [2, -1]])
    def test_refuses_weights_that_share_out_nothing(self, weights: list[int]) -> None:
        with pytest.raises(ValueError, match="shares out nothing"):
            eur("1.00").split_by(weights)

    def test_refuses_a_total_that_is_not_whole(self) -> None:
        with pytest.raises(ValueError, match="not whole minor units"):
            eur("0.001").split_by([1])


class TestSumMoney:
    def test_of_nothing_is_zero(self) -> None:
        assert sum_money([], "EUR") == Money.zero("EUR") == eur("0.00")

    def test_adds_everything_once(self) -> None:
        assert sum_money(iter([eur("0.10"), eur("0.20"), eur("0.30")]), "EUR") == eur("0.60")


class TestRoundFraction:
    @pytest.mark.parametrize(
        ("rounding", "results"),
        [
            # of -2.5, -1.5, -0.6, -0.5, -0.4, 0.4, 0.5, 0.6, 1.5, 2.5
            (Rounding.HALF_UP, [-3, -2, -1, -1, 0, 0, 1, 1, 2, 3]),
            (Rounding.HALF_DOWN, [-2, -1, -1, 0, 0, 0, 0, 1, 1, 2]),
            (Rounding.HALF_EVEN, [-2, -2, -1, 0, 0, 0, 0, 1, 2, 2]),
            (Rounding.UP, [-3, -2, -1, -1, -1, 1, 1, 1, 2, 3]),
            (Rounding.DOWN, [-2, -1, 0, 0, 0, 0, 0, 0, 1, 2]),
            (Rounding.CEILING, [-2, -1, 0, 0, 0, 1, 1, 1, 2, 3]),
            (Rounding.FLOOR, [-3, -2, -1, -1, -1, 0, 0, 0, 1, 2]),
        ],
    )
    def test_follows_the_named_rule(self, rounding: Rounding, results: list[int]) -> None:
        tenths = [-25, -15, -6, -5, -4, 4, 5, 6, 15, 25]
        assert [round_fraction(Fraction(t, 10), 0, rounding) for t in tenths] == results

    def test_rounds_to_hundreds_with_negative_digits(self) -> None:
        assert round_fraction(Fraction(1250), -2, Rounding.HALF_UP) == 1300

    def test_is_named_as_contracts_write_it(self) -> None:
        assert Rounding("half_up") is Rounding.HALF_UP
