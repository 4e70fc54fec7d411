//! Decisions in small worlds, held to what can be said of every case in them.

#[path = "../common/mod.rs"]
mod common;
mod counterfactual;
mod missing;
mod small;
mod weak;
