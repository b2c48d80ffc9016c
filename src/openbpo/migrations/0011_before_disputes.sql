-- What was disputed of a closed period, and how it was answered and settled.

CREATE TABLE billing.dispute_act (
  engagement_id uuid NOT NULL REFERENCES agreements.engagement (engagement_id),
  dispute integer NOT NULL CONSTRAINT disputes_count_from_one CHECK (dispute >= 1),
  number integer NOT NULL CONSTRAINT acts_count_from_one CHECK (number >= 1),
  did text NOT NULL CONSTRAINT deed_is_known
    CHECK (did IN ('opened', 'refused', 'offered', 'accepted', 'withdrawn')),
  side text NOT NULL CONSTRAINT a_side_acts CHECK (side IN ('client', 'provider')),
  told text NOT NULL,
  entry integer NOT NULL,
  acted_by text NOT NULL,
  acted_at timestamptz NOT NULL,
  PRIMARY KEY (engagement_id, dispute, number),
  CONSTRAINT a_dispute_begins_by_being_opened CHECK ((number = 1) = (did = 'opened')),
  FOREIGN KEY (engagement_id, entry) REFERENCES record.entry (engagement_id, entry)
);
COMMENT ON TABLE billing.dispute_act IS
  'What each side did in a dispute, as the entry tells it; its state is a function of these alone.';

ALTER TABLE billing.dispute_act ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_engagement ON billing.dispute_act
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
CREATE TRIGGER disputes_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE
  ON billing.dispute_act FOR EACH STATEMENT EXECUTE FUNCTION record.refuse_change();
GRANT SELECT, INSERT ON billing.dispute_act TO openbpo_app;
