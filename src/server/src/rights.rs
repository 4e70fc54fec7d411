//! What a person may ask for of their data: to see it, to have it corrected, to have it erased, to withdraw a
//! consent. Routes and the command line come here.

use prequal_ledger::Status;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    app::App,
    http::etag,
    people,
    problem::{Kind, Problem},
    retention,
    settings::Settings,
    storage::{
        Connection, applications,
        group::Part,
        orders,
        person_file::{self, KeptDecision, KeptDisclosure, KeptMandate, KeptNotice, KeptPayment, KeptReview},
        persons,
    },
    vault::Vault,
};

/// The longest name or address that a correction holds, in bytes.
pub const TEXT_BYTES_MAX: usize = 200;
/// How many corrections one person may have.
pub const CORRECTIONS_MAX: usize = 100;
/// The kind of a record that corrects what was applied with.
pub const CORRECTION: &str = "correction";

/// Everything that is kept of a person, in plain words.
#[derive(Debug, Serialize, ToSchema)]
pub struct Export {
    /// The random id by which everything else names the person.
    person_id: String,
    /// Since when the person is known, RFC 3339.
    created: String,
    /// When everything personal was erased.
    erased: Option<String>,
    /// What was sealed under the person's key, in the order in which it came. Empty after erasure.
    records: Vec<Record>,
    /// Applications, with what was agreed to.
    applications: Vec<Applied>,
    /// Loans.
    loans: Vec<Lent>,
    /// Orders that their merchants capture.
    orders: Vec<Ordered>,
    /// Lines of credit.
    lines: Vec<Line>,
    /// Every decision about them, with its reasons.
    decisions: Vec<KeptDecision>,
    /// What they were told before their contracts.
    disclosures: Vec<KeptDisclosure>,
    /// What they were told by notices.
    notices: Vec<KeptNotice>,
    /// What people looked at again.
    reviews: Vec<KeptReview>,
    /// Payments of their loans.
    payments: Vec<KeptPayment>,
    /// Leave to debit them.
    mandates: Vec<KeptMandate>,
}

/// One record.
#[derive(Debug, Serialize, ToSchema)]
pub struct Record {
    /// Its id.
    id: String,
    /// `decision_input`, `signature`, `correction`, or `payer_reference`: what was written with a payment.
    kind: String,
    /// When it was kept, RFC 3339.
    created: String,
    /// What it says.
    #[schema(value_type = Object)]
    content: Value,
}

/// An application.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PersonApplication)]
pub struct Applied {
    /// Its id.
    application_id: String,
    /// `received`, `approved`, `referred`, `declined` or `signed`.
    status: String,
    /// When it came, RFC 3339.
    created: String,
    /// What was agreed to, each purpose apart.
    consents: Vec<ConsentView>,
}

/// A consent.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentView {
    /// What for.
    pub purpose: String,
    /// SHA-256 of the sentence agreed to.
    pub text_hash: String,
    /// When it was given, RFC 3339.
    pub given: String,
    /// When it was withdrawn.
    pub withdrawn: Option<String>,
    /// Who gets what is consented to; null where it was not recorded.
    pub recipient: Option<String>,
    /// The bundle in which the sentence stood, by its hash; null where it was not recorded.
    pub bundle_hash: Option<String>,
    /// The version of that bundle, where it is still configured.
    pub version: Option<String>,
    /// The sentence, where that bundle is still configured.
    pub text: Option<String>,
}

/// A loan.
#[derive(Debug, Serialize, ToSchema)]
pub struct Lent {
    /// Its id.
    loan_id: String,
    /// As of its last event.
    status: String,
    /// When it was booked, which is when it was signed unless its order was captured later, RFC 3339.
    signed: String,
}

/// An order that its merchant captures.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ordered {
    /// Its checkout's id.
    order_id: String,
    /// The most that may be lent for it.
    authorized_amount: i64,
    /// What is.
    captured_amount: i64,
    /// When it was signed, RFC 3339.
    signed: String,
}

/// A line of credit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExportedLine)]
pub struct Line {
    /// Its id.
    line_id: String,
    /// When it was granted, RFC 3339.
    granted: String,
}

/// What is put right; what is left out stays.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

