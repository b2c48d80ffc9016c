-- Engagements, the versions of their agreements, who signed them, and which days each governs.

CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;
CREATE SCHEMA agreements;

CREATE TABLE agreements.engagement (
  engagement_id uuid PRIMARY KEY,
  handle text NOT NULL,
  row_key bytea NOT NULL CONSTRAINT row_key_is_32_bytes CHECK (octet_length(row_key) = 32),
  opened_at timestamptz NOT NULL DEFAULT transaction_timestamp()
);
COMMENT ON COLUMN agreements.engagement.row_key IS
  'Keys the hash by which an imported row is known again, so that the hash alone tells nobody what the row held.';

CREATE TABLE agreements.version (
  engagement_id uuid NOT NULL REFERENCES agreements.engagement (engagement_id),
  version_id uuid NOT NULL,
  number integer NOT NULL CONSTRAINT versions_count_from_one CHECK (number >= 1),
  supersedes integer[] NOT NULL,
  content_hash bytea NOT NULL CONSTRAINT content_hash_is_sha256 CHECK (octet_length(content_hash) = 32),
  files jsonb NOT NULL,
  resolved jsonb NOT NULL,
  semantics integer NOT NULL,
  proposed_at timestamptz NOT NULL DEFAULT transaction_timestamp(),
  proposed_by text NOT NULL,
  proposed_for text NOT NULL CONSTRAINT a_side_proposes CHECK (proposed_for IN ('client', 'provider')),
  PRIMARY KEY (engagement_id, version_id),
  CONSTRAINT a_content_is_proposed_once UNIQUE (engagement_id, content_hash)
);

CREATE TABLE agreements.signature (
  engagement_id uuid NOT NULL,
  version_id uuid NOT NULL,
  side text NOT NULL CONSTRAINT a_side_signs CHECK (side IN ('client', 'provider')),
  party_id uuid NOT NULL,
  key_id text NOT NULL,
  public_key bytea NOT NULL CONSTRAINT public_key_is_ed25519 CHECK (octet_length(public_key) = 32),
  signature bytea NOT NULL CONSTRAINT signature_is_ed25519 CHECK (octet_length(signature) = 64),
  signed_at timestamptz NOT NULL DEFAULT transaction_timestamp(),
  signed_by text NOT NULL,
  PRIMARY KEY (engagement_id, version_id, side),
  FOREIGN KEY (engagement_id, version_id) REFERENCES agreements.version (engagement_id, version_id)
);

CREATE TABLE agreements.in_force (
  engagement_id uuid NOT NULL,
  in_force_id uuid NOT NULL,
  version_id uuid NOT NULL,
  standing text NOT NULL CONSTRAINT standing_is_known CHECK (standing IN ('our_reading', 'agreed')),
  days daterange NOT NULL CONSTRAINT days_are_not_empty CHECK (NOT isempty(days)),
  recorded_at timestamptz NOT NULL DEFAULT transaction_timestamp(),
  superseded_at timestamptz,
  PRIMARY KEY (engagement_id, in_force_id),
  FOREIGN KEY (engagement_id, version_id) REFERENCES agreements.version (engagement_id, version_id),
  CONSTRAINT two_versions_never_govern_one_day EXCLUDE USING gist
    (engagement_id WITH =, standing WITH =, days WITH &&) WHERE (superseded_at IS NULL)
);

ALTER TABLE agreements.engagement ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE agreements.version ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE agreements.signature ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE agreements.in_force ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_engagement ON agreements.engagement
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
CREATE POLICY of_the_engagement ON agreements.version
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
CREATE POLICY of_the_engagement ON agreements.signature
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
CREATE POLICY of_the_engagement ON agreements.in_force
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));

GRANT USAGE ON SCHEMA agreements TO openbpo_app;
GRANT SELECT, INSERT ON agreements.engagement, agreements.version, agreements.signature,
  agreements.in_force TO openbpo_app;
GRANT UPDATE (superseded_at) ON agreements.in_force TO openbpo_app;
