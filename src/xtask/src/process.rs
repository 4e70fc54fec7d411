//! Running other programs: every child has its own process group, so that stopping it stops what it started,
//! and none outlives the task that started it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long a group is given to end by itself after it was asked to.
const STOP_SECONDS_MAX: u64 = 5;
/// How often a silent child is reported to be still at work.
const HEARTBEAT_SECONDS: u64 = 30;
/// How many last lines of a failed program are shown.
const TAIL_LINES_MAX: usize = 120;

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Ctrl-C and a polite kill are remembered instead of ending the task, so that it can stop its children first.
pub fn catch_signals() -> Result<()> {
    let flag = INTERRUPTED.get_or_init(Arc::default);
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(flag)).context("cannot listen for signals")?;
    }
    Ok(())
}

/// Whether the task was asked to stop.
pub fn interrupted() -> bool {
    INTERRUPTED.get().is_some_and(|flag| flag.load(Ordering::Relaxed))
}

/// A running program and all it started; stopped when dropped.
pub struct Group(Child);

impl Group {
    pub fn spawn(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).process_group(0);
        Ok(Self(command.spawn().with_context(|| format!("cannot start `{name}`"))?))
    }

    pub fn exited(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.0.try_wait()?)
    }

    fn signal(&self, signal: rustix::process::Signal) {
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw) {
            // The group may have ended already: that is what was wanted.
            let _ = rustix::process::kill_process_group(group, signal);
        }
    }

    /// Ask the group to end, and make it end when it does not.
    pub fn stop(&mut self) {
        self.signal(rustix::process::Signal::TERM);
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(STOP_SECONDS_MAX) {
            if matches!(self.0.try_wait(), Ok(Some(_)) | Err(_)) {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.signal(rustix::process::Signal::KILL);
        let _ = self.0.wait();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What a program that has ended left behind.
pub struct Finished {
    pub ok: bool,
    /// What it exited with; nothing where a signal ended it.
    pub code: Option<i32>,
    /// Standard output and standard error as they came.
    pub output: String,
}

impl Finished {
    /// The last lines, for a reader who wants to know why.
    pub fn tail(&self) -> String {
        let lines: Vec<&str> = self.output.lines().collect();
        let from = lines.len().saturating_sub(TAIL_LINES_MAX);
        lines.get(from..).unwrap_or_default().join("\n")
    }

    /// The line that most likely says what went wrong.
    pub fn reason(&self) -> String {
        let lines = || self.output.lines().map(str::trim).filter(|line| !line.is_empty());
        let line = lines().find(|line| line.starts_with("error") || line.contains("npm error"));
        line.or_else(|| lines().next_back()).unwrap_or("it said nothing").chars().take(200).collect()
    }
}

/// How a program is run by [`run`].
#[derive(Default)]
pub struct Options<'a> {
    /// Everything the program prints is written here.
    pub log: Option<&'a Path>,
    pub timeout: Option<Duration>,
    /// Print every line as it comes.
    pub echo: bool,
    /// Print now and then, under this name, that the program is still at work.
    pub heartbeat: Option<&'a str>,
}

/// Run a program to its end, collecting what it prints.
pub fn run(command: &mut Command, options: &Options<'_>) -> Result<Finished> {
    let log = match options.log {
        Some(path) => {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            Some(File::create(path).with_context(|| format!("cannot write {}", path.display()))?)
        }
        None => None,
    };
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = Group::spawn(command)?;
    let sink = Arc::new(Mutex::new(Sink { log, echo: options.echo, output: String::new() }));
    let readers: Vec<_> = [
        group.0.stdout.take().map(|pipe| drain(pipe, Arc::clone(&sink))),
        group.0.stderr.take().map(|pipe| drain(pipe, Arc::clone(&sink))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let status = wait(&mut group, options, &sink)?;
    // What the program left running would hold the pipes open.
    group.stop();
    for reader in readers {
        let _ = reader.join();
    }
    let mut sink = sink.lock().map_err(|_| anyhow::anyhow!("a reader of the program's output failed"))?;
    Ok(Finished { ok: status.success(), code: status.code(), output: std::mem::take(&mut sink.output) })
}

fn wait(group: &mut Group, options: &Options<'_>, sink: &Mutex<Sink>) -> Result<ExitStatus> {
    let started = Instant::now();
    let mut beat = started;
    loop {
        if let Some(status) = group.exited()? {
            return Ok(status);
        }
        if interrupted() {
            bail!("stopped by a signal");
        }
        if let Some(timeout) = options.timeout.filter(|timeout| started.elapsed() > *timeout) {
            bail!("no end after {} s", timeout.as_secs());
        }
        if let Some(name) = options.heartbeat.filter(|_| beat.elapsed() > Duration::from_secs(HEARTBEAT_SECONDS)) {
            beat = Instant::now();
            let last = sink.lock().ok().and_then(|sink| sink.output.lines().last().map(str::to_owned));
            let last: String = last.unwrap_or_default().trim().chars().take(90).collect();
            println!("  … {name}, {} s: {last}", started.elapsed().as_secs());
        }
        thread::sleep(Duration::from_millis(10));
    }
}

struct Sink {
    log: Option<File>,
    echo: bool,
    output: String,
}

impl Sink {
    fn line(&mut self, line: &str) {
        if let Some(log) = &mut self.log {
            let _ = writeln!(log, "{line}");
        }
        if self.echo {
            println!("{line}");
        }
        self.output.push_str(line);
        self.output.push('\n');
    }
}

fn drain(pipe: impl Read + Send + 'static, sink: Arc<Mutex<Sink>>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while matches!(reader.read_until(b'\n', &mut bytes), Ok(count) if count > 0) {
            let line = String::from_utf8_lossy(&bytes);
            if let Ok(mut sink) = sink.lock() {
                sink.line(line.trim_end_matches(['\n', '\r']));
            }
            bytes.clear();
        }
    })
}

/// What a program prints, or nothing where it is missing, fails, or takes longer than ten seconds.
pub fn probe(command: &mut Command) -> Option<String> {
    let finished = run(command, &Options { timeout: Some(Duration::from_secs(10)), ..Options::default() }).ok()?;
    finished.ok.then(|| finished.output.trim().to_owned())
}

/// Run a program that must succeed.
pub fn must(command: &mut Command, options: &Options<'_>) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let finished = run(command, options).with_context(|| format!("`{name}`"))?;
    if !finished.ok {
        bail!("`{name}` failed:\n{}", finished.tail());
    }
    Ok(finished.output)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn runs(id: &str) -> bool {
        // A process that has ended but whose parent has not asked is no longer running.
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z ")
    }

    #[test]
    fn what_a_stopped_program_had_started_is_stopped_with_it() -> Result<()> {
        let mut command = shell("sleep 600 & echo $!; wait");
        let mut group = Group::spawn(command.stdout(Stdio::piped()))?;
        let pipe = group.0.stdout.take().context("a pipe")?;
        let mut id = String::new();
        BufReader::new(pipe).read_line(&mut id)?;
        assert!(runs(id.trim()), "the grandchild runs");
        drop(group);
        thread::sleep(Duration::from_millis(100));
        assert!(!runs(id.trim()), "the grandchild is gone");
        Ok(())
    }

    #[test]
    fn a_program_that_ignores_being_asked_is_ended() -> Result<()> {
        let mut command = shell("trap '' TERM; echo ready; while :; do sleep 0.1; done");
        let mut group = Group::spawn(command.stdout(Stdio::piped()))?;
        let pipe = group.0.stdout.take().context("a pipe")?;
        BufReader::new(pipe).read_line(&mut String::new())?;
        group.stop();
        assert!(group.exited()?.is_some());
        Ok(())
    }

    #[test]
    fn a_program_that_takes_too_long_is_an_error_and_not_a_wait() {
        let started = Instant::now();
        let options = Options { timeout: Some(Duration::from_millis(200)), ..Options::default() };
        assert!(run(&mut shell("sleep 600"), &options).is_err());
        assert!(started.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn both_outputs_are_kept_and_failure_is_seen() -> Result<()> {
        let finished = run(&mut shell("echo out; echo error: bad >&2; exit 3"), &Options::default())?;
        assert!(!finished.ok && finished.output.contains("out") && finished.reason() == "error: bad");
        assert_eq!(probe(&mut shell("echo '1.2.3 '")), Some("1.2.3".to_owned()));
        assert_eq!(probe(&mut shell("echo 1.2.3; false")), None);
        Ok(())
    }
}
