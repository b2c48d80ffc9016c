-- A chunk of rows comes in at less cost: an import was held up by its indexes more than by its rows.
--
-- Row keys are random, and an index that keeps them in order, behind the engagement's id, takes a
-- place of its own for every row; a hash index is less than half its size. It grows slow where many
-- rows are equal, so of the equal rows of a chunk only the first stands in it, with their number.
-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion
-- squawk-ignore-file ban-drop-function

ALTER TABLE record.event ADD COLUMN times integer NOT NULL DEFAULT 1;
COMMENT ON COLUMN record.event.times IS
  'On the first of equal rows of a chunk how many there are, 0 on the others; of keyed rows 1 on the last of a key.';

DROP INDEX record.events_of_a_row;
CREATE INDEX events_of_a_row ON record.event USING hash (row_key) WHERE part = 1 AND times > 0;
DROP INDEX record.events_of_a_subject;
CREATE INDEX events_of_a_subject ON record.event (engagement_id, subject) WHERE subject IS NOT NULL;

DROP FUNCTION record.take_in(integer, text, bigint[], smallint[], bytea[], bytea[], text[],
  timestamptz[], text[], text[], bytea[], integer[], jsonb[]);

-- Bulk comes in through here: the rows of one chunk, an array for each column, under the policies
-- of the context's engagement and into its own open recording alone. Returned is how many rows
-- were new, corrected one that was known, or were known as they are.
--
-- What most chunks hold need not be told event by event: where rows tell one event each and follow
-- one another, `positions` and `parts` are NULL; where no two rows are equal, `rows_differ` says so;
-- where a row is compared by its key, `row_contents` is NULL.
CREATE FUNCTION record.take_in(
  of_recording integer, their_kind text, positions bigint[], parts smallint[], row_keys bytea[],
  row_contents bytea[], subjects text[], happened timestamptz[], ranks text[], lines text[],
  leaves bytea[], opened integer[], openings jsonb[], starts_at bigint, rows_differ boolean)
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
  last_recordings integer[] := '{}';
  last_ordinals integer[] := '{}';
  heads bigint;
  known bigint := 0;
  added bigint;
  may_be_known boolean;
