"""
Whoever can run any SQL as the application, under a context of their own, learns nothing of others.

Two databases are the same but for one thing: in one of them a second principal has engagements of
its own. Statements made from a grammar over the real schema are run in both, as the application's
own role, under a context of the first principal. What they answer, refuse or count may not differ,
and may hold none of the words (canaries) and ids that only the second principal's rows have.

The attacker is given more than an attacker has: the ids of the second principal's rows, and some
of its words (all that begins with "guessed"), so that existence can be asked for.

That this finds something is shown by holes: each is made in both databases and must be found.
"""

import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import ExecStatus, PGconn, TransactionStatus, abc
from tests.support import told_event

import openbpo.lines.helpdesk
from openbpo.agreements.files import Files, read_folder
from openbpo.agreements.versions import store as versions
from openbpo.agreements.versions.actions import accept, open_engagement
from openbpo.record import store as record
from openbpo.record.journal import enter, last_entry
from openbpo.record.lines import leaf_hash
from openbpo.record.model import NewEvent, NewEvents
from openbpo.storage import server
from openbpo.storage.database import Context, ContextKey, Database, Transaction
from openbpo.storage.identifiers import new_id
from openbpo.storage.installation import Installation, context_key
from openbpo.storage.migrations import migrate
from openbpo.trust.engagements import grant, granted
from openbpo.trust.keys import party_key
from openbpo.trust.roles.actions import grant_role
from openbpo.trust.roles.model import Role
from openbpo.values.ids import EngagementId, RecordingId

pytestmark = pytest.mark.xdist_group("isolation")

STATEMENTS = 10_000
SEED = 20_260_101
CANARY = "zebrafinch"
GUESSED = "guessed"
GUESSED_ROW = b"\xab" * 16

Connection = psycopg.Connection[Any]

# --- Two principals, each with rows in every table -------------------------------------------


@dataclass(frozen=True)
class Tenant:
    """A principal, its two parties and its engagement; `mark` is in every word of its rows."""

    principal: str
    mark: str
    handle: str

    @property
    def context(self) -> Context:
        return Context(self.principal, "test")

    @property
    def parties(self) -> tuple[UUID, UUID]:
        provider, client = (party_key(f"{self.mark}-{side}") for side in ("provider", "client"))
        return provider.party_id, client.party_id


ALICE = Tenant("alice", "alder", "alice-desk")
BELLA = Tenant("bella", CANARY, f"{GUESSED}-desk")


def settle(database: Database, tenant: Tenant, files: Files) -> EngagementId:
    """
    Give a principal an agreement of both its parties, and recordings with their events.

    Of the recordings one is complete, one corrected it, one was given up and the last one is open;
    Bella has one more of those that were given up, so that hers is open under a number of its own.
    """
    for side in ("provider", "client"):
        accept(
            database,
            tenant.context,
            handle=tenant.handle,
            files=files,
            side=side,
            key=party_key(f"{tenant.mark}-{side}"),
        )
    engagement_id = open_engagement(database, tenant.context, tenant.handle)
    rows = [GUESSED_ROW if tenant is BELLA else b"\xa1" * 16]
    rows += [secrets.token_bytes(16) for _ in range(3)]
    given_up = ("cells", record.abandon_recording)
    ends = [("key", complete), ("key", complete), given_up, *([given_up] * (tenant is BELLA))]
    for number, (identity, end) in enumerate([*ends, ("cells", None)]):
        with database.transaction(tenant.context.within(engagement_id)) as tx:
            source = f"{tenant.mark}-{number}.csv"
            recording = add_recording(tx, tenant, engagement_id, source, identity)
            more = [secrets.token_bytes(16) for _ in range(2)]
            record.take_in(
                tx,
                recording.number,
                "case",
                record.pack_events(NewEvents.of(events(tenant, rows + more))),
            )
            if end is not None:
                end(
                    tx,
                    engagement_id,
                    record.lock_recording(tx, engagement_id, recording.recording_id),
                )
    issuer = party_key(f"{tenant.mark}-provider").party_id
    with database.transaction(tenant.context.within(engagement_id).for_party(issuer)) as tx:
        act_and_read(tx, tenant, engagement_id)
        keep_ready(tx, tenant, engagement_id)
    return engagement_id


def act_and_read(tx: Transaction, tenant: Tenant, engagement_id: EngagementId) -> None:
    """Have a period closed and the record read; the figures and the words bear the mark."""
    entry = enter(tx, engagement_id, "period", {"note": tenant.mark})
    tx.execute(
        "INSERT INTO billing.period_act (engagement_id, period, number, state, side, note, entry,"
        " known, document, document_sha256, acted_by, acted_at) VALUES (%(engagement_id)s,"
        " '2010-01', 1, 'final', 'provider', %(mark)s, %(entry)s, 1, %(mark)s, %(hash)s, %(mark)s,"
        " transaction_timestamp())",
        {
            "engagement_id": engagement_id,
            "mark": tenant.mark,
            "entry": entry.entry,
            "hash": secrets.token_bytes(32),
        },
    )
    issue_and_dispute(tx, tenant, engagement_id, entry.entry)
    tx.execute(
        "INSERT INTO record.reading (engagement_id, number, told, leaf)"
        " VALUES (%(engagement_id)s, 1, %(mark)s, %(leaf)s)",
        {"engagement_id": engagement_id, "mark": tenant.mark, "leaf": secrets.token_bytes(32)},
    )
    grant_role(
        tx, engagement_id, principal=f"user:{tenant.mark}", handle=tenant.handle,
        role=Role.CLIENT_OWNER,
    )  # fmt: skip


def keep_reviewed(tx: Transaction, words: Mapping[str, Any]) -> None:
    """Have an action of a review, and how far it came."""
    told = {**words, "action_id": uuid4()}
    tx.execute(
        "INSERT INTO billing.review_action (engagement_id, action_id, number, period, said,"
        " owner_side, due_day, raised_by) VALUES (%(engagement_id)s, %(action_id)s, 1, '2026-01',"
        " %(mark)s, 'client', '2026-02-01', %(mark)s)",
        told,
    )
    tx.execute(
        "INSERT INTO billing.review_act (engagement_id, action_id, number, state, note, acted_by)"
        " VALUES (%(engagement_id)s, %(action_id)s, 1, 'done', %(mark)s, %(mark)s)",
        told,
    )


def keep_ready(tx: Transaction, tenant: Tenant, engagement_id: EngagementId) -> None:
    """Have a statement stored, and jobs: one that waits, one under way, and one that ended."""
    words = {"engagement_id": engagement_id, "mark": tenant.mark, "body": tenant.mark.encode()}
    tx.execute(
        "INSERT INTO billing.statement (engagement_id, period, entry, depends_on, body)"
        " VALUES (%(engagement_id)s, %(mark)s, 1, %(hash)s, %(body)s)",
        {**words, "hash": secrets.token_bytes(32)},
    )
    tx.execute(
        "INSERT INTO billing.statement_cases (engagement_id, period, figure, body)"
        " VALUES (%(engagement_id)s, %(mark)s, %(mark)s, %(body)s)",
        words,
    )
    keep_reviewed(tx, words)
    for state in ("waiting", "running", "done"):
        tx.execute(
            "INSERT INTO storage.job (engagement_id, job_id, kind, arguments, alone_as, asked_by,"
            " asked_at, state, leased_until, doing, ended_at) VALUES (%(engagement_id)s,"
            " %(job_id)s, %(mark)s, '{}', %(mark)s, %(mark)s, '2026-01-01', %(state)s,"
            " CASE %(state)s WHEN 'running' THEN timestamptz '2026-01-02' END, %(mark)s,"
            " CASE %(state)s WHEN 'done' THEN timestamptz '2026-01-03' END)",
            {**words, "job_id": new_id(tx.at), "state": state},
        )


