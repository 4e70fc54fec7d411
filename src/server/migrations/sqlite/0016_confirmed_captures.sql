-- Captures that would be dearer than what was signed: what is proposed to the shopper, that the shopper confirmed it, and
-- the capture that it was confirmed for.

CREATE TABLE capture_proposals (
    hash TEXT PRIMARY KEY,
    checkout TEXT NOT NULL REFERENCES orders (checkout),
    amount INTEGER NOT NULL CHECK (amount > 0),
    offer TEXT NOT NULL,
    signed_percent TEXT NOT NULL,
    reached_percent TEXT NOT NULL,
    reached_percent_exact TEXT NOT NULL,
    proposed_on TEXT NOT NULL,
    expires_on TEXT NOT NULL,
    created TEXT NOT NULL
) STRICT;
CREATE INDEX capture_proposals_of_order ON capture_proposals (checkout, created);
CREATE TRIGGER capture_proposals_no_update BEFORE UPDATE ON capture_proposals
BEGIN SELECT RAISE(ABORT, 'proposals of captures are append-only'); END;
CREATE TRIGGER capture_proposals_no_delete BEFORE DELETE ON capture_proposals
BEGIN SELECT RAISE(ABORT, 'proposals of captures are append-only'); END;

CREATE TABLE capture_confirmations (
    hash TEXT PRIMARY KEY REFERENCES capture_proposals (hash),
    confirmed TEXT NOT NULL
) STRICT;
CREATE TRIGGER capture_confirmations_no_update BEFORE UPDATE ON capture_confirmations
BEGIN SELECT RAISE(ABORT, 'confirmations of captures are append-only'); END;
CREATE TRIGGER capture_confirmations_no_delete BEFORE DELETE ON capture_confirmations
BEGIN SELECT RAISE(ABORT, 'confirmations of captures are append-only'); END;

-- A confirmation is for one capture.
CREATE TABLE confirmed_captures (
    hash TEXT PRIMARY KEY REFERENCES capture_confirmations (hash),
    checkout TEXT NOT NULL,
    number INTEGER NOT NULL,
    UNIQUE (checkout, number),
    FOREIGN KEY (checkout, number) REFERENCES order_captures (checkout, number)
) STRICT;
CREATE TRIGGER confirmed_captures_no_update BEFORE UPDATE ON confirmed_captures
BEGIN SELECT RAISE(ABORT, 'confirmed captures are append-only'); END;
CREATE TRIGGER confirmed_captures_no_delete BEFORE DELETE ON confirmed_captures
BEGIN SELECT RAISE(ABORT, 'confirmed captures are append-only'); END;
