//! Lines of credit, as the lender grants them and their holder sees them.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::sync::Arc;

use axum::extract::State;
use prequal_core::{
    calendar::Date,
    canonical,
    credit::{
        Line as Conventions,
        caps::{PlanFacts, broken_cap},
        schedule,
    },
    money::Amount,
};
use prequal_ledger::{LineEvent, bill};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::{Caller, OnlyLender},
    etag::{self, IfMatch},
    extract::{Id, IdempotencyKey, Json, Query},
    page::Page,
};
use crate::{
    app::{App, new_id},
    idempotency::Attempt,
    line_terms::supposed,
    lines::{self, Folded, LINES_OF_PERSON_MAX},
    problem::{Kind, Problem},
    reply::Reply,
    secret,
    storage::{Connection, applications, group::Part, lines as stored, persons},
};

/// A line to be granted: to a person, or to whoever made an application.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLine {
    /// The person; exclusive of `application_id`.
    #[serde(default)]
    person_id: Option<String>,
    /// An application of the person's.
    #[serde(default)]
    application_id: Option<String>,
    /// The most that may be drawn and held, in minor units of the currency that is lent.
    #[schema(value_type = i64, minimum = 1)]
    limit: Amount,
    /// Of a revolving line: `billing` (`billing_day`, `due_day`, `cutoff`), `rate`, `interest_from`
    /// (`day_after_due`, `statement` or `purchase`, from which day what is not paid of a bill bears interest),
    /// `minimum` (`percent`, `floor`, `cap`) and `rounding`.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    revolving: Option<Conventions>,
}

/// A granted line.
#[derive(Debug, Serialize, ToSchema)]
pub struct Granted {
    /// The line.
    line_id: String,
    /// Its holder's credential, shown only now.
    capability: String,
    /// In minor units.
    limit: i64,
    /// ISO 4217.
    currency: String,
}

/// A line of credit as it stands today.
#[derive(Debug, Serialize, ToSchema)]
pub struct LineView {
    /// The line.
    line_id: String,
    /// Of a revolving line, the conventions of its bills.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    revolving: Option<Conventions>,
    /// The hash of these, which a signature under the line names.
    #[serde(skip_serializing_if = "Option::is_none")]
    terms_hash: Option<String>,
    /// Whose it is, for the lender.
    #[serde(skip_serializing_if = "Option::is_none")]
    person_id: Option<String>,
    /// ISO 4217.
    currency: String,
    /// The limit.
    limit: i64,
    /// Principal drawn that has not come back.
    drawn: i64,
    /// What authorized orders hold.
    held: i64,
    /// What may be held anew: the limit less what is drawn and held, and nothing of a frozen line.
    available: i64,
    /// By how much draws and holds exceed the limit: after it was lowered, or after money that had come back went again.
    above_limit: i64,
    /// Whether nothing new may be held.
    frozen: bool,
    /// Orders that hold on it.
    holds: Vec<HoldView>,
    /// Loans drawn on it.
    loans: Vec<DrawnView>,
    /// The business date.
    today: String,
}

/// What an order holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct HoldView {
    /// The order: its checkout's id.
    order_id: String,
    /// What of it is not drawn.
    amount: i64,
    /// The last business date on which it holds.
    expires: String,
}

/// A loan drawn on a line.
#[derive(Debug, Serialize, ToSchema)]
pub struct DrawnView {
    /// The loan.
    loan_id: String,
    /// Principal of it that has come back to the line.
    restored: i64,
}

/// A new limit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLimit {
    /// In minor units. Lowering it takes back nothing that is drawn or held.
    #[schema(value_type = i64, minimum = 0)]
    limit: Amount,
}

/// A new credential.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewLineCapability {
    /// The line.
    line_id: String,
    /// The only credential that opens it from now on.
    capability: String,
}

/// Grants a line.
#[utoipa::path(post, path = "/v1/lines", tag = "lines", security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header)), request_body = NewLine,
    responses((status = 201, body = Granted), (status = "4XX", response = super::ProblemDocument)))]
pub async fn create(
    State(app): State<Arc<App>>,
    OnlyLender(lender): OnlyLender,
    IdempotencyKey(key): IdempotencyKey,
    Json { value: new, fingerprint }: Json<NewLine>,
) -> Result<Reply, Problem> {
    if new.limit.is_zero() {
        return Err(Problem::new(Kind::InvalidValue, "a limit is more than nothing").with("pointer", "/limit"));
    }
    let attempt = app.in_flight.claim(&format!("lender:{lender}"), "lines", &key, &fingerprint)?;
    let (server, attempt, new) = (&*app, &attempt, &new);
    app.db.write(|mut tx: Part| async move { grant(server, &mut tx, attempt, new).await }).await
}

