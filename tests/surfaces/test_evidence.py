"""Packs made, fetched, dropped in again; countersigning; who read what."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from openbpo.evidence.packs import keeping
from openbpo.evidence.packs.keeping import all_kept
from openbpo.storage.database import Database
from openbpo.storage.installation import open_database
from openbpo.surfaces.web.pages.evidence.audit import act_in_words
from openbpo.surfaces.worker.running import run_ready
from openbpo.trust.roles.model import RIGHTS, Right, Role
from tests import desks
from tests.desk import Desk
from tests.surfaces.conftest import MakeVisitor, Visitor
from tests.surfaces.working import worked_desk


@pytest.fixture
def worked(desk: Desk, tmp_path: Path) -> Desk:
    return worked_desk(desk, tmp_path)


def work(database: Database) -> None:
    """Carry out what waits."""
    while run_ready(database, open_database, tell=lambda _job, _ended: None):
        pass


def made(visitor: Visitor, desk: Desk, **asked: str) -> bytes:
    """Ask for a pack, let it be made, and fetch it."""
    data = {"kind": "pack", "first": "", "last": "", "audience": "", **asked}
    assert visitor.post("/e/HANDLE/evidence/make", data).status_code == 302
    work(desk.database)
    kept = all_kept(desk.engagement_id)[0]
    answer = visitor.get(f"/e/HANDLE/evidence/packs/{kept.kept_id}")
    assert "attachment" in answer["Content-Disposition"]
    return b"".join(answer.streaming_content)


def dropped(visitor: Visitor, pack: bytes, name: str = "a.pack", **more: Any) -> str:
    """Drop a pack in, and return the page that tells what it came to."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    data = {"pack": SimpleUploadedFile(name, pack), **more}
    return visitor.post("/e/HANDLE/evidence/verify", data).content.decode()


def tampered(pack: bytes) -> tuple[bytes, str]:
    """Change one event's minute, as its line tells it; return the pack and the event's case."""
    lines = pack.split(b"\n")
    number = next(n for n, line in enumerate(lines) if line.startswith(b"E "))
    told = json.loads(lines[number].split(b" ", 3)[3])
    other = told["at"].replace(":0", ":1", 1) if ":0" in told["at"] else told["at"][:-2] + "1Z"
    lines[number] = lines[number].replace(told["at"].encode(), other.encode())
    return b"\n".join(lines), told["subject"]


