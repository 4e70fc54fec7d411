//! Credit decisions, quotes and schedules as pure functions.
//!
//! No clock, no randomness, no I/O, no threads, no global state: time and salt are arguments.
//! The same source is compiled natively and to WebAssembly and gives the same bytes in both.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unreachable)
)]
#![forbid(unsafe_code)]

pub mod calendar;
pub mod credit;
pub mod currency;
pub mod decimal;
pub mod money;
pub mod rounding;

pub mod score;

pub mod application;
pub mod bundle;
pub mod canonical;
pub mod decide;
mod depth;
pub mod evidence;
pub mod json;
mod nearest;
mod one_line;
mod order;
pub mod policy;
pub mod sorted;
pub mod wire;
