//! The trial balance: what every account has been debited and credited, by currency.

use std::collections::BTreeMap;

use prequal_core::{currency::Currency, money::Amount};

use crate::{Account, Entry, LedgerError};

/// The two sides of one account in one currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sides {
    /// All debits.
    pub debit: Amount,
    /// All credits.
    pub credit: Amount,
}

impl Sides {
    /// Debits less credits, in minor units; negative where credits prevail.
    #[must_use]
    pub const fn net(self) -> i64 {
        self.debit.minor() - self.credit.minor()
    }
}

/// Sums by currency code and account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrialBalance(BTreeMap<(String, Account), Sides>);

impl TrialBalance {
    /// Adds an entry.
    ///
    /// # Errors
    /// When a sum leaves the range of amounts.
    pub fn add(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        for transfer in entry.transfers() {
            let debited = self.sides(entry.currency(), transfer.debit());
            debited.debit = debited.debit.checked_add(transfer.amount())?;
            let credited = self.sides(entry.currency(), transfer.credit());
            credited.credit = credited.credit.checked_add(transfer.amount())?;
        }
        Ok(())
    }

    fn sides(&mut self, currency: Currency, account: Account) -> &mut Sides {
        self.0.entry((currency.code().to_owned(), account)).or_default()
    }

    /// The sides of an account; nothing where nothing was posted.
    #[must_use]
    pub fn of(&self, currency: Currency, account: Account) -> Sides {
        self.0.get(&(currency.code().to_owned(), account)).copied().unwrap_or_default()
    }

    /// The accounts in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Account, Sides)> {
        self.0.iter().map(|((currency, account), sides)| (currency.as_str(), *account, *sides))
    }
}
