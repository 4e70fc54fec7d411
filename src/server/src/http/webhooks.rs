//! Notices of the payment provider. Only these, verified, post a payout or a repayment.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap};
use prequal_core::{calendar::Date, canonical, currency::Currency, money::Amount};
use prequal_ledger::{Account, Entry, Event, Loan, Transfer};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Raw, parse};
use crate::{
    app::{App, new_id},
    booking,
    clock::{Clock, SystemClock},
    problem::{Kind, Problem},
    reply::Reply,
    secret,
    storage::{Connection, journal, loans, payments, suspense},
};

/// The longest id of a notice or of a provider's transfer, in bytes.
pub const ID_BYTES_MAX: usize = 128;
/// How many days before the business date a value date may lie; an earlier one counts as the earliest.
pub const VALUE_DATE_DAYS_BACK_MAX: i32 = 31;
/// How much is kept of what an unknown payer wrote, in bytes.
pub const REFERENCE_BYTES_MAX: usize = 512;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
pub enum NoticeType {
    /// Money has arrived.
    #[serde(rename = "payment.cleared")]
    PaymentCleared,
    /// A debit was refused.
    #[serde(rename = "payment.failed")]
    PaymentFailed,
    /// The merchant has the money.
    #[serde(rename = "payout.settled")]
    PayoutSettled,
    /// The merchant could not be paid.
    #[serde(rename = "payout.failed")]
    PayoutFailed,
}

/// A notice.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// What happened.
    r#type: NoticeType,
    /// To which transfer.
    data: Transferred,
}

/// A transfer of the provider's.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transferred {
    /// The provider's id.
    id: String,
    /// Our id of the payment or payout; of money sent without instruction, what the payer wrote.
    reference: String,
    /// In minor units.
    #[schema(value_type = i64)]
    amount: Amount,
    /// ISO 4217.
    #[schema(value_type = String)]
    currency: Currency,
    /// From which day it counts. A day after the business date counts as the business date, one more than 31 days
    /// before it as the earliest of these.
    #[schema(value_type = String)]
    value_date: Date,
}

/// What became of a notice.
#[derive(Debug, Serialize, ToSchema)]
pub struct Acknowledged {
    /// `booked`, or `known` where it changed nothing because it was booked before.
    status: &'static str,
}

/// Takes a notice of the payment provider (Standard Webhooks).
#[utoipa::path(post, path = "/v1/webhooks/payments", tag = "webhooks", request_body = Notice,
    params(("webhook-id" = String, Header), ("webhook-timestamp" = String, Header), ("webhook-signature" = String, Header)),
    responses((status = 200, body = Acknowledged), (status = "4XX", response = super::ProblemDocument)))]
pub async fn payments(State(app): State<Arc<App>>, headers: HeaderMap, Raw(body): Raw) -> Result<Reply, Problem> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let id = header("webhook-id");
    let refused = |detail: String| Problem::new(Kind::WebhookSignature, detail);
    if id.is_empty() || id.len() > ID_BYTES_MAX {
        return Err(refused(format!("`webhook-id` has 1 to {ID_BYTES_MAX} bytes")));
    }
    // The provider signs by its own clock, not by the sandbox's.
    app.settings
        .provider
        .webhook_secret
        .verify(id, header("webhook-timestamp"), header("webhook-signature"), &body, SystemClock.now_seconds())
        .map_err(refused)?;
    let notice: Notice = parse(&body)?;
    if notice.data.id.is_empty() || notice.data.id.len() > ID_BYTES_MAX {
        return Err(Problem::new(Kind::InvalidValue, "not an id").with("pointer", "/data/id"));
    }

    let fingerprint = secret::sha256_hex(&body);
    let delivery = secret::sha256_hex(format!("delivery {id}"));
    let (server, notice, came) = (&*app, &notice, (delivery.as_str(), fingerprint.as_str()));
    app.db.write(|mut tx| async move { take_once(server, &mut tx, notice, came).await }).await
}

