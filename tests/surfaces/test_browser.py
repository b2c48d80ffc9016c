"""Pages as people see them: in Chromium, in both themes, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.desk import Desk
from tests.surfaces.conftest import MakePerson, OpenBrowser, let_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

LOOKS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
PAGES = (
    "/", "/?all", "/e/HANDLE/", "/e/HANDLE/people", "/account", "/account/password",
    "/account/factors", "/parts", "/nothing", "/programmes", "/e/HANDLE/agreement",
    "/e/HANDLE/evidence", "/e/HANDLE/evidence/verify", "/e/HANDLE/evidence/checkpoints",
    "/e/HANDLE/audit", "/e/HANDLE/audit/acts", "/e/HANDLE/audit/grants", "/e/HANDLE/review",
    "/e/HANDLE/service-levels", "/e/HANDLE/disputes",
    "/billing", "/e/HANDLE/billing", "/e/HANDLE/invoices",
    "/bring", "/e/HANDLE/reconcile",
)  # fmt: skip


class TestLooks:
    @pytest.mark.parametrize(("width", "theme"), LOOKS)
    def test_are_open_to_everybody(
        self, browser_page: OpenBrowser, check_accessible: Callable[[Any], None],
        person: MakePerson, desk: Desk, width: int, theme: str,
    ) -> None:  # fmt: skip
        anna = person()
        let_in(desk, anna, "client-owner")
        seen = browser_page(width, theme)
        seen.open("/sign-in")
        check_accessible(seen.page)
        seen.sign_in(anna)
        for path in PAGES:
            seen.open(path.replace("HANDLE", desk.handle))
            check_accessible(seen.page)
            wide = seen.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{path} is {wide} px wide"

    def test_of_the_theme_are_remembered(
        self, browser_page: OpenBrowser, person: MakePerson
    ) -> None:
        seen = browser_page()
        seen.sign_in(person())
        seen.page.click("[data-theme-switch]")
        seen.open("/account")
        assert seen.page.get_attribute("html", "data-theme") == "dark"

    def test_of_the_language_are_remembered(
        self, browser_page: OpenBrowser, person: MakePerson
    ) -> None:
        seen = browser_page()
        seen.sign_in(person())
        seen.page.select_option("#language", "pl")
        seen.page.wait_for_function("document.documentElement.lang === 'pl'")
        seen.open("/account")
        assert seen.page.get_attribute("html", "lang") == "pl"

    def test_lead_by_keyboard_to_the_page(
        self, browser_page: OpenBrowser, person: MakePerson
    ) -> None:
        seen = browser_page()
        seen.sign_in(person())
        seen.page.keyboard.press("Tab")
        assert seen.page.evaluate("document.activeElement.className") == "skip"
        seen.page.keyboard.press("Enter")
        assert seen.page.evaluate("document.activeElement.id") == "main"


class TestFactors:
    def test_of_an_app_are_asked_for_at_the_next_sign_in(
        self, browser_page: OpenBrowser, person: MakePerson
    ) -> None:
        from allauth.mfa.totp.internal.auth import (
            format_hotp_value,
            hotp_value,
            yield_hotp_counters_from_time,
        )

        def code(secret: str) -> str:
            counter = next(iter(yield_hotp_counters_from_time()))
            return format_hotp_value(hotp_value(secret, counter))

        anna = person()
        seen = browser_page()
        seen.sign_in(anna)
        seen.open("/account/factors/app")
        if "/again" in seen.page.url:
            seen.page.fill("[name=password]", anna.password)
            seen.page.click("main button.go")
            seen.page.wait_for_load_state()
        secret = seen.page.input_value("#authenticator_secret")
        seen.page.fill("[name=code]", code(secret))
        seen.page.click("main button.go")
        seen.page.wait_for_url("**/codes")
        assert seen.page.locator("textarea").input_value().count("\n") >= 8
        other = browser_page()
        other.sign_in(anna)
        assert other.page.url.endswith("/sign-in/factor")

    def test_of_a_passkey_sign_in_without_a_password(
        self, browser_page: OpenBrowser, person: MakePerson
    ) -> None:
        anna = person()
        seen = browser_page()
        with_keys(seen.page)
        seen.sign_in(anna)
        seen.open("/account/factors/keys/add")
        if "/again" in seen.page.url:
            seen.page.fill("[name=password]", anna.password)
            seen.page.click("main button.go")
            seen.page.wait_for_load_state()
        seen.page.check("[name=passwordless]")
        seen.page.fill("[name=name]", "Laptop")
        seen.page.click("#mfa_webauthn_add")
        seen.page.wait_for_url("**/codes")
        seen.page.click("header .who form[action='/sign-out'] button")
        seen.page.wait_for_url("**/sign-in*")
        seen.page.click("#passkey_login")
        seen.page.wait_for_url(f"{seen.site.address}/")
        assert anna.user.name in seen.page.inner_text("header")


def with_keys(page: Any) -> None:
    """Give the browser a security key of its own, which answers by itself."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
