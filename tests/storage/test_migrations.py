"""Migrations: once each, by many at once, over a kill anywhere, and never over what is not ours."""

import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import Jsonb

import openbpo
from openbpo.record import store
from openbpo.record.journal import enter, entries
from openbpo.record.lines import leaf_hash
from openbpo.storage import failpoints, migrations, server
from openbpo.storage.database import Context, Database
from openbpo.storage.installation import Installation, context_key
from openbpo.storage.migrations import Migration, SchemaRefused, migrate, shipped
from openbpo.values.canonical import canonical_bytes
from openbpo.values.ids import EngagementId, RecordingId, VersionId

Connection = psycopg.Connection[Any]

NAMES = tuple(migration.name for migration in shipped())


def bring_up_to_date(installation: Installation) -> tuple[str, ...]:
    assert installation.owner_url is not None
    return migrate(installation.owner_url, app_role="openbpo_app", key=context_key())


def as_owner(installation: Installation) -> Connection:
    assert installation.owner_url is not None
    connection = psycopg.connect(installation.owner_url, autocommit=True)
    connection.execute("SET ROLE openbpo_owner")
    return connection


@pytest.fixture(scope="session")
def migrated(make_database: Callable[..., Installation]) -> Installation:
    """A database that is up to date, and stays as it is."""
    made = make_database()
    assert bring_up_to_date(made) == NAMES
    return made


