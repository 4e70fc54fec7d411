//! Notices of the payment provider. Only these, verified, post a payout or a repayment.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap};
use prequal_core::{calendar::Date, canonical, currency::Currency, money::Amount};
use prequal_ledger::{Account, Entry, Event, Transfer};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Raw, parse};
use crate::{
    app::App,
    booking,
    clock::{Clock, SystemClock},
    merchant_webhooks::{self, EventType},
    problem::{Kind, Problem},
    repayments::{self, Arrival, Taken},
    reply::Reply,
    secret,
    storage::{Connection, journal, loans, payments, suspense},
};

/// The longest id of a notice or of a provider's transfer, in bytes.
pub const ID_BYTES_MAX: usize = 128;
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
    // Another notice of the same transfer must not book it twice, nor say something else of it.
    let transfer = secret::sha256_hex(format!("transfer {:?} {}", notice.r#type, notice.data.id));
    let content = secret::sha256_hex(canonical::to_string(&notice.data).map_err(Problem::internal)?);
    let came = Came { delivery, fingerprint, transfer, content };
    if notice.r#type == NoticeType::PaymentCleared {
        let taken = repayments::take(&app, arrival(&notice.data, &came)?).await?;
        match taken {
            Taken::Booked => return Reply::ok(&Acknowledged { status: BOOKED }),
            Taken::Known => return Reply::ok(&Acknowledged { status: KNOWN }),
            Taken::Unknown => {}
        }
    }
    let (server, notice, came) = (&*app, &notice, &came);
    app.db.write(|mut tx| async move { take_once(server, &mut tx, notice, came).await }).await
}

/// By what a notice is known again.
struct Came {
    delivery: String,
    fingerprint: String,
    transfer: String,
    content: String,
}

fn arrival(data: &Transferred, came: &Came) -> Result<Arrival, Problem> {
    if data.amount.is_zero() {
        return Err(Problem::new(Kind::InvalidValue, "nothing arrived").with("pointer", "/data/amount"));
    }
    Ok(Arrival {
        delivery: came.delivery.clone(),
        fingerprint: came.fingerprint.clone(),
        transfer: came.transfer.clone(),
        content: came.content.clone(),
        id: data.id.clone(),
        reference: data.reference.clone(),
        amount: data.amount,
        currency: data.currency,
        value_date: data.value_date,
    })
}

/// Takes a notice unless it, or another of the same transfer, was taken before.
async fn take_once(app: &App, tx: &mut Connection, notice: &Notice, came: &Came) -> Result<Reply, Problem> {
    let now = app.now()?.to_string();
    let today = app.today()?;
    if let Some(earlier) = payments::note_webhook(tx, &came.delivery, &came.fingerprint, &now).await? {
        if earlier != came.fingerprint {
            return Err(repayments::another_body());
        }
        return Reply::ok(&Acknowledged { status: KNOWN });
    }
    if let Some(earlier) = payments::note_webhook(tx, &came.transfer, &came.content, &now).await? {
        if earlier != came.content {
            return Err(repayments::differs(&notice.data.id));
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
        // Money for a loan was taken before it came here.
        NoticeType::PaymentCleared => suspend(app, db, data, today, now).await.map(|()| BOOKED),
        NoticeType::PaymentFailed => payment_failed(db, data).await,
        NoticeType::PayoutSettled => payout_ended(db, data, true, today, now).await,
        NoticeType::PayoutFailed => payout_ended(db, data, false, today, now).await,
    }
}

fn wrong(data: &Transferred, pointer: &str, detail: &str) -> Problem {
    tracing::warn!(transfer = ?data.id, detail, "a notice of the provider is refused");
    Problem::new(Kind::InvalidValue, detail).with("pointer", pointer)
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
    let value_date = repayments::counted_from(&data.id, data.value_date, &loan, today)?;
    let end = payments::End { status, value_date: Some(&value_date.to_string()), transfer: Some(&data.id) };
    payments::end_payout(db, &payout.id, end).await?;
    let event = if settled { Event::PayoutSettled { value_date } } else { Event::PayoutFailed { value_date } };
    booking::record(db, &row.id, &mut loan, event, today, now).await?;
    let told = serde_json::json!({ "payout_id": payout.id, "loan_id": row.id, "checkout_id": row.checkout,
        "amount": payout.amount, "currency": payout.currency, "value_date": value_date.to_string() });
    let happened = if settled { EventType::PayoutSettled } else { EventType::PayoutFailed };
    merchant_webhooks::emit(db, &*row.merchant, happened, &told, now).await?;
    Ok(BOOKED)
}

/// Money that belongs to no loan is booked all the same.
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
