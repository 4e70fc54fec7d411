-- What a person may still have to pay of a loan, to whomever it belongs: also what was charged off or sold. It is null of
-- a loan to which nothing has happened since this column is there; then it is folded when it is asked.
ALTER TABLE loan_standings ADD COLUMN exposed INTEGER CHECK (exposed >= 0);
UPDATE loan_standings SET exposed = 0 WHERE status IN ('settled', 'cancelled', 'closed');

-- What a borrower agreed to after the agreement: an instalment plan for what was to be paid with a bill.
CREATE TABLE loan_amendments (
    id TEXT NOT NULL PRIMARY KEY,
    loan TEXT NOT NULL REFERENCES loans (id),
    text TEXT NOT NULL,
    hash TEXT NOT NULL CHECK (length(hash) = 64),
    accepted TEXT NOT NULL
) STRICT;
CREATE INDEX loan_amendments_by_loan ON loan_amendments (loan, id);

-- What of an order's `merchant_fee` is the fee of the instalments, which the seller bears.
ALTER TABLE orders ADD COLUMN installment_fee INTEGER NOT NULL DEFAULT 0 CHECK (installment_fee >= 0);

-- Penalties for what is late are asked for as well.
ALTER TABLE line_statements ADD COLUMN penalty INTEGER NOT NULL DEFAULT 0 CHECK (penalty >= 0);

-- By what a person was found before a correction: nobody is written to or searched by it, and whoever applies with it is
-- taken for the same person where it is asked what they owe. It goes with the person's other digests.
CREATE TABLE person_former_lookups (
    kind TEXT NOT NULL CHECK (kind IN ('email', 'phone')),
    digest TEXT NOT NULL CHECK (length(digest) = 64),
    person TEXT NOT NULL REFERENCES persons (id),
    PRIMARY KEY (kind, digest, person)
) STRICT;
CREATE INDEX person_former_lookups_by_person ON person_former_lookups (person);
