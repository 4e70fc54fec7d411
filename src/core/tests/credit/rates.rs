//! Annual percentage rates: the regulations' own examples, other publishers', and the solver's limits.

use prequal_core::{
    calendar::DayCount,
    credit::{AprInput, Convention, CreditError, Method, Rate, apr, apr_of_plan, schedule},
    decimal::Decimal,
    money::Amount,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::terms;

fn try_rate(
    convention: &str,
    advances: Value,
    payments: Value,
) -> Result<prequal_core::credit::AprAnswer, CreditError> {
    let input = json!({"convention": convention, "currency": "USD", "advances": advances, "payments": payments});
    apr(&serde_json::from_value::<AprInput>(input).unwrap())
}

fn rate(convention: &str, advances: Value, payments: Value) -> String {
    try_rate(convention, advances, payments).unwrap().apr_percent
}

/// Date and amount.
type Advance = (&'static str, i64);
/// First date, amount, count, step.
type Series = (&'static str, i64, u16, &'static str);

fn reg_z(advance: (&str, i64), series: &[Series]) -> String {
    let payments = series
        .iter()
        .map(|(date, amount, count, every)| json!({"date": date, "amount": amount, "count": count, "every": every}))
        .collect::<Vec<_>>();
    rate("us_reg_z", json!([{"date": advance.0, "amount": advance.1}]), json!(payments))
}

/// Every example of 12 CFR 1026, Appendix J (c)(1)–(5), without naming the unit-period: it is found.
#[test]
fn the_examples_of_appendix_j() {
    let cases: [(&str, &str, Advance, &[Series]); 15] = [
        ("(c)(1)(i)", "9.69", ("1978-01-10", 500_000), &[("1978-02-10", 23_000, 24, "P1M")]),
        ("(c)(1)(ii)", "11.82", ("1978-02-10", 600_000), &[("1978-04-01", 20_000, 36, "P1M")]),
        ("(c)(1)(iii)", "10.34", ("1978-02-23", 500_000), &[("1978-03-01", 21_917, 24, "semimonthly")]),
        ("(c)(1)(iv)", "8.97", ("1978-05-23", 1_000_000), &[("1978-10-01", 38_500, 40, "P3M")]),
        ("(c)(1)(v)", "14.96", ("1978-03-20", 50_000), &[("1978-04-21", 1_760, 30, "P1W")]),
        (
            "(c)(2)(i)",
            "10.08",
            ("1978-01-10", 500_000),
            &[("1978-02-10", 25_000, 1, "P1M"), ("1978-03-10", 23_000, 23, "P1M")],
        ),
        (
            "(c)(2)(ii)",
            "28.50",
            ("1978-03-18", 40_000),
            &[("1978-04-20", 3_950, 1, "P4W"), ("1978-05-18", 3_831, 11, "P4W")],
        ),
        (
            "(c)(3)(i)",
            "10.50",
            ("1978-01-10", 500_000),
            &[("1978-02-10", 23_000, 23, "P1M"), ("1980-01-10", 28_000, 1, "P1M")],
        ),
        (
            "(c)(3)(ii)",
            "12.22",
            ("1978-04-03", 20_000),
            &[("1978-04-11", 950, 19, "P2W"), ("1979-01-02", 3_000, 1, "P2W")],
        ),
        (
            "(c)(4)(i)",
            "10.90",
            ("1978-01-10", 500_000),
            &[("1978-02-10", 25_000, 1, "P1M"), ("1978-03-10", 23_000, 22, "P1M"), ("1980-01-10", 28_000, 1, "P1M")],
        ),
        (
            "(c)(4)(ii)",
            "7.30",
            ("1978-01-10", 800_000),
            &[("1978-03-01", 44_936, 1, "P2M"), ("1978-05-01", 46_500, 18, "P2M"), ("1981-05-01", 20_000, 1, "P2M")],
        ),
        ("(c)(5)(i)", "11.45", ("1978-01-03", 100_000), &[("1978-09-15", 108_000, 1, "P1D")]),
        ("(c)(5)(ii)", "8.80", ("1978-07-15", 100_000), &[("1979-01-15", 104_400, 1, "P1D")]),
        ("(c)(5)(iii)", "8.76", ("1978-01-17", 100_000), &[("1979-07-17", 113_519, 1, "P1D")]),
        ("(c)(5)(iv)", "11.36", ("1978-01-10", 100_000), &[("1980-01-10", 124_000, 1, "P1D")]),
    ];
    for (name, expected, advance, series) in cases {
        assert_eq!(reg_z(advance, series), expected, "{name}");
    }
}

/// FSharp.Finance.Personal's published tests of the same appendix, confirmed there with a spreadsheet.
#[test]
fn other_published_answers_by_appendix_j() {
    for (expected, advance, series) in [
        ("9.15", ("1978-06-23", 1_000_000), ("1978-10-01", 38_500, 40, "P3M")),
        ("9.32", ("1978-07-23", 1_000_000), ("1978-10-01", 38_500, 40, "P3M")),
        ("94.15", ("2023-10-26", 100_000), ("2023-11-30", 22_000, 5, "P1D")),
        ("176.52", ("2023-10-28", 100_000), ("2023-11-30", 25_000, 5, "P1W")),
        ("412.40", ("2023-11-23", 100_000), ("2023-11-30", 25_000, 5, "P1W")),
        ("434.30", ("2023-11-24", 100_000), ("2023-11-30", 25_000, 5, "P1W")),
        ("78.34", ("2023-10-26", 100_000), ("2023-11-30", 50_000, 5, "P12M")),
    ] {
        assert_eq!(reg_z(advance, &[series]), expected);
    }
}

/// Payments listed one by one get the unit-period of the series they form, also semimonthly and at month ends.
#[test]
fn a_list_of_payments_is_understood_as_the_series_it_is() {
    for (start, first, every, count, amount) in [
        ("1978-02-23", "1978-03-01", "semimonthly", 24, 21_917),
        ("2024-01-31", "2024-02-29", "P1M", 12, 45_000),
        ("2024-01-30", "2024-02-29", "P1M", 12, 45_000),
        ("2024-03-01", "2024-03-08", "P1W", 30, 18_000),
    ] {
        let advance = json!([{"date": start, "amount": 500_000}]);
        let series = json!([{"date": first, "amount": amount, "count": count, "every": every}]);
        let step = prequal_core::calendar::Period::parse(every).unwrap();
        let listed = (0..count)
            .map(|index| {
                let date = step.nth(super::date(first), index, prequal_core::calendar::MonthEnd::Clamp).unwrap();
                json!({"date": date, "amount": amount})
            })
            .collect::<Vec<_>>();
        assert_eq!(
            try_rate("us_reg_z", advance.clone(), series).unwrap(),
            try_rate("us_reg_z", advance, json!(listed)).unwrap(),
            "{start} {every}"
        );
    }
}

/// A loan from 31 January paid on the last day of each month has no odd days: 12 % a year is 1 % a month.
#[test]
fn months_are_measured_from_last_day_to_last_day() {
    let payments = ["2025-02-28", "2025-03-31", "2025-04-30"].map(|date| json!({"date": date, "amount": 1_000}));
    let mut payments = payments.to_vec();
    payments.push(json!({"date": "2025-05-31", "amount": 101_000}));
    assert_eq!(rate("us_reg_z", json!([{"date": "2025-01-31", "amount": 100_000}]), json!(payments)), "12.00");
}

/// FSharp.Finance.Personal's published UK rates: 317.26 at 0.798 % a day in four, 500 in two, 500 for five days.
#[test]
fn published_answers_by_the_uk_rule() {
    let dated = |flows: &[(&str, i64)]| {
        json!(flows.iter().map(|(date, amount)| json!({"date": date, "amount": amount})).collect::<Vec<_>>())
    };
    for (expected, advance, payments) in [
        (
            "1310.0",
            ("2025-04-01", 31_726),
            &[("2025-04-09", 11_343), ("2025-05-09", 11_343), ("2025-06-09", 11_343), ("2025-07-09", 11_340)][..],
        ),
        ("84.6", ("2012-10-10", 50_000), &[("2012-11-10", 27_000), ("2012-12-10", 27_000)]),
        ("324.4", ("2012-10-10", 50_000), &[("2012-10-15", 51_000)]),
    ] {
        assert_eq!(rate("uk", dated(&[advance]), dated(payments)), expected);
    }
}

/// By definition: a payment of 110.05 for 100 a year before is 10.05 %, a tie at one decimal that goes up
/// although no double holds it; 9.4449999 % is shown as 9.445000 and as 9.44, not as 9.45.
#[test]
fn halves_go_up_from_the_root_itself() {
    let one_year = |amount: i64, advance: i64| {
        let answer =
            try_rate("eu_aprc", json!([{"years": "0", "amount": advance}]), json!([{"years": "1", "amount": amount}]))
                .unwrap();
        (answer.apr_percent, answer.apr_percent_exact)
    };
    assert_eq!(one_year(110_050, 100_000), ("10.1".into(), "10.050000".into()));
    assert_eq!(one_year(110_049, 100_000), ("10.0".into(), "10.049000".into()));
    for tenths in 0..2_000_i64 {
        // Every rate of n.n5 %, from 0.05 to 199.95.
        let (shown, _) = one_year(100_000 + tenths * 100 + 50, 100_000);
        assert_eq!(shown, format!("{}.{}", (tenths + 1) / 10, (tenths + 1) % 10));
    }
    let trap = try_rate(
        "ifrs_eir",
        json!([{"date": "2023-01-01", "amount": 1_000_000_000}]),
        json!([{"date": "2024-01-01", "amount": 1_094_449_999}]),
    )
    .unwrap();
    assert_eq!((trap.apr_percent.as_str(), trap.apr_percent_exact.as_str()), ("9.44", "9.445000"));
}

/// One advance and one payment a tenth larger: (1 + X)^t = 1.1, so the time shows in the rate. Payments
/// of one cent before it say what series it belongs to and move the rate by nothing that shows.
fn european_time(from: &str, payments: &[&str]) -> String {
    let (last, earlier) = payments.split_last().unwrap();
    let mut flows: Vec<Value> = earlier.iter().map(|date| json!({"date": date, "amount": 1})).collect();
    flows.push(json!({"date": last, "amount": 1_100_000_000_000_000_i64}));
    let advance = json!([{"date": from, "amount": 1_000_000_000_000_000_i64}]);
    try_rate("eu_aprc", advance, json!(flows)).unwrap().apr_percent_exact
}

fn percent_of_time(years: f64) -> String {
    format!("{:.6}", (1.1_f64.powf(1.0 / years) - 1.0) * 100.0)
}

/// The European Commission's guidelines on the annex (2015), examples of counting time in months and days:
/// the days lie over the year that ends on their last day.
#[test]
fn european_months_and_days() {
    for (from, to, years) in [
        ("2019-01-12", "2020-01-12", 1.0),
        ("2012-01-12", "2012-02-15", 1.0 / 12.0 + 3.0 / 365.0),
        ("2012-01-12", "2012-04-15", 3.0 / 12.0 + 3.0 / 365.0),
        ("2013-01-12", "2013-02-15", 1.0 / 12.0 + 3.0 / 366.0),
        ("2013-01-12", "2013-04-15", 3.0 / 12.0 + 3.0 / 366.0),
        ("2013-02-25", "2013-03-28", 1.0 / 12.0 + 3.0 / 366.0),
        ("2013-02-26", "2013-03-29", 1.0 / 12.0 + 2.0 / 366.0),
        ("2012-02-26", "2012-03-29", 1.0 / 12.0 + 3.0 / 366.0),
        ("2024-12-31", "2025-02-28", 2.0 / 12.0),
        ("2024-02-28", "2024-03-31", 1.0 / 12.0 + 1.0 / 366.0),
        ("2024-01-31", "2025-02-28", 13.0 / 12.0),
        // A payment alone after whole weeks: weeks.
        ("2012-01-12", "2012-01-26", 2.0 / 52.0),
    ] {
        assert_eq!(european_time(from, &[to]), percent_of_time(years), "{from} {to}");
    }
    // 63 days are nine weeks, but in a monthly series they are two months and three days.
    let monthly = european_time("2012-01-12", &["2012-02-15", "2012-03-15"]);
    assert_eq!(monthly, percent_of_time(2.0 / 12.0 + 3.0 / 365.0));
    // In a weekly series the days left over stand beside weeks.
    let weekly = european_time("2012-01-12", &["2012-01-23", "2012-01-30"]);
    assert_eq!(weekly, percent_of_time(2.0 / 52.0 + 4.0 / 365.0));
    let alone = european_time("2012-01-12", &["2012-03-15"]);
    assert_eq!(alone, percent_of_time(9.0 / 52.0));
}

#[test]
fn no_rate_and_several_rates_are_named() {
    let advance = json!([{"date": "2024-01-01", "amount": 100_000}]);
    let yearly = |flows: &[(&str, i64)]| {
        json!(flows.iter().map(|(years, amount)| json!({"years": years, "amount": amount})).collect::<Vec<_>>())
    };
    for convention in ["us_reg_z", "eu_aprc", "uk", "cn_irr", "ifrs_eir"] {
        let rate = |payments: Value| try_rate(convention, advance.clone(), payments);
        // Nothing is ever paid; or all on the day of the advance.
        assert_eq!(rate(json!([{"date": "2024-02-01", "amount": 0}])), Err(CreditError::NoRate), "{convention}");
        assert_eq!(rate(json!([{"date": "2024-01-01", "amount": 110_000}])), Err(CreditError::NoRate));
        // A hundredfold after a day passes a million per cent a year by every rule that compounds daily or yearly.
        assert_eq!(rate(json!([{"date": "2024-01-02", "amount": 100_000_000}])), Err(CreditError::NoRate));
        assert_eq!(
            rate(json!([{"date": "2023-12-31", "amount": 1}])),
            Err(CreditError::PaymentBeforeAdvance(super::date("2023-12-31")))
        );
        assert_eq!(rate(json!([{"date": "2024-07-01", "amount": 100_000}])).unwrap().apr_percent_exact, "0.000000");
        let negative = rate(json!([{"date": "2024-07-01", "amount": 99_000}])).unwrap().apr_percent_exact;
        assert!(negative.starts_with('-'), "{convention} {negative}");
    }
    // −100 + 230 v − 132 v²: roots of 10 % and 20 %.
    let two = try_rate("eu_aprc", yearly(&[("0", 100), ("2", 132)]), yearly(&[("1", 230)]));
    assert_eq!(two, Err(CreditError::SeveralRates));
    // Close together: 10 % and 10.1 %. −1 + (1.1 + 1.101) v − 1.1 · 1.101 v².
    let near = try_rate("eu_aprc", yearly(&[("0", 1_000_000), ("2", 1_211_100)]), yearly(&[("1", 2_201_000)]));
    assert_eq!(near, Err(CreditError::SeveralRates));
    // Two changes of sign and no real root: −100 + 200 v − 120 v².
    let none = try_rate("eu_aprc", yearly(&[("0", 100), ("2", 120)]), yearly(&[("1", 200)]));
    assert_eq!(none, Err(CreditError::NoRate));
    // Three changes and one root in range: (v − 1/1.1)(v² + 1).
    let one = try_rate("eu_aprc", yearly(&[("0", 1_000), ("2", 1_000)]), yearly(&[("1", 1_100), ("3", 1_100)]));
    assert_eq!(one.unwrap().apr_percent_exact, "10.000000");
}

/// 600 instalments, a first payment on the day of the advance, and a second draw.
#[test]
fn long_and_odd_flows_have_a_rate() {
    let long = try_rate(
        "us_reg_z",
        json!([{"date": "2024-01-01", "amount": 10_000_000}]),
        json!([{"date": "2024-02-01", "amount": 60_000, "count": 600, "every": "P1M"}]),
    );
    // 100,000 at 600 a month for 50 years: the annuity formula gives 6.797…% (checked by substitution below).
    let percent: f64 = long.unwrap().apr_percent_exact.parse().unwrap();
    let monthly = percent / 1200.0;
    let present = 60_000.0 * (1.0 - (1.0 + monthly).powi(-600)) / monthly;
    assert!((present - 10_000_000.0).abs() < 1.0, "{percent} {present}");

    let at_once = rate(
        "us_reg_z",
        json!([{"date": "2024-01-01", "amount": 40_000}]),
        json!([{"date": "2024-01-01", "amount": 10_000, "count": 4, "every": "P2W"}]),
    );
    assert_eq!(at_once, "0.00");

    // Two draws of 1,000 at 1 % a month: 1,000 · 1.01² + 1,000 · 1.01 = 2,030.10 after two months.
    let mut draws = json!({
        "convention": "us_reg_z", "unit_period": "P1M", "currency": "USD",
        "advances": [{"date": "2024-01-10", "amount": 1_000_000}, {"date": "2024-02-10", "amount": 1_000_000}],
        "payments": [{"date": "2024-03-10", "amount": 2_030_100}]
    });
    let rate = |draws: &Value| apr(&serde_json::from_value::<AprInput>(draws.clone()).unwrap()).unwrap();
    assert_eq!(rate(&draws).apr_percent_exact, "12.000000");
    // Left to (b)(4)(i)(B), with no common period: one of 31 days and one of 60 average 45.5 days, equally
    // near 6 and 7 weeks, so the unit-period is 6 weeks.
    draws["unit_period"] = json!("P6W");
    let six_weeks = rate(&draws);
    draws.as_object_mut().unwrap().remove("unit_period");
    assert_eq!(rate(&draws), six_weeks);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The short way from a plan gives what the long way through dates and series gives; and what a slow
    /// bisection finds.
    #[test]
    fn a_plan_has_the_rate_of_its_flows(
        principal in 10_000_i64..10_000_000,
        count in 1_u16..=60,
        hundredths in 1_i64..30_000,
        start in 19_000_i32..25_000,
        upfront in 0_i64..2_000,
    ) {
        let mut plan = terms(Method::EqualInstallment, principal, count, "0");
        plan.start = prequal_core::calendar::Date::from_days(start).unwrap();
        plan.rate = Some(Rate::annual(Decimal::new(hundredths, 2).unwrap(), DayCount::Actual365));
        let made = schedule(&plan).unwrap();
        for (convention, name) in [
            (Convention::UsRegZ, "us_reg_z"),
            (Convention::EuAprc, "eu_aprc"),
            (Convention::Uk, "uk"),
            (Convention::CnIrr, "cn_irr"),
            (Convention::IfrsEir, "ifrs_eir"),
        ] {
            let short = apr_of_plan(
                convention, None, plan.start, plan.principal, Amount::new(upfront).unwrap(), &made.installments,
            );
            let mut payments = vec![json!({"date": plan.start, "amount": upfront})];
            payments.extend(made.installments.iter().map(|row| json!({"date": row.due, "amount": row.total})));
            let long = try_rate(name, json!([{"date": plan.start, "amount": principal}]), json!(payments));
            prop_assert_eq!(&short, &long);
            if convention == Convention::IfrsEir {
                let exact: f64 = short.unwrap().apr_percent_exact.parse().unwrap();
                let present = |percent: f64| -> f64 {
                    made.installments.iter().map(|row| {
                        let years = f64::from(row.due.days() - start) / 365.0;
                        row.total.minor() as f64 * (1.0 + percent / 100.0).powf(-years)
                    }).sum::<f64>() + upfront as f64 - principal as f64
                };
                let (mut low, mut high) = (-50.0, 1e6);
                for _ in 0..200 {
                    let middle = (low + high) / 2.0;
                    if present(middle) > 0.0 { low = middle } else { high = middle }
                }
                prop_assert!((exact - low).abs() < 1e-6, "{} {}", exact, low);
            }
        }
    }
}
