//! Rust programs the build calls: `wasm-bindgen`, `wasm-pack`, `cargo-deny`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Mode, State, command};
use crate::paths;
use crate::process::{self, Options};

/// How long compiling one tool may take on a slow machine.
const INSTALL_SECONDS_MAX: u64 = 1_800;
/// How long a prebuilt program may take to arrive before it is compiled instead.
const PREBUILT_SECONDS_MAX: u64 = 60;

/// A program that `cargo install` brings.
pub struct Tool {
    /// The package on the registry.
    package: &'static str,
    /// The program it installs.
    pub program: &'static str,
    /// The version asked for; nothing where the workspace manifest pins it.
    version: Option<&'static str>,
    /// Whether the package's own lock file is followed. The one of wasm-bindgen-cli names a crate version
    /// that not every mirror holds.
    locked: bool,
}

/// Must equal the `wasm-bindgen` crate's version exactly, so the workspace manifest pins both.
pub const WASM_BINDGEN: Tool =
    Tool { package: "wasm-bindgen-cli", program: "wasm-bindgen", version: None, locked: false };
pub const WASM_PACK: Tool = Tool { package: "wasm-pack", program: "wasm-pack", version: Some("^0.15"), locked: true };
pub const CARGO_DENY: Tool =
    Tool { package: "cargo-deny", program: "cargo-deny", version: Some("^0.20"), locked: true };

impl Tool {
    /// Find the program, or install it.
    pub fn ensure(&self, root: &Path, mode: Mode) -> State {
        let exact = match self.version {
            Some(_) => None,
            None => match pinned_version(root, "wasm-bindgen") {
                Some(version) => Some(version),
                None => return State::Missing("Cargo.toml pins no exact version of wasm-bindgen".to_owned()),
            },
        };
        let found = self.found(root);
        if let Some(version) = found.as_deref().filter(|version| exact.is_none() || exact.as_deref() == Some(version)) {
            return State::Present(version.to_owned());
        }
        let version = exact.as_deref().or(self.version).unwrap_or("*");
        let lock = if self.locked { " --locked" } else { "" };
        let by_hand = format!("cargo install {} --version {version}{lock}", self.package);
        if mode == Mode::DryRun {
            return State::Missing(format!("would run: {by_hand}"));
        }
        // Another version that the user already has is left alone: ours then goes to the project's own folder.
        let folder = match (found, paths::cargo_home()) {
            (None, Some(home)) => home,
            _ => paths::tools(root),
        };
        match self.install(root, version, &folder) {
            Ok(()) => State::Installed(format!("{} in {}", self.found(root).unwrap_or_default(), folder.display())),
            Err(why) => State::Missing(format!("{by_hand} failed: {why}")),
        }
    }

    /// The version of the program on the project's search path.
    pub fn found(&self, root: &Path) -> Option<String> {
        let output = process::probe(command(root, self.program).arg("--version"))?;
        output.split_whitespace().nth(1).map(str::to_owned)
    }

    fn install(&self, root: &Path, version: &str, folder: &PathBuf) -> Result<(), String> {
        if self.prebuilt(root, version, folder) {
            return Ok(());
        }
        println!("  compiling {} once, this takes some minutes", self.program);
        let mut cargo = command(root, "cargo");
        cargo.args(["install", self.package, "--version", version]).arg("--root").arg(folder);
        if self.locked {
            cargo.arg("--locked");
        }
        compile_fast(&mut cargo).env("CARGO_TARGET_DIR", paths::tools(root));
        let log = paths::tools(root).join(format!("{}.log", self.program));
        let timeout = Some(Duration::from_secs(INSTALL_SECONDS_MAX));
        let options = Options { log: Some(&log), timeout, heartbeat: Some(self.program), ..Options::default() };
        match process::run(&mut cargo, &options) {
            Ok(finished) if finished.ok => Ok(()),
            Ok(finished) => Err(finished.reason()),
            Err(error) => Err(format!("{error:#}")),
        }
    }

    /// Where `cargo binstall` is at hand it may bring a finished program; it is never required.
    fn prebuilt(&self, root: &Path, version: &str, folder: &PathBuf) -> bool {
        if paths::find_program(&["cargo-binstall"]).is_none() {
            return false;
        }
        let mut cargo = command(root, "cargo");
        cargo.args(["binstall", "--no-confirm", "--disable-strategies", "compile", "--version", version]);
        cargo.arg("--root").arg(folder).arg(self.package);
        let timeout = Some(Duration::from_secs(PREBUILT_SECONDS_MAX));
        process::run(&mut cargo, &Options { timeout, ..Options::default() }).is_ok_and(|finished| finished.ok)
    }
}

/// The tools run for a second or two and are compiled for minutes: compile them quickly.
fn compile_fast(cargo: &mut Command) -> &mut Command {
    cargo
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
}

/// The version that the workspace manifest pins exactly, as in `wasm-bindgen = "=0.2.130"`.
fn pinned_version(root: &Path, package: &str) -> Option<String> {
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).ok()?;
    manifest.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        let (_, version) = value.split_once("\"=")?;
        (name.trim() == package).then(|| version.split('"').next().map(str::to_owned)).flatten()
    })
}
