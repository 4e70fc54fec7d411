//! From odds to points and back.

use prequal_derive::Read;
use std::{format, string::String};

use serde::{Deserialize, Serialize};

use super::{ScoreError, limits::POINTS_ABS_MAX, value::Real};

/// How points stand for odds: `base_score` points mean odds of `base_odds` good to one bad, and every
/// further `points_to_double_odds` points double them (Siddiqi, *Credit Risk Scorecards*, 2006, ch. 6):
///
/// `points = offset + factor × ln(odds)`, `factor = points_to_double_odds / ln 2`,
/// `offset = base_score − factor × ln(base_odds)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct Scaling {
    /// Points by which the odds of good to bad double; more than zero.
    pub points_to_double_odds: Real,
    /// The score at which the odds are `base_odds`.
    pub base_score: i32,
    /// Odds of good to bad at `base_score`; more than zero.
    pub base_odds: Real,
}

impl Scaling {
    /// Refuses what has no meaning: points or odds that are not positive, values out of range.
    ///
    /// # Errors
    /// [`ScoreError::Model`] that names the field.
    pub fn check(&self) -> Result<(), ScoreError> {
        let refuse = |what: String| Err(ScoreError::Model(what));
        let pdo = self.points_to_double_odds.get();
        let odds = self.base_odds.get();
        if !(1e-3..=1e5).contains(&pdo) {
            return refuse("`points_to_double_odds` must be 0.001 to 100000".to_owned());
        }
        if !(1e-6..=1e6).contains(&odds) {
            return refuse("`base_odds` must be 0.000001 to 1000000".to_owned());
        }
        if self.base_score.unsigned_abs() > POINTS_ABS_MAX.unsigned_abs() {
            return refuse(format!("`base_score` is `{}`, and the limit is {POINTS_ABS_MAX}", self.base_score));
        }
        Ok(())
    }

    /// Points for one unit of log-odds.
    #[must_use]
    pub fn factor(&self) -> f64 {
        self.points_to_double_odds.get() / std::f64::consts::LN_2
    }

    /// Points at odds of one to one.
    #[must_use]
    pub fn offset(&self) -> f64 {
        f64::from(self.base_score) - self.factor() * libm::log(self.base_odds.get())
    }

    /// Log-odds of **bad** for a number of points; the margin of a scorecard.
    #[must_use]
    pub fn log_odds_of_bad(&self, points: i32) -> f64 {
        (self.offset() - f64::from(points)) / self.factor()
    }

    /// Probability of bad, 0 to 1. The same bits on every platform: one `exp`, from `libm`.
    #[must_use]
    pub fn probability(&self, points: i32) -> f64 {
        1.0 / (1.0 + libm::exp(-self.log_odds_of_bad(points)))
    }

    /// Probability of bad in millionths, rounded half up.
    #[must_use]
    pub fn probability_ppm(&self, points: i32) -> u32 {
        // The product lies in 0 to 1,000,000, so the cast cannot saturate.
        libm::floor(self.probability(points) * 1e6 + 0.5) as u32
    }

    /// Probability of bad as a decimal string with six digits after the point: `"0.034217"`.
    #[must_use]
    pub fn probability_text(&self, points: i32) -> String {
        let ppm = self.probability_ppm(points);
        format!("{}.{:06}", ppm / 1_000_000, ppm % 1_000_000)
    }
}
