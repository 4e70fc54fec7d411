//! Notices of a decline: what was decided, by whom, and why, in the words of the bundle.

use std::fmt::Write;

use prequal_core::{calendar::Instant, wire::Reason};

use crate::{
    app::new_id,
    policy::Policy,
    problem::Problem,
    storage::{Connection, applications},
};

/// Queues the notice of a decline, in the transaction that records it. The text names no person: the address
/// is looked up in the personal store when it is sent.
///
/// # Errors
/// 500 when the database fails.
pub async fn queue(
    db: &mut Connection,
    policy: &Policy,
    application: &str,
    decision: &str,
    reasons: &[Reason],
    now: Instant,
) -> Result<(), Problem> {
    let mut text = format!(
        "{} cannot offer credit for the purchase of application {application}.\nThe principal reasons are:\n",
        policy.lender_name()
    );
    for reason in reasons {
        let _ = writeln!(text, "- {} ({})", reason.text, reason.code);
    }
    let _ = write!(text, "The decision is recorded as {decision}. You may ask for a person to look at it again.");
    Ok(applications::insert_notice(db, &new_id(), application, decision, &text, &now.to_string()).await?)
}
