//! The amounts that disclosures need: the closed-end box of the United States, the European standard
//! information, the Chinese cost table. Amounts and rates only; words and layout are the caller's.

mod cn;
mod eu;
mod us;

use serde::Serialize;

use crate::{calendar::Date, credit::Schedule, money::Amount};

pub use cn::{CnCostTable, CnCosts, CnFee, cn_cost_table};
pub use eu::{EuInformation, eu_information};
pub use us::{Itemization, PrepaidCharge, UsBox, us_box};

/// Equal payments in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PaymentRun {
    /// How many.
    pub count: u16,
    /// Each, in minor units.
    pub amount: Amount,
    /// The first due date.
    pub first_due: Date,
    /// The last due date.
    pub last_due: Date,
}

/// The payments of a schedule, equal ones in a row taken together, those of nothing left out.
#[must_use]
pub fn payment_runs(schedule: &Schedule) -> Vec<PaymentRun> {
    let mut runs: Vec<PaymentRun> = Vec::new();
    for row in schedule.installments.iter().filter(|row| !row.total.is_zero()) {
        match runs.last_mut().filter(|run| run.amount == row.total) {
            Some(run) => (run.count, run.last_due) = (run.count.saturating_add(1), row.due),
            None => runs.push(PaymentRun { count: 1, amount: row.total, first_due: row.due, last_due: row.due }),
        }
    }
    runs
}
