"""
What becomes of rows that come in, against a model of a few lines of plain Python.

Files of few different rows, so that many come again, are taken in by chunks of any size; some are
given up. After each file, and at each entry, the record must hold what the model says, in its
order. That this finds something is shown by mistakes: each is made in the database's function, or
in the statement that reads, and must be found.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import pairwise
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict
from tests.support import EXAMPLE, told_event

from openbpo.agreements.files import read_folder
from openbpo.agreements.versions import store as versions
from openbpo.agreements.versions.actions import accept, open_engagement
from openbpo.record import store
from openbpo.record.journal import enter, entries
from openbpo.record.model import NewEvents, RecordedEvent
from openbpo.record.queries import cases_touched, events_of_active_cases, events_of_cases, extent
from openbpo.storage import server
from openbpo.storage.database import Context, Database, Transaction
from openbpo.storage.identifiers import new_id
from openbpo.storage.installation import Installation, context_key
from openbpo.storage.migrations import migrate
from openbpo.trust.keys import party_key
from openbpo.values.ids import EngagementId, RecordingId, VersionId
from openbpo.values.spans import Span

pytestmark = pytest.mark.xdist_group("take_in")

Connection = psycopg.Connection[Any]
LATER = datetime(2030, 1, 1, tzinfo=UTC)
ALWAYS = Span(datetime(2000, 1, 1, tzinfo=UTC), LATER)
SUBJECTS = ("S0", "S1")

# --- Files -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A row: what names it where the mapping has a key, and what else it holds (0 to 5)."""

    name: str
    held: int

    @property
    def parts(self) -> int:
        return (1, 1, 3, 2, 1, 1)[self.held]

    @property
    def subject(self) -> str:
        return SUBJECTS[self.held % 2]

    @property
    def at(self) -> datetime:
        return datetime(2012, 1, 1, tzinfo=UTC) + timedelta(days=self.held // 4)

    @property
    def rank(self) -> str | None:
        return (None, None, None, "b", "a", None)[self.held]

    def key(self, identity: str) -> str:
        return self.name if identity == "key" else f"{self.name}{self.held}"


@dataclass(frozen=True)
class File:
    """A file's rows, how many of them make a chunk, and whether its import is given up."""

    rows: tuple[Row, ...]
    chunk_rows: int
    is_given_up: bool

    @property
    def chunks(self) -> Iterator[tuple[int, Sequence[Row]]]:
        """Yield each chunk with the position of its first row."""
        for at in range(0, len(self.rows), self.chunk_rows):
            yield at + 1, self.rows[at : at + self.chunk_rows]


ROWS = st.builds(Row, st.sampled_from("abc"), st.integers(0, 5))
FILES = st.lists(
    st.builds(
        File,
        st.lists(ROWS, min_size=1, max_size=9).map(tuple),
        st.integers(1, 5),
        st.sampled_from((False, False, False, True)),
    ),
    min_size=1,
    max_size=5,
)
IDENTITIES = st.sampled_from(("cells", "key"))
FIVE_THEN_SEVEN = [File((Row("a", 0),) * rows, 2, is_given_up=False) for rows in (5, 7)]

# --- The model -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Version:
    """A row as a recording has it: its place, and the place of the first such row."""

    row: Row
    recording: int
    position: int
    ordinal: int
    first: tuple[int, int]


@dataclass
class Model:
    """What the record has to hold."""

    identity: str
    versions: list[Version] = field(default_factory=list)
    completed: dict[int, int] = field(default_factory=dict)
    """Recording and the entry that completed it."""
    superseded: set[tuple[int, int, int]] = field(default_factory=set)

    def take_in(self, number: int, file: File) -> tuple[int, int, int]:
        """Return how many rows were accepted, corrected one, and were known."""
        counts = {"accepted": 0, "corrected": 0, "known": 0}
        again = Counter(self.key(one) for one in self.versions if one.recording in self.completed)
        for position, row in enumerate(file.rows, start=1):
            key = row.key(self.identity)
            earlier = [
                one
                for one in self.versions
                if self.key(one) == key
                and (one.recording in self.completed or one.recording == number)
            ]
            if self.identity == "cells":
                what = "known" if again[key] > 0 else "accepted"
                again[key] -= 1
            elif not earlier:
                what = "accepted"
            else:
                what = "known" if earlier[-1].row == row else "corrected"
            counts[what] += 1
            if what == "known":
                continue
            first = earlier[-1].first if what == "corrected" else (number, position)
            ordinal = 1 + sum(one.row.parts for one in self.versions if one.recording == number)
            self.versions.append(Version(row, number, position, ordinal, first))
            if what == "corrected":
                last = earlier[-1]  # which superseded those before it
                self.superseded |= {
                    (last.recording, last.ordinal + part, number) for part in range(last.row.parts)
                }
        return counts["accepted"], counts["corrected"], counts["known"]

    def key(self, version: Version) -> str:
        return version.row.key(self.identity)

    def known(self, entry: int) -> list[str]:
        """Return all that was known at an entry, each event by its place, in their order."""
        told = [
            one for one in self.versions if self.completed.get(one.recording, entry + 1) <= entry
        ]
        if self.identity == "key":
            told = list({self.key(one): one for one in told}.values())  # the latest of each
        told.sort(key=lambda one: (one.row.subject, one.row.at, one.row.rank or "", one.first))
        return [
            f"{one.row} {one.recording}.{one.position}.{part}"
            for one in told
            for part in range(1, one.row.parts + 1)
        ]

    def touched(self, after: int, known: int) -> list[str]:
        """Return the cases that gained or lost an event between two entries."""
        since = {number for number, entry in self.completed.items() if after < entry <= known}
        first: dict[tuple[int, int], int] = {}  # what was corrected is not corrected again
        for one, nth, by in self.superseded:
            if by in self.completed:
                entry = min(self.completed[by], first.get((one, nth), self.completed[by]))
                first[one, nth] = entry
        lost = {place for place, entry in first.items() if after < entry <= known}
        return sorted(
            {
                one.row.subject
                for one in self.versions
                if one.recording in since or (one.recording, one.ordinal) in lost
            }
        )


# --- The real thing --------------------------------------------------------------------------


@dataclass(frozen=True)
class Desk:
    """A database with an engagement whose version others can be given."""

    database: Database
    admin: Connection
    context: Context
    template: EngagementId
    version_id: VersionId

    @classmethod
    def opened(cls, database: Database, admin: Connection) -> Desk:
        context = Context(f"taker-{uuid4().hex[:12]}", "test")
        handle, key = f"desk-{uuid4().hex[:12]}", party_key("officina-support")
        files = read_folder(EXAMPLE)
        accept(database, context, handle=handle, files=files, side="provider", key=key)
        template = open_engagement(database, context, handle)
        with database.transaction(context.within(template)) as tx:
            (governing,) = versions.in_force(tx, template)
        return cls(database, admin, context, template, governing.version_id)

    def engagement(self) -> EngagementId:
        """Return a new engagement with a version, nobody's rows in it."""
        made = open_engagement(self.database, self.context, f"desk-{uuid4().hex}")
        self.admin.execute(
            "INSERT INTO agreements.version SELECT (jsonb_populate_record(v, jsonb_build_object("
            "'engagement_id', %s::text))).* FROM agreements.version v WHERE engagement_id = %s",
            (str(made), self.template),
        )
        return made

    def record(self, identity: str, files: Sequence[File]) -> None:
        """Take files in one after the other; the record holds what the model does at each step."""
        model = Model(identity)
        engagement_id = self.engagement()
        within = self.context.within(engagement_id)
        for number, file in enumerate(files, start=1):
            with self.database.transaction(within) as tx:
                recording = add_recording(tx, engagement_id, identity, self.version_id)
                assert recording.number == number
            for position, rows in file.chunks:
                with self.database.transaction(within) as tx:
                    store.take_in(tx, number, "case", events(identity, number, position, rows))
            counts = model.take_in(number, file)
            with self.database.transaction(within) as tx:
                check_counts(tx, engagement_id, model, number, file, counts)
                entry = end(tx, engagement_id, recording, file)
            if entry is not None:
                model.completed[number] = entry
        with self.database.transaction(within) as tx:
            check_record(tx, engagement_id, model)
        self.check_tables(engagement_id, model)
        if identity == "cells":
            self.check_union(engagement_id, files)

    def check_tables(self, engagement_id: EngagementId, model: Model) -> None:
        found = self.admin.execute(
            "SELECT recording, ordinal, by_recording FROM record.superseded"
            " WHERE engagement_id = %s",
            (engagement_id,),
        ).fetchall()
        assert set(found) == model.superseded
        ordinals = self.admin.execute(
            "SELECT recording, ordinal, position, part, e.told::jsonb #>> '{facts,place}',"
            " o.attributes #>> '{note,value}' FROM record.event e"
            " LEFT JOIN record.opening o USING (engagement_id, recording, ordinal)"
            " WHERE engagement_id = %s ORDER BY recording, ordinal",
            (engagement_id,),
        ).fetchall()
        assert [(one[0], one[1], one[2], one[3]) for one in ordinals] == [
            (one.recording, one.ordinal + part, one.position, part + 1)
            for one in model.versions
            for part in range(one.row.parts)
        ]
        for *_, place, note in ordinals:
            assert note in (None, place)
            assert (note is not None) == place.endswith(NOTED)
        assert self.admin.execute("SELECT count(*) FROM record.recognised").fetchone() == (0,)

    def check_union(self, engagement_id: EngagementId, files: Sequence[File]) -> None:
        """Overlapping exports make their union, in whatever order they came."""
        union: Counter[Row] = Counter()
        for file in files:
            if not file.is_given_up:
                union |= Counter(file.rows)
        with self.database.transaction(self.context.within(engagement_id)) as tx:
            held = [
                e for e in events_of_cases(tx, engagement_id, SUBJECTS) if e.facts["part"] == "1"
            ]
        assert Counter(event.facts["row"] for event in held) == Counter(
            {str(row): times for row, times in union.items()}
        )


def add_recording(
    tx: Transaction, engagement_id: EngagementId, identity: str, version_id: VersionId
) -> store.Recording:
    recording_id = RecordingId(new_id(tx.at))
    store.add_recording(
        tx,
        engagement_id,
        recording_id=recording_id,
        source="log.csv",
        fingerprint=secrets.token_bytes(32),
        mapping="log",
        identity=identity,
        version_id=version_id,
    )
    return store.lock_recording(tx, engagement_id, recording_id)


NOTED = "2"  # of every place that ends so the event has an opening


def events(identity: str, number: int, position: int, rows: Sequence[Row]) -> store.PackedEvents:
    found = []
    for at, row in enumerate(rows, start=position):
        for part in range(1, row.parts + 1):
            place = f"{number}.{at}.{part}"
            event = told_event(
                kind="case",
                type_="activity",
                subject=row.subject,
                happened_at=row.at,
                facts={"row": str(row), "part": f"{part}", "place": place},
                closed={"note": place} if place.endswith(NOTED) else {},
                position=at,
                part=part,
                row_key=hashed(row.key(identity)),
                row_content=hashed(str(row) if identity == "key" else row.key(identity)),
                rank=row.rank,
                random=secrets.token_bytes(32),
            )
            found.append(event)
    return store.pack_events(NewEvents.of(found))


def hashed(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()


def end(
    tx: Transaction, engagement_id: EngagementId, recording: store.Recording, file: File
) -> int | None:
    now = store.lock_recording(tx, engagement_id, recording.recording_id)
    if file.is_given_up:
        store.abandon_recording(tx, engagement_id, now)
        return None
    entry = enter(tx, engagement_id, "recording", {}, recording=now.number, events=now.events)
    store.complete_recording(
        tx,
        engagement_id,
        now,
        entry=entry.entry,
        read=len(file.rows),
        refused=0,
        out_of_order=0,
    )
    return entry.entry


def check_counts(
    tx: Transaction,
    engagement_id: EngagementId,
    model: Model,
    number: int,
    file: File,
    counts: tuple[int, int, int],
) -> None:
    recording = store.open_recording(tx, engagement_id)
    assert recording is not None
    assert (recording.accepted, recording.corrected, recording.already_known) == counts
    assert sum(counts) == len(file.rows)
    added = [one.row.parts for one in model.versions if one.recording == number]
    assert recording.events == sum(added)
    assert recording.chunks_done == len(list(file.chunks))


def check_record(tx: Transaction, engagement_id: EngagementId, model: Model) -> None:
    acts = list(entries(tx, engagement_id))
    assert [act.entry for act in acts] == list(range(1, len(model.completed) + 1))
    assert [act.first_sequence for act in acts] == [0, *(act.end for act in acts)][: len(acts)]
    for entry in range(len(acts) + 1):
        known = model.known(entry)
        found = events_of_cases(tx, engagement_id, SUBJECTS, known=entry)
        assert told(found) == known, f"as known at {entry}"
        found = events_of_active_cases(tx, engagement_id, ALWAYS, known=entry)
        assert told(found) == known, f"as known at {entry}"
    for after, known_at in [(0, len(acts)), *pairwise(range(len(acts) + 1))]:
        touched = cases_touched(tx, engagement_id, after=after, known=known_at, begun=LATER)
        assert touched == model.touched(after, known_at)
    assert extent(tx, engagement_id).events == len(model.known(len(acts)))


def told(found: Iterator[RecordedEvent]) -> list[str]:
    return [f"{event.facts['row']} {event.facts['place']}" for event in found]


@pytest.fixture(scope="module")
def desk(make_database: Callable[..., Installation]) -> Iterator[Desk]:
    """A desk in a database of its own, as mistakes are made in it."""
    made, key = make_database(), context_key()
    assert made.owner_url is not None
    migrate(made.owner_url, app_role="openbpo_app", key=key)
    name = str(conninfo_to_dict(made.app_url)["dbname"])
    address = server.ensure_running().conninfo(name)
    with psycopg.connect(address, autocommit=True) as admin:  # no power is cut here
        admin.execute(f"ALTER DATABASE {name} SET synchronous_commit = off".encode())
    with (
        Database(made.app_url, key) as database,
        psycopg.connect(address, autocommit=True) as admin,
    ):
        yield Desk.opened(database, admin)


SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


class TestRowsThatComeIn:
    @given(IDENTITIES, FILES)
    @example("cells", FIVE_THEN_SEVEN)
    @settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
    def test_are_known_again_by_their_cells_or_corrected_by_their_key(
        self, desk: Desk, identity: str, files: list[File]
    ) -> None:
        desk.record(identity, files)

    @given(IDENTITIES, FILES, st.lists(st.integers(1, 9), min_size=5, max_size=5))
    @settings(max_examples=15, deadline=None, suppress_health_check=SLOW)
    def test_are_the_same_by_chunks_of_any_size(
        self, desk: Desk, identity: str, files: list[File], sizes: list[int]
    ) -> None:
        """The model knows no chunks; so neither may the record."""
        others = [File(one.rows, n, one.is_given_up) for one, n in zip(files, sizes, strict=False)]
        desk.record(identity, others)
        desk.record(identity, files)

    def test_may_be_thousands_of_versions_of_one(self, desk: Desk) -> None:
        """A mapping may have the wrong key: that is slow for nobody."""
        versions = tuple(Row("a", held) for held in (0, 1)) * 4_000
        desk.record("key", [File(versions, 4_000, is_given_up=False)])

    def test_may_be_none_of_a_chunk(self, desk: Desk) -> None:
        """All rows of a chunk may have had faults."""
        engagement_id = desk.engagement()
        with desk.database.transaction(desk.context.within(engagement_id)) as tx:
            recording = add_recording(tx, engagement_id, "key", desk.version_id)
            assert store.take_in(
                tx, recording.number, "case", store.pack_events(NewEvents())
            ) == store.TakenIn(0, 0, 0, 0)


# --- Mistakes, each of which must be found ---------------------------------------------------

TAKE_IN = (
    "record.take_in(integer,text,bigint[],smallint[],bytea[],bytea[],text[],timestamp with time"
    " zone[],text[],text[],bytea[],integer[],jsonb[],bigint,boolean)"
)
COMPLETE = "AND r.completed_at IS NOT NULL"
IN_THE_FUNCTION = {
    "what was met in earlier chunks is forgotten": ("m.met + m.nth <= ", "m.nth <= "),
    "one row too few is known again": ("<= m.before", "< m.before"),
    "of a row met in three chunks only the first is noted": (
        "DO UPDATE SET times = g.times + EXCLUDED.times",
        "DO UPDATE SET times = EXCLUDED.times",
    ),
    "rows of what was given up are known again by cells": (
        "r.number = e.recording AND r.completed_at IS NOT NULL)\n          OFFSET 0",
        "r.number = e.recording)\n          OFFSET 0",
    ),
    "rows of what was given up are known again by key": (
        "r.number = e.recording AND r.completed_at IS NOT NULL))\n           ORDER",
        "r.number = e.recording))\n           ORDER",
    ),
    "the first version counts, not the latest": (
        "ORDER BY e.recording DESC, e.ordinal DESC",
        "ORDER BY e.recording, e.ordinal",
    ),
    "the latest of the recording is not the latest of the chunk": (
        "ORDER BY e.recording DESC, e.ordinal DESC",
        "ORDER BY e.recording DESC, e.ordinal",
    ),
    "what the chunk holds is overlooked": ("lag(u.row_content) OVER same_row", "NULL::bytea"),
    "what earlier chunks hold is overlooked": ("(e.recording = of_recording\n", "(false\n"),
    "what is recorded goes before what the chunk holds": (
        "coalesce(h.just_before, latest.row_content) AS",
        "coalesce(latest.row_content, h.just_before) AS",
    ),
    "a correction of a correction has the place of the first correction": (
        "coalesce(latest.first_position, latest.position, h",
        "coalesce(latest.position, h",
    ),
    "a correction of a correction has the recording of the first correction": (
        "coalesce(latest.first_recording, latest.recording, of",
        "coalesce(latest.recording, of",
    ),
    "a correction comes to stand where its file has it": (
        "c.recording, c.first_position, u",
        "NULL, NULL, u",
    ),
    "a row that its own file corrects stays": ("head.times = 0)", "false)"),
    "what was recorded stays beside its correction": (
        "SELECT DISTINCT w.recording, w.ordinal",
        "SELECT DISTINCT w.recording, -9 AS ordinal",
    ),
    "only the first event of a corrected row is superseded": (
        "AND part.ordinal < coalesce(next.ordinal, 2147483647)",
        "AND part.ordinal = was.ordinal",
    ),
    "the row after a corrected one is superseded too": (
        "AND part.ordinal < coalesce(next.ordinal, 2147483647)",
        "AND part.ordinal <= coalesce(next.ordinal, 2147483647)",
    ),
    "a correction supersedes itself": ("head.times = 0)", "true)"),
    "the first version of a chunk is found again, not the last": (
        "(u.nth = max(u.nth) OVER equal)::integer",
        "(u.nth = min(u.nth) OVER equal)::integer",
    ),
    "events stand in another order than in the file": (
        "OVER (ORDER BY u.nth)",
        "OVER (ORDER BY u.subject)",
    ),
    "a content stands with another event": (
        "e.position = positions[o.nth] AND e.part = parts[o.nth]",
        "e.position = positions[o.nth] AND e.part = 1",
    ),
    "corrections are counted as accepted": (
        "- known - cardinality(correcting_rows),\n    corr",
        "- known,\n    corr",
    ),
    "events are not counted": ("events = r.events + added", "events = r.events + heads"),
    "a correction adds nothing": (
        "u.position <> ALL (known_rows)",
        "u.position <> ALL (known_rows || correcting_rows)",
    ),
}
IN_THE_STATEMENT = {
    "what is corrected later was corrected always": (" AND c.entry <= %(known)s", ""),
    "corrections of what was given up count": (
        "AND c.entry <= %(known)s)",
        "AND coalesce(c.entry, 0) <= %(known)s)",
    ),
    "later entries are known": ("r.entry <= %(known)s", "r.entry <= %(known)s + 1"),
    "what was corrected stays": (
        " AND NOT EXISTS (SELECT 1 FROM record.superseded s",
        " AND NOT EXISTS (SELECT 1 FROM (SELECT * FROM record.superseded LIMIT 0) s",
    ),
    "a correction stands at its end": ("coalesce(e.first_recording, e.recording), ", ""),
    "a correction stands where its own file has it": (
        "coalesce(e.first_position, e.position)",
        "e.position",
    ),
    "the rule for one instant is overlooked": (' e.rank COLLATE "C" NULLS FIRST,', ""),
    "what has no rank comes last": (" NULLS FIRST", " NULLS LAST"),
    "the parts of a row stand in any order": (", e.part", ", -e.part"),
}


def is_found(desk: Desk) -> bool:
    """Return whether some files show that the record is not what it should be."""

    @given(IDENTITIES, FILES)
    @example("cells", FIVE_THEN_SEVEN)
    @settings(
        max_examples=400,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=SLOW,
    )
    def run(identity: str, files: list[File]) -> None:
        desk.record(identity, files)

    try:
        run()
    except (AssertionError, psycopg.errors.IntegrityError):
        return True
    finally:
        desk.admin.execute("TRUNCATE record.recognised")
    return False


@contextmanager
def edited(admin: Connection, said: str, instead: str) -> Iterator[None]:
    row = admin.execute("SELECT pg_get_functiondef(%s::regprocedure)", [TAKE_IN]).fetchone()
    assert row is not None
    assert row[0].count(said) == 1, (said, row[0].count(said))
    admin.execute(row[0].replace(said, instead).encode())
    try:
        yield
    finally:
        admin.execute(row[0].encode())


@pytest.mark.parametrize("mistake", IN_THE_FUNCTION)
def test_mistake_in_the_function_is_found(desk: Desk, mistake: str) -> None:
    with edited(desk.admin, *IN_THE_FUNCTION[mistake]):
        assert is_found(desk)


@pytest.mark.parametrize("mistake", IN_THE_STATEMENT)
def test_mistake_in_the_statement_is_found(
    desk: Desk, mistake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, instead = IN_THE_STATEMENT[mistake]
    statement = store._EVENTS_OF_CASES
    assert statement.count(said) == 1
    monkeypatch.setattr(store, "_EVENTS_OF_CASES", statement.replace(said, instead))
    assert is_found(desk)
