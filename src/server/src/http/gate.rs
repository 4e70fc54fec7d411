//! What every request passes, whatever its route: its trace and its line in the log, limits on its headers, on how
//! often and how long, and the answer "not modified".

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument;

use super::{
    auth::Credential,
    etag,
    rate::{Limiter, Verdict},
    trace::Trace,
};
use crate::{
    app::App,
    problem::{Kind, Problem},
};

/// The longest path and query, in bytes.
pub const URI_BYTES_MAX: usize = 4 * 1024;
/// The most bytes of all headers' names and values.
pub const HEADERS_BYTES_MAX: usize = 16 * 1024;
/// How long a request may take in all, unless less is configured. What it did to the database by then is there whole or not at all.
pub const REQUEST_TIME_MAX: Duration = Duration::from_secs(60);
/// The route of the payment provider's notices, which are signed and come as fast as money does.
const SIGNED: &str = "/v1/webhooks/payments";

/// What the gate knows.
#[derive(Debug)]
pub struct Gate {
    app: Arc<App>,
    limiter: Limiter,
}

impl Gate {
    /// The gate of a server.
    #[must_use]
    pub fn new(app: Arc<App>) -> Arc<Self> {
        let limiter = Limiter::new(app.settings.rate_limits.clone());
        Arc::new(Self { app, limiter })
    }
}

/// Lets a request through, or answers in its place. One line a request goes to the log; its path is the route's
/// template: a path or a query may hold what a person typed.
pub async fn pass(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let begun = std::time::Instant::now();
    let trace = Trace::of(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", trace_id = %trace.trace_id, span_id = %trace.span_id);
    let mut response = admit(&gate, &route, request, next).instrument(span.clone()).await;
    let headers = response.headers_mut();
    put(headers, "traceparent", &trace.traceparent());
    put(headers, "x-request-id", &trace.trace_id);
    let status = response.status().as_u16();
    let took = begun.elapsed();
    // A method that HTTP does not know is the caller's own word.
    let known = if method_is_known(&method) { method.as_str() } else { "other" };
    gate.app.metrics.request(&route, known, status, took);
    span.in_scope(|| {
        tracing::info!(method = known, route, status, ms = took.as_millis() as u64, "request");
    });
    response
}

fn method_is_known(method: &Method) -> bool {
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS]
        .contains(method)
}

async fn admit(gate: &Gate, route: &str, mut request: Request, next: Next) -> Response {
    if let Err(problem) = check_size(&request) {
        return problem.into_response();
    }
    let credential = Credential::shown(request.headers(), &gate.app.settings);
    let verdict = if route == SIGNED {
        None
    } else {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        gate.limiter.take(&credential, gate.limiter.address(peer, request.headers()))
    };
    let mut response = match verdict.and_then(|verdict| verdict.retry_seconds) {
        Some(seconds) => limited(seconds),
        None => {
            request.extensions_mut().insert(credential);
            answer(request, next, gate.app.settings.request_time_max).await
        }
    };
    if let Some(verdict) = verdict {
        tell(response.headers_mut(), verdict);
    }
    response
}

fn check_size(request: &Request) -> Result<(), Problem> {
    let uri = request.uri().path_and_query().map_or(0, |text| text.as_str().len());
    if uri > URI_BYTES_MAX {
        return Err(Problem::new(Kind::UriTooLong, format!("an address has at most {URI_BYTES_MAX} bytes")));
    }
    let headers: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers > HEADERS_BYTES_MAX {
        let detail = format!("headers have at most {HEADERS_BYTES_MAX} bytes");
        return Err(Problem::new(Kind::HeadersTooLarge, detail));
    }
    Ok(())
}

async fn answer(request: Request, next: Next, time_max: Duration) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let known = request.headers().get(header::IF_NONE_MATCH).cloned().filter(|_| reads);
    let answered = tokio::time::timeout(time_max, next.run(request)).await;
    let mut response = answered.unwrap_or_else(|_| {
        let detail = format!("it took more than {} seconds; send it again", time_max.as_secs_f32());
        Problem::new(Kind::TimedOut, detail).into_response()
    });
    let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let same = known.zip(tag).is_some_and(|(known, tag)| etag::names(&known, tag));
    if response.status() == StatusCode::OK && same {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response
}

fn limited(seconds: u64) -> Response {
    let detail = format!("come again in {seconds} s");
    Problem::new(Kind::RateLimited, detail).with("retry_after_seconds", seconds).into_response()
}

/// `RateLimit` and `RateLimit-Policy` as the working group's draft has them.
fn tell(headers: &mut HeaderMap, verdict: Verdict) {
    let Verdict { policy, rate, remaining, full_seconds, .. } = verdict;
    let window = u64::from(rate.burst).div_ceil(u64::from(rate.per_second.max(1)));
    put(headers, "ratelimit-policy", &format!("\"{policy}\";q={};w={window}", rate.burst));
    put(headers, "ratelimit", &format!("\"{policy}\";r={remaining};t={full_seconds}"));
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
