//! Signing: the offer is consumed, the loan booked and the payout requested, all in one transaction.

use std::sync::Arc;

use axum::extract::State;
use prequal_core::{
    calendar::{Date, Instant},
    wire::{Input, Offer},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    applications::of_capability,
    auth::OnlyCapability,
    checkouts::require_open,
    extract::{Id, IdempotencyKey, Json},
    loans,
    submit::Approved,
};
use crate::{
    app::App,
    booking::{self, Booking},
    codes, conduct, fresh, funding,
    idempotency::Attempt,
    line_terms::Named,
    notice::{self, About},
    orders,
    people::{self, Identity},
    policy::Policy,
    problem::{Kind, Problem},
    reply::Reply,
    secret, settlement, standing,
    storage::{Connection, applications, checkouts, disclosures, duties, group::Part},
};

/// The longest name a signature holds, in bytes.
pub const NAME_BYTES_MAX: usize = 200;

/// A signature under an agreement.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Signing {
    /// The decision that approved.
    decision_id: String,
    /// The hash of the agreement that was read.
    agreement_hash: String,
    /// How it is signed.
    signature: Signature,
    /// The applicant's line of credit that the purchase is drawn on; none where absent.
    #[serde(default)]
    line: Option<String>,
    /// The hash of that line's terms as they were read, where it revolves.
    #[serde(default)]
    line_terms: Option<String>,
}

/// How an agreement is signed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "method", rename_all = "snake_case", try_from = "RawSignature")]
pub enum Signature {
    /// By typing one's own name.
    TypedName {
        /// The name, as in the application.
        name: String,
    },
    /// By typing the code that was sent last.
    OneTimeCode {
        /// Its digits.
        code: String,
    },
}

/// How a signature is read: a struct, because an enum with a tag would be taken from an array as well.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSignature {
    method: Method,
    name: Option<String>,
    code: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Method {
    TypedName,
    OneTimeCode,
}

impl TryFrom<RawSignature> for Signature {
    type Error = &'static str;

    fn try_from(raw: RawSignature) -> Result<Self, &'static str> {
        match (raw.method, raw.name, raw.code) {
            (Method::TypedName, Some(name), None) => Ok(Self::TypedName { name }),
            (Method::OneTimeCode, None, Some(code)) => Ok(Self::OneTimeCode { code }),
            (Method::TypedName, ..) => Err("`typed_name` has a `name` and nothing else"),
            (Method::OneTimeCode, ..) => Err("`one_time_code` has a `code` and nothing else"),
        }
    }
}

/// A booked loan, or an authorized order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Signed {
    /// The loan, where it was captured when it was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    loan_id: Option<String>,
    /// The order, where its merchant captures it: its checkout's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    /// The shopper's credential for it, and for every loan of an order.
    capability: String,
    /// `disbursing` until the merchant is paid; `authorized` until something is captured.
    status: String,
}

/// Signs the agreement of an approved application.
#[utoipa::path(post, path = "/v1/applications/{id}/sign", tag = "applications", security(("bearer" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)), request_body = Signing,
    responses((status = 201, body = Signed), (status = "4XX", response = super::ProblemDocument)))]
pub async fn sign(
    State(app): State<Arc<App>>,
    OnlyCapability(capability): OnlyCapability,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
    Json { value: signing, fingerprint }: Json<Signing>,
) -> Result<Reply, Problem> {
    let now = app.now()?;
    let caller = format!("capability:{capability}");
    // The fingerprint is kept, and a name is easily guessed: so it is keyed.
    let fingerprint = app.vault.lookup_digest("signing", &fingerprint);
    let attempt = app.in_flight.claim(&caller, &format!("applications/{id}/sign"), &key, &fingerprint)?;
    if let Signature::OneTimeCode { code } = &signing.signature {
        let mut db = app.db.read().await?;
        let row = of_capability(&mut db, &id, &capability).await?;
        // A retry was answered before, and its code is used up; so is that of an agreement that was signed, whether it is
        // a loan already or an order that is captured later.
        let answered = attempt.earlier(&mut db, &app.vault).await?.is_some();
        drop(db);
        if !answered && row.loan.is_none() && row.status != "signed" {
            check_agreement(&row, &signing)?;
            codes::check(&app, &row, code, now).await?;
        }
    }
    let (server, attempt, signing) = (&*app, &attempt, &signing);
    let application = (id.as_str(), capability.as_str());
    let work = |mut tx: Part| async move { sign_once(server, &mut tx, attempt, application, signing, now).await };
    let reply = app.db.write(work).await?;
    app.outbox.notify_one();
    Ok(reply)
}

