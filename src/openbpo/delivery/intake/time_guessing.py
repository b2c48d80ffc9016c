"""How a column writes its times: found in its cells, and with what proof."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

LEAST_SHARE = 0.9
"""Of a column's cells, to be called times; the rest are told as misfits."""
YEARS = range(1950, 2101)
EPOCHS = {10: "epoch s", 13: "epoch ms"}
_SHAPE = re.compile(
    r"(?P<day>\d{1,4}(?P<mark>[-/.])\d{1,2}(?P=mark)\d{1,4}|\d{6}|\d{8})"
    r"(?:(?P<between>T| |, )(?P<hour>\d{1,2}):\d{2}(?P<second>:\d{2}(?:(?P<point>[.,])"
    r"(?P<fraction>\d{1,9}))?)?(?P<offset> ?(?:Z|[-+]\d{2}:?\d{2}))?)?"
)
_TIME_OF_DAY = re.compile(r"(?P<hour>\d{1,2}):[0-5]\d(?P<second>:[0-5]\d)?")
_DAYS = (
    "yyyy-MM-dd", "yyyy/MM/dd", "yyyy.MM.dd", "yyyy-M-d", "yyyy/M/d",
    "dd.MM.yyyy", "d.M.yyyy", "dd.MM.yy", "d.M.yy",
    "dd/MM/yyyy", "MM/dd/yyyy", "d/M/yyyy", "M/d/yyyy", "dd/MM/yy", "MM/dd/yy", "d/M/yy", "M/d/yy",
    "dd-MM-yyyy", "MM-dd-yyyy", "d-M-yyyy", "M-d-yyyy", "dd-MM-yy", "yyyyMMdd", "yyMMdd",
)  # fmt: skip
_FIELDS = {"yyyy": r"(?P<y>\d{4})", "yy": r"(?P<y>\d{2})", "MM": r"(?P<m>\d{2})",
           "M": r"(?P<m>\d{1,2})", "dd": r"(?P<d>\d{2})", "d": r"(?P<d>\d{1,2})"}  # fmt: skip
_READERS = {
    pattern: re.compile(
        re.sub("y+|M+|d+", lambda found: _FIELDS[found[0]], pattern.replace(".", r"\."))
    )
    for pattern in _DAYS
}


@dataclass(frozen=True, slots=True)
class TimeGuess:
    """A format in the letters of CLDR, and why it was chosen."""

    format: str
    has_time: bool
    has_offset: bool
    why: str
    is_sure: bool
    """False where the cells would allow another reading: the comment then says so."""
    misfits: tuple[str, ...]


def guess_time(cells: Sequence[str], *, is_named_so: bool) -> TimeGuess | None:
    """
    Return how a column's cells (none of them empty) write times, None if they do not.

    `is_named_so` says that the title speaks of a time; only then can bare digits be one.
    """
    if not cells:
        return None
    if is_named_so and (epoch := _epoch(cells)) is not None:
        return epoch
    shapes = Counter(_shape(cell) for cell in cells)
    shapes.pop(None, None)
    if not shapes:
        return None
    shape, _ = shapes.most_common(1)[0]
    assert shape is not None
    if shape[0] == "" and not is_named_so:
        return None
    fitting = [cell for cell in cells if _fits(_shape(cell), shape)]
    if len(fitting) < LEAST_SHARE * len(cells):
        return None
    return _by_day(cells, fitting, shape)


def _epoch(cells: Sequence[str]) -> TimeGuess | None:
    lengths = {len(cell) if cell.isdecimal() else 0 for cell in cells}
    found = EPOCHS.get(lengths.pop()) if len(lengths) == 1 else None
    if found is None:
        return None
    why = "counted from 1970 in UTC"
    return TimeGuess(found, has_time=True, has_offset=True, why=why, is_sure=True, misfits=())


