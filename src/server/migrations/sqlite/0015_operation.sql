-- What an operator runs and looks at, and what is kept of payers who are not known.

-- Whether a job's run was begun by a person. The days that a server makes up for begin with the first that one began
-- by itself.
ALTER TABLE job_runs ADD COLUMN by_hand INTEGER NOT NULL DEFAULT 0 CHECK (by_hand IN (0, 1));
