//! The chart of accounts: every account a posting may name, with its code, its name and its kind.

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
}

impl Kind {
    /// Whether a debit makes an account of this kind larger.
    #[must_use]
    pub const fn grows_by_debit(self) -> bool {
        matches!(self, Self::Asset)
    }
}

/// One account. Written in JSON and stored as its four-digit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Account {
    /// Money held at the payment provider.
    #[serde(rename = "1010")]
    Cash,
    /// Principal that borrowers owe.
    #[serde(rename = "1110")]
    PrincipalReceivable,
    /// Interest earned and not yet paid.
    #[serde(rename = "1120")]
    InterestReceivable,
    /// Fees fallen due and not yet paid.
    #[serde(rename = "1130")]
    FeeReceivable,
    /// Penalties charged and not yet paid.
    #[serde(rename = "1140")]
    PenaltyReceivable,
    /// Purchase prices owed to merchants and not yet paid out.
    #[serde(rename = "2010")]
    MerchantPayable,
    /// Money received above the debt, owed back to borrowers.
    #[serde(rename = "2110")]
    CustomerCredit,
    /// Money received that belongs to no known loan.
    #[serde(rename = "2910")]
    Suspense,
    /// Interest earned.
    #[serde(rename = "4010")]
    InterestIncome,
    /// Fees earned from borrowers.
    #[serde(rename = "4020")]
    FeeIncome,
    /// Fees earned from merchants.
    #[serde(rename = "4030")]
    MerchantFeeIncome,
    /// Penalties earned.
    #[serde(rename = "4040")]
    PenaltyIncome,
}

impl Account {
    /// Every account, in the order of the codes.
    pub const CHART: [Self; 12] = [
        Self::Cash,
        Self::PrincipalReceivable,
        Self::InterestReceivable,
        Self::FeeReceivable,
        Self::PenaltyReceivable,
        Self::MerchantPayable,
        Self::CustomerCredit,
        Self::Suspense,
        Self::InterestIncome,
        Self::FeeIncome,
        Self::MerchantFeeIncome,
        Self::PenaltyIncome,
    ];

    /// The code by which the account is stored and reported.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cash => "1010",
            Self::PrincipalReceivable => "1110",
            Self::InterestReceivable => "1120",
            Self::FeeReceivable => "1130",
            Self::PenaltyReceivable => "1140",
            Self::MerchantPayable => "2010",
            Self::CustomerCredit => "2110",
            Self::Suspense => "2910",
            Self::InterestIncome => "4010",
            Self::FeeIncome => "4020",
            Self::MerchantFeeIncome => "4030",
            Self::PenaltyIncome => "4040",
        }
    }

    /// The name a finance person reads.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cash => "Cash at the payment provider",
            Self::PrincipalReceivable => "Loan principal receivable",
            Self::InterestReceivable => "Interest receivable",
            Self::FeeReceivable => "Fees receivable",
            Self::PenaltyReceivable => "Penalties receivable",
            Self::MerchantPayable => "Payable to merchants",
            Self::CustomerCredit => "Credit balances owed to borrowers",
            Self::Suspense => "Money received from unknown payers",
            Self::InterestIncome => "Interest income",
            Self::FeeIncome => "Fee income",
            Self::MerchantFeeIncome => "Merchant fee income",
            Self::PenaltyIncome => "Penalty income",
        }
    }

    /// Asset, liability or income.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Cash
            | Self::PrincipalReceivable
            | Self::InterestReceivable
            | Self::FeeReceivable
            | Self::PenaltyReceivable => Kind::Asset,
            Self::MerchantPayable | Self::CustomerCredit | Self::Suspense => Kind::Liability,
            Self::InterestIncome | Self::FeeIncome | Self::MerchantFeeIncome | Self::PenaltyIncome => Kind::Income,
        }
    }

    /// The account of a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::CHART.into_iter().find(|account| account.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_unique_ascending_and_found_again() {
        assert!(Account::CHART.windows(2).all(|pair| pair[0].code() < pair[1].code()));
        for account in Account::CHART {
            assert_eq!(Account::from_code(account.code()), Some(account));
            assert_eq!(serde_json::to_value(account).unwrap(), account.code());
        }
        assert_eq!(Account::from_code("9999"), None);
    }

    /// Codes of 1… are assets, of 2… liabilities, of 4… income: the usual order of a chart of accounts.
    #[test]
    fn the_first_digit_tells_the_kind() {
        for account in Account::CHART {
            let kind = match account.code().as_bytes()[0] {
                b'1' => Kind::Asset,
                b'2' => Kind::Liability,
                _ => Kind::Income,
            };
            assert_eq!(account.kind(), kind, "{}", account.code());
        }
    }
}
