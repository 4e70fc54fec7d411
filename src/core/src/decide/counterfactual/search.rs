//! The search: fewest changes first, then fewest bins.
//!
//! A feature that a table looks at can alter the outcome in its own right, so every choice of such values is decided by
//! itself. A feature that only the model looks at works through the points alone, and points work through the bins that
//! the tables cut them into: of all such changes that end in one bin of points the smallest is decided.

use std::{collections::BTreeMap, vec::Vec};

use super::{
    bins::{self, Candidate},
    levers::{Lever, tables},
    sums::Sums,
};
use crate::{
    bundle::{Bundle, CompiledSource, features::Engine},
    decide::{decide, engine::score_value, features},
    policy::{Feature, Test},
    score::Value,
    wire::{Input, Outcome},
};

/// The most applications that one search decides.
pub const DECISIONS_MAX: u32 = 50_000;
/// The most rows that one search scores.
pub const ROWS_MAX: u32 = 1_000_000;

/// One feature's new value. The order is that of size, where as many bins are crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pick {
    /// The lever, by its position.
    pub lever: usize,
    pub delta: u64,
    pub value: i64,
    pub bins: u32,
}

/// Changes of as many features, ordered by size.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Picks {
    pub bins: u64,
    pub list: Vec<Pick>,
}

impl Picks {
    pub(super) fn with(&self, pick: Pick) -> Self {
        let mut list = self.list.clone();
        let at = list.partition_point(|earlier| earlier.lever < pick.lever);
        list.insert(at, pick);
        Self { bins: self.bins + u64::from(pick.bins), list }
    }

    fn and(&self, others: &Self) -> Self {
        others.list.iter().fold(self.clone(), |all, pick| all.with(*pick))
    }
}

/// What deciding a candidate showed.
#[derive(Clone, Copy, Debug)]
struct Shown {
    met: bool,
    /// Plans were quoted, so another price in the same bin may show otherwise.
    quoted: bool,
}

pub(super) struct Search<'a, F> {
    bundle: &'a Bundle,
    input: &'a Input,
    levers: &'a [Lever],
    met: F,
    /// Candidates of the levers that only the model looks at.
    scored: Vec<(usize, Vec<Candidate>)>,
    sums: Option<Sums>,
    borders: Vec<i64>,
    /// By the values that tables look at, and the bin of points.
    shown: BTreeMap<(Vec<(usize, i64)>, usize), Shown>,
    best: Option<Picks>,
    rows: u32,
    pub decisions: u32,
    /// The limit that was hit.
    pub stopped: Option<&'static str>,
}

impl<'a, F: Fn(Outcome) -> bool> Search<'a, F> {
    pub(super) fn new(bundle: &'a Bundle, input: &'a Input, levers: &'a [Lever], met: F) -> Self {
        let mut scored = Vec::new();
        for (at, lever) in levers.iter().enumerate().filter(|(_, lever)| lever.only_scored.is_some()) {
            scored.push((at, bins::candidates(bundle, lever, &input.application)));
        }
        Self {
            bundle,
            input,
            levers,
            met,
            scored,
            sums: None,
            borders: borders_of_points(bundle),
            shown: BTreeMap::new(),
            best: None,
            rows: 0,
            decisions: 0,
            stopped: None,
        }
    }

    /// The smallest change that meets the goal, and what it comes to.
    pub(super) fn run(&mut self) -> Option<(Outcome, Vec<Pick>)> {
        self.sums = Sums::new(self.bundle, self.input, self.levers, &self.scored);
        if self.sums.as_ref().is_some_and(|sums| sums.cut_off) {
            self.stopped = Some("sums");
        }
        for count in 1..=self.levers.len() {
            let only_scored = self.scored.len();
            for seen in count.saturating_sub(only_scored)..=count.min(self.levers.len() - only_scored) {
                self.seen(seen, count - seen);
            }
            if self.best.is_some() || self.halted() {
                break;
            }
        }
        let best = self.best.take()?;
        let outcome = decide(self.bundle, &self.changed(&best)).ok()?.outcome;
        Some((outcome, best.list))
    }

    /// Whether a limit ends the search here; what is left is then not looked at, and the finding says so.
    fn halted(&mut self) -> bool {
        if self.decisions >= DECISIONS_MAX {
            self.stopped = Some("decisions");
        } else if self.rows >= ROWS_MAX {
            self.stopped = Some("rows");
        } else {
            return false;
        }
        true
    }

