"""
Somebody who may do everything to the database, and to this machine: what is found, and by whom.

R34. What nobody finds is at the end of this file, and stays there until somebody does.
"""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.desks import Desk, refused, run, witnessed_by, worked

from openbpo.record.checkpoints import read_note, sealed
from openbpo.record.tree import Frontier
from openbpo.storage.database import Database
from openbpo.storage.home import home as home_folder
from openbpo.trust.seals import FILE, seal_keys

pytestmark = pytest.mark.xdist_group("hostile")
Admin = psycopg.Connection[Any]
TABLES = (
    "record.event", "record.entry", "record.recording", "record.superseded", "record.opening",
    "record.checkpoint", "record.reading", "billing.period_act", "agreements.signature",
    "agreements.version",
)  # fmt: skip
LEAF = "leaf = sha256('\\x00'::bytea || convert_to({}, 'UTF8'))"
OTHER_FACT = """replace(told, '"activity":"', '"activity":"Re')"""
OTHER_BY = """replace(told, '"by":"', '"by":"not-')"""
EVENT = "UPDATE record.event SET {} WHERE {{of}} AND recording = 1 AND ordinal = 7"
ENTRY = "UPDATE record.entry SET {} WHERE {{of}} AND entry = 3"
FIRST = "(SELECT min(size) FROM record.checkpoint WHERE {of} AND tree = 'record')"
LAST = "(SELECT max(size) FROM record.checkpoint WHERE {of} AND tree = 'record')"
CHECKPOINT = "UPDATE record.checkpoint SET {} WHERE {{of}} AND tree = 'record' AND size = {}"
ACT = "UPDATE billing.period_act SET {} WHERE {{of}} AND period = '2025-01' AND number = 1"

