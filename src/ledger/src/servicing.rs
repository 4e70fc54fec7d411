//! How a loan is served, as data: when it counts as past due and how late, into which bucket that puts it, when
//! income stops, what is set aside for losses, when it is given up, and how often it may be re-aged.

use prequal_core::{
    calendar::{Date, days_between},
    credit::{AccountInstallment, Parts},
    decimal::Decimal,
    money::Amount,
    rounding::Rounding,
};
use serde::{Deserialize, Serialize};

use crate::LedgerError;

/// Buckets, and stages of the allowance, at most.
pub const STAGES_MAX: usize = 32;
/// Bytes of a bucket's code, at most.
pub const BUCKET_CODE_BYTES_MAX: usize = 16;

/// Below what a loan in arrears does not count as past due. Both must be passed (as EBA/GL/2016/07, paragraph 16).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Materiality {
    /// In minor units.
    pub amount: Amount,
    /// In per cent of all that is owed.
    pub percent: Decimal,
}

/// Days past due of one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Its name.
    pub code: String,
    /// From so many days past due.
    pub from_days: u16,
}

/// What is set aside from so many days past due on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowanceStage {
    /// From so many days past due; 0 for a loan that is current.
    pub from_days: u16,
    /// In per cent of what is receivable and not in suspense.
    pub percent: Decimal,
}

/// The rules of serving. The default counts every cent and every day, and sets nothing aside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Servicing {
    /// What is too small to count.
    pub materiality: Materiality,
    /// Days past due that are taken for a delay of the payment system and do not count.
    pub technical_grace_days: u16,
    /// By rising days.
    pub buckets: Vec<Bucket>,
    /// From so many days past due, interest and penalties not paid are no income.
    pub non_accrual_from_days: Option<u16>,
    /// By rising days.
    pub allowance: Vec<AllowanceStage>,
    /// From so many days past due the loan is to be charged off.
    pub charge_off_from_days: Option<u16>,
    /// How often the loan may be re-aged.
    pub re_ageings_max: u16,
}

impl Servicing {
    /// Checks what the types cannot.
    ///
    /// # Errors
    /// [`LedgerError::Servicing`] with the field.
    pub fn check(&self) -> Result<(), LedgerError> {
        let share = |percent: Decimal| !percent.is_negative() && percent <= Decimal::from(100);
        if !share(self.materiality.percent) {
            return Err(LedgerError::Servicing("materiality.percent", "a share is 0 to 100 per cent"));
        }
        if self.buckets.len() > STAGES_MAX || self.allowance.len() > STAGES_MAX {
            return Err(LedgerError::Servicing("buckets and allowance", "each has at most 32 lines"));
        }
        if self.buckets.iter().any(|bucket| bucket.code.is_empty() || bucket.code.len() > BUCKET_CODE_BYTES_MAX) {
            return Err(LedgerError::Servicing("buckets", "a code is 1 to 16 bytes"));
        }
        if !self.buckets.is_sorted_by(|one, next| one.from_days < next.from_days)
            || !self.allowance.is_sorted_by(|one, next| one.from_days < next.from_days)
        {
            return Err(LedgerError::Servicing("buckets and allowance", "days must rise from line to line"));
        }
        if !self.allowance.iter().all(|stage| share(stage.percent)) {
            return Err(LedgerError::Servicing("allowance", "a share is 0 to 100 per cent"));
        }
        Ok(())
    }

    /// Whether unpaid interest is no income at so many days past due.
    #[must_use]
    pub fn is_non_accrual(&self, days: u32) -> bool {
        self.non_accrual_from_days.is_some_and(|from| days >= u32::from(from))
    }

    /// Whether a loan is to be charged off at so many days past due.
    #[must_use]
    pub fn is_charge_off_due(&self, days: u32) -> bool {
        self.charge_off_from_days.is_some_and(|from| days >= u32::from(from))
    }

