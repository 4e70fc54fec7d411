//! Asking funders: the shell around [`prequal_ledger::router`]. It runs between two transactions and holds none, because
//! it waits for others; what was tried is recorded with the decision that rests on it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use prequal_core::{
    calendar,
    wire::{Input, Offer, Outcome, Reason},
};
use prequal_ledger::ClaimKind;
use prequal_ledger::router::{self, Action, Answer, Event, Excluded, Router};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::{
    Chosen,
    config::{Decides, Funder, Kind, Programme, Rules},
    reserve,
};
use crate::{
    app::{App, new_id},
    exposure, fresh,
    http_client::HttpClient,
    policy::Policy,
    problem::Problem,
    storage::{
        Connection, applications,
        funding::{self, RouteRow, TryRow},
    },
};

/// The longest code a funder may give for a refusal, in bytes.
pub const CODE_BYTES_MAX: usize = 64;

/// What a search for funders came to.
#[derive(Debug, Clone)]
pub struct Routed {
    offer: String,
    chosen: Option<Chosen>,
    programme: Option<String>,
    elapsed_ms: i64,
    tries: Vec<TryRow>,
}

/// What is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The application.
    pub application: &'a str,
    /// `jti` of the offer.
    pub offer_id: &'a str,
    /// The offer.
    pub offer: &'a Offer,
    /// Whose shop it is.
    pub merchant: &'a str,
    /// What is known of the applicant.
    pub input: &'a Input,
    /// The bundle that made the offer.
    pub policy: &'a Policy,
}

/// The body of a question to a funder's endpoint.
#[derive(Serialize)]
struct Asked<'a> {
    /// A random id: the same question asked again has the same.
    request: &'a str,
    funder: &'a str,
    offer: &'a Offer,
    input: &'a Input,
}

/// Its answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    decision: Verdict,
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Accept,
    Refuse,
}

impl Routed {
    /// Who finances it; none where nobody does.
    #[must_use]
    pub const fn chosen(&self) -> Option<&Chosen> {
        self.chosen.as_ref()
    }

    /// Whether it is about this offer.
    #[must_use]
    pub fn is_about(&self, offer: &str) -> bool {
        self.offer == offer
    }

    /// Keeps what was tried, in the transaction of the decision that rests on it.
    ///
    /// # Errors
    /// 500 when the database fails.
    pub async fn keep(&self, db: &mut Connection, application: &str, now: calendar::Instant) -> Result<(), Problem> {
        let row = RouteRow {
            id: new_id(),
            application: application.to_owned(),
            offer: self.offer.clone(),
            programme: self.programme.clone(),
            elapsed_ms: self.elapsed_ms,
            decided: now.to_string(),
        };
        Ok(funding::insert_route(db, &row, &self.tries).await?)
    }
}

/// Why nobody finances it, and what becomes of the application.
#[must_use]
pub fn nobody(rules: &Rules) -> (Outcome, Reason) {
    let nobody = &rules.nobody;
    (nobody.outcome, Reason { code: nobody.code.clone(), text: nobody.text.clone() })
}

/// A programme with what would be signed of it.
struct Candidate {
    programme: Arc<Programme>,
    chosen: Chosen,
    excluded: Option<Excluded>,
}

/// Looks for who finances an offer. It asks others and may take as long as the configuration allows; no transaction is
/// open meanwhile.
///
/// # Errors
/// 500 when the database fails or the machine's clock cannot be read.
pub async fn find(app: &App, rules: &Rules, question: Question<'_>) -> Result<Routed, Problem> {
    let mut candidates = Vec::new();
    {
        let mut db = app.db.read().await?;
        for programme in rules.programmes.iter().filter(|programme| programme.takes(question.offer)) {
            let chosen = Chosen::of(programme, question.offer)?;
            let excluded = exclude(app, &mut db, programme, &chosen, question).await?;
            candidates.push(Candidate { programme: programme.clone(), chosen, excluded });
        }
    }
    let programmes = candidates.iter().map(|one| router::Programme {
        id: one.programme.id.clone(),
        asks: asked(&one.programme).map(|funder| (funder.config.id.clone(), funder.config.time_limit_ms)).collect(),
        excluded: one.excluded.clone(),
    });
    let (router, stands, elapsed_ms) =
        drive(app, Router::new(programmes.collect(), 0, rules.deadline_ms), question).await?;
    let tries = (1_i64..).zip(router.tried()).map(|(number, tried)| TryRow {
        number,
        programme: tried.programme.clone(),
        funder: tried.funder.clone(),
        ended: tried.ended.name().to_owned(),
        reason: tried.reason.clone(),
        elapsed_ms: i64::try_from(tried.elapsed_ms).unwrap_or(i64::MAX),
    });
    Ok(Routed {
        offer: question.offer_id.to_owned(),
        tries: tries.collect(),
        chosen: candidates.into_iter().find(|one| stands.as_ref() == Some(&one.programme.id)).map(|one| one.chosen),
        programme: stands,
        elapsed_ms: i64::try_from(elapsed_ms).unwrap_or(i64::MAX),
    })
}