async fn grant(app: &App, tx: &mut Connection, attempt: &Attempt, new: &NewLine) -> Result<Reply, Problem> {
    if let Some(reply) = attempt.earlier(tx, &app.vault).await? {
        return Ok(reply);
    }
    let person = person_of(tx, new).await?;
    if stored::count_of_person(tx, &person).await? >= LINES_OF_PERSON_MAX {
        return Err(Problem::new(Kind::TooMany, format!("a person has at most {LINES_OF_PERSON_MAX} lines")));
    }
    let now = app.now()?;
    let today = app.date_of(now)?;
    let revolving = new.revolving.as_ref().map(|conventions| checked(app, conventions, today)).transpose()?;
    let capability = secret::new_token("cap_");
    let row = stored::Row {
        id: new_id(),
        person,
        currency: app.settings.currency().code().to_owned(),
        capability_hash: secret::sha256_hex(&capability),
        conventions: revolving,
        created: now.to_string(),
    };
    stored::insert(tx, &row).await?;
    let mut folded = Folded::default();
    lines::record(tx, &row.id, &mut folded, &LineEvent::LimitSet { limit: new.limit }, today).await?;
    let granted = Granted { line_id: row.id, capability, limit: new.limit.minor(), currency: row.currency };
    let reply = Reply::created(&granted)?;
    attempt.finish(tx, &app.vault, &reply, &row.created).await?;
    Ok(reply)
}

/// Conventions that bills can be made by and whose rate the law allows, as they are kept.
fn checked(app: &App, conventions: &Conventions, today: Date) -> Result<String, Problem> {
    let invalid = |detail: String| Problem::new(Kind::InvalidValue, detail).with("pointer", "/revolving");
    bill::check(conventions).map_err(|error| invalid(error.to_string()))?;
    let policy = app.settings.policies.active();
    let principal = Amount::new(SPECIMEN_MINOR).map_err(Problem::internal)?;
    let terms = supposed(conventions, policy.currency(), principal, today, 12);
    let made = schedule(&terms).map_err(|error| invalid(error.to_string()))?;
    let facts = PlanFacts::of(&terms, &made, policy.lender_kind());
    match broken_cap(policy.caps(), &facts).map_err(|error| invalid(error.to_string()))? {
        Some(finding) => Err(invalid(format!("the rate is above what `{}` allows", finding.cap))),
        None => canonical::to_string(conventions).map_err(Problem::internal),
    }
}

/// What a year of a line's rate is judged on, large enough that cents do not count.
const SPECIMEN_MINOR: i64 = 1_200_000;

/// Whom a line is granted to: somebody who is known and not erased.
async fn person_of(db: &mut Connection, new: &NewLine) -> Result<String, Problem> {
    let nobody = |pointer: &str| Problem::new(Kind::InvalidValue, "nobody is known by it").with("pointer", pointer);
    let (person, pointer) = match (&new.person_id, &new.application_id) {
        (Some(person), None) => (person.clone(), "/person_id"),
        (None, Some(application)) => {
            let row = applications::find(db, application).await?;
            (row.ok_or_else(|| nobody("/application_id"))?.person, "/application_id")
        }
        _ => {
            let detail = "exactly one of `person_id` and `application_id` says whose line it is";
            return Err(Problem::new(Kind::InvalidValue, detail).with("pointer", "/person_id"));
        }
    };
    match persons::find(db, &person).await? {
        Some((_, None)) => Ok(person),
        _ => Err(nobody(pointer)),
    }
}

/// The state of a line on a day: every change of it is one more event, and what is held ends with days.
fn tag(id: &str, folded: &Folded, today: Date) -> String {
    etag::of(&[id, &folded.events.to_string(), &today.to_string()])
}

/// A line, as its holder or the lender sees it. Its tag changes with what the line is and what is drawn and held, so that
/// `If-Match` keeps two people from overwriting each other.
#[utoipa::path(get, path = "/v1/lines/{id}", tag = "lines", security(("bearer" = [])),
    params(("id" = String, Path), ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = LineView), (status = "4XX", response = super::ProblemDocument)))]
