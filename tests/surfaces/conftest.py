"""
Pages on the tests' own server.

`visitor("client-owner")` gives a signed-in Django client in an engagement; `site` is a real server
for browsers, and `browser_page` a page of Chromium that notes every violation of the policy.
"""

from __future__ import annotations

import csv
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from openbpo.lines.helpdesk.sample import write_sample as write_tickets
from openbpo.lines.sampling import write_rows
from openbpo.lines.telephone.sample import sample_log
from openbpo.storage.database import Context, Database
from openbpo.storage.installation import Installation
from openbpo.surfaces.web.starting import prepare
from openbpo.trust.roles.actions import grant_role
from openbpo.trust.roles.model import Role
from openbpo.values.ids import EngagementId
from tests.desk import Desk
from tests.desks import PRIVATE
from tests.support import EXAMPLE, REPOSITORY, agreement_at

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="session")
def django(installed: Installation) -> None:
    """Django on the tests' own server, its tables up to date."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # a browser's driver keeps a loop in our thread
    prepare(installed)


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in."""

    username: str
    password: str
    user: Any

    @property
    def principal(self) -> str:
        return f"user:{self.username}"


MakePerson = Callable[..., Person]


@pytest.fixture
def person(django: None) -> MakePerson:
    """Make somebody who can sign in, of a name that no other test uses."""

    def make(name: str = "Anna Kovacs") -> Person:
        from openbpo.surfaces.web.people.models import User

        username, password = f"p{uuid4().hex[:10]}", f"secret-{uuid4().hex}"
        user = User.objects.create_user(
            username, name=name, email="a@example.com", password=password
        )
        return Person(username, password, user)

    return make


@pytest.fixture
def desk(databases: tuple[Database, Database], context: Context, handle: str) -> Desk:
    """An engagement of the example's agreement, accepted by both, without events."""
    return Desk.opened(databases, context, handle, EXAMPLE, "provider", "client")


@dataclass
class Visitor:
    """Somebody who is signed in, in Django's own client."""

    client: Any
    person: Person
    handle: str = ""
    engagement_id: EngagementId | None = None

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path.replace("HANDLE", self.handle), **more)

    def post(self, path: str, data: Any = None, **more: Any) -> Any:
        return self.client.post(path.replace("HANDLE", self.handle), data or {}, **more)


MakeVisitor = Callable[..., Visitor]


def web_client(**more: Any) -> Any:
    """Return Django's own client, of nobody yet."""
    from django.test import Client

    return Client(SERVER_NAME="localhost", **more)


def let_in(desk: Desk, person: Person, role: str | Role, **span: Any) -> None:
    """Give somebody a role at a desk."""
    with desk.database.transaction(desk.context.within(desk.engagement_id)) as tx:
        grant_role(
            tx,
            desk.engagement_id,
            principal=person.principal,
            handle=desk.handle,
            role=Role(role),
            **span,
        )


@pytest.fixture
def visitor(person: MakePerson, desk: Desk) -> MakeVisitor:
    """Sign somebody in; with a role they are let in at the desk."""

    def make(role: str | None = None, *, at: Desk | None = None) -> Visitor:
        who, where = person(), at or desk
        if role is not None:
            let_in(where, who, role)
        client = web_client()
        client.force_login(who.user)
        return Visitor(client, who, where.handle, where.engagement_id)

    return make


@dataclass
class Site:
    """A server of the pages, for browsers."""

    address: str
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="session")
def site(django: None) -> Iterator[Site]:
    """The real command, serving on a free port."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "openbpo", "web", "--port", str(port)],
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            with closing(socket.socket()) as trying:
                if trying.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, "the server ended"
            time.sleep(0.1)
        yield Site(f"http://localhost:{port}", process)
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Debian's Chromium."""
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@dataclass
class Seen:
    """A page of a browser, and what its console said of faults."""

    page: Any
    site: Site
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> Any:
        return self.page.goto(f"{self.site.address}{path}")

    def sign_in(self, person: Person) -> None:
        self.open("/sign-in")
        self.page.fill("[name=login]", person.username)
        self.page.fill("[name=password]", person.password)
        self.page.click("main button.go")
        self.page.wait_for_load_state()


OpenBrowser = Callable[..., Seen]


