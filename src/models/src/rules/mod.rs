//! Rules in three-valued logic, and their translation into trees.
//!
//! A points card asks, characteristic by characteristic, for the first attribute that is true; a PMML tree asks at each
//! node for the first child that is true, and a missing value makes a question neither true nor false. Both are
//! programs over what is known of a row. [`compile`] runs such a program on rows of which nothing is known yet: each
//! time it asks for something, the answer splits the rows, until all of them have a leaf. So the tree that comes out
//! gives every row what the program gives it, by construction.

mod compile;
mod known;
mod predicate;

pub(crate) use compile::{Program, Stop, compile};
pub(crate) use known::{Ask, Field, Known};
pub(crate) use predicate::Predicate;

/// Where a program goes from one state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    /// To another state.
    Go(usize),
    /// To a leaf with this number and value.
    Leaf(u32, f64),
    /// Nowhere: the model gives such a row no prediction.
    Nothing,
}
