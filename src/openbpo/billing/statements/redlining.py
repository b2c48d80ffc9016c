"""
What the last months would have come to under the terms of another version.

Each month is recomputed twice from what is recorded now: by the terms that govern it, and as though
the other version had governed it and every case in it from its beginning. So what came in after a
month was closed makes no difference between the two. Nothing is stored, and no figure changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from openbpo.agreements.versions.model import Standing, Terms
from openbpo.agreements.versions.queries import ReadVersion
from openbpo.agreements.versions.replaying import FOR_EVER
from openbpo.assurance.attainment.queries import attain, work_of
from openbpo.billing.closing.queries import Closed, StoredKnowledge
from openbpo.billing.invoicing.queries import invoice_of
from openbpo.billing.statements.actions import statement_of
from openbpo.billing.statements.queries import period_names, terms_at
from openbpo.billing.statements.supposing import what_if
from openbpo.billing.statements.telling import Computed
from openbpo.record.queries import last_of_each_act, reach
from openbpo.storage.database import Transaction
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal
from openbpo.values.zones import OutsideResolved

MONTHS = 12
SUMS = ("fees", "credits", "net", "tax", "total")
Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """An amount as it was and as it would have been, in sum over the months that have both."""

    name: str
    was: Decimal
    would: Decimal

    @property
    def difference(self) -> Decimal:
        """Return what the other terms add."""
        return self.would - self.was


def months_to_redline(tx: Transaction, engagement_id: EngagementId) -> list[str]:
    """Return the last twelve periods of which the record knows anything."""
    return period_names(tx, engagement_id)[-MONTHS:]


def known_at(tx: Transaction, engagement_id: EngagementId) -> int:
    """Return the last entry that may change a figure: what is kept is of that entry or stale."""
    last = last_of_each_act(tx, engagement_id)
    return max((last.get(act, 0) for act in ("recording", "period")), default=0)


def redlined(
    tx: Transaction, engagement_id: EngagementId, version: ReadVersion, period: str
) -> dict[str, Any]:
    """
    Return a month as it stands and as it would have been, as JSON.

    Of a month that cannot be computed under these terms it says `why`.
    """
    state = statement_of(tx, engagement_id, period).told["state"]
    try:
        was = _under(tx, engagement_id, _terms_now(tx, engagement_id), period)
        would = _under(tx, engagement_id, [_as_though_always(tx, engagement_id, version)], period)
    except Refusal as refusal:
        return {"period": period, "why": " ".join(one.what for one in refusal.mistakes)}
    except OutsideResolved:
        return {"period": period, "why": "Its calendars were not resolved for this month."}
    if would["currency"] != was["currency"]:
        return {"period": period, "why": "It is in another currency."}
    return {"period": period, "currency": was["currency"], "state": state,
            "was": was, "would": would}  # fmt: skip


def _under(
    tx: Transaction, engagement_id: EngagementId, terms: Sequence[Terms], period: str
) -> dict[str, Any]:
    work = work_of(tx, engagement_id, terms, period)
    results = attain(work)
    computed = Computed(
        entry=0,
        work=work,
        results=results,
        invoice=invoice_of(work, results),
        closed=Closed(None, None, ()),
        reach=reach(tx, engagement_id),
    )
    return _of_computed(computed)


def _as_though_always(tx: Transaction, engagement_id: EngagementId, version: ReadVersion) -> Terms:
    """Return a version's terms as those of every day of the term that the parties have now."""
    now = _terms_now(tx, engagement_id)[-1]
    return Terms(
        version_id=version.stored.version_id,
        content_hash=bytes(version.stored.content_hash),
        standing=Standing.OUR_READING,
        signed_by=(),
        days=FOR_EVER,
        agreement=replace(version.agreement, term=now.agreement.term),
        resolved=version.resolved,
    )


def _terms_now(tx: Transaction, engagement_id: EngagementId) -> Sequence[Terms]:
    latest = max(last_of_each_act(tx, engagement_id).values(), default=0)
    return terms_at(StoredKnowledge(tx, engagement_id), latest)


def _of_computed(of: Computed) -> dict[str, Any]:
    supposed = what_if(of.inputs)
    invoice = of.invoice
    charges: dict[str, Decimal] = {}
    for line in invoice.lines:
        charges[line.id] = charges.get(line.id, Decimal(0)) + Decimal(line.amount.amount)
    return {
        "currency": of.work.terms.agreement.currency,
        **{name: getattr(invoice, name).amount for name in SUMS},
        "charges": {name: str(amount) for name, amount in charges.items()},
        "measures": {
            one.id: {
                "numerator": one.numerator, "denominator": one.denominator,
                "verdict": one.verdict, "credit_rate": one.credit_rate,
            }
            for one in supposed.measures
        },
    }  # fmt: skip


def in_sum(months: Iterable[Told]) -> list[Difference]:
    """Return the differences in sum: each charge, the credits, and what the months come to."""
    both = [one for one in months if "was" in one]
    names = dict.fromkeys(
        name for one in both for side in ("was", "would") for name in one[side]["charges"]
    )
    charges = [
        Difference(name, *(_summed(one[side]["charges"].get(name, "0") for one in both)
                           for side in ("was", "would")))
        for name in names
    ]  # fmt: skip
    sums = [
        Difference(name, *(_summed(one[side][name] for one in both) for side in ("was", "would")))
        for name in ("credits", "net", "total")
    ]
    return [*charges, *sums]


def _summed(amounts: Iterable[str]) -> Decimal:
    return sum((Decimal(one) for one in amounts), start=Decimal(0))


def defaults(months: Sequence[Told], side: str) -> dict[str, int]:
    """Return by measure in how many of the months it was in default."""
    both = [one for one in months if "was" in one]
    names = dict.fromkeys(name for one in both for name in one[side]["measures"])
    return {
        name: sum(one[side]["measures"].get(name, {}).get("verdict") == "default" for one in both)
        for name in names
    }
