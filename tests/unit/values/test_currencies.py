import pytest

from openbpo.values.currencies import CURRENCIES, UnknownCurrency, minor_digits


class TestMinorDigits:
    @pytest.mark.parametrize(
        ("code", "digits"),
        [("EUR", 2), ("USD", 2), ("COP", 2), ("JPY", 0), ("KRW", 0), ("BHD", 3), ("CLF", 4)],
    )
    def test_are_those_of_iso_4217(self, code: str, digits: int) -> None:
        assert minor_digits(code) == digits

    @pytest.mark.parametrize("code", ["eur", "EURO", "", "XAU", "XXX", "DEM"])
    def test_refuse_what_nobody_is_paid_in(self, code: str) -> None:
        with pytest.raises(UnknownCurrency, match="no ISO 4217 currency"):
            minor_digits(code)


class TestCurrencies:
    def test_are_three_capitals_each_named_once(self) -> None:
        assert len(CURRENCIES) == 165
        assert all(len(code) == 3 and code.isascii() and code.isupper() for code in CURRENCIES)
