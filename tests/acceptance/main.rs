//! The acceptance suite: one binary, one module a subject.

mod cn_bundle;
mod decisions;
mod demo_policy;
mod german;
mod hostile;
mod invariants;
mod journeys;
mod project;
mod sources;
mod tidy;
