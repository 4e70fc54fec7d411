//! Exposure: what one verified person owes, has signed, or may come to owe, over all products and merchants.
//!
//! It is asked in the transaction that signs: what is signed there is a claim for whoever signs next, so that requests
//! at the same instant, on however many servers, cannot pass a ceiling together. What a line of credit would still lend
//! is no claim; what an order holds is, whether or not it stands under a line. What was charged off or sold is a claim as
//! long as it is not paid: it left the lender's books, and not the person's debts.

use prequal_core::money::Amount;
use prequal_ledger::{Ceiling, Claim, ClaimKind, LedgerError, admit};
use serde::Deserialize;

use crate::{
    app::App,
    booking,
    problem::Problem,
    storage::{Connection, loans},
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
        claims.push(Claim {
            kind: match row.kind.as_str() {
                "hold" => ClaimKind::Hold,
                "signed" => ClaimKind::Signed,
                _ => ClaimKind::Principal,
            },
            product: of.product,
            merchant: row.merchant,
            funder: app.settings.lender_id.clone(),
            amount,
        });
    }
    Ok(claims)
}

/// What is exposed of a loan that had its last event before this was projected.
async fn folded(db: &mut Connection, loan: &str) -> Result<Amount, Problem> {
    let row = loans::find(db, loan).await?.ok_or_else(|| Problem::internal("a claim without its loan"))?;
    Ok(booking::load(db, &row).await?.exposure())
}

/// The first ceiling that a new claim would pass.
///
/// # Errors
/// 500 where there are more claims than can be judged.
pub fn passed(claims: &[Claim], new: &Claim, ceilings: &[Ceiling]) -> Result<Option<String>, Problem> {
    match admit(claims, new, ceilings) {
        Ok(()) => Ok(None),
        Err(LedgerError::Ceiling(ceiling)) => Ok(Some(ceiling)),
        // Sums beyond any amount are above every ceiling.
        Err(LedgerError::Money(_)) => Ok(Some(OVER_ALL.to_owned())),
        Err(error) => Err(Problem::internal(error)),
    }
}
