-- Servicing: every state of a loan, a payment and a payout; refunds, pay-backs, matched money; closes and sealed days.

-- The states of a loan that the ledger knows. A column's check goes with the column.
ALTER TABLE loans ADD COLUMN standing TEXT NOT NULL DEFAULT 'disbursing' CHECK (standing IN
    ('disbursing', 'active', 'settled', 'cancelled', 'charged_off', 'transferred', 'closed'));
UPDATE loans SET standing = status;
ALTER TABLE loans DROP COLUMN status;
ALTER TABLE loans RENAME COLUMN standing TO status;
-- How the loan is served, as it stood when it was booked: canonical JSON, absent where nothing was said.
ALTER TABLE loans ADD COLUMN serving TEXT;
-- A projection, as `status` is: what is owed back to the payer.
ALTER TABLE loans ADD COLUMN credit_balance INTEGER NOT NULL DEFAULT 0 CHECK (credit_balance >= 0);
UPDATE loans SET credit_balance = (SELECT CAST(coalesce(sum(CASE WHEN side = 'credit' THEN amount ELSE -amount END), 0)
    AS BIGINT) FROM journal_postings WHERE chain = loans.id AND account = '2110');
CREATE INDEX loans_with_credit ON loans (id) WHERE credit_balance > 0;
-- On which day servicing has to look at the loan again; the empty text is as soon as it can. Every event sets it back.
ALTER TABLE loans ADD COLUMN service_due TEXT NOT NULL DEFAULT '';
CREATE INDEX loans_by_service_due ON loans (service_due, id) WHERE status IN ('disbursing', 'active');

ALTER TABLE payments ADD COLUMN state TEXT NOT NULL DEFAULT 'initiated' CHECK (state IN
    ('initiated', 'received', 'cleared', 'failed', 'returned', 'charged_back', 'reversed'));
UPDATE payments SET state = status;
ALTER TABLE payments DROP COLUMN status;
ALTER TABLE payments RENAME COLUMN state TO status;
-- On which business day its last state was booked.
ALTER TABLE payments ADD COLUMN booked TEXT;
CREATE INDEX payments_by_transfer ON payments (transfer);

ALTER TABLE payouts ADD COLUMN state TEXT NOT NULL DEFAULT 'requested' CHECK (state IN
    ('requested', 'sent', 'settled', 'failed', 'returned'));
UPDATE payouts SET state = status;
ALTER TABLE payouts DROP COLUMN status;
ALTER TABLE payouts RENAME COLUMN state TO status;

-- What a merchant gave back of an order's price.
CREATE TABLE refunds (
    id TEXT NOT NULL PRIMARY KEY,
    merchant TEXT NOT NULL,
    loan TEXT NOT NULL REFERENCES loans (id),
    -- The merchant's own name of the refund: the same twice has one effect.
    reference TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    -- Which instalments it reduces; absent where the contract says.
    instalments TEXT CHECK (instalments IN ('last_first', 'first_first', 'pro_rata')),
    value_date TEXT NOT NULL,
    created TEXT NOT NULL,
    UNIQUE (loan, reference)
) STRICT;
CREATE INDEX refunds_by_merchant ON refunds (merchant, id);

-- What a merchant owes for a refund, and what of the merchant's fee is given back with it.
CREATE TABLE merchant_claims (
    refund TEXT NOT NULL PRIMARY KEY REFERENCES refunds (id),
    merchant TEXT NOT NULL,
    loan TEXT NOT NULL REFERENCES loans (id),
    amount INTEGER NOT NULL CHECK (amount > 0),
    fee_returned INTEGER NOT NULL CHECK (fee_returned >= 0 AND fee_returned <= amount),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    booked TEXT NOT NULL,
    -- On which day it was undone with its refund, where it was.
    undone TEXT
) STRICT;
CREATE INDEX merchant_claims_by_loan ON merchant_claims (loan);

-- Money that goes back to whoever paid: a loan's credit balance, or what an unknown payer sent.
CREATE TABLE pay_backs (
    id TEXT NOT NULL PRIMARY KEY,
    loan TEXT REFERENCES loans (id),
    receipt TEXT REFERENCES suspense_receipts (entry),
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    -- Of a loan, the number of the event that booked it.
    event INTEGER,
    status TEXT NOT NULL CHECK (status IN ('requested', 'settled', 'failed')),
    transfer TEXT,
    created TEXT NOT NULL,
    CHECK ((loan IS NULL) <> (receipt IS NULL))
) STRICT;
CREATE INDEX pay_backs_by_loan ON pay_backs (loan);

-- What became of money of an unknown payer: the primary key says once.
CREATE TABLE suspense_matches (
    entry TEXT NOT NULL PRIMARY KEY REFERENCES suspense_receipts (entry),
    outcome TEXT NOT NULL CHECK (outcome IN ('matched', 'returned', 'taken_back')),
    loan TEXT REFERENCES loans (id),
    -- The payment of the loan, or the pay-back; absent where the payer's bank took it back.
    payment TEXT,
    decided_by TEXT NOT NULL,
    decided TEXT NOT NULL
) STRICT;

CREATE INDEX suspense_receipts_by_transfer ON suspense_receipts (transfer);

-- Up to and with a day nothing is posted any more: a period that finance closed, or a day that was sealed.
CREATE TABLE ledger_closes (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('period', 'day')),
    through TEXT NOT NULL,
    closed_by TEXT NOT NULL,
    closed TEXT NOT NULL,
    UNIQUE (kind, through)
) STRICT;
CREATE INDEX ledger_closes_through ON ledger_closes (through);

CREATE TRIGGER journal_entries_open BEFORE INSERT ON journal_entries
WHEN EXISTS (SELECT 1 FROM ledger_closes WHERE through >= NEW.date)
BEGIN SELECT RAISE(ABORT, 'the period is closed'); END;
CREATE TRIGGER loan_events_open BEFORE INSERT ON loan_events
WHEN EXISTS (SELECT 1 FROM ledger_closes WHERE through >= NEW.booked)
BEGIN SELECT RAISE(ABORT, 'the period is closed'); END;
CREATE TRIGGER ledger_closes_no_update BEFORE UPDATE ON ledger_closes
BEGIN SELECT RAISE(ABORT, 'a close is final'); END;
CREATE TRIGGER ledger_closes_no_delete BEFORE DELETE ON ledger_closes
BEGIN SELECT RAISE(ABORT, 'a close is final'); END;

-- The signed head of each sealed day.
CREATE TABLE ledger_days (
    date TEXT NOT NULL PRIMARY KEY,
    chains INTEGER NOT NULL CHECK (chains >= 0),
    previous TEXT NOT NULL CHECK (length(previous) = 64),
    root TEXT NOT NULL CHECK (length(root) = 64),
    kid TEXT NOT NULL,
    signature TEXT NOT NULL,
    signed TEXT NOT NULL
) STRICT;
CREATE TRIGGER ledger_days_no_update BEFORE UPDATE ON ledger_days
BEGIN SELECT RAISE(ABORT, 'the head of a day is final'); END;
CREATE TRIGGER ledger_days_no_delete BEFORE DELETE ON ledger_days
BEGIN SELECT RAISE(ABORT, 'the head of a day is final'); END;

CREATE INDEX journal_entries_by_date ON journal_entries (date, id);
