"""A newcomer with a file, in Chromium: to the verdict, through refused rows, away and back."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support import REPOSITORY
from tests.surfaces.bringing import tickets
from tests.surfaces.conftest import MakePerson, OpenBrowser, Seen

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Check = Callable[[Any], None]
WITHIN_S = 120
DROP = """([name, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const held = new DataTransfer();
  held.items.add(new File([bytes], name, {type: "text/csv"}));
  const form = document.querySelector("[data-drop-zone]");
  for (const kind of ["dragenter", "dragover", "drop"])
    form.dispatchEvent(new DragEvent(kind, {dataTransfer: held, bubbles: true, cancelable: true}));
}"""


@contextmanager
def working() -> Iterator[None]:
    """A worker of its own, as `openbpo up` starts one."""
    process = subprocess.Popen(
        [sys.executable, "-m", "openbpo", "work"], cwd=REPOSITORY, stdout=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def drop(seen: Seen, name: str, content: bytes) -> None:
    seen.page.evaluate(DROP, [name, base64.b64encode(content).decode()])


def fill_terms(page: Any, **more: str) -> None:
    told = {"client": "Acme Inc.", "provider": "Desk Ltd.", "country": "US", **more}
    for name, value in told.items():
        page.fill(f"[name={name}]", value)


def to_import(seen: Seen, content: bytes, look: Check = lambda _page: None) -> None:
    """Drop a file and go through both forms, to the page of its import."""
    page = seen.page
    seen.open("/bring")
    look(page)
    drop(seen, "tickets.csv", content)
    page.click("main button.go")
    page.wait_for_selector("table tbody tr")
    look(page)
    page.click("button[name=go]")
    page.wait_for_url("**/terms")
    look(page)
    fill_terms(page)
    page.click("form.terms button.go")
    page.wait_for_url("**/imports/*")
    look(page)


def wide_at_most(page: Any, width: int) -> None:
    found = page.evaluate("document.documentElement.scrollWidth")
    assert found <= width, f"{page.url} is {found} px wide"


class TestANewcomer:
    def test_drops_twenty_thousand_rows_and_has_a_verdict_in_time(
        self, browser_page: OpenBrowser, person: MakePerson, check_accessible: Check
    ) -> None:
        seen = browser_page(timezone_id="America/New_York")
        seen.sign_in(person())
        content = tickets(20_000)
        with working():
            began = time.monotonic()
            to_import(seen, content)
            seen.page.wait_for_selector("h2#verdict", timeout=WITHIN_S * 1000)
            assert time.monotonic() - began < WITHIN_S
        check_accessible(seen.page)
        told = seen.page.inner_text("main")
        assert "20,000 read = 20,000 accepted" in told
        assert "Service credit" in told
        with seen.page.expect_download() as given:
            seen.page.click("text=The agreement's files (zip)")
        assert given.value.suggested_filename.endswith(".zip")

    @pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
    def test_finds_every_page_accessible(
        self, browser_page: OpenBrowser, person: MakePerson, check_accessible: Check,
        width: int, theme: str,
    ) -> None:  # fmt: skip
        def look(page: Any) -> None:
            check_accessible(page)
            wide_at_most(page, width)

        seen = browser_page(width, theme)
        seen.sign_in(person())
        to_import(seen, tickets(300, bad=2), look)
        address = seen.page.url
        with working():
            seen.page.wait_for_selector("h2#refused", timeout=30_000)
        look(seen.page)
        handle = address.split("/")[4]
        for path in ("imports", "reconcile", "imports?page=9"):
            seen.open(f"/e/{handle}/{path}")
            look(seen.page)

    def test_is_told_at_the_field_and_goes_on(
        self, browser_page: OpenBrowser, person: MakePerson, check_accessible: Check
    ) -> None:
        seen = browser_page()
        seen.sign_in(person())
        page = seen.page
        seen.open("/bring")
        drop(seen, "page.csv", b"<!doctype html><title>no table</title>")
        page.click("main button.go")
        page.wait_for_selector(".wrong")
        assert "This is a web page" in page.inner_text(".wrong")
        check_accessible(page)
        drop(seen, "tickets.csv", tickets(100))
        page.click("main button.go")
        page.wait_for_url("**/bring/*")
        page.select_option("#column-1", "time")
        page.click("button[name=go]")
        page.wait_for_selector("#column-1_error")
        check_accessible(page)
        page.select_option("#column-1", "fact")
        page.click("button[name=go]")
        page.wait_for_url("**/terms")
        fill_terms(page, within="soon")
        page.click("form.terms button.go")
        page.wait_for_selector("#id_within_error")
        check_accessible(page)
        assert page.input_value("[name=client]") == "Acme Inc."


class TestAFileWithBadRows:
    def test_is_mended_and_comes_in(
        self, browser_page: OpenBrowser, person: MakePerson, tmp_path: Path
    ) -> None:
        seen = browser_page(accept_downloads=True)
        seen.sign_in(person())
        page = seen.page
        with working():
            to_import(seen, tickets(500, bad=3))
            page.wait_for_selector("h2#refused", timeout=30_000)
            assert "497 rows are in, 3 were refused" in page.inner_text("h1")
            with page.expect_download() as given:
                page.click("main a.go")
            mended = tmp_path / given.value.suggested_filename
            given.value.save_as(mended)
            text = re.sub(r"(,)see mail [0-9]+", r"\g<1>1/5/2026 9:00 AM", mended.read_text())
            mended.write_text(text)
            page.click("text=Bring the mended file")
            page.set_input_files("[name=file]", str(mended))
            page.click("form.drop button")
            page.wait_for_selector("text=3 read = 3 accepted", timeout=30_000)


class TestLeavingThePage:
    def test_in_the_middle_of_an_import_loses_nothing(
        self, browser_page: OpenBrowser, person: MakePerson
    ) -> None:
        seen = browser_page()
        anna = person()
        seen.sign_in(anna)
        page = seen.page
        to_import(seen, tickets(25_000))
        address = page.url
        handle = address.split("/")[4]
        page.close()
        with working():
            again = browser_page()
            again.sign_in(anna)
            again.open(f"/e/{handle}/imports")
            again.page.wait_for_selector("main a:has-text('tickets.csv')")
            again.page.goto(address)
            again.page.wait_for_selector("h2#verdict", timeout=90_000)
        assert "25,000 read = 25,000 accepted" in again.page.inner_text("main")
