"""Issuing, cancelling, paying: what is charged is what was closed, to the cent, once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from tests.desk import Desk
from tests.issued import broken_rules
from tests.support import EXAMPLE, Ticket, agreement_at, ticket, write_cases

from openbpo.billing.closing.model import State
from openbpo.billing.disputes.actions import open_dispute, reply_to, settle
from openbpo.billing.disputes.model import Claim, Deed, Dispute, DisputeState, Reply
from openbpo.billing.disputes.queries import disputable_until, disputes_of
from openbpo.billing.documents.writing import as_xml
from openbpo.billing.issuing import store
from openbpo.billing.issuing.actions import cancel, issue, pay
from openbpo.billing.issuing.model import Account, Issued, Paid, Status
from openbpo.billing.issuing.queries import invoices_of
from openbpo.storage.database import Context, Database
from openbpo.storage.installation import open_database
from openbpo.values.refusals import Refusal

pytestmark = pytest.mark.xdist_group("closing")

MAY = ("2012-05-07T08:30:00", "2012-05-07T12:00:00", "2012-05-31T18:00:00")
SLOW_MAY = ("2012-05-07T08:30:00", "2012-05-31T18:00:00", "2012-05-31T18:00:00")
JUNE = ("2012-06-07T08:30:00", "2012-06-07T12:00:00", "2012-06-29T18:00:00")
JULY = ("2012-07-09T08:30:00", "2012-07-09T12:00:00", "2012-07-30T18:00:00")

Edits = Mapping[str, Sequence[tuple[str, str]]]


class Office:
    """A desk with whose money something is done."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._of = (desk.database, desk.context, desk.engagement_id)

    def agrees(self, period: str) -> Mapping[str, Any]:
        self.desk.closes(period)
        return self.desk.closes(period, State.AGREED)

    def issues(self, period: str, **how: Any) -> Issued:
        return issue(*self._of, period, **how).issued

    def cancels(self, number: str, reason: str = "Wrong order") -> Issued:
        return cancel(*self._of, number, reason=reason).issued

    def pays(self, number: str, amount: str, reference: str, day: date | None = None) -> Paid:
        return pay(*self._of, number, amount=amount, day=day or self.today(), reference=reference)

    def disputes(self, side: Any, period: str, line: str, **what: Any) -> Dispute:
        claim = Claim(period=period, line=line, reason="Not ours", **what)
        return open_dispute(*self._of, claim, side)

    def replies(self, dispute: int, side: Any, did: Deed, **what: Any) -> Dispute:
        return reply_to(*self._of, dispute, Reply(did=did, **what), side)

    def settles(self, dispute: int, side: Any, amount: str) -> Dispute:
        return settle(*self._of, dispute, amount, side)

    def accounts(self, as_of: date | None = None) -> tuple[Account, ...]:
        with self.desk.reading() as record:
            return invoices_of(record.tx, self.desk.engagement_id, as_of=as_of)

    def all_disputes(self) -> tuple[Dispute, ...]:
        with self.desk.reading() as record:
            return disputes_of(record.tx, self.desk.engagement_id)

    def today(self) -> date:
        with self.desk.reading() as record:
            terms = record.terms()[-1]
            return terms.resolved.zones["Europe/Rome"].to_local(record.tx.at).date()

    def differences(self) -> tuple[Any, ...]:
        sealed = self.desk.seals()
        with self.desk.reading() as record:
            return record.replayed(sealed).differences


Open = Callable[..., Office]


def some(name: str, number: int, told: Ticket) -> dict[str, Ticket]:
    return {f"{name} {nth}": told for nth in range(1, number + 1)}


@pytest.fixture
def opened(databases: tuple[Database, Database], tmp_path: Path) -> Open:
    """Opens an office with three months of tickets; a month is 60 tickets, 2,215.00 EUR."""

    def make(edits: Edits | None = None, handle: str | None = None) -> Office:
        handle = handle or f"office-{uuid4().hex[:12]}"
        folder = agreement_at(tmp_path / handle, edits) if edits else EXAMPLE
        context = Context(principal="billing", purpose="test")
        desk = Desk.opened(databases, context, handle, folder)
        log = write_cases(
            tmp_path / f"{uuid4().hex}.csv",
            some("May", 40, ticket("standard", *MAY))
            | some("Slow", 20, ticket("premium", *SLOW_MAY))
            | some("June", 60, ticket("standard", *JUNE))
            | some("July", 60, ticket("standard", *JULY)),
        )
        desk.imports(log)
        return Office(desk)

    return make


