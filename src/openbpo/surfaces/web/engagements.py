"""What engagements and their parties are called, for heads and trails."""

from __future__ import annotations

from dataclasses import dataclass

from openbpo.agreements.model import Side
from openbpo.agreements.versions.queries import agreement_of, newest_version
from openbpo.storage.database import Context, Database
from openbpo.values.ids import EngagementId, VersionId


@dataclass(frozen=True, slots=True)
class Named:
    """An engagement's title and its parties' names; empty where nothing was proposed yet."""

    title: str
    client: str
    provider: str

    def other(self, side: Side | None) -> str:
        """Return the party across from a side; both for an operator."""
        if side is None:
            return " · ".join(name for name in (self.client, self.provider) if name)
        return self.provider if side == "client" else self.client

    def own(self, side: Side | None) -> str:
        """Return the party of a side."""
        return {"client": self.client, "provider": self.provider}.get(side or "", "")


_KNOWN: dict[VersionId, Named] = {}
_AT_MOST = 1_000


def named(database: Database, context: Context, engagement_id: EngagementId, handle: str) -> Named:
    """Return what an engagement is called by its newest version; texts are read once a version."""
    with database.transaction(context.within(engagement_id)) as tx:
        newest = newest_version(tx, engagement_id)
        if newest is None:
            return Named(handle, "", "")
        if newest not in _KNOWN:
            if len(_KNOWN) >= _AT_MOST:
                _KNOWN.clear()
            agreement = agreement_of(tx, engagement_id, newest)
            _KNOWN[newest] = Named(agreement.title, agreement.client.name, agreement.provider.name)
        return _KNOWN[newest]
