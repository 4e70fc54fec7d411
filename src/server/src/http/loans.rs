//! Loans as their borrower and the lender's people see them.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::sync::Arc;

use axum::extract::State;
use prequal_core::{
    calendar::Date,
    credit::{AccountInstallment, InstallmentStatus, Parts},
    wire::Offer,
};
use prequal_ledger::{Loan, Status};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::Caller,
    extract::{Id, IdempotencyKey, Query},
};
use crate::{
    app::App,
    booking,
    problem::{Kind, Problem},
    reply::Reply,
    secret,
    storage::{Connection, capabilities, group::Part, loans, orders, outbox, payments},
};

/// A debt in its parts, in minor units.
#[derive(Debug, Serialize, ToSchema)]
pub struct Balance {
    /// Principal.
    principal: i64,
    /// Interest.
    interest: i64,
    /// Fees.
    fee: i64,
    /// Penalties.
    penalty: i64,
    /// All of it.
    total: i64,
}

impl Balance {
    pub(super) fn of(parts: Parts) -> Result<Self, Problem> {
        Ok(Self {
            principal: parts.principal.minor(),
            interest: parts.interest.minor(),
            fee: parts.fee.minor(),
            penalty: parts.penalty.minor(),
            total: parts.total().map_err(Problem::internal)?.minor(),
        })
    }
}

/// What falls due next.
#[derive(Debug, Serialize, ToSchema)]
pub struct NextDue {
    /// When.
    due: String,
    /// How much.
    amount: i64,
}

/// An instalment as it now stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstallmentView {
    /// 1, 2, 3 …
    number: u16,
    /// The due date.
    due: String,
    /// Principal of it.
    principal: i64,
    /// Interest of it.
    interest: i64,
    /// Fees of it.
    fee: i64,
    /// All of it.
    total: i64,
    /// What has been paid of it.
    paid: i64,
    /// Principal left after it.
    balance: i64,
    /// `paid`, `partly_paid`, `due`, `overdue` or `upcoming`.
    status: &'static str,
}

/// A payment.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentView {
    /// Its id.
    id: String,
    /// In minor units.
    amount: i64,
    /// `initiated`, `received` while the payer's bank may take it back, `cleared`, `failed`, `returned`, `charged_back`,
    /// or `reversed` where the lender undid it.
    status: String,
    /// From which day it counts, once it is known.
    value_date: Option<String>,
    /// On which business day its last state was booked.
    booking_date: Option<String>,
}

/// How late a loan is, by the rules it is served by.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServicingView {
    /// Days since the oldest instalment unpaid fell due; 0 below materiality and within the technical grace.
    days_past_due: u32,
    /// The same, as if the loan had never been re-aged.
    original_days_past_due: u32,
    /// Principal, interest and fees past due.
    overdue: i64,
    /// What of it may be collected: less what is disputed.
    collectable: i64,
    /// The bucket of the days past due.
    bucket: Option<String>,
    /// Whether unpaid interest is no income.
    non_accrual: bool,
    /// What is set aside for losses, as posted.
    allowance: i64,
    /// Whether it is late enough to be charged off.
    charge_off_due: bool,
    /// How many events it has: `expected_events` of whoever decides the next.
    events: usize,
}

impl ServicingView {
    fn of(loan: &Loan, today: Date) -> Result<Self, Problem> {
        let late = loan.delinquency(today).map_err(Problem::internal)?;
        let rules = loan.contract().servicing();
        Ok(Self {
            non_accrual: rules.is_non_accrual(late.days_past_due),
            charge_off_due: rules.is_charge_off_due(late.days_past_due),
            days_past_due: late.days_past_due,
            original_days_past_due: late.original_days_past_due,
            overdue: late.overdue.minor(),
            collectable: late.collectable.minor(),
            bucket: late.bucket,
            allowance: loan.position().allowance.minor(),
            events: loan.records().len(),
        })
    }
}

/// A loan.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoanView {
    /// Its id.
    id: String,
    /// `disbursing`, `payout_given_up` where the provider could not be reached for a day and a person must act,
    /// `active`, `settled` or `cancelled`.
    status: String,
    /// ISO 4217.
    currency: String,
    /// What was lent.
    principal: i64,
    /// What settles it today.
    balance: Balance,
    /// Of which past due.
    overdue: Balance,
    /// Money received above the debt, owed back.
    credit_balance: i64,
    /// What falls due next.
    next_due: Option<NextDue>,
    /// The business date.
    today: String,
    /// The schedule as it now stands.
    installments: Vec<InstallmentView>,
    /// Payments in order.
    payments: Vec<PaymentView>,
    /// How late it is and what the books make of it; for the lender only.
    #[serde(skip_serializing_if = "Option::is_none")]
    servicing: Option<ServicingView>,
    /// The offer that was signed.
    #[schema(value_type = Object)]
    offer: Offer,
    /// The hash of the agreement that was signed.
    agreement_hash: String,
}

