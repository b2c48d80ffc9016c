"""openbpo import, sample: what comes in."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from openbpo.delivery.intake.actions import abandon, import_file
from openbpo.delivery.intake.model import Imported
from openbpo.record.queries import Extent, extent
from openbpo.surfaces.cli.printing import say, say_json
from openbpo.surfaces.cli.session import find_engagement, session
from openbpo.values.canonical import instant_text
from openbpo.values.refusals import Refusal

Engagement = Annotated[str, typer.Argument(help="The engagement: its agreement folder's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def import_(
    engagement: Engagement,
    file: Annotated[Path | None, typer.Argument(help="A CSV file, plain or gzip.")] = None,
    mapping: Annotated[
        str | None, typer.Option("--mapping", help="Which mapping of the agreement to read it by.")
    ] = None,
    give_up: Annotated[
        bool, typer.Option("--abandon", help="Give up the import that is not finished.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take in a file of events. The same file twice changes nothing; a stopped import goes on."""
    if (file is None) is not give_up:
        raise typer.BadParameter("name a FILE, or give `--abandon` alone")
    with session("import") as current:
        engagement_id = find_engagement(current, engagement)
        if file is None:
            source = abandon(
                current.database, current.context, engagement_id=engagement_id, handle=engagement
            )
            _say_abandoned(engagement, source, as_json=as_json)
            return
        imported = import_file(
            current.database, current.context, engagement_id=engagement_id, handle=engagement,
            path=file, mapping_id=mapping, progress=_progress,
        )  # fmt: skip
        with current.database.transaction(current.context.within(engagement_id)) as tx:
            held = extent(tx, engagement_id)
    _say_imported(engagement, imported, held, as_json=as_json)


def _say_imported(engagement: str, imported: Imported, held: Extent, *, as_json: bool) -> None:
    if as_json:
        say_json({
            "engagement": engagement, "source": imported.source, "read": imported.read,
            "accepted": imported.accepted, "already_known": imported.already_known,
            "was_known": imported.was_known, "events": held.events, "cases": held.cases,
            "first": instant_text(held.first) if held.first else None,
            "last": instant_text(held.last) if held.last else None,
        })  # fmt: skip
        return
    if imported.was_known:
        say(f"{imported.source} was imported before, with all its {imported.read:,} rows. Nothing "
            "was done.")  # fmt: skip
    else:
        say(f"{imported.source}: {imported.read:,} rows read, {imported.accepted:,} accepted, "
            f"{imported.already_known:,} already known, 0 refused.")  # fmt: skip
    cases = "1 case" if held.cases == 1 else f"{held.cases:,} cases"
    say(f"The record of {engagement} holds {held.events:,} events of {cases}, "
        f"{held.first:%Y-%m-%d} to {held.last:%Y-%m-%d} (UTC).")  # fmt: skip


def _progress(rows: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{rows:,} rows in ")
        sys.stderr.flush()


def _say_abandoned(engagement: str, source: str, *, as_json: bool) -> None:
    if as_json:
        say_json({"engagement": engagement, "abandoned": source})
    else:
        say(f"The import of {source} is given up; nothing of it was ever seen.")


def sample(
    line: Annotated[str, typer.Argument(help="The service line: helpdesk.")],
    file: Annotated[Path, typer.Argument(help="Where to write it (.csv or .csv.gz).")],
    year: Annotated[int, typer.Option(help="Which year it tells of.", min=2010, max=2040)] = 2025,
    seed: Annotated[int, typer.Option(help="Another number makes another year.")] = 7,
) -> None:
    """Write a made-up year of a service line, in the shape of a real system's export."""
    if line != "helpdesk":
        raise Refusal.of("LINE", f"There is no sample of {line!r}.", "There is one of helpdesk.")
    try:
        import_module(f"openbpo.lines.{line}.sample").write_sample(file, year, seed)
    except OSError as error:
        raise Refusal.of(
            str(file), f"It cannot be written: {error.strerror}.", "Name another place."
        ) from error
    say(f"{file}: the year {year} of a made-up {line} (seed {seed}).")


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("import")(import_)
    app.command()(sample)
