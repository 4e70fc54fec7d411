//! Scores tables of any length in constant memory, on all processors, with the bits of one row at a time.
//!
//! ```text
//! CSV, Parquet, Arrow -> Unit -> Block (ndarray) -> Model -> Encoded -> CSV, Arrow, Parquet
//!         one thread     \________ all threads ________/     one thread, in order
//! ```
//!
//! What comes out has the order of what came in, whichever thread was first, and does not depend on how many there are.
//! A file bears its name only when it is whole; until then it grows beside it, with a checkpoint from which a run that
//! was stopped goes on, byte for byte as if it had not been.

pub mod arrow_rows;
pub mod block;
pub mod cell;
pub mod columns;
pub mod csv_rows;
pub mod error;
pub mod model;
pub mod parquet_rows;
pub mod resume;
pub mod run;
pub mod scores;
pub mod sink;
pub mod source;
pub mod table;

pub use error::BatchError;
pub use model::{Extras, Model};
pub use parquet_rows::is_decoding;
pub use run::{Progress, Run, Task};
pub use scores::OutputFormat;
pub use sink::Output;
pub use source::{Input, InputFormat};
