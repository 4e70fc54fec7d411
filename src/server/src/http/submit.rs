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
    app::{App, new_id},
    contract,
    difference::first_difference,
    fresh,
    funding::{
        self, Chosen,
        route::{Question, Routed},
    },
    jws, line_terms,
    notice::{self, Declined},
    people,
    policy::Policy,
    problem::{Kind, Problem},
    reply::Reply,
    reviews,
    storage::{Connection, applications, checkouts, disclosures},
};

/// The accepted offer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// The JWS of the edge, `typ` `prequal-offer+jwt`.
    offer: Option<String>,
    /// In its place, where a review approved: one of the plans that it allowed.
    plan: Option<String>,
    /// The applicant's line of credit that the purchase is to be drawn on. The terms of a revolving line are a part of
    /// what is read and signed, so that it is named here and in the signature.
    line: Option<String>,
}

/// An offer that may be decided upon, whoever vouches for it.
struct Accepted {
    /// Its id, under which it is used up.
    id: String,
    /// As it was shown.
    json: Value,
    offer: Offer,
    /// Until when it may be signed, in seconds.
    expires: i64,
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
    /// The hash of the information before the contract, where approved; read it at `disclosure`.
    #[serde(skip_serializing_if = "Option::is_none")]
    disclosure_hash: Option<String>,
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
    /// Who finances it, where that is not the lender alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    funding: Option<funding::FundingView>,
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
    /// Who finances it, where that is not the lender alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub funding: Option<Chosen>,
    /// The line that it is to be drawn on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

impl Approved {
    fn funding_view(&self) -> Result<Option<funding::FundingView>, Problem> {
        let Some(chosen) = &self.funding else { return Ok(None) };
        let offer: Offer = serde_json::from_value(self.offer.clone()).map_err(Problem::internal)?;
        chosen.view(offer.principal).map(Some)
    }
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
    let funding = approved.funding_view()?;
    Ok(Some(AgreementView { text: text.clone(), hash: hash.clone(), offer: approved.offer, funding }))
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

/// What is submitted.
#[derive(Debug, Clone, Copy)]
enum Wanted<'a> {
    /// An offer of the edge, by its JWS.
    Offer(&'a str),
    /// A plan that a review allowed, at today's figures; under this id.
    Plan { plan: &'a str, id: &'a str },
}

/// The application, its credential, and the line that is named.
type Asking<'a> = (&'a str, &'a str, Option<&'a str>);

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
    let (server, application, new) = (&*app, (id.as_str(), capability.as_str(), submission.line.as_deref()), new_id());
    let wanted = match (submission.offer.as_deref(), submission.plan.as_deref()) {
        (Some(offer), None) => Wanted::Offer(offer),
        (None, Some(plan)) => Wanted::Plan { plan, id: &new },
        _ => return Err(Problem::new(Kind::InvalidBody, "either `offer` or `plan`").with("pointer", "")),
    };
    let routed = route(server, application, wanted).await?;
    let routed = routed.as_ref();
    app.db.write(|mut tx| async move { decide(server, &mut tx, application, wanted, routed).await }).await
}

/// Looks for who finances the offer, before the transaction that decides: others are asked, and that takes time.
/// None where the lender finances alone, or would not lend.
async fn route(app: &App, application: Asking<'_>, wanted: Wanted<'_>) -> Result<Option<Routed>, Problem> {
    let Some(rules) = app.settings.funders.rules() else { return Ok(None) };
    let now = app.now()?;
    let mut db = app.db.read().await?;
    let submitted = prepare(app, &mut db, application, wanted, now).await?;
    if answered_before(app, &mut db, &submitted, wanted).await?.is_some() {
        return Ok(None);
    }
    let Prepared { policy, row, input, checkout, accepted: Accepted { id, offer, .. }, .. } = &submitted;
    if fresh::check(app, &mut db, policy, row, input, offer, None).await?.outcome != Outcome::Eligible {
        return Ok(None);
    }
    drop(db);
    let (application, offer_id, merchant) = (row.id.as_str(), id.as_str(), checkout.merchant.as_str());
    let question = Question { application, offer_id, offer, merchant, input, policy };
    funding::route::find(app, rules, question).await.map(Some)
}

/// A submission of which everything that was vouched for is checked.
struct Prepared<'a> {
    policy: &'a Policy,
    row: applications::Row,
    checkout: checkouts::Row,
    input: Input,
    accepted: Accepted,
    line: Option<line_terms::Named>,
}

