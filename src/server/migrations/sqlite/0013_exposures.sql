-- What a person may still have to pay of a loan, to whomever it belongs: also what was charged off or sold. It is null of
-- a loan to which nothing has happened since this column is there; then it is folded when it is asked.
ALTER TABLE loan_standings ADD COLUMN exposed INTEGER CHECK (exposed >= 0);
UPDATE loan_standings SET exposed = 0 WHERE status IN ('settled', 'cancelled', 'closed');
