//! Submitting an offer: everything that was vouched for is checked again, then fresh facts, then the agreement.

use std::sync::Arc;

use axum::extract::State;
use prequal_core::{
    calendar::Instant,
    canonical,
    wire::{Input, Offer, Outcome, Reason},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    applications::of_capability,
    auth::OnlyCapability,
    checkouts::require_open,
    extract::{Id, Json},
};
use crate::{
    agreement::{self, Parties},
    app::{App, new_id},
    difference::first_difference,
    fresh, jws, notice, people,
    policy::Policy,
    problem::{Kind, Problem},
    reply::Reply,
    storage::{Connection, applications, checkouts},
};

/// The accepted offer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// The JWS of the edge, `typ` `prequal-offer+jwt`.
    offer: String,
}

/// The claims of an offer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfferClaims {
    iss: String,
    aud: String,
    jti: String,
    checkout: String,
    cart_hash: String,
    application: String,
    as_of: Instant,
    bundle_hash: String,
    input_hash: String,
    iat: i64,
    exp: i64,
    offer: Value,
}

/// The decision by the server.
#[derive(Debug, Serialize, ToSchema)]
pub struct Submitted {
    /// Its record.
    decision_id: String,
    /// `approved`, `referred` or `declined`.
    outcome: String,
    /// Why, unless approved.
    #[schema(value_type = Vec<Object>)]
    reasons: Vec<Reason>,
    /// What is to be signed, where approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    agreement: Option<AgreementView>,
    /// Until when it may be signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

/// An agreement to be signed.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgreementView {
    /// In words.
    text: String,
    /// SHA-256 of the text, lower-case hex.
    hash: String,
    /// The offer it is about.
    #[schema(value_type = Object)]
    offer: Value,
}

/// What a server's decision leaves behind: the offer it approved, and nothing personal.
#[derive(Debug, Serialize, Deserialize)]
pub struct Approved {
    /// The cart it is about.
    pub cart_hash: String,
    /// The offer, canonical.
    pub offer: Value,
    /// `jti` of the offer.
    pub offer_id: String,
    /// `approved`, `referred` or `declined`.
    pub outcome: String,
}

/// The agreement of an approved application.
///
/// # Errors
/// 500 where the stored decision cannot be read.
pub fn agreement_view(
    row: &applications::Row,
    decision: &applications::DecisionRow,
) -> Result<Option<AgreementView>, Problem> {
    let (Some(text), Some(hash)) = (&row.agreement_text, &row.agreement_hash) else { return Ok(None) };
    let approved: Approved = serde_json::from_str(&decision.output).map_err(Problem::internal)?;
    Ok(Some(AgreementView { text: text.clone(), hash: hash.clone(), offer: approved.offer }))
}

fn verify_offer(app: &App, token: &str, row: &applications::Row, now: Instant) -> Result<OfferClaims, Problem> {
    let refused = |detail: &str| Problem::new(Kind::OfferSignature, detail).with("pointer", "/offer");
    let edge = app.settings.edge(&row.edge).ok_or_else(|| refused("the edge that made it is not known any more"))?;
    let (claims, _): (OfferClaims, _) =
        jws::verify(token, jws::OFFER_TYPE, &edge.offer_keys).map_err(|error| refused(&error))?;
    if claims.iss != edge.id {
        return Err(refused("`iss` is not the edge whose key signed it"));
    }
    if claims.aud != app.settings.lender_id {
        return Err(refused("`aud` is not this lender"));
    }
    if claims.application != row.id || claims.checkout != row.checkout {
        return Err(refused("it was made for another application"));
    }
    if claims.iat > now.seconds() + i64::from(app.settings.clock_skew_seconds) {
        return Err(refused("`iat` lies in the future"));
    }
    if claims.exp <= now.seconds() {
        return Err(Problem::new(Kind::OfferExpired, "apply again for a new offer"));
    }
    Ok(claims)
}