def issue_and_dispute(
    tx: Transaction, tenant: Tenant, engagement_id: EngagementId, entry: int
) -> None:
    """Have an invoice issued, paid and disputed, in a series of the tenant's own."""
    params = {
        "engagement_id": engagement_id,
        "mark": tenant.mark,
        "party": tx.context.party_id,
        "entry": entry,
        "hash": secrets.token_bytes(32),
    }
    tx.execute(
        "INSERT INTO billing.invoice_series (party_id, series, last)"
        " VALUES (%(party)s, %(mark)s, 1)",
        params,
    )
    tx.execute(
        "INSERT INTO billing.given_number (party_id, series, ordinal, document_number)"
        " VALUES (%(party)s, %(mark)s, 1, %(mark)s)",
        params,
    )
    tx.execute(
        "INSERT INTO billing.issued (engagement_id, document_number, kind, period, party_id,"
        " series, ordinal, document, document_sha256, entry, issued_by, issued_at)"
        " VALUES (%(engagement_id)s, %(mark)s, 'invoice', '2010-01', %(party)s, %(mark)s, 1,"
        " %(mark)s, %(hash)s, %(entry)s, %(mark)s, transaction_timestamp())",
        params,
    )
    tx.execute(
        "INSERT INTO billing.payment (engagement_id, document_number, payment, minor_units,"
        " currency, day, reference, entry, recorded_by, recorded_at)"
        " VALUES (%(engagement_id)s, %(mark)s, 1, 100, 'EUR', '2010-02-01', %(mark)s,"
        " %(entry)s, %(mark)s, transaction_timestamp())",
        params,
    )
    tx.execute(
        "INSERT INTO billing.dispute_act (engagement_id, dispute, number, did, side, told, entry,"
        " acted_by, acted_at) VALUES (%(engagement_id)s, 1, 1, 'opened', 'client', %(mark)s,"
        " %(entry)s, %(mark)s, transaction_timestamp())",
        params,
    )


def seal(admin: Connection, tenant: Tenant, engagement_id: EngagementId) -> None:
    """Add a checkpoint; the application may not."""
    admin.execute(
        "INSERT INTO record.checkpoint VALUES (%s, 'record', 7, %s, %s, 3, %s, now())",
        (engagement_id, secrets.token_bytes(32), secrets.token_bytes(64), tenant.mark),
    )


def complete(tx: Transaction, engagement_id: EngagementId, recording: record.Recording) -> None:
    told = {"recording": recording.number, "source": recording.source}
    entry = enter(
        tx, engagement_id, "recording", told, recording=recording.number, events=recording.events
    )
    record.complete_recording(
        tx, engagement_id, recording, entry=entry.entry, read=6, refused=0, out_of_order=0
    )


def add_recording(
    tx: Transaction, tenant: Tenant, engagement_id: EngagementId, source: str, identity: str
) -> record.Recording:
    recording_id = RecordingId(new_id(tx.at))
    record.add_recording(
        tx,
        engagement_id,
        recording_id=recording_id,
        source=source,
        fingerprint=secrets.token_bytes(32),
        mapping=f"{tenant.mark}/1",
        identity=identity,
        version_id=versions.in_force(tx, engagement_id)[0].version_id,
    )
    return record.lock_recording(tx, engagement_id, recording_id)


def events(tenant: Tenant, row_keys: Sequence[bytes]) -> Iterator[NewEvent]:
    """Yield one event for each row; what it holds is new each time, so that it corrects."""
    for position, row_key in enumerate(row_keys, start=1):
        is_guessed = tenant is BELLA and position == 1
        yield told_event(
            kind="case",
            type_="activity",
            subject=f"{GUESSED}-ticket" if is_guessed else f"{tenant.mark}-{position}",
            happened_at=datetime(2010, 1, position, tzinfo=UTC),
            facts={"priority": f"{tenant.mark}-high", "number": f"{position}"},
            closed={"words": f"{tenant.mark} says"},
            position=position,
            part=1,
            row_key=row_key,
            row_content=secrets.token_bytes(16),
            rank=None,
            random=secrets.token_bytes(32),
        )


def files_of(tenant: Tenant) -> Files:
    files = read_folder(Path(openbpo.lines.helpdesk.__file__).parent / "agreement")
    title = b"title: Help desk of Officina Software"
    assert title in files["agreement.yaml"]
    own = files["agreement.yaml"].replace(title, f"title: Help desk of {tenant.mark}".encode())
    return {**files, "agreement.yaml": own}


SCOPED_TABLES = """
SELECT c.oid::regclass::text, a.attname FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('engagement_id', 'party_id')
   AND a.attnum = 1
 WHERE c.relkind = 'r' AND c.relnamespace::regnamespace::text <> 'sec'
"""


@dataclass(frozen=True)
class Worlds:
    """The two databases, and what the attacker is told and may never be told."""

    shared: Installation
    alone: Installation
    alice: EngagementId
    bella: EngagementId

    @staticmethod
    def admin(installation: Installation) -> Connection:
        name = str(conninfo_to_dict(installation.app_url)["dbname"])
        return psycopg.connect(server.ensure_running().conninfo(name), autocommit=True)

    def rows_of(self, engagement_id: UUID, tenant: Tenant) -> dict[str, list[dict[str, Any]]]:
        """Return all rows of a principal in the shared database, by table."""
        ids = [engagement_id, *tenant.parties]
        with self.admin(self.shared) as admin:
            tables = admin.execute(SCOPED_TABLES).fetchall()
            return {
                table: [
                    row
                    for (row,) in admin.execute(
                        f"SELECT to_jsonb(t) FROM {table} t WHERE {scope} = ANY (%s)"
                        " ORDER BY t::text".encode(),
                        [ids],
                    )
                ]
                for table, scope in tables
            }


@pytest.fixture(scope="module")
def worlds(make_database: Callable[..., Installation]) -> Worlds:
    key = context_key()
    alone = make_database()
    assert alone.owner_url is not None
    migrate(alone.owner_url, app_role="openbpo_app", key=key)
    with Database(alone.app_url, key) as database:
        alice = settle(database, ALICE, files_of(ALICE))
    with Worlds.admin(alone) as admin:
        seal(admin, ALICE, alice)
    shared = make_database(str(conninfo_to_dict(alone.app_url)["dbname"]))
    with Database(shared.app_url, key) as database:
        bella = settle(database, BELLA, files_of(BELLA))
    with Worlds.admin(shared) as admin:
        seal(admin, BELLA, bella)
    made = Worlds(shared, alone, alice, bella)
    retired = RETIRED.pads()
    for installation in (shared, alone):
        with made.admin(installation) as admin:
            admin.execute(
                "INSERT INTO sec.context_key VALUES (%s, %s, %s, now())", (RETIRED.key_id, *retired)
            )
            admin.execute("VACUUM ANALYZE")  # statistics hold words of everybody's rows
    return made


RETIRED = ContextKey("retired0", b"r" * 32)

# --- What an attacker may know ---------------------------------------------------------------


@dataclass(frozen=True)
class Knowledge:
    """Ids of both principals' rows by column, words to guess, and what must never be answered."""

    own: dict[str, list[str]]
    foreign: dict[str, list[str]]
    secret: re.Pattern[bytes]
    foreign_ids: frozenset[bytes]
    own_context: str
    bad_contexts: tuple[str, ...]

    @classmethod
    def of(cls, worlds: Worlds) -> "Knowledge":
        alice = worlds.rows_of(worlds.alice, ALICE)
        bella = worlds.rows_of(worlds.bella, BELLA)
        assert all(alice.values()), alice.keys()  # every table has rows of both
        assert all(bella.values()), bella.keys()
        foreign = by_column(bella)
        ids = {value for values in foreign.values() for value in values if UUID_TEXT.match(value)}
        known = {value for values in by_column(alice).values() for value in values}
        hexes = {
            value[2:]
            for rows in bella.values()
            for row in rows
            for value in row.values()
            if isinstance(value, str) and re.fullmatch(r"\\x[0-9a-f]{32,}", value)
        }
        secret = "|".join([CANARY, *sorted(hexes - {GUESSED_ROW.hex()})])
        return cls(
            own=by_column(alice),
            foreign=foreign,
            secret=re.compile(secret.encode()),
            foreign_ids=frozenset(value.encode() for value in ids - known),
            own_context=signed(worlds.alice),
            bad_contexts=tuple(bad_contexts(worlds)),
        )


UUID_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
UUID_BYTES = re.compile(UUID_TEXT.pattern.encode())