/// The loan of a capability, or of any lender's key, or nothing.
pub(super) async fn visible(db: &mut Connection, id: &str, caller: &Caller) -> Result<loans::Row, Problem> {
    match caller {
        Caller::Capability(hash) => of_capability(db, id, hash).await,
        Caller::Lender(_) => loans::find(db, id).await?.ok_or_else(Problem::not_found),
        _ => Err(Problem::not_found()),
    }
}

/// The loan of a capability, given by its hash, or nothing.
///
/// # Errors
/// 404 where there is none for this capability.
pub async fn of_capability(db: &mut Connection, id: &str, capability: &str) -> Result<loans::Row, Problem> {
    if !capabilities::opens(db, id, capability).await? {
        return Err(Problem::not_found());
    }
    loans::find(db, id).await?.ok_or_else(Problem::not_found)
}

/// Adds a credential to a loan.
///
/// # Errors
/// 429 where the loan had too many.
pub async fn add_capability(db: &mut Connection, loan: &str, hash: &str, now: &str) -> Result<(), Problem> {
    if capabilities::count(db, loan).await? >= CAPABILITIES_OF_LOAN_MAX {
        let detail = format!("a loan has had at most {CAPABILITIES_OF_LOAN_MAX} credentials");
        return Err(Problem::new(Kind::TooMany, detail));
    }
    Ok(capabilities::insert(db, loan, hash, now).await?)
}

/// How many credentials are made for one loan, those revoked among them.
pub const CAPABILITIES_OF_LOAN_MAX: i64 = 100;

/// A new credential.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewCapability {
    /// The loan.
    loan_id: String,
    /// The only credential that opens it from now on.
    capability: String,
}

