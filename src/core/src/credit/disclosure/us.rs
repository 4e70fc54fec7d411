//! The closed-end box (12 CFR 1026.18).

use serde::Serialize;

use super::{Charge, DisclosureInput, PaymentRun, charge_of, payment_runs};
use crate::{
    credit::{
        Convention, CostReduction, CreditError, apr_of_plan,
        caps::{CostOfDefault, DefaultCost},
        schedule,
    },
    money::Amount,
};

/// What the amount financed is made of (1026.18(c)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Itemization {
    /// Credited to the purchase: what is lent.
    pub to_purchase: Amount,
    /// Paid to others on the borrower's behalf: charges that are no finance charge, by code and payee.
    pub to_others: Vec<Charge>,
    /// Finance charges paid at once or withheld from the proceeds (1026.2(a)(23)).
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
    /// What is charged for a late payment (1026.18(l)).
    pub late_payment: CostOfDefault,
    /// Whether paying early may cost a fee (1026.18(k)(1)).
    pub prepayment_fee: bool,
    /// Whether paying early gives back a part of the charges (1026.18(k)(2)).
    pub prepayment_rebate: bool,
    /// Whether the box is required: a finance charge, or more than four instalments (1026.1(c)(1)).
    pub required: bool,
}

/// The box of a contract. Fees whose codes stand in `not_finance_charges` are financed, not charged for credit.
///
/// # Errors
/// What [`schedule`], the rules and the rate refuse; prepaid charges above the amount financed.
pub fn us_box(contract: &DisclosureInput) -> Result<UsBox, CreditError> {
    contract.check()?;
    let DisclosureInput { terms, prepayment, not_finance_charges, .. } = contract;
    let is_charged = |code: &String| {
        contract.prepaid.iter().any(|charge| charge.code == *code) || terms.fees.iter().any(|fee| fee.code == *code)
    };
    if !not_finance_charges.iter().all(is_charged) {
        let why = "it names a code that is no charge of the contract";
        return Err(CreditError::NotApplicable { field: "not_finance_charges", why });
    }
    // What the law does not count as a finance charge, and is paid at once, is neither financed nor a cost of the credit.
    let counted = contract.prepaid.iter().filter(|charge| !not_finance_charges.contains(&charge.code));
    let at_once = Amount::sum(counted.map(|charge| charge.amount))?;
    let made = schedule(terms)?;
    let count = made.installments.len();
    let financed_fees = made.fee_lines.iter().filter(|line| not_finance_charges.contains(&line.code));
    let to_others: Vec<Charge> = financed_fees.map(|line| charge_of(line, count)).collect::<Result<_, _>>()?;
    let others = Amount::sum(to_others.iter().map(|charge| charge.amount))?;
    let financed = made.total_principal.checked_add(others)?.checked_sub(at_once)?;
    let finance_charge = Amount::sum([made.total_interest, made.total_fee.checked_sub(others)?, at_once])?;
    let apr = apr_of_plan(
        Convention::UsRegZ,
        terms.repayment.every,
        terms.start,
        financed,
        Amount::ZERO,
        &made.installments,
    )?;
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
        late_payment: DefaultCost::of(terms, &made, contract.late())?.quoted,
        prepayment_fee: prepayment.fee_percent.is_some_and(|percent| !percent.is_zero()),
        prepayment_rebate: prepayment.cost_reduction != CostReduction::None,
        required,
    })
}
