//! The sandbox: a payment provider and a credit bureau for demos and tests, a process with its own state.
//!
//! It stands where a bank's and a bureau's interfaces will stand, and speaks as they do: instructions with
//! idempotency keys, signed notices with retries, reports that may be missing or late.

pub mod bureau;
pub mod config;
pub mod provider;
mod store;

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderMap, header},
    routing::{get, post},
};

use crate::{
    connections::HEADERS_TIME_MAX,
    http_client::HttpClient,
    problem::{Kind, Problem},
    secret,
    serve::{listen, stop_signal},
    storage::{Database, schema::Step},
};
use config::Config;

const SCHEMA: [Step; 1] = [Step {
    version: 1,
    name: "transfers",
    sqlite: include_str!("../../migrations/sqlite/sandbox_0001_transfers.sql"),
    postgres: None,
}];

/// A running sandbox.
#[derive(Debug)]
pub struct Sandbox {
    /// Its own database.
    pub db: Database,
    config: Config,
    bureau: bureau::Bureau,
    switches: std::sync::Mutex<provider::Switches>,
    client: HttpClient,
    wake: tokio::sync::Notify,
}

impl Sandbox {
    /// Opens the state and reads the bureau's files.
    ///
    /// # Errors
    /// One readable line.
    pub async fn open(config: Config) -> Result<Arc<Self>, String> {
        let db = Database::open_with(&config.database, &SCHEMA).await?;
        let bureau = bureau::Bureau::read(&config.bureau.data)?;
        Ok(Arc::new(Self {
            db,
            config,
            bureau,
            switches: std::sync::Mutex::default(),
            client: HttpClient::default(),
            wake: tokio::sync::Notify::new(),
        }))
    }
}

/// Every route of the sandbox.
pub fn router(sandbox: Arc<Sandbox>) -> Router {
    Router::new()
        .route("/v1/debits", post(provider::debit))
        .route("/v1/payouts", post(provider::payout))
        .route("/v1/pay-backs", post(provider::pay_back))
        .route("/v1/transfers/{id}/{later}", post(provider::later))
        .route("/v1/incoming", post(provider::incoming))
        .route("/v1/transfers", get(provider::transfers))
        .route("/v1/switches", post(provider::switch))
        .route("/bureau/v1/reports", post(bureau::report))
        .route("/healthz", get(|| async { axum::Json(serde_json::json!({ "status": "ok" })) }))
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::new(Kind::MethodNotAllowed, "not offered here") })
        .with_state(sandbox)
}

/// Serves until told to stop; prints `listening on http://ADDRESS` when it is ready.
///
/// # Errors
/// One readable line.
pub async fn run(config: Config) -> Result<(), String> {
    let address = config.listen.clone();
    let sandbox = Sandbox::open(config).await?;
    let delivery = tokio::spawn(provider::deliver(sandbox.clone()));
    let result = listen(&address, router(sandbox.clone()), HEADERS_TIME_MAX, stop_signal()).await;
    delivery.abort();
    sandbox.db.close().await;
    result
}

/// The caller must hold the key of this hash.
fn authorize(headers: &HeaderMap, key_sha256: &str) -> Result<(), Problem> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    match token {
        Some(token) if secret::same(&secret::sha256_hex(token), key_sha256) => Ok(()),
        _ => Err(Problem::new(Kind::Unauthorized, "this credential is not known")),
    }
}
