//! What happens to a loan, and its JSON form.

use serde::{Deserialize, Deserializer, de};

use crate::{
    calendar::Date,
    credit::{CreditError, Effect, Rate, RefundOrder, TEXT_BYTES_MAX},
    money::Amount,
};

/// Something that happened to the loan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// A name by which a reversal can refer to it.
    pub id: Option<String>,
    /// Its value date.
    pub date: Date,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to the loan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Money was received.
    Repayment(Amount),
    /// The event of that id is undone as if it had never been.
    Reversal {
        /// The id of the event undone.
        of: String,
    },
    /// More was lent: what is left is spread anew over the instalments left.
    Draw(Amount),
    /// Money was received to repay principal before its time.
    Prepayment {
        /// What was received, its fee included.
        amount: Amount,
        /// What becomes of the instalments; the rule's where absent.
        effect: Option<Effect>,
    },
    /// The merchant gave back the price or a part of it.
    Refund {
        /// What was given back.
        amount: Amount,
        /// Which instalments it reduces; the rule's where absent.
        order: Option<RefundOrder>,
    },
    /// Interest runs at another rate from the next day on.
    RateChange {
        /// The new rate.
        rate: Rate,
        /// Whether the level instalment stays; else it is computed anew.
        keep_installment: bool,
    },
    /// The borrower withdrew from the contract: principal and interest for the days used are owed.
    Withdrawal,
}

/// The event vocabulary.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EventType {
    Repayment,
    Reversal,
    Draw,
    Prepayment,
    Refund,
    RateChange,
    Withdrawal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an event as an object")]
struct EventForm {
    r#type: EventType,
    date: Date,
    id: Option<String>,
    amount: Option<Amount>,
    of: Option<String>,
    effect: Option<Effect>,
    order: Option<RefundOrder>,
    rate: Option<Rate>,
    keep_installment: Option<bool>,
}

impl EventForm {
    /// A field that this type of event has no use for.
    fn stray(&self) -> Option<CreditError> {
        use EventType::{Draw, Prepayment, RateChange, Refund, Repayment, Reversal};
        let given: [(&'static str, bool, &[EventType], &'static str); 6] = [
            ("of", self.of.is_some(), &[Reversal], "only a `reversal` has it"),
            (
                "amount",
                self.amount.is_some(),
                &[Repayment, Draw, Prepayment, Refund],
                if self.r#type == Reversal { "a `reversal` undoes the whole event" } else { "no money moves" },
            ),
            ("effect", self.effect.is_some(), &[Prepayment], "only a `prepayment` has it"),
            ("order", self.order.is_some(), &[Refund], "only a `refund` has it"),
            ("rate", self.rate.is_some(), &[RateChange], "only a `rate_change` has it"),
            ("keep_installment", self.keep_installment.is_some(), &[RateChange], "only a `rate_change` has it"),
        ];
        given
            .into_iter()
            .find(|(_, given, types, _)| *given && !types.contains(&self.r#type))
            .map(|(field, _, _, why)| CreditError::NotApplicable { field, why })
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = EventForm::deserialize(deserializer)?;
        for (field, text) in [("id", &form.id), ("of", &form.of)] {
            if text.as_ref().is_some_and(|text| text.is_empty() || text.len() > TEXT_BYTES_MAX) {
                return Err(de::Error::custom(CreditError::BadText(field)));
            }
        }
        if let Some(error) = form.stray() {
            return Err(de::Error::custom(error));
        }
        let amount = || form.amount.ok_or_else(|| de::Error::missing_field("amount"));
        // A prepayment of nothing may settle: what is given back of fees can be all that is owed.
        if form.amount == Some(Amount::ZERO) && form.r#type != EventType::Prepayment {
            return Err(de::Error::custom("`amount` must be at least 1 minor unit"));
        }
        let kind = match form.r#type {
            EventType::Repayment => EventKind::Repayment(amount()?),
            EventType::Draw => EventKind::Draw(amount()?),
            EventType::Prepayment => EventKind::Prepayment { amount: amount()?, effect: form.effect },
            EventType::Refund => EventKind::Refund { amount: amount()?, order: form.order },
            EventType::RateChange => EventKind::RateChange {
                rate: form.rate.ok_or_else(|| de::Error::missing_field("rate"))?,
                keep_installment: form.keep_installment.unwrap_or_default(),
            },
            EventType::Withdrawal => EventKind::Withdrawal,
            EventType::Reversal => EventKind::Reversal { of: form.of.ok_or_else(|| de::Error::missing_field("of"))? },
        };
        Ok(Self { id: form.id, date: form.date, kind })
    }
}
