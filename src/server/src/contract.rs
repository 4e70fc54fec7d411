//! The contract of an approval: the agreement, and what is told before it; both of the very quote, the one bound to the
//! other by its hash. Who funds it and who answers for it is named here.

use prequal_core::wire::Offer;

use crate::{
    agreement::{self, Agreement, Parties},
    app::{App, new_id},
    disclosure::{self, Disclosure},
    funding::Chosen,
    line_terms::LineTerms,
    policy::Policy,
    problem::Problem,
    storage::{Connection, applications, checkouts, disclosures},
};

/// What is signed, and what is told before; both name the terms of the line that a purchase may be carried over on.
///
/// # Errors
/// 500 where a rate that must be told cannot be found.
pub fn make(
    app: &App,
    policy: &Policy,
    row: &applications::Row,
    checkout: &checkouts::Row,
    offer: &Offer,
    funding: Option<&Chosen>,
    line: Option<LineTerms<'_>>,
) -> Result<(Agreement, Disclosure), Problem> {
    let merchant = app.settings.merchant(&checkout.merchant);
    let (funders, guarantor) = match funding {
        Some(chosen) => chosen.named(offer.principal)?,
        None => (Vec::new(), None),
    };
    let mut parties = Parties {
        lender: policy.lender_name(),
        merchant: merchant.as_ref().map_or(checkout.merchant.as_str(), |merchant| merchant.name.as_str()),
        order: &checkout.merchant_order,
        application: &row.id,
        label: policy.label(),
        funders: &funders,
        guarantor: guarantor.as_ref(),
        disclosure: "",
        withdrawal_days: app.settings.conduct.withdrawal_days,
    };
    let disclosure = disclosure::make(&app.settings.conduct, &app.settings.serving.prepayment, &parties, offer, line)?;
    parties.disclosure = &disclosure.hash;
    let priced = line.map(|line| line.priced(offer)).transpose()?;
    let shown = priced.as_ref().unwrap_or(offer);
    let mut agreement = agreement::render(policy.agreement_template(), &parties, shown);
    if let Some(line) = line {
        agreement = line.under(&agreement, app.settings.conduct.law(), offer.currency);
    }
    if let Some(days) = checkout.capture_days {
        agreement = agreement::for_captures(&agreement, parties.merchant, days, offer);
    }
    Ok((agreement, disclosure))
}

/// Keeps what is told before, beside the decision that approved.
///
/// # Errors
/// 500 when the database fails.
pub async fn keep(
    app: &App,
    db: &mut Connection,
    decision: &applications::DecisionRow,
    disclosure: &Disclosure,
) -> Result<(), Problem> {
    let conduct = &app.settings.conduct;
    let row = disclosures::Row {
        id: new_id(),
        application: decision.application.clone(),
        decision: decision.id.clone(),
        jurisdiction: conduct.law().name().to_owned(),
        form: disclosure.form.to_owned(),
        document: disclosure.document.clone(),
        text: disclosure.text.clone(),
        hash: disclosure.hash.clone(),
        confirmation: i64::from(conduct.confirm_disclosure == Some(true)),
        reading_seconds: conduct.reading_seconds.unwrap_or(0).into(),
        created: decision.decided.clone(),
        presented: None,
        confirmed: None,
    };
    Ok(disclosures::insert(db, &row).await?)
}
