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
) STRICT;
CREATE INDEX reviews_open_by_day ON reviews (due_by) WHERE status = 'open';
