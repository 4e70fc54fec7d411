//! API keys: hashed at rest, each of one role, with scopes and an end.
//!
//! A scope is a noun of the interface and what may be done with it: `ledger:read`, `checkouts:write`. The noun is the
//! first part of a route's path after `/v1/`, so a new route needs no scope of its own. A role allows what it allows;
//! scopes only take from it.

use std::{collections::BTreeSet, sync::Arc};

use axum::http::Method;
use prequal_core::calendar::Instant;

use crate::{
    funding::config::Funder,
    secret,
    settings::{Edge, Merchant},
};

/// The nouns that stand in scopes: the first parts of paths after `/v1/`.
pub const NOUNS: &[&str] = &[
    "applications",
    "bundle",
    "checkouts",
    "decisions",
    "duties",
    "funders",
    "jobs",
    "ledger",
    "lines",
    "loans",
    "merchants",
    "notices",
    "order-events",
    "orders",
    "payments",
    "persons",
    "refunds",
    "retention",
    "reviews",
    "sandbox",
    "settlements",
    "statements",
    "webhooks",
];

/// Routes that read although they are not GET: what is looked for stands in the body.
const READING: &[&str] = &["/v1/persons/search"];

/// Who holds a key.
#[derive(Debug, Clone)]
pub enum Holder {
    /// A shop.
    Merchant(Arc<Merchant>),
    /// An edge worker.
    Edge(Arc<Edge>),
    /// One of those who finance loans.
    Funder(Arc<Funder>),
    /// One of the lender's people or programs, by id.
    Lender(String),
    /// An auditor, by id.
    Auditor(String),
}

impl Holder {
    /// What the key of such a holder begins with, before `_`.
    #[must_use]
    pub const fn prefix(&self) -> &'static str {
        match self {
            Self::Merchant(_) => "mk",
            Self::Edge(_) => "ek",
            Self::Funder(_) => "fk",
            Self::Lender(_) => "lk",
            Self::Auditor(_) => "ak",
        }
    }
}

/// One key.
#[derive(Debug, Clone)]
pub struct Key {
    /// Who holds it.
    pub holder: Holder,
    sha256: String,
    /// `None` allows all that the role does.
    scopes: Option<BTreeSet<String>>,
    expires_seconds: Option<i64>,
}

impl Key {
    /// A key as it is configured.
    ///
    /// # Errors
    /// One readable line for a scope or a time that is none.
    pub fn new(holder: Holder, sha256: &str, scopes: Option<&[String]>, expires: Option<&str>) -> Result<Self, String> {
        for scope in scopes.unwrap_or_default() {
            let known = scope
                .split_once(':')
                .is_some_and(|(noun, verb)| NOUNS.contains(&noun) && matches!(verb, "read" | "write"));
            if !known {
                return Err(format!("scope `{scope}` is not `NOUN:read` or `NOUN:write` of {}", NOUNS.join(", ")));
            }
        }
        let expires = expires.map(|text| Instant::parse(text).map_err(|error| format!("expires `{text}`: {error}")));
        Ok(Self {
            holder,
            sha256: sha256.to_owned(),
            scopes: scopes.map(|scopes| scopes.iter().cloned().collect()),
            expires_seconds: expires.transpose()?.map(Instant::seconds),
        })
    }

    /// Whether the key's time is over, by the machine's clock.
    #[must_use]
    pub fn is_expired(&self, now_seconds: i64) -> bool {
        self.expires_seconds.is_some_and(|end| end <= now_seconds)
    }

    /// Whether the key's scopes hold one.
    #[must_use]
    pub fn allows(&self, scope: &str) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.contains(scope))
    }

    /// The key's hash.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.sha256
    }
}

/// The scope that a route needs; `None` where it has no noun.
#[must_use]
pub fn scope_of(method: &Method, route: &str) -> Option<String> {
    let noun = route.strip_prefix("/v1/")?.split('/').next()?;
    let reads = method == Method::GET || method == Method::HEAD || READING.contains(&route);
    Some(format!("{noun}:{}", if reads { "read" } else { "write" }))
}

/// Every key.
#[derive(Debug, Default)]
pub struct Keys(Vec<Arc<Key>>);

impl Keys {
    /// Keys whose hashes differ.
    #[must_use]
    pub fn new(keys: Vec<Key>) -> Self {
        Self(keys.into_iter().map(Arc::new).collect())
    }

    /// The key of a hash. Every known hash is compared, each in constant time, so that the time tells nothing.
    #[must_use]
    pub fn find(&self, hash: &str) -> Option<&Arc<Key>> {
        self.0.iter().fold(None, |found, key| if secret::same(&key.sha256, hash) { Some(key) } else { found })
    }

    /// Ids of the lender's keys.
    pub fn lenders(&self) -> impl Iterator<Item = &String> {
        self.0.iter().filter_map(|key| if let Holder::Lender(id) = &key.holder { Some(id) } else { None })
    }

    /// Ids of auditors' keys.
    pub fn auditors(&self) -> impl Iterator<Item = &String> {
        self.0.iter().filter_map(|key| if let Holder::Auditor(id) = &key.holder { Some(id) } else { None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(scopes: Option<&[&str]>, expires: Option<&str>) -> Result<Key, String> {
        let scopes: Option<Vec<String>> = scopes.map(|all| all.iter().map(|&scope| scope.to_owned()).collect());
        Key::new(Holder::Lender("a".to_owned()), &secret::sha256_hex("k"), scopes.as_deref(), expires)
    }

    #[test]
    fn a_route_s_scope_is_its_noun_and_whether_it_reads() {
        for (method, route, scope) in [
            (Method::GET, "/v1/ledger/entries", Some("ledger:read")),
            (Method::POST, "/v1/checkouts", Some("checkouts:write")),
            (Method::POST, "/v1/persons/search", Some("persons:read")),
            (Method::DELETE, "/v1/persons/{id}", Some("persons:write")),
            (Method::GET, "/healthz", None),
        ] {
            assert_eq!(scope_of(&method, route).as_deref(), scope, "{route}");
        }
    }

    #[test]
    fn scopes_take_from_a_role_and_a_key_ends_at_its_second() {
        let all = key(None, None).unwrap();
        assert!(all.allows("ledger:read") && all.allows("persons:write") && !all.is_expired(i64::MAX));
        let narrow = key(Some(&["ledger:read"]), Some("2026-01-01T00:00:00Z")).unwrap();
        assert!(narrow.allows("ledger:read") && !narrow.allows("ledger:write") && !narrow.allows("persons:read"));
        // 2026-01-01 is day 20,454 of the epoch: 20,454 × 86,400.
        assert!(!narrow.is_expired(1_767_225_599) && narrow.is_expired(1_767_225_600));
        assert!(!key(Some(&[]), None).unwrap().allows("ledger:read"), "no scopes allow nothing");
        for wrong in ["ledger", "ledger:delete", "ledgers:read", ":read", "ledger:read ", "*"] {
            assert!(key(Some(&[wrong]), None).unwrap_err().contains(wrong), "{wrong}");
        }
        assert!(key(None, Some("tomorrow")).unwrap_err().contains("tomorrow"));
    }
}