async fn content(vault: &Vault, db: &mut Connection, person: &str) -> Result<Vec<Record>, Problem> {
    let Some(key) = people::key(db, vault, person).await? else { return Ok(Vec::new()) };
    let mut records = Vec::new();
    for (id, kind, sealed, created) in persons::records(db, person).await? {
        // Past what it was kept for.
        if sealed.is_empty() {
            continue;
        }
        let plain = key.open(&id, &sealed).map_err(Problem::internal)?;
        let content = serde_json::from_slice(&plain).map_err(Problem::internal)?;
        records.push(Record { id, kind, created, content });
    }
    Ok(records)
}

/// Everything that is kept of a person.
///
/// # Errors
/// 404 where nobody has this id.
pub async fn export(app: &App, db: &mut Connection, person: &str) -> Result<Export, Problem> {
    let (created, erased) = persons::find(db, person).await?.ok_or_else(Problem::not_found)?;
    let mut applied = Vec::new();
    for (application_id, status, created) in persons::applications(db, person).await? {
        let consents = consents(&app.settings, db, &application_id).await?;
        applied.push(Applied { application_id, status, created, consents });
    }
    let loans = persons::loans(db, person).await?;
    let ordered = persons::orders(db, person).await?.into_iter();
    let ordered = ordered.map(|(order_id, authorized_amount, captured_amount, signed)| Ordered {
        order_id,
        authorized_amount,
        captured_amount,
        signed,
    });
    let lines = persons::lines(db, person).await?.into_iter();
    Ok(Export {
        decisions: person_file::decisions(db, person).await?,
        disclosures: person_file::disclosures(db, person).await?,
        notices: person_file::notices(db, person).await?,
        reviews: person_file::reviews(db, person).await?,
        payments: person_file::payments(db, person).await?,
        mandates: person_file::mandates(db, person).await?,
        orders: ordered.collect(),
        lines: lines.map(|(line_id, granted)| Line { line_id, granted }).collect(),
        person_id: person.to_owned(),
        created,
        erased,
        records: content(&app.vault, db, person).await?,
        applications: applied,
        loans: loans.into_iter().map(|(loan_id, status, signed)| Lent { loan_id, status, signed }).collect(),
    })
}

