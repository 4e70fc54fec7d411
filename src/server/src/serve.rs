//! Running: from a configuration to a listening server, and down again without losing what was accepted.

use std::{
    future::Future,
    io::{IsTerminal, Write},
    time::Duration,
};

use axum::Router;
use prequal_core::calendar::{Date, Instant};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::{
    app::App,
    audit,
    clock::{Clock, SystemClock},
    codes,
    conduct::Signing,
    config::Config,
    connections, delivery,
    http::{self, gate::REQUEST_TIME_MAX},
    http_client::HttpClient,
    jobs::scheduler,
    outbox,
    settings::Settings,
    storage::{self, Database},
    webhook_sender,
};

/// How long requests that were accepted may take to finish after the signal to stop.
/// More than the longest that any may take: what was accepted is finished.
pub const DRAIN_TIME_MAX: Duration = Duration::from_secs(REQUEST_TIME_MAX.as_secs() + 5);

/// What `--check` found; every line a fact. Nothing is changed: a database that does not exist yet is not made, and one
/// of an earlier schema is not brought up to date, so its ledger, which is read by the words of this one, is not read.
///
/// # Errors
/// One readable line for the first thing that is missing or wrong.
pub async fn check(config: &Config, sandbox: bool) -> Result<Vec<(&'static str, String)>, String> {
    let (settings, vault) = Settings::load(config, sandbox)?;
    let listening = check_address(&config.listen).await?;
    if let Some(address) = config.metrics_listen.as_deref().filter(|address| !address.is_empty()) {
        check_address(address).await?;
    }
    let shown = storage::engine::shown(&config.database);
    let exists = Database::exists(&config.database).await?;
    let schema = if exists { Some(Database::schema(&config.database).await?) } else { None };
    let (database, current) = match schema {
        None => (format!("{shown} does not exist yet; `prequal serve` makes it"), false),
        Some((step, newest)) if step < newest => {
            (format!("{shown}: schema {step}, this program brings {newest}"), false)
        }
        Some(_) => (shown, true),
    };
    if !current {
        let now = Instant::from_seconds(SystemClock.now_seconds()).map_err(|error| error.to_string())?;
        check_validity(&settings, settings.policies.active().date_of(now)?)?;
        let mut summary = settings.summary();
        summary.extend(values(config));
        summary.extend([("listen", listening), ("database", database)]);
        return Ok(summary);
    }
    let db = Database::open_as_it_is(&config.database).await?;
    let app = App::new(db, settings, vault, sandbox).await?;
    let today = app.today().map_err(|_| "the clock shows a date beyond the calendar")?;
    check_validity(&app.settings, today)?;
    let report = audit::run(&app).await.map_err(|problem| format!("the ledger does not verify: {problem:?}"))?;
    let mut summary = app.settings.summary();
    summary.extend(values(config));
    summary.extend([("listen", listening), ("database", database)]);
    summary.push(("ledger", report.to_string()));
    summary.push(("calls to the provider", calls(&app).await.map_err(|error| error.to_string())?));
    app.db.close().await;
    Ok(summary)
}

/// Whether an address can be listened on, in words.
async fn check_address(address: &str) -> Result<String, String> {
    let error = match TcpListener::bind(address).await {
        Ok(_) => return Ok(format!("{address} is free")),
        Err(error) => error,
    };
    let cannot = format!("cannot listen on `{address}`: {error}");
    if error.kind() != std::io::ErrorKind::AddrInUse {
        return Err(cannot);
    }
    // A check is made beside the server that it is about.
    let ask = HttpClient::default();
    match ask.call(hyper::Method::GET, &format!("http://{address}/livez"), &[], Vec::new().into()).await {
        Ok((200, _)) => Ok(format!("{address}: a server listens there now")),
        _ => Err(cannot),
    }
}

/// Every setting as it was read, and its variable where it came from the environment.
fn values(config: &Config) -> Vec<(&'static str, String)> {
    let line = |setting: &crate::config::environment::Setting| {
        let from = setting.variable.as_ref().map_or_else(String::new, |name| format!("  (from {name})"));
        ("setting", format!("{} = {}{from}", setting.place, setting.value))
    };
    config.values.iter().map(line).collect()
}

fn check_validity(settings: &Settings, today: Date) -> Result<(), String> {
    let active = settings.policies.active();
    if today < active.valid_from() || today > active.valid_until() {
        let span = format!("{} to {}", active.valid_from(), active.valid_until());
        return Err(format!("the bundle is valid {span}, and today is {today}"));
    }
    Ok(())
}

async fn calls(app: &App) -> sqlx::Result<String> {
    let (waiting, dead) = storage::outbox::counts(&mut *app.db.read().await?).await?;
    Ok(format!("{waiting} waiting, {dead} given up"))
}