class TestMigrate:
    def test_does_nothing_the_second_time(self, migrated: Installation) -> None:
        notes = "SELECT * FROM storage.migration ORDER BY number"
        with as_owner(migrated) as owner:
            before = owner.execute(notes).fetchall()
            assert bring_up_to_date(migrated) == ()
            assert owner.execute(notes).fetchall() == before
            assert owner.execute("SELECT count(*) FROM sec.context_key").fetchone() == (1,)

    def test_is_done_once_by_many_at_once(self, make_database: Callable[..., Installation]) -> None:
        made = make_database()
        with ThreadPoolExecutor(4) as pool:
            applied = list(pool.map(bring_up_to_date, [made] * 4))
        assert sorted(applied) == [(), (), (), NAMES]

    def test_applies_a_file_whole_or_not_at_all(
        self, make_database: Callable[..., Installation], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = make_database()
        broken = Migration(9_001, "9001_broken.sql", "CREATE SCHEMA half; SELECT 1 / 0;")
        with monkeypatch.context() as patched:
            patched.setattr(migrations, "shipped", lambda: (*shipped(), broken))
            with pytest.raises(psycopg.errors.DivisionByZero):
                bring_up_to_date(made)
        with as_owner(made) as owner:
            half = owner.execute("SELECT to_regnamespace('half')").fetchone()
            noted = owner.execute("SELECT count(*) FROM storage.migration").fetchone()
        assert (half, noted) == ((None,), (len(NAMES),))
        assert bring_up_to_date(made) == ()

    def test_refuses_a_file_that_was_edited_since(
        self, migrated: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second, *others = shipped()
        edited = Migration(second.number, second.name, second.text + "-- edited\n")
        monkeypatch.setattr(migrations, "shipped", lambda: (first, edited, *others))
        with pytest.raises(SchemaRefused, match=f"{second.name}: .* another edition"):
            bring_up_to_date(migrated)

    def test_refuses_a_database_of_a_newer_version(
        self, migrated: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        *older, newest = shipped()
        monkeypatch.setattr(migrations, "shipped", lambda: tuple(older))
        with pytest.raises(SchemaRefused, match=f"newer OpenBPO .migration {newest.number:04}"):
            bring_up_to_date(migrated)

    def test_gives_way_while_another_holds_the_lock(
        self, make_database: Callable[..., Installation], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It waits for 2 s in turns of at most 1 s; who reads meanwhile waits for no turn more."""
        made = make_database()
        bring_up_to_date(made)
        change = Migration(9_001, "9001_after.sql", "ALTER TABLE record.event ADD note text;")
        monkeypatch.setattr(migrations, "shipped", lambda: (*shipped(), change))
        look = "LOCK TABLE record.event IN ACCESS SHARE MODE"
        reader_waited_s, done = [], threading.Event()

        def read_all_the_time() -> None:
            with as_owner(made) as reader:
                while not done.is_set():
                    began = time.monotonic()
                    with reader.transaction():
                        reader.execute(look)
                    reader_waited_s.append(time.monotonic() - began)
                    time.sleep(0.01)

        with as_owner(made) as holder, ThreadPoolExecutor(2) as pool:
            holder.execute("BEGIN")
            holder.execute(look)
            began = time.monotonic()
            applied = pool.submit(bring_up_to_date, made)
            reading = pool.submit(read_all_the_time)
            time.sleep(2)
            holder.execute("COMMIT")
            assert applied.result(timeout=10) == (change.name,)
            done.set()
            reading.result(timeout=10)
        assert time.monotonic() - began >= 2
        assert 0.5 < max(reader_waited_s) < 1.9


OPEN = """
from openbpo.storage.installation import open_database
with open_database() as database:
    pass
"""


def command(folder: Path, failpoint: str = "") -> int:
    """Run a command of the product in a home; return how it ended."""
    environment = os.environ | {"OPENBPO_HOME": str(folder), failpoints.VARIABLE: failpoint}
    ended = subprocess.run([sys.executable, "-c", OPEN], env=environment, timeout=60)
    return ended.returncode


class TestKill:
    def test_is_mended_by_the_same_command(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One home, killed at each step in turn: what was done stays, the rest is done later."""
        home = tmp_path / "home"
        monkeypatch.setenv("OPENBPO_HOME", str(home))
        try:
            for failpoint in (
                "installation.after_roles",
                "installation.after_database",
                "migrations.after_one@2",
                "migrations.after_one",
            ):
                assert command(home, failpoint) == -signal.SIGKILL, failpoint
            assert command(home) == 0
            with psycopg.connect(server.ensure_running().conninfo("openbpo")) as admin:
                noted = admin.execute("SELECT name FROM storage.migration ORDER BY number")
                assert tuple(name for (name,) in noted) == NAMES
        finally:
            server.stop()


class TestFiles:
    def test_are_numbered_without_a_gap_and_say_when_they_run(self) -> None:
        assert [migration.number for migration in shipped()] == list(range(1, len(NAMES) + 1))
        assert all(name[4:].startswith(("_before_", "_after_")) for name in NAMES)

    def test_pass_squawk(self) -> None:
        root = Path(__file__).parents[2]
        folder = Path(openbpo.__file__).parent / "migrations"
        squawk = Path(sys.executable).with_name("squawk")
        files = sorted(folder.glob("*.sql"))
        assert len(files) == len(NAMES)
        said = subprocess.run(
            [squawk, f"--config={root / '.squawk.toml'}", "--reporter=gcc", *files],
            capture_output=True,
            text=True,
        )
        assert (said.returncode, said.stdout) == (0, ""), said.stdout + said.stderr


# --- What was recorded before there were entries ---------------------------------------------

ODD = (
    "plain", "", " ", 'a "quoted" one', "back\\slash", "two\nlines\tand\r", "\x01\x1f\x7f",
    "\b\f", "</script>", "Società", "日本語", "😀 and \U0010ffff", "\u2028\u2029", "\ufffe",
    "'; --",
)  # fmt: skip
ATTRIBUTES = ("activity", "a_1", "a1", "B", "service_level")


@dataclass(frozen=True)
class Told:
    """An event as it was recorded before: its case, when, what, and what may be erased."""

    subject: str
    at: datetime
    facts: dict[str, object]
    content: dict[str, object]


def told(number: int, count: int) -> list[Told]:
    """Return some events; two of each case are of one instant, so that their order shows."""
    at = datetime(2012, 2, 1, 7, 30, 0, 120_000 if number % 2 else 0, tzinfo=UTC)
    return [
        Told(
            subject=f"Case {ODD[(nth % 3 + nth // 6 * 3) % len(ODD)]}",
            at=at + timedelta(days=nth // 6, microseconds=nth // 6 % 3),
            facts={
                name: (ODD[(nth + which) % len(ODD)], True, False, None)[(nth + which) % 5 % 4]
                for which, name in enumerate(ATTRIBUTES)
            },
            content={"words": ODD[nth % len(ODD)], "B": None, "a": True} if nth % 2 else {},
        )
        for nth in range(count)
    ]


@dataclass(frozen=True)
class Before:
    """What a database of the migrations up to the fifth holds of one engagement."""

    engagement_id: EngagementId
    version_id: VersionId
    content_hash: bytes
    recordings: tuple[tuple[str, list[Told]], ...]


def committed(salts: bytes, values: dict[str, object]) -> dict[str, str]:
    return {
        name: hashlib.sha256(
            salts[16 * nth :][:16] + canonical_bytes([name, values[name]])
        ).hexdigest()
        for nth, name in enumerate(sorted(values))
    }


def record_before(admin: Connection) -> Before:
    """Record in the old shape; the old leaf is not looked at again, as no tree was built of it."""
    content_hash, at = secrets.token_bytes(32), datetime(2012, 3, 1, tzinfo=UTC)
    before = Before(
        EngagementId(uuid4()),
        VersionId(uuid4()),
        content_hash,
        (
            ("complete", told(1, 23)),
            ("abandoned", told(2, 5)),
            ("complete", told(3, 11)),
            ("open", told(4, 4)),
        ),
    )
    ids = before.engagement_id, before.version_id
    admin.execute(
        "INSERT INTO agreements.engagement VALUES (%s, 'desk', %s, %s)",
        (ids[0], secrets.token_bytes(32), at),
    )
    admin.execute(
        "INSERT INTO agreements.version VALUES (%s, %s, 1, '{}', %s, '{}', '{}', 1, %s, 'anna',"
        " 'provider')",
        (*ids, content_hash, at),
    )
    for side, later in (("provider", 1), ("client", 5)):
        admin.execute(
            "INSERT INTO agreements.signature VALUES (%s, %s, %s, %s, 'key_1', %s, %s, %s, %s)",
            (
                *(*ids, side, uuid4(), secrets.token_bytes(32), secrets.token_bytes(64)),
                *(at + timedelta(hours=later), f'"{side}" \\ é'),
            ),
        )
    for number, (ending, events) in enumerate(before.recordings, start=1):
        record_one(admin, ids, number, ending, events)
    return before


def record_one(
    admin: Connection, ids: tuple[UUID, UUID], number: int, ending: str, events: list[Told]
) -> None:
    recording_id, opened = uuid4(), datetime(2012, 3, 1, 2 * number, 0, 0, 7, tzinfo=UTC)
    ended = opened + timedelta(minutes=30)
    admin.execute(
        "INSERT INTO record.recording VALUES (%s, %s, %s, %s, 'log', %s, 'anna', %s, 1, %s, 2,"
        " %s, %s)",
        (
            *(ids[0], recording_id, f'{number} "é".csv', secrets.token_bytes(32), ids[1], opened),
            *(len(events), ended if ending == "complete" else None),
            ended if ending == "abandoned" else None,
        ),
    )
    for position, event in enumerate(events, start=1):
        event_id, salts = uuid4(), secrets.token_bytes(16 * len(event.content))
        admin.execute(
            "INSERT INTO record.event VALUES (%s, %s, %s, %s, %s, 'delivery.case.activity/1', %s,"
            " %s, %s, 'anna', 1, %s, %s, %s, %s)",
            (
                *(ids[0], event_id, recording_id, position, secrets.token_bytes(16)),
                *(event.subject, event.at, opened, Jsonb(event.facts)),
                secrets.token_bytes(16 * len(event.facts)),
                *(Jsonb(committed(salts, event.content)), secrets.token_bytes(32)),
            ),
        )
        if event.content:
            admin.execute(
                "INSERT INTO record.content VALUES (%s, %s, %s, %s)",
                (ids[0], event_id, Jsonb(event.content), salts),
            )


def name_of(installation: Installation) -> str:
    return str(conninfo_to_dict(installation.app_url)["dbname"])


def admin_of(installation: Installation) -> Connection:
    return psycopg.connect(server.ensure_running().conninfo(name_of(installation)), autocommit=True)


@pytest.fixture(scope="module")
def recorded_before(make_database: Callable[..., Installation]) -> tuple[str, list[Before]]:
    """The name of a database as it was before there were entries, and what two engagements hold."""
    made = make_database()
    with pytest.MonkeyPatch.context() as patched:
        older = shipped()[:5]
        patched.setattr(migrations, "shipped", lambda: older)
        assert bring_up_to_date(made) == NAMES[:5]
    with admin_of(made) as admin:
        return name_of(made), [record_before(admin) for _ in range(2)]


def lines_of(installation: Installation, before: Before) -> list[tuple[Any, ...]]:
    with admin_of(installation) as admin:
        return admin.execute(
            "SELECT e.told, e.leaf, e.recording, e.ordinal, e.position, e.row_key, o.attributes"
            " FROM record.event e LEFT JOIN record.opening o USING (engagement_id, recording,"
            " ordinal) WHERE engagement_id = %s ORDER BY recording, ordinal",
            (before.engagement_id,),
        ).fetchall()


def is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def found_amiss(installation: Installation, before: Before) -> list[str]:
    """Return what is not as it was told, or does not fit what this version writes."""
    amiss: list[str] = []
    if unread := [one for one in lines_of(installation, before) if not is_json(one[0])]:
        return [f"{line!r} is no JSON" for line, *_ in unread]
    with Database(installation.app_url, context_key()) as database:
        context = Context("tester", "test").within(before.engagement_id)
        with database.transaction(context) as tx:
            acts = list(entries(tx, before.engagement_id))
            subjects = sorted({event.subject for _, told in before.recordings for event in told})
            read = [
                (event.subject, event.happened_at, dict(event.facts), event.kind, event.type)
                for event in store.events_of_cases(tx, before.engagement_id, subjects)
            ]
    lines = lines_of(installation, before)
    expected = [
        (event.subject, event.at, event.facts, "case", "activity")
        for ending, events in before.recordings
        if ending == "complete"
        for event in events
    ]
    expected.sort(key=lambda one: (one[0].encode(), one[1]))
    if read != expected:
        amiss.append("other cases or facts are read")
    all_told = [
        (number, position, event)
        for number, (_, events) in enumerate(before.recordings, start=1)
        for position, event in enumerate(events, start=1)
    ]
    if len(lines) != len(all_told):
        return [*amiss, "events are gone"]
    for (line, leaf, *place, row_key, opening), (number, position, event) in zip(
        lines, all_told, strict=True
    ):
        if place != [number, position, position]:
            amiss.append(f"{place} is not where it was")
        amiss += amiss_in_line(line.encode(), leaf, row_key, opening or {}, event)
    salts = {json.loads(line)["salt"] for line, *_ in lines}
    if len(salts) != len(lines):
        amiss.append("a salt stands twice")
    return amiss + amiss_in_entries(acts, before)


def amiss_in_line(
    line: bytes, leaf: bytes, row_key: bytes, opening: dict[str, Any], event: Told
) -> list[str]:
    told = json.loads(line)
    fits = {
        "the line is not canonical": canonical_bytes(told) == line,
        "the leaf does not fit": leaf_hash(line) == leaf,
        "other facts": told["facts"] == event.facts,
        "the salt is too short": len(bytes.fromhex(told["salt"])) == 16,
        "another row": told["row"] == row_key.hex(),
        "another time": told["at"] == f"{event.at:%Y-%m-%dT%H:%M:%S.%f}Z",
        "other content": {name: one["value"] for name, one in opening.items()} == event.content,
        "a commitment does not fit": told.get("committed", {})
        == {
            name: hashlib.sha256(
                bytes.fromhex(one["salt"]) + canonical_bytes([name, one["value"]])
            ).hexdigest()
            for name, one in opening.items()
        },
        "no content, but commitments": bool(event.content) == ("committed" in told),
    }
    return [what for what, does in fits.items() if not does]


def amiss_in_entries(acts: list[Any], before: Before) -> list[str]:
    amiss = []
    if [act.entry for act in acts] != [1, 2, 3, 4]:
        amiss.append("the entries are not those that there were, or have gaps")
    if [act.act for act in acts] != ["signature", "recording", "signature", "recording"]:
        amiss.append("the entries are in another order than the acts were")
    if [act.first_sequence for act in acts] != [0, *(act.end for act in acts)][: len(acts)]:
        amiss.append("the sequence has gaps")
    for act in acts:
        line = act.told.encode()
        told = json.loads(line)
        if canonical_bytes(told) != line or leaf_hash(line) != act.leaf:
            amiss.append("an act's line or leaf")
        if (told["entry"], told["by"], told["act"]) != (act.entry, act.entered_by, act.act):
            amiss.append("an act's line says something else")
        if act.act == "recording":
            events = before.recordings[act.recording - 1][1]
            counts = [told[name] for name in ("events", "accepted", "already_known", "read")]
            if counts != [len(events), len(events), 2, len(events) + 2]:
                amiss.append("an import's counts")
    return amiss


SIXTH = {
    "facts stand in another order": ('ORDER BY f.key COLLATE "C")', "ORDER BY f.value)"),
    "commitments stand in another order": (
        "',' ORDER BY c.key COLLATE \"C\")",
        "',' ORDER BY c.value)",
    ),
    "a case's name is not escaped": ("to_json(e.subject)::text", "'\"' || e.subject || '\"'"),
    "salts are dealt out in another order": (
        '(ORDER BY key COLLATE "C") AS nth',
        "(ORDER BY value) AS nth",
    ),
    "salts are cut out one byte late": ("* 16 + 1 FOR 16", "* 16 + 2 FOR 16"),
    "a leaf is that of another text": (
        "told, sha256('\\x00'::bytea || conv",
        "told, sha256('\\x01'::bytea || conv",
    ),
    "entries count from what was opened": (
        "SELECT r.engagement_id, r.completed_at,",
        "SELECT r.engagement_id, r.opened_at - interval '5 h',",
    ),
    "what was given up is an entry": ("WHERE r.completed_at IS NOT NULL\n        )", "\n        )"),
    "the sequence forgets the acts' own leaves": ("sum(events + 1)", "sum(events)"),
    "times are those of the session": (
        "e.happened_at AT TIME ZONE 'UTC'",
        "e.happened_at AT TIME ZONE 'Asia/Tokyo'",
    ),
    "what was unfinished goes on": (
        "SET abandoned_at = transaction_timestamp()",
        "SET chunks_done = chunks_done",
    ),
}


class TestWhatWasRecordedBefore:
    def test_is_read_as_it_was_and_fits_what_is_written_now(
        self,
        recorded_before: tuple[str, list[Before]],
        make_database: Callable[..., Installation],
    ) -> None:
        made = make_database(recorded_before[0])
        assert bring_up_to_date(made) == NAMES[5:]
        for before in recorded_before[1]:
            assert found_amiss(made, before) == []
            assert goes_on(made, before)

    @pytest.mark.parametrize("mistake", SIXTH)
    def test_is_found_amiss_where_the_migration_errs(
        self,
        recorded_before: tuple[str, list[Before]],
        make_database: Callable[..., Installation],
        monkeypatch: pytest.MonkeyPatch,
        mistake: str,
    ) -> None:
        said, instead = SIXTH[mistake]
        *older, sixth = shipped()[:6]
        assert sixth.text.count(said) == 1
        wrong = Migration(6, sixth.name, sixth.text.replace(said, instead))
        made = make_database(recorded_before[0])
        monkeypatch.setattr(migrations, "shipped", lambda: (*older, wrong))
        try:
            assert bring_up_to_date(made) == NAMES[5:6]
        except psycopg.errors.IntegrityError:
            return  # found by the database
        amiss = [found_amiss(made, before) for before in recorded_before[1]]
        assert any(amiss) or not goes_on(made, recorded_before[1][0])


def goes_on(installation: Installation, before: Before) -> bool:
    """Enter one more act and one more recording; return whether nothing stood in the way."""
    ids = before.engagement_id
    with Database(installation.app_url, context_key()) as database:
        context = Context("tester", "test").within(ids)
        with database.transaction(context) as tx:
            if store.open_recording(tx, ids) is not None:
                return False
            last = list(entries(tx, ids))[-1]
            entry = enter(tx, ids, "tried", {})
            recording_id = RecordingId(uuid4())
            store.add_recording(
                tx,
                ids,
                recording_id=recording_id,
                source="log.csv",
                fingerprint=bytes(32),
                mapping="log",
                identity="cells",
                version_id=before.version_id,
            )
            recording = store.lock_recording(tx, ids, recording_id)
    assert (entry.entry, entry.first_sequence) == (last.entry + 1, last.end)
    return recording.number == 5
