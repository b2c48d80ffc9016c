"""
Reads and writes the literals of FEEL: strings, numbers, dates, dates and times, durations.

A reader raises ValueError with a sentence that says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from openbpo.values.expressions.types import DATE, DATE_TIME, DURATION, Basic

MAX_DIGITS = 34  # of a number, as in decimal128

_PLAIN_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "\\": "\\"}
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{6})|(.))", re.DOTALL)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?"
)
_DURATION = re.compile(
    r"(?P<minus>-)?P(?:(?P<days>[0-9]{1,9})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,9})H)?(?:(?P<minutes>[0-9]{1,9})M)?"
    r"(?:(?P<seconds>[0-9]{1,9})(?:\.(?P<fraction>[0-9]{1,6}))?S)?)?"
)


def read_string(quoted: str) -> str:
    """Return the text of a string literal, its quotes and escapes resolved."""
    text = _ESCAPE.sub(_unescaped, quoted[1:-1])
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise ValueError("The string holds half a character.") from None


def _unescaped(escape: re.Match[str]) -> str:
    four, six, plain = escape.groups()
    if plain is None:
        return _character(int(four or six, 16))
    if plain not in _PLAIN_ESCAPES:
        raise ValueError(f"\\{plain} is not an escape; a backslash itself is written \\\\.")
    return _PLAIN_ESCAPES[plain]


def _character(code_point: int) -> str:
    if code_point > 0x10FFFF:
        raise ValueError(f"There is no character U+{code_point:X}.")
    return chr(code_point)


def read_number(text: str) -> Decimal:
    """Return a number exactly as it is written."""
    number = Decimal(text)
    if len(number.as_tuple().digits) > MAX_DIGITS:
        raise ValueError(f"A number has at most {MAX_DIGITS} digits.")
    return number


def read_date(text: str) -> date:
    """Return the day of `2012-02-01`."""
    if not _DATE.fullmatch(text):
        raise ValueError(f'"{text}" is not a date such as 2012-02-01.')
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f'"{text}" is not a day of the calendar.') from None


def read_date_time(text: str) -> datetime:
    """Return the moment of `2012-02-01T10:00:00+01:00`, in UTC; the offset must be given."""
    found = _DATE_TIME.fullmatch(text)
    if not found:
        raise ValueError(f'"{text}" is not a date and time such as 2012-02-01T10:00:00Z.')
    if not found["zone"]:
        raise ValueError(f'"{text}" has no offset from UTC: end it in Z or in one like +01:00.')
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f'"{text}" is not a moment of the calendar.') from None


def read_duration(text: str) -> timedelta:
    """Return the length of `P1DT4H30M5.5S` (days and shorter: months have no one length)."""
    found = _DURATION.fullmatch(text)
    if not found or text.endswith("P"):
        raise ValueError(f'"{text}" is not a duration such as P1DT4H30M.')
    whole = {unit: int(found[unit] or 0) for unit in ("days", "hours", "minutes", "seconds")}
    micros = int((found["fraction"] or "").ljust(6, "0"))
    try:
        length = timedelta(**whole, microseconds=micros)
    except OverflowError:
        raise ValueError(f'"{text}" is longer than a duration can be.') from None
    return -length if found["minus"] else length


TEMPORAL: Mapping[str, tuple[Basic, Callable[[str], date | timedelta]]] = {
    "date": (DATE, read_date),
    "date and time": (DATE_TIME, read_date_time),
    "duration": (DURATION, read_duration),
}
