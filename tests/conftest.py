"""One embedded server for all tests of a process, in a home of its own; it ends with them."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from openbpo.storage import failpoints, installation, server
from openbpo.storage.database import Context, Database
from openbpo.storage.installation import (
    Installation,
    find_installation,
    open_database,
    open_sealer,
)

MakeDatabase = Callable[..., Installation]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home folder, set for the session; what is started in it is stopped at the end."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as environment:
        for name in (failpoints.VARIABLE, installation.APP_URL, installation.OWNER_URL):
            environment.delenv(name, raising=False)
        environment.setenv("OPENBPO_HOME", str(folder))
        try:
            yield folder
        finally:
            server.stop()


@pytest.fixture(scope="session")
def database(home: Path) -> Iterator[Database]:
    """The application's database, its shape up to date."""
    with open_database() as opened:
        yield opened


@pytest.fixture(scope="session")
def installed(database: Database) -> Installation:
    """The addresses of the database, which is there."""
    return find_installation()


@pytest.fixture(scope="session")
def app_url(installed: Installation) -> str:
    return installed.app_url


@pytest.fixture
def context() -> Context:
    """A principal that no other test knows."""
    return Context(principal=f"tester-{uuid4().hex[:12]}", purpose="test")


@pytest.fixture
def handle() -> str:
    """An engagement's handle that no other test uses."""
    return f"desk-{uuid4().hex[:12]}"


@pytest.fixture
def owner(installed: Installation) -> Iterator[psycopg.Connection[Any]]:
    """A session of the tables' owner: row-level security holds for it too, privileges do not."""
    assert installed.owner_url is not None
    with psycopg.connect(installed.owner_url, autocommit=True) as connection:
        connection.execute("SET ROLE openbpo_owner")
        yield connection


@pytest.fixture
def admin(installed: Installation) -> Iterator[psycopg.Connection[Any]]:
    """A session of the server's administrator in our database: nothing holds for it."""
    address = server.ensure_running()
    with psycopg.connect(address.conninfo(installation.DATABASE), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def make_database(installed: Installation) -> Iterator[MakeDatabase]:
    """Make another database on the server, empty or a copy, as ours is made; gone at the end."""
    numbers, made = itertools.count(1), list[str]()

    def make(template: str = "template1") -> Installation:
        name = f"scratch_{next(numbers)}"
        names = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
        with psycopg.connect(server.ensure_running().conninfo(), autocommit=True) as admin:
            for statement in (
                "CREATE DATABASE {name} OWNER openbpo_owner TEMPLATE {template}",
                "REVOKE ALL ON DATABASE {name} FROM PUBLIC",
                "GRANT CONNECT ON DATABASE {name} TO openbpo_app, openbpo_migrator",
            ):
                admin.execute(sql.SQL(statement).format(**names))
        made.append(name)
        assert installed.owner_url is not None
        return Installation(
            app_url=make_conninfo(installed.app_url, dbname=name),
            owner_url=make_conninfo(installed.owner_url, dbname=name),
        )

    yield make
    with psycopg.connect(server.ensure_running().conninfo(), autocommit=True) as admin:
        for name in made:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            admin.execute(drop)


@pytest.fixture(scope="session")
def databases(database: Database) -> Iterator[tuple[Database, Database]]:
    """The application's database and the sealer's."""
    with open_sealer() as sealer:
        yield database, sealer
