"""
Which currencies exist and how many minor-unit digits each has.

Source: ISO 4217 list one, published 2026-01-01. Metals, bond-market units, the SDR and the codes
for testing and for "no currency" have no minor unit there and are left out: nobody is paid in them.
A code that is once in this list stays in it, so that an old agreement can always be read.
"""

from __future__ import annotations

from typing import Final

_TWO_DIGITS: Final = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF
    CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
    GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL
    MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR
    PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
    TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
"""
_OTHER_DIGITS: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_MINOR_DIGITS: Final = dict.fromkeys(_TWO_DIGITS.split(), 2) | {
    code: digits for digits, codes in _OTHER_DIGITS.items() for code in codes.split()
}

CURRENCIES: Final = frozenset(_MINOR_DIGITS)


class UnknownCurrency(ValueError):  # noqa: N818 - it is named for what is wrong
    """The code is no active ISO 4217 currency. Write three capitals, such as EUR."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(f"{code!r} is no ISO 4217 currency. Write a code such as EUR or USD.")


def minor_digits(code: str) -> int:
    """Return how many decimals the minor unit of `code` has: EUR 2, JPY 0, BHD 3."""
    try:
        return _MINOR_DIGITS[code]
    except KeyError:
        raise UnknownCurrency(code) from None
