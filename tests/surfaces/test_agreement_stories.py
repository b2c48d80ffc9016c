"""What both sides do with the agreement and the evidence, in Chromium."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openbpo.agreements.versions.model import Standing
from openbpo.agreements.versions.queries import terms_in_force, versions
from openbpo.storage.database import Context, Database
from tests.desk import Desk
from tests.support import EXAMPLE
from tests.surfaces.conftest import MakePerson, OpenBrowser, Seen, let_in
from tests.surfaces.test_agreement import PRICE, newest
from tests.surfaces.test_evidence import tampered, work
from tests.surfaces.working import worked_desk

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Check = Callable[[Any], None]


def sit_down(open_: OpenBrowser, person: MakePerson, desk: Desk, role: str, **more: Any) -> Seen:
    """Sign somebody in who has a role at a desk."""
    who = person()
    let_in(desk, who, role)
    seen = open_(**more)
    seen.sign_in(who)
    return seen


def press(seen: Seen, word: str) -> None:
    """Press what has these words, and wait for the page that follows."""
    with seen.page.expect_navigation():
        seen.page.click(f"main :is(a, button):has-text({word!r})")


class TestChangeOrder:
    def test_is_accepted_by_both_sides(
        self, browser_page: OpenBrowser, check_accessible: Check, person: MakePerson, desk: Desk,
        tmp_path: Path,
    ) -> None:  # fmt: skip
        worked_desk(desk, tmp_path)
        provider = sit_down(browser_page, person, desk, "provider-contract")
        provider.open(f"/e/{desk.handle}/agreement")
        press(provider, "Propose a change")
        provider.page.fill("[name=first_day]", "2012-09-01")
        provider.page.fill(f"[name={PRICE}]", "39.00")
        check_accessible(provider.page)
        press(provider, "Put it on the table")
        work(desk.database)
        provider.page.wait_for_selector("text=Months in default", timeout=10_000)
        check_accessible(provider.page)
        press(provider, "Sign it")
        check_accessible(provider.page)
        press(provider, "Sign with the server's key")
        client = sit_down(browser_page, person, desk, "client-owner", width=390)
        client.open(f"/e/{desk.handle}/agreement")
        press(client, "See what changes")
        assert client.page.is_visible("main ins:has-text('39.00')")
        assert "The client would have paid" in client.page.inner_text("h1")
        check_accessible(client.page)
        press(client, "Sign it")
        press(client, "Sign with the server's key")
        assert "Both parties have signed version 2" in client.page.inner_text("main")
        with desk.reading() as it:
            terms = terms_in_force(it.tx, desk.engagement_id, desk.handle)
        assert [one.standing for one in terms] == [Standing.AGREED, Standing.AGREED]

    def test_is_signed_by_a_key_that_the_browser_keeps(
        self, browser_page: OpenBrowser, check_accessible: Check, person: MakePerson,
        databases: tuple[Database, Database], context: Context, handle: str,
    ) -> None:  # fmt: skip
        desk = Desk.opened(databases, context, f"{handle}-b", EXAMPLE, "provider")
        client = sit_down(browser_page, person, desk, "client-owner")
        client.open(f"/e/{desk.handle}/agreement/sign/{newest(desk)}")
        check_accessible(client.page)
        press(client, "Sign with this browser's key")
        assert "Both parties have signed version 1" in client.page.inner_text("main")
        with desk.reading() as it:
            first = versions(it.tx, desk.engagement_id)[0].signatures
        client.open(f"/e/{desk.handle}/agreement/propose/{newest(desk)}")
        client.page.fill(f"[name={PRICE}]", "39.00")
        press(client, "Put it on the table")
        press(client, "Sign it")
        assert not client.page.is_visible("text=Sign with the server's key")
        press(client, "Sign with this browser's key")
        with desk.reading() as it:
            second = versions(it.tx, desk.engagement_id)[1].signatures
        keys = {one.key_id for one in (*first, *second) if one.side == "client"}
        assert len(keys) == 1


class TestPack:
    def test_is_made_fetched_dropped_in_and_refused_once_tampered_with(
        self, browser_page: OpenBrowser, check_accessible: Check, person: MakePerson, desk: Desk,
        tmp_path: Path,
    ) -> None:  # fmt: skip
        worked_desk(desk, tmp_path)
        seen = sit_down(browser_page, person, desk, "client-auditor")
        seen.open(f"/e/{desk.handle}/evidence")
        check_accessible(seen.page)
        seen.page.select_option("[name=first]", "")
        press(seen, "Make it")
        work(desk.database)
        seen.page.reload()
        check_accessible(seen.page)
        with seen.page.expect_download() as fetching:
            seen.page.click("text=Download")
        pack = tmp_path / "desk.pack"
        fetching.value.save_as(pack)
        self.drop(seen, desk, pack)
        assert "desk.pack fits: it is what was sealed" in seen.page.inner_text("h1")
        check_accessible(seen.page)
        other, case = tampered(pack.read_bytes())
        (tmp_path / "other.pack").write_bytes(other)
        self.drop(seen, desk, tmp_path / "other.pack")
        assert "other.pack does not fit" in seen.page.inner_text("h1")
        assert case in seen.page.inner_text("main .notice")
        check_accessible(seen.page)

    def drop(self, seen: Seen, desk: Desk, pack: Path) -> None:
        seen.open(f"/e/{desk.handle}/evidence/verify")
        seen.page.set_input_files("[name=pack]", pack)
        press(seen, "Verify")

    def test_as_a_page_opens_from_the_disk(
        self, browser_page: OpenBrowser, check_accessible: Check, person: MakePerson, desk: Desk,
        tmp_path: Path,
    ) -> None:  # fmt: skip
        worked_desk(desk, tmp_path)
        seen = sit_down(browser_page, person, desk, "client-owner")
        seen.open(f"/e/{desk.handle}/evidence")
        seen.page.select_option("[name=kind]", "page")
        seen.page.select_option("[name=first]", "2012-02")
        press(seen, "Make it")
        work(desk.database)
        seen.page.reload()
        with seen.page.expect_download() as fetching:
            seen.page.click("text=Download")
        page = tmp_path / "february.html"
        fetching.value.save_as(page)
        alone = seen.page.context.new_page()
        faults: list[str] = []
        alone.on("console", lambda said: faults.append(said.text))
        alone.goto(page.as_uri())
        assert "February 2012" in alone.inner_text("h1")
        assert alone.evaluate("getComputedStyle(document.querySelector('h1')).fontWeight") == "600"
        assert faults == []
        alone.close()


class TestReview:
    def test_takes_an_action(
        self, browser_page: OpenBrowser, check_accessible: Check, person: MakePerson, desk: Desk,
        tmp_path: Path,
    ) -> None:  # fmt: skip
        worked_desk(desk, tmp_path)
        seen = sit_down(browser_page, person, desk, "client-owner")
        seen.open(f"/e/{desk.handle}/review?period=2012-01")
        seen.page.fill("[name=said]", "Train the night shift")
        seen.page.fill("[name=due_day]", "2012-02-20")
        press(seen, "Add the action")
        check_accessible(seen.page)
        seen.page.select_option("#period", "2012-02")
        seen.page.wait_for_url("**period=2012-02*")
        assert "Train the night shift" in seen.page.inner_text("main")
        for path in ("/programmes", f"/e/{desk.handle}/audit/acts", f"/e/{desk.handle}/audit"):
            seen.open(path)
            check_accessible(seen.page)