pub async fn read(State(app): State<Arc<App>>, caller: Caller, Id(id): Id) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    let row = visible(&mut db, &id, &caller).await?;
    let folded = lines::load(&mut db, &row.id).await?;
    let tag = tag(&id, &folded, app.today()?);
    Ok(Reply::ok(&view(&app, &mut db, row, matches!(caller, Caller::Lender(_))).await?)?.tagged(tag))
}

/// The line of a credential, or of any lender's key, or nothing.
///
/// # Errors
/// 404 where there is none for this caller.
pub async fn visible(db: &mut Connection, id: &str, caller: &Caller) -> Result<stored::Row, Problem> {
    let row = stored::find(db, id).await?.ok_or_else(Problem::not_found)?;
    match caller {
        Caller::Lender(_) => Ok(row),
        Caller::Capability(hash) if secret::same(&row.capability_hash, hash) => Ok(row),
        _ => Err(Problem::not_found()),
    }
}

async fn view(app: &App, db: &mut Connection, row: stored::Row, for_lender: bool) -> Result<LineView, Problem> {
    let today = app.today()?;
    let line = lines::load(db, &row.id).await?.line;
    let holds = line.holds().filter(|(_, hold)| hold.expires >= today);
    let holds = holds.map(|(order, hold)| HoldView {
        order_id: order.to_owned(),
        amount: hold.amount.minor(),
        expires: hold.expires.to_string(),
    });
    let loans = stored::loans(db, &row.id).await?;
    Ok(LineView {
        revolving: lines::conventions(&row)?,
        terms_hash: lines::terms_hash(&row),
        holds: holds.collect(),
        loans: loans.into_iter().map(|drawn| DrawnView { loan_id: drawn.loan, restored: drawn.restored }).collect(),
        line_id: row.id,
        person_id: for_lender.then_some(row.person),
        currency: row.currency,
        limit: line.limit().minor(),
        drawn: line.drawn().minor(),
        held: line.held(today).map_err(Problem::internal)?.minor(),
        available: line.available(today).map_err(Problem::internal)?.minor(),
        above_limit: line.above_limit(today).map_err(Problem::internal)?.minor(),
        frozen: line.is_frozen(),
        today: today.to_string(),
    })
}

/// Raises or lowers a line's limit.
#[utoipa::path(post, path = "/v1/lines/{id}/limit", tag = "lines", security(("bearer" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header),
        ("If-Match" = Option<String>, Header)), request_body = NewLimit,
    responses((status = 200, body = LineView), (status = "4XX", response = super::ProblemDocument)))]
pub async fn set_limit(
    State(app): State<Arc<App>>,
    OnlyLender(lender): OnlyLender,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
    if_match: IfMatch,
    Json { value: new, fingerprint }: Json<NewLimit>,
) -> Result<Reply, Problem> {
    let event = LineEvent::LimitSet { limit: new.limit };
    change(&app, &lender, (&id, "limit"), (&key, &fingerprint), (&if_match, &event)).await
}

/// Freezes a line: nothing new is held. What is held may still be captured.
#[utoipa::path(post, path = "/v1/lines/{id}/freeze", tag = "lines", security(("bearer" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header),
        ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = LineView), (status = "4XX", response = super::ProblemDocument)))]
pub async fn freeze(
    State(app): State<Arc<App>>,
    OnlyLender(lender): OnlyLender,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
    if_match: IfMatch,
) -> Result<Reply, Problem> {
    change(&app, &lender, (&id, "freeze"), (&key, &secret::sha256_hex("")), (&if_match, &LineEvent::Frozen)).await
}

/// Takes a line up again.
#[utoipa::path(post, path = "/v1/lines/{id}/unfreeze", tag = "lines", security(("bearer" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header),
        ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = LineView), (status = "4XX", response = super::ProblemDocument)))]
pub async fn unfreeze(
    State(app): State<Arc<App>>,
    OnlyLender(lender): OnlyLender,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
    if_match: IfMatch,
) -> Result<Reply, Problem> {
    change(&app, &lender, (&id, "unfreeze"), (&key, &secret::sha256_hex("")), (&if_match, &LineEvent::Unfrozen)).await
}

