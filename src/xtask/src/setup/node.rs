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
/// With an older one npm leaves out packages that say they need a newer, so npm itself must run on this.
const NPM_NODE_MIN: (u32, u32) = (20, 19);
/// What is put into the project's own tools where the machine's is older.
const NEWER: [&str; 2] = ["node@24", "npm@11"];

/// Where a newer Node.js and npm lie when the machine's are too old.
pub fn own_programs(root: &Path) -> PathBuf {
    paths::tools(root).join("node/node_modules/.bin")
}

/// A Node.js on which npm installs everything: the machine's, or a newer one in the project's tools.
pub fn for_npm(root: &Path, mode: Mode) -> State {
    let enough = || version(root, Path::new("node")).filter(|found| *found >= NPM_NODE_MIN);
    if let Some((major, minor)) = enough() {
        return State::Present(format!("{major}.{minor}"));
    }
    let folder = paths::tools(root).join("node");
    let by_hand = format!("npm install --prefix {} {}", folder.display(), NEWER.join(" "));
    if mode == Mode::DryRun {
        return State::Missing(format!("would run: {by_hand}"));
    }
    if let Err(error) = fs::create_dir_all(&folder) {
        return State::Missing(format!("{by_hand}: {error}"));
    }
    let mut npm = command(root, "npm");
    npm.args(["install", "--no-fund", "--no-audit", "--loglevel=error", "--prefix"]).arg(&folder).args(NEWER);
    let timeout = Some(Duration::from_secs(INSTALL_SECONDS_MAX));
    match process::run(&mut npm, &Options { timeout, heartbeat: Some("npm"), ..Options::default() }) {
        Ok(finished) if finished.ok => match enough() {
            Some((major, minor)) => State::Installed(format!("{major}.{minor} in {}", folder.display())),
            None => State::Missing(format!("{by_hand} brought no Node.js that is new enough")),
        },
        Ok(finished) => State::Missing(format!("{by_hand} failed (it needs the npm registry): {}", finished.reason())),
        Err(error) => State::Missing(format!("{by_hand} failed: {error:#}")),
    }
}

/// The Node.js that runs scripts: the npm package `node` of the project, else the machine's own if it is new enough.
pub fn node(root: &Path) -> Option<PathBuf> {
    let own = ["tests", "www"].map(|folder| root.join(folder).join("node_modules/.bin/node"));
    let recent = |file: &PathBuf| version(root, file).is_some_and(|(major, _)| major >= NODE_MAJOR_MIN);
    let tools = [own_programs(root).join("node")];
    own.into_iter().chain(tools).chain(paths::find_program(&["node", "nodejs"])).find(recent)
}

/// Major and minor version of a Node.js.
fn version(root: &Path, node: &Path) -> Option<(u32, u32)> {
    let text = process::probe(command(root, node).arg("--version"))?;
    let mut numbers = text.trim_start_matches('v').split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
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
