//! Goods and bads of a bin, and what they say.

use std::{
    cmp::Ordering,
    ops::{Add, Sub},
};

/// Good and bad rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Good rows.
    pub goods: u32,
    /// Bad rows.
    pub bads: u32,
}

impl Counts {
    /// All rows.
    #[must_use]
    pub fn rows(self) -> u32 {
        self.goods + self.bads
    }

    /// Share of bads; 0 where there is no row.
    #[must_use]
    pub fn rate(self) -> f64 {
        if self.rows() == 0 { 0.0 } else { f64::from(self.bads) / f64::from(self.rows()) }
    }

    /// Counts one row.
    pub fn add_row(&mut self, bad: bool) {
        if bad {
            self.bads += 1;
        } else {
            self.goods += 1;
        }
    }

    /// Compares the bad rates of two bins exactly, by whole numbers.
    #[must_use]
    pub fn compare_rate(self, other: Self) -> Ordering {
        let cross = |a: Self, b: Self| u64::from(a.bads) * u64::from(b.rows());
        cross(self, other).cmp(&cross(other, self))
    }

    /// Weight of evidence: `ln((goods / all goods) / (bads / all bads))`, more than zero where the bin is
    /// better than the average. `prior_rows` rows of average risk are added first; where a count would
    /// still be zero, half a row is.
    #[must_use]
    pub fn weight_of_evidence(self, totals: Self, prior_rows: f64) -> f64 {
        let all = f64::from(totals.rows());
        let side = |count: u32, total: u32| {
            let count = f64::from(count) + prior_rows * f64::from(total) / all;
            if count > 0.0 { count / f64::from(total) } else { 0.5 / f64::from(total) }
        };
        if self.rows() == 0 {
            return 0.0;
        }
        libm::log(side(self.goods, totals.goods) / side(self.bads, totals.bads))
    }

    /// The bin's part of the information value: `(goods share − bads share) × weight of evidence`.
    #[must_use]
    pub fn information(self, totals: Self) -> f64 {
        let goods = f64::from(self.goods) / f64::from(totals.goods);
        let bads = f64::from(self.bads) / f64::from(totals.bads);
        (goods - bads) * self.weight_of_evidence(totals, 0.0)
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { goods: self.goods + other.goods, bads: self.bads + other.bads }
    }
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { goods: self.goods - other.goods, bads: self.bads - other.bads }
    }
}
