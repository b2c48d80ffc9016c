"""openbpo demo: two engagements with a year each, people who sign in, and the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from openbpo.storage.installation import open_sealer
from openbpo.surfaces.cli.printing import say, table
from openbpo.surfaces.cli.serving import detached, first_free_port
from openbpo.surfaces.cli.session import session
from openbpo.surfaces.demo.people import PEOPLE
from openbpo.surfaces.demo.year import DESK, LINE, Stage, is_set_up, set_up

HOST = "127.0.0.1"


def demo(
    folder: Annotated[Path, typer.Argument(help="Where agreements and logs are written.")] = Path(
        "demo"
    ),
    port: Annotated[
        int | None,
        typer.Option("--port", help="Else the first free one from 8000.", min=1, max=65_535),
    ] = None,
    no_pages: Annotated[bool, typer.Option("--no-pages", help="Set up only.")] = False,
) -> None:
    """Set up two engagements with a year each, and sign-ins for both sides. Then open the pages."""
    with session("demonstration") as current, open_sealer() as sealer:
        stage = Stage(current.database, sealer, current.context, folder, say)
        if is_set_up(stage):
            say(f"{DESK} and {LINE} are set up already.")
        else:
            set_up(stage)
    if not no_pages:
        _say_people()
        say()
        detached(HOST, port or first_free_port(HOST, 8000))


def _say_people() -> None:
    """Give everybody a password: one that was made before was shown once, and is gone."""
    from openbpo.surfaces.web.people.adding import add_person, is_known, new_password

    rows = []
    for person in PEOPLE:
        if is_known(person.username):
            password = new_password(person.username)
        else:
            email = f"{person.username}@demo.example"
            password = add_person(person.username, name=person.name, email=email)
        rows.append((person.username, password, f"{person.name}, {person.does}"))
    say()
    for line in table(("Sign in as", "Password", "Who"), rows):
        say(line)


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(demo)
