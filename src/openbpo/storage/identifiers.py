"""New ids: they sort by the time at which they were made (RFC 9562, version 7)."""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

from openbpo.values.ids import uuid7


def new_id(at: datetime) -> UUID:
    """Return a new id, made at the transaction's time `at`."""
    return uuid7(int(at.timestamp() * 1000), secrets.token_bytes(10))