FOUND_BY_REPLAY = {
    "an event's line": (EVENT.format(f"told = {OTHER_FACT}"), "Leaf 8 is not what was hashed"),
    "an event's leaf": (EVENT.format("leaf = sha256('x')"), "Leaf 8 is not what was hashed"),
    "an event's line and leaf": (
        EVENT.format(f"told = {OTHER_FACT}, {LEAF.format(OTHER_FACT)}"),
        "The root does not fit: of the leaves 0 to",
    ),
    "an event's subject": (EVENT.format("subject = 'Case 0'"), "subject of 1.7 is Case 0"),
    "an event's time": (
        EVENT.format("happened_at = happened_at + interval '1 month'"), "happened_at of 1.7 is",
    ),
    "an event's kind": (EVENT.format("kind = 'quantity'"), "kind of 1.7 is quantity"),
    "an event's rank": (EVENT.format("rank = '9'"), "rank of 1.7 is 9"),
    "an event's row": (EVENT.format("row_key = '\\x00112233445566778899aabbccddeeff'"),
                       "row_key of 1.7 is 00112233445566778899aabbccddeeff"),
    "an event is gone": (
        "DELETE FROM record.event WHERE {of} AND recording = 1 AND ordinal = 7", "brought in",
    ),
    "an event is corrected": (
        ("INSERT INTO record.superseded SELECT engagement_id, 1, 7, 2 FROM record.entry"
         " WHERE {of} AND entry = 1"),
        "hostile-desk, record: 1.",
    ),
    "what was committed to": (
        """UPDATE record.opening SET attributes = jsonb_set(attributes, '{{resource,value}}',
           '"Value 99"') WHERE {of} AND recording = 1 AND ordinal = 7""",
        "record: what resource of 1.7 was committed to is",
    ),
    "an entry's line": (ENTRY.format(f"told = {OTHER_BY}"), "is not what was hashed (entry 3"),
    "an entry's line and leaf": (
        ENTRY.format(f"told = {OTHER_BY}, {LEAF.format(OTHER_BY)}"), "The root does not fit",
    ),
    "who entered it": (ENTRY.format("entered_by = 'nobody'"), "entered_by of entry 3 is nobody"),
    "when it was entered": (
        ENTRY.format("entered_at = entered_at - interval '1 day'"), "entered_at of entry 3 is",
    ),
    "a recording is hidden": (
        "UPDATE record.recording SET entry = NULL WHERE {of} AND number = 1",
        "entry of recording 1 is None",
    ),
    "a recording's counts": (
        "UPDATE record.recording SET refused = 5 WHERE {of} AND number = 1",
        "refused of recording 1 is 5",
    ),
    "an older checkpoint's root": (
        CHECKPOINT.format("root = sha256('x')", FIRST), "root of the checkpoint of",
    ),
    "an older checkpoint's note": (
        CHECKPOINT.format("note = replace(note, 'at 20', 'at 19')", FIRST),
        "None of the keys given",
    ),
    "an older checkpoint's size": (
        CHECKPOINT.format("size = size - 1", FIRST),
        "It names a checkpoint that the record does not have.",
    ),
    "an older checkpoint's time": (
        CHECKPOINT.format("sealed_at = now()", FIRST), "sealed_at of the checkpoint of",
    ),
    "a checkpoint that a period names is gone": (
        f"DELETE FROM record.checkpoint WHERE {{of}} AND tree = 'record' AND size = {FIRST}",
        "It names a checkpoint that the record does not have.",
    ),
    "the figures of a closed period": (
        ACT.format("document = replace(document, '\"total\":\"', '\"total\":\"1')"),
        "The figures of 2025-01 are not those that entry 4 closed.",
    ),
    "the figures and their hash": (
        ACT.format("document = replace(document, '\"total\":\"', '\"total\":\"1'), document_sha256"
                   " = sha256(convert_to(replace(document, '\"total\":\"', '\"total\":\"1'),"
                   " 'UTF8'))"),
        "The figures of 2025-01 are not those that entry 4 closed.",
    ),
    "how far a period is closed": (
        ACT.format("state = 'disputed'"), "2025-01: state of the act at entry 4 is disputed",
    ),
    "whose act it was": (ACT.format("acted_by = 'x'"), "2025-01: acted_by of the act at entry 4"),
    "an act on a period is gone": (
        "DELETE FROM billing.period_act WHERE {of} AND number = 2",
        "The figures that entry 9 names are not here.",
    ),
    "a signature": (
        "UPDATE agreements.signature SET signature = sha512('x') WHERE {of} AND side = 'client'",
        "not what was signed",
    ),
    "the agreement's text": (
        ("UPDATE agreements.version SET files = jsonb_set(files, '{{charges.yaml}}', '\"\"')"
         " WHERE {of}"),
        "not what was signed",
    ),
    "a reading's line": (
        f"UPDATE record.reading SET told = {OTHER_BY} WHERE {{of}} AND number = 1",
        "access: the line of reading 1",
    ),
    "a reading's line and leaf": (
        (f"UPDATE record.reading SET told = {OTHER_BY}, {LEAF.format(OTHER_BY)}"
         " WHERE {of} AND number = 1"),
        "access: the root of the first",
    ),
    "a reading is gone": (
        "DELETE FROM record.reading WHERE {of} AND number = 2",
        "access: the root of the first 2 readings",
    ),
}  # fmt: skip

FOUND_BY_SEAL = {
    "the last checkpoint's root": (CHECKPOINT.format("root = sha256('x')", LAST), "checkpoint of"),
    "the last checkpoint's note": (
        CHECKPOINT.format("note = replace(note, 'at 20', 'at 19')", LAST), "the checkpoint of",
    ),
    "the last checkpoint's size": (
        CHECKPOINT.format("size = size + 2", LAST), "the checkpoint of",
    ),
    "the last checkpoint's subtrees": (
        CHECKPOINT.format("subtrees = sha256('x')", LAST), "the checkpoint of",
    ),
    "the last checkpoint's entry, before": (
        CHECKPOINT.format("last_number = last_number - 1", LAST), "is not what was entered",
    ),
    "the last checkpoint's entry, after": (
        CHECKPOINT.format("last_number = last_number + 1", LAST), "is not what was",
    ),
}  # fmt: skip


