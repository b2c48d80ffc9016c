"""Statements: the same as what is computed anew, whatever is deleted, told later or closed."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import psycopg
import pytest
from tests.desks import run, told
from tests.support import REPOSITORY, ticket, write_cases

from openbpo.agreements.versions.actions import open_engagement
from openbpo.billing.statements import store
from openbpo.billing.statements.actions import cases_of, refresh, statement_of, statements_between
from openbpo.billing.statements.decisions import bridge_of, inputs, what_if
from openbpo.billing.statements.inputs import inputs_json
from openbpo.billing.statements.model import CaseRow, CasesPage, Outcome, Statement
from openbpo.billing.statements.queries import (
    case_time_line,
    period_names,
    stale_periods,
    stored_statement,
)
from openbpo.lines.helpdesk.sample import write_sample as write_help_desk
from openbpo.lines.telephone.sample import write_sample as write_telephone
from openbpo.storage.database import Context, Database, Transaction
from openbpo.surfaces.cli.session import principal
from openbpo.values.canonical import canonical_bytes
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal

pytestmark = pytest.mark.xdist_group("statements")

Edits = Mapping[str, Sequence[tuple[str, str]]]
NO_EDITS: Edits = {}
LEFT = (Outcome.LEFT_OUT, Outcome.NOT_PROVABLE)
AUGUST, NOVEMBER = "2025-08", "2025-11"


@dataclass
class Kept:
    """An engagement whose statements are looked at."""

    name: str
    database: Database
    engagement_id: EngagementId
    folder: Path

    @property
    def context(self) -> Context:
        return Context(principal(), "test").within(self.engagement_id)

    def do(self, act: Any, *arguments: Any, **named: Any) -> Any:
        """Run an action or query in a transaction of its own."""
        with self.database.transaction(self.context) as tx:
            return act(tx, self.engagement_id, *arguments, **named)

    def statement(self, period: str) -> Statement:
        found: Statement = self.do(statement_of, period)
        return found

    def every(self, period: str, figure: str, **named: Any) -> list[CaseRow]:
        page: CasesPage = self.do(cases_of, period, figure, size=1000, **named)
        return list(page.rows)

    def stored(self, period: str) -> dict[str, bytes]:
        """Return the bytes that are stored of a period, by figure; the statement's under ''."""

        def read(tx: Transaction, engagement_id: EngagementId) -> dict[str, bytes]:
            names = store.figures(tx, engagement_id, period)
            found = {name: store.case_list(tx, engagement_id, period, name) for name in names}
            own = store.statements(tx, engagement_id, [period])[period]
            return {"": bytes(own.body), **{name: body or b"" for name, body in found.items()}}

        found: dict[str, bytes] = self.do(read)
        return found

    def takes_in(self, path: Path) -> None:
        run("import", self.name, str(path))


