"""
The record, measured: events in, with and without the sealer at work; the tree; a pack verified.

Events have five attributes, and row-level security is on. Beside the import, in the same run and on
the same server, COPY of the same cells into a plain table. `OPENBPO_BENCH_EVENTS` says how many
events (300,000 without it; the goal is set for 10,000,000), `OPENBPO_BENCH_RUNS` how often each is
run (3 without it). A pack is made of 300,000 events at most. Each figure is the median of the runs
that are printed with it.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

EVENTS = int(os.environ.get("OPENBPO_BENCH_EVENTS", "300000"))
RUNS = int(os.environ.get("OPENBPO_BENCH_RUNS", "3"))
PACKED = min(EVENTS, 300_000)
ROOT = Path(__file__).parent.parent
COLUMNS = "Case ID,Activity,Complete Timestamp,seriousness,customer,product,service_level"
MAPPING = """
- id: log
  kind: case events
  service: tickets
  format: csv
  encoding: utf-8
  case: {column: Case ID}
  at: {column: Complete Timestamp, format: "yyyy/MM/dd HH:mm:ss.SSS", zone: UTC}
  same_instant: file_order
  attributes:
    activity: {column: Activity}
    service_level:
      column: service_level
      values: {Value 1: premium, Value 2: standard, Value 3: basic, Value 4: project}
    seriousness: {column: seriousness}
    product: {column: product}
    customer: {column: customer}
"""
DATA = """
attributes:
  - {id: activity, class: fact, type: string, purpose: What was done.}
  - id: service_level
    class: fact
    type: string
    values: [premium, standard, basic, project]
    case_value: first
    purpose: Which promise holds.
  - {id: seriousness, class: fact, type: string, purpose: Reporting.}
  - {id: product, class: fact, type: string, purpose: Reporting.}
  - {id: customer, class: fact, type: string, purpose: Reporting.}
