"""
Canonical encoding, version 1: the one way to write a value as bytes that are hashed or signed.

It is RFC 8785 (JSON Canonicalization Scheme) for null, true, false, integers, strings, arrays and
objects with string keys. There are no floats. Integers stay within ±(2**53 - 1), the range in which
every RFC 8785 implementation writes the same digits; larger numbers are written as strings.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

from openbpo.values.spans import as_utc

ENCODING_VERSION: Final = 1
LARGEST_INT: Final = 2**53 - 1

_SORTED: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)
_AS_ORDERED: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def canonical_bytes(value: object) -> bytes:
    """
    Return the canonical encoding of `value` as UTF-8.

    Raises TypeError for a type outside the encoding (float, Decimal, datetime, non-string key) and
    ValueError for an integer beyond ±(2**53 - 1) or a string with a lone surrogate.
    """
    # Python sorts strings by code point; RFC 8785 sorts by UTF-16 unit. ASCII keys agree on both.
    if _has_only_ascii_keys(value):
        return _SORTED.encode(value).encode()
    return _AS_ORDERED.encode(_in_utf16_order(value)).encode()


def instant_text(instant: datetime) -> str:
    """Return an aware datetime as "2012-02-01T07:30:00.000000Z": UTC, always six decimals."""
    return as_utc(instant).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def instant_from_text(text: str) -> datetime:
    """Return the instant that `instant_text` wrote. Raises ValueError for any other text."""
    try:
        instant = as_utc(datetime.fromisoformat(text))
    except ValueError:
        raise _no_instant(text) from None
    if instant_text(instant) != text:
        raise _no_instant(text)
    return instant


def _no_instant(text: str) -> ValueError:
    return ValueError(f"{text!r} is no instant. Write it as 2012-02-01T07:30:00.000000Z.")


def _has_only_ascii_keys(value: object) -> bool:
    """Check that each part of `value` can be encoded; return whether all its keys are ASCII."""
    if isinstance(value, str) or value is None or value is True or value is False:
        return True
    if isinstance(value, int):
        return _checked_int(value)
    if isinstance(value, dict):
        # Lists, not generators: every part is checked, also after a key that is not ASCII.
        ascii_keys = [_is_ascii_key(key) for key in value]
        return False not in [*ascii_keys, *[_has_only_ascii_keys(part) for part in value.values()]]
    if isinstance(value, list | tuple):
        return False not in [_has_only_ascii_keys(part) for part in value]
    raise TypeError(f"{type(value).__name__} has no canonical encoding. Write it as text.")


def _checked_int(value: int) -> bool:
    if not -LARGEST_INT <= value <= LARGEST_INT:
        raise ValueError(f"{value} is beyond ±(2**53 - 1). Write it as text.")
    return True


def _is_ascii_key(key: object) -> bool:
    if not isinstance(key, str):
        raise TypeError(f"The key {key!r} is no text.")
    return key.isascii()


def _in_utf16_order(value: object) -> object:
    """Return `value` with the keys of every object in the order that RFC 8785 asks for."""
    if isinstance(value, dict):
        ordered = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return {key: _in_utf16_order(value[key]) for key in ordered}
    if isinstance(value, list | tuple):
        return [_in_utf16_order(part) for part in value]
    return value