def kept(database: Database, folder: Path, example: str, edits: Edits = NO_EDITS) -> Kept:
    """Accept an example, with pieces of its files replaced."""
    name = f"kept-{uuid4().hex[:8]}"
    (folder / name).mkdir()
    for path in sorted((REPOSITORY / "examples" / example).glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        for old, new in edits.get(path.name, ()):
            assert old in text, (path.name, old)
            text = text.replace(old, new)
        (folder / name / path.name).write_text(text, encoding="utf-8")
    run("accept", str(folder / name), "--as", "provider")
    context = Context(principal(), "test")
    return Kept(name, database, open_engagement(database, context, name), folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("kept")
    write_help_desk(made / "helpdesk.csv", 2025, 7)
    write_telephone(made / "telephone.csv", 2025, 7)
    return made


@pytest.fixture(scope="module", params=["helpdesk", "telephone"])
def desk(request: pytest.FixtureRequest, database: Database, folder: Path) -> Kept:
    """A year of an example, nothing of it closed."""
    made = kept(database, folder, request.param)
    made.takes_in(folder / f"{request.param}.csv")
    return made


@pytest.fixture(scope="module")
def help_desk(database: Database, folder: Path) -> Kept:
    made = kept(database, folder, "helpdesk")
    made.takes_in(folder / "helpdesk.csv")
    return made


@pytest.fixture(scope="module")
def telephone(database: Database, folder: Path) -> Kept:
    made = kept(database, folder, "telephone")
    made.takes_in(folder / "telephone.csv")
    return made


def assert_told_as_by_commands(desk: Kept, period: str) -> None:
    """A statement tells what `attain` and `invoice` tell, number by number."""
    of = desk.statement(period).told
    attained, invoiced = (told(c, desk.name, "--period", period) for c in ("attain", "invoice"))
    assert of["version"]["number"] == attained["version"]
    assert of["version"]["content_hash"] == attained["content_hash"]
    assert of["credit_rate"] == attained["credit_rate"]
    levels = [
        {name: one[name] for name in ("id", "numerator", "denominator", "verdict", "credit_rate")}
        for one in of["measures"]
    ]
    assert levels == attained["service_levels"] == invoiced["service_levels"]
    for name in ("currency", "fees", "credits", "net", "tax", "total"):
        assert of[name] == invoiced[name], name
    assert [_without(line, "key", "exact", "opens") for line in of["lines"]] == invoiced["lines"]
    credit, tax = invoiced["credit_line"], invoiced["tax_line"]
    assert of["credit"] is None if credit is None else _part(of["credit"], credit) == credit
    assert of["tax_line"] is None if tax is None else _part(of["tax_line"], tax) == tax
    assert of["undecided"]["first"] == invoiced["undecided"]
    assert of["adjustments"] == invoiced.get("adjustments", [])
    assert of["state"] == invoiced.get("state", "open")
    if "due" in invoiced:
        assert of["due"] == invoiced["due"]


def _without(told: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in names}


def _part(told: Mapping[str, Any], like: Mapping[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in like}


class TestAStatement:
    def test_tells_what_the_commands_tell(self, desk: Kept) -> None:
        names = desk.do(period_names)
        assert names
        for period in names[:2] + names[-3:]:
            assert_told_as_by_commands(desk, period)

    def test_comes_back_to_the_byte_when_it_is_deleted(self, desk: Kept) -> None:
        names = desk.do(period_names)
        desk.do(refresh)
        before = {name: desk.stored(name) for name in names}
        desk.do(store.forget, names)
        assert desk.do(stale_periods) == names
        assert desk.do(refresh) == names
        assert {name: desk.stored(name) for name in names} == before
        assert desk.do(stale_periods) == []

    def test_tells_every_formula_with_its_credit(self, telephone: Kept) -> None:
        for period in telephone.do(period_names)[:3]:
            [own] = telephone.statement(period).told["measures"]
            by_command = told("attain", telephone.name, "--period", period, "--formulas")
            costs = {one["id"]: one["credits"] for one in own["formulas"]}
            assert costs == by_command["credits"]
            assert [one["id"] for one in own["formulas"] if one["is_agreed"]] == ["c"]
            counts = {one["id"]: one["cases"] for one in own["counts"]}
            assert counts == {name: by_command[name] for name in counts}
            for one in own["formulas"]:
                share = float(Fraction(one["share"]))
                assert share == pytest.approx(by_command["formulas"][one["id"]], abs=1e-6)
            beside = {one["id"]: float(Fraction(one["value"])) for one in own["beside"]}
            for name, value in beside.items():
                assert value == pytest.approx(by_command[name], abs=1e-4)

    def test_of_a_month_without_events_says_so(self, help_desk: Kept) -> None:
        [doubt] = help_desk.statement("2026-03").told["doubts"]
        assert doubt == {"doubt": "record ends before the period", "day": "2025-12-31"}
        [doubt] = help_desk.statement("2024-03").told["doubts"]
        assert doubt == {"doubt": "record begins after the period", "day": "2025-01-02"}
        between = help_desk.do(statements_between, "2024-11", "2025-02")
        assert [one.period for one in between] == ["2025-01", "2025-02"]

    def test_is_refused_where_there_is_no_such_period(self, help_desk: Kept) -> None:
        with pytest.raises(Refusal, match="no period"):
            help_desk.statement("2025-13")
        with pytest.raises(Refusal, match="no figure"):
            help_desk.do(cases_of, AUGUST, "measure:nothing")
        with pytest.raises(Refusal, match="no order"):
            help_desk.do(cases_of, AUGUST, "measure:resolve-premium", sort="colour")


def halves(folder: Path, cut: str) -> tuple[Path, Path]:
    """Part the log of the help desk: what happened by a day, but for some cases, and the rest."""
    with (folder / "helpdesk.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    late = {row[0] for row in rows[:200]}
    first = [row for row in rows if row[3] < cut and row[0] not in late]
    rest = [row for row in rows if row[3] >= cut or row[0] in late]
    paths = folder / f"first-{uuid4().hex[:6]}.csv", folder / f"rest-{uuid4().hex[:6]}.csv"
    for path, part in zip(paths, (first, rest), strict=True):
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *part])
    return paths


class TestWhatWasClosed:
    def test_stands_and_is_adjusted_in_the_next_period(
        self, database: Database, folder: Path
    ) -> None:
        desk = kept(database, folder, "helpdesk")
        first, rest = halves(folder, "2025/03/01")
        desk.takes_in(first)
        for period in ("2025-01", "2025-02"):
            assert_told_as_by_commands(desk, period)
        run("close", desk.name, "--period", "2025-01")
        assert desk.do(stale_periods) == ["2025-01", "2025-02"]
        desk.do(refresh)
        run("close", desk.name, "--period", "2025-02")
        before = desk.statement("2025-01"), desk.statement("2025-02")
        desk.takes_in(rest)
        assert desk.statement("2025-01") == before[0]
        assert desk.statement("2025-02") == before[1]
        march = desk.statement("2025-03").told
        assert {one["period"] for one in march["adjustments"]} == {"2025-01", "2025-02"}
        for period in ("2025-01", "2025-02", "2025-03", "2025-04"):
            assert_told_as_by_commands(desk, period)
        desk.do(refresh)
        names = desk.do(period_names)
        stored = {name: desk.stored(name) for name in names}
        desk.do(store.forget, names)
        desk.do(refresh)
        assert {name: desk.stored(name) for name in names} == stored
        rows = bridge_of(desk.statement("2025-03"), "due")
        assert [row["row"] for row in rows] == ["total", "adjustment", "adjustment", "due"]
        assert all(row["opens"]["cases"] for row in rows if row["row"] == "adjustment")

    def test_is_stale_where_it_may_have_changed_and_nowhere_else(
        self, database: Database, folder: Path
    ) -> None:
        desk = kept(database, folder, "helpdesk")
        first, rest = halves(folder, "2025/03/01")
        desk.takes_in(first)
        desk.do(refresh)
        run("close", desk.name, "--period", "2025-01")
        run("close", desk.name, "--period", "2025-02")
        assert desk.do(stale_periods) == ["2025-01", "2025-02"]
        desk.do(refresh)
        found = desk.do(stored_statement, "2025-01")
        assert found[1] is False
        desk.takes_in(rest)
        names = desk.do(period_names)
        assert desk.do(stale_periods) == [name for name in names if name > "2025-02"]
        run("close", desk.name, "--period", "2025-02", "--state", "agreed", "--as", "client")
        assert "2025-02" in desk.do(stale_periods)
        desk.do(refresh)
        run("accept", str(desk.folder / desk.name), "--as", "client")
        assert desk.do(stale_periods) == [name for name in names if name > "2025-02"]


class TestTheCasesOfAFigure:
    def test_are_as_many_as_the_statement_says(self, desk: Kept) -> None:
        for period in desk.do(period_names)[:3]:
            of = desk.statement(period).told
            for one in of["measures"]:
                rows = desk.every(period, f"measure:{one['id']}")
                counted = {o: sum(row.outcome == o for row in rows) for o in one["outcomes"]}
                assert counted == one["outcomes"]
                assert counted["within"] == one["numerator"]
                assert counted["within"] + counted["late"] == one["denominator"]
                assert sum(why["cases"] for why in one["left_out"]) == counted["left_out"]
            for one in of["charges"]:
                rows = desk.every(period, f"charge:{one['id']}")
                bridge = {row["row"]: row["cases"] for row in one["bridge"]}
                measured = [r["cases"] for r in one["bridge"]]
                assert bridge["seen"] == len(rows)
                place = [r["row"] for r in one["bridge"]].index("measured")
                assert sum(measured[:place]) == measured[place]
                assert sum(measured[place:-1]) == measured[-1] == one["billed"]

    def test_are_those_of_the_period_alone(self, desk: Kept) -> None:
        """What ended, ended in it; what is open began before its end; a reason is given or not."""
        for period in desk.do(period_names)[:3]:
            statement = desk.statement(period)
            span = inputs(statement).period.span
            for one in statement.told["measures"]:
                for row in desk.every(period, f"measure:{one['id']}"):
                    at = row.began if one["kind"] == "count" else row.ended
                    assert span.contains(at or row.began) or row.outcome is Outcome.OPEN, row
                    assert (row.outcome is Outcome.OPEN) == (row.ended is None), row
                    assert (row.why is None) == (row.outcome not in LEFT), row
            for one in statement.told["charges"]:
                for row in desk.every(period, f"charge:{one['id']}"):
                    if row.outcome is Outcome.BILLED:
                        assert row.ended is not None
                        assert span.contains(row.ended)

    def test_of_each_outcome_and_reason_open_from_the_bridge(self, desk: Kept) -> None:
        period = desk.do(period_names)[0]
        for one in desk.statement(period).told["charges"]:
            for row in one["bridge"]:
                if row["opens"] is None:
                    continue
                opens = row["opens"]
                outcome = Outcome(opens["outcome"]) if opens["outcome"] else None
                found = desk.do(
                    cases_of, period, opens["figure"], outcome=outcome, why=opens["why"]
                )
                assert found.total == abs(row["cases"]), row

    def test_of_a_line_are_its_units(self, desk: Kept) -> None:
        for period in desk.do(period_names)[:3]:
            statement = desk.statement(period)
            for line in statement.told["lines"]:
                rows = bridge_of(statement, f"line:{line['key']}")
                if line["opens"] is None:
                    assert rows[-1] == {
                        "row": "made up", "amount": line["amount"], "sign": 1, "opens": None
                    }  # fmt: skip
                    continue
                opens = rows[-1]["opens"]
                found = desk.do(
                    cases_of, period, opens["figure"], outcome=Outcome.BILLED,
                    units=tuple(opens["units"]), size=1000,
                )  # fmt: skip
                assert found.total == line["quantity"]
                assert found.rows[0].unit == opens["units"][0]

    def test_come_page_by_page_in_an_order(self, help_desk: Kept) -> None:
        figure = "measure:resolve-standard"
        everything = help_desk.every(NOVEMBER, figure)
        pages = [help_desk.do(cases_of, NOVEMBER, figure, page=n, size=7) for n in range(1, 99)]
        assert [row for page in pages for row in page.rows] == everything
        assert pages[0].pages == -(-len(everything) // 7)
        slowest = help_desk.every(NOVEMBER, figure, sort="-counted_us", outcome=Outcome.LATE)
        times = [row.counted_us or 0 for row in slowest]
        assert times == sorted(times, reverse=True)
        assert all((row.counted_us or 0) > (row.limit_us or 0) for row in slowest)
        by_key = help_desk.every(NOVEMBER, figure, sort="case")
        assert [row.case for row in by_key] == sorted(row.case for row in everything)


class TestAnEmptyValue:
    EDITS: ClassVar[Edits] = {
        "data.yaml": [("case_value: last\n", "case_value: last\n    optional: true\n")],
        "charges.yaml": [
            (
                "count: {service: tickets, moment: closed}",
                'count: {service: tickets, moment: closed, cases: seriousness = "Value 1"}',
            )
        ],
        "measures.yaml": [
            (
                'cases: service_level = "basic"',
                'cases: service_level = "basic" and seriousness = "Value 1"',
            )
        ],
    }

    def test_is_told_and_the_case_is_not_provable(
        self, database: Database, folder: Path, tmp_path: Path
    ) -> None:
        desk = kept(database, folder, "helpdesk", self.EDITS)
        times = ("2012-05-07T08:30:00", "2012-05-07T12:00:00", "2012-05-31T18:00:00")
        whole = {f"Case {n}": ticket("basic", *times) for n in range(3)}
        desk.takes_in(write_cases(tmp_path / "whole.csv", whole))
        other = {"Case other": ticket("basic", *times)}
        desk.takes_in(write_cases(tmp_path / "other.csv", other, seriousness="Value 2"))
        empty = {"Case empty": ticket("basic", *times)}
        desk.takes_in(write_cases(tmp_path / "empty.csv", empty, seriousness=""))
        assert_told_as_by_commands(desk, "2012-05")
        of = desk.statement("2012-05").told
        assert of["undecided"]["number"] == len(of["undecided"]["first"]) == 2
        basic = next(one for one in of["measures"] if one["id"] == "resolve-basic")
        assert basic["outcomes"] == {
            "within": 3, "late": 0, "open": 0, "left_out": 1, "not_provable": 1
        }  # fmt: skip
        assert basic["not_provable"] == [{"why": "empty: seriousness", "cases": 1}]
        [charge] = of["charges"]
        assert [(row["row"], row["cases"]) for row in charge["bridge"]] == [
            ("seen", 5), ("measured", 5), ("left_out", -1), ("not_provable", -1), ("billed", 3)
        ]  # fmt: skip
        [row] = desk.every("2012-05", "charge:tickets-closed", outcome=Outcome.NOT_PROVABLE)
        assert row.case == "Case empty"
        line = desk.do(case_time_line, "Case empty")
        assert [one["applies"] for one in line["charges"]] == [False]


class TestACaseOfTwoVersions:
    def test_is_measured_by_the_one_it_began_under(
        self, database: Database, folder: Path, tmp_path: Path
    ) -> None:
        desk = kept(database, folder, "helpdesk")
        times = ("2012-05-07T08:30:00", "2012-06-07T12:00:00", "2012-06-29T18:00:00")
        told_ = {f"Case {n}": ticket("premium", *times) for n in range(25)}
        desk.takes_in(write_cases(tmp_path / "log.csv", told_))
        edits = {
            "agreement.yaml": [("version: 1", "version: 2\nsupersedes: [1]"),
                               ("{from: 2010-01-01}             #", "{from: 2012-06-01}  #")],
            "measures.yaml": [("within: 96 h", "within: 400 h")],
        }  # fmt: skip
        for name, replacements in edits.items():
            path = desk.folder / desk.name / name
            text = path.read_text(encoding="utf-8")
            for old, new in replacements:
                assert old in text, (name, old)
                text = text.replace(old, new)
            path.write_text(text, encoding="utf-8")
        run("accept", str(desk.folder / desk.name), "--as", "provider")
        assert_told_as_by_commands(desk, "2012-06")
        of = desk.statement("2012-06").told
        assert (of["version"]["number"], of["began_under"]) == (2, [1])
        [first, *_] = desk.every("2012-06", "measure:resolve-premium")
        assert (first.outcome, first.limit_us) == (Outcome.LATE, 96 * 3_600_000_000)
        [own, *_] = desk.do(case_time_line, "Case 1")["measures"]
        assert (own["outcome"], own["limit_us"]) == ("late", 96 * 3_600_000_000)


class TestACasesTimeLine:
    def test_tells_the_time_that_counted_as_the_measure_does(self, help_desk: Kept) -> None:
        for row in help_desk.every(NOVEMBER, "measure:resolve-premium")[:60]:
            if row.outcome is Outcome.LEFT_OUT:
                continue
            line = help_desk.do(case_time_line, row.case)
            own = next(one for one in line["measures"] if one["id"] == "resolve-premium")
            assert own["applies"]
            by_state: dict[str, int] = {}
            for one in own["segments"]:
                by_state[one["state"]] = by_state.get(one["state"], 0) + one["lasts_us"]
            counted = by_state.get("counted", 0) + by_state.get("late", 0)
            assert counted == own["counted_us"]
            assert by_state.get("paused", 0) == own["paused_us"]
            if row.outcome in (Outcome.WITHIN, Outcome.LATE):
                assert (own["outcome"], own["counted_us"]) == (row.outcome.value, row.counted_us)
                assert by_state.get("late", 0) == max(0, (row.counted_us or 0) - 96 * 3_600_000_000)
            for one in own["segments"]:
                assert (one["pause"] == "standing-still") == (one["state"] == "paused")

    def test_tells_facts_alone_with_their_classes(self, help_desk: Kept) -> None:
        row = help_desk.every(NOVEMBER, "measure:resolve-premium")[0]
        line = help_desk.do(case_time_line, row.case)
        assert "customer" not in line["attributes"]
        assert {one["class"] for one in line["attributes"].values()} == {"fact"}
        for event in line["events"]:
            assert set(event["facts"]) <= set(line["attributes"])
        with pytest.raises(Refusal, match="no case of this key"):
            help_desk.do(case_time_line, "Case that is none")

    def test_places_a_call_in_its_formulas(self, telephone: Kept) -> None:
        period = telephone.do(period_names)[0]
        figure = "measure:answered-in-time"
        for outcome in (Outcome.WITHIN, Outcome.LATE):
            row = telephone.every(period, figure, outcome=outcome)[0]
            line = telephone.do(case_time_line, row.case)
            assert line["measures"][0]["formulas"]["c"] == outcome.value


class TestASupposition:
    def test_of_nothing_changes_nothing(self, desk: Kept) -> None:
        for period in desk.do(period_names)[:4]:
            statement = desk.statement(period)
            found = what_if(inputs(statement)).as_json()
            for name in ("fees", "credits", "net", "tax", "total", "rates_added", "credit_rate"):
                assert found[name] == statement.told[name]
            again = json.loads(canonical_bytes(inputs_json(inputs(statement))))
            assert again == statement.told["inputs"]

    @pytest.mark.parametrize("formula", ["a", "b", "d"])
    def test_of_a_formula_is_what_an_agreement_of_it_comes_to(
        self, telephone: Kept, database: Database, folder: Path, formula: str
    ) -> None:
        edits = {"measures.yaml": [("judged_by: c", f"judged_by: {formula}")]}
        other = kept(database, folder, "telephone", edits)
        other.takes_in(folder / "telephone.csv")
        for period in telephone.do(period_names):
            found = what_if(
                inputs(telephone.statement(period)), formula={"answered-in-time": formula}
            )
            assert_supposed(found.as_json(), other.statement(period).told)

    @pytest.mark.parametrize("below", [1, 40])
    def test_of_a_low_volume_is_what_an_agreement_of_it_comes_to(
        self, help_desk: Kept, database: Database, folder: Path, below: int
    ) -> None:
        edits = {"regime.yaml": [("{below: 20,", f"{{below: {below},")]}
        other = kept(database, folder, "helpdesk", edits)
        other.takes_in(folder / "helpdesk.csv")
        changed = 0
        for period in help_desk.do(period_names):
            statement = help_desk.statement(period)
            rule = {one["id"]: below for one in statement.told["measures"]}
            found = what_if(inputs(statement), low_volume=rule)
            assert_supposed(found.as_json(), other.statement(period).told)
            verdicts = [one["verdict"] for one in statement.told["measures"]]
            changed += [one.verdict for one in found.measures] != verdicts
        assert changed, "the supposition must matter"

    def test_that_cannot_be_is_refused(self, help_desk: Kept) -> None:
        given = inputs(help_desk.statement(NOVEMBER))
        with pytest.raises(Refusal, match="no 'z'"):
            what_if(given, formula={"resolve-premium": "z"})
        with pytest.raises(Refusal, match="low volume below 0"):
            what_if(given, low_volume={"resolve-premium": 0})


def assert_supposed(found: Mapping[str, Any], real: Mapping[str, Any]) -> None:
    for name in ("fees", "credits", "net", "tax", "total", "rates_added", "credit_rate"):
        assert found[name] == real[name], name
    for own, other in zip(found["measures"], real["measures"], strict=True):
        for name in ("id", "numerator", "denominator", "compared", "level", "verdict"):
            assert own[name] == other[name], name


class TestTheReceived:
    def test_are_counted_by_hand_alike(self, help_desk: Kept) -> None:
        """Of the tickets opened in a month: those resolved in time, whenever that was."""
        found: dict[str, CaseRow] = {}
        for period in help_desk.do(period_names):
            for row in help_desk.every(period, "measure:resolve-premium"):
                if row.outcome in (Outcome.WITHIN, Outcome.LATE):
                    found[row.case] = row
                elif row.outcome is Outcome.OPEN:
                    found.setdefault(row.case, row)
        start, end = (datetime(2025, month, 1, tzinfo=UTC) for month in (5, 6))
        opened = [row for row in found.values() if start <= row.began < end]
        within = sum(row.outcome is Outcome.WITHIN for row in opened)
        [own] = [
            one for one in help_desk.statement("2025-05").told["measures"]
            if one["id"] == "resolve-premium"
        ]  # fmt: skip
        [received] = [one for one in own["formulas"] if one["id"] == "received"]
        assert (received["numerator"], received["denominator"]) == (within, len(opened))


class TestTheCommand:
    def test_lists_periods_and_refreshes_them(self, help_desk: Kept) -> None:
        help_desk.do(store.forget, [AUGUST])
        before = {one["period"]: one for one in told("statements", help_desk.name)}
        assert before[AUGUST]["stands"] == "missing"
        after = {one["period"]: one for one in told("statements", help_desk.name, "--refresh")}
        assert {one["stands"] for one in after.values()} == {"fresh"}
        assert after[AUGUST]["total"] == help_desk.statement(AUGUST).told["total"]
        assert AUGUST in run("statements", help_desk.name)


def test_another_principal_sees_no_statement(help_desk: Kept, database: Database) -> None:
    help_desk.statement(AUGUST)
    stranger = Context("stranger", "test", engagements=frozenset({uuid4()}))
    with database.transaction(stranger) as tx:
        assert store.statements(tx, help_desk.engagement_id, [AUGUST]) == {}
        assert store.case_list(tx, help_desk.engagement_id, AUGUST, "measure:resolve-basic") is None
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction(stranger) as tx:
        store.replace(
            tx, help_desk.engagement_id, store.StoredStatement(AUGUST, 1, bytes(32), b"x"), {}
        )
