//! What each funder must have of a loan, told again in plain numbers: its share rounded down, the named one the rest.

use prequal_ledger::{FunderPosition, Position};

use super::Life;
use crate::model::half_even;

/// The share of a funder in hundredths of a per cent, and what the servicer keeps of its interest in tenths.
pub const WHOLE: i128 = 10_000;
pub const SERVICING_FEE: (i128, i128) = (125, 1_000);

/// What came into a receivable and how it left it, of all funders or of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Told {
    came: i128,
    paid: i128,
    waived: i128,
    lost: i128,
}

/// Who has which share, and who has the stray cent.
pub struct Shares {
    pub of: Vec<i128>,
    pub stray: usize,
}

impl Shares {
    /// Everybody's share, none beyond what they may have. What rounding leaves over is the named funder's, and what that
    /// one may not have the others' in their order.
    fn split(&self, whole: i128, most: &[i128]) -> Vec<i128> {
        let down =
            |place: usize| if place == self.stray { 0 } else { (whole * self.of[place] / WHOLE).min(most[place]) };
        let mut parts: Vec<i128> = (0..self.of.len()).map(down).collect();
        let mut left = whole - parts.iter().sum::<i128>();
        for place in core::iter::once(self.stray).chain((0..self.of.len()).filter(|place| *place != self.stray)) {
            let more = left.min(most[place] - parts[place]);
            parts[place] += more;
            left -= more;
        }
        assert_eq!(left, 0, "somebody has it");
        parts
    }

    /// Losses come first off what a funder gives away, then waivers; the rest was paid.
    fn split_told(&self, whole: Told) -> Vec<Told> {
        let came = self.split(whole.came, &vec![i128::MAX; self.of.len()]);
        let gone = self.split(whole.paid + whole.waived + whole.lost, &came);
        let lost = self.split(whole.lost, &gone);
        let rest: Vec<i128> = gone.iter().zip(&lost).map(|(gone, lost)| gone - lost).collect();
        let waived = self.split(whole.waived, &rest);
        let told = |place: usize| Told {
            came: came[place],
            paid: rest[place] - waived[place],
            waived: waived[place],
            lost: lost[place],
        };
        (0..self.of.len()).map(told).collect()
    }
}

impl Life {
    /// Each funder has exactly its share of principal, interest, penalties and recoveries, and pays the servicer its fee.
    pub fn check_the_shares(&mut self, position: &Position, positions: &[FunderPosition]) {
        let n = |amount: prequal_core::money::Amount| i128::from(amount.minor());
        let gone = |came, paid: [prequal_core::money::Amount; 3], back, waived, lost| {
            let paid: i128 = paid.into_iter().map(n).sum();
            let undone = (n(back) - paid).max(0);
            Told { came, paid: (paid - n(back)).max(0), waived: waived - undone, lost: n(lost) }
        };
        let p = position;
        let zero = prequal_core::money::Amount::ZERO;
        let principal = gone(
            n(p.lent) + n(p.drawn),
            [p.principal_paid, p.principal_refunded, p.principal_goodwill],
            zero,
            0,
            p.principal_charged_off,
        );
        let interest = gone(
            n(p.interest_earned),
            [p.interest_paid, p.interest_refunded, p.interest_goodwill],
            p.interest_given_back,
            n(p.interest_waived),
            p.interest_charged_off,
        );
        let penalty = gone(
            n(p.penalty_earned),
            [p.penalty_paid, p.penalty_refunded, p.penalty_goodwill],
            p.penalty_given_back,
            n(p.penalty_waived),
            p.penalty_charged_off,
        );
        let shares = &self.shares;
        let recovered = shares.split(n(p.recovered) + n(p.refund_recovered), &vec![i128::MAX; shares.of.len()]);
        let (principal, interest, penalty) =
            (shares.split_told(principal), shares.split_told(interest), shares.split_told(penalty));
        for (place, one) in positions.iter().take(shares.of.len()).enumerate() {
            let got = [
                Told { came: n(one.lent), paid: n(one.principal_paid), waived: 0, lost: n(one.principal_lost) },
                Told {
                    came: n(one.interest_earned),
                    paid: n(one.interest_paid),
                    waived: n(one.interest_waived),
                    lost: n(one.interest_lost),
                },
                Told {
                    came: n(one.penalty_earned),
                    paid: n(one.penalty_paid),
                    waived: n(one.penalty_waived),
                    lost: n(one.penalty_lost),
                },
            ];
            assert_eq!(got, [principal[place], interest[place], penalty[place]], "funder {place} of {:?}", shares.of);
            assert_eq!(n(one.recovered), recovered[place]);
            let (of, parts) = SERVICING_FEE;
            assert_eq!(n(one.servicing_fee), half_even(interest[place].paid * of, parts), "the servicer's fee");
        }
        self.shared += 1;
    }
}
