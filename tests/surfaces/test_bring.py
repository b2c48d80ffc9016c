"""A stranger's file becomes an engagement with a verdict; and what is hostile has one outcome."""

from __future__ import annotations

import io
import tempfile
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from openbpo.agreements.reading import read_agreement
from openbpo.delivery.intake.files.model import Format
from openbpo.storage.database import Context, Database
from openbpo.surfaces import uploads
from openbpo.surfaces.uploads import safe_name
from tests.row_files import write_rows
from tests.support import ticket, write_log
from tests.surfaces.bringing import (
    TERMS,
    bomb,
    carried_out,
    engagement_of,
    job_in,
    named,
    tickets,
)
from tests.surfaces.conftest import MakePerson, MakeVisitor, Visitor


def brought(anna: Visitor, content: bytes, name: str = "tickets.csv") -> Any:
    return anna.post("/bring", {"file": named(content, name)})


def on_terms(anna: Visitor, content: bytes | None = None) -> str:
    """Bring a file, take the columns as guessed, and return the address of its terms."""
    answer = brought(anna, content or tickets())
    assert answer.status_code == 302, answer.content.decode()
    posted = {"zone": "America/New_York", "doubled_hour": "earlier", "go": "1"}
    answer = anna.post(answer["Location"], posted)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def errors(answer: Any) -> str:
    return str(answer.content.decode())


