-- The record: recordings, and the events that each brought in. Events are added, never changed.

CREATE SCHEMA record;

CREATE TABLE record.recording (
  engagement_id uuid NOT NULL REFERENCES agreements.engagement (engagement_id),
  recording_id uuid NOT NULL,
  source text NOT NULL,
  fingerprint bytea NOT NULL CONSTRAINT fingerprint_is_sha256 CHECK (octet_length(fingerprint) = 32),
  mapping text NOT NULL,
  version_id uuid NOT NULL,
  opened_by text NOT NULL,
  opened_at timestamptz NOT NULL DEFAULT transaction_timestamp(),
  chunks_done integer NOT NULL DEFAULT 0,
  accepted bigint NOT NULL DEFAULT 0,
  already_known bigint NOT NULL DEFAULT 0,
  completed_at timestamptz,
  abandoned_at timestamptz,
  PRIMARY KEY (engagement_id, recording_id),
  FOREIGN KEY (engagement_id, version_id) REFERENCES agreements.version (engagement_id, version_id),
  CONSTRAINT a_recording_ends_once CHECK (completed_at IS NULL OR abandoned_at IS NULL)
);
COMMENT ON TABLE record.recording IS
  'One bringing-in of events. Its events are visible from completed_at on; abandoned, they never are.';
CREATE UNIQUE INDEX one_recording_is_open_at_a_time ON record.recording (engagement_id)
  WHERE completed_at IS NULL AND abandoned_at IS NULL;

CREATE TABLE record.event (
  engagement_id uuid NOT NULL,
  event_id uuid NOT NULL,
  recording_id uuid NOT NULL,
  position bigint NOT NULL,
  row_hash bytea NOT NULL CONSTRAINT row_hash_is_16_bytes CHECK (octet_length(row_hash) = 16),
  type text NOT NULL,
  subject text NOT NULL,
  happened_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  recorded_by text NOT NULL,
  encoding smallint NOT NULL,
  facts jsonb NOT NULL,
  fact_salts bytea NOT NULL,
  content_commitments jsonb NOT NULL,
  leaf bytea NOT NULL CONSTRAINT leaf_is_sha256 CHECK (octet_length(leaf) = 32),
  PRIMARY KEY (engagement_id, event_id),
  FOREIGN KEY (engagement_id, recording_id) REFERENCES record.recording (engagement_id, recording_id)
);
-- Each condition always holds. It keeps an index from being used for the engagement alone: of one
-- that statistics do not know yet the planner expects a single row, and then any index that begins
-- with the engagement looks as good as the right one.
CREATE INDEX events_of_a_subject ON record.event (engagement_id, subject, happened_at)
  WHERE subject IS NOT NULL;
CREATE INDEX events_by_time ON record.event (engagement_id, happened_at)
  WHERE happened_at IS NOT NULL;
CREATE UNIQUE INDEX a_row_is_recorded_once_in_a_recording
  ON record.event (engagement_id, row_hash, recording_id) WHERE row_hash IS NOT NULL;

CREATE TABLE record.content (
  engagement_id uuid NOT NULL,
  event_id uuid NOT NULL,
  attributes jsonb NOT NULL,
  salts bytea NOT NULL,
  PRIMARY KEY (engagement_id, event_id),
  FOREIGN KEY (engagement_id, event_id) REFERENCES record.event (engagement_id, event_id)
);
COMMENT ON TABLE record.content IS
  'What may have to be erased: an event''s content attributes with their salts. Their commitments stay in the event.';

-- Statistics would keep samples of what was erased.
ALTER TABLE record.content ALTER COLUMN attributes SET STATISTICS 0,
  ALTER COLUMN salts SET STATISTICS 0;

ALTER TABLE record.recording ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE record.event ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE record.content ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_engagement ON record.recording
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
CREATE POLICY of_the_engagement ON record.event
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
CREATE POLICY of_the_engagement ON record.content
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));

CREATE FUNCTION record.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE insufficient_privilege USING MESSAGE = 'an event is never changed; a later event corrects it';
END $$;
CREATE TRIGGER events_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON record.event
  FOR EACH STATEMENT EXECUTE FUNCTION record.refuse_change();

