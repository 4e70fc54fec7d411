//! Fresh facts: what may have changed between the edge's quote and the lender's decision.
//!
//! The quote was conditional on these. They are asked when an offer is submitted, and again in the
//! transaction that books.

use prequal_core::wire::{Input, Offer, Outcome, Reason};
use prequal_ledger::ClaimKind;

use crate::{
    app::App,
    exposure,
    funding::Chosen,
    people::{self, Identity},
    policy::Policy,
    problem::{Kind, Problem},
    standing,
    storage::{Connection, applications, checkouts},
};

/// The code of the reason that too much is owed already.
pub const EXPOSURE_CODE: &str = "LENDER-EXPOSURE";

/// What the fresh facts come to.
#[derive(Debug)]
pub struct Verdict {
    /// Eligible or declined.
    pub outcome: Outcome,
    /// Why, unless eligible.
    pub reason: Option<Reason>,
    /// The name of the ceiling that would be passed.
    pub ceiling: Option<String>,
}

/// Consents, exposure (with who is to finance it, once that is known), standing and lines. Duplicates are
/// [`check_duplicate`]'s; the cart and earlier loans of the checkout are asked where the checkout is read.
///
/// # Errors
/// 422 where a consent is missing; 500 when the database fails.
pub async fn check(
    app: &App,
    db: &mut Connection,
    policy: &Policy,
    row: &applications::Row,
    input: &Input,
    offer: &Offer,
    funding: Option<&Chosen>,
) -> Result<Verdict, Problem> {
    check_consents(db, policy, row).await?;
    let people = people_of(app, db, policy, row, input).await?;
    let checkout = checkouts::find(db, &row.checkout).await?.ok_or_else(Problem::not_found)?;
    let kind = if checkout.is_manual() { ClaimKind::Hold } else { ClaimKind::Signed };
    let new = exposure::added(app, (&checkout.merchant, kind), offer, funding)?;
    let claims = exposure::claims(app, db, &people, offer.currency.code()).await?;
    let Some(ceiling) = exposure::passed(claims, new, &app.settings.ceilings_on(app.today()?))? else {
        let reason = match standing::against(app, db, &people, app.today()?).await? {
            Some(reason) => Some(reason),
            None => standing::frozen(app, db, &people, offer.currency.code()).await?,
        };
        let outcome = if reason.is_some() { Outcome::Declined } else { Outcome::Eligible };
        return Ok(Verdict { outcome, reason, ceiling: None });
    };
    let text = "What you already owe us, together with this purchase, is more than we lend to one person";
    let reason = Reason { code: EXPOSURE_CODE.to_owned(), text: text.to_owned() };
    Ok(Verdict { outcome: Outcome::Declined, reason: Some(reason), ceiling: Some(ceiling) })
}

/// Everyone who may be the applicant.
///
/// # Errors
/// 500 when the database fails.
pub async fn people_of(
    app: &App,
    db: &mut Connection,
    policy: &Policy,
    row: &applications::Row,
    input: &Input,
) -> Result<Vec<String>, Problem> {
    let identity = Identity::of(policy, &input.application.fields);
    let mut people = people::akin(db, &app.vault, &identity).await?;
    if !people.contains(&row.person) {
        people.push(row.person.clone());
    }
    Ok(people)
}

/// An order is financed once, however many checkouts its merchant made for it: a double click makes two.
///
/// # Errors
/// 409 where another checkout of the same order has a loan that stands, or is authorized.
pub async fn check_duplicate(app: &App, db: &mut Connection, checkout: &checkouts::Row) -> Result<(), Problem> {
    if checkouts::order_is_financed_elsewhere(db, checkout, &app.today()?.to_string()).await? {
        return Err(Problem::new(Kind::CheckoutFinanced, "another checkout of the same order is financed"));
    }
    Ok(())
}

/// What the bundle requires must have been given, for the very sentence that was shown.
async fn check_consents(db: &mut Connection, policy: &Policy, row: &applications::Row) -> Result<(), Problem> {
    let given = applications::consents(db, &row.id).await?;
    for (purpose, hashes) in policy.required_consents() {
        if !given.iter().any(|(has, hash)| *has == purpose && hashes.contains(hash)) {
            let detail = format!("`{purpose}` is required");
            return Err(Problem::new(Kind::ConsentMissing, detail).with("purpose", purpose));
        }
    }
    Ok(())
}
