//! The European standard information (Directive (EU) 2023/2225, article 10 and Annex I).

use serde::Serialize;

use super::{PaymentRun, payment_runs};
use crate::{
    calendar::Date,
    credit::{Convention, CreditError, Rules, Terms, apr_of_plan, caps::DefaultCost, schedule},
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
    /// What goods on deferred payment cost in cash.
    pub cash_price: Amount,
    /// Paid at once towards them.
    pub down_payment: Amount,
    /// What being late costs.
    pub cost_of_default: DefaultCost,
    /// Days within which the contract can be withdrawn from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawal_days: Option<u16>,
}

/// The figures of terms and rules, with charges that are paid at once.
///
/// # Errors
/// What [`schedule`], the rules and the rate refuse.
pub fn eu_information(terms: &Terms, rules: &Rules, upfront: Amount) -> Result<EuInformation, CreditError> {
    let made = schedule(terms)?;
    let aprc = apr_of_plan(
        Convention::EuAprc,
        terms.currency,
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
        cash_price: terms.principal,
        down_payment: made.down_payment,
        cost_of_default: DefaultCost::of(terms, &made, rules)?,
        withdrawal_days: rules.withdrawal_days,
    })
}
