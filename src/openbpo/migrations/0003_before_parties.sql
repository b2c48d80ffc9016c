-- What belongs to a party, whatever its engagements: its name among us and the keys it signs with.

CREATE SCHEMA trust;

CREATE TABLE trust.party (
  party_id uuid PRIMARY KEY,
  handle text NOT NULL,
  known_since timestamptz NOT NULL DEFAULT transaction_timestamp()
);
ALTER TABLE trust.party ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_party ON trust.party
  USING (party_id = (SELECT sec.party()))
  WITH CHECK (party_id = (SELECT sec.party()));

CREATE TABLE trust.party_key (
  party_id uuid NOT NULL REFERENCES trust.party (party_id),
  key_id text NOT NULL,
  public_key bytea NOT NULL CONSTRAINT public_key_is_ed25519 CHECK (octet_length(public_key) = 32),
  valid_from timestamptz NOT NULL DEFAULT transaction_timestamp(),
  retired_at timestamptz,
  PRIMARY KEY (party_id, key_id)
);
ALTER TABLE trust.party_key ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_party ON trust.party_key
  USING (party_id = (SELECT sec.party()))
  WITH CHECK (party_id = (SELECT sec.party()));

GRANT USAGE ON SCHEMA trust TO openbpo_app;
GRANT SELECT, INSERT ON trust.party, trust.party_key TO openbpo_app;
