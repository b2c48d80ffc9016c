"""
`openbpo`: every command says what it did in words, or in JSON with `--json`.

Exit status: 0 done, 1 refused (the input is wrong, each mistake is named), 2 usage, 3 the system
failed.
"""

from __future__ import annotations

import io
import sys

import psycopg
import typer

from openbpo.delivery.intake.reading_ahead import ReaderFailed
from openbpo.storage.database import OutcomeUnknown
from openbpo.surfaces.cli import (
    agreements,
    demo,
    disputes,
    evidence,
    guessing,
    installation,
    invoices,
    people,
    periods,
    reconciling,
    results,
    serving,
    work,
    working,
)
from openbpo.surfaces.cli.printing import say_json
from openbpo.values.refusals import Refusal, Unavailable
from openbpo.values.zones import OutsideResolved

REFUSED, FAILED = 1, 3

app = typer.Typer(
    name="openbpo",
    help="One record of outsourced work that client and provider can both replay.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for module in (
    agreements, guessing, work, results, periods, invoices, disputes, working, evidence,
    reconciling, people, serving, demo,
    installation,
):  # fmt: skip
    module.add_to(app)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except Refusal as refusal:
        _tell(refusal)
        sys.exit(FAILED if isinstance(refusal, Unavailable) else REFUSED)
    except OutsideResolved as outside:
        _tell(Refusal.of("agreement", f"{outside}", "Accept a version whose term holds that time."))
        sys.exit(REFUSED)
    except ReaderFailed as failed:
        _fail(f"{failed} Run the same command again: it goes on where it stopped.")
    except OutcomeUnknown as unknown:
        _fail(f"{unknown} Run the same command again: it finds out, and does nothing twice.")
    except psycopg.Error as error:
        _fail(f"The database failed: {str(error).strip()}")
    except KeyboardInterrupt:
        _fail("Stopped. What was done stays done; run the same command again to go on.")


def _tell(refusal: Refusal) -> None:
    if "--json" in sys.argv:
        say_json(
            {"refused": [{"where": m.where, "what": m.what, "remedy": m.remedy}
                         for m in refusal.mistakes]}
        )  # fmt: skip
    count = len(refusal.mistakes)
    if count > 1:
        typer.echo(f"{count} mistakes:", err=True)
    for mistake in refusal.mistakes:
        typer.echo(f"{mistake.where}: {mistake.what}", err=True)
        typer.echo(f"    {mistake.remedy}", err=True)


def _fail(message: str) -> None:
    typer.echo(message, err=True)
    sys.exit(FAILED)


if __name__ == "__main__":
    main()
