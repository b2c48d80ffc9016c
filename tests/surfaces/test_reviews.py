"""The review meeting: its pack, and the actions that carry over. And all programmes on a page."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from openbpo.billing.reviews.actions import act_on_action, raise_action
from openbpo.billing.reviews.queries import actions_for
from openbpo.billing.statements.actions import refresh
from openbpo.surfaces.web.documents.review import Part, ReviewPack, as_pdf
from openbpo.surfaces.web.pages.programmes import finding, verdicts
from openbpo.trust.roles.model import RIGHTS, Right, Role
from openbpo.values.refusals import Refusal
from tests.desk import Desk
from tests.surfaces.conftest import MakeVisitor
from tests.surfaces.working import worked_desk


@pytest.fixture
def worked(desk: Desk, tmp_path: Path) -> Desk:
    return worked_desk(desk, tmp_path)


class TestActions:
    def test_carry_over_until_they_are_done(self, desk: Desk) -> None:
        with desk.reading() as it:
            for said in ("Train the night shift", "Mend the export"):
                raise_action(
                    it.tx, desk.engagement_id, period="2012-01", said=said, owner_side="provider",
                    due_day=date(2012, 2, 10),
                )  # fmt: skip
        with desk.reading() as it:
            first, second = actions_for(it.tx, desk.engagement_id, "2012-02")
            assert first.carries_over("2012-02")
            act_on_action(it.tx, desk.engagement_id, first.action_id, "done", "trained")
        with desk.reading() as it:
            assert actions_for(it.tx, desk.engagement_id, "2012-02") == [second]
            own = actions_for(it.tx, desk.engagement_id, "2012-01")
            assert [one.state for one in own] == ["done", "open"]

    def test_say_something(self, desk: Desk) -> None:
        with desk.reading() as it, pytest.raises(Refusal, match="It says nothing"):
            raise_action(
                it.tx, desk.engagement_id, period="2012-01", said=" ", owner_side="client",
                due_day=date(2012, 2, 10),
            )  # fmt: skip


class TestPages:
    def test_take_an_action_and_end_it(self, visitor: MakeVisitor, worked: Desk) -> None:
        anna = visitor("client-owner", at=worked)
        sent = {"said": "Mend <b>it</b>", "owner_side": "provider", "due_day": "2012-03-01"}
        anna.post("/e/HANDLE/review/2012-01/actions", sent)
        page = anna.get("/e/HANDLE/review?period=2012-02").content.decode()
        assert "Mend &lt;b&gt;it" in page
        with worked.reading() as it:
            (action,) = actions_for(it.tx, worked.engagement_id, "2012-02")
        anna.post(f"/e/HANDLE/review/2012-02/actions/{action.action_id}", {"state": "done"})
        assert "Mend" not in anna.get("/e/HANDLE/review?period=2012-02").content.decode()

    def test_hand_over_a_pdf_and_a_workbook(self, visitor: MakeVisitor, worked: Desk) -> None:
        anna = visitor("client-auditor", at=worked)
        pdf = anna.get("/e/HANDLE/review/2012-02/pack.pdf")
        assert pdf.content.startswith(b"%PDF-")
        xlsx = anna.get("/e/HANDLE/review/2012-02/pack.xlsx").content
        book = CalamineWorkbook.from_filelike(io.BytesIO(xlsx))
        assert book.sheet_names[0] == "1 Results"
        lines = book.get_sheet_by_index(2).to_python()
        assert isinstance(lines[3][2], float)
        assert anna.get("/e/HANDLE/review/2012-02/pack.doc").status_code == 404
        assert anna.get("/e/HANDLE/review/2031-02/pack.pdf").status_code == 404

    @pytest.mark.parametrize("role", list(Role))
    def test_open_by_right(self, visitor: MakeVisitor, role: Role) -> None:
        expected = 200 if Right.SEE_BILLING in RIGHTS[role] else 403
        assert visitor(role.value).get("/e/HANDLE/review").status_code == expected

    def test_let_an_auditor_look_only(self, visitor: MakeVisitor, worked: Desk) -> None:
        anna = visitor("client-auditor", at=worked)
        sent = {"said": "x", "owner_side": "client", "due_day": "2012-03-01"}
        assert anna.post("/e/HANDLE/review/2012-01/actions", sent).status_code == 403


class TestPdf:
    def test_takes_what_is_recorded_as_text(self) -> None:
        part = Part("#panic()", "*a*", [], [])
        pack = ReviewPack("$x", "#read()", "]", "[", [part], "me", "#", "en")
        assert as_pdf(pack).startswith(b"%PDF-")


class TestProgrammes:
    def test_tell_status_money_and_what_waits(self, visitor: MakeVisitor, worked: Desk) -> None:
        with worked.reading() as it:
            refresh(it.tx, worked.engagement_id)
        page = visitor("client-owner", at=worked).get("/programmes").content.decode()
        assert "January 2012 is to be agreed" in page
        assert "Credits not agreed yet" in page
        assert "Officina" in page or "Banco" in page

    def test_have_no_money_without_the_right(self, visitor: MakeVisitor, worked: Desk) -> None:
        with worked.reading() as it:
            refresh(it.tx, worked.engagement_id)
        page = visitor("client-user", at=worked).get("/programmes").content.decode()
        assert "Credits" not in page
        assert "EUR" not in page

    def test_tell_no_stranger(self, visitor: MakeVisitor, worked: Desk) -> None:
        page = visitor(at=worked).get("/programmes").content.decode()
        assert worked.handle not in page

    def test_say_the_finding(self) -> None:
        assert finding(0, 2) == "2 programmes, and none is at risk"
        assert finding(1, 2) == "1 of 2 programmes at risk"
        chips = verdicts({"measures": [{"verdict": "met"}, {"verdict": None}, {"verdict": "met"}]})
        assert [str(one.word) for one in chips] == ["2 met"]
