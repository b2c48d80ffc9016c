"""
A correction of one case in a closed month of 100,000, beside that month computed anew.

What is compared is CPU, that of this process and that of its server's backend (from /proc): the
adjustment that the correction makes, and the same month counted from all its cases. The goal is at
most a hundredth. Each figure is the median of the runs that are printed; peak memory is beside.
"""

from __future__ import annotations

import csv
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

CASES = int(os.environ.get("OPENBPO_BENCH_CASES", "100000"))
RUNS = 5
MONTH = "2012-05"
GOAL = 0.01
HELP_DESK = Path(__file__).parent.parent / "examples" / "helpdesk"
HEADER = ("Case ID", "Activity", "Resource", "Complete Timestamp", "seriousness", "customer",
          "product", "service_level", "workgroup")  # fmt: skip


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
    """Close the month, correct one case at a time, and count both ways."""
    from openbpo.agreements.files import read_folder
    from openbpo.agreements.versions.actions import accept, open_engagement
    from openbpo.assurance.attainment.periods import find_period
    from openbpo.billing.closing.actions import Closing, act_on
    from openbpo.billing.closing.adjusting import adjustments
    from openbpo.billing.closing.figures import count_cases, figures
    from openbpo.billing.closing.model import State
    from openbpo.billing.closing.queries import StoredKnowledge
    from openbpo.delivery.intake.actions import import_file
    from openbpo.record.sealing.actions import seal
    from openbpo.storage.database import Context
    from openbpo.storage.installation import open_database, open_sealer
    from openbpo.trust.keys import party_key

    files = dict(read_folder(keyed_agreement(folder / "bench")))
    context = Context(principal="bench", purpose="bench")
    sealing = Context(principal="openbpo:sealer", purpose="seal")
    with open_database() as database, open_sealer() as sealer:
        engagement = open_engagement(database, context, "bench")
        key = party_key("banco-servizi")
        accept(database, context, handle="bench", files=files, side="provider", key=key)

        def bring_in(path: Path) -> None:
            import_file(database, context, engagement_id=engagement, handle="bench", path=path)

        bring_in(write(folder / "month.csv", month_of_cases()))
        closed = act_on(
            database, context, engagement, Closing(MONTH, State.REPORTED, "provider"),
            lambda: seal(sealer, sealing, engagement),
        )  # fmt: skip
        anew, corrected = [], []
        for run in range(RUNS):
            bring_in(write(folder / f"correction-{run}.csv", [late_row(run)]))
            with database.transaction(context.within(engagement)) as tx:
                backend = tx.row(_Pid, "SELECT pg_backend_pid() AS pid")
                assert backend is not None
                known = StoredKnowledge(tx, engagement).latest()

                def adjust() -> Any:
                    knowledge = StoredKnowledge(tx, engagement)  # noqa: B023
                    return adjustments(knowledge, known, [closed.document])  # noqa: B023

                def count_anew() -> Any:
                    knowledge = StoredKnowledge(tx, engagement)  # noqa: B023
                    terms = knowledge.terms(known)  # noqa: B023
                    period, governing = find_period(terms, MONTH)
                    active = knowledge.active(period, known)  # noqa: B023
                    return figures(count_cases(active, terms, MONTH).sums, governing, period)

                adjusted, of_correction = cpu_s(adjust, backend.pid)
                whole, of_month = cpu_s(count_anew, backend.pid)
            assert adjusted.entries[-1]["figures"] == whole, "both ways come to the same figures"
            assert len(adjusted.entries[0]["reasons"]) == run + 1
            corrected.append(of_correction)
            anew.append(of_month)
    told(f"the month of {CASES:,} cases anew, CPU seconds", anew)
    told("a correction of one case, CPU seconds", corrected)
    ratios = [one / other for one, other in zip(corrected, anew, strict=True)]
    told(f"ratio correction / month anew (goal: at most {GOAL})", ratios)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the client: {peak_mb:.0f} MB")
    if statistics.median(ratios) > GOAL:
        sys.exit("The goal is missed.")


class _Pid:
    def __init__(self, pid: int) -> None:
        self.pid = pid


def cpu_s(act: Callable[[], Any], backend: int) -> tuple[Any, float]:
    """Return what an act returns, and the CPU seconds that it took here and in the backend."""
    before = time.process_time() + backend_s(backend)
    found = act()
    return found, time.process_time() + backend_s(backend) - before


def backend_s(pid: int) -> float:
    """Return how much CPU a process took so far, in seconds: to the nanosecond where that is told."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        ticks = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")


def keyed_agreement(folder: Path) -> Path:
    """Return the help desk's agreement with rows known again by case, activity and nothing else."""
    folder.mkdir()
    for path in HELP_DESK.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        if path.name == "mapping.yaml":
            text = text.replace(
                "  case: {column: Case ID}\n",
                "  case: {column: Case ID}\n  key: [Case ID, Activity]\n",
            )
        (folder / path.name).write_text(text, encoding="utf-8")
    return folder


def month_of_cases() -> Iterator[tuple[str, ...]]:
    """Yield a month of cases, four events each."""
    for number in range(CASES):
        opened = datetime(2012, 5, 2, 8, 30) + timedelta(seconds=20 * number)
        for step, activity in enumerate(("Assign seriousness", "Take in charge ticket")):
            yield row(number, activity, opened + timedelta(minutes=step))
        yield row(number, "Resolve ticket", opened + timedelta(hours=5))
        yield row(number, "Closed", opened + timedelta(hours=30))


def late_row(run: int) -> tuple[str, ...]:
    """Return the resolution of one case, a month later than it was told first."""
    return row(CASES // 2 + run, "Resolve ticket", datetime(2012, 6, 12, 9, 0, run))


def row(number: int, activity: str, at: datetime) -> tuple[str, ...]:
    """Return a row of the log."""
    level = f"Value {1 + number % 3}"
    return (f"Case {number}", activity, "Value 1", f"{at:%Y/%m/%d %H:%M:%S}.000", "Value 1",
            "Value 1", "Value 1", level, "Value 1")  # fmt: skip


def write(path: Path, rows: Any) -> Path:
    """Write a log."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


def told(what: str, figures: list[float]) -> None:
    """Print the median of some runs, with the least and the most."""
    middle = statistics.median(figures)
    print(f"{what}: {middle:,.4f} (median of {len(figures)}; {min(figures):,.4f} to {max(figures):,.4f})")


if __name__ == "__main__":
    main()