/// What was agreed to with an application.
///
/// # Errors
/// 500 when the database fails.
pub async fn consents(
    settings: &Settings,
    db: &mut Connection,
    application: &str,
) -> Result<Vec<ConsentView>, Problem> {
    let rows = applications::consent_history(db, application).await?;
    let view = |row: applications::ConsentRow| {
        let policy = row.bundle_hash.as_deref().and_then(|hash| settings.policies.known(hash));
        ConsentView {
            version: policy.map(|policy| policy.version().to_owned()),
            text: policy.and_then(|policy| policy.sentence(&row.text_hash)).map(str::to_owned),
            purpose: row.purpose,
            text_hash: row.text_hash,
            given: row.given,
            withdrawn: row.withdrawn,
            recipient: row.recipient,
            bundle_hash: row.bundle_hash,
        }
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Everyone who gave an address, a telephone number or an identity number.
///
/// # Errors
/// 422 for another kind.
pub async fn find(vault: &Vault, db: &mut Connection, kind: &str, value: &str) -> Result<Vec<String>, Problem> {
    if !["email", "phone", "resident_id"].contains(&kind) {
        let detail = "people are found by `email`, `phone` or `resident_id`";
        return Err(Problem::new(Kind::InvalidValue, detail).with("pointer", "/kind"));
    }
    let digest = vault.lookup_digest(kind, &people::normalized(value));
    Ok(persons::by_digest(db, kind, &digest).await?)
}

/// The tag of everything that is kept of a person. Every record has a random id, so nothing is guessed from it.
///
/// # Errors
/// 500 where it cannot be written as JSON.
pub fn tag(export: &Export) -> Result<String, Problem> {
    Ok(etag::of(&[&serde_json::to_string(export).map_err(Problem::internal)?]))
}

/// Checks a correction by itself.
///
/// # Errors
/// 422 where nothing is corrected or a text is too long.
pub fn check_correction(correction: &Correction) -> Result<(), Problem> {
    let texts = [("/name", &correction.name), ("/email", &correction.email), ("/phone", &correction.phone)];
    for (pointer, text) in &texts {
        if text.as_ref().is_some_and(|text| text.trim().is_empty() || text.len() > TEXT_BYTES_MAX) {
            let detail = format!("a text here has 1 to {TEXT_BYTES_MAX} bytes");
            return Err(Problem::new(Kind::InvalidValue, detail).with("pointer", *pointer));
        }
    }
    if texts.iter().all(|(_, text)| text.is_none()) {
        return Err(Problem::new(Kind::InvalidValue, "nothing is corrected").with("pointer", ""));
    }
    Ok(())
}

/// Keeps a correction beside what was applied with, which stays as it was decided upon; from now on the person is
/// found, and written to, by what is right. In the transaction of whoever calls.
///
/// # Errors
/// 404 where nobody has this id, 409 after erasure, 429 after too many.
pub async fn correct(
    vault: &Vault,
    db: &mut Connection,
    person: &str,
    correction: &Correction,
    now: &str,
) -> Result<String, Problem> {
    let plain = serde_json::to_vec(correction).map_err(Problem::internal)?;
    persons::find(db, person).await?.ok_or_else(Problem::not_found)?;
    let key = people::key(db, vault, person).await?;
    let key = key.ok_or_else(|| Problem::new(Kind::WrongState, "the person's data were erased"))?;
    let records = persons::records(db, person).await?;
    if records.iter().filter(|(_, kind, _, _)| kind == CORRECTION).count() >= CORRECTIONS_MAX {
        let detail = format!("a person has at most {CORRECTIONS_MAX} corrections");
        return Err(Problem::new(Kind::TooMany, detail));
    }
    for (kind, text) in [("email", &correction.email), ("phone", &correction.phone)] {
        let Some(text) = text else { continue };
        let digest = vault.lookup_digest(kind, &people::normalized(text));
        persons::replace_digest(db, kind, &digest, person).await?;
    }
    people::keep(db, person, &key, CORRECTION, &plain, now).await
}

/// Erases a person, unless a debt is open: until it is settled the data are needed to perform the contract.
/// Erasing twice is erasing once.
///
/// # Errors
/// 404 where nobody has this id, 409 where a loan is open or an order may still be captured.
pub async fn erase(app: &App, person: &str) -> Result<String, Problem> {
    let now = app.now()?.to_string();
    let today = app.today()?;
    let over = retention::contracts_before(app, today);
    let today = today.to_string();
    let (now, today, over) = (now.as_str(), today.as_str(), over.as_deref());
    // Asked and erased in one transaction: a signing in between meets it, and one of the two is done again.
    let work = |mut tx: Part| async move {
        let (_, erased) = persons::find(&mut tx, person).await?.ok_or_else(Problem::not_found)?;
        if let Some(erased) = erased {
            return Ok(erased);
        }
        let open = open_loans(&mut tx, person, over).await?;
        if !open.is_empty() {
            let detail = "a loan is open; its data are kept until it is settled";
            return Err(Problem::new(Kind::WrongState, detail).with("loans", open));
        }
        let held = orders::open_of_person(&mut tx, person, today).await?;
        if !held.is_empty() {
            let detail = "an order may still be captured; its data are kept until it is settled";
            return Err(Problem::new(Kind::WrongState, detail).with("orders", held));
        }
        persons::erase(&mut tx, person, now).await?;
        Ok(now.to_owned())
    };
    let erased = app.db.write(work).await?;
    people::forget_log(app, person).await?;
    Ok(erased)
}

/// A person's loans whose contract is still to be performed. Of what was given up or sold something may still come: it is
/// over when its last event was booked before the day from which contracts are kept, `kept_from`.
///
/// # Errors
/// 500 when the database fails.
pub async fn open_loans(db: &mut Connection, person: &str, kept_from: Option<&str>) -> Result<Vec<String>, Problem> {
    let over = [Status::Settled, Status::Cancelled, Status::Closed].map(Status::name);
    let given_up = [Status::ChargedOff, Status::Transferred].map(Status::name);
    let mut open = Vec::new();
    for (id, status, _) in persons::loans(db, person).await? {
        let old = match kept_from.filter(|_| given_up.contains(&status.as_str())) {
            Some(kept_from) => persons::last_booked(db, &id).await?.is_some_and(|booked| *booked < *kept_from),
            None => false,
        };
        if !old && !over.contains(&status.as_str()) {
            open.push(id);
        }
    }
    Ok(open)
}

/// Withdraws a consent from now on; what was done on it stays lawful. Withdrawing twice is withdrawing once.
///
/// # Errors
/// 404 where the application has no such consent.
pub async fn withdraw(
    settings: &Settings,
    db: &mut Connection,
    application: &str,
    purpose: &str,
    now: &str,
) -> Result<ConsentView, Problem> {
    applications::withdraw_consent(db, application, purpose, now).await?;
    let all = consents(settings, db, application).await?;
    all.into_iter().find(|consent| consent.purpose == purpose).ok_or_else(Problem::not_found)
}
