"""
The one way in which what is known of a case reaches a page.

Each attribute has a class, told by the agreement: a fact of both sides, content that can be erased,
or one side's own. What the visitor's role does not open is left out of what the page is given, not
hidden by the page: a masked attribute carries no value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from openbpo.agreements.model import Attribute
from openbpo.record.model import RecordedEvent
from openbpo.record.queries import events_of_cases, openings_of_cases
from openbpo.storage.database import Transaction
from openbpo.surfaces.web.visits import Visit
from openbpo.trust.roles.model import Right


class Masked(StrEnum):
    """Why a value is not shown."""

    CONTENT = "content"
    OTHER_SIDE = "other side's own"
    UNKNOWN = "not told by the agreement"


@dataclass(frozen=True, slots=True)
class ShownAttribute:
    """An attribute as this visitor may see it: its value, or why there is none."""

    name: str
    purpose: str
    value: str | None
    masked: Masked | None = None


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """An event as this visitor may see it."""

    event_id: str
    case: str
    type: str
    at: datetime
    source: str
    attributes: Sequence[ShownAttribute]


def show_cases(
    visit: Visit,
    tx: Transaction,
    attributes: Mapping[str, Attribute],
    cases: Sequence[str],
) -> list[ShownEvent]:
    """
    Return the events of cases as the visitor may see them, in their order.

    `attributes` are those of the terms that govern them. Raises PermissionDenied for a role that
    sees no cases.
    """
    visit.refuse_unless(Right.SEE_CASES)
    closed = {
        one.event_id: one.attributes for one in openings_of_cases(tx, visit.engagement_id, cases)
    }
    return [
        show_event(visit, attributes, event, closed.get(str(event.event_id), {}))
        for event in events_of_cases(tx, visit.engagement_id, cases)
    ]


def show_event(
    visit: Visit,
    attributes: Mapping[str, Attribute],
    event: RecordedEvent,
    closed: Mapping[str, Any],
) -> ShownEvent:
    """
    Return an event as the visitor may see it.

    `closed` is what its commitments stand for, {name: {"salt", "value"}}; salts are never shown.
    """
    values = {**event.facts, **{name: held["value"] for name, held in closed.items()}}
    return ShownEvent(
        event_id=str(event.event_id),
        case=event.subject,
        type=event.type,
        at=event.happened_at,
        source=event.source,
        attributes=list(_shown(visit, attributes, values)),
    )


def _shown(
    visit: Visit, attributes: Mapping[str, Attribute], values: Mapping[str, Any]
) -> Iterable[ShownAttribute]:
    for name, value in sorted(values.items()):
        known = attributes.get(name)
        why = Masked.UNKNOWN if known is None else _why_masked(visit, known)
        purpose = known.purpose if known is not None else ""
        yield ShownAttribute(name, purpose, None if why else _text(value), why)


def _why_masked(visit: Visit, attribute: Attribute) -> Masked | None:
    """Return why this visitor may not see an attribute, if so. An operator is either side."""
    if attribute.audience != "both" and visit.side not in (None, attribute.audience):
        return Masked.OTHER_SIDE
    if attribute.is_content and not visit.may(Right.SEE_CONTENT):
        return Masked.CONTENT
    return None


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
