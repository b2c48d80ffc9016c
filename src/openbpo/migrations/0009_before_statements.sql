-- What a period came to, kept ready to be read; and work that is done in the background.
--
-- A statement is computed from the record alone: all rows of both its tables may be deleted at any
-- time, and come back as they were.

CREATE TABLE billing.statement (
  engagement_id uuid NOT NULL REFERENCES agreements.engagement (engagement_id),
  period text NOT NULL,
  entry integer NOT NULL,
  depends_on bytea NOT NULL
    CONSTRAINT depends_on_is_sha256 CHECK (octet_length(depends_on) = 32),
  body bytea NOT NULL,
  computed_at timestamptz NOT NULL DEFAULT transaction_timestamp(),
  PRIMARY KEY (engagement_id, period)
);
COMMENT ON COLUMN billing.statement.depends_on IS
  'A digest of all that the statement is computed from; where it is another now, it is stale.';
COMMENT ON COLUMN billing.statement.body IS 'Canonical JSON, compressed by zlib.';

CREATE TABLE billing.statement_cases (
  engagement_id uuid NOT NULL,
  period text NOT NULL,
  figure text NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (engagement_id, period, figure),
  FOREIGN KEY (engagement_id, period) REFERENCES billing.statement (engagement_id, period)
    ON DELETE CASCADE
);
COMMENT ON TABLE billing.statement_cases IS 'The cases behind a figure of a statement, of all outcomes.';

ALTER TABLE billing.statement ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE billing.statement_cases ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_engagement ON billing.statement
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
CREATE POLICY of_the_engagement ON billing.statement_cases
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
GRANT SELECT, INSERT, DELETE ON billing.statement, billing.statement_cases TO openbpo_app;

CREATE TABLE storage.job (
  engagement_id uuid NOT NULL,
  job_id uuid NOT NULL,
  kind text NOT NULL,
  arguments jsonb NOT NULL,
  alone_as text,
  asked_by text NOT NULL,
  asked_at timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'waiting' CONSTRAINT job_state_is_known
    CHECK (state IN ('waiting', 'running', 'done', 'failed')),
  attempt integer NOT NULL DEFAULT 0,
  leased_until timestamptz,
  steps_done integer NOT NULL DEFAULT 0,
  steps integer,
  doing text,
  outcome jsonb,
  error jsonb,
  ended_at timestamptz,
  PRIMARY KEY (engagement_id, job_id),
  CONSTRAINT a_running_job_has_a_lease CHECK ((state = 'running') = (leased_until IS NOT NULL)),
  CONSTRAINT a_job_ends_once CHECK ((state IN ('done', 'failed')) = (ended_at IS NOT NULL))
);
COMMENT ON COLUMN storage.job.arguments IS 'Ids and small plain values, never what the record holds.';
COMMENT ON COLUMN storage.job.alone_as IS
  'Of the jobs of a kind with the same word here one waits at a time.';
COMMENT ON COLUMN storage.job.attempt IS
  'Counts who took it up: whoever took it up before the last one can write nothing any more.';
CREATE UNIQUE INDEX one_job_of_a_kind_waits ON storage.job (engagement_id, kind, alone_as)
  WHERE state = 'waiting';
CREATE INDEX jobs_by_time ON storage.job (engagement_id, asked_at);
ALTER TABLE storage.job ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_engagement ON storage.job
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
GRANT SELECT, INSERT ON storage.job TO openbpo_app;
GRANT UPDATE (asked_at, state, attempt, leased_until, steps_done, steps, doing, outcome, error,
  ended_at) ON storage.job TO openbpo_app;

-- Which jobs can be taken up, from when on: a waiting one at once, a running one when its lease is
-- over. Who works learns ids alone, one of each engagement, and only as the worker.
CREATE TABLE sec.ready_job (
  engagement_id uuid NOT NULL,
  job_id uuid NOT NULL,
  ready_at timestamptz NOT NULL,
  PRIMARY KEY (engagement_id, job_id)
);
CREATE INDEX ready_jobs_by_time ON sec.ready_job (ready_at);

CREATE FUNCTION sec.note_ready_job() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.state IN ('done', 'failed') THEN
    DELETE FROM sec.ready_job r WHERE r.engagement_id = NEW.engagement_id AND r.job_id = NEW.job_id;
  ELSE
    INSERT INTO sec.ready_job AS r (engagement_id, job_id, ready_at)
    VALUES (NEW.engagement_id, NEW.job_id, coalesce(NEW.leased_until, NEW.asked_at))
    ON CONFLICT (engagement_id, job_id) DO UPDATE SET ready_at = EXCLUDED.ready_at;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER jobs_wait_to_be_taken_up AFTER INSERT OR UPDATE ON storage.job
  FOR EACH ROW EXECUTE FUNCTION sec.note_ready_job();

CREATE FUNCTION sec.ready_jobs() RETURNS TABLE (engagement_id uuid, job_id uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT found.engagement_id, found.job_id FROM (
    SELECT DISTINCT ON (r.engagement_id) r.engagement_id, r.job_id, r.ready_at FROM sec.ready_job r
     WHERE (SELECT sec.principal()) = 'openbpo:worker' AND r.ready_at <= clock_timestamp()
     ORDER BY r.engagement_id, r.ready_at, r.job_id) found
   ORDER BY found.ready_at, found.engagement_id
$$;

REVOKE ALL ON FUNCTION sec.note_ready_job(), sec.ready_jobs() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sec.ready_jobs() TO openbpo_app;
