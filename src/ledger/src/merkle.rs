//! The day's head: a Merkle root over the heads of all chains, linked to the day before. Whoever signs the bytes of
//! one day vouches for every entry of every chain up to that day.
//!
//! The tree is that of RFC 9162, section 2.1.1: a leaf is hashed behind a zero byte and a node behind a one, so that
//! neither can be taken for the other. A leaf is the canonical JSON of chain, number and hash, by the chains' names.
//! The head of a chain on a day is its last entry booked up to that day.

use prequal_core::{calendar::Date, canonical};
use serde::{Deserialize, Serialize};

use crate::{Head, LedgerError, chain::GENESIS};

/// The head of the ledger on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayHead {
    /// How many chains have entries.
    pub chains: u64,
    /// The day.
    pub date: Date,
    /// The hash of the day head before, [`GENESIS`] for the first.
    pub previous: String,
    /// The root over the chains' heads.
    pub root: String,
}

#[derive(Serialize)]
struct Leaf<'a> {
    chain: &'a str,
    hash: &'a str,
    number: u64,
}

/// What is signed says what it is, so that it can be taken for nothing else.
#[derive(Serialize)]
struct Statement<'a> {
    day: &'a DayHead,
    r#type: &'static str,
}

fn bytes_of(hex: &str) -> Result<Vec<u8>, LedgerError> {
    let digit = |text: &[u8]| core::str::from_utf8(text).ok().and_then(|text| u8::from_str_radix(text, 16).ok());
    hex.as_bytes().chunks(2).map(|pair| digit(pair).ok_or(LedgerError::NotCanonical)).collect()
}

fn node(left: &str, right: &str) -> Result<String, LedgerError> {
    let mut bytes = vec![1];
    bytes.extend(bytes_of(left)?);
    bytes.extend(bytes_of(right)?);
    Ok(canonical::sha256_hex(&bytes))
}

/// The root over the heads of chains, whose names rise; the hash of nothing where there are none.
///
/// # Errors
/// [`LedgerError::NotCanonical`] for a hash that is none, or names that do not rise.
pub fn root<'a>(heads: impl IntoIterator<Item = (&'a str, &'a Head)>) -> Result<String, LedgerError> {
    let mut level = Vec::new();
    let mut last: Option<&str> = None;
    for (chain, head) in heads {
        if last.replace(chain).is_some_and(|before| before >= chain) {
            return Err(LedgerError::NotCanonical);
        }
        let leaf = Leaf { chain, hash: &head.hash, number: head.number };
        let text = canonical::to_string(&leaf).map_err(|_| LedgerError::NotCanonical)?;
        let mut bytes = vec![0];
        bytes.extend(text.as_bytes());
        level.push(canonical::sha256_hex(&bytes));
    }
    // Pairs from the left, the odd one moving up alone: the shape of RFC 9162, whose left part is a power of two.
    while level.len() > 1 {
        let mut next = Vec::with_capacity(level.len().div_ceil(2));
        for pair in level.chunks(2) {
            match pair {
                [left, right] => next.push(node(left, right)?),
                [odd] => next.push(odd.clone()),
                _ => {}
            }
        }
        level = next;
    }
    Ok(level.pop().unwrap_or_else(|| canonical::sha256_hex(&[])))
}

impl DayHead {
    /// The head of a day over the heads of its chains, whose names rise, behind the day before.
    ///
    /// # Errors
    /// As [`root`]; [`LedgerError::DayOutOfOrder`] where the day before is not before.
    pub fn new<'a>(
        date: Date,
        heads: impl IntoIterator<Item = (&'a str, &'a Head)>,
        before: Option<&Self>,
    ) -> Result<Self, LedgerError> {
        if before.is_some_and(|before| before.date >= date) {
            return Err(LedgerError::DayOutOfOrder(date));
        }
        let previous = before.map_or_else(|| Ok(GENESIS.to_owned()), Self::hash)?;
        let mut chains = 0;
        let root = root(heads.into_iter().inspect(|_| chains += 1))?;
        Ok(Self { chains, date, previous, root })
    }

    /// The bytes that are signed: canonical JSON.
    ///
    /// # Errors
    /// [`LedgerError::NotCanonical`].
    pub fn bytes(&self) -> Result<Vec<u8>, LedgerError> {
        let statement = Statement { day: self, r#type: "prequal-ledger-day" };
        canonical::to_string(&statement).map(String::into_bytes).map_err(|_| LedgerError::NotCanonical)
    }

    /// SHA-256 of what is signed, lower-case hex: the next day's `previous`.
    ///
    /// # Errors
    /// [`LedgerError::NotCanonical`].
    pub fn hash(&self) -> Result<String, LedgerError> {
        Ok(canonical::sha256_hex(&self.bytes()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9162's tree by its own recursive definition, beside the one that goes level by level.
    fn by_definition(leaves: &[String]) -> String {
        match leaves {
            [] => canonical::sha256_hex(&[]),
            [one] => one.clone(),
            more => {
                let split = more.len().next_power_of_two() / 2;
                node(&by_definition(&more[..split]), &by_definition(&more[split..])).unwrap()
            }
        }
    }

    #[test]
    fn the_tree_is_that_of_rfc_9162() {
        // The hash of nothing, as section 2.1.1 and FIPS 180-4 have it.
        assert_eq!(root([]).unwrap(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        for count in 0..40_usize {
            let heads: Vec<(String, Head)> = (0..count)
                .map(|place| {
                    let hash = canonical::sha256_hex(format!("{place}").as_bytes());
                    (format!("{place:03}"), Head { number: place as u64, hash })
                })
                .collect();
            let leaves: Vec<String> = heads
                .iter()
                .map(|(chain, head)| {
                    let leaf = format!(r#"{{"chain":"{chain}","hash":"{}","number":{}}}"#, head.hash, head.number);
                    canonical::sha256_hex(format!("\0{leaf}").as_bytes())
                })
                .collect();
            let got = root(heads.iter().map(|(chain, head)| (chain.as_str(), head))).unwrap();
            assert_eq!(got, by_definition(&leaves), "{count} chains");
        }
    }

    #[test]
    fn a_day_is_linked_to_the_day_before_and_names_rise() {
        let head = Head::default();
        let day = |text| Date::parse(text).unwrap();
        let first = DayHead::new(day("2026-01-01"), [("a", &head)], None).unwrap();
        let second = DayHead::new(day("2026-01-02"), [("a", &head), ("b", &head)], Some(&first)).unwrap();
        assert_eq!((second.previous.clone(), second.chains), (first.hash().unwrap(), 2));
        assert_ne!(first.root, second.root);
        let again = DayHead::new(day("2026-01-02"), [("a", &head)], Some(&second));
        assert_eq!(again, Err(LedgerError::DayOutOfOrder(day("2026-01-02"))));
        for names in [["b", "a"], ["a", "a"]] {
            assert_eq!(root(names.map(|name| (name, &head))), Err(LedgerError::NotCanonical));
        }
        let text = String::from_utf8(first.bytes().unwrap()).unwrap();
        assert!(text.starts_with(r#"{"day":{"chains":1,"date":"2026-01-01","#), "{text}");
        assert!(text.ends_with(r#","type":"prequal-ledger-day"}"#), "{text}");
    }
}
