//! Who finances a loan: a sans-I/O state machine that asks funders, programme by programme, until one stands.
//!
//! (state, event, now) → (state, actions). A programme stands when everybody in it who decides has accepted; one refusal,
//! failure or silence takes the next. A funder is asked once for a loan: what it said holds for every programme it is
//! in. Whoever carries the actions out has the network and the clock; nothing here waits.

use std::collections::{BTreeMap, BTreeSet};

/// Programmes that are tried for one loan, at most.
pub const PROGRAMMES_MAX: usize = 32;
/// Funders that are asked in one programme, at most.
pub const ASKED_MAX: usize = 16;

/// A way to finance the loan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programme {
    /// Its name.
    pub id: String,
    /// Who must be asked, each with how long it may take, in milliseconds; whoever is not asked accepts by what was
    /// configured.
    pub asks: Vec<(String, u64)>,
    /// Why it is out of the question: eligibility, capacity, a ratio.
    pub excluded: Option<Excluded>,
}

/// Why a programme is not tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excluded {
    /// Whose doing it is; none where it is the programme's.
    pub funder: Option<String>,
    /// A short code.
    pub reason: String,
}

/// What a funder says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It finances its share.
    Accepted,
    /// It does not, by this code of its own.
    Refused(String),
    /// It could not be asked, or its answer cannot be read.
    Failed(String),
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The routing begins.
    Begun,
    /// A funder answered.
    Answered {
        /// The funder.
        funder: String,
        /// What it said.
        answer: Answer,
    },
    /// Time passed.
    Woken,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask a funder; an answer after `until_ms` is not waited for.
    Ask {
        /// The funder.
        funder: String,
        /// On the clock that the events are told by.
        until_ms: u64,
    },
    /// Wake the machine then, unless an answer comes before.
    WakeAt(u64),
    /// It is over: the programme that stands, or none.
    Done(Option<String>),
}

/// How one attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was not asked.
    Excluded,
    /// It accepted.
    Accepted,
    /// It refused.
    Refused,
    /// It could not be asked, or not be understood.
    Failed,
    /// It said nothing within its time, or within the whole time.
    TimedOut,
    /// It was asked, and before it answered nobody needed to know any more.
    Dropped,
}

impl Ended {
    /// The name under which it is recorded.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Dropped => "dropped",
        }
    }
}

/// One attempt, for the record. Nothing in it is of the applicant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The programme.
    pub programme: String,
    /// The funder; none where the programme as a whole was out of the question.
    pub funder: Option<String>,
    /// How it ended.
    pub ended: Ended,
    /// A code; empty where it accepted.
    pub reason: String,
    /// How long it took.
    pub elapsed_ms: u64,
}

/// A question without an answer.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    /// From then on nothing is waited for.
    until_ms: u64,
    asked_ms: u64,
    /// The programme in which it was asked, by its place.
    place: usize,
}

/// The machine.
#[derive(Debug, Clone)]
pub struct Router {
    programmes: Vec<Programme>,
    deadline_ms: u64,
    begun_ms: u64,
    place: usize,
    /// Who is being asked, in whichever programme.
    waiting: BTreeMap<String, Waiting>,
    said: BTreeMap<String, Answer>,
    silent: BTreeSet<String>,
    tried: Vec<Tried>,
    done: Option<Option<String>>,
}

impl Router {
    /// A machine over programmes in the order in which they are preferred, that may take so long in all. Programmes and
    /// funders beyond [`PROGRAMMES_MAX`] and [`ASKED_MAX`] are not asked: those programmes do not stand.
    #[must_use]
    pub fn new(programmes: Vec<Programme>, now_ms: u64, time_max_ms: u64) -> Self {
        let mut programmes = programmes;
        programmes.truncate(PROGRAMMES_MAX);
        for programme in &mut programmes {
            if programme.asks.len() > ASKED_MAX {
                programme.excluded = Some(Excluded { funder: None, reason: "too_many_funders".to_owned() });
            }
        }
        Self {
            programmes,
            deadline_ms: now_ms.saturating_add(time_max_ms),
            begun_ms: now_ms,
            place: 0,
            waiting: BTreeMap::new(),
            said: BTreeMap::new(),
            silent: BTreeSet::new(),
            tried: Vec::new(),
            done: None,
        }
    }

