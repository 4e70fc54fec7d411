//! Legal ceilings as data: on the price of a plan before it becomes a quote, on every charge when it
//! would be posted.
//!
//! [`judge_terms`] and [`judge_plan`] answer with what each cap that binds the lender on the day of
//! signature says: its name, what was reached, its ceiling, and the highest price that would pass.
//! [`judge_charge`] answers how much of a charge may be posted.

mod charge;
mod default;
mod plan;
mod ratio;

pub use charge::{ChargeCap, ChargeKind, Charged, Judged, judge_charge};
pub use default::{DefaultCost, PenaltyCost};
pub use plan::{Band, CAP_ROWS_MAX, Finding, Measure, PlanCap, PlanFacts, ReferenceRate, judge_plan, judge_terms};
