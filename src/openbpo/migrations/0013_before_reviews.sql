-- What a review meeting decides: actions of either side, which carry over until they are done.

CREATE TABLE billing.review_action (
  engagement_id uuid NOT NULL REFERENCES agreements.engagement (engagement_id),
  action_id uuid NOT NULL,
  number integer NOT NULL CONSTRAINT actions_count_from_one CHECK (number >= 1),
  period text NOT NULL CONSTRAINT period_is_a_month CHECK (period ~ '^[0-9]{4}-[0-9]{2}$'),
  said text NOT NULL CONSTRAINT an_action_says_something CHECK (length(said) BETWEEN 1 AND 500),
  owner_side text NOT NULL CONSTRAINT a_side_owns CHECK (owner_side IN ('client', 'provider')),
  due_day date NOT NULL,
  raised_by text NOT NULL,
  raised_at timestamptz NOT NULL DEFAULT transaction_timestamp(),
  PRIMARY KEY (engagement_id, action_id),
  CONSTRAINT actions_are_numbered_once UNIQUE (engagement_id, number)
);
COMMENT ON COLUMN billing.review_action.period IS 'The period in whose review it was raised.';

CREATE TABLE billing.review_act (
  engagement_id uuid NOT NULL,
  action_id uuid NOT NULL,
  number integer NOT NULL CONSTRAINT acts_count_from_one CHECK (number >= 1),
  state text NOT NULL CONSTRAINT state_is_known CHECK (state IN ('done', 'dropped', 'open')),
  note text NOT NULL CONSTRAINT a_note_is_short CHECK (length(note) <= 500),
  acted_by text NOT NULL,
  acted_at timestamptz NOT NULL DEFAULT transaction_timestamp(),
  PRIMARY KEY (engagement_id, action_id, number),
  FOREIGN KEY (engagement_id, action_id)
    REFERENCES billing.review_action (engagement_id, action_id)
);
COMMENT ON TABLE billing.review_act IS 'How far an action came; the last act holds. Without one it is open.';

ALTER TABLE billing.review_action ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE billing.review_act ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_engagement ON billing.review_action
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
CREATE POLICY of_the_engagement ON billing.review_act
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
CREATE TRIGGER review_actions_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE
  ON billing.review_action FOR EACH STATEMENT EXECUTE FUNCTION record.refuse_change();
CREATE TRIGGER review_acts_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE
  ON billing.review_act FOR EACH STATEMENT EXECUTE FUNCTION record.refuse_change();
GRANT SELECT, INSERT ON billing.review_action, billing.review_act TO openbpo_app;
