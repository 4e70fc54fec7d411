-- What changes of a loan with every event stands in a table of its own: a repayment then writes a few numbers, and not
-- the agreement's text again.

-- Projections of a loan's events, rewritten with each of them.
CREATE TABLE loan_standings (
    loan TEXT NOT NULL PRIMARY KEY REFERENCES loans (id),
    -- As the loan's, so that what is owed in a currency is one look at an index.
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    status TEXT NOT NULL
        CHECK (status IN ('disbursing', 'active', 'settled', 'cancelled', 'charged_off', 'transferred', 'closed')),
    principal_outstanding BIGINT NOT NULL CHECK (principal_outstanding >= 0),
    -- What is owed back to the payer.
    credit_balance BIGINT NOT NULL DEFAULT 0 CHECK (credit_balance >= 0),
    -- On which day servicing has to look at the loan again; the empty text is as soon as it can. Every event sets it back.
    service_due TEXT NOT NULL DEFAULT ''
);
INSERT INTO loan_standings (loan, currency, status, principal_outstanding, credit_balance, service_due)
    SELECT id, currency, status, principal_outstanding, credit_balance, service_due FROM loans;
DROP INDEX loans_with_credit;
DROP INDEX loans_by_service_due;
DROP INDEX loans_owed;
ALTER TABLE loans DROP COLUMN status;
ALTER TABLE loans DROP COLUMN principal_outstanding;
ALTER TABLE loans DROP COLUMN credit_balance;
ALTER TABLE loans DROP COLUMN service_due;
CREATE INDEX loan_standings_with_credit ON loan_standings (loan) WHERE credit_balance > 0;
CREATE INDEX loan_standings_by_service_due ON loan_standings (service_due, loan)
    WHERE status IN ('disbursing', 'active');
CREATE INDEX loan_standings_owed ON loan_standings (currency, principal_outstanding) WHERE principal_outstanding > 0;
