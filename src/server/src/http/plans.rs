//! Instalment plans for a purchase on a revolving line, or for a whole bill.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::sync::Arc;

use axum::extract::State;
use prequal_core::{calendar::Date, money::Amount};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::{Caller, OnlyCapability},
    extract::{Id, IdempotencyKey, Json, Query},
    lines::visible,
};
use crate::{
    app::App,
    bills::{self, Spread},
    problem::{Kind, Problem},
    reply::Reply,
    storage::group::Part,
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

fn view(line: &str, spread: &[Spread], today: Date) -> Result<Plan, Problem> {
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
    Ok(Plan { line_id: line.to_owned(), total, interest, purchases })
}

/// What a plan would cost. Nothing is done.
#[utoipa::path(get, path = "/v1/lines/{id}/plans", tag = "lines", security(("bearer" = [])),
    params(("id" = String, Path), PlanQuery),
    responses((status = 200, body = Plan), (status = "4XX", response = super::ProblemDocument)))]
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
    Reply::ok(&view(&row.id, &spread, today)?)
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
        let plan = view(&row.id, &spread, today)?;
        if plan.total != new.total.minor() {
            let detail = format!("`total` is `{}`, not `{}`", plan.total, new.total);
            return Err(Problem::new(Kind::QuoteDiffers, detail).with("field", "total").with("computed", plan.total));
        }
        bills::take_plan(&mut tx, &row, spread, (today, &now.to_string())).await?;
        let reply = Reply::created(&plan)?;
        attempt.finish(&mut tx, &server.vault, &reply, &now.to_string()).await?;
        Ok(reply)
    };
    app.db.write(work).await
}
