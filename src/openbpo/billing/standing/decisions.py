"""From a period's facts to its place on the month-end board: pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from openbpo.billing.closing.model import State
from openbpo.billing.issuing.model import Status
from openbpo.billing.standing.model import (
    Block,
    Blocked,
    Clock,
    PeriodFacts,
    Running,
    Standing,
    Step,
)

ONE_DAY = timedelta(days=1)


def standing(facts: PeriodFacts, *, at: datetime) -> Standing:
    """Return where a period stands at an instant: the step that it has reached, and what blocks."""
    step = _step(facts, at)
    return Standing(
        period=facts.period,
        step=step,
        blocks=tuple(_blocks(facts, step, at)),
        clock=_clock(facts, step, at),
        in_dispute=facts.in_dispute,
    )


def _step(facts: PeriodFacts, at: datetime) -> Step:
    if facts.status is Status.PAID:
        return Step.PAID
    if facts.status is not None:
        return Step.ISSUED
    if facts.state in (State.AGREED, State.FINAL):
        return Step.APPROVED
    if facts.state in (State.REPORTED, State.DISPUTED):
        return Step.CLIENT_REVIEW
    if facts.state is State.PRELIMINARY:
        return Step.DRAFT
    return Step.DATA_COMPLETE if _is_complete(facts, at) else Step.COLLECTING


def _is_complete(facts: PeriodFacts, at: datetime) -> bool:
    return at >= facts.ends_at and _reaches_its_end(facts)


def _reaches_its_end(facts: PeriodFacts) -> bool:
    """The last event lies on the last day or later: nobody records that nothing happened."""
    until = facts.recorded_until
    return until is not None and until >= facts.ends_at - ONE_DAY


def _blocks(facts: PeriodFacts, step: Step, at: datetime) -> Iterator[Blocked]:
    if step in (Step.COLLECTING, Step.DATA_COMPLETE, Step.DRAFT):
        yield from _blocks_of_data(facts, at)
    if step is Step.CLIENT_REVIEW and facts.state is State.DISPUTED:
        yield Blocked(block=Block.CLIENT_DISPUTES)
    if step in (Step.CLIENT_REVIEW, Step.APPROVED, Step.ISSUED) and facts.disputed_lines:
        yield Blocked(block=Block.DISPUTED, count=facts.disputed_lines, note=str(facts.in_dispute))
    if facts.status is Status.OVERDUE:
        yield Blocked(block=Block.OVERDUE)


def _blocks_of_data(facts: PeriodFacts, at: datetime) -> Iterator[Blocked]:
    if at >= facts.ends_at and not _reaches_its_end(facts):
        yield Blocked(block=Block.RECORD_ENDS_EARLY)
    if facts.rejected_rows:
        yield Blocked(block=Block.REJECTED_ROWS, count=facts.rejected_rows)
    if facts.open_questions:
        yield Blocked(block=Block.OPEN_QUESTIONS, count=facts.open_questions)
    if not facts.signed_by_both:
        yield Blocked(block=Block.NOT_PROVABLE)
    if facts.earlier_open is not None:
        yield Blocked(block=Block.EARLIER_PERIOD_OPEN, note=facts.earlier_open)


def _clock(facts: PeriodFacts, step: Step, at: datetime) -> Running | None:
    clock, until = _clock_of(facts, step, at)
    if clock is None or until is None:
        return None
    return Running(clock=clock, until=until, is_over=at >= until)


def _clock_of(facts: PeriodFacts, step: Step, at: datetime) -> tuple[Clock | None, datetime | None]:
    if step is Step.COLLECTING and at < facts.ends_at:
        return Clock.MONTH, facts.ends_at
    if facts.answer_by is not None and step is not Step.PAID:
        return Clock.ANSWER, facts.answer_by
    if step is Step.CLIENT_REVIEW:
        return Clock.DISPUTING, facts.dispute_until
    if step is Step.ISSUED:
        return Clock.PAYMENT, facts.due_at
    return None, None
