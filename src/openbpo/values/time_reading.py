"""
Reading the same kind of time millions of times: a format and a zone made ready once.

What comes out is what `zone.to_utc(time_format.parse(text))` gives, to the microsecond. It is fast
because a text is cut in three, date with hour, minutes with seconds, and fraction, and what each
part means is remembered. An hour through which the clock does not run evenly is never remembered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

from openbpo.values.time_formats import Piece, TimeFormat, offset_of, reader_of
from openbpo.values.zones import FIRST_YEAR, LAST_YEAR, Doubled, Skipped, Zone

MOST_KEPT = 20_000
LONGEST_KEPT = 200

Meaning = TypeVar("Meaning")
Found = datetime | Skipped | Doubled

_OF_THE_DAY = {"year", "month", "day", "hour"}


class Known(dict[str, Meaning], Generic[Meaning]):
    """
    What texts mean, worked out once for each; all is forgotten when too many are known.

    `known[text]` raises what `of(text)` raises, and that is not remembered.
    """

    __slots__ = ("_of",)

    def __init__(self, of: Callable[[str], Meaning]) -> None:
        super().__init__()
        self._of = of

    def __missing__(self, text: str) -> Meaning:
        meaning = self._of(text)
        if len(self) >= MOST_KEPT:
            self.clear()
        if len(text) <= LONGEST_KEPT:
            self[text] = meaning
        return meaning


class BeyondYears(ValueError):  # noqa: N818 - it is named for what is wrong
    """The moment lies outside the years that are computed with."""


class _Cut(NamedTuple):
    """A pattern cut in three; the second and the third have a width each."""

    hour: tuple[Piece, ...]
    minute: tuple[Piece, ...]
    fraction: tuple[Piece, ...]


def time_reader(time_format: TimeFormat, zone: Zone | None) -> Callable[[str], Found]:
    """
    Return what turns a text into the instant, or tells that there is none or that there are two.

    `zone` is needed where the format needs one. What is returned raises ValueError as
    `TimeFormat.parse` and `Zone.to_utc` do.
    """
    if not time_format.needs_zone:
        return _offset_reader(time_format)
    assert zone is not None, time_format.pattern

    def plain(text: str) -> Found:
        return zone.to_utc(time_format.parse(text))

    cut = _cut(time_format.pieces)
    return plain if cut is None else _fast_reader(cut, zone, plain)


def local_reader(time_format: TimeFormat) -> Callable[[str], datetime]:
    """Return what turns a text into the naive reading of the clock on the wall."""
    assert time_format.needs_zone, time_format.pattern
    cut = _cut(time_format.pieces)
    if cut is None:
        return time_format.parse
    hours = Known(_keyed(reader_of("", cut.hour)))
    return _summing(cut, hours, time_format.parse)


def _fast_reader(cut: _Cut, zone: Zone, plain: Callable[[str], Found]) -> Callable[[str], Found]:
    read_hour = reader_of("", cut.hour)

    def even_hour(text: str) -> datetime:
        instant = zone.even_hour_to_utc(read_hour(text))
        if instant is None:
            raise ValueError(text)
        return instant

    return _summing(cut, Known(_keyed(even_hour)), plain)


Read = TypeVar("Read", bound=Found)


def _summing(
    cut: _Cut, hours: Known[datetime], plain: Callable[[str], Read]
) -> Callable[[str], datetime | Read]:
    """Return what adds up the three parts of a text, and leaves to `plain` what has none."""
    minutes, fractions = Known(_span_reader(cut.minute)), Known(_span_reader(cut.fraction))
    to_fraction = _width(cut.fraction)
    to_minute = _width(cut.minute) + to_fraction

    def read(text: str) -> datetime | Read:
        end = len(text)
        minute, fraction = end - to_minute, end - to_fraction
        if minute < 0:
            return plain(text)
        try:
            return (
                hours[text[:minute]] + minutes[text[minute:fraction]] + fractions[text[fraction:]]
            )
        except KeyError:
            return plain(text)

    def read_without_fraction(text: str) -> datetime | Read:
        minute = len(text) - to_minute
        if minute < 0:
            return plain(text)
        try:
            return hours[text[:minute]] + minutes[text[minute:]]
        except KeyError:
            return plain(text)

    return read if to_fraction else read_without_fraction


def _keyed(read: Callable[[str], datetime]) -> Callable[[str], datetime]:
    def read_or_miss(text: str) -> datetime:
        try:
            return read(text)
        except ValueError as fault:
            raise KeyError(text) from fault

    return read_or_miss


def _span_reader(pieces: Iterable[Piece]) -> Callable[[str], timedelta]:
    """Return what reads minutes and seconds, or a fraction of a second, as a span of time."""
    pieces = tuple(pieces)
    names = [piece.field for piece in pieces if piece.field]
    regex = re.compile("".join(f"({p.regex})" if p.field else p.regex for p in pieces))

    def read(text: str) -> timedelta:
        match = regex.fullmatch(text)
        if match is None:
            raise KeyError(text)
        found = dict(zip(names, match.groups(), strict=True))
        minute, second = int(found.get("minute", 0)), int(found.get("second", 0))
        if minute > 59 or second > 59:
            raise KeyError(text)
        micros = int(str(found.get("fraction", "")).ljust(6, "0"))
        return timedelta(minutes=minute, seconds=second, microseconds=micros)

    return read


def _cut(pieces: tuple[Piece, ...]) -> _Cut | None:
    """Return a pattern cut in three; None where date and hour do not stand before the rest."""
    to_minute = _first(pieces, {"minute", "second", "fraction"})
    to_fraction = _first(pieces, {"fraction"})
    cut = _Cut(pieces[:to_minute], pieces[to_minute:to_fraction], pieces[to_fraction:])
    hour, minute, fraction = ({piece.field for piece in part if piece.field} for part in cut)
    in_place = hour <= _OF_THE_DAY and minute <= {"minute", "second"} and fraction <= {"fraction"}
    whole = hour >= _OF_THE_DAY - {"hour"} and ("hour" in hour or not minute | fraction)
    return cut if in_place and whole else None


def _first(pieces: tuple[Piece, ...], fields: set[str]) -> int:
    """Return where the first of some fields stands; the end where there is none."""
    places = (number for number, piece in enumerate(pieces) if piece.field in fields)
    return next(places, len(pieces))


def _width(pieces: Iterable[Piece]) -> int:
    width = 0
    for piece in pieces:
        assert piece.width is not None, piece
        width += piece.width
    return width


def _offset_reader(time_format: TimeFormat) -> Callable[[str], datetime]:
    """Return what reads a time that tells its own offset from UTC, or that counts from 1970."""

    def plain(text: str) -> datetime:
        return _in_years(time_format.parse(text), text)

    *body, last = time_format.pieces or (Piece(None, "", 0),)
    cut = _cut(tuple(body)) if last.field == "offset" else None
    if cut is None:
        return plain
    read_hour = reader_of("", cut.hour)
    hours = Known(_keyed(lambda text: read_hour(text).replace(tzinfo=UTC)))
    local, offsets = _summing(cut, hours, _missed), Known(_keyed_offset(re.compile(last.regex)))
    width, takes_z = 6 if ":" in last.regex else 5, last.regex.startswith("Z")

    def read(text: str) -> datetime:
        at = len(text) - (1 if takes_z and text.endswith("Z") else width)
        try:
            if at > 0:
                return _in_years(local(text[:at]) - offsets[text[at:]], text)
        except (KeyError, OverflowError):
            pass
        return plain(text)

    return read


def _missed(text: str) -> datetime:
    raise KeyError(text)


def _keyed_offset(regex: re.Pattern[str]) -> Callable[[str], timedelta]:
    def read(text: str) -> timedelta:
        if not regex.fullmatch(text):
            raise KeyError(text)
        try:
            return offset_of(text)
        except ValueError as fault:
            raise KeyError(text) from fault

    return read


def _in_years(instant: datetime, text: str) -> datetime:
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise BeyondYears(f"{text} is not in the years {FIRST_YEAR} to {LAST_YEAR}.")
    return instant
