//! Exposure: what one verified person owes, has signed, or may come to owe, over all products and merchants.
//!
//! It is asked in the transaction that signs: what is signed there is a claim for whoever signs next, so that requests
//! at the same instant, on however many servers, cannot pass a ceiling together. What a line of credit would still lend
//! is no claim; what an order holds is, whether or not it stands under a line. What was charged off or sold is a claim as
//! long as it is not paid: it left the lender's books, and not the person's debts.

use prequal_core::{money::Amount, wire::Offer};
use prequal_ledger::{Ceiling, Claim, ClaimKind, LedgerError, admit};
use serde::Deserialize;

use crate::{
    app::App,
    booking,
    funding::{self, Chosen},
    problem::Problem,
    storage::{Connection, funding as reservations, loans},
};

/// The name of the ceiling over everything, `limits.exposure_max`.
pub const OVER_ALL: &str = "exposure_max";

/// The one thing that is asked of an offer here.
#[derive(Deserialize)]
struct OfProduct {
    #[serde(default)]
    product: String,
}

/// What persons who may be one and the same owe in all on the business date.
///
/// # Errors
/// 500 when the database fails.
pub async fn claims(app: &App, db: &mut Connection, persons: &[String], currency: &str) -> Result<Vec<Claim>, Problem> {
    let today = app.today()?.to_string();
    let persons: Vec<&str> = persons.iter().map(String::as_str).collect();
    let rows = loans::claims_of(db, &persons, currency, &today).await?;
    let mut claims = Vec::with_capacity(rows.len());
    for row in rows {
        let of: OfProduct = serde_json::from_str(&row.offer).map_err(Problem::internal)?;
        let amount = match row.amount {
            Some(minor) => Amount::new(minor).map_err(Problem::internal)?,
            None => folded(db, &row.id).await?,
        };
        let kind = match row.kind.as_str() {
            "hold" => ClaimKind::Hold,
            "signed" => ClaimKind::Signed,
            _ => ClaimKind::Principal,
        };
        for (funder, amount) in by_funder(app, db, &row, amount).await? {
            claims.push(Claim { kind, product: of.product.clone(), merchant: row.merchant.clone(), funder, amount });
        }
    }
    Ok(claims)
}

/// Whose money a claim is: its funders' by their shares, or the lender's own.
async fn by_funder(
    app: &App,
    db: &mut Connection,
    row: &loans::ClaimRow,
    amount: Amount,
) -> Result<Vec<(String, Amount)>, Problem> {
    let own = || app.settings.lender_id.clone();
    // What no ceiling asks for is not read: whatever a signing reads, another may have to be made again for.
    if !app.settings.ceilings.iter().any(|one| one.ceiling.funder.is_some()) {
        return Ok(vec![(own(), amount)]);
    }
    if row.kind != "hold" {
        let Some(books) = funding::books::of_loan(db, &row.id).await? else { return Ok(vec![(own(), amount)]) };
        let parts = books.funding().split(amount).map_err(Problem::internal)?;
        return Ok(books.funding().funders().iter().map(|funder| funder.id.clone()).zip(parts).collect());
    }
    let (mut parts, mut left) = (Vec::new(), amount);
    for (funder, minor) in reservations::reserved_for(db, &row.id).await? {
        let part = Amount::new(minor).map_err(Problem::internal)?.min(left);
        left = left.saturating_sub(part);
        parts.push((funder, part));
    }
    if !left.is_zero() {
        parts.push((own(), left));
    }
    Ok(parts)
}

/// What an offer would add: a claim of each who finances it. As long as that is not known, it counts towards no ceiling
/// of a funder's.
///
/// # Errors
/// 500 where the shares are none.
pub fn added(
    app: &App,
    (merchant, kind): (&str, ClaimKind),
    offer: &Offer,
    chosen: Option<&Chosen>,
) -> Result<Vec<Claim>, Problem> {
    let claim = |funder: String, amount: Amount| Claim {
        kind,
        product: offer.product.clone(),
        merchant: merchant.to_owned(),
        funder,
        amount,
    };
    Ok(match chosen {
        Some(chosen) => {
            let parts = chosen.parts(offer.principal)?;
            chosen.funders.iter().zip(parts).map(|(member, part)| claim(member.id.clone(), part)).collect()
        }
        None if app.settings.funders.rules().is_some() => vec![claim(String::new(), offer.principal)],
        None => vec![claim(app.settings.lender_id.clone(), offer.principal)],
    })
}

/// What is exposed of a loan that had its last event before this was projected.
async fn folded(db: &mut Connection, loan: &str) -> Result<Amount, Problem> {
    let row = loans::find(db, loan).await?.ok_or_else(|| Problem::internal("a claim without its loan"))?;
    Ok(booking::load(db, &row).await?.exposure())
}

/// The first ceiling that new claims would pass together.
///
/// # Errors
/// 500 where there are more claims than can be judged.
pub fn passed(mut claims: Vec<Claim>, new: Vec<Claim>, ceilings: &[Ceiling]) -> Result<Option<String>, Problem> {
    for one in new {
        match admit(&claims, &one, ceilings) {
            Ok(()) => claims.push(one),
            Err(LedgerError::Ceiling(ceiling)) => return Ok(Some(ceiling)),
            // Sums beyond any amount are above every ceiling.
            Err(LedgerError::Money(_)) => return Ok(Some(OVER_ALL.to_owned())),
            Err(error) => return Err(Problem::internal(error)),
        }
    }
    Ok(None)
}
