"""
Reading a period out of a year of 100,000 cases: computed, and ready.

The year is that of the help desk's sample, many times over with other seeds and other cases. Each
figure is a wall time within one process, on a connection that is open; that of a read holds its
transaction too. p95 is over all periods, pages and cases that are read, each several times. The
goals: a statement, a page of 50 cases and a time line are ready in 30 ms, 30 ms and 50 ms.
"""

from __future__ import annotations

import csv
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CASES = int(os.environ.get("OPENBPO_BENCH_CASES", "100000"))
RUNS = 5
GOALS_MS = {
    "statement, ready": 30.0,
    "a year's twelve statements, ready": 100.0,
    "page of 50 cases": 30.0,
    "page of 50 late cases, sorted": 30.0,
    "time line of a case": 50.0,
    "what-if": 10.0,
}
HELP_DESK = Path(__file__).parent.parent / "examples" / "helpdesk"
FIGURE = "measure:resolve-standard"


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
    """Bring the year in, compute its statements, and read them."""
    from openbpo.agreements.files import read_folder
    from openbpo.agreements.versions.actions import accept, open_engagement
    from openbpo.billing.statements.actions import cases_of, statement_of, statements_between
    from openbpo.billing.statements.decisions import inputs, what_if
    from openbpo.billing.statements.model import Outcome
    from openbpo.billing.statements.queries import case_time_line, period_names
    from openbpo.delivery.intake.actions import import_file
    from openbpo.storage.database import Context
    from openbpo.storage.installation import open_database
    from openbpo.trust.keys import party_key

    path = folder / "year.csv"
    cases = write_year(path)
    context = Context(principal="bench", purpose="bench")
    with open_database() as database:
        engagement = open_engagement(database, context, "bench")
        accept(
            database, context, handle="bench", files=dict(read_folder(HELP_DESK)), side="provider",
            key=party_key("banco-servizi"),
        )  # fmt: skip
        begun = time.perf_counter()
        import_file(database, context, engagement_id=engagement, handle="bench", path=path)
        print(f"{cases:,} cases brought in: {time.perf_counter() - begun:,.1f} s")

        def once(act: Callable[..., Any], *arguments: Any, **named: Any) -> tuple[Any, float]:
            start = time.perf_counter()
            with database.transaction(context.within(engagement)) as tx:
                found = act(tx, engagement, *arguments, **named)
            return found, (time.perf_counter() - start) * 1000

        names, _ = once(period_names)
        computed = [once(statement_of, name) for name in names]
        told("statement, computed anew", [ms for _, ms in computed], None)
        whole = RUNS * names
        told("statement, ready", [once(statement_of, name)[1] for name in whole])
        year = [once(statements_between, names[0], names[-1])[1] for _ in range(RUNS)]
        told("a year's twelve statements, ready", year)
        pages = [once(cases_of, name, FIGURE, page=1 + n % 20) for n, name in enumerate(whole)]
        told("page of 50 cases", [ms for _, ms in pages])
        late = {"outcome": Outcome.LATE, "sort": "-began"}
        sorted_ = [once(cases_of, name, FIGURE, **late)[1] for name in whole]
        told("page of 50 late cases, sorted", sorted_)
        keys = [page.rows[0].case for page, _ in pages if page.rows]
        told("time line of a case", [once(case_time_line, key)[1] for key in keys])
        given = [found for found, _ in computed]
        told("what-if", list(supposed(given, lambda one: what_if(inputs(one)))))
        held = max(sum(page.outcomes.values()) for page, _ in pages)
        print(f"cases of {FIGURE} in the largest month: {held:,}")
    if MISSED:
        sys.exit(f"Missed: {', '.join(MISSED)}.")


def supposed(given: list[Any], act: Callable[[Any], Any]) -> Iterator[float]:
    """Yield how long a supposition takes, of each statement."""
    for one in given:
        start = time.perf_counter()
        act(one)
        yield (time.perf_counter() - start) * 1000


def write_year(path: Path) -> int:
    """Write the year, and return how many cases it holds."""
    from openbpo.lines.helpdesk.sample import write_sample

    cases, seed = set[str](), 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        while len(cases) < CASES:
            seed += 1
            part = path.with_suffix(".part.csv")
            write_sample(part, 2025, seed)
            with part.open(newline="", encoding="utf-8") as source:
                header, *rows = csv.reader(source)
            if seed == 1:
                writer.writerow(header)
            for row in rows:
                row[0] = f"{seed}/{row[0]}"
                cases.add(row[0])
            writer.writerows(rows)
    return len(cases)


MISSED: list[str] = []


def told(what: str, ms: list[float], goal: float | None = -1.0) -> None:
    """Print the median and the 95th percentile of some times, and note a goal that is missed."""
    ordered = sorted(ms)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    goal = GOALS_MS[what] if goal is not None else None
    shown = f", goal {goal:,.0f}" if goal is not None else ""
    print(
        f"{what}: median {statistics.median(ms):,.1f} ms, p95 {p95:,.1f} ms (n = {len(ms)}{shown})"
    )
    if goal is not None and p95 > goal:
        MISSED.append(what)


if __name__ == "__main__":
    main()
