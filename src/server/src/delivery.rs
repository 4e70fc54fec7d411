//! Sending notices: each through the configured channel, with proof that it went out.
//!
//! A notice is stored without an address. The address is looked up in the personal store when it is sent, so that
//! a correction counts and an erasure holds. A notice is marked as sent after it went out: where the server stops in
//! between it goes out again, under the same `Message-ID`.

use std::{path::PathBuf, sync::Arc, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
};
use prequal_core::{calendar::Date, wire::Input};
use serde::Deserialize;

use crate::{
    agreement::fill,
    app::App,
    jobs::{Done, Running},
    notice,
    outbox::{ATTEMPTS_MAX, backoff_ms, now_ms},
    people::{self, Identity},
    problem::Problem,
    resume,
    rights::{self, Correction},
    secret,
    storage::{Connection, applications, group::Part, notices, persons},
};

/// How often due notices are looked for.
const POLL: Duration = Duration::from_millis(500);
/// How many notices are taken at once.
const BATCH_MAX: i64 = 32;
/// How long a relay may take to answer.
const RELAY_TIME_MAX: Duration = Duration::from_secs(20);
/// For how long a notice is kept from others while it is sent, longer than a relay may take.
const CLAIM_MS: i64 = 60_000;
/// How much of a relay's answer is kept as proof, in bytes.
const PROOF_BYTES_MAX: usize = 200;

/// How notices reach people.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "channel", rename_all = "snake_case", deny_unknown_fields)]
pub enum Channel {
    /// One file a notice, in a folder from which something else sends them.
    File {
        /// The folder.
        folder: PathBuf,
        /// Whom they come from, `Name <address>`.
        from: String,
    },
    /// A mail relay that speaks SMTP without TLS: on this machine, or one of yours on a private network.
    Smtp {
        /// `host`.
        relay: String,
        /// Its port.
        #[serde(default = "smtp_port")]
        port: u16,
        /// Whom they come from, `Name <address>`.
        from: String,
    },
}

const fn smtp_port() -> u16 {
    25
}

impl Channel {
    /// Checks what can be checked without sending.
    ///
    /// # Errors
    /// One readable line.
    pub fn check(&self) -> Result<(), String> {
        let (Self::File { from, .. } | Self::Smtp { from, .. }) = self;
        let _: Mailbox = from.parse().map_err(|error| format!("notices.from `{from}`: {error}"))?;
        Ok(())
    }

    /// `file` or `smtp`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            Self::Smtp { .. } => "smtp",
        }
    }

    /// Sends a message; gives what proves it, which names nobody.
    async fn send(&self, notice: &str, message: Message) -> Result<String, String> {
        let bytes = message.formatted();
        let hash = secret::sha256_hex(&bytes);
        match self {
            Self::File { folder, .. } => {
                tokio::fs::create_dir_all(folder).await.map_err(|error| error.to_string())?;
                // Whoever watches the folder must not see half a message.
                let (unfinished, finished) =
                    (folder.join(format!("{notice}.part")), folder.join(format!("{notice}.eml")));
                tokio::fs::write(&unfinished, &bytes).await.map_err(|error| error.to_string())?;
                tokio::fs::rename(&unfinished, &finished).await.map_err(|error| error.to_string())?;
                Ok(format!("sha256 {hash} in {notice}.eml"))
            }
            Self::Smtp { relay, port, .. } => {
                let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(relay.as_str())
                    .port(*port)
                    .timeout(Some(RELAY_TIME_MAX))
                    .build();
                let answer = transport.send(message).await.map_err(|error| plain(&error.to_string()))?;
                let words: Vec<&str> = answer.message().collect();
                Ok(format!("sha256 {hash}, relay: {} {}", answer.code(), plain(&words.join(" "))))
            }
        }
    }
}

/// What a relay says, unless it repeats an address.
fn plain(text: &str) -> String {
    if text.contains('@') {
        return "(an answer that names an address)".to_owned();
    }
    text.get(..text.floor_char_boundary(PROOF_BYTES_MAX)).unwrap_or_default().to_owned()
}

