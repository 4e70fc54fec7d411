//! A server in a process of its own, on a world's database.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use prequal_server::{config::Config, serve};

use crate::world::World;

const CONFIG: &str = "PREQUAL_TEST_SERVER_CONFIG";

/// Claims nothing by itself: started again by the claims that need one, it is the other process.
#[test]
fn the_other_process() {
    if let Ok(file) = std::env::var(CONFIG) {
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
        let file = world.folder.path().join(format!("{}.toml", uuid::Uuid::new_v4()));
        std::fs::write(&file, world.config_for_a_process(address)).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["process::the_other_process", "--exact", "--nocapture"])
            .env(CONFIG, file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let base = lines.find_map(|line| Some(line.ok()?.split_once("listening on ")?.1.to_owned()));
        Self { child, base: base.expect("the process does not listen") }
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
