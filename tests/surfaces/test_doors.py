"""Connections of requests: threads come and go, and leave none open behind them."""

from __future__ import annotations

import threading

from openbpo.storage.database import Context
from tests.surfaces.conftest import MakeVisitor


def test_a_connection_is_used_again_by_the_next_thread(django: None) -> None:
    from openbpo.surfaces.web import doors

    seen: list[int] = []

    def ask() -> None:
        with doors.database().transaction(Context("asker", "test")) as tx:
            assert tx.at.tzinfo is not None
        seen.append(id(doors.database()))
        doors.give_back()

    for _ in range(12):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert len(seen) == 12
    assert len(set(seen)) == 1


def test_an_address_with_a_nul_is_refused(visitor: MakeVisitor) -> None:
    anna = visitor("client-owner")
    assert anna.get("/e/HANDLE/cases/%00").status_code == 400
    assert anna.get("/e/HANDLE/service-levels?period=%00").status_code == 400
