//! Random contracts from a seed: one number gives one contract, on every machine and in every run.
//!
//! Every feature of terms is drawn, those that exclude each other not together. What comes out may still be
//! refused (due dates moved onto each other, a first due date before the start): a second opinion must refuse
//! it too.

use prequal_core::{
    calendar::{Adjust, Billing, BusinessDays, Cutoff, Date, DayCount, MonthEnd, Period, Weekday},
    credit::{Fee, FeeSize, FeeTiming, FeeWhen, Method, Rate, Remainder, Repayment, Terms},
    currency::Currency,
    decimal::Decimal,
    money::Amount,
    rounding::Rounding,
};

/// Every method, by the name it has in JSON.
pub(crate) const METHODS: [(&str, Method); 6] = [
    ("equal_installment", Method::EqualInstallment),
    ("equal_principal", Method::EqualPrincipal),
    ("interest_only", Method::InterestOnly),
    ("single", Method::Single),
    ("fee_installment", Method::FeeInstallment),
    ("free", Method::Free),
];
pub(crate) const ROUNDINGS: [Rounding; 4] = [Rounding::HalfEven, Rounding::HalfUp, Rounding::Down, Rounding::Up];
pub(crate) const DAY_COUNTS: [DayCount; 6] = [
    DayCount::Thirty360,
    DayCount::Thirty360European,
    DayCount::Actual360,
    DayCount::Actual364,
    DayCount::Actual365,
    DayCount::ActualActual,
];
/// Currencies of two, no and three decimals.
const CURRENCIES: [&str; 5] = ["USD", "EUR", "CNY", "JPY", "KWD"];

