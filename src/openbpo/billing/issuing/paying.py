"""What was paid, and how an invoice stands as of a day: pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from openbpo.billing.issuing.model import Account, Issued, Payment, Status
from openbpo.values.money import Money, sum_money
from openbpo.values.refusals import Refusal


def accounts(
    issued: Sequence[Issued], payments: Iterable[Payment], day: date
) -> tuple[Account, ...]:
    """Return every issued document as it stands at the end of a day, in the order of issue."""
    payments = tuple(payments)
    known = [one for one in issued if one.issue_date <= day]
    cancelled = {one.cancels: one.number for one in known if one.cancels is not None}
    return tuple(
        _account(one, [p for p in payments if p.number == one.number], cancelled, day)
        for one in known
    )


def _account(
    one: Issued, payments: Sequence[Payment], cancelled: dict[str, str], day: date
) -> Account:
    counted = tuple(payment for payment in payments if payment.day <= day)
    paid = sum_money((payment.amount for payment in counted), one.currency)
    by = cancelled.get(one.number)
    nothing = Money.zero(one.currency)
    # what was paid on a cancelled invoice is owed back; a credit note takes its invoice away
    due = nothing if by is not None or one.kind == "credit_note" else one.total
    return Account(
        issued=one,
        payments=counted,
        cancelled_by=by,
        paid=paid,
        outstanding=due - paid,
        status=_status(one, by, paid, day),
    )


def _status(one: Issued, cancelled_by: str | None, paid: Money, day: date) -> Status:
    if one.kind == "credit_note":
        return Status.CREDIT_NOTE
    if cancelled_by is not None:
        return Status.CANCELLED
    if paid == one.total:
        return Status.PAID
    if one.due_date is not None and day > one.due_date:
        return Status.OVERDUE
    return Status.PART_PAID if paid != Money.zero(one.currency) else Status.OPEN


def refuse_payment(
    one: Issued,
    before: Sequence[Payment],
    payment: Payment,
    *,
    cancelled_by: str | None,
    today: date,
) -> None:
    """
    Raise Refusal unless an amount can have been paid: what is paid lies between nothing and all.

    A negative amount gives back what was paid, or takes back what was recorded by mistake.
    """
    if one.kind == "credit_note":
        raise Refusal.of(
            one.number, "It is a credit note.", f"Name the invoice; it cancels {one.cancels}."
        )
    nothing = Money.zero(one.currency)
    paid = sum_money((other.amount for other in before), one.currency)
    now = paid + payment.amount
    due = nothing if cancelled_by is not None else one.total
    if payment.amount == nothing:
        raise Refusal.of(one.number, "Nothing was paid.", "Name an amount.")
    if cancelled_by is not None and payment.amount > nothing:
        raise Refusal.of(
            one.number,
            f"Credit note {cancelled_by} has cancelled it.",
            "Record it with the invoice that took its place.",
        )
    if now < min(nothing, one.total):
        raise Refusal.of(
            one.number,
            f"{paid} is paid; {-payment.amount} cannot be given back of it.",
            "Name at most what was paid.",
        )
    if now > max(nothing, due, paid):
        raise Refusal.of(
            one.number,
            f"{due - paid} is open; {payment.amount} would overpay it.",
            "Record what belongs to this invoice, and the rest with the one it is for.",
        )
    if payment.day > today:
        raise Refusal.of(one.number, f"{payment.day} is to come.", "Record it when it is paid.")
    if not payment.reference.strip():
        raise Refusal.of(one.number, "It has no reference.", "Name the bank's, or your own.")
