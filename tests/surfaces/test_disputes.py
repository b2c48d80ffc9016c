"""A dispute as a page: what each side says, the bridge, and who may do what."""

from __future__ import annotations

from typing import Any

import pytest

from openbpo.billing.disputes.actions import open_dispute, reply_to
from openbpo.billing.disputes.model import Claim, ClaimedFormula, Deed, DisputeState, Reply
from openbpo.billing.disputes.queries import disputes_of
from openbpo.billing.statements.actions import cases_of, statement_of
from openbpo.billing.statements.model import Outcome
from tests.desk import Desk
from tests.surfaces.conftest import MakeVisitor
from tests.surfaces.test_levels import MEASURE, text_of

pytestmark = pytest.mark.xdist_group("levels")

BY = {name: ClaimedFormula("answered-in-time", name) for name in "abcd"}
PAGE, ANSWER = "/e/HANDLE/disputes/1", "/e/HANDLE/disputes/1/answer"


def disputed(desk: Desk, **more: Any) -> Any:
    """Let the client dispute September's credit by formula a."""
    what = {"amount": "-159.60", "formula": BY["a"], **more}
    claim = Claim(period="2025-09", line="credit", reason="Within of offered.", **what)
    return open_dispute(desk.database, desk.context, desk.engagement_id, claim, "client")


def refused(desk: Desk) -> Any:
    """Let the provider refuse it by formula d."""
    reply = Reply(did=Deed.REFUSED, reason="Short abandons are within.", formula=BY["d"])
    return reply_to(desk.database, desk.context, desk.engagement_id, 1, reply, "provider")


def the_dispute(desk: Desk) -> Any:
    with desk.reading() as record:
        [found] = disputes_of(record.tx, desk.engagement_id)
    return found


class TestDispute:
    def test_says_what_each_side_says_and_what_lies_between(
        self, visitor: MakeVisitor, new_centre: Desk
    ) -> None:
        disputed(new_centre)
        refused(new_centre)
        said = text_of(visitor("client-owner", at=new_centre).get(PAGE))
        assert "Provider says 85.58 %, client says 77.00 %" in said
        assert "72 cases and 159.60 EUR lie between them" in said
        assert "the month stands at 84.22 % and 79.80 EUR is owed" in said
        assert "Where the 8.58 points come from" in said
        assert "Left out, not as the client says 72 +7.22 84.22 % 79.80 −79.80" in said
        assert "Left out, not as the provider says 72 +1.36 85.58 % 0.00 −79.80" in said
        assert "40 of these 72 cases already take the credit from 79.80 EUR to 0.00 EUR" in said

    def test_of_cases_claimed_otherwise_names_them(
        self, visitor: MakeVisitor, new_centre: Desk
    ) -> None:
        with new_centre.reading() as record:
            rows = cases_of(
                record.tx, new_centre.engagement_id, "2025-09", "measure:answered-in-time",
                outcome=Outcome.WITHIN, size=40,
            ).rows  # fmt: skip
        cases = tuple(row.case for row in rows)
        disputed(new_centre, formula=None, cases=cases)
        said = text_of(visitor("client-owner", at=new_centre).get(PAGE))
        assert "Provider says 84.22 %, client says 79.01 %" in said
        assert "Cases that are claimed otherwise" in said
        assert cases[7] in said
        assert "8 of these 40 cases already take the credit from 159.60 EUR to 79.80 EUR" in said

    def test_of_a_charge_tells_its_amounts(self, visitor: MakeVisitor, new_centre: Desk) -> None:
        claim = Claim(period="2025-09", line="calls-answered/1", reason="Ours: 750.", quantity=750)
        open_dispute(
            new_centre.database, new_centre.context, new_centre.engagement_id, claim, "client"
        )
        said = text_of(visitor("client-owner", at=new_centre).get(PAGE))
        assert "it stands at 1,596.00 EUR, client says 1,575.00 EUR" in said

    def test_is_listed_with_its_money(self, visitor: MakeVisitor, new_centre: Desk) -> None:
        anna = visitor("client-owner", at=new_centre)
        assert "Nothing was disputed yet" in text_of(anna.get("/e/HANDLE/disputes"))
        disputed(new_centre)
        said = text_of(anna.get("/e/HANDLE/disputes"))
        assert "79.80 EUR lie in 1 dispute" in said
        assert "To the dispute" in text_of(anna.get(MEASURE))

    def test_that_there_is_not_is_not_found(self, visitor: MakeVisitor, centre: Desk) -> None:
        anna = visitor("client-owner", at=centre)
        for number in ("1", "x", "01"):
            assert anna.get(f"/e/HANDLE/disputes/{number}").status_code == 404


