"""The jobs of evidence: a pack is made, a page is made, a pack that was handed in is judged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from openbpo.agreements.model import Side
from openbpo.evidence.packs.judging import Dropped, judge
from openbpo.evidence.packs.keeping import dropped, keep, place
from openbpo.evidence.packs.making import Asked, make_pack
from openbpo.record.sealing.queries import Sealed
from openbpo.storage.database import Context
from openbpo.storage.installation import open_sealer
from openbpo.storage.jobs.actions import Work
from openbpo.surfaces.sealing import sealed
from openbpo.trust.key_rings import KeyRing, read_key_file
from openbpo.trust.roles.model import Right
from openbpo.trust.roles.queries import granted_roles
from openbpo.trust.seals import seal_keys
from openbpo.values.canonical import instant_text
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal

MAKE_PACK: Final = "make-pack"
MAKE_PAGE: Final = "make-page"
VERIFY_PACK: Final = "verify-pack"
PACK, AFTER, KEY = "pack", "after", "key"
"""What is handed in to be judged: a pack, an earlier one, a file of keys."""


def make_a_pack(work: Work) -> Mapping[str, Any]:
    """Seal, write the pack, and let it be listed."""
    engagement_id = EngagementId(work.job.engagement_id)
    refuse_without(work, Right.MAKE_PACK)
    asked = Asked(_text(work, "periods"), _side(_text(work, "audience")))
    checkpoint = _sealed(engagement_id)
    with work.step(1, 1, "writing") as tx:
        path = place(engagement_id, work.job.job_id)
        made = make_pack(tx, engagement_id, checkpoint, asked, path)
        told = {**made.as_json(), **_asked(work), "made_at": instant_text(tx.at)}
    keep(engagement_id, work.job.job_id, "pack", told)
    return told


def make_a_page(work: Work) -> Mapping[str, Any]:
    """Seal, write the page, and let it be listed."""
    from openbpo.surfaces.web.packs import PagesWanted, write_page

    engagement_id = EngagementId(work.job.engagement_id)
    refuse_without(work, Right.MAKE_PACK)
    wanted = PagesWanted(
        engagement_id,
        _text(work, "periods"),
        _sealed(engagement_id),
        _text(work, "language") or "en",
    )
    with work.step(1, 1, "writing") as tx:
        size = write_page(tx, wanted, place(engagement_id, work.job.job_id, "page"))
        told = {"bytes": size, **_asked(work), "made_at": instant_text(tx.at)}
    keep(engagement_id, work.job.job_id, "page", told)
    return told


def verify_a_pack(work: Work) -> Mapping[str, Any]:
    """Judge a pack that was handed in; what was handed in is deleted then."""
    engagement_id, name = EngagementId(work.job.engagement_id), str(work.job.arguments["name"])
    files = {what: handed_in(engagement_id, str(work.job.arguments["handed_in"]), what)
             for what in (PACK, AFTER, KEY)}  # fmt: skip
    try:
        told = _judged(work, files, name)
    except Refusal:
        _forget(files)
        raise
    _forget(files)
    return told


def _judged(work: Work, files: Mapping[str, Path], name: str) -> dict[str, Any]:
    with work.step(0, 1, "verifying") as tx:
        keys = keys_from(files[KEY]) or seal_keys(at=tx.at).ring
    after = files[AFTER] if files[AFTER].exists() else None
    brought = "brought" if files[KEY].exists() else "own"
    return {**judge(Dropped(files[PACK], name, after), keys), "keys": brought}


def _forget(files: Mapping[str, Path]) -> None:
    for path in files.values():
        path.unlink(missing_ok=True)


def handed_in(engagement_id: EngagementId, number: str, what: str) -> Path:
    """Return where something that was handed in lies."""
    return dropped(engagement_id, f"{number}.{what}")


def keys_from(path: Path) -> KeyRing | None:
    """Return the keys of a file, None where there is no such file. Raises Refusal for no keys."""
    return read_key_file(path) if path.exists() else None


def refuse_without(work: Work, right: Right) -> None:
    """Who asked must still have the right when it is carried out."""
    with work.database.transaction(Context(work.job.asked_by, work.job.kind)) as tx:
        for one in granted_roles(tx):
            if one.engagement_id == work.job.engagement_id and right in one.role.rights:
                return
    raise Refusal.of(
        work.job.asked_by,
        f"The role of who asked has no right any more to {right.value}.",
        "Let somebody who has it ask for it again.",
    )


def _sealed(engagement_id: EngagementId) -> Sealed | None:
    with open_sealer() as sealer:
        return sealed(sealer, engagement_id).record


def _asked(work: Work) -> dict[str, Any]:
    names = ("periods", "audience")
    return {"made_by": work.job.asked_by, **{name: _text(work, name) for name in names}}


def _text(work: Work, name: str) -> str | None:
    value = work.job.arguments.get(name)
    return str(value) if value else None


def _side(named: str | None) -> Side | None:
    return None if named is None else "client" if named == "client" else "provider"
