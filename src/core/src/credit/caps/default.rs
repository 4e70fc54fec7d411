//! What being late would cost, known before signing.

use prequal_derive::Canonical;
use serde::{Deserialize, Serialize};

use super::ratio::Ratio;
use crate::{
    calendar::{DayCount, days_between},
    credit::{
        AfterMaturity, CreditError, Installment, LateFee, LateFeePer, LateRules, Penalty, PenaltyBase, PenaltyMode,
        Rate, Schedule, Terms, accrual::percent_of, plan::Plan,
    },
    decimal::Decimal,
    money::{Amount, MoneyError},
    rounding::Rounding,
};

/// Days of a year as it is lived.
const YEAR_DAYS: u16 = 365;
const RANGE: MoneyError = MoneyError::AmountOutOfRange;

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

/// A rate as rules state it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stated {
    percent: Ratio,
    daily: bool,
    /// Days by which a rate a year becomes one of a day.
    days: u128,
}

/// What a year is when a rate is expressed a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Year {
    /// A rate a year is taken as it is stated; one of a day counts so many times.
    Stated(u16),
    /// 365 days of what a day really costs: a rate a year over 360 days costs more.
    Lived,
}

impl Stated {
    /// A rate that counts actual days where `actual`, as every penalty does; else a month of 30 days is as long as any.
    pub(super) fn of(rate: &Rate, actual: bool) -> Self {
        let days = match (rate.daily, rate.day_count.unwrap_or(DayCount::Actual365)) {
            (_, count) if count.is_thirty() => u32::from(if actual { 360 } else { YEAR_DAYS }),
            (true, _) => u32::from(YEAR_DAYS),
            // Actual/actual cuts a year into parts of days; a day of it is taken as one of 365.
            (false, count) => count.units_per_year().min(u32::from(YEAR_DAYS)),
        };
        Self { percent: Ratio::of(rate.percent), daily: rate.daily, days: u128::from(days) }
    }

    pub(super) fn a_year(self, year: Year) -> Result<Ratio, CreditError> {
        let times = match (self.daily, year) {
            (false, Year::Stated(_)) => return Ok(self.percent),
            (true, year) => Ratio::new(u128::from(year.days()), 1),
            (false, Year::Lived) => Ratio::new(u128::from(YEAR_DAYS), self.days),
        };
        self.percent.times(times)
    }

    /// A rate a year, as a ceiling on this rate states it: in parts of the year that this one counts.
    pub(super) fn as_ceiling(self, a_year: Ratio, year: Year) -> Result<Ratio, CreditError> {
        match (self.daily, year) {
            (false, Year::Stated(_)) => Ok(a_year),
            (_, year) => a_year.times(Ratio::new(self.days, u128::from(year.days()))),
        }
    }
}

impl Year {
    pub(super) const fn days(self) -> u16 {
        match self {
            Self::Stated(days) => days,
            Self::Lived => YEAR_DAYS,
        }
    }
}

/// The rates that a late debt bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PenaltyRates {
    own: Stated,
    beside: Option<Stated>,
    ceiling: Option<Ratio>,
    compounding: bool,
}

/// What a penalty comes to a year when what is unpaid of it joins its base on every due date: in the dearest year that
/// begins on one of them, rounded up in the tenth decimal.
pub(super) fn compounded(percent: Ratio, days: u16, rows: &[Installment]) -> Result<Ratio, CreditError> {
    const ONE: u128 = 1_000_000_000_000;
    let (mut most, last) = (ONE, rows.last().map(|row| row.due));
    for (index, first) in rows.iter().enumerate() {
        let end = first.due.add_days(i32::from(days))?;
        let (mut grown, mut from) = (ONE, first.due);
        let joins = rows.iter().skip(index + 1).map(|row| row.due).take_while(|due| *due < end);
        for to in joins.chain([end]) {
            let lasted = u128::try_from(days_between(from, to)).unwrap_or(0);
            grown = grown.checked_add(percent.share_up(grown, lasted, u128::from(days))?).ok_or(RANGE)?;
            from = to;
        }
        most = most.max(grown);
        // A year that begins later and has no due date more holds no more of them.
        if last <= Some(end) {
            break;
        }
    }
    Ok(Ratio::new(most - ONE, ONE / 100))
}

