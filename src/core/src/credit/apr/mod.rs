//! Cash flows → annual percentage rate, by the conventions of several legal systems.
//!
//! Every convention turns dates into times, the solver finds the rate for one unit of time, and the
//! convention turns that into a rate for a year. What is shown is rounded half up from the root itself:
//! rounding `apr_percent_exact` again to two decimals could give another figure.

mod flows;
mod regz;
mod round;
mod solve;
mod tie;
mod timing;

use prequal_derive::{Canonical, Read};
use serde::{Deserialize, Serialize};

use crate::{
    calendar::{Date, Period},
    credit::{CreditError, Installment},
    decimal::Decimal,
    money::Amount,
};

pub use flows::{AprInput, Flow, UnitPeriod, When, YearBasis};
use solve::{Growth, TimedFlow};

/// How a legal system counts time and expresses the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum Convention {
    /// United States: Regulation Z (12 CFR 1026), Appendix J, actuarial method; nominal.
    UsRegZ,
    /// European Union: Directive 2008/48/EC Annex I, (EU) 2023/2225 Annex III; effective.
    EuAprc,
    /// United Kingdom: FCA CONC App 1.2, a year of 365 days; effective.
    Uk,
    /// China: internal rate of return by the month, times 12 (单利); nominal, with the effective rate beside it.
    CnIrr,
    /// IFRS 9: effective interest rate, actual days over 365.
    IfrsEir,
}

/// The annual rate that balances cash flows; the output of `prequal apr`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read, Canonical)]
pub struct AprAnswer {
    /// Per cent a year with the decimals of the convention, rounded half up.
    pub apr_percent: String,
    /// Per cent a year with six decimals, rounded half up from the same root.
    pub apr_percent_exact: String,
    /// For `cn_irr`: the monthly rate compounded over twelve months, two decimals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_percent: Option<String>,
}

/// A rate for one unit of time becomes one for a year.
#[derive(Clone, Copy, Debug)]
enum Annual {
    /// Multiplied by units in a year.
    Nominal { numerator: f64, denominator: f64 },
    /// Compounded over units in a year.
    Effective { units: f64 },
}

/// Flows with their times, in the order of time.
struct Timed {
    flows: Vec<TimedFlow>,
    growth: Growth,
    annual: Annual,
}

const PERCENT_DECIMALS_EXACT: u32 = 6;

/// The annual percentage rate of cash flows.
///
/// # Errors
/// `payment_before_advance`, `no_rate`, `several_rates`, and fields that do not fit the convention.
pub fn apr(input: &AprInput) -> Result<AprAnswer, CreditError> {
    answer(input.convention, &flows::timed(input)?)
}

/// The annual percentage rate of a plan: one advance, what is paid at once, and the instalments.
///
/// The same answer as [`apr`] with one payment for each instalment, without the detour over JSON. `every` is the step
/// between the instalments where the terms name one: from dates alone, February to March may be a month or four weeks.
///
/// # Errors
/// As [`apr`].
pub fn apr_of_plan(
    convention: Convention,
    every: Option<Period>,
    start: Date,
    advance: Amount,
    upfront_paid: Amount,
    installments: &[Installment],
) -> Result<AprAnswer, CreditError> {
    answer(convention, &flows::timed_plan(convention, every, start, advance, upfront_paid, installments)?)
}

/// Whether a disclosed annual percentage rate counts as accurate beside the true one: within 1/8 of a
/// percentage point, or 1/4 in an irregular transaction (12 CFR 1026.22(a)(2) and (3)), either way.
///
/// A transaction is irregular with several advances, irregular payment periods or irregular payment amounts,
/// an irregular first period and an odd first or last payment aside.
#[must_use]
pub fn within_reg_z_tolerance(disclosed_percent: Decimal, true_percent: Decimal, irregular: bool) -> bool {
    let exact = |percent: Decimal| i128::from(percent.mantissa()) * i128::from(10_u64.pow(15) / percent.denominator());
    let difference = (exact(disclosed_percent) - exact(true_percent)).unsigned_abs();
    // An eighth or a quarter of 10^15.
    difference <= if irregular { 250_000_000_000_000 } else { 125_000_000_000_000 }
}

fn answer(convention: Convention, timed: &Timed) -> Result<AprAnswer, CreditError> {
    let (low, high) = timed.annual.bounds();
    let root = solve::solve(&timed.flows, timed.growth, low, high)?;
    let text = |annual: Annual, decimals: u32| {
        let (percent, error) = annual.percent(root.rate, root.error);
        round::percent(percent, error, decimals, &|tie, of| tie::is_at_or_above(timed, annual, root, tie, of))
    };
    let decimals = match convention {
        Convention::EuAprc | Convention::Uk => 1,
        Convention::UsRegZ | Convention::CnIrr | Convention::IfrsEir => 2,
    };
    Ok(AprAnswer {
        apr_percent: text(timed.annual, decimals),
        apr_percent_exact: text(timed.annual, PERCENT_DECIMALS_EXACT),
        effective_percent: (convention == Convention::CnIrr).then(|| text(Annual::Effective { units: 12.0 }, 2)),
    })
}

impl Annual {
    /// Per cent a year of a rate for a unit of time, and how far it may be from the true one.
    fn percent(self, rate: f64, error: f64) -> (f64, f64) {
        match self {
            Self::Nominal { numerator, denominator } => {
                let percent = rate * numerator * 100.0 / denominator;
                (percent, error * numerator * 100.0 / denominator + percent.abs() * 4.0 * f64::EPSILON)
            }
            Self::Effective { units } => {
                let growth = libm::expm1(units * libm::log1p(rate));
                let percent = growth * 100.0;
                let slope = units * (1.0 + growth) / (1.0 + rate);
                (percent, error * slope * 100.0 + percent.abs() * 4.0 * f64::EPSILON)
            }
        }
    }

    /// The rates for a unit of time between which an annual rate from −99.99 % to 1,000,000 % lies.
    fn bounds(self) -> (f64, f64) {
        const ANNUAL_MIN: f64 = -0.9999;
        const ANNUAL_MAX: f64 = 10_000.0;
        match self {
            Self::Nominal { numerator, denominator } => {
                // A unit longer than a year could not lose more than all of it.
                let per_unit = denominator / numerator;
                ((ANNUAL_MIN * per_unit).max(ANNUAL_MIN), ANNUAL_MAX * per_unit)
            }
            Self::Effective { units } => {
                let per_unit = |annual: f64| libm::expm1(libm::log1p(annual) / units);
                (per_unit(ANNUAL_MIN), per_unit(ANNUAL_MAX))
            }
        }
    }
}
