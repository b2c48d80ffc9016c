"""How a column writes its times: found in its cells, and with what proof."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

LEAST_SHARE = 0.9
"""Of a column's cells, to be called times; the rest are told as misfits."""
LEAST_DAYS_SHARE = 0.99
"""Of the cells of one shape, to be read by one pattern: a file may hold a 30 February."""
YEARS = range(1950, 2101)
FILLERS = frozenset({
    "-", "--", "---", "–", "—", "?", ".", "n/a", "na", "n.a.", "nan", "nat", "null", "none", "nil",
    "(null)", "#n/a", "undefined", "tbd", "never", "not set", "unset",
})  # fmt: skip
"""What systems write where there is nothing; nothing but zeros and marks says the same."""
EPOCHS = {10: "epoch s", 13: "epoch ms"}
_SHAPE = re.compile(
    r"(?P<day>\d{1,4}(?P<mark>[-/.])\d{1,2}(?P=mark)\d{1,4}|\d{6}|\d{8})"
    r"(?:(?P<between>T| |, )(?P<hour>\d{1,2}):\d{2}(?P<second>:\d{2}(?:(?P<point>[.,])"
    r"(?P<fraction>\d{1,9}))?)?(?P<half>[ \u00a0\u202f]?(?:[AaPp][Mm]|[AaPp]\.[Mm]\.))?"
    r"(?P<offset> ?(?:Z|[-+]\d{2}:?\d{2}))?)?"
)
_TIME_OF_DAY = re.compile(
    r"(?P<hour>\d{1,2}):[0-5]\d(?P<second>:[0-5]\d)?"
    r"(?P<half>[ \u00a0\u202f]?(?:[AaPp][Mm]|[AaPp]\.[Mm]\.))?"
)
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
    told = [cell for cell in cells if not is_filler(cell)]
    if is_named_so and (epoch := _epoch(told)) is not None:
        fillers = tuple(cell for cell in cells if is_filler(cell))
        return replace(epoch, misfits=fillers)
    shapes = Counter(_shape(cell) for cell in told)
    shapes.pop(None, None)
    if not shapes:
        return None
    shape, _ = shapes.most_common(1)[0]
    assert shape is not None
    if shape[0] == "" and not is_named_so:
        return None
    fitting = [cell for cell in told if _fits(_shape(cell), shape)]
    if len(fitting) < LEAST_SHARE * len(told):
        return None
    return _by_day(cells, fitting, shape)


def is_filler(cell: str) -> bool:
    """Return whether a cell says only that there is nothing."""
    return cell.lower() in FILLERS or (bool(cell) and not cell.strip("0-/.:T "))


def swapped(pattern: str) -> str | None:
    """Return a format with its day and month exchanged; None where nobody writes so."""
    day, time = (found[0], found[1]) if (found := _split(pattern)) else (pattern, "")
    if day.startswith("y") or "." in day:
        return None
    other = _swapped(day)
    return None if other is None else other + time


def _split(pattern: str) -> tuple[str, str] | None:
    known = [day for day in _DAYS if pattern.startswith(day)]
    if not known:
        return None
    day = max(known, key=len)
    return day, pattern[len(day) :]


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
    halves = {_half(one["half"] or "") for one in found if one}
    if len(halves) > 1:
        return None
    (half,) = halves
    hours = _hours([one["hour"] for one in found if one], half)
    return f"{hours}:mm{':ss' if True in seconds else ''}{half}"


def _half(half: str) -> str:
    """Return the letters of a half of the day, with the space before them."""
    return "" if not half else ("a" if half[0] in "AaPp" else f"{half[0]}a")


def _hours(hours: Sequence[str], half: str) -> str:
    letter = "h" if half else "H"
    return 2 * letter if all(len(hour) == 2 for hour in hours) else letter


_Shape = tuple[str, str, str, str, int, str, str]


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
        _half(found["half"] or ""),
        kind,
    )


def _fits(shape: _Shape | None, wanted: _Shape) -> bool:
    """A Z stands for an offset; all else is to be the same."""
    if shape is None:
        return False
    return shape[:6] == wanted[:6] and (shape[6] == wanted[6] or {shape[6], wanted[6]} <= _ZULU)


_ZULU = {"Z", "+0:0"}


def _by_day(cells: Sequence[str], fitting: Sequence[str], shape: _Shape) -> TimeGuess | None:
    matches = [found for cell in fitting if (found := _SHAPE.fullmatch(cell))]
    cells_of = Counter(found["day"] for found in matches)
    days = sorted(cells_of)
    misread = {
        pattern: missed
        for pattern in _DAYS
        if (missed := _misread(pattern, cells_of)) <= (1 - LEAST_DAYS_SHARE) * len(matches)
    }
    if not misread:
        return None
    fewest = min(misread.values())
    possible = [pattern for pattern, missed in misread.items() if missed == fewest]
    pattern = possible[0]
    clock = _clock(matches, shape)
    wrong = {day for day in days if not _reads(pattern, day)} if fewest else set()
    fits = {found[0] for found in matches if found["day"] not in wrong}
    why, is_sure = _proof(pattern, possible, [day for day in days if day not in wrong])
    return TimeGuess(
        format=pattern + clock,
        has_time=bool(clock),
        has_offset=bool(shape[6]),
        why=why,
        is_sure=is_sure,
        misfits=tuple(dict.fromkeys(cell for cell in cells if cell not in fits)),
    )


def _misread(pattern: str, days: Mapping[str, int]) -> int:
    """Return how many cells a pattern does not read; it stops counting where they are too many."""
    most = (1 - LEAST_DAYS_SHARE) * sum(days.values())
    missed = 0
    for day, cells in days.items():
        missed += 0 if _reads(pattern, day) else cells
        if missed > most:
            break
    return missed


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
    _, between, parts, point, fraction, half, offset = shape
    if not parts:
        return ""
    hours = _hours([found["hour"] for found in matches], half)
    seconds = ":ss" if parts == "s" else ""
    digits = point + "S" * fraction if fraction else ""
    zone = {"": "", "Z": "XXX", "+0:0": "XXX", "+00": "XX"}.get(offset.strip(), "XXX")
    gap = " " if offset.startswith(" ") else ""
    before = between.replace("T", "'T'")
    return f"{before}{hours}:mm{seconds}{digits}{half}{gap}{zone}"


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
