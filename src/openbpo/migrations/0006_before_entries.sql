-- The record becomes a sequence of entries that can be sealed: the line of an event is its leaf.
--
-- An event is one line of canonical JSON; its leaf hashes that line, and nothing has to be encoded
-- again to check it. What is erasable or one side's alone stands in the line as a commitment and
-- opens in record.opening. Every act (an import completed, a version signed, ...) is an entry with a
-- line of its own. What was recorded before is written again in this form; it was never sealed.
-- That blocks everybody until it is done, which is meant: no version before this one can go on.
-- squawk-ignore-file ban-drop-table, ban-drop-function, renaming-table, renaming-object, adding-not-nullable-field
-- squawk-ignore-file require-concurrent-index-creation, disallowed-unique-constraint
-- squawk-ignore-file constraint-missing-not-valid, adding-field-with-default

-- Row-level security holds for the tables' owner too; for once it has to see every engagement.
ALTER TABLE record.recording NO FORCE ROW LEVEL SECURITY;
ALTER TABLE record.event NO FORCE ROW LEVEL SECURITY;
ALTER TABLE record.content NO FORCE ROW LEVEL SECURITY;
ALTER TABLE agreements.version NO FORCE ROW LEVEL SECURITY;
ALTER TABLE agreements.signature NO FORCE ROW LEVEL SECURITY;

ALTER TABLE record.recording
  ADD COLUMN number integer,
  ADD COLUMN encoding smallint NOT NULL DEFAULT 2,
  ADD COLUMN identity text NOT NULL DEFAULT 'cells',
  ADD COLUMN read bigint NOT NULL DEFAULT 0,
  ADD COLUMN corrected bigint NOT NULL DEFAULT 0,
  ADD COLUMN refused bigint NOT NULL DEFAULT 0,
  ADD COLUMN out_of_order bigint NOT NULL DEFAULT 0,
  ADD COLUMN events bigint NOT NULL DEFAULT 0,
  ADD COLUMN entry integer,
  ADD CONSTRAINT a_row_is_known_by_its_key_or_its_cells CHECK (identity IN ('key', 'cells'));
COMMENT ON COLUMN record.recording.number IS 'Counts an engagement''s recordings, given up or not, from 1.';
COMMENT ON COLUMN record.recording.entry IS 'The entry that completed it; until then nobody sees its events.';

UPDATE record.recording r SET encoding = 1, read = accepted + already_known,
  number = (SELECT count(*) FROM record.recording o WHERE o.engagement_id = r.engagement_id
             AND (o.opened_at, o.recording_id) <= (r.opened_at, r.recording_id));
-- What is unfinished was counted in chunks of another size, and cannot go on in ours.
UPDATE record.recording SET abandoned_at = transaction_timestamp()
 WHERE completed_at IS NULL AND abandoned_at IS NULL;
ALTER TABLE record.recording ALTER COLUMN number SET NOT NULL,
  ADD CONSTRAINT recordings_are_numbered UNIQUE (engagement_id, number);

CREATE TABLE record.entry (
  engagement_id uuid NOT NULL REFERENCES agreements.engagement (engagement_id),
  entry integer NOT NULL,
  act text NOT NULL,
  recording integer,
  events bigint NOT NULL,
  first_sequence bigint NOT NULL,
  entered_at timestamptz NOT NULL,
  entered_by text NOT NULL,
  entered_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
  told text NOT NULL,
  leaf bytea NOT NULL CONSTRAINT leaf_is_sha256 CHECK (octet_length(leaf) = 32),
  PRIMARY KEY (engagement_id, entry),
  FOREIGN KEY (engagement_id, recording) REFERENCES record.recording (engagement_id, number)
);
COMMENT ON COLUMN record.entry.first_sequence IS
  'The sequence number of its first leaf: those of its events come first, then that of its own line.';
COMMENT ON COLUMN record.entry.entered_in IS
  'Sealed is only what was entered before any transaction that is still under way.';