/// Serves until told to stop. Prints `listening on http://ADDRESS` when it is ready.
///
/// # Errors
/// One readable line.
pub async fn run(config: &Config, sandbox: bool) -> Result<(), String> {
    let (settings, vault) = Settings::load(config, sandbox)?;
    let db = Database::open(&config.database).await?;
    let app = App::new(db, settings, vault, sandbox).await?;
    if app.settings.conduct.signing() == Signing::OneTimeCode && !codes::reachable(&app) {
        tracing::warn!("nobody can sign: one-time codes need [notices], see `conduct.signing`");
    }
    let metrics = match config.metrics_listen.as_deref().filter(|address| !address.is_empty()) {
        Some(address) => Some(tokio::spawn(serve_metrics(bind(address).await?, app.clone()))),
        None => None,
    };
    let calls = tokio::spawn(outbox::run(app.clone()));
    let notices = tokio::spawn(delivery::run(app.clone()));
    let webhooks = tokio::spawn(webhook_sender::run(app.clone()));
    let jobs = tokio::spawn(scheduler::run(app.clone()));
    let stop = drain(app.clone(), stop_signal(), Duration::from_secs(config.drain_seconds.into()));
    let headers_time_max = Duration::from_millis(config.timeouts.headers_ms.into());
    let result = listen(&config.listen, http::router(app.clone()), headers_time_max, stop).await;
    // Also where serving failed.
    app.stopping.send_replace(true);
    let _ = tokio::time::timeout(scheduler::STOP_TIME_MAX * 2, jobs).await;
    // A call that is being made is abandoned here and made again after the next start, under the same key.
    calls.abort();
    notices.abort();
    webhooks.abort();
    if let Some(metrics) = metrics {
        metrics.abort();
    }
    app.db.close().await;
    result
}

/// Done so long after `stop`: in between `/readyz` says 503, and requests are still taken.
async fn drain(app: std::sync::Arc<App>, stop: impl Future<Output = ()>, wait: Duration) {
    stop.await;
    app.stopping.send_replace(true);
    tokio::time::sleep(wait).await;
}

async fn serve_metrics(listener: TcpListener, app: std::sync::Arc<App>) {
    let never = std::future::pending();
    connections::serve(listener, http::health::router(app), connections::HEADERS_TIME_MAX, never).await;
}

async fn bind(address: &str) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| format!("cannot listen on `{address}`: {error}"))
}

/// Serves a router on an address until `stop` is done, then finishes what was accepted.
///
/// # Errors
/// One readable line.
pub async fn listen(
    address: &str,
    router: Router,
    headers_time_max: Duration,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), String> {
    let listener = bind(address).await?;
    let bound = listener.local_addr().map_err(|error| error.to_string())?;
    // The signals are awaited before anybody hears that this listens.
    let mut stop = Box::pin(stop);
    tokio::select! {
        biased;
        () = &mut stop => return Ok(()),
        () = std::future::ready(()) => {}
    }
    // Not println!: whoever started this may have closed the pipe, which is no reason to stop.
    let mut out = std::io::stdout();
    let _ = writeln!(out, "listening on http://{bound}").and_then(|()| out.flush());
    let (stopping, mut stopped) = watch::channel(false);
    let serving = connections::serve(listener, router, headers_time_max, async move {
        stop.await;
        let _ = stopping.send(true);
    });
    let deadline = async move {
        let _ = stopped.wait_for(|stopped| *stopped).await;
        tokio::time::sleep(DRAIN_TIME_MAX).await;
    };
    tokio::select! {
        () = serving => {}
        () = deadline => {}
    }
    Ok(())
}

/// Done at SIGTERM or ctrl-c.
pub async fn stop_signal() {
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(error) => {
            tracing::warn!(%error, "SIGTERM cannot be awaited");
            return std::future::pending().await;
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!("stopping");
}

/// Logs to standard error: which, by `PREQUAL_LOG` (default `info`); how, by `PREQUAL_LOG_FORMAT`, `text` or `json`.
///
/// # Errors
/// One readable line where the format is neither.
pub fn log_to_stderr() -> Result<(), String> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("PREQUAL_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,sqlx=warn"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match std::env::var("PREQUAL_LOG_FORMAT").as_deref() {
        Err(_) | Ok("" | "text") => {
            let _ = lines.with_ansi(std::io::stderr().is_terminal()).try_init();
        }
        // One JSON object a line: timestamp, level, target, and every field of the event beside them; what the span
        // of a request carries, such as its trace id, in `span`.
        Ok("json") => {
            let _ = lines.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init();
        }
        Ok(other) => return Err(format!("PREQUAL_LOG_FORMAT is `text` or `json`, not `{other}`")),
    }
    Ok(())
}

/// Runs a future on a new runtime.
///
/// # Errors
/// What the future gives, and where no runtime can be made.
pub fn block_on<T>(future: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?
        .block_on(future)
}
