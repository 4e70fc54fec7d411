//! What comes from the system's package manager: a C compiler, git, certificates, Node.js, Chromium; for the tests also
//! PostgreSQL and Python.
//! Everything that is missing is asked for at once, and announced before it is installed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{For, Mode, Progress, State, browser};
use crate::paths;
use crate::process::{self, Options};

/// How long the package manager may take.
const INSTALL_SECONDS_MAX: u64 = 900;

/// A part of the system, the Debian packages that bring it, and how to see that it is there.
struct Part {
    name: &'static str,
    packages: &'static [&'static str],
    find: fn() -> Option<String>,
    /// Whether the demo needs it as well.
    demo: bool,
}

const PARTS: [Part; 7] = [
    Part { name: "C compiler", packages: &["gcc", "libc6-dev"], find: || program(&["cc"]), demo: true },
    Part { name: "git", packages: &["git"], find: || program(&["git"]), demo: true },
    Part { name: "certificates", packages: &["ca-certificates"], find: certificates, demo: true },
    Part { name: "node and npm", packages: &["nodejs", "npm"], find: node_and_npm, demo: true },
    Part { name: "chromium", packages: &["chromium"], find: || Some(shown(&browser::chromium()?)), demo: true },
    Part { name: "postgresql", packages: &["postgresql"], find: || Some(shown(&postgres()?)), demo: false },
    Part { name: "python with venv", packages: &["python3", "python3-venv"], find: python_with_venv, demo: false },
];

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The folder of PostgreSQL's server programs: where the tests are told to look, or the newest that Debian's packages
/// brought. No search path names it.
pub fn postgres() -> Option<PathBuf> {
    if let Some(told) = std::env::var_os("PREQUAL_POSTGRES_BIN") {
        return Some(told.into());
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.retain(|folder| folder.join("initdb").exists());
    folders.sort();
    folders.pop()
}

/// Debian's Python comes without the part that makes virtual environments.
fn python_with_venv() -> Option<String> {
    let python = program(&["python3"])?;
    process::probe(Command::new(&python).args(["-c", "import ensurepip, venv"])).map(|_| python)
}

fn program(names: &[&str]) -> Option<String> {
    paths::find_program(names).map(|file| file.display().to_string())
}

fn certificates() -> Option<String> {
    let places = ["/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem", "/etc/pki/tls/certs/ca-bundle.crt"];
    places.iter().find(|place| Path::new(place).exists()).map(|place| (*place).to_owned())
}

fn node_and_npm() -> Option<String> {
    program(&["npm"])?;
    program(&["node", "nodejs"])
}

/// Find the system's parts and install what is missing.
pub fn packages(progress: &Progress, purpose: For, mode: Mode) {
    let parts: Vec<&Part> = PARTS.iter().filter(|part| part.demo || purpose == For::Everything).collect();
    let absent: Vec<&Part> = parts.iter().copied().filter(|part| (part.find)().is_none()).collect();
    let wanted: Vec<&str> = absent.iter().flat_map(|part| part.packages).copied().collect();
    let mut outcome = if wanted.is_empty() { Ok(()) } else { install(&wanted, mode) };
    if outcome.is_err() && mode == Mode::Install && absent.len() > 1 {
        // One package that this system does not have must not keep the others away.
        outcome = absent.iter().map(|part| install(part.packages, mode)).fold(Ok(()), Result::and);
    }
    for part in &parts {
        progress.item(part.name, || match ((part.find)(), &outcome) {
            (Some(detail), _) if absent.iter().any(|other| other.name == part.name) => State::Installed(detail),
            (Some(detail), _) => State::Present(detail),
            (None, _) if mode == Mode::DryRun => State::Missing(install(part.packages, mode).err().unwrap_or_default()),
            (None, Err(why)) => State::Missing(why.clone()),
            (None, Ok(())) => State::Missing(format!("install it: {}", apt_line(part.packages))),
        });
    }
}

/// The command a person would type.
pub fn apt_line(packages: &[&str]) -> String {
    format!("sudo apt-get install -y --no-install-recommends {}", packages.join(" "))
}

/// Install Debian packages, announcing it; the error is one line that ends in the command to type.
pub fn install(packages: &[&str], mode: Mode) -> Result<(), String> {
    let by_hand = apt_line(packages);
    if paths::find_program(&["apt-get"]).is_none() {
        return Err(format!("no apt-get here; with your package manager, what this does on Debian: {by_hand}"));
    }
    if mode == Mode::DryRun {
        return Err(format!("would run: {by_hand}"));
    }
    let Some(privilege) = privilege() else {
        return Err(format!("needs the administrator: {by_hand}"));
    };
    println!("  installing from the system's package manager: {}", packages.join(" "));
    let apt = |arguments: &[&str]| {
        let mut words = privilege.iter().copied().chain(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        let mut command = Command::new(words.next().unwrap_or("env"));
        command.args(words).args(arguments);
        let timeout = Some(Duration::from_secs(INSTALL_SECONDS_MAX));
        process::run(&mut command, &Options { timeout, heartbeat: Some("apt-get"), ..Options::default() })
    };
    // A stale list may still name packages that can be fetched: only the installation decides.
    let _ = apt(&["update", "-qq"]);
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(packages);
    match apt(&arguments) {
        Ok(finished) if finished.ok => Ok(()),
        Ok(finished) => Err(format!("{by_hand} failed: {}", finished.reason())),
        Err(error) => Err(format!("{by_hand} failed: {error:#}")),
    }
}

/// What to put before a command that needs the administrator, if there is a way without asking for a password.
pub fn privilege() -> Option<&'static [&'static str]> {
    if rustix::process::geteuid().is_root() {
        return Some(&[]);
    }
    process::probe(Command::new("sudo").args(["-n", "true"])).map(|_| &["sudo", "-n"] as &[&str])
}