def by_column(tables: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    """Return the ids, and the words that can be guessed, in each column."""
    found: dict[str, set[str]] = {}
    for row in (row for rows in tables.values() for row in rows):
        for column, value in row.items():
            if isinstance(value, str) and (UUID_TEXT.fullmatch(value) or value.startswith(GUESSED)):
                found.setdefault(column, set()).add(value)
    return {column: sorted(values) for column, values in found.items()}


def signed(
    engagement_id: UUID,
    *,
    tenant: Tenant = ALICE,
    key: ContextKey | None = None,
    life: timedelta = timedelta(minutes=10),
) -> str:
    context = tenant.context.within(engagement_id).for_party(tenant.parties[0])
    return (key or context_key()).sign(context, expires=datetime.now(UTC) + life)


def bad_contexts(worlds: Worlds) -> Iterator[str]:
    """Yield contexts that name the other principal's engagement and must not be believed."""
    own = signed(worlds.alice)
    payload, mac = own.rsplit("|", 1)
    foreign = payload.replace(str(worlds.alice), str(worlds.bella))
    yield f"{foreign}|{mac}"  # forged: the engagement exchanged
    yield f"{payload},{worlds.bella}|{mac}"  # forged: one more engagement
    yield payload.replace(str(ALICE.parties[0]), str(BELLA.parties[0])) + f"|{mac}"
    yield signed(worlds.bella, tenant=BELLA, life=timedelta(seconds=-1))  # replayed
    yield signed(worlds.bella, tenant=BELLA, life=timedelta(days=-1))
    yield signed(worlds.bella, tenant=BELLA, key=ContextKey(context_key().key_id, b"w" * 32))
    yield signed(worlds.bella, tenant=BELLA, key=ContextKey("unknown0", b"w" * 32))
    yield signed(worlds.bella, tenant=BELLA, key=RETIRED)
    yield signed(worlds.bella, tenant=BELLA, key=ContextKey(context_key().key_id, b""))
    yield foreign  # truncated
    yield f"{foreign}|"
    yield f"{foreign}|{mac[:-1]}"
    yield f"{foreign}|{mac.upper()}"
    yield f"{foreign}|{mac}|{mac}"
    yield foreign.replace("1|", "2|", 1) + f"|{mac}"
    yield ""
    yield "|||||||"


# --- The schema, as the application's role finds it ------------------------------------------


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    writable: bool
    changeable: bool


@dataclass(frozen=True)
class Table:
    name: str
    columns: tuple[Column, ...]
    readable: bool


@dataclass(frozen=True)
class Function:
    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Schema:
    tables: tuple[Table, ...]
    functions: tuple[Function, ...]

    @property
    def readable(self) -> tuple[Table, ...]:
        return tuple(table for table in self.tables if table.readable)

    @classmethod
    def found(cls, app_url: str) -> "Schema":
        with psycopg.connect(app_url) as app:
            columns: dict[tuple[str, bool], list[Column]] = {}
            for name, readable, *column in app.execute(COLUMNS):
                columns.setdefault((name, readable), []).append(Column(*column))
            tables = (Table(name, tuple(of), readable) for (name, readable), of in columns.items())
            functions = (Function(name, tuple(types)) for name, types in app.execute(FUNCTIONS))
            return cls(tuple(tables), tuple(functions))


OURS = """
n.nspname NOT IN ('pg_catalog', 'information_schema', 'public') AND n.nspname !~ '^pg_'
"""
COLUMNS = f"""
SELECT n.nspname || '.' || c.relname, has_any_column_privilege(c.oid, 'SELECT'),
       a.attname, format_type(a.atttypid, NULL), has_column_privilege(c.oid, a.attnum, 'INSERT'),
       has_column_privilege(c.oid, a.attnum, 'UPDATE')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind IN ('r', 'p', 'v', 'm') AND {OURS} ORDER BY 1, a.attnum
""".encode()
FUNCTIONS = f"""
SELECT n.nspname || '.' || p.proname,
       ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) t)
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE p.prorettype <> 'trigger'::regtype AND {OURS} ORDER BY 1
""".encode()

# --- The grammar -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Attack:
    """Statements in one go; unless `volatile`, both worlds must answer all of them alike."""

    statements: tuple[str, ...]
    volatile: bool = False
    must_fail: bool = False  # the last of them


def quoted(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))


ODD = ("'helpdesk'", "''", "'provider'", "'0'", f"'{GUESSED}-ticket'", f"'{GUESSED}-desk'", "NULL")
VALUES: dict[str, tuple[str, ...]] = {
    "text": ODD,
    "integer": ("0", "1", "2", "3", "4", "5", "6", "-1", "2147483647"),
    "bigint": ("0", "1", "3", "7", "14", "-1"),
    "smallint": ("1", "0"),
    "bytea": ("'\\x00'", "sha256('a')", "decode(repeat('ab', 16), 'hex')"),
    "boolean": ("true", "false"),
    "jsonb": ("'{}'", """'{"number": 1}'""", "'[]'"),
    "timestamp with time zone": ("'2010-01-02'", "'infinity'", "transaction_timestamp()"),
    "daterange": ("'empty'", "'[2010-01-01,)'", "'[2031-01-01,2032-01-01)'"),
    "xid8": ("'1'",),
}


