//! `cargo xtask package`: the npm package, from the Rust core to the tarball that `npm publish` would take.
//!
//! ```text
//! src/wasm --wasm-pack--> target/npm/wasm-pack --quiet-panics, wasm-opt--> target/npm/glue
//! pkg-config/src, www/element/src --tsc--> target/npm/prequal --npm pack--> target/npm/prequal-VERSION.tgz
//! ```
//!
//! Each step is skipped while what it reads is unchanged. The tarball is also unpacked into `www/node_modules`,
//! where the worker and the shop use it as anybody would.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use crate::paths;
use crate::process::{self, Options};
use crate::setup;

const WASM_SECONDS_MAX: u64 = 900;
const STEP_SECONDS_MAX: u64 = 300;
const BINARYEN: &str = "www/node_modules/binaryen";
const QUIET_PANICS: &str = "pkg-config/quiet-panics.mjs";
const TYPESCRIPT: &str = "www/node_modules/typescript/bin/tsc";

/// What rustc and wasm-bindgen emit and browsers, Node and workerd accept; with every feature enabled workerd
/// refuses the module. Names and producers are stripped here, because wasm-bindgen needs them before.
const WASM_OPT_FLAGS: [&str; 18] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
    // The stack grows down to address 0, so the lowest kilobyte is used only by a stack about to overflow.
    "--low-memory-unused",
    "-Oz",
    "--optimize-added-constants-propagate",
    "--flatten",
    "--rereloop",
    "-Oz",
    "-Oz",
    "--converge",
    "--strip-debug",
    "--strip-producers",
    "--strip-target-features",
];

/// Added to the module that wasm-bindgen writes: its own loader keeps the first instance for ever, and ours must be
/// able to put a new one in its place after a trap.
const GLUE_MORE: &str = "
export function imports() {
    return __wbg_get_imports();
}

export function adopt(instance, module) {
    __wbg_finalize_init(instance, module);
}
";
const GLUE_MORE_TYPES: &str = "
export function imports(): WebAssembly.Imports;
export function adopt(instance: { readonly exports: object }, module?: WebAssembly.Module): void;
";
/// What the addition leans on: a wasm-bindgen that writes something else is noticed here and not in a browser.
const GLUE_NEEDS: [&str; 3] =
    ["function __wbg_get_imports() {", "function __wbg_finalize_init(instance, module) {", "__destroy_into_raw() {"];

/// Builds whatever is out of date and returns the tarball.
pub fn package(root: &Path) -> Result<PathBuf> {
    let out = root.join("target/npm");
    fs::create_dir_all(&out)?;
    let version = workspace_version(root)?;
    glue(root, &out)?;
    let tarball = out.join(format!("prequal-{version}.tgz"));
    assemble(root, &out, &version, &tarball)?;
    unpack(root, &tarball)?;
    Ok(tarball)
}

/// Compiles the core to WebAssembly, with the JavaScript that reaches it.
fn glue(root: &Path, out: &Path) -> Result<()> {
    let folder = out.join("glue");
    let mut inputs = Inputs::new(include_str!("package.rs"));
    inputs.add(
        root,
        &[
            ".cargo/config.toml",
            "Cargo.toml",
            "Cargo.lock",
            "src/core/Cargo.toml",
            "src/core/src",
            "src/derive",
            "src/wasm",
            QUIET_PANICS,
        ],
    )?;
    let environment = setup::wasm_route(root)?.environment();
    inputs.text(&format!("{environment:?}"));
    let stamp = Stamp::new(&folder, &inputs);
    if stamp.fresh() {
        return Ok(());
    }
    println!("  package: compiling the core to wasm");
    let raw = out.join("wasm-pack");
    let mut build = setup::wasm_command(root, "wasm-pack")?;
    build
        .env("CARGO_TARGET_DIR", paths::cargo_target(root).join("npm/cargo"))
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", short_paths(root))
        .args(["build", "src/wasm", "--profile", "wasm", "--target", "web", "--no-opt", "--mode", "no-install"])
        .args(["--no-pack", "--out-name", "prequal", "--out-dir"])
        .arg(&raw);
    run(&mut build, WASM_SECONDS_MAX, "wasm-pack")?;

    remake(&folder)?;
    println!("  package: optimising the wasm");
    optimise(root, &raw.join("prequal_bg.wasm"), &folder.join("prequal.wasm"))?;

    let script = fs::read_to_string(raw.join("prequal.js"))?;
    if let Some(missing) = GLUE_NEEDS.iter().find(|needed| !script.contains(**needed)) {
        bail!("wasm-bindgen no longer writes `{missing}`, which pkg-config/src/engine.ts needs");
    }
    if script.contains("new URL(") {
        bail!("the generated module names the wasm file; only pkg-config/src/index.ts may, or bundlers copy it twice");
    }
    fs::write(folder.join("glue.js"), script + GLUE_MORE)?;
    let types = fs::read_to_string(raw.join("prequal.d.ts"))?;
    fs::write(folder.join("glue.d.ts"), types + GLUE_MORE_TYPES)?;
    stamp.write()
}

