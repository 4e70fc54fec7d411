//! The account of a merchant: what a settlement pays, keeps, holds in reserve, carries forward and claims.
//!
//! A loan's own books pay a merchant what was captured less the fee ([`crate::posting`]); what a settlement does not pay out
//! of that stands here, in the merchant's own chain. A merchant whose refunds are more than its sales owes the rest:
//! its reserve covers it first, later sales are set off against it, and after so many settlements it becomes a claim.

use prequal_core::{calendar::Date, currency::Currency, decimal::Decimal, money::Amount, rounding::Rounding};

use crate::{
    Account, Entry, LedgerError,
    account::Account as A,
    posting::{self, Rule, posting_table},
    servicing::percent_of,
};

posting_table! {
    /// What settlements of a merchant have come to, every quantity counted from the beginning, in minor units.
    MerchantPosition;
    // event         quantity                                debit                    credit
    "settlement",    "kept of sales for refunds",            kept:             Cash            <- MerchantPayable;
    "settlement",    "held in reserve",                      reserve_held:     Cash            <- MerchantReserve;
    "settlement",    "paid back from the reserve",           reserve_released: MerchantReserve <- Cash;
    "settlement",    "reserve used for refunds",             reserve_used:     MerchantReserve <- MerchantPayable;
    "settlement",    "claimed from the merchant",            claimed:          MerchantClaim   <- MerchantPayable;
    "settlement",    "claim recovered from sales",           claim_recovered:  Cash            <- MerchantClaim;
    "settlement",    "given back for refunds undone",        undone:           MerchantPayable <- Cash;
}

impl MerchantPosition {
    /// Debits less credits that this position comes to in an account, in minor units.
    #[must_use]
    pub fn net(&self, account: Account) -> i64 {
        posting::net_by(RULES, self, account)
    }

    /// Both together.
    ///
    /// # Errors
    /// [`LedgerError::Money`].
    pub fn plus(&self, other: &Self) -> Result<Self, LedgerError> {
        let mut sum = *self;
        for rule in RULES {
            *(rule.of_mut)(&mut sum) = (rule.of)(self).checked_add((rule.of)(other))?;
        }
        Ok(sum)
    }

    /// The entry that posts this; none where nothing moved.
    ///
    /// # Errors
    /// As [`Entry::new`].
    pub fn entry(&self, date: Date, currency: Currency) -> Result<Option<Entry>, LedgerError> {
        let transfers = posting::transfers_by(RULES, &Self::default(), self)?;
        if transfers.is_empty() { Ok(None) } else { Entry::new(date, currency, "settlement", transfers).map(Some) }
    }
}

/// How a merchant is settled, as data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettlementRules {
    /// Of the captures of a settlement, what is held back, in per cent, until the reserve is full.
    pub reserve_percent: Decimal,
    /// When the reserve is full, in minor units. What it holds above that is paid back.
    pub reserve_amount: Amount,
    /// After how many settlements in a row that leave the merchant owing it is claimed.
    pub claim_after: u16,
}

/// Where a merchant's account stands between two settlements, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// What the merchant owes and what is set off against its next sales.
    pub carried: Amount,
    /// What is held of its money.
    pub reserve: Amount,
    /// What it owes beyond that, as a claim.
    pub claim: Amount,
    /// How many settlements in a row left it owing.
    pub negative_cycles: u16,
}

/// What falls into a settlement, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Falling {
    /// What was captured: the principal of the loans; and what is given back for refunds that were undone.
    pub captures: Amount,
    /// The merchant's fees on them.
    pub fees: Amount,
    /// What the merchant gave back.
    pub refunds: Amount,
    /// What no loan pays of the captures, because it is given back for refunds that were undone.
    pub undone: Amount,
}

/// A settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// What is paid to the merchant.
    pub payout: Amount,
    /// What is posted in its chain.
    pub position: MerchantPosition,
    /// Where its account stands afterwards.
    pub standing: Standing,
}

