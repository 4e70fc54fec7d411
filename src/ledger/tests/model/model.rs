//! What a loan must come to, by arithmetic of its own: nothing here calls the ledger or core's settlement.
//!
//! Three contracts are simple enough to be told again in a few lines: one in equal shares at no cost, one repaid at once
//! with simple interest over actual days and a year of 365, and one repaid at once at no cost that costs penalties and a
//! fee when it is late. Days are numbers, money is `i128`.

/// What happened, as the model tells it.
#[derive(Clone, Debug)]
pub enum What {
    Pay {
        from: Who,
        amount: i128,
        cleared: bool,
    },
    Refund(i128),
    Draw(i128),
    /// In hundredths of a per cent a year.
    Rate(i128),
    WaiveInterest(i128),
    WaivePrincipal(i128),
    Respread {
        due: i32,
    },
    ChargeOff,
    Sell(i128),
    PaidBack(i128),
    Remitted(i128),
    PayoutReturned,
    PayoutSettled,
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Borrower,
    Lender,
}

#[derive(Clone, Debug)]
pub struct Told {
    pub day: i32,
    pub what: What,
    pub undone: bool,
}

#[derive(Clone, Debug)]
pub struct Model {
    pub lent: i128,
    pub merchant_fee: i128,
    pub start: i32,
    /// The only due day of a loan with interest; interest stops there.
    pub due: i32,
    /// In hundredths of a per cent a year; 0 for a loan at no cost.
    pub rate: i128,
    /// Whether it is the one that costs when it is late: its penalties stand where the other's interest does.
    pub late: bool,
    pub told: Vec<Told>,
}

/// What a day late costs, in millionths of the principal: 36.5 % a year.
const PENALTY_A_DAY: i128 = 1_000;
/// Charged once, when the loan is more than so many days late.
const LATE_FEE: (i32, i128) = (5, 700);

/// What the accounts must hold, debits less credits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    pub cash: i128,
    pub in_transit: i128,
    pub principal: i128,
    pub interest: i128,
    pub merchant: i128,
    pub credit_balance: i128,
    pub owner: i128,
    pub interest_income: i128,
    pub recovery: i128,
    pub loss: i128,
    pub sale: i128,
    pub goodwill: i128,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Owned {
    ByLender,
    GivenUp,
    Sold,
    GivenUpAndSold,
}

/// Of two neighbours at the same distance the even one.
pub fn half_even(numerator: i128, divisor: i128) -> i128 {
    let (whole, rest) = (numerator / divisor, numerator % divisor);
    let up = rest * 2 > divisor || (rest * 2 == divisor && whole % 2 == 1);
    whole + i128::from(up)
}

/// The debt as it runs.
#[derive(Clone)]
struct Debt {
    principal: i128,
    /// Unpaid.
    interest: i128,
    /// Unpaid from before the schedule in force: paid first, and paying it alone does not touch that schedule.
    carried: i128,
    rate: i128,
    due: i32,
    at: i32,
    free_until: i32,
    late: bool,
    late_fee_charged: bool,
}

impl Debt {
    /// Interest to a day: the day it falls due is passed on the way and ends a stretch of rounding.
    fn run_to(&mut self, day: i32) {
        if self.late {
            return self.be_late_to(day);
        }
        let stop = day.min(self.due);
        if stop > self.at {
            let days = i128::from((stop - self.at.max(self.free_until)).max(0));
            self.interest += half_even(self.principal * self.rate * days, 365 * 10_000);
        }
        self.at = self.at.max(day);
    }

    /// Penalties of the days after the due day, and the fee.
    fn be_late_to(&mut self, day: i32) {
        let days = i128::from((day - self.at.max(self.due)).max(0));
        self.interest += half_even(self.principal * PENALTY_A_DAY * days, 1_000_000);
        self.at = self.at.max(day);
        let (after, fee) = LATE_FEE;
        if day - self.due > after && self.principal > 0 && !self.late_fee_charged {
            self.interest += fee;
            self.late_fee_charged = true;
        }
    }

    /// Interest first, then principal; what is left is too much.
    fn pay(&mut self, day: i32, amount: i128) -> (i128, i128, i128) {
        let carried = amount.min(self.carried);
        self.carried -= carried;
        if amount == carried {
            return (carried, 0, 0);
        }
        self.run_to(day);
        let interest = (amount - carried).min(self.interest);
        let principal = (amount - carried - interest).min(self.principal);
        self.interest -= interest;
        self.principal -= principal;
        (carried + interest, principal, amount - carried - interest - principal)
    }

    /// What of the schedule in force is given up, interest first, because under a waiver the debt may have changed; gives
    /// how much principal that is.
    fn give_up(&mut self, day: i32, amount: i128) -> i128 {
        if amount == 0 {
            return 0;
        }
        let mut there = self.clone();
        there.run_to(day);
        let amount = amount.min(there.interest + there.principal);
        if amount == 0 {
            return 0;
        }
        let carried = core::mem::take(&mut self.carried);
        let (_, principal, _) = self.pay(day, amount);
        self.carried = carried;
        principal
    }

    fn all_interest(&self) -> i128 {
        self.interest + self.carried
    }

    /// Principal first; when none is left, interest.
    fn refund(&mut self, amount: i128) -> i128 {
        let principal = amount.min(self.principal);
        self.principal -= principal;
        let left = amount - principal;
        if self.principal > 0 {
            return left;
        }
        let interest = left.min(self.interest);
        let carried = (left - interest).min(self.carried);
        self.interest -= interest;
        self.carried -= carried;
        left - interest - carried
    }
}

