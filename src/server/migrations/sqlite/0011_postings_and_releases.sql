-- The rules of the journal in fewer looks at it: they are asked for every row.

-- A chain grows by one, from the hash before it. Beyond the first, the entry before must be there; a second of one
-- number the table refuses by itself.
DROP TRIGGER journal_entries_follow;
CREATE TRIGGER journal_entries_follow BEFORE INSERT ON journal_entries
WHEN NEW.number > 1 AND NOT EXISTS (
    SELECT 1 FROM journal_entries WHERE chain = NEW.chain AND number = NEW.number - 1 AND hash = NEW.previous)
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
