//! `cargo xtask demo`: set up, build, and run a shop in which a person buys on credit.

pub mod artefacts;
mod books;
mod http;
mod services;
mod settings;
mod smoke;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::{self, Options};
use crate::setup::{self, For, Mode};
use crate::{package, paths};
use artefacts::Artefacts;
use services::Service;
use settings::{Ports, Secrets, url};

const BUILD_SECONDS_MAX: u64 = 1_800;

/// What the command line asked for.
pub struct Wanted {
    /// Drive a purchase without a person, then end.
    pub smoke: bool,
    /// Go on with the loans of the last demo.
    pub keep: bool,
    /// Where the shop should listen.
    pub port: u16,
}

/// Set up, build, run, and wait for Ctrl-C.
pub fn demo(root: &Path, wanted: &Wanted) -> Result<()> {
    let started = Instant::now();
    let (mut missing, tools) = setup::setup_in_background(root, For::Demo, Mode::Install);
    if wanted.smoke && setup::chromium().is_none() {
        bail!("--smoke needs Chromium: cargo xtask setup says how to get it");
    }
    println!("build");
    let program = build_program(root)?;
    missing.extend(setup::join(tools)?);
    if !missing.is_empty() {
        println!("  going on without {}", missing.join(", "));
    }
    step("package", || package::package(root))?;
    if wanted.smoke {
        smoke(root, &program)?;
        println!("all of it in {:.1} s", started.elapsed().as_secs_f64());
        return Ok(());
    }
    let mut demo = Demo::start(root, &program, wanted.port, wanted.keep)?;
    demo.invite(started.elapsed());
    demo.wait()
}

/// Drive one purchase through the real pages and check the lender's books; the program and the package are built.
pub fn smoke(root: &Path, program: &Path) -> Result<()> {
    let demo = Demo::start(root, program, 3000, false)?;
    smoke::run(root, &demo).inspect_err(|_| println!("{}", demo.last_words()))
}

/// The development profile: it builds in a fraction of the time, and decides far faster than a person clicks.
fn build_program(root: &Path) -> Result<PathBuf> {
    step("build prequal", || {
        let mut cargo = setup::command(root, "cargo");
        cargo.args(["build", "--package", "prequal"]).env("CARGO_TERM_COLOR", "never");
        let timeout = Some(Duration::from_secs(BUILD_SECONDS_MAX));
        process::must(&mut cargo, &Options { timeout, heartbeat: Some("cargo build"), ..Options::default() })?;
        Ok(paths::cargo_target(root).join("debug/prequal"))
    })
}

/// Say what is done and how long it took.
fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let started = Instant::now();
    let result = work().with_context(|| name.to_owned())?;
    println!("  {name:<28} {:>6.1} s", started.elapsed().as_secs_f64());
    Ok(result)
}

/// The running demo; everything stops when it is dropped.
pub struct Demo {
    /// Stopped in the order of this list: the shop first, the provider last.
    services: Vec<Service>,
    ports: Ports,
    secrets: Secrets,
    folder: PathBuf,
}

impl Demo {
    /// Make what is missing, start everything, and wait until all of it answers.
    pub fn start(root: &Path, program: &Path, shop_port: u16, keep: bool) -> Result<Self> {
        let artefacts = step("keys, model, bundles", || artefacts::make(root, program))?;
        let node = setup::node(root).context("no Node.js that is new enough: cargo xtask setup says how to get it")?;
        step("shop pages", || build_shop(root))?;
        let ports = Ports::choose(shop_port)?;
        let secrets = Secrets::random()?;
        let folder = artefacts.folder.clone();
        if !keep {
            forget(&folder)?;
        }
        settings::write_server_config(&folder.join("server.toml"), ports, &secrets)?;
        let data = root.join("tests/data/german_credit.csv");
        settings::write_sandbox_config(&folder.join("sandbox.toml"), ports, &secrets, &data)?;
        println!("start");
        let mut demo = Self { services: Vec::new(), ports, secrets, folder };
        let commands = Commands { root, program, node: &node, artefacts: &artefacts, demo: &demo };
        let starts = [
            ("provider", commands.provider(), ports.provider, "/healthz"),
            ("server", commands.server(), ports.server, "/healthz"),
            ("worker", commands.worker(), ports.worker, "/v1/bundle/public"),
            ("shop", commands.shop(), ports.shop, "/healthz"),
        ];
        for (name, mut command, port, path) in starts {
            let service = Service::start(name, &mut command, port, path, &demo.folder.join("logs"))?;
            demo.services.insert(0, service);
        }
        Ok(demo)
    }

