//! Notices of the payment provider. Only these, verified, post a payout or a repayment.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap};
use prequal_core::{calendar::Date, canonical, currency::Currency, money::Amount};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Raw, parse};
use crate::{
    app::App,
    clock::{Clock, SystemClock},
    funding::remittance,
    problem::{Kind, Problem},
    repayments::{self, Arrival, Mark, Taken},
    reply::Reply,
    secret, settlement,
    storage::{Connection, payments},
    transfers::{self, Told, Went},
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
    /// A debit was collected; it is final when it clears.
    #[serde(rename = "payment.collected")]
    PaymentCollected,
    /// A debit came back before it was final.
    #[serde(rename = "payment.returned")]
    PaymentReturned,
    /// Money that was final was taken back.
    #[serde(rename = "payment.charged_back")]
    PaymentChargedBack,
    /// The merchant has the money.
    #[serde(rename = "payout.settled")]
    PayoutSettled,
    /// The merchant could not be paid.
    #[serde(rename = "payout.failed")]
    PayoutFailed,
    /// A payout or a pay-back came back.
    #[serde(rename = "payout.returned")]
    PayoutReturned,
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

    let fingerprint = Mark::of(&app.vault, &body);
    let delivery = secret::sha256_hex(format!("delivery {id}"));
    // Another notice of the same transfer must not book it twice, nor say something else of it.
    let transfer = secret::sha256_hex(format!("transfer {:?} {}", notice.r#type, notice.data.id));
    let content = Mark::of(&app.vault, canonical::to_string(&notice.data).map_err(Problem::internal)?.as_bytes());
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
    fingerprint: Mark,
    transfer: String,
    content: Mark,
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
    if let Some(earlier) = payments::note_webhook(tx, &came.delivery, came.fingerprint.kept(), &now).await? {
        if !came.fingerprint.is(&earlier) {
            return Err(repayments::another_body());
        }
        return Reply::ok(&Acknowledged { status: KNOWN });
    }
    if let Some(earlier) = payments::note_webhook(tx, &came.transfer, came.content.kept(), &now).await? {
        if !came.content.is(&earlier) {
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
    let told = Told {
        id: &data.id,
        reference: &data.reference,
        amount: data.amount,
        currency: data.currency,
        value_date: data.value_date,
    };
    let outgoing = match notice.r#type {
        NoticeType::PayoutSettled => Some(true),
        NoticeType::PayoutFailed | NoticeType::PayoutReturned => Some(false),
        _ => None,
    };
    let good = outgoing.unwrap_or(notice.r#type == NoticeType::PaymentCleared);
    let ended = remittance::Told {
        reference: &data.reference,
        amount: data.amount,
        currency: data.currency.code(),
        value_date: data.value_date,
        transfer: &data.id,
    };
    if let Some(booked) = remittance::ended(app, db, ended, (outgoing.is_some(), good)).await? {
        return Ok(if booked { BOOKED } else { KNOWN });
    }
    if outgoing.is_some()
        && let Some(booked) = settlement::job::ended(app, db, ended, good).await?
    {
        return Ok(if booked { BOOKED } else { KNOWN });
    }
    let (told, when) = (&told, (today, now));
    let news = match notice.r#type {
        // Money for a loan was taken before it came here.
        NoticeType::PaymentCleared => transfers::suspend(app, db, told, when).await.map(|()| true),
        NoticeType::PaymentFailed => transfers::debit_failed(db, told, when).await,
        NoticeType::PaymentCollected => transfers::debit_collected(db, told, when).await,
        NoticeType::PaymentReturned | NoticeType::PaymentChargedBack => transfers::taken_back(db, told, when).await,
        NoticeType::PayoutSettled => transfers::payout_ended(app, db, told, Went::Settled, when).await,
        NoticeType::PayoutFailed => transfers::payout_ended(app, db, told, Went::Failed, when).await,
        NoticeType::PayoutReturned => transfers::payout_ended(app, db, told, Went::Returned, when).await,
    }?;
    Ok(if news { BOOKED } else { KNOWN })
}
