//! What only a sandbox shows: the messages that its people would find in their inboxes.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{auth::OnlyLender, extract::Query};
use crate::{
    app::App,
    delivery,
    problem::{Kind, Problem},
    reply::Reply,
    storage::notices,
};

/// How many messages are shown at most, the newest.
pub const MESSAGES_MAX: i64 = 50;

/// Whose messages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MessagesQuery {
    /// Only those about this application.
    application: Option<String>,
}

/// Messages, the newest first, 50 at most.
#[derive(Debug, Serialize, ToSchema)]
pub struct Messages {
    /// The messages.
    messages: Vec<MessageView>,
}

/// A message as its recipient reads it, codes and links included.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageView {
    /// The notice.
    id: String,
    /// The application it is about.
    application_id: String,
    /// What kind of notice.
    kind: String,
    /// To whom; null where no address is known.
    to: Option<String>,
    /// What stands above it.
    subject: String,
    /// What it says.
    text: String,
    /// When it was made, RFC 3339.
    created: String,
    /// When it went out; null where it waits, as it does without a channel.
    sent: Option<String>,
}

/// The sandbox's inbox: what was sent to people, in words. Outside of a sandbox there is no such route.
#[utoipa::path(get, path = "/v1/sandbox/messages", tag = "sandbox", security(("bearer" = [])), params(MessagesQuery),
    responses((status = 200, body = Messages), (status = "4XX", response = super::ProblemDocument)))]
pub async fn messages(
    State(app): State<Arc<App>>,
    _: OnlyLender,
    Query(query): Query<MessagesQuery>,
) -> Result<Reply, Problem> {
    if app.sandbox_clock.is_none() {
        return Err(Problem::not_found());
    }
    if query.application.as_ref().is_some_and(|id| uuid::Uuid::try_parse(id).is_err()) {
        return Err(Problem::new(Kind::BadRequest, "`application` is no id"));
    }
    let mut db = app.db.read().await?;
    let rows = notices::newest(&mut db, query.application.as_deref(), MESSAGES_MAX).await?;
    let mut messages = Vec::with_capacity(rows.len());
    for notices::Message { notice, sent, created } in rows {
        messages.push(MessageView {
            to: delivery::address(&app, &mut db, &notice.application).await?,
            text: delivery::late(&app, &mut db, &notice).await?,
            subject: notice.subject().to_owned(),
            id: notice.id,
            application_id: notice.application,
            kind: notice.kind,
            created,
            sent,
        });
    }
    Reply::ok(&Messages { messages })
}