class TestANewcomer:
    def test_drops_a_file_and_gets_a_verdict(
        self, visitor: MakeVisitor, databases: tuple[Database, Database]
    ) -> None:
        anna, database = visitor(), databases[0]
        terms = on_terms(anna)
        assert 'value="event:resolved"' in errors(anna.get(terms))
        begun = anna.post(terms, TERMS)
        assert begun.status_code == 302, errors(begun)
        handle = begun["Location"].split("/")[2]
        assert "is coming in" in errors(anna.get(begun["Location"]))
        engagement_id = engagement_of(anna, database, handle)
        context = Context(anna.person.principal, "test")
        job = carried_out(database, context, engagement_id, job_in(begun["Location"]))
        assert job.state == "done", job.error
        assert job.outcome is not None
        assert (job.outcome["read"], job.outcome["accepted"]) == (400, 400)
        page = errors(anna.get(begun["Location"]))
        assert "within the limit" in page
        assert "The verdict" in page
        assert "Service credit" in page
        assert "operator" in page
        assert anna.get(terms)["Location"].endswith(begun["Location"].rpartition("/")[2])

        taken = anna.get(f"/e/{handle}/agreement.zip")
        with zipfile.ZipFile(io.BytesIO(taken.content)) as archive:
            files = {n.rpartition("/")[2]: archive.read(n) for n in archive.namelist()}
        agreement = read_agreement(files)
        assert agreement.client.name == "Acme Inc."
        assert [event.type for event in next(iter(agreement.mappings.values())).events] == [
            "created", "first_response", "resolved", "closed",
        ]  # fmt: skip

    def test_brings_a_log_of_events_with_what_stands_still(
        self, visitor: MakeVisitor, databases: tuple[Database, Database], tmp_path: Path
    ) -> None:
        anna, database = visitor(), databases[0]
        rows = [
            ticket(
                "premium", f"2025-05-{n % 27 + 1:02}T09:00:00", f"2025-05-{n % 27 + 1:02}T15:00:00"
            )
            for n in range(40)
        ]
        content = write_log(tmp_path / "log.csv", rows).read_bytes()
        terms = on_terms(anna, content)
        page = errors(anna.get(terms))
        assert 'value="activity:Resolve ticket" selected' in page
        posted = {
            **TERMS, "started": "first event", "finished": "activity:Resolve ticket",
            "which_finish": "last", "paused": ["Take in charge ticket"], "within": "1 h",
            "country": "IT", "zone": "Europe/Rome", "in_force": "2024-01-01", "holidays": "IT",
        }  # fmt: skip
        begun = anna.post(terms, posted)
        assert begun.status_code == 302, errors(begun)
        handle = begun["Location"].split("/")[2]
        context = Context(anna.person.principal, "test")
        engagement_id = engagement_of(anna, database, handle)
        job = carried_out(database, context, engagement_id, job_in(begun["Location"]))
        assert job.state == "done", job.error
        # six hours lie between the two events, and all of them stood still
        assert "May 2025: 100.00" in errors(anna.get(begun["Location"]))

    @pytest.mark.parametrize("form", ["xlsx", "json lines"])
    def test_brings_another_format(
        self, visitor: MakeVisitor, tmp_path: Path, form: Format
    ) -> None:
        rows = [[f"c{n // 3}", "ab"[n % 2], f"2025-01-01 09:{n:02}:00", ""] for n in range(30)]
        path = write_rows(tmp_path, form, rows, packed=False)
        answer = brought(visitor(), path.read_bytes(), path.name)
        assert answer.status_code == 302, errors(answer)

    def test_begins_once_however_often_the_button_is_pressed(self, visitor: MakeVisitor) -> None:
        anna = visitor()
        terms = on_terms(anna)
        first, second = anna.post(terms, TERMS), anna.post(terms, TERMS)
        assert first["Location"] == second["Location"]

    def test_of_the_same_name_again_has_another_engagement(self, visitor: MakeVisitor) -> None:
        anna = visitor()
        handles = [anna.post(on_terms(anna), TERMS)["Location"].split("/")[2] for _ in range(2)]
        assert handles == ["night-desk", "night-desk-2"]

    def test_is_shown_the_first_rows_and_what_was_guessed(self, visitor: MakeVisitor) -> None:
        anna = visitor()
        page = errors(anna.get(brought(anna, tickets())["Location"]))
        assert "each row is a case with several times" in page
        assert page.count("<tr>") == 11
        assert '<option value="case" selected>' in page
        assert "event “resolved”" in page

    def test_changes_a_column_and_sees_it_again(self, visitor: MakeVisitor) -> None:
        anna = visitor()
        columns = brought(anna, tickets())["Location"]
        posted = {
            "zone": "UTC",
            "doubled_hour": "refuse",
            "column-2": "content",
            "column-6": "unused",
        }
        assert anna.post(columns, posted)["Location"] == columns
        page = errors(anna.get(columns))
        assert page.count('<option value="content" selected>') == 1
        assert page.count('<option value="unused" selected>') == 1

    def test_is_told_at_the_column_what_cannot_be(self, visitor: MakeVisitor) -> None:
        anna = visitor()
        columns = brought(anna, tickets())["Location"]
        page = errors(anna.post(columns, {"zone": "UTC", "column-1": "time"}))
        assert 'id="column-1_error"' in page
        assert "not times that can be read" in page
        assert "Write an IANA zone" in errors(anna.post(columns, {"zone": "Nowhere/None"}))

    @pytest.mark.parametrize(
        ("field", "value", "said"),
        [
            ("within", "8 hours", "Write it as 96 h"),
            ("expected", "9x", "Write it as 95 %"),
            ("rate", "38,00", "Write it as 38.00 EUR"),
            ("zone", "Rome", "is no time zone"),
            ("opens", "8", "Write the time as 08:30"),
            ("currency", "E", "three letters"),
            ("in_force", "soon", "Write the day"),
        ],
    )
    def test_is_told_at_the_field_what_is_not_sound(
        self, visitor: MakeVisitor, field: str, value: str, said: str
    ) -> None:
        anna = visitor()
        page = errors(anna.post(on_terms(anna), {**TERMS, field: value}))
        at = page.index(f'id="id_{field}_error"')
        assert said.replace("'", "&#x27;") in page[at : at + 400]

    def test_finds_nothing_of_another_person(self, visitor: MakeVisitor) -> None:
        anna, boris = visitor(), visitor()
        columns = brought(anna, tickets())["Location"]
        for path in (columns, f"{columns}/terms"):
            assert boris.get(path).status_code == 404
        assert boris.post(f"{columns}/discard").status_code == 404
        assert anna.get(columns).status_code == 200

    def test_deletes_what_was_brought(self, visitor: MakeVisitor) -> None:
        anna = visitor()
        columns = brought(anna, tickets())["Location"]
        assert anna.post(f"{columns}/discard").status_code == 302
        assert anna.get(columns).status_code == 404

    def test_signs_by_a_key_that_no_other_party_has(self, visitor: MakeVisitor) -> None:
        from openbpo.surfaces.web.pages.bring.terms import party_id

        assert party_id("Banco Servizi") != party_id("Banco Servizi")
        assert party_id("株式会社").startswith("column")


