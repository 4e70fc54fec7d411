//! Reviews: applications that people look at, because they were referred or because the applicant asked for a person.
//!
//! An approval takes two people above an amount that is data; a decline takes one. What comes of a review is a
//! decision of its own with its reasons, and a notice follows. An approval is priced as the bundle prices the grade of the
//! decision that was looked at, or at a rate within the bundle's prices that two reviewers choose.

use std::collections::BTreeMap;

use prequal_core::{
    calendar::Instant,
    canonical,
    decide::REASONS_GIVEN_MAX,
    decimal::Decimal,
    money::Amount,
    wire::{Input, Offer, Reason},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::{App, new_id},
    notice::{self, About, Declined},
    people,
    policy::Policy,
    problem::{Kind, Problem},
    resume,
    storage::{
        Connection, applications, checkouts, duties,
        reviews::{self, Row, Vote},
    },
};

/// The kind of a review that the decision asked for.
pub const REFERRAL: &str = "referral";
/// The kind of a review that the applicant asked for.
pub const HUMAN_REVIEW: &str = "human_review";

/// What a reviewer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Credit may be given.
    Approve,
    /// It may not.
    Decline,
}

/// Under what conditions an application is approved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// The plans that may be taken; every one that the bundle has for the amount where it is empty.
    #[serde(default)]
    pub plans: Vec<String>,
    /// The rate in per cent, as the bundle's price table has it, in place of that for the applicant's grade; between the
    /// cheapest and the dearest of the table. Two people must choose it, whatever the amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub rate_percent: Option<Decimal>,
}

/// What a review leaves behind in the decision that came of it; it names no applicant.
#[derive(Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The cart that was looked at.
    pub cart_hash: String,
    /// What was approved; empty where nothing was.
    pub plans: Vec<String>,
    /// At which rate, by plan. Decisions of before have none: they stand at the dearest.
    #[serde(default)]
    pub rates: BTreeMap<String, Decimal>,
    /// The review.
    pub review: String,
    /// The ids of the reviewers' keys.
    pub reviewers: Vec<String>,
}

/// One reviewer's decision.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// The id of the key.
    pub reviewer: &'a str,
    pub verdict: Verdict,
    pub conditions: &'a Conditions,
    /// Codes of the bundle's catalogue.
    pub reasons: &'a [String],
}

/// Opens the review of a decision; gives it, or the one that is there.
async fn open(
    app: &App,
    db: &mut Connection,
    policy: &Policy,
    (application, decision, kind): (&str, &str, &str),
    amount: Amount,
    now: Instant,
) -> Result<Row, Problem> {
    let two = amount.minor() >= app.settings.conduct.review.two_persons_from;
    let row = Row {
        id: new_id(),
        application: application.to_owned(),
        decision: decision.to_owned(),
        kind: kind.to_owned(),
        persons: if two { 2 } else { 1 },
        status: "open".to_owned(),
        due_by: notice::due_by(app, policy, now)?.to_string(),
        opened: now.to_string(),
        decided: None,
        outcome: None,
    };
    reviews::insert(db, &row).await?;
    reviews::of_decision(db, decision).await?.ok_or_else(|| Problem::internal("a review that was just opened"))
}

/// Puts a referred application into the queue and keeps its cart for as long as the queue may take.
///
/// # Errors
/// 500 when the database fails.
pub async fn refer(
    app: &App,
    db: &mut Connection,
    policy: &Policy,
    application: &str,
    decision: &str,
    amount: Amount,
    now: Instant,
) -> Result<(), Problem> {
    open(app, db, policy, (application, decision, REFERRAL), amount, now).await?;
    resume::keep_cart(db, application, notice::due_by(app, policy, now)?).await
}

/// Puts a declined application into the queue because its applicant asks for a person.
///
/// # Errors
/// 409 where it is not declined, or the data were erased.
pub async fn request(app: &App, db: &mut Connection, row: &applications::Row, now: Instant) -> Result<Row, Problem> {
    let (Some(decision), "declined") = (&row.decision, row.status.as_str()) else {
        let detail = format!("the application is {}", row.status);
        return Err(Problem::new(Kind::WrongState, detail).with("application_status", row.status.clone()));
    };
    let policy = policy_of(app, row);
    let input = input_of(app, db, row).await?;
    open(app, db, policy, (&row.id, decision, HUMAN_REVIEW), input.application.order.amount, now).await
}

