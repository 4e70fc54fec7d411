-- Captures that would be dearer than what was signed: what is proposed to the shopper, that the shopper confirmed it, and
-- the capture that it was confirmed for.

CREATE TABLE capture_proposals (
    hash TEXT PRIMARY KEY,
    checkout TEXT NOT NULL REFERENCES orders (checkout),
    amount BIGINT NOT NULL CHECK (amount > 0),
    offer TEXT NOT NULL,
    signed_percent TEXT NOT NULL,
    reached_percent TEXT NOT NULL,
    reached_percent_exact TEXT NOT NULL,
    proposed_on TEXT NOT NULL,
    expires_on TEXT NOT NULL,
    created TEXT NOT NULL
);
CREATE INDEX capture_proposals_of_order ON capture_proposals (checkout, created);
CREATE TRIGGER capture_proposals_no_update BEFORE UPDATE ON capture_proposals
FOR EACH ROW EXECUTE FUNCTION must_not_change();
CREATE TRIGGER capture_proposals_no_delete BEFORE DELETE ON capture_proposals
FOR EACH ROW EXECUTE FUNCTION must_not_change();

CREATE TABLE capture_confirmations (
    hash TEXT PRIMARY KEY REFERENCES capture_proposals (hash),
    confirmed TEXT NOT NULL
);
CREATE TRIGGER capture_confirmations_no_update BEFORE UPDATE ON capture_confirmations
FOR EACH ROW EXECUTE FUNCTION must_not_change();
CREATE TRIGGER capture_confirmations_no_delete BEFORE DELETE ON capture_confirmations
FOR EACH ROW EXECUTE FUNCTION must_not_change();

-- A confirmation is for one capture.
CREATE TABLE confirmed_captures (
    hash TEXT PRIMARY KEY REFERENCES capture_confirmations (hash),
    checkout TEXT NOT NULL,
    number BIGINT NOT NULL,
    UNIQUE (checkout, number),
    FOREIGN KEY (checkout, number) REFERENCES order_captures (checkout, number)
);
CREATE TRIGGER confirmed_captures_no_update BEFORE UPDATE ON confirmed_captures
FOR EACH ROW EXECUTE FUNCTION must_not_change();
CREATE TRIGGER confirmed_captures_no_delete BEFORE DELETE ON confirmed_captures
FOR EACH ROW EXECUTE FUNCTION must_not_change();
