//! The built-in words about what falls due: before the day, on it and after it.

use super::Kind;

/// Where the day on which a reminder goes out lies, seen from the due day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before it.
    Before,
    /// It is the day.
    On,
    /// After it.
    After,
}

impl Moment {
    /// `before`, `on` or `after`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::On => "on",
            Self::After => "after",
        }
    }
}

const BEFORE: &str = "\
Subject: Your instalment falls due on {due}

Instalment {number} of loan {loan} with {lender} falls due on {due}: {amount} are still to be paid.
{autopay}{how_to_pay}
If you have paid in the meantime, nothing more is to be done. If you cannot pay, tell us early: {hardship}
";

const ON: &str = "\
Subject: Your instalment falls due today, {due}

Instalment {number} of loan {loan} with {lender} falls due today, {due}: {amount} are still to be paid.
{autopay}{how_to_pay}
If you have paid in the meantime, nothing more is to be done. If you cannot pay, tell us today: {hardship}
";

const AFTER: &str = "\
Subject: Your instalment of {due} is past due

Instalment {number} of loan {loan} with {lender} fell due on {due}, {days_past_due} days ago: {amount} are still to be paid.

Late fees and penalty of the loan so far: {penalty}
To be paid now, in all: {total}

{how_to_pay}
{consequences}
If you cannot pay, speak with us: {hardship}
If you have paid in the meantime, nothing more is to be done.
";

pub(super) const STATEMENT: &str = "\
Subject: Your statement of {date}: due on {due}

The statement of {date} of your line of credit {line} with {lender}:

Purchases: {principal}
Instalments: {installments}
Interest: {interest}
Fees: {fee}
In all: {total}
The least that must be paid: {minimum}
Due day: {due}

{how_to_pay}
Who pays all of it by the due day pays no interest on the purchases in it; what is carried over bears interest as agreed.
";

const BILL_BEFORE: &str = "\
Subject: Your bill falls due on {due}

The bill of {date} of your line of credit {line} with {lender} falls due on {due}.

Still to be paid: {total}
Of this at least: {minimum}

{how_to_pay}
If you have paid in the meantime, nothing more is to be done. If you cannot pay, tell us early: {hardship}
";

const BILL_ON: &str = "\
Subject: Your bill falls due today, {due}

The bill of {date} of your line of credit {line} with {lender} falls due today, {due}.

Still to be paid: {total}
Of this at least: {minimum}

{how_to_pay}
If you have paid in the meantime, nothing more is to be done. If you cannot pay, tell us today: {hardship}
";

const BILL_AFTER: &str = "\
Subject: Your bill of {due} is past due

The bill of {date} of your line of credit {line} with {lender} fell due on {due}, {days_past_due} days ago. Not even the \
least of it, {minimum}, was paid.

Late fees and penalty so far: {penalty}
To be paid now, in all: {total}

{how_to_pay}
{consequences}
If you cannot pay, speak with us: {hardship}
If you have paid in the meantime, nothing more is to be done.
";

/// The text of a reminder, of an instalment or of a bill, and its version.
pub(super) const fn built_in(kind: Kind, moment: Moment) -> (&'static str, u32) {
    let is_bill = matches!(kind, Kind::BillReminder);
    match (moment, is_bill) {
        (Moment::Before, false) => (BEFORE, 2),
        (Moment::On, false) => (ON, 2),
        (Moment::After, false) => (AFTER, 2),
        (Moment::Before, true) => (BILL_BEFORE, 1),
        (Moment::On, true) => (BILL_ON, 1),
        (Moment::After, true) => (BILL_AFTER, 1),
    }
}
