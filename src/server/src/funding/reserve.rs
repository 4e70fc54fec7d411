//! What may be signed with a loan's funders: capacity and the portfolio's ratios, on sums over rows, in the transaction
//! that signs.
//!
//! No row is shared between signings. Two at the same instant read the same sums and changes and add rows of their own; a
//! serializable database lets one of them through and the other do its work again, on sums in which the first is.

use prequal_core::{currency::Currency, money::Amount};
use prequal_ledger::{Totals, ratio::Counts, router::Excluded};

use super::{Chosen, config::Kind};
use crate::{
    app::App,
    problem::{Kind as Wrong, Problem},
    storage::{
        Connection,
        funding::{self, Reservation},
    },
};

/// Why a loan of so much cannot be financed so; none where it can.
///
/// # Errors
/// 500 when the database fails.
pub async fn judge(
    app: &App,
    db: &mut Connection,
    chosen: &Chosen,
    principal: Amount,
    currency: Currency,
) -> Result<Option<Excluded>, Problem> {
    let Some(rules) = app.settings.funders.rules() else {
        return Ok(Some(Excluded { funder: None, reason: "not_configured".to_owned() }));
    };
    let parts = chosen.parts(principal)?;
    let shares = chosen.funders.iter().zip(&parts).map(|(member, part)| (&member.id, *part));
    for (id, part) in shares.chain(chosen.guarantor.iter().map(|guarantor| (&guarantor.id, principal))) {
        let excluded = |reason: &str| Some(Excluded { funder: Some(id.clone()), reason: reason.to_owned() });
        let Some(funder) = app.settings.funders.find(id) else { return Ok(excluded("not_configured")) };
        let Some(capacity) = funder.config.capacity else { continue };
        let (held, _, _) = funding::exposure_of(db, id, currency.code()).await?;
        if add(held, part)? > capacity {
            return Ok(excluded("capacity"));
        }
    }
    if !chosen.joint || !rules.ratios.needs_totals() {
        return Ok(None);
    }
    let own = own_part(chosen, &parts)?;
    let (own_joint, partners) = funding::joint(db, currency.code()).await?;
    let all = funding::all(db, currency.code()).await?;
    for member in chosen.funders.iter().filter(|member| member.kind == Kind::Partner) {
        let (_, own_with, whole_with) = funding::exposure_of(db, &member.id, currency.code()).await?;
        let totals = match rules.ratios.counts {
            Counts::Lender => Totals {
                with_partner: add(own_with, own)?,
                joint: add(own_joint, own)?,
                all: add(all.saturating_sub(partners), own)?,
            },
            Counts::Whole => Totals {
                with_partner: add(whole_with, principal)?,
                joint: add(own_joint.saturating_add(partners), principal)?,
                all: add(all, principal)?,
            },
        };
        if let Err(passed) = rules.ratios.judge(&totals) {
            return Ok(Some(Excluded { funder: Some(member.id.clone()), reason: passed.name().to_owned() }));
        }
    }
    Ok(None)
}

fn add(held: i64, part: Amount) -> Result<Amount, Problem> {
    Amount::new(held).and_then(|held| held.checked_add(part)).map_err(Problem::internal)
}

/// The lender's own part.
fn own_part(chosen: &Chosen, parts: &[Amount]) -> Result<Amount, Problem> {
    let own = chosen.funders.iter().zip(parts).filter(|(member, _)| member.kind == Kind::Own);
    Amount::sum(own.map(|(_, part)| *part)).map_err(Problem::internal)
}

/// Judges once more and reserves, in the transaction that signs, until the loan is booked.
///
/// # Errors
/// 409 where it cannot be financed so any more.
pub async fn reserve(
    app: &App,
    db: &mut Connection,
    application: &str,
    chosen: &Chosen,
    principal: Amount,
    currency: Currency,
) -> Result<(), Problem> {
    if let Some(excluded) = judge(app, db, chosen, principal, currency).await? {
        let detail = "submit the offer again for others to finance it";
        return Err(Problem::new(Wrong::FundingUnavailable, detail).with("reason", excluded.reason));
    }
    hold(db, application, chosen, principal, currency).await
}

/// Reserves without judging: what was reserved, or lent, before.
///
/// # Errors
/// 500 when the database fails.
pub async fn hold(
    db: &mut Connection,
    application: &str,
    chosen: &Chosen,
    principal: Amount,
    currency: Currency,
) -> Result<(), Problem> {
    let parts = chosen.parts(principal)?;
    let own = own_part(chosen, &parts)?;
    let row = |funder: &str, kind: Kind, amount: Amount| Reservation {
        funder: funder.to_owned(),
        kind: kind.name(),
        joint: chosen.joint,
        currency: currency.code().to_owned(),
        amount: amount.minor(),
        own_amount: own.minor(),
        whole_amount: principal.minor(),
    };
    let mut rows: Vec<Reservation> =
        chosen.funders.iter().zip(&parts).map(|(member, part)| row(&member.id, member.kind, *part)).collect();
    rows.extend(chosen.guarantor.iter().map(|one| row(&one.id, Kind::Guarantor, principal)));
    Ok(funding::reserve(db, application, &rows).await?)
}

/// A part of what was reserved is lent, so it is counted by the loan from now on; the rest stays reserved.
///
/// # Errors
/// 500 when the database fails.
pub async fn lend(
    db: &mut Connection,
    application: &str,
    chosen: &Chosen,
    lent: Amount,
    currency: Currency,
) -> Result<(), Problem> {
    let reserved = Amount::new(funding::reserved(db, application).await?).map_err(Problem::internal)?;
    let left = reserved.saturating_sub(lent);
    if left.is_zero() {
        return Ok(funding::release(db, application).await?);
    }
    hold(db, application, chosen, left, currency).await
}
