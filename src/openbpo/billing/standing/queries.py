"""Where the periods of an engagement stand on the month-end board."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from openbpo.agreements.versions.decisions import terms_on
from openbpo.agreements.versions.model import Standing as TermsStanding
from openbpo.agreements.versions.model import Terms
from openbpo.assurance.attainment.periods import find_period
from openbpo.billing.closing.model import Act, State
from openbpo.billing.closing.queries import StoredKnowledge, last_act, standing_documents
from openbpo.billing.closing.queries import acts as period_acts
from openbpo.billing.disputes.decisions import in_dispute, until_when
from openbpo.billing.disputes.model import Dispute
from openbpo.billing.disputes.queries import disputable, disputes_of
from openbpo.billing.issuing.model import Account, Status
from openbpo.billing.issuing.queries import invoices_of
from openbpo.billing.standing.decisions import standing
from openbpo.billing.standing.model import OnBoard, PeriodFacts, Standing
from openbpo.billing.statements.actions import statement_of
from openbpo.billing.statements.model import Statement
from openbpo.record.queries import reach, refused_rows
from openbpo.storage.database import Transaction
from openbpo.values.ids import EngagementId
from openbpo.values.money import Money
from openbpo.values.periods import calendar_month_of, months_between


def board(
    tx: Transaction, engagement_id: EngagementId, periods: Sequence[str] | None = None
) -> tuple[Standing, ...]:
    """
    Return where each period stands as of the transaction's instant.

    Without names: every month that the record reaches into, in order, from the first closed one
    on: what is before that one is closed no more. What is undecided of a period that is not
    reported its statement says, which is computed where it is stale.
    """
    reading = _Reading(tx, engagement_id)
    names = periods if periods is not None else reading.periods()
    return tuple(standing(reading.facts(name), at=tx.at) for name in names)


def months_on_board(
    tx: Transaction,
    engagement_id: EngagementId,
    choose: Callable[[Sequence[str]], Sequence[str]] = lambda names: names,
) -> tuple[list[str], tuple[OnBoard, ...]]:
    """
    Return the names of all periods that the board knows, and those chosen of them.

    Each with what it comes to: as issued, else as its statement says.
    """
    reading = _Reading(tx, engagement_id)
    names = reading.periods()
    return names, tuple(reading.on_board(name) for name in choose(names))


class _Reading:
    def __init__(self, tx: Transaction, engagement_id: EngagementId) -> None:
        self.tx, self.engagement_id = tx, engagement_id
        self.knowledge = StoredKnowledge(tx, engagement_id)
        self.all_terms = self.knowledge.terms(self.knowledge.latest())
        self.held = reach(tx, engagement_id)
        self.refused = refused_rows(tx, engagement_id)
        self.acts: list[Act] = period_acts(tx, engagement_id)
        self.disputes: tuple[Dispute, ...] = disputes_of(tx, engagement_id)
        self.accounts: tuple[Account, ...] = invoices_of(tx, engagement_id)
        self.statements: dict[str, Statement] = {}

    def periods(self) -> list[str]:
        if not self.all_terms:
            return []
        newest = self.all_terms[-1]
        zone = newest.resolved.zones[newest.agreement.zone]
        names = {act.period for act in self.acts}
        if self.held.first is not None and self.held.last is not None:
            held = (self.held.first, self.held.last)
            first, last = (calendar_month_of(one, zone) for one in held)
            within = months_between(first.name, last.name, zone)
            names.update(month.name for month in within if self._is_governed(month.name))
        closed = standing_documents(self.acts)
        begun = closed[0]["period"] if closed else ""
        return sorted(name for name in names if name >= begun)

    def _is_governed(self, name: str) -> bool:
        """Tell whether some version holds on a day of the month."""
        return any(
            f"{terms.days.start:%Y-%m}" <= name
            and (terms.days.end is None or f"{name}-01" < str(terms.days.end))
            for terms in self.all_terms
        )

    def on_board(self, name: str) -> OnBoard:
        account = self._account(name)
        _, terms = find_period(self.all_terms, name)
        return OnBoard(
            standing=standing(self.facts(name), at=self.tx.at),
            amount=account.issued.total if account else self._due(name),
            paid=account.paid if account else Money.zero(terms.agreement.currency),
            number=account.issued.number if account else None,
            due=account.issued.due_date if account else None,
            zone=terms.agreement.zone,
        )

    def _due(self, name: str) -> Money:
        told = self._statement(name).told
        return Money.parse(f"{told['due']['total']} {told['currency']}")

    def _statement(self, name: str) -> Statement:
        if name not in self.statements:
            self.statements[name] = statement_of(self.tx, self.engagement_id, name)
        return self.statements[name]

    def facts(self, name: str) -> PeriodFacts:
        period, terms = find_period(self.all_terms, name)
        act = last_act(self.acts, name)
        state = act.state if act else None
        stands = state is not None and state.stands
        assert period.span.end is not None, "a month ends"
        account = self._account(name)
        disputed = [one for one in self.disputes if one.period == name and not one.state.is_over]
        answers = [one.answer_by for one in disputed if one.answer_by is not None]
        return PeriodFacts(
            period=name,
            ends_at=period.span.end,
            recorded_until=self.held.last,
            rejected_rows=self.refused,
            open_questions=0 if stands else self._questions(name),
            signed_by_both=terms.standing is TermsStanding.AGREED,
            earlier_open=None if stands else self._earlier_open(name),
            state=state,
            disputed_lines=len(disputed),
            in_dispute=in_dispute(self.disputes, terms.agreement.currency, name),
            answer_by=min(answers, default=None),
            dispute_until=self._dispute_until(name, state) if stands else None,
            status=account.status if account else None,
            due_at=_due_at(account, terms) if account else None,
        )

    def _questions(self, name: str) -> int:
        undecided: int = self._statement(name).told["undecided"]["number"]
        return undecided

    def _earlier_open(self, name: str) -> str | None:
        """Return the period that must be closed before this one, None if it may be closed."""
        closed = [one["period"] for one in standing_documents(self.acts)]
        if not closed or name <= closed[-1]:
            return None
        newest = self.all_terms[-1]
        zone = newest.resolved.zones[newest.agreement.zone]
        between = [month.name for month in months_between(closed[-1], name, zone)][1:-1]
        return between[0] if between else None

    def _dispute_until(self, name: str, state: State | None) -> datetime | None:
        if state is State.FINAL:
            return None
        return until_when(disputable(self.acts, name), terms_on(self.all_terms, self.tx.at))

    def _account(self, name: str) -> Account | None:
        for one in self.accounts:
            if one.issued.period == name and one.status not in (
                Status.CANCELLED,
                Status.CREDIT_NOTE,
            ):
                return one
        return None


def _due_at(account: Account, terms: Terms) -> datetime | None:
    due = account.issued.due_date
    zone = terms.resolved.zones[terms.agreement.zone]
    return zone.day_start(due + timedelta(days=1)) if due else None