impl DefaultCost {
    /// The cost of default of terms.
    ///
    /// # Errors
    /// `amount_out_of_range`; rules that contradict each other.
    pub fn of(terms: &Terms, made: &Schedule, late: LateRules<'_>) -> Result<Self, CreditError> {
        late.check()?;
        let mut penalty_most = Some(Amount::ZERO);
        let (mut cost, mut rates) = (None, None);
        if let Some((penalty, own)) =
            late.penalty.and_then(|penalty| Some((penalty, own_rate(penalty, terms).transpose()?)))
        {
            let own = own?;
            let ceiling = penalty.ceiling_annual_percent.map(Ratio::of);
            cost = Some(PenaltyCost {
                percent: own.percent.shortest(),
                daily: own.daily,
                base: penalty.base,
                mode: penalty.mode,
                grace_days: penalty.grace_days,
            });
            rates =
                Some(PenaltyRates { own, beside: beside(penalty, terms), ceiling, compounding: penalty.compounding });
            let free = [Some(own.percent), ceiling].contains(&Some(Ratio::ZERO));
            let share = if free { Some(Decimal::ZERO) } else { penalty.ceiling_percent_of_principal };
            let most = share.map(|percent| percent_of(made.total_principal, percent, 1, Rounding::Down));
            penalty_most = most.transpose()?;
        }
        let late_fees_most =
            late.late_fee.map_or(Ok(Amount::ZERO), |late_fee| late_fees_most(terms, made, late_fee))?;
        Ok(Self { quoted: CostOfDefault { penalty: cost, late_fees_most, penalty_most }, rates })
    }

    /// What is charged at most in default; none where only time limits it.
    pub(super) fn most(&self) -> Result<Option<Amount>, CreditError> {
        let penalty = self.quoted.penalty_most;
        Ok(penalty.map(|penalty| self.quoted.late_fees_most.checked_add(penalty)).transpose()?)
    }

    /// The rate a year that a late debt bears; none where no penalty is charged.
    pub(super) fn a_year(&self, year: Year, rows: &[Installment]) -> Result<Option<Ratio>, CreditError> {
        let Some(rates) = &self.rates else { return Ok(None) };
        let mut own = rates.own;
        if let Some(ceiling) = rates.ceiling {
            // The ceiling of a rate of a day is one of so many of them.
            let ceiling = if own.daily { ceiling.times(Ratio::new(1, own.days))? } else { ceiling };
            own.percent = own.percent.min(ceiling);
        }
        let mut reached = own.a_year(year)?;
        if rates.compounding {
            reached = compounded(reached, year.days(), rows)?;
        }
        match rates.beside {
            Some(beside) => reached.plus(beside.a_year(year)?).map(Some),
            None => Ok(Some(reached)),
        }
    }
}

/// The rate that a penalty itself has; none for a multiple of no rate.
pub(super) fn own_rate(penalty: &Penalty, terms: &Terms) -> Result<Option<Stated>, CreditError> {
    Ok(match (&penalty.rate, penalty.multiple, &terms.rate) {
        (Some(rate), ..) => Some(Stated::of(rate, true)),
        (None, Some(multiple), Some(rate)) => {
            let stated = Stated::of(rate, true);
            Some(Stated { percent: stated.percent.times(Ratio::of(multiple))?, ..stated })
        }
        _ => None,
    })
}

/// The contract's rate, where it goes on beside a penalty.
pub(super) fn beside(penalty: &Penalty, terms: &Terms) -> Option<Stated> {
    let rate = terms.rate.as_ref().filter(|_| penalty.mode == PenaltyMode::InAddition);
    rate.map(|rate| Stated::of(rate, false))
}

