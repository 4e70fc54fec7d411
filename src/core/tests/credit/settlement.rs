//! What happens to a loan after disbursement, by the rules that its data state.

use prequal_core::credit::{Parts, Payoff, PayoffInput, payoff};
use serde_json::{Value, json};

use super::amount;

fn ask(question: Value) -> Result<Payoff, String> {
    let input: PayoffInput = serde_json::from_value(question).map_err(|error| error.to_string())?;
    payoff(&input).map_err(|error| error.to_string())
}

fn with(mut question: Value, fields: Value) -> Value {
    for (field, value) in fields.as_object().unwrap() {
        question[field] = value.clone();
    }
    question
}

/// What each instalment still asks for.
fn unpaid(answer: &Payoff) -> Vec<i64> {
    answer
        .installments
        .iter()
        .map(|row| row.owed.total().unwrap().minor() - row.paid.total().unwrap().minor())
        .collect()
}

/// 500.00 in four, every two weeks, free of charge.
fn pay_in_four() -> Value {
    json!({
        "terms": {"currency": "USD", "principal": 50_000, "start": "2026-01-05",
            "repayment": {"method": "free", "count": 4, "every": "P2W"}},
        "date": "2026-01-06"
    })
}

/// 10,000.00 in ten equal principals at 0.05 % a day; the mechanics published for WeBank's Weilidai.
fn daily() -> Value {
    json!({
        "terms": {"currency": "CNY", "principal": 1_000_000, "start": "2026-01-01",
            "rate": {"daily_percent": "0.05"},
            "repayment": {"method": "equal_principal", "count": 10, "every": "P1M"}},
        "date": "2026-02-11"
    })
}

/// 1,200.00 in twelve level instalments at 12 % by 30/360.
fn level() -> Value {
    json!({
        "terms": {"currency": "EUR", "principal": 120_000, "start": "2026-01-01",
            "rate": {"annual_percent": "12", "day_count": "30/360"},
            "repayment": {"method": "equal_installment", "count": 12, "every": "P1M"}},
        "date": "2026-01-01"
    })
}

/// A refund of 300 on 500 in four with nothing paid, by each rule (Afterpay: the last first).
#[test]
fn a_refund_of_300_on_500_in_four_by_each_rule() {
    for (order, left) in [
        ("last_first", [12_500, 7_500, 0, 0]),
        ("first_first", [0, 0, 7_500, 12_500]),
        ("pro_rata", [5_000, 5_000, 5_000, 5_000]),
    ] {
        let refund = json!([{"type": "refund", "date": "2026-01-06", "amount": 30_000}]);
        let answer = ask(with(pay_in_four(), json!({"refund": {"order": order}, "events": refund}))).unwrap();
        assert_eq!(unpaid(&answer), left, "{order}");
        assert_eq!(answer.total, amount(20_000));
        let parts: i64 = answer.installments.iter().map(|row| row.owed.principal.minor()).sum();
        assert_eq!(parts, 20_000, "{order}");
        assert_eq!(answer.installments.last().unwrap().balance, amount(0));
    }
}

#[test]
fn refunds_are_repeated_until_nothing_is_left_and_refused_beyond() {
    for order in ["last_first", "first_first", "pro_rata"] {
        let refund = |minor: i64| json!({"type": "refund", "date": "2026-01-06", "amount": minor, "order": order});
        let thirds = json!([refund(16_667), refund(16_667), refund(16_666)]);
        let answer = ask(with(pay_in_four(), json!({"events": thirds}))).unwrap();
        assert_eq!((answer.total, answer.unapplied), (amount(0), amount(0)));
        assert!(answer.installments.iter().all(|row| row.owed.total() == Ok(amount(0))));
        let over = json!([refund(50_000), refund(1)]);
        let error = ask(with(pay_in_four(), json!({"events": over}))).unwrap_err();
        assert_eq!(error, "refunds must not exceed what was lent: at most 0 minor units can still be refunded");
    }
}

