-- Who finances loans, what was asked of them, what they are owed; and the accounts of merchants.

-- One search for funders: what was asked of whom and how it ended. Nothing here is of the applicant.
CREATE TABLE funding_routes (
    id TEXT NOT NULL PRIMARY KEY,
    application TEXT NOT NULL REFERENCES applications (id),
    offer TEXT NOT NULL REFERENCES offers (id),
    -- The programme that stands; none where nobody finances it.
    programme TEXT,
    elapsed_ms INTEGER NOT NULL CHECK (elapsed_ms >= 0),
    decided TEXT NOT NULL
) STRICT;
CREATE INDEX funding_routes_by_application ON funding_routes (application);

CREATE TABLE funding_tries (
    route TEXT NOT NULL REFERENCES funding_routes (id),
    number INTEGER NOT NULL CHECK (number >= 1),
    programme TEXT NOT NULL,
    funder TEXT,
    ended TEXT NOT NULL CHECK (ended IN ('excluded', 'accepted', 'refused', 'failed', 'timed_out', 'dropped')),
    reason TEXT NOT NULL,
    elapsed_ms INTEGER NOT NULL CHECK (elapsed_ms >= 0),
    PRIMARY KEY (route, number)
) STRICT;

-- What signed applications will need of each funder, until it is lent or released.
CREATE TABLE funding_reservations (
    application TEXT NOT NULL REFERENCES applications (id),
    funder TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('partner', 'own', 'guarantor')),
    joint INTEGER NOT NULL CHECK (joint IN (0, 1)),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    -- The funder's part, the lender's own part of the same loan, and the whole.
    amount INTEGER NOT NULL CHECK (amount >= 0),
    own_amount INTEGER NOT NULL CHECK (own_amount >= 0),
    whole_amount INTEGER NOT NULL CHECK (whole_amount >= 0),
    PRIMARY KEY (application, funder)
) STRICT;

-- Who finances a loan, as it was signed, with projections of the funder's books. The guarantor has a row too; what it
-- stands for is the whole.
CREATE TABLE loan_funders (
    loan TEXT NOT NULL REFERENCES loans (id),
    place INTEGER NOT NULL CHECK (place >= 1),
    funder TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('partner', 'own', 'guarantor')),
    programme TEXT NOT NULL,
    joint INTEGER NOT NULL CHECK (joint IN (0, 1)),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    share_percent TEXT NOT NULL,
    servicing_fee_percent TEXT NOT NULL,
    stray_cent INTEGER NOT NULL CHECK (stray_cent IN (0, 1)),
    -- What went between it and the servicer, from the beginning.
    funded INTEGER NOT NULL DEFAULT 0 CHECK (funded >= 0),
    remitted INTEGER NOT NULL DEFAULT 0 CHECK (remitted >= 0),
    -- Projections of its books, rewritten with each event of the loan.
    principal_outstanding INTEGER NOT NULL DEFAULT 0 CHECK (principal_outstanding >= 0),
    own_outstanding INTEGER NOT NULL DEFAULT 0 CHECK (own_outstanding >= 0),
    whole_outstanding INTEGER NOT NULL DEFAULT 0 CHECK (whole_outstanding >= 0),
    to_remit INTEGER NOT NULL DEFAULT 0,
    -- The remittance in which what it is owed is under way.
    pending TEXT,
    PRIMARY KEY (loan, place),
    UNIQUE (loan, funder)
) STRICT;
CREATE INDEX loan_funders_to_remit ON loan_funders (funder, currency, loan)
    WHERE to_remit <> 0 AND pending IS NULL;
CREATE INDEX loan_funders_by_funder ON loan_funders (funder, loan);
CREATE INDEX loans_owed ON loans (currency, principal_outstanding) WHERE principal_outstanding > 0;

-- What is lent, by funder: sums up to some moment, and every change since, a row each. A job adds the changes to the
-- sums; nothing else writes them, so that no two loans write the same row.
CREATE TABLE funding_totals (
    funder TEXT NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    kind TEXT NOT NULL CHECK (kind IN ('partner', 'own', 'guarantor')),
    joint INTEGER NOT NULL CHECK (joint IN (0, 1)),
    amount INTEGER NOT NULL,
    own_amount INTEGER NOT NULL,
    whole_amount INTEGER NOT NULL,
    PRIMARY KEY (funder, currency, kind, joint)
) STRICT;

CREATE TABLE funding_moves (
    id TEXT NOT NULL PRIMARY KEY,
    funder TEXT NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    kind TEXT NOT NULL CHECK (kind IN ('partner', 'own', 'guarantor')),
    joint INTEGER NOT NULL CHECK (joint IN (0, 1)),
    amount INTEGER NOT NULL,
    own_amount INTEGER NOT NULL,
    whole_amount INTEGER NOT NULL
) STRICT;
CREATE INDEX funding_moves_by_funder ON funding_moves (funder, currency, amount, own_amount, whole_amount);
CREATE INDEX funding_moves_by_joint ON funding_moves (joint, currency, kind, amount);

