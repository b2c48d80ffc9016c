"""What a party does with the record that it holds or checks: it countersigns."""

from __future__ import annotations

from typing import Any

from openbpo.agreements.model import Side
from openbpo.agreements.versions.queries import terms_known, used_keys
from openbpo.record.checkpoints import countersigned, read_note
from openbpo.record.journal import enter
from openbpo.record.sealing.store import last_sealed
from openbpo.storage.database import Context, Database
from openbpo.storage.failpoints import failpoint
from openbpo.trust.keys import party_key
from openbpo.trust.seals import Countersigner
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal


def countersign(
    database: Database, context: Context, engagement_id: EngagementId, side: Side
) -> dict[str, Any]:
    """
    Sign the record's latest checkpoint with a side's key; return the side, key, size and note.

    A side is known by the keys that it has signed the agreement with. Raises Refusal where it has
    signed with none, or this machine holds another.
    """
    with database.transaction(context.within(engagement_id)) as tx:
        stored = last_sealed(tx, engagement_id, "record")
        if stored is None:
            raise Refusal.of(side, "Nothing is recorded yet.", "Accept an agreement first.")
        used = [bytes(one.public_key) for one in used_keys(tx, engagement_id) if one.side == side]
        if not used:
            raise Refusal.of(
                side,
                f"The {side} has signed no version of this agreement.",
                "A party is known by the key that it signed with: openbpo accept FOLDER "
                f"--as {side}.",
            )
        terms = terms_known(tx, engagement_id, known=stored.last_number)
        key = party_key(terms[-1].agreement.party(side).handle)
        if key.public.raw not in used:
            raise Refusal.of(
                key.handle,
                f"The {side} has signed with another key here than {key.public.key_id}.",
                "Put the file of that key back from a copy.",
            )
        note = countersigned(read_note(stored.note), Countersigner(key))
        told = {
            "side": side,
            "key_id": key.public.key_id,
            "size": stored.size,
            "note": str(note),
        }
        enter(tx, engagement_id, "countersignature", told)
        failpoint("countersign.before_commit")
    failpoint("countersign.after_commit")
    return told