impl Model {
    /// What the accounts hold on a day.
    pub fn expected(&self, until: i32) -> Expected {
        let told: Vec<&Told> = self.told.iter().filter(|told| !told.undone).collect();
        let mut paid_out_on = None;
        for told in &told {
            match told.what {
                What::PayoutSettled => paid_out_on = Some(told.day.max(self.start)),
                What::PayoutReturned => paid_out_on = None,
                _ => {}
            }
        }
        let mut by_day: Vec<&Told> = told.clone();
        by_day.sort_by_key(|told| told.day.max(self.start));
        let mut debt = Debt {
            principal: self.lent,
            interest: 0,
            carried: 0,
            rate: self.rate,
            due: self.due,
            at: self.start,
            free_until: paid_out_on.unwrap_or(until),
            late: self.late,
            late_fee_charged: false,
        };
        let mut held = Expected {
            cash: if paid_out_on.is_some() { self.merchant_fee - self.lent } else { 0 },
            merchant: if paid_out_on.is_some() { 0 } else { self.merchant_fee - self.lent },
            ..Expected::default()
        };
        let mut owned = Owned::ByLender;
        let (mut claim, mut frozen) = (0, 0);
        // Interest that was ever unpaid came in as income: what is paid, waived or still owed.
        let mut interest_paid = 0;
        // Principal that the lender gave and that no refund has given back.
        let mut forgiven = 0;
        for told in by_day {
            let own = owned == Owned::ByLender;
            let day = told.day.max(self.start);
            // Only what changes the schedule ends a stretch of rounding; to look at it does not.
            if matches!(told.what, What::Refund(_) | What::Draw(_) | What::Rate(_) | What::Respread { .. }) {
                debt.run_to(day);
            }
            let seen = {
                let mut seen = debt.clone();
                seen.run_to(day);
                seen
            };
            match told.what {
                What::Pay { from, amount, cleared } => {
                    let excess = match owned {
                        Owned::ByLender | Owned::Sold => {
                            let (interest, principal, excess) = debt.pay(day, amount);
                            interest_paid += if own { interest } else { 0 };
                            forgiven += if from == Who::Lender { principal } else { 0 };
                            excess
                        }
                        _ => amount - amount.min(claim),
                    };
                    claim -= if own { 0 } else { (amount - excess).min(claim) };
                    // The lender gives nothing beyond the debt, whatever became of the debt since.
                    match from {
                        Who::Borrower => held.cash += amount,
                        Who::Lender => held.goodwill += amount - excess,
                    }
                    if from == Who::Borrower && !cleared {
                        held.cash -= amount;
                        held.in_transit += amount;
                    }
                    held.credit_balance -= if from == Who::Borrower { excess } else { 0 };
                    to_whom_it_belongs(&mut held, owned, amount - excess);
                }
                What::Refund(amount) => {
                    let excess = match owned {
                        Owned::ByLender | Owned::Sold => {
                            let before = debt.all_interest();
                            let excess = debt.refund(amount);
                            interest_paid += if own { before - debt.all_interest() } else { 0 };
                            excess
                        }
                        _ => amount - amount.min(claim),
                    };
                    claim -= if own { 0 } else { (amount - excess).min(claim) };
                    held.merchant += amount;
                    // To whoever paid: what was forgiven to the lender, then to the borrower.
                    let lender_s = excess.min(forgiven);
                    forgiven -= lender_s;
                    held.goodwill -= lender_s;
                    held.credit_balance -= excess - lender_s;
                    to_whom_it_belongs(&mut held, owned, amount - excess);
                }
                What::Draw(amount) => {
                    // Upon no debt, or after its end, it begins a schedule of its own.
                    if debt.principal == 0 || day >= debt.due {
                        debt.carried += core::mem::take(&mut debt.interest);
                        debt.due = if day >= debt.due { day + 30 } else { debt.due };
                    }
                    debt.principal += amount;
                    held.cash -= amount;
                }
                What::Rate(rate) => debt.rate = rate,
                What::WaiveInterest(amount) => {
                    let carried = amount.min(debt.carried);
                    debt.carried -= carried;
                    let principal = debt.give_up(day, amount - carried);
                    held.goodwill += principal;
                    forgiven += principal;
                }
                What::WaivePrincipal(amount) => {
                    let principal = debt.give_up(day, amount);
                    held.goodwill += principal;
                    forgiven += principal;
                }
                What::Respread { due } => {
                    if debt.principal > 0 {
                        debt.due = due;
                        debt.carried += core::mem::take(&mut debt.interest);
                        debt.at = day;
                    }
                }
                What::ChargeOff => {
                    claim = seen.principal + seen.all_interest();
                    held.loss = claim;
                    frozen = interest_paid + seen.all_interest();
                    owned = Owned::GivenUp;
                }
                What::Sell(price) => {
                    held.cash += price;
                    held.sale -= price;
                    if own {
                        held.sale += seen.principal + seen.all_interest();
                        frozen = interest_paid + seen.all_interest();
                    }
                    owned = if own { Owned::Sold } else { Owned::GivenUpAndSold };
                }
                What::PaidBack(amount) => {
                    held.cash -= amount;
                    held.credit_balance += amount;
                }
                What::Remitted(amount) => {
                    held.cash -= amount;
                    held.owner += amount;
                }
                What::PayoutReturned | What::PayoutSettled | What::Nothing => {}
            }
        }
        debt.run_to(until);
        if owned == Owned::ByLender {
            held.principal = debt.principal;
            held.interest = debt.all_interest();
            held.interest_income = -(interest_paid + debt.all_interest());
        } else {
            held.interest_income = -frozen;
        }
        held
    }
}

fn to_whom_it_belongs(held: &mut Expected, owned: Owned, amount: i128) {
    match owned {
        Owned::ByLender => {}
        Owned::GivenUp => held.recovery -= amount,
        Owned::Sold | Owned::GivenUpAndSold => held.owner -= amount,
    }
}