/// Replaces the shopper's credential; every earlier one is revoked.
#[utoipa::path(post, path = "/v1/loans/{id}/capability", tag = "loans", security(("bearer" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = NewCapability), (status = "4XX", response = super::ProblemDocument)))]
pub async fn rotate(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Reply, Problem> {
    let now = app.now()?.to_string();
    let attempt =
        app.in_flight.claim(&caller.scope(), &format!("loans/{id}/capability"), &key, &secret::sha256_hex(""))?;
    let (server, caller, id, attempt, now) = (&*app, &caller, id.as_str(), &attempt, now.as_str());
    let work = |mut tx: Part| async move {
        // First of all: whoever lost the reply has only the revoked credential left, under which it is kept.
        if let Some(reply) = attempt.earlier(&mut tx, &server.vault).await? {
            return Ok(reply);
        }
        let row = visible(&mut tx, id, caller).await?;
        let capability = secret::new_token("cap_");
        capabilities::revoke_all(&mut tx, &row.id, now).await?;
        add_capability(&mut tx, &row.id, &secret::sha256_hex(&capability), now).await?;
        let reply = Reply::created(&NewCapability { loan_id: row.id, capability })?;
        attempt.finish(&mut tx, &server.vault, &reply, now).await?;
        Ok(reply)
    };
    app.db.write(work).await
}

fn installment(row: &AccountInstallment) -> Result<InstallmentView, Problem> {
    Ok(InstallmentView {
        number: row.number,
        due: row.due.to_string(),
        principal: row.owed.principal.minor(),
        interest: row.owed.interest.minor(),
        fee: row.owed.fee.minor(),
        total: row.owed.total().map_err(Problem::internal)?.minor(),
        paid: row.paid.total().map_err(Problem::internal)?.minor(),
        balance: row.balance.minor(),
        status: match row.status {
            InstallmentStatus::Paid => "paid",
            InstallmentStatus::PartlyPaid => "partly_paid",
            InstallmentStatus::Due => "due",
            InstallmentStatus::Overdue => "overdue",
            InstallmentStatus::Upcoming => "upcoming",
        },
    })
}

/// The status of a loan that was signed but whose merchant could not be paid so far.
const PAYOUT_GIVEN_UP: &str = "payout_given_up";

async fn payout_given_up(db: &mut Connection, row: &loans::Row) -> Result<bool, Problem> {
    if row.status != Status::Disbursing.name() {
        return Ok(false);
    }
    let payout = payments::payout_of_loan(db, &row.id).await?;
    match payout {
        Some(payout) => Ok(outbox::given_up(db, &payout.id).await?),
        None => Ok(false),
    }
}

/// A loan as it stands today.
#[utoipa::path(get, path = "/v1/loans/{id}", tag = "loans", security(("bearer" = [])), params(("id" = String, Path), ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = LoanView), (status = "4XX", response = super::ProblemDocument)))]
pub async fn read(State(app): State<Arc<App>>, caller: Caller, Id(id): Id) -> Result<Reply, Problem> {
    let today = app.today()?;
    let mut db = app.db.read().await?;
    let row = visible(&mut db, &id, &caller).await?;
    let loan = booking::load(&mut db, &row).await?;
    let account = loan.account(today).map_err(Problem::internal)?;
    let cancelled = row.status == "cancelled";
    let installments: Result<Vec<_>, _> = account.installments.iter().map(installment).collect();
    let payments = payments::of_loan(&mut db, &id).await?;
    let status = if payout_given_up(&mut db, &row).await? { PAYOUT_GIVEN_UP } else { row.status.as_str() }.to_owned();
    let servicing = matches!(caller, Caller::Lender(_)).then(|| ServicingView::of(&loan, today)).transpose()?;
    let reply = Reply::ok(&LoanView {
        servicing,
        offer: booking::offer(&row)?,
        balance: Balance::of(loan.owed(today).map_err(Problem::internal)?)?,
        overdue: Balance::of(if cancelled { Parts::default() } else { account.overdue })?,
        credit_balance: loan.credit_balance().minor(),
        next_due: account
            .next_due
            .filter(|_| !cancelled)
            .map(|(due, amount)| NextDue { due: due.to_string(), amount: amount.minor() }),
        today: today.to_string(),
        installments: if cancelled { Vec::new() } else { installments? },
        payments: payments
            .into_iter()
            .map(|row| PaymentView {
                id: row.id,
                amount: row.amount,
                status: row.status,
                value_date: row.value_date,
                booking_date: row.booked,
            })
            .collect(),
        id: row.id,
        status,
        currency: row.currency,
        principal: row.principal,
        agreement_hash: row.agreement_hash,
    })?;
    Ok(reply.tagged_by_content())
}

/// For which day.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PayoffQuery {
    /// `YYYY-MM-DD`, from today on; today where it is left out.
    date: Option<String>,
}

/// What settles a loan.
#[derive(Debug, Serialize, ToSchema)]
pub struct PayoffView {
    /// On which day.
    date: String,
    /// ISO 4217.
    currency: String,
    /// In its parts.
    #[serde(flatten)]
    parts: Balance,
    /// Of the total, what is instructed and not cleared yet.
    under_way: i64,
}

/// The furthest day for which a payoff is told.
const PAYOFF_DAYS_MAX: i32 = 3_660;

/// What settles a loan on a day.
#[utoipa::path(get, path = "/v1/loans/{id}/payoff", tag = "loans", security(("bearer" = [])),
    params(("id" = String, Path), PayoffQuery),
    responses((status = 200, body = PayoffView), (status = "4XX", response = super::ProblemDocument)))]
pub async fn payoff(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Query(query): Query<PayoffQuery>,
) -> Result<Reply, Problem> {
    let today = app.today()?;
    let date = match &query.date {
        Some(text) => Date::parse(text).map_err(|error| Problem::new(Kind::BadRequest, format!("`date`: {error}")))?,
        None => today,
    };
    if date < today || date.days() - today.days() > PAYOFF_DAYS_MAX {
        let detail = format!("`date` is from today, `{today}`, to {PAYOFF_DAYS_MAX} days on");
        return Err(Problem::new(Kind::BadRequest, detail));
    }
    let mut db = app.db.read().await?;
    let row = visible(&mut db, &id, &caller).await?;
    let loan = booking::load(&mut db, &row).await?;
    Reply::ok(&PayoffView {
        date: date.to_string(),
        currency: row.currency,
        parts: Balance::of(loan.owed(date).map_err(Problem::internal)?)?,
        under_way: payments::under_way(&mut db, &id).await?,
    })
}

/// The type of the line that says what the merchant got.
const PAID_OUT: &str = "paid_out";