/// Takes a notice unless it, or another of the same transfer, was taken before.
async fn take_once(
    app: &App,
    tx: &mut Connection,
    notice: &Notice,
    (delivery, fingerprint): (&str, &str),
) -> Result<Reply, Problem> {
    let now = app.now()?.to_string();
    let today = app.today()?;
    if let Some(earlier) = payments::note_webhook(tx, delivery, fingerprint, &now).await? {
        if earlier != fingerprint {
            return Err(Problem::new(Kind::IdempotencyConflict, "this `webhook-id` came with another body before"));
        }
        return Reply::ok(&Acknowledged { status: KNOWN });
    }
    // Another notice of the same transfer must not book it twice, nor say something else of it.
    let transfer = secret::sha256_hex(format!("transfer {:?} {}", notice.r#type, notice.data.id));
    let content = secret::sha256_hex(canonical::to_string(&notice.data).map_err(Problem::internal)?);
    if let Some(earlier) = payments::note_webhook(tx, &transfer, &content, &now).await? {
        if earlier != content {
            tracing::error!(transfer = ?notice.data.id, "a notice says of a known transfer what it did not say before");
            let detail = "another notice of this transfer had another reference, amount, currency or value date";
            return Err(Problem::new(Kind::TransferDiffers, detail).with("pointer", "/data"));
        }
        return Reply::ok(&Acknowledged { status: KNOWN });
    }
    let status = take(app, tx, notice, today, &now).await?;
    Reply::ok(&Acknowledged { status })
}

const BOOKED: &str = "booked";
const KNOWN: &str = "known";

async fn take(
    app: &App,
    db: &mut Connection,
    notice: &Notice,
    today: Date,
    now: &str,
) -> Result<&'static str, Problem> {
    let data = &notice.data;
    match notice.r#type {
        NoticeType::PaymentCleared => cleared(app, db, data, today, now).await,
        NoticeType::PaymentFailed => payment_failed(db, data).await,
        NoticeType::PayoutSettled => payout_ended(db, data, true, today, now).await,
        NoticeType::PayoutFailed => payout_ended(db, data, false, today, now).await,
    }
}

fn wrong(data: &Transferred, pointer: &str, detail: &str) -> Problem {
    tracing::warn!(transfer = ?data.id, detail, "a notice of the provider is refused");
    Problem::new(Kind::InvalidValue, detail).with("pointer", pointer)
}

/// From which day money counts: money that came is always booked, whatever date the notice gives it, but a date
/// in the future would charge interest that is not owed yet, and one long ago would forgive what is owed.
fn counted_from(data: &Transferred, loan: &Loan, today: Date) -> Result<Date, Problem> {
    let earliest = today.add_days(-VALUE_DATE_DAYS_BACK_MAX).map_err(Problem::internal)?;
    let date = data.value_date.min(today).max(earliest);
    if date != data.value_date {
        tracing::warn!(transfer = ?data.id, given = %data.value_date, counted = %date, "a value date was out of bounds");
    }
    Ok(date.max(loan.contract().terms().start))
}

async fn payment_failed(db: &mut Connection, data: &Transferred) -> Result<&'static str, Problem> {
    let Some(payment) = payments::find(db, &data.reference).await? else {
        return Err(wrong(data, "/data/reference", "no such payment"));
    };
    let end = payments::End { status: "failed", value_date: None, transfer: Some(&data.id) };
    if payments::end(db, &payment.id, end).await? {
        return Ok(BOOKED);
    }
    if payment.status == "failed" { Ok(KNOWN) } else { Err(wrong(data, "/type", "the payment has ended otherwise")) }
}

