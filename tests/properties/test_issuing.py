"""What holds of all invoices, credit notes, payments and settlements, whatever comes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.issued import invoice, line

from openbpo.agreements.model import Side
from openbpo.billing.disputes.decisions import as_of, in_dispute
from openbpo.billing.disputes.model import Deed, Dispute, DisputeAct, DisputeState
from openbpo.billing.issuing.decisions import (
    Numbered,
    credit_note_document,
    live_invoice,
    to_carry,
)
from openbpo.billing.issuing.model import Issued, Payment, Status
from openbpo.billing.issuing.paying import accounts, refuse_payment
from openbpo.values.money import Money
from openbpo.values.refusals import Refusal

TODAY = date(2025, 3, 1)
NOON = datetime(2025, 2, 5, 12, tzinfo=UTC)
amounts = st.integers(-100_000, 100_000).map(lambda cents: str(Decimal(cents).scaleb(-2)))
documents = st.builds(
    lambda lines, apart: invoice([line(one) for one in lines], apart=apart),
    st.lists(amounts, min_size=1, max_size=5),
    st.sampled_from(["0.00", "0.01", "-0.01"]),
)


def issued(document: dict[str, Any], number: str | None = None, **more: Any) -> Issued:
    told = {**document, **more, "number": number or document["number"]}
    return Issued(
        number=told["number"],
        kind=told["kind"],
        period=told["period"],
        series=told["series"],
        ordinal=told["ordinal"],
        cancels=told["cancels"]["number"] if told["cancels"] else None,
        document=told,
        document_sha256=bytes(32),
        entry=1,
        by="x",
        at=told["issued_at"],
    )


def credited(document: dict[str, Any], ordinal: int) -> dict[str, Any]:
    return credit_note_document(
        document,
        numbered=Numbered(series=document["series"], ordinal=ordinal),
        reason="Wrong",
        at=NOON,
        zone_day=date(2025, 2, 5),
    )


class TestACreditNote:
    @given(documents)
    def test_and_its_invoice_come_to_nothing(self, document: dict[str, Any]) -> None:
        note = credited(document, 8)
        for name in ("net", "tax", "total"):
            assert Decimal(document[name]) + Decimal(note[name]) == 0
        for part, keys in (("lines", ("amount",)), ("taxes", ("base", "amount"))):
            for one, other in zip(document[part], note[part], strict=True):
                assert all(Decimal(one[key]) + Decimal(other[key]) == 0 for key in keys)
        again = credited(note, 9)
        assert [one["amount"] for one in again["lines"]] == [
            one["amount"] for one in document["lines"]
        ]


class TestPayments:
    @given(documents, st.lists(st.integers(-50_000, 150_000), max_size=12))
    def test_never_come_to_more_than_the_invoice_or_less_than_nothing(
        self, document: dict[str, Any], tried: list[int]
    ) -> None:
        one = issued(document)
        taken: list[Payment] = []
        for number, cents in enumerate(tried):
            payment = Payment(
                number=one.number,
                payment=number + 1,
                amount=Money.from_minor_units(cents, "EUR"),
                day=TODAY,
                reference=f"bank {number}",
                entry=number,
                by="x",
                at="",
            )
            try:
                refuse_payment(one, taken, payment, cancelled_by=None, today=TODAY)
            except Refusal:
                continue
            taken.append(payment)
        [account] = accounts([one], taken, TODAY)
        nothing = Money.zero("EUR")
        assert min(nothing, one.total) <= account.paid <= max(nothing, one.total)
        assert account.paid + account.outstanding == one.total
        assert (account.status is Status.PAID) == (account.outstanding == nothing)


class TestASettlement:
    @given(st.lists(st.integers(0, 11), max_size=20), st.integers(1, 4))
    def test_stands_on_one_invoice_at_a_time(self, turns: list[int], count: int) -> None:
        """Issue and cancel the months of a year in any order: nothing is charged twice or lost."""
        found = [settled(number, f"2025-{number:02}") for number in range(1, count + 1)]
        all_issued: list[Issued] = []
        for turn, month in enumerate(turns):
            period = f"2025-{month + 1:02}"
            live = live_invoice(all_issued, period)
            if live is not None:
                all_issued.append(issued(credited(dict(live.document), turn), f"C{turn}"))
                continue
            carried = to_carry(found, all_issued, period)
            lines = [
                line("-1.00", kind="settlement", dispute=one.number, key=f"dispute-{one.number}")
                for one in carried
            ] or [line("1.00")]
            document = invoice(lines)
            all_issued.append(issued({**document, "period": period}, f"I{turn}"))
        live_ones = [
            one
            for month in range(12)
            if (one := live_invoice(all_issued, f"2025-{month + 1:02}")) is not None
        ]
        carried_by = [number for one in live_ones for number in one.settles]
        assert len(carried_by) == len(set(carried_by))
        last = max((one.period for one in live_ones), default="")
        waiting = {one.number for one in to_carry(found, all_issued, "2025-12")}
        assert waiting | set(carried_by) == {one.number for one in found}
        assert not waiting & set(carried_by)
        assert all(one.settled is not None for one in found)
        assert last <= "2025-12"


def act(number: int, did: Deed, side: Side, at: datetime, **told: Any) -> DisputeAct:
    return DisputeAct(
        dispute=1,
        number=number,
        did=did,
        side=side,
        told={"answer_by": None, **told},
        entry=number,
        by="x",
        at=at,
    )


def opened(**told: Any) -> DisputeAct:
    return act(
        1,
        Deed.OPENED,
        "client",
        NOON,
        **{
            "currency": "EUR",
            "period": "2025-01",
            "line": "tickets-closed/1",
            "text": "tickets-closed",
            "reason": "Not ours",
            "cases": [],
            "stands": "10.00",
            "wanted": "9.00",
            "if_silent": "open",
            **told,
        },
    )


def settled(number: int, period: str) -> Dispute:
    acts = [opened(period=period), act(2, Deed.ACCEPTED, "provider", NOON)]
    found = as_of(acts, NOON)
    return Dispute(**{**{name: getattr(found, name) for name in found.__slots__}, "number": number})


class TestSilence:
    UNTIL = NOON + timedelta(days=5)
    SILENT = {"if_silent": "accepted", "answer_by": "2025-02-10T12:00:00.000000Z"}  # noqa: RUF012

    def test_accepts_what_is_on_the_table_when_that_was_agreed(self) -> None:
        acts = [opened(**self.SILENT)]
        before = as_of(acts, self.UNTIL - timedelta(microseconds=1))
        assert before.state is DisputeState.OPEN
        assert in_dispute([before], "EUR").amount == "1.00"
        after = as_of(acts, self.UNTIL)
        assert (after.state, after.by_silence) == (DisputeState.SETTLED, True)
        assert after.settled_at == self.UNTIL
        assert str(after.difference) == "-1.00 EUR"
        assert in_dispute([after], "EUR").amount == "0.00"

    def test_does_nothing_where_it_was_not(self) -> None:
        acts = [opened(**{**self.SILENT, "if_silent": "open"})]
        assert as_of(acts, self.UNTIL + timedelta(days=99)).state is DisputeState.OPEN

    def test_is_broken_by_any_answer(self) -> None:
        acts = [opened(**self.SILENT), act(2, Deed.REFUSED, "provider", NOON, reason="Yours")]
        assert as_of(acts, self.UNTIL).state is DisputeState.REFUSED
