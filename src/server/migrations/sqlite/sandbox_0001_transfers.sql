-- The sandbox payment provider's own state.

CREATE TABLE transfers (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('debit', 'payout', 'incoming')),
    reference TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 9007199254740991),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    value_date TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('succeeded', 'failed')),
    key_hash TEXT NOT NULL UNIQUE,
    fingerprint TEXT NOT NULL
) STRICT;

CREATE TABLE webhooks (
    id TEXT NOT NULL PRIMARY KEY,
    transfer TEXT NOT NULL REFERENCES transfers (id),
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_ms INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'delivered', 'dead'))
) STRICT;
CREATE INDEX webhooks_waiting ON webhooks (next_attempt_ms) WHERE status = 'waiting';
