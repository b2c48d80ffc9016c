"""
What the database itself says of our tables, functions and roles: no exception but those listed.

Each rule is a query that returns one line for each exception, and carries the breaches that it
must report: each is made in a transaction, seen, and rolled back. Every table, view and function
that a later migration adds is held to the same rules without being named here.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

import openbpo
from openbpo.storage import server
from openbpo.storage.installation import Installation, context_key
from openbpo.storage.migrations import migrate

Connection = psycopg.Connection[Any]

SCHEMAS = ("sec", "storage", "trust", "agreements", "record", "billing")

OUT_OF_REACH = {
    "sec.context_key": "signs contexts: who reads it can forge one",
    "sec.engagement_grant": "holds all principals' grants; sec's functions give each its own",
    "sec.unsealed": "whose records grew; only the sealer is told, by a function",
    "sec.ready_job": "whose jobs can be taken up; only the worker is told, by a function",
    "storage.migration": "the owner's own notes",
}
TAKE_IN = (
    "record.take_in(integer,text,bigint[],smallint[],bytea[],bytea[],text[],timestamp with time"
    " zone[],text[],text[],bytea[],integer[],jsonb[],bigint,boolean)"
)
REFUSE_TO_GRANT = "sec.refuse_to_grant(uuid,text,timestamp with time zone)"
GRANT_ROLE = "sec.grant_role(uuid,text,text,text,timestamp with time zone,timestamp with time zone)"
DEFINERS = {
    "sec.context()": "reads the key; the application may not call it",
    "sec.principal()": "a part of the checked context",
    "sec.party()": "a part of the checked context",
    "sec.engagements()": "a part of the checked context",
    "sec.granted_engagements()": "the grants of the context's own principal",
    "sec.grant_engagement(uuid,text,text)": "what is not held cannot be granted",
    "sec.granted_roles()": "the grants of the context's own principal, and as what",
    "sec.grants_within()": "everybody's grants in the context's own engagements",
    REFUSE_TO_GRANT: "refuses what is not the context's principal's to give",
    "sec.note_granting(uuid,text,text)": "notes for good who gave and took which role",
    GRANT_ROLE: "gives a role that is the context's principal's to give",
    "sec.revoke_role(uuid,text)": "takes a role that is the context's principal's to take",
    "sec.note_unsealed()": "a trigger's: notes that a record grew, and whose",
    "sec.unsealed_engagements()": "tells the sealer whose records grew, and no more",
    "sec.forget_sealed(xid8)": "forgets that the context's own engagement waits to be sealed",
    "sec.note_ready_job()": "a trigger's: notes from when on a job can be taken up",
    "sec.ready_jobs()": "tells the worker, by its signed context, ids of jobs, and no more",
    TAKE_IN: "adds a chunk of rows to the context's own open recording",
    "record.refresh_statistics()": "tells the planner about the record, and its caller nothing",
}
OF_THE_SEALER = {"sec.unsealed_engagements()", "sec.forget_sealed(xid8)"}
TRIGGERS = {"sec.note_unsealed()", "sec.note_ready_job()"}
INNER = {
    "sec.context()", REFUSE_TO_GRANT, "sec.note_granting(uuid,text,text)",
}  # fmt: skip
CALLABLE = DEFINERS.keys() - INNER - TRIGGERS - OF_THE_SEALER
SEALER_CALLS = {"sec.principal()", "sec.party()", "sec.engagements()"} | OF_THE_SEALER

SCOPES = {
    "engagement_id": "(engagement_id = ANY (( SELECT sec.engagements() AS engagements)::uuid[]))",
    "party_id": "(party_id = ( SELECT sec.party() AS party))",
}

LISTS = {
    "schemas": list(SCHEMAS),
    "out_of_reach": list(OUT_OF_REACH),
    "definers": list(DEFINERS),
    "callable": sorted(CALLABLE),
    "sealer_calls": sorted(SEALER_CALLS),
    "scopes": list(SCOPES),
    "policies": list(SCOPES.values()),
}

COMMON = """
WITH ours AS (
  SELECT oid, nspname FROM pg_namespace WHERE nspname = ANY (%(schemas)s)
), relation AS (
  SELECT c.*, o.nspname || '.' || c.relname AS name
    FROM pg_class c JOIN ours o ON o.oid = c.relnamespace
), scoped AS (
  SELECT r.*, a.attname AS scope, a.atttypid AS scope_type, a.attnotnull AS scope_required
    FROM relation r LEFT JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = 1
   WHERE r.relkind IN ('r', 'p', 'f')
     AND r.name <> ALL (%(out_of_reach)s)
), function AS (
  SELECT p.*, p.oid::regprocedure::text AS name FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
   WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
     AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass
                        AND d.objid = p.oid AND d.deptype = 'e')
), app AS (
  SELECT * FROM pg_roles WHERE rolname = 'openbpo_app'
)
"""


@dataclass(frozen=True)
class Rule:
    """A sentence, the query for its exceptions, and breaches that it must report."""

    sentence: str
    exceptions: str
    breaches: tuple[str, ...]

    def broken_in(self, connection: Connection) -> list[str]:
        query = (COMMON + self.exceptions).encode()
        return [str(line) for (line,) in connection.execute(query, LISTS)]


ANOTHER_TABLE = """
CREATE TABLE record.seeded (engagement_id uuid NOT NULL, id uuid NOT NULL, label text);
GRANT SELECT ON record.seeded TO openbpo_app;
"""
PROTECTED = "ALTER TABLE record.seeded ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"

RULES = (
    Rule(
        "our schemas are those known here, and nothing of ours lies elsewhere",
        """
        SELECT 'schema ' || nspname FROM pg_namespace
         WHERE nspname <> ALL (%(schemas)s) AND nspname !~ '^pg_'
           AND nspname NOT IN ('information_schema', 'public', 'web')
        UNION ALL
        SELECT 'in public: ' || relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION ALL
        SELECT 'in public: ' || f.name FROM function f
         WHERE f.pronamespace = 'public'::regnamespace
        """,
        ("CREATE SCHEMA another", "CREATE TABLE public.seeded (id uuid)"),
    ),
    Rule(
        "every table has row-level security, for its owner too",
        "SELECT name FROM scoped WHERE NOT (relrowsecurity AND relforcerowsecurity)",
        (
            "ALTER TABLE record.event NO FORCE ROW LEVEL SECURITY",
            "ALTER TABLE trust.party DISABLE ROW LEVEL SECURITY",
            ANOTHER_TABLE,
            (
                "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;"
                " CREATE FOREIGN TABLE record.abroad (engagement_id uuid) SERVER s"
            ),
        ),
    ),
    Rule(
        "every table begins with the key of its scope",
        """
        SELECT name || ' begins with ' || scope FROM scoped
         WHERE scope <> ALL (%(scopes)s) OR scope_type <> 'uuid'::regtype OR NOT scope_required
        """,
        (
            "CREATE TABLE record.seeded (id uuid PRIMARY KEY, engagement_id uuid NOT NULL)",
            "CREATE TABLE record.seeded (engagement_id text NOT NULL)",
            (
                "ALTER TABLE agreements.in_force DROP CONSTRAINT in_force_pkey;"
                " ALTER TABLE agreements.in_force ALTER engagement_id DROP NOT NULL"
            ),
        ),
    ),
    Rule(
        "every table has one policy, for all and everybody, of the one form of its scope",
        """
        SELECT s.name || ': ' || coalesce(string_agg(concat_ws(' ', p.polname, p.polpermissive,
                 p.polcmd, p.polroles, pg_get_expr(p.polqual, p.polrelid),
                 pg_get_expr(p.polwithcheck, p.polrelid)), '; '), 'none')
          FROM scoped s LEFT JOIN pg_policy p ON p.polrelid = s.oid
         GROUP BY s.name, s.scope
        HAVING count(*) <> 1
            OR NOT coalesce(bool_and(p.polpermissive AND p.polcmd = '*' AND p.polroles = '{0}'
                 AND pg_get_expr(p.polqual, p.polrelid) = form(s.scope)
                 AND pg_get_expr(p.polwithcheck, p.polrelid) = form(s.scope)), false)
        """.replace(
            "form(s.scope)",
            "(%(policies)s::text[])[array_position(%(scopes)s::text[], s.scope::text)]",
        ),
        (
            ANOTHER_TABLE + PROTECTED,
            "DROP POLICY of_the_engagement ON storage.command",
            "CREATE POLICY another ON record.event USING (true) WITH CHECK (true)",
            "ALTER POLICY of_the_engagement ON record.event TO openbpo_app",
            "ALTER POLICY of_the_engagement ON record.event WITH CHECK (true)",
            "ALTER POLICY of_the_engagement ON record.event USING (engagement_id IS NOT NULL)",
            (
                "ALTER POLICY of_the_engagement ON record.event"
                " USING (engagement_id = ANY (sec.engagements()))"
            ),
            "ALTER POLICY of_the_party ON trust.party USING (true)",
            (
                "DROP POLICY of_the_engagement ON record.event;"
                " CREATE POLICY of_the_engagement ON record.event"
                " USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))"
            ),
            (
                "DROP POLICY of_the_engagement ON record.event;"
                " CREATE POLICY of_the_engagement ON record.event AS RESTRICTIVE"
                " USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))"
                " WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))"
            ),
        ),
    ),
    Rule(
        "every primary, unique and excluding key begins with the scope",
        """
        SELECT i.indexrelid::regclass::text FROM scoped s
          JOIN pg_index i ON i.indrelid = s.oid AND (i.indisunique OR i.indisexclusion)
         WHERE i.indkey[0] <> 1
        UNION ALL
        SELECT c.conname || ' does not exclude within one scope' FROM scoped s
          JOIN pg_constraint c ON c.conrelid = s.oid AND c.contype = 'x'
         WHERE c.conexclop[1] <> '=(uuid,uuid)'::regoperator
        """,
        (
            "CREATE UNIQUE INDEX ON record.recording (recording_id)",
            "CREATE UNIQUE INDEX ON record.event (row_key) WHERE kind = 'a'",
            "CREATE UNIQUE INDEX ON agreements.engagement ((engagement_id::text))",
            "ALTER TABLE trust.party ADD UNIQUE (handle, party_id)",
            "ALTER TABLE agreements.in_force ADD EXCLUDE USING gist (days WITH &&)",
            (
                "ALTER TABLE agreements.in_force"
                " ADD EXCLUDE USING gist (engagement_id WITH <>, days WITH &&)"
            ),
        ),
    ),
    Rule(
        "every foreign key begins with the scope on both its sides",
        """
        SELECT c.conrelid::regclass || ': ' || c.conname FROM relation s
          JOIN pg_constraint c ON c.conrelid = s.oid AND c.contype = 'f'
          JOIN pg_attribute ours ON ours.attrelid = c.conrelid AND ours.attnum = c.conkey[1]
          JOIN pg_attribute theirs ON theirs.attrelid = c.confrelid AND theirs.attnum = c.confkey[1]
         WHERE ours.attname <> ALL (%(scopes)s) OR ours.attname <> theirs.attname
            OR theirs.attnum <> 1
        """,
        (
            (
                "CREATE UNIQUE INDEX v ON agreements.version (version_id);"
                " ALTER TABLE record.recording ADD FOREIGN KEY (version_id)"
                " REFERENCES agreements.version (version_id)"
            ),
            (
                "ALTER TABLE agreements.signature"
                " ADD FOREIGN KEY (version_id) REFERENCES agreements.engagement (engagement_id)"
            ),
            (
                "CREATE UNIQUE INDEX n ON record.recording (number, engagement_id);"
                " ALTER TABLE record.superseded ADD FOREIGN KEY (by_recording, engagement_id)"
                " REFERENCES record.recording (number, engagement_id)"
            ),
        ),
    ),
    Rule(
        "what is out of reach cannot be touched",
        """
        SELECT r.name || ' ' || privilege FROM relation r, app,
               unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) privilege
         WHERE r.name = ANY (%(out_of_reach)s)
           AND has_any_column_privilege(app.rolname, r.oid, privilege)
        UNION ALL
        SELECT r.name || ' ' || privilege FROM relation r, app,
               unnest(ARRAY['DELETE', 'TRUNCATE', 'TRIGGER', 'MAINTAIN']) privilege
         WHERE r.name = ANY (%(out_of_reach)s)
           AND has_table_privilege(app.rolname, r.oid, privilege)
        UNION ALL
        SELECT 'gone: ' || listed FROM unnest(%(out_of_reach)s::text[]) listed
         WHERE NOT EXISTS (SELECT 1 FROM relation r WHERE r.name = listed)
        """,
        (
            "GRANT SELECT (key_id) ON sec.context_key TO openbpo_app",
            "GRANT SELECT ON sec.engagement_grant TO PUBLIC",
            "GRANT INSERT ON storage.migration TO openbpo_app",
            "GRANT DELETE ON sec.engagement_grant TO openbpo_app",
            "ALTER TABLE sec.context_key RENAME TO keys",
        ),
    ),
    Rule(
        "there are no materialised views",
        "SELECT relname FROM pg_class WHERE relkind = 'm'",
        ("CREATE MATERIALIZED VIEW record.seeded AS SELECT * FROM record.event",),
    ),
    Rule(
        "every view runs as whoever asks",
        """
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind = 'v' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
           AND NOT coalesce(c.reloptions && '{security_invoker=true,security_invoker=on}', false)
        """,
        (
            "CREATE VIEW record.seeded AS SELECT * FROM record.event",
            "CREATE VIEW public.seeded WITH (security_invoker = false) AS SELECT 1",
        ),
    ),
    Rule(
        "only listed functions run as their owner, with a search path that ends with pg_temp",
        """
        SELECT f.name FROM function f
         WHERE f.prosecdef AND (f.name <> ALL (%(definers)s)
            OR NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (f.proconfig), false))
        UNION ALL
        SELECT 'gone: ' || listed FROM unnest(%(definers)s::text[]) listed
         WHERE NOT EXISTS (SELECT 1 FROM function f WHERE f.name = listed AND f.prosecdef)
        """,
        (
            (
                "CREATE FUNCTION record.seeded() RETURNS bigint LANGUAGE sql SECURITY DEFINER"
                " SET search_path = pg_catalog, pg_temp AS 'SELECT count(*) FROM record.event'"
            ),
            "ALTER FUNCTION record.refuse_change() SECURITY DEFINER",
            "ALTER FUNCTION sec.party() RESET search_path",
            "ALTER FUNCTION sec.party() SET search_path = pg_temp, pg_catalog",
            "ALTER FUNCTION sec.party() SET search_path = pg_catalog",
            f"ALTER FUNCTION {TAKE_IN} SECURITY INVOKER",
            f"ALTER FUNCTION {TAKE_IN} RESET search_path",
        ),
    ),
    Rule(
        "the application calls only listed functions of ours, and everybody none",
        """
        SELECT f.name FROM function f, app
         WHERE has_function_privilege(app.rolname, f.oid, 'EXECUTE')
           AND f.name <> ALL (%(callable)s)
        UNION ALL
        SELECT f.name || ' for PUBLIC' FROM function f,
               aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a
         WHERE a.grantee = 0
        UNION ALL
        SELECT 'new ones for PUBLIC' WHERE NOT EXISTS (
          SELECT 1 FROM pg_default_acl d WHERE d.defaclrole = 'openbpo_owner'::regrole
             AND d.defaclobjtype = 'f' AND d.defaclnamespace = 0
             AND NOT EXISTS (SELECT 1 FROM aclexplode(d.defaclacl) a WHERE a.grantee = 0))
        """,
        (
            "GRANT EXECUTE ON FUNCTION sec.context() TO openbpo_app",
            "GRANT EXECUTE ON FUNCTION sec.party() TO PUBLIC",
            "CREATE FUNCTION record.seeded() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            (
                "SET LOCAL ROLE openbpo_owner;"
                " ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC"
            ),
        ),
    ),
    Rule(
        "PUBLIC has nothing in our schemas, on our tables or in the database",
        """
        SELECT o.nspname || ' ' || a.privilege_type FROM ours o JOIN pg_namespace n USING (oid),
               aclexplode(n.nspacl) a WHERE a.grantee = 0
        UNION ALL
        SELECT r.name || ' ' || a.privilege_type FROM relation r, aclexplode(r.relacl) a
         WHERE a.grantee = 0
        UNION ALL
        SELECT r.name || '.' || c.attname || ' ' || a.privilege_type FROM relation r
          JOIN pg_attribute c ON c.attrelid = r.oid, aclexplode(c.attacl) a WHERE a.grantee = 0
        UNION ALL
        SELECT d.datname || ' ' || a.privilege_type FROM pg_database d,
               aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
         WHERE d.datname = current_database() AND a.grantee = 0
        UNION ALL
        SELECT 'public ' || a.privilege_type FROM pg_namespace n, aclexplode(n.nspacl) a
         WHERE n.nspname = 'public' AND a.grantee = 0 AND a.privilege_type <> 'USAGE'
        """,
        (
            "GRANT USAGE ON SCHEMA sec TO PUBLIC",
            "GRANT SELECT ON record.event TO PUBLIC",
            "GRANT SELECT (leaf) ON record.event TO PUBLIC",
            "GRANT TEMPORARY ON DATABASE openbpo TO PUBLIC",
            "GRANT CONNECT ON DATABASE openbpo TO PUBLIC",
            "GRANT CREATE ON SCHEMA public TO PUBLIC",
        ),
    ),
    Rule(
        "no column is an enum: its comparison is not leakproof and would cost the index",
        """
        SELECT r.name || '.' || a.attname FROM relation r
          JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
          JOIN pg_type t ON t.oid = a.atttypid
         WHERE 'e' IN (t.typtype, (SELECT b.typtype FROM pg_type b WHERE b.oid = t.typbasetype),
                       (SELECT e.typtype FROM pg_type e WHERE e.oid = t.typelem))
        """,
        (
            "CREATE TYPE record.kind AS ENUM ('a'); ALTER TABLE record.event ADD one record.kind",
            (
                "CREATE TYPE record.kind AS ENUM ('a');"
                " ALTER TABLE record.event ADD kinds record.kind[]"
            ),
            (
                "CREATE TYPE record.kind AS ENUM ('a'); CREATE DOMAIN record.sort AS record.kind;"
                " ALTER TABLE record.event ADD sort record.sort"
            ),
        ),
    ),
    Rule(
        "no column holds a number that is not exact, nor money without its currency",
        """
        SELECT r.name || '.' || a.attname FROM relation r
          JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0
         WHERE a.atttypid::regtype::text ~ '^(real|double precision|numeric|money)'
        """,
        (
            "ALTER TABLE agreements.version ADD amount numeric(12, 2)",
            "ALTER TABLE agreements.version ADD rates real[]",
        ),
    ),
    Rule(
        "the application's role is a plain one: it is nobody else and owns nothing",
        """
        SELECT fault FROM app, LATERAL (VALUES (rolsuper, 'superuser'), (rolbypassrls, 'bypassrls'),
               (rolcreatedb, 'createdb'), (rolcreaterole, 'createrole'),
               (rolreplication, 'replication'), (NOT rolcanlogin, 'cannot log in')) f (is_so, fault)
         WHERE is_so
        UNION ALL
        SELECT 'member of ' || m.roleid::regrole FROM app JOIN pg_auth_members m
            ON m.member = app.oid
        UNION ALL
        SELECT 'owns an object of ' || d.classid::regclass FROM app
          JOIN pg_shdepend d ON d.refobjid = app.oid AND d.deptype = 'o'
        UNION ALL
        SELECT 'the owner can log in' FROM pg_roles
         WHERE rolname = 'openbpo_owner' AND (rolcanlogin OR rolsuper OR rolbypassrls)
        UNION ALL
        SELECT m.member::regrole || ' is the owner' FROM pg_auth_members m
         WHERE m.roleid = 'openbpo_owner'::regrole
           AND (m.member <> 'openbpo_migrator'::regrole OR m.inherit_option OR m.admin_option)
        """,
        (
            "ALTER ROLE openbpo_app SUPERUSER",
            "ALTER ROLE openbpo_app BYPASSRLS",
            "ALTER ROLE openbpo_app CREATEDB CREATEROLE",
            "GRANT openbpo_owner TO openbpo_app WITH INHERIT FALSE",
            "GRANT pg_read_all_data TO openbpo_app",
            "ALTER TABLE record.event OWNER TO openbpo_app",
            "ALTER ROLE openbpo_owner LOGIN",
            "GRANT openbpo_owner TO openbpo_migrator WITH INHERIT TRUE",
        ),
    ),
    Rule(
        "the application's role makes nothing, truncates nothing and passes nothing on",
        """
        SELECT 'creates in ' || n.nspname FROM app, pg_namespace n
         WHERE has_schema_privilege(app.rolname, n.oid, 'CREATE')
        UNION ALL
        SELECT privilege FROM app, unnest(ARRAY['CREATE', 'TEMPORARY']) privilege
         WHERE has_database_privilege(app.rolname, current_database(), privilege)
        UNION ALL
        SELECT c.oid::regclass || ' ' || privilege FROM app, pg_class c,
               unnest(ARRAY['TRUNCATE', 'TRIGGER', 'REFERENCES', 'MAINTAIN']) privilege
         WHERE c.relkind IN ('r', 'p', 'f') AND has_table_privilege(app.rolname, c.oid, privilege)
        UNION ALL
        SELECT r.name || ' with grant option' FROM app, relation r, aclexplode(r.relacl) a
         WHERE a.grantee = app.oid AND a.is_grantable
        """,
        (
            "GRANT CREATE ON SCHEMA record TO openbpo_app",
            "GRANT CREATE ON SCHEMA public TO PUBLIC",
            "GRANT TEMPORARY ON DATABASE openbpo TO openbpo_app",
            "GRANT TRUNCATE ON record.opening TO openbpo_app",
            "GRANT MAINTAIN ON record.event TO openbpo_app",
            "GRANT SELECT ON record.event TO openbpo_app WITH GRANT OPTION",
        ),
    ),
    Rule(
        "what is recorded is never changed, by the owner neither, and only acts are added",
        """
        , kept (name, change, refused_by) AS (VALUES
          ('record.event', ARRAY['INSERT', 'UPDATE'], 'events_are_never_changed'),
          ('record.entry', ARRAY['UPDATE'], 'entries_are_never_changed'),
          ('record.checkpoint', ARRAY['INSERT', 'UPDATE'], 'checkpoints_are_never_changed'),
          ('record.reading', ARRAY['UPDATE'], 'readings_are_never_changed'),
          ('billing.period_act', ARRAY['UPDATE'], 'acts_are_never_changed'),
          ('trust.granting', ARRAY['INSERT', 'UPDATE'], 'grantings_are_never_changed'),
          ('billing.given_number', ARRAY['UPDATE'], 'given_numbers_are_never_changed'),
          ('billing.issued', ARRAY['UPDATE'], 'issued_documents_are_never_changed'),
          ('billing.payment', ARRAY['UPDATE'], 'payments_are_never_changed'),
          ('billing.dispute_act', ARRAY['UPDATE'], 'disputes_are_never_changed'),
          ('record.opening', ARRAY['INSERT', 'UPDATE'], NULL),
          ('record.superseded', ARRAY['INSERT', 'UPDATE'], NULL),
          ('record.recognised', ARRAY['INSERT', 'UPDATE'], NULL))
        SELECT k.name || ' ' || privilege FROM app, kept k, unnest(k.change) privilege
         WHERE has_any_column_privilege(app.rolname, k.name, privilege)
        UNION ALL
        SELECT k.name || ' DELETE' FROM app, kept k
         WHERE k.name <> 'record.recognised' AND has_table_privilege(app.rolname, k.name, 'DELETE')
        UNION ALL
        SELECT 'no trigger ' || k.refused_by FROM kept k
         WHERE k.refused_by IS NOT NULL AND NOT EXISTS (
          SELECT 1 FROM pg_trigger t WHERE t.tgrelid = k.name::regclass AND t.tgname = k.refused_by
             AND t.tgfoid = 'record.refuse_change()'::regprocedure
             AND t.tgtype = 2 + 8 + 16 + 32  -- before each statement: delete, update, truncate
             AND t.tgenabled IN ('O', 'A'))
        """,
        (
            "GRANT UPDATE (told) ON record.event TO openbpo_app",
            "GRANT INSERT (told) ON record.event TO openbpo_app",
            "GRANT DELETE ON record.event TO openbpo_app",
            "GRANT UPDATE (leaf) ON record.entry TO openbpo_app",
            "GRANT DELETE ON record.entry TO openbpo_app",
            "GRANT DELETE ON record.opening TO openbpo_app",
            "GRANT INSERT ON record.superseded TO openbpo_app",
            "GRANT UPDATE (times) ON record.recognised TO openbpo_app",
            "GRANT INSERT ON record.checkpoint TO openbpo_app",
            "GRANT UPDATE (note) ON billing.period_act TO openbpo_app",
            "GRANT UPDATE (document) ON billing.issued TO openbpo_app",
            "GRANT DELETE ON billing.payment TO openbpo_app",
            "DROP TRIGGER disputes_are_never_changed ON billing.dispute_act",
            "DROP TRIGGER checkpoints_are_never_changed ON record.checkpoint",
            "ALTER TABLE record.event DISABLE TRIGGER events_are_never_changed",
            "ALTER TABLE record.entry DISABLE TRIGGER entries_are_never_changed",
            (
                "CREATE OR REPLACE TRIGGER entries_are_never_changed BEFORE UPDATE ON record.entry"
                " FOR EACH STATEMENT EXECUTE FUNCTION record.refuse_change()"
            ),
        ),
    ),
    Rule(
        "the application ends a recording and counts what it left out, and nothing else of it",
        """
        SELECT a.attname FROM app, pg_attribute a
         WHERE a.attrelid = 'record.recording'::regclass AND a.attnum > 0 AND NOT a.attisdropped
           AND has_column_privilege(app.rolname, a.attrelid, a.attnum, 'UPDATE')
           AND a.attname <> ALL ('{completed_at,abandoned_at,read,refused,out_of_order,entry}')
        """,
        (
            "GRANT UPDATE (accepted) ON record.recording TO openbpo_app",
            "GRANT UPDATE (events) ON record.recording TO openbpo_app",
            "GRANT UPDATE ON record.recording TO openbpo_app",
        ),
    ),
    Rule(
        "nobody but the owner notes in which transaction an act was entered",
        """
        SELECT r.name || ' ' || role.rolname FROM pg_roles role, relation r
          JOIN pg_attribute a ON a.attrelid = r.oid AND a.attname = 'entered_in'
         WHERE role.rolname IN ('openbpo_app', 'openbpo_sealer')
           AND (has_column_privilege(role.rolname, r.oid, a.attnum, 'INSERT')
             OR has_column_privilege(role.rolname, r.oid, a.attnum, 'UPDATE'))
        """,
        (
            "GRANT INSERT ON record.entry TO openbpo_app",
            "GRANT INSERT ON record.reading TO openbpo_app",
            "GRANT UPDATE (entered_in) ON record.entry TO openbpo_sealer",
        ),
    ),
    Rule(
        "acts are let in by the triggers that keep them without a gap and have them sealed",
        """
        SELECT 'no ' || wanted.what || ' on ' || wanted.name FROM (VALUES
          ('record.entry', 'record.follow_the_last_entry()', 1 + 2 + 4),  -- before each insert
          ('record.reading', 'record.follow_the_last_reading()', 1 + 2 + 4),
          ('record.entry', 'sec.note_unsealed()', 1 + 4),  -- after each insert
          ('record.reading', 'sec.note_unsealed()', 1 + 4)) wanted (name, what, type)
         WHERE NOT EXISTS (
          SELECT 1 FROM pg_trigger t WHERE t.tgrelid = wanted.name::regclass
             AND t.tgfoid = wanted.what::regprocedure AND t.tgtype = wanted.type
             AND t.tgqual IS NULL AND t.tgenabled IN ('O', 'A'))
        """,
        (
            "ALTER TABLE record.entry DISABLE TRIGGER entries_have_no_gap",
            "DROP TRIGGER entries_have_no_gap ON record.entry",
            "DROP TRIGGER readings_have_no_gap ON record.reading",
            "ALTER TABLE record.reading DISABLE TRIGGER readings_wait_to_be_sealed",
        ),
    ),
    Rule(
        "the sealer reads leaves and acts, adds checkpoints, and nothing else",
        """
        , sealer AS (SELECT * FROM pg_roles WHERE rolname = 'openbpo_sealer'),
        may (name, privilege) AS (VALUES
          ('record.entry', 'SELECT'), ('record.reading', 'SELECT'), ('record.checkpoint', 'SELECT'),
          ('record.checkpoint', 'INSERT'))
        SELECT r.name || '.' || a.attname || ' ' || privilege
          FROM sealer, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) privilege,
               relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0
                AND NOT a.attisdropped
         WHERE r.relkind IN ('r', 'p', 'v', 'm', 'f')
           AND has_column_privilege(sealer.rolname, r.oid, a.attnum, privilege)
           AND (r.name, privilege) NOT IN (SELECT may.name, may.privilege FROM may)
           AND NOT (r.name = 'record.event' AND privilege = 'SELECT'
                AND a.attname IN ('engagement_id', 'recording', 'ordinal', 'leaf'))
        UNION ALL
        SELECT r.name || ' ' || privilege
          FROM sealer, relation r,
               unnest(ARRAY['DELETE', 'TRUNCATE', 'TRIGGER', 'MAINTAIN']) privilege
         WHERE r.relkind IN ('r', 'p', 'v', 'm', 'f')
           AND has_table_privilege(sealer.rolname, r.oid, privilege)
        UNION ALL
        SELECT f.name FROM sealer, function f
         WHERE has_function_privilege(sealer.rolname, f.oid, 'EXECUTE')
           AND f.name <> ALL (%(sealer_calls)s)
        UNION ALL
        SELECT fault FROM sealer, LATERAL (VALUES (rolsuper, 'superuser'),
               (rolbypassrls, 'bypassrls'), (rolcreatedb, 'createdb'),
               (rolcreaterole, 'createrole')) v (is_so, fault)
         WHERE is_so
        UNION ALL
        SELECT 'member of ' || m.roleid::regrole FROM sealer
          JOIN pg_auth_members m ON m.member = sealer.oid
        UNION ALL
        SELECT 'gone' WHERE NOT EXISTS (SELECT 1 FROM sealer)
        """,
        (
            "GRANT SELECT (told) ON record.event TO openbpo_sealer",
            "GRANT SELECT ON record.opening TO openbpo_sealer",
            "GRANT UPDATE (root) ON record.checkpoint TO openbpo_sealer",
            "GRANT DELETE ON record.checkpoint TO openbpo_sealer",
            "GRANT INSERT (told) ON record.entry TO openbpo_sealer",
            "GRANT EXECUTE ON FUNCTION sec.granted_engagements() TO openbpo_sealer",
            "GRANT openbpo_app TO openbpo_sealer",
            "ALTER ROLE openbpo_sealer BYPASSRLS",
        ),
    ),
    Rule(
        "the web's role has its own schema and nothing of ours, and nobody else enters it",
        """
        , web AS (SELECT * FROM pg_roles WHERE rolname = 'openbpo_web')
        SELECT o.nspname || ' is open to the web' FROM web, ours o
         WHERE has_schema_privilege(web.rolname, o.oid, 'USAGE')
        UNION ALL
        SELECT r.name || ' ' || a.privilege_type FROM web, relation r, aclexplode(r.relacl) a
         WHERE a.grantee = web.oid
        UNION ALL
        SELECT f.name FROM web, function f
         WHERE has_function_privilege(web.rolname, f.oid, 'EXECUTE')
        UNION ALL
        SELECT role.rolname || ' enters web' FROM pg_roles role, pg_namespace n
         WHERE n.nspname = 'web' AND role.rolname IN ('openbpo_app', 'openbpo_sealer')
           AND has_schema_privilege(role.rolname, n.oid, 'USAGE')
        UNION ALL
        SELECT fault FROM web, LATERAL (VALUES (rolsuper, 'superuser'),
               (rolbypassrls, 'bypassrls'), (rolcreatedb, 'createdb'),
               (rolcreaterole, 'createrole')) v (is_so, fault)
         WHERE is_so
        UNION ALL
        SELECT 'member of ' || m.roleid::regrole FROM web
          JOIN pg_auth_members m ON m.member = web.oid
        UNION ALL
        SELECT 'gone' WHERE NOT EXISTS (SELECT 1 FROM web)
        """,
        (
            "GRANT USAGE ON SCHEMA record TO openbpo_web",
            "GRANT SELECT ON record.event TO openbpo_web",
            "GRANT EXECUTE ON FUNCTION sec.party() TO openbpo_web",
            "CREATE SCHEMA IF NOT EXISTS web; GRANT USAGE ON SCHEMA web TO openbpo_app",
            "GRANT openbpo_app TO openbpo_web",
            "ALTER ROLE openbpo_web BYPASSRLS",
        ),
    ),
    Rule(
        "the server has the fixes that row-level security needs (CVE-2023-2455, CVE-2025-8713)",
        "SELECT version() WHERE current_setting('server_version_num')::int < 180000",
        (),
    ),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.sentence)
def test_catalogue(rule: Rule, admin: Connection) -> None:
    assert rule.broken_in(admin) == []


@pytest.fixture(scope="module")
def empty(make_database: Callable[..., Installation]) -> Iterator[Connection]:
    """An administrator's session in a database like ours without a row, which nothing opposes."""
    made = make_database()
    assert made.owner_url is not None
    migrate(made.owner_url, app_role="openbpo_app", key=context_key())
    name = str(conninfo_to_dict(made.app_url)["dbname"])
    with psycopg.connect(server.ensure_running().conninfo(name), autocommit=True) as admin:
        yield admin


