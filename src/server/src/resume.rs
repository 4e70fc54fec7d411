//! Links that resume an application where it was left, each once.
//!
//! A token is derived from its link's random id under the data key, so that the notice that carries it can be stored
//! without it; only its hash is in the database.

use prequal_core::calendar::{Date, Instant};

use crate::{
    app::{App, new_id},
    people,
    problem::{Kind, Problem},
    secret,
    storage::{Connection, applications, checkouts, notices, resume},
};

/// How many links one application may have.
pub const LINKS_OF_APPLICATION_MAX: i64 = 20;

/// A link: its id, which stands in the notice's `once`, and until when it holds.
#[derive(Debug)]
pub struct Link {
    /// Its id.
    pub id: String,
    /// Until when it holds.
    pub expires: Instant,
}

impl Link {
    /// What the notice that carries it is made once for.
    #[must_use]
    pub fn once(&self) -> String {
        format!("resume:{}", self.id)
    }
}

/// Makes a link and keeps the cart for as long as it holds.
///
/// # Errors
/// 429 where the application had too many.
pub async fn make(app: &App, db: &mut Connection, row: &applications::Row, now: Instant) -> Result<Link, Problem> {
    if resume::count(db, &row.id).await? >= LINKS_OF_APPLICATION_MAX {
        let detail = format!("an application has at most {LINKS_OF_APPLICATION_MAX} links");
        return Err(Problem::new(Kind::TooMany, detail));
    }
    let seconds = u32::from(app.settings.conduct.resume_days) * 24 * 3600;
    let link = Link { id: new_id(), expires: now.plus_seconds(seconds).map_err(Problem::internal)? };
    let token_hash = secret::sha256_hex(app.vault.resume_token(&link.id));
    let until = link.expires.to_string();
    resume::insert(db, &link.id, &token_hash, &row.id, &until, &now.to_string()).await?;
    resume::keep_checkout(db, &row.checkout, &until).await?;
    Ok(link)
}

/// Keeps the cart of an application that people look at until a business day is over everywhere.
///
/// # Errors
/// 500 beyond the calendar.
pub async fn keep_cart(db: &mut Connection, application: &str, until: Date) -> Result<(), Problem> {
    let Some(row) = applications::find(db, application).await? else { return Ok(()) };
    let day = until.add_days(2).map_err(Problem::internal)?;
    Ok(resume::keep_checkout(db, &row.checkout, &format!("{day}T00:00:00Z")).await?)
}

/// The link that a notice carries.
#[must_use]
pub fn link(app: &App, row: &notices::Row) -> String {
    let id = row.once.split_once(':').map_or("", |(_, id)| id);
    format!("{}{}", app.settings.conduct.resume_url, app.vault.resume_token(id))
}

/// Opens a link: once, whoever comes first. Gives the application, its checkout, and the new credential; the one
/// before opens nothing any more.
///
/// # Errors
/// 404 where there is no such link, 410 where it was used or is past its time, 409 after erasure.
pub async fn open(
    app: &App,
    db: &mut Connection,
    token: &str,
    now: Instant,
) -> Result<(applications::Row, checkouts::Row, String), Problem> {
    let found = resume::find(db, &secret::sha256_hex(token)).await?;
    let (id, application, expires, used) = found.ok_or_else(Problem::not_found)?;
    if used.is_some() {
        return Err(Problem::new(Kind::ResumeLink, "it was used before"));
    }
    if Instant::parse(&expires).map_err(Problem::internal)? <= now {
        return Err(Problem::new(Kind::ResumeLink, format!("it held until {expires}")));
    }
    let row = applications::find(db, &application).await?.ok_or_else(Problem::not_found)?;
    if people::key(db, &app.vault, &row.person).await?.is_none() {
        return Err(Problem::new(Kind::WrongState, "the applicant's data were erased"));
    }
    if !resume::spend(db, &id, &now.to_string()).await? {
        return Err(Problem::new(Kind::ResumeLink, "it was used before"));
    }
    let capability = secret::new_token("cap_");
    resume::set_capability(db, &row.id, &secret::sha256_hex(&capability)).await?;
    let checkout = checkouts::find(db, &row.checkout).await?.ok_or_else(Problem::not_found)?;
    Ok((row, checkout, capability))
}
