//! The posting table: which account every quantity of a loan is debited to and credited to.
//!
//! A loan's [`Position`] is what its events have come to on a date. An event posts the *difference*
//! between the position before and the position after, one line of the table for each quantity that
//! moved. A quantity that became smaller (a back-dated payment lowers interest already recognized) is
//! posted the other way round, so a correction is a new entry and never a change.

use prequal_core::money::Amount;

use crate::{Account, LedgerError, Transfer, account::Account as A};

/// What a loan has come to on a date, every quantity counted from its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// Principal lent, and owed to the merchant.
    pub lent: Amount,
    /// The merchant's fee kept from the payout.
    pub merchant_fee: Amount,
    /// Paid out to the merchant.
    pub paid_out: Amount,
    /// Interest earned.
    pub interest_earned: Amount,
    /// Fees fallen due.
    pub fee_earned: Amount,
    /// Penalties charged.
    pub penalty_earned: Amount,
    /// Received and applied to penalties.
    pub penalty_paid: Amount,
    /// Received and applied to fees.
    pub fee_paid: Amount,
    /// Received and applied to interest.
    pub interest_paid: Amount,
    /// Received and applied to principal.
    pub principal_paid: Amount,
    /// Received above the debt.
    pub excess: Amount,
}

/// One line of the posting table.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The event that usually moves the quantity.
    pub event: &'static str,
    /// The quantity, in words.
    pub quantity: &'static str,
    /// Debited when it grows.
    pub debit: Account,
    /// Credited when it grows.
    pub credit: Account,
    /// Where it stands in a position.
    pub of: fn(&Position) -> Amount,
}

macro_rules! rules {
    ($($event:literal, $quantity:literal, $field:ident: $debit:ident <- $credit:ident;)*) => {
        /// Every posting there is, in the order in which the lines of an entry stand.
        pub const RULES: &[Rule] = &[$(Rule {
            event: $event,
            quantity: $quantity,
            debit: A::$debit,
            credit: A::$credit,
            of: |position| position.$field,
        },)*];
    };
}

rules! {
    // event            quantity                          debit                  credit
    "booking",          "principal lent",                 lent:            PrincipalReceivable <- MerchantPayable;
    "booking",          "merchant's fee",                 merchant_fee:    MerchantPayable     <- MerchantFeeIncome;
    "payout settled",   "paid out to the merchant",       paid_out:        MerchantPayable     <- Cash;
    "time",             "interest earned",                interest_earned: InterestReceivable  <- InterestIncome;
    "due date",         "fees fallen due",                fee_earned:      FeeReceivable       <- FeeIncome;
    "late payment",     "penalties charged",              penalty_earned:  PenaltyReceivable   <- PenaltyIncome;
    "repayment",        "penalties paid",                 penalty_paid:    Cash                <- PenaltyReceivable;
    "repayment",        "fees paid",                      fee_paid:        Cash                <- FeeReceivable;
    "repayment",        "interest paid",                  interest_paid:   Cash                <- InterestReceivable;
    "repayment",        "principal paid",                 principal_paid:  Cash                <- PrincipalReceivable;
    "repayment",        "received above the debt",        excess:          Cash                <- CustomerCredit;
}

/// The transfers that lead from one position to another; none where nothing moved.
///
/// # Errors
/// Never for two positions within the range of amounts; the error is passed on, not swallowed.
pub fn transfers(before: &Position, after: &Position) -> Result<Vec<Transfer>, LedgerError> {
    let mut transfers = Vec::new();
    for rule in RULES {
        let (was, is) = ((rule.of)(before), (rule.of)(after));
        let grown = is.saturating_sub(was);
        let shrunk = was.saturating_sub(is);
        if !grown.is_zero() {
            transfers.push(Transfer::new(rule.debit, rule.credit, grown)?);
        } else if !shrunk.is_zero() {
            transfers.push(Transfer::new(rule.credit, rule.debit, shrunk)?);
        }
    }
    Ok(transfers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(minor: i64) -> Amount {
        Amount::new(minor).unwrap()
    }

    /// A purchase of 100.00 at a merchant's fee of 3 %: the shop is owed 97.00 and the lender earned 3.00.
    #[test]
    fn a_booking_owes_the_merchant_the_price_less_the_fee() {
        let after = Position { lent: amount(10_000), merchant_fee: amount(300), ..Position::default() };
        let lines: Vec<_> = transfers(&Position::default(), &after)
            .unwrap()
            .iter()
            .map(|line| (line.debit().code(), line.credit().code(), line.amount().minor()))
            .collect();
        assert_eq!(lines, [("1110", "2010", 10_000), ("2010", "4030", 300)]);
    }

    #[test]
    fn a_correction_is_posted_the_other_way_round() {
        let before = Position { interest_earned: amount(58), ..Position::default() };
        let after = Position { interest_earned: amount(40), ..Position::default() };
        let lines = transfers(&before, &after).unwrap();
        assert_eq!(lines, [Transfer::new(A::InterestIncome, A::InterestReceivable, amount(18)).unwrap()]);
        assert_eq!(transfers(&after, &after).unwrap(), []);
    }

    /// A table in which a quantity stood twice, or not at all, would post it twice or never.
    #[test]
    fn every_quantity_has_one_line() {
        let one = |index: usize| {
            let mut values = [Amount::ZERO; 11];
            values[index] = amount(1);
            let [lent, merchant_fee, paid_out, interest_earned, fee_earned, penalty_earned, rest @ ..] = values;
            let [penalty_paid, fee_paid, interest_paid, principal_paid, excess] = rest;
            Position {
                lent,
                merchant_fee,
                paid_out,
                interest_earned,
                fee_earned,
                penalty_earned,
                penalty_paid,
                fee_paid,
                interest_paid,
                principal_paid,
                excess,
            }
        };
        for index in 0..11 {
            assert_eq!(transfers(&Position::default(), &one(index)).unwrap().len(), 1, "quantity {index}");
        }
    }
}
