//! `cargo xtask size`: what a browser downloads, held to the budget in `pkg-config/size-budget.json`.

use std::path::Path;

use anyhow::{Result, anyhow, bail};

use crate::process::{self, Options};
use crate::{package, setup};

/// Prints raw, gzip and brotli sizes, and fails when a budget is passed.
pub fn size(root: &Path) -> Result<()> {
    package::package(root)?;
    let node = setup::node(root).ok_or_else(|| anyhow!("no Node.js that is new enough: cargo xtask setup"))?;
    let mut measure = setup::command(root, node);
    measure.args(["pkg-config/size.mjs", "target/npm/prequal"]);
    let finished = process::run(&mut measure, &Options::default())?;
    print!("{}", finished.output);
    if !finished.ok {
        bail!("the package is larger than its budget");
    }
    Ok(())
}
