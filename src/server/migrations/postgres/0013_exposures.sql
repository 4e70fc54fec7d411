-- What a person may still have to pay of a loan, to whomever it belongs: also what was charged off or sold. It is null of
-- a loan to which nothing has happened since this column is there; then it is folded when it is asked.
ALTER TABLE loan_standings ADD COLUMN exposed BIGINT CHECK (exposed >= 0);
UPDATE loan_standings SET exposed = 0 WHERE status IN ('settled', 'cancelled', 'closed');

-- What a borrower agreed to after the agreement: an instalment plan for what was to be paid with a bill.
CREATE TABLE loan_amendments (
    id TEXT NOT NULL PRIMARY KEY,
    loan TEXT NOT NULL REFERENCES loans (id),
    text TEXT NOT NULL,
    hash TEXT NOT NULL CHECK (length(hash) = 64),
    accepted TEXT NOT NULL
);
CREATE INDEX loan_amendments_by_loan ON loan_amendments (loan, id);

-- What of an order's `merchant_fee` is the fee of the instalments, which the seller bears.
ALTER TABLE orders ADD COLUMN installment_fee BIGINT NOT NULL DEFAULT 0 CHECK (installment_fee >= 0);

-- Penalties for what is late are asked for as well.
ALTER TABLE line_statements ADD COLUMN penalty BIGINT NOT NULL DEFAULT 0 CHECK (penalty >= 0);