fn asked(programme: &Programme) -> impl Iterator<Item = &Arc<Funder>> {
    programme.parties().filter(|funder| !matches!(funder.decides, Decides::Always))
}

/// What is out of the question before anybody is asked.
async fn exclude(
    app: &App,
    db: &mut Connection,
    programme: &Programme,
    chosen: &Chosen,
    question: Question<'_>,
) -> Result<Option<Excluded>, Problem> {
    let offer = question.offer;
    let given = applications::consents(db, question.application).await?;
    for funder in programme.parties() {
        let excluded =
            |reason: &str| Ok(Some(Excluded { funder: Some(funder.config.id.clone()), reason: reason.to_owned() }));
        let eligible = &funder.config.eligible;
        let merchants = &eligible.merchants;
        if eligible.principal_min.is_some_and(|least| offer.principal < least)
            || eligible.principal_max.is_some_and(|most| offer.principal > most)
            || eligible.count_max.is_some_and(|most| offer.count > most)
            || !(merchants.is_empty() || merchants.iter().any(|one| one == question.merchant))
        {
            return excluded("not_eligible");
        }
        if let Decides::Endpoint { consent, .. } = &funder.decides
            && !given.iter().any(|(purpose, _)| purpose == consent)
        {
            return excluded("consent_missing");
        }
    }
    if let Some(excluded) = guarantor_fee(programme, question)? {
        return Ok(Some(excluded));
    }
    if let Some(guarantor) = unguaranteed_fee(app, programme, offer) {
        return Ok(Some(Excluded { funder: Some(guarantor), reason: "fee_without_guarantor".to_owned() }));
    }
    if let Some(excluded) = above_ceiling(app, db, chosen, question).await? {
        return Ok(Some(excluded));
    }
    reserve::judge(app, db, chosen, offer.principal, offer.currency).await
}

/// The funder of whose money the applicant would have more than a ceiling lets them.
async fn above_ceiling(
    app: &App,
    db: &mut Connection,
    chosen: &Chosen,
    question: Question<'_>,
) -> Result<Option<Excluded>, Problem> {
    let mut ceilings = app.settings.ceilings_on(app.today()?);
    ceilings.retain(|ceiling| ceiling.funder.is_some());
    if ceilings.is_empty() {
        return Ok(None);
    }
    let Question { offer, input, policy, merchant, .. } = question;
    let row = applications::find(db, question.application).await?.ok_or_else(Problem::not_found)?;
    let people = fresh::people_of(app, db, policy, &row, input).await?;
    let claims = exposure::claims(app, db, &people, offer.currency.code()).await?;
    let new = exposure::added(app, (merchant, ClaimKind::Signed), offer, Some(chosen))?;
    let passed = exposure::passed(claims, new, &ceilings)?;
    let of = |id: String| ceilings.into_iter().find(|ceiling| ceiling.id == id).and_then(|ceiling| ceiling.funder);
    Ok(passed.map(|id| Excluded { funder: of(id), reason: "ceiling".to_owned() }))
}

/// A guarantor's fee is part of the terms or it cannot be charged; and with it the plan must keep the law's ceilings.
fn guarantor_fee(programme: &Programme, question: Question<'_>) -> Result<Option<Excluded>, Problem> {
    let Some((guarantor, fee)) = programme.guarantor.as_ref().and_then(|one| Some((one, one.fee()?))) else {
        return Ok(None);
    };
    let excluded = |reason: String| Ok(Some(Excluded { funder: Some(guarantor.config.id.clone()), reason }));
    let offer = question.offer;
    let mut terms = offer.terms.clone();
    let quoted = terms.fees.contains(&fee);
    if !quoted {
        terms.fees.retain(|other| other.payee != fee.payee);
        terms.fees.push(fee);
    }
    if let Some(finding) = question.policy.broken_cap(&terms, &offer.rules())? {
        return excluded(format!("cap_{}", finding.cap));
    }
    if quoted { Ok(None) } else { excluded("fee_not_quoted".to_owned()) }
}

/// The guarantor whose fee the borrower would pay though it does not answer for the loan.
fn unguaranteed_fee(app: &App, programme: &Programme, offer: &Offer) -> Option<String> {
    let own = programme.guarantor.as_ref().map(|one| &one.config.name);
    let paid = |name: &String| own != Some(name) && offer.terms.fees.iter().any(|fee| fee.payee == *name);
    let mut guarantors = app.settings.funders.iter().filter(|funder| funder.config.kind == Kind::Guarantor);
    guarantors.find(|one| paid(&one.config.name)).map(|one| one.config.id.clone())
}

