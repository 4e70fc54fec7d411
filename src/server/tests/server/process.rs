//! A server in a process of its own, on a world's database.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use prequal_server::{config::Config, serve};

use crate::world::World;

const CONFIG: &str = "PREQUAL_TEST_SERVER_CONFIG";

/// Claims nothing by itself: started again by the claims that need one, it is the other process.
#[test]
fn the_other_process() {
    if let Ok(file) = std::env::var(CONFIG) {
        serve::log_to_stderr().unwrap();
        serve::block_on(serve::run(&Config::read(file.as_ref()).unwrap(), true)).unwrap();
    }
}

/// A running process; it is killed when this is dropped.
pub struct Process {
    child: Child,
    /// `http://ADDRESS`.
    pub base: String,
}

impl Process {
    /// Starts one at an address, port 0 for any, and waits until it listens.
    pub fn start(world: &World, address: &str) -> Self {
        Self::spawn(world, address, "", Stdio::null())
    }

    /// One that trusts the certificates of a file, and no others.
    pub fn start_trusting(world: &World, address: &str, roots: &Path) -> Self {
        Self::spawn_with(world, address, ("", Some(roots)), Stdio::null())
    }

    /// One with settings before the others.
    pub fn start_with(world: &World, address: &str, settings: &str) -> Self {
        Self::spawn(world, address, settings, Stdio::null())
    }

    /// One that logs as JSON into a file.
    pub fn start_logging(world: &World, address: &str, log: &Path) -> Self {
        Self::spawn(world, address, "", std::fs::File::create(log).unwrap().into())
    }

    fn spawn(world: &World, address: &str, settings: &str, log: Stdio) -> Self {
        Self::spawn_with(world, address, (settings, None), log)
    }

    fn spawn_with(world: &World, address: &str, (settings, roots): (&str, Option<&Path>), log: Stdio) -> Self {
        let file = world.folder.path().join(format!("{}.toml", uuid::Uuid::new_v4()));
        std::fs::write(&file, settings.to_owned() + &world.config_for_a_process(address)).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["process::the_other_process", "--exact", "--nocapture"])
            .env(CONFIG, file)
            .envs(roots.map(|roots| ("SSL_CERT_FILE", roots)))
            .env("PREQUAL_LOG_FORMAT", "json")
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let base = lines.find_map(|line| Some(line.ok()?.split_once("listening on ")?.1.to_owned()));
        // What it says later goes nowhere, but must not meet a closed pipe.
        std::thread::spawn(move || lines.count());
        Self { child, base: base.expect("the process does not listen") }
    }

    /// SIGTERM: what was accepted is finished.
    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Waits until it has ended by itself, well.
    pub fn wait_for_its_end(mut self, longest: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < longest {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it has not ended after {longest:?}");
    }

    /// SIGKILL: nothing is finished, nothing is flushed.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
