"""
Loan applications of a Dutch bank: work items with SCHEDULE, START and COMPLETE, times in UTC.

Every figure of the data's own EXPECTED.json is computed again from the events of the record. What
is counted as handling is the time after a START up to the case's next event; all other time is
waiting. The grammar cannot tell the work items of a case apart: of several that are open at once
the last event decides, for a pause ends with the next event (`until: event` is not computed yet),
and nothing pairs a COMPLETE with the START of its own item.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import groupby, pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from tests.desk import Desk
from tests.support import EXAMPLE

from openbpo.agreements.service_levels.model import Case
from openbpo.assurance.attainment.model import ClockResult
from openbpo.assurance.attainment.queries import attain, work_of
from openbpo.record.model import RecordedEvent
from openbpo.storage.database import Context, Database

DATA = Path(os.environ.get("OPENBPO_DATA", "/nonexistent"))
FOLDER = DATA / "eventlog_bpic2012"
LOG = FOLDER / "bpic2012_3000cases.csv.gz"
HOUR = timedelta(hours=1)

pytestmark = [
    pytest.mark.skipif(not LOG.is_file(), reason="OPENBPO_DATA names no folder with the real log"),
    pytest.mark.xdist_group("bpic2012"),
]

AGREEMENT = {
    "agreement.yaml": """\
title: Loan applications
version: 1
in_force: {from: 2011-01-01}
term: {from: 2011-01-01}
zone: UTC
currency: EUR
documents:
  - {id: master, title: Master services agreement, dated: 2010-11-02, precedence: 1}
""",
    "calendars.yaml": """\
- {id: always, hours: always}
""",
    "data.yaml": """\
attributes:
  - {id: activity, class: fact, type: string, purpose: What was done.}
  - id: lifecycle
    class: fact
    type: string
    values: [SCHEDULE, START, COMPLETE]
    purpose: Whether a work item was put in line, begun or ended.
  - {id: user, class: fact, type: string, purpose: Who did it; a number.}
""",
    "mapping.yaml": """\
- id: loan-log
  kind: case events
  service: applications
  format: csv
  encoding: utf-8
  case: {column: caseid}
  at: {column: timestamp, format: "yyyy-MM-dd'T'HH:mm:ss.SSSSSS", zone: UTC, doubled_hour: refuse}
  same_instant: file_order
  attributes:
    activity: {column: activity}
    lifecycle: {column: lifecycle}
    user: {column: user}
""",
    "services.yaml": """\
- id: applications
  line: helpdesk
  case: application
  moments:
    - {id: submitted, at: first event}
    - {id: ended, at: last event}
  pauses:
    - {id: waiting, after: lifecycle != "START", until: next event}
    - {id: handling, after: lifecycle = "START", until: next event}
""",
    "measures.yaml": """\
- id: handled
  says: An application takes at most 2 hours of handling.
  service: applications
  clock: {from: submitted, to: ended, calendar: always, pauses: [waiting], reopened: continues}
  within: 2 h
  formula: {share: within, of: completed}
  aggregate: pooled
  period: month
- id: waited
  says: An application waits at most 240 hours.
  service: applications
  clock: {from: submitted, to: ended, calendar: always, pauses: [handling], reopened: continues}
  within: 240 h
  formula: {share: within, of: completed}
  aggregate: pooled
  period: month
""",
    "regime.yaml": """\
service_levels:
  - measure: handled
    compare_at: exact
    low_volume: {below: 20, then: no_credit}
    levels:
      - {at_least: 90 %, verdict: met}
      - {below: 90 %, verdict: default, credit: 5 %}
  - measure: waited
    compare_at: exact
    low_volume: {below: 20, then: no_credit}
    levels:
      - {at_least: 50 %, verdict: met}
      - {below: 50 %, verdict: default, credit: 5 %}
credit: {combine: rates_added, of: fees, line: one}
""",
    "charges.yaml": """\
charges:
  - id: ended
    says: Each application is charged in the month of its last event.
    count: {service: applications, moment: ended}
    period: month
    price: {each: 4.00 EUR}
bases:
  - {id: fees, of: [ended]}
rounding: {rule: half_up, to: minor_unit, each: line}
""",
}


@pytest.fixture(scope="module")
def desk(databases: tuple[Database, Database], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """An engagement with the log."""
    folder = tmp_path_factory.mktemp("loans")
    for name in ("parties.yaml", "periods.yaml"):
        (folder / name).write_text((EXAMPLE / name).read_text(encoding="utf-8"), encoding="utf-8")
    for name, text in AGREEMENT.items():
        (folder / name).write_text(text, encoding="utf-8")
    desk = Desk.opened(databases, Context(principal="loans", purpose="test"), "loans", folder)
    imported = desk.imports(LOG)
    assert (imported.read, imported.accepted, imported.refused) == (60_018, 60_018, 0)
    return desk


@pytest.fixture(scope="module")
def cases(desk: Desk) -> list[list[RecordedEvent]]:
    """The record's cases, each with its events in their order."""
    with desk.reading() as record:
        return [list(events) for _, events in groupby(record.events(), lambda one: one.subject)]


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """What the data's own file says."""
    found: dict[str, Any] = json.loads((FOLDER / "EXPECTED.json").read_text(encoding="utf-8"))
    return found


def step(event: RecordedEvent) -> str:
    """Return what an event is, as EXPECTED.json writes it."""
    return f"{event.facts['activity']}+{event.facts['lifecycle']}"