class Grammar:
    """Attacks, one after the other, from a seed."""

    def __init__(self, schema: Schema, known: Knowledge, seed: int) -> None:
        self.schema = schema
        self.known = known
        self.random = Random(seed)
        self.aliases = 0
        self.volatile = False
        self.kinds: tuple[tuple[int, Callable[[], Attack]], ...] = (
            (42, self.reading),
            (8, self.oracle),
            (8, self.inserting),
            (6, self.conflicting),
            (6, self.changing),
            (4, self.merging),
            (8, self.calling),
            (6, self.pretending),
            (4, self.preparing),
            (4, self.copying),
            (5, self.taking_in),
            (5, self.entering),
            (3, self.becoming),
            (3, self.escaping),
            (3, self.programming),
            (3, self.probing),
            (2, self.explaining),
            (3, self.altering),
        )

    def attack(self) -> Attack:
        self.aliases, self.volatile = 0, False
        weights = [weight for weight, _ in self.kinds]
        (kind,) = self.random.choices([kind for _, kind in self.kinds], weights)
        made = kind()
        return Attack(made.statements, made.volatile or self.volatile, made.must_fail)

    # words

    def pick(self, choices: Sequence[Any]) -> Any:
        return choices[int(self.random.random() * len(choices))]

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def alias(self) -> str:
        self.aliases += 1
        return f"a{self.aliases}"

    def value(self, column: str, type_: str) -> str:
        """Return a value for a column: of one's own rows, of the other's, or any."""
        own, foreign = self.known.own.get(column), self.known.foreign.get(column)
        if foreign and self.chance(0.5):
            return f"{quoted(self.pick(foreign))}::{type_}"
        if own and self.chance(0.6):
            return f"{quoted(self.pick(own))}::{type_}"
        if type_ == "uuid":
            return f"{self.new_id()}::uuid"
        return f"{self.pick(VALUES.get(type_, ('NULL',)))}::{type_}"

    def new_id(self) -> str:
        return quoted(str(UUID(int=self.random.getrandbits(128), version=4)))

    def new_key(self, table: Table) -> str:
        return self.new_id() if table.columns[1].type == "uuid" else f"{self.pick(range(1, 30))}"

    # reading

    def table(self) -> Table:
        """Return a table to read; now and then one that may not be."""
        found: Table = self.pick(self.schema.tables if self.chance(0.06) else self.schema.readable)
        return found

    def source(self, depth: int) -> tuple[str, list[tuple[str, str, str]]]:
        """Return what stands after FROM, and its columns: how they are written, named, typed."""
        if depth > 0 and self.chance(0.2):
            alias = self.alias()
            return f"({self.query(depth - 1)}) {alias}", [(f"{alias}.x", "x", "text")]
        table, alias = self.table(), self.alias()
        columns = [(f"{alias}.{column.name}", column.name, column.type) for column in table.columns]
        sample = self.pick((" TABLESAMPLE BERNOULLI (100)", " TABLESAMPLE SYSTEM (100)"))
        text = f"{table.name} {alias}" + (sample if self.chance(0.03) else "")
        if depth > 0 and self.chance(0.35):
            other, more = self.source(depth - 1)
            text, columns = self.joined(text, columns, other, more), columns + more
        return text, columns

    def joined(
        self,
        left: str,
        of_left: list[tuple[str, str, str]],
        right: str,
        of_right: list[tuple[str, str, str]],
    ) -> str:
        names = {name: written for written, name, _ in of_right}
        pairs = [(written, names[name]) for written, name, _ in of_left if name in names]
        if not pairs or self.chance(0.15):
            return f"{left} CROSS JOIN {right}"
        kind = self.pick(("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"))
        return f"{left} {kind} {right} ON {' = '.join(self.pick(pairs))}"

    def condition(self, columns: list[tuple[str, str, str]], depth: int) -> str:
        written, name, type_ = self.pick(columns)
        match self.pick(range(9 if depth > 0 else 7)):
            case 0:
                return f"{written} IS NOT NULL"
            case 1:
                return f"{written}::text LIKE '%{self.pick('aeiou012-')}%'"
            case 2:
                return f"length({written}::text) > {self.pick(range(40))}"
            case 3 if self.chance(0.3):
                self.volatile = True  # which row's cast fails first is for the plan to choose
                return f"{written}::text::int > 0"
            case 4:
                return f"{written} IN ({self.value(name, type_)}, {self.value(name, type_)})"
            case 5:
                left, right = self.condition(columns, 0), self.condition(columns, 0)
                return f"({left} {self.pick(('AND', 'OR', 'AND NOT'))} {right})"
            case 7:
                return f"{self.pick(('', 'NOT '))}EXISTS ({self.query(depth - 1)})"
            case 8:
                return f"{written}::text IN ({self.query(depth - 1)})"
        compared = self.pick(("=", "=", "=", "<>", "<", ">="))
        return f"{written} {compared} {self.value(name, type_)}"

    def query(self, depth: int) -> str:
        """Return a query of one column x of text."""
        match self.pick(range(10)) if depth > 0 else 9:
            case 0:
                how = self.pick(("UNION", "UNION ALL", "INTERSECT", "EXCEPT"))
                return f"({self.query(depth - 1)}) {how} ({self.query(depth - 1)})"
            case 1:
                kept, name = self.pick(("", "MATERIALIZED ", "NOT MATERIALIZED ")), self.alias()
                inner = self.query(depth - 1)
                return f"WITH {name} AS {kept}({inner}) SELECT x FROM {name} WHERE x <> ''"
            case 2:
                inner, name = self.query(depth - 1), self.alias()
                return f'SELECT x FROM ({inner}) {name} ORDER BY x COLLATE "C" LIMIT 3'
            case 3:
                outer, columns = self.source(0)
                inner, name = self.query(depth - 1), self.alias()
                return (
                    f"SELECT concat({self.pick(columns)[0]}, {name}.x) AS x FROM {outer},"
                    f" LATERAL ({inner}) {name}"
                )
            case 4:
                name = self.alias()
                return (
                    f"WITH RECURSIVE {name}(x, n) AS (SELECT x, 1 FROM ({self.query(depth - 1)})"
                    f" {self.alias()} UNION SELECT x || '.', n + 1 FROM {name} WHERE n < 3)"
                    f" SELECT x FROM {name}"
                )
        return self.simple(depth)

    def simple(self, depth: int) -> str:
        text, columns = self.source(depth)
        where = f" WHERE {self.condition(columns, depth)}" if self.chance(0.55) else ""
        one, other = self.pick(columns)[0], self.pick(columns)[0]
        match self.pick(range(9)):
            case 0:
                return f"SELECT count(*)::text AS x FROM {text}{where}"
            case 1:
                listed = f"string_agg({one}::text, ',' ORDER BY {one}::text)"
                return f"SELECT {listed} AS x FROM {text}{where}"
            case 2:
                counted = f"concat({one}, count(*), min({other}::text), max({other}::text))"
                return f"SELECT {counted} AS x FROM {text}{where} GROUP BY {one}"
            case 3:
                over = f"(PARTITION BY {one} ORDER BY {other}::text)"
                return f"SELECT concat({one}, rank() OVER {over}) AS x FROM {text}{where}"
            case 4:
                alias = one.split(".", maxsplit=1)[0]
                return f"SELECT {alias}::text AS x FROM {text}{where}"
            case 5:
                alias = one.split(".", maxsplit=1)[0]
                return f"SELECT to_jsonb({alias})::text AS x FROM {text}{where}"
            case 6:
                return f"SELECT DISTINCT {one}::text AS x FROM {text}{where}"
        return f"SELECT concat_ws(':', {one}, {other}) AS x FROM {text}{where}"

    def reading(self) -> Attack:
        query = self.query(2)
        if self.chance(0.04):
            return Attack(
                (f"SELECT query_to_xml({quoted(query)}, true, false, '')",), volatile=True
            )
        if self.chance(0.05):
            table = self.table().name
            locked = f"SELECT * FROM {table} FOR {self.pick(('UPDATE', 'SHARE', 'KEY SHARE'))}"
            return Attack((locked,))
        if self.chance(0.04):
            return Attack((f"DECLARE c CURSOR FOR {query}", "FETCH ALL c", "MOVE BACKWARD ALL c"))
        return Attack((query,))

    def oracle(self) -> Attack:
        """Ask one bit: by an answer, or by an error."""
        inner = self.query(1)
        match self.pick(range(4)):
            case 0:
                return Attack((f"SELECT CASE WHEN EXISTS ({inner}) THEN 1 / 0 END",))
            case 1:
                return Attack(
                    (f"SELECT ('x' || (SELECT max(x) FROM ({inner}) s))::int",), volatile=True
                )
            case 2:
                return Attack((f"SELECT 1 / (count(*) - 4) FROM ({inner}) s",))
        return Attack((f"SELECT EXISTS ({inner})",))

    # writing

    def clone(self, *, keep: float = 0.75) -> tuple[Table, str]:
        """Return an INSERT of one's own row once more, with a few columns exchanged."""
        table: Table = self.pick(
            [t for t in self.schema.tables if any(c.writable for c in t.columns)]
        )
        columns = [column for column in table.columns if column.writable]
        if any(column.type == "xid8" for column in table.columns):
            self.volatile = True  # the server numbers everybody's transactions in one row
        exchanged = {
            column.name: self.value(column.name, column.type)
            for column in columns
            if not self.chance(keep)
        }
        pointing = [c.name for c in columns if c.name in self.known.foreign]
        if pointing and self.chance(
            0.6
        ):  # a new row of one's own that points at one of the other's
            named = pointing if self.chance(0.2) else [self.pick(pointing)]
            exchanged = {name: quoted(self.pick(self.known.foreign[name])) for name in named}
            if self.chance(0.5):
                exchanged.setdefault(table.columns[1].name, self.new_key(table))
            if any(column.name == "number" for column in columns) and self.chance(0.7):
                exchanged["number"] = f"{self.pick(range(7, 99))}"
        written = [exchanged.get(column.name, f"s.{column.name}") for column in columns]
        names = ", ".join(column.name for column in columns)
        return table, (
            f"INSERT INTO {table.name} ({names}) SELECT {', '.join(written)}"
            f' FROM (SELECT * FROM {table.name} t ORDER BY t::text COLLATE "C"'
            f" OFFSET {self.pick(range(3))} LIMIT 1) s"
        )

    def inserting(self) -> Attack:
        table, insert = self.clone(keep=self.pick((0.5, 0.8, 0.9)))
        return Attack((insert + (" RETURNING *" if table.readable else ""),))

    def conflicting(self) -> Attack:
        table, insert = self.clone()
        first = table.columns[0].name
        end = self.pick(
            (
                " ON CONFLICT DO NOTHING",
                " ON CONFLICT DO NOTHING RETURNING 1",
                f" ON CONFLICT ({first}) DO UPDATE SET {first} = EXCLUDED.{first}",
                f" ON CONFLICT ({first}, {table.columns[1].name}) DO NOTHING RETURNING *",
            )
        )
        return Attack((insert + end,))

    def changing(self) -> Attack:
        table = self.table()
        alias = self.alias()
        columns = [(f"{alias}.{column.name}", column.name, column.type) for column in table.columns]
        where = f" WHERE {self.condition(columns, 1)}" if self.chance(0.8) else ""
        if self.chance(0.3):
            return Attack((f"DELETE FROM {table.name} {alias}{where} RETURNING *",))
        changeable = [column for column in table.columns if column.changeable]
        column = self.pick(changeable if changeable and self.chance(0.9) else table.columns)
        change = f"SET {column.name} = {self.value(column.name, column.type)}"
        if self.chance(0.4):  # what reads no column is held by no policy for reading
            return Attack((f"UPDATE {table.name} {change}",))
        return Attack((f"UPDATE {table.name} {alias} {change}{where} RETURNING *",))

    def merging(self) -> Attack:
        target = self.pick([t for t in self.schema.readable if any(c.writable for c in t.columns)])
        column = self.pick(target.columns)
        changeable = [c for c in target.columns if c.changeable] or list(target.columns)
        changed = self.pick(changeable)
        value = self.value(column.name, column.type)
        act = self.pick(
            (
                f"UPDATE SET {changed.name} = {self.value(changed.name, changed.type)}",
                "DO NOTHING",
                "DELETE",
            )
        )
        return Attack(
            (
                (
                    f"MERGE INTO {target.name} t USING (SELECT {value} AS x) s"
                    f" ON t.{column.name} = s.x WHEN MATCHED THEN {act}"
                    f" WHEN NOT MATCHED THEN DO NOTHING RETURNING t.*"
                ),
            )
        )

    # functions, contexts, sessions

    def calling(self) -> Attack:
        function: Function = self.pick(self.schema.functions)
        guess = {"uuid": ("engagement_id", "recording_id"), "text": ("handle", "subject")}
        arguments = [
            self.value(self.pick(guess.get(type_, ("",))), type_) for type_ in function.arguments
        ]
        call = f"SELECT * FROM {function.name}({', '.join(arguments)})"
        if function.name == "sec.grant_engagement":
            engagement = self.pick(self.known.foreign["engagement_id"])
            grantee = self.pick((ALICE.principal, BELLA.principal, "carol"))
            call = f"SELECT sec.grant_engagement('{engagement}', '{grantee}', 'mine')"
            return Attack((call,), volatile=True, must_fail=True)
        return Attack((call,))

    def pretending(self) -> Attack:
        """Set a context that is none, then look."""
        context = quoted(self.pick(self.known.bad_contexts))
        how = self.pick(
            (
                f"SELECT set_config('openbpo.context', {context}, true)",
                f"SELECT set_config('openbpo.context', {context}, false)",
                f"SET openbpo.context = {context}",
                f"SET LOCAL openbpo.context TO {context}",
            )
        )
        table = self.pick(self.schema.readable).name
        return Attack((how, f"SELECT * FROM {table}"), must_fail=table in TABLES)

    def preparing(self) -> Attack:
        context = quoted(self.pick(self.known.bad_contexts))
        pretend = f"SELECT set_config('openbpo.context', {context}, true)"
        query = self.query(1)
        if self.chance(0.3):
            return Attack((f"PREPARE p AS {query}", *("EXECUTE p",) * 6))
        reused = (f"PREPARE p AS {query}", "EXECUTE p", pretend, "EXECUTE p")
        return Attack(reused, volatile=True)  # a plan may end before it asks who is asking

    def copying(self) -> Attack:
        table = self.table()
        match self.pick(range(6)):
            case 0:
                return Attack((f"COPY ({self.query(1)}) TO STDOUT",))
            case 1:
                return Attack((f"COPY {table.name} FROM STDIN",))
            case 2:
                return Attack((f"COPY {table.name} TO PROGRAM 'cat'",), must_fail=True)
            case 3:
                return Attack((f"COPY {table.name} TO '/tmp/taken'",), must_fail=True)
        return Attack((f"COPY {table.name} TO STDOUT (FORMAT csv)",))

    def taking_in(self) -> Attack:
        """Add rows to any recording, also such as somebody else may have, and see what is known."""
        count = self.pick((1, 1, 2, 3))
        rows = ", ".join(self.row_key() for _ in range(count))
        each = f"array_fill({{}}, ARRAY[{count}])"
        parts = "1" if self.chance(0.9) else "2"
        places = f"(SELECT array_agg(n) FROM generate_series(1::bigint, {count}) n)"
        arguments = (
            self.pick(range(1, 7)),
            "'case'",
            *self.pick(((places, each.format(f"{parts}::smallint")), ("NULL", "NULL"))),
            f"ARRAY[{rows}]::bytea[]",
            f"ARRAY[{', '.join(self.row_key() for _ in range(count))}]::bytea[]",
            each.format(self.value("subject", "text")),
            each.format("timestamptz '2010-01-02'"),
            each.format("NULL::text"),
            each.format("'{}'::text"),
            each.format(f"sha256('{self.pick('abc')}')"),
            self.pick(("'{}'::integer[]", "'{1}'::integer[]")),
            "ARRAY['{}']::jsonb[]",
            "1",
            self.pick(("true", "false", "NULL")),
        )
        return Attack(
            (
                f"SELECT * FROM record.take_in({', '.join(map(str, arguments))})",
                self.pick(
                    (
                        "SELECT recording, subject FROM record.event",
                        "SELECT * FROM record.superseded",
                        "SELECT * FROM record.recognised",
                        "SELECT number, accepted, corrected, already_known FROM record.recording",
                    )
                ),
            )
        )

    def row_key(self) -> str:
        """Return the key of a row: one's own, one that somebody else has, or of nobody's."""
        known = f"'\\x{GUESSED_ROW.hex()}'::bytea"
        own = (
            '(SELECT row_key FROM record.event e ORDER BY told COLLATE "C"'
            f" OFFSET {self.pick(range(9))} LIMIT 1)"
        )
        return str(self.pick((known, known, own, f"decode(md5('{self.pick('abcd')}'), 'hex')")))

    def entering(self) -> Attack:
        """Forge an entry: in one's own record, where it is the next, or in somebody else's."""
        engagement = self.value("engagement_id", "uuid")
        number, sequence = self.pick(((1, 0), (5, 14), (5, 16), (6, 17), (2, 1), (6, 20)))
        if self.chance(0.5):
            own = "(SELECT {} FROM record.entry ORDER BY entry DESC LIMIT 1)"
            number, sequence = own.format("entry + 1"), own.format("first_sequence + events + 1")
        names = (
            "engagement_id, entry, act, recording, events, first_sequence, entered_at, entered_by,"
            " told, leaf"
        )
        recording = self.pick(("NULL", "NULL", *range(1, 7)))
        ends = ("", f" RETURNING {names}", " ON CONFLICT DO NOTHING")
        return Attack(
            (
                (
                    f"INSERT INTO record.entry ({names}) VALUES ({engagement}, {number},"
                    f" 'recording', {recording}, 0, {sequence}, '2010-01-02', 'anybody', '{{}}',"
                    f" sha256('a')){self.pick(ends)}"
                ),
                f"SELECT {names} FROM record.entry",
            )
        )

    def becoming(self) -> Attack:
        role = self.pick(("openbpo_owner", "openbpo_migrator", "openbpo_admin", "pg_read_all_data"))
        how = self.pick((f"SET ROLE {role}", f"SET SESSION AUTHORIZATION {role}"))
        if self.chance(0.3):
            how = self.pick(
                ("RESET ROLE", "RESET SESSION AUTHORIZATION", "SET ROLE NONE", "RESET ALL")
            )
        table = self.pick(self.schema.tables).name
        return Attack((how, "SAVEPOINT b", f"SELECT * FROM {table}"))

    def escaping(self) -> Attack:
        """Leave the transaction, and what it was begun with."""
        table = self.pick(self.schema.readable).name
        context = quoted(self.pick(self.known.bad_contexts))
        end = self.pick(("COMMIT", "ROLLBACK", "COMMIT AND CHAIN"))
        return Attack(
            self.pick(
                (
                    (end, f"SELECT * FROM {table}"),
                    (end, "DISCARD ALL", f"SELECT * FROM {table}"),
                    (end, f"SET openbpo.context = {context}", f"SELECT * FROM {table}"),
                    ("SET row_security = off", f"SELECT * FROM {table}"),
                    ("SET search_path = record, sec", "SELECT * FROM event"),
                    ("SET session_replication_role = replica", f"DELETE FROM {table}"),
                    ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", f"SELECT * FROM {table}"),
                )
            )
        )

    def programming(self) -> Attack:
        table = self.table()
        said = f"(SELECT string_agg(t::text, ',' ORDER BY t::text) FROM {table.name} t)"
        inner = self.pick(
            (
                f"RAISE NOTICE '%', {said};",
                f"RAISE EXCEPTION '%', {said};",
                f"EXECUTE 'SELECT * FROM {table.name}';",
                f"PERFORM * FROM {table.name}; IF FOUND THEN RAISE NOTICE 'found'; END IF;",
                f"DELETE FROM {table.name}; EXCEPTION WHEN others THEN RAISE NOTICE '%', SQLERRM;",
            )
        )
        return Attack((f"DO $$ BEGIN {inner} END $$",))

    def probing(self) -> Attack:
        ours = "('storage', 'trust', 'agreements', 'record', 'billing', 'sec')"
        return Attack(
            (
                self.pick(
                    (
                        f"SELECT * FROM pg_stats WHERE schemaname IN {ours}",
                        f"SELECT * FROM pg_stats_ext WHERE schemaname IN {ours}",
                        "SELECT * FROM pg_statistic",
                        "SELECT prosrc FROM pg_proc WHERE pronamespace = 'sec'::regnamespace",
                        "SELECT qual, with_check FROM pg_policies ORDER BY 1, 2",
                        "SELECT name, setting FROM pg_settings WHERE name ~ 'openbpo'",
                        "SELECT statement FROM pg_prepared_statements",
                        "SELECT * FROM pg_largeobject",
                        "SELECT rolpassword FROM pg_authid",
                        "SELECT pg_read_file('PG_VERSION')",
                        "SELECT pg_ls_dir('.')",
                        "SELECT lo_import('/etc/hostname')",
                        "SELECT most_common_vals FROM pg_stats_ext_exprs",
                    )
                ),
            )
        )

    def explaining(self) -> Attack:
        """What a plan says of costs and rows is the planner's guess over everybody's rows."""
        how = self.pick(("EXPLAIN ANALYZE", "EXPLAIN (ANALYZE, VERBOSE, BUFFERS)", "EXPLAIN"))
        return Attack((f"{how} {self.query(2)}",), volatile=True)

    def altering(self) -> Attack:
        table = self.pick(self.schema.tables).name
        if self.chance(0.4):
            return Attack((f"TRUNCATE {table}{self.pick(('', ' CASCADE'))}",), must_fail=True)
        return Attack(
            (
                self.pick(
                    (
                        f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
                        f"ALTER TABLE {table} OWNER TO openbpo_app",
                        f"CREATE POLICY hole ON {table} USING (true)",
                        f"CREATE RULE hole AS ON SELECT TO {table} DO INSTEAD SELECT 1",
                        f"CREATE TRIGGER t AFTER INSERT ON {table} EXECUTE FUNCTION sec.context()",
                        f"DROP TABLE {table} CASCADE",
                        f"CREATE TEMP TABLE taken AS SELECT * FROM {table}",
                        f"CREATE TABLE public.taken AS SELECT * FROM {table}",
                        "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                        "CREATE SCHEMA taken",
                        "CREATE ROLE other LOGIN",
                        "ALTER ROLE openbpo_app BYPASSRLS",
                        "GRANT openbpo_owner TO openbpo_app",
                        "ALTER FUNCTION sec.engagements() SECURITY INVOKER",
                        "CREATE EXTENSION dblink",
                    )
                ),
            ),
            must_fail=True,
        )