/// The bundle of an application, or the one in force where that is not configured any more.
fn policy_of<'a>(app: &'a App, row: &applications::Row) -> &'a Policy {
    app.settings.policies.known(&row.bundle_hash).unwrap_or(app.settings.policies.active())
}

async fn input_of(app: &App, db: &mut Connection, row: &applications::Row) -> Result<Input, Problem> {
    let input = people::open(db, &app.vault, &row.input_record).await?;
    let input = input.ok_or_else(|| Problem::new(Kind::WrongState, "the applicant's data were erased"))?;
    serde_json::from_slice(&input).map_err(Problem::internal)
}

/// The reasons of codes, each of the catalogue and once.
fn reasons_of(policy: &Policy, codes: &[String]) -> Result<Vec<Reason>, Problem> {
    let wrong = |index: usize, detail: &str| {
        Problem::new(Kind::InvalidValue, detail).with("pointer", format!("/reasons/{index}"))
    };
    if codes.len() > REASONS_GIVEN_MAX {
        return Err(wrong(REASONS_GIVEN_MAX, "at most four reasons are given"));
    }
    let mut reasons: Vec<Reason> = Vec::new();
    for (index, code) in codes.iter().enumerate() {
        let reason = policy.reason(code).ok_or_else(|| wrong(index, "the catalogue has no such reason"))?;
        if reasons.contains(&reason) {
            return Err(wrong(index, "a reason stands twice"));
        }
        reasons.push(reason);
    }
    Ok(reasons)
}

/// What conditions allow.
struct Allowed {
    offers: Vec<Offer>,
    /// The rates of the offers, by plan.
    rates: BTreeMap<String, Decimal>,
    /// Whether it is less, or dearer, than what the bundle has for the applicant's grade.
    is_worse: bool,
}

/// The quotes of today that conditions allow.
fn quotes(policy: &Policy, input: &Input, conditions: &Conditions, now: Instant) -> Result<Allowed, Problem> {
    let today = policy.date_of(now).map_err(Problem::internal)?;
    let plans = &conditions.plans;
    let graded = policy.rates(input);
    let mut rates = graded.clone();
    if let Some(rate) = conditions.rate_percent {
        let (cheapest, dearest) = policy.price_span();
        if rate < cheapest || rate > dearest {
            let detail = format!("the bundle's prices are {cheapest} to {dearest} per cent");
            return Err(Problem::new(Kind::InvalidValue, detail).with("pointer", "/conditions/rate_percent"));
        }
        rates.values_mut().for_each(|of_plan| *of_plan = rate);
    }
    let all = policy.quote_at(input.application.order.amount, today, &rates)?;
    let wrong = |index: usize, detail: &str| {
        Err(Problem::new(Kind::InvalidValue, detail).with("pointer", format!("/conditions/plans/{index}")))
    };
    for (index, plan) in plans.iter().enumerate() {
        if !all.iter().any(|offer| offer.plan == *plan) {
            return wrong(index, "the bundle has no such plan for this amount");
        }
    }
    let before = all.len();
    let kept: Vec<Offer> = all.into_iter().filter(|offer| plans.is_empty() || plans.contains(&offer.plan)).collect();
    if kept.is_empty() {
        return wrong(0, "the bundle has no plan for this amount");
    }
    rates.retain(|plan, _| kept.iter().any(|offer| offer.plan == *plan));
    // A plan that bears no interest costs the same at every rate.
    let dearer = |offer: &Offer| offer.terms.rate.is_some() && rates.get(&offer.plan) > graded.get(&offer.plan);
    let is_worse = kept.len() < before || kept.iter().any(dearer);
    Ok(Allowed { offers: kept, rates, is_worse })
}