    /// What was tried so far, in order.
    #[must_use]
    pub fn tried(&self) -> &[Tried] {
        &self.tried
    }

    /// How long it may take, and when it began.
    #[must_use]
    pub const fn span_ms(&self) -> (u64, u64) {
        (self.begun_ms, self.deadline_ms)
    }

    /// The one transition.
    #[must_use]
    pub fn step(mut self, event: Event, now_ms: u64) -> (Self, Vec<Action>) {
        if self.done.is_some() {
            return (self, Vec::new());
        }
        match event {
            Event::Begun => return self.next_programme(now_ms),
            Event::Answered { funder, answer } => {
                // An answer to a question that is no longer open, or one that came too late, changes nothing.
                if let Some(waiting) = self.waiting.get(&funder).copied()
                    && now_ms < waiting.until_ms
                {
                    self.waiting.remove(&funder);
                    let (ended, reason) = match &answer {
                        Answer::Accepted => (Ended::Accepted, ""),
                        Answer::Refused(code) => (Ended::Refused, code.as_str()),
                        Answer::Failed(code) => (Ended::Failed, code.as_str()),
                    };
                    self.record_asked(&funder, waiting, ended, reason, now_ms);
                    self.said.insert(funder, answer);
                }
            }
            Event::Woken => {}
        }
        self.expire(now_ms);
        let Some(programme) = self.programmes.get(self.place) else { return self.next_programme(now_ms) };
        if programme.asks.iter().any(|(funder, _)| self.is_out(funder)) {
            self.place = self.place.saturating_add(1);
            return self.next_programme(now_ms);
        }
        match self.wake(programme) {
            Some(wake) => (self, vec![wake]),
            None => {
                let stands = programme.id.clone();
                self.finish(Some(stands), now_ms)
            }
        }
    }

    fn is_out(&self, funder: &str) -> bool {
        self.silent.contains(funder) || self.said.get(funder).is_some_and(|answer| *answer != Answer::Accepted)
    }

    /// When the first of a programme's limits is reached; none where nobody in it is being asked.
    fn wake(&self, programme: &Programme) -> Option<Action> {
        let waiting = programme.asks.iter().filter_map(|(funder, _)| self.waiting.get(funder));
        waiting.map(|waiting| waiting.until_ms).min().map(Action::WakeAt)
    }

    fn expire(&mut self, now_ms: u64) {
        let is_over = |(_, waiting): &(&String, &Waiting)| now_ms >= waiting.until_ms;
        let over: Vec<(String, Waiting)> =
            self.waiting.iter().filter(is_over).map(|(funder, waiting)| (funder.clone(), *waiting)).collect();
        for (funder, waiting) in over {
            self.waiting.remove(&funder);
            self.record_asked(&funder, waiting, Ended::TimedOut, "no_answer_in_time", now_ms);
            self.silent.insert(funder);
        }
    }

    fn record_asked(&mut self, funder: &str, waiting: Waiting, ended: Ended, reason: &str, now_ms: u64) {
        let programme = self.programmes.get(waiting.place).map(|programme| programme.id.clone()).unwrap_or_default();
        let (funder, reason) = (Some(funder.to_owned()), reason.to_owned());
        let elapsed_ms = now_ms.saturating_sub(waiting.asked_ms);
        self.tried.push(Tried { programme, funder, ended, reason, elapsed_ms });
    }

    /// What was not asked.
    fn record(&mut self, funder: Option<&str>, ended: Ended, reason: &str) {
        let programme = self.programmes.get(self.place).map(|programme| programme.id.clone()).unwrap_or_default();
        let (funder, reason) = (funder.map(str::to_owned), reason.to_owned());
        self.tried.push(Tried { programme, funder, ended, reason, elapsed_ms: 0 });
    }

