-- Who may see what is decided here, once, for every table that follows.
--
-- A transaction carries a context, signed by the application with a key that the application's
-- own database role cannot read: principal, party, purpose and the engagements that it was granted.
-- Policies read it through the functions below; a forged, expired or missing context is an error.

CREATE SCHEMA sec;
REVOKE ALL ON SCHEMA sec FROM PUBLIC;

CREATE TABLE sec.context_key (
  key_id text PRIMARY KEY,
  inner_pad bytea NOT NULL CONSTRAINT inner_pad_is_one_block CHECK (octet_length(inner_pad) = 64),
  outer_pad bytea NOT NULL CONSTRAINT outer_pad_is_one_block CHECK (octet_length(outer_pad) = 64),
  retired_at timestamptz
);

CREATE TABLE sec.engagement_grant (
  engagement_id uuid NOT NULL,
  principal text NOT NULL,
  handle text NOT NULL,
  granted_at timestamptz NOT NULL DEFAULT transaction_timestamp(),
  granted_by text NOT NULL,
  PRIMARY KEY (engagement_id, principal),
  CONSTRAINT a_handle_names_one_engagement UNIQUE (principal, granted_by, handle)
);
-- Whether an engagement is open cannot be asked of an old snapshot; an index is never old.
CREATE UNIQUE INDEX an_engagement_is_opened_once ON sec.engagement_grant (engagement_id)
  WHERE principal = granted_by;

-- The context's eight parts: format, key, expiry (Unix seconds), principal, party, purpose,
-- engagements, HMAC-SHA256 over all that stands before it (RFC 2104; the pads are stored).
CREATE FUNCTION sec.context() RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  raw text := nullif(current_setting('openbpo.context', true), '');
  part text[] := string_to_array(raw, '|');
  key sec.context_key;
BEGIN
  IF raw IS NULL THEN
    RAISE insufficient_privilege USING MESSAGE = 'no signed context';
  END IF;
  IF cardinality(part) <> 8 OR part[1] <> '1' THEN
    RAISE insufficient_privilege USING MESSAGE = 'malformed context';
  END IF;
  SELECT * INTO key FROM sec.context_key k
   WHERE k.key_id = part[2] AND (k.retired_at IS NULL OR k.retired_at > transaction_timestamp());
  IF NOT FOUND THEN
    RAISE insufficient_privilege USING MESSAGE = 'context signed by an unknown or retired key';
  END IF;
  IF encode(sha256(key.outer_pad || sha256(key.inner_pad
       || convert_to(left(raw, -1 - length(part[8])), 'UTF8'))), 'hex') <> part[8] THEN
    RAISE insufficient_privilege USING MESSAGE = 'forged context';
  END IF;
  IF to_timestamp(part[3]::bigint) <= transaction_timestamp() THEN
    RAISE insufficient_privilege USING MESSAGE = 'expired context';
  END IF;
  RETURN part;
END $$;

CREATE FUNCTION sec.principal() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT (sec.context())[4] $$;

CREATE FUNCTION sec.party() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT nullif((sec.context())[5], '')::uuid $$;

CREATE FUNCTION sec.engagements() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT ('{' || (sec.context())[7] || '}')::uuid[] $$;

-- The engagements that the context's own principal was granted: ids and handles, nothing else.
-- What another granted bears the other's name too: nobody can pass off an engagement as one's own,
-- and no granter learns from a refusal what the grantee has.
CREATE FUNCTION sec.granted_engagements() RETURNS TABLE (engagement_id uuid, handle text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT g.engagement_id,
         g.handle || CASE WHEN g.granted_by = g.principal THEN '' ELSE '@' || g.granted_by END
    FROM sec.engagement_grant g
   WHERE g.principal = (SELECT sec.principal())
$$;

-- The first grant of an engagement goes to whoever opens it; every other one is given under a
-- context that already holds the engagement.
CREATE FUNCTION sec.grant_engagement(engagement uuid, grantee text, called text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(engagement::text, 1));
  IF EXISTS (SELECT 1 FROM sec.engagement_grant g WHERE g.engagement_id = engagement) THEN
    IF NOT engagement = ANY (sec.engagements()) THEN
      RAISE insufficient_privilege USING MESSAGE = 'this engagement is not yours to grant';
    END IF;
  ELSIF grantee <> sec.principal() THEN
    RAISE insufficient_privilege USING MESSAGE = 'who opens an engagement is granted it first';
  END IF;
  INSERT INTO sec.engagement_grant (engagement_id, principal, handle, granted_by)
  VALUES (engagement, grantee, called, sec.principal());
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA sec FROM PUBLIC;
GRANT USAGE ON SCHEMA sec TO openbpo_app;
GRANT EXECUTE ON FUNCTION sec.principal(), sec.party(), sec.engagements(),
  sec.granted_engagements(), sec.grant_engagement(uuid, text, text) TO openbpo_app;
