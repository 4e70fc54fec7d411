//! The purity of core and ledger, read from their sources: what a dependency list cannot show.

use crate::project;

/// What a pure crate does not say, and why.
const IMPURE: [(&str, &str); 22] = [
    ("std::time", "time comes in as an argument"),
    ("SystemTime", "time comes in as an argument"),
    ("Instant::now", "time comes in as an argument"),
    ("std::thread", "no threads"),
    ("thread_local!", "no global state"),
    ("static mut", "no global state"),
    ("OnceLock", "no global state"),
    ("LazyLock", "no global state"),
    ("OnceCell", "no global state"),
    ("AtomicU", "no global state"),
    ("AtomicBool", "no global state"),
    ("Mutex", "no global state"),
    ("RwLock", "no global state"),
    ("std::env", "no environment"),
    ("std::fs", "no files"),
    ("std::io", "no input or output"),
    ("std::net", "no network"),
    ("std::process", "no processes"),
    ("HashMap", "iteration in random order: BTreeMap"),
    ("HashSet", "iteration in random order: BTreeSet"),
    ("println!", "no output"),
    ("unsafe ", "no unsafe code"),
];

/// The code of a file: without comments, and without the tests at its end.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default()))
}

/// A file of tests or measurements only, named so by convention.
fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.contains("/benches/") || path.ends_with("/tests.rs") || path.ends_with("_tests.rs")
}

fn pure_files() -> Vec<(String, String)> {
    let mut files = project::rust_files("src/core/");
    files.extend(project::rust_files("src/ledger/"));
    files.retain(|(path, _)| !is_test(path));
    files
}

#[test]
fn core_and_ledger_read_no_clock_no_device_and_keep_no_state() {
    let mut found = Vec::new();
    for (path, text) in pure_files() {
        for (number, line) in code(&text) {
            for (word, why) in IMPURE.iter().filter(|(word, _)| line.contains(word)) {
                found.push(format!("{path}:{number}: `{word}`: {why}"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_floating_point_of_the_platform_is_in_core() {
    // The standard library's exp, ln and pow call the platform's own, which differ in the last bit between a native
    // program and the browser; libm is the same code in both.
    let platform =
        [".exp()", ".ln()", ".log10()", ".log2()", ".powf(", ".powi(", ".sin()", ".cos()", ".tanh()", ".mul_add("];
    let mut found = Vec::new();
    for (path, text) in pure_files() {
        for (number, line) in code(&text) {
            found.extend(
                platform.iter().filter(|call| line.contains(**call)).map(|call| format!("{path}:{number}: {call}")),
            );
        }
    }
    assert!(found.is_empty(), "use libm instead:\n{}", found.join("\n"));
}

#[test]
fn core_and_ledger_deny_what_can_panic() {
    for file in ["src/core/src/lib.rs", "src/ledger/src/lib.rs"] {
        let text = project::text(file).expect("a crate root is text");
        for lint in ["unwrap_used", "expect_used", "panic", "indexing_slicing"] {
            assert!(text.contains(&format!("clippy::{lint}")), "{file} does not deny clippy::{lint}");
        }
    }
}
