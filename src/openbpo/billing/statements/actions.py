"""
Statements, each computed where what is stored is stale: a cache in front of the record.

What is stored is a pure function of the entries of the record, so that a reader may compute it as
well as a worker may, and nothing is lost where it is deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from openbpo.assurance.attainment.queries import attain, work_of
from openbpo.billing.closing.queries import StoredKnowledge, acts, closed_as, last_act
from openbpo.billing.invoicing.queries import invoice_of
from openbpo.billing.statements import store
from openbpo.billing.statements.model import CasesPage, Outcome, Statement
from openbpo.billing.statements.packing import packed, packed_rows, page_of
from openbpo.billing.statements.queries import (
    Sources,
    as_statement,
    period_names,
    sources,
    stale_periods,
    terms_at,
)
from openbpo.billing.statements.telling import Computed, told
from openbpo.record.queries import reach
from openbpo.storage.database import Transaction
from openbpo.values.ids import EngagementId
from openbpo.values.periods import month_names
from openbpo.values.refusals import Refusal

PAGE = 50


def statement_of(tx: Transaction, engagement_id: EngagementId, period: str) -> Statement:
    """
    Return a period's statement, computed and stored where it is missing or stale.

    Raises Refusal as `attain` and `invoice` do: there is no such period, or nothing to compute by.
    """
    found = _fresh(tx, engagement_id, period, sources(tx, engagement_id))
    if found is None:
        store.lock(tx, engagement_id, period)
        now = sources(tx, engagement_id)  # somebody else may have computed it meanwhile
        found = _fresh(tx, engagement_id, period, now)
        if found is None:
            found = _computed(tx, engagement_id, period, now)
    return found


def _fresh(
    tx: Transaction, engagement_id: EngagementId, period: str, now: Sources
) -> Statement | None:
    stored = store.statements(tx, engagement_id, [period]).get(period)
    if stored is None or bytes(stored.depends_on) != now.depends_on(period):
        return None
    return as_statement(stored)


def _computed(tx: Transaction, engagement_id: EngagementId, period: str, now: Sources) -> Statement:
    computed = compute(tx, engagement_id, period, now)
    lists = computed.case_lists
    content = told(computed, lists)
    stored = store.StoredStatement(period, computed.entry, now.depends_on(period), packed(content))
    store.replace(tx, engagement_id, stored, {one.figure: packed_rows(one.rows) for one in lists})
    return as_statement(stored)


def compute(tx: Transaction, engagement_id: EngagementId, period: str, now: Sources) -> Computed:
    """Return a period from its events, by what was known at one entry."""
    knowledge = StoredKnowledge(tx, engagement_id)
    all_acts = [act for act in acts(tx, engagement_id) if act.entry <= now.latest]
    own = last_act(all_acts, period)
    stands = own is not None and own.state.stands
    closed = closed_as(knowledge, all_acts, period, None if stands else now.latest)
    known = now.latest if closed.known is None else closed.known
    work = work_of(tx, engagement_id, terms_at(knowledge, known), period, known=known)
    results = attain(work)
    return Computed(
        entry=now.entry(period),
        work=work,
        results=results,
        invoice=invoice_of(work, results),
        closed=closed,
        reach=reach(tx, engagement_id, known=known),
    )


def statements_between(
    tx: Transaction, engagement_id: EngagementId, first: str, last: str
) -> list[Statement]:
    """
    Return the statements of the periods from one to another, both included, in their order.

    Of those in which the record has nothing, and that were not closed, there is none.
    """
    names = _month_names(first, last)
    now = sources(tx, engagement_id)
    stored = store.statements(tx, engagement_id, names)
    fresh = {
        name: as_statement(one)
        for name, one in stored.items()
        if bytes(one.depends_on) == now.depends_on(name)
    }
    if len(fresh) < len(names):
        existing = set(period_names(tx, engagement_id))
        names = [name for name in names if name in fresh or name in existing]
    return [fresh.get(name) or statement_of(tx, engagement_id, name) for name in names]


def _month_names(first: str, last: str) -> list[str]:
    try:
        return list(month_names(first, last))
    except ValueError as fault:
        raise Refusal.of("period", str(fault), "Write it as 2012-01.") from fault


def refresh(
    tx: Transaction, engagement_id: EngagementId, periods: Iterable[str] | None = None
) -> list[str]:
    """Compute what is missing or stale, of all periods or of those named; return which."""
    stale = stale_periods(tx, engagement_id)
    wanted = stale if periods is None else [name for name in periods if name in stale]
    for name in wanted:
        statement_of(tx, engagement_id, name)
    return wanted


def cases_of(
    tx: Transaction,
    engagement_id: EngagementId,
    period: str,
    figure: str,
    *,
    outcome: Outcome | None = None,
    why: str | None = None,
    units: tuple[int, int] | None = None,
    group: str | None = None,
    cases: Collection[str] | None = None,
    page: int = 1,
    size: int = PAGE,
    sort: str | None = None,
) -> CasesPage:
    """
    Return a page of the cases of a figure, `measure:ID` or `charge:ID`.

    Of one outcome, one reason, one group of counts, of these keys, or some units of a charge, where
    these are named. They come in their
    stored order (the slowest first; units by their number), or by `case`, `began`, `ended` or
    `counted_us`; a minus before it turns it round. Raises Refusal where there is no such figure.
    """
    statement_of(tx, engagement_id, period)
    body = store.case_list(tx, engagement_id, period, figure)
    if body is None:
        known = ", ".join(store.figures(tx, engagement_id, period))
        raise Refusal.of(figure, f"{period} has no figure of this name.", f"It has: {known}.")
    return page_of(
        figure, body, outcome=outcome, why=why, units=units, group=group, cases=cases, page=page,
        size=size, sort=sort,
    )  # fmt: skip