BEGIN
  SELECT * INTO ours FROM record.recording r
   WHERE r.engagement_id = ANY ((SELECT sec.engagements())::uuid[]) AND r.number = of_recording
     AND r.completed_at IS NULL AND r.abandoned_at IS NULL;
  IF NOT FOUND THEN
    RAISE insufficient_privilege USING MESSAGE = 'this recording is not open, or not yours';
  END IF;
  may_be_known := ours.identity = 'key' OR EXISTS (SELECT 1 FROM record.recording r
       WHERE r.engagement_id = ours.engagement_id AND r.completed_at IS NOT NULL);
  IF positions IS NOT NULL THEN
    SELECT count(*) INTO heads FROM unnest(parts) p(part) WHERE p.part = 1;
  ELSE
    heads := cardinality(row_keys);
    IF may_be_known OR rows_differ IS NOT TRUE OR opened <> '{}' OR row_contents IS NOT NULL THEN
      positions := ARRAY(SELECT generate_series(starts_at, starts_at + heads - 1));
      parts := array_fill(1::smallint, ARRAY[heads::integer]);
    END IF;
  END IF;
  row_contents := coalesce(row_contents, row_keys);

  IF ours.identity = 'cells' AND may_be_known THEN
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
          SELECT coalesce(sum(e.times), 0) AS times FROM record.event e
           WHERE e.row_key = h.row_key AND e.part = 1 AND e.times > 0
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
    ), latest AS MATERIALIZED (
      SELECT k.row_key, found.*
        FROM (SELECT DISTINCT h.row_key FROM head h) k CROSS JOIN LATERAL (
          SELECT e.row_content, e.recording, e.ordinal, e.position, e.first_recording,
                 e.first_position
            FROM record.event e
           WHERE e.row_key = k.row_key AND e.part = 1 AND e.times > 0
             AND (e.recording = of_recording
             OR EXISTS (SELECT 1 FROM record.recording r WHERE r.engagement_id = e.engagement_id
                           AND r.number = e.recording AND r.completed_at IS NOT NULL))
           ORDER BY e.recording DESC, e.ordinal DESC LIMIT 1) found
    ), judged AS (
      SELECT h.position, h.row_content, coalesce(h.just_before, latest.row_content) AS before,
             coalesce(latest.first_recording, latest.recording, of_recording) AS first_recording,
             coalesce(latest.first_position, latest.position, h.first_position) AS first_position,
             latest.recording AS last_recording, latest.ordinal AS last_ordinal
        FROM head h LEFT JOIN latest ON latest.row_key = h.row_key
       WHERE coalesce(h.just_before, latest.row_content) IS NOT NULL
    )
    SELECT coalesce(array_agg(j.position) FILTER (WHERE j.before = j.row_content), '{}'),
           coalesce(array_agg(j.position) FILTER (WHERE j.before <> j.row_content), '{}'),
           coalesce(array_agg(j.first_recording) FILTER (WHERE j.before <> j.row_content), '{}'),
           coalesce(array_agg(j.first_position) FILTER (WHERE j.before <> j.row_content), '{}'),
           coalesce(array_agg(j.last_recording) FILTER (WHERE j.before <> j.row_content), '{}'),
           coalesce(array_agg(j.last_ordinal) FILTER (WHERE j.before <> j.row_content), '{}'),
           count(*) FILTER (WHERE j.before = j.row_content)
      INTO known_rows, correcting_rows, first_recordings, first_positions, last_recordings,
           last_ordinals, known FROM judged j;
  END IF;

  IF positions IS NULL THEN
    INSERT INTO record.event (engagement_id, recording, ordinal, position, part, row_key,
      row_content, kind, subject, happened_at, rank, told, leaf)
    SELECT ours.engagement_id, of_recording, ours.events + u.nth, starts_at + u.nth - 1, 1,
      u.row_key, u.row_key, their_kind, u.subject, u.happened_at, u.rank, u.told, u.leaf
      FROM unnest(row_keys, subjects, happened, ranks, lines, leaves)
        WITH ORDINALITY u(row_key, subject, happened_at, rank, told, leaf, nth);
  ELSIF known_rows = '{}' AND correcting_rows = '{}' AND rows_differ THEN
    INSERT INTO record.event (engagement_id, recording, ordinal, position, part, row_key,
      row_content, kind, subject, happened_at, rank, told, leaf)
    SELECT ours.engagement_id, of_recording, ours.events + u.nth, u.position, u.part, u.row_key,
      u.row_content, their_kind, u.subject, u.happened_at, u.rank, u.told, u.leaf
      FROM unnest(positions, parts, row_keys, row_contents, subjects, happened, ranks, lines, leaves)
        WITH ORDINALITY
        u(position, part, row_key, row_content, subject, happened_at, rank, told, leaf, nth);
  ELSE
    INSERT INTO record.event (engagement_id, recording, ordinal, position, part, row_key,
      row_content, kind, subject, happened_at, rank, first_recording, first_position, told, leaf,
      times)
    SELECT ours.engagement_id, of_recording, ours.events + row_number() OVER (ORDER BY u.nth),
      u.position, u.part, u.row_key, u.row_content, their_kind, u.subject, u.happened_at, u.rank,
      c.recording, c.first_position, u.told, u.leaf,
      CASE WHEN ours.identity = 'key' THEN (u.nth = max(u.nth) OVER equal)::integer
           WHEN u.nth = min(u.nth) OVER equal THEN count(*) OVER equal ELSE 0 END
      FROM unnest(positions, parts, row_keys, row_contents, subjects, happened, ranks, lines, leaves)
        WITH ORDINALITY
        u(position, part, row_key, row_content, subject, happened_at, rank, told, leaf, nth)
      LEFT JOIN unnest(correcting_rows, first_recordings, first_positions)
        c(position, recording, first_position) ON c.position = u.position
     WHERE u.position <> ALL (known_rows)
    WINDOW equal AS (PARTITION BY u.row_key, u.part);
  END IF;
  GET DIAGNOSTICS added = ROW_COUNT;

  -- A version supersedes the one before it, which superseded those before. The events of a row
  -- follow one another, up to the first one of the next row.
  IF correcting_rows <> '{}' THEN
    INSERT INTO record.superseded (engagement_id, recording, ordinal, by_recording)
    SELECT ours.engagement_id, was.recording, part.ordinal, of_recording
      FROM (SELECT DISTINCT w.recording, w.ordinal
              FROM unnest(last_recordings, last_ordinals) w(recording, ordinal)) was
      LEFT JOIN LATERAL (
        SELECT n.ordinal FROM record.event n
         WHERE n.engagement_id = ours.engagement_id AND n.recording = was.recording
           AND n.ordinal > was.ordinal AND n.part = 1 ORDER BY n.ordinal LIMIT 1) next ON true
      JOIN record.event part ON part.engagement_id = ours.engagement_id
       AND part.recording = was.recording AND part.ordinal >= was.ordinal
       AND part.ordinal < coalesce(next.ordinal, 2147483647)
    UNION
    SELECT now.engagement_id, now.recording, now.ordinal, of_recording FROM record.event now
     WHERE now.engagement_id = ours.engagement_id AND now.recording = of_recording
       AND now.ordinal > ours.events AND now.position IN (
         SELECT head.position FROM record.event head
          WHERE head.engagement_id = ours.engagement_id AND head.recording = of_recording
            AND head.ordinal > ours.events AND head.part = 1 AND head.times = 0)
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

REVOKE ALL ON FUNCTION record.take_in(integer, text, bigint[], smallint[], bytea[], bytea[], text[],
  timestamptz[], text[], text[], bytea[], integer[], jsonb[], bigint, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record.take_in(integer, text, bigint[], smallint[], bytea[], bytea[],
  text[], timestamptz[], text[], text[], bytea[], integer[], jsonb[], bigint, boolean)
  TO openbpo_app;