CREATE TABLE record.told_event (
  engagement_id uuid NOT NULL,
  recording integer NOT NULL,
  ordinal integer NOT NULL,
  position bigint NOT NULL,
  part smallint NOT NULL,
  row_key bytea NOT NULL CONSTRAINT row_key_is_16_bytes CHECK (octet_length(row_key) = 16),
  row_content bytea NOT NULL CONSTRAINT row_content_is_16_bytes CHECK (octet_length(row_content) = 16),
  kind text NOT NULL,
  subject text NOT NULL,
  happened_at timestamptz NOT NULL,
  rank text,
  first_recording integer,
  first_position bigint,
  told text NOT NULL,
  leaf bytea NOT NULL CONSTRAINT leaf_is_sha256 CHECK (octet_length(leaf) = 32),
  PRIMARY KEY (engagement_id, recording, ordinal)
);
COMMENT ON TABLE record.told_event IS
  'Events are added by record.take_in() alone, which sees to it that their recording is there.';
COMMENT ON COLUMN record.told_event.first_recording IS
  'Where the row that this one corrects was first recorded: a correction keeps its place.';

CREATE TABLE record.opening (
  engagement_id uuid NOT NULL,
  recording integer NOT NULL,
  ordinal integer NOT NULL,
  attributes jsonb NOT NULL,
  PRIMARY KEY (engagement_id, recording, ordinal),
  FOREIGN KEY (engagement_id, recording, ordinal)
    REFERENCES record.told_event (engagement_id, recording, ordinal)
);
COMMENT ON TABLE record.opening IS
  'What an event''s commitments stand for: {name: {salt, value}}. Erased here, the leaf stays as it is.';
ALTER TABLE record.opening ALTER COLUMN attributes SET STATISTICS 0;

INSERT INTO record.told_event (engagement_id, recording, ordinal, position, part, row_key,
  row_content, kind, subject, happened_at, told, leaf)
SELECT engagement_id, number, ordinal, position, 1, row_hash, row_hash, 'case', subject, happened_at,
  told, sha256('\x00'::bytea || convert_to(told, 'UTF8'))
