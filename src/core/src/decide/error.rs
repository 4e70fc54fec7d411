//! Why nothing was decided.

use core::fmt;

use crate::{calendar::Date, canonical::CanonicalError, credit::CreditError, score::ScoreError, wire::WireError};

/// Why a call with a bundle gave no answer. `code()` names the cause for programs, the text tells a person.
/// Nothing here repeats an applicant's answers: only names of fields, keys and tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecideError {
    /// The document was not read.
    Wire(WireError),
    /// A public part was asked to decide.
    PublicBundle,
    /// `today` lies before the bundle's first day.
    BundleNotYetValid {
        /// The bundle.
        id: String,
        /// Its first day.
        from: Date,
        /// The business date.
        today: Date,
    },
    /// `today` lies after the bundle's last day.
    BundleExpired {
        /// The bundle.
        id: String,
        /// Its last day.
        until: Date,
        /// The business date.
        today: Date,
    },
    /// `today` is not the date of `as_of` in any time zone.
    TodayInconsistent {
        /// The business date.
        today: Date,
        /// The date of `as_of` in UTC.
        utc: Date,
    },
    /// The order is in another currency than the bundle.
    CurrencyMismatch {
        /// The order's.
        order: String,
        /// The bundle's.
        bundle: String,
    },
    /// A field that the form does not have.
    UnknownField(String),
    /// Evidence that the schema does not have.
    UnknownEvidence(String),
    /// A step that the form does not have.
    UnknownStep(String),
    /// More fields than the limit.
    TooManyFields(usize),
    /// Two rows matched where one may.
    TableNotUnique {
        /// The table.
        table: String,
        /// The first row, from 1.
        first: usize,
        /// The second row.
        second: usize,
    },
    /// No row matched where one must.
    TableNoRow(String),
    /// A snapshot of a version that this program does not read.
    SnapshotVersion(u32),
    /// A schedule or a rate could not be made.
    Credit(CreditError),
    /// The scorecard refused the values.
    Score(ScoreError),
    /// The answer has no canonical form.
    Canonical(CanonicalError),
    /// A computed date or moment lies beyond the calendar.
    DateOutOfRange,
}

impl DecideError {
    /// A name of the cause for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Wire(error) => error.code(),
            Self::PublicBundle => "public_bundle",
            Self::BundleNotYetValid { .. } => "bundle_not_yet_valid",
            Self::BundleExpired { .. } => "bundle_expired",
            Self::TodayInconsistent { .. } => "today_inconsistent",
            Self::CurrencyMismatch { .. } => "currency_mismatch",
            Self::UnknownField(_) => "unknown_field",
            Self::UnknownEvidence(_) => "unknown_evidence",
            Self::UnknownStep(_) => "unknown_step",
            Self::TooManyFields(_) => "too_many_fields",
            Self::TableNotUnique { .. } => "table_not_unique",
            Self::TableNoRow(_) => "table_no_row",
            Self::SnapshotVersion(_) => "snapshot_version",
            Self::Credit(error) => error.code(),
            Self::Score(_) => "score",
            Self::Canonical(_) => "canonical",
            Self::DateOutOfRange => "date_out_of_range",
        }
    }

    /// The field, evidence key or step that the error is about.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::UnknownField(name) | Self::UnknownEvidence(name) | Self::UnknownStep(name) => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for DecideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wire(error) => error.fmt(f),
            Self::PublicBundle => f.write_str("the public part of a bundle cannot decide, only prequalify"),
            Self::BundleNotYetValid { id, from, today } => {
                write!(f, "the bundle `{id}` is valid from {from} and today is {today}")
            }
            Self::BundleExpired { id, until, today } => {
                write!(f, "the bundle `{id}` was valid until {until} and today is {today}")
            }
            Self::TodayInconsistent { today, utc } => {
                write!(f, "`today` is {today} and `as_of` lies on {utc} in UTC; no time zone has both")
            }
            Self::CurrencyMismatch { order, bundle } => {
                write!(f, "the order is in `{order}` and the bundle lends in `{bundle}`")
            }
            Self::UnknownField(name) => write!(f, "the form has no field `{name}`"),
            Self::UnknownEvidence(name) => write!(f, "the bundle takes no evidence `{name}`"),
            Self::UnknownStep(name) => write!(f, "the form has no step `{name}`"),
            Self::TooManyFields(count) => {
                write!(f, "there are {count} fields; at most {} are taken", crate::wire::FIELDS_MAX)
            }
            Self::TableNotUnique { table, first, second } => {
                write!(f, "rows {first} and {second} of table `{table}` both match, and its hit policy is `unique`")
            }
            Self::TableNoRow(table) => write!(f, "no row of table `{table}` matches"),
            Self::SnapshotVersion(version) => write!(
                f,
                "the snapshot has version {version}; versions 1 to {} are read",
                crate::wire::SNAPSHOT_VERSION
            ),
            Self::Credit(error) => error.fmt(f),
            Self::Score(error) => error.fmt(f),
            Self::Canonical(error) => error.fmt(f),
            Self::DateOutOfRange => f.write_str("a date lies beyond the calendar"),
        }
    }
}

impl core::error::Error for DecideError {}

impl From<WireError> for DecideError {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl From<CreditError> for DecideError {
    fn from(error: CreditError) -> Self {
        Self::Credit(error)
    }
}

impl From<ScoreError> for DecideError {
    fn from(error: ScoreError) -> Self {
        Self::Score(error)
    }
}

impl From<CanonicalError> for DecideError {
    fn from(error: CanonicalError) -> Self {
        Self::Canonical(error)
    }
}
