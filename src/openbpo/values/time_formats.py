"""
Times as files write them, by patterns in the letters of CLDR (Unicode TR 35, date field symbols).

Read are the numeric fields y M d H m s S, in the widths below; other letters are refused by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

_FIELDS = {
    "yyyy": ("year", r"[0-9]{4}"), "MM": ("month", r"[0-9]{2}"), "M": ("month", r"[0-9]{1,2}"),
    "dd": ("day", r"[0-9]{2}"), "d": ("day", r"[0-9]{1,2}"), "HH": ("hour", r"[0-9]{2}"),
    "H": ("hour", r"[0-9]{1,2}"), "mm": ("minute", r"[0-9]{2}"), "ss": ("second", r"[0-9]{2}"),
    **{"S" * n: ("fraction", f"[0-9]{{{n}}}") for n in range(1, 7)},
}  # fmt: skip
_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|([^A-Za-z'])")
_ORDER = ("year", "month", "day", "hour", "minute", "second", "fraction")


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """A compiled pattern."""

    pattern: str
    regex: re.Pattern[str]
    groups: tuple[int, ...]
    """The group of each of year, month, day, hour, minute, second and fraction; 0 where absent."""

    def parse(self, text: str) -> datetime:
        """
        Return the local reading that `text` gives (naive: the zone is the caller's to apply).

        Raises ValueError when the text does not follow the pattern or is no time.
        """
        match = self.regex.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not written as {self.pattern}")
        year, month, day, hour, minute, second, fraction = (
            match[group] if group else "0" for group in self.groups
        )
        try:
            return datetime(  # noqa: DTZ001 - a local reading has no zone yet
                int(year), int(month), int(day), int(hour), int(minute), int(second),
                int(fraction.ljust(6, "0")),
            )  # fmt: skip
        except ValueError as fault:
            raise ValueError(f"{text!r} is no time: {fault}") from fault

    def parse_date(self, text: str) -> date:
        """Return the day that `text` gives; raises ValueError as `parse` does."""
        return self.parse(text).date()


def compile_time_format(pattern: str) -> TimeFormat:
    """Return the pattern compiled; raises ValueError naming the part that cannot be read."""
    regex, names, end = "", [], 0
    for token in _TOKEN.finditer(pattern):
        if token.start() != end:
            break
        end = token.end()
        text = token[0]
        if token[1] is not None:
            regex += re.escape(token[1].replace("''", "'") or "'")
        elif token[3] is not None:
            regex += re.escape(text)
        else:
            name, part = _field(text, pattern)
            if name in names:
                raise ValueError(f"{pattern!r} has the {name} twice")
            names.append(name)
            regex += f"({part})"
    if end != len(pattern):
        raise ValueError(f"{pattern!r} has a quotation that does not end")
    if missing := {"year", "month", "day"} - set(names):
        raise ValueError(f"{pattern!r} lacks the {', the '.join(sorted(missing))}")
    groups = tuple(names.index(name) + 1 if name in names else 0 for name in _ORDER)
    return TimeFormat(pattern, re.compile(regex), groups)


def _field(letters: str, pattern: str) -> tuple[str, str]:
    if letters not in _FIELDS:
        raise ValueError(
            f"{letters!r} in {pattern!r} cannot be read; fields are yyyy, MM, dd, HH, mm, ss, S "
            "to SSSSSS (M, d and H without leading zeros), other letters stand in quotes"
        )
    return _FIELDS[letters]
