//! A JSON object with free keys, which refuses a key that stands twice.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    canonical::{Canonical, Text},
    json::{Node, Read},
    sorted::{Limits, Sorted, SortedVisitor},
};

use super::limits::{EVIDENCE_ITEMS_MAX, ID_BYTES_MAX};

/// Entries by key, at most [`EVIDENCE_ITEMS_MAX`], keys at most [`ID_BYTES_MAX`] bytes. Two entries under one key
/// are an error: which one was meant would be a guess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map<V>(pub Sorted<V>);

impl<V> Map<V> {
    /// The value under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&V> {
        self.0.get(key)
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

    /// All entries in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.0.iter()
    }
}

impl<V> Default for Map<V> {
    fn default() -> Self {
        Self(Sorted::new())
    }
}

impl<V> FromIterator<(String, V)> for Map<V> {
    fn from_iter<I: IntoIterator<Item = (String, V)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

const LIMITS: Limits = Limits { entries: EVIDENCE_ITEMS_MAX, key_bytes: ID_BYTES_MAX };

impl<V: Read> Read for Map<V> {
    fn read(node: Node<'_>) -> Self {
        Self(Sorted::read_within(node, LIMITS))
    }
}

impl<V: Canonical> Canonical for Map<V> {
    fn write_to(&self, text: &mut Text) {
        self.0.write_to(text);
    }
}

impl<V: Serialize> Serialize for Map<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Map<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SortedVisitor::within(LIMITS)).map(Self)
    }
}