/// The offer must be one that the edge announced, of this application's own decision.
async fn check_origin(db: &mut Connection, row: &applications::Row, claims: &OfferClaims) -> Result<(), Problem> {
    let refused = |detail: &str| Err(Problem::new(Kind::OfferSignature, detail).with("pointer", "/offer"));
    if claims.bundle_hash != row.bundle_hash || claims.input_hash != row.input_hash {
        return refused("`bundle_hash` or `input_hash` is not the application's");
    }
    if claims.as_of.to_string() != row.as_of {
        return refused("`as_of` is not the application's");
    }
    match applications::offer(db, &claims.jti).await? {
        Some((application, _, _)) if application == row.id => Ok(()),
        _ => refused("the offer was not announced with the application"),
    }
}

/// Decides again at the offer's own time and compares every figure.
fn requote(policy: &Policy, input: &Input, claims: &OfferClaims) -> Result<Offer, Problem> {
    let decision = policy.decide(input)?;
    if claims.exp > decision.expires.seconds() {
        let detail = "`exp` is later than the bundle lets an offer stand";
        return Err(Problem::new(Kind::OfferSignature, detail).with("pointer", "/offer"));
    }
    let plan = claims.offer.get("plan").and_then(Value::as_str).unwrap_or("");
    let Some(ours) = decision.offers.into_iter().find(|offer| offer.plan == plan) else {
        return Err(Problem::new(Kind::QuoteDiffers, "the contract gives no such plan").with("field", "plan"));
    };
    let text = canonical::to_string(&ours).map_err(Problem::internal)?;
    if canonical::to_string(&claims.offer).is_ok_and(|theirs| theirs == text) {
        return Ok(ours);
    }
    let value: Value = serde_json::from_str(&text).map_err(Problem::internal)?;
    let difference = first_difference(&claims.offer, &value);
    let field = difference.pointer.trim_start_matches('/').to_owned();
    Err(Problem::new(Kind::QuoteDiffers, format!("`{field}` is `{}`, not `{}`", difference.ours, difference.theirs))
        .with("field", field)
        .with("offered", difference.theirs)
        .with("computed", difference.ours))
}

/// Submits an offer for the lender's decision.
#[utoipa::path(post, path = "/v1/applications/{id}/submit", tag = "applications", security(("bearer" = [])),
    params(("id" = String, Path)), request_body = Submission,
    responses((status = 200, body = Submitted), (status = "4XX", response = super::ProblemDocument)))]
pub async fn submit(
    State(app): State<Arc<App>>,
    OnlyCapability(capability): OnlyCapability,
    Id(id): Id,
    Json { value: submission, .. }: Json<Submission>,
) -> Result<Reply, Problem> {
    let (server, application, offer) = (&*app, (id.as_str(), capability.as_str()), submission.offer.as_str());
    app.db.write(|mut tx| async move { decide(server, &mut tx, application, offer).await }).await
}

async fn decide(
    app: &App,
    tx: &mut Connection,
    (id, capability): (&str, &str),
    offer_token: &str,
) -> Result<Reply, Problem> {
    let now = app.now()?;
    let row = of_capability(tx, id, capability).await?;
    let claims = verify_offer(app, offer_token, &row, now)?;
    check_origin(tx, &row, &claims).await?;
    if applications::offer_is_used(tx, &claims.jti).await? {
        return Err(Problem::new(Kind::OfferUsed, "the loan it was used for stands"));
    }
    require_submittable(&row)?;
    let policy = app.settings.policies.by_hash(&claims.bundle_hash)?;
    let checkout = checkouts::find(tx, &row.checkout).await?.ok_or_else(Problem::not_found)?;
    require_open(&checkout, now)?;
    if checkout.cart_hash != claims.cart_hash {
        return Err(Problem::new(Kind::CartChanged, "ask for offers for the cart as it is now"));
    }
    let input = people::open(tx, &app.vault, &row.input_record).await?;
    let input = input.ok_or_else(|| Problem::new(Kind::WrongState, "the applicant's data were erased"))?;
    let input: Input = serde_json::from_slice(&input).map_err(Problem::internal)?;
    let offer = requote(policy, &input, &claims)?;
    fresh::check_duplicate(tx, &checkout).await?;

    if let Some(reply) = answered_before(tx, &row, &claims).await? {
        return Ok(reply);
    }
    let verdict = fresh::check(app, tx, policy, &row, &input, &offer).await?;
    let submitted = conclude(app, tx, policy, &row, &checkout, &claims, &offer, verdict, now).await?;
    Reply::ok(&submitted)
}

