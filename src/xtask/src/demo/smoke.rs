//! A purchase without a person: a script drives the real pages in headless Chromium, then the lender's books are
//! asked whether everything came out to the cent.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{Demo, books};
use crate::process::{self, Options};
use crate::setup;

const PURCHASE_SECONDS_MAX: u64 = 300;

pub fn run(root: &Path, demo: &Demo) -> Result<()> {
    println!("purchase");
    let node = setup::node(root).context("no Node.js")?;
    let mut command = setup::command(&root.join("tests"), node);
    command.arg("browser/purchase.mjs").envs(demo.environment());
    let timeout = Some(Duration::from_secs(PURCHASE_SECONDS_MAX));
    let log = demo.folder.join("logs/purchase.log");
    let finished = process::run(&mut command, &Options { timeout, echo: true, log: Some(&log), ..Options::default() })?;
    if !finished.ok {
        bail!("the purchase failed: {}", finished.reason());
    }
    books::check(demo.ports, &demo.secrets)
}
