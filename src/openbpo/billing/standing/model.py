"""What a month's board shows of an engagement's period: its step, what blocks it, which clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from openbpo.billing.closing.model import State
from openbpo.billing.issuing.model import Status
from openbpo.values.money import Money


class Step(StrEnum):
    """How far a period has come; the board has a column for each."""

    COLLECTING = "collecting"
    DATA_COMPLETE = "data complete"
    DRAFT = "draft"
    CLIENT_REVIEW = "client review"
    APPROVED = "approved"
    ISSUED = "issued"
    PAID = "paid"


class Block(StrEnum):
    """What keeps a period from its next step."""

    RECORD_ENDS_EARLY = "record ends before the month does"
    REJECTED_ROWS = "rows were set aside"
    OPEN_QUESTIONS = "empty values leave cases undecided"
    NOT_PROVABLE = "only one side has signed the terms"
    EARLIER_PERIOD_OPEN = "an earlier period is open"
    DISPUTED = "lines are disputed"
    CLIENT_DISPUTES = "the client disputes the period"
    OVERDUE = "the invoice is overdue"


class Clock(StrEnum):
    """What ends when the time is over."""

    MONTH = "the month ends"
    ANSWER = "an answer to a dispute is due"
    DISPUTING = "the time to dispute ends"
    PAYMENT = "the invoice is due"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodFacts:
    """
    All that a period's standing follows from.

    `ends_at` is the period's end, `recorded_until` the last event's instant, None without any.
    `status` is that of the invoice that stands, `due_at` the end of the day on which it is due.
    """

    period: str
    ends_at: datetime
    recorded_until: datetime | None
    rejected_rows: int
    open_questions: int
    signed_by_both: bool
    earlier_open: str | None
    state: State | None
    disputed_lines: int
    in_dispute: Money
    answer_by: datetime | None
    dispute_until: datetime | None
    status: Status | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """What blocks, and how much of it: rows, cases, lines; 0 where it is not counted."""

    block: Block
    count: int = 0
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The clock that runs, and until when; `is_over` where that is past."""

    clock: Clock
    until: datetime
    is_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a period stands on the board, as of an instant."""

    period: str
    step: Step
    blocks: tuple[Blocked, ...]
    clock: Running | None
    in_dispute: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class OnBoard:
    """
    A period on the board: where it stands, and what it comes to with tax.

    `number` and `due` are those of the invoice that stands; `due` is the last day to pay it.
    """

    standing: Standing
    amount: Money
    paid: Money
    number: str | None
    due: date | None
    zone: str
