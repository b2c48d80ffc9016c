"""openbpo issue, invoices, issued, cancel, pay: what is charged, from a number to the money."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from openbpo.billing.issuing import actions
from openbpo.billing.issuing.model import Account, Issuance, IssuedDocument
from openbpo.billing.issuing.queries import invoices_of, issued_document, today
from openbpo.billing.standing.model import Standing
from openbpo.billing.standing.queries import board as standings
from openbpo.surfaces.cli.figures import figure_text
from openbpo.surfaces.cli.printing import say, say_json, say_wrapped, table
from openbpo.surfaces.cli.session import find_engagement, reading, session
from openbpo.values.canonical import instant_text
from openbpo.values.refusals import Refusal, Unavailable

Engagement = Annotated[str, typer.Argument(help="The engagement: its agreement folder's name.")]
Number = Annotated[str, typer.Argument(help="The number of the invoice, as BS-2025-0001.")]
Period = Annotated[str, typer.Option("--period", help="As 2012-02.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def issue(
    engagement: Engagement,
    period: Period,
    order: Annotated[
        str | None, typer.Option("--order", help="The client's order; the agreement's without it.")
    ] = None,
    before_agreed: Annotated[
        bool,
        typer.Option("--before-agreed", help="Also while the client has not agreed, or disputes."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Issue the invoice of a closed period: it gets the provider's next number, and stays so."""
    with session("issue an invoice") as current:
        engagement_id = find_engagement(current, engagement)
        found = actions.issue(
            current.database, current.context, engagement_id, period,
            order=order, before_agreed=before_agreed,
        )  # fmt: skip
    _say_issued(found, "was issued already", as_json=as_json)


def cancel(
    engagement: Engagement,
    number: Number,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands on the credit note.")],
    as_json: AsJson = False,
) -> None:
    """Cancel an invoice by a credit note of its own number; its period can be issued again."""
    with session("cancel an invoice") as current:
        engagement_id = find_engagement(current, engagement)
        found = actions.cancel(
            current.database, current.context, engagement_id, number, reason=reason
        )
    _say_issued(found, f"cancels {number} already", as_json=as_json)


def _say_issued(found: Issuance, known: str, *, as_json: bool) -> None:
    from openbpo.billing.documents.printed import text_lines

    issued = found.issued
    if as_json:
        say_json({"new": found.is_new, "by": issued.by, "document": issued.document})
        return
    if not found.is_new:
        say(f"{issued.number} {known}, on {issued.issue_date}, by {issued.by}.")
    for line in text_lines(issued.document):
        say(line)


