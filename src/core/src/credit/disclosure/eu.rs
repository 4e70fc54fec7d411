//! The European standard information (Directive (EU) 2023/2225, article 10 and Annex I).

use serde::Serialize;

use super::{Charge, DisclosureInput, PaymentRun, charge_of, payment_runs};
use crate::{
    calendar::{Date, MonthEnd},
    credit::{
        Convention, CreditError, PrepaymentRule, apr_of_plan,
        caps::{CostOfDefault, DefaultCost},
        schedule,
    },
    decimal::Decimal,
    money::Amount,
};

/// The figures of the form's first page and of its part on costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EuInformation {
    /// What is made available.
    pub total_amount_of_credit: Amount,
    /// From the start to the last due date.
    pub duration_days: u32,
    /// The last due date.
    pub last_due: Date,
    /// The borrowing rate, per cent; none where nothing accrues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub borrowing_rate_percent: Option<Decimal>,
    /// Whether that rate is per day.
    pub borrowing_rate_daily: bool,
    /// The annual percentage rate of charge, one decimal.
    pub aprc_percent: String,
    /// Instalments, equal ones in a row taken together.
    pub installments: Vec<PaymentRun>,
    /// Total amount of credit and total cost.
    pub total_payable: Amount,
    /// Interest, fees and charges paid at once.
    pub total_cost_of_credit: Amount,
    /// Fees with the instalments and charges paid at once, by name and payee: the related costs.
    pub charges: Vec<Charge>,
    /// Fees of the method of repayment itself.
    pub installment_fees: Amount,
    /// What goods on deferred payment cost in cash.
    pub cash_price: Amount,
    /// Paid at once towards them.
    pub down_payment: Amount,
    /// What being late costs.
    pub cost_of_default: CostOfDefault,
    /// What paying early may cost, in per cent of what is paid early; the law's ceiling where it is lower.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_repayment_percent: Option<Decimal>,
    /// Days within which the contract can be withdrawn from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawal_days: Option<u16>,
}

/// The figures of a contract; its prepaid charges are paid at once, beside what is lent.
///
/// # Errors
/// What [`schedule`], the rules and the rate refuse.
pub fn eu_information(contract: &DisclosureInput) -> Result<EuInformation, CreditError> {
    contract.check()?;
    let upfront = contract.upfront()?;
    let DisclosureInput { terms, .. } = contract;
    let made = schedule(terms)?;
    let count = made.installments.len();
    let mut charges: Vec<Charge> =
        made.fee_lines.iter().map(|line| charge_of(line, count)).collect::<Result<_, _>>()?;
    let further = Amount::sum(charges.iter().map(|charge| charge.amount))?;
    charges.extend(contract.prepaid.iter().cloned());
    let aprc = apr_of_plan(
        Convention::EuAprc,
        terms.repayment.every,
        terms.start,
        made.total_principal,
        upfront,
        &made.installments,
    )?;
    let last_due = made.installments.last().map_or(terms.start, |row| row.due);
    let cost = Amount::sum([made.total_interest, made.total_fee, upfront])?;
    Ok(EuInformation {
        total_amount_of_credit: made.total_principal,
        duration_days: u32::try_from(crate::calendar::days_between(terms.start, last_due)).unwrap_or(0),
        last_due,
        borrowing_rate_percent: terms.rate.map(|rate| rate.percent),
        borrowing_rate_daily: terms.rate.is_some_and(|rate| rate.daily),
        aprc_percent: aprc.apr_percent,
        installments: payment_runs(&made),
        total_payable: made.total_principal.checked_add(cost)?,
        total_cost_of_credit: cost,
        charges,
        installment_fees: made.total_fee.checked_sub(further)?,
        cash_price: terms.principal,
        down_payment: made.down_payment,
        cost_of_default: DefaultCost::of(terms, &made, contract.late())?.quoted,
        early_repayment_percent: early_repayment(&contract.prepayment, terms.start, last_due)?,
        withdrawal_days: contract.withdrawal_days,
    })
}

/// The contract's fee under the law's ceiling of the day of signature, when it is the highest.
fn early_repayment(rule: &PrepaymentRule, start: Date, last_due: Date) -> Result<Option<Decimal>, CreditError> {
    let Some(fee) = rule.fee_percent else { return Ok(None) };
    let Some(ceiling) = &rule.ceiling else { return Ok(Some(fee)) };
    let within_year = last_due <= start.add_months(12, MonthEnd::Clamp)?;
    Ok(Some(fee.min(if within_year { ceiling.percent_within_year } else { ceiling.percent })))
}
