//! The value of a feature while one application is decided.

use crate::score::MissingKind;

/// A feature's value, interned: a category is its position in the schema's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureValue {
    /// A whole number: a count, years, permille, or an amount in minor units.
    Integer(i64),
    /// A position in the list of the feature's categories.
    Category(u16),
    /// No value, and why.
    Missing(MissingKind),
}

/// A value and whether it may work in the applicant's favour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    /// The value.
    pub value: FeatureValue,
    /// True where the value is less well vouched for than the schema asks: it may lower, never raise.
    pub weak: bool,
}

impl Feature {
    /// A value nobody asked for.
    pub const NOT_ASKED: Self = Self { value: FeatureValue::Missing(MissingKind::NotAsked), weak: false };

    /// The value a rule may use in the applicant's favour: a weak one counts as not asked.
    #[must_use]
    pub fn trusted(self) -> FeatureValue {
        if self.weak { FeatureValue::Missing(MissingKind::NotAsked) } else { self.value }
    }
}