-- Bulk comes in through here. COPY is refused under row-level security, so the application copies
-- into this table, which it can fill but never read, and has the function below move the rows of
-- its own recording, under the policies above, in the same transaction. What another transaction
-- left here, under whatever recording's id, is never taken in.
CREATE UNLOGGED TABLE record.staged_event (
  staged_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
  recording_id uuid NOT NULL,
  event_id uuid NOT NULL,
  position bigint NOT NULL,
  row_hash bytea NOT NULL,
  type text NOT NULL,
  subject text NOT NULL,
  happened_at timestamptz NOT NULL,
  encoding smallint NOT NULL,
  facts jsonb NOT NULL,
  fact_salts bytea NOT NULL,
  content jsonb NOT NULL,
  content_salts bytea NOT NULL,
  content_commitments jsonb NOT NULL,
  leaf bytea NOT NULL
);
CREATE INDEX staged_events_of_a_recording ON record.staged_event (recording_id);

CREATE FUNCTION record.take_in_staged(of_recording uuid)
RETURNS TABLE (accepted bigint, already_known bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan AS $$  -- a plan made for empty tables is of no use later
DECLARE
  open_recording record.recording;
BEGIN
  SELECT * INTO open_recording FROM record.recording r
   WHERE r.engagement_id = ANY ((SELECT sec.engagements())::uuid[]) AND r.recording_id = of_recording
     AND r.completed_at IS NULL AND r.abandoned_at IS NULL;
  IF NOT FOUND THEN
    RAISE insufficient_privilege USING MESSAGE = 'this recording is not open, or not yours';
  END IF;
  RETURN QUERY
  WITH staged AS (
    DELETE FROM record.staged_event s
     WHERE s.recording_id = of_recording AND s.staged_in = pg_current_xact_id() RETURNING s.*
  ), fresh AS (
    SELECT s.* FROM staged s WHERE NOT EXISTS (
      -- The policy alone names the engagement: said twice, the planner counts it twice, takes the
      -- engagement for empty, and looks rows up by any index. Hashes are keyed by engagement.
      SELECT 1 FROM record.event e
       WHERE e.row_hash = s.row_hash
         AND EXISTS (SELECT 1 FROM record.recording r
                      WHERE r.engagement_id = e.engagement_id AND r.recording_id = e.recording_id
                        AND r.completed_at IS NOT NULL)
      OFFSET 0)  -- a look-up for each row, never a join of two sizes that nobody knows
  ), added AS (
    INSERT INTO record.event (engagement_id, event_id, recording_id, position, row_hash, type,
      subject, happened_at, recorded_at, recorded_by, encoding, facts, fact_salts,
      content_commitments, leaf)
    SELECT open_recording.engagement_id, f.event_id, f.recording_id, f.position, f.row_hash, f.type,
      f.subject, f.happened_at, open_recording.opened_at, open_recording.opened_by, f.encoding,
      f.facts, f.fact_salts, f.content_commitments, f.leaf
      FROM fresh f
    RETURNING event_id
  ), erasable AS (
    INSERT INTO record.content (engagement_id, event_id, attributes, salts)
    SELECT open_recording.engagement_id, f.event_id, f.content, f.content_salts
      FROM fresh f WHERE f.content <> '{}'
  )
  SELECT (SELECT count(*) FROM added), (SELECT count(*) FROM staged) - (SELECT count(*) FROM added);
END $$;

-- The planner knows the record again as it is now; only its owner may ask for that.
CREATE FUNCTION record.refresh_statistics() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM sec.engagements();
  ANALYZE record.recording, record.event;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA record FROM PUBLIC;
GRANT USAGE ON SCHEMA record TO openbpo_app;
GRANT SELECT, INSERT ON record.recording TO openbpo_app;
GRANT UPDATE (chunks_done, accepted, already_known, completed_at, abandoned_at)
  ON record.recording TO openbpo_app;
GRANT SELECT ON record.event, record.content TO openbpo_app;
GRANT INSERT (recording_id, event_id, position, row_hash, type, subject, happened_at, encoding, facts,
  fact_salts, content, content_salts, content_commitments, leaf) ON record.staged_event TO openbpo_app;
GRANT EXECUTE ON FUNCTION record.take_in_staged(uuid), record.refresh_statistics() TO openbpo_app;
