//! Notices of the payment provider. Only these, verified, post a payout or a repayment.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap};
use prequal_core::{calendar::Date, currency::Currency, money::Amount};
use prequal_ledger::{Account, Entry, Event, Transfer};
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
    storage::{Connection, journal, loans, payments},
};

/// The longest id of a notice or of a provider's transfer, in bytes.
pub const ID_BYTES_MAX: usize = 128;

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
#[derive(Debug, Deserialize, ToSchema)]
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
    /// From which day it counts.
    #[schema(value_type = String)]
    value_date: Date,
}

/// What became of a notice.
#[derive(Debug, Serialize, ToSchema)]
pub struct Acknowledged {
    /// `booked`, or `known` where it was booked before.
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

    let now = app.now()?.to_string();
    let today = app.today()?;
    let mut tx = app.db.begin().await?;
    let fingerprint = secret::sha256_hex(&body);
    let delivery = secret::sha256_hex(format!("delivery {id}"));
    if let Some(earlier) = payments::note_webhook(&mut tx, &delivery, &fingerprint, &now).await? {
        if earlier != fingerprint {
            return Err(Problem::new(Kind::IdempotencyConflict, "this `webhook-id` came with another body before"));
        }
        return Reply::ok(&Acknowledged { status: "known" });
    }
    // Another notice of the same transfer must not book it twice.
    let transfer = secret::sha256_hex(format!("transfer {:?} {}", notice.r#type, notice.data.id));
    if payments::note_webhook(&mut tx, &transfer, &fingerprint, &now).await?.is_some() {
        return Reply::ok(&Acknowledged { status: "known" });
    }
    take(&mut tx, &notice, today, &now).await?;
    tx.commit().await?;
    Reply::ok(&Acknowledged { status: "booked" })
}

async fn take(db: &mut Connection, notice: &Notice, today: Date, now: &str) -> Result<(), Problem> {
    let data = &notice.data;
    match notice.r#type {
        NoticeType::PaymentCleared => cleared(db, data, today, now).await,
        NoticeType::PaymentFailed => {
            payments::end(db, &data.reference, "failed", None).await?;
            Ok(())
        }
        NoticeType::PayoutSettled => payout_ended(db, data, true, today, now).await,
        NoticeType::PayoutFailed => payout_ended(db, data, false, today, now).await,
    }
}

async fn payout_ended(
    db: &mut Connection,
    data: &Transferred,
    settled: bool,
    today: Date,
    now: &str,
) -> Result<(), Problem> {
    let wrong = |pointer: &str, detail: &str| Err(Problem::new(Kind::InvalidValue, detail).with("pointer", pointer));
    let Some(payout) = payments::find_payout(db, &data.reference).await? else {
        return wrong("/data/reference", "no such payout");
    };
    if payout.amount != data.amount.minor() || payout.currency != data.currency.code() {
        return wrong("/data/amount", "not the amount of the payout");
    }
    let status = if settled { "settled" } else { "failed" };
    if !payments::end_payout(db, &payout.id, status, &data.value_date.to_string()).await? {
        return if payout.status == status { Ok(()) } else { wrong("/type", "the payout has ended otherwise") };
    }
    let row = loans::find(db, &payout.loan).await?.ok_or_else(|| Problem::internal("a payout without a loan"))?;
    let mut loan = booking::load(db, &row).await?;
    let value_date = data.value_date;
    let event = if settled { Event::PayoutSettled { value_date } } else { Event::PayoutFailed { value_date } };
    booking::record(db, &row.id, &mut loan, event, today, now).await
}

/// Money that arrived is always booked: to the loan of the payment, to the loan it names, or to suspense.
async fn cleared(db: &mut Connection, data: &Transferred, today: Date, now: &str) -> Result<(), Problem> {
    if data.amount.is_zero() {
        return Err(Problem::new(Kind::InvalidValue, "nothing arrived").with("pointer", "/data/amount"));
    }
    let payment = payments::find(db, &data.reference).await?;
    let loan = payment.as_ref().map_or(data.reference.as_str(), |payment| payment.loan.as_str());
    let row = loans::find(db, loan).await?.filter(|row| row.currency == data.currency.code());
    let Some(row) = row else {
        return suspend(db, data, today, now).await;
    };
    let value_date = data.value_date.to_string();
    let instructed = match &payment {
        Some(payment) if payment.amount == data.amount.minor() => {
            payments::end(db, &payment.id, "cleared", Some(&value_date)).await?
        }
        _ => false,
    };
    if let (Some(payment), false) = (&payment, instructed) {
        // Another amount than instructed, or a second arrival: the instruction ends, the money is its own payment.
        payments::end(db, &payment.id, "failed", None).await?;
    }
    let payment_id = match payment {
        Some(payment) if instructed => payment.id,
        _ => unasked(db, &row, data, now).await?,
    };
    let mut loan = booking::load(db, &row).await?;
    let event = Event::Received { amount: data.amount, payment: payment_id, value_date: data.value_date };
    booking::record(db, &row.id, &mut loan, event, today, now).await
}

/// A payment that nobody instructed.
async fn unasked(db: &mut Connection, row: &loans::Row, data: &Transferred, now: &str) -> Result<String, Problem> {
    let payment = payments::Row {
        id: new_id(),
        loan: row.id.clone(),
        amount: data.amount.minor(),
        currency: row.currency.clone(),
        status: "cleared".to_owned(),
        value_date: Some(data.value_date.to_string()),
        created: now.to_owned(),
    };
    payments::insert(db, &payment).await?;
    Ok(payment.id)
}

async fn suspend(db: &mut Connection, data: &Transferred, today: Date, now: &str) -> Result<(), Problem> {
    let transfer = Transfer::new(Account::Cash, Account::Suspense, data.amount).map_err(Problem::internal)?;
    let entry = Entry::new(today, data.currency, "received_unknown", vec![transfer]).map_err(Problem::internal)?;
    booking::post(db, journal::SUSPENSE_CHAIN, entry, now).await
}
