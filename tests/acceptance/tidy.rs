//! What must not stand in the project's files: read as a whole, by rules that need no judgement.

use crate::project;

/// The names that may stand in the project's root.
const TOP_LEVEL: [&str; 13] = [
    ".cargo",
    ".ci",
    ".gitignore",
    ".rustfmt.toml",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "pkg-config",
    "src",
    "tests",
    "www",
];

const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Beyond this a second thing hides in the file.
const SOURCE_LINES_MAX: usize = 600;

fn is_source(path: &str) -> bool {
    [".rs", ".ts", ".js", ".mjs", ".css", ".html"].iter().any(|end| path.ends_with(end))
}

/// Lock files and generated texts are long by nature.
fn is_generated(path: &str) -> bool {
    path.ends_with("package-lock.json") || path.ends_with("Cargo.lock")
}

#[test]
fn the_root_holds_only_what_was_agreed() {
    let mut names: Vec<String> = project::tracked()
        .iter()
        .map(|path| path.split('/').next().unwrap_or_default().to_owned())
        .filter(|name| !TOP_LEVEL.contains(&name.as_str()))
        .collect();
    names.dedup();
    assert_eq!(names, Vec::<String>::new(), "these are new in the root");
}

#[test]
fn no_file_is_larger_than_a_mebibyte() {
    let large: Vec<String> = project::tracked()
        .into_iter()
        .filter(|path| std::fs::metadata(project::root().join(path)).is_ok_and(|data| data.len() > FILE_BYTES_MAX))
        .collect();
    assert_eq!(large, Vec::<String>::new());
}

#[test]
fn sources_are_short_enough_to_be_read() {
    let long: Vec<String> = project::tracked()
        .into_iter()
        .filter(|path| is_source(path))
        .filter_map(|path| {
            let lines = project::text(&path)?.lines().count();
            (lines > SOURCE_LINES_MAX).then(|| format!("{path}: {lines} lines"))
        })
        .collect();
    assert!(long.is_empty(), "more than {SOURCE_LINES_MAX} lines:\n{}", long.join("\n"));
}

/// The described interface names its documents by their Rust types; of two of one name it would describe one only.
#[test]
fn no_two_documents_of_the_interface_have_one_name() {
    let mut names: Vec<(String, String)> = Vec::new();
    for path in project::tracked().into_iter().filter(|path| path.starts_with("src/server/src/")) {
        let Some(text) = project::text(&path) else { continue };
        for described in text.split("ToSchema)]").skip(1) {
            let head = described.split('{').next().unwrap_or_default();
            let named = head.split_once("schema(as = ").and_then(|(_, rest)| rest.split(')').next());
            let of_rust = head.split_once("struct ").or_else(|| head.split_once("enum ")).map(|(_, rest)| rest);
            let name = named.or_else(|| of_rust?.split(['(', '<', ' ', ';']).next());
            names.extend(name.map(|name| (name.to_owned(), path.clone())));
        }
    }
    assert!(names.len() > 100, "{} documents", names.len());
    names.sort();
    let twice: Vec<_> = names.windows(2).filter(|pair| pair[0].0 == pair[1].0).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn lock_files_name_no_place_to_download_from() {
    let locks: Vec<String> =
        project::tracked().into_iter().filter(|path| path.ends_with("package-lock.json")).collect();
    assert!(!locks.is_empty(), "no npm lock file");
    for path in locks {
        let text = project::text(&path).expect("a lock file is text");
        let lock: serde_json::Value = serde_json::from_str(&text).expect("a lock file is JSON");
        let packages = lock["packages"].as_object().expect("a lock file lists packages");
        for (name, package) in packages {
            // A package of the same workspace is resolved to its folder.
            let place = package["resolved"].as_str().filter(|place| place.contains("://"));
            assert_eq!(place, None, "{path}: {name}");
        }
        let folder = path.trim_end_matches("package-lock.json");
        let settings = project::text(&format!("{folder}.npmrc")).unwrap_or_default();
        assert!(settings.contains("omit-lockfile-registry-resolved=true"), "{folder}.npmrc does not keep it so");
    }
    let cargo = project::text("Cargo.lock").expect("Cargo.lock is text");
    for source in cargo.lines().filter(|line| line.starts_with("source = ")) {
        // What cargo writes for its default registry on every machine, whatever mirror it used.
        assert_eq!(source, format!("source = \"registry+https://{}/rust-lang/{}\"", "github.com", "crates.io-index"));
    }
}

/// Words that are about one machine or one day's work and not about the product; put together here so that this file
/// does not hold them.
fn forbidden() -> Vec<String> {
    let registry = |name: &str| ["registry", name].join(".");
    let mut words = vec![registry("npmjs.org"), registry("yarnpkg.com"), ["index", "crates", "io"].join(".")];
    words.extend(["files.python", "hosted.org"].concat().split(' ').map(str::to_owned));
    for folder in ["work", "root", "home"] {
        words.push(format!("\"/{folder}/"));
        words.push(format!("'/{folder}/"));
        words.push(format!(" /{folder}/"));
        words.push(format!("`/{folder}/"));
        words.push(format!("(/{folder}/"));
        words.push(format!("=/{folder}/"));
    }
    words.push(["FIX", "ME"].concat());
    words.push(["TO", "DO"].concat());
    words
}

#[test]
fn no_file_names_a_registry_a_private_folder_or_unfinished_work() {
    let words = forbidden();
    let mut found = Vec::new();
    for path in project::tracked().into_iter().filter(|path| !is_generated(path)) {
        let Some(text) = project::text(&path) else { continue };
        for (index, line) in text.lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(word.as_str())) {
                found.push(format!("{path}:{}: `{word}`", index + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_test_is_switched_off() {
    let marks = [["#[", "ignore"].concat(), ["test.", "skip("].concat(), ["test.", "only("].concat()];
    let mut found = Vec::new();
    for path in project::tracked().into_iter().filter(|path| is_source(path)) {
        let Some(text) = project::text(&path) else { continue };
        found.extend(marks.iter().filter(|mark| text.contains(mark.as_str())).map(|mark| format!("{path}: {mark}")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
