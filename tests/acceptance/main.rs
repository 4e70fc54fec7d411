//! The acceptance suite: one binary, one module a subject.

mod decisions;
mod demo_policy;
mod german;
mod invariants;
mod project;
mod sources;
mod tidy;
