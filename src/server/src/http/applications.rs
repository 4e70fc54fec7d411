//! Applications: what the edge hands over before it gives out an offer.

use std::{collections::BTreeSet, sync::Arc};

use axum::extract::State;
use prequal_core::{
    calendar::Instant,
    canonical,
    wire::{Decision, Input, Offer, Outcome, Reason},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    auth::{Caller, OnlyEdge},
    checkouts::{TOKEN_AUDIENCE, TokenClaims, require_open},
    extract::{Id, Json},
};
use crate::{
    app::{App, new_id},
    difference::first_difference,
    jws,
    merchant_webhooks::{self, EventType},
    notice::{self, Declined, deadlines},
    people::{self, Identity},
    policy::Policy,
    problem::{Kind, Problem},
    reply::Reply,
    reviews, secret,
    storage::{self, Connection, applications, checkouts, group::Part, loans},
};

/// How often a checkout may be applied for.
pub const APPLICATIONS_OF_CHECKOUT_MAX: i64 = 20;
/// The most offers one application may have.
pub const OFFERS_MAX: usize = 32;
/// The most consents one application may carry.
pub const CONSENTS_MAX: usize = 32;

/// An application as the edge decided it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApplication {
    /// The token of the checkout.
    checkout_token: String,
    /// What was decided upon: the input of `prequal decide`.
    #[schema(value_type = Object)]
    input: Input,
    /// What was decided: the output of `prequal decide`.
    #[schema(value_type = Object)]
    decision: Value,
    /// Offers that the edge will sign.
    offers: Vec<OfferReference>,
    /// What was consented to.
    consents: Vec<Consent>,
}

/// An offer that the edge will sign.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferReference {
    /// `jti` of the offer, a UUID.
    offer_id: String,
    /// The plan offered.
    plan: String,
    /// `terms_hash` of the offer.
    terms_hash: String,
}

/// A consent, apart from every other.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// What for: the `purpose` of the form's field.
    purpose: String,
    /// SHA-256 of the sentence consented to, as the form shows it.
    text_hash: String,
    /// When, RFC 3339 in UTC.
    #[schema(value_type = String)]
    given_at: Instant,
}

/// An application that was taken.
#[derive(Debug, Serialize, ToSchema)]
pub struct Taken {
    /// Its id.
    application_id: String,
    /// The shopper's credential for it.
    capability: String,
    /// The record of the decision.
    decision_id: String,
    /// `eligible`, `referred`, `declined` or `needs`.
    outcome: String,
}

fn verify_token(app: &App, token: &str, now: Instant) -> Result<TokenClaims, Problem> {
    let refused = |detail: String| Problem::new(Kind::CheckoutToken, detail).with("pointer", "/checkout_token");
    let (claims, _): (TokenClaims, _) =
        jws::verify(token, jws::CHECKOUT_TYPE, [&app.settings.checkout_key.public]).map_err(refused)?;
    if claims.iss != app.settings.lender_id || claims.aud != TOKEN_AUDIENCE {
        return Err(refused("`iss` or `aud` is not this server's".to_owned()));
    }
    if claims.exp <= now.seconds() {
        return Err(Problem::new(Kind::CheckoutExpired, "ask the merchant for a new checkout"));
    }
    Ok(claims)
}

/// What was decided upon must be this checkout, now, and on the business date of now.
fn check_input(app: &App, policy: &Policy, input: &Input, claims: &TokenClaims, now: Instant) -> Result<(), Problem> {
    let wrong = |pointer: &str, detail: String| Err(Problem::new(Kind::InvalidValue, detail).with("pointer", pointer));
    let order = &input.application.order;
    if (order.amount, order.currency) != (claims.amount, claims.currency) {
        return wrong("/input/application/order", "the order is not the checkout's".to_owned());
    }
    let skew = i64::from(app.settings.clock_skew_seconds);
    let as_of = input.as_of.seconds();
    if as_of < claims.iat - skew || as_of > now.seconds() + skew {
        return wrong("/input/as_of", format!("decided before the checkout or after now, `{now}`"));
    }
    let today = policy.date_of(input.as_of).map_err(Problem::internal)?;
    if input.today != today {
        return wrong("/input/today", format!("the business date of `{}` is `{today}`", input.as_of));
    }
    Ok(())
}

/// Decides again and compares with the edge's record, byte for byte.
fn decide_again(policy: &Policy, input: &Input, recorded: &Value) -> Result<(Decision, String), Problem> {
    let decision = policy.decide(input)?;
    let ours = canonical::to_string(&decision).map_err(Problem::internal)?;
    if canonical::to_string(recorded).is_ok_and(|theirs| theirs == ours) {
        return Ok((decision, ours));
    }
    let value: Value = serde_json::from_str(&ours).map_err(Problem::internal)?;
    let difference = first_difference(recorded, &value);
    Err(Problem::new(Kind::DecisionMismatch, format!("first difference at `{}`", difference.pointer))
        .with("pointer", format!("/decision{}", difference.pointer))
        .with("recorded", difference.theirs)
        .with("decided", difference.ours))
}