    /// Every choice of `count` levers that tables look at, each with `more` others.
    fn seen(&mut self, count: usize, more: usize) {
        let price = self.levers.iter().position(bins::is_price);
        let others: Vec<usize> = (0..self.levers.len())
            .filter(|at| Some(*at) != price && self.levers.get(*at).is_some_and(|lever| lever.only_scored.is_none()))
            .collect();
        let at_price = self.candidates_at(&others, self.input);
        self.choose(&at_price, count, &Picks::default(), &mut |search, picks| {
            search.weigh(picks, more);
        });
        let Some(at) = price else { return };
        let Some(left) = count.checked_sub(1) else { return };
        let feeds = |at: usize| self.levers.get(at).is_some_and(|lever| lever.feeds);
        // Prices with every income as it is: bin by bin.
        let calm: Vec<(usize, Vec<Candidate>)> = at_price.iter().filter(|(at, _)| !feeds(*at)).cloned().collect();
        self.choose(&calm, left, &Picks::default(), &mut |search, picks| search.prices(at, picks, more));
        if left == 0 || !others.iter().any(|at| feeds(*at)) {
            return;
        }
        // Prices and incomes move each other's bins: price by price.
        let base =
            features::extract(self.bundle, &self.input.application, Some(&self.input.evidence), self.input.today);
        let Some(lever) = self.levers.get(at) else { return };
        let runs = bins::price_runs(self.bundle, lever, &self.input.application, &base.0);
        if runs.iter().any(|run| run.candidates().nth(super::VALUES_MAX).is_some()) {
            self.stopped = Some("values");
        }
        let fed: Vec<bool> = self.levers.iter().map(|lever| lever.feeds).collect();
        for candidate in bins::every_price(&runs) {
            let mut picks = Picks::default();
            picks = picks.with(pick(at, candidate));
            let lists = self.candidates_at(&others, &self.changed(&picks));
            self.choose(&lists, left, &picks, &mut |search, picks| {
                if picks.list.iter().any(|pick| fed.get(pick.lever) == Some(&true)) {
                    search.weigh(picks, more);
                }
            });
            if self.halted() {
                return;
            }
        }
    }

    fn candidates_at(&self, levers: &[usize], input: &Input) -> Vec<(usize, Vec<Candidate>)> {
        let list = |at: &usize| {
            let lever = self.levers.get(*at)?;
            Some((*at, bins::candidates(self.bundle, lever, &input.application)))
        };
        levers.iter().filter_map(list).collect()
    }

    /// Calls `then` with every choice of `count` of these levers and a value for each.
    fn choose(
        &mut self,
        lists: &[(usize, Vec<Candidate>)],
        count: usize,
        picks: &Picks,
        then: &mut dyn FnMut(&mut Self, &Picks),
    ) {
        if self.halted() {
            return;
        }
        if count == 0 {
            then(self, picks);
            return;
        }
        if lists.len() < count {
            return;
        }
        let Some(((at, candidates), rest)) = lists.split_first() else { return };
        for candidate in candidates {
            self.choose(rest, count - 1, &picks.with(pick(*at, *candidate)), then);
        }
        self.choose(rest, count, picks, then);
    }

    /// Each bin of prices; within one where plans were quoted, each price.
    fn prices(&mut self, at: usize, picks: &Picks, more: usize) {
        let input = self.changed(picks);
        let (incomes, _) = features::extract(self.bundle, &input.application, Some(&input.evidence), input.today);
        let Some(lever) = self.levers.get(at) else { return };
        for run in bins::price_runs(self.bundle, lever, &input.application, &incomes) {
            for candidate in run.candidates() {
                let again = self.weigh(&picks.with(pick(at, candidate)), more);
                if !again || self.halted() {
                    break;
                }
            }
        }
    }

    /// Decides what these picks come to, alone or with `more` of the levers that only the model looks at. Whether another
    /// price in the same bins might come to something else.
    fn weigh(&mut self, picks: &Picks, more: usize) -> bool {
        self.rows = self.rows.saturating_add(1);
        let mut again = false;
        for (bin, extra) in self.ends(picks, more) {
            let all = picks.and(&extra);
            if self.best.as_ref().is_some_and(|best| *best <= all) {
                continue;
            }
            let key = (picks.list.iter().map(|pick| (pick.lever, pick.value)).collect(), bin);
            let shown = match self.shown.get(&key) {
                Some(shown) => *shown,
                None => {
                    let Some(shown) = self.decided(&all) else { return false };
                    self.shown.insert(key, shown);
                    shown
                }
            };
            if shown.met {
                self.best = Some(all);
            } else {
                again |= shown.quoted;
            }
        }
        again
    }

    fn decided(&mut self, picks: &Picks) -> Option<Shown> {
        if self.decisions >= DECISIONS_MAX {
            self.stopped = Some("decisions");
            return None;
        }
        self.decisions += 1;
        let Ok(decision) = decide(self.bundle, &self.changed(picks)) else {
            return Some(Shown { met: false, quoted: false });
        };
        let quoted = decision.trace.iter().any(|line| line.starts_with("price "));
        Some(Shown { met: (self.met)(decision.outcome), quoted })
    }

    fn changed(&self, picks: &Picks) -> Input {
        let mut input = self.input.clone();
        for pick in &picks.list {
            if let Some(lever) = self.levers.get(pick.lever) {
                lever.put(self.bundle, pick.value, &mut input);
            }
        }
        input
    }

