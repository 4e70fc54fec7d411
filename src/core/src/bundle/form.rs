//! The application form as data.

use prequal_derive::{Canonical, Read};
use serde::{Deserialize, Serialize};

use super::payload::Texts;
use crate::{calendar::Date, money::Amount};

/// The steps of the form, in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct FormDefinition {
    /// One page of fields after the other.
    pub steps: Vec<StepDefinition>,
}

/// One page of fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct StepDefinition {
    /// Fields in the order in which they are shown.
    pub fields: Vec<FieldDefinition>,
    /// The step's name.
    pub id: String,
    /// What completing it achieves in the lifecycle.
    pub reaches: Reaches,
    /// Its heading.
    pub title: Texts,
}

/// The lifecycle state that a step stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum Reaches {
    /// Consents are given.
    Consented,
    /// It is known who applies.
    Identified,
    /// The applicant's circumstances are known.
    Described,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct FieldDefinition {
    /// The choices of a field of type `choice`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<ChoiceDefinition>,
    /// The latest date of a field of type `date`; the business date bounds it in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_max: Option<Date>,
    /// The earliest date of a field of type `date`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_min: Option<Date>,
    /// A hint, shown before the field.
    #[serde(default, skip_serializing_if = "Texts::is_empty")]
    pub help: Texts,
    /// The field's name, unique in the form.
    pub id: String,
    /// Its label; of a consent, the sentence that is consented to.
    pub label: Texts,
    /// The largest amount of a field of type `money`, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money_max: Option<Amount>,
    /// The smallest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money_min: Option<Amount>,
    /// What a consent is for: `credit_report`, `terms`, ….
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Whether it must be filled in.
    pub required: bool,
    /// The longest text of a field of type `text`, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_chars_max: Option<u16>,
    /// What is asked.
    #[serde(rename = "type")]
    pub kind: FieldKind,
}

/// What a field asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// A person's name.
    PersonName,
    /// A date, `YYYY-MM-DD`, not after the business date.
    Date,
    /// An e-mail address.
    Email,
    /// A telephone number in E.164: `+12125550123`.
    Phone,
    /// An amount in minor units of the bundle's currency.
    Money,
    /// One of the choices.
    Choice,
    /// A resident identity number of the People's Republic of China (GB 11643).
    ResidentId,
    /// Free text.
    Text,
    /// A consent: `true`.
    Consent,
}

/// One choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct ChoiceDefinition {
    /// What the applicant reads.
    pub label: Texts,
    /// What is stored.
    pub value: String,
}
