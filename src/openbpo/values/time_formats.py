"""
Times as files write them, by patterns in the letters of CLDR (Unicode TR 35, date field symbols).

Read are the numeric fields y M d H m s S, the hour h of a half day with its a (AM, PM), and the
offsets X and Z, in the widths below; other letters are refused by name. `yy` is read as POSIX reads
%y: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068. Three formats are no patterns: `iso 8601`
with its offset, `epoch s` and `epoch ms`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

_FIELDS: Final = {
    "yyyy": ("year", r"[0-9]{4}", 4), "yy": ("year", r"[0-9]{2}", 2),
    "MM": ("month", r"[0-9]{2}", 2), "M": ("month", r"[0-9]{1,2}", None),
    "dd": ("day", r"[0-9]{2}", 2), "d": ("day", r"[0-9]{1,2}", None),
    "HH": ("hour", r"[0-9]{2}", 2), "H": ("hour", r"[0-9]{1,2}", None),
    "hh": ("hour of twelve", r"[0-9]{2}", 2), "h": ("hour of twelve", r"[0-9]{1,2}", None),
    "a": ("half", r"[AaPp][Mm]|[AaPp]\.[Mm]\.", None),
    "mm": ("minute", r"[0-9]{2}", 2), "ss": ("second", r"[0-9]{2}", 2),
    **{"S" * n: ("fraction", f"[0-9]{{{n}}}", n) for n in range(1, 7)},
    "XXX": ("offset", r"Z|[-+][0-9]{2}:[0-9]{2}", None),
    "XX": ("offset", r"Z|[-+][0-9]{4}", None), "Z": ("offset", r"[-+][0-9]{4}", None),
}  # fmt: skip
_TOKEN: Final = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|([^A-Za-z'])")
_ORDER: Final = ("year", "month", "day", "hour", "minute", "second", "fraction", "offset")
_OF_TWELVE: Final = {"hour": "hour of twelve"}
_FIRST_OF_1900S: Final = 69
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ISO: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}"
    r"(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[-+][0-9]{2}:?[0-9]{2})"
)
_SECONDS: Final = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,6}))?")
_MILLISECONDS: Final = re.compile(r"-?[0-9]{1,15}")


class Piece(NamedTuple):
    """A field of a pattern, or (`field` None) text that stands between fields."""

    field: str | None
    regex: str
    width: int | None
    """How many characters it has, None where that varies."""


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """A compiled pattern; `pieces` is empty for the formats that are no patterns."""

    pattern: str
    pieces: tuple[Piece, ...]
    needs_zone: bool
    """Whether its times are readings of a clock on the wall, which need a zone."""
    _read: Callable[[str], datetime]

    def parse(self, text: str) -> datetime:
        """
        Return the time that `text` gives: in UTC where it tells its offset from UTC, else naive.

        Raises ValueError when the text does not follow the pattern or is no time.
        """
        return self._read(text)

    def parse_date(self, text: str) -> date:
        """Return the day that `text` gives; raises ValueError as `parse` does."""
        return self.parse(text).date()


def compile_time_format(pattern: str) -> TimeFormat:
    """Return the pattern compiled; raises ValueError naming the part that cannot be read."""
    if pattern in _NAMED:
        return TimeFormat(pattern, (), needs_zone=False, _read=_NAMED[pattern])
    pieces = tuple(_pieces(pattern))
    names = [piece.field for piece in pieces if piece.field]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ValueError(f"{pattern!r} has the {name} twice")
    if missing := {"year", "month", "day"} - set(names):
        raise ValueError(f"{pattern!r} lacks the {', the '.join(sorted(missing))}")
    _refuse_half_told(pattern, names)
    needs_zone = "offset" not in names
    return TimeFormat(pattern, pieces, needs_zone=needs_zone, _read=reader_of(pattern, pieces))


def _refuse_half_told(pattern: str, names: list[str]) -> None:
    """An hour of twelve and the half of its day need one another."""
    if ("half" in names) != ("hour of twelve" in names):
        raise ValueError(f"{pattern!r} needs h and a (AM, PM) together")
    if {"hour", "hour of twelve"} <= set(names):
        raise ValueError(f"{pattern!r} has the hour twice")


def reader_of(pattern: str, pieces: tuple[Piece, ...]) -> Callable[[str], datetime]:
    """Return what reads a text by the pieces of a pattern; `pattern` is named in its ValueError."""
    names = [piece.field for piece in pieces if piece.field]
    order = [_OF_TWELVE.get(name, name) for name in _ORDER] if "half" in names else _ORDER
    groups = [names.index(name) + 1 if name in names else 0 for name in order]
    half = names.index("half") + 1 if "half" in names else 0
    regex = re.compile("".join(f"({p.regex})" if p.field else p.regex for p in pieces))

    def read(text: str) -> datetime:
        match = regex.fullmatch(text)
        if match is None:
            raise _unlike(text, pattern)
        year, month, day, hour, minute, second, fraction, offset = (
            match[group] if group else "0" for group in groups
        )
        try:
            if half:
                hour = _hour_of_day(int(hour), match[half])
            local = datetime(  # noqa: DTZ001 - a local reading has no zone yet
                _year(year), int(month), int(day), int(hour), int(minute), int(second),
                int(fraction.ljust(6, "0")),
            )  # fmt: skip
            return local if offset == "0" else local.replace(tzinfo=UTC) - offset_of(offset)
        except (ValueError, OverflowError) as fault:
            raise ValueError(f"{text!r} is no time: {fault}") from fault

    return read


def _hour_of_day(hour: int, half: str) -> int:
    """Return the hour, 0 to 23: 12 AM is midnight, 12 PM noon."""
    if not 1 <= hour <= 12:
        raise ValueError("hour must be in 1..12")
    return hour % 12 + (12 if half[0] in "Pp" else 0)


def offset_of(text: str) -> timedelta:
    """Return an offset from UTC, written as Z, +0100 or +01:00; raises ValueError from a day on."""
    if text == "Z":
        return timedelta()
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError(f"there is no offset {text}")
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if text[0] == "-" else offset


def _pieces(pattern: str) -> Iterator[Piece]:
    end = 0
    for token in _TOKEN.finditer(pattern):
        if token.start() != end:
            break
        end = token.end()
        if token[1] is not None:
            yield _literal(token[1].replace("''", "'") or "'")
        elif token[3] is not None:
            yield _literal(token[0])
        else:
            yield _field(token[0], pattern)
    if end != len(pattern):
        raise ValueError(f"{pattern!r} has a quotation that does not end")


def _literal(text: str) -> Piece:
    return Piece(None, re.escape(text), len(text))


def _field(letters: str, pattern: str) -> Piece:
    if letters not in _FIELDS:
        raise ValueError(
            f"{letters!r} in {pattern!r} cannot be read; fields are yyyy, MM, dd, HH, mm, ss, S "
            "to SSSSSS (M, d and H without leading zeros, yy of two digits, h or hh with a for AM "
            "and PM, XXX, XX or Z an offset from UTC), other letters stand in quotes"
        )
    return Piece(*_FIELDS[letters])


def _year(digits: str) -> int:
    if len(digits) == 4:
        return int(digits)
    return int(digits) + (1900 if int(digits) >= _FIRST_OF_1900S else 2000)


def _read_iso(text: str) -> datetime:
    if not _ISO.fullmatch(text):
        raise ValueError(f"{text!r} is not written as iso 8601 with its offset from UTC")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as fault:
        raise ValueError(f"{text!r} is no time: {fault}") from fault


def _read_seconds(text: str) -> datetime:
    match = _SECONDS.fullmatch(text)
    if match is None:
        raise _unlike(text, "epoch s")
    sign = -1 if match[1] else 1
    micros = int((match[3] or "").ljust(6, "0"))
    return _since_epoch(text, timedelta(seconds=int(match[2]), microseconds=micros) * sign)


def _read_milliseconds(text: str) -> datetime:
    if not _MILLISECONDS.fullmatch(text):
        raise _unlike(text, "epoch ms")
    return _since_epoch(text, timedelta(milliseconds=int(text)))


def _since_epoch(text: str, passed: timedelta) -> datetime:
    try:
        return _EPOCH + passed
    except OverflowError as fault:
        raise ValueError(f"{text!r} is no time: {fault}") from fault


def _unlike(text: str, pattern: str) -> ValueError:
    return ValueError(f"{text!r} is not written as {pattern}")


_NAMED: Final[dict[str, Callable[[str], datetime]]] = {
    "iso 8601": _read_iso, "epoch s": _read_seconds, "epoch ms": _read_milliseconds,
}  # fmt: skip
