//! Terms, events and a date → the amount that settles, in parts.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeStruct};

use crate::{
    calendar::Date,
    credit::{AccountInstallment, AfterMaturity, CreditError, Event, EventKind, Parts, TEXT_BYTES_MAX, Terms, account},
    money::Amount,
};

/// To which day interest is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoffInterest {
    /// To the day asked.
    #[default]
    ToDate,
    /// To the next due date, the day asked included.
    ToNextDue,
}

/// The input of `prequal payoff`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a payoff question as an object")]
pub struct PayoffInput {
    /// The terms as signed.
    pub terms: Terms,
    /// The day on which the loan would be settled.
    pub date: Date,
    /// To which day interest is counted.
    #[serde(default)]
    pub interest: PayoffInterest,
    /// What happened to the loan so far.
    #[serde(default)]
    pub events: Vec<Event>,
    /// Whether interest goes on after the last due date; may stand in the terms instead.
    #[serde(default)]
    pub after_maturity: Option<AfterMaturity>,
}

/// What settles a loan; the output of `prequal payoff`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Payoff {
    /// The day.
    pub date: Date,
    /// Principal outstanding.
    pub principal: Amount,
    /// Interest not yet paid.
    pub interest: Amount,
    /// Fees not yet paid.
    pub fee: Amount,
    /// Penalties not yet paid.
    pub penalty: Amount,
    /// The sum.
    pub total: Amount,
    /// What of it is past due.
    pub overdue: Parts,
    /// Money received beyond the debt.
    pub unapplied: Amount,
    /// The schedule as it now stands.
    pub installments: Vec<AccountInstallment>,
}

/// What settles a loan on a day.
///
/// # Errors
/// As [`account`]; `conflicting_fields` where `after_maturity` is given twice and differs.
pub fn payoff(input: &PayoffInput) -> Result<Payoff, CreditError> {
    let state = match (input.after_maturity, input.terms.after_maturity) {
        (Some(one), Some(other)) if one != other => {
            return Err(CreditError::Conflict("after_maturity", "terms.after_maturity"));
        }
        (Some(after_maturity), None) => {
            let terms = Terms { after_maturity: Some(after_maturity), ..input.terms.clone() };
            account(&terms, &input.events, input.date)?
        }
        _ => account(&input.terms, &input.events, input.date)?,
    };
    let interest = match input.interest {
        PayoffInterest::ToDate => state.balance.interest,
        PayoffInterest::ToNextDue => state.interest_to_next_due,
    };
    let settling = Parts { interest, ..state.balance };
    Ok(Payoff {
        date: state.date,
        principal: settling.principal,
        interest: settling.interest,
        fee: settling.fee,
        penalty: settling.penalty,
        total: settling.total()?,
        overdue: state.overdue,
        unapplied: state.unapplied,
        installments: state.installments,
    })
}

impl Serialize for AccountInstallment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Each part is at most the principal or one period's interest; the sums were made before.
        let sum = |parts: &Parts| parts.total().map_err(serde::ser::Error::custom);
        let mut row = serializer.serialize_struct("installment", 10)?;
        row.serialize_field("number", &self.number)?;
        row.serialize_field("due", &self.due)?;
        row.serialize_field("principal", &self.owed.principal)?;
        row.serialize_field("interest", &self.owed.interest)?;
        row.serialize_field("fee", &self.owed.fee)?;
        row.serialize_field("penalty", &self.owed.penalty)?;
        row.serialize_field("total", &sum(&self.owed)?)?;
        row.serialize_field("balance", &self.balance)?;
        row.serialize_field("paid", &sum(&self.paid)?)?;
        row.serialize_field("status", &self.status)?;
        row.end()
    }
}

/// The event vocabulary. Those without a rule here are refused by name.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EventType {
    Repayment,
    Reversal,
    Draw,
    Prepayment,
    Refund,
    RateChange,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an event as an object")]
struct EventForm {
    r#type: EventType,
    date: Date,
    id: Option<String>,
    amount: Option<Amount>,
    of: Option<String>,
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = EventForm::deserialize(deserializer)?;
        let refuse = |error: CreditError| Err(de::Error::custom(error));
        for (field, text) in [("id", &form.id), ("of", &form.of)] {
            if text.as_ref().is_some_and(|text| text.is_empty() || text.len() > TEXT_BYTES_MAX) {
                return refuse(CreditError::BadText(field));
            }
        }
        let kind = match (form.r#type, form.amount, form.of) {
            (EventType::Repayment, Some(amount), None) => EventKind::Repayment(amount),
            (EventType::Repayment, None, _) => return Err(de::Error::missing_field("amount")),
            (EventType::Repayment, _, Some(_)) => {
                return refuse(CreditError::NotApplicable { field: "of", why: "only a `reversal` has it" });
            }
            (EventType::Reversal, None, Some(of)) => EventKind::Reversal { of },
            (EventType::Reversal, Some(_), _) => {
                let why = "a `reversal` undoes the whole event";
                return refuse(CreditError::NotApplicable { field: "amount", why });
            }
            (EventType::Reversal, _, None) => return Err(de::Error::missing_field("of")),
            (EventType::Draw, ..) => return refuse(CreditError::UnsupportedEvent("draw")),
            (EventType::Prepayment, ..) => return refuse(CreditError::UnsupportedEvent("prepayment")),
            (EventType::Refund, ..) => return refuse(CreditError::UnsupportedEvent("refund")),
            (EventType::RateChange, ..) => return refuse(CreditError::UnsupportedEvent("rate_change")),
        };
        Ok(Self { id: form.id, date: form.date, kind })
    }
}
