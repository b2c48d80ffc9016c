"""Importing by a page: progress, outcome, refused rows, and what broke off; and reconciling."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from openbpo.agreements.versions.queries import terms_in_force
from openbpo.delivery.intake.actions import import_file
from openbpo.evidence.reconciling.queries import recomputed_of
from openbpo.evidence.reconciling.templates import tables, write_report
from openbpo.storage.database import Context
from openbpo.storage.installation import open_database
from openbpo.storage.jobs.actions import Work, claim
from openbpo.storage.jobs.model import Job
from openbpo.storage.jobs.queries import find_job
from openbpo.surfaces.uploads import find_upload
from openbpo.surfaces.web.pages.imports.told import Counted, progress_of
from openbpo.surfaces.web.pages.reconcile.told import harmless
from openbpo.surfaces.worker.bringing import IMPORT, import_rows
from openbpo.surfaces.worker.running import run
from openbpo.trust.roles.model import RIGHTS, Right, Role
from tests.desk import Desk
from tests.support import ticket, write_log
from tests.surfaces.bringing import carried_out, job_in, named
from tests.surfaces.conftest import MakeVisitor, Visitor


def log(tmp_path: Path, name: str = "may.csv", tickets: int = 30) -> Path:
    return write_log(
        tmp_path / name,
        [
            ticket(
                "premium", f"2025-05-{n % 27 + 1:02}T09:{n % 60:02}:00",
                f"2025-05-{n % 27 + 1:02}T15:{n % 60:02}:00", f"2025-05-{n % 27 + 2:02}T16:00:00",
            )
            for n in range(tickets)
        ],
    )  # fmt: skip


def with_faults(path: Path) -> Path:
    """Write another log beside, of which two rows have no time that can be read."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for number in (3, 6):
        lines[number] = lines[number].replace("2025/05/", "May the ")
    other = path.with_name(f"bad {path.name}")
    other.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return other


def brought(who: Visitor, content: bytes, name: str = "may.csv", **more: str) -> str:
    posted = {"file": named(content, name), "mapping": "helpdesk-log", **more}
    answer = who.post("/e/HANDLE/imports", posted)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def carried(who: Visitor, desk: Desk, address: str) -> Job:
    context = Context(who.person.principal, "test")
    return carried_out(desk.database, context, desk.engagement_id, job_in(address))


def page(who: Visitor, address: str) -> str:
    answer = who.get(address)
    assert answer.status_code == 200, address
    return str(answer.content.decode())


class TestAnImport:
    @pytest.mark.parametrize("role", list(Role))
    def test_is_for_roles_with_the_right(self, visitor: MakeVisitor, role: Role) -> None:
        may = Right.IMPORT_WORK in RIGHTS[role]
        assert visitor(role).get("/e/HANDLE/imports").status_code == (200 if may else 403)

    def test_comes_in_and_tells_what_came_of_it(
        self, visitor: MakeVisitor, desk: Desk, tmp_path: Path
    ) -> None:
        lead = visitor("provider-lead")
        address = brought(lead, log(tmp_path).read_bytes())
        assert "may.csv is coming in" in page(lead, address)
        assert "An import is under way" in page(lead, "/e/HANDLE/imports")
        job = carried(lead, desk, address)
        assert job.state == "done", job.error
        told = page(lead, address)
        assert "90 read = 90 accepted + 0 corrected + 0 already known + 0 refused" in told
        assert "May 2025: 100.00" in told
        assert "All 90 rows are in" in page(lead, "/e/HANDLE/imports")

    def test_shows_no_money_to_a_role_that_does_not_see_it(
        self, visitor: MakeVisitor, desk: Desk, tmp_path: Path
    ) -> None:
        lead = visitor("provider-lead")
        address = brought(lead, log(tmp_path).read_bytes())
        carried(lead, desk, address)
        assert "EUR" not in page(lead, address)
        assert "EUR" in page(visitor("provider-contract"), address)

    def test_of_the_same_file_again_does_nothing(
        self, visitor: MakeVisitor, desk: Desk, tmp_path: Path
    ) -> None:
        lead = visitor("provider-lead")
        content = log(tmp_path).read_bytes()
        for said in ("All 90 rows are in", "was in already"):
            address = brought(lead, content)
            carried(lead, desk, address)
            assert said in page(lead, "/e/HANDLE/imports")

    def test_keeps_the_file_no_longer_than_it_needs(
        self, visitor: MakeVisitor, desk: Desk, tmp_path: Path
    ) -> None:
        lead = visitor("provider-lead")
        job = carried(lead, desk, brought(lead, log(tmp_path).read_bytes()))
        upload = find_upload(
            str(job.arguments["upload"]), owner=None, engagement_id=str(desk.engagement_id)
        )
        assert upload is not None
        assert not upload.path.exists()

    def test_that_was_done_before_its_worker_died_is_told_again(
        self, visitor: MakeVisitor, desk: Desk, tmp_path: Path
    ) -> None:
        lead = visitor("provider-lead")
        address = brought(lead, log(tmp_path).read_bytes())
        job = claim(desk.database, desk.engagement_id, job_in(address))
        assert job is not None
        work = Work(desk.database, job)
        assert import_rows(work) == import_rows(work)

    def test_of_another_file_names_each_mistake(self, visitor: MakeVisitor, desk: Desk) -> None:
        lead = visitor("provider-lead")
        address = brought(lead, b"a,b\n1,2\n")
        job = carried(lead, desk, address)
        assert job.state == "failed"
        assert "Case ID" not in str(job.error)
        assert "There is no column &#x27;Case ID&#x27;" in page(lead, address)


