-- A command that was carried out once answers the same again, in the words of the first time.

CREATE TABLE storage.command (
  engagement_id uuid NOT NULL,
  principal text NOT NULL,
  command_id text NOT NULL,
  request_hash bytea NOT NULL
    CONSTRAINT request_hash_is_sha256 CHECK (octet_length(request_hash) = 32),
  answer jsonb NOT NULL,
  answered_at timestamptz NOT NULL DEFAULT transaction_timestamp(),
  PRIMARY KEY (engagement_id, principal, command_id)
);
ALTER TABLE storage.command ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_engagement ON storage.command
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));

GRANT USAGE ON SCHEMA storage TO openbpo_app;
GRANT SELECT, INSERT ON storage.command TO openbpo_app;
