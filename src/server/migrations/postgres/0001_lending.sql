-- The lending server's first schema, the same as SQLite's table by table.
--
-- Text identifiers are time-ordered UUIDs; instants are RFC 3339 text in UTC; dates are YYYY-MM-DD;
-- amounts are minor units. Nothing here is personal except what `personal_records` holds encrypted.

-- What a merchant asked to be financed. `cart_hash` changes with the cart; `cart_version` counts the changes.
CREATE TABLE checkouts (
    id TEXT NOT NULL PRIMARY KEY,
    merchant TEXT NOT NULL,
    merchant_order TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount BETWEEN 1 AND 9007199254740991),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    cart TEXT NOT NULL,
    cart_hash TEXT NOT NULL CHECK (length(cart_hash) = 64),
    cart_version BIGINT NOT NULL CHECK (cart_version >= 1),
    status TEXT NOT NULL CHECK (status IN ('open', 'financed')),
    created TEXT NOT NULL,
    expires TEXT NOT NULL
);

CREATE INDEX checkouts_by_order ON checkouts (merchant, merchant_order);

-- One person, known by a random id. Destroying `wrapped_key` erases everything in `personal_records`.
CREATE TABLE persons (
    id TEXT NOT NULL PRIMARY KEY,
    wrapped_key BYTEA,
    created TEXT NOT NULL,
    erased TEXT,
    CHECK ((wrapped_key IS NULL) = (erased IS NOT NULL))
);

-- Keyed digests by which a returning person is found; the key lies outside the database.
CREATE TABLE person_lookups (
    kind TEXT NOT NULL CHECK (kind IN ('identity', 'email', 'phone', 'resident_id')),
    digest TEXT NOT NULL CHECK (length(digest) = 64),
    person TEXT NOT NULL REFERENCES persons (id),
    PRIMARY KEY (kind, digest, person)
);
CREATE INDEX person_lookups_by_person ON person_lookups (person);

-- Personal data, encrypted under the person's own key.
CREATE TABLE personal_records (
    id TEXT NOT NULL PRIMARY KEY,
    person TEXT NOT NULL REFERENCES persons (id),
    kind TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    created TEXT NOT NULL
);
CREATE INDEX personal_records_by_person ON personal_records (person);

-- One application that the edge handed over, with the record of what it decided.
CREATE TABLE applications (
    id TEXT NOT NULL PRIMARY KEY,
    checkout TEXT NOT NULL REFERENCES checkouts (id),
    person TEXT NOT NULL REFERENCES persons (id),
    edge TEXT NOT NULL,
    capability_hash TEXT NOT NULL UNIQUE CHECK (length(capability_hash) = 64),
    input_record TEXT NOT NULL REFERENCES personal_records (id),
    input_hash TEXT NOT NULL CHECK (length(input_hash) = 64),
    bundle_hash TEXT NOT NULL CHECK (length(bundle_hash) = 64),
    as_of TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('received', 'approved', 'referred', 'declined', 'signed')),
    -- The decision in force, and what was approved by it.
    decision TEXT,
    approved_offer TEXT,
    agreement_text TEXT,
    agreement_hash TEXT,
    approval_expires TEXT,
    loan TEXT,
    created TEXT NOT NULL
);
CREATE INDEX applications_by_checkout ON applications (checkout);

-- Every decision ever taken, by the edge or by the server; the output names no person.
CREATE TABLE decisions (
    id TEXT NOT NULL PRIMARY KEY,
    application TEXT NOT NULL REFERENCES applications (id),
    taken_by TEXT NOT NULL CHECK (taken_by IN ('edge', 'server')),
    outcome TEXT NOT NULL CHECK (outcome IN ('eligible', 'approved', 'referred', 'declined', 'needs')),
    reasons TEXT NOT NULL,
    bundle_hash TEXT NOT NULL,
    input_hash TEXT NOT NULL,
    output TEXT NOT NULL,
    decided TEXT NOT NULL
);
CREATE INDEX decisions_by_application ON decisions (application);

-- Offers the edge said it would sign. Only these can be submitted.
CREATE TABLE offers (
    id TEXT NOT NULL PRIMARY KEY,
    application TEXT NOT NULL REFERENCES applications (id),
    plan TEXT NOT NULL,
    terms_hash TEXT NOT NULL CHECK (length(terms_hash) = 64)
);
CREATE INDEX offers_by_application ON offers (application);

-- Each purpose agreed to, apart from the others.
CREATE TABLE consents (
    application TEXT NOT NULL REFERENCES applications (id),
    purpose TEXT NOT NULL,
    text_hash TEXT NOT NULL CHECK (length(text_hash) = 64),
    given TEXT NOT NULL,
    PRIMARY KEY (application, purpose)
);