class TestRefusedRows:
    def test_are_mended_and_come_in(self, visitor: MakeVisitor, desk: Desk, tmp_path: Path) -> None:
        lead = visitor("provider-lead")
        address = brought(lead, with_faults(log(tmp_path)).read_bytes(), "bad.csv")
        carried(lead, desk, address)
        told = page(lead, address)
        assert "88 rows are in, 2 were refused" in told
        assert "May the " in told
        given = lead.get(f"{address}/refused")
        assert 'filename="bad.refused.csv"' in given["Content-Disposition"]
        mended = b"".join(given.streaming_content).decode().replace("May the ", "2025/05/")
        again = brought(lead, mended.encode(), "bad.refused.csv")
        carried(lead, desk, again)
        assert "2 read = 2 accepted" in page(lead, again)

    def test_are_not_quoted_to_others_who_see_no_content(
        self, visitor: MakeVisitor, desk: Desk, tmp_path: Path
    ) -> None:
        lead, administrator = visitor("provider-lead"), visitor("provider-administrator")
        address = brought(lead, with_faults(log(tmp_path)).read_bytes(), "bad.csv")
        carried(lead, desk, address)
        told = page(administrator, address)
        assert "2 were refused" in told
        assert "May the " not in told
        assert administrator.get(f"{address}/refused").status_code == 404
        assert page(visitor("provider-contract"), address).count("May the ") == 2

    def test_are_in_no_table_of_the_database(
        self, visitor: MakeVisitor, desk: Desk, tmp_path: Path, admin: Any
    ) -> None:
        lead = visitor("provider-lead")
        address = brought(lead, with_faults(log(tmp_path)).read_bytes(), "bad.csv")
        carried(lead, desk, address)
        stored = admin.execute(
            "SELECT outcome::text || arguments::text || coalesce(error::text, '') FROM storage.job"
            " WHERE job_id = %s", [job_in(address)],
        ).fetchone()[0]  # fmt: skip
        assert "May the " not in stored


def broken_off(who: Visitor, desk: Desk, address: str) -> None:
    """Carry an import out with a fault of the program after its first chunk."""

    def carry(work: Work) -> dict[str, Any]:
        upload = find_upload(
            str(work.job.arguments["upload"]), owner=None, engagement_id=str(desk.engagement_id)
        )
        assert upload is not None

        def fail(_rows: int) -> None:
            raise RuntimeError

        import_file(
            work.database, work.context, engagement_id=desk.engagement_id, handle=desk.handle,
            path=upload.path, progress=fail,
        )  # fmt: skip
        return {}

    job = claim(desk.database, desk.engagement_id, job_in(address))
    assert job is not None
    with pytest.raises(RuntimeError):
        run(desk.database, open_database, job, kinds={IMPORT: carry})


class TestAnImportThatBrokeOff:
    def test_goes_on(self, visitor: MakeVisitor, desk: Desk, tmp_path: Path) -> None:
        lead = visitor("provider-lead")
        address = brought(lead, log(tmp_path).read_bytes())
        broken_off(lead, desk, address)
        assert "Its import is not finished" in page(lead, "/e/HANDLE/imports")
        assert "Go on with it" in page(lead, address)
        again = lead.post(f"{address}/again")["Location"]
        assert carried(lead, desk, again).state == "done"
        assert "90 read = 90 accepted" in page(lead, again)
        assert "not finished" not in page(lead, "/e/HANDLE/imports")

    def test_can_be_given_up(self, visitor: MakeVisitor, desk: Desk, tmp_path: Path) -> None:
        lead = visitor("provider-lead")
        address = brought(lead, log(tmp_path).read_bytes())
        broken_off(lead, desk, address)
        assert lead.post("/e/HANDLE/imports/give-up").status_code == 302
        told = page(lead, "/e/HANDLE/imports")
        assert "is given up" in told
        assert "Given up" in told
        other = brought(lead, log(tmp_path, "june.csv", 40).read_bytes(), "june.csv")
        assert carried(lead, desk, other).state == "done"


