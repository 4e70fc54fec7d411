//! The run: one thread reads, as many as are wanted score, one writes in the order of the input.

use std::{
    collections::BTreeMap,
    fs,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant, UNIX_EPOCH},
};

use crate::{
    block::Binding,
    cell::MissingWords,
    error::BatchError,
    model::{Extras, Model},
    parquet_rows::guarded,
    resume::{Checkpoint, Identity, checkpoint_path},
    scores::{Encoded, Layout, OutputFormat},
    sink::{Output, Sink},
    source::{Input, InputFormat, Place, Source, Unit, Wanted},
};

/// The most threads that score.
pub const THREADS_MAX: usize = 256;
/// Units on their way for each thread: enough that none waits, and few, since they are what memory is taken for.
const UNITS_PER_THREAD: usize = 3;
/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Task {
    /// The model.
    pub model: Model,
    /// SHA-256 of the model file, which tells models apart.
    pub model_hash: String,
    /// What is written besides the score.
    pub extras: Extras,
    /// Columns of the input that the output keeps, before the score.
    pub keep: Vec<String>,
    /// Cells that mean missing, besides the empty one.
    pub missing: Vec<String>,
    /// Where the rows are.
    pub input: Input,
    /// The form of the input.
    pub input_format: InputFormat,
    /// Where the scores go.
    pub output: Output,
    /// The form of the output.
    pub output_format: OutputFormat,
    /// Threads that score; as many as there are processors where absent.
    pub threads: Option<usize>,
    /// Go on where a run with the same model, input and options was stopped.
    pub resume: bool,
    /// The least time between two checkpoints.
    pub checkpoint_every: Duration,
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Rows written, those of the run that was stopped included.
    pub rows: u64,
    /// Rows of this run.
    pub rows_now: u64,
    /// What part of the input that is, where it can be known.
    pub share: Option<f64>,
    /// Time since the run began.
    pub elapsed: Duration,
}

/// A run whose input and output are open.
#[derive(Debug)]
pub struct Run {
    source: Source,
    binding: Binding,
    layout: Layout,
    sink: Sink,
    task: Task,
    identity: Option<Identity>,
    from: Place,
    /// What the user should know, in whole sentences.
    pub warnings: Vec<String>,
}

/// A scored unit on its way to the output.
struct Done {
    number: u64,
    scored: Result<Scored, BatchError>,
}

struct Scored {
    rows: u64,
    after: crate::csv_rows::CsvPlace,
    encoded: Encoded,
}

impl Run {
    /// Opens input and output, and finds the model's columns.
    ///
    /// # Errors
    /// [`BatchError`].
    pub fn open(task: Task) -> Result<Self, BatchError> {
        if task.threads.is_some_and(|threads| threads == 0 || threads > THREADS_MAX) {
            return Err(BatchError::Option(format!("there must be 1 to {THREADS_MAX} threads")));
        }
        let identity = identity(&task);
        let checkpoint = match (&task.output, &identity) {
            _ if !task.resume => None,
            (Output::Standard, _) => return Err(cannot_resume("the output must be a file, which --output names")),
            (_, None) => return Err(cannot_resume("the input must be a file, which --input names")),
            _ if task.output_format == OutputFormat::Parquet => {
                return Err(cannot_resume("a Parquet file is of use only when its end is written; take csv or arrow"));
            }
            (Output::File(path), Some(run)) => Checkpoint::read(&checkpoint_path(path), run)?,
        };
        let (from, kept) =
            checkpoint.map_or((Place::default(), 0), |checkpoint| (checkpoint.place, checkpoint.output_bytes));
        let missing = MissingWords::new(&task.missing);
        let wanted = Wanted { model: &task.model, keep: &task.keep, missing, from };
        let (source, binding, fields, warning) = Source::open(&task.input, task.input_format, wanted)?;
        let layout = Layout::new(&task.model, task.extras, fields);
        if let Some(name) = layout.twice() {
            return Err(BatchError::Option(format!("the output would have the column `{name}` twice")));
        }
        let start = layout.start(task.output_format)?;
        let mut sink = Sink::open(&task.output, task.output_format, layout.schema(), kept)?;
        if kept == 0 {
            // Where a new run begins, what an old one left must not be taken for its own.
            if let (Output::File(path), true) = (&task.output, sink.can_resume()) {
                let stale = checkpoint_path(path);
                if stale.exists() {
                    fs::remove_file(&stale)
                        .map_err(|error| BatchError::write(format!("`{}`", stale.display()), error))?;
                }
            }
            sink.append(&Encoded::Bytes(start))?;
        }
        let warnings = warning.into_iter().collect();
        Ok(Self { source, binding, layout, sink, task, identity, from, warnings })
    }

