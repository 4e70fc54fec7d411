-- What an operator runs and looks at, and what is kept of payers who are not known.

-- Whether a job's run was begun by a person. The days that a server makes up for begin with the first that one began
-- by itself.
ALTER TABLE job_runs ADD COLUMN by_hand BIGINT NOT NULL DEFAULT 0 CHECK (by_hand IN (0, 1));

-- What an unknown payer wrote may be personal: it stands apart from the receipt, which stays, and can be emptied.
CREATE TABLE payer_references (
    entry TEXT NOT NULL PRIMARY KEY REFERENCES suspense_receipts (entry),
    -- Under the server's key; empty once it was erased, or moved under the key of whoever it turned out to be.
    sealed BYTEA NOT NULL,
    record TEXT REFERENCES personal_records (id),
    received TEXT NOT NULL
);
CREATE INDEX payer_references_kept ON payer_references (received) WHERE length(sealed) > 0;
INSERT INTO payer_references (entry, sealed, received) SELECT entry, reference_sealed, received FROM suspense_receipts;
-- A column that is dropped stays in its rows until they are written again.
DROP TRIGGER suspense_receipts_no_update ON suspense_receipts;
UPDATE suspense_receipts SET reference_sealed = '';
CREATE TRIGGER suspense_receipts_no_update BEFORE UPDATE ON suspense_receipts
FOR EACH ROW EXECUTE FUNCTION must_not_change();
ALTER TABLE suspense_receipts DROP COLUMN reference_sealed;

-- What a person is shown of what is kept of them is found by their applications.
CREATE INDEX notices_by_application ON notices (application);

-- A day forgets the replies whose time is over, and looks at no others.
CREATE INDEX idempotency_by_created ON idempotency (created);
