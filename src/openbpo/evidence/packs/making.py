"""Making a pack of an engagement: which periods, for whom, up to which checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openbpo.agreements.model import Side
from openbpo.agreements.versions.model import Terms
from openbpo.agreements.versions.queries import engagement_handle, terms_known
from openbpo.assurance.attainment.queries import find_period
from openbpo.evidence.packs.writing import (
    PackWriter,
    Wanted,
    note_of_pack,
    private_attributes,
    write_pack,
)
from openbpo.record.sealing.store import Sealed
from openbpo.storage.database import Transaction
from openbpo.trust.seals import seal_keys
from openbpo.values.canonical import instant_text
from openbpo.values.ids import EngagementId
from openbpo.values.periods import months_between
from openbpo.values.refusals import Refusal

RANGE = ".."


@dataclass(frozen=True, slots=True)
class Asked:
    """What a pack is asked to hold: the cases of periods (None: of all), and for which side."""

    periods: str | None = None
    audience: Side | None = None

    @property
    def what(self) -> str:
        """Return how the reading of it is noted."""
        return f"bundle {self.periods or 'all'}" + (
            f" for the {self.audience}" if self.audience else ""
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A pack that was written, in bytes and leaves, under which root."""

    size: int
    leaves: int
    withheld: int
    root: str
    sealed_at: str
    shown: tuple[str, ...] | None
    """The periods that are shown; None where all are."""
    more: tuple[str, ...]
    """Those among them that were not asked for: adjustments are made of them."""

    def as_json(self) -> dict[str, Any]:
        """Return it for programs and lists."""
        return {
            "bytes": self.size, "leaves": self.leaves, "withheld": self.withheld,
            "root": self.root, "sealed_at": self.sealed_at, "shown": self.shown,
        }  # fmt: skip


def make_pack(
    tx: Transaction,
    engagement_id: EngagementId,
    checkpoint: Sealed | None,
    asked: Asked,
    path: Path,
) -> Made:
    """
    Write the pack up to a checkpoint, whole or not at all.

    Raises Refusal where nothing was recorded yet, or there is no such period.
    """
    handle = engagement_handle(tx, engagement_id)
    if checkpoint is None:
        raise Refusal.of(handle, "Nothing is recorded yet.", "Accept an agreement first.")
    terms = terms_known(tx, engagement_id, known=checkpoint.last_number)
    names = period_names(asked.periods, terms) if asked.periods else None
    wanted = Wanted(
        handle=handle,
        audience=asked.audience,
        periods=names,
        terms=terms,
        private=private_attributes(terms),
    )
    writer = PackWriter(tx, engagement_id, checkpoint, wanted)
    note = note_of_pack(engagement_id, tx.at, seal_keys(at=tx.at).current)
    size = write_pack(path, writer.lines(tx.at), note)
    return Made(
        size=size,
        leaves=writer.leaves,
        withheld=writer.withheld,
        root=bytes(checkpoint.root).hex(),
        sealed_at=instant_text(checkpoint.sealed_at),
        shown=writer.periods,
        more=tuple(sorted(set(writer.periods or ()) - set(names or ()))),
    )


def period_names(periods: str, terms: Sequence[Terms]) -> list[str]:
    """Return the names of the months of `2012-01` or `2012-01..2012-03`; else raises Refusal."""
    first, _, last = periods.partition(RANGE)
    newest = terms[-1]
    zone = newest.resolved.zones[newest.agreement.zone]
    find_period(terms, first)
    try:
        return [month.name for month in months_between(first, last or first, zone)]
    except ValueError as fault:
        raise Refusal.of("--periods", str(fault), "Write it as 2012-01..2012-12.") from fault
