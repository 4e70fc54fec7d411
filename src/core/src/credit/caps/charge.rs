//! Ceilings on single charges, judged when a charge would be posted.

use prequal_derive::{Canonical, Read};
use serde::{Deserialize, Serialize};

use crate::{
    calendar::Date,
    credit::{
        CreditError, TEXT_BYTES_MAX,
        accrual::{checked_percent, percent_of},
    },
    decimal::Decimal,
    money::Amount,
    rounding::Rounding,
};

/// What is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum ChargeKind {
    /// Contract interest; counted, never refused here: the plan's caps judge it before signing.
    Interest,
    /// Fees of the signed plan; counted, never refused here.
    Fee,
    /// Interest on what is late.
    Penalty,
    /// A fixed charge for being late.
    LateFee,
    /// A fee for paying before time.
    PrepaymentFee,
}

/// A ceiling on the sum of some kinds of charges over the life of a loan, for a span of dates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read, Canonical)]
#[serde(deny_unknown_fields, expecting = "a cap as an object")]
pub struct ChargeCap {
    /// Its name in answers.
    pub id: String,
    /// The first day on which it holds.
    pub from: Date,
    /// The last day; open where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// The kinds that count together.
    pub counts: Vec<ChargeKind>,
    /// Together at most so many per cent of what was lent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent_of_principal: Option<Decimal>,
    /// Together at most this, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// Each charge at most this, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_each: Option<Amount>,
}

/// What a loan has been charged so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charged {
    /// What was lent, later draws included.
    pub lent: Amount,
    /// Contract interest so far.
    pub interest: Amount,
    /// Fees of the plan.
    pub fee: Amount,
    /// Interest on what was late.
    pub penalty: Amount,
    /// Fixed charges for being late.
    pub late_fee: Amount,
    /// Fees for paying before time.
    pub prepayment_fee: Amount,
}

impl Charged {
    /// The sum of one kind.
    #[must_use]
    pub const fn of(&self, kind: ChargeKind) -> Amount {
        match kind {
            ChargeKind::Interest => self.interest,
            ChargeKind::Fee => self.fee,
            ChargeKind::Penalty => self.penalty,
            ChargeKind::LateFee => self.late_fee,
            ChargeKind::PrepaymentFee => self.prepayment_fee,
        }
    }
}

/// What of a charge may be posted, and the cap that stands against the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged<'a> {
    /// What may be posted.
    pub allowed: Amount,
    /// The tightest cap, where something may not.
    pub cap: Option<&'a ChargeCap>,
}

impl ChargeCap {
    pub(crate) fn check(&self) -> Result<(), CreditError> {
        if self.id.is_empty() || self.id.len() > TEXT_BYTES_MAX {
            return Err(CreditError::BadText("id"));
        }
        if self.percent_of_principal.is_none() && self.amount.is_none() && self.amount_each.is_none() {
            return Err(CreditError::MissingField("percent_of_principal"));
        }
        self.percent_of_principal.map_or(Ok(()), |percent| checked_percent("percent_of_principal", percent).map(drop))
    }

    /// The room this cap leaves for one more charge.
    fn room(&self, charged: &Charged) -> Result<Amount, CreditError> {
        let counted = Amount::sum(self.counts.iter().map(|kind| charged.of(*kind)))?;
        let mut room = self.amount_each.unwrap_or(Amount::MAX);
        if let Some(percent) = self.percent_of_principal {
            let most = percent_of(charged.lent, percent, 1, Rounding::Down)?;
            room = room.min(most.saturating_sub(counted));
        }
        if let Some(most) = self.amount {
            room = room.min(most.saturating_sub(counted));
        }
        Ok(room)
    }
}

/// Judges a charge of `amount` on `date` under every cap that holds that day and counts its kind.
///
/// # Errors
/// `amount_out_of_range`.
pub fn judge_charge<'a>(
    caps: &'a [ChargeCap],
    date: Date,
    kind: ChargeKind,
    amount: Amount,
    charged: &Charged,
) -> Result<Judged<'a>, CreditError> {
    let mut judged = Judged { allowed: amount, cap: None };
    let holds = |cap: &&ChargeCap| cap.from <= date && cap.until.is_none_or(|until| date <= until);
    for cap in caps.iter().filter(holds).filter(|cap| cap.counts.contains(&kind)) {
        let room = cap.room(charged)?;
        if room < judged.allowed {
            judged = Judged { allowed: room, cap: Some(cap) };
        }
    }
    Ok(judged)
}
