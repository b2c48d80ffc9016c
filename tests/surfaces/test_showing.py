"""What of a case reaches a page, by the class of each attribute and the rights of who looks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from openbpo.agreements.model import Attribute
from openbpo.record.model import RecordedEvent
from openbpo.trust.roles.model import Role
from openbpo.values.expressions import STRING
from openbpo.values.ids import EventId

EVENT = RecordedEvent(
    event_id=EventId("1.1"), kind="case", subject="C-1", source="a.csv", type="opened",
    happened_at=datetime(2026, 1, 1, tzinfo=UTC), facts={"level": "gold", "stray": "x"},
)  # fmt: skip
CLOSED = {
    "caller": {"salt": "aa", "value": "Mario Rossi"},
    "cost": {"salt": "bb", "value": "12.50"},
}


def attribute(name: str, *, is_content: bool = False, audience: Any = "both") -> Attribute:
    return Attribute(
        id=name, is_content=is_content, type=STRING, is_optional=True,
        case_value="last", purpose="for the test", audience=audience,
    )  # fmt: skip


ATTRIBUTES = {
    "level": attribute("level"),
    "caller": attribute("caller", is_content=True),
    "cost": attribute("cost", audience="provider"),
}


def shown(role: Role) -> dict[str, str | None]:
    from openbpo.surfaces.web.showing import show_event

    class Visit:
        side = role.side

        def may(self, right: Any) -> bool:
            return right in role.rights

    event = show_event(Visit(), ATTRIBUTES, EVENT, CLOSED)  # type: ignore[arg-type]
    assert "salt" not in repr(event)
    return {one.name: one.value for one in event.attributes}


class TestShowing:
    @pytest.mark.parametrize("role", list(Role))
    def test_tells_each_role_what_it_may_see(self, django: None, role: Role) -> None:
        found = shown(role)
        sees_content = role in (
            Role.OPERATOR, Role.CLIENT_OWNER, Role.PROVIDER_CONTRACT, Role.PROVIDER_LEAD,
        )  # fmt: skip
        assert found == {
            "level": "gold",
            "caller": "Mario Rossi" if sees_content else None,
            "cost": "12.50" if role.side in (None, "provider") else None,
            "stray": None,
        }

    def test_says_why_there_is_no_value(self, django: None) -> None:
        from openbpo.surfaces.web.showing import Masked, show_event

        class Visit:
            side = "client"

            def may(self, right: Any) -> bool:
                return False

        event = show_event(Visit(), ATTRIBUTES, EVENT, CLOSED)  # type: ignore[arg-type]
        assert {one.name: one.masked for one in event.attributes} == {
            "level": None,
            "caller": Masked.CONTENT,
            "cost": Masked.OTHER_SIDE,
            "stray": Masked.UNKNOWN,
        }
