//! One-time codes: sent through the notices' channel, typed in by whoever signs.
//!
//! A code is derived from its random id under the data key, so nothing that is stored tells it. Only the newest code
//! of an application signs, only the agreement it was made for, only once, only until it expires, and only while it
//! was not mistyped too often.

use prequal_core::calendar::Instant;
use serde_json::{Value, json};

use crate::{
    app::{App, new_id},
    delivery,
    notice::{self, About},
    people,
    problem::{Kind, Problem},
    secret,
    storage::{Connection, applications, codes, group::Part, notices},
};

/// For how many seconds a code holds.
pub const CODE_SECONDS: u32 = 600;
/// For how many seconds nobody gets another code after one: the first may be on its way.
pub const RESEND_SECONDS: u32 = 30;
/// How often a code may be mistyped.
pub const ATTEMPTS_MAX: i64 = 5;
/// How many codes are made for one application.
pub const CODES_OF_APPLICATION_MAX: i64 = 10;

/// What a notice of a code is made once for.
#[must_use]
pub fn once(id: &str) -> String {
    format!("code:{id}")
}

/// Makes a code for the agreement of an approved application and queues its notice; gives the code's id and until
/// when it holds.
///
/// # Errors
/// 409 where nothing is to be signed or the last code was made a moment ago, 429 where there were too many, 503 where
/// a code cannot reach the applicant.
pub async fn make(
    app: &App,
    db: &mut Connection,
    row: &applications::Row,
    now: Instant,
) -> Result<(String, String), Problem> {
    let agreement = require_approved(row)?;
    if people::key(db, &app.vault, &row.person).await?.is_none() {
        return Err(Problem::new(Kind::WrongState, "the applicant's data were erased"));
    }
    if !reachable(app) || delivery::address(app, db, &row.id).await?.is_none() {
        return Err(Problem::new(Kind::NoChannel, "no channel is configured, or no address is known"));
    }
    if let Some(code) = codes::newest(db, &row.id).await? {
        let left = wait_seconds(&code, now)?;
        if left > 0 {
            let detail = format!("another code is sent after {RESEND_SECONDS} seconds");
            return Err(Problem::new(Kind::CodeWait, detail)
                .with("seconds_left", left)
                .with("retry_after_seconds", left));
        }
    }
    if codes::count(db, &row.id).await? >= CODES_OF_APPLICATION_MAX {
        let detail = format!("an application has at most {CODES_OF_APPLICATION_MAX} codes");
        return Err(Problem::new(Kind::TooMany, detail));
    }
    let (id, until) = (new_id(), now.plus_seconds(CODE_SECONDS).map_err(Problem::internal)?.to_string());
    codes::insert(db, &id, &row.id, &agreement, &until, &now.to_string()).await?;
    let policy = app.settings.policies.by_hash(&row.bundle_hash)?;
    let values = [("until", until.clone()), ("agreement_hash", agreement)];
    let about = About::application(&row.id);
    notice::add(app, db, policy, notice::Kind::SigningCode, &about, &once(&id), &values).await?;
    Ok((id, until))
}

/// Whether codes go anywhere: in a sandbox they can be read without a channel.
#[must_use]
pub fn reachable(app: &App) -> bool {
    app.settings.notices.is_some() || app.sandbox_clock.is_some()
}

/// The hash of the agreement to be signed.
///
/// # Errors
/// 409 where there is none.
pub fn require_approved(row: &applications::Row) -> Result<String, Problem> {
    match (&row.agreement_hash, row.status.as_str()) {
        (Some(agreement), "approved") => Ok(agreement.clone()),
        _ => {
            let detail = format!("the application is {}", row.status);
            Err(Problem::new(Kind::WrongState, detail).with("application_status", row.status.clone()))
        }
    }
}

/// For how many seconds from now no other code is made.
///
/// # Errors
/// 500 where a stored time is none.
pub fn wait_seconds(newest: &codes::Row, now: Instant) -> Result<i64, Problem> {
    let made = Instant::parse(&newest.created).map_err(Problem::internal)?.seconds();
    let left = made.saturating_add(RESEND_SECONDS.into()).saturating_sub(now.seconds());
    // A sandbox's clock may have been set back.
    Ok(left.clamp(0, RESEND_SECONDS.into()))
}

/// Checks a typed code and counts a wrong one, in a transaction of its own: a refused signing undoes its own.
///
/// # Errors
/// 422 where it does not sign, 429 where it was mistyped too often.
pub async fn check(app: &App, row: &applications::Row, typed: &str, now: Instant) -> Result<(), Problem> {
    let work = |mut tx: Part| async move {
        let Some(code) = codes::newest(&mut tx, &row.id).await? else {
            return Ok(Err(refused("none", "ask for a code first")));
        };
        if let Err(problem) = require_open(&code, row, now)? {
            return Ok(Err(problem));
        }
        if secret::same(&app.vault.signing_code(&code.id), typed) {
            return Ok(Ok(()));
        }
        codes::count_attempt(&mut tx, &code.id).await?;
        let left = ATTEMPTS_MAX - code.attempts - 1;
        Ok(Err(refused("wrong", "this is not the code that was sent last").with("attempts_left", left)))
    };
    app.db.write(work).await?
}

/// `reason` is for programs: `none`, `wrong`, `used`, `other_agreement` or `expired`.
fn refused(reason: &str, detail: &str) -> Problem {
    Problem::new(Kind::SigningCode, detail).with("pointer", "/signature/code").with("reason", reason)
}

fn require_open(code: &codes::Row, row: &applications::Row, now: Instant) -> Result<Result<(), Problem>, Problem> {
    if code.used.is_some() {
        return Ok(Err(refused("used", "this code was used; ask for another")));
    }
    if row.agreement_hash.as_deref() != Some(code.agreement_hash.as_str()) {
        return Ok(Err(refused("other_agreement", "this code was sent for another agreement; ask for a new one")));
    }
    if Instant::parse(&code.expires).map_err(Problem::internal)? <= now {
        return Ok(Err(refused("expired", "this code has expired; ask for another")));
    }
    if code.attempts >= ATTEMPTS_MAX {
        let detail = format!("this code was mistyped {ATTEMPTS_MAX} times; ask for another");
        return Ok(Err(Problem::new(Kind::TooMany, detail)));
    }
    Ok(Ok(()))
}

/// Uses the code in the transaction that signs; gives the evidence of it.
///
/// # Errors
/// 422 where it was used meanwhile.
pub async fn spend(
    app: &App,
    db: &mut Connection,
    row: &applications::Row,
    typed: &str,
    now: Instant,
) -> Result<Value, Problem> {
    let code = codes::newest(db, &row.id).await?.ok_or_else(|| refused("none", "ask for a code first"))?;
    require_open(&code, row, now)??;
    if !secret::same(&app.vault.signing_code(&code.id), typed) || !codes::spend(db, &code.id, &now.to_string()).await? {
        return Err(refused("wrong", "this is not the code that was sent last"));
    }
    let sent = notices::of_once(db, &once(&code.id)).await?;
    Ok(json!({ "code_id": code.id, "notice": sent.map(|(id, channel, sent, proof)| json!({
        "id": id, "channel": channel, "sent": sent, "proof": proof })) }))
}
