//! A purchase without a person: a script drives the real pages in headless Chromium, then the lender's books are
//! asked whether everything came out to the cent.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{Demo, books};
use crate::process::{self, Options};
use crate::setup;

const PURCHASE_SECONDS_MAX: u64 = 300;
/// What becomes of the loans, as `tests/browser/steps.mjs` knows it.
const LIVES: [(&str, &str); 2] = [
    ("a purchase, repaid on schedule", "on-schedule"),
    ("a purchase of which half goes back, an instalment falls late, and the rest is paid early", "returned"),
];

pub fn run(root: &Path, demo: &Demo) -> Result<()> {
    let node = setup::node(root).context("no Node.js")?;
    for (title, life) in LIVES {
        println!("{title}");
        let mut command = setup::command(&root.join("tests"), node.clone());
        command.args(["browser/purchase.mjs", "--life", life]).envs(demo.environment());
        let timeout = Some(Duration::from_secs(PURCHASE_SECONDS_MAX));
        let log = demo.folder.join(format!("logs/purchase-{life}.log"));
        let options = Options { timeout, echo: true, log: Some(&log), ..Options::default() };
        let finished = process::run(&mut command, &options)?;
        if !finished.ok {
            bail!("{title}: failed: {}", finished.reason());
        }
    }
    books::check(demo.ports, &demo.secrets)
}
