//! Captures that are dearer than what was signed: proposed to the shopper, and captured as they confirmed it.

use prequal_core::{calendar::Date, canonical, wire::Offer};
use prequal_ledger::{CaptureRefusal, Law, Share, capture_offer, capture_offer_up_to};
use serde_json::json;

use super::{dearer, state};
use crate::{
    problem::{Kind, Problem},
    storage::{Connection, orders, proposals},
};

/// For how many days after the one on which it is made a proposal may be confirmed and captured.
pub const PROPOSAL_DAYS: i32 = 7;
/// The most proposals of one order.
pub const PROPOSALS_OF_ORDER_MAX: usize = 100;

/// A capture that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Of which order.
    pub order: &'a orders::Row,
    /// What was signed.
    pub signed: &'a Offer,
    /// The part.
    pub share: &'a Share,
    /// The business date.
    pub today: Date,
    /// The moment.
    pub now: &'a str,
}

/// The contract of a capture, with the hash of the confirmation by which it may be dearer than what was signed; or, where
/// nobody confirmed it, the problem with what was proposed to the shopper.
///
/// # Errors
/// 409 where the law or the terms do not allow it, 429 where too much was proposed.
pub async fn terms(
    db: &mut Connection,
    asked: &Asked<'_>,
    law: Law<'_>,
) -> Result<Result<(Offer, Option<String>), Problem>, Problem> {
    let Asked { order, signed, share, today, .. } = *asked;
    let refusal = match capture_offer(signed, share, today, law) {
        Ok(offer) => return Ok(Ok((offer, None))),
        Err(refusal) => refusal,
    };
    let CaptureRefusal::DearerThanSigned { reached_percent, reached_percent_exact, .. } = &refusal else {
        return Err(dearer(&refusal));
    };
    let up_to = |percent: &str| capture_offer_up_to(signed, share, today, law, percent);
    let known = proposals::of_order(db, &order.checkout).await?;
    let day = today.to_string();
    let fits = |row: &&proposals::Row| {
        row.amount == share.amount().minor() && row.is_confirmed() && row.number.is_none() && row.expires_on >= day
    };
    for row in known.iter().filter(fits) {
        if let Ok(offer) = up_to(&row.reached_percent_exact) {
            return Ok(Ok((offer, Some(row.hash.clone()))));
        }
    }
    let offer = up_to(reached_percent_exact).map_err(|refusal| dearer(&refusal))?;
    let offer_text = canonical::to_string(&offer).map_err(Problem::internal)?;
    let document = json!({ "order": order.checkout, "offer": offer, "proposed_on": day });
    let hash = canonical::sha256_hex(canonical::to_string(&document).map_err(Problem::internal)?.as_bytes());
    let last = today.add_days(PROPOSAL_DAYS).map_err(Problem::internal)?;
    let row = proposals::Row {
        hash: hash.clone(),
        checkout: order.checkout.clone(),
        amount: share.amount().minor(),
        offer: offer_text,
        signed_percent: signed.apr.apr_percent.clone(),
        reached_percent: reached_percent.clone(),
        reached_percent_exact: reached_percent_exact.clone(),
        proposed_on: day,
        expires_on: last.to_string().min(order.capture_until.clone()),
        created: asked.now.to_owned(),
        confirmed: None,
        number: None,
    };
    if !known.iter().any(|other| other.hash == hash) {
        if known.len() >= PROPOSALS_OF_ORDER_MAX {
            let detail = format!("an order has had at most {PROPOSALS_OF_ORDER_MAX} proposals of dearer captures");
            return Err(Problem::new(Kind::TooMany, detail));
        }
        proposals::insert(db, &row).await?;
    }
    Ok(Err(dearer(&refusal).with("proposal_hash", hash).with("expires_on", row.expires_on)))
}

/// The shopper confirms a proposal: from now on, until it expires, its amount may be captured by it, once.
///
/// # Errors
/// 409 where the order has ended, 410 where the proposal has expired, 422 where it is none of this order.
pub async fn confirm(
    db: &mut Connection,
    order: &orders::Row,
    hash: &str,
    (today, now): (Date, &str),
) -> Result<proposals::Row, Problem> {
    let find = |rows: Vec<proposals::Row>| rows.into_iter().find(|row| row.hash == hash);
    let row = find(proposals::of_order(db, &order.checkout).await?);
    let row = row.ok_or_else(|| {
        let detail = "nothing of this hash was proposed for this order";
        Problem::new(Kind::AgreementDiffers, detail).with("pointer", "/hash")
    })?;
    if row.is_confirmed() {
        return Ok(row);
    }
    if row.expires_on < today.to_string() {
        let detail = "the time in which it could be confirmed is over";
        return Err(Problem::new(Kind::OfferExpired, detail).with("expires_on", row.expires_on));
    }
    let state = state(order)?;
    if state.held(today).is_zero() {
        return Err(
            Problem::new(Kind::OrderEnded, "nothing is left to be captured").with("state", state.state(today).name())
        );
    }
    proposals::confirm(db, hash, now).await?;
    Ok(proposals::Row { confirmed: Some(now.to_owned()), ..row })
}
