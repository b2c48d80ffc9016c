"""openbpo web, up: the pages, and all processes together. Django is loaded by `web` alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from openbpo.storage.home import home
from openbpo.storage.installation import context_key
from openbpo.surfaces import processes
from openbpo.surfaces.cli.printing import say
from openbpo.surfaces.processes import Process
from openbpo.values.refusals import Refusal

STARTING_LIMIT_S = 90.0
SEAL_EVERY_S = "5"

Host = Annotated[str, typer.Option("--host", help="The address to answer at.")]
Port = Annotated[int, typer.Option("--port", help="The port to answer at.", min=1, max=65_535)]


def web(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Serve the pages until it is stopped."""
    from openbpo.surfaces.web.serving import serve

    _refuse_taken(host, port)
    say(f"The pages are at {_address(host, port)}")
    serve(host, port)


def up(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when it answers; openbpo down stops it.")
    ] = False,
) -> None:
    """Run the pages, the sealer and the worker. openbpo down, or Ctrl-C, stops them."""
    context_key()  # by it a new home is known as one, before anything else is put there
    if detach:
        detached(host, port)
        return
    with processes.alone():
        _refuse_taken(host, port)
        _address_file().write_text(_address(host, port), encoding="utf-8")
        processes.run(processes_of(host, port), lambda text: typer.echo(text, err=True))
    say("All processes have ended.")


def processes_of(host: str, port: int) -> list[Process]:
    """Return the processes that `up` runs; another one is a line here."""
    return [
        Process("web", ["web", "--host", host, "--port", str(port)]),
        Process("sealer", ["seal", "--watch", SEAL_EVERY_S]),
        Process("worker", ["work"]),
    ]


def detached(host: str, port: int) -> None:
    """Run it all in the background, and return when it answers."""
    if processes.running() is not None:
        known = _address_file()
        where = known.read_text(encoding="utf-8") if known.exists() else home()
        say(f"The pages are at {where} already (openbpo down stops them).")
        return
    _refuse_taken(host, port)
    log = home() / "up.log"
    arguments = [sys.executable, "-m", "openbpo", "up", "--host", host, "--port", str(port)]
    with log.open("ab") as kept:
        os.fchmod(kept.fileno(), 0o600)
        child = subprocess.Popen(  # noqa: S603 - our own program
            arguments, stdin=subprocess.DEVNULL, stdout=kept, stderr=kept, start_new_session=True
        )
    deadline = time.monotonic() + STARTING_LIMIT_S
    while time.monotonic() < deadline and child.poll() is None:
        if _answers(host, port):
            say(f"The pages are at {_address(host, port)} (openbpo down stops them).")
            return
        time.sleep(0.1)
    processes.stop()
    raise Refusal.of("openbpo up", "It did not start.", f"Its last words are in {log}.")


def first_free_port(host: str, port: int) -> int:
    """Return the first port from one on at which nothing answers; that one if all do."""
    return next((one for one in range(port, port + 20) if not _answers(host, one)), port)


def _address_file() -> Path:
    return home() / "up.address"


def _address(host: str, port: int) -> str:
    return f"http://{_shown(host)}:{port}/"


def _shown(host: str) -> str:
    return "localhost" if host in ("127.0.0.1", "0.0.0.0", "::1") else host  # noqa: S104


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def _refuse_taken(host: str, port: int) -> None:
    if _answers(host, port):
        raise Refusal.of(
            f"{host}:{port}", "Something answers there already.", "Name another one by --port."
        )


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(web)
    app.command()(up)
