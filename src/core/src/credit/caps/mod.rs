//! Legal ceilings as data: on the price of a plan before it becomes a quote, on every charge when it
//! would be posted.

mod charge;

pub use charge::{ChargeCap, ChargeKind, Charged, Judged, judge_charge};
