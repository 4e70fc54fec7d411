//! A JSON object with free keys, which refuses a key that stands twice.

use core::{fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    canonical::{Canonical, Text},
    json::{Node, Read},
    sorted::Sorted,
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

impl<V: Read> Read for Map<V> {
    #[inline(never)]
    fn read(node: Node<'_>) -> Self {
        let mut map = Sorted::new();
        let mut nodes = node.entries();
        while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
            let name = key.text();
            if name.len() > ID_BYTES_MAX {
                let bytes = name.len();
                key.fail(format_args!("a key has {bytes} bytes; at most {ID_BYTES_MAX} are taken"));
                break;
            }
            if map.len() == EVIDENCE_ITEMS_MAX {
                key.fail(format_args!("an object has more than {EVIDENCE_ITEMS_MAX} entries"));
                break;
            }
            if map.insert(name.to_owned(), V::read(value)).is_some() {
                key.fail(format_args!("`{name}` stands twice in one object"));
            }
        }
        Self(map)
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
        deserializer.deserialize_map(MapVisitor(PhantomData))
    }
}

struct MapVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> de::Visitor<'de> for MapVisitor<V> {
    type Value = Map<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut access: A) -> Result<Map<V>, A::Error> {
        let mut entries = Sorted::new();
        while let Some(key) = access.next_key::<String>()? {
            if key.len() > ID_BYTES_MAX {
                return Err(de::Error::custom(format_args!(
                    "a key has {} bytes; at most {ID_BYTES_MAX} are taken",
                    key.len()
                )));
            }
            if entries.contains_key(&key) {
                return Err(de::Error::custom(format_args!("`{key}` stands twice in one object")));
            }
            if entries.len() == EVIDENCE_ITEMS_MAX {
                return Err(de::Error::custom(format_args!("an object has more than {EVIDENCE_ITEMS_MAX} entries")));
            }
            let value = access.next_value()?;
            entries.insert(key, value);
        }
        Ok(Map(entries))
    }
}
