//! The counterfactual of a decision: the smallest change in features marked changeable that would alter its outcome.
//!
//! ```text
//! marks of the schema --levers--> values --bins--> candidates, smallest first --decide--> the first that alters it
//! ```
//!
//! *Smallest* is, in this order: the fewest features changed; the fewest bins crossed, in all features together; the
//! earlier features of the schema; in each of them the smaller difference, then the smaller value. A *bin* is a span of
//! values that nothing in the bundle tells apart: no cell of a table, no cut of the model, no span of a plan, no limit
//! and no burden. A change to another category crosses one bin, and so does one to another value within a bin, which
//! only the price can need: whether the law allows a plan may turn on a cent.
//!
//! The search is exact: every candidate that is taken was decided by [`decide`], whole; one is passed over only where
//! another of the same bins was decided; and *none* is said only where nothing was left out. Where a limit ended the
//! search ([`DECISIONS_MAX`], [`ROWS_MAX`], [`VALUES_MAX`], [`SUMS_MAX`]) the finding says so.
//!
//! Two views: for staff every feature that is marked; for the person only those marked safe whose value in this
//! application is verified, by a third party, its issuer's signature or the lender's own record. A missing value is not
//! changed: it is to be found, not altered. A changed value keeps its assurance, so a declared one can still not raise.
//!
//! An answer repeats values of the application and so belongs with the personal data; it is no part of the decision,
//! whose bytes it leaves alone. No browser has this code: nothing of `prequal-wasm` calls it.

mod bins;
mod levers;
mod search;
mod sums;

use core::fmt;
use std::vec::Vec;

use serde::Serialize;

use super::{DecideError, decide, features, input_hash};
use crate::{
    bundle::{Bundle, SEMANTICS},
    evidence::Assurance,
    wire::{Input, Outcome, Scalar},
};

pub use search::{DECISIONS_MAX, ROWS_MAX};
pub use sums::SUMS_MAX;

/// The most prices of one bin that are tried together with another income: each moves the bins of the other.
pub const VALUES_MAX: usize = 4_096;

/// Which outcome is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// One better than the decision's: referred or eligible after a decline, eligible after a referral.
    #[default]
    Better,
    /// Eligible.
    Eligible,
    /// Any other than the decision's, worse ones too.
    Other,
}

impl Goal {
    fn met(self, was: Outcome, now: Outcome) -> bool {
        // What is only needed decides nothing.
        let rank = |outcome| match outcome {
            Outcome::Needs => 0,
            Outcome::Declined => 1,
            Outcome::Referred => 2,
            Outcome::Eligible => 3,
        };
        match self {
            Self::Better => rank(now) > rank(was),
            Self::Eligible => now == Outcome::Eligible,
            Self::Other => now != was && now != Outcome::Needs,
        }
    }
}

/// A decision's counterfactuals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counterfactual {
    /// SHA-256 of the bundle's payload, as in the decision.
    pub bundle_hash: String,
    /// Which outcome was looked for.
    pub goal: Goal,
    /// SHA-256 of the canonical input, salt included, as in the decision.
    pub input_hash: String,
    /// What the decision came to.
    pub outcome: Outcome,
    /// What the person may be told.
    pub person: Finding,
    /// The version of the rules of deciding.
    pub semantics: u32,
    /// What risk staff and a reviewer may see.
    pub staff: Finding,
}

/// What came of the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// There is a change that alters the outcome.
    Found,
    /// No change of the features that may change alters it; proven.
    None,
    /// A limit ended the search before there was an answer.
    Limit,
    /// The decision has the outcome already.
    Reached,
    /// Nothing is decided yet: the application needs something.
    Undecided,
}

/// One view's counterfactual.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What came of it.
    pub answer: Answer,
    /// The change, in the order of the schema; empty unless it was found.
    pub changes: Vec<Changed>,
    /// How many applications were decided to find it.
    pub decisions: u32,
    /// The limit that ended the search: `decisions`, `rows`, `sums` or `values`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<&'static str>,
    /// What the changed application comes to; absent unless a change was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Whether no smaller change does it. False only where a limit ended the search.
    pub smallest: bool,
}

