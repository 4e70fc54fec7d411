//! Entries and names in key order, in a plain vector.
//!
//! The standard library's trees are made for millions of entries, and each type they hold is a tree's code again for
//! every browser to download. What stands here has dozens.

use core::{cmp::Ordering, fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    canonical::{Canonical, Text},
    json::{Node, Read},
};

/// Values by key, in the order of the keys' UTF-16 units, which is that of canonical JSON (RFC 8785).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sorted<V>(Vec<(String, V)>);

impl<V> Sorted<V> {
    /// Without an entry.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| by_units(other, key))
    }

    /// The value under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&V> {
        self.position(key).ok().and_then(|at| self.0.get(at)).map(|(_, value)| value)
    }

    /// Whether there is an entry under `key`.
    #[must_use]
    pub fn contains_key(&self, key: &str) -> bool {
        self.position(key).is_ok()
    }

    /// Puts `value` under `key`; what was there before.
    pub fn insert(&mut self, key: String, value: V) -> Option<V> {
        match self.position(&key) {
            Ok(at) => self.0.get_mut(at).map(|(_, old)| core::mem::replace(old, value)),
            Err(at) => {
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    /// Takes the entry under `key` out.
    pub fn remove(&mut self, key: &str) -> Option<V> {
        self.position(key).ok().map(|at| self.0.remove(at).1)
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All entries.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &V)> + ExactSizeIterator {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// All keys.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.0.iter().map(|(key, _)| key.as_str())
    }

    /// All values.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator {
        self.0.iter().map(|(_, value)| value)
    }
}

/// The order of two texts by UTF-16 units. It differs from that of UTF-8's bytes in one thing: what takes two units
/// (four bytes, the first from 0xF0) stands before U+E000 … U+FFFF (the first byte 0xEE or 0xEF).
fn by_units(one: &str, other: &str) -> Ordering {
    let rank = |byte: u8| match byte {
        0xEE | 0xEF => u16::from(byte) << 8,
        0xF0.. => 0xED00 | u16::from(byte),
        _ => u16::from(byte) << 8,
    };
    one.bytes().map(rank).cmp(other.bytes().map(rank))
}

impl<V> Default for Sorted<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> Extend<(String, V)> for Sorted<V> {
    fn extend<I: IntoIterator<Item = (String, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<V> FromIterator<(String, V)> for Sorted<V> {
    fn from_iter<I: IntoIterator<Item = (String, V)>>(entries: I) -> Self {
        let mut sorted = Self::new();
        sorted.extend(entries);
        sorted
    }
}

impl<V, const N: usize> From<[(String, V); N]> for Sorted<V> {
    fn from(entries: [(String, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<V> IntoIterator for Sorted<V> {
    type Item = (String, V);
    type IntoIter = std::vec::IntoIter<(String, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// How many entries are read, and how long their keys may be in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub entries: usize,
    pub key_bytes: usize,
}

impl Limits {
    /// The document's own limits alone.
    const NONE: Self = Self { entries: usize::MAX, key_bytes: usize::MAX };

    /// What is wrong with one more key.
    fn refuse<V>(self, sorted: &Sorted<V>, key: &str) -> Option<String> {
        let Self { entries, key_bytes } = self;
        if key.len() > key_bytes {
            return Some(format!("a key has {} bytes; at most {key_bytes} are taken", key.len()));
        }
        (sorted.len() == entries).then(|| format!("an object has more than {entries} entries"))
    }
}

impl<V: Read> Sorted<V> {
    /// Reads an object of at most so many entries.
    #[inline(never)]
    pub(crate) fn read_within(node: Node<'_>, limits: Limits) -> Self {
        let mut sorted = Self::new();
        let mut nodes = node.entries();
        while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
            let name = key.text();
            if let Some(why) = limits.refuse(&sorted, name) {
                key.fail(format_args!("{why}"));
                break;
            }
            if sorted.insert(name.to_owned(), V::read(value)).is_some() {
                key.fail(format_args!("`{name}` stands twice in one object"));
            }
        }
        sorted
    }
}

impl<V: Read> Read for Sorted<V> {
    fn read(node: Node<'_>) -> Self {
        Self::read_within(node, Limits::NONE)
    }
}

impl<V: Canonical> Canonical for Sorted<V> {
    fn write_to(&self, text: &mut Text) {
        text.open();
        for (key, value) in &self.0 {
            text.free_key(key);
            value.write_to(text);
        }
        text.close();
    }
}

impl<V: Serialize> Serialize for Sorted<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Sorted<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SortedVisitor::within(Limits::NONE))
    }
}

/// Reads an object by serde.
pub(crate) struct SortedVisitor<V> {
    limits: Limits,
    values: PhantomData<V>,
}

impl<V> SortedVisitor<V> {
    /// For an object of at most so many entries.
    pub(crate) const fn within(limits: Limits) -> Self {
        Self { limits, values: PhantomData }
    }
}

impl<'de, V: Deserialize<'de>> de::Visitor<'de> for SortedVisitor<V> {
    type Value = Sorted<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut access: A) -> Result<Sorted<V>, A::Error> {
        let mut sorted = Sorted::new();
        while let Some(key) = access.next_key::<String>()? {
            if sorted.contains_key(&key) {
                return Err(de::Error::custom(format_args!("`{key}` stands twice in one object")));
            }
            if let Some(why) = self.limits.refuse(&sorted, &key) {
                return Err(de::Error::custom(why));
            }
            sorted.insert(key, access.next_value()?);
        }
        Ok(sorted)
    }
}

/// Names, each once.
#[derive(Debug, Default)]
pub(crate) struct Names<'n>(Vec<&'n str>);

impl<'n> Names<'n> {
    /// Adds a name; whether it is new.
    #[inline(never)]
    pub(crate) fn insert(&mut self, name: &'n str) -> bool {
        match self.0.binary_search(&name) {
            Ok(_) => false,
            Err(at) => {
                self.0.insert(at, name);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The standard library's map is the second implementation.
        #[test]
        fn entries_are_those_of_a_map(steps in proptest::collection::vec(("[a-d]{0,2}", any::<Option<u8>>()), 0..60)) {
            let (mut sorted, mut map) = (Sorted::new(), BTreeMap::new());
            for (key, value) in steps {
                match value {
                    Some(value) => prop_assert_eq!(sorted.insert(key.clone(), value), map.insert(key, value)),
                    None => prop_assert_eq!(sorted.remove(&key), map.remove(&key)),
                }
                prop_assert!(sorted.iter().eq(map.iter().map(|(key, value)| (key.as_str(), value))));
            }
        }

        #[test]
        fn the_order_is_that_of_utf_16(one in "\\PC{0,3}", other in "[a\u{7f}\u{80}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}]{0,3}") {
            prop_assert_eq!(by_units(&one, &other), one.encode_utf16().cmp(other.encode_utf16()));
            prop_assert_eq!(by_units(&other, &one), other.encode_utf16().cmp(one.encode_utf16()));
        }

        #[test]
        fn a_name_is_new_once(names in proptest::collection::vec("[a-d]{0,2}", 0..60)) {
            let (mut seen, mut set) = (Names::default(), BTreeSet::new());
            for name in &names {
                prop_assert_eq!(seen.insert(name), set.insert(name));
            }
        }
    }
}