"""
ACTIVITIES = (
    "Take in charge ticket", "Assign seriousness", "Wait", "Require upgrade", "Resolve ticket",
    "Closed",
)  # fmt: skip


def main() -> None:
    """Run in a home of its own and print."""
    with tempfile.TemporaryDirectory(prefix="openbpo-bench-") as folder:
        os.environ["OPENBPO_HOME"] = str(Path(folder) / "home")
        os.environ["OPENBPO_PRINCIPAL"] = "bench"
        from openbpo.storage import server

        try:
            measure(Path(folder))
        finally:
            server.stop()


def measure(folder: Path) -> None:
    """Import, seal, bundle and verify; and build trees."""
    from openbpo.record.tree import root_of

    log = write_log(folder / "log.csv", EVENTS)
    agreement = write_agreement(folder)
    alone, sealing, plain = [], [], []
    for run in range(RUNS):
        alone.append(EVENTS / imported(agreement, f"alone-{run}", log))
        with sealer():
            sealing.append(EVENTS / imported(agreement, f"sealing-{run}", log))
        plain.append(EVENTS / copied(log))
    told("import, events a second", alone)
    told("import while the sealer works, events a second", sealing)
    told("  ratio to import alone", [a / b for a, b in zip(sealing, alone, strict=True)])
    told("plain COPY of the same cells, rows a second", plain)
    told("  ratio of import to it", [a / b for a, b in zip(alone, plain, strict=True)])
    print(f"peak memory: of the client {peak_mb():.0f} MB, of what reads {peak_mb_of_readers():.0f} MB")
    leaves = Random(1).randbytes(32 * 1_000_000)
    told("tree over stored leaves, leaves a second of a core", [
        1_000_000 / timed(lambda: root_of(leaves)) for _ in range(5)
    ])  # fmt: skip
    imported(agreement, "packed", write_log(folder / "packed.csv", PACKED))
    verified(folder)


def imported(agreement: Path, name: str, log: Path) -> float:
    """Import a log into an engagement of its own; return how many seconds it took."""
    from openbpo.agreements.files import read_folder
    from openbpo.agreements.versions.actions import accept, open_engagement
    from openbpo.delivery.intake.actions import import_file
    from openbpo.storage.database import Context
    from openbpo.storage.installation import open_database
    from openbpo.trust.keys import party_key

    context = Context(principal="bench", purpose="bench")
    with open_database() as database:
        accept(
            database, context, handle=name, files=read_folder(agreement), side="provider",
            key=party_key("banco-servizi"),
        )  # fmt: skip
        engagement = open_engagement(database, context, name)
        return timed(
            lambda: import_file(
                database, context, engagement_id=engagement, handle=name, path=log,
                rejects=log.with_name(f"{name}.refused.csv"),
            )  # fmt: skip
        )


class sealer:
    """The sealer as a process of its own, looking twice a second, as long as the block runs."""

    def __enter__(self) -> None:
        command = [sys.executable, "-m", "openbpo", "seal", "--watch", "0.5"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()


def copied(log: Path) -> float:
    """COPY the cells of a log into a plain table; return how many seconds it took."""
    import csv

    import psycopg

    from openbpo.storage.installation import find_installation

    def copy() -> None:
        with psycopg.connect(find_installation().owner_url or "") as connection:
            connection.execute("SET ROLE openbpo_owner")
            connection.execute("CREATE TABLE storage.plain (a text, b text, c text, d text,"
                               " e text, f text, g text)")  # fmt: skip
            with log.open(encoding="utf-8", newline="") as file:
                with connection.cursor().copy("COPY storage.plain FROM STDIN") as rows:
                    for row in csv.reader(file):
                        rows.write_row(row)
            connection.execute("DROP TABLE storage.plain")

    return timed(copy)


def verified(folder: Path) -> None:
    """Bundle an engagement with a closed month, and verify the pack in a process."""
    pack, keys = folder / "bench.pack", folder / "keys.json"
    openbpo("close", "packed", "--period", "2012-01")
    openbpo("bundle", "packed", "--out", str(pack))
    keys.write_text(openbpo("keys", "--seal"), encoding="utf-8")
    told("verify: parsed, leaves, verdicts and figures, events a second", [
        PACKED / timed(lambda: openbpo("verify", str(pack), "--key", str(keys)))
        for _ in range(RUNS)
    ])  # fmt: skip


def openbpo(*arguments: str) -> str:
    """Run the command."""
    command = [sys.executable, "-m", "openbpo", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def write_agreement(folder: Path) -> Path:
    """Write the help desk's agreement with a mapping of five facts."""
    agreement = folder / "agreement"
    agreement.mkdir()
    for path in (ROOT / "examples" / "helpdesk").glob("*.yaml"):
        (agreement / path.name).write_bytes(path.read_bytes())
    (agreement / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    (agreement / "data.yaml").write_text(DATA, encoding="utf-8")
    return agreement


def write_log(path: Path, events: int) -> Path:
    """Write a log of cases with eight events each, ten seconds apart, from 2012 on."""
    random = Random(1)
    at = datetime(2012, 1, 1)
    with path.open("w", encoding="utf-8") as file:
        file.write(COLUMNS + "\n")
        for number in range(events):
            case = number // 8 + random.randrange(50)
            file.write(
                f"Case {case},{random.choice(ACTIVITIES)},{at:%Y/%m/%d %H:%M:%S}.000,"
                f"Value {random.randrange(1, 4)},Value {random.randrange(300)},"
                f"Value {random.randrange(20)},Value {1 + case % 4}\n"
            )
            at += timedelta(seconds=10)
    return path


def timed(act: object) -> float:
    """Return how many seconds an act took."""
    assert callable(act)
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def peak_mb() -> float:
    """Return the most memory that this process had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def peak_mb_of_readers() -> float:
    """Return the most memory that any process that this one started had, in MB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def told(what: str, figures: list[float]) -> None:
    """Print the median of some runs, with the least and the most."""
    middle = statistics.median(figures)
    print(f"{what}: {middle:,.2f} (median of {len(figures)}; {min(figures):,.2f} to {max(figures):,.2f})")


if __name__ == "__main__":
    main()
