//! What a merchant's refund does to the naive loan.

use num_bigint::BigInt;
use prequal_core::credit::RefundOrder;

use super::{
    life::{FEE, INTEREST, Life, PRINCIPAL, cents},
    life_money::Purse,
    naive_dates::Fraction,
};

impl Life<'_> {
    /// Interest or fees given back in the proportion of a refund: first what is unpaid, then what was paid.
    fn give_back(&mut self, part: usize, refund: i64, left: i64, order: RefundOrder) -> i64 {
        let all: i64 = self.lines.iter().map(|line| line.owed[part]).sum();
        let mut back = cents(&Fraction::new(BigInt::from(all) * refund, left), self.terms);
        let mut places: Vec<usize> = (0..self.lines.len()).collect();
        if order != RefundOrder::FirstFirst {
            places.reverse();
        }
        for place in &places {
            let cut = self.lines[*place].open_of(part).min(back);
            self.lines[*place].owed[part] -= cut;
            back -= cut;
        }
        let mut returned = 0;
        for place in places {
            let line = &mut self.lines[place];
            let cut = line.paid[part].min(back);
            line.owed[part] -= cut;
            line.paid[part] -= cut;
            back -= cut;
            returned += cut;
        }
        returned
    }

    pub(super) fn refund(&mut self, event: usize, on: i32, refund: i64, order: Option<RefundOrder>) -> bool {
        let left = self.lent - self.refunded;
        if refund > left {
            return false;
        }
        let rule = self.rules.refund;
        let order = order.unwrap_or(rule.order);
        let mut credited = 0;
        for (part, back) in [(INTEREST, rule.interest_refunded), (FEE, rule.fees_refunded)] {
            if back && left > 0 {
                credited += self.give_back(part, refund, left, order);
            }
        }
        self.refunded += refund;
        let mut purse = Purse::new(refund + credited);
        let cut = purse.left.min(self.outstanding);
        if cut > 0 {
            self.cut(on, cut, order, &mut purse);
        }
        self.end();
        if self.outstanding == 0 {
            self.pay_everything(&mut purse);
        }
        self.forgive_grace();
        self.book(event, &purse, credited);
        true
    }

    /// Takes principal off the lines by the order of a refund.
    fn cut(&mut self, on: i32, cut: i64, order: RefundOrder, purse: &mut Purse) {
        // What each line asks; of a level loan the first open one stands for all of them.
        let mut left = self.unclaimed();
        let count = self.lines.len();
        let mut asks = Vec::new();
        for (place, line) in self.lines.iter().enumerate() {
            asks.push(if line.closed {
                line.open_of(PRINCIPAL)
            } else if self.is_level() || place + 1 == count {
                core::mem::take(&mut left)
            } else {
                let shares = self.terms.repayment.method.has_shares();
                let asked = if shares { (line.target - line.paid[PRINCIPAL]).max(0).min(left) } else { 0 };
                left -= asked;
                asked
            });
        }
        let mut cuts = vec![0; count];
        if order == RefundOrder::ProRata {
            let total = i128::from(self.outstanding);
            let exact = |place: usize| i128::from(asks[place]) * i128::from(cut);
            cuts = (0..count).map(|place| (exact(place) / total) as i64).collect();
            while cuts.iter().sum::<i64>() < cut {
                let rest = |place: &usize| exact(*place) - i128::from(cuts[*place]) * total;
                let largest = (0..count).rev().max_by_key(rest).unwrap();
                cuts[largest] += 1;
            }
        } else {
            let mut left = cut;
            for step in 0..count {
                let place = if order == RefundOrder::FirstFirst { step } else { count - 1 - step };
                cuts[place] = asks[place].min(left);
                left -= cuts[place];
            }
        }
        self.extinguish(on, cut, purse);
        let level = self.is_level();
        for place in 0..count {
            let line = &mut self.lines[place];
            if line.closed {
                line.owed[PRINCIPAL] -= cuts[place];
            } else if !level {
                line.target = line.paid[PRINCIPAL] + asks[place] - cuts[place];
            } else if order == RefundOrder::FirstFirst {
                self.pool += cuts[place];
            }
        }
        if level && order == RefundOrder::ProRata {
            self.spread();
        }
    }
}