/// What was paid before comes back: 125.00 paid, everything returned, 125.00 owed back.
#[test]
fn a_full_refund_owes_back_what_was_paid() {
    let events = json!([
        {"type": "repayment", "date": "2026-01-19", "amount": 12_500},
        {"type": "refund", "date": "2026-01-20", "amount": 50_000},
    ]);
    let answer = ask(with(pay_in_four(), json!({"date": "2026-01-20", "events": events}))).unwrap();
    assert_eq!((answer.total, answer.unapplied), (amount(0), amount(12_500)));
}

/// Baitiao: a refund does not return fees. Where the rule returns them, a full refund returns all.
#[test]
fn fees_and_interest_come_back_only_where_the_rule_says_so() {
    let fees = |question: Value| {
        with(
            question,
            json!({"terms": {"currency": "CNY", "principal": 120_000, "start": "2026-01-01",
                "repayment": {"method": "fee_installment", "count": 12, "every": "P1M", "fee_percent_per_period": "1"}},
                "date": "2026-02-01",
                "events": [{"type": "repayment", "date": "2026-02-01", "amount": 11_200},
                           {"type": "refund", "date": "2026-02-01", "amount": 120_000}]}),
        )
    };
    let kept = ask(fees(json!({}))).unwrap();
    // Eleven fees of 12.00 remain; the principal paid, 100.00, pays part of them.
    assert_eq!((kept.principal, kept.fee, kept.unapplied), (amount(0), amount(3_200), amount(0)));
    let returned = ask(fees(json!({"refund": {"fees_refunded": true}}))).unwrap();
    assert_eq!((returned.total, returned.unapplied), (amount(0), amount(11_200)));

    let interest = |rule: Value| {
        let events = json!([{"type": "repayment", "date": "2026-02-01", "amount": 10_662},
                            {"type": "refund", "date": "2026-02-16", "amount": 120_000}]);
        ask(with(level(), json!({"date": "2026-02-16", "refund": rule, "events": events}))).unwrap()
    };
    assert_eq!(interest(json!({"interest_refunded": true})).unapplied, amount(10_662));
    // Affirm: paid interest is not refunded. 12.00 and half a month on 1,105.38 (5.92 of 15/28 by days elapsed) stay.
    let kept = interest(json!({}));
    assert_eq!((kept.total, kept.unapplied.minor()), (amount(0), 10_662 - 1_200 - 592));
}

/// Weilidai (published mechanics): overdue principal × rate × 1.5 × days, in place of interest on it.
#[test]
fn weilidai_overdue_is_overdue_principal_times_rate_times_one_and_a_half_times_days() {
    let penalty = json!({"multiple": "1.5", "mode": "in_place", "base": "overdue_principal"});
    let answer = ask(with(daily(), json!({"penalty": penalty}))).unwrap();
    // 1,000.00 × 0.05 % × 1.5 × 10 days = 7.50.
    assert_eq!(answer.penalty, amount(750));
    assert_eq!(answer.overdue.principal, amount(100_000));
    // January on 10,000.00, then ten days on the 9,000.00 that are not overdue.
    assert_eq!(answer.interest, amount(15_500 + 4_500));
    let beside = json!({"multiple": "1.5", "mode": "in_addition", "base": "overdue_principal"});
    assert_eq!(ask(with(daily(), json!({"penalty": beside}))).unwrap().interest, amount(15_500 + 5_000));
}

/// Jintiao (published mechanics): the penalty rate replaces interest, on all unpaid principal.
#[test]
fn jintiao_penalty_replaces_interest_on_all_principal() {
    let penalty = json!({"rate": {"daily_percent": "0.06"}, "mode": "in_place", "base": "all_principal"});
    let answer = ask(with(daily(), json!({"penalty": penalty}))).unwrap();
    // 10,000.00 × 0.06 % × 10 days, and no interest but January's.
    assert_eq!((answer.penalty, answer.interest), (amount(6_000), amount(15_500)));
}

