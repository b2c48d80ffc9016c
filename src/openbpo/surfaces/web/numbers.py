"""
Figures, money, shares, days and moments as a reader's language writes them.

Exact decimals in, text out: as many decimals as were given, never a float. A minus is "−"; a
no-break space stands before a per cent sign and a currency.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, localcontext
from fractions import Fraction
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_decimal
from django.utils.translation import get_language

from openbpo.values.money import Money
from openbpo.values.shares import decimal_text

NO_BREAK = "\u00a0"
MINUS = "−"
Figure = Decimal | int | str | Fraction


def current_locale() -> Locale:
    """Return the locale of the language in which this request is answered."""
    return Locale.parse((get_language() or "en").replace("-", "_"))


def exact(value: Figure) -> Decimal:
    """Return the exact decimal of a figure; its zeros at the end stay. A float is refused."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str | Fraction):
        raise TypeError(f"{value!r} is no exact figure")
    if isinstance(value, Fraction):
        return Decimal(decimal_text(value, 0))
    return Decimal(value.replace(MINUS, "-") if isinstance(value, str) else value)


def figure_text(value: Figure, locale: Locale) -> str:
    """Return a figure with as many decimals as it was given with."""
    number = exact(value)
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int), "a figure is finite"
    pattern = "#,##0" + ("." + "0" * -exponent if exponent < 0 else "")
    with localcontext() as context:
        context.prec = max(len(number.as_tuple().digits) + 4, 28)
        text = format_decimal(number, format=pattern, locale=locale, decimal_quantization=False)
    return text.replace("-", MINUS).replace("\u202f", NO_BREAK)


def signed_text(value: Figure, locale: Locale) -> str:
    """Return a difference: a plus before what is more than nothing."""
    text = figure_text(value, locale)
    return f"+{text}" if exact(value) > 0 else text


def money_text(value: Money | Figure, currency: str | None, locale: Locale) -> str:
    """Return an amount with its currency's code behind it."""
    if isinstance(value, Money):
        return money_text(value.amount, value.currency, locale)
    shown = figure_text(value, locale)
    return f"{shown}{NO_BREAK}{currency}" if currency else shown


def share_text(points: Figure, locale: Locale) -> str:
    """Return a share that is given in per cent points: 82.02 is "82.02 %"."""
    return f"{figure_text(points, locale)}{NO_BREAK}%"


def day_text(day: date, locale: Locale, *, width: str = "medium") -> str:
    """Return a day."""
    if width == "medium" and locale.language == "en":
        return format_date(day, "d MMM y", locale=locale)
    return format_date(day, width, locale=locale)


def moment_text(at: datetime, locale: Locale, zone: str | None = None) -> str:
    """Return a moment by a zone's clock; without a zone by UTC, and that is said."""
    assert at.tzinfo is not None, "a moment knows its zone"
    local = at.astimezone(ZoneInfo(zone or "UTC"))
    time = format_time(local, "HH:mm", tzinfo=local.tzinfo, locale=locale)
    text = f"{day_text(local.date(), locale)}, {time}"
    return text if zone else f"{text}{NO_BREAK}UTC"


def month_text(month: str, locale: Locale) -> str:
    """Return a period such as 2026-09 as a month in words."""
    first = date.fromisoformat(f"{month}-01")
    text: str = format_datetime(datetime(first.year, first.month, 1), "LLLL y", locale=locale)  # noqa: DTZ001 - a month has no zone
    return text