    fn next_programme(mut self, now_ms: u64) -> (Self, Vec<Action>) {
        // Whoever is still being asked for a programme that fell may answer in time for a later one.
        loop {
            let Some(programme) = self.programmes.get(self.place).cloned() else { return self.finish(None, now_ms) };
            if let Some(Excluded { funder, reason }) = &programme.excluded {
                self.record(funder.as_deref(), Ended::Excluded, reason);
            } else if let Some((funder, _)) = programme.asks.iter().find(|(funder, _)| self.is_out(funder)) {
                self.record(Some(funder), Ended::Excluded, "said_no_before");
            } else if programme.asks.iter().any(|(funder, _)| !self.said.contains_key(funder))
                && now_ms >= self.deadline_ms
            {
                self.record(None, Ended::TimedOut, "no_time_left");
            } else {
                return self.ask(&programme, now_ms);
            }
            self.place = self.place.saturating_add(1);
        }
    }

    fn ask(mut self, programme: &Programme, now_ms: u64) -> (Self, Vec<Action>) {
        let mut actions = Vec::new();
        for (funder, time_max_ms) in &programme.asks {
            if self.said.contains_key(funder) || self.waiting.contains_key(funder) {
                continue;
            }
            let until_ms = now_ms.saturating_add(*time_max_ms).min(self.deadline_ms);
            self.waiting.insert(funder.clone(), Waiting { until_ms, asked_ms: now_ms, place: self.place });
            actions.push(Action::Ask { funder: funder.clone(), until_ms });
        }
        match self.wake(programme) {
            Some(wake) => {
                actions.push(wake);
                (self, actions)
            }
            None => self.finish(Some(programme.id.clone()), now_ms),
        }
    }