fn check_offers(decision: &Decision, offers: &[OfferReference]) -> Result<(), Problem> {
    let wrong = |index: usize, member: &str, detail: &str| {
        Err(Problem::new(Kind::InvalidValue, detail).with("pointer", format!("/offers/{index}/{member}")))
    };
    if offers.len() > OFFERS_MAX {
        return wrong(OFFERS_MAX, "", &format!("an application has at most {OFFERS_MAX} offers"));
    }
    let mut ids = BTreeSet::new();
    for (index, reference) in offers.iter().enumerate() {
        if uuid::Uuid::try_parse(&reference.offer_id).is_err() || !ids.insert(&reference.offer_id) {
            return wrong(index, "offer_id", "an offer's id is a UUID of its own");
        }
        let Some(offer) = decision.offers.iter().find(|offer| offer.plan == reference.plan) else {
            return wrong(index, "plan", "the decision offers no such plan");
        };
        if offer.terms_hash != reference.terms_hash {
            return wrong(index, "terms_hash", "not the hash of the decided offer");
        }
    }
    Ok(())
}

fn check_consents(policy: &Policy, consents: &[Consent], now: Instant) -> Result<(), Problem> {
    if consents.len() > CONSENTS_MAX {
        return Err(Problem::new(Kind::InvalidValue, format!("at most {CONSENTS_MAX} consents are taken")));
    }
    let possible = policy.possible_consents();
    let mut given = BTreeSet::new();
    for (index, consent) in consents.iter().enumerate() {
        let wrong = |member: &str, detail: &str| {
            Err(Problem::new(Kind::InvalidValue, detail).with("pointer", format!("/consents/{index}/{member}")))
        };
        let Some(hashes) = possible.get(&consent.purpose) else {
            return wrong("purpose", "the form asks for no such consent");
        };
        if !hashes.contains(&consent.text_hash) {
            return wrong("text_hash", "not the SHA-256 of the sentence that the form shows");
        }
        if consent.given_at.seconds() > now.seconds() + 300 {
            return wrong("given_at", "given in the future");
        }
        if !given.insert(consent.purpose.as_str()) {
            return wrong("purpose", "a purpose stands twice");
        }
    }
    match policy.required_consents().keys().find(|purpose| !given.contains(purpose.as_str())) {
        Some(missing) => {
            Err(Problem::new(Kind::ConsentMissing, format!("`{missing}` is required")).with("purpose", missing.clone()))
        }
        None => Ok(()),
    }
}

/// Takes an application, its evidence and its decision from an edge. Decides again; what differs is refused.
#[utoipa::path(post, path = "/v1/applications", tag = "applications", security(("bearer" = [])),
    request_body = NewApplication, responses((status = 201, body = Taken), (status = "4XX", response = super::ProblemDocument)))]
pub async fn create(
    State(app): State<Arc<App>>,
    OnlyEdge(edge): OnlyEdge,
    Json { value: new, .. }: Json<NewApplication>,
) -> Result<Reply, Problem> {
    let now = app.now()?;
    let claims = verify_token(&app, &new.checkout_token, now)?;
    let policy = app.settings.policies.active();
    if let Some(hash) = new.decision.get("bundle_hash").and_then(Value::as_str)
        && hash != policy.hash()
    {
        app.settings.policies.by_hash(hash)?;
        return Err(Problem::new(Kind::BundleUnknown, "decide by the bundle in force").with("active", policy.hash()));
    }
    check_input(&app, policy, &new.input, &claims, now)?;
    let (decision, output) = decide_again(policy, &new.input, &new.decision)?;
    check_offers(&decision, &new.offers)?;
    if decision.outcome != Outcome::Needs {
        check_consents(policy, &new.consents, now)?;
    }

    let (server, new, from, claims, decided) = (&*app, &new, edge.id.as_str(), &claims, (&decision, output.as_str()));
    let work = |mut tx: Part| async move { take(server, &mut tx, policy, new, from, claims, decided, now).await };
    let stored = app.db.write(work).await?;
    Reply::created(&Taken {
        application_id: stored.id,
        capability: stored.capability,
        decision_id: stored.decision_id,
        outcome: decision.outcome.name().to_owned(),
    })
}