def invoices(
    engagement: Engagement,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="As at the end of a day, 2012-02-29; else today.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell all that was issued: what of it is open, part paid, paid, overdue or cancelled."""
    with session("read invoices") as current:
        engagement_id = reading(current, engagement, "invoices")
        with current.database.transaction(current.context.within(engagement_id)) as tx:
            day = _day(as_of, "--as-of") if as_of else None
            found = invoices_of(tx, engagement_id, as_of=day)
    if as_json:
        say_json([account_json(one) for one in found])
        return
    if not found:
        say(f"Nothing was issued yet: openbpo issue {engagement} --period ...")
        return
    head = ("Number", "Period", "Date", "Due", "Total", "Paid", "Open", "Status")
    for line in table(head, [_row(one) for one in found], right=(4, 5, 6)):
        say(line)


def _row(one: Account) -> tuple[str, ...]:
    issued, status = one.issued, one.status.value
    if issued.cancels is not None:
        status = f"cancels {issued.cancels}"
    elif one.cancelled_by is not None:
        status = f"cancelled by {one.cancelled_by}"
    return (
        issued.number,
        issued.period,
        str(issued.issue_date),
        str(issued.due_date or ""),
        str(issued.total),
        figure_text(one.paid),
        figure_text(one.outstanding),
        status,
    )


def account_json(one: Account) -> dict[str, Any]:
    """Return an issued document's account for programs."""
    issued = one.issued
    return {
        "number": issued.number,
        "kind": issued.kind,
        "period": issued.period,
        "issue_date": str(issued.issue_date),
        "due_date": str(issued.due_date) if issued.due_date else None,
        "currency": issued.currency,
        "total": issued.total.amount,
        "paid": one.paid.amount,
        "outstanding": one.outstanding.amount,
        "status": one.status.value,
        "cancels": issued.cancels,
        "cancelled_by": one.cancelled_by,
        "document_sha256": issued.document_sha256.hex(),
        "payments": [
            {
                "amount": payment.amount.amount,
                "day": str(payment.day),
                "reference": payment.reference,
                "by": payment.by,
            }
            for payment in one.payments
        ],
    }


def issued_(
    engagement: Engagement,
    number: Number,
    pdf: Annotated[
        Path | None, typer.Option("--pdf", help="Write it to print, with the XML within.")
    ] = None,
    xlsx: Annotated[
        Path | None, typer.Option("--xlsx", help="Write it as a workbook with live formulas.")
    ] = None,
    xml: Annotated[
        Path | None, typer.Option("--xml", help="Write it as an EN 16931 invoice (CII).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show an invoice or a credit note as it was issued, or write it to files."""
    with session("read an invoice") as current:
        engagement_id = reading(current, engagement, f"invoice {number}")
        with current.database.transaction(current.context.within(engagement_id)) as tx:
            document = issued_document(tx, engagement_id, number)
    from openbpo.billing.documents import writing

    makers: tuple[tuple[Path | None, Callable[[IssuedDocument], bytes]], ...] = (
        (pdf, writing.as_pdf),
        (xlsx, writing.as_xlsx),
        (xml, writing.as_xml),
    )
    written = [_written(path, make(document)) for path, make in makers if path is not None]
    if as_json:
        say_json({"document": document, "written": written})
        return
    for name in written:
        say(f"{number} is written to {name}.")
    if not written:
        for line in writing.as_text(document):
            say(line)


def _written(path: Path, content: bytes) -> str:
    try:
        if path.exists() and path.read_bytes() != content:
            raise Refusal.of(str(path), "Something has this name.", "Name another file.")
        path.write_bytes(content)
    except OSError as error:
        raise Unavailable.of(
            str(path), f"It cannot be written: {error.strerror}.", "Name another place."
        ) from error
    return str(path)


def pay(
    engagement: Engagement,
    number: Number,
    amount: Annotated[
        str, typer.Option("--amount", help="As 1500.00; with a minus for what was given back.")
    ],
    reference: Annotated[
        str, typer.Option("--reference", help="The bank's or your own; each payment has another.")
    ],
    day: Annotated[
        str | None, typer.Option("--day", help="When it was paid, as 2012-02-29; else today.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Record what was paid on an invoice, in full or in part."""
    with session("record a payment") as current:
        engagement_id = find_engagement(current, engagement)
        if day is None:
            with current.database.transaction(current.context.within(engagement_id)) as tx:
                paid_on = today(tx, engagement_id)
        else:
            paid_on = _day(day, "--day")
        found = actions.pay(
            current.database, current.context, engagement_id, number,
            amount=amount, day=paid_on, reference=reference,
        )  # fmt: skip
    account = found.account
    if as_json:
        say_json({"new": found.is_new, **account_json(account)})
        return
    known = "" if found.is_new else " was recorded already"
    payment = found.payment
    say(f"{number}: {payment.amount} on {payment.day}, {payment.reference}{known}.")
    say(f"Paid {account.paid} of {account.issued.total}: {account.status.value}.")


def board(
    engagement: Engagement,
    period: Annotated[
        str | None, typer.Option("--period", help="As 2012-02; all without it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how far each month has come on its way to be paid, what blocks it, which clock runs."""
    with session("read the board") as current:
        engagement_id = reading(current, engagement, "board")
        with current.database.transaction(current.context.within(engagement_id)) as tx:
            found = standings(tx, engagement_id, [period] if period else None)
    if as_json:
        say_json([standing_json(one) for one in found])
        return
    for one in found:
        say_wrapped(f"{one.period}  {one.step.value}{_doing(one)}", "  ")


def _doing(one: Standing) -> str:
    told = [
        f"{blocked.block.value}"
        + (f" ({blocked.count:,})" if blocked.count else "")
        + (f": {blocked.note}" if blocked.note else "")
        for blocked in one.blocks
    ]
    if one.clock is not None:
        past = "was over at" if one.clock.is_over else "until"
        told.append(f"{one.clock.clock.value}: {past} {instant_text(one.clock.until)}")
    return "".join(f"; {sentence}" for sentence in told)


def standing_json(one: Standing) -> dict[str, Any]:
    """Return where a period stands, for programs."""
    return {
        "period": one.period,
        "step": one.step.value,
        "blocks": [
            {"block": blocked.block.name.lower(), "count": blocked.count, "note": blocked.note}
            for blocked in one.blocks
        ],
        "clock": one.clock
        and {
            "clock": one.clock.clock.name.lower(),
            "until": instant_text(one.clock.until),
            "is_over": one.clock.is_over,
        },
        "in_dispute": one.in_dispute.amount,
        "currency": one.in_dispute.currency,
    }


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as fault:
        raise Refusal.of(option, f"{text!r} is no day.", "Write it as 2012-02-29.") from fault


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(issue)
    app.command()(invoices)
    app.command("issued")(issued_)
    app.command()(cancel)
    app.command()(pay)
    app.command()(board)
