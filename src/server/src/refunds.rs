//! Refunds: a merchant gives back the price of goods, whole or in parts, and owes the lender for it.

use prequal_core::{calendar::Date, credit::RefundOrder, money::Amount, rounding::Rounding};
use prequal_ledger::{Account, Entry, Event, Loan, Status, Transfer};

use crate::{
    app::new_id,
    booking,
    problem::{Kind, Problem},
    settings::{Merchant, RefundFee},
    settlement,
    storage::{Connection, loans, refunds},
};

/// What a merchant asks.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// The merchant's own name of the refund: the same twice has one effect.
    pub reference: &'a str,
    /// In minor units of the loan's currency.
    pub amount: Amount,
    /// Which instalments it reduces; the contract's rule where absent.
    pub order: Option<RefundOrder>,
    /// From which day it counts; the business date where absent.
    pub value_date: Option<Date>,
}

/// The name of an order of instalments, as it is stored and shown.
#[must_use]
pub const fn order_name(order: RefundOrder) -> &'static str {
    match order {
        RefundOrder::LastFirst => "last_first",
        RefundOrder::FirstFirst => "first_first",
        RefundOrder::ProRata => "pro_rata",
    }
}

/// Books a refund of a loan, unless the merchant told of it before; gives its id.
///
/// # Errors
/// 409 where the reference came with another amount, rule or day, or where the merchant was never paid; 422 where more
/// would be refunded than was bought, or the ledger refuses it.
pub async fn book(
    db: &mut Connection,
    merchant: &Merchant,
    row: &loans::Row,
    asked: &Asked<'_>,
    (today, now): (Date, &str),
) -> Result<String, Problem> {
    let instalments = asked.order.map(|order| order_name(order).to_owned());
    if let Some(earlier) = refunds::of_reference(db, &row.id, asked.reference).await? {
        let other_day = asked.value_date.is_some_and(|date| earlier.value_date != date.to_string());
        if earlier.amount != asked.amount.minor() || earlier.instalments != instalments || other_day {
            let detail = "use a new `reference` for another refund of this order";
            return Err(Problem::new(Kind::RefundDiffers, detail).with("refund_id", earlier.id));
        }
        return Ok(earlier.id);
    }
    let mut loan = booking::load(db, row).await?;
    if loan.status() == Status::Cancelled {
        return Err(Problem::new(Kind::WrongState, "the merchant was never paid for this order"));
    }
    let id = new_id();
    let value_date = asked.value_date.unwrap_or(today);
    let start = loan.contract().terms().start;
    if value_date > today || value_date < start {
        let detail = format!("a refund counts from a day from `{start}`, when it was bought, to today, `{today}`");
        return Err(Problem::new(Kind::InvalidValue, detail).with("pointer", "/value_date"));
    }
    let event = Event::Refunded { amount: asked.amount, refund: id.clone(), value_date, order: asked.order };
    booking::record_decided(db, &row.id, &mut loan, event, today, now).await?;
    let refund = refunds::Row {
        id: id.clone(),
        merchant: merchant.id.clone(),
        loan: row.id.clone(),
        reference: asked.reference.to_owned(),
        amount: asked.amount.minor(),
        currency: row.currency.clone(),
        instalments,
        value_date: value_date.to_string(),
        created: now.to_owned(),
        fee_returned: 0,
        undone: None,
    };
    refunds::insert(db, &refund).await?;
    claim_on_merchant(db, merchant, row, &refund, (today, now)).await?;
    Ok(id)
}

/// The merchant owes the lender what was refunded, less what of the merchant's fee is given back with it. The claim
/// itself stands in the loan's chain, as the debit of what is payable to merchants; what is given back of the fee is
/// no part of the loan, and stands in a chain of the refund's own, so that no two refunds write the same one.
///
/// # Errors
/// 500 when the database fails.
pub async fn claim_on_merchant(
    db: &mut Connection,
    merchant: &Merchant,
    loan: &loans::Row,
    refund: &refunds::Row,
    (today, now): (Date, &str),
) -> Result<(), Problem> {
    let (refunded, returned) = refunds::claimed(db, &loan.id).await?;
    let fee_returned = match merchant.refund_fee {
        RefundFee::Kept => 0,
        RefundFee::Returned => {
            fee_due(loan, refunded + refund.amount)?.saturating_sub(returned).clamp(0, refund.amount)
        }
    };
    let claim = refunds::Claim {
        refund: refund.id.clone(),
        merchant: merchant.id.clone(),
        loan: loan.id.clone(),
        amount: refund.amount,
        fee_returned,
        currency: refund.currency.clone(),
        booked: today.to_string(),
        undone: None,
    };
    refunds::insert_claim(db, &claim).await?;
    // A merchant that is paid at once has no sales to set it off against: what it owes becomes a claim.
    let about = (claim.merchant.as_str(), claim.loan.as_str(), claim.currency.as_str());
    settlement::claim(db, about, net_of(&claim)?, today, now).await?;
    post_fee(db, &claim, true, (today, now)).await
}

