"""openbpo import, sample: what comes in."""

from __future__ import annotations

import sys
from importlib import import_module, resources
from pathlib import Path
from typing import Annotated

import typer

from openbpo.agreements.words import listed
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
    file: Annotated[
        Path | None, typer.Argument(help="CSV, XLSX, JSON lines or XES, plain or gzip.")
    ] = None,
    mapping: Annotated[
        str | None, typer.Option("--mapping", help="Which mapping of the agreement to read it by.")
    ] = None,
    rejects: Annotated[
        Path | None,
        typer.Option("--rejects", help="Where refused rows go; else FILE.refused beside it."),
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
            path=file, mapping_id=mapping, rejects=rejects, progress=_progress,
        )  # fmt: skip
        with current.database.transaction(current.context.within(engagement_id)) as tx:
            held = extent(tx, engagement_id)
    _say_imported(engagement, imported, held, as_json=as_json)


def _say_imported(engagement: str, imported: Imported, held: Extent, *, as_json: bool) -> None:
    if as_json:
        say_json({
            "engagement": engagement, "source": imported.source, "read": imported.read,
            "accepted": imported.accepted, "corrected": imported.corrected,
            "already_known": imported.already_known, "refused": imported.refused,
            "out_of_order": imported.out_of_order, "was_known": imported.was_known,
            "rejects": str(imported.rejects) if imported.rejects else None,
            "events": held.events, "cases": held.cases,
            "first": instant_text(held.first) if held.first else None,
            "last": instant_text(held.last) if held.last else None,
        })  # fmt: skip
        return
    if imported.was_known:
        refused = f", {imported.refused:,} were refused" if imported.refused else ""
        say(f"{imported.source} was imported before: {imported.read - imported.refused:,} of its "
            f"{imported.read:,} rows are in{refused}. Nothing was done.")  # fmt: skip
    else:
        say(f"{imported.source}: {imported.read:,} rows read, {imported.accepted:,} accepted, "
            f"{imported.corrected:,} corrected, {imported.already_known:,} already known, "
            f"{imported.refused:,} refused.")  # fmt: skip
    if imported.out_of_order:
        say(f"In {imported.out_of_order:,} rows a later step has an earlier time; they are kept.")
    _say_refused(imported)
    cases = "1 case" if held.cases == 1 else f"{held.cases:,} cases"
    say(f"The record of {engagement} holds {held.events:,} events of {cases}, "
        f"{held.first:%Y-%m-%d} to {held.last:%Y-%m-%d} (UTC).")  # fmt: skip


def _say_refused(imported: Imported) -> None:
    """Name the first refused rows, and where all of them are to be mended."""
    for line, fault in imported.faults:
        typer.echo(f"{imported.source}:{line}: {fault.what}", err=True)
        typer.echo(f"    {fault.remedy}", err=True)
    if imported.refused > len(imported.faults) > 0:
        typer.echo(f"... and {imported.refused - len(imported.faults):,} more.", err=True)
    if imported.rejects is not None:
        say(f"The refused rows are in {imported.rejects}: mend them there, and import that file.")


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
    line: Annotated[str, typer.Argument(help="The service line: helpdesk or telephone.")],
    file: Annotated[Path, typer.Argument(help="Where to write it (.csv or .csv.gz).")],
    year: Annotated[int, typer.Option(help="Which year it tells of.", min=2010, max=2040)] = 2025,
    seed: Annotated[int, typer.Option(help="Another number makes another year.")] = 7,
    variant: Annotated[
        str | None, typer.Option(help="Another kind of year; telephone has short-staffed, staffed.")
    ] = None,
) -> None:
    """Write a made-up year of a service line, in the shape of a real system's export."""
    known = sorted(one.name for one in resources.files("openbpo.lines").iterdir()
                   if (one / "sample.py").is_file())  # fmt: skip
    if line not in known:
        what = f"There is no sample of {line!r}."
        raise Refusal.of("LINE", what, f"There is one of {listed(known)}.")
    module = import_module(f"openbpo.lines.{line}.sample")
    variants = sorted(getattr(module, "VARIANTS", ()))
    if variant is not None and variant not in variants:
        what = f"There is no {line} of the variant {variant!r}."
        raise Refusal.of("--variant", what, f"There is: {listed(variants) or 'none'}.")
    more = {} if variant is None else {"variant": variant}
    try:
        module.write_sample(file, year, seed, **more)
    except OSError as error:
        raise Refusal.of(
            str(file), f"It cannot be written: {error.strerror}.", "Name another place."
        ) from error
    say(f"{file}: the year {year} of a made-up {line} (seed {seed}).")


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("import")(import_)
    app.command()(sample)