    /// What is set aside for a receivable at so many days past due, rounded up.
    ///
    /// # Errors
    /// [`LedgerError::Money`] beyond the range of amounts.
    pub fn allowance_for(&self, receivable: Amount, days: u32) -> Result<Amount, LedgerError> {
        let stage = self.allowance.iter().rev().find(|stage| days >= u32::from(stage.from_days));
        stage.map_or(Ok(Amount::ZERO), |stage| percent_of(receivable, stage.percent, Rounding::Up))
    }

    /// The bucket of so many days past due.
    #[must_use]
    pub fn bucket(&self, days: u32) -> Option<&str> {
        let bucket = self.buckets.iter().rev().find(|bucket| days >= u32::from(bucket.from_days));
        bucket.map(|bucket| bucket.code.as_str())
    }
}

/// A percentage of an amount.
pub(crate) fn percent_of(amount: Amount, percent: Decimal, rounding: Rounding) -> Result<Amount, LedgerError> {
    let numerator = u128::from(amount.unsigned()).checked_mul(u128::from(percent.mantissa().unsigned_abs()));
    let rounded = numerator.and_then(|numerator| rounding.divide(numerator, 100 * u128::from(percent.denominator())));
    let rounded = rounded.ok_or(prequal_core::money::MoneyError::AmountOutOfRange)?;
    Ok(Amount::try_from(rounded)?)
}

/// How late a loan is on a day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Delinquency {
    /// Days since the oldest instalment not paid fell due, 0 where none is, or where it is too little or too short.
    pub days_past_due: u32,
    /// The same, as if the loan had never been re-aged.
    pub original_days_past_due: u32,
    /// Principal, interest and fees past due.
    pub overdue: Amount,
    /// What of it may be collected: less what is disputed.
    pub collectable: Amount,
    /// The bucket of the days past due.
    pub bucket: Option<String>,
}

/// What days past due are counted from.
pub(crate) struct Arrears<'a> {
    pub installments: &'a [AccountInstallment],
    /// All that is owed.
    pub owed: Amount,
    /// What of it is disputed today: taken off the oldest instalments.
    pub disputed: Amount,
    /// Since when the loan was in arrears before it was first re-aged.
    pub aged_from: Option<Date>,
}

impl Servicing {
    /// How late a loan is.
    pub(crate) fn delinquency(&self, arrears: &Arrears<'_>, date: Date) -> Result<Delinquency, LedgerError> {
        let mut disputed = arrears.disputed;
        let (mut overdue, mut collectable) = (Amount::ZERO, Amount::ZERO);
        let mut oldest: Option<Date> = None;
        for row in arrears.installments.iter().filter(|row| row.due < date) {
            let late = |parts: &Parts| Parts { penalty: Amount::ZERO, ..*parts }.total();
            let unpaid = late(&row.owed)?.saturating_sub(late(&row.paid)?);
            let paused = unpaid.min(disputed);
            disputed = disputed.checked_sub(paused)?;
            overdue = overdue.checked_add(unpaid)?;
            collectable = collectable.checked_add(unpaid.checked_sub(paused)?)?;
            if unpaid > paused && oldest.is_none_or(|before| row.due < before) {
                oldest = Some(row.due);
            }
        }
        let least = percent_of(arrears.owed, self.materiality.percent, Rounding::Up)?;
        // A threshold that is nothing is passed by the first cent.
        let passes = |threshold: Amount| threshold.is_zero() || collectable > threshold;
        let material = !collectable.is_zero() && passes(self.materiality.amount) && passes(least);
        let since = |from: Option<Date>| from.map_or(0, |from| u32::try_from(days_between(from, date)).unwrap_or(0));
        let counted = |days: u32| if days > u32::from(self.technical_grace_days) { days } else { 0 };
        let days_past_due = if material { counted(since(oldest)) } else { 0 };
        let aged = if arrears.owed.is_zero() { 0 } else { since(arrears.aged_from) };
        Ok(Delinquency {
            days_past_due,
            original_days_past_due: days_past_due.max(aged),
            overdue,
            collectable,
            bucket: self.bucket(days_past_due).map(str::to_owned),
        })
    }
}
