//! Terms, events and a date → the amount that settles, in parts.

use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};

use crate::{
    calendar::Date,
    credit::{
        AccountInstallment, AccountState, AfterMaturity, Allocation, AllocationRule, CreditError, Event, LateFee,
        NotCharged, Parts, Penalty, PrepaymentRule, RefundRule, Rules, Terms, account_by,
        caps::{CAPS_MAX, ChargeCap, PlanCap, PlanFacts, rules_under},
        schedule,
    },
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

/// Caps on plans, and whom they bind.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a law as an object")]
pub struct Law {
    /// The caps.
    pub caps: Vec<PlanCap>,
    /// The type of the lender, as caps name it.
    #[serde(default)]
    pub lender: String,
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
    /// How a payment is applied.
    #[serde(default)]
    pub allocation: AllocationRule,
    /// Interest on what is late.
    #[serde(default)]
    pub penalty: Option<Penalty>,
    /// Fixed charges for being late.
    #[serde(default)]
    pub late_fee: Option<LateFee>,
    /// What paying before time costs and does.
    #[serde(default)]
    pub prepayment: PrepaymentRule,
    /// What a merchant's refund gives back.
    #[serde(default)]
    pub refund: RefundRule,
    /// Days from the start within which the contract can be withdrawn from.
    #[serde(default)]
    pub withdrawal_days: Option<u16>,
    /// Legal ceilings on charges.
    #[serde(default)]
    pub caps: Vec<ChargeCap>,
    /// The law of the day of signature, as it judges plans; it bounds the charges as well.
    #[serde(default)]
    pub law: Option<Law>,
    /// Whether the answer says how each event's money was applied.
    #[serde(default)]
    pub allocations: bool,
}

impl PayoffInput {
    /// The rules among the fields.
    fn rules(&self) -> Result<Rules, CreditError> {
        let rules = Rules {
            allocation: self.allocation.clone(),
            penalty: self.penalty.clone(),
            late_fee: self.late_fee.clone(),
            prepayment: self.prepayment.clone(),
            refund: self.refund,
            withdrawal_days: self.withdrawal_days,
            caps: self.caps.clone(),
        };
        let Some(law) = &self.law else { return Ok(rules) };
        if law.caps.len() > CAPS_MAX {
            return Err(CreditError::TooMany { what: "caps", max: CAPS_MAX });
        }
        law.caps.iter().try_for_each(PlanCap::check)?;
        let made = schedule(&self.terms)?;
        rules_under(&rules, &law.caps, &self.terms, &PlanFacts::of(&self.terms, &made, &law.lender))
    }

    fn state(&self) -> Result<AccountState, CreditError> {
        let rules = self.rules()?;
        match (self.after_maturity, self.terms.after_maturity) {
            (Some(one), Some(other)) if one != other => {
                Err(CreditError::Conflict("after_maturity", "terms.after_maturity"))
            }
            (Some(after_maturity), None) => {
                let terms = Terms { after_maturity: Some(after_maturity), ..self.terms.clone() };
                account_by(&terms, &rules, &self.events, self.date)
            }
            _ => account_by(&self.terms, &rules, &self.events, self.date),
        }
    }
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
    /// The fee for settling before time.
    #[serde(skip_serializing_if = "Amount::is_zero_ref")]
    pub prepayment_fee: Amount,
    /// Fees paid before and given back on settling.
    #[serde(skip_serializing_if = "Amount::is_zero_ref")]
    pub fee_credit: Amount,
    /// The sum, less what is given back.
    pub total: Amount,
    /// What of it is past due.
    pub overdue: Parts,
    /// Money received beyond the debt.
    pub unapplied: Amount,
    /// The schedule as it now stands.
    pub installments: Vec<AccountInstallment>,
    /// Charges that were not posted, or not in full, with the cap in the way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_charged: Vec<NotCharged>,
    /// How each event's money was applied, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocations: Option<Vec<Allocation>>,
}

/// What settles a loan on a day.
///
/// # Errors
/// As [`account`]; `conflicting_fields` where `after_maturity` is given twice and differs.
pub fn payoff(input: &PayoffInput) -> Result<Payoff, CreditError> {
    let state = input.state()?;
    let interest = match input.interest {
        PayoffInterest::ToDate => state.balance.interest,
        PayoffInterest::ToNextDue => state.interest_to_next_due,
    };
    let fee = state.balance.fee.saturating_sub(state.fee_dropped);
    let settling = Parts { interest, fee, ..state.balance };
    let total = settling.total()?.checked_add(state.prepayment_fee)?.saturating_sub(state.fee_credit);
    Ok(Payoff {
        date: state.date,
        principal: settling.principal,
        interest: settling.interest,
        fee: settling.fee,
        penalty: settling.penalty,
        prepayment_fee: state.prepayment_fee,
        fee_credit: state.fee_credit,
        total,
        overdue: state.overdue,
        unapplied: state.unapplied,
        installments: state.installments,
        not_charged: state.not_charged,
        allocations: input.allocations.then_some(state.allocations),
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