    /// Rows that an earlier run has scored.
    #[must_use]
    pub fn rows_before(&self) -> u64 {
        self.from.rows
    }

    /// Scores everything. `progress` hears of it a few times a second. Gives how many rows the output has.
    ///
    /// Where a row is wrong, a file that was begun is removed. Where the output cannot be written, it stays as far as
    /// the last checkpoint, so that the work can go on once there is room.
    ///
    /// # Errors
    /// [`BatchError`], of the first row of the input that is wrong.
    pub fn finish(self, progress: &mut dyn FnMut(Progress)) -> Result<u64, BatchError> {
        let Self { source, binding, layout, mut sink, task, identity, from, .. } = self;
        let format = task.output_format;
        let end = layout.end(format)?;
        let total = Total { bytes: source.bytes, rows: source.rows };
        let threads = task.threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZeroUsize::get));
        let team = Team::start(source, &binding, &layout, &task.model, threads.min(THREADS_MAX), format);
        let mut state = State { place: from, checkpoint: Instant::now(), told: Instant::now(), began: Instant::now() };
        let begun = from.rows;
        let worked = team.in_order(|scored| {
            sink.append(&scored.encoded)?;
            state.place.rows += scored.rows;
            (state.place.offset, state.place.line) = (scored.after.offset, scored.after.line);
            if state.told.elapsed() >= PROGRESS_EVERY {
                state.told = Instant::now();
                progress(state.progress(begun, total));
            }
            match (&task.output, &identity) {
                (Output::File(path), Some(run))
                    if sink.can_resume() && state.checkpoint.elapsed() >= task.checkpoint_every =>
                {
                    sink.sync()?;
                    let checkpoint = Checkpoint::new(run.clone(), state.place, sink.written());
                    let path = checkpoint_path(path);
                    let failed = |error| BatchError::write(format!("`{}`", path.display()), error);
                    checkpoint.write(&path).map_err(failed)?;
                    state.checkpoint = Instant::now();
                    Ok(())
                }
                _ => Ok(()),
            }
        });
        match worked {
            Ok(()) => {
                sink.append(&Encoded::Bytes(end))?;
                sink.finish()?;
                progress(state.progress(begun, total));
                Ok(state.place.rows)
            }
            Err(error) => {
                if !matches!(error, BatchError::Write { .. } | BatchError::Read(_)) {
                    sink.discard();
                }
                Err(error)
            }
        }
    }
}

struct State {
    place: Place,
    checkpoint: Instant,
    told: Instant,
    began: Instant,
}

#[derive(Clone, Copy)]
struct Total {
    bytes: Option<u64>,
    rows: Option<u64>,
}

impl State {
    fn progress(&self, begun: u64, total: Total) -> Progress {
        let part = |done: u64, all: u64| if all == 0 { 1.0 } else { done as f64 / all as f64 };
        let by_bytes = total.bytes.filter(|_| self.place.offset > 0).map(|bytes| part(self.place.offset, bytes));
        Progress {
            rows: self.place.rows,
            rows_now: self.place.rows - begun,
            share: total.rows.map(|rows| part(self.place.rows, rows)).or(by_bytes),
            elapsed: self.began.elapsed(),
        }
    }
}

