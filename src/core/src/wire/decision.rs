//! What comes out: a decision, a prequalification, a quote, and the offers in them.

use prequal_derive::{Canonical, Read};
use serde::{Deserialize, Serialize};

use crate::{
    calendar::{Date, Instant},
    credit::{
        Convention, Installment, LateFee, Penalty, Rules, Terms,
        caps::{ChargeCap, CostOfDefault},
    },
    currency::Currency,
    money::Amount,
};

/// What a decision came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Conditional quotes are made.
    Eligible,
    /// A person must look at it.
    Referred,
    /// No credit.
    Declined,
    /// A field or an item of evidence is missing or wrong; nothing is decided yet.
    Needs,
}

impl Outcome {
    /// The name used in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eligible => "eligible",
            Self::Referred => "referred",
            Self::Declined => "declined",
            Self::Needs => "needs",
        }
    }
}

/// A decision on the full bundle. Made only at the edge and on the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Canonical)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// SHA-256 of the bundle's payload.
    pub bundle_hash: String,
    /// Until when the offers stand: `as_of` plus the bundle's validity.
    pub expires: Instant,
    /// SHA-256 of the canonical input, salt included.
    pub input_hash: String,
    /// What is missing or wrong; empty unless the outcome is [`Outcome::Needs`].
    pub needs: Vec<Need>,
    /// Conditional quotes; empty unless the outcome is [`Outcome::Eligible`].
    pub offers: Vec<Offer>,
    /// What it came to.
    pub outcome: Outcome,
    /// At most four specific reasons, drawn only from what was used; empty where eligible.
    pub reasons: Vec<Reason>,
    /// The version of the rules of deciding: it moves when the same input could give another decision.
    pub semantics: u32,
    /// One line a step: identifiers, row numbers, counts and points, nothing personal.
    pub trace: Vec<String>,
}

/// What a prequalification came to. It is an estimate, never signed, and never a decline of credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// A full application is likely to find an offer.
    Likely,
    /// A field is missing or wrong.
    Needs,
    /// Nothing can be said here; a full application may be made.
    Continue,
}

impl Standing {
    /// The name used in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Likely => "likely",
            Self::Needs => "needs",
            Self::Continue => "continue",
        }
    }
}

/// An estimate from the bundle's public part. Nothing expires, because nothing was promised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Canonical)]
#[serde(deny_unknown_fields)]
pub struct Prequalification {
    /// SHA-256 of the bundle's payload.
    pub bundle_hash: String,
    /// SHA-256 of the canonical input, salt included.
    pub input_hash: String,
    /// What is missing or wrong; empty unless the outcome is [`Standing::Needs`].
    pub needs: Vec<Need>,
    /// Estimates at the dearest price; empty unless the outcome is [`Standing::Likely`].
    pub offers: Vec<Offer>,
    /// What it came to.
    pub outcome: Standing,
    /// Public reasons of the knock-outs that were met.
    pub reasons: Vec<Reason>,
    /// The version of the rules of deciding.
    pub semantics: u32,
    /// One line a step, nothing personal.
    pub trace: Vec<String>,
}

/// A reason of the bundle's catalogue, in words for the applicant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Canonical)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Its code in the catalogue.
    pub code: String,
    /// Its text in the bundle's language.
    pub text: String,
}

/// What kind of thing is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum NeedKind {
    /// A field of the form.
    Field,
    /// An item of evidence.
    Evidence,
}

/// Something missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Canonical)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// Why: a validation code such as `invalid_email`, or `not_asked`, `assurance_too_low`.
    pub code: String,
    /// The field or the evidence key.
    pub id: String,
    /// Field or evidence.
    pub kind: NeedKind,
    /// In words for the applicant.
    pub text: String,
}

/// One way to pay, to the cent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Canonical)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// The annual percentage rate and its convention.
    pub apr: AprDisclosure,
    /// The law's ceilings on the charges of the loan's life, where there may be such charges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charge_caps: Vec<ChargeCap>,
    /// What being late would cost; absent where it costs nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_of_default: Option<CostOfDefault>,
    /// The number of instalments.
    pub count: u16,
    /// The currency of every amount here.
    pub currency: Currency,
    /// Paid at once; the price is this plus the principal.
    pub down_payment: Amount,
    /// The first due date.
    pub first_due: Date,
    /// Every instalment.
    #[serde(serialize_with = "super::installments::sorted")]
    pub installments: Vec<Installment>,
    /// The last due date.
    pub last_due: Date,
    /// Fixed charges for being late; none where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_fee: Option<LateFee>,
    /// Interest on what is late; none is charged where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub penalty: Option<Penalty>,
    /// The plan of the product.
    pub plan: String,
    /// The price of what is bought.
    pub price: Amount,
    /// What is lent.
    pub principal: Amount,
    /// The product.
    pub product: String,
    /// The contract rate a year in percent, a decimal string; a daily rate × 365.
    pub rate_annual_percent: String,
    /// The terms of what is lent, as `prequal schedule` takes them.
    pub terms: Terms,
    /// SHA-256 of the canonical offer without this field.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub terms_hash: String,
    /// All payments after the down payment.
    pub total: Amount,
    /// All fees.
    pub total_fee: Amount,
    /// All interest.
    pub total_interest: Amount,
}

impl Offer {
    /// The rules under which the loan of this offer lives: what it says of being late, under the law of its day.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules {
            penalty: self.penalty.clone(),
            late_fee: self.late_fee.clone(),
            caps: self.charge_caps.clone(),
            ..Rules::default()
        }
    }
}

/// An annual percentage rate as the law of the bundle's market wants it shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Canonical)]
#[serde(deny_unknown_fields)]
pub struct AprDisclosure {
    /// The rate as disclosed.
    pub apr_percent: String,
    /// The rate with six decimals.
    pub apr_percent_exact: String,
    /// The convention: `us_reg_z`, `cn_irr`, ….
    pub convention: Convention,
    /// The effective rate, where the convention has one beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_percent: Option<String>,
}

/// What a purchase would cost at the representative price: the dearest one, so that nobody is shown less than they
/// may pay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Canonical)]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// What to say beside it, in the bundle's language.
    pub notice: String,
    /// One entry a plan that the law allows at this price.
    pub plans: Vec<Offer>,
}