class TestRights:
    @pytest.mark.parametrize("role", ["client-user", "provider-lead", "provider-administrator"])
    def test_are_needed_to_see_it(self, visitor: MakeVisitor, centre: Desk, role: str) -> None:
        person = visitor(role, at=centre)
        for path in ("/e/HANDLE/disputes", PAGE):
            assert person.get(path).status_code == 403
        assert person.post(ANSWER, {"did": "accepted"}).status_code == 403

    @pytest.mark.parametrize("role", ["client-auditor", "client-user", "provider-contract"])
    def test_are_needed_to_dispute(self, visitor: MakeVisitor, centre: Desk, role: str) -> None:
        asked = {"formula": "a", "reason": "No"}
        assert visitor(role, at=centre).post(f"{MEASURE}/dispute", asked).status_code == 403

    def test_of_an_auditor_open_it_and_change_nothing(
        self, visitor: MakeVisitor, new_centre: Desk
    ) -> None:
        disputed(new_centre)
        auditor = visitor("client-auditor", at=new_centre)
        content = auditor.get(PAGE).content.decode()
        assert "/disputes/1/answer" not in content
        assert auditor.post(ANSWER, {"did": "withdrawn"}).status_code == 403
        assert the_dispute(new_centre).state is DisputeState.OPEN

    def test_of_one_side_do_not_act_for_the_other(
        self, visitor: MakeVisitor, new_centre: Desk
    ) -> None:
        disputed(new_centre)
        paul = visitor("provider-billing", at=new_centre)
        answer = paul.post(ANSWER, {"did": "withdrawn", "side": "client"})
        assert answer.status_code == 422
        assert the_dispute(new_centre).state is DisputeState.OPEN

    def test_a_reading_is_asked_for_by_get_alone(self, visitor: MakeVisitor, centre: Desk) -> None:
        anna = visitor("client-owner", at=centre)
        assert anna.get(ANSWER).status_code == 405
        assert anna.get(f"{MEASURE}/dispute").status_code == 405


