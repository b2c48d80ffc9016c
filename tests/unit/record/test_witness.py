"""A witness keeps what it was given, answers with it, and says when it holds something else."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.record_packs import ENGAGEMENT, SEAL, STRANGER

from openbpo.record.checkpoints import Checkpoint, SignedNote, origin_of, sealed
from openbpo.record.witness import (
    Contradicted,
    FolderWitness,
    HttpWitness,
    Unreachable,
    Witness,
    Witnessed,
    witness_at,
)
from openbpo.values.refusals import Refusal

AT = datetime(2025, 2, 1, 7, 30, tzinfo=UTC)
ORIGIN = origin_of(ENGAGEMENT)


def checkpoint(size: int, root: bytes = bytes(32), origin: str = ORIGIN) -> Checkpoint:
    return Checkpoint(origin=origin, size=size, root=root, at=AT + timedelta(seconds=size))


def note(size: int, root: bytes = bytes(32), origin: str = ORIGIN) -> SignedNote:
    return sealed(checkpoint(size, root, origin), SEAL)


class Kept(BaseHTTPRequestHandler):
    """A witness as the head of witness.py describes it, in the fewest words."""

    notes: dict[str, bytes]
    answers: dict[str, Callable[["Kept"], None]]

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if answer := self.answers.get("PUT"):
            return answer(self)
        held = self.notes.setdefault(self.path, content)
        return self.answer(200 if held == content else 409, held)

    def do_GET(self) -> None:
        if answer := self.answers.get("GET"):
            return answer(self)
        origin = self.path.removesuffix("/latest")
        sizes = [path for path in self.notes if path.rpartition("/")[0] == origin]
        if not sizes:
            return self.answer(404, b"none")
        return self.answer(200, self.notes[max(sizes, key=lambda at: int(at.split("/")[-1]))])

    def answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, type[Kept]]]:
    """A real server on this machine: its address, and what it keeps and answers."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Handler(Kept):
        notes = {}  # noqa: RUF012 - this class is one server's
        answers = {}  # noqa: RUF012

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/w", Handler
        server.shutdown()
        thread.join()


@pytest.fixture(params=["folder", "http"])
def witness(request: pytest.FixtureRequest, tmp_path: Path) -> Witness:
    if request.param == "folder":
        return witness_at(str(tmp_path))
    return witness_at(request.getfixturevalue("served")[0])


class TestWitness:
    def test_keeps_checkpoints_and_answers_with_the_largest(self, witness: Witness) -> None:
        assert witness.latest(ORIGIN) is None
        for size in (9, 10, 0, 100):
            assert isinstance(witness.publish(note(size)), Witnessed)
        assert witness.latest(ORIGIN) == note(100)
        assert witness.latest(origin_of(ENGAGEMENT, "access")) is None

    def test_takes_the_same_again_and_again(self, witness: Witness) -> None:
        first = witness.publish(note(9))
        assert witness.publish(note(9)) == first
        later = replace(checkpoint(9), at=AT + timedelta(days=1))
        assert witness.publish(sealed(later, STRANGER)) == first
        assert witness.latest(ORIGIN) == note(9), "what was first stays"

    def test_says_when_it_holds_another_root(self, witness: Witness) -> None:
        witness.publish(note(9))
        found = witness.publish(note(9, bytes([1] * 32)))
        assert isinstance(found, Contradicted)
        assert found.theirs == note(9)
        assert witness.latest(ORIGIN) == note(9)

    @pytest.mark.parametrize(
        "address",
        [
            "", "ftp://host/x", "s3://bucket", "http://", "https:///x", "https://a:b@host/x",
            "https://host/?key=1", "https://host/#x", "http://[::1", "file:///tmp",
        ],
    )  # fmt: skip
    def test_is_a_folder_or_an_address(self, address: str) -> None:
        with pytest.raises(Refusal, match=r"Give .*https://HOST/PATH") as refused:
            witness_at(address)
        assert "a:b" not in str(refused.value)