class TestPacks:
    def test_are_made_kept_fetched_and_fit(self, visitor: MakeVisitor, worked: Desk) -> None:
        anna = visitor("client-owner", at=worked)
        assert "a.pack fits" in dropped(anna, made(anna, worked))
        assert "Download" in anna.get("/e/HANDLE/evidence").content.decode()

    def test_are_deleted(self, visitor: MakeVisitor, worked: Desk) -> None:
        anna = visitor("client-owner", at=worked)
        made(anna, worked)
        kept = all_kept(worked.engagement_id)[0]
        anna.post(f"/e/HANDLE/evidence/packs/{kept.kept_id}/delete")
        assert all_kept(worked.engagement_id) == []
        assert not kept.path.exists()

    def test_that_were_tampered_with_are_refused_by_the_event(
        self, visitor: MakeVisitor, worked: Desk
    ) -> None:
        anna = visitor("client-owner", at=worked)
        pack, case = tampered(made(anna, worked))
        page = dropped(anna, pack, "b.pack")
        assert "b.pack does not fit" in page
        assert "The first event that does not fit" in page
        assert f"<b>{case}</b>" in page

    def test_that_grew_are_held_against_an_earlier_one(
        self, visitor: MakeVisitor, worked: Desk
    ) -> None:
        from django.core.files.uploadedfile import SimpleUploadedFile

        anna = visitor("client-owner", at=worked)
        earlier = made(anna, worked)
        anna.post("/e/HANDLE/evidence/countersign")
        after = SimpleUploadedFile("earlier.pack", earlier)
        page = dropped(anna, made(anna, worked), after=after)
        assert "stand in it unchanged" in page
        assert re.search(r"Countersigned by</dt><dd>client<", page)

    def test_of_other_keys_do_not_fit(self, visitor: MakeVisitor, worked: Desk) -> None:
        from django.core.files.uploadedfile import SimpleUploadedFile

        anna = visitor("client-owner", at=worked)
        key = SimpleUploadedFile("keys", b"00" * 31 + b"01")
        assert "does not fit" in dropped(anna, made(anna, worked), key=key)

    def test_that_are_none_are_told_so(self, visitor: MakeVisitor, worked: Desk) -> None:
        anna = visitor("client-owner", at=worked)
        assert "does not fit" in dropped(anna, b"nothing of ours\n")
        assert "does not fit" in dropped(anna, gzip.compress(b"H {}\n"))
        assert anna.post("/e/HANDLE/evidence/verify", {}).status_code == 422

    def test_that_are_far_too_large_are_not_taken(
        self, visitor: MakeVisitor, worked: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENBPO_UPLOAD_MB", "1")
        assert "is required" in dropped(visitor("client-owner", at=worked), bytes(1_300_000))

    def test_that_are_large_are_judged_by_a_worker(
        self, visitor: MakeVisitor, worked: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from django.core.files.uploadedfile import SimpleUploadedFile

        from openbpo.surfaces.web.pages.evidence import verifying

        anna = visitor("client-owner", at=worked)
        pack = made(anna, worked)
        monkeypatch.setattr(verifying, "AT_ONCE", 10)
        key = SimpleUploadedFile("keys", b"no key of anybody")
        bad = {"pack": SimpleUploadedFile("c", pack), "key": key}
        failing = anna.post("/e/HANDLE/evidence/verify", bad)["Location"]
        work(worked.database)
        assert "This is no file of public keys" in anna.get(failing).content.decode()
        assert list(keeping.dropped(worked.engagement_id, "").glob("*")) == []
        answer = anna.post("/e/HANDLE/evidence/verify", {"pack": SimpleUploadedFile("c", pack)})
        assert "It is being verified" in anna.get(answer["Location"]).content.decode()
        work(worked.database)
        assert "c fits" in anna.get(answer["Location"]).content.decode()

    def test_of_one_side_are_not_handed_to_the_other(
        self, visitor: MakeVisitor, worked: Desk
    ) -> None:
        owner, provider = (visitor(one, at=worked) for one in ("client-owner", "provider-contract"))
        made(owner, worked, audience="client")
        kept = all_kept(worked.engagement_id)[0]
        assert provider.get(f"/e/HANDLE/evidence/packs/{kept.kept_id}").status_code == 404
        asked = {"kind": "pack", "first": "", "last": "", "audience": "client"}
        assert provider.post("/e/HANDLE/evidence/make", asked).status_code == 422

    def test_of_another_engagement_are_not_found(self, visitor: MakeVisitor, worked: Desk) -> None:
        made(visitor("client-owner", at=worked), worked)
        kept = all_kept(worked.engagement_id)[0]
        stranger = visitor(at=worked)
        assert stranger.get(f"/e/HANDLE/evidence/packs/{kept.kept_id}").status_code == 404

    def test_as_a_page_hold_their_own_policy_and_no_script(
        self, visitor: MakeVisitor, worked: Desk
    ) -> None:
        page = made(visitor("client-owner", at=worked), worked, kind="page").decode()
        assert "default-src 'none'; style-src 'sha256-" in page.replace("&#x27;", "'")
        assert "<script" not in page
        assert "Case " in page


class TestCommand:
    def test_writes_a_page_over_a_page_alone(self, django: None, tmp_path: Path) -> None:
        name = f"desk-{uuid4().hex[:8]}"
        desks.desk(tmp_path, name, 300).accepted().takes_in(0, 300)
        page = tmp_path / "january.html"
        for _ in range(2):
            desks.run("bundle", name, "--periods", "2025-01", "--page", str(page))
        assert "January 2025" in page.read_text(encoding="utf-8")
        other = tmp_path / "letter.html"
        other.write_text("Dear Anna", encoding="utf-8")
        assert "Something else than a page" in desks.refused("bundle", name, "--page", str(other))
        assert "no period" in desks.refused(
            "bundle", name, "--periods", "1999-01", "--page", str(page)
        )


class TestRights:
    @pytest.mark.parametrize("role", list(Role))
    @pytest.mark.parametrize(
        ("path", "needs"),
        [
            ("evidence", Right.MAKE_PACK), ("evidence/verify", Right.MAKE_PACK),
            ("evidence/checkpoints", Right.MAKE_PACK), ("audit", Right.SEE_READINGS),
            ("audit/acts", Right.SEE_READINGS), ("audit/grants", Right.SEE_READINGS),
        ],
    )  # fmt: skip
    def test_open_the_pages(
        self, visitor: MakeVisitor, role: Role, path: str, needs: Right
    ) -> None:
        expected = 200 if needs in RIGHTS[role] else 403
        assert visitor(role.value).get(f"/e/HANDLE/{path}").status_code == expected

    def test_are_needed_to_countersign(self, visitor: MakeVisitor) -> None:
        assert visitor("client-auditor").post("/e/HANDLE/evidence/countersign").status_code == 403


class TestAudit:
    def test_tells_each_reading(self, visitor: MakeVisitor, worked: Desk) -> None:
        anna = visitor("client-owner", at=worked)
        made(anna, worked)
        assert "bundle all" in anna.get("/e/HANDLE/audit").content.decode()

    def test_pages_back(self, visitor: MakeVisitor, worked: Desk) -> None:
        anna = visitor("client-owner", at=worked)
        assert "Earlier acts" in anna.get("/e/HANDLE/audit/acts?before=2").content.decode()

    def test_says_an_unknown_act_by_its_name(self) -> None:
        assert act_in_words("erasure", {}) == "erasure"


def test_a_pack_is_deleted_by_who_made_it_or_grants_roles(
    visitor: MakeVisitor, worked: Desk
) -> None:
    anna, auditor = visitor("client-user", at=worked), visitor("client-auditor", at=worked)
    maker = visitor("client-owner", at=worked)
    made(maker, worked)
    address = f"/e/HANDLE/evidence/packs/{all_kept(worked.engagement_id)[0].kept_id}/delete"
    assert auditor.post(address).status_code == 403
    assert anna.post(address).status_code in (403, 404)
    assert len(all_kept(worked.engagement_id)) >= 1
    assert maker.post(address).status_code == 302
