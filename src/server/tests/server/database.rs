//! Which engine the suite runs on, by `PREQUAL_TEST_DATABASE`: `sqlite`, or `postgres` for a private cluster that
//! lives as long as this process.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use prequal_server::storage::Engine;

const VARIABLE: &str = "PREQUAL_TEST_DATABASE";
/// Set where a commit must wait for the disk.
const DURABLE: &str = "PREQUAL_TEST_DURABLE";

/// The engine that was asked for.
pub fn engine() -> Engine {
    match std::env::var(VARIABLE).as_deref() {
        Err(_) | Ok("sqlite") => Engine::Sqlite,
        Ok("postgres") => Engine::Postgres,
        Ok(other) => panic!("{VARIABLE} is `sqlite` or `postgres`, not `{other}`"),
    }
}

/// The URL of an empty database.
pub fn fresh(folder: &Path) -> String {
    match engine() {
        Engine::Sqlite => format!("sqlite://{}", folder.join("prequal.db").display()),
        Engine::Postgres => cluster().new_database(),
    }
}

/// What a database holds, as bytes in which anything can be looked for: SQLite's files, or every row of
/// PostgreSQL's tables, with the bytes that a dump writes as hex.
pub fn stored(folder: &Path, url: &str) -> Vec<(String, Vec<u8>)> {
    if engine() == Engine::Postgres {
        let dump = cluster().run("pg_dump", &["--inserts", url]).stdout;
        let text = String::from_utf8(dump).unwrap();
        let bytes = text.split("'\\x").skip(1).flat_map(|hex| {
            let digits: Vec<u8> = hex.bytes().take_while(u8::is_ascii_hexdigit).collect();
            let pairs = digits.chunks_exact(2).map(|pair| std::str::from_utf8(pair).unwrap().to_owned());
            pairs.map(|pair| u8::from_str_radix(&pair, 16).unwrap()).chain([b'\n']).collect::<Vec<_>>()
        });
        return vec![("bytes".to_owned(), bytes.collect()), ("rows".to_owned(), text.into_bytes())];
    }
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("prequal.db"))
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

/// A PostgreSQL of one's own, reached through a socket in its folder.
pub struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    databases: AtomicUsize,
    /// Holds the pipe whose closing stops the cluster, however this process ends.
    _guardian: Child,
}

/// The cluster of this process.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start)
}

/// The newest installed programs of the server, which no PATH names.
fn programs() -> PathBuf {
    if let Ok(folder) = std::env::var("PREQUAL_POSTGRES_BIN") {
        return folder.into();
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is not installed");
    let mut folders: Vec<PathBuf> = versions.map(|entry| entry.unwrap().path().join("bin")).collect();
    folders.retain(|folder| folder.join("initdb").exists());
    folders.sort();
    folders.pop().expect("PostgreSQL is not installed")
}

/// PostgreSQL refuses to run as root.
fn as_its_user(program: &Path) -> Command {
    let id = Command::new("id").arg("-u").output().unwrap();
    if String::from_utf8_lossy(&id.stdout).trim() != "0" {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

impl Cluster {
    fn start() -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new().prefix("prequal-pg-").tempdir().unwrap().keep();
        if !Command::new("chown").arg("postgres").arg(&folder).output().unwrap().status.success() {
            std::fs::create_dir_all(&folder).unwrap();
        }
        let data = folder.join("data");
        succeed(
            as_its_user(&programs.join("initdb"))
                .args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
                .arg(&data)
                .current_dir("/tmp"),
        );
        // The machine does not fail in a test, the server does: no wait for the disk is needed. A measurement waits.
        let fsync = if std::env::var(DURABLE).is_ok() { "fsync=on" } else { "fsync=off" };
        // The shell ends the server when its input ends, which it does with this process, even by SIGKILL.
        let script = r#"trap "" INT; folder=$1; shift; "$@" >"$folder/log" 2>&1 & server=$!
            cat >/dev/null; kill -INT $server; wait $server; rm -rf "$folder""#;
        let guardian = as_its_user(Path::new("sh"))
            .args(["-c", script, "guardian"])
            .arg(&folder)
            .arg(programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&folder)
            .args(["-c", "listen_addresses=", "-c", fsync, "-c", "max_connections=200"])
            .current_dir("/tmp")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let cluster = Self { programs, folder, databases: AtomicUsize::new(0), _guardian: guardian };
        for _ in 0..200 {
            let url = cluster.url("postgres");
            let ready = Command::new(cluster.programs.join("pg_isready")).args(["-d", &url]).output().unwrap();
            if ready.status.success() {
                return cluster;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{}", std::fs::read_to_string(cluster.folder.join("log")).unwrap_or_default());
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.folder.display())
    }

    /// Runs one of PostgreSQL's programs.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Output {
        succeed(Command::new(self.programs.join(program)).args(arguments))
    }

    /// An empty database of the cluster.
    pub fn new_database(&self) -> String {
        let name = format!("world_{}", self.databases.fetch_add(1, Ordering::SeqCst));
        self.run("psql", &["-q", "-c", &format!("CREATE DATABASE {name}"), &self.url("postgres")]);
        self.url(&name)
    }
}
