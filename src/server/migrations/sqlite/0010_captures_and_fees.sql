-- Captures whose payouts failed, and the books of guarantors' fees.

-- A capture whose payout failed: nothing was lent by it. `after` is how many captures the order had by then.
CREATE TABLE order_capture_failures (
    checkout TEXT NOT NULL,
    number INTEGER NOT NULL,
    after INTEGER NOT NULL,
    failed_on TEXT NOT NULL,
    created TEXT NOT NULL,
    PRIMARY KEY (checkout, number),
    FOREIGN KEY (checkout, number) REFERENCES order_captures (checkout, number),
    CHECK (after >= number)
) STRICT;
CREATE TRIGGER order_capture_failures_no_update BEFORE UPDATE ON order_capture_failures
BEGIN SELECT RAISE(ABORT, 'failures of captures are append-only'); END;
CREATE TRIGGER order_capture_failures_no_delete BEFORE DELETE ON order_capture_failures
BEGIN SELECT RAISE(ABORT, 'failures of captures are append-only'); END;

-- Whether a guarantor's fee stands in books of its own. Loans that were booked before have it in their funders' books,
-- and keep it there.
ALTER TABLE loan_funders ADD COLUMN fee_books INTEGER NOT NULL DEFAULT 0 CHECK (fee_books IN (0, 1));
