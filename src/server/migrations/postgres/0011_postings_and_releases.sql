-- The rules of the journal in fewer looks at it: they are asked for every row, and were most of what an insert costs.

-- How many lines an entry has: nothing is added to one that is whole, and none is empty.
ALTER TABLE journal_entries ADD COLUMN lines BIGINT;
DROP TRIGGER journal_entries_no_update ON journal_entries;
UPDATE journal_entries SET lines = (SELECT count(*) FROM journal_transfers t WHERE t.entry = journal_entries.id);
CREATE TRIGGER journal_entries_no_update BEFORE UPDATE ON journal_entries
FOR EACH ROW EXECUTE FUNCTION must_not_change();
ALTER TABLE journal_entries ADD CONSTRAINT journal_entries_has_lines CHECK (lines >= 1);
ALTER TABLE journal_entries ALTER COLUMN lines SET NOT NULL;

-- A chain grows by one, from the hash before it, in one currency; money of unknown payers is in any. Beyond the first,
-- the entry before must be there; a second of one number the table refuses by itself. And nothing is booked into a
-- period that is closed.
CREATE OR REPLACE FUNCTION journal_entry_must_follow() RETURNS TRIGGER AS $$
BEGIN
    IF NEW.number > 1 AND NOT EXISTS (
        SELECT 1 FROM journal_entries WHERE chain = NEW.chain AND number = NEW.number - 1 AND hash = NEW.previous
            AND (currency = NEW.currency OR NEW.chain LIKE 'suspense%'))
    THEN
        RAISE EXCEPTION 'journal entry does not follow its chain';
    END IF;
    IF EXISTS (SELECT 1 FROM ledger_closes WHERE through >= NEW.date) THEN
        RAISE EXCEPTION 'the period is closed';
    END IF;
    RETURN NEW;
END;
$$ LANGUAGE plpgsql;
DROP TRIGGER journal_entries_open ON journal_entries;
DROP FUNCTION journal_entries_must_be_open();

-- A foreign key locks the row that it points to, which writes to it: the row of an account is one that every loan's
-- postings point to. An account is never taken away, so it is enough to look.
ALTER TABLE journal_transfers DROP CONSTRAINT journal_transfers_entry_fkey;
ALTER TABLE journal_transfers DROP CONSTRAINT journal_transfers_debit_fkey;
ALTER TABLE journal_transfers DROP CONSTRAINT journal_transfers_credit_fkey;
CREATE FUNCTION journal_transfer_must_belong() RETURNS TRIGGER AS $$
BEGIN
    PERFORM 1 FROM journal_entries e, accounts d, accounts c
    WHERE e.id = NEW.entry AND NEW.line <= e.lines AND d.code = NEW.debit AND c.code = NEW.credit;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a transfer belongs to an entry, has a line of it and moves between accounts of the chart';
    END IF;
    RETURN NEW;
END;
$$ LANGUAGE plpgsql;
CREATE TRIGGER journal_transfers_belong BEFORE INSERT ON journal_transfers
FOR EACH ROW EXECUTE FUNCTION journal_transfer_must_belong();
CREATE FUNCTION account_must_stay() RETURNS TRIGGER AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.code <> OLD.code THEN
        RAISE EXCEPTION 'an account stays in the chart';
    END IF;
    RETURN NEW;
END;
$$ LANGUAGE plpgsql;
CREATE TRIGGER accounts_no_delete BEFORE DELETE ON accounts FOR EACH ROW EXECUTE FUNCTION account_must_stay();
CREATE TRIGGER accounts_no_other_code BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION account_must_stay();

-- What a merchant gave up of an order, by a last capture or by voiding the rest: a capture that fails afterwards may be
-- made again, and this may not.
ALTER TABLE orders ADD COLUMN released BIGINT NOT NULL DEFAULT 0 CHECK (released >= 0);
UPDATE orders SET released = authorized - captured WHERE ended IN ('captured', 'voided');

-- All lines' statements of one day.
CREATE INDEX line_statements_by_date ON line_statements (date, line);
