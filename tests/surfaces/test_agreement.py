"""The agreement read, compared, proposed and signed by both sides."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openbpo.agreements.versions.model import Standing
from openbpo.agreements.versions.queries import terms_in_force, versions
from openbpo.storage.database import Context, Database
from openbpo.trust.roles.model import RIGHTS, Right, Role
from tests.desk import Desk
from tests.support import EXAMPLE
from tests.surfaces.conftest import MakeVisitor, Visitor
from tests.surfaces.test_evidence import work
from tests.surfaces.working import worked_desk

PRICE = "charges-charges-0-price-graduated-0-each"
LEVEL = "regime-service_levels-1-levels-0-at_least"


def fields(page: str) -> dict[str, str]:
    """Return what a form's fields hold."""
    found = {}
    for one in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]*)"', one), re.search(r'value="([^"]*)"', one)
        if name and name[1] not in ("csrfmiddlewaretoken", "next"):
            found[name[1]] = value[1] if value else ""
    return found


def newest(desk: Desk, place: int = -1) -> str:
    """Return by what addresses name the version that was proposed last."""
    with desk.reading() as it:
        return versions(it.tx, desk.engagement_id)[place].short


def propose(visitor: Visitor, desk: Desk, **changed: str) -> Any:
    """Propose a version in which terms have other values."""
    path = f"/e/HANDLE/agreement/propose/{newest(desk)}"
    sent = {**fields(visitor.get(path).content.decode()), "first_day": "2012-07-01", **changed}
    return visitor.post(path, sent)


def sign(visitor: Visitor, desk: Desk, **more: str) -> Any:
    return visitor.post(f"/e/HANDLE/agreement/sign/{newest(desk)}/now", {"key": "server", **more})


@pytest.fixture
def sides(visitor: MakeVisitor) -> tuple[Visitor, Visitor]:
    """The client's owner and the provider's contract manager."""
    return visitor("client-owner"), visitor("provider-contract")


class TestChangeOrder:
    def test_is_proposed_redlined_and_signed_by_both(
        self, sides: tuple[Visitor, Visitor], desk: Desk
    ) -> None:
        client, provider = sides
        answer = propose(provider, desk, **{PRICE: "39.50"})
        page = client.get(answer["Location"]).content.decode()
        assert "<del>38.00</del>" in page
        assert "<ins>39.50</ins>" in page
        assert sign(provider, desk).status_code == 302
        assert "it waits for the other" in provider.get("/e/HANDLE/agreement").content.decode()
        assert sign(client, desk).status_code == 302
        with desk.reading() as it:
            terms = terms_in_force(it.tx, desk.engagement_id, desk.handle)
        assert [one.agreement.version for one in terms] == [1, 2]
        assert terms[-1].standing is Standing.AGREED

    def test_is_countered(self, sides: tuple[Visitor, Visitor], desk: Desk) -> None:
        client, provider = sides
        propose(provider, desk, **{PRICE: "39.50"})
        sign(provider, desk)
        propose(client, desk, **{PRICE: "38.75"})
        sign(client, desk)
        sign(provider, desk)
        with desk.reading() as it:
            terms = terms_in_force(it.tx, desk.engagement_id, desk.handle)
        assert [one.agreement.version for one in terms] == [1, 3]

    def test_of_unsound_terms_is_refused_with_each_mistake(
        self, sides: tuple[Visitor, Visitor], desk: Desk
    ) -> None:
        before = newest(desk)
        answer = propose(sides[1], desk, **{LEVEL: "5"})
        assert answer.status_code == 422
        assert "regime.yaml" in answer.content.decode()
        assert propose(sides[1], desk, **{PRICE: "much"}).status_code == 422
        assert newest(desk) == before

    def test_comes_as_a_zip(self, sides: tuple[Visitor, Visitor], desk: Desk) -> None:
        answer = sides[0].post(
            f"/e/HANDLE/agreement/bring/{newest(desk)}", {"folder": zipped(EXAMPLE, version=2)}
        )
        assert answer.status_code == 302
        with desk.reading() as it:
            assert versions(it.tx, desk.engagement_id)[-1].head.proposed_for == "client"

    @pytest.mark.parametrize("content", [b"no zip", b"PK\x05\x06" + bytes(18)])
    def test_that_is_no_zip_is_refused(
        self, sides: tuple[Visitor, Visitor], desk: Desk, content: bytes
    ) -> None:
        path = f"/e/HANDLE/agreement/bring/{newest(desk)}"
        assert sides[0].post(path, {"folder": io.BytesIO(content)}).status_code == 422


def zipped(folder: Path, *, version: int) -> io.BytesIO:
    """Return an agreement's folder as a zip, as another version."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        for path in folder.glob("*.yaml"):
            text = path.read_text(encoding="utf-8")
            text = text.replace("version: 1\n", f"version: {version}\nsupersedes: [1]\n")
            made.writestr(f"desk/{path.name}", text)
    held.seek(0)
    held.name = "desk.zip"
    return held


class TestKeys:
    def opened(self, databases: tuple[Database, Database], context: Context, handle: str) -> Desk:
        return Desk.opened(databases, context, handle, EXAMPLE, "provider")

    def test_of_a_browser_sign(
        self, databases: tuple[Database, Database], context: Context, handle: str,
        visitor: MakeVisitor,
    ) -> None:  # fmt: skip
        desk = self.opened(databases, context, f"{handle}-b")
        client = visitor("client-owner", at=desk)
        answer = self.signed(client, desk, Ed25519PrivateKey.generate())
        assert answer.status_code == 302
        with desk.reading() as it:
            assert (
                terms_in_force(it.tx, desk.engagement_id, desk.handle)[0].standing
                is Standing.AGREED
            )

    def test_are_asked_for_under_a_first_version(
        self, databases: tuple[Database, Database], context: Context, handle: str,
        visitor: MakeVisitor,
    ) -> None:  # fmt: skip
        desk = self.opened(databases, context, f"{handle}-b")
        address = f"agreement/sign/{newest(desk)}"
        client, provider = (visitor(one, at=desk) for one in ("client-owner", "provider-contract"))
        assert address in client.get("/e/HANDLE/agreement").content.decode()
        assert address not in provider.get("/e/HANDLE/agreement").content.decode()

    def test_that_signed_something_else_are_refused(
        self, databases: tuple[Database, Database], context: Context, handle: str,
        visitor: MakeVisitor,
    ) -> None:  # fmt: skip
        desk = self.opened(databases, context, f"{handle}-b")
        client = visitor("client-owner", at=desk)
        answer = self.signed(client, desk, Ed25519PrivateKey.generate(), message=b"else")
        assert answer.status_code == 422
        assert "nothing was signed" in answer.content.decode()
        with desk.reading() as it:
            assert versions(it.tx, desk.engagement_id)[-1].signed_by == {"provider"}

    def test_are_one_for_a_side(self, sides: tuple[Visitor, Visitor], desk: Desk) -> None:
        propose(sides[0], desk, **{PRICE: "39.50"})
        answer = self.signed(sides[0], desk, Ed25519PrivateKey.generate())
        assert answer.status_code == 422

    def signed(
        self, visitor: Visitor, desk: Desk, key: Ed25519PrivateKey, message: bytes | None = None
    ) -> Any:
        page = visitor.get(f"/e/HANDLE/agreement/sign/{newest(desk)}").content.decode()
        shown = re.search(r'data-signs="([^"]*)"', page)
        statement = base64.b64decode(shown[1]) if shown else b""
        return sign(
            visitor, desk, key="browser",
            public_key=base64.b64encode(key.public_key().public_bytes_raw()).decode(),
            signature=base64.b64encode(key.sign(message or statement)).decode(),
        )  # fmt: skip


@pytest.mark.slow
class TestCost:
    def test_is_the_difference_of_what_stood(
        self, sides: tuple[Visitor, Visitor], desk: Desk, tmp_path: Path
    ) -> None:
        worked_desk(desk, tmp_path)
        address = propose(sides[1], desk, **{PRICE: "39.00"})["Location"]
        assert "It waits for a worker" in sides[0].get(address).content.decode()
        work(desk.database)
        page = sides[0].get(address).content.decode()
        assert "The client would have paid" in page
        assert "+50.00" in page  # 50 tickets of a month at one more each

    def test_is_nothing_where_only_the_days_differ(
        self, sides: tuple[Visitor, Visitor], desk: Desk, tmp_path: Path
    ) -> None:
        worked_desk(desk, tmp_path, 600)
        address = propose(sides[1], desk)["Location"]
        work(desk.database)
        assert "No money would have moved" in sides[0].get(address).content.decode()

    def test_is_told_to_be_old_once_something_was_recorded(
        self, sides: tuple[Visitor, Visitor], desk: Desk, tmp_path: Path
    ) -> None:
        worked_desk(desk, tmp_path, 600)
        address = propose(sides[1], desk, **{PRICE: "39.00"})["Location"]
        work(desk.database)
        assert "Compute it again" not in sides[0].get(address).content.decode()
        desk.closes("2012-02")
        assert "Compute it again" in sides[0].get(address).content.decode()


class TestRights:
    @pytest.mark.parametrize("role", list(Role))
    def test_open_the_pages(self, visitor: MakeVisitor, desk: Desk, role: Role) -> None:
        anna, short = visitor(role.value), newest(desk)
        for path, needs in (
            ("agreement", Right.SEE_AGREEMENT),
            (f"agreement/versions/{short}", Right.SEE_AGREEMENT),
            (f"agreement/compare/{short}/{short}", Right.SEE_AGREEMENT),
            (f"agreement/propose/{short}", Right.PROPOSE_TERMS),
            (f"agreement/sign/{short}", Right.SIGN_TERMS),
        ):
            expected = 200 if needs in RIGHTS[role] else 403
            assert anna.get(f"/e/HANDLE/{path}").status_code == expected, path

    def test_sign_for_ones_own_side_alone(self, visitor: MakeVisitor, desk: Desk) -> None:
        anna = visitor("client-owner")
        path = f"/e/HANDLE/agreement/sign/{newest(desk)}/now"
        assert anna.post(path, {"key": "server", "side": "provider"}).status_code == 403

    def test_find_no_version_of_another_name(self, visitor: MakeVisitor) -> None:
        path = "/e/HANDLE/agreement/versions/000000000000"
        assert visitor("client-owner").get(path).status_code == 404
