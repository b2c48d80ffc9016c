"""Who is let in to which page, and what everybody else is told."""

import ast
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from openbpo.record.readings import readings
from openbpo.storage.database import Context, Database
from openbpo.trust.roles.actions import revoke_role
from openbpo.trust.roles.model import RIGHTS, Right, Role
from tests.desk import Desk
from tests.support import EXAMPLE, REPOSITORY
from tests.surfaces.conftest import MakePerson, MakeVisitor, web_client

WEB = REPOSITORY / "src" / "openbpo" / "surfaces" / "web"


class TestCommandLine:
    @pytest.mark.parametrize("module", ["openbpo.surfaces.cli.main", "openbpo.surfaces.processes"])
    def test_loads_no_django(self, module: str) -> None:
        code = (
            f"import sys, {module}; print([m for m in sys.modules"
            " if m.split('.')[0] in ('django', 'allauth', 'granian', 'babel')])"
        )
        ran = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert ran.stdout.strip() == "[]"


SIGNED_OUT = {
    "account_login", "account_inactive", "account_signup", "mfa_authenticate",
    "mfa_login_webauthn", "set_language", "account_logout",
}  # fmt: skip


class TestAddresses:
    def patterns(self) -> list[Any]:
        from django.urls import get_resolver

        return list(get_resolver().url_patterns)

    def test_of_ours_are_all_of_declared_pages(self, django: None) -> None:
        from openbpo.surfaces.web.urls import SIGNING_IN
        from openbpo.surfaces.web.visits import PAGES

        for pattern in self.patterns():
            if pattern in SIGNING_IN:
                continue
            declared = pattern.callback.declared
            assert PAGES[pattern.name] is declared
            if "<handle>" in str(pattern.pattern):
                assert isinstance(declared.needs, Right)
            else:
                assert declared.needs is None

    def test_lead_nobody_in_who_is_not_signed_in(self, django: None) -> None:
        for pattern in self.patterns():
            path = "/" + str(pattern.pattern)
            for part, value in {"<handle>": "x", "<int:pk>": "1"}.items():
                path = path.replace(part, value)
            answer = web_client().get(path)
            if pattern.name in SIGNED_OUT:
                assert answer.status_code in (200, 302, 404, 405), path
            elif answer.status_code != 405:
                assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/sign-in")

    def test_cannot_be_declared_without_a_right(self, django: None) -> None:
        from openbpo.surfaces.web.visits import own_page, page

        with pytest.raises(AssertionError, match="names the right"):
            page("e/<handle>/secret", needs=None)  # type: ignore[arg-type]
        with pytest.raises(AssertionError, match="names the right"):
            own_page("e/<handle>/secret")


class TestEngagement:
    def test_is_shown_to_whoever_has_a_role(self, visitor: MakeVisitor) -> None:
        answer = visitor("client-owner").get("/e/HANDLE/")
        assert answer.status_code == 200

    def test_is_not_there_for_others_as_one_that_does_not_exist(self, visitor: MakeVisitor) -> None:
        stranger = visitor()
        theirs = stranger.get("/e/HANDLE/people")
        nobodys = stranger.get("/e/there-is-none-of-this-name/people")
        assert theirs.status_code == nobodys.status_code == 404
        assert _without_token(theirs) == _without_token(nobodys).replace(
            b"there-is-none-of-this-name", stranger.handle.encode()
        )

    def test_page_that_the_role_does_not_open_says_so(self, visitor: MakeVisitor) -> None:
        assert visitor("client-user").get("/e/HANDLE/people").status_code == 403

    def test_is_gone_when_the_role_is_taken_back(self, visitor: MakeVisitor, desk: Desk) -> None:
        anna = visitor("client-owner")
        assert anna.get("/e/HANDLE/").status_code == 200
        with desk.database.transaction(desk.context.within(desk.engagement_id)) as tx:
            assert revoke_role(tx, desk.engagement_id, principal=anna.person.principal)
        assert anna.get("/e/HANDLE/").status_code == 404

    @pytest.mark.parametrize(("days", "status"), [((1, 2), 404), ((-2, -1), 404), ((-1, 1), 200)])
    def test_is_there_while_the_role_lasts(
        self, visitor: MakeVisitor, admin: Any, days: tuple[int, int], status: int
    ) -> None:
        anna = visitor("client-owner")
        admin.execute(
            "UPDATE sec.engagement_grant SET valid_from = now() + %s, valid_until = now() + %s"
            " WHERE principal = %s",
            [*(timedelta(days=n) for n in days), anna.person.principal],
        )
        assert anna.get("/e/HANDLE/").status_code == status

    def test_of_others_is_behind_no_address(
        self, visitor: MakeVisitor, databases: tuple[Database, Database], desk: Desk
    ) -> None:
        """Every page of an engagement, tried by somebody of another one, in every way."""
        from openbpo.surfaces.web.visits import PAGES

        another = Context(principal=f"other-{desk.handle}", purpose="test")
        own = Desk.opened(databases, another, f"own-{desk.handle}", EXAMPLE)
        stranger = visitor("client-owner", at=own)
        assert stranger.get("/e/HANDLE/").status_code == 200
        stranger.handle = desk.handle
        for page in PAGES.values():
            if page.needs is None:
                continue
            path = "/" + re.sub(r"<\w+>", "x", page.path.replace("<handle>", "HANDLE"))
            for method in page.methods:
                ask = stranger.post if method == "POST" else stranger.get
                assert ask(path).status_code == 404, (method, path)

    def test_navigation_holds_what_the_role_opens(self, visitor: MakeVisitor) -> None:
        assert b"/people" in visitor("client-owner").get("/e/HANDLE/").content
        assert b"/people" not in visitor("client-auditor").get("/e/HANDLE/").content

    def test_readings_are_noted(self, visitor: MakeVisitor, desk: Desk) -> None:
        from django.test import RequestFactory

        from openbpo.surfaces.web.numbers import current_locale
        from openbpo.surfaces.web.visits import PAGES, Visitor, _let_in

        anna = visitor("client-owner")
        request = RequestFactory().get("/")
        request.user = anna.person.user
        visit = _let_in(
            Visitor(request=request, declared=PAGES["engagement"], locale=current_locale()),
            anna.handle,
        )
        with visit.reading("service levels of 2012-02"):
            pass
        with desk.database.transaction(desk.context.within(desk.engagement_id)) as tx:
            [noted] = readings(tx, desk.engagement_id)
        assert f'"by":"{anna.person.principal}"' in noted.told
        assert '"what":"service levels of 2012-02"' in noted.told


