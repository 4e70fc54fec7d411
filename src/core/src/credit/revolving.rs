//! A revolving line: what a statement asks at least, and what the purchases on it cost when they are not
//! paid in full.

use prequal_derive::Read;
use serde::{Deserialize, Serialize};

use crate::{
    calendar::{Billing, Date, days_between},
    credit::{
        CreditError, EVENTS_MAX, Rate,
        accrual::{Accrual, percent_of, round_product},
    },
    decimal::Decimal,
    money::{Amount, MoneyError},
    rounding::Rounding,
};

/// From when what is not paid in full bears interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Read)]
#[serde(rename_all = "snake_case")]
pub enum InterestFrom {
    /// From the day of each purchase.
    Purchase,
    /// From the statement.
    Statement,
    /// From the day after the due day.
    DayAfterDue,
}

/// What a statement asks at least: a share of what may be carried over, and all else in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "a minimum payment as an object")]
pub struct MinimumPayment {
    /// Per cent of the principal that may be carried over.
    pub percent: Decimal,
    /// At least this, in minor units.
    #[serde(default)]
    pub floor: Amount,
    /// At most this, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Amount>,
}

/// The conventions of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "a line as an object")]
pub struct Line {
    /// Billing day and due day.
    pub billing: Billing,
    /// The rate of interest, for actual days.
    pub rate: Rate,
    /// From when it runs.
    pub interest_from: InterestFrom,
    /// What a statement asks at least.
    pub minimum: MinimumPayment,
    /// Rounding of interest and of the minimum.
    #[serde(default)]
    pub rounding: Rounding,
}

/// What stands on a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "a statement as an object")]
pub struct StatementLines {
    /// Purchases and what was carried over.
    pub principal: Amount,
    /// Instalments that fall due with it.
    #[serde(default)]
    pub installments: Amount,
    /// Interest.
    #[serde(default)]
    pub interest: Amount,
    /// Fees.
    #[serde(default)]
    pub fee: Amount,
}

impl Line {
    /// What the statement asks at least: the share between floor and cap, instalments, interest and fees in
    /// full, and never more than all.
    ///
    /// # Errors
    /// `amount_out_of_range`; a share above 100 per cent.
    pub fn minimum_payment(&self, lines: &StatementLines) -> Result<Amount, CreditError> {
        let MinimumPayment { percent, floor, cap } = self.minimum;
        if percent.is_negative() || percent > Decimal::from(100) {
            return Err(CreditError::NotApplicable { field: "percent", why: "it is a share, 0 to 100 per cent" });
        }
        let share = percent_of(lines.principal, percent, 1, self.rounding)?.max(floor);
        let share = cap.map_or(share, |cap| share.min(cap)).min(lines.principal);
        Ok(Amount::sum([share, lines.installments, lines.interest, lines.fee])?)
    }

    /// Interest up to `until` on the purchases of one statement, when what was paid of them by the due day is
    /// not all; nothing otherwise. Payments reduce the oldest purchase first; the sum is rounded once.
    ///
    /// # Errors
    /// Days that are no days of a month; a minimum of days; purchases of several statements; payments above the
    /// purchases; too many of either.
    pub fn interest(
        &self,
        purchases: &[(Date, Amount)],
        payments: &[(Date, Amount)],
        until: Date,
    ) -> Result<Amount, CreditError> {
        if purchases.len() > EVENTS_MAX || payments.len() > EVENTS_MAX {
            return Err(CreditError::TooMany { what: "purchases or payments", max: EVENTS_MAX });
        }
        self.billing.check()?;
        if self.rate.minimum_days > 0 {
            let why = "interest on a statement is of the days that passed";
            return Err(CreditError::NotApplicable { field: "minimum_days", why });
        }
        let bought = Amount::sum(purchases.iter().map(|(_, amount)| *amount))?;
        if Amount::sum(payments.iter().map(|(_, amount)| *amount))? > bought {
            return Err(MoneyError::AmountOutOfRange.into());
        }
        let Some((first, _)) = purchases.first() else { return Ok(Amount::ZERO) };
        let (statement, due) = (self.billing.statement(*first)?, self.billing.due(*first, 0)?);
        let mut purchases = purchases.to_vec();
        let mut payments = payments.to_vec();
        purchases.sort_by_key(|(date, _)| *date);
        payments.sort_by_key(|(date, _)| *date);
        for (date, _) in &purchases {
            if self.billing.statement(*date)? != statement {
                return Err(CreditError::EventOutOfRange(*date));
            }
        }
        let in_time = Amount::sum(payments.iter().filter(|(date, _)| *date <= due).map(|(_, amount)| *amount))?;
        let Some(accrual) = Accrual::new(&self.rate)?.filter(|_| in_time < bought) else { return Ok(Amount::ZERO) };
        let mut amount_units = 0_u128;
        let mut paid = payments.into_iter();
        let mut payment = paid.next();
        for (bought_on, amount) in purchases {
            let from = match self.interest_from {
                InterestFrom::Purchase => bought_on,
                InterestFrom::Statement => statement,
                InterestFrom::DayAfterDue => due,
            };
            let mut units = |amount: Amount, to: Date| {
                let units = if days_between(from, to) > 0 { accrual.actual_count().units(from, to) } else { 0 };
                amount_units = amount_units.saturating_add(u128::from(amount.unsigned()) * u128::from(units));
            };
            let mut left = amount;
            while let Some((date, money)) = payment.filter(|(date, _)| *date <= until && !left.is_zero()) {
                let part = money.min(left);
                units(part, date);
                left = left.checked_sub(part)?;
                let rest = money.checked_sub(part)?;
                payment = if rest.is_zero() { paid.next() } else { Some((date, rest)) };
            }
            units(left, until);
        }
        let numerator = u128::from(accrual.numerator);
        // Amounts times days stand for the amount here: one cent for so many parts of a year.
        let product = amount_units.checked_mul(numerator).ok_or(MoneyError::AmountOutOfRange)?;
        round_product(Amount::new(1)?, product, accrual.denominator, self.rounding)
    }
}
