//! Policy as data: feature values, table cells, decision tables and their hit policies.
//!
//! What belongs here is the machinery that reads a table; which tables there are and in what order they are asked is
//! `decide`'s matter, what they look like in a file is `bundle`'s.

mod cell;
mod table;
mod value;

pub(crate) use cell::is_reserved_word;
pub use cell::{CATEGORIES_MAX, Cell, Domain, Test};
pub use table::{CELLS_PER_TABLE_MAX, HitPolicy, NotUnique, Table};
pub use value::{Feature, FeatureValue};
