"""Plain text that lines up, and JSON: what commands print."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import typer

WIDTH = 96


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


def say_json(value: Any) -> None:
    """Print a value as JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


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