# Every table that the application reads; all have rows of both principals. A hole may add more.
TABLES = frozenset(
    {
        "billing.statement",
        "billing.statement_cases",
        "billing.review_action",
        "billing.review_act",
        "storage.job",
        "storage.command",
        "trust.party",
        "trust.party_key",
        "trust.granting",
        "agreements.engagement",
        "agreements.version",
        "agreements.signature",
        "agreements.in_force",
        "record.recording",
        "record.event",
        "record.entry",
        "record.opening",
        "record.superseded",
        "record.recognised",
        "record.checkpoint",
        "record.reading",
        "billing.period_act",
        "billing.invoice_series",
        "billing.given_number",
        "billing.issued",
        "billing.payment",
        "billing.dispute_act",
    }
)

# --- Running attacks -------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What came of a statement: all that was told, and what of it must be alike in both worlds."""

    failed: bool
    state: bytes | None  # SQLSTATE
    told: bytes
    compared: tuple[object, ...]


NOW = re.compile(rb"20[2-9]\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?|scratch_\d+")


@dataclass
class Session:
    """A session of the application's own role, in one transaction after the other."""

    connection: abc.PGconn
    context: str
    notices: list[bytes] = field(default_factory=list)

    @classmethod
    def opened(cls, app_url: str, context: str) -> "Session":
        session = cls(
            PGconn.connect(make_conninfo(app_url, client_min_messages=None).encode()), context
        )
        session.connection.notice_handler = lambda found: session.notices.append(
            found.error_field(77) or b""  # the message's own text
        )
        session.begin()
        return session

    def begin(self) -> None:
        if self.connection.transaction_status != TransactionStatus.IDLE:
            self.connection.exec_(b"ROLLBACK")
        self.connection.exec_(b"DEALLOCATE ALL")
        self.connection.exec_(b"BEGIN")
        self.connection.exec_(
            f"SELECT set_config('openbpo.context', {quoted(self.context)}, true)".encode()
        )

    def run(self, attack: Attack) -> list[Outcome]:
        self.connection.exec_(b"SAVEPOINT attack")
        outcomes = [self.tell(statement) for statement in attack.statements]
        assert self.connection.status == 0, "the connection broke"
        self.connection.exec_(b"ROLLBACK TO attack")
        if attack.statements[0].startswith("PREPARE"):
            self.connection.exec_(b"DEALLOCATE ALL")  # no transaction takes one back
        if self.connection.transaction_status != TransactionStatus.INTRANS:
            self.begin()
        return outcomes

    def tell(self, statement: str) -> Outcome:
        self.notices.clear()
        result = self.connection.exec_(statement.encode())
        copied: list[bytes] = []
        if result.status == ExecStatus.COPY_OUT:
            while (line := self.connection.get_copy_data(0))[0] > 0:
                copied.append(bytes(line[1]))
            result = self.connection.get_result() or result
            while self.connection.get_result():
                pass
        elif result.status == ExecStatus.COPY_IN:
            self.connection.put_copy_end(b"nothing to send")
            result = self.connection.get_result() or result
            while self.connection.get_result():
                pass
        return self.outcome(result, copied)

    def outcome(self, result: Any, copied: list[bytes]) -> Outcome:
        failed = result.status == ExecStatus.FATAL_ERROR
        rows = sorted(
            b"\x1f".join(result.get_value(row, column) or b"" for column in range(result.nfields))
            for row in range(result.ntuples)
        )
        rows += sorted(copied)
        told = b"\n".join((*rows, *self.notices, result.error_message if failed else b""))
        state = result.error_field(67) if failed else None  # SQLSTATE
        message = result.error_field(77) if failed else None
        if state is not None and state.startswith(b"22"):
            message = None  # a value's own fault quotes the value: whose, `told` shows
        said = [NOW.sub(b"", text) for text in (*rows, message or b"", *self.notices)]
        return Outcome(failed, state, told, (state, result.command_tuples, said))