@pytest.mark.parametrize(
    ("rule", "breach"),
    [(rule, breach) for rule in RULES for breach in rule.breaches],
    ids=lambda part: part.sentence[:40] if isinstance(part, Rule) else part[:60],
)
def test_seeded_breach_is_reported(rule: Rule, breach: str, empty: Connection) -> None:
    here = f"DATABASE {empty.info.dbname}"
    assert rule.broken_in(empty) == []
    with empty.transaction(force_rollback=True):
        empty.execute(breach.replace("DATABASE openbpo", here).encode())
        assert rule.broken_in(empty) != []


# --- ORDER BY --------------------------------------------------------------------------------

SOURCES = Path(openbpo.__file__).parent
ORDERED = re.compile(
    r"\b(?-i:ORDER\s+BY|order\s+by)\s+(.*?)(?=\bLIMIT\b|\bFOR\b|\bROWS\b|;|\Z)",
    re.IGNORECASE | re.DOTALL,
)


def statements(path: Path) -> Iterator[str]:
    """Yield the texts of a source, each as whole as the source has it."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".sql":
        yield re.sub(r"--.*", "", source)
    else:
        yield from texts(ast.parse(source))


def texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring: it may speak of an order
    if (text := _text(node)) is not None:
        yield text
        return
    for child in ast.iter_child_nodes(node):
        yield from texts(child)


def _text(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_text(value) or " ? " for value in values)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            parts = _text(left), _text(right)
            return None if parts == (None, None) else "".join(part or " " for part in parts)
    return None


def ordered_by(statement: str) -> Iterator[str]:
    """Yield every term of every ORDER BY: up to the bracket that closes around it."""
    for match in ORDERED.finditer(statement):
        depth, term = 0, ""
        for letter in match[1]:
            depth += (letter == "(") - (letter == ")")
            if depth < 0:
                break
            if letter == "," and depth == 0:
                yield term.strip()
                term = ""
            else:
                term += letter
        yield term.strip()


def without_collation(statement: str, text_columns: set[str]) -> list[str]:
    """Return the terms that sort a text, or what we cannot tell, by the server's own alphabet."""
    return [
        term
        for term in ordered_by(statement)
        if 'COLLATE "C"' not in term and not _sorts_alike_everywhere(term, text_columns)
    ]


