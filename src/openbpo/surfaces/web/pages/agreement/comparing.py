"""Two versions in words beside each other, and what the newer would have cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from babel import Locale
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from openbpo.agreements.comparing import compare
from openbpo.agreements.versions.queries import VersionStands, version_read, versions
from openbpo.billing.statements.redlining import Difference, defaults, in_sum, known_at
from openbpo.record.readings import note_reading
from openbpo.storage.database import Transaction
from openbpo.storage.jobs.actions import enqueue
from openbpo.storage.jobs.model import Job
from openbpo.storage.jobs.queries import latest_alone
from openbpo.surfaces.web.numbers import figure_text, money_text, month_text, signed_text
from openbpo.surfaces.web.pages.agreement.reading import named, shown
from openbpo.surfaces.web.parts.pieces import Cell, Column, Row, Table
from openbpo.surfaces.web.progress import UNDER_WAY, page_with_jobs
from openbpo.surfaces.web.visits import Crumb, Visit, page
from openbpo.surfaces.worker.redlines import REDLINE
from openbpo.trust.roles.model import Right
from openbpo.values.ids import EngagementId


@dataclass(frozen=True, slots=True)
class Cost:
    """What a version would have cost, as its page shows it."""

    finding: str
    by_part: Table
    by_month: Table
    defaults: Table
    not_computed: Sequence[tuple[str, str]]
    is_stale: bool
    entry: int


@page("e/<handle>/agreement/compare/<older>/<newer>", needs=Right.SEE_AGREEMENT)
def agreement_compare(visit: Visit, older: str, newer: str) -> HttpResponse:
    """Show what reads otherwise, sentence by sentence, and what it would have cost."""
    with visit.transaction() as tx:
        found = versions(tx, visit.engagement_id)
        old, new = named(found, older), named(found, newer)
        was, now = (version_read(tx, visit.engagement_id, one.head.version_id).agreement
                    for one in (old, new))  # fmt: skip
        job = latest_alone(tx, visit.engagement_id, REDLINE, alone_as(new))
        entry = known_at(tx, visit.engagement_id)
    with_money = visit.may(Right.SEE_MONEY)
    if with_money and job is not None and job.outcome is not None:
        with visit.transaction() as tx:
            note_reading(tx, visit.engagement_id, f"what version {new.head.number} would cost")
    changed = compare(was, now)
    told = {
        "old": shown(old, found), "new": shown(new, found),
        "changed": changed,
        "sentences": sum(len(e.changes) for one in changed for e in one.entries),
        "with_money": with_money,
        "job": job if job is not None and job.outcome is None else None,
        "cost": cost(job, entry, visit.locale) if with_money and job is not None else None,
        "side": visit.side,
        "may_sign": visit.may(Right.SIGN_TERMS)
        and (visit.side is None or visit.side not in new.signed_by) and len(new.signed_by) < 2,
    }  # fmt: skip
    jobs = [job] if job is not None and job.state in UNDER_WAY else []
    here = visit.at(Crumb(_("Comparison")))
    return page_with_jobs(here, "pages/agreement/compare.html", told, jobs)


@page("e/<handle>/agreement/cost/<older>/<newer>", needs=Right.SEE_MONEY, methods=("POST",))
def agreement_cost(visit: Visit, older: str, newer: str) -> HttpResponse:
    """Ask what a version would have cost; a worker computes it."""
    with visit.transaction() as tx:
        ask_for_cost(tx, visit.engagement_id, named(versions(tx, visit.engagement_id), newer))
    return redirect(visit.href("agreement_compare", older=older, newer=newer))


def ask_for_cost(tx: Transaction, engagement_id: EngagementId, one: VersionStands) -> None:
    """Ask for what a version would have cost over the last twelve months."""
    arguments = {"version_id": str(one.head.version_id)}
    enqueue(tx, engagement_id, REDLINE, arguments, alone_as=alone_as(one))


def alone_as(one: VersionStands) -> str:
    """Return under which word one such job waits at a time."""
    return bytes(one.head.content_hash).hex()


def cost(job: Job, entry: int, locale: Locale) -> Cost | None:
    """Return what a job came to, None while it is under way."""
    if job.outcome is None:
        return None
    months: list[Mapping[str, Any]] = job.outcome["months"]
    both = [one for one in months if "was" in one]
    currency = both[0]["currency"] if both else ""
    found = in_sum(months)
    net = next(one for one in found if one.name == "net")
    return Cost(
        finding=_finding(net, len(both), currency, locale),
        by_part=_by_part(found, currency, locale),
        by_month=_by_month(both, currency, locale),
        defaults=_defaults(months, locale),
        not_computed=[(month_text(one["period"], locale), one["why"])
                      for one in months if "why" in one],
        is_stale=job.outcome["entry"] != entry,
        entry=job.outcome["entry"],
    )  # fmt: skip


def _finding(net: Difference, months: int, currency: str, locale: Locale) -> str:
    if not months:
        return _("Nothing could be computed")
    amount = money_text(abs(net.difference), currency, locale)
    said = {"amount": amount, "months": months}
    if net.difference > 0:
        return _("The client would have paid %(amount)s more in %(months)s months") % said
    if net.difference < 0:
        return _("The client would have paid %(amount)s less in %(months)s months") % said
    return _("No money would have moved in %(months)s months") % said


def _columns(first: str, currency: str) -> tuple[Column, ...]:
    return (
        Column(first),
        Column(_("As it stood, %(currency)s") % {"currency": currency}, is_number=True),
        Column(_("By this version"), is_number=True),
        Column(_("Difference"), is_number=True),
    )


def _row(name: Any, was: Decimal, would: Decimal, locale: Locale) -> Row:
    difference = would - was
    shown_ = signed_text(difference, locale) if difference else "—"
    return Row((name, figure_text(was, locale), figure_text(would, locale), shown_))


def _by_part(found: Sequence[Difference], currency: str, locale: Locale) -> Table:
    words = {"credits": _("Service credits (they are taken off)"), "net": _("Net"),
             "total": _("With tax")}  # fmt: skip
    rows = [_row(words.get(one.name, one.name), one.was, one.would, locale) for one in found]
    return Table(_columns(_("Part"), currency), rows[:-2], foot=rows[-2:])


def _by_month(both: Sequence[Mapping[str, Any]], currency: str, locale: Locale) -> Table:
    rows = [
        _row(Cell(month_text(one["period"], locale), small=one["state"]),
             Decimal(one["was"]["net"]), Decimal(one["would"]["net"]), locale)
        for one in both
    ]  # fmt: skip
    return Table(_columns(_("Month, net"), currency), rows)


def _defaults(months: Sequence[Mapping[str, Any]], locale: Locale) -> Table:
    was, would = defaults(months, "was"), defaults(months, "would")
    columns = (Column(_("Months in default")), Column(_("As it stood"), is_number=True),
               Column(_("By this version"), is_number=True))  # fmt: skip
    rows = [
        Row((name, figure_text(was.get(name, 0), locale), figure_text(would.get(name, 0), locale)))
        for name in dict.fromkeys([*was, *would])
    ]
    return Table(columns, rows)