/// Settles.
///
/// # Errors
/// [`LedgerError::PayoutNotPrincipal`] where the fees are more than what was captured; [`LedgerError::Money`].
pub fn settle(rules: &SettlementRules, before: &Standing, falling: &Falling) -> Result<Settlement, LedgerError> {
    let sales = falling.captures.checked_sub(falling.fees).map_err(|_| LedgerError::PayoutNotPrincipal)?;
    let owes = before.carried.checked_add(falling.refunds)?;
    let mut position =
        MerchantPosition { kept: sales.min(owes), undone: falling.undone, ..MerchantPosition::default() };
    let left = sales.checked_sub(position.kept)?;
    let short = owes.checked_sub(position.kept)?;
    if short.is_zero() {
        position.claim_recovered = left.min(before.claim);
        let left = left.checked_sub(position.claim_recovered)?;
        let room = rules.reserve_amount.saturating_sub(before.reserve);
        let held = percent_of(falling.captures, rules.reserve_percent, Rounding::HalfEven)?;
        position.reserve_held = held.min(room).min(left);
        position.reserve_released = before.reserve.saturating_sub(rules.reserve_amount);
        let payout = left.checked_sub(position.reserve_held)?.checked_add(position.reserve_released)?;
        let standing = Standing {
            carried: Amount::ZERO,
            reserve: before.reserve.checked_add(position.reserve_held)?.checked_sub(position.reserve_released)?,
            claim: before.claim.checked_sub(position.claim_recovered)?,
            negative_cycles: 0,
        };
        return Ok(Settlement { payout, position, standing });
    }
    position.reserve_used = short.min(before.reserve);
    let short = short.checked_sub(position.reserve_used)?;
    let negative_cycles = if short.is_zero() { 0 } else { before.negative_cycles.saturating_add(1) };
    let is_claimed = !short.is_zero() && negative_cycles >= rules.claim_after;
    position.claimed = if is_claimed { short } else { Amount::ZERO };
    let standing = Standing {
        carried: short.checked_sub(position.claimed)?,
        reserve: before.reserve.checked_sub(position.reserve_used)?,
        claim: before.claim.checked_add(position.claimed)?,
        negative_cycles: if is_claimed { 0 } else { negative_cycles },
    };
    Ok(Settlement { payout: Amount::ZERO, position, standing })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(minor: i64) -> Amount {
        Amount::new(minor).unwrap()
    }

    fn rules(percent: &str, full: i64, claim_after: u16) -> SettlementRules {
        SettlementRules { reserve_percent: Decimal::parse(percent).unwrap(), reserve_amount: amount(full), claim_after }
    }

    fn falling(captures: i64, fees: i64, refunds: i64) -> Falling {
        Falling { captures: amount(captures), fees: amount(fees), refunds: amount(refunds), undone: Amount::ZERO }
    }

    /// Settles one after the other; gives what was paid out and where the account stood, and holds every settlement to
    /// what must be true of all of them.
    fn run(rules: &SettlementRules, all: &[Falling]) -> Vec<(i64, Standing)> {
        let mut standing = Standing::default();
        let mut sum = MerchantPosition::default();
        let mut paid = Vec::new();
        let (mut sales, mut refunds) = (0, 0);
        let mut undone = 0;
        for one in all {
            let made = settle(rules, &standing, one).unwrap();
            standing = made.standing;
            sum = sum.plus(&made.position).unwrap();
            sales += one.captures.minor() - one.fees.minor();
            refunds += one.refunds.minor();
            undone += one.undone.minor();
            paid.push((made.payout.minor(), standing));
            let out: i64 = paid.iter().map(|(payout, _)| payout).sum();
            // The loans' books paid all sales, and nothing for refunds undone; what did not go out is here.
            assert_eq!(sum.net(A::Cash), sales - undone - out, "{one:?}");
            assert_eq!(sum.net(A::MerchantReserve), -standing.reserve.minor());
            assert_eq!(sum.net(A::MerchantClaim), standing.claim.minor());
            // The loans' books debited the refunds and credited those undone; what is not covered yet is carried.
            assert_eq!(refunds - undone + sum.net(A::MerchantPayable), standing.carried.minor());
        }
        paid
    }

    #[test]
    fn sales_are_paid_net_of_fees_and_refunds() {
        let paid =
            run(&rules("0", 0, 3), &[falling(100_000, 3_000, 0), falling(50_000, 1_500, 20_000), falling(1, 0, 0)]);
        assert_eq!(paid.iter().map(|(payout, _)| *payout).collect::<Vec<_>>(), [97_000, 28_500, 1]);
    }

    /// 5 % of 1,000.00 is 50.00, of the next 1,000.00 only 20.00 are left to 70.00.
    #[test]
    fn a_reserve_fills_up_to_its_amount_and_is_used_before_anything_is_carried() {
        let paid = run(&rules("5", 7_000, 3), &[falling(100_000, 0, 0), falling(100_000, 0, 0), falling(0, 0, 7_500)]);
        assert_eq!((paid[0].0, paid[1].0, paid[2].0), (95_000, 98_000, 0));
        assert_eq!(paid[1].1.reserve, amount(7_000));
        assert_eq!((paid[2].1.reserve, paid[2].1.carried), (amount(0), amount(500)));
        // A smaller reserve pays back what it held.
        let full = Standing { reserve: amount(7_000), ..Standing::default() };
        assert_eq!(settle(&rules("5", 4_000, 3), &full, &Falling::default()).unwrap().payout, amount(3_000));
    }

    /// 300.00 given back against 97.00 of sales: 203.00 are set off against 97.00 and 97.00; the last 9.00 with the
    /// next.
    #[test]
    fn a_merchant_that_owes_pays_with_its_next_sales() {
        let sale = falling(10_000, 300, 0);
        let paid = run(&rules("0", 0, 9), &[falling(10_000, 300, 30_000), sale, sale, sale]);
        let carried: Vec<i64> = paid.iter().map(|(_, standing)| standing.carried.minor()).collect();
        assert_eq!(carried, [20_300, 10_600, 900, 0]);
        assert_eq!(paid[3].0, 9_700 - 900);
    }

    #[test]
    fn a_merchant_that_keeps_owing_is_claimed_from_and_pays_the_claim_first() {
        let paid = run(&rules("10", 5_000, 2), &[falling(0, 0, 10_000), falling(0, 0, 1), falling(20_000, 0, 0)]);
        assert_eq!((paid[0].1.carried, paid[0].1.claim, paid[0].1.negative_cycles), (amount(10_000), amount(0), 1));
        assert_eq!((paid[1].1.carried, paid[1].1.claim, paid[1].1.negative_cycles), (amount(0), amount(10_001), 0));
        // 200.00 less the claim of 100.01 leaves 99.99, of which 10 % of 200.00 go to the reserve.
        assert_eq!((paid[2].0, paid[2].1.claim, paid[2].1.reserve), (7_999, amount(0), amount(2_000)));
    }

    /// 500 merchants of 60 settlements each, sales and refunds by chance: [`run`] holds each to the sums.
    #[test]
    fn whatever_comes_every_cent_is_paid_held_carried_or_claimed() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut dice = |sides: u64| {
            // Marsaglia's xorshift, 64 bits.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            i64::try_from(state % sides).unwrap()
        };
        let (mut negative, mut claimed, mut reserved) = (0, 0, 0);
        for _ in 0..500 {
            let percent = ["0", "2.5", "33.333", "100"][usize::try_from(dice(4)).unwrap()];
            let rules = rules(percent, dice(5_000), u16::try_from(1 + dice(4)).unwrap());
            let mut all = Vec::new();
            for _ in 0..60 {
                let captures = dice(3) * dice(10_000);
                let fees = captures * dice(101) / 1_000;
                let refunds = dice(4) * dice(4_000);
                let undone = dice(2) * dice(refunds.unsigned_abs() + 1);
                let one = falling(captures + undone, fees, refunds);
                all.push(Falling { undone: amount(undone), ..one });
            }
            for (_, standing) in run(&rules, &all) {
                negative += usize::from(!standing.carried.is_zero());
                claimed += usize::from(!standing.claim.is_zero());
                reserved += usize::from(!standing.reserve.is_zero());
            }
        }
        assert!(negative > 1_000 && claimed > 1_000 && reserved > 1_000, "{negative} {claimed} {reserved}");
    }

    /// 40.00 given back are set off against a sale of 97.00 net; undone, they are paid with the next settlement.
    #[test]
    fn a_refund_that_is_undone_is_paid_to_the_merchant_again() {
        let undone = Falling { undone: amount(4_000), ..falling(4_000, 0, 0) };
        let paid = run(&rules("0", 0, 9), &[falling(10_000, 300, 4_000), undone]);
        assert_eq!((paid[0].0, paid[1].0), (5_700, 4_000));
        // Undone before anything was sold, it takes back what was carried.
        let paid = run(&rules("0", 0, 9), &[falling(0, 0, 4_000), undone]);
        assert_eq!((paid[1].0, paid[1].1), (0, Standing::default()));
    }

    #[test]
    fn at_the_edges_nothing_is_lost() {
        assert_eq!(
            run(&rules("100", 1, 1), &[falling(1, 0, 0)]),
            [(0, Standing { reserve: amount(1), ..Standing::default() })]
        );
        assert_eq!(
            run(&rules("0", 0, 1), &[falling(1, 0, 1)])[0],
            (0, Standing::default()),
            "exactly covered owes nothing"
        );
        assert_eq!(run(&rules("0", 0, 1), &[falling(1, 0, 2)])[0].1.claim, amount(1));
        assert_eq!(
            settle(&rules("0", 0, 1), &Standing::default(), &falling(1, 2, 0)),
            Err(LedgerError::PayoutNotPrincipal)
        );
        let most = Standing { carried: Amount::MAX, ..Standing::default() };
        assert!(settle(&rules("0", 0, 1), &most, &falling(0, 0, 1)).is_err());
    }

    #[test]
    fn every_quantity_has_one_line() {
        for rule in RULES {
            let mut after = MerchantPosition::default();
            *(rule.of_mut)(&mut after) = amount(3);
            assert_eq!((after.net(rule.debit), after.net(rule.credit)), (3, -3), "{}", rule.quantity);
        }
    }
}
