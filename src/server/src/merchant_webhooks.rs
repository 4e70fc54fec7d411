//! Events that merchants' and the lender's own systems are told of: written with their effect, sent afterwards by
//! [`crate::webhook_sender`].

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::{
    app::new_id,
    problem::Problem,
    storage::{Connection, webhooks},
};

/// The largest message, in bytes: what the specification recommends.
pub const MESSAGE_BYTES_MAX: usize = 20 * 1024;
/// The owner of the lender's own endpoints, which are told of everything.
pub const LENDER: &str = "lender";

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What may be told of. What is said of it names no person.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum EventType { $($(#[$doc])* $name,)* }

        impl EventType {
            /// Every type, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in a message.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

events! {
    /// An agreement was signed and the loan is booked.
    LoanBooked = "loan.booked";
    /// A loan's debt is paid.
    LoanSettled = "loan.settled";
    /// The merchant was paid.
    PayoutSettled = "payout.settled";
    /// The merchant could not be paid.
    PayoutFailed = "payout.failed";
    /// A merchant owed for too long: what it owes is claimed from it.
    MerchantClaimed = "merchant.claimed";
    /// An order was signed for, and is captured later.
    OrderAuthorized = "order.authorized";
    /// An order was captured, whole or in part.
    OrderCaptured = "order.captured";
    /// A capture could not be paid out: nothing was lent by it.
    OrderCaptureFailed = "order.capture_failed";
    /// What was left of an order was released.
    OrderVoided = "order.voided";
    /// The window of an order ended before all of it was captured.
    OrderExpired = "order.expired";
    /// A repayment has arrived.
    RepaymentCleared = "repayment.cleared";
    /// An application waits for a person's decision.
    DecisionReferred = "decision.referred";
    /// An application was declined; why is nobody's business but the applicant's.
    DecisionDeclined = "decision.declined";
    /// A duty to an applicant ends in a few days.
    DutyDueSoon = "duty.due_soon";
    /// A duty to an applicant should have been met.
    DutyOverdue = "duty.overdue";
}

/// The owner of a merchant's endpoints.
#[must_use]
pub fn owner_of(merchant: &str) -> String {
    format!("merchant:{merchant}")
}

/// Something that happened, to a merchant's customer or, without a merchant, to the lender alone.
#[derive(Debug, Clone)]
pub struct Happened {
    /// Whose customer.
    pub merchant: Option<String>,
    /// What.
    pub event: EventType,
    /// What is said of it.
    pub data: Value,
}

/// Tells of one thing, in the transaction that does it.
///
/// # Errors
/// 500 when the database fails or the message is too large.
pub async fn emit<'m>(
    db: &mut Connection,
    merchant: impl Into<Option<&'m str>>,
    event: EventType,
    data: &impl Serialize,
    now: &str,
) -> Result<(), Problem> {
    let data = serde_json::to_value(data).map_err(Problem::internal)?;
    emit_all(db, &[Happened { merchant: merchant.into().map(str::to_owned), event, data }], now).await
}

/// Tells of several things in a few statements. What nobody listens to is not written.
///
/// # Errors
/// As [`emit`].
pub async fn emit_all(db: &mut Connection, happened: &[Happened], now: &str) -> Result<(), Problem> {
    if happened.is_empty() {
        return Ok(());
    }
    let owners: BTreeSet<String> = happened.iter().filter_map(|one| one.merchant.as_deref()).map(owner_of).collect();
    let owners: Vec<&str> = owners.iter().map(String::as_str).chain([LENDER]).collect();
    let endpoints = webhooks::of_owners(db, &owners).await?;
    let mut messages = Vec::new();
    for one in happened {
        let owner = one.merchant.as_deref().map(owner_of);
        let name = one.event.name();
        let listens = |endpoint: &&webhooks::Endpoint| {
            let concerned = endpoint.owner == LENDER || Some(&endpoint.owner) == owner.as_ref();
            concerned && (endpoint.events == "*" || endpoint.events.split(' ').any(|event| event == name))
        };
        let deliveries: Vec<_> = endpoints
            .iter()
            .filter(listens)
            // What a disabled endpoint missed can be sent again later.
            .map(|to| (new_id(), to.id.clone(), if to.status == "enabled" { "waiting" } else { "dead" }))
            .collect();
        if deliveries.is_empty() {
            continue;
        }
        let body = serde_json::json!({ "type": name, "timestamp": now, "data": one.data }).to_string();
        if body.len() > MESSAGE_BYTES_MAX {
            return Err(Problem::internal(format!("a message `{name}` of {} bytes", body.len())));
        }
        messages.push(webhooks::Message { id: new_id(), r#type: name, body, deliveries });
    }
    Ok(webhooks::add_messages(db, &messages, now).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_as_the_specification_asks_and_once() {
        let names: BTreeSet<&str> = EventType::ALL.iter().map(|event| event.name()).collect();
        assert_eq!(names.len(), EventType::ALL.len());
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(names.iter().all(|name| name.split('.').count() == 2 && name.split('.').all(plain)));
    }
}
