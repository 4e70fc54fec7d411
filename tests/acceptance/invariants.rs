//! What may depend on what, proved from what cargo says of the workspace.

use std::collections::BTreeSet;
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

use crate::project;

const WASM: &str = "wasm32-unknown-unknown";

/// Everything a crate links when it is built by itself: `cargo tree` without development and build dependencies and
/// without procedural macros, which run in the compiler. (The graph in cargo's metadata will not do: it holds the
/// features that any crate of the workspace asks for.)
fn links(name: &str, target: Option<&str>) -> BTreeSet<String> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["tree", "--locked", "--package", name, "--edges", "normal,no-proc-macro"]);
    command.args(["--prefix", "none", "--format", "{p}"]).current_dir(project::root());
    if let Some(target) = target {
        command.args(["--target", target]);
    }
    let output = command.output().expect("cargo is there");
    assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).expect("package names are UTF-8");
    let packages = tree.lines().filter_map(|line| line.split_whitespace().next());
    packages.filter(|package| *package != name).map(str::to_owned).collect()
}

/// The manifests of the workspace as cargo reads them.
struct Workspace(Metadata);

impl Workspace {
    fn load() -> Self {
        let mut command = MetadataCommand::new();
        command.manifest_path(project::root().join("Cargo.toml")).no_deps();
        command.other_options(["--locked".to_owned()]);
        Self(command.exec().expect("cargo metadata"))
    }

    fn package(&self, name: &str) -> &Package {
        let mut members = self.0.workspace_packages().into_iter();
        members.find(|package| package.name.as_str() == name).unwrap_or_else(|| panic!("no crate {name}"))
    }

    /// The dependencies that a crate's manifest names for its own code.
    fn direct(&self, name: &str) -> BTreeSet<String> {
        let normal =
            self.package(name).dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
        normal.map(|dependency| dependency.name.clone()).collect()
    }

    fn members(&self) -> Vec<String> {
        self.0.workspace_packages().iter().map(|package| package.name.to_string()).collect()
    }
}

fn intersection(links: &BTreeSet<String>, forbidden: &[&str]) -> Vec<String> {
    forbidden.iter().filter(|name| links.contains(**name)).map(|name| (*name).to_owned()).collect()
}

#[test]
fn what_the_browser_loads_links_no_server_no_database_and_no_clock() {
    let links = links("prequal-wasm", Some(WASM));
    assert!(links.contains("prequal-core") && links.contains("wasm-bindgen"), "the graph was not read: {links:?}");
    let forbidden = [
        "tokio",
        "sqlx",
        "sqlx-core",
        "axum",
        "hyper",
        "tower",
        "tower-http",
        "reqwest",
        "mio",
        "socket2",
        "libc",
        "jiff",
        "chrono",
        "time",
        "instant",
        "web-time",
        "uuid",
        "clap",
        "anyhow",
        "ndarray",
        "csv",
        "rand",
        "ed25519-dalek",
        "prequal-server",
        "prequal-ledger",
        "prequal-bundle",
        "prequal-models",
        "prequal-batch",
        "prequal-train",
    ];
    assert_eq!(intersection(&links, &forbidden), Vec::<String>::new(), "prequal-wasm links these");
}

#[test]
fn core_links_only_what_is_listed_here() {
    // Adding a name is a decision: each of these computes, and none reads a clock, a device or a network.
    let allowed = [
        "serde",
        "serde_core",
        "serde_json",
        "itoa",
        "memchr",
        "zmij",
        "ryu",
        "sha2",
        "digest",
        "block-buffer",
        "crypto-common",
        "hybrid-array",
        "typenum",
        "cfg-if",
        "cpufeatures",
        "libm",
    ];
    let links = links("prequal-core", Some(WASM));
    let others: Vec<&String> = links.iter().filter(|name| !allowed.contains(&name.as_str())).collect();
    assert_eq!(others, Vec::<&String>::new(), "prequal-core links these besides");
}

#[test]
fn core_and_ledger_link_no_clock_no_randomness_and_no_threads() {
    let forbidden = [
        "getrandom",
        "rand",
        "rand_core",
        "fastrand",
        "jiff",
        "chrono",
        "time",
        "instant",
        "web-time",
        "tokio",
        "rayon",
        "crossbeam-utils",
        "parking_lot",
        "num_cpus",
        "once_cell",
        "lazy_static",
        "ahash",
    ];
    for name in ["prequal-core", "prequal-ledger"] {
        assert_eq!(intersection(&links(name, None), &forbidden), Vec::<String>::new(), "{name} links these");
    }
}

