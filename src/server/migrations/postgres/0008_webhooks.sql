-- Telling merchants' and the lender's own systems of events (Standard Webhooks), through an outbox.

-- `owner` is `lender`, or `merchant:` and its id. `events` are types with a space between them, or `*`.
CREATE TABLE webhook_endpoints (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('enabled', 'disabled')),
    version BIGINT NOT NULL CHECK (version >= 1),
    created TEXT NOT NULL,
    deleted TEXT
);
CREATE INDEX webhook_endpoints_by_owner ON webhook_endpoints (owner) WHERE deleted IS NULL;

-- Since when an endpoint fails; apart from the endpoint, which every transaction that tells of something reads.
CREATE TABLE webhook_failures (
    endpoint TEXT NOT NULL PRIMARY KEY REFERENCES webhook_endpoints (id),
    since_ms BIGINT NOT NULL
);

-- What an endpoint's messages are signed with, sealed. One without an end is the one in force.
CREATE TABLE webhook_secrets (
    id TEXT NOT NULL PRIMARY KEY,
    endpoint TEXT NOT NULL REFERENCES webhook_endpoints (id),
    sealed BYTEA NOT NULL,
    created TEXT NOT NULL,
    expires_ms BIGINT
);
CREATE INDEX webhook_secrets_by_endpoint ON webhook_secrets (endpoint);

-- What happened, written with it. It names no person.
CREATE TABLE webhook_messages (
    id TEXT NOT NULL PRIMARY KEY,
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    created TEXT NOT NULL
);

CREATE TABLE webhook_deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    endpoint TEXT NOT NULL REFERENCES webhook_endpoints (id),
    message TEXT NOT NULL REFERENCES webhook_messages (id),
    status TEXT NOT NULL CHECK (status IN ('waiting', 'delivered', 'dead')),
    attempts BIGINT NOT NULL,
    next_attempt_ms BIGINT NOT NULL,
    last_error TEXT,
    created TEXT NOT NULL,
    UNIQUE (endpoint, message)
);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (next_attempt_ms) WHERE status = 'waiting';
CREATE INDEX webhook_deliveries_by_endpoint ON webhook_deliveries (endpoint, id);
