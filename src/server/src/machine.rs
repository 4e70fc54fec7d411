//! The machine: its clock, its randomness, and the identifiers made of both.
//!
//! A simulation puts its own in their place, for the one thread that it runs on, so that a run can be repeated. Nothing
//! else does, and no configuration can.

use std::{
    cell::RefCell,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// What stands in for the machine in a simulation.
pub trait Simulated: std::fmt::Debug {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self) -> i64;
    /// Random bytes, the same in every run.
    fn fill(&self, bytes: &mut [u8]);
    /// A time-ordered identifier.
    fn new_id(&self) -> String;
}

thread_local! {
    static SIMULATED: RefCell<Option<Arc<dyn Simulated>>> = const { RefCell::new(None) };
}

/// Lets this thread be simulated, or with `None` no more.
pub fn simulate(machine: Option<Arc<dyn Simulated>>) {
    SIMULATED.with(|simulated| *simulated.borrow_mut() = machine);
}

/// Whether this thread is simulated.
#[must_use]
pub fn is_simulated() -> bool {
    simulated().is_some()
}

fn simulated() -> Option<Arc<dyn Simulated>> {
    SIMULATED.with(|simulated| simulated.borrow().clone())
}

/// Milliseconds since 1970-01-01T00:00:00Z; 0 before that.
#[must_use]
pub fn now_ms() -> i64 {
    if let Some(machine) = simulated() {
        return machine.now_ms();
    }
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

/// Random bytes of the operating system.
///
/// # Errors
/// When the operating system gives no randomness.
pub fn fill(bytes: &mut [u8]) -> Result<(), getrandom::Error> {
    match simulated() {
        Some(machine) => {
            machine.fill(bytes);
            Ok(())
        }
        None => getrandom::fill(bytes),
    }
}

/// A new time-ordered random identifier (UUIDv7).
#[must_use]
pub fn new_id() -> String {
    simulated().map_or_else(|| uuid::Uuid::now_v7().to_string(), |machine| machine.new_id())
}