#[test]
fn the_overdue_amount_counts_interest_and_compounds_only_where_contract_and_law_allow() {
    let penalty = |compounding: bool, law: bool| {
        json!({"rate": {"daily_percent": "0.1"}, "mode": "in_addition", "base": "overdue_amount",
               "compounding": compounding, "law_allows_compounding": law})
    };
    let on = |date: &str, penalty: Value| ask(with(daily(), json!({"date": date, "penalty": penalty})));
    // 1,155.00 × 0.1 % × 10.
    assert_eq!(on("2026-02-11", penalty(false, false)).unwrap().penalty, amount(1_155));
    // By 1 March 28 days: 32.34. The next ten days bear on 1,155.00 and on 1,140.00 of the second; compounding
    // adds 32.34 × 1 % = 0.32.
    assert_eq!(on("2026-03-11", penalty(false, false)).unwrap().penalty, amount(3_234 + 1_155 + 1_140));
    assert_eq!(on("2026-03-11", penalty(true, true)).unwrap().penalty, amount(3_234 + 1_187 + 1_140));
    let refused = on("2026-03-11", penalty(true, false)).unwrap_err();
    assert_eq!(refused, "`compounding` does not apply: no charge compounds unless contract and law both allow it");
}

#[test]
fn days_of_grace_are_free_or_charged_after_all() {
    let on = |date: &str, grace: &str, events: Value| {
        let penalty = json!({"rate": {"daily_percent": "0.1"}, "mode": "in_addition", "base": "overdue_principal",
                             "grace_days": 3, "grace": grace});
        ask(with(daily(), json!({"date": date, "penalty": penalty, "events": events}))).unwrap().penalty.minor()
    };
    // 1,000.00 × 0.1 % = 1.00 a day.
    for (date, free, retroactive) in [("2026-02-04", 0, 0), ("2026-02-05", 100, 400), ("2026-02-11", 700, 1_000)] {
        assert_eq!(on(date, "free", json!([])), free, "{date}");
        assert_eq!(on(date, "retroactive", json!([])), retroactive, "{date}");
    }
    let in_time = json!([{"type": "repayment", "date": "2026-02-04", "amount": 115_500}]);
    assert_eq!(on("2026-02-20", "retroactive", in_time), 0);
    let half = json!([{"type": "repayment", "date": "2026-02-03", "amount": 65_500}]);
    // Two days on 1,000.00 and two on 500.00.
    assert_eq!(on("2026-02-05", "retroactive", half), 300);
}

#[test]
fn a_penalty_keeps_its_ceilings_and_says_what_was_not_charged() {
    let ceiling = |field: &str, percent: &str| {
        let mut penalty = json!({"rate": {"daily_percent": "0.1"}, "mode": "in_addition", "base": "overdue_principal"});
        penalty[field] = json!(percent);
        ask(with(daily(), json!({"penalty": penalty}))).unwrap()
    };
    // 24 % a year of actual days over 365: 1,000.00 × 24 % × 10/365 = 6.58.
    assert_eq!(ceiling("ceiling_annual_percent", "24").penalty, amount(658));
    let capped = ceiling("ceiling_percent_of_principal", "0.04");
    assert_eq!(capped.penalty, amount(400));
    let [refused] = &capped.not_charged[..] else { panic!("one charge was cut") };
    assert_eq!((refused.amount, refused.cap.as_str()), (amount(600), "contract"));
    // The same by a ceiling of the law, on penalties and late fees together.
    let cap = json!([{"id": "default_cost", "from": "2025-01-01", "counts": ["penalty", "late_fee"], "amount": 500}]);
    let penalty = json!({"rate": {"daily_percent": "0.1"}, "mode": "in_addition", "base": "overdue_principal"});
    let by_law = ask(with(daily(), json!({"penalty": penalty, "caps": cap}))).unwrap();
    assert_eq!((by_law.penalty, by_law.not_charged[0].cap.as_str()), (amount(500), "default_cost"));
}