#[expect(clippy::too_many_arguments, reason = "one call, and everything it records comes from somewhere else")]
async fn take(
    app: &App,
    tx: &mut Connection,
    policy: &Policy,
    new: &NewApplication,
    edge: &str,
    claims: &TokenClaims,
    (decision, output): (&Decision, &str),
    now: Instant,
) -> Result<Stored, Problem> {
    let checkout = checkouts::find(tx, &claims.jti).await?.ok_or_else(|| {
        Problem::new(Kind::CheckoutToken, "the checkout is not known").with("pointer", "/checkout_token")
    })?;
    require_open(&checkout, now)?;
    if checkout.cart_hash != claims.cart_hash {
        return Err(Problem::new(Kind::CartChanged, "ask the merchant for the token of the cart as it is now"));
    }
    if applications::count_of_checkout(tx, &checkout.id).await? >= APPLICATIONS_OF_CHECKOUT_MAX {
        let detail = format!("a checkout is applied for at most {APPLICATIONS_OF_CHECKOUT_MAX} times");
        return Err(Problem::new(Kind::TooMany, detail));
    }
    let stored = store(app, tx, policy, new, &checkout.id, edge, now).await?;
    record(app, tx, policy, &stored, (&new.input, decision, output), now).await?;
    notice::consent_receipt(app, tx, policy, &stored.id).await?;
    let about = (checkout.merchant.as_str(), checkout.id.as_str(), stored.id.as_str());
    tell_of(tx, about, decision.outcome.name(), &now.to_string()).await?;
    for offer in &new.offers {
        if !applications::insert_offer(tx, &offer.offer_id, &stored.id, &offer.plan, &offer.terms_hash).await? {
            return Err(Problem::new(Kind::OfferUsed, "an offer's id was taken before; make a new one"));
        }
    }
    Ok(stored)
}

/// Tells the merchant that an application waits or was declined. Not why, and not of whom.
///
/// # Errors
/// 500 when the database fails.
pub async fn tell_of(
    db: &mut Connection,
    (merchant, checkout, application): (&str, &str, &str),
    outcome: &str,
    now: &str,
) -> Result<(), Problem> {
    let event = match outcome {
        "referred" => EventType::DecisionReferred,
        "declined" => EventType::DecisionDeclined,
        _ => return Ok(()),
    };
    let told = serde_json::json!({ "application_id": application, "checkout_id": checkout });
    merchant_webhooks::emit(db, merchant, event, &told, now).await
}

struct Stored {
    id: String,
    capability: String,
    decision_id: String,
}

async fn store(
    app: &App,
    db: &mut Connection,
    policy: &Policy,
    new: &NewApplication,
    checkout: &str,
    edge: &str,
    now: Instant,
) -> Result<Stored, Problem> {
    let now_text = now.to_string();
    let identity = Identity::of(policy, &new.input.application.fields);
    let (person, key) = people::find_or_make(db, &app.vault, &identity, &now_text).await?;
    let input = canonical::to_string(&new.input).map_err(Problem::internal)?;
    let record = people::keep(db, &person, &key, "decision_input", input.as_bytes(), &now_text).await?;
    let capability = secret::new_token("cap_");
    let (id, decision_id) = (new_id(), new_id());
    let row = applications::Row {
        id: id.clone(),
        checkout: checkout.to_owned(),
        person,
        edge: edge.to_owned(),
        capability_hash: secret::sha256_hex(&capability),
        input_record: record,
        input_hash: canonical::sha256_hex(input.as_bytes()),
        bundle_hash: policy.hash().to_owned(),
        as_of: new.input.as_of.to_string(),
        status: "received".to_owned(),
        decision: Some(decision_id.clone()),
        approved_offer: None,
        agreement_text: None,
        agreement_hash: None,
        approval_expires: None,
        loan: None,
        created: now_text,
    };
    applications::insert(db, &row).await?;
    for consent in &new.consents {
        let given = consent.given_at.to_string();
        let row = applications::ConsentRow {
            purpose: consent.purpose.clone(),
            text_hash: consent.text_hash.clone(),
            given,
            withdrawn: None,
            recipient: Some(app.settings.conduct.recipient(&consent.purpose, policy.lender_name()).to_owned()),
            bundle_hash: Some(policy.hash().to_owned()),
        };
        applications::insert_consent(db, &id, &row).await?;
    }
    Ok(Stored { id, capability, decision_id })
}

