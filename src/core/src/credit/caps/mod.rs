//! Legal ceilings as data: on the price of a plan before it becomes a quote, on every charge when it
//! would be posted.
//!
//! [`judge_terms`] and [`judge_plan`] answer with what each cap that binds the lender on the day of
//! signature says: its name, what was reached, its ceiling, and the highest price that would pass.
//! [`rules_under`] gives a contract's rules the ceilings of the law of its day; under them [`judge_charge`] answers how
//! much of a charge may be posted.

mod charge;
mod default;
mod plan;
mod ratio;
mod signed;
mod verdict;

pub use charge::{ChargeCap, ChargeKind, Charged, Judged, judge_charge};
pub use default::{CostOfDefault, DefaultCost, PenaltyCost};
pub use plan::{
    Band, CAP_ROWS_MAX, Finding, Measure, NO_CEILING, PlanCap, PlanFacts, ReferenceRate, broken_cap, judge_plan,
};
pub use signed::{bind_late_charges, rules_under};
pub use verdict::{CAPS_MAX, CapsInput, CapsVerdict, highest_price, judge_caps, judge_terms};
