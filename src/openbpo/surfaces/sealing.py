"""Sealing on behalf of a command, a page or a job, and the witness that it is told to."""

from __future__ import annotations

import os
from collections.abc import Callable

from openbpo.record.sealing.actions import Pass, seal
from openbpo.record.witness import Witness, witness_at
from openbpo.storage.database import Context, Database
from openbpo.values.ids import EngagementId

WITNESS = "OPENBPO_WITNESS"
SEALER = Context(principal="openbpo:sealer", purpose="seal")


def sealed(
    sealer: Database,
    engagement_id: EngagementId,
    *,
    tell: Callable[[str], None] = lambda _note: None,
) -> Pass:
    """Seal an engagement, and tell the witness that OPENBPO_WITNESS names."""
    return seal(sealer, SEALER, engagement_id, witness=named_witness(), tell=tell)


def named_witness() -> Witness | None:
    """Return the witness that OPENBPO_WITNESS names, if it names one."""
    address = os.environ.get(WITNESS)
    return witness_at(address) if address else None
