//! From a value to its state: the one place where a row's floats are compared.

use std::vec::Vec;

use super::document::{MissingRule, Width};

/// The state of a missing value in every column.
pub(super) const MISSING: u16 = 0;

/// The magnitude up to which LightGBM takes a value for zero: the `f32` nearest to 1e-35.
const TINY: f64 = 1.000_000_018_002_509_5e-35;

/// What a value is before any column looks at it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Intake {
    pub(super) inputs: Width,
    pub(super) tiny_is_zero: bool,
}

impl Intake {
    /// The value as the source library sees it; NaN stays NaN.
    #[inline]
    pub(super) fn value(self, value: f64) -> f64 {
        let value = match self.inputs {
            Width::F32 => f64::from(value as f32),
            Width::F64 => value,
        };
        if self.tiny_is_zero && value.abs() <= TINY { 0.0 } else { value }
    }
}

/// What a column compares with.
#[derive(Clone, Debug)]
pub(super) enum Reader {
    /// Cuts, ascending.
    Cuts(Vec<f64>),
    /// Category codes, ascending.
    Codes { codes: Vec<u32>, minus_fraction_is_zero: bool },
}

/// A column ready to read values.
///
/// States: 0 is missing. Of a column with n cuts, k + 1 is a value with k cuts at or below it, so 1 to n + 1. Of a
/// column with n codes, k + 1 is code k, and n + 1 everything else. Both have n + 2 states.
#[derive(Clone, Debug)]
pub(super) struct CompiledColumn {
    pub(super) feature: usize,
    pub(super) missing: MissingRule,
    pub(super) reader: Reader,
}

impl CompiledColumn {
    /// How many states there are.
    pub(super) fn states(&self) -> usize {
        2 + match &self.reader {
            Reader::Cuts(cuts) => cuts.len(),
            Reader::Codes { codes, .. } => codes.len(),
        }
    }

    /// The state of a value that went through [`Intake::value`].
    #[inline]
    pub(super) fn state(&self, value: f64) -> u16 {
        let value = match self.missing {
            MissingRule::Own => value,
            MissingRule::OwnWithZero if value == 0.0 => f64::NAN,
            MissingRule::OwnWithZero => value,
            MissingRule::Zero if value.is_nan() => 0.0,
            MissingRule::Zero => value,
        };
        if value.is_nan() {
            return MISSING;
        }
        match &self.reader {
            // At most `CUTS_MAX` + 1, which a u16 holds.
            Reader::Cuts(cuts) => cuts.partition_point(|cut| *cut <= value) as u16 + 1,
            Reader::Codes { codes, minus_fraction_is_zero } => code_state(codes, *minus_fraction_is_zero, value),
        }
    }
}

fn code_state(codes: &[u32], minus_fraction_is_zero: bool, value: f64) -> u16 {
    let listed = if minus_fraction_is_zero { value > -1.0 } else { value >= 0.0 };
    // The cast cuts off the fraction; what is too large for it is no listed code and stays so.
    let found = if listed && value < f64::from(u32::MAX) { codes.binary_search(&(value as u32)).ok() } else { None };
    found.unwrap_or(codes.len()) as u16 + 1
}
