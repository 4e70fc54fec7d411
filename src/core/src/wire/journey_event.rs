//! Reading an [`Event`]: one object that may have every event's members, of which each event takes its own.
//!
//! A reader derived for the tagged enum would first keep the whole document as untyped content; that machinery alone
//! would be a tenth of what a browser downloads.

use core::cell::Cell;

use super::journey::Event;
use crate::json::{Members, Node, Read};

#[derive(Clone, Copy, PartialEq, prequal_derive::Read)]
#[serde(rename_all = "snake_case")]
enum Type {
    Start,
    Fill,
    Prequalified,
    OffersReceived,
    SelectOffer,
    Submit,
    ServerStatus,
    Sign,
    OrderChanged,
    Tick,
    Withdraw,
    Restore,
}

/// Every member that an event may have.
const NAMES: [&str; 14] = [
    "type",
    "application_id",
    "decision_id",
    "expires",
    "fields",
    "locale",
    "now",
    "offer_id",
    "offers",
    "order",
    "outcome",
    "state",
    "step",
    "today",
];

/// The members of an event, and which of them it has taken.
struct Taken<'t> {
    node: Node<'t>,
    members: Members<'t, 14>,
    taken: Cell<u16>,
}

impl Taken<'_> {
    fn take(&self, name: &str) -> Node<'_> {
        let index = NAMES.iter().position(|known| *known == name).unwrap_or(0);
        self.taken.set(self.taken.get() | 1 << (index & 15));
        self.members.node(index)
    }

    /// A member that may be absent or `null`.
    fn option<T: Read>(&self, name: &str) -> Option<T> {
        Option::read(self.take(name))
    }

    /// A member that must be there.
    fn need<T: Read>(&self, name: &str) -> T {
        let member = self.take(name);
        if member.is_null() {
            self.node.fail(format_args!("missing field `{name}`"));
        }
        T::read(member)
    }

    /// Takes note of a member that the event has no use for.
    fn end(&self) {
        let left = |index: &usize| self.taken.get() >> (index & 15) & 1 == 0 && !self.members.node(*index).is_null();
        if let Some(name) = (1..NAMES.len()).find(left).and_then(|index| NAMES.get(index)) {
            self.node.fail(format_args!("this event takes no `{name}`"));
        }
    }
}

impl Read for Event {
    fn read(node: Node<'_>) -> Self {
        // All but the first may be absent.
        let members = node.object(&NAMES, !1, false);
        let kind: Type = members.member(0);
        let all = Taken { node, members, taken: Cell::new(1) };
        let event = match kind {
            Type::Start => Self::Start { order: all.need("order") },
            Type::Fill => Self::Fill {
                fields: all.need("fields"),
                locale: all.option("locale"),
                now: all.need("now"),
                step: all.need("step"),
                today: all.need("today"),
            },
            Type::Prequalified => Self::Prequalified { outcome: all.need("outcome") },
            Type::OffersReceived => Self::OffersReceived {
                application_id: all.need("application_id"),
                expires: all.need("expires"),
                offers: all.need("offers"),
            },
            Type::SelectOffer => Self::SelectOffer { offer_id: all.need("offer_id"), now: all.need("now") },
            Type::Submit => Self::Submit { now: all.need("now") },
            Type::ServerStatus => Self::ServerStatus {
                application_id: all.need("application_id"),
                decision_id: all.option("decision_id"),
                state: all.need("state"),
            },
            Type::Sign => Self::Sign,
            Type::OrderChanged => Self::OrderChanged { order: all.need("order") },
            Type::Tick => Self::Tick { now: all.need("now") },
            Type::Withdraw => Self::Withdraw,
            Type::Restore => Self::Restore { now: all.need("now"), today: all.need("today") },
        };
        all.end();
        event
    }
}

#[cfg(test)]
mod tests {
    use crate::wire::{Event, parse};

    #[test]
    fn an_event_takes_its_own_members_and_no_others() {
        let read = |text: &str| parse::<Event>(text).map_err(|error| error.to_string());
        assert_eq!(read(r#"{"type":"sign"}"#), Ok(Event::Sign));
        assert!(matches!(read(r#"{"order":{"amount":1,"currency":"USD"},"type":"start"}"#), Ok(Event::Start { .. })));
        assert!(read(r#"{"type":"start"}"#).unwrap_err().starts_with("missing field `order`"));
        assert!(
            read(r#"{"type":"sign","now":"2026-11-23T08:00:00Z"}"#).unwrap_err().contains("this event takes no `now`")
        );
        assert!(read(r#"{"type":"signs"}"#).unwrap_err().starts_with("unknown variant `signs`"));
        assert!(read(r#"{"type":"sign","more":1}"#).unwrap_err().starts_with("unknown field `more`"));
    }

    /// What is written is read back, event by event.
    #[test]
    fn every_event_survives_the_way_through_json() {
        let now = r#""now":"2026-11-23T08:00:00Z""#;
        for text in [
            r#"{"order":{"amount":1,"currency":"USD"},"type":"start"}"#.to_owned(),
            format!(r#"{{"fields":{{"a":true}},"locale":null,{now},"step":"s","today":"2026-11-23","type":"fill"}}"#),
            r#"{"outcome":"likely","type":"prequalified"}"#.to_owned(),
            r#"{"application_id":"a","expires":"2026-11-23T08:00:00Z","offers":[],"type":"offers_received"}"#
                .to_owned(),
            format!(r#"{{{now},"offer_id":"o","type":"select_offer"}}"#),
            format!(r#"{{{now},"type":"submit"}}"#),
            r#"{"application_id":"a","decision_id":"d","state":"approved","type":"server_status"}"#.to_owned(),
            format!(r#"{{{now},"type":"tick"}}"#),
            r#"{"type":"withdraw"}"#.to_owned(),
            format!(r#"{{{now},"today":"2026-11-23","type":"restore"}}"#),
        ] {
            let event: Event = parse(&text).unwrap();
            assert_eq!(crate::canonical::to_string(&event).unwrap(), text);
        }
    }
}