-- What passes between the servicer and a funder for a day: to the funder, or from it where it has to pay in.
CREATE TABLE funder_remittances (
    id TEXT NOT NULL PRIMARY KEY,
    funder TEXT NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    date TEXT NOT NULL,
    -- More than nothing: to the funder. Less: from it.
    amount INTEGER,
    status TEXT NOT NULL CHECK (status IN ('collecting', 'requested', 'settled', 'failed')),
    value_date TEXT,
    transfer TEXT,
    created TEXT NOT NULL,
    UNIQUE (funder, currency, date)
) STRICT;

CREATE TABLE funder_remittance_lines (
    remittance TEXT NOT NULL REFERENCES funder_remittances (id),
    loan TEXT NOT NULL REFERENCES loans (id),
    amount INTEGER NOT NULL CHECK (amount <> 0),
    -- Whether the money's way is in the funder's books, or was given up.
    done INTEGER NOT NULL DEFAULT 0 CHECK (done IN (0, 1)),
    PRIMARY KEY (remittance, loan)
) STRICT;
CREATE INDEX funder_remittance_lines_open ON funder_remittance_lines (remittance, loan) WHERE done = 0;

-- What a merchant is owed (more than nothing) and owes (less), entry by entry, until a settlement takes it.
CREATE TABLE merchant_entries (
    id TEXT NOT NULL PRIMARY KEY,
    merchant TEXT NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    kind TEXT NOT NULL CHECK (kind IN ('capture', 'merchant_fee', 'installment_fee', 'refund')),
    loan TEXT NOT NULL REFERENCES loans (id),
    amount INTEGER NOT NULL CHECK (amount <> 0),
    -- The business day it belongs to, by the merchant's cut-off.
    date TEXT NOT NULL,
    settlement TEXT,
    -- Of a capture: whether the loan has heard that the merchant has the money.
    paid_out INTEGER NOT NULL DEFAULT 0 CHECK (paid_out IN (0, 1)),
    created TEXT NOT NULL
) STRICT;
CREATE INDEX merchant_entries_open ON merchant_entries (merchant, currency, date) WHERE settlement IS NULL;
CREATE INDEX merchant_entries_by_settlement ON merchant_entries (settlement, id);
CREATE INDEX merchant_entries_by_loan ON merchant_entries (loan);
CREATE INDEX merchant_entries_to_pay_out ON merchant_entries (settlement)
    WHERE kind = 'capture' AND paid_out = 0 AND settlement IS NOT NULL;

-- One settlement of a merchant's entries. What is carried forward, held in reserve and claimed stands in the last one.
CREATE TABLE settlements (
    id TEXT NOT NULL PRIMARY KEY,
    merchant TEXT NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    number INTEGER NOT NULL CHECK (number >= 1),
    until TEXT NOT NULL,
    date TEXT NOT NULL,
    captures INTEGER NOT NULL CHECK (captures >= 0),
    fees INTEGER NOT NULL CHECK (fees >= 0),
    refunds INTEGER NOT NULL CHECK (refunds >= 0),
    carried_in INTEGER NOT NULL CHECK (carried_in >= 0),
    reserve_used INTEGER NOT NULL CHECK (reserve_used >= 0),
    reserve_held INTEGER NOT NULL CHECK (reserve_held >= 0),
    reserve_released INTEGER NOT NULL CHECK (reserve_released >= 0),
    claim_recovered INTEGER NOT NULL CHECK (claim_recovered >= 0),
    claimed INTEGER NOT NULL CHECK (claimed >= 0),
    payout INTEGER NOT NULL CHECK (payout >= 0),
    -- The account after it.
    carried_out INTEGER NOT NULL CHECK (carried_out >= 0),
    reserve INTEGER NOT NULL CHECK (reserve >= 0),
    claim INTEGER NOT NULL CHECK (claim >= 0),
    negative_cycles INTEGER NOT NULL CHECK (negative_cycles >= 0),
    status TEXT NOT NULL CHECK (status IN ('requested', 'settled', 'failed')),
    value_date TEXT,
    created TEXT NOT NULL,
    UNIQUE (merchant, currency, number)
) STRICT;
CREATE INDEX settlements_open ON settlements (status, id) WHERE status <> 'settled';

-- A settlement is paid by one payout; after a failed one, by another.
CREATE TABLE settlement_payouts (
    id TEXT NOT NULL PRIMARY KEY,
    settlement TEXT NOT NULL REFERENCES settlements (id),
    number INTEGER NOT NULL CHECK (number >= 1),
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    date TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('requested', 'settled', 'failed')),
    value_date TEXT,
    transfer TEXT,
    created TEXT NOT NULL,
    UNIQUE (settlement, number)
) STRICT;