async fn payout_ended(
    db: &mut Connection,
    data: &Transferred,
    settled: bool,
    today: Date,
    now: &str,
) -> Result<&'static str, Problem> {
    let Some(payout) = payments::find_payout(db, &data.reference).await? else {
        return Err(wrong(data, "/data/reference", "no such payout"));
    };
    if payout.amount != data.amount.minor() || payout.currency != data.currency.code() {
        return Err(wrong(data, "/data/amount", "not the amount of the payout"));
    }
    let status = if settled { "settled" } else { "failed" };
    if payout.status != "requested" {
        let known = payout.status == status;
        return if known { Ok(KNOWN) } else { Err(wrong(data, "/type", "the payout has ended otherwise")) };
    }
    let row = loans::find(db, &payout.loan).await?.ok_or_else(|| Problem::internal("a payout without a loan"))?;
    let mut loan = booking::load(db, &row).await?;
    let value_date = counted_from(data, &loan, today)?;
    let end = payments::End { status, value_date: Some(&value_date.to_string()), transfer: Some(&data.id) };
    payments::end_payout(db, &payout.id, end).await?;
    let event = if settled { Event::PayoutSettled { value_date } } else { Event::PayoutFailed { value_date } };
    booking::record(db, &row.id, &mut loan, event, today, now).await?;
    Ok(BOOKED)
}

/// Money that arrived is always booked: to the loan of the payment, to the loan it names, or to suspense.
async fn cleared(
    app: &App,
    db: &mut Connection,
    data: &Transferred,
    today: Date,
    now: &str,
) -> Result<&'static str, Problem> {
    if data.amount.is_zero() {
        return Err(Problem::new(Kind::InvalidValue, "nothing arrived").with("pointer", "/data/amount"));
    }
    let payment = payments::find(db, &data.reference).await?;
    let loan = payment.as_ref().map_or(data.reference.as_str(), |payment| payment.loan.as_str());
    let row = loans::find(db, loan).await?.filter(|row| row.currency == data.currency.code());
    let Some(row) = row else {
        suspend(app, db, data, today, now).await?;
        return Ok(BOOKED);
    };
    let mut loan = booking::load(db, &row).await?;
    let value_date = counted_from(data, &loan, today)?;
    let counted = value_date.to_string();
    let instructed = match &payment {
        Some(payment) if payment.amount == data.amount.minor() => {
            let end = payments::End { status: "cleared", value_date: Some(&counted), transfer: Some(&data.id) };
            payments::end(db, &payment.id, end).await?
        }
        _ => false,
    };
    if let (Some(payment), false) = (&payment, instructed) {
        // Another amount than instructed, or a second arrival: the instruction ends, the money is its own payment.
        let end = payments::End { status: "failed", value_date: None, transfer: Some(&data.id) };
        payments::end(db, &payment.id, end).await?;
    }
    let payment_id = match payment {
        Some(payment) if instructed => payment.id,
        _ => unasked(db, &row, data, counted, now).await?,
    };
    let event = Event::Received { amount: data.amount, payment: payment_id, value_date };
    booking::record(db, &row.id, &mut loan, event, today, now).await?;
    Ok(BOOKED)
}

/// A payment that nobody instructed.
async fn unasked(
    db: &mut Connection,
    row: &loans::Row,
    data: &Transferred,
    value_date: String,
    now: &str,
) -> Result<String, Problem> {
    let payment = payments::Row {
        id: new_id(),
        loan: row.id.clone(),
        amount: data.amount.minor(),
        currency: row.currency.clone(),
        status: "cleared".to_owned(),
        value_date: Some(value_date),
        transfer: Some(data.id.clone()),
        created: now.to_owned(),
    };
    payments::insert(db, &payment).await?;
    Ok(payment.id)
}

async fn suspend(app: &App, db: &mut Connection, data: &Transferred, today: Date, now: &str) -> Result<(), Problem> {
    let transfer = Transfer::new(Account::Cash, Account::Suspense, data.amount).map_err(Problem::internal)?;
    let entry = Entry::new(today, data.currency, "received_unknown", vec![transfer]).map_err(Problem::internal)?;
    let entry = booking::post(db, journal::SUSPENSE_CHAIN, entry, now).await?;
    let kept = data.reference.floor_char_boundary(REFERENCE_BYTES_MAX);
    let reference = data.reference.get(..kept).unwrap_or_default();
    let receipt = suspense::Row {
        reference_sealed: app.vault.seal_reference(&entry, reference.as_bytes()),
        entry,
        transfer: data.id.clone(),
        amount: data.amount.minor(),
        currency: data.currency.code().to_owned(),
        value_date: data.value_date.to_string(),
        received: now.to_owned(),
    };
    Ok(suspense::insert(db, &receipt).await?)
}
