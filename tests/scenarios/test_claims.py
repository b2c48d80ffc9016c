"""A side names the formula by which it reads a disputed credit; the record holds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.desk import Desk
from tests.telephone import EXAMPLE

from openbpo.billing.closing.model import State
from openbpo.billing.disputes.actions import open_dispute, reply_to
from openbpo.billing.disputes.model import Claim, ClaimedFormula, Deed, Reply
from openbpo.lines.telephone.sample import write_sample
from openbpo.storage.database import Context, Database
from openbpo.values.refusals import Refusal

MEASURE = "answered-in-time"
BY_A, BY_D = ClaimedFormula(MEASURE, "a"), ClaimedFormula(MEASURE, "d")


@pytest.fixture
def centre(
    databases: tuple[Database, Database], context: Context, handle: str, tmp_path: Path
) -> Desk:
    desk = Desk.opened(databases, context, handle, EXAMPLE, "provider", "client")
    write_sample(tmp_path / "calls.tsv", 2025, 7)
    desk.imports(tmp_path / "calls.tsv")
    desk.closes("2025-03", State.REPORTED)
    return desk


def claims(desk: Desk, **what: Any) -> Any:
    claim = Claim(**{"period": "2025-03", "line": "credit", "reason": "Within of offered.", **what})
    return open_dispute(desk.database, desk.context, desk.engagement_id, claim, "client")


class TestFormulas:
    def test_are_kept_of_each_side_and_recomputed(self, centre: Desk) -> None:
        opened = claims(centre, amount="-160.00", formula=BY_A)
        assert opened.formula_of("client") == BY_A
        assert opened.formula_of("provider") is None
        reply = Reply(did=Deed.REFUSED, reason="Short abandons are within.", formula=BY_D)
        found = reply_to(
            centre.database, centre.context, centre.engagement_id, 1, reply, "provider"
        )
        assert found.formula_of("client") == BY_A
        assert found.formula_of("provider") == BY_D
        sealed = centre.seals()
        with centre.reading() as record:
            assert record.replayed(sealed).differences == ()

    @pytest.mark.parametrize(
        ("what", "said"),
        [
            ({"formula": ClaimedFormula("speed", "a")}, "There is no measure 'speed'"),
            ({"formula": ClaimedFormula(MEASURE, "e")}, "not read by 'e'"),
            ({"line": "calls-answered/1", "amount": "1.00", "formula": BY_A}, "made of units"),
        ],
    )
    def test_that_there_are_not_are_refused(
        self, centre: Desk, what: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(Refusal, match=said):
            claims(centre, **{"amount": "-1.00", **what})
