-- Servicing: every state of a loan, a payment and a payout; refunds, pay-backs, matched money; closes and sealed days.

-- The states of a loan that the ledger knows.
ALTER TABLE loans DROP CONSTRAINT loans_status_check;
ALTER TABLE loans ADD CONSTRAINT loans_status_check CHECK (status IN
    ('disbursing', 'active', 'settled', 'cancelled', 'charged_off', 'transferred', 'closed'));
-- How the loan is served, as it stood when it was booked: canonical JSON, absent where nothing was said.
ALTER TABLE loans ADD COLUMN serving TEXT;
-- A projection, as `status` is: what is owed back to the payer.
ALTER TABLE loans ADD COLUMN credit_balance BIGINT NOT NULL DEFAULT 0 CHECK (credit_balance >= 0);
UPDATE loans SET credit_balance = (SELECT CAST(coalesce(sum(CASE WHEN side = 'credit' THEN amount ELSE -amount END), 0)
    AS BIGINT) FROM journal_postings WHERE chain = loans.id AND account = '2110');
CREATE INDEX loans_with_credit ON loans (id) WHERE credit_balance > 0;
-- On which day servicing has to look at the loan again; the empty text is as soon as it can. Every event sets it back.
ALTER TABLE loans ADD COLUMN service_due TEXT NOT NULL DEFAULT '';
CREATE INDEX loans_by_service_due ON loans (service_due, id) WHERE status IN ('disbursing', 'active');

ALTER TABLE payments DROP CONSTRAINT payments_status_check;
ALTER TABLE payments ADD CONSTRAINT payments_status_check CHECK (status IN
    ('initiated', 'received', 'cleared', 'failed', 'returned', 'charged_back', 'reversed'));
-- On which business day its last state was booked.
ALTER TABLE payments ADD COLUMN booked TEXT;
CREATE INDEX payments_by_transfer ON payments (transfer);

ALTER TABLE payouts DROP CONSTRAINT payouts_status_check;
ALTER TABLE payouts ADD CONSTRAINT payouts_status_check CHECK (status IN
    ('requested', 'sent', 'settled', 'failed', 'returned'));

-- What a merchant gave back of an order's price.
CREATE TABLE refunds (
    id TEXT NOT NULL PRIMARY KEY,
    merchant TEXT NOT NULL,
    loan TEXT NOT NULL REFERENCES loans (id),
    -- The merchant's own name of the refund: the same twice has one effect.
    reference TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    -- Which instalments it reduces; absent where the contract says.
    instalments TEXT CHECK (instalments IN ('last_first', 'first_first', 'pro_rata')),
    value_date TEXT NOT NULL,
    created TEXT NOT NULL,
    UNIQUE (loan, reference)
);
CREATE INDEX refunds_by_merchant ON refunds (merchant, id);

-- What a merchant owes for a refund, and what of the merchant's fee is given back with it.
CREATE TABLE merchant_claims (
    refund TEXT NOT NULL PRIMARY KEY REFERENCES refunds (id),
    merchant TEXT NOT NULL,
    loan TEXT NOT NULL REFERENCES loans (id),
    amount BIGINT NOT NULL CHECK (amount > 0),
    fee_returned BIGINT NOT NULL CHECK (fee_returned >= 0 AND fee_returned <= amount),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    booked TEXT NOT NULL,
    -- On which day it was undone with its refund, where it was.
    undone TEXT
);
CREATE INDEX merchant_claims_by_loan ON merchant_claims (loan);

-- Money that goes back to whoever paid: a loan's credit balance, or what an unknown payer sent.
CREATE TABLE pay_backs (
    id TEXT NOT NULL PRIMARY KEY,
    loan TEXT REFERENCES loans (id),
    receipt TEXT REFERENCES suspense_receipts (entry),
    amount BIGINT NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    -- Of a loan, the number of the event that booked it.
    event BIGINT,
    status TEXT NOT NULL CHECK (status IN ('requested', 'settled', 'failed')),
    transfer TEXT,
    created TEXT NOT NULL,
    CHECK ((loan IS NULL) <> (receipt IS NULL))
);
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
);

CREATE INDEX suspense_receipts_by_transfer ON suspense_receipts (transfer);

-- Up to and with a day nothing is posted any more: a period that finance closed, or a day that was sealed.
CREATE TABLE ledger_closes (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('period', 'day')),
    through TEXT NOT NULL,
    closed_by TEXT NOT NULL,
    closed TEXT NOT NULL,
    UNIQUE (kind, through)
);
CREATE INDEX ledger_closes_through ON ledger_closes (through);

CREATE FUNCTION journal_entries_must_be_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM ledger_closes WHERE through >= NEW.date) THEN
        RAISE EXCEPTION 'the period is closed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER journal_entries_open BEFORE INSERT ON journal_entries
FOR EACH ROW EXECUTE FUNCTION journal_entries_must_be_open();
CREATE FUNCTION loan_events_must_be_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM ledger_closes WHERE through >= NEW.booked) THEN
        RAISE EXCEPTION 'the period is closed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER loan_events_open BEFORE INSERT ON loan_events
FOR EACH ROW EXECUTE FUNCTION loan_events_must_be_open();
CREATE TRIGGER ledger_closes_no_update BEFORE UPDATE ON ledger_closes
FOR EACH ROW EXECUTE FUNCTION must_not_change();
CREATE TRIGGER ledger_closes_no_delete BEFORE DELETE ON ledger_closes
FOR EACH ROW EXECUTE FUNCTION must_not_change();

-- The signed head of each sealed day.
CREATE TABLE ledger_days (
    date TEXT NOT NULL PRIMARY KEY,
    chains BIGINT NOT NULL CHECK (chains >= 0),
    previous TEXT NOT NULL CHECK (length(previous) = 64),
    root TEXT NOT NULL CHECK (length(root) = 64),
    kid TEXT NOT NULL,
    signature TEXT NOT NULL,
    signed TEXT NOT NULL
);
CREATE TRIGGER ledger_days_no_update BEFORE UPDATE ON ledger_days
FOR EACH ROW EXECUTE FUNCTION must_not_change();
CREATE TRIGGER ledger_days_no_delete BEFORE DELETE ON ledger_days
FOR EACH ROW EXECUTE FUNCTION must_not_change();

CREATE INDEX journal_entries_by_date ON journal_entries (date, id);
