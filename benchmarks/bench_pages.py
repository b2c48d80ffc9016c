"""
The pages of an engagement with a year of 100,000 cases: server time and bytes.

Django's own client within this process, so that a time is what the server does for a page and
nothing of the network. Statements are ready, as the worker keeps them; half the year is closed and
billed. Every page that takes nothing, a handle, or a handle and a period is asked for, of every
month, several times; `MORE` names addresses beside them. The goals are those of the issue: no page
over 200 kB, and p95 below 300 ms.
"""

from __future__ import annotations

import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench_statements import HELP_DESK, write_year

RUNS = int(os.environ.get("OPENBPO_BENCH_RUNS", "3"))
GOAL_MS, GOAL_BYTES = 300.0, 200_000
CLOSED, ISSUED = 9, 6
"""How many months are reported and agreed, and of how many the invoice is issued."""
MORE: tuple[str, ...] = (
    "/billing?period=2025-03",
    "/e/bench/billing/2025-10/cases?figure=charge:tickets-closed&outcome=billed",
    "/e/bench/billing/2025-10/cases?figure=measure:resolve-standard&outcome=late&page=3",
)
"""Addresses that are measured too; {period} stands for each month."""


def main() -> None:
    """Run in a home of its own and print."""
    with tempfile.TemporaryDirectory(prefix="openbpo-bench-") as folder:
        os.environ["OPENBPO_HOME"] = str(Path(folder) / "home")
        from openbpo.storage import server

        try:
            periods = make(Path(folder))
            measure(periods)
        finally:
            server.stop()


def make(folder: Path) -> list[str]:
    """Bring the year in, bill a part of it, and make its statements ready; return its months."""
    from openbpo.agreements.files import read_folder
    from openbpo.agreements.versions.actions import accept, open_engagement
    from openbpo.billing.closing.actions import Closing, act_on
    from openbpo.billing.closing.model import State
    from openbpo.billing.issuing.actions import issue
    from openbpo.billing.statements.actions import refresh
    from openbpo.billing.statements.queries import period_names
    from openbpo.delivery.intake.actions import import_file
    from openbpo.storage.database import Context
    from openbpo.storage.installation import open_database, open_sealer
    from openbpo.surfaces.sealing import sealed
    from openbpo.surfaces.web.starting import prepare
    from openbpo.trust.keys import party_key
    from openbpo.trust.roles.actions import grant_role
    from openbpo.trust.roles.model import Role

    path, begun = folder / "year.csv", time.perf_counter()
    cases = write_year(path)
    context = Context(principal="bench", purpose="bench")
    files = dict(read_folder(HELP_DESK))
    with open_database() as database, open_sealer() as sealer:
        engagement = open_engagement(database, context, "bench")
        for side, party in (("provider", "banco-servizi"), ("client", "officina-software")):
            accept(database, context, handle="bench", files=files, side=side,
                   key=party_key(party))  # fmt: skip
        import_file(database, context, engagement_id=engagement, handle="bench", path=path)
        within = context.within(engagement)
        with database.transaction(within) as tx:
            names = [name for name in period_names(tx, engagement) if name.startswith("2025")]
        for name in names[:CLOSED]:
            for state, side in ((State.REPORTED, "provider"), (State.AGREED, "client")):
                act_on(database, context, engagement, Closing(name, state, side),
                       lambda: sealed(sealer, engagement, print))  # fmt: skip
        for name in names[:ISSUED]:
            issue(database, context, engagement, name)
        with database.transaction(within) as tx:
            refresh(tx, engagement)
        prepare()
        with database.transaction(within) as tx:
            grant_role(tx, engagement, principal="user:bench", handle="bench",
                       role=Role.OPERATOR)  # fmt: skip
    print(f"{cases:,} cases are ready after {time.perf_counter() - begun:,.0f} s")
    return names


def measure(periods: list[str]) -> None:
    """Ask for every page, and print how long each took and how much it is."""
    from django.test import Client

    from openbpo.surfaces.web.people.models import User

    client = Client(SERVER_NAME="localhost")
    client.force_login(
        User.objects.create_user(
            "bench", name="Bench", email="b@example.com", password="not used: 4711"
        )
    )
    missed = []
    print(f"{'page':64} {'n':>4} {'p50, ms':>8} {'p95, ms':>8} {'bytes':>8}")
    for name, addresses in pages(periods):
        for address in addresses:
            asked(client, address)  # what is loaded once is not measured
        found = [asked(client, address) for address in addresses for _ in range(RUNS)]
        times = sorted(ms for ms, _ in found)
        p95 = times[min(len(times) - 1, int(0.95 * len(times)))]
        largest = max(size for _, size in found)
        print(
            f"{name:64} {len(times):>4} {statistics.median(times):>8.1f} {p95:>8.1f} {largest:>8,}"
        )
        if p95 > GOAL_MS or (largest > GOAL_BYTES and "." not in name):
            missed.append(name)
    if missed:
        sys.exit(f"Missed: {', '.join(missed)}.")


def pages(periods: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield what is measured: a page as it is declared, and the addresses it stands for."""
    from django.urls import get_resolver

    from openbpo.surfaces.web.visits import PAGES

    assert get_resolver().url_patterns, "the pages are declared"
    for one in PAGES.values():
        parts = set(re.findall(r"<([^>]+)>", one.path))
        if "GET" in one.methods and parts <= {"handle", "period"}:
            path = "/" + one.path.replace("<handle>", "bench")
            yield f"/{one.path}", filled(path.replace("<period>", "{period}"), periods)
    for address in MORE:
        yield address, filled(address, periods)


def filled(path: str, periods: list[str]) -> list[str]:
    """Return an address for each month, or the one that names none."""
    if "{period}" not in path:
        return [path]
    return [path.replace("{period}", period) for period in periods]


def asked(client: Any, address: str) -> tuple[float, int]:
    """Return how long an address took, in milliseconds, and how many bytes it gave."""
    start = time.perf_counter()
    answer = client.get(address)
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    taken = (time.perf_counter() - start) * 1000
    assert answer.status_code in (200, 302, 404, 422), (address, answer.status_code)
    return taken, len(content)


if __name__ == "__main__":
    main()