class TestFolder:
    def test_has_one_file_a_checkpoint(self, tmp_path: Path) -> None:
        witness = FolderWitness(tmp_path)
        witness.publish(note(10))
        witness.publish(note(9))
        folder = tmp_path / f"openbpo_{ENGAGEMENT}_record"
        names = sorted(path.name for path in folder.iterdir())
        assert names == ["00000000000000000009.note", "00000000000000000010.note"]
        assert (folder / names[0]).read_text() == str(note(9))
        assert witness.all(ORIGIN) == [note(9), note(10)]

    def test_that_is_not_there_is_not_made(self, tmp_path: Path) -> None:
        witness = FolderWitness(tmp_path / "unmounted")
        for answer in (witness.publish(note(9)), witness.latest(ORIGIN), witness.all(ORIGIN)):
            assert isinstance(answer, Unreachable)
        assert not (tmp_path / "unmounted").exists()

    def test_file_that_was_spoilt_is_said_to_be(self, tmp_path: Path) -> None:
        witness = FolderWitness(tmp_path)
        witness.publish(note(9))
        [path] = tmp_path.glob("*/*.note")
        for content in (b"", b"\xff", str(note(10)).encode()):
            path.write_bytes(content)
            assert isinstance(witness.publish(note(9)), Unreachable)
            assert isinstance(witness.latest(ORIGIN), Unreachable)
            assert path.read_bytes() == content

    def test_without_hard_links_keeps_just_so(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_links(path: Path, target: Path) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(Path, "hardlink_to", no_links)
        witness = FolderWitness(tmp_path)
        assert isinstance(witness.publish(note(9)), Witnessed)
        assert isinstance(witness.publish(note(9, bytes([1] * 32))), Contradicted)
        assert witness.all(ORIGIN) == [note(9)]
        assert len(list(tmp_path.glob("*/.*"))) == 0

    def test_file_of_another_who_was_first_stays(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        witness = FolderWitness(tmp_path)
        witness.publish(note(9))
        monkeypatch.setattr(Path, "exists", lambda _: False)  # as if it came just now
        assert isinstance(witness.publish(note(9, bytes([1] * 32))), Contradicted)
        assert witness.all(ORIGIN) == [note(9)]

    def test_of_many_at_once_holds_one(self, tmp_path: Path) -> None:
        witness = FolderWitness(tmp_path)
        found: list[object] = []
        notes = [note(9, bytes([number] * 32)) for number in range(8)]
        threads = [
            threading.Thread(target=lambda one=one: found.append(witness.publish(one)))
            for one in notes
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(type(one).__name__ for one in found) == ["Contradicted"] * 7 + ["Witnessed"]


class TestHttp:
    def test_is_put_where_it_says(self, served: tuple[str, type[Kept]]) -> None:
        address, kept = served
        HttpWitness(address).publish(note(9))
        assert kept.notes == {f"/w/{ORIGIN}/9": str(note(9)).encode()}

    @pytest.mark.parametrize(
        ("answer", "why"),
        [
            (lambda at: at.answer(500, b"sorry"), "It answered 500."),
            (lambda at: at.answer(409, b"no note"), "It answered with no checkpoint."),
            (lambda at: at.answer(409, b"\xff"), "It answered with no checkpoint."),
            (lambda at: at.answer(409, b"x" * 200_000), "It answered with no checkpoint."),
            (lambda at: at.connection.close(), ""),
            (lambda at: at.wfile.write(b"noise\n\n"), ""),
            (lambda _: time.sleep(0.6), "It did not answer in time."),
        ],
    )
    def test_that_does_not_answer_as_one_is_unreachable(
        self, served: tuple[str, type[Kept]], answer: Callable[[Kept], None], why: str
    ) -> None:
        address, kept = served
        kept.answers["PUT"] = kept.answers["GET"] = answer
        witness = HttpWitness(address, timeout_s=0.3)
        for found in (witness.publish(note(9)), witness.latest(ORIGIN)):
            assert isinstance(found, Unreachable), found
            assert found.why.startswith(why) or "409" in found.why
            assert found.why

    def test_that_answers_for_another_tree_is_not_believed(
        self, served: tuple[str, type[Kept]]
    ) -> None:
        address, kept = served
        other = str(note(9, origin=origin_of(ENGAGEMENT, "access"))).encode()
        kept.answers["GET"] = lambda at: at.answer(200, other)
        assert isinstance(HttpWitness(address).latest(ORIGIN), Unreachable)
        kept.answers["PUT"] = lambda at: at.answer(409, other)
        assert isinstance(HttpWitness(address).publish(note(9)), Contradicted)

    def test_that_is_not_there_is_unreachable(self) -> None:
        found = HttpWitness("http://127.0.0.1:9", timeout_s=0.5).publish(note(9))
        assert isinstance(found, Unreachable)
        assert "refused" in found.why