/// Afterpay (Australia, published): from 40 dollars 10, and 7 more after 7 days, in all at most the lesser of a
/// quarter of the purchase and 68 dollars, partial fees to stay within.
#[test]
fn late_fees_by_tiers_stay_within_a_share_of_the_purchase() {
    let late = json!({"tiers": [{"amount": 1_000}, {"after_days": 7, "amount": 700}], "cap_percent": "25", "cap_amount": 6_800});
    let on = |date: &str| {
        let mut question = with(pay_in_four(), json!({"date": date, "late_fee": late}));
        question["terms"]["principal"] = json!(16_000);
        ask(question).unwrap()
    };
    // Due dates 19 January, 2 and 16 February, 2 March.
    for (date, fees) in [
        ("2026-01-19", 0),
        ("2026-01-20", 1_000),
        ("2026-01-26", 1_000),
        ("2026-01-27", 1_700),
        ("2026-02-03", 2_700),
        ("2026-02-10", 3_400),
        ("2026-02-17", 4_000),
        ("2026-04-01", 4_000),
    ] {
        assert_eq!(on(date).penalty.minor(), fees, "{date}");
    }
    let cut: i64 = on("2026-02-17").not_charged.iter().map(|charge| charge.amount.minor()).sum();
    assert_eq!(cut, 400);
    // Once in the loan's life: 10 and 7.
    let once = json!({"tiers": [{"amount": 1_000}, {"after_days": 7, "amount": 700}], "per": "loan"});
    assert_eq!(
        ask(with(pay_in_four(), json!({"date": "2026-04-01", "late_fee": once}))).unwrap().penalty,
        amount(1_700)
    );
    let percent = json!({"tiers": [{"after_days": 2, "percent": "5"}]});
    assert_eq!(
        ask(with(pay_in_four(), json!({"date": "2026-01-22", "late_fee": percent}))).unwrap().penalty,
        amount(625)
    );
}

/// 16 CFR 444.4: a payment that is short only through an earlier late fee bears none.
#[test]
fn a_late_fee_does_not_breed_another() {
    let events = json!([
        {"type": "repayment", "date": "2026-01-25", "amount": 12_500},
        {"type": "repayment", "date": "2026-02-02", "amount": 12_500},
        {"type": "repayment", "date": "2026-02-16", "amount": 12_500},
    ]);
    let late = json!({"tiers": [{"amount": 1_000}]});
    let answer = ask(with(pay_in_four(), json!({"date": "2026-02-17", "late_fee": late, "events": events}))).unwrap();
    assert_eq!(answer.installments.iter().map(|row| row.owed.penalty.minor()).sum::<i64>(), 1_000);
    assert!(!answer.not_charged.is_empty());
    assert!(answer.not_charged.iter().all(|charge| charge.cap == "late_fee_pyramiding"));
}

/// 12 CFR 1026.36(c)(2): the refusal is for a payment that is otherwise a full one. Instalments of 125.00, late fees of
/// 100.00: the first two are late and are paid with their fees, the third is not paid at all and is owed its fee.
#[test]
fn an_instalment_that_was_wholly_missed_is_owed_its_late_fee() {
    let late = json!({"tiers": [{"after_days": 3, "amount": 10_000}]});
    let paid = |amounts: &[(&str, i64)], date: &str| {
        let events: Vec<Value> =
            amounts.iter().map(|(date, amount)| json!({"type": "repayment", "date": date, "amount": amount})).collect();
        let question = json!({"date": date, "late_fee": late, "events": events});
        let answer = ask(with(pay_in_four(), question)).unwrap();
        (answer.installments.iter().map(|row| row.owed.penalty.minor()).collect::<Vec<_>>(), answer.not_charged.len())
    };
    let dues: Vec<String> = ask(with(pay_in_four(), json!({"date": "2026-01-05"})))
        .unwrap()
        .installments
        .iter()
        .map(|row| row.due.to_string())
        .collect();
    assert_eq!(dues[..3], ["2026-01-19", "2026-02-02", "2026-02-16"]);
    let caught_up = [("2026-01-30", 22_500), ("2026-02-12", 22_500)];
    assert_eq!(paid(&caught_up, "2026-02-25"), (vec![10_000, 10_000, 10_000, 0], 0));
    // A part of it is no full payment.
    let in_part = [caught_up[0], caught_up[1], ("2026-02-16", 5_000)];
    assert_eq!(paid(&in_part, "2026-02-25"), (vec![10_000, 10_000, 10_000, 0], 0));
    // The fee of the first swallows most of the second payment, which is a full one on its day; so it goes on.
    let on_its_day = [("2026-01-30", 12_500), ("2026-02-02", 12_500)];
    assert_eq!(paid(&on_its_day, "2026-02-10"), (vec![10_000, 0, 0, 0], 1));
    // The third is then missed after all.
    assert_eq!(paid(&on_its_day, "2026-02-25"), (vec![10_000, 0, 10_000, 0], 1));
    // Before its day is on time, too: the fee is all that the payment for the second lacks.
    let before = [("2026-01-30", 12_500), ("2026-01-31", 12_500)];
    assert_eq!(paid(&before, "2026-02-10"), (vec![10_000, 0, 0, 0], 1));
}