async fn prepare<'a>(
    app: &'a App,
    db: &mut Connection,
    (id, capability, line): Asking<'_>,
    wanted: Wanted<'_>,
    now: Instant,
) -> Result<Prepared<'a>, Problem> {
    let row = of_capability(db, id, capability).await?;
    let claims = match wanted {
        Wanted::Offer(token) => {
            let claims = verify_offer(app, token, &row, now)?;
            check_origin(db, &row, &claims).await?;
            if applications::offer_is_used(db, &claims.jti).await? {
                return Err(Problem::new(Kind::OfferUsed, "the loan it was used for stands"));
            }
            Some(claims)
        }
        Wanted::Plan { .. } => None,
    };
    require_submittable(&row)?;
    let policy =
        app.settings.policies.by_hash(claims.as_ref().map_or(&row.bundle_hash, |claims| &claims.bundle_hash))?;
    let checkout = checkouts::find(db, &row.checkout).await?.ok_or_else(Problem::not_found)?;
    require_open(&checkout, now)?;
    if claims.as_ref().is_some_and(|claims| checkout.cart_hash != claims.cart_hash) {
        return Err(Problem::new(Kind::CartChanged, "ask for offers for the cart as it is now"));
    }
    let input = people::open(db, &app.vault, &row.input_record).await?;
    let input = input.ok_or_else(|| Problem::new(Kind::WrongState, "the applicant's data were erased"))?;
    let input: Input = serde_json::from_slice(&input).map_err(Problem::internal)?;
    let accepted = match (claims, wanted) {
        (None, Wanted::Plan { plan, id }) => reviewed(db, policy, (&row, &checkout, &input), (plan, id), now).await?,
        (Some(claims), _) => {
            let offer = requote(policy, &input, &claims)?;
            Accepted { id: claims.jti, json: claims.offer, offer, expires: claims.exp }
        }
        (None, Wanted::Offer(_)) => return Err(Problem::internal("an offer without its claims")),
    };
    fresh::check_duplicate(app, db, &checkout).await?;
    let line = match line {
        Some(id) => Some(line_terms::Named::find(db, id, &row.person, &checkout.currency).await?),
        None => None,
    };
    Ok(Prepared { policy, row, checkout, input, accepted, line })
}

/// A plan that a review allowed, at today's figures.
async fn reviewed(
    db: &mut Connection,
    policy: &Policy,
    (row, checkout, input): (&applications::Row, &checkouts::Row, &Input),
    (plan, id): (&str, &str),
    now: Instant,
) -> Result<Accepted, Problem> {
    let (outcome, offers) = reviews::allowed(db, policy, row, input, now).await?;
    if checkout.cart_hash != outcome.cart_hash {
        return Err(Problem::new(Kind::CartChanged, "ask for another decision about the cart as it is now"));
    }
    let Some(offer) = offers.into_iter().find(|offer| offer.plan == plan) else {
        return Err(Problem::new(Kind::InvalidValue, "the review allowed no such plan").with("pointer", "/plan"));
    };
    let json = serde_json::to_value(&offer).map_err(Problem::internal)?;
    let expires = now.plus_seconds(policy.validity_seconds()).map_err(Problem::internal)?.seconds();
    Ok(Accepted { id: id.to_owned(), json, offer, expires })
}

async fn decide(
    app: &App,
    tx: &mut Connection,
    application: Asking<'_>,
    wanted: Wanted<'_>,
    routed: Option<&Routed>,
) -> Result<Reply, Problem> {
    let now = app.now()?;
    let submitted = prepare(app, tx, application, wanted, now).await?;
    if let Some(reply) = answered_before(app, tx, &submitted, wanted).await? {
        return Ok(reply);
    }
    let Prepared { policy, row, input, accepted, .. } = &submitted;
    if let Wanted::Plan { plan, id } = wanted {
        applications::insert_offer(tx, id, &row.id, plan, &accepted.offer.terms_hash).await?;
    }
    let mut verdict = fresh::check(app, tx, policy, row, input, &accepted.offer, None).await?;
    let mut chosen = None;
    if verdict.outcome == Outcome::Eligible
        && let Some(rules) = app.settings.funders.rules()
    {
        // What was found out before this transaction may be about a time at which nothing was to be found out.
        let routed = routed.filter(|routed| routed.is_about(&accepted.id)).ok_or_else(Problem::contention)?;
        routed.keep(tx, &row.id, now).await?;
        chosen = routed.chosen().cloned();
        if chosen.is_none() {
            let (outcome, reason) = funding::route::nobody(rules);
            verdict = fresh::Verdict { outcome, reason: Some(reason), ceiling: None };
        }
    }
    Reply::ok(&conclude(app, tx, &submitted, chosen, verdict, now).await?)
}