/// The SplitMix64 generator (Steele, Lea and Flood, 2014).
#[derive(Clone, Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    /// The stream of a case: neighbouring numbers give unrelated streams.
    pub(crate) fn new(case: u64) -> Self {
        let mut draw = Self(case.wrapping_mul(0xd134_2543_de82_ef95));
        draw.next();
        draw
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` to `high`, both included. The bias of the remainder is far below what a test could see.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.abs_diff(low).saturating_add(1);
        low.wrapping_add((self.next() % span).cast_signed())
    }

    /// True so many times in a hundred.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    pub(crate) fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[(self.next() % of.len() as u64) as usize].clone()
    }

    pub(crate) fn days(&mut self, low: i64, high: i64) -> i32 {
        self.between(low, high) as i32
    }

    pub(crate) fn amount(&mut self, low: i64, high: i64) -> Amount {
        Amount::new(self.between(low, high)).unwrap()
    }

    /// A decimal of so many places up to a mantissa.
    pub(crate) fn decimal(&mut self, mantissa_max: i64, places: u8) -> Decimal {
        Decimal::new(self.between(0, mantissa_max), places).unwrap()
    }
}

fn date(days: i32) -> Date {
    Date::from_days(days).unwrap()
}

/// A rate of interest: round ones for ties, long ones for width.
pub(crate) fn rate(draw: &mut Draw) -> Rate {
    let daily = draw.chance(30);
    let percent = match draw.between(0, 3) {
        0 => draw.decimal(if daily { 3 } else { 200 }, 0),
        1 => draw.decimal(40_000, 2 + 2 * u8::from(daily)),
        2 => draw.decimal(4_000_000_000_000, 11 + 2 * u8::from(daily)),
        _ => draw.decimal(3_600, 2 + 2 * u8::from(daily)),
    };
    let day_count = (!daily || draw.chance(40)).then(|| draw.one(&DAY_COUNTS));
    let minimum_days = if draw.chance(10) { draw.between(1, 40) as u16 } else { 0 };
    Rate { percent, daily, day_count, minimum_days }
}

fn business_days(draw: &mut Draw, start: Date) -> BusinessDays {
    let near = |draw: &mut Draw| date(start.days() + draw.days(0, 500));
    BusinessDays {
        adjust: draw.one(&[Adjust::None, Adjust::Following, Adjust::ModifiedFollowing, Adjust::Preceding]),
        weekend: draw.one(&[vec![Weekday::Saturday, Weekday::Sunday], vec![Weekday::Friday], Vec::new()]),
        holidays: (0..draw.between(0, 30)).map(|_| near(draw)).collect(),
        working_days: (0..draw.between(0, 5)).map(|_| near(draw)).collect(),
    }
}

fn count(draw: &mut Draw) -> u16 {
    let most = match draw.between(0, 99) {
        0 => 600,
        1..=9 => 60,
        _ => 13,
    };
    draw.between(1, most) as u16
}

fn dates(draw: &mut Draw, start: Date, repayment: &mut Repayment) {
    if draw.chance(30) {
        repayment.every = None;
        // The first may fall on the day of the advance.
        let mut due = start.days() + draw.days(0, 69);
        let dates = (0..repayment.count).map(|_| {
            let this = date(due);
            due += draw.days(1, 69);
            this
        });
        repayment.due_dates = Some(dates.collect());
    } else if draw.chance(15) {
        repayment.every = None;
        repayment.billing = Some(Billing {
            billing_day: draw.between(1, 31) as u8,
            due_day: draw.between(1, 31) as u8,
            cutoff: draw.one(&[Cutoff::Included, Cutoff::Next]),
        });
    } else {
        let every = match draw.between(0, 9) {
            0..=4 => Period::Months(1),
            5 => Period::Months(draw.between(2, 12) as u16),
            6 => Period::Days(7 * draw.between(1, 4) as u16),
            7 => Period::Days(draw.between(1, 90) as u16),
            _ => Period::Semimonthly,
        };
        repayment.every = Some(every);
        // Also a little before the start, which is refused.
        repayment.first_due = draw.chance(40).then(|| date(start.days() + draw.days(-1, 75)));
        let has_month_end = !matches!(every, Period::Days(_));
        repayment.month_end =
            (has_month_end && draw.chance(50)).then(|| draw.one(&[MonthEnd::Clamp, MonthEnd::Roll, MonthEnd::Stick]));
    }
    repayment.business_days = draw.chance(15).then(|| business_days(draw, start));
}

/// An amount or a percentage; sometimes all of what it is a part of, which is refused.
fn part(draw: &mut Draw, of: i64) -> FeeSize {
    if draw.chance(50) { FeeSize::Amount(draw.amount(0, of)) } else { FeeSize::Percent(draw.decimal(9_999, 2)) }
}

fn fee(draw: &mut Draw, number: i64) -> Fee {
    Fee {
        code: format!("fee-{number}"),
        payee: draw.one(&["lender", "platform"]).to_owned(),
        size: if draw.chance(50) {
            FeeSize::Amount(draw.amount(0, 5_000))
        } else {
            FeeSize::Percent(draw.decimal(50_000, 4))
        },
        when: draw.one(&[FeeWhen::First, FeeWhen::Each, FeeWhen::Spread]),
    }
}

/// A contract of a method.
pub(crate) fn contract(draw: &mut Draw, method: Method) -> Terms {
    let principal = match draw.between(0, 2) {
        0 => draw.between(1, 500),
        1 => draw.between(1, 10_000_000),
        _ => draw.between(1, 1_000_000_000_000),
    };
    let start = date(draw.days(-20_000, 40_000));
    let count = if method == Method::Single { 1 } else { count(draw) };
    let mut repayment = Repayment::regular(method, count, Period::Months(1));
    dates(draw, start, &mut repayment);
    let (shares, level) = (method.has_shares(), method == Method::EqualInstallment);
    if method == Method::FeeInstallment {
        let percent = Some(draw.decimal(300_000, 4));
        if draw.chance(50) {
            repayment.fee_percent = percent;
        } else {
            repayment.fee_percent_per_period = percent;
        }
        repayment.fee_timing = draw.chance(50).then(|| draw.one(&[FeeTiming::Spread, FeeTiming::First]));
    }
    repayment.down_payment = draw.chance(20).then(|| part(draw, principal));
    if !matches!(method, Method::InterestOnly | Method::Single) {
        repayment.balloon = draw.chance(20).then(|| part(draw, principal));
    }
    if draw.chance(20) {
        repayment.principal_holiday = draw.between(0, i64::from(count) - 1) as u16;
    }
    if draw.chance(15) {
        repayment.interest_free_days = draw.between(1, 100) as u16;
    }
    let with_rate = match method {
        Method::Free => false,
        Method::FeeInstallment => draw.chance(30),
        _ => true,
    };
    Terms {
        currency: Currency::parse(draw.one(&CURRENCIES)).unwrap(),
        principal: Amount::new(principal).unwrap(),
        start,
        rate: with_rate.then(|| rate(draw)),
        repayment,
        rounding: draw.one(&ROUNDINGS),
        level_rounding: (level && draw.chance(50)).then(|| draw.one(&ROUNDINGS)),
        remainder: (shares && draw.chance(60)).then(|| draw.one(&[Remainder::First, Remainder::Last])),
        adjust_installment: level && draw.chance(50),
        fees: (0..if draw.chance(40) { draw.between(1, 3) } else { 0 }).map(|number| fee(draw, number)).collect(),
        after_maturity: None,
    }
}
