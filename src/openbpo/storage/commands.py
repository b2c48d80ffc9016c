"""A command is carried out once: whoever sends it again gets the answer of the first time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from openbpo.storage.database import Transaction
from openbpo.values.canonical import canonical_bytes
from openbpo.values.refusals import Refusal

Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Command:
    """What is asked for: its id is the caller's, `request` is all that its effect depends on."""

    engagement_id: UUID
    command_id: str
    request: Mapping[str, object]

    @property
    def request_hash(self) -> bytes:
        """Return the SHA-256 of the request's canonical encoding."""
        return hashlib.sha256(canonical_bytes(dict(self.request))).digest()


@dataclass(frozen=True, slots=True)
class _Stored:
    request_hash: bytes
    answer: Any


def carry_out(tx: Transaction, command: Command, act: Callable[[], Answer]) -> Answer:
    """
    Return the stored answer of this command, else act, store the answer and return it.

    The answer lies in the same transaction as the effect. Two at once wait for each other.
    Raises Refusal when the same id comes with another request.
    """
    keys = {
        "engagement_id": command.engagement_id,
        "principal": tx.context.principal,
        "command_id": command.command_id,
    }
    tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%(lock)s, 2))",
        {"lock": "|".join(str(key) for key in keys.values())},
    )
    stored = tx.row(
        _Stored,
        "SELECT request_hash, answer FROM storage.command WHERE engagement_id = %(engagement_id)s"
        " AND principal = %(principal)s AND command_id = %(command_id)s",
        keys,
    )
    if stored is not None:
        return _same(command, stored)
    answer = json.loads(json.dumps(act()))
    tx.execute(
        "INSERT INTO storage.command (engagement_id, principal, command_id, request_hash, answer)"
        " VALUES (%(engagement_id)s, %(principal)s, %(command_id)s, %(request_hash)s, %(answer)s)",
        {**keys, "request_hash": command.request_hash, "answer": Jsonb(answer)},
    )
    return dict(answer)


def _same(command: Command, stored: _Stored) -> Answer:
    if stored.request_hash != command.request_hash:
        raise Refusal.of(
            command.command_id,
            "This command was given before, with another content.",
            "Give the new one an id of its own.",
        )
    return dict(stored.answer)