/// Carries the machine's actions out until it is done.
async fn drive(
    app: &App,
    mut router: Router,
    question: Question<'_>,
) -> Result<(Router, Option<String>, u64), Problem> {
    let begun = Instant::now();
    let now_ms = || u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut calls: JoinSet<(String, Answer)> = JoinSet::new();
    let mut event = Event::Begun;
    loop {
        let (next, actions) = router.step(event, now_ms());
        router = next;
        let mut wake_ms = None;
        for action in actions {
            match action {
                Action::Done(stands) => return Ok((router, stands, now_ms())),
                Action::WakeAt(at_ms) => wake_ms = Some(at_ms),
                Action::Ask { funder, .. } => {
                    // An answer that is there at once takes the way of the others: one event at a time.
                    if let Some(answer) = ask(app, &mut calls, &funder, question)? {
                        calls.spawn(async move { (funder, answer) });
                    }
                }
            }
        }
        let wait = Duration::from_millis(wake_ms.unwrap_or_else(now_ms).saturating_sub(now_ms()));
        event = match tokio::time::timeout(wait, calls.join_next()).await {
            Ok(Some(Ok((funder, answer)))) => Event::Answered { funder, answer },
            Ok(Some(Err(_))) | Err(_) => Event::Woken,
            // Nobody is being asked: nothing comes any more, and the machine waits for time only.
            Ok(None) => {
                tokio::time::sleep(wait).await;
                Event::Woken
            }
        };
    }
}

/// Asks one funder: in this process at once, or by a call.
fn ask(
    app: &App,
    calls: &mut JoinSet<(String, Answer)>,
    id: &str,
    question: Question<'_>,
) -> Result<Option<Answer>, Problem> {
    let Some(funder) = app.settings.funders.find(id) else {
        return Ok(Some(Answer::Failed("not_configured".to_owned())));
    };
    match &funder.decides {
        Decides::Always => Ok(Some(Answer::Accepted)),
        Decides::Bundle(policy) => Ok(Some(by_bundle(policy, question))),
        Decides::Endpoint { url, key, .. } => {
            let request = format!("{}/{}", question.offer_id, id);
            let asked = Asked { request: &request, funder: id, offer: question.offer, input: question.input };
            let body = serde_json::to_string(&asked).map_err(Problem::internal)?;
            let (client, url, key, id) = (app.client.clone(), url.clone(), key.clone(), id.to_owned());
            // The machine knows until when it waits; what is still under way when it is done is dropped.
            calls.spawn(async move { (id, call(&client, &url, &key, &request, &body).await) });
            Ok(None)
        }
    }
}

/// A funder's own bundle decides on the same input; it accepts where it would offer credit itself.
fn by_bundle(policy: &Policy, question: Question<'_>) -> Answer {
    match policy.decide(question.input) {
        Ok(decision) if decision.outcome == Outcome::Eligible => Answer::Accepted,
        Ok(decision) => {
            let code = decision.reasons.first().map_or(decision.outcome.name(), |reason| reason.code.as_str());
            Answer::Refused(code.to_owned())
        }
        Err(_) => Answer::Failed("cannot_decide".to_owned()),
    }
}

async fn call(client: &HttpClient, url: &str, key: &str, request: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", request)];
    match client.post(url, &headers, body).await {
        Ok((200, bytes)) => match serde_json::from_slice::<Said>(&bytes) {
            Ok(Said { decision: Verdict::Accept, .. }) => Answer::Accepted,
            Ok(Said { reason, .. }) => Answer::Refused(code(reason.as_deref())),
            Err(_) => Answer::Failed("unreadable_answer".to_owned()),
        },
        Ok((status, _)) => Answer::Failed(format!("status_{status}")),
        Err(_) => Answer::Failed("no_connection".to_owned()),
    }
}

/// What others write is kept only where it can be a code: it must not become a place for a person's data.
fn code(given: Option<&str>) -> String {
    let plain = |text: &&str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        !text.is_empty() && text.len() <= CODE_BYTES_MAX && text.bytes().all(known)
    };
    given.filter(plain).unwrap_or("refused").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_funder_s_words_are_kept_as_a_code_or_not_at_all() {
        assert_eq!(code(Some("A-17.x_y")), "A-17.x_y");
        let longest = "x".repeat(CODE_BYTES_MAX);
        assert_eq!(code(Some(&longest)), longest);
        for wrong in [None, Some(""), Some("Ada Byron"), Some("naïve"), Some("x".repeat(CODE_BYTES_MAX + 1).as_str())]
        {
            assert_eq!(code(wrong), "refused");
        }
    }
}