/// Records the decision; a decline gets its notice in the same transaction.
async fn record(
    app: &App,
    db: &mut Connection,
    policy: &Policy,
    stored: &Stored,
    (input, decision, output): (&Input, &Decision, &str),
    now: Instant,
) -> Result<(), Problem> {
    let now_text = now.to_string();
    let row = applications::DecisionRow {
        id: stored.decision_id.clone(),
        application: stored.id.clone(),
        taken_by: "edge".to_owned(),
        outcome: decision.outcome.name().to_owned(),
        reasons: canonical::to_string(&decision.reasons).map_err(Problem::internal)?,
        bundle_hash: decision.bundle_hash.clone(),
        input_hash: decision.input_hash.clone(),
        output: output.to_owned(),
        decided: now_text.clone(),
    };
    applications::insert_decision(db, &row).await?;
    match decision.outcome {
        Outcome::Declined => {
            applications::conclude(db, &stored.id, "declined", &row.id).await?;
            let declined = Declined {
                application: &stored.id,
                received: now,
                decision: &row.id,
                reasons: &decision.reasons,
                input,
            };
            notice::queue(app, db, policy, &declined).await
        }
        Outcome::Referred => {
            applications::conclude(db, &stored.id, "referred", &row.id).await?;
            deadlines::owe(app, db, policy, &stored.id, true, now).await?;
            reviews::refer(app, db, policy, &stored.id, &row.id, input.application.order.amount, now).await
        }
        Outcome::Needs => deadlines::owe(app, db, policy, &stored.id, false, now).await,
        Outcome::Eligible => Ok(()),
    }
}

/// An application as its applicant may see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Application {
    /// Its id.
    application_id: String,
    /// `received`, `approved`, `referred`, `declined` or `signed`.
    status: String,
    /// The decision in force.
    decision_id: Option<String>,
    /// What it came to.
    outcome: Option<String>,
    /// Why, where it was declined or referred.
    #[schema(value_type = Vec<Object>)]
    reasons: Vec<Reason>,
    /// What may be submitted by its plan, at today's figures, where people approved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    offers: Vec<Offer>,
    /// The agreement to be signed, where it is approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    agreement: Option<super::submit::AgreementView>,
    /// Until when it may be signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// The loan, where it is signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    loan_id: Option<String>,
    /// The order, where it is signed and its merchant captures it: its checkout's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
}

/// The application of a capability, in constant time, or nothing.
///
/// # Errors
/// 404 where there is none for this capability.
pub async fn of_capability(db: &mut Connection, id: &str, capability: &str) -> Result<applications::Row, Problem> {
    applications::find(db, id)
        .await?
        .filter(|row| secret::same(&row.capability_hash, capability))
        .ok_or_else(Problem::not_found)
}

/// What a review allows to be submitted now.
async fn reviewed(app: &App, db: &mut Connection, row: &applications::Row) -> Result<Vec<Offer>, Problem> {
    if row.status != "received" || storage::reviews::approved(db, &row.id).await?.is_none() {
        return Ok(Vec::new());
    }
    let Some(input) = people::open(db, &app.vault, &row.input_record).await? else { return Ok(Vec::new()) };
    let input: Input = serde_json::from_slice(&input).map_err(Problem::internal)?;
    let policy = app.settings.policies.by_hash(&row.bundle_hash)?;
    Ok(reviews::allowed(db, policy, row, &input, app.now()?).await?.1)
}

/// Where an application stands, so that an interrupted purchase can go on.
#[utoipa::path(get, path = "/v1/applications/{id}", tag = "applications", security(("bearer" = [])),
    params(("id" = String, Path), ("If-None-Match" = Option<String>, Header)), responses((status = 200, body = Application), (status = "4XX", response = super::ProblemDocument)))]
pub async fn read(State(app): State<Arc<App>>, caller: Caller, Id(id): Id) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    let row = match caller {
        Caller::Capability(hash) => of_capability(&mut db, &id, &hash).await?,
        Caller::Lender(_) => applications::find(&mut db, &id).await?.ok_or_else(Problem::not_found)?,
        _ => return Err(Problem::not_found()),
    };
    let decision = match &row.decision {
        Some(decision) => applications::decision(&mut db, decision).await?,
        None => None,
    };
    let reasons: Vec<Reason> = match &decision {
        Some(decision) => serde_json::from_str(&decision.reasons).map_err(Problem::internal)?,
        None => Vec::new(),
    };
    let loan = match &row.loan {
        Some(loan) => loans::find(&mut db, loan).await?,
        None => None,
    };
    let agreement = match (&decision, row.status.as_str()) {
        (Some(decision), "approved") => super::submit::agreement_view(&row, decision)?,
        _ => None,
    };
    let offers = reviewed(&app, &mut db, &row).await?;
    let reply = Reply::ok(&Application {
        offers,
        order_id: (row.status == "signed" && loan.is_none()).then_some(row.checkout),
        application_id: row.id,
        status: row.status,
        decision_id: decision.as_ref().map(|decision| decision.id.clone()),
        outcome: decision.map(|decision| decision.outcome),
        reasons,
        agreement,
        expires: row.approval_expires,
        loan_id: loan.map(|loan| loan.id),
    })?;
    Ok(reply.tagged_by_content())
}