def engagement_of(made: Desk, admin: Admin) -> str:
    """Return the condition that names the desk's rows."""
    found = admin.execute(
        "SELECT DISTINCT g.engagement_id FROM sec.engagement_grant g WHERE g.handle = %s",
        (made.name,),
    ).fetchone()
    assert found is not None
    return f"engagement_id = '{found[0]}'"


class Hostile:
    """A superuser whom no trigger stops, at one desk; what was done can be put back."""

    def __init__(self, admin: Admin, made: Desk) -> None:
        self.admin, self.desk = admin, made
        self.of = engagement_of(made, admin)
        admin.execute("SET session_replication_role = replica")
        for table in TABLES:
            name = table.replace(".", "_")
            admin.execute(f"CREATE TEMP TABLE kept_{name} AS SELECT * FROM {table} WHERE {self.of}")

    def does(self, statement: str) -> int:
        return self.admin.execute(statement.format(of=self.of).encode()).rowcount

    def puts_back(self) -> None:
        for table in TABLES:
            self.admin.execute(f"DELETE FROM {table} WHERE {self.of}")
            name = table.replace(".", "_")
            self.admin.execute(f"INSERT INTO {table} SELECT * FROM kept_{name}")

    def leaves(self) -> None:
        for table in TABLES:
            self.admin.execute(f"DROP TABLE kept_{table.replace('.', '_')}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def made(database: Database, folder: Path) -> Desk:
    made = worked(folder, "hostile-desk", 700)
    for period in ("2025-01", "2025-02"):
        run("attain", made.name, "--period", period)
    run("seal", made.name)
    return made


@pytest.fixture
def hostile(made: Desk, admin: Admin) -> Iterator[Hostile]:
    here = Hostile(admin, made)
    yield here
    here.puts_back()
    here.leaves()


class TestTheDatabase:
    @pytest.mark.parametrize("what", FOUND_BY_REPLAY)
    def test_replay_finds_and_names(self, hostile: Hostile, what: str) -> None:
        statement, says = FOUND_BY_REPLAY[what]
        assert hostile.does(statement) == 1
        assert says in refused("replay", hostile.desk.name)

    @pytest.mark.parametrize("what", FOUND_BY_SEAL)
    def test_the_sealer_finds_and_seals_nothing_on_top(self, hostile: Hostile, what: str) -> None:
        statement, says = FOUND_BY_SEAL[what]
        hostile.desk.takes_in(690, 700)
        run("import", hostile.desk.name, str(more_rows(hostile.desk)))
        assert hostile.does(statement) == 1
        assert says in refused("seal", hostile.desk.name)

    def test_what_was_not_sealed_yet_is_found_by_the_sealer(self, hostile: Hostile) -> None:
        run("import", hostile.desk.name, str(more_rows(hostile.desk)))
        assert (
            hostile.does(
                f"UPDATE record.entry SET told = {OTHER_BY} WHERE {{of}}"
                " AND entry = (SELECT max(entry) FROM record.entry WHERE {of})"
            )
            == 1
        )
        assert "is not what was entered" in refused("seal", hostile.desk.name)

    def test_put_back_it_is_replayed_and_equal(self, hostile: Hostile) -> None:
        hostile.does(EVENT.format("subject = 'Case 0'"))
        hostile.puts_back()
        assert "replayed, and equal" in run("replay", hostile.desk.name)


def more_rows(made: Desk) -> Path:
    """Return a file of rows that are new at each call."""
    path = made.folder / "more.csv"
    number = len(list(made.folder.glob("more*.csv")))
    path = made.folder / f"more-{number}.csv"
    row = [f"Case new {number}", *made.rows[5][1:]]
    path.write_text("\n".join([",".join(made.header), ",".join(row)]) + "\n", encoding="utf-8")
    return path


def rolled_back(hostile: Hostile, entries: int) -> None:
    """Take the newest entries away, with all that stands on them."""
    last = f"(SELECT max(entry) FROM record.entry WHERE {hostile.of})"
    found = hostile.admin.execute(f"SELECT {last} - {entries}".encode()).fetchone()
    assert found is not None
    hostile.does(f"DELETE FROM billing.period_act WHERE {{of}} AND entry > {found[0]}")
    hostile.does(
        f"DELETE FROM record.checkpoint WHERE {{of}} AND last_number > {found[0]}"
        " AND tree = 'record'"
    )
    hostile.does(f"DELETE FROM record.entry WHERE {{of}} AND entry > {found[0]}")


class TestAWitness:
    def test_in_a_folder_finds_a_record_that_was_rolled_back(
        self, hostile: Hostile, tmp_path: Path
    ) -> None:
        with witnessed_by(tmp_path):
            run("import", hostile.desk.name, str(more_rows(hostile.desk)))
            run("seal", hostile.desk.name)
            rolled_back(hostile, 1)
            assert "ours is smaller" in refused("seal", hostile.desk.name)
            assert "The witness knows another history" in refused("replay", hostile.desk.name)

    def test_without_one_only_an_earlier_pack_tells(self, hostile: Hostile, tmp_path: Path) -> None:
        run("import", hostile.desk.name, str(more_rows(hostile.desk)))
        earlier = hostile.desk.bundle(out="before-rollback.pack")
        rolled_back(hostile, 1)
        assert "replayed, and equal" in run("replay", hostile.desk.name)
        later = hostile.desk.bundle(out="after-rollback.pack")
        key = str(hostile.desk.key)
        run("verify", str(later), "--key", key)
        assert "was cut back" in refused(
            "verify", str(later), "--key", key, "--after", str(earlier)
        )

    def test_over_http_finds_a_record_that_was_rewritten(
        self, hostile: Hostile, address: str
    ) -> None:
        with witnessed_by(address):
            run("seal", hostile.desk.name)  # nothing new: the latest is told again
            run("import", hostile.desk.name, str(more_rows(hostile.desk)))
            run("seal", hostile.desk.name)
            rewritten(hostile)
            assert "its root is another than ours" in refused("seal", hostile.desk.name)

    def test_in_a_folder_finds_every_rewriting_but_an_earlier_pack_names_the_leaf(
        self, hostile: Hostile, tmp_path: Path
    ) -> None:
        with witnessed_by(tmp_path):
            run("seal", hostile.desk.name)
            earlier = hostile.desk.bundle(out="before-rewriting.pack")
            rewritten(hostile)
            assert "another than ours" in refused("seal", hostile.desk.name)
        later = hostile.desk.bundle("--periods", "2025-02", out="after-rewriting.pack")
        key = str(hostile.desk.key)
        said = refused("verify", str(later), "--key", key, "--after", str(earlier))
        assert "Leaf 8 is another than in the earlier pack" in said


def rewritten(hostile: Hostile) -> None:
    """Change an event, and compute and sign all of the past anew, as who holds the key can."""
    assert hostile.does(EVENT.format(f"told = {OTHER_FACT}, {LEAF.format(OTHER_FACT)}")) == 1
    frontier, roots, names = Frontier(), {}, {}
    rows = hostile.admin.execute(
        f"SELECT size, note FROM record.checkpoint WHERE {hostile.of} AND tree = 'record'"
        " ORDER BY size".encode()
    ).fetchall()
    notes = dict(rows)
    for leaf in all_leaves(hostile):
        frontier.append(leaf)
        if frontier.size in notes:
            roots[frontier.size] = frontier.root()
            names[frontier.size] = frontier.to_hex()
    for size, root in roots.items():
        told_then = read_note(notes[size]).checkpoint
        again = type(told_then)(origin=told_then.origin, size=size, root=root, at=told_then.at)
        note = sealed(again, seal_keys(at=told_then.at).current)
        hostile.admin.execute(
            f"UPDATE record.checkpoint SET root = %s, note = %s, subtrees = %s WHERE {hostile.of}"
            " AND tree = 'record' AND size = %s".encode(),
            (root, str(note), bytes.fromhex("".join(names[size])), size),
        )


def all_leaves(hostile: Hostile) -> Iterator[bytes]:
    """Yield the leaves of the record in their order."""
    entries = hostile.admin.execute(
        f"SELECT recording, leaf FROM record.entry WHERE {hostile.of} ORDER BY entry".encode()
    ).fetchall()
    for recording, leaf in entries:
        if recording is not None:
            yield from (
                bytes(one)
                for (one,) in hostile.admin.execute(
                    f"SELECT leaf FROM record.event WHERE {hostile.of} AND recording = {recording}"
                    " ORDER BY ordinal".encode()
                ).fetchall()
            )
        yield bytes(leaf)


class Kept(http.server.BaseHTTPRequestHandler):
    """A witness as any web server can be one."""

    notes: dict[str, dict[int, bytes]]

    def do_PUT(self) -> None:
        origin, _, size = self.path.rpartition("/")
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kept = self.notes.setdefault(origin, {})
        before = kept.setdefault(int(size), body)
        self._answers(200 if before == body else 409, before)

    def do_GET(self) -> None:
        kept = self.notes.get(self.path.removesuffix("/latest"))
        self._answers(200, kept[max(kept)]) if kept else self._answers(404, b"")

    def _answers(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    handler = type("Fresh", (Kept,), {"notes": {}})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


class TestTheSealingKey:
    @pytest.fixture(autouse=True)
    def restored(self, made: Desk) -> Iterator[None]:
        path = home_folder() / FILE
        kept = path.read_bytes()
        yield
        path.write_bytes(kept)

    def test_another_in_its_place_is_found_by_the_sealer(self, hostile: Hostile) -> None:
        (home_folder() / FILE).unlink()
        assert "is not what was sealed" in refused("seal", hostile.desk.name)

    def test_with_everything_signed_again_is_found_by_who_holds_the_old_one(
        self, hostile: Hostile, tmp_path: Path
    ) -> None:
        old = tmp_path / "held-by-the-client"
        shutil.copy(hostile.desk.key, old)
        with witnessed_by(tmp_path):
            run("seal", hostile.desk.name)
        (home_folder() / FILE).unlink()
        resigned(hostile)
        run("replay", hostile.desk.name)  # it agrees with itself
        pack = hostile.desk.bundle(out="resigned.pack")
        said = refused("verify", str(pack), "--key", str(old))
        assert "None of the keys given" in said


def resigned(hostile: Hostile) -> None:
    """Sign every checkpoint again with the key that is there now."""
    rows = hostile.admin.execute(
        f"SELECT tree, size, note FROM record.checkpoint WHERE {hostile.of}".encode()
    ).fetchall()
    for tree, size, note in rows:
        checkpoint = read_note(note).checkpoint
        again = sealed(checkpoint, seal_keys(at=checkpoint.at).current)
        hostile.admin.execute(
            f"UPDATE record.checkpoint SET note = %s WHERE {hostile.of} AND tree = %s"
            " AND size = %s".encode(),
            (str(again), tree, size),
        )


NOBODY_FINDS = {
    "which content a row had": EVENT.format("row_content = row_key"),
    "an opening that is gone": (
        "DELETE FROM record.opening WHERE {of} AND recording = 1 AND ordinal = 7"
    ),
    "that an engagement waits to be sealed": "DELETE FROM sec.unsealed WHERE {of}",
}
"""
The hash of a row's cells is in no line: changed, the same row imported again counts as a correction
(or the other way round), which is then in the record for all to see. An opening that was deleted
looks like one that was erased on request, which leaves no mark yet. An engagement that is struck
off the list is not sealed by `seal` alone, but by `seal ENGAGEMENT`, close and bundle.
"""


@pytest.mark.parametrize("what", NOBODY_FINDS)
def test_what_nobody_finds(hostile: Hostile, what: str) -> None:
    hostile.does(NOBODY_FINDS[what])
    assert "replayed, and equal" in run("replay", hostile.desk.name)