def sums(document: Mapping[str, Any]) -> tuple[Decimal, Decimal, Decimal]:
    net = sum(Decimal(line["amount"]) for line in document["lines"])
    tax = sum(Decimal(one["amount"]) for one in document["taxes"])
    return Decimal(net), Decimal(tax), Decimal(net + tax)


class TestAnInvoice:
    def test_is_what_was_closed_to_the_cent(self, opened: Open) -> None:
        office = opened()
        closed = office.agrees("2012-05")
        issued = office.issues("2012-05")
        document = issued.document
        own = closed["figures"]
        charged = [line for line in document["lines"] if line["kind"] == "charge"]
        assert [(line["key"], line["quantity"], line["amount"]) for line in charged] == [
            (line["key"], line["quantity"], line["amount"]) for line in own["lines"]
        ]
        [credit] = [line for line in document["lines"] if line["kind"] == "credit"]
        assert credit["amount"] == f"-{own['credit']['amount']}"
        assert (document["net"], document["tax"], document["total"]) == tuple(
            closed["due"][name] for name in ("net", "tax", "total")
        )
        assert sums(document) == tuple(Decimal(document[name]) for name in ("net", "tax", "total"))
        assert document["service"] == ["2012-05-01", "2012-05-31"]
        day = office.today()
        assert issued.number == f"BS-{day.year}-{issued.ordinal:04}"
        assert document["issue_date"] == str(day)
        assert document["due_date"] == str(day + timedelta(days=30))
        assert document["order"] == "OS-2009-1201"
        assert document["provider"]["tax"]["number"] == "IT10987654321"
        assert document["client"]["registration"]["number"] == "FI-0481516"
        assert office.differences() == ()

    def test_carries_adjustments_line_by_line(self, opened: Open, tmp_path: Path) -> None:
        office = opened()
        office.agrees("2012-05")
        office.desk.imports(
            write_cases(tmp_path / "late.csv", some("Late", 5, ticket("basic", *MAY)))
        )
        closed = office.agrees("2012-06")
        [adjusted] = closed["adjustments"]
        document = office.issues("2012-06").document
        lines = [line for line in document["lines"] if line["kind"] == "adjustment"]
        assert sum(Decimal(line["amount"]) for line in lines) == Decimal(
            adjusted["difference"]["net"]
        )
        assert {line["period"] for line in lines} == {"2012-05"}
        assert lines[0]["reason"] == "5 cases recorded later"
        assert lines[0]["service"] == ["2012-05-01", "2012-05-31"]
        assert (document["net"], document["tax"], document["total"]) == tuple(
            closed["due"][name] for name in ("net", "tax", "total")
        )
        assert office.differences() == ()

    def test_waits_until_the_client_agrees_unless_asked_not_to(self, opened: Open) -> None:
        office = opened()
        with pytest.raises(Refusal, match="do not stand yet"):
            office.issues("2012-05", before_agreed=True)
        office.desk.closes("2012-05")
        with pytest.raises(Refusal, match="is reported; the client has not agreed"):
            office.issues("2012-05")
        assert office.issues("2012-05", before_agreed=True).document["closed"]["state"] == (
            "reported"
        )

    def test_stands_once_and_answers_the_second_time(self, opened: Open) -> None:
        office = opened()
        office.agrees("2012-05")
        first = office.issues("2012-05", order="PO-7")
        assert office.issues("2012-05") == first
        assert office.issues("2012-05", order="PO-7") == first
        with pytest.raises(Refusal, match=r"It is invoiced already.*order PO-7"):
            office.issues("2012-05", order="PO-8")
        assert len(office.accounts()) == 1

    def test_never_changes(self, opened: Open, admin: psycopg.Connection[Any]) -> None:
        office = opened()
        office.agrees("2012-05")
        office.issues("2012-05")
        for change in (
            "UPDATE billing.issued SET period = 'X'",
            "DELETE FROM billing.issued",
            "UPDATE billing.payment SET day = now()",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="never changed"):
                admin.execute(change)

    def test_says_the_usual_where_the_agreement_says_nothing(self, opened: Open) -> None:
        text = (EXAMPLE / "charges.yaml").read_text(encoding="utf-8")
        office = opened({"charges.yaml": [(text[text.index("invoices:") :], "")]})
        office.agrees("2012-05")
        document = office.issues("2012-05").document
        day = date.fromisoformat(document["issue_date"])
        assert document["number"] == f"{day.year}-{document['ordinal']:04}"
        assert date.fromisoformat(document["due_date"]) == day + timedelta(days=30)
        assert document["order"] is None
        assert office.differences() == ()

    @pytest.mark.parametrize(
        ("category", "reason"),
        [("reverse_charge", None), ("exempt", "Exempt by article 135"), ("zero", None)],
    )
    def test_says_how_it_is_taxed(self, opened: Open, category: str, reason: str | None) -> None:
        why = f", reason: {reason}" if reason else ""
        office = opened({"charges.yaml": [("rate: 22 %", f"rate: 0 %, category: {category}{why}")]})
        office.agrees("2012-05")
        [tax] = office.issues("2012-05").document["taxes"]
        expected = reason or ("Reverse charge" if category == "reverse_charge" else None)
        assert (tax["category"], tax["amount"], tax["reason"]) == (category, "0.00", expected)

    def test_of_what_is_not_taxed_says_why(self, opened: Open) -> None:
        text = (EXAMPLE / "charges.yaml").read_text(encoding="utf-8")
        tax = text[text.index("tax:\n") : text.index("rounding:")]
        why = "due_within: 30 days\n  untaxed: Article 7-ter"
        office = opened({"charges.yaml": [(tax, ""), ("due_within: 30 days", why)]})
        office.agrees("2012-05")
        document = office.issues("2012-05").document
        assert [(tax["category"], tax["reason"], tax["amount"]) for tax in document["taxes"]] == [
            ("outside_scope", "Article 7-ter", "0.00")
        ]
        assert document["total"] == document["net"]
        assert broken_rules(as_xml(document)) == []
        assert office.differences() == ()

    def test_breaks_no_official_rule_with_adjustment_and_settlement(
        self, opened: Open, tmp_path: Path
    ) -> None:
        office = opened()
        office.agrees("2012-05")
        office.disputes("client", "2012-05", "tickets-closed/1", quantity=49)
        office.replies(1, "provider", Deed.ACCEPTED)
        office.desk.imports(
            write_cases(tmp_path / "late.csv", some("Late", 5, ticket("basic", *MAY)))
        )
        office.agrees("2012-06")
        issued = office.issues("2012-06")
        kinds = {line["kind"] for line in issued.document["lines"]}
        assert kinds == {"charge", "adjustment", "settlement"}
        assert broken_rules(as_xml(issued.document)) == []
        assert broken_rules(as_xml(office.cancels(issued.number).document)) == []


