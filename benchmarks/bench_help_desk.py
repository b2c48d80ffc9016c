"""
The first walk, measured: a made-up year of a help desk in, its twelve invoices out.

Beside it, in the same run and on the same server, what the database alone takes to store the same
rows: COPY of the parsed cells into a plain table, without identity, commitments, leaf or policy. The
ratio is the price of the record. Every figure is the median of the runs that are printed.
"""

from __future__ import annotations

import csv
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

ROWS_YEARS = range(2021, 2026)
RUNS = 5


def main() -> None:
    """Run in a home of its own and print."""
    with tempfile.TemporaryDirectory(prefix="openbpo-bench-") as folder:
        os.environ["OPENBPO_HOME"] = str(Path(folder) / "home")
        from openbpo.storage import server

        try:
            measure(Path(folder))
        finally:
            server.stop()


def measure(folder: Path) -> None:
    """Import each of several years into an engagement of its own, and bill it."""
    from openbpo.agreements.files import read_folder
    from openbpo.agreements.versions.actions import accept
    from openbpo.agreements.versions.queries import terms_in_force
    from openbpo.assurance.attainment.queries import attain, work_of
    from openbpo.billing.invoicing.queries import invoice_of
    from openbpo.delivery.intake.actions import import_file
    from openbpo.lines.helpdesk.sample import write_sample
    from openbpo.storage.database import Context
    from openbpo.storage.installation import find_installation, open_database
    from openbpo.trust.keys import party_key

    files = read_folder(Path(__file__).parent.parent / "examples" / "helpdesk")
    context = Context(principal="bench", purpose="bench")
    imports, plain, bills = [], [], []
    with open_database() as database:
        owner_url = find_installation().owner_url or ""
        for year in ROWS_YEARS:
            log = folder / f"{year}.csv"
            write_sample(log, year, seed=7)
            rows = sum(1 for _ in log.open(encoding="utf-8")) - 1
            handle = f"bench-{year}"
            accept(
                database, context, handle=handle, files=files, side="provider",
                key=party_key("banco-servizi"),
            )  # fmt: skip
            with database.transaction(context) as tx:
                from openbpo.trust.engagements import granted

                engagement = next(g.engagement_id for g in granted(tx) if g.handle == handle)
            took = timed(
                lambda: import_file(
                    database, context, engagement_id=engagement, handle=handle, path=log  # noqa: B023
                )
            )
            imports.append(rows / took)
            plain.append(rows / timed(lambda: copy_plainly(owner_url, log)))  # noqa: B023

            def bill() -> None:
                with database.transaction(context.within(engagement)) as tx:  # noqa: B023
                    terms = terms_in_force(tx, engagement, handle)  # noqa: B023
                    for month in range(1, 13):
                        work = work_of(tx, engagement, terms, f"{year}-{month:02}")  # noqa: B023
                        invoice_of(work, attain(work))

            bills.append(timed(bill))
    told("import, rows a second", imports)
    told("plain COPY, rows a second", plain)
    told("ratio import / plain COPY", [a / b for a, b in zip(imports, plain, strict=True)])
    told("twelve invoices of a year, seconds", bills)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the client: {peak_mb:.0f} MB")


def timed(act: Callable[[], object]) -> float:
    """Return how many seconds an act took."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def copy_plainly(owner_url: str, log: Path) -> None:
    """Store the cells of a log in a plain table."""
    with psycopg.connect(owner_url) as connection, log.open(encoding="utf-8", newline="") as file:
        connection.execute("SET ROLE openbpo_owner")
        columns = ", ".join(f"c{number} text" for number in range(16))
        connection.execute(f"CREATE TABLE storage.plain ({columns})".encode())
        with connection.cursor().copy("COPY storage.plain FROM STDIN") as copy:
            for row in csv.reader(file):
                copy.write_row(row)
        connection.execute("DROP TABLE storage.plain")


def told(what: str, figures: list[float]) -> None:
    """Print the median of some runs, with the least and the most."""
    middle = statistics.median(figures)
    print(f"{what}: {middle:,.2f} (median of {len(figures)}; {min(figures):,.2f} to {max(figures):,.2f})")


if __name__ == "__main__":
    main()
