//! Node.js and the npm packages of `www/` and `tests/`, by their lock files.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Mode, State, command};
use crate::paths;
use crate::process::{self, Options};

const INSTALL_SECONDS_MAX: u64 = 900;
/// What the tests and the worker's tools need.
const NODE_MAJOR_MIN: u32 = 22;

/// The Node.js that runs scripts: the npm package `node` of the project, else the machine's own if it is new enough.
pub fn node(root: &Path) -> Option<PathBuf> {
    let own = ["tests", "www"].map(|folder| root.join(folder).join("node_modules/.bin/node"));
    own.into_iter().chain(paths::find_program(&["node", "nodejs"])).find(|file| major(root, file) >= NODE_MAJOR_MIN)
}

fn major(root: &Path, node: &Path) -> u32 {
    if !node.is_file() {
        return 0;
    }
    let version = process::probe(command(root, node).arg("--version")).unwrap_or_default();
    version.trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0)
}

pub fn state(root: &Path) -> State {
    match node(root) {
        Some(node) => State::Present(node.strip_prefix(root).unwrap_or(&node).display().to_string()),
        None => State::Missing(format!("Node.js {NODE_MAJOR_MIN} or newer: npm ci in tests/ brings it")),
    }
}

/// Install the npm packages of a folder, unless they are those of its lock file already.
pub fn packages(root: &Path, folder: &str, mode: Mode) -> State {
    let place = root.join(folder);
    let Ok(lock) = fs::read(place.join("package-lock.json")) else {
        return State::Missing(format!("{folder}/package-lock.json is not there: npm install in {folder}/ makes it"));
    };
    // The stamp is a copy of the lock file these packages came from.
    let stamp = place.join("node_modules/.installed-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return State::Present(format!("{folder}/package-lock.json"));
    }
    let by_hand = format!("npm ci in {folder}/");
    if mode == Mode::DryRun {
        return State::Missing(format!("would run: {by_hand}"));
    }
    let mut npm = command(&place, "npm");
    npm.args(["ci", "--no-fund", "--no-audit", "--loglevel=error"]);
    let timeout = Some(Duration::from_secs(INSTALL_SECONDS_MAX));
    let heartbeat = Some("npm");
    match process::run(&mut npm, &Options { timeout, heartbeat, ..Options::default() }) {
        Ok(finished) if finished.ok => match fs::write(&stamp, &lock) {
            Ok(()) => State::Installed(format!("{folder}/package-lock.json")),
            Err(error) => State::Missing(format!("{by_hand}: {error}")),
        },
        Ok(finished) => State::Missing(format!("{by_hand} failed (it needs the npm registry): {}", finished.reason())),
        Err(error) => State::Missing(format!("{by_hand} failed: {error:#}")),
    }
}

/// `wasm-opt` comes with the npm package `binaryen` of `www/`.
pub fn wasm_opt(root: &Path) -> State {
    let file = "www/node_modules/binaryen/bin/wasm-opt";
    if root.join(file).is_file() {
        State::Present(file.to_owned())
    } else {
        State::Missing("the npm package binaryen: npm ci in www/ brings it".to_owned())
    }
}
