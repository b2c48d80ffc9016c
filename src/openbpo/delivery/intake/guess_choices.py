"""
What each column of a file is taken for, and why: chosen by its cells, changed by a person. Pure.

A row is one event of a case, with one time; or it is a whole case with several times, each of
which is an event. Which of the two follows from how many columns are taken as times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import count

from openbpo.delivery.intake.guess_columns import Seen, Study, changes, identifier, plain
from openbpo.delivery.intake.time_guessing import is_filler, swapped
from openbpo.values.expressions.tokens import KEYWORDS
from openbpo.values.refusals import Mistake, Refusal
from openbpo.values.time_formats import TimeFormat, compile_time_format

MOST_ACTIVITIES = 200
LONG_TEXT = 40
ROWS_IN_ORDER = 500
OFTEN = 0.01
"""Of the rows: a word in the place of a time that comes less often is a mistake, not a habit."""
_AROUND_A_TYPE = re.compile(
    r"^(?:(?:date|time|datetime|timestamp) (?:of )?)?(.+?)"
    r"(?: (?:at|on|am|um|date|time|datetime|timestamp|utc|zeit|datum))*$"
)


class Taken(StrEnum):
    """What a column is taken for."""

    CASE = "case"
    TIME = "time"
    TIME_OF_DAY = "time of day"
    ACTIVITY = "activity"
    FACT = "fact"
    CONTENT = "content"
    UNUSED = "unused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChoice:
    """
    What a column is taken for, and why.

    `name` is the attribute's, or the event's type where a row tells several events. `format` is
    that of a time; `empty` are the cells that say that it did not happen, `bad` those that are no
    times and will be refused.
    """

    place: int
    title: str
    taken: Taken
    why: str
    name: str = ""
    format: str = ""
    empty: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
    is_sure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What all columns of a file are taken for, and in which zone its clocks hung."""

    columns: tuple[ColumnChoice, ...]
    zone: str = ""
    """An IANA zone; "" where nothing was said, which is written as UTC and named."""
    doubled_hour: str = "refuse"

    def taken_as(self, *kinds: Taken) -> tuple[ColumnChoice, ...]:
        """Return the columns taken for one of these."""
        return tuple(column for column in self.columns if column.taken in kinds)

    @property
    def case(self) -> ColumnChoice:
        """Return the column that names the case."""
        return self.taken_as(Taken.CASE)[0]

    @property
    def tells_several(self) -> bool:
        """Return whether a row tells several events, one for each of its times."""
        return len(self.taken_as(Taken.TIME)) > 1

    @property
    def needs_zone(self) -> bool:
        """Return whether a cell's time needs the zone of the clock that it was read from."""
        return any(compile_time_format(c.format).needs_zone for c in self.taken_as(Taken.TIME))

    @property
    def can_swap(self) -> bool:
        """Return whether day and month of its times could stand the other way round."""
        return any(swapped(column.format) for column in self.taken_as(Taken.TIME))


def choose(study: Study) -> Choices:
    """Return the first choices; raises Refusal if no column holds times or could name a case."""
    columns = study.columns
    case = _case(study)
    times = _times(study, case)
    activity = None
    if len(times) == 1 or times[1].time is None:
        activity = _activity(case, [c for c in columns if c is not case and c not in times])
    kinds = {column.place: _taken(column, case, times, activity) for column in columns}
    rest = [c for c in columns if kinds[c.place] not in (Taken.CASE, Taken.TIME, Taken.TIME_OF_DAY)]
    twins = _twins(rest, activity)
    return _told(study, {**kinds, **dict.fromkeys(twins, Taken.UNUSED)}, twins)