/// By hand: after the first instalment of 106.62 principal is 1,105.38. Prepaying 500.00 leaves 605.38: after
/// five more of 106.62 it is 92.39 with 0.92 of interest; or eleven level instalments at 1 % of 58.39.
#[test]
fn a_prepayment_shortens_the_term_or_lowers_the_instalment() {
    let after = |effect: &str| {
        let events = json!([{"type": "repayment", "date": "2026-02-01", "amount": 10_662},
                            {"type": "prepayment", "date": "2026-02-01", "amount": 50_000, "effect": effect}]);
        ask(with(level(), json!({"date": "2026-02-01", "events": events}))).unwrap()
    };
    let shorter = after("shorten_term");
    assert_eq!(shorter.principal, amount(60_538));
    assert_eq!(unpaid(&shorter), [0, 10_662, 10_662, 10_662, 10_662, 10_662, 9_331, 0, 0, 0, 0, 0]);
    let lower = after("lower_installment");
    assert_eq!(unpaid(&lower)[..11], [0, 5_839, 5_839, 5_839, 5_839, 5_839, 5_839, 5_839, 5_839, 5_839, 5_839]);
    assert!((unpaid(&lower)[11] - 5_839).abs() < 12);
    for answer in [shorter, lower] {
        let rows: i64 = answer.installments.iter().map(|row| row.owed.principal.minor()).sum();
        assert_eq!(rows, 120_000 - 50_000);
    }
}

/// Directive (EU) 2023/2225, article 29: at most 1 %, 0.5 % within a year of the end, never above the interest saved.
#[test]
fn a_prepayment_fee_keeps_the_ceiling_of_the_law() {
    let fee = |rule: Value| {
        let question = with(
            level(),
            json!({"date": "2026-02-01", "prepayment": rule,
            "events": [{"type": "repayment", "date": "2026-02-01", "amount": 10_662}]}),
        );
        ask(question).unwrap()
    };
    assert_eq!(fee(json!({"fee_percent": "3"})).prepayment_fee, amount(3_316));
    let ceiling = json!({"percent": "1", "percent_within_year": "0.5", "not_above_interest": true});
    let legal = fee(json!({"fee_percent": "3", "ceiling": ceiling}));
    // 1,105.38 × 0.5 % = 5.5269, rounded down.
    assert_eq!((legal.prepayment_fee, legal.total), (amount(552), amount(110_538 + 552)));
    let free = json!({"percent": "1", "percent_within_year": "0.5", "free_in_12_months": 1_000_000});
    assert_eq!(fee(json!({"fee_percent": "3", "ceiling": free})).prepayment_fee, amount(0));
    // In the last month 1.06 of interest is saved, 0.53 is half a per cent.
    let cheap = |percent: &str| {
        let mut question = with(
            level(),
            json!({"date": "2026-01-01", "prepayment":
            {"fee_percent": "3", "ceiling": {"percent": "1", "percent_within_year": "1", "not_above_interest": true}}}),
        );
        question["terms"]["rate"]["annual_percent"] = json!(percent);
        ask(question).unwrap()
    };
    assert_eq!(cheap("12").prepayment_fee, amount(1_200));
    let interest: i64 = cheap("1").installments.iter().map(|row| row.owed.interest.minor()).sum();
    assert_eq!(cheap("1").prepayment_fee, amount(interest));
}

