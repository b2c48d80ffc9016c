"""The real calls of January 1999: what their rows tell, past midnight and out of order."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from tests.unit.delivery.mapped import agreement_with, fact

from openbpo.agreements.words import in_words
from openbpo.delivery.intake.decisions import RowReader, ToldRow
from openbpo.record.decisions import Happening
from openbpo.values.zones import resolve_zone

TIMES = ("vru_entry", "vru_exit", "q_start", "q_exit", "ser_start", "ser_exit")
NONE = "0:00:00"
MAPPING = {
    "kind": "calls",
    "call": {"columns": ["vru+line", "call_id", "date"], "joined": "-"},
    "key": ["vru+line", "call_id", "date"],
    "at": {"format": "yyMMdd H:mm:ss", "zone": "Asia/Jerusalem"},
    "events": [
        {"type": "entered", "at": {"columns": ["date", "vru_entry"]}},
        *(
            {"type": time.replace("_", "-"), "at": {"columns": ["date", time]},
             "past_midnight": "next_day", **({} if time == "vru_exit" else {"empty": [NONE]})}
            for time in TIMES[1:]
        ),
    ],
    "attributes": {
        "queued": {"column": "q_start", "values": {NONE: "false"}, "otherwise": "true"},
        "outcome": {"column": "outcome"},
        "day": {"column": "date", "format": "yyMMdd"},
        "wait_s": {"column": "q_time"},
        "server": {"column": "server", "empty": ["NO_SERVER"]},
    },
}  # fmt: skip
DATA = [
    fact("queued", "boolean"),
    fact("outcome"),
    fact("day", "date"),
    fact("wait_s", "number"),
    fact("server", audience="provider"),
]


@pytest.fixture(scope="module")
def calls() -> list[tuple[dict[str, str], ToldRow]]:
    folder = os.environ.get("OPENBPO_DATA")
    if folder is None:
        pytest.skip("OPENBPO_DATA does not say where the real calls are")
    path = Path(folder) / "callcentre_anonymous_bank" / "january1999.tsv.gz"
    with gzip.open(path, "rt", newline="") as file:
        header, *rows = csv.reader(file, delimiter="\t")
    agreement = agreement_with(MAPPING, DATA)
    zones = {"Asia/Jerusalem": resolve_zone("Asia/Jerusalem", 1995, 2005)}
    reader = RowReader(agreement.mappings["m"], agreement.attributes, zones, header)
    told = [(dict(zip(header, row, strict=True)), reader.read(row)) for row in rows]
    return [(cells, row) for cells, row in told if isinstance(row, ToldRow)]


def seconds(time: str) -> int:
    hours, minutes, rest = map(int, time.split(":"))
    return hours * 3600 + minutes * 60 + rest


def by_hand(cells: dict[str, str]) -> list[datetime]:
    """The same times, worked out in whole seconds: Jerusalem was two hours ahead all January."""
    midnight = datetime.strptime(cells["date"], "%y%m%d").replace(tzinfo=UTC).timestamp() - 7200
    found: list[int] = []
    for time in TIMES:
        if time in TIMES[2:] and cells[time] == NONE:
            continue
        at = seconds(cells[time])
        while found and found[-1] - at > 12 * 3600:
            at += 24 * 3600
        found.append(at)
    return [datetime.fromtimestamp(midnight + at, UTC) for at in found]


class TestTheMapping:
    def test_reads_in_words(self) -> None:
        words = in_words(agreement_with(MAPPING, DATA))
        _, _, told = words.partition("FILES\n")
        assert told == WORDS


WORDS = """\
  m: CSV in utf-8, a row is a call, named in “vru+line”, “call_id” and “date”. Events of one
    instant keep the order of the file. A row is known again by “call_id”, “date” and
    “vru+line”.
    entered: at the time in “date” and “vru_entry” (yyMMdd H:mm:ss, Asia/Jerusalem; a time in
      the doubled hour is refused).
    vru-exit: at the time in “date” and “vru_exit” (yyMMdd H:mm:ss, Asia/Jerusalem; a time in
      the doubled hour is refused). More than twelve hours before the row's event before it, it
      is on the next day.
    q-start: at the time in “date” and “q_start” (yyMMdd H:mm:ss, Asia/Jerusalem; a time in the
      doubled hour is refused), unless a cell of it is “0:00:00”. More than twelve hours before
      the row's event before it, it is on the next day.
    q-exit: at the time in “date” and “q_exit” (yyMMdd H:mm:ss, Asia/Jerusalem; a time in the
      doubled hour is refused), unless a cell of it is “0:00:00”. More than twelve hours before
      the row's event before it, it is on the next day.
    ser-start: at the time in “date” and “ser_start” (yyMMdd H:mm:ss, Asia/Jerusalem; a time in
      the doubled hour is refused), unless a cell of it is “0:00:00”. More than twelve hours
      before the row's event before it, it is on the next day.
    ser-exit: at the time in “date” and “ser_exit” (yyMMdd H:mm:ss, Asia/Jerusalem; a time in
      the doubled hour is refused), unless a cell of it is “0:00:00”. More than twelve hours
      before the row's event before it, it is on the next day.
