"""What parts hold. A view builds them of exact figures and words; tags and templates show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal


class Shape(StrEnum):
    """What a chip's shape says; its word stands beside it."""

    MET = "met"
    DEFAULT = "default"
    LOW = "low"
    NOT_PROVABLE = "not-provable"
    PRELIMINARY = "preliminary"
    DISPUTED = "disputed"
    AGREED = "agreed"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Chip:
    """A verdict or a state: shape, word, then colour."""

    shape: Shape | str
    word: Any


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell: text, a smaller line below it, an address, a chip, a drawing."""

    text: Any = ""
    small: Any = ""
    href: str = ""
    chip: Chip | None = None
    drawing: Any = ""
    kind: Literal["", "bad", "good", "id"] = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head, and whether figures stand in it (they end together)."""

    head: Any
    is_number: bool = False
    is_drawn: bool = False


RowKind = Literal["", "strong", "judged", "judged strong", "sum", "lighter"]


@dataclass(frozen=True, slots=True)
class Row:
    """A row: a cell or a text for each column. The first one names the row."""

    cells: Sequence[Cell | Any]
    kind: RowKind = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table; when narrow each row becomes a sheet. `are_links` makes a whole row its link."""

    columns: Sequence[Column]
    rows: Sequence[Row]
    caption: Any = ""
    foot: Sequence[Row] = ()
    are_links: bool = False

    @property
    def lines(self) -> list[Line]:
        """Return the rows of the body, each cell with its column."""
        return [self._line(row) for row in self.rows]

    @property
    def foot_lines(self) -> list[Line]:
        """Return the rows of the foot."""
        return [self._line(row) for row in self.foot]

    def _line(self, row: Row) -> Line:
        cells = [one if isinstance(one, Cell) else Cell(one) for one in row.cells]
        return Line(row.kind, list(zip(self.columns, cells, strict=True)))


@dataclass(frozen=True, slots=True)
class Line:
    """A row as a template walks it."""

    kind: RowKind
    cells: list[tuple[Column, Cell]]


@dataclass(frozen=True, slots=True)
class Level:
    """A level that a drawing shows across: minimum, expected."""

    at: Decimal
    word: Any
    is_minimum: bool = False


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a scale, from a value to a value; the same value twice is a mark."""

    start: Decimal
    end: Decimal


@dataclass(frozen=True, slots=True)
class Scale:
    """The values between which a drawing lies, and the levels that it shows."""

    low: Decimal
    high: Decimal
    levels: Sequence[Level] = ()

    def place(self, value: Decimal) -> Decimal:
        """Return where a value lies, in per cent of the width; held within the drawing."""
        share = (value - self.low) / (self.high - self.low) * 100
        return min(max(share, Decimal(0)), Decimal(100)).quantize(Decimal("0.01"))


@dataclass(frozen=True, slots=True)
class Month:
    """A point of a trend: its word, its share in per cent points, what is said of it."""

    word: Any
    value: Decimal | None
    shape: Shape | str = Shape.MET
    told: str = ""
    """The value as it is written; shown where it is below expected, and read out."""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Trend:
    """Shares month by month with the levels that they are held against."""

    months: Sequence[Month]
    scale: Scale
    label: str


LaneKind = Literal["counted", "late", "paused", "excluded"]


@dataclass(frozen=True, slots=True)
class LaneStretch:
    """A stretch of a case's day: counted, counted after it was due, paused, or excluded."""

    start: datetime
    end: datetime
    kind: LaneKind
    told: Any = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """A day of a case's time line: only the hours that the calendar counts."""

    word: Any
    opens: datetime
    closes: datetime
    stretches: Sequence[LaneStretch]
    total: str = ""
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Days of which nothing counts, told in a line between lanes."""

    word: Any


@dataclass(frozen=True, slots=True)
class Card:
    """What is moved through the steps of a board."""

    name: Any
    what: Any = ""
    amount: str = ""
    chip: Chip | None = None
    clock: Any = ""
    href: str = ""
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class BoardColumn:
    """A step of a board with its cards."""

    name: Any
    total: Any = ""
    cards: Sequence[Card] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Step:
    """What can be done next, until when, and what it would change."""

    what: Any
    until: Any = ""
    changes: Any = ""
    href: str = ""
    button: Any = ""
    is_main: bool = False
    chip: Chip | None = None
