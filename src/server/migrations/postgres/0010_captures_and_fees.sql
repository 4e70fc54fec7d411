-- Captures whose payouts failed, and the books of guarantors' fees.

-- A capture whose payout failed: nothing was lent by it. `after` is how many captures the order had by then.
CREATE TABLE order_capture_failures (
    checkout TEXT NOT NULL,
    number BIGINT NOT NULL,
    after BIGINT NOT NULL,
    failed_on TEXT NOT NULL,
    created TEXT NOT NULL,
    PRIMARY KEY (checkout, number),
    FOREIGN KEY (checkout, number) REFERENCES order_captures (checkout, number),
    CHECK (after >= number)
);
CREATE TRIGGER order_capture_failures_no_update BEFORE UPDATE ON order_capture_failures
FOR EACH ROW EXECUTE FUNCTION must_not_change();
CREATE TRIGGER order_capture_failures_no_delete BEFORE DELETE ON order_capture_failures
FOR EACH ROW EXECUTE FUNCTION must_not_change();

-- Whether a guarantor's fee stands in books of its own. Loans that were booked before have it in their funders' books,
-- and keep it there.
ALTER TABLE loan_funders ADD COLUMN fee_books BIGINT NOT NULL DEFAULT 0 CHECK (fee_books IN (0, 1));
