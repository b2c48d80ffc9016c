"""
Issuing an invoice, cancelling one, and recording what was paid: each an entry of the record.

The record is held first, so that what is read cannot change before the entry; then the number is
taken, whose row is locked until the commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from typing import Any

from openbpo.agreements.resolved import day_of
from openbpo.agreements.versions.decisions import terms_on
from openbpo.agreements.versions.model import Terms
from openbpo.agreements.versions.queries import engagement_handle, party_of
from openbpo.billing.closing.queries import StoredKnowledge, last_act
from openbpo.billing.closing.queries import acts as period_acts
from openbpo.billing.disputes.decisions import amount_in
from openbpo.billing.disputes.queries import disputes_of
from openbpo.billing.issuing import store
from openbpo.billing.issuing.decisions import (
    ClosedFigures,
    credit_note_document,
    invoice_document,
    live_invoice,
    refuse_unready,
    series_on,
    to_carry,
)
from openbpo.billing.issuing.model import Account, Issuance, Issued, Paid, Payment
from openbpo.billing.issuing.paying import accounts, refuse_payment
from openbpo.billing.issuing.queries import closed_figures, find_issued
from openbpo.record.journal import enter, hold
from openbpo.storage.database import Context, Database, Transaction
from openbpo.storage.failpoints import failpoint
from openbpo.values.canonical import canonical_bytes
from openbpo.values.ids import EngagementId, PartyId
from openbpo.values.refusals import Refusal


def issue(
    database: Database,
    context: Context,
    engagement_id: EngagementId,
    period: str,
    *,
    order: str | None = None,
    before_agreed: bool = False,
) -> Issuance:
    """
    Issue the invoice of a period; done twice, the second time answers what stands.

    Raises Refusal where its figures do not stand, or the client has not agreed to them or disputes
    a line, unless it is to be issued before that.
    """
    acting = _for_issuer(database, context, engagement_id)
    with database.transaction(acting) as tx:
        hold(tx, engagement_id)
        before = store.issued(tx, engagement_id)
        standing = live_invoice(before, period)
        if standing is not None:
            _refuse_other_order(standing, order)
            return Issuance(issued=standing, is_new=False)
        knowledge = StoredKnowledge(tx, engagement_id)
        all_acts, found = period_acts(tx, engagement_id), disputes_of(tx, engagement_id)
        last = last_act(all_acts, period)
        undecided = [one for one in found if one.period == period and not one.state.is_over]
        refuse_unready(period, last.state if last else None, undecided, is_early=before_agreed)
        settled = to_carry(found, before, period)
        now_terms = knowledge.terms(knowledge.latest())

        def closed(name: str) -> ClosedFigures:
            figures = closed_figures(all_acts, name, knowledge.terms)
            assert figures is not None, "what stands, or was disputed, is closed"
            return figures

        document = invoice_document(
            handle=engagement_handle(tx, engagement_id),
            numbered=store.next_number(
                tx, _issuer(tx), series_on(terms_on(now_terms, tx.at), tx.at)
            ),
            closed=closed(period),
            settled=settled,
            settled_figures={one.period: closed(one.period) for one in settled},
            now_terms=now_terms,
            order=order,
            at=tx.at,
        )
        issued = _entered(tx, engagement_id, document)
        failpoint("issue.before_commit")
    failpoint("issue.after_commit")
    return Issuance(issued=issued, is_new=True)


def cancel(
    database: Database,
    context: Context,
    engagement_id: EngagementId,
    number: str,
    *,
    reason: str,
) -> Issuance:
    """
    Cancel an invoice by a credit note; done twice, the second time answers the one that stands.

    Raises Refusal where there is no such invoice, it is a credit note, or no reason is given.
    """
    if not reason.strip():
        raise Refusal.of(number, "It has no reason.", "Say why: --reason TEXT.")
    acting = _for_issuer(database, context, engagement_id)
    with database.transaction(acting) as tx:
        hold(tx, engagement_id)
        before = store.issued(tx, engagement_id)
        original = find_issued(before, number)
        if original.kind == "credit_note":
            raise Refusal.of(
                number,
                f"It is the credit note of {original.cancels}.",
                f"Issue {original.period} again: openbpo issue ENGAGEMENT --period "
                f"{original.period}.",
            )
        for one in before:
            if one.cancels == number:
                return Issuance(issued=one, is_new=False)
        terms = _terms(tx, engagement_id)
        numbered = store.next_number(tx, _issuer(tx), series_on(terms, tx.at))
        document = credit_note_document(
            original.document, numbered=numbered, reason=reason, at=tx.at, zone_day=_day(tx, terms)
        )
        issued = _entered(tx, engagement_id, document)
        failpoint("cancel.before_commit")
    failpoint("cancel.after_commit")
    return Issuance(issued=issued, is_new=True)


def pay(
    database: Database,
    context: Context,
    engagement_id: EngagementId,
    number: str,
    *,
    amount: str,
    day: date,
    reference: str,
) -> Paid:
    """
    Record what was paid on an invoice; a reference that is known answers what was recorded.

    A negative amount was given back, or was recorded by mistake. Raises Refusal where the invoice
    would be overpaid, or more given back than was paid.
    """
    with database.transaction(context.within(engagement_id)) as tx:
        hold(tx, engagement_id)
        all_issued, all_paid = store.issued(tx, engagement_id), store.payments(tx, engagement_id)
        invoice = find_issued(all_issued, number)
        before = [one for one in all_paid if one.number == number]
        money = amount_in(amount, invoice.currency)
        today = _day(tx, _terms(tx, engagement_id))
        known = next((one for one in before if one.reference == reference.strip()), None)
        if known is not None:
            if (known.amount, known.day) != (money, day):
                raise Refusal.of(
                    number,
                    f"{reference} was recorded already: {known.amount} on {known.day}.",
                    "Give another payment a reference of its own.",
                )
            account = _account(all_issued, all_paid, number, today)
            return Paid(payment=known, account=account, is_new=False)
        payment = Payment(
            number=number, payment=len(before) + 1, amount=money, day=day,
            reference=reference.strip(), entry=0, by="", at="",
        )  # fmt: skip
        cancelled_by = next((one.number for one in all_issued if one.cancels == number), None)
        refuse_payment(invoice, before, payment, cancelled_by=cancelled_by, today=today)
        entry = enter(tx, engagement_id, "payment", payment_told(payment))
        store.add_payment(tx, engagement_id, payment, entry)
        all_paid = store.payments(tx, engagement_id)
        account = _account(all_issued, all_paid, number, today)
        failpoint("pay.before_commit")
    failpoint("pay.after_commit")
    return Paid(payment=all_paid[-1], account=account, is_new=True)


def payment_told(payment: Payment) -> dict[str, Any]:
    """Return what the entry of a payment tells."""
    return {
        "number": payment.number,
        "payment": payment.payment,
        "amount": payment.amount.amount,
        "currency": payment.amount.currency,
        "day": str(payment.day),
        "reference": payment.reference,
    }


def _account(all_issued: list[Issued], all_paid: list[Payment], number: str, day: date) -> Account:
    return next(one for one in accounts(all_issued, all_paid, day) if one.issued.number == number)


def _for_issuer(database: Database, context: Context, engagement_id: EngagementId) -> Context:
    """Return the context for the provider's party, whose numbers these are."""
    within = context.within(engagement_id)
    with database.transaction(within) as tx:
        party_id = party_of(tx, engagement_id, "provider")
    if party_id is None:
        raise Refusal.of(
            "provider",
            "The provider has signed no version of this agreement.",
            "Whoever issues is known by a signature: openbpo accept FOLDER --as provider.",
        )
    return within.for_party(party_id)


