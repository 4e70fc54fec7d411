//! The standard library for `wasm32-unknown-unknown`: already there, or from rustup, or, where rustup's server
//! cannot be reached, from Debian's `rustc-web` with the library built once from Debian's own sources.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};

use super::{Mode, State, command, system};
use crate::paths;
use crate::process::{self, Options};

const TARGET: &str = "wasm32-unknown-unknown";
/// rustup answers within seconds or, without its server, not at all.
const RUSTUP_SECONDS_MAX: u64 = 60;
const SYSROOT_SECONDS_MAX: u64 = 600;
const DEBIAN_PACKAGES: [&str; 5] = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-clippy", "lld-19"];
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_LINKER: &str = "wasm-ld-19";
/// The name under which rustup knows Debian's toolchain.
const LINKED: &str = "debian";
/// Beside a standard library of our making: it holds the bitcode that link-time optimisation needs. One built
/// without it, by whatever other means, makes every wasm build fail, so it is built again.
const MARK: &str = "prequal-embedded-bitcode";

/// Which toolchain builds for wasm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// The one that builds everything else.
    Ordinary,
    /// Debian's, linked into rustup.
    Linked,
    /// Debian's, on a machine without rustup.
    System,
}

impl Route {
    /// What a wasm build needs in its environment.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let linker = ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", DEBIAN_LINKER.to_owned());
        match self {
            Self::Ordinary => Vec::new(),
            Self::Linked => vec![("RUSTUP_TOOLCHAIN", LINKED.to_owned()), linker],
            Self::System => vec![("RUSTC", DEBIAN_RUSTC.to_owned()), linker],
        }
    }
}

/// The toolchain that can build for wasm on this machine.
pub fn route(root: &Path) -> Result<Route> {
    static FOUND: OnceLock<Route> = OnceLock::new();
    if let Some(route) = FOUND.get() {
        return Ok(route.clone());
    }
    let route = find(root).ok_or_else(|| anyhow!("no toolchain has the {TARGET} target: cargo xtask setup"))?;
    Ok(FOUND.get_or_init(|| route).clone())
}

fn find(root: &Path) -> Option<Route> {
    [Route::Ordinary, Route::Linked, Route::System].into_iter().find(|route| {
        let needs_linker = *route != Route::Ordinary;
        has_target(root, route) && (!needs_linker || paths::find_program(&[DEBIAN_LINKER]).is_some())
    })
}

/// Whether the toolchain's system root holds the target's standard library.
fn has_target(root: &Path, route: &Route) -> bool {
    if *route == Route::System && !Path::new(DEBIAN_RUSTC).exists() {
        return false;
    }
    if *route == Route::Linked && !linked(root) {
        return false;
    }
    let mut rustc = command(root, "rustc");
    rustc.args(["--print", "sysroot"]).envs(route.environment());
    process::probe(&mut rustc).is_some_and(|sysroot| {
        let sysroot = Path::new(sysroot.trim());
        has_library(sysroot) && (*route == Route::Ordinary || has_bitcode(sysroot))
    })
}

fn has_bitcode(sysroot: &Path) -> bool {
    library_folder(sysroot).join(MARK).exists()
}