/// One line of a statement.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementLine {
    /// `lent`, `paid_out`, `payout_failed` or `received`.
    r#type: &'static str,
    /// From which day it counts.
    value_date: String,
    /// On which day it was booked.
    booked: String,
    /// In minor units.
    amount: i64,
    /// Of a receipt, what went to principal.
    principal: i64,
    /// To interest.
    interest: i64,
    /// To fees.
    fee: i64,
    /// To penalties.
    penalty: i64,
    /// What is owed back.
    excess: i64,
    /// Principal owed afterwards.
    principal_balance: i64,
}

/// Everything that happened to a loan, by value date. What passes between lender and merchant, and with it the
/// merchant's fee, has lines for the lender only.
#[derive(Debug, Serialize, ToSchema)]
pub struct Statement {
    /// The loan.
    loan_id: String,
    /// ISO 4217.
    currency: String,
    /// The business date.
    today: String,
    /// Its events.
    events: Vec<StatementLine>,
    /// What settles it today.
    balance: Balance,
    /// Money received above the debt, owed back.
    credit_balance: i64,
}

/// A loan's statement.
#[utoipa::path(get, path = "/v1/loans/{id}/statement", tag = "loans", security(("bearer" = [])),
    params(("id" = String, Path)), responses((status = 200, body = Statement), (status = "4XX", response = super::ProblemDocument)))]
pub async fn statement(State(app): State<Arc<App>>, caller: Caller, Id(id): Id) -> Result<Reply, Problem> {
    let today = app.today()?;
    let mut db = app.db.read().await?;
    let row = visible(&mut db, &id, &caller).await?;
    let loan = booking::load(&mut db, &row).await?;
    let mut events = lines(&loan, today)?;
    if !matches!(caller, Caller::Lender(_)) {
        events.retain(|line| line.r#type != PAID_OUT);
    }
    Reply::ok(&Statement {
        events,
        balance: Balance::of(loan.owed(today).map_err(Problem::internal)?)?,
        credit_balance: loan.credit_balance().minor(),
        today: today.to_string(),
        loan_id: row.id,
        currency: row.currency,
    })
}

fn lines(loan: &Loan, today: Date) -> Result<Vec<StatementLine>, Problem> {
    let lines = prequal_ledger::statement(loan, today).map_err(Problem::internal)?;
    let shown = lines.into_iter().filter(|line| !line.undone).map(|line| StatementLine {
        r#type: match line.event {
            "booked" => "lent",
            "payout_settled" => PAID_OUT,
            other => other,
        },
        value_date: line.value_date.to_string(),
        booked: line.booked.to_string(),
        amount: line.amount.minor(),
        principal: line.parts.principal.minor(),
        interest: line.parts.interest.minor(),
        fee: line.parts.fee.minor(),
        penalty: line.parts.penalty.minor(),
        excess: line.excess.minor(),
        principal_balance: line.principal_balance.minor(),
    });
    Ok(shown.collect())
}

/// The agreement that was signed.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedAgreement {
    /// The loan.
    loan_id: String,
    /// In words.
    text: String,
    /// SHA-256 of the text.
    hash: String,
    /// When it was signed, RFC 3339.
    signed: String,
    /// What was agreed to since, in its order: instalment plans.
    amendments: Vec<Amendment>,
}

/// What was agreed to of a loan after its agreement.
#[derive(Debug, Serialize, ToSchema)]
pub struct Amendment {
    /// In words.
    text: String,
    /// SHA-256 of the text.
    hash: String,
    /// When it was accepted, RFC 3339.
    accepted: String,
}

/// A loan's agreement.
#[utoipa::path(get, path = "/v1/loans/{id}/agreement", tag = "loans", security(("bearer" = [])),
    params(("id" = String, Path)), responses((status = 200, body = SignedAgreement), (status = "4XX", response = super::ProblemDocument)))]
pub async fn agreement(State(app): State<Arc<App>>, caller: Caller, Id(id): Id) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    let row = visible(&mut db, &id, &caller).await?;
    // What was captured later was signed before.
    let signed = orders::find(&mut db, &row.checkout).await?.map_or(row.booked, |order| order.signed);
    let amendments = loans::amendments(&mut db, &row.id).await?;
    let amendment = |row: loans::AmendmentRow| Amendment { text: row.text, hash: row.hash, accepted: row.accepted };
    Reply::ok(&SignedAgreement {
        loan_id: row.id,
        text: row.agreement_text,
        hash: row.agreement_hash,
        signed,
        amendments: amendments.into_iter().map(amendment).collect(),
    })
}
