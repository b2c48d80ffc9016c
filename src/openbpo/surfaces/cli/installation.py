"""openbpo down, status: the embedded server."""

from __future__ import annotations

from typing import Annotated

import typer

from openbpo import __version__
from openbpo.storage import server
from openbpo.storage.home import home
from openbpo.surfaces import processes
from openbpo.surfaces.cli.printing import say, say_json
from openbpo.surfaces.cli.session import principal

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def down(as_json: AsJson = False) -> None:
    """Stop what `up` runs, and the embedded database server. What needs it starts it again."""
    pages_stopped = processes.stop()
    stopped = server.stop()
    if as_json:
        say_json({"stopped": stopped, "pages_stopped": pages_stopped, "home": str(home())})
        return
    if pages_stopped:
        say("What openbpo up ran has ended.")
    if stopped:
        say(f"The database server of {home()} has stopped. Its data stay there.")
    else:
        say(f"No database server of {home()} was running.")


def who() -> None:
    """Print the name under which you act: OPENBPO_PRINCIPAL, or the login name."""
    say(principal())


def version() -> None:
    """Print the version of OpenBPO."""
    say(f"openbpo {__version__}")


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(down)
    app.command("principal")(who)
    app.command()(version)
