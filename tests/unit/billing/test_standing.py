"""Where a period stands on the month-end board, and until when days run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.support import EXAMPLE

from openbpo.agreements.files import read_folder
from openbpo.agreements.model import Days
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.resolved import from_facts, resolve
from openbpo.agreements.versions.model import Standing as TermsStanding
from openbpo.agreements.versions.model import Terms
from openbpo.billing.closing.model import State
from openbpo.billing.disputes.clocks import end_of
from openbpo.billing.issuing.model import Status
from openbpo.billing.standing.decisions import standing
from openbpo.billing.standing.model import Block, Clock, PeriodFacts, Step
from openbpo.values.ids import VersionId
from openbpo.values.money import Money
from openbpo.values.spans import Span

END = datetime(2025, 1, 31, 23, tzinfo=UTC)
LATER = END + timedelta(days=3)


def facts(**told: Any) -> PeriodFacts:
    usual: dict[str, Any] = {
        "period": "2025-01",
        "ends_at": END,
        "recorded_until": END,
        "rejected_rows": 0,
        "open_questions": 0,
        "signed_by_both": True,
        "earlier_open": None,
        "state": None,
        "disputed_lines": 0,
        "in_dispute": Money.zero("EUR"),
        "answer_by": None,
        "dispute_until": None,
        "status": None,
        "due_at": None,
    }
    return PeriodFacts(**{**usual, **told})


class TestAPeriod:
    @pytest.mark.parametrize(
        ("told", "step"),
        [
            ({"recorded_until": None}, Step.COLLECTING),
            ({"recorded_until": END - timedelta(days=2)}, Step.COLLECTING),
            ({}, Step.DATA_COMPLETE),
            ({"state": State.PRELIMINARY}, Step.DRAFT),
            ({"state": State.REPORTED}, Step.CLIENT_REVIEW),
            ({"state": State.DISPUTED}, Step.CLIENT_REVIEW),
            ({"state": State.AGREED}, Step.APPROVED),
            ({"state": State.FINAL}, Step.APPROVED),
            ({"state": State.REPORTED, "status": Status.OPEN}, Step.ISSUED),
            ({"state": State.AGREED, "status": Status.OVERDUE}, Step.ISSUED),
            ({"state": State.AGREED, "status": Status.PAID}, Step.PAID),
        ],
    )
    def test_has_reached_a_step(self, told: dict[str, Any], step: Step) -> None:
        assert standing(facts(**told), at=LATER).step is step

    @pytest.mark.parametrize(
        ("told", "blocks"),
        [
            ({"recorded_until": END - timedelta(days=2)}, [(Block.RECORD_ENDS_EARLY, 0)]),
            ({"rejected_rows": 7}, [(Block.REJECTED_ROWS, 7)]),
            ({"open_questions": 2}, [(Block.OPEN_QUESTIONS, 2)]),
            ({"signed_by_both": False}, [(Block.NOT_PROVABLE, 0)]),
            ({"earlier_open": "2024-12"}, [(Block.EARLIER_PERIOD_OPEN, 0)]),
            ({"state": State.DISPUTED}, [(Block.CLIENT_DISPUTES, 0)]),
            ({"state": State.AGREED, "disputed_lines": 3}, [(Block.DISPUTED, 3)]),
            ({"state": State.AGREED, "status": Status.OVERDUE}, [(Block.OVERDUE, 0)]),
            ({"state": State.AGREED, "rejected_rows": 7}, []),
            ({}, []),
        ],
    )
    def test_says_what_blocks(self, told: dict[str, Any], blocks: list[tuple[Block, int]]) -> None:
        found = standing(facts(**told), at=LATER).blocks
        assert [(one.block, one.count) for one in found] == blocks

    def test_shows_the_clock_that_runs(self) -> None:
        running = standing(facts(), at=END - timedelta(days=1)).clock
        assert running is not None
        assert (running.clock, running.until, running.is_over) == (Clock.MONTH, END, False)
        review = facts(state=State.REPORTED, dispute_until=LATER)
        reviewed = standing(review, at=LATER).clock
        assert reviewed is not None
        assert (reviewed.clock, reviewed.is_over) == (Clock.DISPUTING, True)
        answer = facts(state=State.REPORTED, dispute_until=LATER, answer_by=END)
        awaited = standing(answer, at=LATER).clock
        assert awaited is not None
        assert awaited.clock is Clock.ANSWER
        due = standing(facts(state=State.AGREED, status=Status.OPEN, due_at=LATER), at=END).clock
        assert due is not None
        assert (due.clock, due.is_over) == (Clock.PAYMENT, False)
        assert standing(facts(state=State.AGREED), at=LATER).clock is None

    def test_is_not_complete_before_its_end(self) -> None:
        found = standing(facts(), at=END - timedelta(seconds=1))
        assert (found.step, found.blocks) == (Step.COLLECTING, ())


@pytest.fixture(scope="module")
def terms() -> Terms:
    agreement = read_agreement(read_folder(EXAMPLE))
    return Terms(
        version_id=VersionId(UUID(int=1)),
        content_hash=bytes(32),
        standing=TermsStanding.AGREED,
        signed_by=("client", "provider"),
        days=Span(agreement.in_force.start, None),
        agreement=agreement,
        resolved=from_facts(agreement, resolve(agreement)),
    )


class TestDays:
    @pytest.mark.parametrize(
        ("count", "are_business", "after", "until"),
        [
            # a Friday before Easter: Saturday, Sunday and Easter Monday are not worked
            (1, True, "2025-04-18T10:00:00Z", "2025-04-22T22:00:00Z"),
            (1, False, "2025-04-18T10:00:00Z", "2025-04-19T22:00:00Z"),
            # 23:30 in Rome is the same day, although the day is over in UTC an hour later
            (2, False, "2025-01-10T22:30:00Z", "2025-01-12T23:00:00Z"),
            (2, False, "2025-01-10T23:30:00Z", "2025-01-13T23:00:00Z"),
            # over the night on which the clocks go forward
            (1, False, "2025-03-29T12:00:00Z", "2025-03-30T22:00:00Z"),
            # 25 April and 1 May are holidays
            (10, True, "2025-04-23T08:00:00Z", "2025-05-09T22:00:00Z"),
        ],
    )
    def test_are_over_with_the_day(
        self, terms: Terms, count: int, are_business: bool, after: str, until: str
    ) -> None:
        days = Days(count=count, are_business=are_business)
        found = end_of(days, datetime.fromisoformat(after), terms, "desk-hours")
        assert found == datetime.fromisoformat(until)
