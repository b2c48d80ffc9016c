-- Checkpoints of the record's trees, the log of who read it, and the periods that were closed.

CREATE TABLE record.checkpoint (
  engagement_id uuid NOT NULL REFERENCES agreements.engagement (engagement_id),
  tree text NOT NULL CONSTRAINT tree_is_known CHECK (tree IN ('record', 'access')),
  size bigint NOT NULL,
  root bytea NOT NULL CONSTRAINT root_is_sha256 CHECK (octet_length(root) = 32),
  subtrees bytea NOT NULL,
  last_number bigint NOT NULL,
  note text NOT NULL,
  sealed_at timestamptz NOT NULL,
  PRIMARY KEY (engagement_id, tree, size)
);
COMMENT ON COLUMN record.checkpoint.subtrees IS
  'The roots of its perfect subtrees, 32 bytes each: all that it takes to grow the tree.';
COMMENT ON COLUMN record.checkpoint.last_number IS 'The last entry, or reading, that it covers.';

CREATE TABLE record.reading (
  engagement_id uuid NOT NULL REFERENCES agreements.engagement (engagement_id),
  number bigint NOT NULL,
  entered_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
  told text NOT NULL,
  leaf bytea NOT NULL CONSTRAINT leaf_is_sha256 CHECK (octet_length(leaf) = 32),
  PRIMARY KEY (engagement_id, number)
);
COMMENT ON TABLE record.reading IS 'Who read what of the record, when and to what purpose; a tree of its own.';

ALTER TABLE record.checkpoint ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE record.reading ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_engagement ON record.checkpoint
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
CREATE POLICY of_the_engagement ON record.reading
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
CREATE TRIGGER checkpoints_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE
  ON record.checkpoint FOR EACH STATEMENT EXECUTE FUNCTION record.refuse_change();
CREATE TRIGGER readings_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON record.reading
  FOR EACH STATEMENT EXECUTE FUNCTION record.refuse_change();

CREATE FUNCTION record.follow_the_last_reading() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(NEW.engagement_id::text, 7));
  IF NEW.number <> (SELECT coalesce(max(r.number), 0) + 1 FROM record.reading r
                     WHERE r.engagement_id = NEW.engagement_id) THEN
    RAISE check_violation USING MESSAGE = 'a reading follows the last one without a gap';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER readings_have_no_gap BEFORE INSERT ON record.reading
  FOR EACH ROW EXECUTE FUNCTION record.follow_the_last_reading();

-- Which engagements have something to seal: noted with each entry and each reading, and forgotten
-- once all that was entered before the sealer's horizon is sealed. The sealer learns ids alone.
CREATE TABLE sec.unsealed (
  engagement_id uuid PRIMARY KEY,
  entered_in xid8 NOT NULL
);
CREATE FUNCTION sec.note_unsealed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO sec.unsealed AS u (engagement_id, entered_in)
  VALUES (NEW.engagement_id, pg_current_xact_id())
  ON CONFLICT (engagement_id) DO UPDATE SET entered_in = EXCLUDED.entered_in;
  RETURN NULL;
END $$;
CREATE TRIGGER entries_wait_to_be_sealed AFTER INSERT ON record.entry
  FOR EACH ROW EXECUTE FUNCTION sec.note_unsealed();
CREATE TRIGGER readings_wait_to_be_sealed AFTER INSERT ON record.reading
  FOR EACH ROW EXECUTE FUNCTION sec.note_unsealed();

CREATE FUNCTION sec.unsealed_engagements() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT u.engagement_id FROM sec.unsealed u WHERE (SELECT sec.principal()) IS NOT NULL $$;

CREATE FUNCTION sec.forget_sealed(horizon xid8) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM sec.unsealed u
   WHERE u.engagement_id = ANY ((SELECT sec.engagements())::uuid[]) AND u.entered_in < horizon
$$;

CREATE SCHEMA billing;
CREATE TABLE billing.period_act (
  engagement_id uuid NOT NULL REFERENCES agreements.engagement (engagement_id),
  period text NOT NULL,
  number integer NOT NULL,
  state text NOT NULL CONSTRAINT state_is_known
    CHECK (state IN ('preliminary', 'reported', 'agreed', 'disputed', 'final')),
  side text NOT NULL CONSTRAINT a_side_acts CHECK (side IN ('client', 'provider')),
  note text,
  entry integer NOT NULL,
  known integer NOT NULL,
  document text NOT NULL,
  document_sha256 bytea NOT NULL
    CONSTRAINT document_sha256_is_sha256 CHECK (octet_length(document_sha256) = 32),
  acted_by text NOT NULL,
  acted_at timestamptz NOT NULL,
  PRIMARY KEY (engagement_id, period, number),
  FOREIGN KEY (engagement_id, entry) REFERENCES record.entry (engagement_id, entry)
);
COMMENT ON TABLE billing.period_act IS
  'What was done with a period: who brought it to which state, and the document of its figures.';
ALTER TABLE billing.period_act ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_engagement ON billing.period_act
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
CREATE TRIGGER acts_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.period_act
  FOR EACH STATEMENT EXECUTE FUNCTION record.refuse_change();

INSERT INTO sec.unsealed (engagement_id, entered_in)
SELECT DISTINCT g.engagement_id, pg_current_xact_id() FROM sec.engagement_grant g;

REVOKE ALL ON FUNCTION record.follow_the_last_reading(), sec.note_unsealed(),
  sec.unsealed_engagements(), sec.forget_sealed(xid8) FROM PUBLIC;
GRANT USAGE ON SCHEMA billing TO openbpo_app;
GRANT SELECT ON record.checkpoint TO openbpo_app;
GRANT SELECT, INSERT ON billing.period_act TO openbpo_app;
GRANT SELECT, INSERT (engagement_id, number, told, leaf) ON record.reading TO openbpo_app;