/// Paying what `payoff` says settles, with fees of the method and every reduction of costs.
#[test]
fn settling_early_owes_the_fees_that_law_and_contract_leave() {
    for (reduction, fee, credit) in [("none", 11 * 1_000, 0), ("not_yet_due", 0, 0), ("linear", 0, 0)] {
        let question = |events: Value| {
            with(
                level(),
                json!({
                "terms": {"currency": "CNY", "principal": 100_000, "start": "2026-01-01",
                    "repayment": {"method": "fee_installment", "count": 12, "every": "P1M", "fee_percent_per_period": "1"}},
                "date": "2026-02-01", "prepayment": {"cost_reduction": reduction}, "events": events}),
            )
        };
        let first = json!({"type": "repayment", "date": "2026-02-01", "amount": 9_333});
        let asked = ask(question(json!([first]))).unwrap();
        // 334 of 365 days are left of 120.00: 109.81, of which 109.80 … 110.00 are unpaid.
        let fee = if reduction == "linear" { 11_000 - 10_981 } else { fee };
        assert_eq!((asked.fee.minor(), asked.fee_credit.minor()), (fee, credit), "{reduction}");
        let settle = json!({"type": "prepayment", "date": "2026-02-01", "amount": asked.total});
        let settled = ask(question(json!([first, settle]))).unwrap();
        assert_eq!((settled.total, settled.unapplied), (amount(0), amount(0)), "{reduction}");
    }
    // A fee paid at once is given back by days left: 150 of 181 days of 20.00 are 16.57.
    let upfront = |events: Value| {
        with(
            level(),
            json!({
            "terms": {"currency": "EUR", "principal": 100_000, "start": "2026-01-01",
                "repayment": {"method": "free", "count": 6, "every": "P1M"},
                "fees": [{"code": "setup", "payee": "lender", "amount": 2_000, "when": "first"}]},
            "date": "2026-02-01", "prepayment": {"cost_reduction": "linear"}, "events": events}),
        )
    };
    let first = json!({"type": "repayment", "date": "2026-02-01", "amount": 18_666});
    let asked = ask(upfront(json!([first]))).unwrap();
    assert_eq!((asked.fee_credit, asked.total), (amount(1_657), amount(83_334 - 1_657)));
    let settle = json!({"type": "prepayment", "date": "2026-02-01", "amount": asked.total});
    let settled = ask(upfront(json!([first, settle]))).unwrap();
    assert_eq!((settled.total, settled.unapplied), (amount(0), amount(0)));
}

/// By hand: 1,105.38 at 24 % over eleven months is 112.95 a month; keeping 106.62 leaves the rest to the last.
#[test]
fn a_rate_change_makes_a_new_level_or_a_larger_last_instalment() {
    let after = |keep: bool| {
        let events = json!([{"type": "repayment", "date": "2026-02-01", "amount": 10_662},
            {"type": "rate_change", "date": "2026-02-01", "keep_installment": keep,
             "rate": {"annual_percent": "24", "day_count": "30/360"}}]);
        ask(with(level(), json!({"date": "2026-02-01", "events": events}))).unwrap()
    };
    let level = unpaid(&after(false));
    assert_eq!(level[1..11], [11_295; 10]);
    let kept = unpaid(&after(true));
    assert_eq!(kept[1..11], [10_662; 10]);
    assert!(kept[11] > 10_662 + 6_000);
    let wrong = json!([{"type": "rate_change", "date": "2026-01-02", "rate": {"annual_percent": "24", "day_count": "actual/365"}}]);
    let error = ask(with(self::level(), json!({"date": "2026-02-01", "events": wrong}))).unwrap_err();
    assert_eq!(error, "`day_count` does not apply: the new rate must count days as the old one does");
}

/// 1,105.38 and 500.00 more over eleven months at 1 % a month: 154.85.
#[test]
fn a_draw_is_spread_over_the_instalments_left() {
    let events = json!([{"type": "repayment", "date": "2026-02-01", "amount": 10_662},
                        {"type": "draw", "date": "2026-02-01", "amount": 50_000}]);
    let answer = ask(with(level(), json!({"date": "2026-02-01", "events": events}))).unwrap();
    assert_eq!(answer.principal, amount(160_538));
    assert_eq!(unpaid(&answer)[1..11], [15_485; 10]);
    let late = json!([{"type": "draw", "date": "2027-01-01", "amount": 1}]);
    assert!(ask(with(level(), json!({"date": "2027-01-01", "events": late}))).is_err());
}