@dataclass(frozen=True)
class Leak:
    """What was found, and how to find it again."""

    number: int
    attack: Attack
    why: str
    outcomes: tuple[list[Outcome], list[Outcome]]

    def __str__(self) -> str:
        told = "\n".join(
            f"  {statement}\n    shared: {shared.told[:600]!r}\n    alone:  {alone.told[:600]!r}"
            for statement, shared, alone in zip(self.attack.statements, *self.outcomes, strict=True)
        )
        return f"seed {SEED}, statement {self.number}: {self.why}\n{told}"


def found_in(
    attack: Attack, shared: list[Outcome], alone: list[Outcome], known: Knowledge
) -> str | None:
    """Return what an attack brought out, if anything."""
    asked = "".join(attack.statements).encode()
    for outcome in shared:
        if match := known.secret.search(outcome.told):
            return f"told {match[0]!r}"
        ids = known.foreign_ids.intersection(UUID_BYTES.findall(outcome.told))
        if told := [one for one in ids if one not in asked]:
            return f"told an id that was not asked for: {told}"
    if attack.must_fail and not shared[-1].failed:
        return "did not fail"
    if not attack.volatile and [o.compared for o in shared] != [o.compared for o in alone]:
        return "told that somebody else is there"
    return None


@contextmanager
def attacked(worlds: Worlds, known: Knowledge) -> Iterator[tuple[Session, Session]]:
    sessions = [
        Session.opened(installation.app_url, known.own_context)
        for installation in (worlds.shared, worlds.alone)
    ]
    try:
        yield sessions[0], sessions[1]
    finally:
        for session in sessions:
            session.connection.finish()


def search(worlds: Worlds, known: Knowledge, statements: int, seed: int = SEED) -> Leak | None:
    """Return the first leak, or None after so many attacks."""
    grammar = Grammar(Schema.found(worlds.shared.app_url), known, seed)
    with attacked(worlds, known) as (shared, alone):
        for number in range(statements):
            if number % 200 == 199:
                shared.begin()
                alone.begin()
            attack = grammar.attack()
            outcomes = shared.run(attack), alone.run(attack)
            if (why := found_in(attack, *outcomes, known)) is not None:
                return Leak(number, attack, why, outcomes)
    return None


@pytest.fixture(scope="module")
def known(worlds: Worlds) -> Knowledge:
    return Knowledge.of(worlds)


class TestAnySql:
    def test_tells_nothing_of_others(self, worlds: Worlds, known: Knowledge) -> None:
        before = worlds.rows_of(worlds.bella, BELLA)
        leak = search(worlds, known, STATEMENTS)
        assert leak is None, str(leak)
        assert worlds.rows_of(worlds.bella, BELLA) == before

    def test_means_any_sql(self, worlds: Worlds, known: Knowledge) -> None:
        """Every table and function is tried, and enough of it succeeds to mean something."""
        schema = Schema.found(worlds.shared.app_url)
        assert {table.name for table in schema.readable} == TABLES
        grammar = Grammar(schema, known, SEED)
        with attacked(worlds, known) as (shared, _):
            attacks = [grammar.attack() for _ in range(3_000)]
            outcomes = [outcome for attack in attacks for outcome in shared.run(attack)]
        text = "\n".join(statement for attack in attacks for statement in attack.statements)
        names = [*(table.name for table in schema.tables), *(f.name for f in schema.functions)]
        assert [name for name in names if name not in text] == []
        refusals = {outcome.state for outcome in outcomes if outcome.failed}
        assert refusals >= {b"42501", b"23505", b"23503", b"23514", b"22012", b"22P02", b"0A000"}
        done = [outcome for outcome in outcomes if not outcome.failed]
        assert len(done) > len(outcomes) / 2
        assert sum(bool(outcome.told) for outcome in done) > len(done) / 2


