//! The acceptance suite: one binary, one module a subject.

mod invariants;
mod project;
mod sources;
mod tidy;
