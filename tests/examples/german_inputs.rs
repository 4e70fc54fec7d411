//! Prints the 1,000 German credit rows as decide inputs, one canonical JSON text a line, in row order:
//! `cargo run -p prequal-acceptance --example german_inputs`.

#[path = "../acceptance/german.rs"]
#[allow(dead_code, reason = "the acceptance tests use more of it")]
mod german;

use std::io::Write;

fn main() -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for input in german::inputs() {
        writeln!(out, "{input}")?;
    }
    out.flush()
}