    /// The bins of points that `more` further changes can end in, with the smallest that does.
    fn ends(&mut self, picks: &Picks, more: usize) -> Vec<(usize, Picks)> {
        let input = self.changed(picks);
        let (features, _) = features::extract(self.bundle, &input.application, Some(&input.evidence), input.today);
        let Some(model) = &self.bundle.compiled.model else { return vec![(0, Picks::default())] };
        let used = |slot: &usize| features.get(*slot).copied().unwrap_or(Feature::NOT_ASKED);
        let weak: Vec<bool> = model.slots.iter().map(|slot| used(slot).weak).collect();
        let mut values: Vec<Value<'_>> =
            model.slots.iter().map(|slot| score_value(self.bundle, *slot, used(slot).value)).collect();
        let mut ends = BTreeMap::new();
        // A row that has no score ends in no bin; deciding it says why.
        let points =
            |values: &[Value<'_>]| model.model.score(values, &weak).map_or(0, |scored| i64::from(scored.points()));
        if more == 0 {
            return vec![(self.bin(points(&values)), Picks::default())];
        }
        if let Some(sums) = &self.sums {
            let base = points(&values);
            for (sum, picks) in sums.of(more) {
                keep(&mut ends, self.bin(base + sum), picks);
            }
            return ends.into_iter().collect();
        }
        let scored = core::mem::take(&mut self.scored);
        let mut rows = Rows { search: self, points: &points, values: &mut values, ends: &mut ends };
        rows.choose(&scored, more, &Picks::default());
        self.scored = scored;
        ends.into_iter().collect()
    }

    fn bin(&self, points: i64) -> usize {
        self.borders.partition_point(|border| *border <= points)
    }
}

/// Rows of a model whose points are no sum over features, one after the other.
struct Rows<'r, 'a, 'v, F> {
    search: &'r mut Search<'a, F>,
    points: &'r dyn Fn(&[Value<'_>]) -> i64,
    values: &'r mut Vec<Value<'v>>,
    ends: &'r mut BTreeMap<usize, Picks>,
}

impl<'a, 'v, F: Fn(Outcome) -> bool> Rows<'_, 'a, 'v, F>
where
    'a: 'v,
{
    fn choose(&mut self, scored: &[(usize, Vec<Candidate>)], count: usize, picks: &Picks) {
        if count == 0 {
            if self.search.rows >= ROWS_MAX {
                self.search.stopped = Some("rows");
                return;
            }
            self.search.rows += 1;
            let bin = self.search.bin((self.points)(self.values));
            keep(self.ends, bin, picks);
            return;
        }
        if scored.len() < count || self.search.rows >= ROWS_MAX {
            return;
        }
        let Some(((at, candidates), rest)) = scored.split_first() else { return };
        let (bundle, levers) = (self.search.bundle, self.search.levers);
        if let Some((lever, place)) = levers.get(*at).and_then(|lever| Some((lever, lever.only_scored?))) {
            let before = self.values.get(place).copied();
            for candidate in candidates {
                if let Some(value) = self.values.get_mut(place) {
                    *value = score_value(bundle, lever.feature, lever.feature_value(candidate.value));
                }
                self.choose(rest, count - 1, &picks.with(pick(*at, *candidate)));
            }
            if let (Some(value), Some(before)) = (self.values.get_mut(place), before) {
                *value = before;
            }
        }
        self.choose(rest, count, picks);
    }
}

fn pick(lever: usize, candidate: Candidate) -> Pick {
    let Candidate { bins, delta, value } = candidate;
    Pick { lever, delta, value, bins }
}

/// Keeps the smaller of two ways to one end.
pub(super) fn keep<K: Ord>(ends: &mut BTreeMap<K, Picks>, key: K, picks: &Picks) {
    match ends.get_mut(&key) {
        Some(known) if *known <= *picks => {}
        Some(known) => known.clone_from(picks),
        None => {
            ends.insert(key, picks.clone());
        }
    }
}

/// Where tables cut the points.
fn borders_of_points(bundle: &Bundle) -> Vec<i64> {
    let is_points = |column: &u16| {
        bundle
            .compiled
            .features
            .get(usize::from(*column))
            .is_some_and(|feature| matches!(feature.source, CompiledSource::Engine(Engine::ScorePoints)))
    };
    let mut borders = Vec::new();
    for table in tables(bundle) {
        for (at, _) in table.table.columns().iter().enumerate().filter(|(_, column)| is_points(column)) {
            for cell in (0..table.table.rows()).filter_map(|row| table.table.row(row).get(at)) {
                if let Test::Ranges(ranges) = &cell.test {
                    borders.extend(ranges.iter().flat_map(|(from, to)| [*from, to.saturating_add(1)]));
                }
            }
        }
    }
    borders.sort_unstable();
    borders.dedup();
    borders
}
