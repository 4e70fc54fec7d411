-- Orders that are captured later, in parts, and lines of credit.

-- A line of credit is the fold of its events.
CREATE TABLE lines (
    id TEXT NOT NULL PRIMARY KEY,
    person TEXT NOT NULL REFERENCES persons (id),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    capability_hash TEXT NOT NULL UNIQUE CHECK (length(capability_hash) = 64),
    -- Of a revolving line, canonical JSON: billing day, due day, minimum payment, rate.
    conventions TEXT,
    created TEXT NOT NULL
) STRICT;
CREATE INDEX lines_by_person ON lines (person);

CREATE TABLE line_events (
    line TEXT NOT NULL REFERENCES lines (id),
    number INTEGER NOT NULL CHECK (number >= 1),
    booked TEXT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (line, number)
) STRICT;
CREATE TRIGGER line_events_no_update BEFORE UPDATE ON line_events
BEGIN SELECT RAISE(ABORT, 'line events are append-only'); END;
CREATE TRIGGER line_events_no_delete BEFORE DELETE ON line_events
BEGIN SELECT RAISE(ABORT, 'line events are append-only'); END;

-- How a checkout is captured, and for how many days after its signature it may be.
ALTER TABLE checkouts ADD COLUMN capture TEXT NOT NULL DEFAULT 'automatic' CHECK (capture IN ('automatic', 'manual'));
ALTER TABLE checkouts ADD COLUMN capture_days INTEGER CHECK (capture_days >= 1);

-- An order has a loan for each capture, so neither an application nor a checkout has one loan only. SQLite cannot drop
-- a constraint: the table is made anew under its own name. What refers to it is checked when the transaction is
-- committed, when every row is back.
PRAGMA defer_foreign_keys = ON;
CREATE TABLE loans_before AS SELECT * FROM loans;
DROP TABLE loans;
CREATE TABLE loans (
    id TEXT NOT NULL PRIMARY KEY,
    application TEXT NOT NULL REFERENCES applications (id),
    checkout TEXT NOT NULL REFERENCES checkouts (id),
    person TEXT NOT NULL REFERENCES persons (id),
    merchant TEXT NOT NULL,
    capability_hash TEXT NOT NULL UNIQUE CHECK (length(capability_hash) = 64),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    principal INTEGER NOT NULL CHECK (principal > 0),
    merchant_fee INTEGER NOT NULL CHECK (merchant_fee >= 0 AND merchant_fee <= principal),
    offer TEXT NOT NULL,
    agreement_text TEXT NOT NULL,
    agreement_hash TEXT NOT NULL CHECK (length(agreement_hash) = 64),
    signature_record TEXT NOT NULL REFERENCES personal_records (id),
    -- Projections of the events, rewritten with each of them.
    status TEXT NOT NULL
        CHECK (status IN ('disbursing', 'active', 'settled', 'cancelled', 'charged_off', 'transferred', 'closed')),
    principal_outstanding INTEGER NOT NULL CHECK (principal_outstanding >= 0),
    booked TEXT NOT NULL
) STRICT;
INSERT INTO loans (id, application, checkout, person, merchant, capability_hash, currency, principal, merchant_fee, offer,
        agreement_text, agreement_hash, signature_record, status, principal_outstanding, booked)
    SELECT id, application, checkout, person, merchant, capability_hash, currency, principal, merchant_fee, offer,
        agreement_text, agreement_hash, signature_record, status, principal_outstanding, booked
    FROM loans_before;
DROP TABLE loans_before;
CREATE INDEX loans_by_person ON loans (person);
CREATE INDEX loans_by_checkout ON loans (checkout);
CREATE INDEX loans_by_application ON loans (application);

-- A shopper's credential for an order opens each of its loans.
ALTER TABLE loan_capabilities RENAME TO loan_capabilities_before;
CREATE TABLE loan_capabilities (
    hash TEXT NOT NULL CHECK (length(hash) = 64),
    loan TEXT NOT NULL REFERENCES loans (id),
    created TEXT NOT NULL,
    revoked TEXT,
    PRIMARY KEY (hash, loan)
) STRICT;
INSERT INTO loan_capabilities (hash, loan, created, revoked)
    SELECT hash, loan, created, revoked FROM loan_capabilities_before;
DROP TABLE loan_capabilities_before;
CREATE INDEX loan_capabilities_by_loan ON loan_capabilities (loan);

