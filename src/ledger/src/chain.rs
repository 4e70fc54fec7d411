//! One hash chain a loan: an entry is sealed over the entry before it, so that no change goes unseen.

use prequal_core::canonical;
use serde::Serialize;

use crate::{Entry, LedgerError};

/// The hash before the first entry of a chain.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Where a chain ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The number of the last entry, 0 before the first.
    pub number: u64,
    /// Its hash, [`GENESIS`] before the first.
    pub hash: String,
}

impl Default for Head {
    fn default() -> Self {
        Self { number: 0, hash: GENESIS.to_owned() }
    }
}

/// An entry in its place in a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// 1 for the first entry of the chain.
    pub number: u64,
    /// The hash of the entry before.
    pub previous: String,
    /// SHA-256 over the canonical JSON of chain, number, entry and previous hash, lower-case hex.
    pub hash: String,
    /// What happened.
    pub entry: Entry,
}

#[derive(Serialize)]
struct Hashed<'a> {
    chain: &'a str,
    entry: &'a Entry,
    number: u64,
    previous: &'a str,
}

fn hash(chain: &str, number: u64, previous: &str, entry: &Entry) -> Result<String, LedgerError> {
    let text =
        canonical::to_string(&Hashed { chain, entry, number, previous }).map_err(|_| LedgerError::NotCanonical)?;
    Ok(canonical::sha256_hex(text.as_bytes()))
}

/// Seals an entry as the next of a chain.
///
/// # Errors
/// [`LedgerError::NotCanonical`], or [`LedgerError::ChainBroken`] where the numbers end.
pub fn seal(chain: &str, head: &Head, entry: Entry) -> Result<Sealed, LedgerError> {
    let number = head.number.checked_add(1).ok_or(LedgerError::ChainBroken(head.number))?;
    let hash = hash(chain, number, &head.hash, &entry)?;
    Ok(Sealed { number, previous: head.hash.clone(), hash, entry })
}

/// Checks a whole chain from its first entry; gives where it ends.
///
/// # Errors
/// [`LedgerError::ChainBroken`] with the first entry that is missing, out of place or changed.
pub fn verify<'a>(chain: &str, entries: impl IntoIterator<Item = &'a Sealed>) -> Result<Head, LedgerError> {
    entries.into_iter().try_fold(Head::default(), |head, sealed| {
        let expected = seal(chain, &head, sealed.entry.clone())?;
        if expected != *sealed {
            return Err(LedgerError::ChainBroken(expected.number));
        }
        Ok(Head { number: expected.number, hash: expected.hash })
    })
}

#[cfg(test)]
mod tests {
    use prequal_core::{calendar::Date, currency::Currency, money::Amount};

    use super::*;
    use crate::{Account, Transfer};

    fn entry(amount: i64) -> Entry {
        let transfer = Transfer::new(Account::Cash, Account::Suspense, Amount::new(amount).unwrap()).unwrap();
        let date: Date = serde_json::from_str("\"2026-01-01\"").unwrap();
        Entry::new(date, Currency::parse("USD").unwrap(), "test", vec![transfer]).unwrap()
    }

    #[test]
    fn any_change_breaks_the_chain_where_it_was_made() {
        let mut chain = Vec::new();
        let mut head = Head::default();
        for amount in 1..=4 {
            let sealed = seal("loan", &head, entry(amount)).unwrap();
            head = Head { number: sealed.number, hash: sealed.hash.clone() };
            chain.push(sealed);
        }
        assert_eq!(verify("loan", &chain), Ok(head));
        assert_eq!(verify("another", &chain), Err(LedgerError::ChainBroken(1)));

        let mut changed = chain.clone();
        changed[2].entry = entry(99);
        assert_eq!(verify("loan", &changed), Err(LedgerError::ChainBroken(3)));
        let mut swapped = chain.clone();
        swapped.swap(1, 2);
        assert_eq!(verify("loan", &swapped), Err(LedgerError::ChainBroken(2)));
        let mut shorter = chain.clone();
        shorter.remove(0);
        assert_eq!(verify("loan", &shorter), Err(LedgerError::ChainBroken(1)));
    }
}
