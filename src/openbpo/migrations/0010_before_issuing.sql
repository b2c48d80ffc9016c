-- Invoices that were issued, the credit notes that cancel them, and what was paid on them.

CREATE TABLE billing.invoice_series (
  party_id uuid NOT NULL,
  series text NOT NULL,
  last integer NOT NULL CONSTRAINT numbers_count_from_one CHECK (last >= 1),
  PRIMARY KEY (party_id, series)
);
COMMENT ON TABLE billing.invoice_series IS
  'The last number that a party gave in each series. Its row is locked until the commit, so that numbers have no gap.';

CREATE FUNCTION billing.follow_the_last_number() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' AND NEW.last <> 1 OR TG_OP = 'UPDATE' AND NEW.last <> OLD.last + 1 THEN
    RAISE check_violation USING MESSAGE = 'an invoice number follows the last one without a gap';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER numbers_have_no_gap BEFORE INSERT OR UPDATE ON billing.invoice_series
  FOR EACH ROW EXECUTE FUNCTION billing.follow_the_last_number();

CREATE TABLE billing.given_number (
  party_id uuid NOT NULL,
  series text NOT NULL,
  ordinal integer NOT NULL,
  document_number text NOT NULL,
  PRIMARY KEY (party_id, series, ordinal),
  CONSTRAINT two_documents_never_have_one_number UNIQUE (party_id, document_number),
  FOREIGN KEY (party_id, series) REFERENCES billing.invoice_series (party_id, series)
);
COMMENT ON TABLE billing.given_number IS
  'Every number that a party gave to a document, whatever the engagement.';

CREATE TABLE billing.issued (
  engagement_id uuid NOT NULL REFERENCES agreements.engagement (engagement_id),
  document_number text NOT NULL,
  kind text NOT NULL CONSTRAINT kind_is_known CHECK (kind IN ('invoice', 'credit_note')),
  period text NOT NULL,
  party_id uuid NOT NULL,
  series text NOT NULL,
  ordinal integer NOT NULL,
  cancels text,
  document text NOT NULL,
  document_sha256 bytea NOT NULL
    CONSTRAINT document_sha256_is_sha256 CHECK (octet_length(document_sha256) = 32),
  entry integer NOT NULL,
  issued_by text NOT NULL,
  issued_at timestamptz NOT NULL,
  PRIMARY KEY (engagement_id, document_number),
  CONSTRAINT a_number_is_used_once UNIQUE (engagement_id, party_id, series, ordinal),
  CONSTRAINT an_invoice_is_cancelled_once UNIQUE (engagement_id, cancels),
  CONSTRAINT a_credit_note_cancels CHECK ((kind = 'credit_note') = (cancels IS NOT NULL)),
  FOREIGN KEY (party_id, series, ordinal)
    REFERENCES billing.given_number (party_id, series, ordinal),
  FOREIGN KEY (engagement_id, cancels) REFERENCES billing.issued (engagement_id, document_number),
  FOREIGN KEY (engagement_id, entry) REFERENCES record.entry (engagement_id, entry)
);
COMMENT ON TABLE billing.issued IS
  'Invoices and credit notes as they were issued: the whole document, which never changes.';

CREATE FUNCTION billing.refuse_second_invoice() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.party_id IS DISTINCT FROM sec.party() THEN
    RAISE insufficient_privilege USING MESSAGE = 'a party gives numbers of its own alone';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended(NEW.engagement_id::text, 6));
  IF NEW.kind = 'invoice' AND EXISTS (
    SELECT FROM billing.issued i
     WHERE i.engagement_id = NEW.engagement_id AND i.period = NEW.period AND i.kind = 'invoice'
       AND NOT EXISTS (SELECT FROM billing.issued c
                        WHERE c.engagement_id = i.engagement_id AND c.cancels = i.document_number)) THEN
    RAISE unique_violation USING MESSAGE = 'a period is invoiced once, until that is cancelled';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER a_period_is_invoiced_once BEFORE INSERT ON billing.issued
  FOR EACH ROW EXECUTE FUNCTION billing.refuse_second_invoice();

CREATE TABLE billing.payment (
  engagement_id uuid NOT NULL REFERENCES agreements.engagement (engagement_id),
  document_number text NOT NULL,
  payment integer NOT NULL CONSTRAINT payments_count_from_one CHECK (payment >= 1),
  minor_units bigint NOT NULL CONSTRAINT a_payment_is_some_money CHECK (minor_units <> 0),
  currency text NOT NULL,
  day date NOT NULL,
  reference text NOT NULL,
  entry integer NOT NULL,
  recorded_by text NOT NULL,
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (engagement_id, document_number, payment),
  CONSTRAINT a_payment_is_recorded_once UNIQUE (engagement_id, document_number, reference),
  FOREIGN KEY (engagement_id, document_number)
    REFERENCES billing.issued (engagement_id, document_number),
  FOREIGN KEY (engagement_id, entry) REFERENCES record.entry (engagement_id, entry)
);
COMMENT ON TABLE billing.payment IS
  'What was paid on an invoice, and what of it was given back: a negative amount.';

ALTER TABLE billing.invoice_series ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE billing.given_number ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE billing.issued ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE billing.payment ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_party ON billing.invoice_series
  USING (party_id = (SELECT sec.party()))
  WITH CHECK (party_id = (SELECT sec.party()));
CREATE POLICY of_the_party ON billing.given_number
  USING (party_id = (SELECT sec.party()))
  WITH CHECK (party_id = (SELECT sec.party()));
CREATE POLICY of_the_engagement ON billing.issued
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
CREATE POLICY of_the_engagement ON billing.payment
  USING (engagement_id = ANY ((SELECT sec.engagements())::uuid[]))
  WITH CHECK (engagement_id = ANY ((SELECT sec.engagements())::uuid[]));
CREATE TRIGGER given_numbers_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE
  ON billing.given_number FOR EACH STATEMENT EXECUTE FUNCTION record.refuse_change();
CREATE TRIGGER issued_documents_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE
  ON billing.issued FOR EACH STATEMENT EXECUTE FUNCTION record.refuse_change();
CREATE TRIGGER payments_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.payment
  FOR EACH STATEMENT EXECUTE FUNCTION record.refuse_change();

REVOKE ALL ON FUNCTION billing.follow_the_last_number(), billing.refuse_second_invoice() FROM PUBLIC;
GRANT SELECT, INSERT ON billing.invoice_series, billing.given_number, billing.issued,
  billing.payment TO openbpo_app;
GRANT UPDATE (last) ON billing.invoice_series TO openbpo_app;