/// One feature's change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// Who vouches for the value as it is; absent for the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assurance: Option<Assurance>,
    /// Bins crossed.
    pub bins: u32,
    /// The feature's id in the schema.
    pub feature: String,
    /// The value as it is, in the feature's unit.
    pub from: Scalar,
    /// The feature's name in the bundle's language; may be empty.
    pub label: String,
    /// The value that it would have.
    pub to: Scalar,
}

/// Why there is no counterfactual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CounterfactualError {
    /// The application itself could not be decided.
    Decide(DecideError),
    /// The bundle's mark on a feature cannot be read; a bundle that was checked has none such.
    Mark {
        /// The feature.
        feature: String,
        /// What is wrong.
        why: String,
    },
}

impl CounterfactualError {
    /// A name of the cause for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Decide(error) => error.code(),
            Self::Mark { .. } => "changeable_mark",
        }
    }
}

impl fmt::Display for CounterfactualError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decide(error) => error.fmt(f),
            Self::Mark { feature, why } => {
                write!(f, "what may change about feature `{feature}` cannot be read: {why}")
            }
        }
    }
}

impl core::error::Error for CounterfactualError {}

impl From<DecideError> for CounterfactualError {
    fn from(error: DecideError) -> Self {
        Self::Decide(error)
    }
}

/// Looks for the counterfactuals of the decision that [`decide`] makes of an application.
///
/// # Errors
/// [`CounterfactualError`].
pub fn counterfactual(bundle: &Bundle, input: &Input, goal: Goal) -> Result<Counterfactual, CounterfactualError> {
    let outcome = decide(bundle, input)?.outcome;
    let find = |person: bool| -> Result<Finding, CounterfactualError> {
        let answer = match outcome {
            Outcome::Needs => Answer::Undecided,
            Outcome::Eligible if goal != Goal::Other => Answer::Reached,
            _ => return look(bundle, input, goal, outcome, person),
        };
        Ok(Finding { answer, changes: Vec::new(), decisions: 0, limit: None, outcome: None, smallest: true })
    };
    Ok(Counterfactual {
        bundle_hash: bundle.hash().to_owned(),
        goal,
        input_hash: input_hash(input)?,
        outcome,
        person: find(true)?,
        semantics: SEMANTICS,
        staff: find(false)?,
    })
}

fn look(
    bundle: &Bundle,
    input: &Input,
    goal: Goal,
    was: Outcome,
    person: bool,
) -> Result<Finding, CounterfactualError> {
    let (base, _) = features::extract(bundle, &input.application, Some(&input.evidence), input.today);
    let levers = levers::of(bundle, input, &base, person)?;
    let mut search = search::Search::new(bundle, input, &levers, |outcome| goal.met(was, outcome));
    let found = search.run();
    let (decisions, limit) = (search.decisions, search.stopped);
    let Some((outcome, picks)) = found else {
        let answer = if limit.is_some() { Answer::Limit } else { Answer::None };
        return Ok(Finding { answer, changes: Vec::new(), decisions, limit, outcome: None, smallest: limit.is_none() });
    };
    let changed = |pick: &search::Pick| {
        let lever = levers.get(pick.lever)?;
        let definition = bundle.payload().features.get(lever.feature)?;
        Some(Changed {
            assurance: lever.assurance,
            bins: pick.bins,
            feature: definition.id.clone(),
            from: lever.scalar(bundle, lever.start),
            label: bundle.text(&definition.label, None).to_owned(),
            to: lever.scalar(bundle, pick.value),
        })
    };
    Ok(Finding {
        answer: Answer::Found,
        changes: picks.iter().filter_map(changed).collect(),
        decisions,
        limit,
        outcome: Some(outcome),
        smallest: limit.is_none(),
    })
}
