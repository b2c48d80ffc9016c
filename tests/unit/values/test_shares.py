from fractions import Fraction

import pytest

from openbpo.values.shares import decimal_text, parse_decimal, parse_percent, percent_text


class TestParsePercent:
    @pytest.mark.parametrize(
        ("text", "share"),
        [
            ("95 %", Fraction(19, 20)),
            ("95%", Fraction(19, 20)),
            ("7.25 %", Fraction(29, 400)),
            ("-1 %", Fraction(-1, 100)),
            ("120 %", Fraction(6, 5)),
        ],
    )
    def test_reads_a_share(self, text: str, share: Fraction) -> None:
        assert parse_percent(text) == share

    @pytest.mark.parametrize("text", ["95", "0.95", "95  %", "1e2 %", "% 95", "95 %\n", "1,000 %"])
    def test_refuses_everything_else(self, text: str) -> None:
        with pytest.raises(ValueError, match="is no percentage"):
            parse_percent(text)


class TestPercentText:
    @pytest.mark.parametrize(
        ("share", "text"),
        [
            (Fraction(19, 20), "95 %"),
            (Fraction(29, 400), "7.25 %"),
            (Fraction(1, 3), "100/3 %"),
            (Fraction(0), "0 %"),
            (Fraction(-1, 200), "-0.5 %"),
        ],
    )
    def test_is_exact(self, share: Fraction, text: str) -> None:
        assert percent_text(share) == text


class TestDecimalText:
    @pytest.mark.parametrize(
        ("value", "at_least", "text"),
        [
            (Fraction(1, 20), 2, "0.05"),
            (Fraction(29, 400), 2, "0.0725"),
            (Fraction(0), 2, "0.00"),
            (Fraction(0), 0, "0"),
            (Fraction(-1, 8), 2, "-0.125"),
            (Fraction(1500), 0, "1500"),
        ],
    )
    def test_writes_what_is_needed(self, value: Fraction, at_least: int, text: str) -> None:
        assert decimal_text(value, at_least) == text

    def test_refuses_a_decimal_without_end(self) -> None:
        with pytest.raises(ValueError, match="1/3 has no exact decimal"):
            decimal_text(Fraction(1, 3))


class TestParseDecimal:
    @pytest.mark.parametrize("text", ["", "-", "1e3", "1.2.3", "1 000", "nan", "1/3", " 1"])
    def test_refuses_what_is_no_plain_decimal(self, text: str) -> None:
        with pytest.raises(ValueError, match="is no plain decimal"):
            parse_decimal(text)
