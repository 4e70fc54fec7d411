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

/// The machine.
#[derive(Debug, Clone)]
pub struct Router {
    programmes: Vec<Programme>,
    deadline_ms: u64,
    begun_ms: u64,
    place: usize,
    /// Who is being asked, with the limit and the beginning of each.
    waiting: BTreeMap<String, (u64, u64)>,
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
                // An answer to a question that is no longer open, or came too late, changes nothing.
                let Some((until, asked)) = self.waiting.get(&funder).copied() else { return (self, Vec::new()) };
                if now_ms < until {
                    self.waiting.remove(&funder);
                    self.note(&funder, &answer, now_ms.saturating_sub(asked));
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
        if self.waiting.is_empty() {
            let stands = programme.id.clone();
            return self.finish(Some(stands));
        }
        let wake = self.wake();
        (self, wake)
    }

    fn is_out(&self, funder: &str) -> bool {
        self.silent.contains(funder) || self.said.get(funder).is_some_and(|answer| *answer != Answer::Accepted)
    }

    fn wake(&self) -> Vec<Action> {
        self.waiting.values().map(|(until, _)| *until).min().map(Action::WakeAt).into_iter().collect()
    }

    fn expire(&mut self, now_ms: u64) {
        let over: Vec<(String, u64)> = self
            .waiting
            .iter()
            .filter(|(_, (until, _))| now_ms >= *until)
            .map(|(id, (_, at))| (id.clone(), *at))
            .collect();
        for (funder, asked) in over {
            self.waiting.remove(&funder);
            self.record(Some(&funder), Ended::TimedOut, "no_answer_in_time", now_ms.saturating_sub(asked));
            self.silent.insert(funder);
        }
    }

    fn note(&mut self, funder: &str, answer: &Answer, elapsed_ms: u64) {
        match answer {
            Answer::Accepted => self.record(Some(funder), Ended::Accepted, "", elapsed_ms),
            Answer::Refused(code) => self.record(Some(funder), Ended::Refused, code, elapsed_ms),
            Answer::Failed(code) => self.record(Some(funder), Ended::Failed, code, elapsed_ms),
        }
    }

    fn record(&mut self, funder: Option<&str>, ended: Ended, reason: &str, elapsed_ms: u64) {
        let programme = self.programmes.get(self.place).map(|programme| programme.id.clone()).unwrap_or_default();
        let (funder, reason) = (funder.map(str::to_owned), reason.to_owned());
        self.tried.push(Tried { programme, funder, ended, reason, elapsed_ms });
    }

    fn next_programme(mut self, now_ms: u64) -> (Self, Vec<Action>) {
        // Whoever is still being asked for a programme that fell may answer in time for the next one.
        loop {
            let Some(programme) = self.programmes.get(self.place).cloned() else { return self.finish(None) };
            if let Some(Excluded { funder, reason }) = &programme.excluded {
                self.record(funder.as_deref(), Ended::Excluded, reason, 0);
            } else if let Some((funder, _)) = programme.asks.iter().find(|(funder, _)| self.is_out(funder)) {
                self.record(Some(funder), Ended::Excluded, "said_no_before", 0);
            } else if programme.asks.iter().any(|(funder, _)| !self.said.contains_key(funder))
                && now_ms >= self.deadline_ms
            {
                self.record(None, Ended::TimedOut, "no_time_left", 0);
            } else {
                return self.ask(&programme, now_ms);
            }
            self.place = self.place.saturating_add(1);
        }
    }

    fn ask(mut self, programme: &Programme, now_ms: u64) -> (Self, Vec<Action>) {
        let mut actions = Vec::new();
        self.waiting.retain(|funder, _| programme.asks.iter().any(|(asked, _)| asked == funder));
        for (funder, time_max_ms) in &programme.asks {
            if self.said.contains_key(funder) || self.waiting.contains_key(funder) {
                continue;
            }
            let until_ms = now_ms.saturating_add(*time_max_ms).min(self.deadline_ms);
            self.waiting.insert(funder.clone(), (until_ms, now_ms));
            actions.push(Action::Ask { funder: funder.clone(), until_ms });
        }
        if self.waiting.is_empty() {
            return self.finish(Some(programme.id.clone()));
        }
        actions.extend(self.wake());
        (self, actions)
    }

    fn finish(mut self, stands: Option<String>) -> (Self, Vec<Action>) {
        self.waiting.clear();
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
