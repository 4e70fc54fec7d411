//! Schedules, rates and settlement: published answers, properties, and a second implementation.

mod account;
mod bisection;
mod caps;
mod caps_default;
mod disclosures;
mod draw;
mod draw_life;
mod life;
mod life_money;
mod life_refund;
mod lines;
mod lives;
mod methods;
mod naive_dates;
mod naive_rate;
mod oracle;
mod properties;
mod rate_limits;
mod rates;
mod regressions;
mod schedules;
mod settlement;

use prequal_core::{
    calendar::{Date, DayCount, Period},
    credit::{Method, Rate, Repayment, Terms},
    currency::Currency,
    decimal::Decimal,
    money::Amount,
    rounding::Rounding,
};

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn amount(minor: i64) -> Amount {
    Amount::new(minor).unwrap()
}

/// Monthly from 2024-01-01 in dollars; tests change what they are about.
fn terms(method: Method, principal: i64, count: u16, annual_percent: &str) -> Terms {
    let rate = Rate::annual(Decimal::parse(annual_percent).unwrap(), DayCount::Thirty360);
    Terms {
        currency: Currency::parse("USD").unwrap(),
        principal: amount(principal),
        start: date("2024-01-01"),
        rate: (!matches!(method, Method::Free)).then_some(rate),
        repayment: Repayment::regular(method, count, Period::Months(1)),
        rounding: Rounding::HalfEven,
        level_rounding: None,
        remainder: None,
        adjust_installment: false,
        fees: Vec::new(),
        after_maturity: None,
    }
}

/// One line now and then of a run that takes minutes; none in a short one.
fn progress(what: &str, done: u64, of: u64) {
    if of >= 20_000 && done.is_multiple_of(of / 4) {
        eprintln!("  {what}: {done} of {of}");
    }
}
