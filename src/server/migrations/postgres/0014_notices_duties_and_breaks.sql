-- Notices with a subject of their own, duties that are escalated, and what funders' files differ in.

-- What stands above a notice, where its text says so, and the SHA-256 of the text it was made of.
ALTER TABLE notices ADD COLUMN subject TEXT;
ALTER TABLE notices ADD COLUMN template_hash TEXT CHECK (template_hash IS NULL OR length(template_hash) = 64);

-- A day finds the bills that fall due around it.
CREATE INDEX line_statements_by_due ON line_statements (due, line);

-- That a duty was called out before its day or after it, once each. `subject` is the application, or the review.
CREATE TABLE duty_escalations (
    subject TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('decision', 'incomplete', 'referral', 'human_review')),
    stage TEXT NOT NULL CHECK (stage IN ('due_soon', 'overdue')),
    due_by TEXT NOT NULL,
    escalated TEXT NOT NULL,
    PRIMARY KEY (subject, kind, stage)
);
CREATE INDEX reviews_open_by_day ON reviews (due_by) WHERE status = 'open';

-- The file of a funder and a business day that is over: what it was can be proved when it is made again.
CREATE TABLE funder_files (
    funder TEXT NOT NULL,
    date TEXT NOT NULL,
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    bytes BIGINT NOT NULL CHECK (bytes > 0),
    loans BIGINT NOT NULL CHECK (loans >= 0),
    created TEXT NOT NULL,
    PRIMARY KEY (funder, date)
);

-- What a funder's own file of a day differs in: open until somebody explains it, closed when it is gone or written off.
-- A note is free text and sealed.
CREATE TABLE funder_breaks (
    id TEXT NOT NULL PRIMARY KEY,
    funder TEXT NOT NULL,
    date TEXT NOT NULL,
    loan TEXT NOT NULL,
    field TEXT NOT NULL,
    ours BIGINT,
    theirs BIGINT,
    status TEXT NOT NULL CHECK (status IN ('open', 'explained', 'closed')),
    opened TEXT NOT NULL,
    note_sealed BYTEA,
    changed TEXT,
    changed_by TEXT,
    UNIQUE (funder, date, loan, field),
    CHECK ((changed IS NULL) = (changed_by IS NULL))
);
CREATE INDEX funder_breaks_of_funder ON funder_breaks (funder, id);
