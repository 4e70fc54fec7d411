//! What comes in: an application with its evidence, a request for a quote, fields to validate.

use prequal_derive::{Canonical, Read};
use serde::{Deserialize, Serialize};

use super::{
    limits::{SALT_BYTES_MAX, SALT_BYTES_MIN},
    map::Map,
    scalar::Scalar,
};
use crate::{
    calendar::{Date, Instant},
    currency::Currency,
    evidence::Item,
    money::Amount,
};

/// Everything one decision is made from. Time, business date and salt are arguments: the core has neither clock nor
/// randomness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read, Canonical)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The order and the filled-in form.
    pub application: Application,
    /// When the decision is made, in UTC.
    pub as_of: Instant,
    /// Evidence by key of the bundle's feature schema. A key that is absent was not asked.
    #[serde(default)]
    pub evidence: Map<Item>,
    /// Random bytes, so that the hash of the input reveals nothing of it.
    pub salt: Salt,
    /// The business date: `as_of` in the bundle's time zone.
    pub today: Date,
}

/// The order and the filled-in form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read, Canonical)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Values by field id of the bundle's form.
    pub fields: Map<Scalar>,
    /// What is bought.
    pub order: Order,
}

/// What is bought: a price in minor units and its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read, Canonical)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The price.
    pub amount: Amount,
    /// The price's currency; must be the bundle's.
    pub currency: Currency,
}

/// Lower-case hexadecimal digits of [`SALT_BYTES_MIN`] to [`SALT_BYTES_MAX`] random bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Read, Canonical)]
#[serde(try_from = "String", into = "String")]
pub struct Salt(String);

impl Salt {
    /// The hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Salt {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let hex = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if !hex || !text.len().is_multiple_of(2) {
            return Err("`salt` must be an even number of lower-case hexadecimal digits".to_owned());
        }
        let bytes = text.len() / 2;
        if !(SALT_BYTES_MIN..=SALT_BYTES_MAX).contains(&bytes) {
            return Err(format!("`salt` has {bytes} bytes; it must have {SALT_BYTES_MIN} to {SALT_BYTES_MAX}"));
        }
        Ok(Self(text))
    }
}

impl From<Salt> for String {
    fn from(salt: Salt) -> Self {
        salt.0
    }
}

/// A request for what a purchase would cost at the representative price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct QuoteInput {
    /// The price in minor units.
    pub amount: Amount,
    /// Its currency; must be the bundle's.
    pub currency: Currency,
    /// The business date.
    pub today: Date,
}

/// Fields to validate: the whole form, or one `step` of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct ValidateInput {
    /// Values by field id.
    pub fields: Map<Scalar>,
    /// The language of the messages; the bundle's own where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// What is bought, where known: its currency is checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// Only this step's fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The business date, against which dates are judged.
    pub today: Date,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_salt_is_16_to_64_bytes_of_lower_case_hex() {
        let salt = |text: &str| Salt::try_from(text.to_owned()).map(|_| ());
        assert_eq!(salt(&"0f".repeat(16)), Ok(()));
        assert_eq!(salt(&"0f".repeat(64)), Ok(()));
        assert_eq!(salt(&"0f".repeat(15)), Err("`salt` has 15 bytes; it must have 16 to 64".to_owned()));
        assert_eq!(salt(&"0f".repeat(65)), Err("`salt` has 65 bytes; it must have 16 to 64".to_owned()));
        assert_eq!(salt(""), Err("`salt` has 0 bytes; it must have 16 to 64".to_owned()));
        assert!(salt(&"0F".repeat(16)).is_err());
        assert!(salt(&"0".repeat(33)).is_err());
    }
}
