-- What a grant lets one do, and from when until when; and who gave or took it, for good.

ALTER TABLE sec.engagement_grant
  ADD COLUMN role text NOT NULL DEFAULT 'operator'
    CONSTRAINT role_is_known CHECK (role IN ('operator', 'client-owner', 'client-user',
      'client-auditor', 'provider-contract', 'provider-billing', 'provider-lead',
      'provider-administrator')),
  ADD COLUMN valid_from timestamptz NOT NULL DEFAULT transaction_timestamp(),
  ADD COLUMN valid_until timestamptz
    CONSTRAINT a_grant_ends_after_it_begins CHECK (valid_until > valid_from),
  ADD COLUMN revoked_by text,
  ADD COLUMN revoked_at timestamptz
    CONSTRAINT who_opened_it_keeps_it CHECK (principal <> granted_by
      OR (role = 'operator' AND valid_until IS NULL AND revoked_at IS NULL));

CREATE TABLE trust.granting (
  engagement_id uuid NOT NULL,
  number bigint NOT NULL,
  principal text NOT NULL,
  act text NOT NULL CONSTRAINT an_act_gives_or_takes CHECK (act IN ('granted', 'revoked')),
  role text NOT NULL,
  valid_from timestamptz NOT NULL,
  valid_until timestamptz,
  acted_by text NOT NULL,
  acted_at timestamptz NOT NULL,
  PRIMARY KEY (engagement_id, number)
);
COMMENT ON TABLE trust.granting IS 'Who gave whom which role in an engagement, or took it: added to, never changed.';
ALTER TABLE trust.granting ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_engagement ON trust.granting
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
CREATE TRIGGER grantings_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON trust.granting
  FOR EACH STATEMENT EXECUTE FUNCTION record.refuse_change();