class TestACreditNote:
    def test_negates_every_amount_and_lets_the_period_be_invoiced_again(self, opened: Open) -> None:
        office = opened()
        office.agrees("2012-05")
        first = office.issues("2012-05", order="PO-1")
        note = office.cancels(first.number)
        assert (note.ordinal, note.series) == (first.ordinal + 1, first.series)
        assert note.document["cancels"] == {
            "number": first.number,
            "issue_date": first.document["issue_date"],
        }
        assert note.document["reason"] == "Wrong order"
        for mine, its in zip(first.document["lines"], note.document["lines"], strict=True):
            assert Decimal(mine["amount"]) + Decimal(its["amount"]) == 0
        assert [a + b for a, b in zip(sums(first.document), sums(note.document), strict=True)] == [
            0, 0, 0,
        ]  # fmt: skip
        again = office.issues("2012-05", order="PO-2")
        assert again.ordinal == note.ordinal + 1
        assert again.document["lines"] == first.document["lines"]
        assert [one.status for one in office.accounts()] == [
            Status.CANCELLED, Status.CREDIT_NOTE, Status.OPEN,
        ]  # fmt: skip
        assert office.cancels(first.number) == note
        with pytest.raises(Refusal, match="It is the credit note of"):
            office.cancels(note.number)
        assert office.differences() == ()