# --- Holes, each of which must be found ------------------------------------------------------


@dataclass(frozen=True)
class Hole:
    """A way to be unsafe: how an administrator makes it, and unmakes it."""

    sentence: str
    make: str = ""
    unmake: str = ""
    edit: tuple[str, str, str] | None = None  # a function, what it says, what it says instead
    owned_by: str = "openbpo_owner"  # the edited function
    of_roles: bool = False  # which both worlds share


TAKE_IN = (
    "record.take_in(integer,text,bigint[],smallint[],bytea[],bytea[],text[],timestamp with time"
    " zone[],text[],text[],bytea[],integer[],jsonb[],bigint,boolean)"
)
POLICY = "engagement_id = ANY ((SELECT sec.engagements())::uuid[])"

HOLES = (
    Hole(
        "a table without row-level security",
        "ALTER TABLE record.opening DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE record.opening ENABLE ROW LEVEL SECURITY",
    ),
    Hole(
        "a second policy that lets everything through",
        "CREATE POLICY hole ON trust.party USING (true)",
        "DROP POLICY hole ON trust.party",
    ),
    Hole(
        "a policy that checks what is read and not what is written",
        "ALTER POLICY of_the_engagement ON record.recording WITH CHECK (true)",
        f"ALTER POLICY of_the_engagement ON record.recording WITH CHECK ({POLICY})",
    ),
    Hole(
        "a policy that holds for one command only",
        "CREATE POLICY hole ON agreements.in_force FOR UPDATE USING (true) WITH CHECK (true)",
        "DROP POLICY hole ON agreements.in_force",
    ),
    Hole(
        "a view that runs as an administrator",
        "CREATE VIEW record.overview AS SELECT source, accepted FROM record.recording;"
        " GRANT SELECT ON record.overview TO openbpo_app",
        "DROP VIEW record.overview",
    ),
    Hole(
        "a materialised view",
        "CREATE MATERIALIZED VIEW record.overview AS"
        " SELECT happened_at::date AS day, count(*) AS events FROM record.event GROUP BY 1;"
        " GRANT SELECT ON record.overview TO openbpo_app",
        "DROP MATERIALIZED VIEW record.overview",
    ),
    Hole(
        "a function that counts everybody's events of a subject",
        "CREATE FUNCTION record.how_many(text) RETURNS bigint LANGUAGE sql SECURITY DEFINER"
        " AS 'SELECT count(*) FROM record.event WHERE subject = $1';"
        " GRANT EXECUTE ON FUNCTION record.how_many(text) TO openbpo_app",
        "DROP FUNCTION record.how_many(text)",
    ),
    Hole(
        "entries can be added to somebody else's record",
        "ALTER POLICY of_the_engagement ON record.entry WITH CHECK (true)",
        f"ALTER POLICY of_the_engagement ON record.entry WITH CHECK ({POLICY})",
    ),
    Hole(
        "an entry is checked against everybody's",
        edit=("record.follow_the_last_entry()", "plpgsql", "plpgsql SECURITY DEFINER"),
        owned_by="openbpo_admin",
    ),
    Hole(
        "grants can be read",
        "GRANT SELECT ON sec.engagement_grant TO openbpo_app",
        "REVOKE SELECT ON sec.engagement_grant FROM openbpo_app",
    ),
    Hole(
        "a table can be emptied",
        "GRANT TRUNCATE ON record.opening TO openbpo_app",
        "REVOKE TRUNCATE ON record.opening FROM openbpo_app",
    ),
    Hole(
        "a unique key without its scope",
        "CREATE UNIQUE INDEX hole ON record.recording (recording_id)",
        "DROP INDEX record.hole",
    ),
    Hole(
        "a foreign key without its scope",
        "CREATE UNIQUE INDEX hole ON agreements.version (version_id);"
        " ALTER TABLE record.recording DROP CONSTRAINT recording_engagement_id_version_id_fkey,"
        " ADD CONSTRAINT hole FOREIGN KEY (version_id) REFERENCES agreements.version (version_id)",
        "ALTER TABLE record.recording DROP CONSTRAINT hole,"
        " ADD CONSTRAINT recording_engagement_id_version_id_fkey"
        " FOREIGN KEY (engagement_id, version_id)"
        " REFERENCES agreements.version (engagement_id, version_id);"
        " DROP INDEX agreements.hole",
    ),
    Hole(
        "the application is a member of the owner",
        "GRANT openbpo_owner TO openbpo_app",
        "REVOKE openbpo_owner FROM openbpo_app",
        of_roles=True,
    ),
    Hole(
        "the application bypasses policies",
        "ALTER ROLE openbpo_app BYPASSRLS",
        "ALTER ROLE openbpo_app NOBYPASSRLS",
        of_roles=True,
    ),
    Hole(
        "the application reads all data",
        "GRANT pg_read_all_data TO openbpo_app",
        "REVOKE pg_read_all_data FROM openbpo_app",
        of_roles=True,
    ),
    Hole("a signature is not checked", edit=("sec.context()", "<> part[8]", "= ''")),
    Hole(
        "an expiry is not checked",
        edit=("sec.context()", "<= transaction_timestamp()", "= 'infinity'"),
    ),
    Hole("a key may be retired", edit=("sec.context()", "(k.retired_at IS NULL OR", "(true OR")),
    Hole(
        "what is not held can be granted",
        edit=(
            "sec.grant_engagement(uuid,text,text)",
            "NOT engagement = ANY (sec.engagements())",
            "false",
        ),
    ),
    Hole(
        "grants that are not one's own are told",
        edit=("sec.granted_engagements()", "= (SELECT sec.principal())", "<> ''"),
    ),
    Hole(
        "somebody else's recording can be added to",
        edit=(
            TAKE_IN,
            "r.engagement_id = ANY ((SELECT sec.engagements())::uuid[]) AND r.number",
            "r.number",
        ),
        owned_by="openbpo_admin",  # for openbpo_owner the policies hold inside it too
    ),
    Hole(
        "rows are known again out of everybody's record",
        edit=(TAKE_IN, "this recording is not open", "this recording is closed"),
        owned_by="openbpo_admin",  # whom no policy stops
    ),
    Hole(
        "what was recognised can be read by everybody",
        "CREATE POLICY hole ON record.recognised USING (true)",
        "DROP POLICY hole ON record.recognised",
    ),
)


@contextmanager
def opened(worlds: Worlds, hole: Hole) -> Iterator[None]:
    """Make a hole in both worlds, and close it."""
    with worlds.admin(worlds.shared) as shared, worlds.admin(worlds.alone) as alone:
        make, unmake = edited(shared, hole) if hole.edit else (hole.make, hole.unmake)
        admins = [shared] if hole.of_roles else [shared, alone]
        for admin in admins:
            admin.execute(make.encode())
        try:
            yield
        finally:
            for admin in admins:
                admin.execute(unmake.encode())


def edited(admin: Connection, hole: Hole) -> tuple[str, str]:
    """Return a function's definition with other words in it, and as it is."""
    assert hole.edit is not None
    function, said, instead = hole.edit
    row = admin.execute("SELECT pg_get_functiondef(%s::regprocedure)", [function]).fetchone()
    assert row is not None
    assert row[0].count(said) == 1, (function, said)
    return (
        f"{row[0].replace(said, instead)}; ALTER FUNCTION {function} OWNER TO {hole.owned_by}",
        f"{row[0]}; ALTER FUNCTION {function} OWNER TO openbpo_owner",
    )


SHAPE = """
SELECT md5(string_agg(line, chr(10) ORDER BY line COLLATE "C")) FROM (
  SELECT concat(oid::regclass, coalesce(relacl, acldefault('r', relowner)), relrowsecurity,
                relkind) FROM pg_class
   WHERE relnamespace::regnamespace::text IN
       ('sec', 'storage', 'trust', 'agreements', 'record', 'billing')
  UNION ALL SELECT concat(oid::regprocedure, proacl, md5(prosrc), prosecdef, proowner) FROM pg_proc
   WHERE pronamespace::regnamespace::text IN
       ('sec', 'storage', 'trust', 'agreements', 'record', 'billing')
  UNION ALL SELECT concat(polrelid::regclass, polname, pg_get_expr(polqual, polrelid),
                          pg_get_expr(polwithcheck, polrelid)) FROM pg_policy
  UNION ALL SELECT concat(conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint
  UNION ALL SELECT concat(rolname, rolbypassrls, rolsuper) FROM pg_roles
  UNION ALL SELECT concat(roleid::regrole, member::regrole) FROM pg_auth_members
) shape (line)
"""


