//! Where things are: the project's root and the folders the tasks write to.

use std::path::{Path, PathBuf};

/// The project's root, two folders above this crate.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_path_buf()
}

/// Where cargo puts what it builds: `CARGO_TARGET_DIR`, or `target/`.
pub fn cargo_target(root: &Path) -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root.join(folder),
        None => root.join("target"),
    }
}

/// Programs this project installs for itself, and the crates compiled for them.
pub fn tools(root: &Path) -> PathBuf {
    root.join("target/tools")
}

/// Everything `cargo xtask demo` makes: keys, model, bundles, databases, logs, screenshots.
pub fn demo(root: &Path) -> PathBuf {
    root.join("target/demo")
}

/// The user's cargo folder.
pub fn cargo_home() -> Option<PathBuf> {
    std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")))
}

/// The first program of these names on the search path.
pub fn find_program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|file| file.is_file())
}
