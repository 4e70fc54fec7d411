-- From an application to a loan as the law wants it: information before the contract, codes that sign, notices with
-- deadlines, reviews by people, links that resume, reminders.

-- What the person was told before the contract, made of the very quote. `hash` covers `document` and `text`.
CREATE TABLE disclosures (
    id TEXT NOT NULL PRIMARY KEY,
    application TEXT NOT NULL REFERENCES applications (id),
    decision TEXT NOT NULL UNIQUE REFERENCES decisions (id),
    jurisdiction TEXT NOT NULL CHECK (jurisdiction IN ('us', 'eu', 'cn')),
    form TEXT NOT NULL,
    document TEXT NOT NULL,
    text TEXT NOT NULL,
    hash TEXT NOT NULL CHECK (length(hash) = 64),
    confirmation BIGINT NOT NULL CHECK (confirmation IN (0, 1)),
    reading_seconds BIGINT NOT NULL CHECK (reading_seconds >= 0),
    created TEXT NOT NULL,
    -- When the person first saw it, and when they confirmed that.
    presented TEXT,
    confirmed TEXT,
    CHECK (confirmed IS NULL OR presented IS NOT NULL)
);
CREATE INDEX disclosures_by_application ON disclosures (application);

-- One-time codes. The code itself is derived from the id by a key outside the database and stands nowhere.
CREATE TABLE signing_codes (
    id TEXT NOT NULL PRIMARY KEY,
    application TEXT NOT NULL REFERENCES applications (id),
    agreement_hash TEXT NOT NULL CHECK (length(agreement_hash) = 64),
    expires TEXT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    used TEXT,
    created TEXT NOT NULL
);
CREATE INDEX signing_codes_by_application ON signing_codes (application);

-- Whom a consent names, and in which version of the policy its sentence stood.
ALTER TABLE consents ADD COLUMN recipient TEXT;
ALTER TABLE consents ADD COLUMN bundle_hash TEXT;

-- Notices of every kind. `once` is what a notice must not be made twice for.
DROP INDEX notices_queued;
ALTER TABLE notices RENAME TO notices_of_declines;
CREATE TABLE notices (
    id TEXT NOT NULL PRIMARY KEY,
    application TEXT NOT NULL REFERENCES applications (id),
    loan TEXT REFERENCES loans (id),
    decision TEXT REFERENCES decisions (id),
    once TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    template TEXT NOT NULL,
    body TEXT NOT NULL,
    -- The last day on which the law lets it go out, where it names one.
    due_by TEXT,
    status TEXT NOT NULL CHECK (status IN ('queued', 'sent')),
    attempts BIGINT NOT NULL DEFAULT 0,
    next_attempt_ms BIGINT NOT NULL DEFAULT 0,
    channel TEXT,
    sent TEXT,
    proof TEXT,
    given_up TEXT,
    created TEXT NOT NULL
);
INSERT INTO notices (id, application, decision, once, kind, template, body, status, attempts, next_attempt_ms, channel,
        sent, proof, given_up, created)
    SELECT id, application, decision, 'decision:' || decision, kind, template, body, status, attempts, next_attempt_ms,
        channel, sent, proof, given_up, created
    FROM notices_of_declines;
DROP TABLE notices_of_declines;
CREATE INDEX notices_queued ON notices (next_attempt_ms) WHERE status = 'queued';
CREATE INDEX notices_due ON notices (due_by) WHERE status = 'queued';

-- What the law wants told about an application, and by when.
CREATE TABLE notice_duties (
    application TEXT NOT NULL REFERENCES applications (id),
    kind TEXT NOT NULL CHECK (kind IN ('decision', 'incomplete')),
    due_by TEXT NOT NULL,
    created TEXT NOT NULL,
    met TEXT,
    PRIMARY KEY (application, kind)
);
CREATE INDEX notice_duties_open ON notice_duties (due_by) WHERE met IS NULL;

-- Applications that people look at.
CREATE TABLE reviews (
    id TEXT NOT NULL PRIMARY KEY,
    application TEXT NOT NULL REFERENCES applications (id),
    -- The decision that is looked at again.
    decision TEXT NOT NULL UNIQUE REFERENCES decisions (id),
    kind TEXT NOT NULL CHECK (kind IN ('referral', 'human_review')),
    persons BIGINT NOT NULL CHECK (persons IN (1, 2)),
    status TEXT NOT NULL CHECK (status IN ('open', 'approved', 'declined')),
    due_by TEXT NOT NULL,
    opened TEXT NOT NULL,
    decided TEXT,
    -- What came of it.
    outcome TEXT REFERENCES decisions (id)
);
CREATE INDEX reviews_open ON reviews (id) WHERE status = 'open';
CREATE INDEX reviews_by_application ON reviews (application);

-- What each reviewer said; one says one thing.
CREATE TABLE review_votes (
    review TEXT NOT NULL REFERENCES reviews (id),
    reviewer TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('approve', 'decline')),
    conditions TEXT NOT NULL,
    reasons TEXT NOT NULL,
    given TEXT NOT NULL,
    PRIMARY KEY (review, reviewer)
);
CREATE TRIGGER review_votes_no_update BEFORE UPDATE ON review_votes
FOR EACH ROW EXECUTE FUNCTION must_not_change();
CREATE TRIGGER review_votes_no_delete BEFORE DELETE ON review_votes
FOR EACH ROW EXECUTE FUNCTION must_not_change();

-- Links that resume an application, each once.
CREATE TABLE resume_links (
    id TEXT NOT NULL PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE CHECK (length(token_hash) = 64),
    application TEXT NOT NULL REFERENCES applications (id),
    expires TEXT NOT NULL,
    used TEXT,
    created TEXT NOT NULL
);
CREATE INDEX resume_links_by_application ON resume_links (application);

-- When which instalment of a loan falls due, so that a day finds its loans. Rewritten with the schedule.
CREATE TABLE installment_dues (
    loan TEXT NOT NULL REFERENCES loans (id),
    number BIGINT NOT NULL CHECK (number >= 1),
    due TEXT NOT NULL,
    PRIMARY KEY (loan, number)
);
CREATE INDEX installment_dues_by_date ON installment_dues (due, loan);
INSERT INTO installment_dues (loan, number, due)
    SELECT l.id, CAST(i.value ->> 'number' AS BIGINT), i.value ->> 'due'
    FROM loans l, json_array_elements(CAST(l.offer AS JSON) -> 'installments') i (value);
