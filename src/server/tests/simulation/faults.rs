//! The seed: every chance of a run comes from it, what goes wrong and when, and every step is written down.

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};

use prequal_server::{machine, secret};

/// The same numbers for the same seed (splitmix64, Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Whether something of so many in a thousand happens.
    pub fn permille(&mut self, share: u64) -> bool {
        self.below(1_000) < share
    }
}

/// How often things go wrong, in a thousand; itself by the seed, so that some runs are calm and some are not.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    /// A statement fails and had no effect.
    pub statement: u64,
    /// A transaction meets another when it begins or is committed.
    pub busy: u64,
    /// A commit fails before it took effect.
    pub commit_lost: u64,
    /// A commit fails after it took effect.
    pub commit_unknown: u64,
    /// The longest that a statement takes, in milliseconds.
    pub latency_ms: u64,
    /// A message between two machines is lost.
    pub message: u64,
    /// A notice or a request comes twice.
    pub twice: u64,
}

impl Weather {
    const CALM: Self =
        Self { statement: 0, busy: 0, commit_lost: 0, commit_unknown: 0, latency_ms: 0, message: 0, twice: 0 };

    fn of(chance: &mut Chance) -> Self {
        Self {
            statement: chance.below(8),
            busy: chance.below(60),
            commit_lost: chance.below(60),
            commit_unknown: chance.below(60),
            latency_ms: 1 + chance.below(8),
            message: chance.below(150),
            twice: chance.below(200),
        }
    }
}

/// What becomes of one statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Well,
    /// Nothing was done.
    Fails,
    /// Another transaction was in the way.
    Busy,
    /// It was done, and nobody is told.
    Unknown,
}

struct State {
    chance: Chance,
    weather: Weather,
    calm: bool,
    started: tokio::time::Instant,
    jumped_ms: i64,
    last_id: (i64, u64),
    hash: String,
    steps: u64,
    lines: Option<Vec<String>>,
    counts: Counts,
}

/// What happened in a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    pub statements: u64,
    pub faults: u64,
    pub messages_lost: u64,
    pub crashes: u64,
    pub jumps: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.statements += other.statements;
        self.faults += other.faults;
        self.messages_lost += other.messages_lost;
        self.crashes += other.crashes;
        self.jumps += other.jumps;
    }
}

thread_local! {
    static STATE: RefCell<Option<Rc<RefCell<State>>>> = const { RefCell::new(None) };
}

fn with<T>(work: impl FnOnce(&mut State) -> T) -> T {
    let state = STATE.with(|state| state.borrow().clone()).expect("a simulation runs on this thread");
    let mut state = state.borrow_mut();
    work(&mut state)
}

/// 2026-03-02T15:00:00Z.
const BEGINNING_MS: i64 = 1_772_463_600_000;

#[derive(Debug)]
struct Machine;

impl machine::Simulated for Machine {
    fn now_ms(&self) -> i64 {
        now_ms()
    }

    fn fill(&self, bytes: &mut [u8]) {
        with(|state| bytes.iter_mut().for_each(|byte| *byte = state.chance.next().to_le_bytes()[0]));
    }

    /// As a real machine's within one process: by the clock, and counted on where that stands still or goes back.
    fn new_id(&self) -> String {
        let now = now_ms();
        with(|state| {
            let (last, count) = state.last_id;
            state.last_id = if now > last { (now, 0) } else { (last, count + 1) };
            let (ms, count) = state.last_id;
            let random = state.chance.next() & 0x3fff_ffff_ffff_ffff;
            let (high, low) = (u64::try_from(ms).unwrap() << 16 | 0x7000 | count & 0xfff, 1 << 63 | random);
            uuid::Uuid::from_u64_pair(high, low).to_string()
        })
    }
}