def changed(
    study: Study,
    choices: Choices,
    *,
    taken: Mapping[int, Taken],
    zone: str = "",
    doubled_hour: str = "refuse",
    is_swapped: bool = False,
) -> Choices:
    """
    Return choices by what a person takes each place for; `is_swapped` exchanges day and month.

    Raises Refusal naming each column that cannot be what it is taken for.
    """
    before = {column.place: column for column in choices.columns}
    kinds = {place: taken.get(place, column.taken) for place, column in before.items()}
    _refuse_impossible(study, kinds)
    why = {place: c.why for place, c in before.items() if kinds[place] is c.taken}
    told = _told(study, kinds, {**dict.fromkeys(before, "You chose it."), **why})
    columns = told.columns
    if is_swapped != _is_swapped(study, choices):
        columns = tuple(map(_exchanged, columns))
    return Choices(columns=columns, zone=zone, doubled_hour=doubled_hour)


def _is_swapped(study: Study, choices: Choices) -> bool:
    """Return whether somebody exchanged day and month before."""
    seen = {column.place: column.time for column in study.columns}
    return any(
        (time := seen[c.place]) is not None and time.format != c.format
        for c in choices.taken_as(Taken.TIME)
    )


def _exchanged(choice: ColumnChoice) -> ColumnChoice:
    other = swapped(choice.format) if choice.taken is Taken.TIME else None
    if other is None:
        return choice
    return replace(choice, format=other, is_sure=True, why="You chose it.")


def _refuse_impossible(study: Study, kinds: Mapping[int, Taken]) -> None:
    mistakes: list[Mistake] = []
    by_place = {column.place: column for column in study.columns}
    chosen = {kind: [p for p, one in kinds.items() if one is kind] for kind in Taken}
    if len(chosen[Taken.CASE]) != 1:
        what = "No column names the case." if not chosen[Taken.CASE] else (
            "Several columns are to name the case.")  # fmt: skip
        where = f"column {chosen[Taken.CASE][1]}" if chosen[Taken.CASE] else "columns"
        mistakes.append(Mistake(where, what, "Choose the one column that names it."))
    if not chosen[Taken.TIME]:
        what = "No column says when it happened."
        mistakes.append(Mistake("columns", what, "Choose the column that holds the time."))
    for place in chosen[Taken.TIME]:
        if by_place[place].time is None:
            what = f"The cells of {by_place[place].title!r} are not times that can be read."
            mistakes.append(Mistake(f"column {place}", what, "Choose something else for it."))
    for kind in (Taken.ACTIVITY, Taken.TIME_OF_DAY):
        for place in chosen[kind][1:]:
            what = "There can be one such column only."
            mistakes.append(Mistake(f"column {place}", what, "Choose something else for one."))
    for place in chosen[Taken.TIME_OF_DAY]:
        if by_place[place].time_of_day is None or len(chosen[Taken.TIME]) != 1:
            what = f"{by_place[place].title!r} is no time of the day beside one column of days."
            mistakes.append(Mistake(f"column {place}", what, "Choose something else for it."))
    if mistakes:
        raise Refusal(*mistakes)


def _case(study: Study) -> Seen:
    """Return the column that names the case: by its title, else by values that come again."""
    columns = study.columns
    possible = [c for c in columns if c.filled and c.time is None and c.time_of_day is None]
    if not possible:
        raise Refusal.of(
            study.look.name,
            "No column was found that could name a case.",
            "Write the mapping by hand.",
        )
    times = sum(c.has_time for c in columns)
    return max(possible, key=lambda column: _likeness_to_a_case(column, times))


def _likeness_to_a_case(column: Seen, times: int) -> float:
    rows, distinct = len(column.cells), len(column.values)
    likeness = 3.0 if column.is_called("case") else 0.0
    if column.title.startswith("case:"):
        likeness += 2 if column.title == "case:concept:name" else -1
    if column.is_empty_somewhere:
        likeness -= 2
    if distinct == 1 and rows > 1:
        likeness -= 3
    per_value = rows / distinct if distinct else 0
    likeness += 1.5 if 1.5 <= per_value <= 200 else 0
    has_digits = any(letter.isdigit() for letter in column.filled[0])
    likeness += 0.5 if has_digits else 0
    if column.names_each_row and has_digits and times > 1:
        likeness += 2
    likeness -= 2 if any(len(value) > 100 or "\n" in value for value in column.values) else 0
    return likeness + min(distinct, 10_000) / 100_000


