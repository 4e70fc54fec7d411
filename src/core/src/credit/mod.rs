//! What credit costs: schedules to the cent, legal annual rates, the amount that settles.
//!
//! Money is exact integer arithmetic throughout; floating point appears in the rate solver alone
//! (and in a level payment's first guess, which is then proved or replaced).

mod account;
mod accrual;
mod apr;
pub(crate) mod big;
pub mod caps;
mod dates;
pub mod disclosure;
mod error;
mod event;
mod level;
mod loan;
mod payoff;
mod plan;
mod revolving;
mod rules;
mod rules_check;
mod rules_json;
mod schedule;
mod terms;
mod terms_json;
mod transfer;
mod whole;

pub use account::{
    AccountInstallment, AccountState, Allocation, InstallmentStatus, LATE_FEE_PYRAMIDING, NotCharged, Parts, account,
    account_by,
};
pub use apr::{
    AprAnswer, AprInput, Convention, Flow, UnitPeriod, When, YearBasis, apr, apr_of_plan, within_reg_z_tolerance,
};
pub use error::CreditError;
pub use event::{Event, EventKind};
pub use payoff::{Payoff, PayoffInput, PayoffInterest, payoff};
pub use revolving::{InterestFrom, Line, MinimumPayment, StatementLines};
pub use rules::{
    AllocationRule, Bucket, CHARGE_CAPS_MAX, CostReduction, Direction, Effect, Grace, LateFee, LateFeePer, LateFeeTier,
    LateRules, Part, Penalty, PenaltyBase, PenaltyMode, PrepaymentCeiling, PrepaymentRule, RefundOrder, RefundRule,
    Rest, Rules, Stage, Timing,
};
pub use schedule::{FeeLine, Installment, Schedule, schedule};
pub use terms::{
    AfterMaturity, Fee, FeeSize, FeeTiming, FeeWhen, INTEREST_FREE_DAYS_MAX, Method, Rate, Remainder, Repayment, Terms,
};
pub use transfer::{Among, Debt, TRANSFER_LOANS_MAX, split_transfer};

/// Instalments of a loan, at most.
pub const COUNT_MAX: u16 = 600;
/// Further charges of a loan, at most.
pub const FEES_MAX: usize = 16;
/// Bytes of a fee's code or payee, and of an event's id, at most.
pub const TEXT_BYTES_MAX: usize = 64;
/// Cash flows of one rate calculation, repeats counted, at most.
pub const CASH_FLOWS_MAX: usize = 2_400;
/// Events of one loan, at most.
pub const EVENTS_MAX: usize = 10_000;
/// Per cent of a rate or a fee, at most.
pub const PERCENT_MAX: u32 = 1_000_000;

/// A count of instalments within its limit.
pub(crate) fn checked_count(count: u64) -> Result<u16, CreditError> {
    match u16::try_from(count) {
        Ok(count @ 1..=COUNT_MAX) => Ok(count),
        _ => Err(CreditError::CountOutOfRange(count)),
    }
}
