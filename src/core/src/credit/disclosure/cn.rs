//! The Chinese cost table (综合融资成本明示表): principal, every charge with method, rate and payee, the
//! annualised cost in the normal course, and the cost of default. What it does not list is not charged.

use serde::Serialize;

use super::DisclosureInput;
use crate::{
    credit::{
        Convention, CreditError, FeeSize, FeeTiming, FeeWhen, Method, apr_of_plan,
        caps::{CostOfDefault, DefaultCost},
        schedule,
    },
    decimal::Decimal,
    money::Amount,
};

/// How a charge is collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CnCosts {
    /// With every instalment, on the principal outstanding.
    OnOutstanding,
    /// With the first instalment.
    First,
    /// With every instalment, whole.
    Each,
    /// With every instalment, in equal shares.
    Spread,
    /// When the contract is signed, or withheld from what is paid out.
    AtOnce,
}

/// A line of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CnFee {
    /// `interest`, `installment_fee`, or the fee's own code.
    pub code: String,
    /// Who collects it; the lender's own charges name no one else.
    pub payee: String,
    /// How it is collected.
    pub method: CnCosts,
    /// Its rate in per cent, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_percent: Option<Decimal>,
    /// What the rate is of: `year`, `day`, `term` or `period`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per: Option<&'static str>,
    /// All of it over the term, in minor units.
    pub amount: Amount,
}

/// The table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CnCostTable {
    /// What is lent.
    pub principal: Amount,
    /// Every charge.
    pub fees: Vec<CnFee>,
    /// The sum of the charges.
    pub total_cost: Amount,
    /// All costs annualised (单利, internal rate of return), per cent.
    pub annualised_percent: String,
    /// The same compounded, per cent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_percent: Option<String>,
    /// The cost of default.
    pub cost_of_default: CostOfDefault,
}

/// The table of a contract; its `lender` is who collects interest and the method's own fee.
///
/// # Errors
/// A contract without `lender`; what [`schedule`], the rules and the rate refuse.
pub fn cn_cost_table(contract: &DisclosureInput) -> Result<CnCostTable, CreditError> {
    contract.check()?;
    let upfront = contract.upfront()?;
    let DisclosureInput { terms, lender, prepaid, .. } = contract;
    if lender.is_empty() {
        return Err(CreditError::MissingField("lender"));
    }
    let made = schedule(terms)?;
    let count = made.installments.len();
    let mut fees = Vec::new();
    if let Some(rate) = &terms.rate {
        fees.push(CnFee {
            code: "interest".to_owned(),
            payee: lender.clone(),
            method: CnCosts::OnOutstanding,
            rate_percent: Some(rate.percent),
            rate_per: Some(if rate.daily { "day" } else { "year" }),
            amount: made.total_interest,
        });
    }
    let mut further = Amount::ZERO;
    let mut lines = Vec::new();
    for (fee, line) in terms.fees.iter().zip(&made.fee_lines) {
        let amount = Amount::sum((0..count).map(|index| line.amount(index, count)))?;
        further = further.checked_add(amount)?;
        let rate_percent = match fee.size {
            FeeSize::Percent(percent) => Some(percent),
            FeeSize::Amount(_) => None,
        };
        lines.push(CnFee {
            code: fee.code.clone(),
            payee: fee.payee.clone(),
            method: match fee.when {
                FeeWhen::First => CnCosts::First,
                FeeWhen::Each => CnCosts::Each,
                FeeWhen::Spread => CnCosts::Spread,
            },
            rate_percent,
            rate_per: rate_percent.map(|_| if fee.when == FeeWhen::Each { "period" } else { "term" }),
            amount,
        });
    }
    let repayment = &terms.repayment;
    if repayment.method == Method::FeeInstallment {
        let per_period = repayment.fee_percent_per_period;
        fees.push(CnFee {
            code: "installment_fee".to_owned(),
            payee: lender.clone(),
            method: match repayment.fee_timing.unwrap_or_default() {
                FeeTiming::First => CnCosts::First,
                FeeTiming::Spread => CnCosts::Spread,
            },
            rate_percent: per_period.or(repayment.fee_percent),
            rate_per: Some(if per_period.is_some() { "period" } else { "term" }),
            amount: made.total_fee.checked_sub(further)?,
        });
    }
    fees.append(&mut lines);
    fees.extend(prepaid.iter().map(|charge| CnFee {
        code: charge.code.clone(),
        payee: charge.payee.clone(),
        method: CnCosts::AtOnce,
        rate_percent: None,
        rate_per: None,
        amount: charge.amount,
    }));
    let apr = apr_of_plan(
        Convention::CnIrr,
        terms.repayment.every,
        terms.start,
        made.total_principal,
        upfront,
        &made.installments,
    )?;
    Ok(CnCostTable {
        principal: made.total_principal,
        total_cost: Amount::sum(fees.iter().map(|fee| fee.amount))?,
        fees,
        annualised_percent: apr.apr_percent,
        effective_percent: apr.effective_percent,
        cost_of_default: DefaultCost::of(terms, &made, contract.late())?.quoted,
    })
}