class TestCounts:
    def test_add_up(self) -> None:
        told = Counted(
            read=10, accepted=4, corrected=3, already_known=2, refused=1, out_of_order=0,
            was_known=False,
        )  # fmt: skip
        assert told.formula.startswith("10 read = 4 accepted + 3 corrected + 2 already known + 1")
        assert told.finding == "7 rows are in, 1 was refused"

    def test_of_progress_never_reach_the_end_before_it(self, desk: Desk) -> None:
        from openbpo.storage.jobs.actions import enqueue

        context = desk.context.within(desk.engagement_id)
        with desk.database.transaction(context) as tx:
            job_id = enqueue(tx, desk.engagement_id, IMPORT, {})
        job = claim(desk.database, desk.engagement_id, job_id)
        assert job is not None
        with Work(desk.database, job).step(20, 20, "rows"):
            pass
        with desk.database.transaction(context) as tx:
            found = find_job(tx, desk.engagement_id, job_id)
        assert found is not None
        assert progress_of(found).percent == 99


class TestReconciling:
    def report(self, desk: Desk, tmp_path: Path) -> bytes:
        """Return our own figures of May as a report that leaves out one case."""
        desk.imports(log(tmp_path))
        with desk.database.transaction(desk.context.within(desk.engagement_id)) as tx:
            terms = terms_in_force(tx, desk.engagement_id, desk.handle)
            ours = recomputed_of(tx, desk.engagement_id, terms, "2025-05")
        path = tmp_path / "report.xlsx"
        write_report(path, tables(ours))
        return path.read_bytes()

    def begun(self, who: Visitor, content: bytes, name: str = "report.xlsx") -> str:
        answer = who.post("/e/HANDLE/reconcile", {"file": named(content, name), "period": ""})
        assert answer.status_code == 302, answer.content.decode()
        return str(answer["Location"])

    @pytest.mark.parametrize("role", list(Role))
    def test_is_for_roles_that_see_billing(self, visitor: MakeVisitor, role: Role) -> None:
        may = Right.SEE_BILLING in RIGHTS[role]
        assert visitor(role).get("/e/HANDLE/reconcile").status_code == (200 if may else 403)

    def test_of_our_own_figures_finds_nothing(
        self, visitor: MakeVisitor, desk: Desk, tmp_path: Path
    ) -> None:
        owner = visitor("client-owner")
        address = self.begun(owner, self.report(desk, tmp_path))
        assert carried(owner, desk, address).state == "done"
        assert "The report agrees with the record" in page(owner, address)

    def test_tells_each_difference_with_its_cases_and_money(
        self, visitor: MakeVisitor, desk: Desk, tmp_path: Path
    ) -> None:
        self.report(desk, tmp_path)
        lines = ["period,figure,quantity,each,amount", "2025-05,tickets-closed,29,38.00,1102.00"]
        owner = visitor("client-owner")
        address = self.begun(owner, "\n".join(lines).encode(), "theirs.csv")
        job = carried(owner, desk, address)
        assert job.state == "done", job.error
        told = page(owner, address)
        assert "difference" in told
        assert "By cause" in told
        given = owner.get(f"{address}/differences.csv").content.decode()
        head, *rows = csv.reader(io.StringIO(given))
        assert head[:4] == ["number", "cause", "figure", "cases"]
        assert len(rows) == job.outcome["differences"] + 1  # type: ignore[index]

    def test_of_what_is_no_report_says_what_to_do(
        self, visitor: MakeVisitor, desk: Desk, tmp_path: Path
    ) -> None:
        self.report(desk, tmp_path)
        owner = visitor("client-owner")
        address = self.begun(owner, b"<html></html>", "report.csv")
        assert carried(owner, desk, address).state == "failed"
        assert "cannot be read as a report" in page(owner, address)

    def test_of_an_empty_record_says_how_to_begin(self, visitor: MakeVisitor) -> None:
        assert "nothing to hold a report against" in page(
            visitor("client-owner"), "/e/HANDLE/reconcile"
        )

    def test_exports_no_formula(self) -> None:
        assert [harmless(text) for text in ("=1+1", "@x", "-5 h", "5 h")] == [
            "'=1+1", "'@x", "'-5 h", "5 h",
        ]  # fmt: skip
