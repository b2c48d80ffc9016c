"""Service levels as pages: a month, a measure, what if, the cases, a case; and who sees what."""

from __future__ import annotations

import html
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from openbpo.billing.statements.actions import cases_of, statement_of
from openbpo.billing.statements.model import Outcome
from tests.desk import Desk
from tests.surfaces.conftest import MakeVisitor

pytestmark = pytest.mark.xdist_group("levels")

MEASURE = "/e/HANDLE/service-levels/2025-09/answered-in-time"


def text_of(answer: Any) -> str:
    """Return what a page says, as a reader does."""
    assert answer.status_code == 200, answer.content[:400]
    main = answer.content.decode().partition("<main")[2]
    bare = html.unescape(re.sub(r"<[^>]+>", " ", main)).replace("\u00a0", " ")
    return re.sub(r"\s+", " ", bare)


def statement(desk: Desk, period: str) -> Any:
    with desk.reading() as record:
        return statement_of(record.tx, desk.engagement_id, period).told


class TestMonth:
    def test_is_the_newest_and_says_what_was_met(self, visitor: MakeVisitor, centre: Desk) -> None:
        said = text_of(visitor("client-owner", at=centre).get("/e/HANDLE/service-levels"))
        assert "0 of 1 service level was met in September 2025" in said
        assert "84.22 %" in said
        assert "646 of 767" in said
        assert "79.80 EUR" in said
        assert "5 % of fees of 1,596.00 EUR" in said

    def test_can_be_another(self, visitor: MakeVisitor, centre: Desk) -> None:
        anna = visitor("client-owner", at=centre)
        said = text_of(anna.get("/e/HANDLE/service-levels?period=2025-08"))
        assert "1 of 1 service level was met in August 2025" in said
        assert anna.get("/e/HANDLE/service-levels?period=2031-01").status_code == 404
        assert anna.get("/e/HANDLE/service-levels?period=nonsense").status_code == 404

    def test_shows_no_money_to_a_role_that_sees_none(
        self, visitor: MakeVisitor, centre: Desk
    ) -> None:
        user = visitor("client-user", at=centre)
        for path in ("/e/HANDLE/service-levels", MEASURE, f"{MEASURE}?formula=a"):
            said = text_of(user.get(path))
            assert "EUR" not in said
            assert "79.80" not in said
            assert "84.22 %" in said

    def test_says_how_to_begin(self, visitor: MakeVisitor) -> None:
        said = text_of(visitor("client-owner").get("/e/HANDLE/service-levels"))
        assert "openbpo import" in said


class TestMeasure:
    def test_stands_with_its_formula_and_its_ladder(
        self, visitor: MakeVisitor, centre: Desk
    ) -> None:
        said = text_of(visitor("client-owner", at=centre).get(MEASURE))
        assert "646 of 767: within, of offered less short abandons" in said
        assert "80 % ≤ 84.22 % < 85 %, compared at 2 decimals" in said
        assert "Reached: 79.80 EUR" in said
        assert "6 cases more within: 0.00 EUR" in said
        assert "3 months: 2 met, 1 in default" in said

    def test_that_there_is_not_is_not_found(self, visitor: MakeVisitor, centre: Desk) -> None:
        anna = visitor("client-owner", at=centre)
        assert anna.get("/e/HANDLE/service-levels/2025-09/speed").status_code == 404
        assert anna.get(MEASURE.replace("2025-09", "2024-01")).status_code == 404

    def test_outcomes_lead_to_lists_of_as_many_cases(
        self, visitor: MakeVisitor, centre: Desk
    ) -> None:
        anna = visitor("client-owner", at=centre)
        [measure] = statement(centre, "2025-09")["measures"]
        for outcome, count in measure["outcomes"].items():
            if count:
                said = text_of(anna.get(f"{MEASURE}/cases?outcome={outcome}"))
                assert said.count("Next 50") == (count > 50), outcome
                assert f"{count} case" in said

    def test_leads_nobody_to_cases_who_sees_none(self, visitor: MakeVisitor, centre: Desk) -> None:
        answer = visitor("provider-administrator", at=centre).get(MEASURE)
        assert b"/cases" not in answer.content


