//! `cargo xtask size`: what a browser downloads, held to the budget in `pkg-config/size-budget.json`.

use std::path::Path;

use anyhow::{Result, anyhow, bail};

use crate::process::{self, Options};
use crate::{package, setup};

/// How a package stands to its budgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Within every budget.
    Within,
    /// Over a budget, and no larger than it was when the budget was found to be out of reach.
    Missed,
    /// Larger than it may be.
    Grown,
}

/// What `size.mjs --ratchet` exits with for [`Standing::Missed`].
const MISSED: i32 = 3;

/// Prints raw, gzip and brotli sizes, and fails when a budget is passed.
pub fn size(root: &Path) -> Result<()> {
    match standing(root)? {
        Standing::Within => Ok(()),
        Standing::Missed | Standing::Grown => bail!("the package is larger than its budget"),
    }
}

/// Prints the same, and says how the package stands.
pub fn standing(root: &Path) -> Result<Standing> {
    package::package(root)?;
    let node = setup::node(root).ok_or_else(|| anyhow!("no Node.js that is new enough: cargo xtask setup"))?;
    let mut measure = setup::command(root, node);
    measure.args(["pkg-config/size.mjs", "target/npm/prequal", "--ratchet"]);
    let finished = process::run(&mut measure, &Options::default())?;
    print!("{}", finished.output);
    Ok(match finished.code {
        Some(0) => Standing::Within,
        Some(MISSED) => Standing::Missed,
        _ => Standing::Grown,
    })
}