def _issuer(tx: Transaction) -> PartyId:
    assert tx.context.party_id is not None
    return PartyId(tx.context.party_id)


def _terms(tx: Transaction, engagement_id: EngagementId) -> Terms:
    knowledge = StoredKnowledge(tx, engagement_id)
    return terms_on(knowledge.terms(knowledge.latest()), tx.at)


def _day(tx: Transaction, terms: Terms) -> date:
    return day_of(tx.at, terms.resolved.zones[terms.agreement.zone])


def _refuse_other_order(standing: Issued, order: str | None) -> None:
    if order is not None and order != standing.document["order"]:
        raise Refusal.of(
            standing.period,
            f"It is invoiced already: {standing.number}, order {standing.document['order']}.",
            f"Cancel that first: openbpo cancel ENGAGEMENT {standing.number} --reason ...",
        )


def _entered(tx: Transaction, engagement_id: EngagementId, document: Mapping[str, Any]) -> Issued:
    text = canonical_bytes(dict(document))
    digest = sha256(text).digest()
    told = {"document": document, "document_sha256": digest.hex()}
    entry = enter(tx, engagement_id, document["kind"], told)
    store.add_issued(tx, engagement_id, _issuer(tx), document, text, digest, entry)
    return store.issued(tx, engagement_id)[-1]
