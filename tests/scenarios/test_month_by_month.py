"""
The real log of a help desk, month by month: each month closed, what comes later adjusts.

Whatever the order in which a log comes in, its months with all their adjustments are the months of
the whole log: per ticket, per line and in sum. Two roads lead there that share no code with the
product: the slow oracle, and what this file counts in the rows themselves.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.desk import Desk
from tests.oracle import helpdesk as oracle
from tests.support import EXAMPLE

from openbpo.billing.closing.figures import came_to
from openbpo.billing.closing.model import Sums
from openbpo.storage.database import Context, Database

DATA = Path(os.environ.get("OPENBPO_DATA", "/nonexistent"))
LOG = DATA / "eventlog_helpdesk_italy" / "helpdesk.csv.gz"
CENT = Decimal("0.01")
SUMS = ("fees", "credits", "net", "tax", "total")

Row = Sequence[str]
Databases = tuple[Database, Database]

pytestmark = [
    pytest.mark.skipif(not LOG.is_file(), reason="OPENBPO_DATA names no folder with the real log"),
    pytest.mark.xdist_group("month_by_month"),
]


@dataclass(frozen=True, slots=True)
class Log:
    """The rows of the log as they stand, and what the columns are called."""

    header: Row
    rows: Sequence[Row]

    def cell(self, row: Row, title: str) -> str:
        return row[self.header.index(title)]

    def month(self, row: Row) -> str:
        """Return the local month of a row: the log's times are local."""
        return self.cell(row, "Complete Timestamp")[:7].replace("/", "-")

    def instant(self, row: Row) -> str:
        return self.cell(row, "Complete Timestamp")

    def by_month(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(self.month(row), []).append(row)
        return {month: found[month] for month in sorted(found)}

    def write(self, path: Path, rows: Iterable[Row]) -> Path:
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([self.header, *rows])
        return path


@pytest.fixture(scope="module")
def log() -> Log:
    with gzip.open(LOG) as raw:
        header, *rows = csv.reader(io.TextIOWrapper(raw, encoding="utf-8", newline=""))
    return Log(header, rows)


Open = Callable[[], Desk]


@pytest.fixture(scope="module")
def open_desk(databases: Databases) -> Open:
    """Opens an engagement of its own under the example's agreement."""

    def opened() -> Desk:
        context = Context(principal="months", purpose="test")
        handle = f"months-{uuid4().hex[:12]}"
        return Desk.opened(databases, context, handle, EXAMPLE)

    return opened


@pytest.fixture(scope="module")
def whole(open_desk: Open, log: Log, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The log imported at once; no month of it is closed."""
    desk = open_desk()
    desk.imports(log.write(tmp_path_factory.mktemp("whole") / "log.csv", log.rows))
    return desk


@dataclass(frozen=True, slots=True)
class Months:
    """An engagement whose months were closed one by one, with their documents."""

    desk: Desk
    documents: Sequence[Mapping[str, Any]]

    def adjustments(self) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """Yield every adjustment with the month in which it stands."""
        for document in self.documents:
            for adjustment in document["adjustments"]:
                yield document["period"], adjustment

    def reasons(self) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
        """Yield every reason with the month it stands in and the one it adjusts."""
        for month, adjustment in self.adjustments():
            for reason in adjustment["reasons"]:
                yield month, adjustment["period"], reason


@pytest.fixture(scope="module")
def months(open_desk: Open, log: Log, tmp_path_factory: pytest.TempPathFactory) -> Months:
    """The log imported month by month, each month reported before the next comes in."""
    desk, folder = open_desk(), tmp_path_factory.mktemp("months")
    documents = []
    for month, rows in log.by_month().items():
        desk.imports(log.write(folder / f"{month}.csv", rows))
        documents.append(desk.closes(month))
    return Months(desk, documents)


@dataclass(frozen=True, slots=True)
class Again:
    """A ticket that was resolved in one month, and once more in a later one."""

    case: str
    level: str
    first: str
    later: str


def resolved_again(log: Log) -> list[Again]:
    """Return the tickets resolved again in a later month, counted in the rows alone."""
    by_case: dict[str, list[Row]] = {}
    for row in log.rows:
        by_case.setdefault(log.cell(row, "Case ID"), []).append(row)
    found = []
    for case, rows in by_case.items():
        in_time = sorted(rows, key=log.instant)
        resolved = [
            log.month(row) for row in in_time if log.cell(row, "Activity") == "Resolve ticket"
        ]
        level = log.cell(in_time[0], "service_level")
        several = list(dict.fromkeys(resolved))
        found += [Again(case, level, *pair) for pair in pairwise(several)]
    return found


class TestTheMonthsOfTheLog:
    def test_are_49_and_the_sum_is_that_of_the_whole_log(self, months: Months) -> None:
        expected = oracle.invoices(oracle.read(LOG))
        assert [one["period"] for one in months.documents] == list(expected)
        due = sum(Decimal(one["due"]["total"]) for one in months.documents)
        assert due == sum(Decimal(invoice["total"]) for invoice in expected.values())
        assert due == Decimal("182594.01")

    def test_with_their_adjustments_come_to_what_the_oracle_counts_in_the_whole_log(
        self, months: Months
    ) -> None:
        expected: Mapping[str, Mapping[str, Any]] = oracle.invoices(oracle.read(LOG))
        charged = {one["period"]: one["figures"] for one in months.documents}
        charged |= {one["period"]: one["figures"] for _, one in months.adjustments()}
        for month, invoice in expected.items():
            found = charged[month]
            assert found["service_levels"] == invoice["service_levels"], month
            ours = {**found, "tax": found["tax_amount"]}
            assert {key: ours[key] for key in SUMS} == {key: invoice[key] for key in SUMS}, month

    def test_with_their_adjustments_come_to_the_oracles_sums_by_adding_differences(
        self, months: Months
    ) -> None:
        added = {one["period"]: _amounts(one["figures"]) for one in months.documents}
        for _, adjustment in months.adjustments():
            of_month = added[adjustment["period"]]
            for key, amount in _amounts(adjustment["difference"]).items():
                of_month[key] += amount
        expected: Mapping[str, Mapping[str, Any]] = oracle.invoices(oracle.read(LOG))
        for month, invoice in expected.items():
            assert added[month] == {key: Decimal(invoice[key]) for key in SUMS}, month

    def test_have_line_by_line_what_the_whole_log_is_invoiced(
        self, months: Months, whole: Desk
    ) -> None:
        lines: dict[str, dict[str, tuple[int, Decimal]]] = {}
        for document in months.documents:
            of_month = lines.setdefault(document["period"], {})
            _add_lines(of_month, document["figures"]["lines"])
        for _, adjustment in months.adjustments():
            _add_lines(lines[adjustment["period"]], adjustment["difference"]["lines"])
        with whole.reading() as record:
            for month, found in lines.items():
                expected = {
                    line.key: (line.quantity or 0, Decimal(line.amount.amount))
                    for line in record.invoice(month).lines
                }
                kept = {key: value for key, value in found.items() if value != (0, Decimal(0))}
                assert kept == expected, month

    def test_have_ticket_by_ticket_what_the_whole_log_has(
        self, months: Months, whole: Desk
    ) -> None:
        """Each ticket as it was known when its month closed, replaced by each reason in turn."""
        added: dict[str, dict[str, Sums]] = {}
        with months.desk.reading() as record:
            for document in months.documents:
                month = document["period"]
                added[month] = record.by_case(month, document["known"])
                assert _sum(added[month]) == Sums.from_json(document["figures"]["sums"])
        for _, month, reason in months.reasons():
            before = added[month].pop(reason["case"], None)
            assert (before.as_json() if before else None) == reason["before"]
            if reason["now"] is not None:
                added[month][reason["case"]] = Sums.from_json(reason["now"])
        with whole.reading() as record:
            for month, found in added.items():
                assert found == record.by_case(month), month

    def test_are_replayed_and_equal(self, months: Months) -> None:
        sealed = months.desk.seals()
        with months.desk.reading() as record:
            found = record.replayed(sealed)
        assert found.differences == ()
        assert (found.events, found.periods) == (21_348, 49)

    def test_hold_the_same_facts_as_the_whole_log(self, months: Months, whole: Desk) -> None:
        assert months.desk.facts() == whole.facts()


class TestATicketThatIsResolvedAgainInALaterMonth:
    def test_is_one_of_66(self, log: Log) -> None:
        assert len({one.case for one in resolved_again(log)}) == 66

    def test_is_taken_out_of_the_earlier_month_unless_nothing_is_promised_for_it(
        self, log: Log, months: Months
    ) -> None:
        """65 of the 66; the other is of the project level, for which nothing is promised."""
        again = resolved_again(log)
        unpromised = [one for one in again if oracle.LEVELS[one.level] == "project"]
        assert len(unpromised) == 1
        expected = {(one.later, one.first, one.case) for one in again if one not in unpromised}
        found = {(month, of, reason["case"]) for month, of, reason in months.reasons()}
        assert found == expected
        assert len(found) == 65

    def test_leaves_the_month_in_which_it_was_closed_first(self, months: Months) -> None:
        """It counts for its promise no more; the month that charged it goes on charging it."""
        for _, _, reason in months.reasons():
            assert reason["why"] == "recorded later"
            before, now = reason["before"], reason["now"]
            counted = [name for name, (_, of) in before["measures"].items() if of]
            assert len(counted) == 1
            charges = now["charges"] if now else {"tickets-closed": 0}
            assert charges == before["charges"]
            assert now is None or now["measures"][counted[0]] == [0, 0]


class TestAnAdjustment:
    def test_has_the_difference_of_two_tax_lines_as_its_tax(self, months: Months) -> None:
        """22 % of each net, each rounded half up to the cent: never 22 % of the difference."""
        charged = {one["period"]: one["figures"] for one in months.documents}
        seen = 0
        for _, adjustment in months.adjustments():
            before, now = charged[adjustment["period"]], adjustment["figures"]
            taxes = [_tax_by_hand(one) for one in (now, before)]
            assert Decimal(adjustment["difference"]["tax_amount"]) == taxes[0] - taxes[1]
            assert [Decimal(one["tax"]["amount"]) for one in (now, before)] == taxes
            charged[adjustment["period"]] = now
            seen += taxes[0] != taxes[1]
        assert seen >= 1, "no adjustment of this log changes a tax line"

    def test_is_31_in_all_of_which_few_change_money(self, months: Months) -> None:
        totals = [Decimal(one["difference"]["total"]) for _, one in months.adjustments()]
        assert len(totals) == 31
        own = sum(Decimal(one["figures"]["total"]) for one in months.documents)
        assert sum(totals) == Decimal("182594.01") - own == Decimal("69.03")

    def test_is_part_of_what_is_due_in_the_month_that_it_stands_in(self, months: Months) -> None:
        for document in months.documents:
            for part, key in (("net", "net"), ("tax", "tax_amount"), ("total", "total")):
                differences = [one["difference"][key] for one in document["adjustments"]]
                own = Decimal(document["figures"][key])
                assert Decimal(document["due"][part]) == own + sum(map(Decimal, differences))


class TestFilesInAnyOrder:
    """Cut between instants, overlapping, one twice, shuffled: the record is the same."""

    def test_of_the_whole_log_make_the_same_record(
        self, open_desk: Open, log: Log, whole: Desk, tmp_path: Path
    ) -> None:
        chance = random.Random(20_120_201)
        desk = open_desk()
        for number, rows in enumerate(cut(log, log.rows, chance, files=8)):
            desk.imports(log.write(tmp_path / f"{number}.csv", rows))
        assert desk.facts() == whole.facts()
        some = ["2010-02", "2011-06", "2012-02", "2013-11"]
        assert came_to_in(desk, some) == came_to_in(whole, some)

    @settings(
        max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(seed=st.integers(0, 2**32), files=st.integers(1, 6), tickets=st.integers(1, 40))
    def test_of_some_tickets_make_the_same_record(
        self, open_desk: Open, log: Log, tmp_path: Path, seed: int, files: int, tickets: int
    ) -> None:
        chance = random.Random(seed)
        cases = sorted({log.cell(row, "Case ID") for row in log.rows})
        chosen = set(chance.sample(cases, tickets))
        rows = [row for row in log.rows if log.cell(row, "Case ID") in chosen]
        straight, shuffled = open_desk(), open_desk()
        straight.imports(log.write(tmp_path / "straight.csv", rows))
        for number, part in enumerate(cut(log, rows, chance, files=files)):
            shuffled.imports(log.write(tmp_path / f"part-{number}.csv", part))
        assert straight.facts() == shuffled.facts()
        some = sorted({log.month(row) for row in rows})[:3]
        assert came_to_in(straight, some) == came_to_in(shuffled, some)

    def test_closed_in_between_come_to_the_same_figures(
        self, open_desk: Open, log: Log, tmp_path: Path
    ) -> None:
        """A year in six random files, a month closed after each: with adjustments, the year."""
        chance = random.Random(7)
        rows = [row for row in log.rows if log.month(row).startswith("2012")]
        straight, shuffled = open_desk(), open_desk()
        straight.imports(log.write(tmp_path / "straight.csv", rows))
        documents = []
        for number, part in enumerate(cut(log, rows, chance, files=6), start=1):
            shuffled.imports(log.write(tmp_path / f"part-{number}.csv", part))
            documents.append(shuffled.closes(f"2012-{number:02}"))
        documents += [
            shuffled.closes(f"2012-{number:02}") for number in range(len(documents) + 1, 13)
        ]
        months = Months(shuffled, documents)
        charged = {one["period"]: one["figures"] for one in documents}
        charged |= {one["period"]: one["figures"] for _, one in months.adjustments()}
        found = {month: came_to(figures) for month, figures in charged.items()}
        assert found == came_to_in(straight, charged)
        sealed = shuffled.seals()
        with shuffled.reading() as record:
            assert record.replayed(sealed).differences == ()


def cut(log: Log, rows: Sequence[Row], chance: random.Random, *, files: int) -> list[list[Row]]:
    """
    Return files that hold all rows together, in any order, overlapping, one of them twice.

    The rows of one instant stay together and in their order; all others are shuffled.
    """
    instants: dict[str, list[Row]] = {}
    for row in rows:
        instants.setdefault(log.instant(row), []).append(row)
    parts: list[list[str]] = [[] for _ in range(files)]
    for instant in instants:
        for place in {chance.randrange(files) for _ in range(chance.choice((1, 1, 2)))}:
            parts[place].append(instant)
    for part in parts:
        chance.shuffle(part)
    parts.append(chance.choice(parts))
    chance.shuffle(parts)
    return [[row for instant in part for row in instants[instant]] for part in parts if part]


def came_to_in(desk: Desk, months: Iterable[str]) -> dict[str, Any]:
    """Return what some months come to from scratch."""
    with desk.reading() as record:
        return {month: came_to(record.figures(month)) for month in months}


def _amounts(figures: Mapping[str, Any]) -> dict[str, Decimal]:
    names = {key: "tax_amount" if key == "tax" else key for key in SUMS}
    return {key: Decimal(figures[name]) for key, name in names.items()}


def _tax_by_hand(figures: Mapping[str, Any]) -> Decimal:
    net = Decimal(figures["fees"]) - Decimal(figures["credits"])
    return (net * Decimal("0.22")).quantize(CENT, ROUND_HALF_UP)


def _add_lines(lines: dict[str, tuple[int, Decimal]], more: Iterable[Mapping[str, Any]]) -> None:
    for line in more:
        quantity, amount = lines.get(line["key"], (0, Decimal(0)))
        added = quantity + (line["quantity"] or 0), amount + Decimal(line["amount"])
        lines[line["key"]] = added


def _sum(by_case: Mapping[str, Sums]) -> Sums:
    total = Sums({}, {})
    for sums in by_case.values():
        total = total.plus(sums)
    return total
