//! Sends what [`crate::merchant_webhooks`] wrote, to each endpoint apart, so that a slow one holds up nobody.
//!
//! At least once: a message that was sent and not noted, because the server stopped in between, is sent again under
//! the same `webhook-id`. Of two servers one takes a delivery for as long as an attempt may last.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use prequal_core::calendar::Date;
use tokio::task::JoinSet;

use crate::{
    app::App,
    http_client::HttpClient,
    jobs::{Done, Running},
    outbox::now_ms,
    problem::Problem,
    secret,
    storage::{group::Part, webhooks},
    webhook::Keys,
};

/// How long an endpoint may take to answer.
pub const ANSWER_TIME_MAX: Duration = Duration::from_secs(15);
/// For how long a delivery is taken: longer than an attempt with all its connections lasts.
const CLAIM_MS: i64 = 60_000;
/// How many endpoints are told at the same time.
const ENDPOINTS_MAX: usize = 64;
/// How many messages one endpoint is told before others have their turn.
const BATCH_MAX: i64 = 32;
/// How often due deliveries are looked for.
const POLL: Duration = Duration::from_millis(500);
/// How much of a failure is kept, in bytes.
const ERROR_BYTES_MAX: usize = 200;

/// Job `webhook-delivery`: sends what is due now, whatever the date; what fails is due again later.
pub fn deliver(app: &App, _date: Date) -> Running<'_> {
    Box::pin(async move {
        let client = client(app);
        let mut done = Done::default();
        loop {
            let endpoints = due(app).await?;
            if endpoints.is_empty() {
                return Ok(done);
            }
            let before = done.changed;
            for endpoint in endpoints {
                done.changed += tell(app, &client, &endpoint).await?;
            }
            // What is left is being sent by a server.
            if done.changed == before {
                return Ok(done);
            }
        }
    })
}

fn client(app: &App) -> HttpClient {
    if app.settings.webhooks.private_addresses { HttpClient::default() } else { HttpClient::public_only() }
}

