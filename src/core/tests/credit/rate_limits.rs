//! The rate solver at its limits: what has no rate, what has several, and the ends of what has one.

use prequal_core::credit::{AprAnswer, AprInput, CreditError, apr};
use serde_json::{Value, json};

const CONVENTIONS: [&str; 5] = ["us_reg_z", "eu_aprc", "uk", "cn_irr", "ifrs_eir"];

fn rate(convention: &str, advances: &Value, payments: &Value) -> Result<AprAnswer, CreditError> {
    let input = json!({"convention": convention, "currency": "USD", "advances": advances, "payments": payments});
    apr(&serde_json::from_value::<AprInput>(input).unwrap())
}

fn exact(convention: &str, advances: &Value, payments: &Value) -> String {
    rate(convention, advances, payments).unwrap().apr_percent_exact
}

fn lent(amount: i64) -> Value {
    json!([{"date": "2024-01-15", "amount": amount}])
}

#[test]
fn flows_that_no_rate_balances() {
    for convention in CONVENTIONS {
        for (advances, payments) in [
            // One flow: nothing is ever paid, or nothing was ever lent.
            (lent(100), json!([{"date": "2024-02-15", "amount": 0}])),
            (lent(0), json!([{"date": "2024-02-15", "amount": 100}])),
            // All zero.
            (lent(0), json!([{"date": "2024-02-15", "amount": 0}, {"date": "2024-03-15", "amount": 0}])),
            // All on one day, also where it balances at every rate.
            (lent(100), json!([{"date": "2024-01-15", "amount": 100}])),
            (lent(100), json!([{"date": "2024-01-15", "amount": 90}])),
            // A millionfold after a week and a hundred-millionth after a year lie outside the bounds.
            (lent(100), json!([{"date": "2024-01-22", "amount": 100_000_000}])),
            (lent(1_000_000_000_000), json!([{"date": "2025-01-15", "amount": 1}])),
        ] {
            assert_eq!(rate(convention, &advances, &payments), Err(CreditError::NoRate), "{convention} {payments}");
        }
    }
}

/// A list in any order is the same list, and a payment before the first advance is refused wherever it stands.
#[test]
fn dates_out_of_order() {
    let sorted = json!([{"date": "2024-02-15", "amount": 30}, {"date": "2024-03-15", "amount": 40}, {"date": "2024-04-15", "amount": 50}]);
    let mixed = json!([{"date": "2024-04-15", "amount": 50}, {"date": "2024-02-15", "amount": 30}, {"date": "2024-03-15", "amount": 40}]);
    let advances = json!([{"date": "2024-02-20", "amount": 10}, {"date": "2024-01-15", "amount": 100}]);
    for convention in CONVENTIONS {
        assert_eq!(rate(convention, &lent(110), &sorted), rate(convention, &lent(110), &mixed), "{convention}");
        assert!(rate(convention, &advances, &mixed).is_ok(), "{convention}");
        let early = json!([{"date": "2024-04-15", "amount": 50}, {"date": "2024-01-14", "amount": 1}]);
        let refused = rate(convention, &lent(110), &early).unwrap_err();
        assert_eq!(refused, CreditError::PaymentBeforeAdvance(super::date("2024-01-14")), "{convention}");
    }
}

/// Yearly flows whose present value is Π (q·v − p): one root at each v = p/q, a rate of q/p − 1.
fn with_roots(roots: &[(i64, i64)], times: &[i64]) -> (Value, Value) {
    let mut coefficients = vec![1_i64];
    let mut multiply = |factor: &[i64]| {
        let mut product = vec![0; coefficients.len() + factor.len() - 1];
        for (i, one) in coefficients.iter().enumerate() {
            for (j, other) in factor.iter().enumerate() {
                product[i + j] += one * other;
            }
        }
        coefficients = product;
    };
    for (p, q) in roots {
        multiply(&[-p, *q]);
    }
    multiply(times);
    // The first flow must be an advance.
    let sign = -coefficients[0].signum();
    let (mut advances, mut payments) = (Vec::new(), Vec::new());
    for (year, value) in coefficients.iter().map(|value| value * sign * 1_000).enumerate() {
        let flow = json!({"years": year.to_string(), "amount": value.abs()});
        if value < 0 { advances.push(flow) } else { payments.push(flow) }
    }
    (json!(advances), json!(payments))
}

/// −50 %, −10 %, 0, 5 %, 10 %, 25 %, 100 % and 1,310 %, as 1/(1 + rate) = p/q.
const ROOTS: [(i64, i64, &str); 8] = [
    (2, 1, "-50.000000"),
    (10, 9, "-10.000000"),
    (1, 1, "0.000000"),
    (20, 21, "5.000000"),
    (10, 11, "10.000000"),
    (4, 5, "25.000000"),
    (1, 2, "100.000000"),
    (10, 141, "1310.000000"),
];