@pytest.fixture
def browser_page(chromium: Any, site: Site) -> Iterator[OpenBrowser]:
    """Open a page of a width and a theme; at the end nothing may have broken the policy."""
    opened: list[tuple[Any, Seen]] = []

    def make(width: int = 1280, theme: str = "light", **more: Any) -> Seen:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, **more
        )
        seen = Seen(context.new_page(), site)
        seen.page.on(
            "console",
            lambda said: (
                seen.faults.append(said.text)
                if said.type == "error" and "status of 4" not in said.text
                else None
            ),
        )
        seen.page.on("pageerror", lambda error: seen.faults.append(str(error)))
        seen.page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((site.address, "data:"))
                else seen.faults.append(f"asked {request.url}")
            ),
        )
        opened.append((context, seen))
        return seen

    yield make
    for context, seen in opened:
        context.close()
        assert seen.faults == []


@pytest.fixture
def check_accessible() -> Callable[[Any], None]:
    """Fail where axe finds anything serious or critical on the page as it stands."""
    from axe_playwright_python.sync_playwright import Axe

    axe = Axe()

    def check(page: Any) -> None:
        found = axe.run(page).response["violations"]
        grave = [
            (one["id"], one["impact"], [node["html"][:160] for node in one["nodes"]])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert grave == [], page.url

    return check


# --- Service levels and disputes -------------------------------------------------------------

LEVELS_OF_85 = """service_levels:
  - measure: answered-in-time
    clause: Order 1, Schedule 2, 2
    compare_at: 2 decimals
    low_volume: {below: 20, then: no_credit}
    levels:
      - {at_least: 85 %, verdict: met}
      - {at_least: 80 %, below: 85 %, verdict: default, credit: 5 %}
      - {below: 80 %, verdict: default, credit: 10 %}
credit:
  clause: Order 1, Schedule 2, 3
  combine: rates_added
  of: fees-of-the-month
  line: one
"""


def call_centre(databases: tuple[Database, Database], folder: Path, *months: str) -> Desk:
    """Return a telephone service, levels of 85 and 80 %, months reported; 2025-09 is 84.22 %."""
    own = Context(principal=f"tester-{uuid4().hex[:12]}", purpose="test")
    shutil.copytree(
        REPOSITORY / "examples" / "telephone", folder / "agreement",
        ignore=shutil.ignore_patterns(".*"),
    )  # fmt: skip
    (folder / "agreement" / "regime.yaml").write_text(LEVELS_OF_85, encoding="utf-8")
    desk = Desk.opened(
        databases, own, f"calls-{uuid4().hex[:8]}", folder / "agreement", "provider", "client"
    )
    header, *rows = sample_log(2025, 7, "staffed")
    starts = tuple(month[2:].replace("-", "") for month in months)
    write_rows(
        folder / "calls.tsv", [header, *(row for row in rows if row[5].startswith(starts))], "\t"
    )
    desk.imports(folder / "calls.tsv")
    for month in months:
        desk.closes(month)
    return desk


@pytest.fixture(scope="session")
def centre(databases: tuple[Database, Database], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A telephone service of three months, to be read alone."""
    return call_centre(databases, tmp_path_factory.mktemp("calls"), "2025-07", "2025-08", "2025-09")


@pytest.fixture
def new_centre(databases: tuple[Database, Database], tmp_path: Path) -> Desk:
    """A telephone service of one month, in which a test may act."""
    return call_centre(databases, tmp_path, "2025-09")


@pytest.fixture(scope="session")
def help_desk(
    databases: tuple[Database, Database], tmp_path_factory: pytest.TempPathFactory
) -> Desk:
    """A help desk of three months of 2025, the first reported, to be read alone."""
    folder = tmp_path_factory.mktemp("tickets")
    own = Context(principal=f"tester-{uuid4().hex[:12]}", purpose="test")
    agreement = agreement_at(folder / "agreement", {"data.yaml": [PRIVATE]})
    desk = Desk.opened(
        databases, own, f"tickets-{uuid4().hex[:8]}", agreement, "provider", "client"
    )
    write_tickets(folder / "tickets.csv", 2025, 7)
    with (folder / "tickets.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    rows = [row for row in rows if row[3] < "2025/04"]
    write_rows(folder / "first.csv", [header, *rows])
    desk.imports(folder / "first.csv")
    desk.closes("2025-01")
    return desk
