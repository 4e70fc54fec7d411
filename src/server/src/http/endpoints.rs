//! Endpoints that a merchant's or the lender's own systems are told at (Standard Webhooks).
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::{FromRequestParts, State},
    http::request::Parts,
};
use hyper::Uri;
use prequal_core::calendar::Instant;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::Caller,
    etag::{self, IfMatch},
    extract::{Id, Json, Query},
    page::Page,
};
use crate::{
    app::{App, new_id},
    merchant_webhooks::{EventType, LENDER, owner_of},
    outbox::now_ms,
    problem::{Kind, Problem},
    reply::Reply,
    secret,
    storage::{Connection, group::Part, webhooks},
    transport::is_public,
    webhook::Keys,
};

/// How many endpoints one merchant, or the lender, may have.
pub const ENDPOINTS_MAX: i64 = 20;
/// The longest address of an endpoint, in bytes.
pub const URL_BYTES_MAX: usize = 2_048;
/// How many secrets may sign side by side.
pub const SECRETS_MAX: usize = 4;

/// Whose endpoints the caller sees: a merchant its own, the lender the lender's.
#[derive(Debug)]
pub struct Owner(String);

impl FromRequestParts<Arc<App>> for Owner {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        match Caller::from_request_parts(parts, app).await? {
            Caller::Merchant(merchant) => Ok(Self(owner_of(&merchant.id))),
            Caller::Lender(_) => Ok(Self(LENDER.to_owned())),
            _ => Err(Problem::new(Kind::Forbidden, "this route is for a merchant's or a lender's key")),
        }
    }
}

impl Owner {
    async fn find(&self, db: &mut Connection, id: &str) -> Result<webhooks::Endpoint, Problem> {
        let found = webhooks::find(db, id).await?.filter(|endpoint| endpoint.owner == self.0);
        found.ok_or_else(Problem::not_found)
    }
}

/// A new endpoint.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "url": "https://shop.example/webhooks", "events": ["loan.booked", "payout.settled"] }))]
pub struct NewEndpoint {
    /// Where it is: `https://`, without a user, at a public address.
    #[schema(max_length = 2048)]
    url: String,
    /// Of what it is told; of everything where this is left out.
    events: Option<Vec<String>>,
}

/// What of an endpoint is changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedEndpoint {
    /// Where it is now.
    #[schema(max_length = 2048)]
    url: String,
    /// Of what it is told; of everything where this is left out.
    events: Option<Vec<String>>,
    /// Whether it is told at all: one that was disabled after a long failure is enabled again by this.
    enabled: bool,
}

/// An endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointView {
    /// Its id.
    id: String,
    /// Where it is.
    url: String,
    /// Of what it is told; null for everything.
    events: Option<Vec<String>>,
    /// `enabled`, or `disabled`, by its owner or after a long failure.
    status: String,
    /// When it was made, RFC 3339.
    created: String,
}

/// What messages are signed with. It is shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointKeys {
    /// The endpoint.
    id: String,
    /// For signatures `v1`: `whsec_` and base64.
    secret: String,
    /// For signatures `v1a`: `whpk_` and base64 of an Ed25519 key.
    public_key: String,
}

/// The state of an endpoint.
fn tag(row: &webhooks::Endpoint) -> String {
    etag::of(&[&row.id, &row.version.to_string()])
}

fn view(row: webhooks::Endpoint) -> EndpointView {
    let events = (row.events != "*").then(|| row.events.split(' ').map(str::to_owned).collect());
    EndpointView { id: row.id, url: row.url, events, status: row.status, created: row.created }
}

fn invalid(pointer: &str, detail: impl Into<String>) -> Problem {
    Problem::new(Kind::InvalidValue, detail).with("pointer", pointer)
}

/// An address that may be called, as far as that is known before it is connected to.
fn check_url(app: &App, text: &str) -> Result<(), Problem> {
    let private = app.settings.webhooks.private_addresses;
    let refused = |detail: &str| Err(invalid("/url", detail));
    if text.len() > URL_BYTES_MAX {
        return refused("the address is too long");
    }
    let uri: Option<Uri> = text.parse().ok();
    let Some((uri, host)) = uri.as_ref().and_then(|uri| Some((uri, uri.host()?))) else {
        return refused("not an address");
    };
    if !(uri.scheme_str() == Some("https") || (private && uri.scheme_str() == Some("http"))) {
        return refused("an endpoint is at `https://`");
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) || text.contains('#') {
        return refused("an address here has no user and no fragment");
    }
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let local = name == "localhost" || name.ends_with(".localhost");
    if !private && (local || host.parse().is_ok_and(|address| !is_public(address))) {
        return refused("not a public address");
    }
    if is_odd_number(&name) {
        return refused("an IPv4 address has four decimal numbers");
    }
    Ok(())
}