-- A grant counts from its day until it ends or is taken back.
CREATE OR REPLACE FUNCTION sec.granted_engagements() RETURNS TABLE (engagement_id uuid, handle text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT g.engagement_id,
         g.handle || CASE WHEN g.granted_by = g.principal THEN '' ELSE '@' || g.granted_by END
    FROM sec.engagement_grant g
   WHERE g.principal = (SELECT sec.principal())
     AND g.revoked_at IS NULL AND g.valid_from <= transaction_timestamp()
     AND (g.valid_until IS NULL OR g.valid_until > transaction_timestamp())
$$;

CREATE FUNCTION sec.granted_roles()
RETURNS TABLE (engagement_id uuid, handle text, role text, valid_until timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT o.engagement_id, o.handle, g.role, g.valid_until
    FROM sec.granted_engagements() o
    JOIN sec.engagement_grant g ON g.engagement_id = o.engagement_id
   WHERE g.principal = (SELECT sec.principal())
$$;

-- Without a role it is the operator's: given by the operator alone, for good.
CREATE OR REPLACE FUNCTION sec.grant_engagement(engagement uuid, grantee text, called text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(engagement::text, 1));
  IF EXISTS (SELECT 1 FROM sec.engagement_grant g WHERE g.engagement_id = engagement) THEN
    IF NOT engagement = ANY (sec.engagements()) THEN
      RAISE insufficient_privilege USING MESSAGE = 'this engagement is not yours to grant';
    END IF;
    IF EXISTS (SELECT 1 FROM sec.granted_roles() r
                WHERE r.engagement_id = engagement AND r.role <> 'operator') THEN
      RAISE insufficient_privilege USING MESSAGE = 'only an operator grants everything';
    END IF;
  ELSIF grantee <> sec.principal() THEN
    RAISE insufficient_privilege USING MESSAGE = 'who opens an engagement is granted it first';
  END IF;
  INSERT INTO sec.engagement_grant (engagement_id, principal, handle, granted_by)
  VALUES (engagement, grantee, called, sec.principal());
END $$;

-- Whom the context's principal may give a role, or take it from: one's own side's, the operator all.
-- Nobody gives, or takes, a role that lasts longer than one's own: `lasting` NULL is without end.
CREATE FUNCTION sec.refuse_to_grant(engagement uuid, as_role text, lasting timestamptz) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT engagement = ANY (sec.engagements()) OR NOT EXISTS (
    SELECT 1 FROM sec.granted_roles() r WHERE r.engagement_id = engagement
       AND (r.valid_until IS NULL OR lasting <= r.valid_until)
       AND (r.role = 'operator'
         OR r.role IN ('client-owner', 'provider-contract', 'provider-administrator')
            AND split_part(r.role, '-', 1) = split_part(as_role, '-', 1))) THEN
    RAISE insufficient_privilege USING MESSAGE = 'this role is not yours to grant';
  END IF;
END $$;

CREATE FUNCTION sec.note_granting(engagement uuid, of_principal text, of_act text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO trust.granting (engagement_id, number, principal, act, role, valid_from, valid_until,
    acted_by, acted_at)
  SELECT engagement, (SELECT count(*) + 1 FROM trust.granting t WHERE t.engagement_id = engagement),
    g.principal, of_act, g.role, g.valid_from, g.valid_until, (SELECT sec.principal()),
    transaction_timestamp()
    FROM sec.engagement_grant g
   WHERE g.engagement_id = engagement AND g.principal = of_principal
$$;

CREATE FUNCTION sec.grant_role(
  engagement uuid, grantee text, called text, as_role text, starting timestamptz, ending timestamptz
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  standing sec.engagement_grant;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(engagement::text, 1));
  PERFORM sec.refuse_to_grant(engagement, as_role, ending);
  SELECT * INTO standing FROM sec.engagement_grant g
   WHERE g.engagement_id = engagement AND g.principal = grantee;
  IF standing.role IS NOT NULL THEN
    PERFORM sec.refuse_to_grant(engagement, standing.role, CASE WHEN standing.revoked_at IS NULL
      THEN standing.valid_until ELSE standing.revoked_at END);
  END IF;
  INSERT INTO sec.engagement_grant AS g (engagement_id, principal, handle, granted_by, role,
    valid_from, valid_until)
  VALUES (engagement, grantee, called, sec.principal(), as_role,
    coalesce(starting, transaction_timestamp()), ending)
  ON CONFLICT (engagement_id, principal) DO UPDATE SET granted_by = EXCLUDED.granted_by,
    granted_at = transaction_timestamp(), handle = EXCLUDED.handle, role = EXCLUDED.role,
    valid_from = EXCLUDED.valid_from, valid_until = EXCLUDED.valid_until,
    revoked_at = NULL, revoked_by = NULL;
  PERFORM sec.note_granting(engagement, grantee, 'granted');
END $$;

CREATE FUNCTION sec.revoke_role(engagement uuid, grantee text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  standing sec.engagement_grant;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(engagement::text, 1));
  SELECT * INTO standing FROM sec.engagement_grant g
   WHERE g.engagement_id = engagement AND g.principal = grantee AND g.revoked_at IS NULL;
  PERFORM sec.refuse_to_grant(
    engagement, coalesce(standing.role, 'operator'), standing.valid_until);
  IF standing.role IS NULL THEN
    RETURN false;
  END IF;
  UPDATE sec.engagement_grant g SET revoked_at = transaction_timestamp(),
    revoked_by = sec.principal()
   WHERE g.engagement_id = engagement AND g.principal = grantee;
  PERFORM sec.note_granting(engagement, grantee, 'revoked');
  RETURN true;
END $$;

-- The grants in the context's own engagements, those that are over too.
CREATE FUNCTION sec.grants_within() RETURNS TABLE (engagement_id uuid, principal text, role text,
  valid_from timestamptz, valid_until timestamptz, revoked_at timestamptz, granted_by text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT g.engagement_id, g.principal, g.role, g.valid_from, g.valid_until, g.revoked_at,
         g.granted_by
    FROM sec.engagement_grant g
   WHERE g.engagement_id = ANY ((SELECT sec.engagements())::uuid[])
$$;

REVOKE ALL ON FUNCTION sec.granted_roles(), sec.refuse_to_grant(uuid, text, timestamptz),
  sec.note_granting(uuid, text, text), sec.revoke_role(uuid, text), sec.grants_within(),
  sec.grant_role(uuid, text, text, text, timestamptz, timestamptz) FROM PUBLIC;
GRANT SELECT ON trust.granting TO openbpo_app;
GRANT EXECUTE ON FUNCTION sec.granted_roles(), sec.grants_within(), sec.revoke_role(uuid, text),
  sec.grant_role(uuid, text, text, text, timestamptz, timestamptz) TO openbpo_app;