-- What must be told to the applicant; the address is looked up in the personal store when it is sent.
CREATE TABLE notices (
    id TEXT NOT NULL PRIMARY KEY,
    application TEXT NOT NULL REFERENCES applications (id),
    decision TEXT NOT NULL UNIQUE REFERENCES decisions (id),
    kind TEXT NOT NULL CHECK (kind IN ('adverse_action')),
    body TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'sent')),
    created TEXT NOT NULL
);

CREATE TABLE loans (
    id TEXT NOT NULL PRIMARY KEY,
    application TEXT NOT NULL UNIQUE REFERENCES applications (id),
    checkout TEXT NOT NULL UNIQUE REFERENCES checkouts (id),
    person TEXT NOT NULL REFERENCES persons (id),
    merchant TEXT NOT NULL,
    capability_hash TEXT NOT NULL UNIQUE CHECK (length(capability_hash) = 64),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    principal BIGINT NOT NULL CHECK (principal > 0),
    merchant_fee BIGINT NOT NULL CHECK (merchant_fee >= 0 AND merchant_fee <= principal),
    offer TEXT NOT NULL,
    agreement_text TEXT NOT NULL,
    agreement_hash TEXT NOT NULL CHECK (length(agreement_hash) = 64),
    signature_record TEXT NOT NULL REFERENCES personal_records (id),
    -- Projections of the events, rewritten with each of them.
    status TEXT NOT NULL CHECK (status IN ('disbursing', 'active', 'settled', 'cancelled')),
    principal_outstanding BIGINT NOT NULL CHECK (principal_outstanding >= 0),
    booked TEXT NOT NULL
);
CREATE INDEX loans_by_person ON loans (person);

-- The unique constraint that consumes an offer, written in the transaction that books the loan.
CREATE TABLE offer_uses (
    offer TEXT NOT NULL PRIMARY KEY REFERENCES offers (id),
    loan TEXT NOT NULL UNIQUE REFERENCES loans (id),
    used TEXT NOT NULL
);

-- A loan is the fold of these.
CREATE TABLE loan_events (
    loan TEXT NOT NULL REFERENCES loans (id),
    number BIGINT NOT NULL CHECK (number >= 1),
    booked TEXT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (loan, number)
);

-- The journal. `chain` is a loan's id, or `suspense`; each chain is hashed on its own.
CREATE TABLE journal_entries (
    id TEXT NOT NULL PRIMARY KEY,
    chain TEXT NOT NULL,
    number BIGINT NOT NULL CHECK (number >= 1),
    date TEXT NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    event TEXT NOT NULL,
    previous TEXT NOT NULL CHECK (length(previous) = 64),
    hash TEXT NOT NULL UNIQUE CHECK (length(hash) = 64),
    recorded TEXT NOT NULL,
    UNIQUE (chain, number)
);

CREATE TABLE accounts (
    code TEXT NOT NULL PRIMARY KEY CHECK (length(code) = 4),
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('asset', 'liability', 'income'))
);

-- One row moves one amount from one account to another, so an entry cannot be out of balance.
CREATE TABLE journal_transfers (
    entry TEXT NOT NULL REFERENCES journal_entries (id),
    line BIGINT NOT NULL CHECK (line >= 1),
    debit TEXT NOT NULL REFERENCES accounts (code),
    credit TEXT NOT NULL REFERENCES accounts (code),
    amount BIGINT NOT NULL CHECK (amount BETWEEN 1 AND 9007199254740991),
    PRIMARY KEY (entry, line),
    CHECK (debit <> credit)
);

CREATE VIEW journal_postings AS
SELECT e.id AS entry, e.chain, e.date, e.currency, t.line, 'debit' AS side, t.debit AS account, t.amount
FROM journal_transfers t JOIN journal_entries e ON e.id = t.entry
UNION ALL
SELECT e.id AS entry, e.chain, e.date, e.currency, t.line, 'credit' AS side, t.credit AS account, t.amount
FROM journal_transfers t JOIN journal_entries e ON e.id = t.entry;

-- A chain grows by one, from the hash before it.
CREATE FUNCTION journal_entry_must_follow() RETURNS TRIGGER AS $$
BEGIN
    IF NEW.number <> 1 + (SELECT coalesce(max(number), 0) FROM journal_entries WHERE chain = NEW.chain)
        OR (NEW.number > 1 AND NOT EXISTS (
            SELECT 1 FROM journal_entries WHERE chain = NEW.chain AND number = NEW.number - 1 AND hash = NEW.previous))
    THEN
        RAISE EXCEPTION 'journal entry does not follow its chain';
    END IF;
    RETURN NEW;
