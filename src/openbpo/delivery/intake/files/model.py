"""What must be said of a file before it can be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Format = Literal["csv", "xlsx", "json lines", "xes"]
FORMATS: tuple[Format, ...] = ("csv", "xlsx", "json lines", "xes")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFormat:
    """How a file is written; what is None is found in the file, or is as people usually have it."""

    format: Format = "csv"
    encoding: str = "utf-8"
    """Of CSV and JSON lines, where no byte order mark says otherwise."""
    delimiter: str | None = None
    quote: str | None = None
    sheet: str | None = None
    """The name of a workbook's sheet; its only or first one without it."""
    record: str | None = None
    """The dotted path to the object of a JSON line that holds the columns; the line itself."""
