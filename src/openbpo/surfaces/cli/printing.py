"""Plain text that lines up, and JSON: what commands print."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer

WIDTH = 96
MARK = "\ue000"
"""Of a private use: no text of ours holds it."""


def say(text: str = "") -> None:
    """Print a line."""
    typer.echo(text)


def say_wrapped(text: str, indent: str = "") -> None:
    """Print a sentence, folded."""
    for line in folded(text, indent, indent):
        say(line)


def folded(text: str, first: str, others: str) -> list[str]:
    """Return a sentence as lines of at most 96 characters, with their indents."""
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=others,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


class Spelled(str):
    """A number that JSON holds digit for digit as it is written here, with its last zeros."""

    __slots__ = ()


_SPELLED = re.compile(f'"{MARK}(-?[0-9]+(?:\\.[0-9]+)?){MARK}"')


def say_json(value: Any) -> None:
    """Print a value as JSON."""
    typer.echo(json_text(value))


def json_text(value: Any) -> str:
    """Return a value as JSON."""
    return _SPELLED.sub(r"\1", json.dumps(_marked(value), indent=2, ensure_ascii=False))


def _marked(value: Any) -> Any:
    """Return the value with a mark about each spelled number, so that its quotes are found."""
    if isinstance(value, Spelled):
        return f"{MARK}{value}{MARK}"
    if isinstance(value, Mapping):
        return {key: _marked(inner) for key, inner in value.items()}
    return [_marked(inner) for inner in value] if isinstance(value, list | tuple) else value


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()
) -> list[str]:
    """Return lines in which columns align; `right` numbers those whose figures end together."""
    rows = [list(row) for row in rows]
    lines = [list(head), *rows] if any(head) else rows
    widths = [max(len(row[column]) for row in lines) for column in range(len(head))]
    told = [_line(row, widths, right) for row in lines]
    if any(head):
        told.insert(1, "  " + "  ".join("-" * width for width in widths))
    return told


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[int]) -> str:
    cells = [
        cell.rjust(width) if column in right else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return ("  " + "  ".join(cells)).rstrip()