FROM (
  SELECT e.*, r.number,
    row_number() OVER (PARTITION BY e.engagement_id, r.number ORDER BY e.position) AS ordinal,
    '{"at":"' || to_char(e.happened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"'
    || CASE WHEN e.content_commitments = '{}' THEN '' ELSE ',"committed":{' || (
         SELECT string_agg(to_json(c.key)::text || ':' || c.value::text, ',' ORDER BY c.key COLLATE "C")
           FROM jsonb_each(e.content_commitments) c) || '}' END
    || ',"facts":{' || coalesce((
         SELECT string_agg(to_json(f.key)::text || ':' || CASE WHEN jsonb_typeof(f.value) = 'string'
                  THEN to_json(f.value #>> '{}')::text ELSE f.value::text END, ','
                  ORDER BY f.key COLLATE "C")
           FROM jsonb_each(e.facts) f), '') || '}'
    || ',"kind":"case","part":1,"position":' || e.position
    || ',"row":"' || encode(e.row_hash, 'hex')
    || '","salt":"' || replace(gen_random_uuid()::text, '-', '')
    || '","subject":' || to_json(e.subject)::text || ',"type":"activity"}' AS told
  FROM record.event e JOIN record.recording r USING (engagement_id, recording_id)
) AS lines;

INSERT INTO record.opening (engagement_id, recording, ordinal, attributes)
SELECT t.engagement_id, t.recording, t.ordinal, (
    SELECT jsonb_object_agg(a.key, jsonb_build_object('value', a.value,
             'salt', encode(substring(c.salts FROM (a.nth - 1)::integer * 16 + 1 FOR 16), 'hex')))
      FROM (SELECT key, value, row_number() OVER (ORDER BY key COLLATE "C") AS nth
              FROM jsonb_each(c.attributes)) a)
  FROM record.content c JOIN record.event e USING (engagement_id, event_id)
  JOIN record.recording r USING (engagement_id, recording_id)
  JOIN record.told_event t ON t.engagement_id = c.engagement_id AND t.recording = r.number
   AND t.position = e.position
 WHERE c.attributes <> '{}';

UPDATE record.recording r SET events = (SELECT count(*) FROM record.told_event t
  WHERE t.engagement_id = r.engagement_id AND t.recording = r.number);

DO $$
DECLARE
  told_act record;
  line text;
BEGIN
  FOR told_act IN
    SELECT numbered.*, coalesce(sum(events + 1) OVER (PARTITION BY engagement_id ORDER BY entry
             ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS first_sequence
      FROM (SELECT done.*, row_number() OVER (PARTITION BY engagement_id
               ORDER BY at, act COLLATE "C" DESC, recording, tie COLLATE "C") AS entry
        FROM (
          SELECT s.engagement_id, s.signed_at AS at, 'signature' AS act, s.signed_by AS acted_by,
            NULL::integer AS recording, 0::bigint AS events, s.side AS tie,
            jsonb_build_object('content_hash', encode(v.content_hash, 'hex'), 'number', v.number,
              'side', s.side, 'key_id', s.key_id, 'public_key', encode(s.public_key, 'hex'),
              'signature', encode(s.signature, 'hex')) AS more
            FROM agreements.signature s JOIN agreements.version v USING (engagement_id, version_id)
          UNION ALL
          SELECT r.engagement_id, r.completed_at, 'recording', r.opened_by, r.number, r.events,
            r.number::text,
            jsonb_build_object('recording', r.number, 'source', r.source, 'events', r.events,
              'fingerprint', encode(r.fingerprint, 'hex'), 'mapping', r.mapping,
              'version', encode(v.content_hash, 'hex'), 'encoding', r.encoding,
              'identity', r.identity, 'read', r.read, 'accepted', r.accepted,
              'corrected', 0, 'already_known', r.already_known, 'refused', 0, 'out_of_order', 0,
              'opened_at', to_char(r.opened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
            FROM record.recording r JOIN agreements.version v USING (engagement_id, version_id)
           WHERE r.completed_at IS NOT NULL
        ) AS done) AS numbered
  LOOP
    SELECT '{' || string_agg(to_json(m.key)::text || ':' || CASE WHEN jsonb_typeof(m.value) = 'string'
             THEN to_json(m.value #>> '{}')::text ELSE m.value::text END, ',' ORDER BY m.key COLLATE "C")
           || '}'
      INTO line
      FROM jsonb_each(told_act.more || jsonb_build_object('act', told_act.act, 'entry', told_act.entry, 'by', told_act.acted_by,
        'at', to_char(told_act.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))) m;
    INSERT INTO record.entry (engagement_id, entry, act, recording, events, first_sequence,
      entered_at, entered_by, told, leaf)
    VALUES (told_act.engagement_id, told_act.entry, told_act.act, told_act.recording, told_act.events, told_act.first_sequence,
      told_act.at, told_act.acted_by, line, sha256('\x00'::bytea || convert_to(line, 'UTF8')));
    UPDATE record.recording SET entry = told_act.entry
     WHERE engagement_id = told_act.engagement_id AND number = told_act.recording;
  END LOOP;
END $$;

ALTER TABLE record.recording FORCE ROW LEVEL SECURITY;
ALTER TABLE agreements.version FORCE ROW LEVEL SECURITY;
ALTER TABLE agreements.signature FORCE ROW LEVEL SECURITY;
DROP FUNCTION record.take_in_staged(uuid);
DROP TABLE record.staged_event, record.content, record.event;
ALTER TABLE record.told_event RENAME TO event;
ALTER INDEX record.told_event_pkey RENAME TO event_pkey;

-- Each condition always holds. It keeps an index from being used for the engagement alone: of one
-- that statistics do not know yet the planner expects a single row, and then any index that begins
-- with the engagement looks as good as the right one.
CREATE INDEX events_of_a_subject ON record.event (engagement_id, subject, happened_at)
  WHERE subject IS NOT NULL;
CREATE INDEX events_by_time ON record.event (engagement_id, happened_at)
  WHERE happened_at IS NOT NULL;
CREATE INDEX events_of_a_row ON record.event (engagement_id, row_key) WHERE part = 1;
CREATE INDEX entries_of_recordings ON record.entry (engagement_id, recording)
  WHERE recording IS NOT NULL;

CREATE TABLE record.superseded (
  engagement_id uuid NOT NULL,
  recording integer NOT NULL,
  ordinal integer NOT NULL,
  by_recording integer NOT NULL,
  PRIMARY KEY (engagement_id, recording, ordinal, by_recording),
  FOREIGN KEY (engagement_id, recording, ordinal)
    REFERENCES record.event (engagement_id, recording, ordinal)
);
COMMENT ON TABLE record.superseded IS
  'Which events a later version of their row has corrected: an index of what row keys and sequence tell.';

CREATE TABLE record.recognised (
  engagement_id uuid NOT NULL,
  recording integer NOT NULL,
  row_key bytea NOT NULL,
  times bigint NOT NULL,
  PRIMARY KEY (engagement_id, recording, row_key),
  FOREIGN KEY (engagement_id, recording) REFERENCES record.recording (engagement_id, number)
);
COMMENT ON TABLE record.recognised IS
  'How often the open recording met a row that is known, so that the next such row can be told apart.';

ALTER TABLE record.entry ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE record.event ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE record.opening ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE record.superseded ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE record.recognised ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_engagement ON record.entry
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
CREATE POLICY of_the_engagement ON record.event
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
CREATE POLICY of_the_engagement ON record.opening
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
CREATE POLICY of_the_engagement ON record.superseded
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
CREATE POLICY of_the_engagement ON record.recognised
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));

CREATE TRIGGER events_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON record.event
  FOR EACH STATEMENT EXECUTE FUNCTION record.refuse_change();
CREATE TRIGGER entries_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON record.entry
  FOR EACH STATEMENT EXECUTE FUNCTION record.refuse_change();

-- Entries follow one another without a gap; the advisory lock is held until the commit.
CREATE FUNCTION record.follow_the_last_entry() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  last record.entry;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(NEW.engagement_id::text, 6));
  SELECT * INTO last FROM record.entry e WHERE e.engagement_id = NEW.engagement_id
   ORDER BY e.entry DESC LIMIT 1;
  IF NEW.entry <> coalesce(last.entry, 0) + 1
     OR NEW.first_sequence <> coalesce(last.first_sequence + last.events + 1, 0) THEN
    RAISE check_violation USING MESSAGE = 'an entry follows the last one without a gap';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER entries_have_no_gap BEFORE INSERT ON record.entry
  FOR EACH ROW EXECUTE FUNCTION record.follow_the_last_entry();

-- Bulk comes in through here: the rows of one chunk, an array for each column, under the policies
-- of the context's engagement and into its own open recording alone. Returned is how many rows
-- were new, corrected one that was known, or were known as they are.
CREATE FUNCTION record.take_in(
  of_recording integer, their_kind text, positions bigint[], parts smallint[], row_keys bytea[],
  row_contents bytea[], subjects text[], happened timestamptz[], ranks text[], lines text[],
  leaves bytea[], opened integer[], openings jsonb[])
RETURNS TABLE (accepted bigint, corrected bigint, already_known bigint, events bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan  -- a plan made for empty tables is of no use later
SET work_mem = '64MB' AS $$  -- a chunk's rows stay in memory
DECLARE
  ours record.recording;
  known_rows bigint[] := '{}';
  correcting_rows bigint[] := '{}';
  first_recordings integer[] := '{}';
  first_positions bigint[] := '{}';
  heads bigint;
  known bigint := 0;
  added bigint;
BEGIN
  SELECT * INTO ours FROM record.recording r
   WHERE r.engagement_id = ANY ((SELECT sec.engagements())::uuid[]) AND r.number = of_recording
     AND r.completed_at IS NULL AND r.abandoned_at IS NULL;
  IF NOT FOUND THEN
    RAISE insufficient_privilege USING MESSAGE = 'this recording is not open, or not yours';
  END IF;
  SELECT count(*) INTO heads FROM unnest(parts) p(part) WHERE p.part = 1;

  IF ours.identity = 'cells' AND EXISTS (SELECT 1 FROM record.recording r
       WHERE r.engagement_id = ours.engagement_id AND r.completed_at IS NOT NULL) THEN
    -- The how-manieth such row of the file against how many such rows the record knows.
    WITH head AS (
      SELECT u.position, u.row_key,
             row_number() OVER (PARTITION BY u.row_key ORDER BY u.position) AS nth
        FROM unnest(positions, parts, row_keys) u(position, part, row_key) WHERE u.part = 1
    ), met AS (
      SELECT h.position, h.row_key, h.nth, before.times AS before,
             coalesce((SELECT g.times FROM record.recognised g
                WHERE g.engagement_id = ours.engagement_id AND g.recording = of_recording
                  AND g.row_key = h.row_key), 0) AS met
        FROM head h CROSS JOIN LATERAL (
          -- The policy alone names the engagement: said twice, the planner counts it twice, takes
          -- the engagement for empty, and looks rows up by any index. Keys are keyed by engagement.
          SELECT count(*) AS times FROM record.event e
           WHERE e.row_key = h.row_key AND e.part = 1
             AND EXISTS (SELECT 1 FROM record.recording r WHERE r.engagement_id = e.engagement_id
                            AND r.number = e.recording AND r.completed_at IS NOT NULL)
          OFFSET 0) before
       WHERE before.times > 0
    ), again AS (
      SELECT m.position, m.row_key FROM met m WHERE m.met + m.nth <= m.before
    ), noted AS (
      INSERT INTO record.recognised AS g (engagement_id, recording, row_key, times)
      SELECT ours.engagement_id, of_recording, a.row_key, count(*) FROM again a GROUP BY a.row_key
      ON CONFLICT (engagement_id, recording, row_key)
        DO UPDATE SET times = g.times + EXCLUDED.times
    )
    SELECT coalesce(array_agg(a.position), '{}'), count(*) INTO known_rows, known FROM again a;
  ELSIF ours.identity = 'key' THEN
    WITH head AS (
      SELECT u.position, u.row_key, u.row_content,
             lag(u.row_content) OVER same_row AS just_before,
             first_value(u.position) OVER same_row AS first_position
        FROM unnest(positions, parts, row_keys, row_contents)
          u(position, part, row_key, row_content) WHERE u.part = 1
      WINDOW same_row AS (PARTITION BY u.row_key ORDER BY u.position)
    ), judged AS (
      SELECT h.position, h.row_content, coalesce(h.just_before, latest.row_content) AS before,
             coalesce(latest.first_recording, latest.recording, of_recording) AS first_recording,
             coalesce(latest.first_position, latest.position, h.first_position) AS first_position
        FROM head h LEFT JOIN LATERAL (
          SELECT e.row_content, e.recording, e.position, e.first_recording, e.first_position
            FROM record.event e
           WHERE e.row_key = h.row_key AND e.part = 1 AND (e.recording = of_recording
             OR EXISTS (SELECT 1 FROM record.recording r WHERE r.engagement_id = e.engagement_id
                           AND r.number = e.recording AND r.completed_at IS NOT NULL))
           ORDER BY e.recording DESC, e.ordinal DESC LIMIT 1) latest ON true
       WHERE coalesce(h.just_before, latest.row_content) IS NOT NULL
    )
    SELECT coalesce(array_agg(j.position) FILTER (WHERE j.before = j.row_content), '{}'),
           coalesce(array_agg(j.position) FILTER (WHERE j.before <> j.row_content), '{}'),
           coalesce(array_agg(j.first_recording) FILTER (WHERE j.before <> j.row_content), '{}'),
           coalesce(array_agg(j.first_position) FILTER (WHERE j.before <> j.row_content), '{}'),
           count(*) FILTER (WHERE j.before = j.row_content)
      INTO known_rows, correcting_rows, first_recordings, first_positions, known FROM judged j;
  END IF;

  IF known_rows = '{}' AND correcting_rows = '{}' THEN
    INSERT INTO record.event (engagement_id, recording, ordinal, position, part, row_key,
      row_content, kind, subject, happened_at, rank, told, leaf)
    SELECT ours.engagement_id, of_recording, ours.events + u.nth, u.position, u.part, u.row_key,
      u.row_content, their_kind, u.subject, u.happened_at, u.rank, u.told, u.leaf
      FROM unnest(positions, parts, row_keys, row_contents, subjects, happened, ranks, lines, leaves)
        WITH ORDINALITY
        u(position, part, row_key, row_content, subject, happened_at, rank, told, leaf, nth);
  ELSE
    INSERT INTO record.event (engagement_id, recording, ordinal, position, part, row_key,
      row_content, kind, subject, happened_at, rank, first_recording, first_position, told, leaf)
    SELECT ours.engagement_id, of_recording, ours.events + row_number() OVER (ORDER BY u.nth),
      u.position, u.part, u.row_key, u.row_content, their_kind, u.subject, u.happened_at, u.rank,
      c.recording, c.first_position, u.told, u.leaf
      FROM unnest(positions, parts, row_keys, row_contents, subjects, happened, ranks, lines, leaves)
        WITH ORDINALITY
        u(position, part, row_key, row_content, subject, happened_at, rank, told, leaf, nth)
      LEFT JOIN unnest(correcting_rows, first_recordings, first_positions)
        c(position, recording, first_position) ON c.position = u.position
     WHERE u.position <> ALL (known_rows);
  END IF;
  GET DIAGNOSTICS added = ROW_COUNT;

  IF correcting_rows <> '{}' THEN
    INSERT INTO record.superseded (engagement_id, recording, ordinal, by_recording)
    SELECT DISTINCT part.engagement_id, part.recording, part.ordinal, of_recording
      FROM record.event now
      JOIN record.event head ON head.engagement_id = now.engagement_id
       AND head.row_key = now.row_key AND head.part = 1
       AND (head.recording, head.ordinal) < (now.recording, now.ordinal)
      JOIN record.recording r ON r.engagement_id = head.engagement_id AND r.number = head.recording
       AND (r.completed_at IS NOT NULL OR r.number = of_recording)
      JOIN record.event part ON part.engagement_id = head.engagement_id
       AND part.recording = head.recording AND part.position = head.position
       AND part.ordinal BETWEEN head.ordinal AND head.ordinal + 1000
     WHERE now.engagement_id = ours.engagement_id AND now.recording = of_recording
       AND now.ordinal > ours.events AND now.position = ANY (correcting_rows) AND now.part = 1
    ON CONFLICT DO NOTHING;
  END IF;

  IF opened <> '{}' THEN
    INSERT INTO record.opening (engagement_id, recording, ordinal, attributes)
    SELECT e.engagement_id, e.recording, e.ordinal, o.attributes
      FROM unnest(opened, openings) o(nth, attributes)
      JOIN record.event e ON e.engagement_id = ours.engagement_id AND e.recording = of_recording
       AND e.ordinal > ours.events AND e.position = positions[o.nth] AND e.part = parts[o.nth];
  END IF;

  UPDATE record.recording r SET chunks_done = r.chunks_done + 1, events = r.events + added,
    accepted = r.accepted + heads - known - cardinality(correcting_rows),
    corrected = r.corrected + cardinality(correcting_rows), already_known = r.already_known + known
   WHERE r.engagement_id = ours.engagement_id AND r.number = of_recording;
  RETURN QUERY SELECT heads - known - cardinality(correcting_rows),
    cardinality(correcting_rows)::bigint, known, added;
END $$;

REVOKE ALL ON FUNCTION record.follow_the_last_entry(), record.take_in(integer, text, bigint[],
  smallint[], bytea[], bytea[], text[], timestamptz[], text[], text[], bytea[], integer[], jsonb[])
  FROM PUBLIC;
GRANT SELECT ON record.event, record.opening, record.superseded, record.entry TO openbpo_app;
GRANT INSERT (engagement_id, entry, act, recording, events, first_sequence, entered_at, entered_by,
  told, leaf) ON record.entry TO openbpo_app;  -- the transaction is noted by the database alone
GRANT SELECT, DELETE ON record.recognised TO openbpo_app;
GRANT UPDATE (read, refused, out_of_order, entry) ON record.recording TO openbpo_app;
REVOKE UPDATE (chunks_done, accepted, already_known) ON record.recording FROM openbpo_app;
GRANT EXECUTE ON FUNCTION record.take_in(integer, text, bigint[], smallint[], bytea[], bytea[],
  text[], timestamptz[], text[], text[], bytea[], integer[], jsonb[]) TO openbpo_app;
