"""Billing in Chromium: a month is closed, a line is settled, a cent is followed to its event."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openbpo.billing.closing.model import State
from openbpo.billing.disputes.model import DisputeState
from openbpo.billing.issuing.model import Status
from openbpo.storage.database import Database
from tests.support import ticket
from tests.surfaces.conftest import MakePerson, OpenBrowser, Seen, let_in
from tests.surfaces.months import JULY, Months

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
Check = Callable[[Any], None]
SignedIn = Callable[..., Seen]


@pytest.fixture
def months(databases: tuple[Database, Database], tmp_path: Path) -> Months:
    """May, June and July 2012, whole."""
    found = Months.of(databases, tmp_path)
    found.takes_in({f"July {n}": ticket("standard", *JULY) for n in range(1, 61)})
    return found


@pytest.fixture
def signed_in(browser_page: OpenBrowser, person: MakePerson, months: Months) -> SignedIn:
    """Let somebody in at the months, and sign in."""

    def make(role: str, width: int = 1280, theme: str = "light") -> Seen:
        who = person()
        let_in(months.desk, who, role)
        seen = browser_page(width, theme)
        seen.sign_in(who)
        return seen

    return make


def press(seen: Seen, word: str) -> None:
    """Press a button or follow a link of a name by the keyboard alone."""
    for _ in range(300):
        seen.page.keyboard.press("Tab")
        now = seen.page.evaluate(
            "(document.activeElement?.innerText || '').replaceAll('\\u00a0', ' ').trim()"
        )
        if now == word or now.startswith(f"{word}\n"):
            with seen.page.expect_navigation():
                seen.page.keyboard.press("Enter")
            return
    raise AssertionError(f"no way leads to {word!r} by keyboard at {seen.page.url}")


def write(seen: Seen, name: str, text: str) -> None:
    """Come to a field by the keyboard, and write into it."""
    for _ in range(300):
        seen.page.keyboard.press("Tab")
        if seen.page.evaluate("document.activeElement?.name") == name:
            seen.page.keyboard.press("Control+A")
            seen.page.keyboard.type(text)
            return
    raise AssertionError(f"no field {name!r} by keyboard at {seen.page.url}")


def text_of(seen: Seen) -> str:
    return str(seen.page.inner_text("main")).replace("\u00a0", " ")


def test_a_clerk_closes_a_month_with_one_blocker_by_keyboard(
    months: Months, signed_in: SignedIn, check_accessible: Check
) -> None:
    months.issues("2012-05")
    clerk, owner = signed_in("provider-billing"), signed_in("client-owner", 390)
    at = f"/e/{months.desk.handle}/billing"
    clerk.open("/billing?period=2012-07")
    assert "July 2012: 1 invoice, 1 blocker" in text_of(clerk)
    check_accessible(clerk.page)
    press(clerk, "Look at the blocker")
    assert "Not yet: June 2012 is still open" in text_of(clerk)
    check_accessible(clerk.page)
    press(clerk, "June 2012 is still open")
    press(clerk, "Report")
    assert "The month is reported" in text_of(clerk)
    clerk.open(f"{at}/2012-07")
    assert "What blocks it" not in text_of(clerk)
    press(clerk, "Report")
    owner.open(f"{at}/2012-07")
    assert "The provider may then invoice" in text_of(owner)
    check_accessible(owner.page)
    press(owner, "Agree")
    assert "You agreed to the month." in text_of(owner)
    clerk.open(f"{at}/2012-07")
    write(clerk, "order", "PO-2012-07")
    press(clerk, "Issue the invoice")
    assert "is issued." in text_of(clerk)
    [issued] = [one.issued for one in months.accounts() if one.issued.period == "2012-07"]
    assert issued.document["order"] == "PO-2012-07"
    clerk.page.fill("[name=day]", str(issued.issue_date))
    write(clerk, "reference", "BANK-1")
    press(clerk, "Record the payment")
    assert "July 2012: " in text_of(clerk)
    assert "paid" in clerk.page.inner_text("h1")
    check_accessible(clerk.page)
    [account] = [one for one in months.accounts() if one.issued.period == "2012-07"]
    assert account.status is Status.PAID


def test_a_line_is_disputed_offered_settled_and_stands_on_the_next_invoice(
    months: Months, signed_in: SignedIn, check_accessible: Check
) -> None:
    months.closes("2012-05", State.REPORTED)
    clerk, owner = signed_in("provider-billing"), signed_in("client-owner")
    at = f"/e/{months.desk.handle}/billing"
    owner.open(f"{at}/2012-05")
    owner.page.locator("#line-1 a", has_text="Dispute this line").click()
    owner.page.fill("[name=reason]", "Ten were our own")
    owner.page.fill("[name=quantity]", "40")
    owner.page.click("button[value=look]")
    assert "380.00 EUR are in dispute" in text_of(owner)
    check_accessible(owner.page)
    owner.page.dblclick("button[value=dispute]")
    owner.page.wait_for_url("**/disputes/1")
    assert "Client says 1,520.00 EUR" in text_of(owner)
    assert len(months.all_disputes()) == 1
    clerk.open(f"{at}/2012-05")
    assert "380.00 EUR in dispute" in text_of(clerk)
    clerk.page.locator("#line-1 a", has_text="Dispute 1").click()
    clerk.page.fill("[name=offer]", "1700.00")
    clerk.page.click("text=Look what it would change")
    assert "−200.00 EUR, and −44.00 EUR of tax" in text_of(clerk)
    check_accessible(clerk.page)
    clerk.page.click("text=Offer it")
    owner.page.reload()
    owner.page.click("button:text-is('Accept')")
    assert "Settled at 1,700.00 EUR instead of 1,900.00 EUR" in text_of(owner)
    check_accessible(owner.page)
    [found] = months.all_disputes()
    assert found.state is DisputeState.SETTLED
    months.closes("2012-05", State.AGREED)
    owner.open(f"{at}/2012-06")
    assert "Settlement of 2012-05" in text_of(owner)
    issued = months.issues("2012-06")
    assert issued.settles == (1,)
    clerk.open(f"/e/{months.desk.handle}/invoices/{issued.number}")
    assert "−200.00" in text_of(clerk)
    check_accessible(clerk.page)


def test_a_cent_is_followed_from_the_total_to_an_event_by_clicks(
    months: Months, signed_in: SignedIn, check_accessible: Check
) -> None:
    months.issues("2012-05")
    auditor = signed_in("client-auditor", 390, "dark")
    page = auditor.page
    auditor.open(f"/e/{months.desk.handle}/")
    page.click("nav.side >> text=Billing")
    page.click(".board a.card:has-text('May 2012')")
    page.click("#sum-total summary")
    page.click("#sum-total a:has-text('net')")
    page.click("#sum-net summary")
    page.click("#sum-net a:has-text('line 2')")
    page.click("#line-2 summary")
    check_accessible(page)
    page.click("#line-2 tr:last-child a")
    assert "10 cases billed as units 51 – 60" in text_of(auditor)
    check_accessible(page)
    page.click("main tbody tr:first-child a")
    page.wait_for_load_state()
    assert "Slow 19" in text_of(auditor)
    assert "closed" in text_of(auditor).lower()
    check_accessible(page)


@pytest.mark.parametrize(
    ("width", "theme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
)
def test_every_page_is_open_to_everybody(
    months: Months, signed_in: SignedIn, check_accessible: Check, width: int, theme: str
) -> None:
    issued = months.issues("2012-05")
    months.closes("2012-06", State.REPORTED)
    months.disputes("2012-06", "tickets-closed/1", "1800.00")
    seen = signed_in("operator", width, theme)
    at = f"/e/{months.desk.handle}"
    for path in (
        "/billing?period=2012-06", f"{at}/billing", f"{at}/billing/2012-05",
        f"{at}/billing/2012-06", f"{at}/billing/2012-07", f"{at}/billing/2012-06/disputes/1",
        f"{at}/billing/2012-06/dispute?line=tickets-closed/51", f"{at}/invoices",
        f"{at}/invoices/{issued.number}",
        f"{at}/billing/2012-05/cases?figure=charge:tickets-closed&outcome=billed",
    ):  # fmt: skip
        seen.open(path)
        seen.page.evaluate("document.querySelectorAll('details').forEach((e) => e.open = true)")
        check_accessible(seen.page)
        wide = seen.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{path} is {wide} px wide"
        assert seen.page.locator("main .go").count() <= 1, path


def test_what_is_printed_is_an_invoice_on_one_page(months: Months, signed_in: SignedIn) -> None:
    issued = months.issues("2012-05")
    seen = signed_in("client-auditor")
    seen.open(f"/e/{months.desk.handle}/billing/2012-05")
    seen.page.emulate_media(media="print")
    shown = seen.page.inner_text("body")
    assert f"Invoice {issued.number}" in shown
    for gone in ("What was done", "Volumes", "Dispute this line", "where it comes from"):
        assert gone not in shown
    assert seen.page.pdf(format="A4").count(b"/Type /Page\n") == 1


def test_cards_are_walked_by_arrows(months: Months, signed_in: SignedIn) -> None:
    months.issues("2012-05")
    seen = signed_in("provider-billing")
    seen.open(f"/e/{months.desk.handle}/billing")
    seen.page.focus(".board li:nth-child(1) a.card")
    seen.page.keyboard.press("ArrowRight")
    assert "May 2012" in seen.page.evaluate("document.activeElement.innerText")
