//! The closed-end box (12 CFR 1026.18).

use prequal_derive::Read;
use serde::{Deserialize, Serialize};

use super::{PaymentRun, payment_runs};
use crate::{
    credit::{Convention, CreditError, FEES_MAX, FeeLine, Terms, apr_of_plan, schedule},
    money::Amount,
};

/// A finance charge paid at once or withheld from the proceeds (1026.2(a)(23)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "a prepaid charge as an object")]
pub struct PrepaidCharge {
    /// What it is called.
    pub code: String,
    /// Who receives it.
    pub payee: String,
    /// In minor units.
    pub amount: Amount,
}

/// What the amount financed is made of (1026.18(c)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Itemization {
    /// Credited to the purchase: what is lent.
    pub to_purchase: Amount,
    /// Paid to others on the borrower's behalf: charges that are no finance charge, by code and payee.
    pub to_others: Vec<PrepaidCharge>,
    /// Finance charges paid at once.
    pub prepaid_finance_charge: Amount,
}

/// The disclosures of a closed-end credit sale or loan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsBox {
    /// Per cent a year, two decimals (1026.18(e)).
    pub apr_percent: String,
    /// What the credit costs (1026.18(d)).
    pub finance_charge: Amount,
    /// The credit provided (1026.18(b)).
    pub amount_financed: Amount,
    /// What has been paid when all payments have been made (1026.18(h)).
    pub total_of_payments: Amount,
    /// Total of payments and down payment (1026.18(j)).
    pub total_sale_price: Amount,
    /// Paid at once.
    pub down_payment: Amount,
    /// The payment schedule (1026.18(g)).
    pub payments: Vec<PaymentRun>,
    /// What the amount financed is made of.
    pub itemization: Itemization,
    /// Whether the box is required: a finance charge, or more than four instalments (1026.1(c)(1)).
    pub required: bool,
}

fn total(line: &FeeLine, count: usize) -> Result<Amount, CreditError> {
    Ok(Amount::sum((0..count).map(|index| line.amount(index, count)))?)
}

/// The box of terms. `not_finance_charges` are codes of fees that a cash buyer would pay as well or that
/// 1026.4(c) to (e) exclude: they are financed, not charged for credit.
///
/// # Errors
/// What [`schedule`] and the rate refuse; prepaid charges above the amount financed.
pub fn us_box(terms: &Terms, prepaid: &[PrepaidCharge], not_finance_charges: &[String]) -> Result<UsBox, CreditError> {
    if prepaid.len() > FEES_MAX {
        return Err(CreditError::TooMany { what: "prepaid charges", max: FEES_MAX });
    }
    let made = schedule(terms)?;
    let count = made.installments.len();
    let mut to_others = Vec::new();
    for line in made.fee_lines.iter().filter(|line| not_finance_charges.contains(&line.code)) {
        let amount = total(line, count)?;
        to_others.push(PrepaidCharge { code: line.code.clone(), payee: line.payee.clone(), amount });
    }
    let others = Amount::sum(to_others.iter().map(|charge| charge.amount))?;
    let at_once = Amount::sum(prepaid.iter().map(|charge| charge.amount))?;
    let financed = made.total_principal.checked_add(others)?.checked_sub(at_once)?;
    let finance_charge = Amount::sum([made.total_interest, made.total_fee.checked_sub(others)?, at_once])?;
    let apr = apr_of_plan(Convention::UsRegZ, terms.currency, terms.start, financed, Amount::ZERO, &made.installments)?;
    let payments = payment_runs(&made);
    let required = !finance_charge.is_zero() || payments.iter().map(|run| u32::from(run.count)).sum::<u32>() > 4;
    Ok(UsBox {
        apr_percent: apr.apr_percent,
        finance_charge,
        amount_financed: financed,
        total_of_payments: made.total,
        total_sale_price: made.total.checked_add(made.down_payment)?.checked_add(at_once)?,
        down_payment: made.down_payment,
        payments,
        itemization: Itemization { to_purchase: made.total_principal, to_others, prepaid_finance_charge: at_once },
        required,
    })
}
