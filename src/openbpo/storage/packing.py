"""Arrays on their way to the database, packed as the server reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Dumper, PyFormat, Transformer
from psycopg.postgres import types
from psycopg.pq import Format
from psycopg.types.numeric import Int2, Int8

_WHOLE: Mapping[str, Callable[[Any], object]] = {"int2": Int2, "int8": Int8}


class PackedArray(NamedTuple):
    """
    An array as PostgreSQL's binary protocol has it.

    Packing takes no connection: what one process packs, another one may send. The parameter is to
    be cast to the array's type, as nothing else tells it.
    """

    data: bytes


def pack(values: Sequence[object], element: str) -> PackedArray:
    """
    Return values as an array; `element` names the server's type of its elements.

    Raises UnicodeEncodeError for half a character.
    """
    if not values:
        return PackedArray(bytes(8) + types[element].oid.to_bytes(4, "big"))
    whole = _WHOLE.get(element)
    told = list(values) if whole is None else [whole(value) for value in values]
    dumper = Transformer().get_dumper(told, PyFormat.BINARY)
    data = dumper.dump(told)
    assert data is not None
    assert dumper.oid == types[element].array_oid, f"{dumper.oid} is no array of {element}"
    return PackedArray(bytes(data))


def take_packed(context: AdaptContext) -> None:
    """Let a connection send packed arrays as they are."""
    context.adapters.register_dumper(PackedArray, _PackedDumper)


class _PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: PackedArray) -> Buffer:
        return obj.data