/// Takes what a reviewer says, and concludes the review where enough was said.
///
/// # Errors
/// 404 where there is no such review; 409 where it is over, the same reviewer said something before, the second says
/// otherwise than the first, or the data were erased; 422 where reasons or conditions are not the bundle's.
pub async fn say(app: &App, db: &mut Connection, id: &str, said: &Said<'_>, now: Instant) -> Result<Row, Problem> {
    let review = reviews::find(db, id).await?.ok_or_else(Problem::not_found)?;
    if review.status != "open" {
        let detail = format!("the review is {}", review.status);
        return Err(Problem::new(Kind::WrongState, detail).with("review_status", review.status));
    }
    let row = applications::find(db, &review.application).await?.ok_or_else(Problem::not_found)?;
    let policy = policy_of(app, &row);
    let input = input_of(app, db, &row).await?;
    let reasons = reasons_of(policy, said.reasons)?;
    let before = reviews::votes(db, id).await?;
    let vote = Vote {
        reviewer: said.reviewer.to_owned(),
        verdict: if said.verdict == Verdict::Approve { "approve" } else { "decline" }.to_owned(),
        conditions: canonical::to_string(said.conditions).map_err(Problem::internal)?,
        reasons: canonical::to_string(said.reasons).map_err(Problem::internal)?,
        given: now.to_string(),
    };
    let case = Case { review: &review, row: &row, policy, input: &input, reasons: &reasons, now };
    match said.verdict {
        Verdict::Decline => {
            if reasons.is_empty() {
                let detail = "a decline has one to four reasons";
                return Err(Problem::new(Kind::InvalidValue, detail).with("pointer", "/reasons"));
            }
            keep(db, id, &vote).await?;
            case.decline(app, db, reviewers(&before, said.reviewer)).await?;
        }
        Verdict::Approve => {
            let allowed = quotes(policy, &input, said.conditions, now)?;
            if allowed.is_worse && reasons.is_empty() {
                let detail = "an approval of fewer or dearer plans than there are has one to four reasons";
                return Err(Problem::new(Kind::InvalidValue, detail).with("pointer", "/reasons"));
            }
            let first = before.first();
            if let Some(first) =
                first.filter(|first| (&first.conditions, &first.reasons) != (&vote.conditions, &vote.reasons))
                && first.reviewer != vote.reviewer
            {
                let detail = "the first approval has other conditions or reasons; say the same, or decline";
                return Err(Problem::new(Kind::WrongState, detail).with("conditions", first.conditions.clone()));
            }
            keep(db, id, &vote).await?;
            // A price that people choose is chosen by two of them.
            let persons = if said.conditions.rate_percent.is_some() { review.persons.max(2) } else { review.persons };
            if i64::try_from(before.len()).map_err(Problem::internal)? + 1 >= persons {
                case.approve(app, db, allowed, reviewers(&before, said.reviewer)).await?;
            }
        }
    }
    reviews::find(db, id).await?.ok_or_else(Problem::not_found)
}

fn reviewers(before: &[Vote], last: &str) -> Vec<String> {
    before.iter().map(|vote| vote.reviewer.clone()).chain([last.to_owned()]).collect()
}

async fn keep(db: &mut Connection, review: &str, vote: &Vote) -> Result<(), Problem> {
    if reviews::vote(db, review, vote).await? {
        return Ok(());
    }
    Err(Problem::new(Kind::SameReviewer, "this reviewer said something before"))
}

/// What a review is about.
struct Case<'a> {
    review: &'a Row,
    row: &'a applications::Row,
    policy: &'a Policy,
    input: &'a Input,
    reasons: &'a [Reason],
    now: Instant,
}