fn answer_parts(answer: &Payoff) -> Parts {
    Parts { principal: answer.principal, interest: answer.interest, fee: answer.fee, penalty: answer.penalty }
}

/// Withdrawal (CCD2 article 26): principal, interest for the days used, nothing else.
#[test]
fn withdrawing_costs_the_interest_of_the_days_used() {
    let question = |on: &str| {
        let mut question = with(
            level(),
            json!({"date": on, "withdrawal_days": 14,
            "late_fee": {"tiers": [{"amount": 1_000}]},
            "events": [{"type": "withdrawal", "date": on}]}),
        );
        question["terms"]["fees"] = json!([{"code": "setup", "payee": "lender", "amount": 5_000, "when": "first"}]);
        ask(question)
    };
    let answer = question("2026-01-11").unwrap();
    // 1,200.00 at 1 % a month, 10 of January's 31 days: 3.87.
    assert_eq!((answer.principal, answer.interest, answer.fee), (amount(120_000), amount(387), amount(0)));
    assert_eq!(answer.total, amount(120_387));
    // All of it is owed at once, and that is what stands: not the instalments of a contract that is no more.
    let [row] = &answer.installments[..] else { panic!("{:?}", answer.installments) };
    assert_eq!((row.due, row.owed, row.balance), (super::date("2026-01-11"), answer_parts(&answer), amount(0)));
    assert_eq!(question("2026-01-16").unwrap_err(), "withdrawal on `2026-01-16` is later than 14 days after the start");
}

#[test]
fn allocation_by_bucket_or_by_instalment_and_in_another_order_when_late() {
    let parts = |allocation: Value| {
        let events = json!([{"type": "repayment", "date": "2026-03-11", "amount": 200_000}]);
        let penalty = json!({"rate": {"daily_percent": "0.1"}, "mode": "in_addition", "base": "overdue_principal"});
        let question = json!({"date": "2026-03-11", "events": events, "penalty": penalty, "allocation": allocation,
                              "allocations": true});
        let answer = ask(with(daily(), question)).unwrap();
        let paid: Vec<_> = answer.installments[..2]
            .iter()
            .map(|row| [row.paid.penalty, row.paid.interest, row.paid.principal].map(|part| part.minor()))
            .collect();
        (paid, answer.allocations.unwrap()[0].parts.principal.minor())
    };
    // Penalties 38.00 and 10.00, interest 155.00 and 140.00, principal 1,000.00 each.
    let vertical = parts(json!({}));
    assert_eq!(vertical, (vec![[3_800, 15_500, 100_000], [1_000, 14_000, 65_700]], 165_700));
    let horizontal = parts(json!({"direction": "horizontal"}));
    assert_eq!(horizontal, (vec![[3_800, 15_500, 100_000], [1_000, 14_000, 65_700]], 165_700));
    let order = |parts: [&str; 4]| -> Value {
        ["past_due", "due", "in_advance"]
            .iter()
            .flat_map(|when| parts.iter().map(move |part| json!(format!("{when}.{part}"))))
            .collect()
    };
    let principal_first = order(["principal", "interest", "fee", "penalty"]);
    assert_eq!(parts(json!({"order": principal_first})).0, [[0, 0, 100_000], [0, 0, 100_000]]);
    assert_eq!(
        parts(json!({"order": principal_first, "direction": "horizontal"})).0,
        [[3_800, 15_500, 100_000], [0, 0, 80_700]]
    );
    // From 30 days past due principal comes first, as many Chinese contracts have it.
    let stages = json!({"stages": [{"days": 30, "order": principal_first}]});
    assert_eq!(parts(stages).0, [[0, 0, 100_000], [0, 0, 100_000]]);
    assert_eq!(parts(json!({"stages": [{"days": 90, "order": principal_first}]})), vertical);
}

