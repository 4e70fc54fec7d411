//! The acceptance suite: one binary, one module a subject.
