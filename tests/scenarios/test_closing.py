"""Closing periods, and what comes later: invented logs, their money worked out by hand."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.desk import Desk
from tests.support import (
    EXAMPLE,
    Ticket,
    agreement_at,
    done,
    openbpo,
    ticket,
    write_cases,
    write_log,
)

from openbpo.agreements.model import Side
from openbpo.billing.closing.actions import Closing, act_on
from openbpo.billing.closing.adjusting import charged_so_far
from openbpo.billing.closing.figures import came_to
from openbpo.billing.closing.model import Act, State, Sums
from openbpo.billing.closing.queries import acts
from openbpo.record.queries import entries
from openbpo.storage.database import Context, Database
from openbpo.storage.installation import open_database, open_sealer
from openbpo.values.refusals import Refusal

pytestmark = pytest.mark.xdist_group("closing")

MAY = ("2012-05-07T08:30:00", "2012-05-07T12:00:00", "2012-05-31T18:00:00")
SLOW_MAY = ("2012-05-07T08:30:00", "2012-05-31T18:00:00", "2012-05-31T18:00:00")
JUNE = ("2012-06-07T08:30:00", "2012-06-07T12:00:00", "2012-06-29T18:00:00")
JULY = ("2012-07-09T08:30:00", "2012-07-09T12:00:00", "2012-07-30T18:00:00")
LATER = ("version: 1", "version: 2\nsupersedes: [1]")
KEYED = {
    "mapping.yaml": [
        (
            "  case: {column: Case ID}\n",
            "  case: {column: Case ID}\n  key: [Variant index, Activity]\n",
        )
    ]
}
"""The column `Variant index` says which ticket a row is of, whatever its case is called."""

Edits = Mapping[str, Sequence[tuple[str, str]]]
Open = Callable[..., Desk]


@pytest.fixture
def open_desk(databases: tuple[Database, Database], tmp_path: Path) -> Open:
    """Opens an engagement of its own under the example's agreement, or an edited one."""

    def opened(edits: Edits | None = None) -> Desk:
        handle = f"closing-{uuid4().hex[:12]}"
        folder = agreement_at(tmp_path / handle, edits) if edits else EXAMPLE
        context = Context(principal="closing", purpose="test")
        return Desk.opened(databases, context, handle, folder)

    return opened


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., None]:
    """Imports tickets into an engagement: their name, and what happened to them."""

    def tell(desk: Desk, tickets: Mapping[str, Ticket], **cells: str) -> None:
        desk.imports(write_cases(tmp_path / f"{uuid4().hex}.csv", tickets, **cells))

    return tell


Tell = Callable[..., None]


def some(name: str, number: int, told: Ticket) -> dict[str, Ticket]:
    """Return so many tickets alike."""
    return {f"{name} {nth}": told for nth in range(1, number + 1)}


def quick(level: str, moments: tuple[str, str, str] = MAY) -> Ticket:
    return ticket(level, *moments)


