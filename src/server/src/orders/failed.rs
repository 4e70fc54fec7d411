//! Captures that came to nothing, because their payout failed.

use prequal_core::{calendar::Date, currency::Currency, money::Amount};
use serde_json::json;

use super::{Announcement, announce, expire_one, funding_of, state, told};
use crate::{
    agreement,
    app::App,
    funding::reserve,
    lines,
    notice::{self, About},
    problem::Problem,
    storage::{Connection, applications, checkouts, loans, orders},
};

/// Takes note that the payout of a loan failed, which its events say already: where the loan is a capture, nothing was
/// captured by it. What it drew is held again while the window lasts, also where the merchant gave up the rest.
///
/// # Errors
/// 500 when the database fails.
pub async fn capture_failed(
    app: &App,
    db: &mut Connection,
    loan: &loans::Row,
    (today, now): (Date, &str),
) -> Result<(), Problem> {
    let Some((id, number)) = orders::capture_of_loan(db, &loan.id).await? else { return Ok(()) };
    // A window that is over ends the order first, so that what it holds is let go as it is.
    expire_one(db, &id, today, now).await?;
    let mut row = orders::find(db, &id).await?.ok_or_else(|| Problem::internal("a capture of no order"))?;
    if !orders::add_failure(db, (&id, number), row.captures, (&today.to_string(), now)).await? {
        return Ok(());
    }
    let amount = Amount::new(loan.principal).map_err(Problem::internal)?;
    let mut order = state(&row)?;
    let is_open = order.capture_failed(amount, today);
    let expired = row.ended.take().filter(|ended| ended == "expired");
    row.follow(&order);
    row.ended = expired.or(row.ended);
    orders::project(db, &row).await?;
    let application = applications::find(db, &row.application).await?.ok_or_else(Problem::not_found)?;
    if is_open {
        if let Some(line) = &row.line {
            lines::hold_again(db, line, (&id, amount), (today, order.until)).await?;
        }
        if let Some(chosen) = funding_of(db, &application).await? {
            let currency = Currency::parse(&row.currency).map_err(Problem::internal)?;
            reserve::hold(db, &row.application, &chosen, order.held(today), currency).await?;
        }
    }
    tell_of_failure(app, db, (&row, &application), loan).await?;
    let mut said = told(&row, today)?;
    (said["capture"], said["failed_amount"]) = (json!(number), json!(loan.principal));
    announce(db, &row.merchant, Announcement::CaptureFailed, &said, now).await
}

/// Tells the shopper, who was told of the capture, that nothing is owed for it.
async fn tell_of_failure(
    app: &App,
    db: &mut Connection,
    (row, application): (&orders::Row, &applications::Row),
    loan: &loans::Row,
) -> Result<(), Problem> {
    let checkout = checkouts::find(db, &row.checkout).await?.ok_or_else(Problem::not_found)?;
    let merchant = app.settings.merchant(&row.merchant);
    let merchant = merchant.as_ref().map_or(row.merchant.as_str(), |merchant| merchant.name.as_str());
    let currency = Currency::parse(&row.currency).map_err(Problem::internal)?;
    let amount = Amount::new(loan.principal).map_err(Problem::internal)?;
    let values = [
        ("merchant", merchant.to_owned()),
        ("amount", agreement::format_money(amount, currency)),
        ("order", checkout.merchant_order),
        ("loan", loan.id.clone()),
    ];
    let policies = &app.settings.policies;
    let policy = policies.known(&application.bundle_hash).unwrap_or(policies.active());
    let about = About { loan: Some(&loan.id), ..About::application(&row.application) };
    let once = format!("capture_failed:{}", loan.id);
    notice::add(app, db, policy, notice::Kind::CaptureFailed, &about, &once, &values).await?;
    Ok(())
}