/// Flags that leave the folders of the building machine out of the module: they would name its user, and they are
/// bytes. Joined to those of `.cargo/config.toml`; a folder with a space in its name cannot be given this way.
fn short_paths(root: &Path) -> String {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let registry = home.map(|home| home.join("registry/src"));
    let folders = [Some(root.to_path_buf()), registry].into_iter().flatten();
    let flags = folders.filter_map(|folder| folder.to_str().map(|folder| format!("--remap-path-prefix={folder}=")));
    flags.filter(|flag| !flag.contains(' ')).collect::<Vec<_>>().join(" ")
}

/// Runs a module through what the package's own goes through: panics without words, then wasm-opt.
pub fn optimise(root: &Path, module: &Path, out: &Path) -> Result<()> {
    let quiet = out.with_extension("quiet.wasm");
    let mut silence = setup::command(root, node(root)?);
    silence.args([QUIET_PANICS, BINARYEN]).arg(module).arg(&quiet);
    run(&mut silence, STEP_SECONDS_MAX, QUIET_PANICS)?;
    let mut optimise = setup::command(root, node(root)?);
    optimise.arg(format!("{BINARYEN}/bin/wasm-opt")).arg(&quiet).args(WASM_OPT_FLAGS).arg("-o").arg(out);
    run(&mut optimise, STEP_SECONDS_MAX, "wasm-opt")?;
    Ok(fs::remove_file(&quiet)?)
}

/// Compiles the TypeScript and lays the package out.
fn assemble(root: &Path, out: &Path, version: &str, tarball: &Path) -> Result<()> {
    let folder = out.join("prequal");
    let mut inputs = Inputs::new(include_str!("package.rs"));
    inputs.text(version);
    inputs.add(root, &["pkg-config", "www/element/src", "www/element/tsconfig.json", "www/tsconfig.base.json"])?;
    inputs.add(
        root,
        &["LICENSE", "target/npm/glue/glue.js", "target/npm/glue/glue.d.ts", "target/npm/glue/prequal.wasm"],
    )?;
    let stamp = Stamp::new(out, &inputs);
    if stamp.fresh() && tarball.is_file() {
        return Ok(());
    }
    println!("  package: compiling the TypeScript");
    remake(&folder)?;
    typescript(root, "pkg-config")?;
    // The generated types stay out: they are the low level, and need a newer library than a consumer may have.
    for file in ["glue.js", "prequal.wasm"] {
        fs::copy(out.join("glue").join(file), folder.join(file))?;
    }
    if root.join("www/element/src/index.ts").is_file() {
        typescript(root, "www/element")?;
        relative_imports(&folder.join("element"), 1)?;
    }
    manifest(root, &folder, version)?;
    fs::copy(root.join("pkg-config/README.md"), folder.join("README.md"))?;
    fs::copy(root.join("LICENSE"), folder.join("LICENSE"))?;

    let mut pack = setup::command(root, "npm");
    pack.current_dir(&folder).args(["pack", "--silent", "--ignore-scripts", "--pack-destination"]).arg(out);
    run(&mut pack, STEP_SECONDS_MAX, "npm pack")?;
    if !tarball.is_file() {
        bail!("npm pack did not write {}", tarball.display());
    }
    stamp.write()
}

/// Unpacks the tarball where the worker and the shop import `prequal` from.
fn unpack(root: &Path, tarball: &Path) -> Result<()> {
    let modules = root.join("www/node_modules");
    let place = modules.join("prequal");
    let mut inputs = Inputs::new("unpack");
    inputs.file(tarball)?;
    let stamp = Stamp::new(&place, &inputs);
    if stamp.fresh() {
        return Ok(());
    }
    remake(&place)?;
    let mut tar = setup::command(root, "tar");
    tar.arg("-xzf").arg(tarball).arg("-C").arg(&place).arg("--strip-components=1");
    run(&mut tar, STEP_SECONDS_MAX, "tar")?;
    stamp.write()
}