def guess_time_of_day(cells: Sequence[str]) -> str | None:
    """Return the format of a column that holds times of a day without their day."""
    found = [_TIME_OF_DAY.fullmatch(cell) for cell in cells]
    if not found or not all(found):
        return None
    seconds = {bool(one and one["second"]) for one in found}
    if len(seconds) > 1:
        return None
    hours = "HH" if all(one and len(one["hour"]) == 2 for one in found) else "H"
    return f"{hours}:mm{':ss' if True in seconds else ''}"


_Shape = tuple[str, str, str, str, int, str]


def _shape(cell: str) -> _Shape | None:
    """Return the mark between the parts of the day, what is before the time, and its parts."""
    found = _SHAPE.fullmatch(cell)
    if found is None:
        return None
    offset = found["offset"] or ""
    kind = re.sub(r"\d\d", "0", offset).replace("-", "+") if offset.strip() != "Z" else offset
    return (
        found["mark"] or "",
        found["between"] or "",
        "s" if found["second"] else ("m" if found["hour"] else ""),
        found["point"] or "",
        len(found["fraction"] or ""),
        kind,
    )


def _fits(shape: _Shape | None, wanted: _Shape) -> bool:
    """A Z stands for an offset; all else is to be the same."""
    if shape is None:
        return False
    return shape[:5] == wanted[:5] and (shape[5] == wanted[5] or {shape[5], wanted[5]} <= _ZULU)


_ZULU = {"Z", "+0:0"}


def _by_day(cells: Sequence[str], fitting: Sequence[str], shape: _Shape) -> TimeGuess | None:
    matches = [found for cell in fitting if (found := _SHAPE.fullmatch(cell))]
    days = sorted({found["day"] for found in matches})
    possible = [pattern for pattern in _DAYS if all(_reads(pattern, day) for day in days)]
    if not possible:
        return None
    pattern = possible[0]
    clock = _clock(matches, shape)
    misfits = tuple(dict.fromkeys(cell for cell in cells if not _fits(_shape(cell), shape)))
    why, is_sure = _proof(pattern, possible, days)
    return TimeGuess(
        format=pattern + clock,
        has_time=bool(clock),
        has_offset=bool(shape[5]),
        why=why,
        is_sure=is_sure,
        misfits=misfits,
    )


def _reads(pattern: str, day: str) -> bool:
    found = _READERS[pattern].fullmatch(day)
    if found is None:
        return False
    year = int(found["y"])
    if len(found["y"]) == 2:
        year += 1900 if year >= 69 else 2000
    try:
        date(year, int(found["m"]), int(found["d"]))
    except ValueError:
        return False
    return year in YEARS


def _clock(matches: Sequence[re.Match[str]], shape: _Shape) -> str:
    _, between, parts, point, fraction, offset = shape
    if not parts:
        return ""
    hours = "HH" if all(len(found["hour"]) == 2 for found in matches) else "H"
    seconds = ":ss" if parts == "s" else ""
    digits = point + "S" * fraction if fraction else ""
    zone = {"": "", "Z": "XXX", "+0:0": "XXX", "+00": "XX"}.get(offset.strip(), "XXX")
    gap = " " if offset.startswith(" ") else ""
    return f"{between.replace('T', chr(39) + 'T' + chr(39))}{hours}:mm{seconds}{digits}{gap}{zone}"


def _proof(pattern: str, possible: Sequence[str], days: Sequence[str]) -> tuple[str, bool]:
    """Return why the day stands before the month, or behind it, and whether a cell proves it."""
    other = _swapped(pattern)
    if other is None or pattern.startswith("y") or "." in pattern:
        return "", True
    if other in possible:
        return f"no cell proves that it is not {other}", False
    proof = next(day for day in days if not _reads(other, day))
    return f"{proof} proves that it is not {other}", True


def _swapped(pattern: str) -> str | None:
    other = pattern.replace("M", "#").replace("d", "M").replace("#", "d")
    return other if other in _DAYS else None