"""


class TestTheRealCalls:
    def test_are_all_read(self, calls: list[tuple[dict[str, str], ToldRow]]) -> None:
        assert len(calls) == 31_599
        assert len({row.key for _, row in calls}) == 31_599
        first = calls[0][1]
        assert first.events[0].subject == "AA0101-33116-990101"
        assert [event.type for event in first.events] == [
            "entered",
            "vru-exit",
            "q-start",
            "q-exit",
        ]
        facts = json.loads(first.events[0].facts)
        assert {name: facts[name] for name in ("queued", "day", "wait_s")} == {
            "queued": True, "day": "1999-01-01", "wait_s": "153",
        }  # fmt: skip
        assert first.events[0].private == {"server": None}

    def test_have_their_times_on_their_days(
        self, calls: list[tuple[dict[str, str], ToldRow]]
    ) -> None:
        for cells, row in calls:
            assert [event.happened_at for event in row.events] == by_hand(cells), cells

    def test_cross_midnight_in_24_rows_and_go_on_in_the_next_day(
        self, calls: list[tuple[dict[str, str], ToldRow]]
    ) -> None:
        over = [row for _, row in calls if _days(row) == 2]
        assert len(over) == 24
        assert all(_lasts_h(row) < 1 for row in over)
        steps = [step for row in over for step in pairwise(row.events) if _days_of(*step) == 2]
        assert min((late.happened_at - early.happened_at).seconds for early, late in steps) == 13
        assert max(_lasts_h(row) for _, row in calls) < 2

    def test_keep_times_out_of_order_on_their_day(
        self, calls: list[tuple[dict[str, str], ToldRow]]
    ) -> None:
        backwards = [
            int((later.happened_at - first.happened_at).total_seconds())
            for _, row in calls
            for first, later in pairwise(row.events)
            if later.happened_at < first.happened_at
        ]
        assert min(backwards) == -234
        assert sum(row.out_of_order for _, row in calls) == 20_858

    def test_did_not_queue_where_the_time_is_zero(
        self, calls: list[tuple[dict[str, str], ToldRow]]
    ) -> None:
        queued = Counter(
            (cells["q_start"] != NONE, any(e.type == "q-start" for e in row.events),
             json.loads(row.events[0].facts)["queued"])
            for cells, row in calls
        )  # fmt: skip
        assert set(queued) == {(True, True, True), (False, False, False)}
        assert queued[False, False, False] == 13_456 + 1_198 + 19


def _days(row: ToldRow) -> int:
    return _days_of(*row.events)


def _days_of(*events: Happening) -> int:
    return len({(event.happened_at.timestamp() + 7200) // 86400 for event in events})


def _lasts_h(row: ToldRow) -> float:
    instants = [event.happened_at for event in row.events]
    return (max(instants) - min(instants)).total_seconds() / 3600