/// Whether a host is an IPv4 address in one of the ways that only some programs read: `2130706433`, `127.1`,
/// `0x7f.0.0.1`. By the URL standard it is one where its last part is a number.
fn is_odd_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let decimal = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    (hex || decimal) && name.parse::<std::net::Ipv4Addr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_address_is_written_in_one_way_only() {
        for odd in ["2130706433", "127.1", "0x7f000001", "0x7f.0.0.1", "127.0.0.0x1", "0177.0.0.1", "1.2.3.4.5", "0x"] {
            assert!(is_odd_number(odd), "{odd}");
        }
        for name in ["8.8.8.8", "127.0.0.1", "shop.example", "0x7f.example", "2001:db8::1", "1.example", "ab12"] {
            assert!(!is_odd_number(name), "{name}");
        }
    }
}

fn check_events(events: Option<&Vec<String>>) -> Result<String, Problem> {
    let Some(events) = events else { return Ok("*".to_owned()) };
    let mut known = BTreeSet::new();
    for (index, event) in events.iter().enumerate() {
        if !EventType::ALL.iter().any(|one| one.name() == event) || !known.insert(event.as_str()) {
            return Err(invalid(&format!("/events/{index}"), "not a type of event, or one that stands twice"));
        }
    }
    if known.is_empty() {
        return Err(invalid("/events", "leave it out to be told of everything"));
    }
    Ok(known.into_iter().collect::<Vec<_>>().join(" "))
}

async fn new_keys(app: &App, db: &mut Connection, endpoint: &str, now: &str) -> Result<EndpointKeys, Problem> {
    let bytes = secret::random::<{ Keys::BYTES }>();
    let keys = Keys::of(&bytes);
    let id = new_id();
    let expires_ms = now_ms().saturating_add(i64::from(app.settings.webhooks.rotation_seconds) * 1_000);
    let sealed = app.vault.seal_webhook(&id, &bytes);
    webhooks::add_secret(db, (&id, endpoint), &sealed, now, expires_ms).await?;
    Ok(EndpointKeys { id: endpoint.to_owned(), secret: keys.secret_text(), public_key: keys.public_text() })
}

/// Makes an endpoint. Its secret is shown once; whoever loses it asks for another.
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", security(("bearer" = [])),
    request_body = NewEndpoint, responses((status = 201, body = EndpointKeys), (status = "4XX", response = super::ProblemDocument)))]
pub async fn create(
    State(app): State<Arc<App>>,
    owner: Owner,
    Json { value: new, .. }: Json<NewEndpoint>,
) -> Result<Reply, Problem> {
    check_url(&app, &new.url)?;
    let row = webhooks::Endpoint {
        id: new_id(),
        owner: owner.0,
        url: new.url,
        events: check_events(new.events.as_ref())?,
        status: "enabled".to_owned(),
        version: 1,
        created: app.now()?.to_string(),
    };
    let (server, row) = (&*app, &row);
    let work = |mut tx: Part| async move {
        if webhooks::count(&mut tx, &row.owner).await? >= ENDPOINTS_MAX {
            return Err(Problem::new(Kind::TooMany, format!("there are at most {ENDPOINTS_MAX} endpoints")));
        }
        webhooks::insert(&mut tx, row).await?;
        new_keys(server, &mut tx, &row.id, &row.created).await
    };
    Ok(Reply::created(&app.db.write(work).await?)?.tagged(tag(row)))
}

/// From where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EndpointsQuery {
    /// After this place: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1 to 100.
    limit: Option<u32>,
}

/// A page of endpoints.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointsPage {
    /// In the order in which they were made.
    endpoints: Vec<EndpointView>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
}

/// The caller's endpoints.
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks", security(("bearer" = [])), params(EndpointsQuery),
    responses((status = 200, body = EndpointsPage), (status = "4XX", response = super::ProblemDocument)))]