impl Case<'_> {
    /// Records the decision that came of it, and closes the review.
    async fn record(
        &self,
        db: &mut Connection,
        outcome: &str,
        (plans, rates): (Vec<String>, BTreeMap<String, Decimal>),
        reviewers: Vec<String>,
    ) -> Result<String, Problem> {
        let checkout = checkouts::find(db, &self.row.checkout).await?.ok_or_else(Problem::not_found)?;
        let review = self.review.id.clone();
        let output = Outcome { cart_hash: checkout.cart_hash, plans, rates, review, reviewers };
        let decision = applications::DecisionRow {
            id: new_id(),
            application: self.row.id.clone(),
            taken_by: "server".to_owned(),
            outcome: outcome.to_owned(),
            reasons: canonical::to_string(self.reasons).map_err(Problem::internal)?,
            bundle_hash: self.row.bundle_hash.clone(),
            input_hash: self.row.input_hash.clone(),
            output: canonical::to_string(&output).map_err(Problem::internal)?,
            decided: self.now.to_string(),
        };
        applications::insert_decision(db, &decision).await?;
        let status = if outcome == "declined" { "declined" } else { "approved" };
        if !reviews::close(db, &self.review.id, status, &decision.id, &decision.decided).await? {
            return Err(Problem::new(Kind::WrongState, "the review is over"));
        }
        Ok(decision.id)
    }

    fn declined<'d>(&'d self, decision: &'d str) -> Result<Declined<'d>, Problem> {
        Ok(Declined {
            application: &self.row.id,
            received: Instant::parse(&self.row.created).map_err(Problem::internal)?,
            decision,
            reasons: self.reasons,
            input: self.input,
        })
    }

    async fn decline(&self, app: &App, db: &mut Connection, reviewers: Vec<String>) -> Result<(), Problem> {
        let decision = self.record(db, "declined", <_>::default(), reviewers).await?;
        applications::conclude(db, &self.row.id, "declined", &decision).await?;
        notice::queue(app, db, self.policy, &self.declined(&decision)?).await
    }

    /// The application can be gone on with; a link to it is sent. Fewer or dearer plans than there are is a counter-offer.
    async fn approve(
        &self,
        app: &App,
        db: &mut Connection,
        Allowed { offers, rates, is_worse }: Allowed,
        reviewers: Vec<String>,
    ) -> Result<(), Problem> {
        let plans = offers.iter().map(|offer| offer.plan.clone()).collect();
        let decision = self.record(db, "eligible", (plans, rates), reviewers).await?;
        applications::conclude(db, &self.row.id, "received", &decision).await?;
        let link = resume::make(app, db, self.row, self.now).await?;
        let declined = self.declined(&decision)?;
        let mut values = notice::values(app, &declined).to_vec();
        values.push(("plans", notice::plans(&offers)));
        values.push(("until", link.expires.to_string()));
        let kind = if is_worse { notice::Kind::CounterOffer } else { notice::Kind::Approved };
        let due_by = Some(notice::due_by(app, self.policy, declined.received)?);
        let about = About { decision: Some(&decision), due_by, ..About::application(&self.row.id) };
        notice::add(app, db, self.policy, kind, &about, &link.once(), &values).await?;
        Ok(duties::meet(db, &self.row.id, duties::DECISION, &self.now.to_string()).await?)
    }
}

/// Sends another link to an application that people approved: the one before was lost, or the reply to it was.
///
/// # Errors
/// 409 where nobody approved, it is signed, or the data were erased; 429 after too many.
pub async fn send_link(
    app: &App,
    db: &mut Connection,
    row: &applications::Row,
    now: Instant,
) -> Result<resume::Link, Problem> {
    if !matches!(row.status.as_str(), "received" | "approved") {
        let detail = format!("the application is {}", row.status);
        return Err(Problem::new(Kind::WrongState, detail).with("application_status", row.status.clone()));
    }
    let policy = policy_of(app, row);
    let input = input_of(app, db, row).await?;
    let (_, offers) = allowed(db, policy, row, &input, now).await?;
    let link = resume::make(app, db, row, now).await?;
    let decision = row.decision.clone().unwrap_or_default();
    let values = [("decision", decision), ("plans", notice::plans(&offers)), ("until", link.expires.to_string())];
    let about = About { decision: row.decision.as_deref(), ..About::application(&row.id) };
    notice::add(app, db, policy, notice::Kind::Approved, &about, &link.once(), &values).await?;
    Ok(link)
}

/// What a review allowed, and the offers of it at today's figures.
///
/// # Errors
/// 409 where no review approved.
pub async fn allowed(
    db: &mut Connection,
    policy: &Policy,
    row: &applications::Row,
    input: &Input,
    now: Instant,
) -> Result<(Outcome, Vec<Offer>), Problem> {
    let refused = || Problem::new(Kind::WrongState, "nobody approved this application; submit an offer of the edge");
    let review = reviews::approved(db, &row.id).await?.ok_or_else(refused)?;
    let decision = applications::decision(db, review.outcome.as_deref().unwrap_or("")).await?.ok_or_else(refused)?;
    let outcome: Outcome = serde_json::from_str(&decision.output).map_err(Problem::internal)?;
    let today = policy.date_of(now).map_err(Problem::internal)?;
    let amount = input.application.order.amount;
    let offers = match outcome.rates.is_empty() {
        true => policy.quote(amount, today)?,
        false => policy.quote_at(amount, today, &outcome.rates)?,
    };
    let offers = offers.into_iter().filter(|offer| outcome.plans.contains(&offer.plan)).collect();
    Ok((outcome, offers))
}
