//! `cargo xtask bench server`: acknowledged repayments a second, durable on each engine, beside `pgbench`.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::process::{self, Options};
use crate::setup;

/// How long one engine may take on a slow machine.
const ENGINE_SECONDS_MAX: u64 = 1_800;

/// Print repayments a second, p50 and p99 with 1, 16 and 64 clients, peak memory, and the ratio to `pgbench`; and the
/// day's debits over a portfolio of a million loans.
pub fn server(root: &Path) -> Result<()> {
    println!("a repayment is a signed notice of arrived money: verified, folded into its loan, posted and committed");
    println!("clients keep their connections; the server is a process of its own; all of it shares this machine");
    for (engine, how) in [
        ("sqlite", "synchronous=FULL"),
        ("postgres", "synchronous_commit=on, fsync=on; beside it pgbench, built-in TPC-B-like, prepared, scale 64"),
    ] {
        println!("\n{engine}: {how}");
        for bench in ["repayments", "day"] {
            let mut cargo = setup::command(root, "cargo");
            cargo.args(["bench", "--quiet", "--package", "prequal-server", "--bench", bench]);
            cargo.env("PREQUAL_TEST_DATABASE", engine).env("PREQUAL_TEST_DURABLE", "1");
            let timeout = Some(Duration::from_secs(ENGINE_SECONDS_MAX));
            process::must(&mut cargo, &Options { timeout, echo: true, ..Options::default() })?;
        }
    }
    Ok(())
}