    /// What a script that drives the pages is told.
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        let mut list: Vec<(&'static str, OsString)> = vec![
            ("SHOP_URL", url(self.ports.shop).into()),
            ("SERVER_URL", url(self.ports.server).into()),
            ("EDGE_URL", url(self.ports.worker).into()),
            ("PROVIDER_URL", url(self.ports.provider).into()),
            ("MERCHANT_KEY", self.secrets.merchant.clone().into()),
            ("LENDER_KEY", self.secrets.lender.clone().into()),
            ("PROVIDER_KEY", self.secrets.provider.clone().into()),
            ("EDGE_KEY", self.secrets.edge.clone().into()),
            ("DEMO_FOLDER", self.folder.clone().into()),
            ("SCREENSHOTS", self.folder.clone().into()),
        ];
        list.extend(setup::chromium().map(|browser| ("CHROME", browser.into())));
        list
    }

    /// The last words of every service, for whoever asks why something failed.
    pub fn last_words(&self) -> String {
        let words = |service: &Service| format!("--- {}\n{}\n", service.name, service.last_words());
        self.services.iter().map(words).collect()
    }

    fn invite(&self, elapsed: Duration) {
        let shop = url(self.ports.shop);
        println!(
            "\nThe shop is open after {:.0} s:\n\n    {shop}\n\nPut something into the cart, choose to pay in \
             instalments, take one of the test persons,\nand follow the purchase to a repaid loan. Every start begins \
             with empty books (--keep goes on).\nLogs: {}. Ctrl-C stops everything.",
            elapsed.as_secs_f64(),
            self.folder.join("logs").display()
        );
        open_browser(&shop);
    }

    /// Until Ctrl-C, or until a service ends.
    fn wait(&mut self) -> Result<()> {
        while !process::interrupted() {
            for service in &mut self.services {
                service.check()?;
            }
            thread::sleep(Duration::from_millis(200));
        }
        println!("\nstopping");
        Ok(())
    }
}

/// A fresh demo has no loans: databases and messages of the last one go, keys and model stay.
fn forget(folder: &Path) -> Result<()> {
    let messages = folder.join(settings::NOTICES);
    if messages.is_dir() {
        fs::remove_dir_all(&messages).with_context(|| format!("cannot remove {}", messages.display()))?;
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.contains(".db") || name == "data.key" {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// Open the shop where a person sits before a screen.
fn open_browser(shop: &str) {
    let person = std::io::IsTerminal::is_terminal(&std::io::stdout());
    let display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    let opener = if cfg!(target_os = "macos") { Some("open") } else { display.then_some("xdg-open") };
    if let Some(opener) = opener.filter(|_| person) {
        // Not every machine has it; the address stands above.
        let _ = Command::new(opener).arg(shop).spawn();
    }
}

fn build_shop(root: &Path) -> Result<()> {
    let mut npm = setup::command(&root.join("www/shop"), "npm");
    process::must(npm.args(["run", "--silent", "build"]), &Options::default()).map(drop)
}

/// How each service is started.
struct Commands<'a> {
    root: &'a Path,
    program: &'a Path,
    node: &'a Path,
    artefacts: &'a Artefacts,
    demo: &'a Demo,
}

impl Commands<'_> {
    fn provider(&self) -> Command {
        let mut command = setup::command(&self.demo.folder, self.program);
        command.args(["sandbox", "--config", "sandbox.toml"]);
        command
    }

    fn server(&self) -> Command {
        let mut command = setup::command(&self.demo.folder, self.program);
        command.args(["serve", "--sandbox", "--config", "server.toml"]);
        command
    }

    fn worker(&self) -> Command {
        let (ports, artefacts) = (self.demo.ports, self.artefacts);
        let mut command = setup::command(&self.root.join("www/edge"), self.node);
        command
            .arg("dev.mjs")
            .env("PORT", ports.worker.to_string())
            .env("SERVER_URL", url(ports.server))
            .env("BUREAU_URL", format!("{}/bureau/v1/reports", url(ports.provider)))
            .env("BUNDLE_FILE", &artefacts.full)
            .env("PUBLIC_BUNDLE_FILE", &artefacts.public)
            .env("BUNDLE_KEY_FILES", artefacts.public_key("bundle"))
            .env("CHECKOUT_KEY_FILES", artefacts.public_key("checkout"))
            .env("OFFER_KEY_FILE", artefacts.private_key("offer"))
            .env("EDGE_KEY", &self.demo.secrets.edge)
            .env("ALLOWED_ORIGINS", format!("{0},http://localhost:{1}", url(ports.shop), ports.shop))
            .env("SANDBOX", "1");
        command
    }

    fn shop(&self) -> Command {
        let mut command = setup::command(&self.root.join("www/shop"), self.node);
        command
            .arg("server.mjs")
            .env("PORT", self.demo.ports.shop.to_string())
            .env("SERVER_URL", url(self.demo.ports.server))
            .env("EDGE_URL", url(self.demo.ports.worker))
            .env("MERCHANT_KEY", &self.demo.secrets.merchant)
            .env("LENDER_KEY", &self.demo.secrets.lender)
            .env("BUNDLE_KEYS", self.artefacts.public_key("bundle"))
            .env("DEMO", "1");
        command
    }
}