fn has_library(sysroot: &Path) -> bool {
    let Ok(files) = fs::read_dir(library_folder(sysroot)) else { return false };
    files.flatten().any(|file| {
        let name = file.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}

fn library_folder(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib").join(TARGET).join("lib")
}

fn linked(root: &Path) -> bool {
    process::probe(command(root, "rustup").args(["toolchain", "list"]))
        .is_some_and(|list| list.lines().any(|line| line.split_whitespace().next() == Some(LINKED)))
}

/// Find the target, or get it by the first way that works.
pub fn ensure(root: &Path, mode: Mode) -> State {
    if let Ok(route) = route(root) {
        return State::Present(match route {
            Route::Ordinary => "ordinary toolchain".to_owned(),
            Route::Linked | Route::System => "Debian's toolchain".to_owned(),
        });
    }
    let by_hand = format!("rustup target add {TARGET}");
    if mode == Mode::DryRun {
        return State::Missing(format!("would run: {by_hand}"));
    }
    if from_rustup(root) {
        return State::Installed(by_hand);
    }
    match from_debian(root) {
        Ok(()) => match route(root) {
            Ok(_) => State::Installed("Debian's toolchain, standard library built from its sources".to_owned()),
            Err(error) => State::Missing(format!("{error:#}")),
        },
        Err(error) => State::Missing(format!("{by_hand} (rustup's server did not answer; from Debian: {error:#})")),
    }
}

fn from_rustup(root: &Path) -> bool {
    let mut rustup = command(root, "rustup");
    rustup.args(["target", "add", TARGET]);
    let timeout = Some(Duration::from_secs(RUSTUP_SECONDS_MAX));
    process::run(&mut rustup, &Options { timeout, ..Options::default() }).is_ok_and(|finished| finished.ok)
        && has_target(root, &Route::Ordinary)
}

/// Debian packages, then the standard library once, put where Debian's rustc looks.
fn from_debian(root: &Path) -> Result<()> {
    let sysroot = Path::new("/usr");
    let complete = Path::new(DEBIAN_RUSTC).exists() && paths::find_program(&[DEBIAN_LINKER]).is_some();
    if !complete {
        system::install(&DEBIAN_PACKAGES, Mode::Install).map_err(|why| anyhow!("{why}"))?;
    }
    if !has_library(sysroot) || !has_bitcode(sysroot) {
        let Some(privilege) = system::privilege() else { bail!("writing to {} needs root", sysroot.display()) };
        println!("  building the standard library for {TARGET} into {}", library_folder(sysroot).display());
        let built = build_library(root)?;
        install_library(&built, &library_folder(sysroot), privilege)?;
    }
    if paths::find_program(&["rustup"]).is_some() && !linked(root) {
        process::must(command(root, "rustup").args(["toolchain", "link", LINKED, "/usr"]), &Options::default())?;
    }
    Ok(())
}

/// Build an empty crate with `build-std`, which leaves the standard library's crates beside it.
fn build_library(root: &Path) -> Result<Vec<PathBuf>> {
    let folder = paths::tools(root).join("wasm-sysroot");
    fs::create_dir_all(folder.join("src"))?;
    let manifest = "[package]\nname = \"sysroot\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
                    [profile.release]\npanic = \"abort\"\n\n[workspace]\n";
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("src/lib.rs"), "")?;
    let mut cargo = command(root, "/usr/bin/cargo");
    cargo
        .current_dir(&folder)
        .env("RUSTC", DEBIAN_RUSTC)
        // Building the standard library is an unstable feature of a stable compiler; its own crates allow it.
        .env("RUSTC_BOOTSTRAP", "1")
        // A release profile without link-time optimisation leaves the bitcode out; those who link it want it.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes")
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .args(["build", "--quiet", "--release", "--target", TARGET, "-Z", "build-std=std,panic_abort,proc_macro"])
        .args(["-Z", "build-std-features=optimize_for_size"]);
    let timeout = Some(Duration::from_secs(SYSROOT_SECONDS_MAX));
    process::must(&mut cargo, &Options { timeout, heartbeat: Some("standard library"), ..Options::default() })?;
    let deps = folder.join("target").join(TARGET).join("release/deps");
    let mut libraries = Vec::new();
    for file in fs::read_dir(&deps)? {
        let file = file?.path();
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.ends_with(".rlib") && !name.starts_with("libsysroot") {
            libraries.push(file);
        }
    }
    Ok(libraries)
}

fn install_library(libraries: &[PathBuf], folder: &Path, privilege: &[&str]) -> Result<()> {
    let run = |words: &[&str], files: &[PathBuf], last: &Path| {
        let mut words = privilege.iter().copied().chain(words.iter().copied());
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).args(files).arg(last);
        process::must(&mut command, &Options::default())
    };
    run(&["mkdir", "-p"], &[], folder)?;
    let former: Vec<PathBuf> = fs::read_dir(folder)?.flatten().map(|file| file.path()).collect();
    for file in former.iter().filter(|file| file.extension().is_some_and(|extension| extension == "rlib")) {
        // Two libraries of one name would be one too many for rustc.
        run(&["rm", "-f"], &[], file)?;
    }
    run(&["cp"], libraries, folder)?;
    run(&["touch"], &[], &folder.join(MARK))?;
    Ok(())
}
