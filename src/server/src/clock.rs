//! What time it is: the machine's clock, or the sandbox's, which an operator may set.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::machine;

/// A source of the current time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Seconds since 1970-01-01T00:00:00Z.
    fn now_seconds(&self) -> i64;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_seconds(&self) -> i64 {
        machine::now_ms().div_euclid(1_000)
    }
}

/// A clock that runs on beside the machine's, at a distance that can be set.
#[derive(Debug, Default)]
pub struct SandboxClock {
    offset_seconds: AtomicI64,
}

impl SandboxClock {
    /// A clock at a stored distance.
    #[must_use]
    pub const fn at_offset(seconds: i64) -> Self {
        Self { offset_seconds: AtomicI64::new(seconds) }
    }

    /// The distance that would make it `now` now.
    #[must_use]
    pub fn offset_for(now_seconds: i64) -> i64 {
        now_seconds.saturating_sub(SystemClock.now_seconds())
    }

    /// Sets the distance.
    pub fn set_offset(&self, seconds: i64) {
        self.offset_seconds.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for SandboxClock {
    fn now_seconds(&self) -> i64 {
        SystemClock.now_seconds().saturating_add(self.offset_seconds.load(Ordering::SeqCst))
    }
}