#[test]
fn each_crate_knows_the_crates_below_it_and_no_other() {
    // A new crate needs its line here, and with it its place in the picture of src/README.md.
    let layers: [(&str, &[&str]); 12] = [
        ("prequal-derive", &[]),
        ("prequal-core", &["prequal-derive"]),
        ("prequal-ledger", &["prequal-core"]),
        ("prequal-bundle", &["prequal-core"]),
        ("prequal-models", &["prequal-core"]),
        ("prequal-batch", &["prequal-core", "prequal-models"]),
        ("prequal-train", &["prequal-batch", "prequal-core", "prequal-models"]),
        ("prequal-wasm", &["prequal-core"]),
        ("prequal-server", &["prequal-bundle", "prequal-core", "prequal-ledger"]),
        (
            "prequal",
            &[
                "prequal-batch",
                "prequal-bundle",
                "prequal-core",
                "prequal-ledger",
                "prequal-models",
                "prequal-server",
                "prequal-train",
            ],
        ),
        ("prequal-acceptance", &[]),
        ("xtask", &[]),
    ];
    let workspace = Workspace::load();
    let members: BTreeSet<String> = workspace.members().into_iter().collect();
    let listed: BTreeSet<String> = layers.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(members, listed, "the crates of the workspace");
    for (name, below) in layers {
        let named: Vec<String> = workspace.direct(name).intersection(&members).cloned().collect();
        assert_eq!(named, below, "{name}");
    }
}

#[test]
fn one_crate_knows_javascript_and_one_knows_http_and_sql() {
    let workspace = Workspace::load();
    let only = |owner: &str, packages: &[&str]| {
        for name in workspace.members() {
            let found = intersection(&workspace.direct(&name), packages);
            assert_eq!(found.is_empty(), name != owner, "{name} names {found:?}; {owner} alone may and must");
        }
    };
    only("prequal-wasm", &["wasm-bindgen", "serde-wasm-bindgen", "js-sys", "web-sys"]);
    only("prequal-server", &["axum", "sqlx"]);
}

#[test]
fn the_packages_the_product_is_built_on_are_in_real_use() {
    let workspace = Workspace::load();
    let homes = [
        ("prequal-wasm", "src/wasm/", "wasm-bindgen"),
        ("prequal-wasm", "src/wasm/", "serde"),
        ("prequal-wasm", "src/wasm/", "serde-wasm-bindgen"),
        ("prequal-wasm", "src/wasm/", "js-sys"),
        ("prequal-wasm", "src/wasm/", "web-sys"),
        ("prequal-wasm", "src/wasm/", "getrandom"),
        ("prequal-train", "src/train/", "ndarray"),
        ("prequal-batch", "src/batch/", "ndarray"),
    ];
    for (name, folder, package) in homes {
        assert!(workspace.direct(name).contains(package), "{name} does not name {package}");
        let import = package.replace('-', "_");
        let used = project::rust_files(folder).iter().any(|(_, text)| {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            code.into_iter()
                .any(|line| line.contains(&format!("{import}::")) || line.contains(&format!("use {import}")))
        });
        assert!(used, "{name} names {package} and does not use it");
    }
    let calls_wasm_pack = project::rust_files("src/xtask/").iter().any(|(_, text)| text.contains("\"wasm-pack\""));
    assert!(calls_wasm_pack, "nothing calls wasm-pack");
}

#[test]
fn every_third_party_version_stands_in_the_workspace_manifest() {
    for path in project::tracked().into_iter().filter(|path| path.ends_with("/Cargo.toml")) {
        let manifest = project::text(&path).expect("a manifest is text");
        // A workspace of its own, for a compiler of its own, has its own versions.
        if manifest.lines().any(|line| line.trim() == "[workspace]") {
            continue;
        }
        let mut in_dependencies = false;
        for line in manifest.lines().map(str::trim) {
            if line.starts_with('[') {
                in_dependencies = line.contains("dependencies");
            } else if in_dependencies && line.contains('=') {
                assert!(line.contains("workspace = true"), "{path}: `{line}` does not come from the workspace");
            }
        }
    }
}
