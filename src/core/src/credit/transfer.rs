//! One transfer for several plans and loans: how much of it each receives.

use prequal_derive::Read;
use serde::{Deserialize, Serialize};

use crate::{
    credit::{
        AccountState, AllocationRule, CreditError, Parts,
        rules::{Bucket, Part, Timing},
    },
    money::{Amount, Leftover, allot},
};

/// Loans of one transfer, at most.
pub const TRANSFER_LOANS_MAX: usize = 200;

/// Between the loans of a transfer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Read)]
#[serde(rename_all = "snake_case")]
pub enum Among {
    /// Bucket by bucket: what is past due of every loan before anything else.
    #[default]
    BucketByBucket,
    /// Loan by loan, in their order.
    LoanByLoan,
    /// Bucket by bucket, within each in proportion to what each loan owes in it.
    ProRata,
}

/// What a loan owes on a day, by when it falls due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Debt {
    /// Fallen due before the day.
    pub past_due: Parts,
    /// Falls due on the day.
    pub due: Parts,
    /// What else settling would take.
    pub in_advance: Parts,
}

impl Debt {
    /// The debt of a loan as its account says.
    ///
    /// # Errors
    /// `amount_out_of_range`.
    pub fn of(state: &AccountState) -> Result<Self, CreditError> {
        let mut due = Parts::default();
        for row in state.installments.iter().filter(|row| row.due == state.date) {
            due = due.plus(&minus(&row.owed, &row.paid))?;
        }
        let fallen = state.overdue.plus(&due)?;
        Ok(Self { past_due: state.overdue, due, in_advance: minus(&state.balance, &fallen) })
    }

    const fn of_bucket(&self, bucket: Bucket) -> Amount {
        let parts = match bucket.timing {
            Timing::PastDue => &self.past_due,
            Timing::Due => &self.due,
            Timing::InAdvance => &self.in_advance,
        };
        match bucket.part {
            Part::Penalty => parts.penalty,
            Part::Fee => parts.fee,
            Part::Interest => parts.interest,
            Part::Principal => parts.principal,
        }
    }
}

fn minus(one: &Parts, other: &Parts) -> Parts {
    Parts {
        principal: one.principal.saturating_sub(other.principal),
        interest: one.interest.saturating_sub(other.interest),
        fee: one.fee.saturating_sub(other.fee),
        penalty: one.penalty.saturating_sub(other.penalty),
    }
}

/// How much of a transfer each loan receives, in their order, and what is left when all are settled.
/// Each loan then applies its share by its own rules.
///
/// # Errors
/// More than [`TRANSFER_LOANS_MAX`] loans.
pub fn split_transfer(
    amount: Amount,
    debts: &[Debt],
    rule: &AllocationRule,
    among: Among,
) -> Result<(Vec<Amount>, Amount), CreditError> {
    if debts.len() > TRANSFER_LOANS_MAX {
        return Err(CreditError::TooMany { what: "loans", max: TRANSFER_LOANS_MAX });
    }
    let mut shares = vec![Amount::ZERO; debts.len()];
    let mut left = amount;
    let mut give = |shares: &mut [Amount], place: usize, owed: Amount| -> Result<(), CreditError> {
        let part = owed.min(left);
        left = left.checked_sub(part)?;
        if let Some(share) = shares.get_mut(place) {
            *share = share.checked_add(part)?;
        }
        Ok(())
    };
    match among {
        Among::LoanByLoan => {
            for (place, debt) in debts.iter().enumerate() {
                for bucket in &rule.order {
                    give(&mut shares, place, debt.of_bucket(*bucket))?;
                }
            }
        }
        Among::BucketByBucket => {
            for bucket in &rule.order {
                for (place, debt) in debts.iter().enumerate() {
                    give(&mut shares, place, debt.of_bucket(*bucket))?;
                }
            }
        }
        Among::ProRata => {
            let mut given = Amount::ZERO;
            for bucket in &rule.order {
                let owed: Vec<u64> = debts.iter().map(|debt| debt.of_bucket(*bucket).unsigned()).collect();
                let whole = Amount::sum(debts.iter().map(|debt| debt.of_bucket(*bucket)))?;
                let money = whole.min(amount.saturating_sub(given));
                if money.is_zero() {
                    continue;
                }
                for (place, part) in allot(money, &owed, Leftover::LargestRemainder)?.into_iter().enumerate() {
                    give(&mut shares, place, part)?;
                }
                given = given.checked_add(money)?;
            }
        }
    }
    Ok((shares, left))
}
