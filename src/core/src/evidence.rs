//! Evidence: what is known about an applicant, who vouches for it, and what is missing and why.

use prequal_derive::{Canonical, Read};
use serde::{Deserialize, Serialize};

pub use crate::score::MissingKind;
use crate::{
    canonical::{Canonical, Text},
    json::Wrong,
    wire::{ID_BYTES_MAX, Scalar},
};

/// How well an item of evidence is vouched for, weakest first.
///
/// INVARIANT: below [`Assurance::ThirdParty`] a value may prequalify, lower or refer; it never raises a limit,
/// lowers a price or approves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// Said by the applicant.
    Declared,
    /// Computed in the applicant's browser.
    Browser,
    /// Fetched from a third party.
    ThirdParty,
    /// Signed by its issuer and the signature checked.
    Signed,
    /// The lender's own record.
    Own,
}

impl Assurance {
    /// The weakest level that may raise, lower a price or approve.
    pub const TRUSTED: Self = Self::ThirdParty;
}

/// One item of evidence.
///
/// `{"value":"own","assurance":"third_party","source":"sandbox-bureau"}` or
/// `{"missing":"timed_out","source":"sandbox-bureau"}`; `source` may be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A value and who vouches for it.
    Present {
        /// The value; what type it must have is the feature's matter.
        value: Scalar,
        /// Who vouches for it.
        assurance: Assurance,
        /// Where it came from.
        source: Option<String>,
    },
    /// No value, and why.
    Missing {
        /// Why there is none.
        missing: MissingKind,
        /// Who was asked.
        source: Option<String>,
    },
}

#[derive(Deserialize, Read)]
#[serde(deny_unknown_fields)]
struct RawItem {
    value: Option<Scalar>,
    assurance: Option<Assurance>,
    missing: Option<MissingKind>,
    source: Option<String>,
}

impl Item {
    fn from_form(raw: RawItem, wrong: &mut Wrong) -> Self {
        if raw.source.as_ref().is_some_and(|source| source.len() > ID_BYTES_MAX) {
            wrong.note(format_args!("`source` has more than {ID_BYTES_MAX} bytes"));
        }
        match (raw.value, raw.assurance, raw.missing) {
            (Some(value), Some(assurance), None) => Self::Present { value, assurance, source: raw.source },
            (None, None, Some(missing)) => Self::Missing { missing, source: raw.source },
            _ => {
                wrong.note(format_args!("an item of evidence has either `value` with `assurance`, or `missing`"));
                Self::Missing { missing: MissingKind::Invalid, source: None }
            }
        }
    }
}

crate::json::json_form!(Item, RawItem);

impl Canonical for Item {
    fn write_to(&self, text: &mut Text) {
        text.open();
        let source = match self {
            Self::Present { assurance, source, .. } => {
                text.key("\"assurance\":");
                assurance.write_to(text);
                source
            }
            Self::Missing { missing, source } => {
                text.key("\"missing\":");
                missing.write_to(text);
                source
            }
        };
        if let Some(source) = source {
            text.key("\"source\":");
            text.string(source);
        }
        if let Self::Present { value, .. } = self {
            text.key("\"value\":");
            value.write_to(text);
        }
        text.close();
    }
}

impl Serialize for Item {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let (source, entries) = match self {
            Self::Present { source, .. } => (source, 2),
            Self::Missing { source, .. } => (source, 1),
        };
        let mut item = serializer.serialize_struct("Item", entries + usize::from(source.is_some()))?;
        match self {
            Self::Present { assurance, .. } => item.serialize_field("assurance", assurance)?,
            Self::Missing { missing, .. } => item.serialize_field("missing", missing)?,
        }
        if let Some(source) = source {
            item.serialize_field("source", source)?;
        }
        if let Self::Present { value, .. } = self {
            item.serialize_field("value", value)?;
        }
        item.end()
    }
}