NAME = r"(?:\w+\.)?\w+"
FIRST_OF = rf"coalesce\(\s*{NAME}(?:\s*,\s*{NAME})*\s*\)"  # sorts as its columns do
TERM = re.compile(rf"({NAME}|{FIRST_OF})(?:\s+(?:ASC|DESC))?(?:\s+NULLS\s+\w+)?", re.IGNORECASE)


def _sorts_alike_everywhere(term: str, text_columns: set[str]) -> bool:
    found = TERM.fullmatch(term)
    return found is not None and not text_columns & set(re.findall(r"\w+", found[1]))


@pytest.fixture
def text_columns(admin: Connection) -> set[str]:
    """The names of all columns of ours that hold text."""
    columns = admin.execute(
        "SELECT DISTINCT attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
        " WHERE c.relnamespace::regnamespace::text = ANY (%s)"
        " AND atttypid = ANY ('{text,varchar,bpchar,name}'::regtype[])",
        [list(SCHEMAS)],
    )
    return {name for (name,) in columns}


class TestOrderByText:
    def test_names_the_collation_in_every_statement(self, text_columns: set[str]) -> None:
        sources = [path for path in SOURCES.rglob("*") if path.suffix in (".py", ".sql")]
        found = {
            (path.name, term)
            for path in sources
            for statement in statements(path)
            for term in without_collation(statement, text_columns)
        }
        assert found == set()
        assert any("ORDER BY" in statement for path in sources for statement in statements(path))

    @pytest.mark.parametrize(
        "source",
        [
            'tx.rows(Row, "SELECT 1 FROM t ORDER BY subject")',
            'tx.rows(Row, "SELECT 1 FROM t ORDER BY at, t.subject DESC LIMIT 1")',
            'tx.rows(Row, HEAD + " WHERE true" + TAIL + " ORDER BY t.subject NULLS LAST")',
            'tx.rows(Row, f"SELECT 1 FROM {table} ORDER BY subject")',
            'tx.rows(Row, "SELECT array_agg(a ORDER BY subject) FROM t")',
            'tx.rows(Row, "SELECT row_number() OVER (PARTITION BY a ORDER BY subject) FROM t")',
            'tx.rows(Row, "SELECT 1 FROM t ORDER BY lower(subject)")',
            'tx.rows(Row, "SELECT 1 FROM t ORDER BY coalesce(t.number, t.subject)")',
            'tx.rows(Row, "SELECT 1 FROM t ORDER BY at, coalesce(t.number, lower(t.note)), part")',
        ],
    )
    def test_is_noticed_where_it_does_not(self, source: str) -> None:
        (statement,) = [text for text in texts(ast.parse(source)) if "ORDER BY" in text]
        assert without_collation(statement, {"subject"})

    def test_is_left_alone_where_there_is_one_order(self) -> None:
        statement = (
            "SELECT 1 FROM t ORDER BY at, number DESC, coalesce(t.first, t.position),"
            ' t.subject COLLATE "C" LIMIT 1'
        )
        assert without_collation(statement, {"subject"}) == []