def _without_token(answer: Any) -> bytes:
    return re.sub(rb"[A-Za-z0-9]{64}", b"", answer.content)


class TestHome:
    def test_says_how_to_begin(self, visitor: MakeVisitor) -> None:
        answer = visitor().get("/")
        assert b"openbpo people grant" in answer.content

    def test_leads_on_to_the_only_engagement(self, visitor: MakeVisitor) -> None:
        anna = visitor("client-owner")
        assert anna.get("/")["Location"] == f"/e/{anna.handle}/"


class TestPeople:
    def test_lets_in_of_its_own_side(
        self, visitor: MakeVisitor, person: MakePerson, desk: Desk
    ) -> None:
        anna, bert = visitor("client-owner"), person("Bert Lind")
        asked = {"username": bert.username, "role": "client-auditor", "until": ""}
        assert anna.post("/e/HANDLE/people", asked).status_code == 302
        listed = anna.get("/e/HANDLE/people").content
        assert b"Bert Lind" in listed

    def test_lets_nobody_in_on_the_other_side(
        self, visitor: MakeVisitor, person: MakePerson
    ) -> None:
        anna, bert = visitor("client-owner"), person("Bert Lind")
        asked = {"username": bert.username, "role": "provider-contract", "until": ""}
        answer = anna.post("/e/HANDLE/people", asked)
        assert answer.status_code == 200
        assert b"wrong" in answer.content

    def test_takes_nothing_back_from_whoever_opened_it(
        self, visitor: MakeVisitor, desk: Desk
    ) -> None:
        asked = {"principal": desk.context.principal}
        assert visitor("client-owner").post("/e/HANDLE/people/revoke", asked).status_code == 422
        assert visitor("operator").post("/e/HANDLE/people/revoke", asked).status_code == 422


class TestRoles:
    def test_have_all_their_rights_named(self) -> None:
        assert RIGHTS.keys() == set(Role)
        assert RIGHTS[Role.OPERATOR] == set(Right)
        for right in Right:
            assert any(right in RIGHTS[role] for role in Role if role is not Role.OPERATOR), right

    def test_of_the_provider_agree_to_nothing_for_the_client(self) -> None:
        for role in Role:
            if role.side == "provider":
                assert not RIGHTS[role] & {Right.AGREE_PERIOD, Right.DISPUTE_LINE}
            if role.side == "client":
                assert not RIGHTS[role] & {Right.REPORT_PERIOD, Right.ISSUE_INVOICE}


