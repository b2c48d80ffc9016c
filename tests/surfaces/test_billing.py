"""Billing's pages: who sees what, what each act does, and that it does it once."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from openbpo.billing.closing.figures import count_cases
from openbpo.billing.closing.model import State
from openbpo.billing.disputes.model import DisputeState
from openbpo.billing.drafting.queries import month_of_money
from openbpo.billing.issuing.model import Status
from openbpo.billing.standing.model import Step
from openbpo.billing.standing.queries import board, months_on_board
from openbpo.record.readings import readings
from openbpo.storage.database import Database
from openbpo.values.refusals import Mistake
from tests.support import ticket
from tests.surfaces.conftest import MakeVisitor, Visitor
from tests.surfaces.months import BY_KEY, MAY, NONE, TITLED, Edits, Months

pytestmark = pytest.mark.xdist_group("closing")

Make = Callable[..., Months]
CLERK, OWNER, AUDITOR = "provider-billing", "client-owner", "client-auditor"
WITHOUT = ("client-user", "provider-lead", "provider-administrator")


@pytest.fixture
def make(databases: tuple[Database, Database], tmp_path: Path) -> Make:
    """Make months."""

    def made(edits: Edits = NONE) -> Months:
        return Months.of(databases, tmp_path, edits)

    return made


@pytest.fixture
def months(make: Make) -> Months:
    """May and June 2012."""
    return make()


def said(answer: Any) -> str:
    """Return what a page says, in one line of text."""
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(html.unescape(text).replace("\u00a0", " ").split())


def month(visitor: Visitor, period: str = "2012-05") -> str:
    answer = visitor.get(f"/e/HANDLE/billing/{period}")
    assert answer.status_code == 200
    return said(answer)


class TestTheBoard:
    def test_tells_the_finding_and_each_amount(self, months: Months, visitor: MakeVisitor) -> None:
        months.issues("2012-05")
        clerk = visitor(CLERK, at=months.desk)
        text = said(clerk.get("/billing?period=2012-05"))
        assert "May 2012: 1 invoice, nothing blocks" in text
        [account] = months.accounts()
        amount = f"{Decimal(account.issued.total.amount):,}"
        assert text.count(f"{amount} EUR") >= 3
        assert "June 2012" in text

    def test_of_one_engagement_walks_through_its_steps(
        self, months: Months, visitor: MakeVisitor
    ) -> None:
        issued = months.issues("2012-05")
        months.closes("2012-06", State.REPORTED)
        months.disputes("2012-06", "tickets-closed/1", "1800.00")
        text = said(visitor(OWNER, at=months.desk).get("/e/HANDLE/billing"))
        assert "2 invoices, 1 disputed line" in text
        assert issued.number in text
        assert "100.00" in text

    def test_is_empty_for_who_sees_no_billing(self, months: Months, visitor: MakeVisitor) -> None:
        text = said(visitor("client-user", at=months.desk).get("/billing"))
        assert "No engagement opens its billing to you" in text
        assert "2012" not in text

    def test_says_how_to_begin(self, visitor: MakeVisitor) -> None:
        assert "The record holds no events" in said(visitor(CLERK).get("/e/HANDLE/billing"))

    def test_of_others_shows_nothing_of_mine(self, months: Months, visitor: MakeVisitor) -> None:
        text = said(visitor(CLERK).get("/billing"))
        assert "2012" not in text

    def test_reads_of_statements_what_was_computed(self, make: Make) -> None:
        months = make(BY_KEY)
        months.takes_in({"Empty": ticket("standard", *MAY)}, seriousness="")
        with months.desk.reading() as record:
            names = ["2012-05", "2012-06"]
            found = board(record.tx, months.desk.engagement_id, names)
            for one in found:
                period = one.period
                events = record.events()
                counted = count_cases(events, record.terms(), period)
                blocked = sum(b.count for b in one.blocks if b.block.name == "OPEN_QUESTIONS")
                assert blocked == len(counted.questions), period
            assert ["OPEN_QUESTIONS" in {b.block.name for b in one.blocks} for one in found] == [
                True, False,
            ]  # fmt: skip
            _, amounts = months_on_board(record.tx, months.desk.engagement_id, lambda _: names)
            assert [one.standing.period for one in amounts] == names
            for on_board in amounts:
                invoice = record.invoice(on_board.standing.period)
                assert on_board.amount == invoice.total


class TestAMonth:
    def test_is_as_it_will_print(self, months: Months, visitor: MakeVisitor) -> None:
        clerk = visitor(CLERK, at=months.desk)
        before = month(clerk)
        assert "Invoice, as it would be issued now" in before
        issued = months.issues("2012-05")
        after = month(clerk)
        for line in issued.document["lines"]:
            assert f"{Decimal(line['amount']):,}".replace("-", "−") in after
        total = f"{Decimal(issued.document['total']):,}"
        assert "Total due, EUR where it comes from" in after
        assert total in before
        assert total in after

    def test_draft_is_what_is_issued(self, months: Months) -> None:
        with months.desk.reading() as record:
            draft = month_of_money(record.tx, months.desk.engagement_id, "2012-05").invoice
        issued = months.issues("2012-05").document
        for name in ("lines", "taxes", "net", "tax", "total", "service", "order", "provider"):
            assert draft[name] == issued[name], name

    def test_calls_a_charge_by_its_title(self, make: Make, visitor: MakeVisitor) -> None:
        months = make(TITLED)
        text = month(visitor(CLERK, at=months.desk))
        assert "Closed tickets, units 1 to 50 tickets-closed/1" in text

    def test_without_a_title_says_the_id_in_words(
        self, months: Months, visitor: MakeVisitor
    ) -> None:
        assert "Tickets closed, units 1 to 50" in month(visitor(CLERK, at=months.desk))

    def test_tells_what_came_late_for_an_earlier_month_with_its_cases(
        self, months: Months, visitor: MakeVisitor
    ) -> None:
        months.closes("2012-05", State.REPORTED)
        months.takes_in({"Late": ticket("standard", *MAY)})
        auditor = visitor(AUDITOR, at=months.desk)
        text = month(auditor, "2012-06")
        assert "Adjustment of 2012-05: Tickets closed" in text
        assert "1 case recorded later" in text
        page = auditor.get("/e/HANDLE/billing/2012-06").content.decode()
        address = re.search(r'href="([^"]+adjustment[^"]+)"', page)
        assert address is not None
        listed = said(auditor.get(html.unescape(address[1])))
        assert "1 case changed May 2012 after it was closed" in listed
        assert "Late recorded later" in listed
        document = months.issues("2012-06").document
        assert f"{Decimal(document['total']):,}" in text

    @pytest.mark.parametrize("role", WITHOUT)
    @pytest.mark.parametrize(
        "path",
        ["billing", "billing/2012-05", "billing/2012-05/volumes.csv", "invoices", "invoices/X",
         "billing/2012-05/disputes/1", "invoice-files/pdf/X"],
    )  # fmt: skip
    def test_is_not_open_to_who_sees_no_billing(
        self, visitor: MakeVisitor, role: str, path: str
    ) -> None:
        assert visitor(role).get(f"/e/HANDLE/{path}").status_code == 403

    @pytest.mark.parametrize("period", ["2012", "x", "2012-13", "2012-5"])
    def test_that_is_none_is_not_found_or_refused(
        self, months: Months, visitor: MakeVisitor, period: str
    ) -> None:
        answer = visitor(CLERK, at=months.desk).get(f"/e/HANDLE/billing/{period}")
        assert answer.status_code in (404, 422)

    def test_tells_its_blocker_and_its_remedy(self, make: Make, visitor: MakeVisitor) -> None:
        months = make(BY_KEY)
        months.takes_in({"Empty": ticket("standard", *MAY)}, seriousness="")
        clerk = visitor(CLERK, at=months.desk)
        text = month(clerk)
        assert "an empty value leaves 1 case undecided" in text
        assert "Not yet: an empty value leaves 1 case undecided" in text
        answer = clerk.post("/e/HANDLE/billing/2012-05/report", {"state": "reported"})
        assert answer.status_code == 422
        assert "Correct the case and import it again" in said(answer)
        assert months.states("2012-05") == []


ACTS = [
    ("billing/2012-05/report", {"state": "reported"}, (CLERK, "provider-contract", "operator")),
    ("billing/2012-05/agree", {"state": "agreed"}, (OWNER, "operator")),
    ("billing/2012-05/issue", {}, (CLERK, "provider-contract", "operator")),
    ("invoices/pay", {"number": "X"}, (CLERK, "provider-contract", "operator")),
    ("invoices/cancel", {"number": "X"}, (CLERK, "provider-contract", "operator")),
    ("billing/2012-05/dispute?line=credit", {}, (OWNER, "operator")),
    ("billing/2012-05/disputes/1/answer", {"did": "accepted"},
     (CLERK, "provider-contract", "operator")),
    ("billing/2012-05/disputes/1/reply", {"did": "accepted"}, (OWNER, "operator")),
]  # fmt: skip


class TestActs:
    @pytest.mark.parametrize(("path", "given", "roles"), ACTS)
    def test_are_by_right_and_side(
        self, visitor: MakeVisitor, path: str, given: dict[str, str], roles: tuple[str, ...]
    ) -> None:
        from openbpo.trust.roles.model import Role

        for role in Role:
            status = visitor(role.value).post(f"/e/HANDLE/{path}", given).status_code
            assert (status == 403) == (role.value not in roles), (role, status)

    @pytest.mark.parametrize(("path", "given", "roles"), ACTS)
    def test_need_their_form_and_a_post(
        self, visitor: MakeVisitor, path: str, given: dict[str, str], roles: tuple[str, ...]
    ) -> None:
        from tests.surfaces.conftest import web_client

        who = visitor(roles[0])
        strict = web_client(enforce_csrf_checks=True)
        strict.force_login(who.person.user)
        assert strict.post(f"/e/{who.handle}/{path}", given).status_code == 403
        if "dispute?" not in path:
            assert who.get(f"/e/HANDLE/{path}").status_code in (404, 405)

    def test_bring_a_month_from_report_to_paid_once_each(
        self, months: Months, visitor: MakeVisitor
    ) -> None:
        clerk, owner = visitor(CLERK, at=months.desk), visitor(OWNER, at=months.desk)
        at = "/e/HANDLE/billing/2012-05"

        def twice(who: Visitor, path: str, given: dict[str, str]) -> None:
            for _ in range(2):
                answer = who.post(path, given)
                assert (answer.status_code, answer["Location"]) == (
                    302, f"/e/{who.handle}/billing/2012-05",
                )  # fmt: skip

        assert "Report the month" in month(clerk)
        assert "Report the month" not in month(owner)
        assert "The provider reports the month next." in month(owner)
        twice(clerk, f"{at}/report", {"state": "reported"})
        assert "Agree to the month" in month(owner)
        assert "The client agrees to it next, or disputes it." in month(clerk)
        twice(owner, f"{at}/agree", {"state": "agreed"})
        assert "Issue the invoice" in month(clerk)
        twice(clerk, f"{at}/issue", {"order": "PO-77"})
        [account] = months.accounts()
        assert account.issued.document["order"] == "PO-77"
        pay = {"number": account.issued.number, "period": "2012-05",
               "amount": account.outstanding.amount, "reference": "B-77",
               "day": str(account.issued.issue_date)}  # fmt: skip
        twice(clerk, "/e/HANDLE/invoices/pay", pay)
        [account] = months.accounts()
        assert account.status is Status.PAID
        assert len(account.payments) == 1
        assert months.states("2012-05") == [State.REPORTED, State.AGREED]
        twice(clerk, f"{at}/report", {"state": "final"})
        assert months.states("2012-05")[-1] is State.FINAL
        assert "It is paid" in month(owner)

    def test_cancel_by_a_credit_note_and_issue_again(
        self, months: Months, visitor: MakeVisitor
    ) -> None:
        issued = months.issues("2012-05")
        clerk = visitor(CLERK, at=months.desk)
        given = {"number": issued.number, "period": "2012-05", "reason": "Wrong order"}
        for _ in range(2):
            assert clerk.post("/e/HANDLE/invoices/cancel", given).status_code == 302
        first, note = months.accounts()
        assert (first.status, note.issued.cancels) == (Status.CANCELLED, issued.number)
        assert clerk.post("/e/HANDLE/billing/2012-05/issue", {"order": "PO-2"}).status_code == 302
        assert len(months.accounts()) == 3
        assert "Wrong order" in said(clerk.get(f"/e/HANDLE/invoices/{note.issued.number}"))

    def test_that_are_refused_say_what_to_do_on_the_page(
        self, months: Months, visitor: MakeVisitor
    ) -> None:
        clerk = visitor(CLERK, at=months.desk)
        answer = clerk.post("/e/HANDLE/billing/2012-05/issue", {})
        assert answer.status_code == 422
        text = said(answer)
        assert "It was not done" in text
        assert "Report it first." in text
        assert "openbpo" not in text.replace("· OpenBPO", "")
        issued = months.issues("2012-05")
        given = {"number": issued.number, "period": "2012-05", "amount": "9999999.00",
                 "reference": "B", "day": str(issued.issue_date)}  # fmt: skip
        text = said(clerk.post("/e/HANDLE/invoices/pay", given))
        assert "would overpay it" in text
        text = said(clerk.post("/e/HANDLE/invoices/pay", {**given, "day": "yesterday"}))
        assert "Name the day on which it was paid." in text

    def test_can_be_taken_early_where_that_is_said(
        self, months: Months, visitor: MakeVisitor
    ) -> None:
        months.closes("2012-05", State.REPORTED)
        clerk = visitor(CLERK, at=months.desk)
        assert "The client has not agreed yet." in month(clerk)
        assert clerk.post("/e/HANDLE/billing/2012-05/issue", {}).status_code == 422
        assert clerk.post("/e/HANDLE/billing/2012-05/issue", {"early": "yes"}).status_code == 302


class TestADispute:
    CLAIM: ClassVar[dict[str, str]] = {
        "reason": "Ten were our own",
        "amount": "1800.00",
        "quantity": "",
        "cases": "May 1",
    }
    AT = "/e/HANDLE/billing/2012-05/dispute?line=tickets-closed/1"

    def test_tells_what_would_move_before_it_is_opened(
        self, months: Months, visitor: MakeVisitor
    ) -> None:
        months.closes("2012-05", State.REPORTED)
        owner = visitor(OWNER, at=months.desk)
        text = said(owner.post(self.AT, {**self.CLAIM, "do": "look"}))
        assert "100.00 EUR are in dispute until" in text
        assert "the next invoice carries −100.00 EUR, and −22.00 EUR of tax" in text
        assert months.all_disputes() == ()

    def test_is_opened_once(self, months: Months, visitor: MakeVisitor) -> None:
        months.closes("2012-05", State.REPORTED)
        owner = visitor(OWNER, at=months.desk)
        for _ in range(2):
            answer = owner.post(self.AT, {**self.CLAIM, "do": "dispute"})
            assert answer["Location"].endswith("/billing/2012-05/disputes/1")
        [found] = months.all_disputes()
        assert (found.wanted.amount, found.cases) == ("1800.00", ("May 1",))
        other = owner.post(self.AT, {**self.CLAIM, "amount": "1.00", "do": "dispute"})
        assert other.status_code == 422
        assert "It is disputed already" in said(other)

    @pytest.mark.parametrize(
        ("given", "text"),
        [
            ({"reason": ""}, "Say why"),
            ({"amount": "", "quantity": ""}, "Give either the amount or the quantity."),
            ({"quantity": "3"}, "Give either the amount or the quantity."),
            ({"amount": "much"}, "is no amount of EUR"),
            ({"amount": "1900.00"}, "It stands at 1900.00 EUR already."),
        ],
    )
    def test_that_cannot_be_says_why_at_its_field(
        self, months: Months, visitor: MakeVisitor, given: dict[str, str], text: str
    ) -> None:
        months.closes("2012-05", State.REPORTED)
        owner = visitor(OWNER, at=months.desk)
        answer = owner.post(self.AT, {**self.CLAIM, **given, "do": "dispute"})
        assert answer.status_code == 422
        assert text in said(answer).replace("1,900", "1900")
        assert months.all_disputes() == ()

    def test_of_no_line_is_not_found(self, months: Months, visitor: MakeVisitor) -> None:
        months.closes("2012-05", State.REPORTED)
        owner = visitor(OWNER, at=months.desk)
        assert owner.get("/e/HANDLE/billing/2012-05/dispute?line=none").status_code == 404

    def test_is_offered_and_settled_and_stands_on_the_next_invoice(
        self, months: Months, visitor: MakeVisitor
    ) -> None:
        months.issues("2012-05")
        months.disputes("2012-05", "tickets-closed/1", "1800.00")
        clerk, owner = visitor(CLERK, at=months.desk), visitor(OWNER, at=months.desk)
        page = "/e/HANDLE/billing/2012-05/disputes/1"
        assert "Accept 1,800.00 EUR" in said(clerk.get(page))
        looked = said(clerk.get(f"{page}?offer=1850.00"))
        assert "Offer 1,850.00 EUR" in looked
        assert "−50.00 EUR, and −11.00 EUR of tax" in looked
        offer = {"did": "offered", "amount": "1850.00", "seen": "1"}
        for _ in range(2):
            assert clerk.post(f"{page}/answer", offer).status_code == 302
        assert "Accept 1,850.00 EUR" in said(owner.get(page))
        for _ in range(2):
            accept = owner.post(f"{page}/reply", {"did": "accepted", "seen": "2"})
            assert accept.status_code == 302
        [found] = months.all_disputes()
        assert (found.state, len(found.acts)) == (DisputeState.SETTLED, 3)
        june = month(clerk, "2012-06")
        assert "Settlement of 2012-05" in june
        assert "Dispute 1" in june
        issued = months.issues("2012-06")
        assert issued.settles == (1,)
        assert "−50.00" in month(owner, "2012-06")

    def test_is_answered_by_who_may_and_in_turn(self, months: Months, visitor: MakeVisitor) -> None:
        months.closes("2012-05", State.REPORTED)
        months.disputes("2012-05", "tickets-closed/1", "1800.00")
        owner = visitor(OWNER, at=months.desk)
        page = "/e/HANDLE/billing/2012-05/disputes/1"
        answer = owner.post(f"{page}/reply", {"did": "accepted", "seen": "1"})
        assert answer.status_code == 422
        assert "You cannot accept what you asked for" in said(answer)
        assert "Accept" not in said(visitor(AUDITOR, at=months.desk).get(page))
        assert owner.post(f"{page}/reply", {"did": "withdrawn", "seen": "1"}).status_code == 302
        assert months.all_disputes()[0].state is DisputeState.WITHDRAWN


class TestTheWayDown:
    def test_leads_from_a_line_to_its_units_to_events(
        self, months: Months, visitor: MakeVisitor
    ) -> None:
        auditor = visitor(AUDITOR, at=months.desk)
        page = auditor.get("/e/HANDLE/billing/2012-05").content.decode()
        address = re.search(r'href="([^"]+units=1-50)"', page)
        assert address is not None
        listed = auditor.get(html.unescape(address[1]))
        assert "50 cases billed as units 1 – 50" in said(listed)
        case = re.search(r'href="([^"]+/cases/May[^"]*)"', listed.content.decode())
        assert case is not None
        text = said(auditor.get(html.unescape(case[1])))
        assert "May" in text
        assert "Take in charge ticket" in text

    def test_pages_its_cases_by_fifty(self, months: Months, visitor: MakeVisitor) -> None:
        auditor = visitor(AUDITOR, at=months.desk)
        address = "/e/HANDLE/billing/2012-05/cases?figure=charge:tickets-closed&outcome=billed"
        first, second = auditor.get(address), auditor.get(f"{address}&page=2")
        rows = [one.content.count(b"/cases/") for one in (first, second)]
        assert rows == [50, 10]

    @pytest.mark.parametrize(
        "asked",
        ["", "figure=charge:none", "figure=measure:resolve-basic&outcome=x",
         "figure=charge:tickets-closed&page=99999999999"],
    )  # fmt: skip
    def test_of_what_is_not_there_says_so(
        self, months: Months, visitor: MakeVisitor, asked: str
    ) -> None:
        auditor = visitor(AUDITOR, at=months.desk)
        answer = auditor.get(f"/e/HANDLE/billing/2012-05/cases?{asked}")
        assert answer.status_code in (200, 404, 422)

    def test_shows_cases_through_the_one_serialiser(
        self, months: Months, visitor: MakeVisitor
    ) -> None:
        lead = visitor("provider-administrator", at=months.desk)
        assert lead.get("/e/HANDLE/billing/2012-05/cases?case=May%201").status_code == 403


class TestFiles:
    def test_are_streamed_and_noted(self, months: Months, visitor: MakeVisitor) -> None:
        issued = months.issues("2012-05")
        auditor = visitor(AUDITOR, at=months.desk)
        begins = {"pdf": b"%PDF-", "xlsx": b"PK", "xml": b"<?xml", "json": b"{"}
        for form, begin in begins.items():
            answer = auditor.get(f"/e/HANDLE/invoice-files/{form}/{issued.number}")
            assert answer.streaming
            assert b"".join(answer.streaming_content).startswith(begin)
            assert f"{issued.number}.{form}" in answer["Content-Disposition"]
        with months.desk.reading() as record:
            noted = "".join(one.told for one in readings(record.tx, months.desk.engagement_id))
        assert f"invoice {issued.number} as pdf" in noted
        assert auditor.get(f"/e/HANDLE/invoice-files/exe/{issued.number}").status_code == 404
        assert auditor.get("/e/HANDLE/invoice-files/pdf/NONE").status_code == 404

    def test_of_volumes_add_up(self, months: Months, visitor: MakeVisitor) -> None:
        answer = visitor(CLERK, at=months.desk).get("/e/HANDLE/billing/2012-05/volumes.csv")
        text = b"".join(answer.streaming_content).decode()
        rows = list(csv.DictReader(io.StringIO(text)))
        lines = [int(row["cases"]) for row in rows if row["row"] == "line"]
        [billed] = [int(row["cases"]) for row in rows if row["row"] == "billed"]
        assert sum(lines) == billed == 60

    @pytest.mark.parametrize(
        ("cell", "written"),
        [("=1+1", "'=1+1"), ("+49", "'+49"), ("-5", "-5"), ("-x", "'-x"), ("@a", "'@a"),
         ("\ta", "'\ta"), (-3, -3), ("1.50", "1.50"), ("plain", "plain")],
    )  # fmt: skip
    def test_hold_no_formula(self, django: None, cell: object, written: object) -> None:
        from openbpo.surfaces.web.pages.billing.downloads import harmless

        assert harmless(cell) == written

    def test_list_shows_each_document(self, months: Months, visitor: MakeVisitor) -> None:
        issued = months.issues("2012-05")
        months.pays(issued.number, "100.00")
        owner = visitor(OWNER, at=months.desk)
        assert issued.number in said(owner.get("/e/HANDLE/invoices"))
        text = said(owner.get(f"/e/HANDLE/invoices/{issued.number}"))
        assert "Part paid" in text
        assert "B-1" in text


class TestWords:
    @pytest.mark.parametrize(
        ("remedy", "told"),
        [
            ("Report it first: openbpo close ENGAGEMENT --period 2012-05.", "Report it first."),
            ("Answer that one: openbpo answer ENGAGEMENT 3.", "Answer that one."),
            (("Settle that first (openbpo disputes ENGAGEMENT), or issue --before-agreed: what is "
             "settled later stands on the next invoice."),
             ("Settle that first, or issue it before that on the month's page: what is settled "
             "later stands on the next invoice.")),
            ("Write it with its minus: --amount=-5.00.", "Write -5.00."),
            ("Name an amount.", "Name an amount."),
        ],
    )  # fmt: skip
    def test_of_a_remedy_are_for_pages(self, django: None, remedy: str, told: str) -> None:
        from openbpo.surfaces.web.pages.billing.words import for_pages

        assert for_pages(Mistake("here", "Wrong.", remedy)).remedy == told

    def test_of_a_line_hold_its_title(self, django: None) -> None:
        from openbpo.surfaces.web.pages.billing.words import titled

        called = {"calls": "Calls", "calls-late": "Late calls"}
        assert titled("calls-late, units 1 to 5", called) == "Late calls, units 1 to 5"
        assert titled("Adjustment of 2012-05: calls, each", called).endswith("Calls, each")

    def test_say_of_an_end_at_midnight_the_day_before(self, django: None) -> None:
        from datetime import UTC, datetime

        from babel import Locale

        from openbpo.surfaces.web.pages.billing.words import until_text

        at = datetime(2012, 6, 14, 22, 0, tzinfo=UTC)
        assert until_text(at, Locale.parse("en"), "Europe/Rome") == "14 Jun 2012"
        assert until_text(at, Locale.parse("en"), "UTC").endswith("22:00")


def test_steps_have_all_a_word(django: None) -> None:
    from openbpo.surfaces.web.pages.billing.words import STEPS

    assert set(STEPS) == set(Step)
