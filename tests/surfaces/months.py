"""Months of tickets whose money pages show: 60 tickets a month are 2,215.00 EUR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from openbpo.billing.closing.model import State
from openbpo.billing.disputes.actions import open_dispute
from openbpo.billing.disputes.model import Claim, Dispute
from openbpo.billing.disputes.queries import disputes_of
from openbpo.billing.issuing.actions import issue, pay
from openbpo.billing.issuing.model import Account, Issued
from openbpo.billing.issuing.queries import invoices_of, today
from openbpo.storage.database import Context, Database
from tests.desk import Desk
from tests.support import EXAMPLE, Ticket, agreement_at, ticket, write_cases

MAY = ("2012-05-07T08:30:00", "2012-05-07T12:00:00", "2012-05-31T18:00:00")
SLOW_MAY = ("2012-05-07T08:30:00", "2012-05-31T18:00:00", "2012-05-31T18:00:00")
JUNE = ("2012-06-07T08:30:00", "2012-06-07T12:00:00", "2012-06-29T18:00:00")
JULY = ("2012-07-09T08:30:00", "2012-07-09T12:00:00", "2012-07-31T18:00:00")
TITLED = {
    "charges.yaml": [("    says: Each ticket", "    title: Closed tickets\n    says: Each ticket")]
}
BY_KEY = {
    "data.yaml": [("case_value: last\n", "case_value: last\n    optional: true\n")],
    "charges.yaml": [
        (
            "count: {service: tickets, moment: closed}",
            'count: {service: tickets, moment: closed, cases: seriousness = "Value 1"}',
        )
    ],
}
"""A charge that an empty value leaves undecided."""

Edits = Mapping[str, Sequence[tuple[str, str]]]
NONE: Edits = {}


@dataclass(frozen=True)
class Months:
    """A desk with its months."""

    desk: Desk
    folder: Path

    @classmethod
    def of(cls, databases: tuple[Database, Database], folder: Path, edits: Edits = NONE) -> Months:
        """Accept the example, or what edits make of it, and take in May and June 2012."""
        handle = f"months-{uuid4().hex[:12]}"
        agreement = agreement_at(folder / handle, edits) if edits else EXAMPLE
        context = Context(principal="billing", purpose="test")
        desk = Desk.opened(databases, context, handle, agreement, "provider", "client")
        months = cls(desk, folder)
        months.takes_in(
            {f"May {n}": ticket("standard", *MAY) for n in range(1, 41)}
            | {f"Slow {n}": ticket("premium", *SLOW_MAY) for n in range(1, 21)}
            | {f"June {n}": ticket("standard", *JUNE) for n in range(1, 61)}
        )
        return months

    def takes_in(self, cases: Mapping[str, Ticket], **cells: str) -> None:
        """Import cases."""
        path = self.folder / f"{uuid4().hex}.csv"
        self.desk.imports(write_cases(path, cases, **cells))

    def closes(self, period: str, *states: State) -> None:
        """Bring a month from state to state."""
        for state in states:
            self.desk.closes(period, state)

    def issues(self, period: str) -> Issued:
        """Issue a month that was agreed."""
        self.closes(period, State.REPORTED, State.AGREED)
        desk = self.desk
        return issue(desk.database, desk.context, desk.engagement_id, period).issued

    def pays(self, number: str, amount: str) -> None:
        """Record a payment of today."""
        desk = self.desk
        with desk.reading() as record:
            day = today(record.tx, desk.engagement_id)
        pay(desk.database, desk.context, desk.engagement_id, number,
            amount=amount, day=day, reference="B-1")  # fmt: skip

    def disputes(self, period: str, line: str, amount: str) -> Dispute:
        """Dispute a line for the client."""
        claim = Claim(period=period, line=line, reason="Not ours", amount=amount)
        desk = self.desk
        return open_dispute(desk.database, desk.context, desk.engagement_id, claim, "client")

    def all_disputes(self) -> tuple[Dispute, ...]:
        """Return every dispute."""
        with self.desk.reading() as record:
            return disputes_of(record.tx, self.desk.engagement_id)

    def accounts(self) -> tuple[Account, ...]:
        """Return all that was issued."""
        with self.desk.reading() as record:
            return invoices_of(record.tx, self.desk.engagement_id)

    def states(self, period: str) -> list[State]:
        """Return through which states a month went."""
        with self.desk.reading() as record:
            return [act.state for act in record.acts() if act.period == period]
