//! Instalment plans for a purchase on a revolving line, or for a whole bill.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::{fmt::Write, sync::Arc};

use axum::extract::State;
use prequal_core::{calendar::Date, currency::Currency, money::Amount};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::{Caller, OnlyCapability},
    extract::{Id, IdempotencyKey, Json, Query},
    lines::visible,
};
use crate::{
    agreement::format_money,
    app::{App, new_id},
    bills::{self, Spread},
    lines::conventions,
    notice::{self, About},
    problem::{Kind, Problem},
    reply::Reply,
    secret,
    storage::{Connection, applications, group::Part, lines::Row, loans as stored},
};

/// Which plan.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PlanQuery {
    /// How many instalments, 2 to 24.
    count: u16,
    /// One purchase; the open bill where it is left out.
    loan_id: Option<String>,
}

/// A plan that is taken.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPlan {
    /// How many instalments.
    #[schema(minimum = 2, maximum = 24)]
    count: u16,
    /// One purchase; the open bill where it is left out.
    #[serde(default)]
    loan_id: Option<String>,
    /// The total that was shown, to the cent.
    #[schema(value_type = i64, minimum = 1)]
    total: Amount,
    /// The hash of the document that was shown: taking a plan is agreeing to it.
    #[serde(default)]
    accept: Option<String>,
}

/// A plan: of each purchase that it spreads, the payments that are left.
#[derive(Debug, Serialize, ToSchema)]
pub struct Plan {
    /// The line.
    line_id: String,
    /// All that is left to be paid of these purchases.
    total: i64,
    /// Of it, interest.
    interest: i64,
    /// Each purchase.
    purchases: Vec<PlannedPurchase>,
    /// The same in words, with what changes: what is agreed to by taking the plan.
    document: String,
    /// SHA-256 of the document, lower-case hex.
    hash: String,
}

/// A purchase in instalments.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlannedPurchase {
    /// Its loan.
    loan_id: String,
    /// What is left to be paid.
    installments: Vec<PlannedInstallment>,
}

/// What falls due on a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlannedInstallment {
    /// The day.
    due: String,
    /// Principal.
    principal: i64,
    /// Interest.
    interest: i64,
    /// Both, and fees.
    total: i64,
}

/// What is agreed to: from which day on which rate is borne, and each payment that comes of it.
fn document(
    row: &Row,
    purchases: &[PlannedPurchase],
    (total, interest): (i64, i64),
    today: Date,
) -> Result<String, Problem> {
    let currency = Currency::parse(&row.currency).map_err(Problem::internal)?;
    let rate = conventions(row)?.ok_or_else(|| Problem::internal("a plan on a line that does not revolve"))?.rate;
    let money = |minor: i64| Amount::new(minor).map(|amount| format_money(amount, currency)).map_err(Problem::internal);
    let mut text = format!(
        "Instalment plan\n\nLine of credit: {}\nMade on: {today}\nRate: {} % a {} on what is not paid yet\n",
        row.id,
        rate.percent,
        if rate.daily { "day" } else { "year" },
    );
    for purchase in purchases {
        let _ = write!(text, "\nLoan {}\n", purchase.loan_id);
        for (number, part) in (1..).zip(&purchase.installments) {
            let (all, principal, interest) = (money(part.total)?, money(part.principal)?, money(part.interest)?);
            let _ = writeln!(text, "{number:>3}. {}  {all}  (principal {principal}, interest {interest})", part.due);
        }
    }
    let _ = write!(
        text,
        "\nTotal of payments: {}\nFinance charge: {}\n\nThese purchases were to be paid with one bill. By this plan \
         they are paid in these payments, and may not be carried over any more. All else of the agreement stays.\n",
        money(total)?,
        money(interest)?,
    );
    Ok(text)
}

fn view(row: &Row, spread: &[Spread], today: Date) -> Result<Plan, Problem> {
    let (mut total, mut interest) = (0, 0);
    let mut purchases = Vec::new();
    for purchase in spread {
        let account = purchase.state.account(today).map_err(Problem::internal)?;
        let mut installments = Vec::new();
        for row in account.installments {
            let left = row.owed.total().map_err(Problem::internal)?.minor()
                - row.paid.total().map_err(Problem::internal)?.minor();
            if left == 0 {
                continue;
            }
            let of_interest = row.owed.interest.minor() - row.paid.interest.minor();
            total += left;
            interest += of_interest;
            installments.push(PlannedInstallment {
                due: row.due.to_string(),
                principal: row.owed.principal.minor() - row.paid.principal.minor(),
                interest: of_interest,
                total: left,
            });
        }
        purchases.push(PlannedPurchase { loan_id: purchase.loan.clone(), installments });
    }
    let document = document(row, &purchases, (total, interest), today)?;
    let hash = secret::sha256_hex(&document);
    Ok(Plan { line_id: row.id.clone(), total, interest, purchases, document, hash })
}

