//! How often may be asked: a bucket of tokens for each credential, and one for each address without a known key.
//!
//! In memory and of this process: two servers allow twice as much. A bucket is one number, the moment at which it
//! will be full again (the generic cell rate algorithm, ITU-T I.371).

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use axum::http::HeaderMap;

use super::auth::Credential;
use crate::config::{Rate, RateLimits};

/// How many buckets are kept. Those that are full again go first; should none be, all go: an attack from so many
/// addresses is not stopped by counting each.
pub const BUCKETS_MAX: usize = 100_000;
/// How many addresses of `X-Forwarded-For` are read.
const HOPS_MAX: usize = 16;

const NANOS: u64 = 1_000_000_000;

/// What a bucket says of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Its name for `RateLimit` headers.
    pub policy: &'static str,
    /// By which rate.
    pub rate: Rate,
    /// How many more may come at once.
    pub remaining: u64,
    /// After how many seconds the bucket is full again, rounded up.
    pub full_seconds: u64,
    /// Where it is refused: after how many seconds to come again, at least 1.
    pub retry_seconds: Option<u64>,
}

/// The buckets of one process.
#[derive(Debug)]
pub struct Limiter {
    limits: RateLimits,
    begun: Instant,
    full_at: Mutex<HashMap<String, u64>>,
}

impl Limiter {
    /// Buckets by configured rates.
    #[must_use]
    pub fn new(limits: RateLimits) -> Self {
        Self { limits, begun: Instant::now(), full_at: Mutex::default() }
    }

    /// Takes a token for a request; `None` where nothing limits it.
    pub fn take(&self, credential: &Credential, address: Option<IpAddr>) -> Option<Verdict> {
        let now = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if let Credential::Key(key) = credential {
            return self.take_at(now, "key", key.hash().to_owned(), self.limits.key);
        }
        let by_address =
            address.and_then(|address| self.take_at(now, "address", network(address), self.limits.address));
        match credential {
            // An address that made up capabilities would have a bucket for each of them.
            Credential::Capability(hash) if by_address.is_none_or(|verdict| verdict.retry_seconds.is_none()) => {
                self.take_at(now, "capability", hash.clone(), self.limits.capability).or(by_address)
            }
            _ => by_address,
        }
    }

    fn take_at(&self, now: u64, policy: &'static str, name: String, rate: Rate) -> Option<Verdict> {
        let interval = NANOS.checked_div(u64::from(rate.per_second))?;
        let room = interval.saturating_mul(u64::from(rate.burst));
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= BUCKETS_MAX && !full_at.contains_key(&name) {
            full_at.retain(|_, full| *full > now);
            if full_at.len() >= BUCKETS_MAX {
                full_at.clear();
            }
        }
        let full = full_at.entry(name).or_insert(now);
        let next = (*full).max(now).saturating_add(interval);
        let used = next - now;
        let verdict = |remaining, used: u64, retry_seconds| {
            Some(Verdict { policy, rate, remaining, full_seconds: used.div_ceil(NANOS), retry_seconds })
        };
        if used > room {
            return verdict(0, *full - now, Some((used - room).div_ceil(NANOS).max(1)));
        }
        *full = next;
        verdict((room - used) / interval, used, None)
    }

    /// Whose address counts: the connection's, or, where that is a trusted proxy's, the last that the proxies saw and
    /// do not trust themselves.
    #[must_use]
    pub fn address(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = peer?.to_canonical();
        if !self.limits.trusted_proxies.contains(&peer) {
            return Some(peer);
        }
        let seen = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = seen.flat_map(|value| value.split(',')).map(str::trim).collect();
        let hops = hops.iter().rev().take(HOPS_MAX).map_while(|hop| hop.parse::<IpAddr>().ok());
        Some(hops.map(|hop| hop.to_canonical()).find(|hop| !self.limits.trusted_proxies.contains(hop)).unwrap_or(peer))
    }
}

/// An IPv4 address, or the /64 of an IPv6 one: whoever has one of these has all of it.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Rate = Rate { per_second: 2, burst: 3 };

    fn limiter() -> Limiter {
        let proxies = vec!["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        Limiter::new(RateLimits { key: TWO, capability: TWO, address: TWO, trusted_proxies: proxies })
    }

    #[test]
    fn a_bucket_gives_its_burst_at_once_and_then_its_rate() {
        let limiter = limiter();
        let at = |now_ms: u64| {
            let verdict = limiter.take_at(now_ms * 1_000_000, "key", "a".to_owned(), TWO).unwrap();
            (verdict.remaining, verdict.retry_seconds)
        };
        assert_eq!([at(0), at(0), at(0)], [(2, None), (1, None), (0, None)]);
        assert_eq!(at(0), (0, Some(1)), "half a second is told as a whole one");
        assert_eq!(at(499), (0, Some(1)), "a refused request takes nothing");
        assert_eq!(at(500), (0, None));
        assert_eq!(at(501).1, Some(1));
        // 1.5 s fill three; longer fills no more.
        assert_eq!([at(60_000), at(60_000), at(60_000)].map(|(left, _)| left), [2, 1, 0]);
        let other = limiter.take_at(0, "key", "b".to_owned(), TWO).unwrap();
        assert_eq!((other.remaining, other.full_seconds), (2, 1));
        assert_eq!(limiter.take_at(0, "key", "c".to_owned(), Rate { per_second: 0, burst: 0 }), None);
    }

    #[test]
    fn made_up_capabilities_are_counted_by_address_and_a_bucket_is_a_whole_network_of_ipv6() {
        let limiter = limiter();
        let from = |address: &str, capability: &str| {
            let address: IpAddr = address.parse().unwrap();
            let verdict = limiter.take(&Credential::Capability(capability.to_owned()), Some(address));
            verdict.unwrap().retry_seconds.is_some()
        };
        let refused: Vec<bool> =
            (0..4).map(|number| from(&format!("2001:db8::{number:x}"), &number.to_string())).collect();
        assert_eq!(refused, [false, false, false, true]);
        assert!(!from("2001:db8:0:1::1", "9"));
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), "192.0.2.1");
    }

    #[test]
    fn only_a_trusted_proxy_says_whose_address_it_is() {
        let limiter = limiter();
        let of = |peer: &str, forwarded: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", forwarded.parse().unwrap());
            limiter.address(Some(peer.parse().unwrap()), &headers).unwrap().to_string()
        };
        assert_eq!(of("192.0.2.9", "198.51.100.1"), "192.0.2.9", "anybody may write the header");
        assert_eq!(of("10.0.0.1", "203.0.113.7, 198.51.100.1, 10.0.0.2"), "198.51.100.1");
        assert_eq!(of("10.0.0.1", "unknown"), "10.0.0.1");
        assert_eq!(of("::ffff:10.0.0.1", "198.51.100.1"), "198.51.100.1");
    }

    #[test]
    fn the_number_of_buckets_has_an_end() {
        let limiter = limiter();
        for number in 0..=BUCKETS_MAX {
            limiter.take_at(0, "address", number.to_string(), TWO);
        }
        assert!(limiter.full_at.lock().unwrap().len() <= BUCKETS_MAX);
    }
}