class TestNumbers:
    def test_have_no_gap_when_many_issue_at_once(self, opened: Open) -> None:
        """Two engagements of one provider, in threads of their own; some are rolled back."""
        offices = [opened() for _ in range(2)]
        for office in offices:
            for period in ("2012-05", "2012-06", "2012-07"):
                office.agrees(period)
        failures: list[BaseException] = []

        def work(office: Office, turn: int) -> None:
            desk = office.desk
            try:
                with open_database() as database:
                    of = (database, desk.context, desk.engagement_id)
                    for period in ("2012-05", "2012-06", "2012-07"):
                        number = issue(*of, period).issued.number
                        if turn % 2:
                            cancel(*of, number, reason="Again")
            except BaseException as failure:  # noqa: BLE001 - told below
                failures.append(failure)

        threads = [
            threading.Thread(target=work, args=(office, turn))
            for turn in range(2)
            for office in offices
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        ordinals = sorted(one.issued.ordinal for office in offices for one in office.accounts())
        assert ordinals == list(range(ordinals[0], ordinals[0] + len(ordinals)))
        assert len(ordinals) >= 6 + 3
        for office in offices:
            assert office.differences() == ()

    def test_leave_no_gap_after_a_rollback(
        self, opened: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        office = opened()
        for period in ("2012-05", "2012-06"):
            office.agrees(period)
        first = office.issues("2012-05")

        def broken(*_: Any) -> None:
            raise RuntimeError("killed")

        with monkeypatch.context() as patched:
            patched.setattr(store, "add_issued", broken)
            with pytest.raises(RuntimeError, match="killed"):
                office.issues("2012-06")
        assert office.issues("2012-06").ordinal == first.ordinal + 1


class TestAPayment:
    def test_makes_an_invoice_part_paid_and_paid(self, opened: Open) -> None:
        office = opened()
        office.agrees("2012-06")
        issued = office.issues("2012-06")
        assert issued.document["total"] == "2702.30"
        day = office.today()
        assert office.accounts()[0].status is Status.OPEN
        assert office.accounts(day + timedelta(days=30))[0].status is Status.OPEN
        assert office.accounts(day + timedelta(days=31))[0].status is Status.OVERDUE
        first = office.pays(issued.number, "1000.00", "bank 1")
        assert first.account.status is Status.PART_PAID
        assert first.account.outstanding.amount == "1702.30"
        assert office.pays(issued.number, "1000.00", "bank 1").is_new is False
        with pytest.raises(Refusal, match="was recorded already"):
            office.pays(issued.number, "900.00", "bank 1")
        with pytest.raises(Refusal, match=r"1,702.30 EUR is open; 1,702.31 EUR would overpay"):
            office.pays(issued.number, "1702.31", "bank 2")
        with pytest.raises(Refusal, match="cannot be given back"):
            office.pays(issued.number, "-1000.01", "bank 2")
        with pytest.raises(Refusal, match="is to come"):
            office.pays(issued.number, "1.00", "bank 2", day + timedelta(days=1))
        assert office.pays(issued.number, "1702.30", "bank 2").account.status is Status.PAID
        assert office.pays(issued.number, "-2.30", "back").account.status is Status.PART_PAID
        assert office.differences() == ()

    def test_on_a_cancelled_invoice_is_owed_back(self, opened: Open) -> None:
        office = opened()
        office.agrees("2012-06")
        issued = office.issues("2012-06")
        office.pays(issued.number, "100.00", "bank 1")
        office.cancels(issued.number)
        account = office.accounts()[0]
        assert (account.status, account.outstanding.amount) == (Status.CANCELLED, "-100.00")
        with pytest.raises(Refusal, match="has cancelled it"):
            office.pays(issued.number, "1.00", "bank 2")
        assert office.pays(issued.number, "-100.00", "back").account.outstanding.amount == "0.00"


class TestADispute:
    KEY = "tickets-closed/1"

    def test_is_settled_by_accepting_and_stands_on_the_next_invoice(self, opened: Open) -> None:
        office = opened()
        office.agrees("2012-05")
        first = office.issues("2012-05")
        found = office.disputes("client", "2012-05", self.KEY, quantity=48, cases=("May 1",))
        assert (found.state, found.stands.amount, found.wanted.amount) == (
            DisputeState.OPEN, "1900.00", "1824.00",
        )  # fmt: skip
        assert found.at_stake.amount == "76.00"
        settled = office.replies(1, "provider", Deed.ACCEPTED)
        assert (settled.state, str(settled.difference)) == (DisputeState.SETTLED, "-76.00 EUR")
        office.agrees("2012-06")
        document = office.issues("2012-06").document
        [line] = [line for line in document["lines"] if line["kind"] == "settlement"]
        assert (line["amount"], line["period"]) == ("-76.00", "2012-05")
        assert line["reason"] == (
            "1,824.00 EUR instead of 1,900.00 EUR. Dispute 1: Not ours (agreed by both sides)"
        )
        assert document["net"] == "2139.00"
        assert document["tax"] == "470.58"  # 22 % of 2,215.00 less 22 % of 76.00
        assert not any(line["kind"] == "settlement" for line in first.document["lines"])
        assert office.differences() == ()

    def test_of_a_period_not_issued_yet_stands_on_its_own_invoice(self, opened: Open) -> None:
        office = opened()
        office.desk.closes("2012-05")
        office.disputes("client", "2012-05", "credit", amount="-400.00")
        office.desk.closes("2012-05", State.AGREED)
        with pytest.raises(Refusal, match="disputed: 1"):
            office.issues("2012-05")
        office.replies(1, "provider", Deed.OFFERED, amount="-300.00")
        with pytest.raises(Refusal, match="Your offer is on the table"):
            office.replies(1, "provider", Deed.OFFERED, amount="-250.00")
        settled = office.settles(1, "client", "-300.00")
        assert settled.settled is not None
        first = office.issues("2012-05")
        assert first.settles == (1,)
        note = office.cancels(first.number)
        assert note.settles == (1,)
        again = office.issues("2012-05")
        assert again.settles == (1,)
        office.agrees("2012-06")
        assert office.issues("2012-06").settles == ()
        assert office.differences() == ()

    def test_can_be_refused_offered_again_and_withdrawn(self, opened: Open) -> None:
        office = opened()
        office.agrees("2012-05")
        office.disputes("client", "2012-05", self.KEY, amount="1800.00")
        with pytest.raises(Refusal, match="It is disputed already: dispute 1"):
            office.disputes("provider", "2012-05", self.KEY, amount="1800.00")
        with pytest.raises(Refusal, match="cannot accept what you asked for"):
            office.replies(1, "client", Deed.ACCEPTED)
        with pytest.raises(Refusal, match="It says nothing"):
            office.replies(1, "provider", Deed.REFUSED, reason=" ")
        assert office.replies(1, "provider", Deed.REFUSED, reason="They are yours").turn == "client"
        with pytest.raises(Refusal, match="No amount is on the table"):
            office.replies(1, "client", Deed.ACCEPTED)
        with pytest.raises(Refusal, match="The client opened it"):
            office.replies(1, "provider", Deed.WITHDRAWN)
        assert office.replies(1, "client", Deed.OFFERED, amount="1850.00").turn == "provider"
        assert office.replies(1, "client", Deed.WITHDRAWN).state is DisputeState.WITHDRAWN
        with pytest.raises(Refusal, match="It is withdrawn"):
            office.replies(1, "provider", Deed.ACCEPTED)
        assert office.disputes("client", "2012-05", self.KEY, amount="1800.00").number == 2
        assert office.differences() == ()

    def test_has_a_window_and_clocks_in_business_days(self, opened: Open) -> None:
        office = opened()
        office.desk.closes("2012-05")
        with office.desk.reading() as record:
            until = disputable_until(record.tx, office.desk.engagement_id, "2012-05")
        assert until is not None
        today = office.today()
        assert 12 <= (until.date() - today).days <= 21
        found = office.disputes("client", "2012-05", self.KEY, amount="1800.00")
        assert found.answer_by is not None
        assert 5 <= (found.answer_by.date() - today).days <= 12
        for state in (State.AGREED, State.FINAL):
            office.desk.closes("2012-05", state)
        with pytest.raises(Refusal, match="It is final"):
            office.disputes("client", "2012-05", "credit", amount="-500.00")

    def test_refuses_what_is_no_line_or_no_change(self, opened: Open) -> None:
        office = opened()
        with pytest.raises(Refusal, match="do not stand yet"):
            office.disputes("client", "2012-05", self.KEY, amount="1.00")
        office.desk.closes("2012-05")
        with pytest.raises(Refusal, match=r"There is no such line.*tickets-closed/1"):
            office.disputes("client", "2012-05", "tickets", amount="1.00")
        with pytest.raises(Refusal, match=r"stands at 1,900.00 EUR already"):
            office.disputes("client", "2012-05", self.KEY, amount="1900.00")
        with pytest.raises(Refusal, match="A credit takes off"):
            office.disputes("client", "2012-05", "credit", amount="400.00")
        with pytest.raises(Refusal, match="is no amount of EUR"):
            office.disputes("client", "2012-05", self.KEY, amount="1.005")


class TestAQuarter:
    def test_is_charged_once_whatever_is_disputed_cancelled_and_told_later(
        self, opened: Open, tmp_path: Path
    ) -> None:
        """Close, dispute, answer, settle, issue, pay, cancel and issue again, then look back."""
        office = opened()
        may = office.agrees("2012-05")
        first = office.issues("2012-05")
        office.disputes("client", "2012-05", "tickets-closed/1", quantity=48)
        office.replies(1, "provider", Deed.REFUSED, reason="They are yours")
        office.replies(1, "client", Deed.OFFERED, amount="1862.00")
        office.settles(1, "provider", "1862.00")
        office.desk.imports(
            write_cases(tmp_path / "late.csv", some("Late", 5, ticket("basic", *MAY)))
        )
        june = office.agrees("2012-06")
        second = office.issues("2012-06")
        assert second.settles == (1,)
        office.cancels(second.number)
        third = office.issues("2012-06", order="PO-9")
        assert third.settles == (1,)
        july = office.agrees("2012-07")
        fourth = office.issues("2012-07")
        assert fourth.settles == ()
        for one in (first, third, fourth):
            office.pays(one.number, one.document["total"], f"bank {one.number}")
        accounts = office.accounts()
        assert [one.status for one in accounts] == [
            Status.PAID, Status.CANCELLED, Status.CREDIT_NOTE, Status.PAID, Status.PAID,
        ]  # fmt: skip
        charged = sum((Decimal(one.issued.document["net"]) for one in accounts), Decimal(0))
        closed = sum((Decimal(one["due"]["net"]) for one in (may, june, july)), Decimal(0))
        assert charged == closed - 38
        assert sum((Decimal(one.paid.amount) for one in accounts), Decimal(0)) == sum(
            (Decimal(one.issued.document["total"]) for one in accounts), Decimal(0)
        )
        assert office.differences() == ()

    def test_that_somebody_changed_is_found(
        self, opened: Open, admin: psycopg.Connection[Any]
    ) -> None:
        office = opened()
        office.agrees("2012-05")
        issued = office.issues("2012-05")
        office.pays(issued.number, "1.00", "bank")
        office.disputes("client", "2012-05", "credit", amount="-1000.00")
        assert office.differences() == ()
        of = {"of": office.desk.engagement_id}
        for change, found in (
            ("UPDATE billing.payment SET minor_units = 200", "amount of what entry"),
            ("UPDATE billing.payment SET document_number = document_number, reference = 'x'",
             "reference of what entry"),
            ("UPDATE billing.issued SET period = '2012-06'", "the columns of"),
            ("UPDATE billing.issued SET document = replace(document, 'IT1098', 'IT9999')",
             "of what entry"),
            ("UPDATE billing.dispute_act SET told = replace(told, '1000.00', '1.00')",
             "wanted of what entry"),
            ("DELETE FROM billing.dispute_act", "entry"),
        ):  # fmt: skip
            with admin.transaction(force_rollback=False):
                admin.execute("SET LOCAL session_replication_role = replica")
                kept = {
                    table: admin.execute(
                        f"SELECT to_jsonb(t) FROM billing.{table} t WHERE engagement_id = %(of)s",
                        of,
                    ).fetchall()
                    for table in ("payment", "issued", "dispute_act")
                }
                admin.execute(f"{change} WHERE engagement_id = %(of)s", of)
            assert any(found in one.where for one in office.differences()), change
            with admin.transaction():
                admin.execute("SET LOCAL session_replication_role = replica")
                for table, rows in kept.items():
                    admin.execute(f"DELETE FROM billing.{table} WHERE engagement_id = %(of)s", of)
                    for (row,) in rows:
                        admin.execute(
                            f"INSERT INTO billing.{table} SELECT (jsonb_populate_record("
                            f"null::billing.{table}, %(row)s::jsonb)).*",
                            {"row": psycopg.types.json.Jsonb(row)},
                        )
        assert office.differences() == ()
