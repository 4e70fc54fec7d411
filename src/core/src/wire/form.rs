//! What a page needs to show the form and to say what is wrong with an answer.

use prequal_derive::Canonical;
use serde::{Deserialize, Serialize};

use crate::{
    bundle::form::{FieldKind, Reaches},
    calendar::Date,
    currency::Currency,
    money::Amount,
};

/// The form in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Canonical)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// The currency of every amount.
    pub currency: Currency,
    /// What must stand beside every offer.
    pub label: String,
    /// Who lends.
    pub lender: FormLender,
    /// The language of the texts.
    pub locale: String,
    /// The steps in order.
    pub steps: Vec<FormStep>,
}

/// Who lends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Canonical)]
#[serde(deny_unknown_fields)]
pub struct FormLender {
    /// The lender's name.
    pub name: String,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Canonical)]
#[serde(deny_unknown_fields)]
pub struct FormStep {
    /// Its fields in order.
    pub fields: Vec<FormField>,
    /// Its name.
    pub id: String,
    /// What completing it achieves in the lifecycle.
    pub reaches: Reaches,
    /// Its heading.
    pub title: String,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Canonical)]
#[serde(deny_unknown_fields)]
pub struct FormField {
    /// The answers of a `choice`; empty otherwise.
    pub choices: Vec<FormChoice>,
    /// The latest date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_max: Option<Date>,
    /// The earliest date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_min: Option<Date>,
    /// A hint to show before the field; may be empty.
    pub help: String,
    /// Its name.
    pub id: String,
    /// Its label; of a consent, the sentence consented to.
    pub label: String,
    /// The largest amount in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money_max: Option<Amount>,
    /// The smallest amount in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money_min: Option<Amount>,
    /// What a consent is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Whether it must be filled in.
    pub required: bool,
    /// The longest text in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_chars_max: Option<u16>,
    /// SHA-256 of a consent's sentence, for the record of what was consented to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_hash: Option<String>,
    /// What is asked.
    #[serde(rename = "type")]
    pub kind: FieldKind,
}

/// One answer of a choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Canonical)]
#[serde(deny_unknown_fields)]
pub struct FormChoice {
    /// What the applicant reads.
    pub label: String,
    /// What is stored.
    pub value: String,
}

/// The result of validating fields: all errors at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Canonical)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// One entry a field that is wrong, in the form's order.
    pub errors: Vec<FieldError>,
    /// Whether nothing is wrong.
    pub ok: bool,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Canonical)]
#[serde(deny_unknown_fields)]
pub struct FieldError {
    /// For programs: `invalid_email`.
    pub code: String,
    /// The field's name.
    pub field: String,
    /// For people: what to do. It never repeats what was entered.
    pub message: String,
}
