//! The project as files: its root, what git tracks, and the sources of each crate.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The project's root.
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("tests/ lies in the project").to_path_buf()
}

/// The paths git tracks, those not yet committed but not ignored included, relative to the root.
pub fn tracked() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git is there");
    assert!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let list = String::from_utf8(output.stdout).expect("paths are UTF-8");
    let mut paths: Vec<String> = list.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    // A file deleted but not yet committed is still listed.
    paths.retain(|path| root().join(path).is_file());
    paths.sort();
    paths.dedup();
    assert!(paths.len() > 50, "git lists only {} files", paths.len());
    paths
}

/// A tracked text file, or nothing where it is binary.
pub fn text(path: &str) -> Option<String> {
    String::from_utf8(std::fs::read(root().join(path)).expect("a listed file can be read")).ok()
}

/// The tracked Rust files below a folder, with their text.
pub fn rust_files(folder: &str) -> Vec<(String, String)> {
    let files: Vec<(String, String)> = tracked()
        .into_iter()
        .filter(|path| path.starts_with(folder) && path.ends_with(".rs"))
        .filter_map(|path| text(&path).map(|text| (path, text)))
        .collect();
    assert!(!files.is_empty(), "no Rust file below {folder}");
    files
}