fn typescript(root: &Path, project: &str) -> Result<()> {
    let mut compile = setup::command(root, node(root)?);
    compile.args([TYPESCRIPT, "--project", project, "--pretty", "false"]);
    run(&mut compile, STEP_SECONDS_MAX, "tsc")
}

/// The elements import `prequal` by its name, as a merchant would; inside the package the same file is reached by a
/// relative path, so that a page without a bundler and without an import map can load them too.
fn relative_imports(folder: &Path, depth: usize) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            relative_imports(&path, depth + 1)?;
        } else if path.extension().is_some_and(|extension| extension == "js") {
            let index = format!("'{}index.js'", "../".repeat(depth));
            let text = fs::read_to_string(&path)?;
            fs::write(&path, text.replace("from 'prequal'", &format!("from {index}")))?;
        }
    }
    Ok(())
}

/// The text with its version put in: a parsed and rewritten document would lose the order of the export conditions,
/// and the first that fits is taken.
fn manifest(root: &Path, folder: &Path, version: &str) -> Result<()> {
    const PLACE: &str = "\"version\": \"0.0.0\"";
    let text = fs::read_to_string(root.join("pkg-config/package.json"))?;
    if !text.contains(PLACE) {
        bail!("pkg-config/package.json has no {PLACE} to put the workspace's version into");
    }
    fs::write(folder.join("package.json"), text.replace(PLACE, &format!("\"version\": \"{version}\"")))?;
    Ok(())
}

/// The version under `[workspace.package]`.
fn workspace_version(root: &Path) -> Result<String> {
    let text = fs::read_to_string(root.join("Cargo.toml"))?;
    let section = text.split("[workspace.package]").nth(1).unwrap_or_default();
    let line = section.lines().find_map(|line| line.strip_prefix("version = \""));
    line.and_then(|rest| rest.split('"').next())
        .map(str::to_owned)
        .ok_or_else(|| anyhow!("Cargo.toml states no version under [workspace.package]"))
}

fn node(root: &Path) -> Result<PathBuf> {
    setup::node(root).ok_or_else(|| anyhow!("no Node.js that is new enough: cargo xtask setup"))
}

fn run(command: &mut std::process::Command, seconds_max: u64, name: &str) -> Result<()> {
    let timeout = Some(Duration::from_secs(seconds_max));
    process::must(command, &Options { timeout, heartbeat: Some(name), ..Options::default() }).map(drop)
}

fn remake(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(folder)?;
    Ok(())
}

/// A fingerprint of everything that a step reads. It only says whether to do the step again.
struct Inputs(DefaultHasher);

impl Inputs {
    fn new(step: &str) -> Self {
        let mut inputs = Self(DefaultHasher::new());
        inputs.text(step);
        inputs
    }

    fn text(&mut self, text: &str) {
        self.0.write_usize(text.len());
        self.0.write(text.as_bytes());
    }

    fn file(&mut self, path: &Path) -> Result<()> {
        self.text(&path.to_string_lossy());
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        self.0.write_usize(bytes.len());
        self.0.write(&bytes);
        Ok(())
    }

    /// Files, and folders with all that is in them; a name that is not there counts as such.
    fn add(&mut self, root: &Path, names: &[&str]) -> Result<()> {
        for name in names {
            self.tree(&root.join(name))?;
        }
        Ok(())
    }

    fn tree(&mut self, path: &Path) -> Result<()> {
        if path.is_file() {
            return self.file(path);
        }
        if !path.is_dir() {
            self.text("absent");
            return Ok(());
        }
        let mut entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        entries.sort();
        entries.iter().try_for_each(|entry| self.tree(entry))
    }
}

/// A file beside what a step made, saying from what it was made.
struct Stamp {
    file: PathBuf,
    fingerprint: String,
}

impl Stamp {
    fn new(folder: &Path, inputs: &Inputs) -> Self {
        Self { file: folder.join(".made-from"), fingerprint: format!("{:016x}", inputs.0.finish()) }
    }

    fn fresh(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|text| text == self.fingerprint)
    }

    fn write(&self) -> Result<()> {
        fs::write(&self.file, &self.fingerprint)?;
        Ok(())
    }
}
