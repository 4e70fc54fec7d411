//! `cargo xtask setup`: everything a build, a test or the demo needs, each part found, installed or explained.
//!
//! Programs and crates go to the project's `target/`, to `node_modules` or to the user's cargo folder; whatever
//! else is needed comes from the system's package manager, and is announced first.

mod browser;
mod cargo_tools;
mod node;
mod system;
mod wasm_target;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use anyhow::Result;

pub use browser::chromium;
pub use cargo_tools::{CARGO_DENY, WASM_BINDGEN, WASM_PACK};
pub use node::node;
pub use system::postgres;
pub use wasm_target::{Route as WasmRoute, route as wasm_route};

use crate::paths;

/// How a part of the set-up stands.
pub enum State {
    Present(String),
    Installed(String),
    /// Why it is not there, and the command that would bring it.
    Missing(String),
}

/// What the set-up does about a missing part.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Install,
    /// Say what is missing and install nothing.
    DryRun,
}

/// One line for each part, as it is done; what is missing is kept for the caller.
#[derive(Default)]
pub struct Progress {
    missing: Mutex<Vec<&'static str>>,
}

impl Progress {
    /// Look after one part and print how it stands.
    pub fn item(&self, name: &'static str, work: impl FnOnce() -> State) -> bool {
        let started = Instant::now();
        let state = work();
        let seconds = started.elapsed().as_secs_f64();
        let (word, detail) = match &state {
            State::Present(detail) => ("present", detail),
            State::Installed(detail) => ("installed", detail),
            State::Missing(detail) => ("MISSING", detail),
        };
        println!("  {name:<22} {word:<10} {seconds:>6.1} s  {detail}");
        let missing = matches!(state, State::Missing(_));
        if missing && let Ok(mut list) = self.missing.lock() {
            list.push(name);
        }
        !missing
    }

    /// The parts this machine does not have.
    pub fn missing(&self) -> Vec<&'static str> {
        self.missing.lock().map(|list| list.clone()).unwrap_or_default()
    }
}

/// What the caller is going to do, which says which tools it waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Everything, the licence checker included.
    Everything,
    /// Building the package and running the demo.
    Demo,
}

/// Bring the machine to where the project builds, and return the parts it does not have.
pub fn setup(root: &Path, purpose: For, mode: Mode) -> Result<Vec<&'static str>> {
    let started = Instant::now();
    let (mut missing, tools) = setup_in_background(root, purpose, mode);
    missing.extend(join(tools)?);
    println!("setup done in {:.1} s{}\n", started.elapsed().as_secs_f64(), missing_note(&missing));
    Ok(missing)
}

/// As [`setup`], returning while the Rust tools are still being compiled: what builds natively need not wait.
pub fn setup_in_background(root: &Path, purpose: For, mode: Mode) -> (Vec<&'static str>, Tools) {
    println!("setup");
    let progress = Progress::default();
    system::packages(&progress, purpose, mode);
    let place = root.to_path_buf();
    let tools = thread::spawn(move || {
        let progress = Progress::default();
        progress.item("wasm target", || wasm_target::ensure(&place, mode));
        for tool in [&WASM_BINDGEN, &WASM_PACK, &CARGO_DENY] {
            if purpose == For::Everything || tool.program != CARGO_DENY.program {
                progress.item(tool.program, || tool.ensure(&place, mode));
            }
        }
        progress.missing()
    });
    progress.item("node for npm", || node::for_npm(root, mode));
    thread::scope(|scope| {
        scope.spawn(|| {
            progress.item("npm packages, www", || node::packages(root, "www", mode));
            progress.item("wasm-opt", || node::wasm_opt(root));
        });
        scope.spawn(|| progress.item("npm packages, tests", || node::packages(root, "tests", mode)));
    });
    progress.item("node 24", || node::state(root));
    (progress.missing(), tools)
}

/// The Rust tools while they are being found or compiled; the result is what could not be had.
pub type Tools = thread::JoinHandle<Vec<&'static str>>;

/// Wait for the Rust tools.
pub fn join(tools: Tools) -> Result<Vec<&'static str>> {
    tools.join().map_err(|_| anyhow::anyhow!("setting up the tools failed"))
}

fn missing_note(missing: &[&str]) -> String {
    if missing.is_empty() { String::new() } else { format!(", without {}", missing.join(", ")) }
}

/// A program run for this project: its own tools come first on the search path, and nothing of the cargo that
/// started this task leaks into it.
///
/// `folder` is where it runs.
pub fn command(folder: &Path, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    let root = paths::root();
    let mut folders: Vec<PathBuf> = vec![paths::tools(&root).join("bin"), node::own_programs(&root)];
    folders.extend(paths::cargo_home().map(|home| home.join("bin")));
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    if let Ok(path) = std::env::join_paths(folders) {
        command.env("PATH", path);
    }
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text == "CARGO" || text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// A program that builds for wasm: [`command`] with the toolchain that has the target.
pub fn wasm_command(root: &Path, program: impl AsRef<std::ffi::OsStr>) -> Result<Command> {
    let mut command = command(root, program);
    for (name, value) in wasm_route(root)?.environment() {
        command.env(name, value);
    }
    Ok(command)
}