END;
$$ LANGUAGE plpgsql;
CREATE TRIGGER journal_entries_follow BEFORE INSERT ON journal_entries
FOR EACH ROW EXECUTE FUNCTION journal_entry_must_follow();

-- Corrections are new entries, never changes.
CREATE FUNCTION must_not_change() RETURNS TRIGGER AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END;
$$ LANGUAGE plpgsql;
CREATE TRIGGER journal_entries_no_update BEFORE UPDATE ON journal_entries
FOR EACH ROW EXECUTE FUNCTION must_not_change();
CREATE TRIGGER journal_entries_no_delete BEFORE DELETE ON journal_entries
FOR EACH ROW EXECUTE FUNCTION must_not_change();
CREATE TRIGGER journal_transfers_no_update BEFORE UPDATE ON journal_transfers
FOR EACH ROW EXECUTE FUNCTION must_not_change();
CREATE TRIGGER journal_transfers_no_delete BEFORE DELETE ON journal_transfers
FOR EACH ROW EXECUTE FUNCTION must_not_change();
CREATE TRIGGER loan_events_no_update BEFORE UPDATE ON loan_events
FOR EACH ROW EXECUTE FUNCTION must_not_change();
CREATE TRIGGER loan_events_no_delete BEFORE DELETE ON loan_events
FOR EACH ROW EXECUTE FUNCTION must_not_change();
CREATE TRIGGER offer_uses_no_update BEFORE UPDATE ON offer_uses
FOR EACH ROW EXECUTE FUNCTION must_not_change();
CREATE TRIGGER offer_uses_no_delete BEFORE DELETE ON offer_uses
FOR EACH ROW EXECUTE FUNCTION must_not_change();
CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions
FOR EACH ROW EXECUTE FUNCTION must_not_change();
CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions
FOR EACH ROW EXECUTE FUNCTION must_not_change();

CREATE TABLE payouts (
    id TEXT NOT NULL PRIMARY KEY,
    loan TEXT NOT NULL UNIQUE REFERENCES loans (id),
    amount BIGINT NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('requested', 'settled', 'failed')),
    value_date TEXT,
    -- The payment provider's id of the transfer, once it is known.
    transfer TEXT,
    created TEXT NOT NULL
);

CREATE TABLE payments (
    id TEXT NOT NULL PRIMARY KEY,
    loan TEXT NOT NULL REFERENCES loans (id),
    amount BIGINT NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('initiated', 'cleared', 'failed')),
    value_date TEXT,
    -- The payment provider's id of the transfer, once it is known.
    transfer TEXT,
    created TEXT NOT NULL
);
CREATE INDEX payments_by_loan ON payments (loan);

-- Money of unknown payers, by what it can be matched or returned. What a payer writes may be personal, so it is
-- sealed; the value date is the provider's, unbounded.
CREATE TABLE suspense_receipts (
    entry TEXT NOT NULL PRIMARY KEY REFERENCES journal_entries (id),
    transfer TEXT NOT NULL,
    reference_sealed BYTEA NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    value_date TEXT NOT NULL,
    received TEXT NOT NULL
);
CREATE TRIGGER suspense_receipts_no_update BEFORE UPDATE ON suspense_receipts
FOR EACH ROW EXECUTE FUNCTION must_not_change();
CREATE TRIGGER suspense_receipts_no_delete BEFORE DELETE ON suspense_receipts
FOR EACH ROW EXECUTE FUNCTION must_not_change();

-- Replies to requests that must take effect once, sealed because they may carry a capability.
CREATE TABLE idempotency (
    scope TEXT NOT NULL,
    key_hash TEXT NOT NULL CHECK (length(key_hash) = 64),
    fingerprint TEXT NOT NULL CHECK (length(fingerprint) = 64),
    reply_status BIGINT NOT NULL,
    reply_sealed BYTEA NOT NULL,
    created TEXT NOT NULL,
    PRIMARY KEY (scope, key_hash)
);

-- Calls to others, written with the effect that needs them and made afterwards until they succeed.
CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    path TEXT NOT NULL,
    -- The payment or payout that the call is about.
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    next_attempt_ms BIGINT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'delivered', 'dead')),
    last_error TEXT,
    created TEXT NOT NULL
);
CREATE INDEX outbox_by_subject ON outbox (subject);
CREATE INDEX outbox_waiting ON outbox (next_attempt_ms) WHERE status = 'waiting';

-- Notices received from the payment provider, each taken once.
CREATE TABLE webhooks_received (
    id TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL CHECK (length(fingerprint) = 64),
    received TEXT NOT NULL
);

-- The sandbox's clock: seconds by which it differs from the machine's.
CREATE TABLE sandbox_clock (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    offset_seconds BIGINT NOT NULL
);
