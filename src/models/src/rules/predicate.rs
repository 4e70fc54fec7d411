//! Predicates in the three-valued logic of PMML 4.4 (TreeModel, "Predicates").

use super::known::{Ask, Known};

/// A question that is true, false, or unknown because a value is missing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Predicate {
    /// Always the same.
    Always(bool),
    /// The number is below.
    Below(usize, f64),
    /// The category is one of these codes, ascending.
    In(usize, Vec<u32>),
    /// The value is missing.
    Missing(usize),
    /// The opposite; unknown stays unknown.
    Not(Box<Predicate>),
    /// False where one is false, else unknown where one is unknown.
    And(Vec<Predicate>),
    /// True where one is true, else unknown where one is unknown.
    Or(Vec<Predicate>),
    /// True where an odd number is true; unknown where one is unknown.
    Xor(Vec<Predicate>),
    /// The first that is not unknown.
    Surrogate(Vec<Predicate>),
}

impl Predicate {
    pub(crate) fn negate(self) -> Self {
        match self {
            Self::Always(value) => Self::Always(!value),
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// At least `from` and below `below`; an absent end is open.
    pub(crate) fn interval(feature: usize, from: Option<f64>, below: Option<f64>) -> Self {
        let from = from.map(|from| Self::Below(feature, from).negate());
        let below = below.map(|below| Self::Below(feature, below));
        match (from, below) {
            (Some(from), Some(below)) => Self::And(vec![from, below]),
            (Some(one), None) | (None, Some(one)) => one,
            // Any number: known where the value is not missing.
            (None, None) => Self::Surrogate(vec![Self::Missing(feature).negate()]),
        }
    }

    /// The answer, `None` where it is unknown; or the question that must be answered first.
    pub(crate) fn evaluate(&self, known: &Known<'_>) -> Result<Option<bool>, Ask> {
        match self {
            Self::Always(value) => Ok(Some(*value)),
            Self::Below(feature, threshold) => known.below(*feature, *threshold),
            Self::In(feature, codes) => known.is_in(*feature, codes),
            Self::Missing(feature) => known.is_missing(*feature).map(Some),
            Self::Not(inner) => Ok(inner.evaluate(known)?.map(|value| !value)),
            Self::And(parts) => Self::until(parts, known, false),
            Self::Or(parts) => Self::until(parts, known, true),
            Self::Xor(parts) => {
                let mut odd = Some(false);
                for part in parts {
                    let value = part.evaluate(known)?;
                    odd = odd.zip(value).map(|(odd, value)| odd != value);
                }
                Ok(odd)
            }
            Self::Surrogate(parts) => {
                for part in parts {
                    if let Some(value) = part.evaluate(known)? {
                        return Ok(Some(value));
                    }
                }
                Ok(None)
            }
        }
    }

    /// `end` where one part is `end`, else unknown where one is, else the opposite.
    fn until(parts: &[Self], known: &Known<'_>, end: bool) -> Result<Option<bool>, Ask> {
        let mut value = Some(!end);
        for part in parts {
            match part.evaluate(known)? {
                Some(one) if one == end => return Ok(Some(end)),
                Some(_) => {}
                None => value = None,
            }
        }
        Ok(value)
    }
}
