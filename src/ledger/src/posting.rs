//! The posting table: which account every quantity of a loan is debited to and credited to.
//!
//! A loan's [`Position`] is what its events have come to on a date. An event posts the *difference*
//! between the position before and the position after, one line of the table for each quantity that
//! moved. A quantity that became smaller (a back-dated payment lowers interest already recognized) is
//! posted the other way round, so a correction is a new entry and never a change.
//!
//! The table is the only place where an account is chosen. [`document`] prints it; `POSTINGS.md` beside the crate is
//! that print, and a test holds the two together.

use prequal_core::money::Amount;

use crate::{Account, Kind, LedgerError, Transfer, account::Account as A};

/// One line of a posting table over positions `P`.
#[derive(Debug)]
pub struct Rule<P> {
    /// The event that usually moves the quantity.
    pub event: &'static str,
    /// The quantity, in words.
    pub quantity: &'static str,
    /// Debited when it grows.
    pub debit: Account,
    /// Credited when it grows.
    pub credit: Account,
    /// Where it stands in a position.
    pub of: fn(&P) -> Amount,
    /// The same place, to be written.
    pub of_mut: fn(&mut P) -> &mut Amount,
}

/// Makes a position of the quantities of a table, and the table.
macro_rules! posting_table {
    (
        $(#[$about:meta])* $position:ident;
        $($event:literal, $quantity:literal, $field:ident: $debit:ident <- $credit:ident;)*
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct $position {
            $(#[doc = concat!($quantity, " (", $event, ").")] pub $field: Amount,)*
        }

        /// Every posting there is, in the order in which the lines of an entry stand.
        pub const RULES: &[Rule<$position>] = &[$(Rule {
            event: $event,
            quantity: $quantity,
            debit: A::$debit,
            credit: A::$credit,
            of: |position| position.$field,
            of_mut: |position| &mut position.$field,
        },)*];
    };
}
pub(crate) use posting_table;

posting_table! {
    /// What a loan has come to on a date, every quantity counted from its beginning, in minor units.
    Position;
    // event             quantity                                     debit                   credit
    "booking",           "principal lent",                            lent:                   PrincipalReceivable <- MerchantPayable;
    "booking",           "merchant's fee",                            merchant_fee:           MerchantPayable     <- MerchantFeeIncome;
    "payout settled",    "paid out to the merchant",                  paid_out:               MerchantPayable     <- Cash;
    "extra draw",        "principal drawn later",                     drawn:                  PrincipalReceivable <- Cash;
    "time",              "interest earned",                           interest_earned:        InterestReceivable  <- InterestIncome;
    "due date",          "fees fallen due",                           fee_earned:             FeeReceivable       <- FeeIncome;
    "late payment",      "penalties charged",                         penalty_earned:         PenaltyReceivable   <- PenaltyIncome;
    "repayment",         "penalties paid",                            penalty_paid:           Cash                <- PenaltyReceivable;
    "repayment",         "fees paid",                                 fee_paid:               Cash                <- FeeReceivable;
    "repayment",         "interest paid",                             interest_paid:          Cash                <- InterestReceivable;
    "repayment",         "principal paid",                            principal_paid:         Cash                <- PrincipalReceivable;
    "repayment",         "received above the debt",                   excess:                 Cash                <- CustomerCredit;
    "debit collected",   "received and not yet cleared",              uncleared:              CashInTransit       <- Cash;
    "early settlement",  "fees given back on settling",               fee_given_back:         FeeReceivable       <- Cash;
    "withdrawal",        "penalties given back",                      penalty_given_back:     PenaltyReceivable   <- Cash;
    "pay-back",          "credit balance paid back",                  paid_back:              CustomerCredit      <- Cash;
    "merchant refund",   "refund applied to penalties",               penalty_refunded:       MerchantPayable     <- PenaltyReceivable;
    "merchant refund",   "refund applied to fees",                    fee_refunded:           MerchantPayable     <- FeeReceivable;
    "merchant refund",   "refund applied to interest",                interest_refunded:      MerchantPayable     <- InterestReceivable;
    "merchant refund",   "refund applied to principal",               principal_refunded:     MerchantPayable     <- PrincipalReceivable;
    "merchant refund",   "refund above the debt",                     refund_excess:          MerchantPayable     <- CustomerCredit;
    "merchant refund",   "refund of what was forgiven",               refund_returned:        MerchantPayable     <- Goodwill;
    "merchant refund",   "paid interest given back with a refund",    interest_given_back:    InterestReceivable  <- MerchantPayable;
    "merchant refund",   "paid fees given back with a refund",        fee_refund_given_back:  FeeReceivable       <- MerchantPayable;
    "goodwill credit",   "goodwill applied to penalties",             penalty_goodwill:       Goodwill            <- PenaltyReceivable;
    "goodwill credit",   "goodwill applied to fees",                  fee_goodwill:           Goodwill            <- FeeReceivable;
    "goodwill credit",   "goodwill applied to interest",              interest_goodwill:      Goodwill            <- InterestReceivable;
    "goodwill credit",   "goodwill or waiver applied to principal",   principal_goodwill:     Goodwill            <- PrincipalReceivable;
    "goodwill credit",   "fees given back on settling by goodwill",   fee_goodwill_given_back: FeeReceivable      <- Goodwill;
    "waiver or pause",   "penalties waived",                          penalty_waived:         PenaltyIncome       <- PenaltyReceivable;
    "waiver",            "fees waived",                               fee_waived:             FeeIncome           <- FeeReceivable;
    "waiver",            "interest waived",                           interest_waived:        InterestIncome      <- InterestReceivable;
    "non-accrual",       "unpaid interest in suspense",               interest_suspended:     InterestIncome      <- InterestInSuspense;
    "non-accrual",       "unpaid penalties in suspense",              penalty_suspended:      PenaltyIncome       <- InterestInSuspense;
    "days past due",     "allowance for losses",                      allowance:              Impairment          <- Allowance;
    "charge-off",        "principal charged off",                     principal_charged_off:  LoanLoss            <- PrincipalReceivable;
    "charge-off",        "interest charged off",                      interest_charged_off:   LoanLoss            <- InterestReceivable;
    "charge-off",        "fees charged off",                          fee_charged_off:        LoanLoss            <- FeeReceivable;
    "charge-off",        "penalties charged off",                     penalty_charged_off:    LoanLoss            <- PenaltyReceivable;
    "charge-off",        "suspense used for a charge-off",            suspense_charged_off:   InterestInSuspense  <- LoanLoss;
    "recovery",          "recovered from the borrower",               recovered:              Cash                <- RecoveryIncome;
    "recovery",          "recovered by a merchant refund",            refund_recovered:       MerchantPayable     <- RecoveryIncome;
    "transfer",          "principal sold",                            principal_sold:         SaleResult          <- PrincipalReceivable;
    "transfer",          "interest sold",                             interest_sold:          SaleResult          <- InterestReceivable;
    "transfer",          "fees sold",                                 fee_sold:               SaleResult          <- FeeReceivable;
    "transfer",          "penalties sold",                            penalty_sold:           SaleResult          <- PenaltyReceivable;
    "transfer",          "suspense used for a sale",                  suspense_sold:          InterestInSuspense  <- SaleResult;
    "transfer",          "price received",                            sale_price:             Cash                <- SaleResult;
    "after a transfer",  "collected for the new owner",               owner_collected:        Cash                <- OwnerPayable;
    "after a transfer",  "refunded for the new owner",                owner_refunded:         MerchantPayable     <- OwnerPayable;
    "after a transfer",  "remitted to the new owner",                 remitted:               OwnerPayable        <- Cash;
}

/// The transfers that lead from one position to another; none where nothing moved.
///
/// # Errors
/// Never for two positions within the range of amounts; the error is passed on, not swallowed.
pub fn transfers(before: &Position, after: &Position) -> Result<Vec<Transfer>, LedgerError> {
    transfers_by(RULES, before, after)
}

/// As [`transfers`], by any table.
pub(crate) fn transfers_by<P>(rules: &[Rule<P>], before: &P, after: &P) -> Result<Vec<Transfer>, LedgerError> {
    let mut transfers = Vec::new();
    for rule in rules {
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

impl Position {
    /// Debits less credits that this position comes to in an account, in minor units.
    #[must_use]
    pub fn net(&self, account: Account) -> i64 {
        net_by(RULES, self, account)
    }

    /// Every account with what it holds by this position, debits less credits.
    pub fn balances(&self) -> impl Iterator<Item = (Account, i64)> + '_ {
        Account::CHART.iter().map(|account| (*account, self.net(*account)))
    }

    /// What stands in an account of receivables.
    pub(crate) fn receivable(&self, account: Account) -> Result<Amount, LedgerError> {
        Amount::new(self.net(account)).map_err(|_| LedgerError::PartsDoNotAddUp)
    }
}

/// Debits less credits that a position comes to in an account, by any table.
pub(crate) fn net_by<P>(rules: &[Rule<P>], position: &P, account: Account) -> i64 {
    rules.iter().fold(0, |net, rule| {
        let amount = (rule.of)(position).minor();
        let debit = if rule.debit == account { amount } else { 0 };
        let credit = if rule.credit == account { amount } else { 0 };
        net + debit - credit
    })
}

/// The chart and the tables as a page in Markdown.
#[must_use]
pub fn document() -> String {
    let mut page = String::from(
        "# Accounts and postings\n\n\
         Printed from the chart and the posting tables of this crate; a test compares them. A quantity that grows is \
         posted\nas its line says, one that shrinks the other way round: corrections are new postings.\n\n\
         | account | kind | name |\n|---|---|---|\n",
    );
    for account in Account::CHART {
        let kind = match account.kind() {
            Kind::Asset => "asset",
            Kind::Liability => "liability",
            Kind::Income => "income",
            Kind::Expense => "expense",
        };
        page.push_str(&["| ", account.code(), " | ", kind, " | ", account.name(), " |\n"].concat());
    }
    print_table("A loan", RULES, &mut page);
    print_table("A funder's share of a loan, in the funder's books", crate::funding::RULES, &mut page);
    print_table("Settlements of a merchant, in the merchant's own chain", crate::merchant::RULES, &mut page);
    page
}

fn print_table<P>(title: &str, rules: &[Rule<P>], page: &mut String) {
    page.push_str(&["\n## ", title, "\n\n| event | quantity | debit | credit |\n|---|---|---|---|\n"].concat());
    for rule in rules {
        let (debit, credit) = (rule.debit, rule.credit);
        let sides = [debit.code(), " ", debit.name(), " | ", credit.code(), " ", credit.name()].concat();
        page.push_str(&["| ", rule.event, " | ", rule.quantity, " | ", &sides, " |\n"].concat());
    }
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

    /// An entry that moved every quantity at once still fits, and each quantity is posted by its own line alone.
    #[test]
    fn every_quantity_has_one_line_and_all_fit_in_one_entry() {
        assert!(RULES.len() <= crate::entry::TRANSFERS_MAX);
        for rule in RULES {
            let mut after = Position::default();
            *(rule.of_mut)(&mut after) = amount(7);
            let line = Transfer::new(rule.debit, rule.credit, amount(7)).unwrap();
            assert_eq!(transfers(&Position::default(), &after).unwrap(), [line], "{}", rule.quantity);
            assert_eq!((after.net(rule.debit), after.net(rule.credit)), (7, -7), "{}", rule.quantity);
        }
        let names: std::collections::BTreeSet<_> = RULES.iter().map(|rule| rule.quantity).collect();
        assert_eq!(names.len(), RULES.len(), "no quantity is named twice");
    }

    /// `PREQUAL_WRITE_POSTINGS=1 cargo test -p prequal-ledger the_page` writes the page anew.
    #[test]
    fn the_page_that_finance_reads_is_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/POSTINGS.md");
        if std::env::var_os("PREQUAL_WRITE_POSTINGS").is_some() {
            std::fs::write(path, document()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), document());
    }
}
