-- The rules of the journal in fewer looks at it: they are asked for every row.

-- How many lines an entry has: nothing is added to one that is whole, and none is empty.
ALTER TABLE journal_entries ADD COLUMN lines INTEGER CHECK (lines IS NULL OR lines >= 1);
DROP TRIGGER journal_entries_no_update;
UPDATE journal_entries SET lines = (SELECT count(*) FROM journal_transfers t WHERE t.entry = journal_entries.id);
CREATE TRIGGER journal_entries_no_update BEFORE UPDATE ON journal_entries
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_entries_have_lines BEFORE INSERT ON journal_entries WHEN NEW.lines IS NULL
BEGIN SELECT RAISE(ABORT, 'a journal entry says how many lines it has'); END;
CREATE TRIGGER journal_transfers_belong BEFORE INSERT ON journal_transfers
WHEN NOT EXISTS (SELECT 1 FROM journal_entries WHERE id = NEW.entry AND NEW.line <= lines)
BEGIN SELECT RAISE(ABORT, 'a transfer belongs to an entry and has a line of it'); END;

-- A chain grows by one, from the hash before it, in one currency; money of unknown payers is in any. Beyond the first,
-- the entry before must be there; a second of one number the table refuses by itself.
DROP TRIGGER journal_entries_follow;
CREATE TRIGGER journal_entries_follow BEFORE INSERT ON journal_entries
WHEN NEW.number > 1 AND NOT EXISTS (
    SELECT 1 FROM journal_entries WHERE chain = NEW.chain AND number = NEW.number - 1 AND hash = NEW.previous
        AND (currency = NEW.currency OR NEW.chain LIKE 'suspense%'))
BEGIN SELECT RAISE(ABORT, 'journal entry does not follow its chain'); END;

-- Foreign keys hold accounts to which something was posted; those of the chart stay even before that.
CREATE TRIGGER accounts_no_delete BEFORE DELETE ON accounts
BEGIN SELECT RAISE(ABORT, 'an account stays in the chart'); END;
CREATE TRIGGER accounts_no_other_code BEFORE UPDATE OF code ON accounts WHEN NEW.code <> OLD.code
BEGIN SELECT RAISE(ABORT, 'an account stays in the chart'); END;

-- What a merchant gave up of an order, by a last capture or by voiding the rest: a capture that fails afterwards may be
-- made again, and this may not.
ALTER TABLE orders ADD COLUMN released INTEGER NOT NULL DEFAULT 0 CHECK (released >= 0);
UPDATE orders SET released = authorized - captured WHERE ended IN ('captured', 'voided');

-- All lines' statements of one day.
CREATE INDEX line_statements_by_date ON line_statements (date, line);