pub async fn list(
    State(app): State<Arc<App>>,
    owner: Owner,
    Query(query): Query<EndpointsQuery>,
) -> Result<Reply, Problem> {
    let page = Page::asked("webhooks", query.cursor.as_deref(), query.limit)?;
    let mut db = app.db.read().await?;
    let rows = webhooks::page(&mut db, &owner.0, page.after(), page.rows()).await?;
    let (rows, next_cursor) = page.cut(rows, |row| &row.id);
    Reply::ok(&EndpointsPage { endpoints: rows.into_iter().map(view).collect(), next_cursor })
}

/// One of the caller's endpoints.
#[utoipa::path(get, path = "/v1/webhooks/{id}", tag = "webhooks", security(("bearer" = [])),
    params(("id" = String, Path), ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = EndpointView), (status = "4XX", response = super::ProblemDocument)))]
pub async fn read(State(app): State<Arc<App>>, owner: Owner, Id(id): Id) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    let row = owner.find(&mut db, &id).await?;
    let tag = tag(&row);
    Ok(Reply::ok(&view(row))?.tagged(tag))
}

/// Changes an endpoint.
#[utoipa::path(put, path = "/v1/webhooks/{id}", tag = "webhooks", security(("bearer" = [])),
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)), request_body = ChangedEndpoint,
    responses((status = 200, body = EndpointView), (status = "4XX", response = super::ProblemDocument)))]
pub async fn change(
    State(app): State<Arc<App>>,
    owner: Owner,
    Id(id): Id,
    if_match: IfMatch,
    Json { value: new, .. }: Json<ChangedEndpoint>,
) -> Result<Reply, Problem> {
    check_url(&app, &new.url)?;
    let events = check_events(new.events.as_ref())?;
    let (id, owner, if_match, new, events) = (id.as_str(), &owner, &if_match, &new, events.as_str());
    let work = |mut tx: Part| async move {
        let mut row = owner.find(&mut tx, id).await?;
        if_match.check(&tag(&row))?;
        row.url = new.url.clone();
        row.events = events.to_owned();
        row.status = if new.enabled { "enabled" } else { "disabled" }.to_owned();
        row.version += 1;
        webhooks::update(&mut tx, &row).await?;
        webhooks::recovered(&mut tx, id).await?;
        Ok(row)
    };
    let row = app.db.write(work).await?;
    let tag = tag(&row);
    Ok(Reply::ok(&view(row))?.tagged(tag))
}

/// A deleted endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeletedEndpoint {
    /// Its id.
    id: String,
    /// `deleted`.
    status: &'static str,
}

/// Deletes an endpoint.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", tag = "webhooks", security(("bearer" = [])),
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = DeletedEndpoint), (status = "4XX", response = super::ProblemDocument)))]
pub async fn delete(
    State(app): State<Arc<App>>,
    owner: Owner,
    Id(id): Id,
    if_match: IfMatch,
) -> Result<Reply, Problem> {
    let now = app.now()?.to_string();
    let (at, owner, if_match, now) = (id.as_str(), &owner, &if_match, now.as_str());
    let work = |mut tx: Part| async move {
        if_match.check(&tag(&owner.find(&mut tx, at).await?))?;
        Ok(webhooks::delete(&mut tx, at, now).await?)
    };
    app.db.write(work).await?;
    Reply::ok(&DeletedEndpoint { id, status: "deleted" })
}

/// Makes new keys. Those before them sign beside them for the configured time, and then no more.
#[utoipa::path(post, path = "/v1/webhooks/{id}/secret", tag = "webhooks", security(("bearer" = [])),
    params(("id" = String, Path)),
    responses((status = 201, body = EndpointKeys), (status = "4XX", response = super::ProblemDocument)))]
pub async fn rotate(State(app): State<Arc<App>>, owner: Owner, Id(id): Id) -> Result<Reply, Problem> {
    let now = app.now()?.to_string();
    let (server, id, owner, now) = (&*app, id.as_str(), &owner, now.as_str());
    let work = |mut tx: Part| async move {
        owner.find(&mut tx, id).await?;
        if webhooks::secrets(&mut tx, id, now_ms()).await?.len() >= SECRETS_MAX {
            let detail = format!("at most {SECRETS_MAX} secrets sign side by side; wait until one ends");
            return Err(Problem::new(Kind::TooMany, detail));
        }
        new_keys(server, &mut tx, id, now).await
    };
    Reply::created(&app.db.write(work).await?)
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It will be tried, or tried again.
    Waiting,
    /// It was taken.
    Delivered,
    /// It was given up.
    Dead,
}

