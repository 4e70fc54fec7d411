//! The chart of accounts: every account a posting may name, with its code, its kind and its name.

use serde::{Deserialize, Serialize};

/// What an account is on the balance sheet or in the income statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What the lender owns or is owed; grows by debits.
    Asset,
    /// What the lender owes; grows by credits.
    Liability,
    /// What the lender earned; grows by credits.
    Income,
    /// What the lender lost or gave away; grows by debits.
    Expense,
}

impl Kind {
    /// Whether a debit makes an account of this kind larger.
    #[must_use]
    pub const fn grows_by_debit(self) -> bool {
        matches!(self, Self::Asset | Self::Expense)
    }
}

macro_rules! chart {
    ($($account:ident $code:literal $kind:ident $name:literal;)*) => {
        /// One account. Written in JSON and stored as its four-digit code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Account {
            $(#[doc = concat!($name, ".")] #[serde(rename = $code)] $account,)*
        }

        impl Account {
            /// Every account, in the order of the codes.
            pub const CHART: &'static [Self] = &[$(Self::$account,)*];

            /// The code by which the account is stored and reported.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$account => $code,)* }
            }

            /// The name a finance person reads.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$account => $name,)* }
            }

            /// Asset, liability, income or expense.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Self::$account => Kind::$kind,)* }
            }
        }
    };
}

chart! {
    Cash                "1010" Asset     "Cash at the payment provider";
    CashInTransit       "1020" Asset     "Debits collected and not yet cleared";
    PrincipalReceivable "1110" Asset     "Loan principal receivable";
    InterestReceivable  "1120" Asset     "Interest receivable";
    FeeReceivable       "1130" Asset     "Fees receivable";
    PenaltyReceivable   "1140" Asset     "Penalties receivable";
    ServicerReceivable  "1210" Asset     "Due from the servicer (a funder's books)";
    MerchantClaim       "1220" Asset     "Claims on merchants";
    Allowance           "1910" Asset     "Allowance for losses (reduces receivables)";
    MerchantPayable     "2010" Liability "Payable to merchants";
    MerchantReserve     "2020" Liability "Reserves held of merchants";
    CustomerCredit      "2110" Liability "Credit balances owed to borrowers";
    OwnerPayable        "2210" Liability "Collected for the owners of loans sold";
    InterestInSuspense  "2310" Liability "Interest in suspense (non-accrual)";
    Suspense            "2910" Liability "Money received from unknown payers";
    InterestIncome      "4010" Income    "Interest income";
    FeeIncome           "4020" Income    "Fee income";
    MerchantFeeIncome   "4030" Income    "Merchant fee income";
    PenaltyIncome       "4040" Income    "Penalty income";
    RecoveryIncome      "4050" Income    "Recoveries of loans charged off";
    LoanLoss            "5010" Expense   "Loans charged off";
    Impairment          "5020" Expense   "Change of the allowance for losses";
    SaleResult          "5030" Expense   "Loss, or gain, on loans sold";
    Goodwill            "5040" Expense   "Goodwill credits and principal waived";
    ServicingFee        "5050" Expense   "Servicing fees (a funder's books)";
}

impl Account {
    /// The account of a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::CHART.iter().copied().find(|account| account.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_unique_ascending_and_found_again() {
        assert!(Account::CHART.windows(2).all(|pair| pair[0].code() < pair[1].code()));
        for account in Account::CHART {
            assert_eq!(Account::from_code(account.code()), Some(*account));
            assert_eq!(serde_json::to_value(account).unwrap(), account.code());
        }
        assert_eq!(Account::from_code("9999"), None);
    }

    /// Codes of 1… are assets, of 2… liabilities, of 4… income, of 5… expenses: the usual order of a chart of accounts.
    #[test]
    fn the_first_digit_tells_the_kind() {
        for account in Account::CHART {
            let kind = match account.code().as_bytes()[0] {
                b'1' => Kind::Asset,
                b'2' => Kind::Liability,
                b'4' => Kind::Income,
                _ => Kind::Expense,
            };
            assert_eq!(account.kind(), kind, "{}", account.code());
        }
    }
}
