-- The day's jobs, and what is debited by itself on the due day.

-- One row a job and business date. Done or not is what counts; the lease only saves two servers the same work, and
-- goes by the machine's clock.
CREATE TABLE job_runs (
    job TEXT NOT NULL,
    date TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'done', 'failed')),
    attempts INTEGER NOT NULL CHECK (attempts >= 1),
    -- What was changed, over all attempts.
    changed INTEGER NOT NULL CHECK (changed >= 0),
    started TEXT NOT NULL,
    finished TEXT,
    error TEXT,
    next_attempt_ms INTEGER NOT NULL,
    holder TEXT,
    lease_until_ms INTEGER NOT NULL,
    PRIMARY KEY (job, date)
) STRICT;

-- Loans whose instalments are debited on their due day, because the shopper said so. `next_due` is a projection of
-- the loan's events: no debit is due before it.
CREATE TABLE mandates (
    loan TEXT NOT NULL PRIMARY KEY REFERENCES loans (id),
    text_hash TEXT NOT NULL CHECK (length(text_hash) = 64),
    given TEXT NOT NULL,
    withdrawn TEXT,
    next_due TEXT
) STRICT;
CREATE INDEX mandates_due ON mandates (next_due, loan) WHERE withdrawn IS NULL AND next_due IS NOT NULL;

-- Which due day was debited by which payment: once each.
CREATE TABLE due_debits (
    loan TEXT NOT NULL REFERENCES loans (id),
    due TEXT NOT NULL,
    payment TEXT NOT NULL UNIQUE REFERENCES payments (id),
    PRIMARY KEY (loan, due)
) STRICT;

CREATE INDEX outbox_dead ON outbox (id) WHERE status = 'dead';