fn require_submittable(row: &applications::Row) -> Result<(), Problem> {
    match row.status.as_str() {
        "received" | "approved" => Ok(()),
        "signed" => Err(Problem::new(Kind::OfferUsed, "the application is signed")),
        other => {
            Err(Problem::new(Kind::WrongState, format!("the application is {other}")).with("application_status", other))
        }
    }
}

/// A repeated submission of what was approved is answered as it was.
async fn answered_before(
    app: &App,
    db: &mut Connection,
    Prepared { row, accepted, line, .. }: &Prepared<'_>,
    wanted: Wanted<'_>,
) -> Result<Option<Reply>, Problem> {
    let approved = row.approved_offer.as_deref().unwrap_or("");
    let same = match wanted {
        Wanted::Offer(_) => approved == accepted.id,
        Wanted::Plan { plan, .. } => applications::offer(db, approved).await?.is_some_and(|(_, earlier, hash)| {
            (earlier.as_str(), hash.as_str()) == (plan, accepted.offer.terms_hash.as_str())
        }),
    };
    if row.status != "approved" || !same {
        return Ok(None);
    }
    let Some(decision) = applications::decision(db, row.decision.as_deref().unwrap_or("")).await? else {
        return Ok(None);
    };
    let approved: Approved = serde_json::from_str(&decision.output).map_err(Problem::internal)?;
    if approved.line.as_ref() != line.as_ref().map(|line| &line.id) {
        return Ok(None);
    }
    if let Some(chosen) = &approved.funding {
        // Whoever was to finance it may have lent to others meanwhile: then others are looked for.
        let offer: Offer = serde_json::from_value(approved.offer.clone()).map_err(Problem::internal)?;
        if funding::reserve::judge(app, db, chosen, offer.principal, offer.currency).await?.is_some() {
            return Ok(None);
        }
    }
    // Approved before there was information before the contract: it is made now.
    let Some(disclosure) = disclosures::of_decision(db, &decision.id).await? else { return Ok(None) };
    let agreement = agreement_view(row, &decision)?;
    Reply::ok(&Submitted {
        decision_id: decision.id,
        outcome: decision.outcome,
        reasons: Vec::new(),
        disclosure_hash: Some(disclosure.hash),
        agreement,
        expires: row.approval_expires.clone(),
    })
    .map(Some)
}

async fn conclude(
    app: &App,
    db: &mut Connection,
    Prepared { policy, row, checkout, input, accepted, line }: &Prepared<'_>,
    chosen: Option<Chosen>,
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
        offer: accepted.json.clone(),
        offer_id: accepted.id.clone(),
        outcome: outcome.to_owned(),
        funding: chosen,
        line: line.as_ref().map(|line| line.id.clone()),
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
            let received = Instant::parse(&row.created).map_err(Problem::internal)?;
            let declined =
                Declined { application: &row.id, received, decision: &decision.id, reasons: &reasons, input };
            notice::queue(app, db, policy, &declined).await?;
        }
        let outcome = outcome.to_owned();
        return Ok(Submitted {
            decision_id: decision.id,
            outcome,
            reasons,
            disclosure_hash: None,
            agreement: None,
            expires: None,
        });
    }
    let terms = line.as_ref().and_then(|line| line.terms(&accepted.offer));
    let (agreement, disclosure) =
        contract::make(app, policy, row, checkout, &accepted.offer, approved.funding.as_ref(), terms)?;
    contract::keep(app, db, &decision, &disclosure).await?;
    let expires = Instant::from_seconds(accepted.expires).map_err(Problem::internal)?.to_string();
    let approval = applications::Approval {
        decision: &decision.id,
        offer: &accepted.id,
        agreement_text: &agreement.text,
        agreement_hash: &agreement.hash,
        expires: &expires,
    };
    applications::approve(db, &row.id, &approval).await?;
    Ok(Submitted {
        decision_id: decision.id,
        outcome: outcome.to_owned(),
        reasons,
        disclosure_hash: Some(disclosure.hash),
        agreement: Some(AgreementView {
            text: agreement.text,
            hash: agreement.hash,
            funding: approved.funding_view()?,
            offer: approved.offer,
        }),
        expires: Some(expires),
    })
}