def _times(study: Study, case: Seen) -> list[Seen]:
    """
    Return the column of the times; all of them, in their order, where a row is a whole case.

    Two where one holds the day and another the time of the day.
    """
    columns = [column for column in study.columns if column is not case]
    whole = [c for c in columns if c.has_time]
    days = [c for c in columns if c.time is not None]
    if case.names_each_row:
        several = _happenings(whole) or _happenings(days)
        if len(several) > 1:
            return _in_order(several)
    if whole:
        return [max(whole, key=_likeness_to_the_time)]
    if not days:
        raise Refusal.of(
            study.look.name,
            "No column was found whose cells are times.",
            "Name it and its format in mapping.yaml by hand; the letters are those of CLDR.",
        )
    day = max(days, key=_likeness_to_the_time)
    clocks = [c for c in columns if c.time_of_day is not None]
    return [day, min(clocks, key=_zeros)] if clocks else [day]


def _happenings(times: Sequence[Seen]) -> list[Seen]:
    """Return the times at which something happened to a case: not due dates, nor one for all."""
    return [c for c in times if len(c.values) > 1 and not c.is_called("no event")]


def _in_order(times: Sequence[Seen]) -> list[Seen]:
    """Return columns as their times mostly follow one another."""
    formats = [compile_time_format(c.time.format) for c in times if c.time is not None]
    late = dict.fromkeys(range(len(times)), 0.0)
    for row in range(min(len(times[0].cells), ROWS_IN_ORDER)):
        read = [(at, n) for n, c in enumerate(times) if (at := _read(formats[n], c.cells[row]))]
        for place, (_, number) in enumerate(sorted(read)):
            late[number] += place - (len(read) - 1) / 2
    return [times[number] for number in sorted(late, key=lambda n: (late[n], n))]


def _read(time_format: TimeFormat, cell: str) -> datetime | None:
    try:
        return time_format.parse(cell).replace(tzinfo=UTC)
    except ValueError:
        return None


def _likeness_to_the_time(column: Seen) -> tuple[float, int]:
    likeness = 1.0 if column.is_called("time") else 0.0
    likeness += 2 if plain(column.title) in ("time timestamp", "timestamp", "at") else 0
    likeness += 1 if re.search(r"complete|changed|geandert|updated", plain(column.title)) else 0
    likeness -= 3 * (1 - len(column.filled) / len(column.cells))
    return likeness, len(column.values)


def _zeros(column: Seen) -> float:
    """Return the share of rows without a time of the day; 0:00:00 often stands for none."""
    zeros = sum(n for value, n in column.values.items() if not value.strip("0:"))
    return (zeros + len(column.cells) - len(column.filled)) / len(column.cells)


def _activity(case: Seen, columns: Sequence[Seen]) -> Seen | None:
    """Return the column that says what happened: by its title, else the one that changes most."""
    possible = [
        c
        for c in columns
        if 2 <= len(c.values) <= MOST_ACTIVITIES and c.time is None and c.time_of_day is None
        and not c.title.startswith("case:") and not c.is_numeric
    ]  # fmt: skip
    named = [c for c in possible if c.is_called("activity")]
    if named:
        return named[0]
    changing = [(c, changes(case, c)) for c in possible]
    best = max(changing, key=lambda found: found[1], default=None)
    return best[0] if best is not None and best[1] > 0 else None


def _taken(column: Seen, case: Seen, times: Sequence[Seen], activity: Seen | None) -> Taken:
    if column is case:
        return Taken.CASE
    if column in times:
        return Taken.TIME if column.time is not None else Taken.TIME_OF_DAY
    if column is activity:
        return Taken.ACTIVITY
    return Taken.CONTENT if is_content(column) else Taken.FACT


def is_content(column: Seen) -> bool:
    """Return whether a column may tell who somebody is, or what somebody wrote."""
    if column.is_called("person"):
        return True
    if not column.filled:
        return False
    length = sum(len(value) * n for value, n in column.values.items()) / len(column.filled)
    return length > LONG_TEXT and len(column.values) > len(column.filled) / 2


