"""The only SQL that names the tables of statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openbpo.storage.database import Transaction
from openbpo.values.ids import EngagementId


@dataclass(frozen=True, slots=True)
class StoredStatement:
    """A statement as it is stored."""

    period: str
    entry: int
    depends_on: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class StoredHead:
    """At which entry a statement is stored, and what it depends on."""

    period: str
    entry: int
    depends_on: bytes


@dataclass(frozen=True, slots=True)
class _Body:
    body: bytes


def lock(tx: Transaction, engagement_id: EngagementId, period: str) -> None:
    """Let one transaction at a time compute a period's statement."""
    tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%(key)s, 10))",
        {"key": f"{engagement_id}|{period}"},
    )


def heads(tx: Transaction, engagement_id: EngagementId) -> dict[str, StoredHead]:
    """Return the heads of all statements that are stored, by period."""
    found = tx.rows(
        StoredHead,
        "SELECT period, entry, depends_on FROM billing.statement"
        " WHERE engagement_id = %(engagement_id)s",
        {"engagement_id": engagement_id},
    )
    return {one.period: one for one in found}


def statements(
    tx: Transaction, engagement_id: EngagementId, periods: Sequence[str]
) -> dict[str, StoredStatement]:
    """Return the statements that are stored of these periods, by period."""
    found = tx.rows(
        StoredStatement,
        "SELECT period, entry, depends_on, body FROM billing.statement"
        " WHERE engagement_id = %(engagement_id)s AND period = ANY (%(periods)s)",
        {"engagement_id": engagement_id, "periods": list(periods)},
    )
    return {one.period: one for one in found}


def replace(
    tx: Transaction,
    engagement_id: EngagementId,
    statement: StoredStatement,
    cases: Mapping[str, bytes],
) -> None:
    """Store a statement with the cases of its figures, in place of what is stored of its period."""
    forget(tx, engagement_id, [statement.period])
    key = {"engagement_id": engagement_id, "period": statement.period}
    tx.execute(
        "INSERT INTO billing.statement (engagement_id, period, entry, depends_on, body)"
        " VALUES (%(engagement_id)s, %(period)s, %(entry)s, %(depends_on)s, %(body)s)",
        {
            **key,
            "entry": statement.entry,
            "depends_on": statement.depends_on,
            "body": statement.body,
        },
    )
    for figure, body in cases.items():
        tx.execute(
            "INSERT INTO billing.statement_cases (engagement_id, period, figure, body)"
            " VALUES (%(engagement_id)s, %(period)s, %(figure)s, %(body)s)",
            {**key, "figure": figure, "body": body},
        )


def forget(tx: Transaction, engagement_id: EngagementId, periods: Sequence[str]) -> None:
    """Delete what is stored of these periods; it comes back as it was when it is asked for."""
    tx.execute(
        "DELETE FROM billing.statement WHERE engagement_id = %(engagement_id)s"
        " AND period = ANY (%(periods)s)",
        {"engagement_id": engagement_id, "periods": list(periods)},
    )


def case_list(
    tx: Transaction, engagement_id: EngagementId, period: str, figure: str
) -> bytes | None:
    """Return the packed cases of a figure, None where the period has no such figure."""
    found = tx.row(
        _Body,
        "SELECT body FROM billing.statement_cases WHERE engagement_id = %(engagement_id)s"
        " AND period = %(period)s AND figure = %(figure)s",
        {"engagement_id": engagement_id, "period": period, "figure": figure},
    )
    return bytes(found.body) if found else None


@dataclass(frozen=True, slots=True)
class _Figure:
    figure: str


def figures(tx: Transaction, engagement_id: EngagementId, period: str) -> list[str]:
    """Return the figures of a period that have cases."""
    found = tx.rows(
        _Figure,
        "SELECT figure FROM billing.statement_cases WHERE engagement_id = %(engagement_id)s"
        ' AND period = %(period)s ORDER BY figure COLLATE "C"',
        {"engagement_id": engagement_id, "period": period},
    )
    return [one.figure for one in found]