/// However often the signs change, one rate is found, and two or three are named as several.
#[test]
fn alternating_signs_with_one_root_and_with_several() {
    // Factors without a root among the rates: v² + 1, and two payments a year apart, 2 + v.
    for factor in [&[1][..], &[1, 0, 1], &[2, 1], &[3, -1, 1]] {
        for (index, (p, q, percent)) in ROOTS.iter().enumerate() {
            let (advances, payments) = with_roots(&[(*p, *q)], factor);
            for convention in ["eu_aprc", "uk", "ifrs_eir"] {
                assert_eq!(exact(convention, &advances, &payments), *percent, "{convention} {factor:?}");
            }
            for (place, (p2, q2, other)) in ROOTS.iter().enumerate().skip(index + 1) {
                let (advances, payments) = with_roots(&[(*p, *q), (*p2, *q2)], factor);
                let several = rate("eu_aprc", &advances, &payments);
                assert_eq!(several, Err(CreditError::SeveralRates), "{percent} and {other}, {factor:?}");
                for (p3, q3, third) in ROOTS.iter().skip(place + 1) {
                    let (advances, payments) = with_roots(&[(*p, *q), (*p2, *q2), (*p3, *q3)], factor);
                    let several = rate("eu_aprc", &advances, &payments);
                    assert_eq!(several, Err(CreditError::SeveralRates), "{percent}, {other} and {third}, {factor:?}");
                }
            }
        }
    }
}

/// By definition: what a year, a unit-period or a month makes of 100 is the rate.
#[test]
fn rates_at_both_ends() {
    let year = |amount: i64| json!([{"date": "2025-01-15", "amount": amount}]);
    // −99.9 %, −50 %, nothing, 1,310 % and 999,900 % by the year that lies between the dates.
    for (paid, percent) in [
        (100, "-99.900000"),
        (50_000, "-50.000000"),
        (100_000, "0.000000"),
        (1_410_000, "1310.000000"),
        (1_000_000_000, "999900.000000"),
    ] {
        assert_eq!(exact("eu_aprc", &lent(100_000), &year(paid)), percent);
        assert_eq!(exact("us_reg_z", &lent(100_000), &year(paid)), percent);
    }
    // A month that multiplies by k costs 1200 · (k − 1) % by the month.
    let month = |amount: i64| json!([{"date": "2024-02-15", "amount": amount}]);
    for (paid, percent) in [(91_750, "-99.000000"), (101_000, "12.000000"), (209_167, "1310.004000")] {
        assert_eq!(exact("cn_irr", &lent(100_000), &month(paid)), percent);
        assert_eq!(exact("us_reg_z", &lent(100_000), &month(paid)), percent);
    }
}

/// 600 instalments of interest alone, and the principal with the last: the rate is the rate of interest, whatever the
/// length.
#[test]
fn six_hundred_instalments() {
    let monthly = json!([
        {"date": "2024-02-15", "amount": 10_000, "count": 600, "every": "P1M"},
        {"date": "2074-01-15", "amount": 1_000_000}
    ]);
    for convention in ["us_reg_z", "cn_irr"] {
        assert_eq!(exact(convention, &lent(1_000_000), &monthly), "12.000000", "{convention}");
    }
    // (1.01)^12 − 1.
    assert_eq!(exact("eu_aprc", &lent(1_000_000), &monthly), "12.682503");
}

/// What is paid on the day of the advance lessens it: 100 with 20 paid at once is 80.
#[test]
fn a_first_payment_on_the_day_of_the_advance() {
    let at_once = json!([{"date": "2024-01-15", "amount": 2_000, "count": 5, "every": "P1M"}]);
    let less = json!([{"date": "2024-02-15", "amount": 2_000, "count": 4, "every": "P1M"}]);
    for convention in CONVENTIONS {
        assert_eq!(rate(convention, &lent(9_900), &at_once), rate(convention, &lent(7_900), &less), "{convention}");
    }
}

/// Seven payments in as many months at 238,688 % a year: a discount for a day multiplied up to 204 times had the
/// rounding of that day in the sixth decimal. The digits are those of bisection with 256 binary places.
#[test]
fn the_sixth_decimal_of_a_rate_by_days() {
    let flow = |date: &str, amount: i64| json!({"date": date, "amount": amount});
    let advances = json!([flow("1989-06-10", 6_599_644)]);
    let payments = json!([
        flow("1989-11-28", 6_363_942),
        flow("1989-09-16", 5_260_858),
        flow("1989-09-03", 5_176_006),
        flow("1989-12-31", 7_467_025),
        flow("1989-07-29", 10_012_602),
        flow("1989-09-13", 7_212_467),
        flow("1989-11-05", 8_485_256)
    ]);
    assert_eq!(exact("ifrs_eir", &advances, &payments), "238688.269566");
}
