//! What comes from the system's package manager: a C compiler, git, certificates, Node.js, Chromium.
//! Everything that is missing is asked for at once, and announced before it is installed.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::{Mode, Progress, State, browser};
use crate::paths;
use crate::process::{self, Options};

/// How long the package manager may take.
const INSTALL_SECONDS_MAX: u64 = 900;

/// A part of the system, the Debian packages that bring it, and how to see that it is there.
struct Part {
    name: &'static str,
    packages: &'static [&'static str],
    find: fn() -> Option<String>,
}

const PARTS: [Part; 5] = [
    Part { name: "C compiler", packages: &["gcc", "libc6-dev"], find: || program(&["cc"]) },
    Part { name: "git", packages: &["git"], find: || program(&["git"]) },
    Part { name: "certificates", packages: &["ca-certificates"], find: certificates },
    Part { name: "node and npm", packages: &["nodejs", "npm"], find: node_and_npm },
    Part { name: "chromium", packages: &["chromium"], find: || Some(browser::chromium()?.display().to_string()) },
];

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
pub fn packages(progress: &Progress, mode: Mode) {
    let absent: Vec<&Part> = PARTS.iter().filter(|part| (part.find)().is_none()).collect();
    let wanted: Vec<&str> = absent.iter().flat_map(|part| part.packages).copied().collect();
    let mut outcome = if wanted.is_empty() { Ok(()) } else { install(&wanted, mode) };
    if outcome.is_err() && mode == Mode::Install && absent.len() > 1 {
        // One package that this system does not have must not keep the others away.
        outcome = absent.iter().map(|part| install(part.packages, mode)).fold(Ok(()), Result::and);
    }
    for part in &PARTS {
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
