"""
The door to domain data: a connection for each request, taken from those that are idle.

Threads come and go with the load; a connection that belonged to a thread would stay open after it,
until the server has none left. So a request gives its connection back when its answer is out.
"""

from __future__ import annotations

import threading
from queue import Empty, Full, LifoQueue
from typing import Any

from django.core.signals import request_finished

from openbpo.storage.database import Database
from openbpo.storage.installation import context_key, find_installation

MOST_IDLE = 8
_of_this_request = threading.local()
_idle: LifoQueue[Database] = LifoQueue(MOST_IDLE)


def database() -> Database:
    """Return this request's database; raises ServerUnreachable while there is no server."""
    opened: Database | None = getattr(_of_this_request, "database", None)
    if opened is None or not opened.answers():
        opened = _idle_one() or Database(find_installation().app_url, context_key())
        _of_this_request.database = opened
    return opened


def _idle_one() -> Database | None:
    """Return an idle connection that answers; those that do not are closed."""
    while True:
        try:
            found = _idle.get_nowait()
        except Empty:
            return None
        if found.answers():
            return found
        found.close()


def give_back(**_signal: Any) -> None:
    """Leave this request's connection to the next one."""
    opened: Database | None = getattr(_of_this_request, "database", None)
    if opened is None:
        return
    _of_this_request.database = None
    try:
        _idle.put_nowait(opened)
    except Full:
        opened.close()


request_finished.connect(give_back, dispatch_uid="openbpo.doors")
