//! The amounts that disclosures need: the closed-end box of the United States, the European standard
//! information, the Chinese cost table. Amounts and rates only; words and layout are the caller's.

mod cn;
mod eu;
mod us;

use prequal_derive::Read;
use serde::{Deserialize, Serialize};

use crate::{
    calendar::Date,
    credit::{
        CreditError, FEES_MAX, FeeLine, LateFee, LateRules, Penalty, PrepaymentRule, Rules, Schedule, TEXT_BYTES_MAX,
        Terms,
    },
    money::Amount,
};

pub use cn::{CnCostTable, CnCosts, CnFee, cn_cost_table};
pub use eu::{EuInformation, eu_information};
pub use us::{Itemization, UsBox, us_box};

/// A contract of which the amounts are to be disclosed; the input of `prequal disclose`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "a contract to disclose as an object")]
pub struct DisclosureInput {
    /// The terms as they would be signed.
    pub terms: Terms,
    /// Interest on what is late, as `prequal payoff` takes it.
    #[serde(default)]
    pub penalty: Option<Penalty>,
    /// Fixed charges for being late.
    #[serde(default)]
    pub late_fee: Option<LateFee>,
    /// What paying before time costs.
    #[serde(default)]
    pub prepayment: PrepaymentRule,
    /// Days from the start within which the contract can be withdrawn from.
    #[serde(default)]
    pub withdrawal_days: Option<u16>,
    /// Charges paid at once or withheld from the proceeds.
    #[serde(default)]
    pub prepaid: Vec<Charge>,
    /// Codes of fees that a cash buyer would pay as well, or that 12 CFR 1026.4(c) to (e) exclude; for the box of the
    /// United States.
    #[serde(default)]
    pub not_finance_charges: Vec<String>,
    /// Who collects interest and the method's own fee; for the Chinese table.
    #[serde(default)]
    pub lender: String,
}

impl DisclosureInput {
    const fn late(&self) -> LateRules<'_> {
        LateRules { penalty: self.penalty.as_ref(), late_fee: self.late_fee.as_ref() }
    }

    /// Refuses lists and texts beyond their limits, and a rule for prepayments that contradicts itself.
    fn check(&self) -> Result<(), CreditError> {
        if self.prepaid.len() > FEES_MAX || self.not_finance_charges.len() > FEES_MAX {
            return Err(CreditError::TooMany { what: "charges", max: FEES_MAX });
        }
        let texts = self.prepaid.iter().flat_map(|charge| [&charge.code, &charge.payee]);
        if texts.chain([&self.lender]).any(|text| text.len() > TEXT_BYTES_MAX) {
            return Err(CreditError::BadText("prepaid"));
        }
        Rules { prepayment: self.prepayment.clone(), ..Rules::default() }.check()
    }

    /// What is paid at once.
    fn upfront(&self) -> Result<Amount, CreditError> {
        Ok(Amount::sum(self.prepaid.iter().map(|charge| charge.amount))?)
    }
}

/// A charge by name and payee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "a charge as an object")]
pub struct Charge {
    /// What it is called.
    pub code: String,
    /// Who receives it.
    pub payee: String,
    /// All of it, in minor units.
    pub amount: Amount,
}

/// All of a further charge over the term.
fn charge_of(line: &FeeLine, count: usize) -> Result<Charge, CreditError> {
    let amount = Amount::sum((0..count).map(|index| line.amount(index, count)))?;
    Ok(Charge { code: line.code.clone(), payee: line.payee.clone(), amount })
}

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
