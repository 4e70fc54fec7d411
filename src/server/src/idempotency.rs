//! Requests that must take effect once: the one place that knows how.
//!
//! A key is scoped to its caller and to the thing it acts on, and bound to the fingerprint of the body. The
//! reply is written in the transaction of the effect, so that both are there or neither. A refusal is not
//! kept: nothing happened, and the request may be sent again.
//!
//! Keys and bodies are the caller's own and may hold anything, a name among them: only keyed digests of them are kept,
//! from which nothing can be guessed. Earlier programs kept plain ones, which are still known again.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    problem::{Kind, Problem},
    reply::Reply,
    secret,
    storage::{Connection, replies},
    vault::Vault,
};

/// The requests being served now.
#[derive(Debug, Clone, Default)]
pub struct InFlight(Arc<Mutex<HashSet<String>>>);

/// A request that goes on: [`Attempt::earlier`], its effect and [`Attempt::finish`] belong into one transaction.
#[derive(Debug)]
pub struct Attempt {
    place: String,
    scope: String,
    /// Under which an earlier program kept the same.
    former_scope: Option<String>,
    key_hash: String,
    fingerprint: String,
    in_flight: InFlight,
}

impl InFlight {
    /// Claims a key, before any transaction is begun.
    ///
    /// # Errors
    /// 409 where the same request is being served.
    pub fn claim(&self, caller: &str, resource: &str, key: &str, fingerprint: &str) -> Result<Attempt, Problem> {
        let scope = format!("{caller} {resource}");
        let key_hash = secret::sha256_hex(key);
        let place = place(&scope, &key_hash);
        if !self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(place.clone()) {
            return Err(Problem::new(Kind::IdempotencyInFlight, "ask again in a moment with the same key"));
        }
        let (fingerprint, in_flight) = (fingerprint.to_owned(), self.clone());
        Ok(Attempt { place, scope, former_scope: None, key_hash, fingerprint, in_flight })
    }

    /// Claims a shopper's key. A shopper is whoever a thing's credential says, and credentials are replaced: a request
    /// that is sent again under a newer one is the same request. Whoever asks must be let in before
    /// [`Attempt::earlier`].
    ///
    /// # Errors
    /// As [`InFlight::claim`].
    pub fn claim_of_shopper(
        &self,
        capability_hash: &str,
        resource: &str,
        key: &str,
        fingerprint: &str,
    ) -> Result<Attempt, Problem> {
        let attempt = self.claim("shopper", resource, key, fingerprint)?;
        Ok(attempt.formerly(format!("capability:{capability_hash} {resource}")))
    }
}

impl Attempt {
    fn formerly(mut self, scope: String) -> Self {
        self.former_scope = Some(scope);
        self
    }

    /// What was answered before, looked for inside the transaction of the effect.
    ///
    /// # Errors
    /// 422 where the key came with another body before.
    pub async fn earlier(&self, db: &mut Connection, vault: &Vault) -> Result<Option<Reply>, Problem> {
        let (key, fingerprint) = self.digests(vault);
        let scopes = [self.scope.as_str(), self.former_scope.as_ref().unwrap_or(&self.scope)];
        let Some(stored) = replies::find(db, scopes, [&key, &self.key_hash]).await? else { return Ok(None) };
        if stored.fingerprint != fingerprint && stored.fingerprint != self.fingerprint {
            return Err(Problem::new(Kind::IdempotencyConflict, "use a new key for another request"));
        }
        let place = place(&stored.scope, &stored.key_hash);
        let body = vault.open_reply(&place, &stored.sealed).map_err(Problem::internal)?;
        Reply::stored(stored.status, body).map(Some)
    }

    /// Keeps the reply, in the transaction of the effect.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish(&self, db: &mut Connection, vault: &Vault, reply: &Reply, now: &str) -> Result<(), Problem> {
        let (key_hash, fingerprint) = self.digests(vault);
        let sealed = vault.seal_reply(&place(&self.scope, &key_hash), reply.body());
        let stored =
            replies::Stored { scope: self.scope.clone(), key_hash, fingerprint, status: reply.status(), sealed };
        Ok(replies::insert(db, &stored, now).await?)
    }

    /// What is kept of the key and of the body.
    fn digests(&self, vault: &Vault) -> (String, String) {
        let of = |kind, hash: &str| vault.lookup_digest(kind, hash);
        (of("idempotency key", &self.key_hash), of("idempotent request", &self.fingerprint))
    }
}

/// Where a reply is sealed: it opens nowhere else.
#[must_use]
pub fn place(scope: &str, key_hash: &str) -> String {
    format!("{scope} {key_hash}")
}

/// Lets the key go: after the commit, or when the request failed or its caller went away.
impl Drop for Attempt {
    fn drop(&mut self) {
        self.in_flight.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_served_once_at_a_time_for_its_caller_and_its_resource() {
        let in_flight = InFlight::default();
        let first = in_flight.claim("capability:a", "loans/1/payments", "k", "body").unwrap();
        let again = in_flight.claim("capability:a", "loans/1/payments", "k", "body").unwrap_err();
        assert_eq!(again.kind(), Kind::IdempotencyInFlight);
        for (caller, resource, key) in [
            ("capability:b", "loans/1/payments", "k"),
            ("capability:a", "loans/2/payments", "k"),
            ("capability:a", "loans/1/payments", "l"),
        ] {
            assert!(in_flight.claim(caller, resource, key, "body").is_ok());
        }
        drop(first);
        assert!(in_flight.claim("capability:a", "loans/1/payments", "k", "body").is_ok());
    }
}