class TestWhatIf:
    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("formula=a", ("646 of 839, 77.00 %", "159.60 EUR", "+79.80 EUR", "−79.80 EUR")),
            ("formula=d", ("718 of 839, 85.58 %", "0.00 EUR", "+79.80 EUR")),
            ("low_volume=1000", ("Low volume", "0.00 EUR")),
            ("", ("As agreed: 646 of 767, 84.22 %", "no change")),
            ("formula=nonsense", ("As agreed: 646 of 767, 84.22 %",)),
            ("low_volume=-3", ("Write a whole number from 1 on",)),
        ],
    )
    def test_tells_share_verdict_and_money(
        self, visitor: MakeVisitor, centre: Desk, query: str, said: tuple[str, ...]
    ) -> None:
        found = text_of(visitor("client-owner", at=centre).get(f"{MEASURE}?{query}"))
        for words in (*said, "Nothing is saved"):
            assert words in found

    def test_saves_nothing(self, visitor: MakeVisitor, centre: Desk) -> None:
        before = statement(centre, "2025-09")
        text_of(visitor("client-owner", at=centre).get(f"{MEASURE}?formula=a&low_volume=1"))
        assert statement(centre, "2025-09") == before
        said = text_of(visitor("client-owner", at=centre).get(MEASURE))
        assert "As agreed: 646 of 767" in said


class TestCases:
    def test_come_in_pages_of_fifty_and_sorted(self, visitor: MakeVisitor, centre: Desk) -> None:
        anna = visitor("client-owner", at=centre)
        seen: list[str] = []
        for number in (1, 2, 3):
            address = f"{MEASURE}/cases?outcome=late&sort=-case&page={number}"
            content = anna.get(address).content.decode()
            seen += re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)</a>', content)
        assert len(seen) == 121
        assert seen == sorted(seen, reverse=True)

    def test_of_a_group_are_those_of_the_statement(
        self, visitor: MakeVisitor, centre: Desk
    ) -> None:
        group = "abandoned+offered+short_abandons"
        found = text_of(visitor("client-owner", at=centre).get(f"{MEASURE}/cases?group={group}"))
        assert "72 cases in: abandoned, offered, short abandons" in found

    def test_of_a_page_that_there_is_not_say_so(self, visitor: MakeVisitor, centre: Desk) -> None:
        anna = visitor("client-owner", at=centre)
        assert "No such case" in text_of(anna.get(f"{MEASURE}/cases?page=900"))
        assert "No such case" in text_of(anna.get(f"{MEASURE}/cases?why=nothing"))

    def test_are_refused_to_a_role_that_sees_none(self, visitor: MakeVisitor, centre: Desk) -> None:
        administrator = visitor("provider-administrator", at=centre)
        assert administrator.get(f"{MEASURE}/cases").status_code == 403
        assert administrator.get("/e/HANDLE/cases/x").status_code == 403


def late_ticket(desk: Desk) -> Any:
    """Return a late ticket of February with its measure."""
    with desk.reading() as record:
        for measure in ("resolve-standard", "resolve-basic", "resolve-premium"):
            rows = cases_of(
                record.tx, desk.engagement_id, "2025-02", f"measure:{measure}",
                outcome=Outcome.LATE,
            ).rows  # fmt: skip
            if rows:
                return measure, rows[0]
    raise AssertionError("no ticket is late")