class TestActs:
    def test_open_by_a_formula_ask_for_what_it_gives(
        self, visitor: MakeVisitor, new_centre: Desk
    ) -> None:
        anna = visitor("client-owner", at=new_centre)
        asked = {"formula": "a", "reason": "Nobody answered them."}
        answer = anna.post(f"{MEASURE}/dispute", asked)
        assert (answer.status_code, answer["Location"]) == (
            302, PAGE.replace("HANDLE", anna.handle),
        )  # fmt: skip
        found = the_dispute(new_centre)
        assert (found.wanted.amount, found.formula_of("client")) == ("-159.60", BY["a"])
        assert anna.post(f"{MEASURE}/dispute", asked).status_code == 422

    def test_without_a_reason_are_refused(self, visitor: MakeVisitor, new_centre: Desk) -> None:
        anna = visitor("client-owner", at=new_centre)
        assert anna.post(f"{MEASURE}/dispute", {"formula": "a"}).status_code == 422
        assert anna.post(f"{MEASURE}/dispute", {"reason": "x"}).status_code == 422

    def test_lead_to_a_settlement(self, visitor: MakeVisitor, new_centre: Desk) -> None:
        disputed(new_centre)
        paul = visitor("provider-contract", at=new_centre)
        anna = visitor("client-owner", at=new_centre)
        said = text_of(paul.get(PAGE))
        assert "Settled at 159.60 EUR: the next invoice changes by −79.80 EUR." in said
        offer = {"did": "offered", "amount": "100.00", "formula": "answered-in-time=d"}
        assert paul.post(ANSWER, offer).status_code == 302
        found = the_dispute(new_centre)
        assert (found.offer.amount, found.formula_of("provider")) == ("-100.00", BY["d"])
        assert "Accept 100.00 EUR" in text_of(anna.get(PAGE))
        assert anna.post(ANSWER, {"did": "accepted"}).status_code == 302
        found = the_dispute(new_centre)
        assert (found.state, found.settled.amount) == (DisputeState.SETTLED, "-100.00")
        said = text_of(anna.get(PAGE))
        assert "Settled at 100.00 EUR" in said
        assert "What each side can do next" not in said
        assert anna.post(ANSWER, {"did": "withdrawn"}).status_code == 422

    def test_withdraw(self, visitor: MakeVisitor, new_centre: Desk) -> None:
        disputed(new_centre)
        anna = visitor("client-owner", at=new_centre)
        assert anna.post(ANSWER, {"did": "withdrawn"}).status_code == 302
        assert the_dispute(new_centre).state is DisputeState.WITHDRAWN

    def test_that_say_nothing_are_refused(self, visitor: MakeVisitor, new_centre: Desk) -> None:
        disputed(new_centre)
        paul = visitor("provider-contract", at=new_centre)
        for asked in (
            {}, {"did": "opened"}, {"did": "refused"}, {"did": "offered", "amount": "much"},
            {"did": "refused", "reason": "x", "formula": "speed=a"},
        ):  # fmt: skip
            assert paul.post(ANSWER, asked).status_code == 422, asked
        assert len(the_dispute(new_centre).acts) == 1

    def test_do_not_change_the_statement(self, visitor: MakeVisitor, new_centre: Desk) -> None:
        def told() -> Any:
            with new_centre.reading() as record:
                return statement_of(record.tx, new_centre.engagement_id, "2025-09").told

        before = told()
        disputed(new_centre)
        visitor("provider-contract", at=new_centre).post(ANSWER, {"did": "accepted"})
        assert told() == before


class TestBetween:
    def test_leads_over_the_agreement_to_the_other_side(self, new_centre: Desk) -> None:
        from openbpo.surfaces.web.pages.disputes.readings import between, measure_of

        disputed(new_centre)
        found = refused(new_centre)
        with new_centre.reading() as record:
            month = statement_of(record.tx, new_centre.engagement_id, "2025-09").told
        measure = measure_of(found, month)
        assert measure is not None
        apart = between(found, month, measure, ())
        at, credit = apart.disputer.counted, apart.disputer.credit
        for step in apart.steps:
            assert step.cause.was == at
            assert step.credit - step.moved == credit
            at, credit = step.cause.then, step.credit
        assert at == apart.answerer.counted
        assert credit == apart.answerer.credit
        by_formula = {one["id"]: one["credits"] for one in measure["formulas"]}
        assert apart.disputer.credit.amount == by_formula["a"]
        assert apart.judged.credit.amount == by_formula["c"]
        assert apart.answerer.credit.amount == by_formula["d"]


class TestWhatWaits:
    def test_is_the_first_page_of_whoever_may_see_it(
        self, visitor: MakeVisitor, new_centre: Desk
    ) -> None:
        disputed(new_centre)
        address = f"/e/{new_centre.handle}/disputes/1"
        assert visitor("client-owner", at=new_centre).get("/")["Location"] == address
        assert visitor("provider-billing", at=new_centre).get("/")["Location"] == address
        assert visitor("client-user", at=new_centre).get("/")["Location"] != address

    def test_stands_on_the_programmes_of_the_side_whose_turn_it_is(
        self, visitor: MakeVisitor, new_centre: Desk
    ) -> None:
        disputed(new_centre)
        waits = "The dispute of September 2025 waits for your answer"
        assert waits in text_of(visitor("provider-contract", at=new_centre).get("/programmes"))
        assert waits not in text_of(visitor("client-owner", at=new_centre).get("/programmes"))