async fn sign_once(
    app: &App,
    tx: &mut Connection,
    attempt: &Attempt,
    (id, capability): (&str, &str),
    signing: &Signing,
    now: Instant,
) -> Result<Reply, Problem> {
    let row = of_capability(tx, id, capability).await?;
    if let Some(reply) = attempt.earlier(tx, &app.vault).await? {
        return Ok(reply);
    }
    check_agreement(&row, signing)?;
    let capability = secret::new_token("cap_");
    let hash = secret::sha256_hex(&capability);
    let at = now.to_string();
    let loan = match &row.loan {
        // A retry under another key: the same application has the same loan, and one more credential for it.
        Some(loan) => {
            loans::add_capability(tx, loan, &hash, &at).await?;
            Some(loan.clone())
        }
        None if row.status == "signed" => {
            orders::add_capability(tx, &row.checkout, &hash, &at).await?;
            None
        }
        None => book(app, tx, &row, signing, &hash, now).await?,
    };
    let (status, order_id) = match &loan {
        Some(loan) => (booking::status_of(tx, loan).await?, None),
        None => (orders::status_of(app, tx, &row.checkout).await?, Some(row.checkout)),
    };
    let reply = Reply::created(&Signed { capability, loan_id: loan, order_id, status })?;
    attempt.finish(tx, &app.vault, &reply, &now.to_string()).await?;
    Ok(reply)
}

fn check_agreement(row: &applications::Row, signing: &Signing) -> Result<(), Problem> {
    if !matches!(row.status.as_str(), "approved" | "signed") {
        let detail = format!("the application is {}", row.status);
        return Err(Problem::new(Kind::WrongState, detail).with("application_status", row.status.clone()));
    }
    let differs =
        |detail: &str, pointer: &str| Err(Problem::new(Kind::AgreementDiffers, detail).with("pointer", pointer));
    if row.decision.as_deref() != Some(signing.decision_id.as_str()) {
        return differs("another decision is in force; read its agreement", "/decision_id");
    }
    if !row.agreement_hash.as_deref().is_some_and(|hash| secret::same(hash, &signing.agreement_hash)) {
        return differs("not the hash of the agreement in force", "/agreement_hash");
    }
    Ok(())
}