    fn finish(mut self, stands: Option<String>, now_ms: u64) -> (Self, Vec<Action>) {
        for (funder, waiting) in std::mem::take(&mut self.waiting) {
            self.record_asked(&funder, waiting, Ended::Dropped, "not_needed_any_more", now_ms);
        }
        self.done = Some(stands.clone());
        (self, vec![Action::Done(stands)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programme(id: &str, asks: &[(&str, u64)]) -> Programme {
        let asks = asks.iter().map(|(funder, limit)| ((*funder).to_owned(), *limit)).collect();
        Programme { id: id.to_owned(), asks, excluded: None }
    }

    fn excluded(id: &str, reason: &str) -> Programme {
        Programme { excluded: Some(Excluded { funder: None, reason: reason.to_owned() }), ..programme(id, &[]) }
    }

    fn ask(funder: &str, until_ms: u64) -> Action {
        Action::Ask { funder: funder.to_owned(), until_ms }
    }

    fn done(programme: Option<&str>) -> Vec<Action> {
        vec![Action::Done(programme.map(str::to_owned))]
    }

    fn answered(funder: &str, answer: Answer) -> Event {
        Event::Answered { funder: funder.to_owned(), answer }
    }

    fn record(router: &Router) -> Vec<(String, String, &'static str, String)> {
        let of = |tried: &Tried| {
            let funder = tried.funder.clone().unwrap_or_default();
            (tried.programme.clone(), funder, tried.ended.name(), tried.reason.clone())
        };
        router.tried().iter().map(of).collect()
    }

    #[test]
    fn a_programme_in_which_nobody_decides_stands_at_once() {
        let (_, actions) = Router::new(vec![programme("own", &[])], 0, 100).step(Event::Begun, 0);
        assert_eq!(actions, done(Some("own")));
        assert_eq!(Router::new(vec![], 0, 100).step(Event::Begun, 0).1, done(None));
    }

    #[test]
    fn a_refusal_takes_the_next_programme_and_is_not_asked_for_twice() {
        let programmes = vec![
            programme("joint", &[("a", 50)]),
            programme("again", &[("a", 50), ("b", 50)]),
            programme("other", &[("b", 50)]),
        ];
        let (router, actions) = Router::new(programmes, 0, 1_000).step(Event::Begun, 0);
        assert_eq!(actions, [ask("a", 50), Action::WakeAt(50)]);
        let (router, actions) = router.step(answered("a", Answer::Refused("A7".to_owned())), 10);
        assert_eq!(actions, [ask("b", 60), Action::WakeAt(60)]);
        let (router, actions) = router.step(answered("b", Answer::Accepted), 20);
        assert_eq!(actions, done(Some("other")));
        let expected = [
            ("joint", "a", "refused", "A7"),
            ("again", "a", "excluded", "said_no_before"),
            ("other", "b", "accepted", ""),
        ]
        .map(|(programme, funder, ended, reason)| (programme.to_owned(), funder.to_owned(), ended, reason.to_owned()));
        assert_eq!(record(&router), expected);
        // What comes afterwards changes nothing.
        let (router, actions) = router.step(answered("a", Answer::Accepted), 30);
        assert!(actions.is_empty());
        assert_eq!(router.tried().len(), 3);
    }

    #[test]
    fn all_of_a_programme_must_accept_and_are_asked_at_the_same_time() {
        let (router, actions) =
            Router::new(vec![programme("joint", &[("a", 50), ("b", 80)])], 0, 1_000).step(Event::Begun, 0);
        assert_eq!(actions, [ask("a", 50), ask("b", 80), Action::WakeAt(50)]);
        let (router, actions) = router.step(answered("a", Answer::Accepted), 10);
        assert_eq!(actions, [Action::WakeAt(80)]);
        let (_, actions) = router.step(answered("b", Answer::Accepted), 79);
        assert_eq!(actions, done(Some("joint")));
    }

    /// An answer at the very instant at which time is up is late.
    #[test]
    fn silence_is_a_no_and_an_answer_that_is_late_is_silence() {
        let programmes = || vec![programme("joint", &[("a", 50)]), programme("own", &[])];
        let (router, _) = Router::new(programmes(), 0, 1_000).step(Event::Begun, 0);
        let (router, actions) = router.step(answered("a", Answer::Accepted), 50);
        assert_eq!(actions, done(Some("own")));
        assert_eq!(router.tried()[0].ended, Ended::TimedOut);
        let (router, _) = Router::new(programmes(), 0, 1_000).step(Event::Begun, 0);
        let (router, actions) = router.step(Event::Woken, 49);
        assert_eq!(actions, [Action::WakeAt(50)]);
        assert_eq!(router.step(Event::Woken, 50).1, done(Some("own")));
    }

    #[test]
    fn the_whole_takes_no_longer_than_its_deadline() {
        let programmes =
            vec![programme("first", &[("a", 80)]), programme("second", &[("b", 80)]), programme("third", &[("c", 1)])];
        let (router, _) = Router::new(programmes, 0, 100).step(Event::Begun, 0);
        let (router, actions) = router.step(Event::Woken, 80);
        assert_eq!(actions, [ask("b", 100), Action::WakeAt(100)], "cut to what is left");
        let (router, actions) = router.step(Event::Woken, 100);
        assert_eq!(actions, done(None));
        assert_eq!(router.tried()[2].reason, "no_time_left");
    }

    /// The bank of the first programme refuses while the other is still being asked: its answer serves the third.
    #[test]
    fn an_answer_that_is_under_way_serves_a_later_programme() {
        let programmes = vec![
            programme("first", &[("a", 50), ("b", 90)]),
            programme("second", &[("c", 50)]),
            programme("third", &[("b", 50)]),
        ];
        let (router, _) = Router::new(programmes, 0, 1_000).step(Event::Begun, 0);
        let (router, actions) = router.step(answered("a", Answer::Refused("no".to_owned())), 10);
        assert_eq!(actions, [ask("c", 60), Action::WakeAt(60)]);
        let (router, actions) = router.step(answered("b", Answer::Accepted), 20);
        assert_eq!(actions, [Action::WakeAt(60)]);
        let (_, actions) = router.clone().step(answered("c", Answer::Failed("x".to_owned())), 30);
        assert_eq!(actions, done(Some("third")));
        // And whoever is not needed any more is told apart from whoever was silent.
        let programmes = vec![programme("first", &[("a", 50), ("b", 90)]), programme("own", &[])];
        let (router, _) = Router::new(programmes, 0, 1_000).step(Event::Begun, 0);
        let (router, actions) = router.step(answered("a", Answer::Refused("no".to_owned())), 10);
        assert_eq!(actions, done(Some("own")));
        let last = router.tried().last().unwrap();
        assert_eq!((last.programme.as_str(), last.ended, last.elapsed_ms), ("first", Ended::Dropped, 10));
    }

    /// 2,000 searches by chance, with answers that are late, foreign, doubled or missing: each ends by its deadline, asks
    /// nobody twice, and a programme stands only if all who are asked in it have accepted in time.
    #[test]
    fn whatever_is_answered_a_search_ends_in_time_and_stands_on_acceptances() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut dice = |sides: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % sides
        };
        let (mut stood, mut nobody) = (0, 0);
        for _ in 0..2_000 {
            let funders: Vec<(String, u64)> = (0..5).map(|number| (format!("f{number}"), 1 + dice(60))).collect();
            let programmes: Vec<Programme> = (0..1 + dice(5))
                .map(|number| {
                    let asks = funders.iter().filter(|_| dice(3) == 0).cloned().collect();
                    let reason = (dice(6) == 0).then(|| Excluded { funder: None, reason: "x".to_owned() });
                    Programme { id: number.to_string(), asks, excluded: reason }
                })
                .collect();
            let deadline = 1 + dice(150);
            let mut router = Router::new(programmes.clone(), 0, deadline);
            let (mut now, mut event) = (0, Event::Begun);
            let mut open: BTreeMap<String, u64> = BTreeMap::new();
            let (mut asked, mut accepted) = (BTreeSet::new(), BTreeSet::new());
            let end = loop {
                let (next, actions) = router.step(event, now);
                router = next;
                let mut wake = None;
                let mut end = None;
                for action in actions {
                    match action {
                        Action::Ask { funder, until_ms } => {
                            assert!(asked.insert(funder.clone()), "{funder} is asked twice");
                            assert!(until_ms <= deadline);
                            open.insert(funder, until_ms);
                        }
                        Action::WakeAt(at) => wake = Some(at),
                        Action::Done(programme) => end = Some(programme),
                    }
                }
                if let Some(end) = end {
                    break end;
                }
                let wake = wake.expect("it waits for something");
                assert!(wake <= deadline && now < wake, "{now} {wake}");
                now += dice(40).min(wake - now);
                let funder = format!("f{}", dice(5));
                event = if dice(3) == 0 || now == wake {
                    Event::Woken
                } else {
                    let answer = [Answer::Accepted, Answer::Refused("r".to_owned()), Answer::Failed("f".to_owned())]
                        [usize::try_from(dice(5).saturating_sub(2)).unwrap()]
                    .clone();
                    if answer == Answer::Accepted && open.get(&funder).is_some_and(|until| now < *until) {
                        accepted.insert(funder.clone());
                    }
                    open.remove(&funder);
                    Event::Answered { funder, answer }
                };
            };
            assert!(now <= deadline);
            match end {
                None => nobody += 1,
                Some(id) => {
                    stood += 1;
                    let programme = programmes.iter().find(|programme| programme.id == id).unwrap();
                    assert_eq!(programme.excluded, None);
                    assert!(
                        programme.asks.iter().all(|(funder, _)| accepted.contains(funder)),
                        "{programme:?} {accepted:?}"
                    );
                }
            }
        }
        assert!(stood > 200 && nobody > 200, "{stood} {nobody}");
    }

    #[test]
    fn what_is_out_of_the_question_is_recorded_and_passed_over() {
        let programmes = vec![excluded("joint", "capacity"), programme("own", &[])];
        let (router, actions) = Router::new(programmes, 0, 100).step(Event::Begun, 0);
        assert_eq!(actions, done(Some("own")));
        assert_eq!(router.tried()[0].reason, "capacity");
        let many: Vec<(String, u64)> = (0..=ASKED_MAX).map(|number| (number.to_string(), 1)).collect();
        let crowd = Programme { id: "crowd".to_owned(), asks: many, excluded: None };
        assert_eq!(Router::new(vec![crowd], 0, 100).step(Event::Begun, 0).1, done(None));
        let many = vec![excluded("no", "x"); PROGRAMMES_MAX + 1];
        assert_eq!(Router::new(many, 0, 100).step(Event::Begun, 0).0.tried().len(), PROGRAMMES_MAX);
    }
}
