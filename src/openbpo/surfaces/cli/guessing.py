"""openbpo mapping: a first mapping of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from openbpo.delivery.intake.files.looking import Look, look_at
from openbpo.delivery.intake.guessing import Guess, guess
from openbpo.surfaces.cli.printing import say, say_json

File = Annotated[Path, typer.Argument(help="CSV, a workbook, JSON lines or XES, plain or gzip.")]
Sheet = Annotated[str | None, typer.Option(help="Which sheet of a workbook; the first without it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def guess_(file: File, sheet: Sheet = None, as_json: AsJson = False) -> None:
    """Look at the first 5,000 rows of a file and write a first mapping, with its reasons."""
    look = look_at(file, sheet=sheet)
    guessed = guess(look)
    if as_json:
        _say_json(look, guessed)
        return
    say("# mapping.yaml")
    say(guessed.mapping)
    say("# data.yaml")
    say(guessed.data)
    if look.faults:
        say(f"# {look.faults:,} of these rows cannot be read and were left out.")
    say("# To check:")
    for sentence in guessed.to_check:
        say(f"# - {sentence}")


def _say_json(look: Look, guessed: Guess) -> None:
    say_json({
        "file": look.name, "format": look.form.format, "encoding": look.form.encoding,
        "delimiter": look.form.delimiter, "rows": len(look.rows), "faults": look.faults,
        "is_whole": look.is_whole, "mapping": guessed.mapping, "data": guessed.data,
        "to_check": list(guessed.to_check),
    })  # fmt: skip


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    mapping = typer.Typer(
        help="Write a first mapping of a file.", no_args_is_help=True, rich_markup_mode=None
    )
    mapping.callback()(lambda: None)
    mapping.command("guess")(guess_)
    app.add_typer(mapping, name="mapping")
