//! Reading an [`Event`]: one form that has every event's members, of which each event takes its own.
//!
//! A reader derived for the tagged enum would first keep the whole document as untyped content; that machinery alone
//! would be a tenth of what a browser downloads.

use prequal_derive::Read;
use serde::Deserialize;

use super::{
    decision::Standing,
    input::Order,
    journey::{Event, OfferReference, State},
    map::Map,
    scalar::Scalar,
};
use crate::{
    calendar::{Date, Instant},
    json::Wrong,
};

#[derive(Clone, Copy, PartialEq, Deserialize, Read)]
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

#[derive(Deserialize, Read)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(rename = "type")]
    kind: Type,
    application_id: Option<String>,
    decision_id: Option<String>,
    expires: Option<Instant>,
    fields: Option<Map<Scalar>>,
    locale: Option<String>,
    now: Option<Instant>,
    offer_id: Option<String>,
    offers: Option<Vec<OfferReference>>,
    order: Option<Order>,
    outcome: Option<Standing>,
    state: Option<State>,
    step: Option<String>,
    today: Option<Date>,
}

impl Event {
    fn from_form(mut form: Form, wrong: &mut Wrong) -> Self {
        let event = take(&mut form);
        match event {
            Ok(event) => {
                if let Some(name) = left_over(&form) {
                    wrong.note(format_args!("this event takes no `{name}`"));
                }
                event
            }
            Err(name) => {
                wrong.missing(name);
                Self::Sign
            }
        }
    }
}

crate::json::json_form!(Event, Form);

/// The event, its members taken out of the form, or the name of one that is missing.
fn take(form: &mut Form) -> Result<Event, &'static str> {
    Ok(match form.kind {
        Type::Start => Event::Start { order: need(&mut form.order, "order")? },
        Type::Fill => Event::Fill {
            fields: need(&mut form.fields, "fields")?,
            locale: form.locale.take(),
            now: need(&mut form.now, "now")?,
            step: need(&mut form.step, "step")?,
            today: need(&mut form.today, "today")?,
        },
        Type::Prequalified => Event::Prequalified { outcome: need(&mut form.outcome, "outcome")? },
        Type::OffersReceived => Event::OffersReceived {
            application_id: need(&mut form.application_id, "application_id")?,
            expires: need(&mut form.expires, "expires")?,
            offers: need(&mut form.offers, "offers")?,
        },
        Type::SelectOffer => {
            Event::SelectOffer { offer_id: need(&mut form.offer_id, "offer_id")?, now: need(&mut form.now, "now")? }
        }
        Type::Submit => Event::Submit { now: need(&mut form.now, "now")? },
        Type::ServerStatus => Event::ServerStatus {
            application_id: need(&mut form.application_id, "application_id")?,
            decision_id: form.decision_id.take(),
            state: need(&mut form.state, "state")?,
        },
        Type::Sign => Event::Sign,
        Type::OrderChanged => Event::OrderChanged { order: need(&mut form.order, "order")? },
        Type::Tick => Event::Tick { now: need(&mut form.now, "now")? },
        Type::Withdraw => Event::Withdraw,
        Type::Restore => Event::Restore { now: need(&mut form.now, "now")?, today: need(&mut form.today, "today")? },
    })
}

fn need<T>(member: &mut Option<T>, name: &'static str) -> Result<T, &'static str> {
    member.take().ok_or(name)
}

fn left_over(form: &Form) -> Option<&'static str> {
    let given = [
        ("application_id", form.application_id.is_some()),
        ("decision_id", form.decision_id.is_some()),
        ("expires", form.expires.is_some()),
        ("fields", form.fields.is_some()),
        ("locale", form.locale.is_some()),
        ("now", form.now.is_some()),
        ("offer_id", form.offer_id.is_some()),
        ("offers", form.offers.is_some()),
        ("order", form.order.is_some()),
        ("outcome", form.outcome.is_some()),
        ("state", form.state.is_some()),
        ("step", form.step.is_some()),
        ("today", form.today.is_some()),
    ];
    given.into_iter().find(|(_, is_given)| *is_given).map(|(name, _)| name)
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
