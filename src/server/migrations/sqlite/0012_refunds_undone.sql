-- A refund that is undone gives its claim back to the merchant, as a capture of which no loan needs to hear: the loan was
-- told when it was captured, or is told by the capture itself. Such an entry comes after the refund's own.
ALTER TABLE merchant_entries ADD COLUMN undone INTEGER NOT NULL DEFAULT 0 CHECK (undone IN (0, 1));
UPDATE merchant_entries SET undone = 1, paid_out = 1
WHERE kind = 'capture' AND EXISTS (
    SELECT 1 FROM merchant_entries earlier
    WHERE earlier.loan = merchant_entries.loan AND earlier.kind = 'refund' AND earlier.id < merchant_entries.id);
-- Of the captures of a settlement, what no loan pays. The next settlement posts what those before did not.
ALTER TABLE settlements ADD COLUMN undone INTEGER NOT NULL DEFAULT 0 CHECK (undone >= 0);
