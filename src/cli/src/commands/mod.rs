//! One file a command.

pub mod apr;
pub mod backup;
pub mod bundle;
pub mod caps;
pub mod completions;
pub mod decide;
pub mod disclose;
pub mod export;
pub mod import;
pub mod jobs;
pub mod keygen;
pub mod ledger;
pub mod man;
pub mod monitor;
pub mod payoff;
pub mod persons;
pub mod reconcile;
pub mod replay;
pub mod sandbox;
pub mod schedule;
pub mod score;
pub mod serve;
pub mod train;
