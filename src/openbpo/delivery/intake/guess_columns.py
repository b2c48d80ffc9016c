"""The columns of a file as they were seen: titles, cells, and what the cells are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from openbpo.delivery.intake.files.looking import Look
from openbpo.delivery.intake.time_guessing import TimeGuess, guess_time, guess_time_of_day

_TITLES = {
    "case": r"(case|ticket|incident|request|order|claim|issue|vorgang|fall|auftrag|caso|pedido|"
    r"call|chat|conversation|invoice|work ?item|zgloszenie|sprawa|reference|ref)"
    r"( ?(id|key|no|nr|number|nummer|concept name|name|numero))?|id|key|number",
    "time": r".*\b(time|timestamp|date|datetime|at|zeit|datum|am|um|fecha|hora|data|czas|when|"
    r"start|started|end|ended|complete|completed|created|changed|updated|day|opened|closed|"
    r"resolved|solved|response|assigned|received)\b.*",
    "activity": r"(activity|activity name|action|step|event|event type|status|state|concept name|"
    r"task|aktivitat|aktion|schritt|actividad|estado|atividade|czynnosc|stan|operation|outcome)",
    "person": r".*\b(customer|client|kunde|cliente|name|email|mail|phone|telephone|address|iban|"
    r"birth|birthday|ssn|contact|passport|surname|subject|description|comment|note|notes|text|"
    r"message|body|caller)\b.*",
    "identifier": r".*\b(id|no|nr|number|nummer|key|code|user|agent|resource|org resource|zip|"
    r"phone|postcode|index|account)\b.*",
    "no event": r".*\b(due|deadline|target|expected|planned|scheduled|birth|birthday|sla|breach|"
    r"updated|modified|exported|extracted|faellig|fallig|until|expires|expiry)\b.*",
}
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Seen:
    """A column as it was seen: its cells in the order of the rows."""

    place: int
    """Its place in the file, from 0."""
    title: str
    occurrence: int | None
    cells: tuple[str, ...]
    filled: tuple[str, ...]
    values: Mapping[str, int]
    time: TimeGuess | None
    time_of_day: str | None

    def is_called(self, role: str) -> bool:
        """Return whether the title is one of those that such a column has."""
        return re.fullmatch(_TITLES[role], plain(self.title)) is not None

    @property
    def is_empty_somewhere(self) -> bool:
        """Return whether a cell is empty."""
        return len(self.filled) < len(self.cells)

    @property
    def is_numeric(self) -> bool:
        """Return whether every value is a plain number."""
        return bool(self.values) and all(_NUMBER.fullmatch(value) for value in self.values)

    @property
    def has_time(self) -> bool:
        """Return whether its cells are times, not days alone."""
        return self.time is not None and self.time.has_time

    @property
    def names_each_row(self) -> bool:
        """Return whether each row has another value, so that a row would be a whole case."""
        return len(self.values) == len(self.cells) > 1


@dataclass(frozen=True, slots=True)
class Study:
    """A look at a file with its columns."""

    look: Look
    columns: tuple[Seen, ...]


def study(look: Look) -> Study:
    """Return the columns that have a title."""
    titles = look.header
    return Study(
        look, tuple(_seen(look, place, title) for place, title in enumerate(titles) if title)
    )


def _seen(look: Look, place: int, title: str) -> Seen:
    cells = tuple(row[place].strip() for row in look.rows)
    filled = tuple(filter(None, cells))
    values: dict[str, int] = {}
    for cell in filled:
        values[cell] = values.get(cell, 0) + 1
    titles = look.header
    is_named = re.fullmatch(_TITLES["time"], plain(title)) is not None
    return Seen(
        place=place,
        title=title,
        occurrence=titles[: place + 1].count(title) if titles.count(title) > 1 else None,
        cells=cells,
        filled=filled,
        values=values,
        time=guess_time(tuple(values), is_named_so=is_named),
        time_of_day=guess_time_of_day(tuple(values)),
    )


def changes(case: Seen, column: Seen) -> int:
    """Return in how many rows the cell differs from that of the case's row before."""
    before: dict[str, str] = {}
    found = 0
    for key, cell in zip(case.cells, column.cells, strict=True):
        found += before.get(key, cell) != cell
        before[key] = cell
    return found


def plain(title: str) -> str:
    """Return a title in small letters, without accents, its words apart."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", title).replace("ß", "ss").replace("ł", "l")
    letters = unicodedata.normalize("NFKD", apart).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", " ", letters).strip()


def identifier(title: str) -> str:
    """Return a title as an identifier: lower-case letters, digits and _, from a letter on."""
    name = re.sub(r"[^a-z0-9]+", "_", plain(title)).strip("_")[:63].rstrip("_")
    return name if name[:1].isalpha() else f"column_{name}".rstrip("_")
