//! Entity tags (RFC 9110, section 8.8.3): whoever changes a thing says which state of it was read.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
};

use crate::{
    problem::{Kind, Problem},
    secret,
};

/// How many hex digits of the hash stand in a tag.
const DIGITS: usize = 32;

/// A strong tag of everything that makes up a state.
#[must_use]
pub fn of(parts: &[&str]) -> String {
    let hash = secret::sha256_hex(parts.join("\0"));
    format!("\"{}\"", hash.get(..DIGITS).unwrap_or(&hash))
}

/// Whether a list of tags names one, weakly compared as `If-None-Match` is.
#[must_use]
pub fn names(list: &HeaderValue, tag: &str) -> bool {
    let strip = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    list.to_str().is_ok_and(|list| list.trim() == "*" || list.split(',').any(|one| strip(one) == strip(tag)))
}

/// The `If-Match` of a request that changes something.
#[derive(Debug, Clone)]
pub struct IfMatch(Option<HeaderValue>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(Self(parts.headers.get(header::IF_MATCH).cloned()))
    }
}

impl IfMatch {
    /// Whether somebody said which state was read.
    #[must_use]
    pub const fn is_asked(&self) -> bool {
        self.0.is_some()
    }

    /// Lets a change through where the state is the one that was read, or where nobody said which. To be asked in
    /// the transaction of the change.
    ///
    /// # Errors
    /// 412 where it is another state.
    pub fn check(&self, current: &str) -> Result<(), Problem> {
        let Some(list) = &self.0 else { return Ok(()) };
        // Strongly compared: a weak tag never matches.
        let matches = |list: &str| list.trim() == "*" || list.split(',').any(|one| one.trim() == current);
        if list.to_str().is_ok_and(matches) {
            return Ok(());
        }
        Err(Problem::new(Kind::PreconditionFailed, "read it again and decide anew").with("etag", current))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_goes_through_on_the_state_that_was_read() {
        let (old, new) = (of(&["a", "1"]), of(&["a", "2"]));
        assert_ne!(old, new);
        assert_ne!(of(&["a", "12"]), of(&["a1", "2"]), "parts do not run together");
        let given = |text: &str| IfMatch(Some(text.parse().unwrap()));
        assert!(IfMatch(None).check(&new).is_ok() && given("*").check(&new).is_ok());
        assert!(given(&format!("{old}, {new}")).check(&new).is_ok());
        for wrong in [old.clone(), format!("W/{new}"), String::new(), "\"\"".to_owned()] {
            assert_eq!(given(&wrong).check(&new).unwrap_err().kind(), Kind::PreconditionFailed, "{wrong}");
        }
        let list: HeaderValue = format!("W/{old}, \"x\"").parse().unwrap();
        assert!(names(&list, &old) && !names(&list, &new));
    }
}
