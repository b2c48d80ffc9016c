"""Attribute values as the record stores them (JSON, no floats), and as they are computed with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from openbpo.agreements.model import Attribute
from openbpo.values.expressions import BOOLEAN, DATE, NUMBER, Type

_DECODERS: Mapping[Type, Callable[[Any], object]] = {
    NUMBER: Decimal,
    DATE: date.fromisoformat,
    BOOLEAN: bool,
}


def stored(value: object) -> object:
    """Return a value as JSON holds it: numbers and dates as text, nothing as a float."""
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def decoder(
    attributes: Mapping[str, Attribute],
) -> Callable[[Mapping[str, Any]], Mapping[str, object]]:
    """Return what turns stored facts back into values; text, the usual case, costs nothing."""
    decoders = {a.id: _DECODERS[a.type] for a in attributes.values() if a.type in _DECODERS}

    def decode(facts: Mapping[str, Any]) -> Mapping[str, object]:
        if not decoders:
            return facts
        values = dict(facts)
        for name, decode_one in decoders.items():
            if values.get(name) is not None:
                values[name] = decode_one(values[name])
        return values

    return decode
