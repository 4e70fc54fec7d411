//! The small fixture, as it is and bent.

use std::{
    fs,
    path::{Path, PathBuf},
};

pub fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/bundles/cn")
}

/// A copy of the small fixture in which `from` in `file` became `to`.
pub fn with(changes: &[(&str, &str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("tables")).unwrap();
    for part in ["", "tables"] {
        for entry in fs::read_dir(fixture().join(part)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, folder.path().join(part).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    for (file, from, to) in changes {
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "`{file}` has no `{from}`");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
    }
    folder
}
