"""Packed arrays come to the server as they would unpacked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openbpo.storage.installation import find_installation
from openbpo.storage.packing import pack, take_packed

NO_NUL = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "int2": st.integers(-(2**15), 2**15 - 1),
    "int8": st.integers(-(2**63), 2**63 - 1),
    "text": NO_NUL | st.none(),
    "bytea": st.binary(),
    "timestamptz": st.datetimes(
        datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)
    ),
}  # fmt: skip


@pytest.mark.parametrize("element", ELEMENTS)
@given(data=st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_packed_array_is_what_was_packed(element: str, data: st.DataObject) -> None:
    told = st.lists(ELEMENTS[element], max_size=20)
    values = data.draw(told.filter(lambda told: not told or set(told) != {None}))
    with psycopg.connect(find_installation().app_url, options="-c timezone=UTC") as connection:
        take_packed(connection)
        row = connection.execute(
            f"SELECT %s::{element}[]".encode(), [pack(values, element)]
        ).fetchone()
    assert row is not None
    assert row[0] == values


def test_half_a_character_is_not_packed() -> None:
    with pytest.raises(UnicodeEncodeError):
        pack(["\ud800"], "text")


def test_an_array_of_nothing_but_null_is_refused() -> None:
    with pytest.raises(AssertionError, match="no array of text"):
        pack([None], "text")