#[test]
fn the_rest_of_a_payment_goes_where_the_contract_says() {
    let after = |rest: &str, on: &str| {
        let events = json!([{"type": "repayment", "date": "2026-01-06", "amount": 20_000}]);
        let question = json!({"date": on, "events": events, "allocation": {"rest": rest}});
        ask(with(pay_in_four(), question)).unwrap()
    };
    let left = |rest: &str| unpaid(&after(rest, "2026-01-06"));
    assert_eq!(left("next_installment"), [0, 5_000, 12_500, 12_500]);
    assert_eq!(left("last_installment"), [12_500, 12_500, 5_000, 0]);
    assert_eq!(left("reamortise"), [7_500, 7_500, 7_500, 7_500]);
    let kept = after("unapplied", "2026-01-06");
    assert_eq!((kept.principal, kept.unapplied), (amount(50_000), amount(20_000)));
    let due = after("unapplied", "2026-01-19");
    assert_eq!((due.principal, due.unapplied), (amount(37_500), amount(7_500)));
    let later = after("unapplied", "2026-02-10");
    assert_eq!((later.principal, later.overdue.principal, later.unapplied), (amount(30_000), amount(5_000), amount(0)));
}

/// Undoing an event gives back exactly the state before it, whatever it was.
#[test]
fn any_event_is_undone_without_a_trace() {
    for event in [
        json!({"type": "draw", "date": "2026-02-03", "amount": 7_777}),
        json!({"type": "prepayment", "date": "2026-02-03", "amount": 33_333, "effect": "lower_installment"}),
        json!({"type": "refund", "date": "2026-02-03", "amount": 12_345, "order": "pro_rata"}),
        json!({"type": "rate_change", "date": "2026-02-03", "rate": {"annual_percent": "36", "day_count": "30/360"}}),
        json!({"type": "withdrawal", "date": "2026-02-03"}),
    ] {
        let mut named = event.clone();
        named["id"] = json!("x");
        let undo = json!({"type": "reversal", "date": "2026-03-15", "of": "x"});
        let paid = json!({"type": "repayment", "date": "2026-02-01", "amount": 10_662});
        let rules = json!({"date": "2026-03-20", "withdrawal_days": 60,
            "penalty": {"multiple": "1.5", "mode": "in_place", "base": "all_principal"}});
        let state = |events: Value| ask(with(with(level(), rules.clone()), json!({"events": events}))).unwrap();
        let before = state(json!([paid]));
        assert_ne!(state(json!([paid, named])), before, "{event}");
        assert_eq!(state(json!([paid, named, undo])), before, "{event}");
    }
}

/// A difference that the second implementation found: the refund takes all principal of the instalment, its
/// interest stays late beyond the days of grace, so the penalty of those days is charged after all.
#[test]
fn a_refund_does_not_forgive_the_days_of_grace_of_interest_that_stays_late() {
    let question = |on: &str| {
        let penalty = json!({"rate": {"daily_percent": "0.1"}, "mode": "in_addition", "base": "overdue_principal",
                             "grace_days": 5, "grace": "retroactive"});
        let mut question = with(
            daily(),
            json!({"date": on, "penalty": penalty,
            "events": [{"type": "refund", "date": "2026-02-02", "amount": 1_000_000}]}),
        );
        question["terms"]["repayment"]["count"] = json!(1);
        ask(question).unwrap()
    };
    assert_eq!((question("2026-02-06").interest, question("2026-02-06").penalty), (amount(15_500), amount(0)));
    // One day on 10,000.00.
    assert_eq!(question("2026-02-07").penalty, amount(1_000));
}

/// Another: after maturity interest goes on and is owed with the last instalment; a penalty on the overdue
/// amount bears on it from the next segment, not on the days in which it accrued.
#[test]
fn a_penalty_does_not_bear_on_interest_of_the_same_days() {
    let penalty = json!({"rate": {"daily_percent": "0.1"}, "mode": "in_addition", "base": "overdue_amount"});
    let mut question = with(daily(), json!({"penalty": penalty, "after_maturity": "accrue"}));
    question["terms"]["repayment"]["count"] = json!(1);
    let answer = ask(question).unwrap();
    // 10,155.00 × 0.1 % × 10 days, not 10,205.00.
    assert_eq!((answer.interest, answer.penalty), (amount(20_500), amount(10_155)));
}