def _twins(columns: Sequence[Seen], activity: Seen | None) -> dict[int, str]:
    """Return why columns are left out: those that are empty, and those that say the same."""
    known: dict[tuple[str, ...], Seen] = {}
    told: dict[int, str] = {}
    for column in sorted(columns, key=lambda c: (c is not activity, c.place)):
        if not column.filled:
            told[column.place] = "is empty in all these rows"
        elif (twin := known.get(column.cells)) is not None:
            told[column.place] = f"is the same as {twin.title} in all these rows"
        else:
            known[column.cells] = column
    return told


def _told(study: Study, kinds: Mapping[int, Taken], why: Mapping[int, str]) -> Choices:
    """Return the choices in the order of the mapping, each with its name."""
    by_place = {column.place: column for column in study.columns}
    times = [place for place, kind in kinds.items() if kind is Taken.TIME]
    types, names = Namer(set()), Namer({"activity"})
    several = len(times) > 1
    events = {
        c.place: types(_event_word(c.title))
        for c in (_in_order([by_place[p] for p in times]) if several else ())
    }
    columns = []
    for place in sorted(kinds):
        column, kind = by_place[place], kinds[place]
        if kind is Taken.TIME:
            columns.append(_time_choice(column, events.get(place, ""), why.get(place, "")))
            continue
        name = "activity" if kind is Taken.ACTIVITY else ""
        if kind in (Taken.FACT, Taken.CONTENT):
            name = names(column.title)
        columns.append(
            ColumnChoice(
                place=place, title=column.title, taken=kind, name=name,
                format=column.time_of_day or "" if kind is Taken.TIME_OF_DAY else "",
                why=why.get(place) or _why(study, column, kind),
            )
        )  # fmt: skip
    order = {place: number for number, place in enumerate(events)}
    return Choices(columns=tuple(sorted(columns, key=lambda c: order.get(c.place, -1))))


def _event_word(title: str) -> str:
    found = _AROUND_A_TYPE.match(plain(title))
    return found[1] if found else title


def _time_choice(column: Seen, event: str, why: str) -> ColumnChoice:
    told = column.time
    assert told is not None
    fillers = tuple(c for c in told.misfits if is_filler(c) or _stands_for_none(column, c))
    empty = (*([""] if column.is_empty_somewhere else []), *fillers) if event else ()
    return ColumnChoice(
        place=column.place,
        title=column.title,
        taken=Taken.TIME,
        name=event,
        format=told.format,
        empty=empty,
        bad=tuple(cell for cell in told.misfits if cell not in empty),
        is_sure=told.is_sure,
        why=why or told.why,
    )


def _stands_for_none(column: Seen, cell: str) -> bool:
    """Return whether a word, not a time, comes again and again: in one of a hundred rows."""
    is_often = column.values[cell] > max(2, len(column.cells) * OFTEN)
    return is_often and not any(letter.isdigit() for letter in cell)


def _why(study: Study, column: Seen, kind: Taken) -> str:
    rows = len(study.look.rows)
    if kind is Taken.CASE:
        if column.names_each_row:
            return "each row has another one"
        return f"{len(column.values):,} of them in {rows:,} rows"
    if kind is Taken.ACTIVITY:
        return f"{len(column.values):,} values, by which cases go on"
    if kind is Taken.CONTENT:
        return "it may tell who somebody is: erasable, not measured"
    return ""


class Namer:
    """Gives each column an identifier of its own."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = taken

    def __call__(self, title: str) -> str:
        """Return a name that was not given yet."""
        return next(self._free(identifier(title.removeprefix("case:")).replace("-", "_")))

    def _free(self, wished: str) -> Iterator[str]:
        for number in count(1):
            name = wished if number == 1 else f"{wished[:58]}_{number}"
            if name not in self._taken and name not in KEYWORDS:
                self._taken.add(name)
                yield name


__all__ = ["Choices", "ColumnChoice", "Taken", "changed", "choose", "is_content"]