/// Job `notice-sending`: sends what is due now, whatever the date; what fails is due again later. Without a channel the
/// notices wait.
pub fn deliver(app: &App, _date: Date) -> Running<'_> {
    Box::pin(async move {
        let mut done = Done::default();
        let Some(channel) = &app.settings.notices else { return Ok(done) };
        loop {
            match send_due(app, channel).await? {
                0 => return Ok(done),
                sent => done.changed += u64::try_from(sent).map_err(Problem::internal)?,
            }
        }
    })
}

/// Sends for as long as it is let. Without a channel the notices wait.
pub async fn run(app: Arc<App>) {
    let Some(channel) = app.settings.notices.clone() else { return };
    loop {
        match send_due(&app, &channel).await {
            Ok(sent) if sent > 0 => continue,
            Ok(_) => {}
            Err(problem) => tracing::error!(?problem, "notices could not be read"),
        }
        tokio::time::sleep(POLL).await;
    }
}

/// How an attempt ended.
enum Ended {
    Sent(String),
    Failed(String),
    /// There is nobody to send it to, and there never will be.
    Nobody(&'static str),
}

/// Sends what is due; gives how many went out.
///
/// # Errors
/// 500 when the database fails.
pub async fn send_due(app: &App, channel: &Channel) -> Result<usize, Problem> {
    let mut db = app.db.read().await?;
    let due = notices::due(&mut db, now_ms(), BATCH_MAX).await?;
    let mut ready = Vec::with_capacity(due.len());
    for row in due {
        let address = address(app, &mut db, &row.application).await?;
        let row = notices::Row { body: late(app, &mut db, &row).await?, ..row };
        ready.push((row, address));
    }
    drop(db);
    let mut sent = 0;
    for (row, address) in ready {
        // Two servers look at the same notices: each is sent by whoever took it. Where that one stops in the middle,
        // the notice is due again when its claim ends.
        let (taken, until) = (&row, now_ms().saturating_add(CLAIM_MS));
        if !app.db.write(|mut tx: Part| async move { Ok(notices::claim(&mut tx, taken, until).await?) }).await? {
            continue;
        }
        let ended = match address {
            None => Ended::Nobody("no address is known"),
            Some(address) => match message(app, channel, &row, &address) {
                None => Ended::Nobody("the address is none"),
                // A hash over six digits would tell them.
                Some(message) => match channel.send(&row.id, message).await {
                    Ok(_) if row.kind == notice::Kind::SigningCode.name() => Ended::Sent("taken".to_owned()),
                    Ok(proof) => Ended::Sent(proof),
                    Err(why) => Ended::Failed(why),
                },
            },
        };
        sent += usize::from(matches!(ended, Ended::Sent(_)));
        note(app, channel, &row, ended).await?;
    }
    Ok(sent)
}

async fn note(app: &App, channel: &Channel, row: &notices::Row, ended: Ended) -> Result<(), Problem> {
    let now = app.now()?.to_string();
    let (id, attempts) = (row.id.as_str(), row.attempts + 1);
    let outcome = match &ended {
        Ended::Sent(proof) => notices::Outcome::Sent { channel: channel.name(), proof, at: &now },
        Ended::Nobody(why) => notices::Outcome::GivenUp { why, at: &now },
        Ended::Failed(why) if attempts >= ATTEMPTS_MAX => notices::Outcome::GivenUp { why, at: &now },
        Ended::Failed(why) => {
            notices::Outcome::Again { why, next_attempt_ms: now_ms().saturating_add(backoff_ms(row.attempts)) }
        }
    };
    if !matches!(ended, Ended::Sent(_)) {
        tracing::warn!(notice = id, attempts, ?outcome, "a notice was not sent");
    }
    app.db.write(|mut tx: Part| async move { Ok(notices::note(&mut tx, id, outcome).await?) }).await
}

/// Where a person is written to: the newest correction's address, else the application's.
///
/// # Errors
/// 500 when the database fails or what is kept of the person cannot be read.
pub(crate) async fn address(app: &App, db: &mut Connection, application: &str) -> Result<Option<String>, Problem> {
    let Some(row) = applications::find(db, application).await? else { return Ok(None) };
    let Some(key) = people::key(db, &app.vault, &row.person).await? else { return Ok(None) };
    for (id, kind, sealed, _) in persons::records(db, &row.person).await?.into_iter().rev() {
        if kind == rights::CORRECTION {
            let plain = key.open(&id, &sealed).map_err(Problem::internal)?;
            let correction: Correction = serde_json::from_slice(&plain).map_err(Problem::internal)?;
            if correction.email.is_some() {
                return Ok(correction.email);
            }
        }
    }
    let Some(input) = people::open(db, &app.vault, &row.input_record).await? else { return Ok(None) };
    let input: Input = serde_json::from_slice(&input).map_err(Problem::internal)?;
    // A bundle that is not configured any more no longer says which field is the address.
    let Ok(policy) = app.settings.policies.by_hash(&row.bundle_hash) else { return Ok(None) };
    Ok(Identity::of(policy, &input.application.fields).email)
}

/// An address as its owner knows it again and nobody else does: `a•••@example.com`.
#[must_use]
pub fn masked(address: &str) -> Option<String> {
    let (name, domain) = address.trim().rsplit_once('@')?;
    let mut letters = name.chars();
    let first = letters.next()?;
    // Of one letter or two, the first would be half of it or all.
    let shown = if letters.count() < 2 { String::new() } else { first.to_string() };
    Some(format!("{shown}•••@{domain}"))
}

/// The text as it goes out. What is secret or personal in it stands in no table: a code and a link follow from their
/// ids under the data key, a score is read from what was decided upon.
///
/// # Errors
/// As [`address`].
pub(crate) async fn late(app: &App, db: &mut Connection, row: &notices::Row) -> Result<String, Problem> {
    let id = row.once.split_once(':').map_or("", |(_, id)| id);
    let value = match notice::Kind::of(&row.kind) {
        Some(notice::Kind::SigningCode) => ("code", app.vault.signing_code(id)),
        Some(notice::Kind::Approved | notice::Kind::CounterOffer) => ("link", resume::link(app, row)),
        _ => ("", String::new()),
    };
    let mut values = vec![value];
    if row.body.contains("{score}")
        && let Some(application) = applications::find(db, &row.application).await?
        && let Some(input) = people::open(db, &app.vault, &application.input_record).await?
    {
        let input: Input = serde_json::from_slice(&input).map_err(Problem::internal)?;
        values.push(("score", notice::score(app, &input)));
    }
    Ok(fill(&row.body, &values))
}

/// `None` where the address is none: it is refused here rather than handed to a relay with what is hidden in it.
fn message(app: &App, channel: &Channel, row: &notices::Row, address: &str) -> Option<Message> {
    let (Channel::File { from, .. } | Channel::Smtp { from, .. }) = channel;
    Message::builder()
        .from(from.parse().ok()?)
        .to(Mailbox::new(None, address.trim().parse().ok()?))
        .message_id(Some(format!("<{}@{}>", row.id, app.settings.lender_id)))
        .subject(row.subject())
        .header(ContentType::TEXT_PLAIN)
        .body(row.body.clone())
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_address_is_known_to_its_owner_only() {
        assert_eq!(masked("ada@example.com").as_deref(), Some("a•••@example.com"));
        assert_eq!(masked("émile@example.com").as_deref(), Some("é•••@example.com"));
        assert_eq!(masked("\"a@b\"@example.com").as_deref(), Some("\"•••@example.com"));
        // Of so short a name nothing would be left hidden.
        assert_eq!(masked("al@example.com").as_deref(), Some("•••@example.com"));
        assert_eq!(masked("a@example.com").as_deref(), Some("•••@example.com"));
        assert_eq!((masked("nobody"), masked("@example.com")), (None, None));
    }

    #[test]
    fn a_sender_that_is_no_address_is_refused_and_an_answer_with_an_address_is_not_kept() {
        let channel = |from: &str| Channel::File { folder: "x".into(), from: from.to_owned() };
        assert_eq!(channel("Credit <credit@lender.example>").check(), Ok(()));
        assert!(channel("nobody").check().is_err() && channel("a@b\nBcc: c@d").check().is_err());
        assert_eq!(plain("2.0.0 Ok: queued as 7F3"), "2.0.0 Ok: queued as 7F3");
        assert!(!plain("550 <ada@example.com> unknown").contains("ada"));
        assert_eq!(plain(&"ö".repeat(200)).len(), PROOF_BYTES_MAX);
    }
}