/// Begins a run on this thread: inside a runtime whose time stands still.
pub fn begin(seed: u64, keep_lines: bool) {
    let mut chance = Chance(seed);
    let weather = Weather::of(&mut chance);
    let state = State {
        chance,
        weather,
        calm: true,
        started: tokio::time::Instant::now(),
        jumped_ms: 0,
        last_id: (0, 0),
        hash: String::new(),
        steps: 0,
        lines: keep_lines.then(Vec::new),
        counts: Counts::default(),
    };
    STATE.with(|place| *place.borrow_mut() = Some(Rc::new(RefCell::new(state))));
    machine::simulate(Some(Arc::new(Machine)));
}

/// Ends the run; gives the hash of its steps, the steps where they were kept, and what happened.
pub fn end() -> (String, Vec<String>, Counts) {
    machine::simulate(None);
    let state = STATE.with(|place| place.borrow_mut().take()).unwrap();
    let state = Rc::into_inner(state).unwrap().into_inner();
    (state.hash, state.lines.unwrap_or_default(), state.counts)
}

pub fn now_ms() -> i64 {
    with(|state| {
        let elapsed = i64::try_from(state.started.elapsed().as_millis()).unwrap();
        BEGINNING_MS + elapsed + state.jumped_ms
    })
}

/// A clock that never leaps.
pub fn steady_ms() -> i64 {
    with(|state| i64::try_from(state.started.elapsed().as_millis()).unwrap())
}

/// Writes a step down. It names neither keys nor tokens.
pub fn step(text: impl AsRef<str>) {
    let ms = now_ms();
    with(|state| {
        let line = format!("{ms} {}", text.as_ref());
        state.hash = secret::sha256_hex(format!("{}\n{line}", state.hash));
        state.steps += 1;
        if let Some(lines) = &mut state.lines {
            lines.push(line);
        }
    });
}

/// From here on all goes well, or by the seed again.
pub fn be_calm(calm: bool) {
    with(|state| state.calm = calm);
}

pub fn is_calm() -> bool {
    with(|state| state.calm)
}

pub fn weather() -> Weather {
    with(|state| if state.calm { Weather::CALM } else { state.weather })
}

pub fn below(end: u64) -> u64 {
    with(|state| state.chance.below(end))
}

pub fn permille(share: u64) -> bool {
    share > 0 && with(|state| state.chance.permille(share))
}

/// The machine's clock leaps, also back.
pub fn jump(ms: i64) {
    with(|state| {
        state.jumped_ms += ms;
        state.counts.jumps += 1;
    });
    step(format!("the clock leaps by {ms} ms"));
}

/// A new process knows nothing of the identifiers made before.
pub fn new_process() {
    with(|state| {
        state.last_id = (0, 0);
        state.counts.crashes += 1;
    });
}

/// A message is lost.
pub fn loses_message() -> bool {
    let lost = permille(weather().message);
    with(|state| state.counts.messages_lost += u64::from(lost));
    lost
}

/// What becomes of a statement, and how long it takes.
pub fn fate_of(kind: Kind) -> (Fate, Duration) {
    let weather = weather();
    let latency = if weather.latency_ms == 0 { 0 } else { below(weather.latency_ms + 1) };
    let fate = match kind {
        Kind::Begin if permille(weather.busy) => Fate::Busy,
        Kind::Begin | Kind::Statement if permille(weather.statement) => Fate::Fails,
        Kind::Commit if permille(weather.commit_lost) => Fate::Fails,
        Kind::Commit if permille(weather.busy) => Fate::Busy,
        Kind::Commit if permille(weather.commit_unknown) => Fate::Unknown,
        _ => Fate::Well,
    };
    with(|state| {
        state.counts.statements += 1;
        state.counts.faults += u64::from(fate != Fate::Well);
    });
    if fate != Fate::Well {
        step(format!("{kind:?} ends as {fate:?}"));
    }
    (fate, Duration::from_millis(latency))
}

/// What a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Begin,
    Statement,
    Commit,
}