class TestCase:
    def test_is_told_down_to_its_events(self, visitor: MakeVisitor, help_desk: Desk) -> None:
        _measure, row = late_ticket(help_desk)
        anna = visitor("client-owner", at=help_desk)
        said = text_of(anna.get(f"/e/HANDLE/cases/{row.case.replace(' ', '%20')}"))
        assert f"{row.case} was late" in said
        assert "stretches count:" in said
        assert "Resolve ticket" in said
        assert "due" in said

    def test_masks_what_is_the_other_sides_own(self, visitor: MakeVisitor, help_desk: Desk) -> None:
        _measure, row = late_ticket(help_desk)
        path = f"/e/HANDLE/cases/{row.case.replace(' ', '%20')}"
        theirs = text_of(visitor("client-owner", at=help_desk).get(path))
        own = text_of(visitor("provider-contract", at=help_desk).get(path))
        assert "not shown: the other side's own" in theirs
        assert "not shown" not in own

    def test_names_its_invoice_lines_to_who_sees_money(
        self, visitor: MakeVisitor, centre: Desk
    ) -> None:
        with centre.reading() as record:
            [row] = cases_of(
                record.tx, centre.engagement_id, "2025-09", "measure:answered-in-time",
                outcome=Outcome.LATE, size=1,
            ).rows  # fmt: skip
        path = f"/e/HANDLE/cases/{row.case.replace(' ', '%20')}"
        said = text_of(visitor("client-owner", at=centre).get(path))
        assert "2.10 EUR" in said
        assert "−79.80 EUR" in said
        assert "EUR" not in text_of(visitor("client-user", at=centre).get(path))

    def test_that_there_is_not_is_not_found(self, visitor: MakeVisitor, centre: Desk) -> None:
        assert visitor("client-owner", at=centre).get("/e/HANDLE/cases/x").status_code == 404

    def test_of_another_engagement_is_not_found(
        self, visitor: MakeVisitor, centre: Desk, help_desk: Desk
    ) -> None:
        _measure, row = late_ticket(help_desk)
        path = f"/e/HANDLE/cases/{row.case.replace(' ', '%20')}"
        assert visitor("client-owner", at=centre).get(path).status_code == 404


class TestFigures:
    @pytest.mark.parametrize(
        ("share", "decimals", "said"),
        [
            ("8499/10000", None, "84.99"),
            ("84999/100000", None, "84.999"),
            ("84990/100000", None, "84.99"),
            ("84996/100000", 2, "85.00"),
            ("2/3", None, "66.67"),
            ("646/839", None, "77.00"),
            ("1", 0, "100"),
        ],
    )
    def test_never_look_like_a_level_that_was_not_reached(
        self, django: None, share: str, decimals: int | None, said: str
    ) -> None:
        from openbpo.surfaces.web.pages.levels.figures import points

        assert points(Fraction(share), decimals, [Fraction(85, 100)]) == Decimal(said)
        assert str(points(Fraction(share), decimals, [Fraction(85, 100)])) == said

    def test_of_lanes_sum_to_what_counted(self, django: None, help_desk: Desk) -> None:
        from openbpo.billing.statements.queries import case_time_line
        from openbpo.surfaces.web.pages.levels.lanes import days_of, lanes_of

        _measure, row = late_ticket(help_desk)
        with help_desk.reading() as record:
            life = case_time_line(record.tx, help_desk.engagement_id, row.case)
        [one] = [one for one in life["measures"] if one["applies"]]
        days = days_of(one["segments"], life["zone"])
        assert sum(day.counted_us for day in days) == one["counted_us"] == row.counted_us
        lanes = lanes_of(one["segments"], life["zone"], one["due"])
        assert any(getattr(lane, "due", None) is not None for lane in lanes)


class TestGroups:
    @pytest.mark.parametrize("period", ["2025-01", "2025-02", "2025-03"])
    def test_add_up_to_what_each_formula_counts(self, help_desk: Desk, period: str) -> None:
        check_groups(help_desk, period)

    @pytest.mark.parametrize("period", ["2025-07", "2025-08", "2025-09"])
    def test_of_counts_do_so_too(self, centre: Desk, period: str) -> None:
        check_groups(centre, period)


def check_groups(desk: Desk, period: str) -> None:
    from openbpo.billing.statements.bridging import Reading, bridge, counted

    for measure in statement(desk, period)["measures"]:
        for one in measure["formulas"]:
            found = counted(measure["groups"], Reading(one["id"]))
            assert (found.numerator, found.denominator) == (one["numerator"], one["denominator"])
            for other in measure["formulas"]:
                causes = bridge(measure["groups"], Reading(one["id"]), Reading(other["id"]))
                end = causes[-1].then if causes else found
                assert end == counted(measure["groups"], Reading(other["id"]))
        with desk.reading() as record:
            for group in measure["groups"]:
                listed = cases_of(
                    record.tx, desk.engagement_id, period, f"measure:{measure['id']}",
                    group=group["id"],
                )  # fmt: skip
                assert listed.total == group["cases"]
