//! The notice of a decline, with what the law wants told of the bureau that was asked.

use std::{collections::BTreeSet, fmt::Write};

use prequal_core::{
    calendar::{Date, Instant},
    decide::REASONS_GIVEN_MAX,
    evidence::{Assurance, Item},
    wire::{Input, Reason},
};

use super::{About, Kind, add};
use crate::{
    agreement::format_money,
    app::App,
    conduct::Jurisdiction,
    policy::Policy,
    problem::Problem,
    storage::{Connection, duties},
};

/// A decision that declines.
#[derive(Debug, Clone, Copy)]
pub struct Declined<'a> {
    /// The application.
    pub application: &'a str,
    /// When it was received.
    pub received: Instant,
    /// The record of the decision.
    pub decision: &'a str,
    /// Why; the first [`REASONS_GIVEN_MAX`] are told.
    pub reasons: &'a [Reason],
    /// What was decided upon.
    pub input: &'a Input,
}

/// The day by which the applicant must know the decision.
///
/// # Errors
/// 500 beyond the calendar.
pub fn due_by(app: &App, policy: &Policy, received: Instant) -> Result<Date, Problem> {
    let date = policy.date_of(received).map_err(Problem::internal)?;
    date.add_days(app.settings.conduct.decision_days.into()).map_err(Problem::internal)
}

/// Queues the notice of a decline, in the transaction that records it, and notes that the duty to tell is met by it.
///
/// # Errors
/// 500 when the database fails.
pub async fn queue(app: &App, db: &mut Connection, policy: &Policy, declined: &Declined<'_>) -> Result<(), Problem> {
    let about = About {
        decision: Some(declined.decision),
        due_by: Some(due_by(app, policy, declined.received)?),
        ..About::application(declined.application)
    };
    let once = format!("decision:{}", declined.decision);
    add(app, db, policy, Kind::AdverseAction, &about, &once, &values(app, declined)).await?;
    Ok(duties::meet(db, declined.application, duties::DECISION, &app.now()?.to_string()).await?)
}

/// What the texts of a decline and of a counter-offer name.
pub(crate) fn values(app: &App, declined: &Declined<'_>) -> [(&'static str, String); 5] {
    let mut reasons = String::new();
    for reason in declined.reasons.iter().take(REASONS_GIVEN_MAX) {
        let _ = writeln!(reasons, "- {} ({})", reason.text, reason.code);
    }
    let order = &declined.input.application.order;
    [
        ("decision", declined.decision.to_owned()),
        ("reasons", reasons.trim_end().to_owned()),
        ("amount", format_money(order.amount, order.currency)),
        ("agency", app.settings.conduct.agency.clone()),
        ("bureau", bureaus(app, declined.input)),
    ]
}

/// Every third party whose evidence was there to be used.
fn sources(input: &Input) -> BTreeSet<&str> {
    let third = |item| match item {
        &Item::Present { assurance: Assurance::ThirdParty | Assurance::Signed, source: Some(ref source), .. } => {
            Some(source.as_str())
        }
        _ => None,
    };
    input.evidence.iter().filter_map(|(_, item)| third(item)).collect()
}

/// What is told of the bureaus. A score is personal: its place is filled in when the notice is sent.
fn bureaus(app: &App, input: &Input) -> String {
    let conduct = &app.settings.conduct;
    let mut text = String::new();
    for source in sources(input) {
        let known = conduct.bureaus.get(source);
        let name = known.map_or(source, |bureau| bureau.name.as_str());
        let reached = known.map_or(String::new(), |bureau| format!(", {}, {}", bureau.address, bureau.phone));
        let _ = match conduct.law() {
            Jurisdiction::Us => writeln!(
                text,
                "\nOur decision was based in whole or in part on information obtained in a report from {name}{reached}. \
                 The reporting agency did not make the decision and is unable to give you the specific reasons for it. \
                 You have a right under the Fair Credit Reporting Act to know the information in your file, to a free \
                 copy of your report from the reporting agency if you ask for it within 60 days, and to dispute with \
                 the reporting agency anything in it that is inaccurate or incomplete."
            ),
            Jurisdiction::Eu => writeln!(
                text,
                "\nThe decision rests in part on a database that was consulted: {name}{reached}. You may ask there, \
                 free of charge, what is kept about you, and have it corrected."
            ),
            Jurisdiction::Cn => writeln!(text, "\n本决定部分依据 {name}{reached} 提供的信息。您可以查询并提出异议。"),
        };
        let score = known.and_then(|bureau| bureau.score.as_ref());
        let has = |key: &str| matches!(input.evidence.get(key), Some(Item::Present { .. }));
        if let Some(score) = score.filter(|score| has(&score.evidence)) {
            let _ = writeln!(
                text,
                "We also obtained your credit score from {name} and used it: {{score}}, on {date}. Scores range from \
                 {min} to {max}. The key factors that adversely affected it are the principal reasons above.",
                date = input.today,
                min = score.min,
                max = score.max,
            );
        }
    }
    text
}

/// The score that a notice's place stands for, from what was decided upon.
#[must_use]
pub(crate) fn score(app: &App, input: &Input) -> String {
    let bureaus = app.settings.conduct.bureaus.values().filter_map(|bureau| bureau.score.as_ref());
    let value = |key: &str| match input.evidence.get(key) {
        Some(Item::Present { value: prequal_core::wire::Scalar::Integer(score), .. }) => Some(score.to_string()),
        Some(Item::Present { value: prequal_core::wire::Scalar::Text(score), .. }) => Some(score.clone()),
        _ => None,
    };
    bureaus.filter_map(|score| value(&score.evidence)).next().unwrap_or_default()
}