def hours(events: Sequence[RecordedEvent]) -> Fraction:
    """Return how long a case took, on the clock on the wall: the times are UTC."""
    took = events[-1].happened_at - events[0].happened_at
    return Fraction(took // timedelta(microseconds=1), HOUR // timedelta(microseconds=1))


class TestTheRecordOfTheLog:
    def test_holds_the_log(
        self, cases: list[list[RecordedEvent]], expected: dict[str, Any]
    ) -> None:
        events = [event for events in cases for event in events]
        assert len(events) == expected["events"]
        assert len(cases) == expected["cases"]
        assert len({step(event) for event in events}) == expected["activities"]
        assert len({event.facts["user"] for event in events}) == expected["resources"]
        mean = Fraction(len(events), len(cases))
        assert round(float(mean), 3) == expected["mean_events_per_case"]
        times = sorted(event.happened_at for event in events)
        assert [str(at.replace(tzinfo=None)) for at in (times[0], times[-1])] == [
            expected["first"], expected["last"],
        ]  # fmt: skip

    def test_has_its_ways_through(
        self, cases: list[list[RecordedEvent]], expected: dict[str, Any]
    ) -> None:
        variants = Counter(tuple(map(step, events)) for events in cases)
        assert len(variants) == expected["variants"]
        top = Fraction(variants.most_common(1)[0][1], len(cases))
        assert round(float(top), 4) == expected["top_variant_share"]
        follows = Counter(
            (step(one), step(next_)) for events in cases for one, next_ in pairwise(events)
        )
        assert [[list(pair), n] for pair, n in follows.most_common(5)] == (
            expected["directly_follows_top5"]
        )
        repeated = [events for events in cases if len(set(map(step, events))) < len(events)]
        assert len(repeated) == expected["cases_with_repeated_activity"]

    def test_has_its_throughput(
        self, cases: list[list[RecordedEvent]], expected: dict[str, Any]
    ) -> None:
        took = sorted(map(hours, cases))
        assert round(float(median(took)), 4) == expected["throughput_h_median"]
        assert round(float(sum(took) / len(took)), 4) == expected["throughput_h_mean"]
        assert (
            round(float(took[len(took) * 9 // 10]), 4) == (expected["throughput_h_p90_floor_index"])
        )

    def test_has_its_hand_overs_and_its_order(
        self, cases: list[list[RecordedEvent]], expected: dict[str, Any]
    ) -> None:
        handed = sum(
            one.facts["user"] != next_.facts["user"]
            for events in cases
            for one, next_ in pairwise(events)
        )
        assert handed == expected["handovers_between_resources"]
        places = [[_ordinal(event) for event in events] for events in cases]
        displaced = sum(one > next_ for case in places for one, next_ in pairwise(case))
        assert displaced == expected["rows_out_of_time_order_within_case_as_stored"]


@pytest.fixture(scope="module")
def results(desk: Desk) -> dict[str, dict[str, ClockResult]]:
    """The results of each month, by measure."""
    found = {}
    with desk.reading() as record:
        for month in MONTHS:
            work = work_of(record.tx, desk.engagement_id, record.terms(), month)
            results = [one for one in attain(work) if isinstance(one, ClockResult)]
            found[month] = {one.measure.id: one for one in results}
    return found


class TestWaitingAndHandling:
    def test_are_all_the_time_of_a_case(
        self, results: dict[str, dict[str, ClockResult]], cases: list[list[RecordedEvent]]
    ) -> None:
        took = {events[0].subject: hours(events) for events in cases}
        added: dict[str, int] = {}
        for of_month in results.values():
            for result in of_month.values():
                for one in result.cases:
                    added[one.case.key] = added.get(one.case.key, 0) + one.elapsed.counted_us
        assert {case: Fraction(us, 3_600_000_000) for case, us in added.items()} == took

    def test_are_what_a_plain_count_of_the_file_says(
        self, results: dict[str, dict[str, ClockResult]]
    ) -> None:
        handled = by_file()
        found = {
            one.case.key: one.elapsed.counted_us
            for of_month in results.values()
            for one in of_month["handled"].cases
        }
        assert found == handled
        within = sum(of_month["handled"].numerator for of_month in results.values())
        assert within == sum(us <= 7_200_000_000 for us in handled.values())

    def test_count_the_last_event_where_several_items_are_open(
        self, results: dict[str, dict[str, ClockResult]]
    ) -> None:
        """Item A is being worked on while item B is put in line: that time counts as waiting."""
        cases = [one.case for one in results["2011-10"]["handled"].cases]
        assert any(_overlaps(case) for case in cases)


MONTHS = ("2011-10", "2011-11", "2011-12", "2012-01", "2012-02", "2012-03")


def by_file() -> dict[str, int]:
    """Return the microseconds after each START up to the case's next row, from the file alone."""
    with gzip.open(LOG) as raw:
        rows = list(csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8", newline="")))
    found: dict[str, int] = {}
    for case, of_case in groupby(rows, lambda row: row["caseid"]):
        found[case] = sum(
            (_time(after) - _time(before)) // timedelta(microseconds=1)
            for before, after in pairwise(of_case)
            if before["lifecycle"] == "START"
        )
    return found


def _time(row: dict[str, str]) -> datetime:
    return datetime.fromisoformat(row["timestamp"])


def _ordinal(event: RecordedEvent) -> int:
    """Return which event of its file it is."""
    return int(event.event_id.split(".")[1])


def _overlaps(case: Case) -> bool:
    """Tell whether a work item is put in line while another is being worked on."""
    open_items = set[object]()
    for event in case.events:
        activity, lifecycle = event.values["activity"], event.values["lifecycle"]
        if lifecycle == "SCHEDULE" and open_items - {activity}:
            return True
        if lifecycle == "START":
            open_items.add(activity)
        elif lifecycle == "COMPLETE":
            open_items.discard(activity)
    return False
