//! The demo's processes: the sandbox provider, the server, the worker in workerd, the shop. Each writes a log of its
//! own, and all are stopped when the last of them is dropped.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::http;
use crate::process::{self, Group};

const START_SECONDS_MAX: u64 = 60;
/// How much of a log is shown when its service fails.
const LOG_LINES_MAX: usize = 40;

/// A running service that answers.
pub struct Service {
    pub name: &'static str,
    group: Group,
    log: PathBuf,
}

impl Service {
    /// Start a service and wait until it answers a GET of `path`.
    pub fn start(name: &'static str, command: &mut Command, port: u16, path: &str, logs: &Path) -> Result<Self> {
        let started = Instant::now();
        fs::create_dir_all(logs)?;
        let log = logs.join(format!("{name}.log"));
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdout(output.try_clone()?).stderr(output);
        let mut service = Self { name, group: Group::spawn(command)?, log };
        loop {
            if http::get(port, path, None).is_ok_and(|(status, _)| status == 200) {
                break;
            }
            service.check()?;
            if process::interrupted() {
                bail!("stopped by a signal");
            }
            if started.elapsed() > Duration::from_secs(START_SECONDS_MAX) {
                bail!("{name} did not answer within {START_SECONDS_MAX} s:\n{}", service.last_words());
            }
            thread::sleep(Duration::from_millis(50));
        }
        println!("  {name:<10} http://127.0.0.1:{port}  {:.1} s", started.elapsed().as_secs_f64());
        Ok(service)
    }

    /// An error if the service has ended.
    pub fn check(&mut self) -> Result<()> {
        if self.group.exited()?.is_some() {
            bail!("{} has ended:\n{}", self.name, self.last_words());
        }
        Ok(())
    }

    /// The end of the service's log.
    pub fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(LOG_LINES_MAX);
        format!("{}\n  ({})", lines.get(from..).unwrap_or_default().join("\n"), self.log.display())
    }
}
