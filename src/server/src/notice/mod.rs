//! Notices: what people must be told, in words with a version, by when, and once.
//!
//! A notice is queued in the transaction of what it tells of. Its stored text names nobody; what is secret or personal
//! in it is a place in braces, filled in when it is sent (see [`crate::delivery`]).

mod adverse;
pub mod deadlines;
mod due;
mod texts;

use prequal_core::{calendar::Date, money::Amount, wire::Offer};

pub use adverse::{Declined, due_by, queue};
pub(crate) use adverse::{score, values};
pub use due::Moment;
pub use texts::{Kind, SUBJECT_BYTES_MAX, Wording, check_template};

use crate::{
    agreement::fill,
    app::{App, new_id},
    policy::Policy,
    problem::Problem,
    storage::{Connection, applications, notices},
};

/// Whom and what a notice is about.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The application.
    pub application: &'a str,
    /// The loan, where it is about one.
    pub loan: Option<&'a str>,
    /// The decision, where it is about one.
    pub decision: Option<&'a str>,
    /// The last day on which it may go out.
    pub due_by: Option<Date>,
    /// Not before this, in milliseconds of the machine's clock.
    pub not_before_ms: i64,
}

impl<'a> About<'a> {
    /// About an application only.
    #[must_use]
    pub const fn application(application: &'a str) -> Self {
        Self { application, loan: None, decision: None, due_by: None, not_before_ms: 0 }
    }
}

/// Queues a notice, unless there is one for the same `once`; gives whether it was queued. Every place that the
/// template names and `values` has is filled; what is filled in when it is sent stays a place.
///
/// # Errors
/// 500 when the clock or the database fails.
pub async fn add(
    app: &App,
    db: &mut Connection,
    policy: &Policy,
    wording: impl Into<Wording<'_>>,
    about: &About<'_>,
    once: &str,
    values: &[(&str, String)],
) -> Result<bool, Problem> {
    let wording = wording.into();
    let template = texts::template(policy, app.settings.conduct.law(), &wording);
    let mut all = vec![
        ("lender", policy.lender_name().to_owned()),
        ("address", app.settings.conduct.creditor_address.clone()),
        ("application", about.application.to_owned()),
    ];
    all.extend(values.iter().map(|(name, value)| (*name, value.clone())));
    let row = notices::New {
        id: &new_id(),
        application: about.application,
        loan: about.loan,
        decision: about.decision,
        once,
        kind: wording.kind.name(),
        template: &template.name,
        template_hash: &template.hash,
        subject: &texts::one_line(&fill(template.subject, &all)),
        body: &fill(template.body, &all),
        due_by: about.due_by.map(|date| date.to_string()),
        next_attempt_ms: about.not_before_ms,
        created: &app.now()?.to_string(),
    };
    Ok(notices::insert(db, &row).await?)
}

/// The offers of a review, a line each.
pub(crate) fn plans(offers: &[Offer]) -> String {
    let line = |offer: &Offer| {
        let money = |amount: Amount| crate::agreement::format_money(amount, offer.currency);
        format!(
            "- {} payments, {} in all for {}, annual percentage rate {} % (plan {})",
            offer.count,
            money(offer.total),
            money(offer.principal),
            offer.apr.apr_percent,
            offer.plan
        )
    };
    offers.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Tells once what was agreed to, where the lender sends receipts.
///
/// # Errors
/// As [`add`].
pub async fn consent_receipt(
    app: &App,
    db: &mut Connection,
    policy: &Policy,
    application: &str,
) -> Result<(), Problem> {
    let given = applications::consent_history(db, application).await?;
    if !app.settings.conduct.consent_receipts || given.is_empty() {
        return Ok(());
    }
    let line = |consent: &applications::ConsentRow| {
        let sentence = policy.sentence(&consent.text_hash).unwrap_or("");
        let recipient = consent.recipient.as_deref().unwrap_or(policy.lender_name());
        format!(
            "- {} for {recipient}, given {}: \"{sentence}\" (SHA-256 {}, version {})",
            consent.purpose,
            consent.given,
            consent.text_hash,
            policy.version()
        )
    };
    let lines: Vec<String> = given.iter().map(line).collect();
    let values = [("consents", lines.join("\n"))];
    let once = format!("consents:{application}");
    add(app, db, policy, Kind::ConsentReceipt, &About::application(application), &once, &values).await?;
    Ok(())
}

/// Tells that a withdrawal from the contract was received: what goes back, and until when.
///
/// # Errors
/// As [`add`].
pub async fn withdrawal(
    app: &App,
    db: &mut Connection,
    policy: &Policy,
    about: &About<'_>,
    owed: &str,
    pay_by: Date,
) -> Result<bool, Problem> {
    let loan = about.loan.unwrap_or_default();
    let values = [("loan", loan.to_owned()), ("owed", owed.to_owned()), ("pay_by", pay_by.to_string())];
    add(app, db, policy, Kind::Withdrawal, about, &format!("withdrawal:{loan}"), &values).await
}