impl DeliveryStatus {
    const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveriesQuery {
    /// Of this status only; `dead` is the list of what was given up.
    #[param(inline)]
    status: Option<DeliveryStatus>,
    /// After this place: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1 to 100.
    limit: Option<u32>,
}

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveriesPage {
    /// In the order in which they were made.
    deliveries: Vec<DeliveryView>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
}

/// A delivery.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryView {
    /// Its id.
    id: String,
    /// `webhook-id`: the message's, the same however often it is sent.
    message_id: String,
    /// What happened.
    r#type: String,
    /// `waiting`, `delivered` or `dead`.
    status: String,
    /// How often it was tried.
    attempts: i64,
    /// Why the last attempt failed.
    last_error: Option<String>,
    /// When it happened, RFC 3339.
    created: String,
}

/// What an endpoint was told.
#[utoipa::path(get, path = "/v1/webhooks/{id}/deliveries", tag = "webhooks", security(("bearer" = [])),
    params(("id" = String, Path), DeliveriesQuery),
    responses((status = 200, body = DeliveriesPage), (status = "4XX", response = super::ProblemDocument)))]
pub async fn deliveries(
    State(app): State<Arc<App>>,
    owner: Owner,
    Id(id): Id,
    Query(query): Query<DeliveriesQuery>,
) -> Result<Reply, Problem> {
    let page = Page::asked("deliveries", query.cursor.as_deref(), query.limit)?;
    let mut db = app.db.read().await?;
    owner.find(&mut db, &id).await?;
    let status = query.status.map(DeliveryStatus::name);
    let rows = webhooks::deliveries(&mut db, &id, status, page.after(), page.rows()).await?;
    let (rows, next_cursor) = page.cut(rows, |row| &row.id);
    let view = |row: webhooks::Delivery| DeliveryView {
        id: row.id,
        message_id: row.message,
        r#type: row.r#type,
        status: row.status,
        attempts: row.attempts,
        last_error: row.last_error,
        created: row.created,
    };
    Reply::ok(&DeliveriesPage { deliveries: rows.into_iter().map(view).collect(), next_cursor })
}

/// What is sent again: one delivery, or all that happened from one moment to before another.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z" }))]
pub struct Replay {
    /// One delivery.
    delivery_id: Option<String>,
    /// From when on, RFC 3339 in UTC.
    #[schema(value_type = Option<String>)]
    from: Option<Instant>,
    /// Before when, RFC 3339 in UTC.
    #[schema(value_type = Option<String>)]
    to: Option<Instant>,
}

/// How much is sent again.
#[derive(Debug, Serialize, ToSchema)]
pub struct Replayed {
    /// How many deliveries.
    replayed: u64,
}

/// Sends again, under the same `webhook-id`, what was sent, missed or given up.
#[utoipa::path(post, path = "/v1/webhooks/{id}/replays", tag = "webhooks", security(("bearer" = [])),
    params(("id" = String, Path)), request_body = Replay,
    responses((status = 202, body = Replayed), (status = "4XX", response = super::ProblemDocument)))]
pub async fn replay(
    State(app): State<Arc<App>>,
    owner: Owner,
    Id(id): Id,
    Json { value: what, .. }: Json<Replay>,
) -> Result<Reply, Problem> {
    let range = match (&what.delivery_id, what.from, what.to) {
        (Some(_), None, None) => None,
        (None, Some(from), Some(to)) if from < to => Some((from.to_string(), to.to_string())),
        _ => return Err(invalid("", "send either `delivery_id`, or `from` and a later `to`")),
    };
    let (id, owner, what, range) = (id.as_str(), &owner, &what, &range);
    let work = |mut tx: Part| async move {
        let endpoint = owner.find(&mut tx, id).await?;
        if endpoint.status != "enabled" {
            return Err(Problem::new(Kind::WrongState, "the endpoint is disabled; enable it first"));
        }
        let again = match range {
            Some((from, to)) => webhooks::Again::Range(from, to),
            None => webhooks::Again::One(what.delivery_id.as_deref().unwrap_or("")),
        };
        let count = webhooks::again(&mut tx, id, again).await?;
        if count == 0 && range.is_none() {
            return Err(invalid("/delivery_id", "this endpoint has no such delivery"));
        }
        Ok(count)
    };
    Reply::accepted(&Replayed { replayed: app.db.write(work).await? })
}