/// The threads at work. They are not waited for where something is wrong: one may be reading from a pipe that nobody
/// writes to.
struct Team {
    done: Receiver<Done>,
    permits: SyncSender<()>,
}

impl Team {
    fn start(
        source: Source,
        binding: &Binding,
        layout: &Layout,
        model: &Model,
        threads: usize,
        format: OutputFormat,
    ) -> Self {
        let depth = threads * UNITS_PER_THREAD + 1;
        let (permits, permitted) = sync_channel(depth);
        (0..depth).for_each(|_| {
            // The channel has room for all of them.
            let _ = permits.send(());
        });
        let (to_scorers, units) = sync_channel(depth);
        let (to_writer, done) = sync_channel(depth);
        let units = Arc::new(Mutex::new(units));
        for _ in 0..threads {
            let (units, to_writer) = (Arc::clone(&units), to_writer.clone());
            let (binding, layout, model) = (binding.clone(), layout.clone(), model.clone());
            spawn(move || score_units(&units, &to_writer, &binding, &layout, model, format));
        }
        spawn(move || read_units(source, &permitted, &to_scorers, &to_writer));
        Self { done, permits }
    }

    /// Hands over what is scored, in the order of the input.
    fn in_order(&self, mut take: impl FnMut(Scored) -> Result<(), BatchError>) -> Result<(), BatchError> {
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        while let Ok(done) = self.done.recv() {
            waiting.insert(done.number, done.scored);
            while let Some(scored) = waiting.remove(&next) {
                take(scored?)?;
                next += 1;
                // Nobody is left to permit anything where the reader has come to the end.
                let _ = self.permits.send(());
            }
        }
        if waiting.is_empty() { Ok(()) } else { Err(BatchError::Data("a thread stopped without a word".to_owned())) }
    }
}

fn spawn(work: impl FnOnce() + Send + 'static) {
    // Where the system has no more threads, the others do the work; without any, `in_order` says so.
    let _ = thread::Builder::new().name("prequal-batch".to_owned()).spawn(work);
}

fn read_units(
    mut source: Source,
    permitted: &Receiver<()>,
    to_scorers: &SyncSender<(u64, Unit)>,
    to_writer: &SyncSender<Done>,
) {
    for number in 0.. {
        if permitted.recv().is_err() {
            return;
        }
        let gone = match source.next_unit() {
            Ok(Some(unit)) => to_scorers.send((number, unit)).is_err(),
            Ok(None) => return,
            Err(error) => {
                // Whoever would hear of it has gone.
                let _ = to_writer.send(Done { number, scored: Err(error) });
                return;
            }
        };
        if gone {
            return;
        }
    }
}

fn score_units(
    units: &Mutex<Receiver<(u64, Unit)>>,
    to_writer: &SyncSender<Done>,
    binding: &Binding,
    layout: &Layout,
    mut model: Model,
    format: OutputFormat,
) {
    loop {
        // Nothing is broken where another thread panicked while it waited.
        let unit = units.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, unit)) = unit else { return };
        let scored = guarded(|| unit.read(binding)).and_then(|block| {
            let encoded = layout.score(&mut model, &block, format)?;
            Ok(Scored { rows: block.values.nrows() as u64, after: unit.after, encoded })
        });
        if to_writer.send(Done { number, scored }).is_err() {
            return;
        }
    }
}

fn cannot_resume(why: &str) -> BatchError {
    BatchError::Option(format!("cannot resume: {why}"))
}

/// What must not change between a run and the one that goes on; `None` where the input is no file.
fn identity(task: &Task) -> Option<Identity> {
    let Input::File(path) = &task.input else { return None };
    let data = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let changed = data.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let options = format!(
        "{} {:?} {:?} {:?} keep {:?} missing {:?}",
        env!("CARGO_PKG_VERSION"),
        task.input_format,
        task.output_format,
        task.extras,
        task.keep,
        task.missing
    );
    Some(Identity {
        model: task.model_hash.clone(),
        input: format!("{} bytes of {}.{:09}", data.len(), changed.as_secs(), changed.subsec_nanos()),
        options,
    })
}