/// Books the loan and gives its id, or authorizes the order of a merchant that captures later.
async fn book(
    app: &App,
    db: &mut Connection,
    row: &applications::Row,
    signing: &Signing,
    capability_hash: &str,
    now: Instant,
) -> Result<Option<String>, Problem> {
    let expires = Instant::parse(row.approval_expires.as_deref().unwrap_or("")).map_err(Problem::internal)?;
    if expires <= now {
        return Err(Problem::new(Kind::OfferExpired, format!("it could be signed until {expires}")));
    }
    let checkout = checkouts::find(db, &row.checkout).await?.ok_or_else(Problem::not_found)?;
    require_open(&checkout, now)?;
    let decision = applications::decision(db, &signing.decision_id).await?;
    let decision = decision.ok_or_else(|| Problem::internal("an approved application without its decision"))?;
    let approved: Approved = serde_json::from_str(&decision.output).map_err(Problem::internal)?;
    let offer: Offer = serde_json::from_value(approved.offer.clone()).map_err(Problem::internal)?;
    if checkout.cart_hash != approved.cart_hash {
        return Err(Problem::new(Kind::CartChanged, "ask for offers for the cart as it is now"));
    }
    fresh::check_duplicate(app, db, &checkout).await?;
    check_line(db, &row.person, &checkout.currency, (approved.line.as_deref(), signing.line.as_deref())).await?;
    if signing.line.is_none() && app.settings.line_products.contains(&offer.product) {
        let detail = format!("`{}` is lent under a line of credit only: name it", offer.product);
        return Err(Problem::new(Kind::LineRequired, detail).with("pointer", "/line"));
    }
    let input = people::open(db, &app.vault, &row.input_record).await?;
    let input = input.ok_or_else(|| Problem::new(Kind::WrongState, "the applicant's data were erased"))?;
    let input: Input = serde_json::from_slice(&input).map_err(Problem::internal)?;
    let policy = app.settings.policies.by_hash(&row.bundle_hash)?;
    let disclosure = require_confirmed(db, &signing.decision_id).await?;
    let evidence =
        check_signature(app, db, row, &Identity::of(policy, &input.application.fields), signing, now).await?;
    let verdict = fresh::check(app, db, policy, row, &input, &offer, approved.funding.as_ref()).await?;
    if let Some(reason) = verdict.reason {
        let kind = if reason.code == standing::LINE_CODE { Kind::LineRefused } else { Kind::WrongState };
        let problem = Problem::new(kind, reason.text).with("reason", reason.code);
        return Err(match verdict.ceiling {
            Some(ceiling) => problem.with("ceiling", ceiling),
            None => problem,
        });
    }
    if let Some(chosen) = &approved.funding {
        funding::reserve::reserve(app, db, &row.id, chosen, offer.principal, offer.currency).await?;
    }
    let signature_record = keep_signature(app, db, row, signing, (&disclosure, evidence), now).await?;
    let today: Date = app.date_of(now)?;
    let merchant = app.settings.merchant(&checkout.merchant);
    let merchant = merchant.ok_or_else(|| Problem::internal("the checkout's merchant is not configured any more"))?;
    let booking = Booking {
        application: row,
        checkout: &checkout,
        merchant: &merchant,
        offer: &offer,
        offer_json: &approved.offer,
        offer_id: &approved.offer_id,
        funding: approved.funding.as_ref(),
        line: signing.line.as_deref(),
        line_terms: signing.line_terms.as_deref(),
        signature_record: &signature_record,
        serving: &app.settings.serving,
        capability_hash,
        now,
        today,
        settled_on: settlement::date_of(app, &merchant, now)?,
    };
    let loan = if checkout.is_manual() {
        orders::authorize(db, &booking).await?;
        None
    } else {
        Some(booking::book(db, &booking).await?)
    };
    deliver(app, db, row, policy, loan.as_deref(), &disclosure, now).await?;
    duties::meet(db, &row.id, duties::DECISION, &now.to_string()).await?;
    Ok(loan)
}

/// The line that is signed for is the one whose terms were read: one that revolves was named when the offer was submitted.
async fn check_line(
    db: &mut Connection,
    person: &str,
    currency: &str,
    (read, signed): (Option<&str>, Option<&str>),
) -> Result<(), Problem> {
    let differs = |detail: &str| Err(Problem::new(Kind::AgreementDiffers, detail).with("pointer", "/line"));
    match (read, signed) {
        (Some(read), signed) if signed != Some(read) => {
            differs("the agreement is about another line; submit the offer again")
        }
        (None, Some(id)) if Named::find(db, id, person, currency).await?.terms_hash.is_some() => {
            differs("the line revolves and its terms were not read; submit the offer again and name it")
        }
        _ => Ok(()),
    }
}