class TestSecurity:
    def test_policy_stands_on_every_answer(self, visitor: MakeVisitor) -> None:
        anna = visitor("client-owner")
        for path in ("/", "/e/HANDLE/", "/nothing", "/sign-in", "/account", "/static/no.css"):
            policy = anna.get(path)["Content-Security-Policy"]
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy

    def test_templates_hold_no_inline_style_or_script(self) -> None:
        for template in (WEB / "templates").rglob("*.html"):
            text = template.read_text(encoding="utf-8")
            if (
                template.parent.name == "pack"
            ):  # it opens from a file, and its policy names its style
                assert "<script" not in text
                continue
            assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:", text), template
            for script in re.findall(r"<script[^>]*>", text):
                assert "src=" in script or 'type="application/json"' in script, template

    def test_cookies_are_kept_from_scripts_and_other_sites(self, person: MakePerson) -> None:
        anna, client = person(), web_client()
        answer = client.post("/sign-in", {"login": anna.username, "password": anna.password})
        assert answer.status_code == 302
        cookie = client.cookies["openbpo_session"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"

    def test_a_form_without_its_token_changes_nothing(self, visitor: MakeVisitor) -> None:
        anna = visitor("client-owner")
        strict = web_client(enforce_csrf_checks=True)
        strict.force_login(anna.person.user)
        assert strict.post(f"/e/{anna.handle}/people", {"username": "x"}).status_code == 403

    @pytest.mark.parametrize(("key", "ago_s"), [("first_seen_s", 28_900), ("last_seen_s", 1_900)])
    def test_sessions_end(self, visitor: MakeVisitor, key: str, ago_s: int) -> None:
        anna = visitor("client-owner")
        assert anna.get("/e/HANDLE/").status_code == 200
        session = anna.client.session
        session[key] = session[key] - ago_s
        session.save()
        assert anna.get("/e/HANDLE/")["Location"].startswith("/sign-in")

    def test_a_new_password_ends_the_sessions_of_the_old_one(self, visitor: MakeVisitor) -> None:
        anna = visitor("client-owner")
        assert anna.get("/e/HANDLE/").status_code == 200
        anna.person.user.set_password("another-secret-of-hers")
        anna.person.user.save()
        assert anna.get("/e/HANDLE/")["Location"].startswith("/sign-in")

    def test_who_guesses_passwords_has_to_wait(self, person: MakePerson) -> None:
        anna = person()
        guess = {"login": anna.username, "password": "guess"}
        for _ in range(5):
            web_client().post("/sign-in", guess)
        right = {"login": anna.username, "password": anna.password}
        answer = web_client().post("/sign-in", right)
        assert answer.status_code == 200, "signed in after five guesses"

    def test_web_tables_lie_in_their_own_schema(self, django: None, admin: Any) -> None:
        found = admin.execute(
            "SELECT count(*), bool_and(pg_get_userbyid(relowner) = 'openbpo_web') FROM pg_class"
            " WHERE relnamespace = 'web'::regnamespace AND relkind = 'r'"
        ).fetchone()
        assert found[0] > 5
        assert found[1]


class TestCaseData:
    READERS = frozenset(
        {
            "events_of_cases", "events_of_active_cases", "openings", "openings_of_cases",
            "lines_of_recording", "RecordedEvent", "work_of", "work_from",
        }
    )  # fmt: skip

    def test_reaches_pages_through_showing_alone(self) -> None:
        faults = [
            f"{path.name}: {name}"
            for path in WEB.rglob("*.py")
            if path.name != "showing.py"
            for name in _names(path)
            if name in self.READERS
        ]
        assert faults == []


def _names(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
             for alias in node.names}  # fmt: skip
    return names | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


class TestDoor:
    def test_opens_again_when_its_session_was_lost(self, visitor: MakeVisitor, admin: Any) -> None:
        from django.db import close_old_connections, connection

        from openbpo.surfaces.web.doors import database

        anna = visitor("client-owner")
        assert anna.get("/e/HANDLE/").status_code == 200
        for held in (connection.connection, database()._connection):
            admin.execute("SELECT pg_terminate_backend(%s)", [held.info.backend_pid])
        close_old_connections()  # as at the start of each request
        assert anna.get("/e/HANDLE/").status_code == 200


class TestFailures:
    def test_that_are_refusals_name_the_remedy(self, visitor: MakeVisitor, desk: Desk) -> None:
        answer = visitor("client-owner").post(
            "/e/HANDLE/people/revoke", {"principal": desk.context.principal}
        )
        assert answer.status_code == 422
        assert b"Ask an operator" in answer.content

    def test_of_ours_tell_nothing_but_what_to_do(
        self, visitor: MakeVisitor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from openbpo.surfaces.web import visits

        anna = visitor("client-owner")
        anna.client.raise_request_exception = False

        def fail() -> None:
            raise RuntimeError("the password is 4711")

        monkeypatch.setattr(visits, "database", fail)
        answer = anna.get("/e/HANDLE/")
        assert answer.status_code == 500
        assert b"4711" not in answer.content
        assert b"Nothing was lost" in answer.content
