"""
What came by the browser: an import, and a reconciliation, each of a file that was brought.

What a row holds is told in the note beside the file, under the home folder; a job's own outcome
holds counts alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openbpo.agreements.versions.queries import terms_in_force
from openbpo.assurance.attainment.queries import find_period
from openbpo.billing.statements.actions import refresh
from openbpo.billing.statements.queries import stale_periods
from openbpo.delivery.intake.actions import import_file
from openbpo.delivery.intake.model import Imported
from openbpo.evidence.reconciling.decisions import needs_earlier, reconcile
from openbpo.evidence.reconciling.model import SUMS, Priced, Reckoned, Reconciliation
from openbpo.evidence.reconciling.queries import recomputed_of, with_earlier
from openbpo.evidence.reconciling.reports import period_of_report, read_report
from openbpo.record.readings import note_reading
from openbpo.storage.jobs.actions import Work
from openbpo.surfaces.uploads import Upload, find_upload
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Mistake, Refusal, Unavailable
from openbpo.values.shares import decimal_text

IMPORT, RECONCILE = "import", "reconcile"
BLOCK_BYTES = 1 << 20


def import_rows(work: Work) -> Mapping[str, Any]:
    """Take a file in, then compute the periods that it changed; done again it goes on."""
    upload = _upload(work)
    known: Mapping[str, Any] | None = upload.told().get("outcome")
    if known is not None:  # a worker died after all was done, and before it said so
        upload.forget_content()
        return known
    engagement_id = EngagementId(work.job.engagement_id)
    rows = _about_rows(upload)

    def progress(done: int) -> None:
        with work.step(done, max(rows, done), "rows"):
            pass

    try:
        imported = import_file(
            work.database, work.context, engagement_id=engagement_id,
            handle=str(work.job.arguments["handle"]), path=upload.path,
            mapping_id=work.job.arguments.get("mapping"), progress=progress,
        )  # fmt: skip
    except Unavailable:
        raise
    except Refusal as refusal:
        raise _told_beside(upload, refusal) from refusal
    faults = [(line, fault.what, fault.remedy) for line, fault in imported.faults]
    if faults:
        upload.note(faults=faults)
    refreshed = _refreshed(work, engagement_id)
    outcome = {
        **_counts(imported), "has_rejects": upload.rejects.exists(), "refreshed": refreshed,
    }  # fmt: skip
    upload.note(outcome=outcome, kept=None)
    upload.forget_content()
    return outcome


def reconcile_report(work: Work) -> Mapping[str, Any]:
    """Set a report against the record, and keep every difference beside the report."""
    upload = _upload(work)
    engagement_id = EngagementId(work.job.engagement_id)
    handle, period = str(work.job.arguments["handle"]), work.job.arguments.get("period")
    with work.database.transaction(work.context) as tx:
        note_reading(tx, engagement_id, f"figures to reconcile with {upload.name}")
    try:
        with work.step(0, 1, "figures") as tx:
            all_terms = terms_in_force(tx, engagement_id, handle)
            name = str(period or period_of_report(upload.path))
            _, governing = find_period(all_terms, name)
            told = read_report(upload.path, governing.agreement, name)
            ours = recomputed_of(tx, engagement_id, all_terms, name)
            found = reconcile(ours, told)
            if needs_earlier(ours, found):
                found = reconcile(with_earlier(tx, engagement_id, all_terms, ours), told)
    except Unavailable:
        raise
    except Refusal as refusal:
        raise _told_beside(upload, refusal) from refusal
    currency = ours.terms.agreement.currency
    upload.note(found=_found(found), notes=list(told.notes), period=name, currency=currency)
    upload.forget_content()
    return {"period": name, "differences": len(found.differences)}


def _upload(work: Work) -> Upload:
    token = str(work.job.arguments["upload"])
    found = find_upload(token, owner=None, engagement_id=str(work.job.engagement_id))
    if found is None:
        raise Refusal.of(
            work.job.kind,
            "The file is not on this machine any more.",
            "Bring it once more; what was taken in of it is known again.",
        )
    return found


def _about_rows(upload: Upload) -> int:
    """Return about how many rows a file has: its lines, where these can be counted."""
    if not upload.path.exists() or upload.name.endswith((".gz", ".xlsx")):
        return 0
    lines = 0
    with upload.path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            lines += block.count(b"\n")
    return max(lines - 1, 0)


def _told_beside(upload: Upload, refusal: Refusal) -> Refusal:
    """Keep what quotes the file beside it, and return a refusal that does not."""
    upload.note(mistakes=[(m.where, m.what, m.remedy) for m in refusal.mistakes])
    whole = len(refusal.mistakes)
    return Refusal(
        Mistake(upload.name, f"It was refused: {whole} mistakes.", "Its page names each of them.")
    )


def _refreshed(work: Work, engagement_id: EngagementId) -> list[str]:
    with work.database.transaction(work.context) as tx:
        stale = sorted(stale_periods(tx, engagement_id), reverse=True)
    for number, period in enumerate(stale, start=1):
        with work.step(number, len(stale), period) as tx:
            refresh(tx, engagement_id, [period])
    return sorted(stale)


def _counts(imported: Imported) -> dict[str, Any]:
    names = ("read", "accepted", "corrected", "already_known", "refused", "out_of_order")
    return {**{name: getattr(imported, name) for name in names}, "was_known": imported.was_known}


def _found(found: Reconciliation) -> dict[str, Any]:
    return {
        "reported": _sums(found.reported),
        "recomputed": _sums(found.recomputed),
        "difference": _sums(found.reported.minus(found.recomputed)),
        "interaction": _sums(found.interaction),
        "differences": [_difference(one) for one in found.differences],
        "not_told": list(found.not_told),
    }


def _difference(priced: Priced) -> dict[str, Any]:
    one = priced.difference
    return {
        "cause": one.cause.value, "figure": one.figure, "cases": list(one.cases),
        "reported": one.reported, "recomputed": one.recomputed, "why": one.why,
        "money": _sums(priced.money),
    }  # fmt: skip


def _sums(sums: Reckoned) -> dict[str, str]:
    return {name: decimal_text(getattr(sums, name).exact) for name in SUMS}
