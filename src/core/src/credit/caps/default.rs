//! What being late would cost, known before signing.

use prequal_derive::Canonical;
use serde::{Deserialize, Serialize};

use super::ratio::Ratio;
use crate::{
    credit::{
        CreditError, LateFee, LateFeePer, LateRules, Penalty, PenaltyBase, PenaltyMode, Rate, Schedule, Terms,
        accrual::percent_of,
    },
    money::Amount,
    rounding::Rounding,
};

/// The cost of default of a contract, as it is quoted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Canonical)]
#[serde(deny_unknown_fields)]
pub struct CostOfDefault {
    /// The penalty's rate with its own unit, as the rules state it; none where no penalty is charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub penalty: Option<PenaltyCost>,
    /// The most that late fees can come to when nothing is ever paid.
    pub late_fees_most: Amount,
    /// The most that penalty interest can come to; none where only time limits it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub penalty_most: Option<Amount>,
}

/// The cost of default with the exact rates that caps compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultCost {
    /// What is quoted.
    pub quoted: CostOfDefault,
    rates: Option<PenaltyRates>,
}

/// The rate of a penalty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Canonical)]
#[serde(deny_unknown_fields)]
pub struct PenaltyCost {
    /// Per cent, of a day where `daily`, else of a year.
    pub percent: String,
    /// Whether it is per day.
    pub daily: bool,
    /// What it is charged on.
    pub base: PenaltyBase,
    /// Beside interest or in its place.
    pub mode: PenaltyMode,
    /// Days after the due date in which being late costs nothing.
    pub grace_days: u16,
}

/// The rates that a late debt bears, each per day or per year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PenaltyRates {
    own: (Ratio, bool),
    beside: Option<(Ratio, bool)>,
    ceiling: Option<Ratio>,
}

fn of_rate(rate: &Rate) -> (Ratio, bool) {
    (Ratio::of(rate.percent), rate.daily)
}

/// What a rate is a year, where it may be one of a day.
fn a_year((percent, daily): (Ratio, bool), year_days: u128) -> Result<Ratio, CreditError> {
    if daily { percent.times(Ratio::new(year_days, 1)) } else { Ok(percent) }
}

/// The rate a year that goes on beside a penalty.
pub(super) fn rate_beside(penalty: &Penalty, terms: &Terms, year_days: u128) -> Result<Ratio, CreditError> {
    let rate = terms.rate.as_ref().filter(|_| penalty.mode == PenaltyMode::InAddition);
    rate.map_or(Ok(Ratio::ZERO), |rate| a_year(of_rate(rate), year_days))
}

impl DefaultCost {
    /// The cost of default of terms.
    ///
    /// # Errors
    /// `amount_out_of_range`; rules that contradict each other.
    pub fn of(terms: &Terms, made: &Schedule, late: LateRules<'_>) -> Result<Self, CreditError> {
        late.check()?;
        let lent = made.total_principal;
        let mut penalty_most = Some(Amount::ZERO);
        let (mut cost, mut rates) = (None, None);
        if let Some(penalty) = late.penalty {
            let own = match (&penalty.rate, penalty.multiple, &terms.rate) {
                (Some(rate), ..) => Some(of_rate(rate)),
                (None, Some(multiple), Some(rate)) => {
                    let (percent, daily) = of_rate(rate);
                    Some((percent.times(Ratio::of(multiple))?, daily))
                }
                _ => None,
            };
            let goes_on = penalty.mode == PenaltyMode::InAddition;
            cost = own.map(|(percent, daily)| PenaltyCost {
                percent: percent.shortest(),
                daily,
                base: penalty.base,
                mode: penalty.mode,
                grace_days: penalty.grace_days,
            });
            rates = own.map(|own| PenaltyRates {
                own,
                beside: terms.rate.as_ref().filter(|_| goes_on).map(of_rate),
                ceiling: penalty.ceiling_annual_percent.map(Ratio::of),
            });
            let ceiling = penalty.ceiling_percent_of_principal;
            penalty_most = ceiling.map(|percent| percent_of(lent, percent, 1, Rounding::Down)).transpose()?;
        }
        let late_fees_most = late.late_fee.map_or(Ok(Amount::ZERO), |late_fee| late_fees_most(made, late_fee))?;
        Ok(Self { quoted: CostOfDefault { penalty: cost, late_fees_most, penalty_most }, rates })
    }

    /// What is charged at most in default, as far as a ceiling says so.
    pub(crate) fn most(&self) -> Result<Amount, CreditError> {
        Ok(self.quoted.late_fees_most.checked_add(self.quoted.penalty_most.unwrap_or_default())?)
    }

    /// The rate a year that a late debt bears; none where no penalty is charged.
    pub(crate) fn annual_percent(&self, year_days: u16) -> Result<Option<Ratio>, CreditError> {
        let Some(rates) = &self.rates else { return Ok(None) };
        let mut own = a_year(rates.own, u128::from(year_days))?;
        if let Some(ceiling) = rates.ceiling.filter(|ceiling| *ceiling < own) {
            own = ceiling;
        }
        match rates.beside {
            Some(beside) => own.plus(a_year(beside, u128::from(year_days))?).map(Some),
            None => Ok(Some(own)),
        }
    }
}

/// Every tier of every instalment, within the contract's caps.
fn late_fees_most(made: &Schedule, late_fee: &LateFee) -> Result<Amount, CreditError> {
    let rows = &made.installments;
    let largest = rows.iter().map(|row| row.total).max().unwrap_or_default();
    let once = late_fee.per == LateFeePer::Loan;
    let mut most = Amount::ZERO;
    for tier in &late_fee.tiers {
        for row in rows.iter().take(if once { 1 } else { rows.len() }) {
            let late = if once { largest } else { row.total };
            let fee = match (tier.amount, tier.percent) {
                (Some(amount), _) => amount,
                (None, Some(percent)) => percent_of(late, percent, 1, Rounding::Up)?,
                (None, None) => Amount::ZERO,
            };
            most = most.checked_add(fee)?;
        }
    }
    if let Some(percent) = late_fee.cap_percent {
        most = most.min(percent_of(made.total_principal, percent, 1, Rounding::Down)?);
    }
    Ok(late_fee.cap_amount.map_or(most, |cap| most.min(cap)))
}