class TestWhatIsHostile:
    def refused(self, anna: Visitor, content: bytes, name: str) -> str:
        answer = brought(anna, content, name)
        assert answer.status_code == 200, answer["Location"]
        page = errors(answer)
        assert page.count('class="wrong"') >= 1
        return page

    def test_zip_bomb_is_refused(self, visitor: MakeVisitor) -> None:
        assert "not one that a spreadsheet wrote" in self.refused(visitor(), bomb(), "t.xlsx")

    def test_web_page_under_another_name_is_refused(self, visitor: MakeVisitor) -> None:
        page = b"<!doctype html><html><script>alert(1)</script></html>"
        assert "This is a web page" in self.refused(visitor(), page, "export.csv")

    def test_empty_file_is_refused(self, visitor: MakeVisitor) -> None:
        assert "The file is empty" in self.refused(visitor(), b"", "export.csv")

    def test_file_that_is_none_is_refused(self, visitor: MakeVisitor) -> None:
        self.refused(visitor(), bytes(range(256)) * 50, "photo.csv")

    def test_two_files_at_once_are_refused(self, visitor: MakeVisitor) -> None:
        both = {"file": [named(tickets()), named(tickets(), "other.csv")]}
        assert "Several files came at once" in errors(visitor().post("/bring", both))

    def test_file_above_the_limit_is_refused(
        self, visitor: MakeVisitor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(uploads.VARIABLE, "1")
        large = tickets() + b"x" * 1_100_000
        assert "larger than 1 MB" in self.refused(visitor(), large, "large.csv")

    def test_refused_files_leave_nothing_behind(self, visitor: MakeVisitor) -> None:
        anna = visitor()
        before = set(uploads.uploads_folder().iterdir())
        self.refused(anna, b"<html>", "a.csv")
        anna.post("/bring", {"file": [named(tickets()), named(tickets(), "b.csv")]})
        assert set(uploads.uploads_folder().iterdir()) == before

    def test_nobody_who_is_not_signed_in_leaves_a_file(
        self, person: MakePerson, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from tests.surfaces.conftest import web_client

        def never(**_more: object) -> None:
            raise AssertionError("nothing is written for a stranger")

        monkeypatch.setattr(tempfile, "mkstemp", never)
        before = set(uploads.uploads_folder().iterdir())
        client = web_client(enforce_csrf_checks=True)  # the check reads the form first
        client.get("/sign-in")
        token = client.cookies["openbpo_csrf"].value
        posted = {"csrfmiddlewaretoken": token, "file": named(tickets())}
        answer = client.post("/bring", posted)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/sign-in")
        assert set(uploads.uploads_folder().iterdir()) == before

    def test_formulas_and_scripts_in_cells_are_text(self, visitor: MakeVisitor) -> None:
        anna = visitor()
        lines = tickets(60).decode().replace("agent 3", "=cmd|'/c calc'!A1").replace(
            "agent 4", "<script>alert(1)</script>")  # fmt: skip
        page = errors(anna.get(brought(anna, lines.encode())["Location"]))
        assert "=cmd|&#x27;/c calc&#x27;!A1" in page
        assert "<script>alert" not in page

    @pytest.mark.parametrize(
        ("name", "safe"),
        [
            ("../../etc/passwd", "passwd"),
            ("C:\\temp\\log.csv", "log.csv"),
            ("tickets\u202evsc.exe", "ticketsvsc.exe"),
            (".hidden.csv", "hidden.csv"),
            ("\x00\x07", "file"),
            ("..", "file"),
            ("a" * 300 + ".csv", "a" * 96 + ".csv"),
            ("日本 2026.csv", "日本 2026.csv"),
        ],
    )
    def test_names_are_made_harmless(self, name: str, safe: str) -> None:
        assert safe_name(name) == safe

    def test_bidi_name_is_shown_as_it_is_kept(self, visitor: MakeVisitor) -> None:
        anna = visitor()
        answer = brought(anna, tickets(), "log\u202evsc.csv")
        assert "\u202e" not in errors(anna.get(answer["Location"]))


def test_shares_are_cut_off_not_rounded_up() -> None:
    from fractions import Fraction

    from openbpo.surfaces.web.pages.imports.told import cut_off

    assert cut_off(Fraction(94_999, 1_000)) == Decimal("94.99")
    assert cut_off(Fraction(100)) == Decimal("100.00")