/// Every tier of every instalment, within the contract's caps. No life of repayments, prepayments and refunds comes to
/// more, as long as nothing more is drawn and the rate stays.
///
/// An amount counts as often as it can be charged. A percentage is of all that can ever be late together: what is lent,
/// the fees, and the interest of a loan on which nothing is paid, for what is missed goes on bearing interest. Each day
/// may end a segment that is rounded, and each fee is rounded.
fn late_fees_most(terms: &Terms, made: &Schedule, late_fee: &LateFee) -> Result<Amount, CreditError> {
    let once = late_fee.per == LateFeePer::Loan;
    let times = if once { 1 } else { made.installments.len() as u128 };
    let mut most = Amount::ZERO;
    for tier in &late_fee.tiers {
        let fees = match (tier.amount, tier.percent) {
            (Some(amount), _) => u128::from(amount.unsigned()).checked_mul(times).ok_or(RANGE)?,
            (None, Some(percent)) => {
                let late = late_at_most(terms, made, once, tier.after_days)?;
                let whole = 100 * u128::from(percent.denominator());
                let fees = late.checked_mul(u128::from(percent.mantissa().unsigned_abs()));
                // What one rounding adds, in parts of a minor unit.
                let more = times * rounding_adds(terms.rounding, whole);
                fees.and_then(|fees| fees.checked_add(more)).ok_or(RANGE)? / whole
            }
            (None, None) => 0,
        };
        most = most.checked_add(Amount::try_from(fees)?)?;
    }
    if let Some(percent) = late_fee.cap_percent {
        most = most.min(percent_of(made.total_principal, percent, 1, Rounding::Down)?);
    }
    Ok(late_fee.cap_amount.map_or(most, |cap| most.min(cap)))
}

/// What one rounding adds at most, in parts of which `whole` are a minor unit.
const fn rounding_adds(rounding: Rounding, whole: u128) -> u128 {
    match rounding {
        Rounding::Down => 0,
        Rounding::HalfEven | Rounding::HalfUp => whole / 2,
        Rounding::Up => whole - 1,
    }
}

/// Principal, interest and fees that can be late at most: of all instalments together, or of one.
fn late_at_most(terms: &Terms, made: &Schedule, of_one: bool, after_days: u16) -> Result<u128, CreditError> {
    let plan = Plan::new(terms)?;
    let rows = &made.installments;
    let count = rows.len() as u128;
    let largest = |of: fn(&Installment) -> Amount| rows.iter().map(of).max().unwrap_or_default();
    let (principal, fee) = match (of_one, terms.repayment.method.has_shares()) {
        // Shares spread anew over fewer instalments may leave more over.
        (true, true) => (u128::from(largest(|row| row.principal).unsigned()) + count, largest(|row| row.fee)),
        (true, false) => (u128::from(made.total_principal.unsigned()), largest(|row| row.fee)),
        (false, _) => (u128::from(made.total_principal.unsigned()), made.total_fee),
    };
    let mut late = principal + u128::from(fee.unsigned());
    let Some(accrual) = &plan.accrual else { return Ok(late) };
    let lent = made.total_principal;
    for units in &plan.units {
        late += u128::from(accrual.interest(lent, *units, Rounding::Up)?.unsigned());
    }
    let last = plan.dues.last().copied().unwrap_or(terms.start);
    let mut end = last;
    if terms.after_maturity == Some(AfterMaturity::Accrue) {
        end = last.add_days(i32::from(after_days) + 1)?;
        late += u128::from(accrual.interest(lent, accrual.units_elapsed(last, end), Rounding::Up)?.unsigned());
    }
    let days = u128::try_from(days_between(terms.start, end)).unwrap_or(0).max(1);
    Ok(late + rounding_adds(terms.rounding, 2 * days).div_ceil(2))
}
