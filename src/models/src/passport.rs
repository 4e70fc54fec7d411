//! The passport of a model: what it is for, whom it is for, who stands behind it, and until when.
//!
//! It travels with the model: from its file into every form that the model is exported to.

use prequal_core::calendar::Date;
use serde::{Deserialize, Serialize};

use crate::error::ImportError;

/// The longest text of a passport in bytes.
pub const PASSPORT_TEXT_BYTES_MAX: usize = 2_000;

/// What a validator, an auditor or an heir of a model asks first. Every field is filled in: a model without an
/// approver has no passport, and says so by having none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passport {
    /// What the model may be used for.
    pub purpose: String,
    /// Whom it was made for: product, country, period.
    pub population: String,
    /// SHA-256 of the training data, 64 lower-case hexadecimal digits.
    pub data_sha256: String,
    /// What validation found, and where it stands.
    pub validation: String,
    /// Who made it.
    pub author: String,
    /// Who approved it.
    pub approver: String,
    /// The last day of its use, `YYYY-MM-DD`.
    pub expires: String,
}

impl Passport {
    /// The fields with the names that they have in every export, in order.
    #[must_use]
    pub fn entries(&self) -> [(&'static str, &str); 7] {
        [
            ("purpose", &self.purpose),
            ("population", &self.population),
            ("data_sha256", &self.data_sha256),
            ("validation", &self.validation),
            ("author", &self.author),
            ("approver", &self.approver),
            ("expires", &self.expires),
        ]
    }

    /// The passport in a list of names and texts, where all of its fields are there and make sense: what an export
    /// carries.
    pub(crate) fn among<'t>(find: impl Fn(&str) -> Option<&'t str>) -> Option<Self> {
        let text = |name: &str| find(name).map(str::to_owned);
        let passport = Self {
            purpose: text("purpose")?,
            population: text("population")?,
            data_sha256: text("data_sha256")?,
            validation: text("validation")?,
            author: text("author")?,
            approver: text("approver")?,
            expires: text("expires")?,
        };
        passport.check().is_ok().then_some(passport)
    }

    /// Reads a passport, a JSON object of its seven fields.
    ///
    /// # Errors
    /// [`ImportError::Syntax`] where it is not that object, else as [`Self::check`].
    pub fn parse(text: &str) -> Result<Self, ImportError> {
        ImportError::limit("bytes of the passport", text.len(), 8 * PASSPORT_TEXT_BYTES_MAX)?;
        let passport: Self =
            serde_json::from_str(text).map_err(|error| ImportError::Syntax(format!("the passport: {error}")))?;
        passport.check()?;
        Ok(passport)
    }

    /// Refuses an empty or overlong field, a control character, a hash that is none, and a day that is none.
    ///
    /// # Errors
    /// [`ImportError::Refused`] or [`ImportError::Limit`], which name the field.
    pub fn check(&self) -> Result<(), ImportError> {
        for (name, text) in self.entries() {
            ImportError::limit("bytes of a text in the passport", text.len(), PASSPORT_TEXT_BYTES_MAX)?;
            if text.trim().is_empty() || text.chars().any(char::is_control) {
                return Err(ImportError::refuse(format!(
                    "the passport's `{name}` is empty or holds a control character"
                )));
            }
        }
        let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if self.data_sha256.len() != 64 || !self.data_sha256.bytes().all(hexadecimal) {
            return Err(ImportError::refuse("the passport's `data_sha256` is not 64 lower-case hexadecimal digits"));
        }
        if Date::parse(&self.expires).is_err() {
            return Err(ImportError::refuse("the passport's `expires` is no day in the form `YYYY-MM-DD`"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passport() -> Passport {
        Passport {
            purpose: "consumer credit at checkout".into(),
            population: "applicants of 2025".into(),
            data_sha256: "0".repeat(64),
            validation: "AUC 0.78 out of time".into(),
            author: "A".into(),
            approver: "B".into(),
            expires: "2027-12-31".into(),
        }
    }

    #[test]
    fn a_passport_has_every_field_filled_in() {
        assert_eq!(passport().check(), Ok(()));
        let why = |change: fn(&mut Passport)| {
            let mut passport = passport();
            change(&mut passport);
            passport.check().unwrap_err().to_string()
        };
        assert!(why(|p| p.approver = " ".into()).contains("`approver` is empty"));
        assert!(why(|p| p.purpose = "a\nb".into()).contains("`purpose`"));
        assert!(why(|p| p.data_sha256 = "F".repeat(64)).contains("`data_sha256`"));
        assert!(why(|p| p.expires = "2027-02-29".into()).contains("`expires`"));
        assert!(why(|p| p.author = "x".repeat(PASSPORT_TEXT_BYTES_MAX + 1)).contains("the limit is 2000"));
    }

    #[test]
    fn an_unknown_field_of_a_passport_is_refused() {
        let text = serde_json::to_string(&passport()).unwrap();
        assert_eq!(Passport::parse(&text), Ok(passport()));
        let error = Passport::parse(&text.replacen('{', "{\"signed\":\"yes\",", 1)).unwrap_err().to_string();
        assert!(error.contains("unknown field `signed`"), "{error}");
    }
}
