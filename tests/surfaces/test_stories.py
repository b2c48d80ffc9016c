"""What a client does in the browser: down to the event, what if, by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.desk import Desk
from tests.surfaces.conftest import MakePerson, OpenBrowser, let_in
from tests.surfaces.test_disputes import disputed, refused

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

LOOKS = [(1280, "light"), (390, "dark")]
MEASURE = "/e/{}/service-levels/2025-09/answered-in-time"


class TestDispute:
    def test_is_followed_from_an_amount_down_to_an_event(
        self, browser_page: OpenBrowser, person: MakePerson, new_centre: Desk
    ) -> None:
        disputed(new_centre)
        refused(new_centre)
        anna = person()
        let_in(new_centre, anna, "client-owner")
        seen = browser_page()
        seen.sign_in(anna)
        page = seen.page
        page.click("text=Disputes")
        assert "79.80\u00a0EUR lie in 1 dispute" in page.inner_text("h1")
        page.click("table.rows tbody th a")
        assert "Provider says 85.58\u00a0%, client says 77.00\u00a0%" in page.inner_text("h1")
        assert "79.80\u00a0EUR" in page.inner_text(".judged .money")
        page.click("text=Follow it to its cases")
        assert "84.22\u00a0%" in page.inner_text("h1")
        page.click("table >> text=Late")
        assert "121 cases late" in page.inner_text("h1")
        case = page.inner_text("table.rows tbody tr:first-child th a")
        page.click("table.rows tbody tr:first-child th a")
        assert case in page.inner_text("h1")
        events = page.inner_text("section[aria-labelledby=events]")
        assert "arrived" in events
        assert "waited s" in events
        assert "2.10\u00a0EUR" in page.inner_text("section[aria-labelledby=lines]")

    def test_opens_the_cases_behind_each_cause(
        self, browser_page: OpenBrowser, person: MakePerson, new_centre: Desk
    ) -> None:
        disputed(new_centre)
        refused(new_centre)
        anna = person()
        let_in(new_centre, anna, "client-auditor")
        seen = browser_page()
        seen.sign_in(anna)
        seen.open(f"/e/{new_centre.handle}/disputes/1")
        seen.page.click("section[aria-labelledby=bridge] td a >> nth=0")
        assert "72 cases in: abandoned" in seen.page.inner_text("h1")

    def test_is_settled_by_both_sides(
        self, browser_page: OpenBrowser, person: MakePerson, new_centre: Desk
    ) -> None:
        anna, paul = person("Anna Kovacs"), person("Paul Ward")
        let_in(new_centre, anna, "client-owner")
        let_in(new_centre, paul, "provider-contract")
        hers = browser_page()
        hers.sign_in(anna)
        hers.open(MEASURE.format(new_centre.handle))
        hers.page.click("text=Dispute this credit")
        hers.page.check("form[method=post] input[name=formula][value=a]")
        hers.page.fill("#dispute-reason", "Nobody answered them.")
        hers.page.click("text=Dispute it")
        hers.page.wait_for_url("**/disputes/1")
        his = browser_page()
        his.sign_in(paul)
        his.open(f"/e/{new_centre.handle}/disputes/1")
        his.page.click("summary:has-text('Offer another amount')")
        his.page.fill("#offered-amount", "120.00")
        his.page.check("input[name=formula][value='answered-in-time=d'] >> nth=0")
        his.page.click("button:has-text('Offer')")
        his.page.wait_for_selector("text=Your offer is on the table")
        hers.page.reload()
        hers.page.click("button:has-text('Accept')")
        hers.page.wait_for_selector("text=It is settled at")
        assert "Settled" in hers.page.inner_text(".head .chip")


class TestWhatIf:
    def test_moves_the_money_and_saves_nothing(
        self, browser_page: OpenBrowser, person: MakePerson, centre: Desk
    ) -> None:
        anna = person()
        let_in(centre, anna, "client-owner")
        seen = browser_page()
        seen.sign_in(anna)
        seen.open(MEASURE.format(centre.handle))
        page = seen.page
        assert "79.80\u00a0EUR" in page.inner_text("#supposed")
        page.check("#formula-a")
        page.wait_for_selector("#supposed:has-text('159.60')")
        assert "−79.80\u00a0EUR" in page.inner_text("#supposed")
        assert "?" not in page.url
        page.fill("#low_volume", "5000")
        page.wait_for_selector("#supposed .chip.low")
        page.reload()
        assert page.is_checked("#formula-c")
        assert "As agreed" in page.inner_text("#supposed")

    def test_works_without_scripts(
        self, browser_page: OpenBrowser, person: MakePerson, centre: Desk
    ) -> None:
        anna = person()
        let_in(centre, anna, "client-owner")
        seen = browser_page(java_script_enabled=False)
        seen.sign_in(anna)
        seen.open(MEASURE.format(centre.handle))
        seen.page.check("#formula-d")
        seen.page.click("text=Compute")
        assert "718 of 839" in seen.page.inner_text("#supposed")
        assert seen.page.is_checked("#formula-d")
        seen.open(MEASURE.format(centre.handle))
        assert seen.page.is_checked("#formula-c")


class TestKeyboard:
    def test_leads_from_the_month_to_an_event(
        self, browser_page: OpenBrowser, person: MakePerson, centre: Desk
    ) -> None:
        anna = person()
        let_in(centre, anna, "client-owner")
        seen = browser_page()
        seen.sign_in(anna)
        page = seen.page
        seen.open(f"/e/{centre.handle}/service-levels")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url("**/answered-in-time")
        page.focus("#formula-c")
        page.keyboard.press("ArrowDown")
        page.wait_for_selector("#supposed:has-text('718')")
        assert page.evaluate("document.activeElement.id") == "formula-d"
        _to_link(page, "All cases")
        page.keyboard.press("Enter")
        page.wait_for_url("**/cases")
        page.keyboard.press("j")
        page.keyboard.press("j")
        case = page.evaluate("document.activeElement.textContent")
        page.keyboard.press("Enter")
        page.wait_for_selector("section[aria-labelledby=events]")
        assert case in page.inner_text("h1")


def _to_link(page: Any, word: str) -> None:
    """Press the tab key until a link of these words has the focus."""
    for _ in range(60):
        if page.evaluate("document.activeElement.textContent").strip() == word:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no key leads to {word}")


class TestLooks:
    @pytest.mark.parametrize(("width", "theme"), LOOKS)
    def test_are_open_to_everybody(
        self, browser_page: OpenBrowser, check_accessible: Callable[[Any], None],
        person: MakePerson, new_centre: Desk, help_desk: Desk, width: int, theme: str,
    ) -> None:  # fmt: skip
        disputed(new_centre)
        refused(new_centre)
        anna = person()
        let_in(new_centre, anna, "client-owner")
        let_in(help_desk, anna, "client-owner")
        seen = browser_page(width, theme)
        seen.sign_in(anna)
        measure = MEASURE.format(new_centre.handle)
        for path in (
            f"/e/{new_centre.handle}/disputes", f"/e/{new_centre.handle}/disputes/1",
            f"/e/{new_centre.handle}/service-levels", measure, f"{measure}/cases",
            f"/e/{help_desk.handle}/service-levels?period=2025-02",
            f"/e/{help_desk.handle}/service-levels/2025-02/resolve-standard/cases?sort=-counted_us",
            f"/e/{help_desk.handle}/disputes",
        ):  # fmt: skip
            seen.open(path)
            check_accessible(seen.page)
            wide = seen.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{path} is {wide} px wide"
            if path.endswith("counted_us"):
                seen.page.click("table.rows tbody tr:first-child th a")
                check_accessible(seen.page)
                assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