/// What the merchant owes for a refund.
fn net_of(claim: &refunds::Claim) -> Result<Amount, Problem> {
    Amount::new(claim.amount - claim.fee_returned).map_err(Problem::internal)
}

/// What of the fee is to be given back when so much was refunded: rounded once over the sum, so that parts come to
/// the whole.
fn fee_due(loan: &loans::Row, refunded: i64) -> Result<i64, Problem> {
    let whole = u128::from(loan.principal.unsigned_abs());
    let product =
        u128::from(loan.merchant_fee.unsigned_abs()) * u128::from(refunded.min(loan.principal).unsigned_abs());
    let due = Rounding::HalfEven.divide(product, whole).ok_or_else(|| Problem::internal("a loan of nothing"))?;
    i64::try_from(due).map_err(Problem::internal)
}

async fn post_fee(
    db: &mut Connection,
    claim: &refunds::Claim,
    given: bool,
    (today, now): (Date, &str),
) -> Result<(), Problem> {
    if claim.fee_returned == 0 {
        return Ok(());
    }
    let amount = Amount::new(claim.fee_returned).map_err(Problem::internal)?;
    let (debit, credit, event) = if given {
        (Account::MerchantFeeIncome, Account::MerchantPayable, "merchant_fee_returned")
    } else {
        (Account::MerchantPayable, Account::MerchantFeeIncome, "merchant_fee_kept")
    };
    let transfer = Transfer::new(debit, credit, amount).map_err(Problem::internal)?;
    let currency = prequal_core::currency::Currency::parse(&claim.currency).map_err(Problem::internal)?;
    let entry = Entry::new(today, currency, event, vec![transfer]).map_err(Problem::internal)?;
    booking::post(db, &format!("refund:{}", claim.refund), entry, now).await.map(drop)
}

/// Brings the claims of a loan's refunds to what its events say: one whose refund was reversed is undone, one whose
/// reversal was reversed stands again.
///
/// # Errors
/// 500 when the database fails.
pub async fn settle_claims(db: &mut Connection, loan: &Loan, (today, now): (Date, &str)) -> Result<(), Problem> {
    for (record, in_force) in loan.records().iter().zip(loan.in_force()) {
        let Event::Refunded { refund, .. } = &record.event else { continue };
        let Some(claim) = refunds::claim(db, refund).await? else { continue };
        if claim.undone.is_none() == in_force {
            continue;
        }
        let undone = (!in_force).then(|| today.to_string());
        refunds::set_undone(db, refund, undone.as_deref()).await?;
        let about = (claim.merchant.as_str(), claim.loan.as_str(), claim.currency.as_str());
        match in_force {
            true => settlement::claim(db, about, net_of(&claim)?, today, now).await?,
            false => settlement::unclaim(db, about, net_of(&claim)?, today, now).await?,
        }
        post_fee(db, &claim, in_force, (today, now)).await?;
    }
    Ok(())
}

/// Undoes every refund of a loan whose payout failed: the merchant has nothing that could be given back, and nobody
/// paid what the refund would owe to the payer.
///
/// # Errors
/// 500 when the database fails.
pub async fn undo_all(
    db: &mut Connection,
    id: &str,
    loan: &mut Loan,
    (today, now): (Date, &str),
) -> Result<(), Problem> {
    let records = loan.records().iter().zip(loan.in_force()).enumerate();
    let refunds = records.filter(|(_, (record, in_force))| *in_force && matches!(record.event, Event::Refunded { .. }));
    let numbers: Vec<u32> = refunds.filter_map(|(place, _)| u32::try_from(place + 1).ok()).collect();
    for number in numbers {
        booking::record(db, id, loan, Event::Reversed { number }, today, now).await?;
    }
    settle_claims(db, loan, (today, now)).await
}
