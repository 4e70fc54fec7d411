//! Whether the server lives, whether it is ready for requests, and what it counts.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::OnlyLender;
use crate::{
    app::App,
    metrics::{self, Reader},
    problem::{Kind, Problem},
    reply::Reply,
    storage::{self, schema::LENDING},
};

/// How long the database may take to show that it is reachable.
pub const DATABASE_TIME_MAX: Duration = Duration::from_secs(2);

/// The process answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alive {
    /// `alive`.
    status: &'static str,
}

/// The server takes requests.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ready {
    /// `ready`.
    status: &'static str,
    /// The newest step of the database's schema.
    schema: i64,
    /// The last day on which the bundle in force is valid.
    bundle_valid_until: String,
}

/// Whether the process answers at all. Nothing else is asked: a restart mends no database.
#[utoipa::path(get, path = "/livez", tag = "server", responses((status = 200, body = Alive)))]
pub async fn live() -> Result<Reply, Problem> {
    Reply::ok(&Alive { status: "alive" })
}

/// Whether requests should be sent here: the database answers, its schema is this program's or newer, the bundle is
/// valid today, and the server was not told to stop.
#[utoipa::path(get, path = "/readyz", tag = "server",
    responses((status = 200, body = Ready), (status = 503, response = super::ProblemDocument)))]
pub async fn ready(State(app): State<Arc<App>>) -> Result<Reply, Problem> {
    let not_ready = |detail: String| Problem::new(Kind::NotReady, detail);
    if *app.stopping.borrow() {
        return Err(not_ready("the server was told to stop".to_owned()));
    }
    let asked = async { storage::schema::newest(&mut *app.db.read().await?).await };
    let schema = match tokio::time::timeout(DATABASE_TIME_MAX, asked).await {
        Ok(Ok(schema)) => schema,
        Ok(Err(error)) => {
            tracing::error!(%error, "not ready");
            return Err(not_ready("the database cannot be read; the cause is in the server's log".to_owned()));
        }
        Err(_) => return Err(not_ready(format!("the database did not answer in {} s", DATABASE_TIME_MAX.as_secs()))),
    };
    let wanted = LENDING.last().map_or(0, |step| step.version);
    if schema < wanted {
        return Err(not_ready(format!("the schema is at step {schema}, this program needs {wanted}")));
    }
    let active = app.settings.policies.active();
    let today = app.today()?;
    if today < active.valid_from() || today > active.valid_until() {
        let span = format!("{} to {}", active.valid_from(), active.valid_until());
        return Err(not_ready(format!("the bundle is valid {span}, and today is {today}")));
    }
    Reply::ok(&Ready { status: "ready", schema, bundle_valid_until: active.valid_until().to_string() })
}

/// What the server counts, and sums of the ledger by currency, for Prometheus. `metrics_listen` offers the counts without
/// a key at an address of its own.
#[utoipa::path(get, path = "/metrics", tag = "server", security(("bearer" = [])),
    responses((status = 200, body = String, content_type = "text/plain"), (status = "4XX", response = super::ProblemDocument)))]
pub async fn metrics(State(app): State<Arc<App>>, _: OnlyLender) -> Result<Response, Problem> {
    page(&app, Reader::Lender).await
}

async fn page(app: &App, reader: Reader) -> Result<Response, Problem> {
    let text = metrics::page(app, reader).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// What is served at `metrics_listen`: counts and states, nothing of the business, and no key is asked for.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/metrics", get(|State(app): State<Arc<App>>| async move { page(&app, Reader::Anybody).await }))
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .fallback(|| async { Problem::not_found() })
        .with_state(app)
}
