//! An object whose every member must be known.

use std::borrow::Cow;

use super::Value;
use crate::error::{ImportError, shown};

/// The members of an object, taken one by one; [`Fields::finish`] refuses what was left over.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    name: String,
    entries: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(name: &str, entries: Vec<(Cow<'a, str>, Value<'a>)>) -> Self {
        Self { name: name.to_owned(), entries }
    }

    /// Takes a member that may be absent.
    pub(crate) fn optional(&mut self, key: &str) -> Option<Value<'a>> {
        let at = self.entries.iter().position(|(name, _)| name == key)?;
        Some(self.entries.swap_remove(at).1)
    }

    /// Takes a member that must be there.
    pub(crate) fn required(&mut self, key: &str) -> Result<Value<'a>, ImportError> {
        let name = &self.name;
        let missing = ImportError::refuse(format!("`{name}` lacks `{key}`"));
        self.optional(key).ok_or(missing)
    }

    /// Takes members that are known to have no effect on a prediction.
    pub(crate) fn ignore(&mut self, keys: &[&str]) {
        self.entries.retain(|(name, _)| !keys.contains(&name.as_ref()));
    }

    /// Refuses every member that nobody took.
    pub(crate) fn finish(self) -> Result<(), ImportError> {
        match self.entries.first() {
            Some((key, _)) => Err(ImportError::refuse(format!(
                "`{}` has a member `{}`, which is not understood",
                self.name,
                shown(key)
            ))),
            None => Ok(()),
        }
    }
}