def difference(adjustment: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the difference in fees, credits, net, tax and total."""
    found = adjustment["difference"]
    return tuple(found[key] for key in ("fees", "credits", "net", "tax_amount", "total"))


def lines(adjustment: Mapping[str, Any]) -> list[tuple[str, int | None, str]]:
    """Return by which key, how many and how much an adjustment's lines are."""
    found = adjustment["difference"]["lines"]
    return [(line["key"], line["quantity"], line["amount"]) for line in found]


class TestTheStatesOfAPeriod:
    @pytest.fixture
    def desk(self, open_desk: Open, told: Tell) -> Desk:
        desk = open_desk()
        told(desk, some("May", 3, quick("standard")) | some("June", 3, quick("standard", JUNE)))
        return desk

    def test_follow_one_another_to_the_end(self, desk: Desk) -> None:
        for state in (State.PRELIMINARY, State.PRELIMINARY, State.REPORTED, State.DISPUTED,
                      State.AGREED, State.FINAL):  # fmt: skip
            assert desk.acts_on("2012-05", state).state is state
        with desk.reading() as record:
            found = [(act.number, act.state.value) for act in record.acts()]
        assert found == [
            (1, "preliminary"), (2, "preliminary"), (3, "reported"), (4, "disputed"),
            (5, "agreed"), (6, "final"),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("before", "after", "why"),
        [
            ((), State.AGREED, "is open; it cannot become agreed"),
            ((), State.DISPUTED, "is open; it cannot become disputed"),
            ((), State.FINAL, "is open; it cannot become final"),
            ((State.PRELIMINARY,), State.AGREED, "is preliminary; it cannot become agreed"),
            ((State.REPORTED,), State.PRELIMINARY, "is reported; it cannot become preliminary"),
            ((State.REPORTED,), State.FINAL, "is reported; it cannot become final"),
            (
                (State.REPORTED, State.DISPUTED),
                State.REPORTED,
                "is disputed; it cannot become reported",
            ),
            (
                (State.REPORTED, State.DISPUTED),
                State.FINAL,
                "is disputed; it cannot become final",
            ),
            (
                (State.REPORTED, State.AGREED),
                State.DISPUTED,
                "is agreed; it cannot become disputed",
            ),
            (
                (State.REPORTED, State.AGREED, State.FINAL),
                State.AGREED,
                "is final; it cannot become agreed",
            ),
        ],
    )
    def test_refuse_a_wrong_order_in_words(
        self, desk: Desk, before: Sequence[State], after: State, why: str
    ) -> None:
        for state in before:
            desk.closes("2012-05", state)
        with pytest.raises(Refusal, match=rf"2012-05.*{why}"):
            desk.closes("2012-05", after)

    @pytest.mark.parametrize(
        ("state", "side"),
        [
            (State.PRELIMINARY, "client"), (State.REPORTED, "client"), (State.FINAL, "client"),
            (State.AGREED, "provider"), (State.DISPUTED, "provider"),
        ],
    )  # fmt: skip
    def test_are_brought_about_by_the_side_whose_act_it_is(
        self, desk: Desk, state: State, side: Side
    ) -> None:
        with pytest.raises(Refusal, match=f"not the {side} who brings a period to {state.value}"):
            desk.acts_on("2012-05", state, side)

    def test_done_twice_answer_what_stands(self, desk: Desk) -> None:
        for state in (State.REPORTED, State.AGREED, State.FINAL):
            assert desk.acts_on("2012-05", state) == desk.acts_on("2012-05", state)
        with desk.reading() as record:
            assert len(record.acts()) == 3

    def test_let_a_preliminary_one_be_made_again_by_what_is_known_then(
        self, desk: Desk, told: Tell
    ) -> None:
        first = desk.closes("2012-05", State.PRELIMINARY)
        told(desk, some("Late", 40, quick("standard")))
        second = desk.closes("2012-05", State.PRELIMINARY)
        reported = desk.closes("2012-05")
        assert first["figures"]["fees"] == "1500.00"
        assert second["figures"]["fees"] == "1634.00"  # 43 x 38.00
        assert reported["figures"] == second["figures"]
        assert desk.closes("2012-06")["adjustments"] == []

    def test_let_no_later_state_change_a_figure(self, desk: Desk, told: Tell) -> None:
        reported = desk.closes("2012-05")
        told(desk, some("Late", 40, quick("standard")))
        for state in (State.DISPUTED, State.AGREED, State.FINAL):
            assert desk.closes("2012-05", state) == reported

    def test_refuse_a_gap_and_a_period_before_the_first(self, desk: Desk) -> None:
        desk.closes("2012-05")
        with pytest.raises(Refusal, match=r"Close 2012-06 first"):
            desk.closes("2012-07")
        with pytest.raises(Refusal, match=r"2012-05 is closed, and this period is before it"):
            desk.closes("2012-04")

    def test_need_something_recorded_and_a_period_of_the_term(
        self, desk: Desk, databases: tuple[Database, Database], handle: str
    ) -> None:
        for name in ("2009-12", "2012-13", "May"):
            with pytest.raises(Refusal, match=r"is no period of this agreement"):
                desk.closes(name)


class TestTwoWhoCloseAtOnce:
    def test_make_one_act_and_get_the_same_answer(self, open_desk: Open, told: Tell) -> None:
        desk = open_desk()
        told(desk, some("May", 3, quick("standard")))
        found, ready = list[Act](), threading.Barrier(2)

        def close() -> None:
            with open_database() as database, open_sealer() as sealer:
                own = Desk(database, sealer, desk.context, desk.handle, desk.engagement_id)
                ready.wait()
                found.append(own.acts_on("2012-05", State.REPORTED))

        threads = [threading.Thread(target=close) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 2
        assert found[0] == found[1]
        with desk.reading() as record:
            assert record.acts() == found[:1]
            told_entries = entries(record.tx, desk.engagement_id, act="period")
            assert len(list(told_entries)) == 1

    def test_of_two_periods_lose_nothing_that_came_in_between(
        self, open_desk: Open, told: Tell
    ) -> None:
        """
        June's closer has sealed; before it gets its turn, a ticket of June comes in and May is
        closed by all that is known then. June must not stand on less than May does.
        """
        desk = open_desk()
        told(desk, some("May", 3, quick("standard")) | some("June", 40, quick("standard", JUNE)))
        passes = list[object]()

        def seal_and_be_overtaken() -> object:
            sealed = desk.seals()
            if not passes:
                passes.append(sealed)
                told(desk, {"Between": quick("standard", JUNE)})
                desk.closes("2012-05")
            return sealed

        closing = Closing("2012-06", State.REPORTED, "provider")
        june = act_on(
            desk.database, desk.context, desk.engagement_id, closing, seal_and_be_overtaken
        )
        july = desk.closes("2012-07")
        assert june.document["figures"]["fees"] == "1558.00"  # 41 x 38.00
        assert july["adjustments"] == []
        with desk.reading() as record:
            assert came_to(june.document["figures"]) == came_to(record.figures("2012-06"))


class TestWhatComesLater:
    def test_is_an_adjustment_at_that_periods_rates(self, open_desk: Open, told: Tell) -> None:
        """
        May: 39 tickets x 38.00 = 1,482.00, made up by 18.00 to 1,500.00. One more: 40 x 38.00 =
        1,520.00, nothing to make up. Net +20.00; VAT 334.40 - 330.00 = 4.40.
        """
        desk = open_desk()
        told(desk, some("May", 39, quick("standard")))
        desk.closes("2012-05")
        told(desk, {"Late": quick("standard")})
        june = desk.closes("2012-06")
        (adjusted,) = june["adjustments"]
        assert adjusted["period"] == "2012-05"
        assert lines(adjusted) == [
            ("tickets-closed/1", 1, "38.00"),
            ("monthly-minimum/minimum", None, "-18.00"),
        ]
        assert difference(adjusted) == ("20.00", "0.00", "20.00", "4.40", "24.40")
        assert [(one["case"], one["why"]) for one in adjusted["reasons"]] == [
            ("Late", "recorded later")
        ]
        assert june["figures"]["total"] == "1830.00"
        assert june["due"] == {"net": "1520.00", "tax": "334.40", "total": "1854.40"}

    def test_can_lower_a_share_below_its_level(self, open_desk: Open, told: Tell) -> None:
        """
        May: 38 of 40 within = 95 %: met; 40 x 38.00 = 1,520.00; VAT 334.40; total 1,854.40. One
        late one more: 38 of 41 = 92.7 %: 5 % of 1,558.00 = 77.90; net 1,480.10; VAT 325.62; total
        1,805.72.
        """
        desk = open_desk()
        told(desk, some("May", 38, quick("standard")))
        told(desk, some("Slow", 2, ticket("standard", *SLOW_MAY)))
        desk.closes("2012-05")
        told(desk, {"Late": ticket("standard", *SLOW_MAY)})
        (adjusted,) = desk.closes("2012-06")["adjustments"]
        verdicts = [one["verdict"] for one in adjusted["figures"]["service_levels"]]
        assert verdicts == ["low_volume", "default", "low_volume"]
        assert difference(adjusted) == ("38.00", "77.90", "-39.90", "-8.78", "-48.68")

    def test_can_reach_the_cap(self, open_desk: Open, told: Tell) -> None:
        """
        May: standard 20 of 25: 10 %, basic 29 of 30: met. 55 tickets: 2,057.50; credit 205.75; net
        1,851.75; VAT 407.385, so 407.39; total 2,259.14. Three slow basic ones more: 29 of 33: 10 %
        too, 20 % capped at 12 %. 58 tickets: 2,152.00; credit 258.24; net 1,893.76; VAT 416.63;
        total 2,310.39.
        """
        desk = open_desk()
        told(desk, some("S", 20, quick("standard")) | some("B", 29, quick("basic")))
        told(desk, some("SS", 5, ticket("standard", *SLOW_MAY)))
        told(desk, some("BS", 1, ticket("basic", *SLOW_MAY)))
        desk.closes("2012-05")
        told(desk, some("Late", 3, ticket("basic", *SLOW_MAY)))
        (adjusted,) = desk.closes("2012-06")["adjustments"]
        assert adjusted["figures"]["credit"]["rate"] == "0.12"
        assert difference(adjusted) == ("94.50", "52.49", "42.01", "9.24", "51.25")

    def test_has_the_difference_of_two_tax_lines(self, open_desk: Open, told: Tell) -> None:
        """
        May: 51 tickets, 46 within: net 1,834.92, VAT 403.6824, so 403.68. One more: fees 1,963.00,
        credit 98.15, net 1,864.85, VAT 410.267, so 410.27. Tax +6.59; 22 % of +29.93 is 6.58.
        """
        desk = open_desk()
        told(desk, some("May", 46, quick("standard")))
        told(desk, some("Slow", 5, ticket("standard", *SLOW_MAY)))
        desk.closes("2012-05")
        told(desk, {"Late": quick("standard")})
        (adjusted,) = desk.closes("2012-06")["adjustments"]
        assert difference(adjusted) == ("31.50", "1.57", "29.93", "6.59", "36.52")

    def test_is_told_where_it_changes_counts_and_no_money(
        self, open_desk: Open, told: Tell
    ) -> None:
        """4 tickets instead of 3: 152.00 instead of 114.00, both made up to 1,500.00."""
        desk = open_desk()
        told(desk, some("May", 3, quick("standard")))
        desk.closes("2012-05")
        told(desk, {"Late": quick("standard")})
        (adjusted,) = desk.closes("2012-06")["adjustments"]
        assert difference(adjusted) == ("0.00",) * 5
        assert lines(adjusted) == [
            ("tickets-closed/1", 1, "38.00"), ("monthly-minimum/minimum", None, "-38.00"),
        ]  # fmt: skip
        assert adjusted["figures"]["service_levels"][1]["denominator"] == 4

    def test_of_a_case_that_counts_for_nothing_is_no_adjustment(
        self, open_desk: Open, told: Tell
    ) -> None:
        desk = open_desk()
        told(desk, some("May", 3, quick("standard")))
        desk.closes("2012-05")
        told(desk, {"May 1": Ticket("standard", [("Wait", "2012-06-01T09:00:00")])})
        told(desk, {"Begun": Ticket("standard", [("Wait", "2012-05-08T09:00:00")])})
        assert desk.closes("2012-06")["adjustments"] == []

    def test_adjusts_each_period_once_for_each_closing(self, open_desk: Open, told: Tell) -> None:
        """
        May 40 tickets: 1,520.00. One late: 1,558.00 (+38.00, in June). One more of May: 1,596.00
        (+38.00, in July), and one more of June's 40: +38.00 too. August has nothing to adjust.
        """
        desk = open_desk()
        told(desk, some("May", 40, quick("standard")) | some("June", 40, quick("standard", JUNE)))
        documents = [desk.closes("2012-05")]
        told(desk, {"Late 1": quick("standard")})
        documents.append(desk.closes("2012-06"))
        told(desk, {"Late 2": quick("standard"), "Late 3": quick("standard", JUNE)})
        documents += [desk.closes("2012-07"), desk.closes("2012-08")]
        found = [
            [(one["period"], one["difference"]["net"]) for one in document["adjustments"]]
            for document in documents
        ]
        assert found == [
            [], [("2012-05", "38.00")], [("2012-05", "38.00"), ("2012-06", "38.00")], [],
        ]  # fmt: skip
        with desk.reading() as record:
            for month, figures in charged_so_far(documents).items():
                assert came_to(figures) == came_to(record.figures(month))

    def test_is_shown_in_the_invoice_of_the_next_open_period_and_no_other(
        self, home: Path, tmp_path: Path
    ) -> None:
        folder = agreement_at(tmp_path / "shown-desk")
        done("accept", str(folder), "--as", "provider")
        log = write_log(tmp_path / "a.csv", [quick("standard")] * 40)
        done("import", "shown-desk", str(log))
        done("close", "shown-desk", "--period", "2012-05")
        before = done("invoice", "shown-desk", "--period", "2012-05", "--json").json
        done("import", "shown-desk", str(
            write_cases(tmp_path / "b.csv", {"Late": quick("standard")})
        ))  # fmt: skip
        assert done("invoice", "shown-desk", "--period", "2012-05", "--json").json == before
        june = done("invoice", "shown-desk", "--period", "2012-06", "--json").json
        assert [one["period"] for one in june["adjustments"]] == ["2012-05"]
        assert june["total"] == "1830.00"
        assert june["due"] == {"net": "1538.00", "tax": "338.36", "total": "1876.36"}
        july = done("invoice", "shown-desk", "--period", "2012-07", "--json").json
        assert "adjustments" not in july


class TestACorrection:
    def test_by_key_is_an_adjustment_with_that_reason(self, open_desk: Open, told: Tell) -> None:
        """20 of 20 within: met. One of them was slow: 19 of 20 = 95 %: met still, no money."""
        desk = open_desk(KEYED)
        for nth in range(1, 21):
            told(desk, {f"May {nth}": quick("standard")}, **{"Variant index": str(nth)})
        desk.closes("2012-05")
        told(desk, {"May 7": ticket("standard", *SLOW_MAY)}, **{"Variant index": "7"})
        (adjusted,) = desk.closes("2012-06")["adjustments"]
        (reason,) = adjusted["reasons"]
        assert (reason["case"], reason["why"]) == ("May 7", "corrected")
        assert reason["before"]["measures"]["resolve-standard"] == [1, 1]
        assert reason["now"]["measures"]["resolve-standard"] == [0, 1]
        assert difference(adjusted) == ("0.00",) * 5

    def test_that_moves_a_row_to_another_case_takes_it_from_the_first(
        self, open_desk: Open, told: Tell
    ) -> None:
        desk = open_desk(KEYED)
        told(desk, {"A": quick("standard")}, **{"Variant index": "1"})
        desk.closes("2012-05")
        told(desk, {"B": quick("standard")}, **{"Variant index": "1"})
        june = desk.closes("2012-06")
        assert june["adjustments"] == [], "one ticket less, one more: the sums are the same"
        told(desk, {"C": quick("basic")}, **{"Variant index": "1"})
        told(desk, {"A": quick("premium")}, **{"Variant index": "2"})
        (adjusted,) = desk.closes("2012-07")["adjustments"]
        why = {one["case"]: one["why"] for one in adjusted["reasons"]}
        assert why == {"A": "recorded later", "B": "corrected", "C": "recorded later"}
        sealed = desk.seals()
        with desk.reading() as record:
            assert record.replayed(sealed).differences == ()


class TestALaterVersion:
    def back_dated(self, desk: Desk, folder: Path, **edits: Sequence[tuple[str, str]]) -> None:
        changed = {f"{name}.yaml": pairs for name, pairs in edits.items() if name != "agreement"}
        agreement = {"agreement.yaml": [LATER, *edits.get("agreement", ())]}
        desk.accepts(agreement_at(folder, {**agreement, **changed}))

    @pytest.fixture
    def desk(self, open_desk: Open, told: Tell) -> Desk:
        desk = open_desk()
        told(desk, some("May", 40, quick("standard")) | some("June", 40, quick("standard", JUNE)))
        desk.closes("2012-05")
        return desk

    def test_back_dated_judges_closed_periods_anew(self, desk: Desk, tmp_path: Path) -> None:
        """40 tickets took 3.5 h: within 120 h, not within 2 h. 10 % of 1,520.00 = 152.00."""
        self.back_dated(desk, tmp_path / "two", measures=[("within: 120 h", "within: 2 h")])
        (adjusted,) = desk.closes("2012-06")["adjustments"]
        assert adjusted["reasons"] == [{"why": "the agreement changed", "versions": [1, 2]}]
        assert difference(adjusted) == ("0.00", "152.00", "-152.00", "-33.44", "-185.44")

    def test_beside_a_late_event_are_two_reasons(
        self, desk: Desk, told: Tell, tmp_path: Path
    ) -> None:
        self.back_dated(desk, tmp_path / "two", measures=[("within: 120 h", "within: 2 h")])
        told(desk, {"Late": quick("standard")})
        (adjusted,) = desk.closes("2012-06")["adjustments"]
        why = [(one["why"], one.get("case")) for one in adjusted["reasons"]]
        assert why == [("the agreement changed", None), ("recorded later", "Late")]

    def test_from_a_later_day_is_no_reason(self, desk: Desk, told: Tell, tmp_path: Path) -> None:
        from_july = (
            "in_force: {from: 2010-01-01}             # until: open, unless a day is named",
            "in_force: {from: 2012-07-01}",
        )
        self.back_dated(
            desk, tmp_path / "two", agreement=[from_july],
            measures=[("within: 120 h", "within: 2 h")],
        )  # fmt: skip
        told(desk, {"Late": quick("standard")})
        (adjusted,) = desk.closes("2012-06")["adjustments"]
        assert [one["why"] for one in adjusted["reasons"]] == ["recorded later"]

    def test_that_changes_nothing_of_it_is_no_adjustment(self, desk: Desk, tmp_path: Path) -> None:
        self.back_dated(desk, tmp_path / "two", measures=[("within: 96 h", "within: 95 h")])
        assert desk.closes("2012-06")["adjustments"] == []

    def test_that_the_other_side_signs_too_is_no_adjustment(self, desk: Desk) -> None:
        desk.accepts(EXAMPLE, "client")
        assert desk.closes("2012-06")["adjustments"] == []
        sealed = desk.seals()
        with desk.reading() as record:
            assert record.replayed(sealed).differences == ()

    def test_in_another_currency_is_refused_for_closed_periods(
        self, desk: Desk, tmp_path: Path
    ) -> None:
        charges = [(" EUR}", " USD}"), ("1500.00 EUR", "1500.00 USD")]
        self.back_dated(
            desk, tmp_path / "two", agreement=[("currency: EUR", "currency: USD")],
            charges=charges,
        )  # fmt: skip
        with pytest.raises(Refusal, match=r"2012-05.*charged in EUR, and version 2 counts it in"):
            desk.closes("2012-06")


class TestAnEmptyValue:
    FILTERED: ClassVar[Edits] = {
        "data.yaml": [("case_value: last\n", "case_value: last\n    optional: true\n")],
        "charges.yaml": [
            (
                "count: {service: tickets, moment: closed}",
                'count: {service: tickets, moment: closed, cases: seriousness = "Value 1"}',
            )
        ],
    }

    def test_keeps_its_period_open_until_it_is_filled_in(self, open_desk: Open, told: Tell) -> None:
        desk = open_desk({**self.FILTERED, **KEYED})
        told(desk, {"May": quick("standard")}, seriousness="")
        with pytest.raises(Refusal, match=r"May: .*seriousness is empty.*2012-05 cannot be closed"):
            desk.closes("2012-05")
        told(desk, {"May": quick("standard")}, seriousness="Value 1")
        assert desk.closes("2012-05")["figures"]["sums"]["charges"] == {"tickets-closed": 1}

    def test_of_a_closed_period_keeps_the_next_one_open(self, open_desk: Open, told: Tell) -> None:
        desk = open_desk({**self.FILTERED, **KEYED})
        told(desk, {"May": quick("standard")})
        desk.closes("2012-05")
        told(desk, {"Late": quick("standard")}, seriousness="", **{"Variant index": "2"})
        with pytest.raises(
            Refusal, match=r"Late: .*seriousness is empty.*2012-06 cannot be closed"
        ):
            desk.closes("2012-06")
        told(desk, {"Late": quick("standard")}, **{"Variant index": "2"})
        (adjusted,) = desk.closes("2012-06")["adjustments"]
        assert lines(adjusted)[0] == ("tickets-closed/1", 1, "38.00")


@pytest.fixture(scope="module")
def known_desk(home: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Entries: 1 the signature, 2 an import of 40, 3 May closed, 4 one late, 5 June closed."""
    folder = tmp_path_factory.mktemp("known")
    handle = "known-desk"
    done("accept", str(agreement_at(folder / handle)), "--as", "provider")
    log = write_log(folder / "a.csv", [quick("standard")] * 40)
    done("import", handle, str(log))
    done("close", handle, "--period", "2012-05")
    late = write_cases(folder / "b.csv", {"Late": quick("standard")})
    done("import", handle, str(late))
    done("close", handle, "--period", "2012-06")
    return handle


class TestWhatWasKnownThen:
    @staticmethod
    def invoice(handle: str, period: str, at: str | None = None) -> Mapping[str, Any]:
        known = ("--as-known-at", at) if at else ()
        found: Mapping[str, Any] = done(
            "invoice", handle, "--period", period, "--json", *known
        ).json
        return found

    def test_by_entry_has_no_later_event(self, known_desk: str) -> None:
        assert self.invoice(known_desk, "2012-05", "2")["fees"] == "1520.00"
        assert self.invoice(known_desk, "2012-05", "4")["fees"] == "1558.00"
        assert self.invoice(known_desk, "2012-05")["fees"] == "1520.00"
        assert self.invoice(known_desk, "2012-06", "3")["adjustments"] == []
        assert len(self.invoice(known_desk, "2012-06", "4")["adjustments"]) == 1

    def test_by_instant_is_by_the_last_entry_then(self, known_desk: str) -> None:
        acts = done("periods", known_desk, "--json").json
        assert [act["period"] for act in acts] == ["2012-05", "2012-06"]
        then = self.invoice(known_desk, "2012-05", acts[0]["at"])
        assert then == self.invoice(known_desk, "2012-05", str(acts[0]["entry"]))

    @pytest.mark.parametrize("at", ["0", "6", "2009-01-01T00:00Z"])
    def test_before_anything_or_after_all_is_refused(self, known_desk: str, at: str) -> None:
        refused = openbpo("invoice", known_desk, "--period", "2012-05", "--as-known-at", at)
        assert refused.status == 1
        is_entry = at.isdecimal()
        expected = f"There is no entry {at}." if is_entry else f"Nothing was recorded by {at}."
        assert expected in refused.err

    def test_without_an_offset_is_refused(self, known_desk: str) -> None:
        refused = openbpo(
            "invoice", known_desk, "--period", "2012-05", "--as-known-at", "2012-03-01"
        )
        assert refused.status == 1
        assert "Write it with its offset" in refused.err


class TestTheSumsOfCases:
    sums = st.builds(
        Sums,
        st.dictionaries(st.sampled_from("abc"), st.tuples(st.integers(), st.integers())),
        st.dictionaries(st.sampled_from("xyz"), st.integers()),
    )

    @given(sums, sums, sums)
    def test_add_in_any_order_and_take_away_again(self, a: Sums, b: Sums, c: Sums) -> None:
        assert a.plus(b) == b.plus(a)
        assert a.plus(b).plus(c) == a.plus(b.plus(c))
        assert _kept(a.plus(b).minus(b)) == _kept(a)
        assert Sums.from_json(a.as_json()) == a


def _kept(sums: Sums) -> tuple[dict[str, tuple[int, int]], dict[str, int]]:
    """Return sums without what is nothing."""
    measures = {name: pair for name, pair in sums.measures.items() if any(pair)}
    return measures, {name: number for name, number in sums.charges.items() if number}


LEVELS = ("premium", "standard", "basic", "project")
ACTIVITIES = ("Take in charge ticket", "Wait", "Resolve ticket", "Closed")


class TestAnyHistoryOfImportsAndClosings:
    @settings(
        max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(seed=st.integers(0, 2**32), keyed=st.booleans())
    def test_charges_what_everything_comes_to(
        self, open_desk: Open, tmp_path: Path, seed: int, keyed: bool
    ) -> None:
        """Per period, per line and in sum; and a period's sums are those of its cases added."""
        chance = random.Random(seed)
        desk = open_desk(KEYED if keyed else {})
        documents = []
        for number in range(1, 6):
            for nth in range(chance.randrange(3)):
                path = tmp_path / f"{seed}-{number}-{nth}.csv"
                desk.imports(write_cases(path, made_up(chance, chance.randrange(1, 60))))
            documents.append(desk.closes(f"2012-{number:02}"))
        charged = charged_so_far(documents)
        known = documents[-1]["known"]
        with desk.reading() as record:
            for month, figures in charged.items():
                scratch = record.figures(month, known)
                assert came_to(figures) == came_to(scratch)
                assert _lines_of(documents, month) == {
                    line["key"]: (line["quantity"] or 0, Decimal(line["amount"]))
                    for line in scratch["lines"]
                }
                by_case = record.by_case(month, known)
                total = Sums({}, {})
                for sums in by_case.values():
                    total = total.plus(sums)
                assert _kept(total) == _kept(Sums.from_json(scratch["sums"]))
            due = sum(Decimal(one["due"]["total"]) for one in documents)
            assert due == sum(Decimal(record.figures(m, known)["total"]) for m in charged)
            assert [act.document for act in acts(record.tx, desk.engagement_id)] == documents


def made_up(chance: random.Random, number: int) -> dict[str, Ticket]:
    """Return tickets of January to May 2012, some of them told of before."""
    found = {}
    for _ in range(number):
        steps = chance.sample(ACTIVITIES, chance.randrange(1, 5))
        events = sorted((a_moment(chance), activity) for activity in steps)
        level = chance.choice(LEVELS)
        found[f"Case {chance.randrange(80)}"] = Ticket(level, [(a, at) for at, a in events])
    return found


def a_moment(chance: random.Random) -> str:
    """Return a full hour of a day of these months."""
    month, day, hour = chance.randrange(1, 6), chance.randrange(1, 28), chance.randrange(8, 18)
    return f"2012-{month:02}-{day:02}T{hour:02}:00:00"


def _lines_of(documents: Sequence[Mapping[str, Any]], month: str) -> dict[str, tuple[int, Decimal]]:
    """Return a month's lines as they were charged, with all that was adjusted of them."""
    found: dict[str, tuple[int, Decimal]] = {}
    for document in documents:
        charged = [document["figures"]["lines"]] if document["period"] == month else []
        charged += [
            one["difference"]["lines"] for one in document["adjustments"] if one["period"] == month
        ]
        for line in (line for of_one in charged for line in of_one):
            quantity, amount = found.get(line["key"], (0, Decimal(0)))
            added = quantity + (line["quantity"] or 0), amount + Decimal(line["amount"])
            found[line["key"]] = added
    return {key: value for key, value in found.items() if value != (0, Decimal(0))}
