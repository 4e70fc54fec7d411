//! Settling with merchants: what they are owed for captures, less fees, refunds and reserves, by the cycle that was agreed.
//!
//! A merchant that is settled at once gets a payout for every loan, as [`crate::booking`] requests it. One with a cycle
//! has an account of entries: each capture, fee and refund is one, the job takes those up to the cut-off into a
//! settlement, and the settlement is paid by one payout. The interest of the loans in it runs from the value date of that
//! payout; while it fails and is tried again it costs the borrowers nothing. What a merchant is owed and owes otherwise
//! is computed by [`prequal_ledger::merchant`] and posted in its own chain.

pub mod config;
pub mod job;

use prequal_core::{
    calendar::{Date, Instant},
    decimal::Decimal,
    money::Amount,
    rounding::Rounding,
    wire::Offer,
};

use crate::{
    app::{App, new_id},
    problem::Problem,
    settings::Merchant,
    storage::{
        Connection,
        settlements::{self, Entry},
    },
};

/// The chain of a merchant's settlements.
#[must_use]
pub fn chain(merchant: &str) -> String {
    format!("merchant:{merchant}")
}

/// The merchant of such a chain; none for any other.
#[must_use]
pub fn of_chain(chain: &str) -> Option<&str> {
    chain.strip_prefix("merchant:")
}

/// What a merchant pays for a loan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fees {
    /// The merchant's fee, in minor units.
    pub merchant: Amount,
    /// The fee of the instalments, where the seller bears it and not the buyer.
    pub installment: Amount,
}

impl Fees {
    /// The fees of an offer, each rounded half to even, together never more than what is lent.
    ///
    /// The instalment fee is borne wholly by the buyer or wholly by the seller: the seller's is charged where the plan
    /// costs the buyer nothing.
    ///
    /// # Errors
    /// 500 where it leaves the range of amounts.
    pub fn of(offer: &Offer, merchant: &Merchant) -> Result<Self, Problem> {
        let fee = percent_of(offer.price, merchant.fee_percent)?.min(offer.principal);
        let costs_the_buyer = !offer.total_interest.is_zero() || !offer.total_fee.is_zero();
        let plan = merchant.settlement.plan_fee(&offer.plan).filter(|_| !costs_the_buyer);
        let installment = plan.map_or(Ok(Amount::ZERO), |percent| percent_of(offer.principal, percent))?;
        Ok(Self { merchant: fee, installment: installment.min(offer.principal.saturating_sub(fee)) })
    }

    /// Both.
    ///
    /// # Errors
    /// 500 where it leaves the range of amounts.
    pub fn total(self) -> Result<Amount, Problem> {
        self.merchant.checked_add(self.installment).map_err(Problem::internal)
    }
}

fn percent_of(amount: Amount, percent: Decimal) -> Result<Amount, Problem> {
    let numerator = u128::from(amount.unsigned()) * u128::from(percent.mantissa().unsigned_abs());
    let divisor = 100 * u128::from(percent.denominator());
    let fee = Rounding::HalfEven.divide(numerator, divisor).ok_or_else(|| Problem::internal("merchant fee"))?;
    Amount::try_from(fee).map_err(Problem::internal)
}

/// To which business day something belongs that happens now: after the merchant's cut-off, to the next.
///
/// # Errors
/// 500 where the calendar ends.
pub fn date_of(app: &App, merchant: &Merchant, now: Instant) -> Result<Date, Problem> {
    let policy = app.settings.policies.active();
    let date = policy.date_of(now).map_err(Problem::internal)?;
    let minute = policy.minute_of(now).map_err(Problem::internal)?;
    let next = merchant.settlement.cut_off_minute.is_some_and(|cut_off| minute >= cut_off);
    if next { date.add_days(1).map_err(Problem::internal) } else { Ok(date) }
}

/// Puts a captured loan into its merchant's account, with its fees.
///
/// # Errors
/// 500 when the database fails.
pub async fn capture(
    db: &mut Connection,
    (merchant, loan, currency): (&str, &str, &str),
    (lent, fees): (Amount, Fees),
    date: Date,
    now: &str,
) -> Result<(), Problem> {
    let amounts = [
        ("capture", lent.minor()),
        ("merchant_fee", -fees.merchant.minor()),
        ("installment_fee", -fees.installment.minor()),
    ];
    for (kind, amount) in amounts.into_iter().filter(|(_, amount)| *amount != 0) {
        let entry = entry((merchant, loan, currency), kind, amount, date, now);
        settlements::insert_entry(db, &entry).await?;
    }
    Ok(())
}

/// Puts what a merchant gave back into its account: it is set off against its sales, covered by its reserve, or claimed.
///
/// # Errors
/// 500 when the database fails.
pub async fn claim(
    db: &mut Connection,
    (merchant, loan, currency): (&str, &str, &str),
    amount: Amount,
    date: Date,
    now: &str,
) -> Result<(), Problem> {
    if amount.is_zero() {
        return Ok(());
    }
    let entry = entry((merchant, loan, currency), "refund", -amount.minor(), date, now);
    Ok(settlements::insert_entry(db, &entry).await?)
}

/// Gives a merchant back what was claimed for a refund that is undone: as if so much more had been captured.
///
/// # Errors
/// 500 when the database fails.
pub async fn unclaim(
    db: &mut Connection,
    (merchant, loan, currency): (&str, &str, &str),
    amount: Amount,
    date: Date,
    now: &str,
) -> Result<(), Problem> {
    if amount.is_zero() {
        return Ok(());
    }
    // No payout tells the loan of it: the loan was told when it was captured.
    let entry =
        Entry { paid_out: 1, undone: 1, ..entry((merchant, loan, currency), "capture", amount.minor(), date, now) };
    Ok(settlements::insert_entry(db, &entry).await?)
}

fn entry((merchant, loan, currency): (&str, &str, &str), kind: &str, amount: i64, date: Date, now: &str) -> Entry {
    Entry {
        id: new_id(),
        merchant: merchant.to_owned(),
        currency: currency.to_owned(),
        kind: kind.to_owned(),
        loan: loan.to_owned(),
        amount,
        date: date.to_string(),
        settlement: None,
        paid_out: 0,
        undone: 0,
        created: now.to_owned(),
    }
}
