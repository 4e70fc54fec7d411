//! How fast clients may ask, and how slow they may be.

use std::time::Duration;

use serde::Deserialize;

use crate::{connections::HEADERS_TIME_MAX, http::gate::REQUEST_TIME_MAX};

/// How long clients may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// To send a request's headers, in milliseconds; at most, and by itself, [`HEADERS_TIME_MAX`].
    pub headers_ms: u32,
    /// For a whole request, in milliseconds; at most, and by itself, [`REQUEST_TIME_MAX`].
    pub request_ms: u32,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { headers_ms: milliseconds(HEADERS_TIME_MAX), request_ms: milliseconds(REQUEST_TIME_MAX) }
    }
}

/// A time in the unit of the file.
pub(super) fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

/// How often may be asked: so many requests a second on average, and `burst` at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests a second.
    pub per_second: u32,
    /// Requests at once.
    pub burst: u32,
}

/// How often may be asked, by whom. `per_second = 0` sets no limit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimits {
    /// Each key of a merchant, an edge, the lender or an auditor.
    pub key: Rate,
    /// Each shopper's capability.
    pub capability: Rate,
    /// Each address, of requests without a known key: those of shoppers, and of whoever has none.
    pub address: Rate,
    /// Addresses of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            key: Rate { per_second: 1_000, burst: 2_000 },
            capability: Rate { per_second: 20, burst: 100 },
            address: Rate { per_second: 100, burst: 400 },
            trusted_proxies: Vec::new(),
        }
    }
}