/// What a plan would cost. Nothing is done.
#[utoipa::path(get, path = "/v1/lines/{id}/plans", tag = "lines", security(("bearer" = [])),
    params(("id" = String, Path), PlanQuery),
    responses((status = 200, body = Plan), (status = 409, response = super::ProblemDocument),
        (status = 422, response = super::ProblemDocument), (status = "4XX", response = super::ProblemDocument)))]
pub async fn quote(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Query(query): Query<PlanQuery>,
) -> Result<Reply, Problem> {
    let today = app.today()?;
    let mut db = app.db.read().await?;
    let row = visible(&mut db, &id, &caller).await?;
    let spread = bills::spread(&mut db, &row, query.loan_id.as_deref(), query.count, today).await?;
    Reply::ok(&view(&row, &spread, today)?)
}

/// Takes a plan, as it was shown to the cent.
#[utoipa::path(post, path = "/v1/lines/{id}/plans", tag = "lines", security(("bearer" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)), request_body = NewPlan,
    responses((status = 201, body = Plan), (status = "4XX", response = super::ProblemDocument)))]
pub async fn take(
    State(app): State<Arc<App>>,
    OnlyCapability(capability): OnlyCapability,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
    Json { value: new, fingerprint }: Json<NewPlan>,
) -> Result<Reply, Problem> {
    let resource = format!("lines/{id}/plans");
    let attempt = app.in_flight.claim_of_shopper(&capability, &resource, &key, &fingerprint)?;
    let caller = Caller::Capability(capability);
    let (server, caller, attempt, id, new) = (&*app, &caller, &attempt, id.as_str(), &new);
    let work = |mut tx: Part| async move {
        let row = visible(&mut tx, id, caller).await?;
        if let Some(reply) = attempt.earlier(&mut tx, &server.vault).await? {
            return Ok(reply);
        }
        let now = server.now()?;
        let today = server.date_of(now)?;
        let spread = bills::spread(&mut tx, &row, new.loan_id.as_deref(), new.count, today).await?;
        let plan = view(&row, &spread, today)?;
        if plan.total != new.total.minor() {
            let detail = format!("`total` is `{}`, not `{}`", plan.total, new.total);
            return Err(Problem::new(Kind::QuoteDiffers, detail).with("field", "total").with("computed", plan.total));
        }
        if !new.accept.as_deref().is_some_and(|hash| secret::same(hash, &plan.hash)) {
            let detail = "`accept` is not the hash of the plan's document";
            let problem = Problem::new(Kind::AgreementDiffers, detail).with("pointer", "/accept");
            return Err(problem.with("hash", plan.hash));
        }
        agree(server, &mut tx, &plan, &now.to_string()).await?;
        bills::take_plan(&mut tx, &row, spread, (today, &now.to_string())).await?;
        let reply = Reply::created(&plan)?;
        attempt.finish(&mut tx, &server.vault, &reply, &now.to_string()).await?;
        Ok(reply)
    };
    app.db.write(work).await
}

/// Keeps what was agreed to with each loan that it changes, and sends it.
async fn agree(app: &App, db: &mut Connection, plan: &Plan, now: &str) -> Result<(), Problem> {
    for purchase in &plan.purchases {
        let row = stored::AmendmentRow {
            id: new_id(),
            loan: purchase.loan_id.clone(),
            text: plan.document.clone(),
            hash: plan.hash.clone(),
            accepted: now.to_owned(),
        };
        stored::amend(db, &row).await?;
        let loan = stored::find(db, &row.loan).await?.ok_or_else(|| Problem::internal("a draw without its loan"))?;
        let application = applications::find(db, &loan.application).await?.ok_or_else(Problem::not_found)?;
        let policies = &app.settings.policies;
        let policy = policies.known(&application.bundle_hash).unwrap_or_else(|| policies.active());
        let values = [
            ("loan", row.loan.clone()),
            ("agreement", row.text),
            ("agreement_hash", row.hash),
            ("signed", row.accepted),
            ("disclosure", plan.hash.clone()),
        ];
        let about = About { loan: Some(&row.loan), ..About::application(&application.id) };
        notice::add(app, db, policy, notice::Kind::Agreement, &about, &format!("plan:{}", row.id), &values).await?;
    }
    Ok(())
}
