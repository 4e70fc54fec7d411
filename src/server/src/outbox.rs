//! Calls to the payment provider: written with their effect, made afterwards, repeated until they succeed.
//!
//! A call's id is its idempotency key at the provider, so a call that was made twice, because the server
//! stopped between the call and its note, has one effect.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use crate::{
    app::{App, new_id},
    problem::Problem,
    storage::{Connection, group::Part, outbox, payments},
};

/// After how many attempts a call is left to a person: about a day of a provider that does not answer.
pub const ATTEMPTS_MAX: i64 = 160;
/// The first wait after a failure; doubled each time.
const BACKOFF_FIRST_MS: i64 = 250;
/// The longest wait between attempts.
const BACKOFF_MAX_MS: i64 = 600_000;
/// How many calls are taken at once.
const BATCH_MAX: i64 = 32;
/// How often waiting calls are looked for without being woken.
const POLL: Duration = Duration::from_millis(500);

/// Where the provider takes instructions to pay a merchant.
pub const PAYOUTS: &str = "/v1/payouts";
/// Where the provider takes instructions to debit a shopper.
pub const DEBITS: &str = "/v1/debits";

/// Adds a call about a payment or payout, in the transaction of the effect that needs it.
///
/// # Errors
/// 500 when the database fails.
pub async fn add(
    db: &mut Connection,
    path: &str,
    subject: &str,
    body: &impl Serialize,
    now: &str,
) -> Result<(), Problem> {
    let body = serde_json::to_string(body).map_err(Problem::internal)?;
    Ok(outbox::insert(db, &new_id(), path, subject, &body, now).await?)
}

/// How long to wait after so many failed attempts.
pub(crate) fn backoff_ms(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts.clamp(0, 20)).unwrap_or(20);
    BACKOFF_FIRST_MS.saturating_mul(1_i64 << doublings).min(BACKOFF_MAX_MS)
}

/// Delivery goes by the machine's clock: the sandbox's may stand still or leap.
pub(crate) use crate::machine::now_ms;

/// Delivers for as long as it is let.
pub async fn run(app: Arc<App>) {
    loop {
        match deliver_due(&app).await {
            Ok(delivered) if delivered > 0 => continue,
            Ok(_) => {}
            Err(problem) => tracing::error!(?problem, "the outbox could not be read"),
        }
        let _ = tokio::time::timeout(POLL, app.outbox.notified()).await;
    }
}

/// Makes every call that is due; gives how many were delivered.
async fn deliver_due(app: &App) -> Result<usize, Problem> {
    let mut read = app.db.read().await?;
    let due = outbox::due(&mut read, now_ms(), BATCH_MAX).await?;
    drop(read);
    let mut delivered = 0;
    for call in due {
        let url = app.settings.provider.url.join(&call.path);
        let bearer = format!("Bearer {}", app.settings.provider.key);
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", call.id.as_str())];
        let failure = match app.client.post(&url, &headers, &call.body).await {
            Ok((200..=299, _)) => None,
            Ok((status, _)) => Some(format!("status {status}")),
            Err(error) => Some(error),
        };
        let attempts = call.attempts + 1;
        let (status, next) = match &failure {
            None => ("delivered", 0),
            Some(_) if attempts >= ATTEMPTS_MAX => ("dead", 0),
            Some(_) => ("waiting", now_ms().saturating_add(backoff_ms(call.attempts))),
        };
        if let Some(cause) = &failure {
            tracing::warn!(call = call.id, path = call.path, attempts, status, cause, "a call to the provider failed");
        }
        let (id, error) = (call.id.as_str(), failure.as_deref());
        // A debit that nobody could ask for is over, and what it held of the debt can be paid otherwise. Should the
        // provider have heard of it after all, the money is booked as a payment of its own.
        let ended = (status == "dead" && call.path == DEBITS).then_some(call.subject.as_str());
        let sent = (status == "delivered" && call.path == PAYOUTS).then_some(call.subject.as_str());
        let work = |mut tx: Part| async move {
            if let Some(payout) = sent {
                payments::payout_sent(&mut tx, payout).await?;
            }
            if let Some(payment) = ended {
                let end = payments::End { status: "failed", value_date: None, transfer: None };
                payments::end(&mut tx, payment, end).await?;
            }
            Ok(outbox::note(&mut tx, id, status, next, error).await?)
        };
        app.db.write(work).await?;
        delivered += usize::from(failure.is_none());
    }
    Ok(delivered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_ten_minutes_and_last_a_day() {
        let waits = [0, 1, 2, 11, 12, 159, i64::MAX].map(backoff_ms);
        assert_eq!(waits, [250, 500, 1_000, 512_000, 600_000, 600_000, 600_000]);
        let all: i64 = (0..ATTEMPTS_MAX - 1).map(backoff_ms).sum();
        assert!((24..26).contains(&(all / 3_600_000)), "{all} ms");
    }
}