/// Sends for as long as it is let.
pub async fn run(app: Arc<App>) {
    let client = client(&app);
    let mut busy = BTreeSet::new();
    let mut workers = JoinSet::new();
    loop {
        match due(&app).await {
            Ok(endpoints) => {
                for endpoint in endpoints {
                    if busy.len() < ENDPOINTS_MAX && busy.insert(endpoint.clone()) {
                        workers.spawn(work(app.clone(), client.clone(), endpoint));
                    }
                }
            }
            Err(problem) => tracing::error!(?problem, "webhooks could not be read"),
        }
        tokio::select! {
            Some(Ok(endpoint)) = workers.join_next() => { busy.remove(&endpoint); }
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

async fn due(app: &App) -> Result<Vec<String>, Problem> {
    // Those that are busy may stand first.
    let limit = i64::try_from(2 * ENDPOINTS_MAX).map_err(Problem::internal)?;
    Ok(webhooks::due_endpoints(&mut *app.db.read().await?, now_ms(), limit).await?)
}

async fn work(app: Arc<App>, client: HttpClient, endpoint: String) -> String {
    if let Err(problem) = tell(&app, &client, &endpoint).await {
        tracing::error!(?problem, endpoint, "an endpoint could not be told");
    }
    endpoint
}

/// Sends what is due for one endpoint, and gives how much was delivered; gives up the batch at the first failure.
async fn tell(app: &App, client: &HttpClient, id: &str) -> Result<u64, Problem> {
    let mut db = app.db.read().await?;
    let endpoint = webhooks::find(&mut db, id).await?;
    let due = webhooks::due(&mut db, id, now_ms(), BATCH_MAX).await?;
    let mut keys = Vec::new();
    for (secret, sealed) in webhooks::secrets(&mut db, id, now_ms()).await? {
        let bytes = app.vault.open_webhook(&secret, &sealed).map_err(Problem::internal)?;
        keys.push(Keys::of(&bytes.try_into().map_err(|_| Problem::internal("a webhook secret's length"))?));
    }
    drop(db);
    let Some(endpoint) = endpoint.filter(|endpoint| endpoint.status == "enabled") else {
        let work =
            |mut tx: Part| async move { Ok(webhooks::end_waiting(&mut tx, id, "the endpoint is disabled").await?) };
        app.db.write(work).await?;
        return Ok(0);
    };
    let mut delivered = 0;
    for delivery in &due {
        let until = now_ms().saturating_add(CLAIM_MS);
        let taken = |mut tx: Part| async move { Ok(webhooks::claim(&mut tx, delivery, until).await?) };
        if !app.db.write(taken).await? {
            continue;
        }
        let failure = send(client, &endpoint, delivery, &keys).await;
        let failed = failure.is_some();
        note(app, &endpoint, delivery, failure).await?;
        if failed {
            break;
        }
        delivered += 1;
    }
    Ok(delivered)
}

/// A failed attempt.
struct Failure {
    why: String,
    /// The endpoint says that it is no more.
    gone: bool,
}

async fn send(
    client: &HttpClient,
    endpoint: &webhooks::Endpoint,
    delivery: &webhooks::Delivery,
    keys: &[Keys],
) -> Option<Failure> {
    let seconds = now_ms() / 1_000;
    let body = delivery.body.as_str();
    let signatures: Vec<String> =
        keys.iter().map(|keys| keys.sign(&delivery.message, seconds, body.as_bytes())).collect();
    let (timestamp, signatures) = (seconds.to_string(), signatures.join(" "));
    let headers = [
        ("webhook-id", delivery.message.as_str()),
        ("webhook-timestamp", timestamp.as_str()),
        ("webhook-signature", signatures.as_str()),
        ("user-agent", "prequal-webhooks"),
    ];
    match client.tell(&endpoint.url, &headers, body, ANSWER_TIME_MAX).await {
        Ok(200..=299) => None,
        Ok(status) => Some(Failure { why: format!("status {status}"), gone: status == 410 }),
        Err(why) => {
            let kept = why.get(..why.floor_char_boundary(ERROR_BYTES_MAX)).unwrap_or_default();
            Some(Failure { why: kept.to_owned(), gone: false })
        }
    }
}

async fn note(
    app: &App,
    endpoint: &webhooks::Endpoint,
    delivery: &webhooks::Delivery,
    failure: Option<Failure>,
) -> Result<(), Problem> {
    let now = now_ms();
    let waits = &app.settings.webhooks.retry_seconds;
    let wait = usize::try_from(delivery.attempts).ok().and_then(|done| waits.get(done));
    let (status, next) = match (&failure, wait) {
        (None, _) => ("delivered", 0),
        (Some(_), None) => ("dead", 0),
        (Some(_), Some(seconds)) => ("waiting", now.saturating_add(spread(*seconds))),
    };
    let longest = i64::from(app.settings.webhooks.disable_after_seconds).saturating_mul(1_000);
    if let Some(Failure { why, .. }) = &failure {
        tracing::warn!(endpoint = endpoint.id, delivery = delivery.id, status, why, "a webhook was not delivered");
    }
    let failure = failure.as_ref();
    let work = |mut tx: Part| async move {
        webhooks::note(&mut tx, &delivery.id, status, next, failure.map(|failure| &*failure.why)).await?;
        let Some(failure) = failure else { return Ok(webhooks::recovered(&mut tx, &endpoint.id).await?) };
        let since = webhooks::failing_since(&mut tx, &endpoint.id, now).await?;
        if !failure.gone && now.saturating_sub(since) < longest {
            return Ok(());
        }
        let Some(mut row) = webhooks::find(&mut tx, &endpoint.id).await? else { return Ok(()) };
        tracing::error!(endpoint = row.id, "an endpoint that failed for too long is disabled");
        row.status = "disabled".to_owned();
        row.version += 1;
        webhooks::update(&mut tx, &row).await?;
        Ok(webhooks::end_waiting(&mut tx, &row.id, "the endpoint was disabled").await?)
    };
    app.db.write(work).await
}

/// A wait in milliseconds, a fifth shorter or longer by chance, so that what failed together does not come together.
fn spread(seconds: u32) -> i64 {
    let [chance] = secret::random::<1>();
    let wait = i64::from(seconds) * 1_000;
    wait * 4 / 5 + wait * 2 * i64::from(chance) / (5 * 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_spread_by_a_fifth() {
        for _ in 0..1_000 {
            assert!((4_000..=6_000).contains(&spread(5)));
        }
    }
}
