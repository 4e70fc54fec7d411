//! Standing: how somebody who asks for more credit has kept the contracts that there are.
//!
//! It is asked of everybody who may be the same person, as exposure is, by rules of the configuration: a bundle decides on
//! what the edge knew, and these are the lender's own books of this moment.

use prequal_core::{calendar::Date, wire::Reason};
use prequal_ledger::Status;

use crate::{
    app::App,
    booking,
    conduct::Verdict,
    problem::Problem,
    storage::{Connection, lines, loans},
};

/// The code of the reason that a loan is too late, or was charged off.
pub const STANDING_CODE: &str = "LENDER-STANDING";

/// The code of the reason that a line of credit is frozen.
pub const LINE_CODE: &str = "LENDER-LINE-FROZEN";

/// Why persons whose line of credit in a currency is frozen are lent nothing more in it, with the line or without.
///
/// # Errors
/// 500 when the database fails.
pub async fn frozen(
    app: &App,
    db: &mut Connection,
    persons: &[String],
    currency: &str,
) -> Result<Option<Reason>, Problem> {
    if app.settings.conduct.standing.frozen_line == Verdict::Ignore {
        return Ok(None);
    }
    for person in persons {
        for id in lines::of_person(db, person, currency).await? {
            if crate::lines::load(db, &id).await?.line.is_frozen() {
                let text = "Your line of credit with us is frozen".to_owned();
                return Ok(Some(Reason { code: LINE_CODE.to_owned(), text }));
            }
        }
    }
    Ok(None)
}

/// Why persons who may be one and the same are lent nothing more today; none where nothing speaks against it.
///
/// # Errors
/// 500 when the database fails.
pub async fn against(
    app: &App,
    db: &mut Connection,
    persons: &[String],
    today: Date,
) -> Result<Option<Reason>, Problem> {
    let rules = app.settings.conduct.standing;
    let persons: Vec<&str> = persons.iter().map(String::as_str).collect();
    let ids = loans::that_may_be_late(db, &persons, &today.to_string()).await?;
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let (mut lost, mut late) = (false, false);
    for row in loans::books_of(db, &ids).await? {
        let events = row.events.as_deref().unwrap_or("").lines().filter_map(|line| line.split_once(' '));
        let loan = booking::restore(&row.signed(), events)?;
        let given_up = !loan.position().principal_charged_off.is_zero() && !loan.exposure().is_zero();
        lost |= given_up && rules.charged_off == Verdict::Decline;
        if loan.status() == Status::Active {
            late |= loan.delinquency(today).map_err(Problem::internal)?.days_past_due > rules.days_past_due_max;
        }
    }
    let text = match (lost, late) {
        (true, _) => "A loan of yours was written off, and it is not paid",
        (_, true) => "A payment that you owe us is too long past due",
        _ => return Ok(None),
    };
    Ok(Some(Reason { code: STANDING_CODE.to_owned(), text: text.to_owned() }))
}