-- Loans drawn on a line, and how much of each has come back to it.
CREATE TABLE line_loans (
    loan TEXT NOT NULL PRIMARY KEY REFERENCES loans (id),
    line TEXT NOT NULL REFERENCES lines (id),
    restored INTEGER NOT NULL CHECK (restored >= 0),
    -- Whether what a statement asks of it may be carried over.
    revolves INTEGER NOT NULL CHECK (revolves IN (0, 1))
) STRICT;
CREATE INDEX line_loans_by_line ON line_loans (line);

-- What a revolving line asked for at each billing day, and what came of it.
CREATE TABLE line_statements (
    line TEXT NOT NULL REFERENCES lines (id),
    date TEXT NOT NULL,
    due TEXT NOT NULL,
    principal INTEGER NOT NULL CHECK (principal >= 0),
    installments INTEGER NOT NULL CHECK (installments >= 0),
    interest INTEGER NOT NULL CHECK (interest >= 0),
    fee INTEGER NOT NULL CHECK (fee >= 0),
    minimum INTEGER NOT NULL CHECK (minimum >= 0),
    paid INTEGER CHECK (paid >= 0),
    outcome TEXT CHECK (outcome IN ('paid', 'carried', 'late')),
    created TEXT NOT NULL,
    PRIMARY KEY (line, date),
    CHECK ((paid IS NULL) = (outcome IS NULL))
) STRICT;
CREATE INDEX line_statements_open ON line_statements (due) WHERE outcome IS NULL;

-- What was signed and is not, or not wholly, lent: the order of a checkout that is captured by its merchant.
CREATE TABLE orders (
    checkout TEXT NOT NULL PRIMARY KEY REFERENCES checkouts (id),
    application TEXT NOT NULL UNIQUE REFERENCES applications (id),
    offer TEXT NOT NULL UNIQUE REFERENCES offers (id),
    person TEXT NOT NULL REFERENCES persons (id),
    merchant TEXT NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    line TEXT REFERENCES lines (id),
    -- Canonical JSON of the offer that was signed.
    terms TEXT NOT NULL,
    merchant_fee INTEGER NOT NULL CHECK (merchant_fee >= 0),
    agreement_text TEXT NOT NULL,
    agreement_hash TEXT NOT NULL CHECK (length(agreement_hash) = 64),
    signature_record TEXT NOT NULL REFERENCES personal_records (id),
    authorized INTEGER NOT NULL CHECK (authorized > 0),
    -- Sums of its captures.
    captured INTEGER NOT NULL CHECK (captured BETWEEN 0 AND authorized),
    captures INTEGER NOT NULL CHECK (captures >= 0),
    -- The last business date on which it may be captured.
    capture_until TEXT NOT NULL,
    -- How it ended. Past its last day it is over whether or not this says so.
    ended TEXT CHECK (ended IN ('captured', 'voided', 'expired')),
    signed TEXT NOT NULL
) STRICT;
CREATE INDEX orders_by_person ON orders (person);
CREATE INDEX orders_open ON orders (capture_until) WHERE ended IS NULL;

CREATE TABLE order_captures (
    checkout TEXT NOT NULL REFERENCES orders (checkout),
    number INTEGER NOT NULL CHECK (number >= 1),
    loan TEXT NOT NULL UNIQUE REFERENCES loans (id),
    amount INTEGER NOT NULL CHECK (amount > 0),
    captured_on TEXT NOT NULL,
    created TEXT NOT NULL,
    PRIMARY KEY (checkout, number)
) STRICT;
CREATE TRIGGER order_captures_no_update BEFORE UPDATE ON order_captures
BEGIN SELECT RAISE(ABORT, 'captures are append-only'); END;
CREATE TRIGGER order_captures_no_delete BEFORE DELETE ON order_captures
BEGIN SELECT RAISE(ABORT, 'captures are append-only'); END;

-- A shopper's credentials for an order.
CREATE TABLE order_capabilities (
    hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
    checkout TEXT NOT NULL REFERENCES orders (checkout),
    created TEXT NOT NULL
) STRICT;
CREATE INDEX order_capabilities_by_order ON order_capabilities (checkout);

-- What a merchant is told of its orders, in the order in which it happened.
CREATE TABLE merchant_events (
    id TEXT NOT NULL PRIMARY KEY,
    merchant TEXT NOT NULL,
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    created TEXT NOT NULL
) STRICT;
CREATE INDEX merchant_events_by_merchant ON merchant_events (merchant, id);