/// The information before the contract, confirmed where it must be.
async fn require_confirmed(db: &mut Connection, decision: &str) -> Result<disclosures::Row, Problem> {
    let disclosure = disclosures::of_decision(db, decision).await?;
    // What was approved before there was such information is submitted again.
    let disclosure =
        disclosure.ok_or_else(|| Problem::new(Kind::DisclosureUnconfirmed, "submit the offer again for it"))?;
    if disclosure.confirmation == 1 && disclosure.confirmed.is_none() {
        let detail = "read it and confirm its hash first";
        return Err(Problem::new(Kind::DisclosureUnconfirmed, detail).with("hash", disclosure.hash));
    }
    Ok(disclosure)
}

/// Sends the agreement that was signed. It can be read at the loan in any case.
async fn deliver(
    app: &App,
    db: &mut Connection,
    row: &applications::Row,
    policy: &Policy,
    loan: Option<&str>,
    disclosure: &disclosures::Row,
    now: Instant,
) -> Result<(), Problem> {
    let of = |text: &Option<String>| text.clone().unwrap_or_default();
    let values = [
        ("loan", loan.unwrap_or(&row.checkout).to_owned()),
        ("agreement", of(&row.agreement_text)),
        ("agreement_hash", of(&row.agreement_hash)),
        ("signed", now.to_string()),
        ("disclosure", disclosure.hash.clone()),
    ];
    let about = About { loan, decision: row.decision.as_deref(), ..About::application(&row.id) };
    notice::add(
        app,
        db,
        policy,
        notice::Kind::Agreement,
        &about,
        &format!("agreement:{}", loan.unwrap_or(&row.id)),
        &values,
    )
    .await?;
    Ok(())
}

/// Checks how it is signed; gives what proves it beside the agreement.
async fn check_signature(
    app: &App,
    db: &mut Connection,
    row: &applications::Row,
    identity: &Identity,
    signing: &Signing,
    now: Instant,
) -> Result<Value, Problem> {
    match &signing.signature {
        Signature::TypedName { .. } if app.settings.conduct.signing() == conduct::Signing::OneTimeCode => {
            let detail = "this lender's agreements are signed by a one-time code";
            let problem = Problem::new(Kind::SigningCode, detail).with("pointer", "/signature/method");
            Err(problem.with("reason", "method"))
        }
        Signature::TypedName { name } => {
            check_name(identity, name)?;
            Ok(serde_json::json!({ "typed_name_reason": app.settings.conduct.typed_name_reason }))
        }
        Signature::OneTimeCode { code } => codes::spend(app, db, row, code, now).await,
    }
}

fn check_name(identity: &Identity, name: &str) -> Result<(), Problem> {
    let refused = |detail: &str| Err(Problem::new(Kind::SignatureName, detail).with("pointer", "/signature/name"));
    if name.len() > NAME_BYTES_MAX {
        return refused("the name is too long");
    }
    match &identity.name {
        Some(applicant) if people::normalized(applicant) != people::normalized(name) => {
            refused("type the name as in the application")
        }
        None if name.trim().is_empty() => refused("type your name"),
        _ => Ok(()),
    }
}

/// The name is personal, so the signature lies in the personal store. A code that was used is no secret any more.
async fn keep_signature(
    app: &App,
    db: &mut Connection,
    row: &applications::Row,
    signing: &Signing,
    (disclosure, evidence): (&disclosures::Row, Value),
    now: Instant,
) -> Result<String, Problem> {
    let key = people::key(db, &app.vault, &row.person).await?;
    let key = key.ok_or_else(|| Problem::new(Kind::WrongState, "the applicant's data were erased"))?;
    let evidence = serde_json::json!({
        "agreement_hash": signing.agreement_hash,
        "decision_id": signing.decision_id,
        "disclosure": { "hash": disclosure.hash, "presented": disclosure.presented, "confirmed": disclosure.confirmed },
        "evidence": evidence,
        "line": signing.line,
        "line_terms": signing.line_terms,
        "signature": signing.signature,
        "signed_at": now.to_string(),
    });
    people::keep(db, &row.person, &key, "signature", evidence.to_string().as_bytes(), &now.to_string()).await
}