async fn change(
    app: &App,
    lender: &str,
    (id, what): (&str, &str),
    (key, fingerprint): (&str, &str),
    (if_match, event): (&IfMatch, &LineEvent),
) -> Result<Reply, Problem> {
    let caller = format!("lender:{lender}");
    let attempt = app.in_flight.claim(&caller, &format!("lines/{id}/{what}"), key, fingerprint)?;
    let attempt = &attempt;
    let work = |mut tx: Part| async move {
        if let Some(reply) = attempt.earlier(&mut tx, &app.vault).await? {
            return Ok(reply);
        }
        let row = stored::find(&mut tx, id).await?.ok_or_else(Problem::not_found)?;
        let now = app.now()?;
        let mut folded = lines::load(&mut tx, id).await?;
        let today = app.date_of(now)?;
        if_match.check(&tag(id, &folded, today))?;
        folded.check_room()?;
        lines::record(&mut tx, id, &mut folded, event, today).await?;
        let reply = Reply::ok(&view(app, &mut tx, row, true).await?)?;
        attempt.finish(&mut tx, &app.vault, &reply, &now.to_string()).await?;
        Ok(reply.tagged(tag(id, &lines::load(&mut tx, id).await?, today)))
    };
    app.db.write(work).await
}

/// Replaces the holder's credential of a line; the earlier one is revoked.
#[utoipa::path(post, path = "/v1/lines/{id}/capability", tag = "lines", security(("bearer" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = NewLineCapability), (status = "4XX", response = super::ProblemDocument)))]
pub async fn rotate(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Reply, Problem> {
    let now = app.now()?.to_string();
    let attempt =
        app.in_flight.claim(&caller.scope(), &format!("lines/{id}/capability"), &key, &secret::sha256_hex(""))?;
    let (server, caller, attempt, id, now) = (&*app, &caller, &attempt, id.as_str(), now.as_str());
    let work = |mut tx: Part| async move {
        // First of all: whoever lost the reply has only the revoked credential left, under which it is kept.
        if let Some(reply) = attempt.earlier(&mut tx, &server.vault).await? {
            return Ok(reply);
        }
        let row = visible(&mut tx, id, caller).await?;
        let capability = secret::new_token("cap_");
        stored::replace_capability(&mut tx, &row.id, &secret::sha256_hex(&capability)).await?;
        let reply = Reply::created(&NewLineCapability { line_id: row.id, capability })?;
        attempt.finish(&mut tx, &server.vault, &reply, now).await?;
        Ok(reply)
    };
    app.db.write(work).await
}

/// From where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LineStatementsQuery {
    /// After this place: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1 to 100.
    limit: Option<u32>,
}

/// A page of statements.
#[derive(Debug, Serialize, ToSchema)]
pub struct LineStatementsPage {
    /// The latest first.
    statements: Vec<LineStatement>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
}

/// A statement of a revolving line.
#[derive(Debug, Serialize, ToSchema)]
pub struct LineStatement {
    /// The billing day.
    date: String,
    /// Until when it is to be paid.
    due: String,
    /// Principal that may be carried over.
    principal: i64,
    /// Principal of instalments, and what was late before.
    installments: i64,
    /// Interest.
    interest: i64,
    /// Fees.
    fee: i64,
    /// Penalties for what is late.
    penalty: i64,
    /// All of it: who pays it by the due day pays no interest on it.
    total: i64,
    /// The least to be paid for the rest to be carried over.
    minimum: i64,
    /// What was paid of it by the due day, once that is over.
    paid: Option<i64>,
    /// `paid`, `carried` or `late`, once the due day is over.
    outcome: Option<String>,
}

impl From<stored::StatementRow> for LineStatement {
    fn from(row: stored::StatementRow) -> Self {
        Self {
            total: row.principal + row.installments + row.interest + row.fee + row.penalty,
            date: row.date,
            due: row.due,
            principal: row.principal,
            installments: row.installments,
            interest: row.interest,
            fee: row.fee,
            penalty: row.penalty,
            minimum: row.minimum,
            paid: row.paid,
            outcome: row.outcome,
        }
    }
}

/// Statements of a revolving line, page by page.
#[utoipa::path(get, path = "/v1/lines/{id}/statements", tag = "lines", security(("bearer" = [])),
    params(("id" = String, Path), LineStatementsQuery),
    responses((status = 200, body = LineStatementsPage), (status = "4XX", response = super::ProblemDocument)))]
pub async fn statements(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Query(query): Query<LineStatementsQuery>,
) -> Result<Reply, Problem> {
    let page = Page::asked("line-statements", query.cursor.as_deref(), query.limit)?;
    let mut db = app.db.read().await?;
    let row = visible(&mut db, &id, &caller).await?;
    let rows = stored::statements(&mut db, &row.id, page.after(), page.rows()).await?;
    let (rows, next_cursor) = page.cut(rows, |row| &row.date);
    Reply::ok(&LineStatementsPage { statements: rows.into_iter().map(LineStatement::from).collect(), next_cursor })
}
