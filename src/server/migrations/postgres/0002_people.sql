-- Credentials of loans that can be replaced, consents that can be withdrawn, notices that are sent with proof.

-- A shopper's credentials for a loan. Those made before this table are taken over from `loans`.
CREATE TABLE loan_capabilities (
    hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
    loan TEXT NOT NULL REFERENCES loans (id),
    created TEXT NOT NULL,
    revoked TEXT
);
CREATE INDEX loan_capabilities_by_loan ON loan_capabilities (loan);
INSERT INTO loan_capabilities (hash, loan, created) SELECT capability_hash, id, booked FROM loans;

ALTER TABLE consents ADD COLUMN withdrawn TEXT;

-- How a notice is sent: by which channel, in which version of its text, and what proves that it went out.
ALTER TABLE notices ADD COLUMN template TEXT NOT NULL DEFAULT 'adverse_action/1';
ALTER TABLE notices ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0;
ALTER TABLE notices ADD COLUMN next_attempt_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE notices ADD COLUMN channel TEXT;
ALTER TABLE notices ADD COLUMN sent TEXT;
ALTER TABLE notices ADD COLUMN proof TEXT;
ALTER TABLE notices ADD COLUMN given_up TEXT;
CREATE INDEX notices_queued ON notices (next_attempt_ms) WHERE status = 'queued';

CREATE INDEX applications_by_person ON applications (person);
