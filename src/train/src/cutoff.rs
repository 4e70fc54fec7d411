//! Cut-offs: who would be approved, and what that makes of goods and bads.

use serde::Serialize;

/// The shares of rows that reports approve.
pub const APPROVED: [f64; 5] = [0.5, 0.6, 0.7, 0.8, 0.9];

/// The largest risk that is still approved so that about `share` of the rows are: rows of equal risk are treated alike, so
/// the share may be missed by a tie. Infinitely small where no row would be.
#[must_use]
pub fn risk_max(risk: &[f64], share: f64) -> f64 {
    let mut sorted = risk.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let count = (share * sorted.len() as f64).round() as usize;
    count.checked_sub(1).and_then(|last| sorted.get(last)).copied().unwrap_or(f64::NEG_INFINITY)
}

/// Goods and bads on either side of a cut-off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// Approved and good.
    pub goods_approved: usize,
    /// Approved and bad.
    pub bads_approved: usize,
    /// Declined and good.
    pub goods_declined: usize,
    /// Declined and bad.
    pub bads_declined: usize,
}

impl Confusion {
    /// Counts rows; approved is whoever has at most this risk.
    #[must_use]
    pub fn count(bad: &[bool], risk: &[f64], risk_max: f64) -> Self {
        let mut counts = Self::default();
        for (bad, risk) in bad.iter().zip(risk) {
            *match (*risk <= risk_max, *bad) {
                (true, false) => &mut counts.goods_approved,
                (true, true) => &mut counts.bads_approved,
                (false, false) => &mut counts.goods_declined,
                (false, true) => &mut counts.bads_declined,
            } += 1;
        }
        counts
    }

    /// Rows approved.
    #[must_use]
    pub fn approved(&self) -> usize {
        self.goods_approved + self.bads_approved
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.approved() + self.goods_declined + self.bads_declined
    }
}

/// Rows by what two models would do with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swap {
    /// Both approve: rows, bads.
    pub both: [usize; 2],
    /// Only the challenger approves: swapped in.
    pub swapped_in: [usize; 2],
    /// Only the champion approves: swapped out.
    pub swapped_out: [usize; 2],
    /// Neither approves.
    pub neither: [usize; 2],
}

impl Swap {
    /// Counts rows where each model approves about the same share.
    #[must_use]
    pub fn count(bad: &[bool], champion: &[f64], challenger: &[f64], share: f64) -> Self {
        let (first, second) = (risk_max(champion, share), risk_max(challenger, share));
        let mut swap = Self::default();
        for ((bad, champion), challenger) in bad.iter().zip(champion).zip(challenger) {
            let cell = match (*champion <= first, *challenger <= second) {
                (true, true) => &mut swap.both,
                (false, true) => &mut swap.swapped_in,
                (true, false) => &mut swap.swapped_out,
                (false, false) => &mut swap.neither,
            };
            cell[0] += 1;
            cell[1] += usize::from(*bad);
        }
        swap
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten rows of rising risk, the last four bad; counted by hand.
    #[test]
    fn rows_fall_on_their_side_of_the_cut_off() {
        let risk: Vec<f64> = (0..10).map(f64::from).collect();
        let bad: Vec<bool> = (0..10).map(|row| row >= 6).collect();
        let counts = Confusion::count(&bad, &risk, risk_max(&risk, 0.7));
        let expected = Confusion { goods_approved: 6, bads_approved: 1, goods_declined: 0, bads_declined: 3 };
        assert_eq!(counts, expected);
        assert_eq!(Confusion::count(&bad, &risk, risk_max(&risk, 0.0)).approved(), 0);
        // All of one risk are treated alike.
        assert_eq!(Confusion::count(&bad, &[1.0; 10], risk_max(&[1.0; 10], 0.5)).approved(), 10);
    }

    #[test]
    fn who_is_swapped_is_who_the_models_disagree_about() {
        let champion = [1.0, 2.0, 3.0, 4.0];
        let challenger = [1.0, 4.0, 2.0, 3.0];
        let swap = Swap::count(&[false, true, false, true], &champion, &challenger, 0.5);
        let expected = Swap { both: [1, 0], swapped_in: [1, 0], swapped_out: [1, 1], neither: [1, 1] };
        assert_eq!(swap, expected);
    }
}