def shape(worlds: Worlds) -> list[Any]:
    found = []
    for installation in (worlds.shared, worlds.alone):
        with worlds.admin(installation) as admin:
            found.append(admin.execute(SHAPE).fetchone())
    return found


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: hole.sentence)
def test_hole_is_found(worlds: Worlds, known: Knowledge, hole: Hole) -> None:
    before = shape(worlds)
    with opened(worlds, hole):
        leak = search(worlds, known, STATEMENTS)
    assert shape(worlds) == before, "the hole is still open"
    assert leak is not None, hole.sentence


# --- What needs two sessions -----------------------------------------------------------------


@pytest.fixture
def doors(worlds: Worlds) -> Iterator[tuple[Database, Database]]:
    """Two sessions on the shared database."""
    url, key = worlds.shared.app_url, context_key()
    with Database(url, key) as one, Database(url, key) as other:
        yield one, other


@dataclass(frozen=True)
class Seen:
    id: UUID


@dataclass(frozen=True)
class Subject:
    subject: str


class TestReuse:
    def test_of_one_session_shows_each_principal_its_own(
        self, worlds: Worlds, doors: tuple[Database, Database]
    ) -> None:
        """The driver prepares what it has run five times: no plan may keep who asked first."""
        for turn in range(40):
            tenant, engagement_id = ((ALICE, worlds.alice), (BELLA, worlds.bella))[turn % 2]
            context = tenant.context.within(engagement_id).for_party(tenant.parties[0])
            with doors[0].transaction(context) as tx:
                seen = tx.rows(Seen, "SELECT DISTINCT engagement_id AS id FROM record.event")
                parties = tx.rows(Seen, "SELECT party_id AS id FROM trust.party")
            assert (seen, parties) == ([Seen(engagement_id)], [Seen(tenant.parties[0])])


@dataclass(frozen=True)
class Standing:
    number: int
    chunks_done: int
    events: int


def standings(tx: Transaction) -> list[Standing]:
    return tx.rows(
        Standing, "SELECT number, chunks_done, events FROM record.recording ORDER BY number"
    )


class TestTakingIn:
    def test_adds_to_nobody_elses_recording(
        self, worlds: Worlds, doors: tuple[Database, Database]
    ) -> None:
        """Bella's open recording has a number that none of Alice's has."""
        alices, bellas = doors
        with bellas.transaction(BELLA.context.within(worlds.bella)) as tx:
            recording = record.open_recording(tx, worlds.bella)
            assert recording is not None
            before = standings(tx)
        with alices.transaction(ALICE.context.within(worlds.alice)) as tx:
            own = standings(tx)
            assert recording.number not in [one.number for one in own]
        planted = list(events(ALICE, [secrets.token_bytes(16)]))
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege, match="not open, or not yours"),
            alices.transaction(ALICE.context.within(worlds.alice)) as tx,
        ):
            record.take_in(tx, recording.number, "case", record.pack_events(NewEvents.of(planted)))
        with bellas.transaction(BELLA.context.within(worlds.bella)) as tx:
            assert standings(tx) == before
        with alices.transaction(ALICE.context.within(worlds.alice)) as tx:
            assert standings(tx) == own

    @pytest.mark.parametrize("number", [1, 2, 3, 99])
    def test_adds_to_none_that_is_complete_or_given_up_or_not_there(
        self, worlds: Worlds, doors: tuple[Database, Database], number: int
    ) -> None:
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege, match="not open, or not yours"),
            doors[0].transaction(ALICE.context.within(worlds.alice)) as tx,
        ):
            record.take_in(
                tx,
                number,
                "case",
                record.pack_events(NewEvents.of(events(ALICE, [secrets.token_bytes(16)]))),
            )

    def test_knows_no_row_of_somebody_else_again(
        self, worlds: Worlds, doors: tuple[Database, Database]
    ) -> None:
        """Alice brings the key of a row that Bella's record has."""
        with doors[0].transaction(ALICE.context.within(worlds.alice)) as tx:
            recording = record.open_recording(tx, worlds.alice)
            assert recording is not None
            planted = record.pack_events(NewEvents.of(events(ALICE, [GUESSED_ROW])))
            taken = record.take_in(tx, recording.number, "case", planted)
            assert taken == record.TakenIn(1, 0, 0, 1)


class TestEntries:
    def forge(self, tx: Transaction, engagement_id: UUID, entry: int, sequence: int) -> None:
        tx.execute(
            "INSERT INTO record.entry (engagement_id, entry, act, events, first_sequence,"
            " entered_at, entered_by, told, leaf) VALUES (%(engagement_id)s, %(entry)s, 'forged',"
            " 0, %(sequence)s, now(), 'nobody', '{}', %(leaf)s)",
            {
                "engagement_id": engagement_id,
                "entry": entry,
                "sequence": sequence,
                "leaf": leaf_hash(b"{}"),
            },
        )

    def test_are_not_added_to_somebody_elses_record(
        self, worlds: Worlds, doors: tuple[Database, Database]
    ) -> None:
        with doors[1].transaction(BELLA.context.within(worlds.bella)) as tx:
            last = last_entry(tx, worlds.bella)
            assert last is not None
        for entry, sequence in ((1, 0), (last.entry + 1, last.end)):
            with (
                pytest.raises(
                    (psycopg.errors.InsufficientPrivilege, psycopg.errors.CheckViolation)
                ),
                doors[0].transaction(ALICE.context.within(worlds.alice)) as tx,
            ):
                self.forge(tx, worlds.bella, entry, sequence)
        with doors[1].transaction(BELLA.context.within(worlds.bella)) as tx:
            assert last_entry(tx, worlds.bella) == last

    @pytest.mark.parametrize(("later", "further"), [(0, 0), (2, 0), (1, 1), (1, -1), (-1, 0)])
    def test_are_added_nowhere_but_after_the_last(
        self, worlds: Worlds, doors: tuple[Database, Database], later: int, further: int
    ) -> None:
        with doors[0].transaction(ALICE.context.within(worlds.alice)) as tx:
            last = last_entry(tx, worlds.alice)
        assert last is not None
        with (
            pytest.raises(psycopg.errors.CheckViolation, match="without a gap"),
            doors[0].transaction(ALICE.context.within(worlds.alice)) as tx,
        ):
            self.forge(tx, worlds.alice, last.entry + later, last.end + further)


class TestGrants:
    def test_of_an_open_engagement_cannot_be_had_through_an_old_snapshot(
        self, worlds: Worlds, doors: tuple[Database, Database]
    ) -> None:
        """Alice's transaction began before Bella opened it, and sees nothing there."""
        _, bellas = doors
        with psycopg.connect(worlds.shared.app_url) as alices:
            alices.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            context = signed(worlds.alice)
            alices.execute("SELECT set_config('openbpo.context', %s, true)", [context])
            alices.execute("SELECT * FROM sec.granted_engagements()")
            opened_since = open_engagement(bellas, BELLA.context, "race")
            with pytest.raises(
                psycopg.errors.UniqueViolation, match="an_engagement_is_opened_once"
            ):
                alices.execute(
                    "SELECT sec.grant_engagement(%s, %s, 'stolen')", [opened_since, ALICE.principal]
                )

    def test_of_another_principal_are_not_shown_by_a_refusal(
        self, doors: tuple[Database, Database]
    ) -> None:
        """Alice grants Bella an engagement under the handle of one that Bella has."""
        alices, _ = doors
        own = open_engagement(alices, ALICE.context, "second")
        with alices.transaction(ALICE.context.within(own)) as tx:
            grant(tx, own, principal=BELLA.principal, handle=BELLA.handle)

    def test_by_another_principal_do_not_pass_for_ones_own(
        self, doors: tuple[Database, Database]
    ) -> None:
        """Alice grants an engagement of hers, under a handle that Bella opens later."""
        alices, bellas = doors
        trap = open_engagement(alices, ALICE.context, "trap")
        with alices.transaction(ALICE.context.within(trap)) as tx:
            grant(tx, trap, principal=BELLA.principal, handle="later")
        assert open_engagement(bellas, BELLA.context, "later") != trap
        with bellas.transaction(BELLA.context) as tx:
            handles = {one.handle: one.engagement_id for one in granted(tx)}
        assert handles["later"] != handles["later@alice"] == trap