fn require_submittable(row: &applications::Row) -> Result<(), Problem> {
    match row.status.as_str() {
        "received" | "approved" => Ok(()),
        "signed" => Err(Problem::new(Kind::OfferUsed, "the application is signed")),
        other => Err(Problem::new(Kind::WrongState, format!("the application is {other}")).with("status", other)),
    }
}

/// A repeated submission of the offer that was approved is answered as it was.
async fn answered_before(
    db: &mut Connection,
    row: &applications::Row,
    claims: &OfferClaims,
) -> Result<Option<Reply>, Problem> {
    if row.status != "approved" || row.approved_offer.as_deref() != Some(claims.jti.as_str()) {
        return Ok(None);
    }
    let Some(decision) = applications::decision(db, row.decision.as_deref().unwrap_or("")).await? else {
        return Ok(None);
    };
    let agreement = agreement_view(row, &decision)?;
    Reply::ok(&Submitted {
        decision_id: decision.id,
        outcome: decision.outcome,
        reasons: Vec::new(),
        agreement,
        expires: row.approval_expires.clone(),
    })
    .map(Some)
}

#[expect(clippy::too_many_arguments, reason = "one call, and everything it records comes from somewhere else")]
async fn conclude(
    app: &App,
    db: &mut Connection,
    policy: &Policy,
    row: &applications::Row,
    checkout: &checkouts::Row,
    claims: &OfferClaims,
    offer: &Offer,
    verdict: fresh::Verdict,
    now: Instant,
) -> Result<Submitted, Problem> {
    let reasons: Vec<Reason> = verdict.reason.into_iter().collect();
    let outcome = match verdict.outcome {
        Outcome::Eligible => "approved",
        other => other.name(),
    };
    let approved = Approved {
        cart_hash: checkout.cart_hash.clone(),
        offer: claims.offer.clone(),
        offer_id: claims.jti.clone(),
        outcome: outcome.to_owned(),
    };
    let decision = applications::DecisionRow {
        id: new_id(),
        application: row.id.clone(),
        taken_by: "server".to_owned(),
        outcome: outcome.to_owned(),
        reasons: canonical::to_string(&reasons).map_err(Problem::internal)?,
        bundle_hash: row.bundle_hash.clone(),
        input_hash: row.input_hash.clone(),
        output: canonical::to_string(&approved).map_err(Problem::internal)?,
        decided: now.to_string(),
    };
    applications::insert_decision(db, &decision).await?;
    let about = (checkout.merchant.as_str(), checkout.id.as_str(), row.id.as_str());
    super::applications::tell_of(db, about, outcome, &decision.decided).await?;
    if outcome != "approved" {
        applications::conclude(db, &row.id, outcome, &decision.id).await?;
        if outcome == "declined" {
            notice::queue(db, policy, &row.id, &decision.id, &reasons, now).await?;
        }
        let outcome = outcome.to_owned();
        return Ok(Submitted { decision_id: decision.id, outcome, reasons, agreement: None, expires: None });
    }
    let merchant = app.settings.merchant(&checkout.merchant);
    let parties = Parties {
        lender: policy.lender_name(),
        merchant: merchant.as_ref().map_or(checkout.merchant.as_str(), |merchant| merchant.name.as_str()),
        order: &checkout.merchant_order,
        application: &row.id,
        label: policy.label(),
    };
    let agreement = agreement::render(policy.agreement_template(), &parties, offer);
    let expires = Instant::from_seconds(claims.exp).map_err(Problem::internal)?.to_string();
    let approval = applications::Approval {
        decision: &decision.id,
        offer: &claims.jti,
        agreement_text: &agreement.text,
        agreement_hash: &agreement.hash,
        expires: &expires,
    };
    applications::approve(db, &row.id, &approval).await?;
    Ok(Submitted {
        decision_id: decision.id,
        outcome: outcome.to_owned(),
        reasons,
        agreement: Some(AgreementView { text: agreement.text, hash: agreement.hash, offer: approved.offer }),
        expires: Some(expires),
    })
}
