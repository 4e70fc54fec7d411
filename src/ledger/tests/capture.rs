//! What a capture makes of what was signed: the same rules, a share of every amount, and nothing dearer.

use prequal_core::{
    calendar::{Billing, Cutoff, Date, DayCount, Period},
    canonical,
    credit::{
        Convention, Fee, FeeSize, FeeWhen, LateFee, LateFeePer, LateFeeTier, Method, Rate, Repayment, Terms,
        apr_of_plan, caps::PlanCap, schedule,
    },
    currency::Currency,
    decimal::Decimal,
    money::Amount,
    rounding::Rounding,
    wire::{AprDisclosure, Offer},
};
use prequal_ledger::{CaptureRefusal, Law, Made, Share, capture_offer, capture_offer_up_to};
use proptest::prelude::*;

const NO_LAW: Law<'static> = Law { caps: &[], lender: "" };

fn amount(minor: i64) -> Amount {
    Amount::new(minor).unwrap()
}

fn day(text: &str) -> Date {
    Date::parse(text).unwrap()
}

/// 9.9 % a year by 30/360 in three monthly instalments from 10 January 2027.
fn terms(principal: i64) -> Terms {
    Terms {
        currency: Currency::parse("USD").unwrap(),
        principal: amount(principal),
        start: day("2027-01-10"),
        rate: Some(Rate::annual(Decimal::parse("9.9").unwrap(), DayCount::Thirty360)),
        repayment: Repayment::regular(Method::EqualInstallment, 3, Period::parse("P1M").unwrap()),
        rounding: Rounding::HalfEven,
        level_rounding: None,
        remainder: None,
        adjust_installment: false,
        fees: Vec::new(),
        after_maturity: None,
    }
}

fn offer(terms: Terms, convention: Convention, late_fee: Option<LateFee>) -> Offer {
    let made = schedule(&terms).unwrap();
    let lent = made.total_principal;
    let apr =
        apr_of_plan(convention, terms.repayment.every, terms.start, lent, Amount::ZERO, &made.installments).unwrap();
    let mut offer = Offer {
        apr: AprDisclosure {
            apr_percent: apr.apr_percent,
            apr_percent_exact: apr.apr_percent_exact,
            convention,
            effective_percent: apr.effective_percent,
        },
        charge_caps: Vec::new(),
        cost_of_default: None,
        count: terms.repayment.count,
        currency: terms.currency,
        down_payment: Amount::ZERO,
        first_due: made.installments.first().unwrap().due,
        last_due: made.installments.last().unwrap().due,
        installments: made.installments,
        late_fee,
        penalty: None,
        plan: "plan".into(),
        price: lent,
        principal: lent,
        product: "product".into(),
        rate_annual_percent: "9.9".into(),
        terms,
        terms_hash: String::new(),
        total: made.total,
        total_fee: made.total_fee,
        total_interest: made.total_interest,
    };
    offer.terms_hash = canonical::sha256_hex(canonical::to_string(&offer).unwrap().as_bytes());
    offer
}

fn signed(principal: i64) -> Offer {
    offer(terms(principal), Convention::UsRegZ, None)
}

fn share_after(before: i64, part: i64, whole: i64) -> Result<Share, CaptureRefusal> {
    let made = Made { amount: amount(before), failed_after: None };
    let before = if before == 0 { vec![] } else { vec![made] };
    Share::new(&before, amount(part), amount(whole))
}

fn share(before: i64, part: i64, whole: i64) -> Share {
    share_after(before, part, whole).unwrap()
}

#[test]
fn the_whole_on_the_day_of_signature_is_what_was_signed() {
    let signed = signed(100_000);
    let captured = capture_offer(&signed, &share(0, 100_000, 100_000), signed.terms.start, NO_LAW).unwrap();
    assert_eq!(canonical::to_string(&captured).unwrap(), canonical::to_string(&signed).unwrap());
}

#[test]
fn what_is_not_a_part_of_what_was_signed_is_refused() {
    for (before, part, whole) in [(0, 100_001, 100_000), (60_000, 40_001, 100_000), (0, 0, 100_000), (0, 1, 0)] {
        assert_eq!(share_after(before, part, whole), Err(CaptureRefusal::NotAPart));
    }
    let signed = signed(100_000);
    let of_another = share(0, 1, 99_999);
    assert_eq!(capture_offer(&signed, &of_another, signed.terms.start, NO_LAW), Err(CaptureRefusal::NotAPart));
}

/// A fee of 10.00 and a late fee of 5.00 were signed for 1,000.00: a capture of 333.33 has 3.33 and 1.66 of them, and the
/// rest has the rest: 6.67 and 3.34.
#[test]
fn fixed_amounts_are_shared_and_together_are_what_was_signed() {
    let mut terms = terms(100_000);
    terms.fees = vec![Fee {
        code: "set-up".into(),
        payee: "lender".into(),
        size: FeeSize::Amount(amount(1_000)),
        when: FeeWhen::First,
    }];
    let tier = LateFeeTier { after_days: 10, amount: Some(amount(500)), percent: None };
    let late_fee =
        LateFee { tiers: vec![tier], per: LateFeePer::Installment, cap_percent: None, cap_amount: Some(amount(1_500)) };
    let signed = offer(terms, Convention::UsRegZ, Some(late_fee));
    let of = |before, part| {
        let captured = capture_offer(&signed, &share(before, part, 100_000), day("2027-01-13"), NO_LAW).unwrap();
        let late = captured.late_fee.unwrap();
        (captured.total_fee.minor(), late.tiers[0].amount.unwrap().minor(), late.cap_amount.unwrap().minor())
    };
    assert_eq!(of(0, 33_333), (333, 166, 499));
    assert_eq!(of(33_333, 66_667), (667, 334, 1_001));
    // A cent of 1,000.00 has no cent of a fee of 10.00.
    assert_eq!(of(0, 1), (0, 0, 0));
}

/// Twelve instalments at 1.1 % a month of the original principal are dearer with the first due after ten days than with
/// the first after a month: bought on the 2nd they are billed on the 1st and due on the 11th of the next month; bought on
/// the 1st, on the 11th of the same.
#[test]
fn a_day_on_which_the_first_payment_comes_sooner_is_dearer_than_signed() {
    let mut terms = terms(1_200_000);
    terms.rate = None;
    terms.start = day("2027-01-02");
    terms.repayment = Repayment::regular(Method::FeeInstallment, 12, Period::parse("P1M").unwrap());
    terms.repayment.every = None;
    terms.repayment.fee_percent_per_period = Some(Decimal::parse("1.1").unwrap());
    terms.repayment.billing = Some(Billing { billing_day: 1, due_day: 11, cutoff: Cutoff::Included });
    let signed = offer(terms, Convention::CnIrr, None);
    let part = share(0, 600_000, 1_200_000);
    match capture_offer(&signed, &part, day("2027-02-01"), NO_LAW) {
        Err(CaptureRefusal::DearerThanSigned { signed_percent, reached_percent, .. }) => {
            let percent = |text: &str| text.parse::<f64>().unwrap();
            assert!(percent(&reached_percent) > percent(&signed_percent) + 0.125, "{reached_percent} {signed_percent}");
        }
        other => panic!("{other:?}"),
    }
    // From the day after, everything is a month later and costs the same.
    let captured = capture_offer(&signed, &part, day("2027-02-02"), NO_LAW).unwrap();
    assert_eq!(captured.first_due, day("2027-03-11"));
}

/// A fee of 1 % a month of 12,000.00 for twelve months, due monthly after the order. In this calendar the first due date
/// of what is captured on 20 January falls one day early, on 19 February: a rate some hundredths of a point above the
/// signed one, where rounding could make it dearer by less than a thousandth. Whoever confirms that rate has it; the law's
/// ceiling nobody can confirm away.
#[test]
fn what_is_dearer_by_more_than_rounding_is_refused_until_it_is_confirmed() {
    let mut terms = terms(1_200_000);
    (terms.rate, terms.start) = (None, day("2027-01-05"));
    terms.repayment = Repayment::regular(Method::FeeInstallment, 12, Period::parse("P1M").unwrap());
    terms.repayment.fee_percent_per_period = Some(Decimal::parse("1").unwrap());
    let closed = r#"{"adjust":"preceding","holidays":["2027-02-20","2027-02-21"]}"#;
    terms.repayment.business_days = Some(serde_json::from_str(closed).unwrap());
    let signed = offer(terms, Convention::CnIrr, None);
    let part = share(0, 600_000, 1_200_000);
    let on = day("2027-01-20");
    let Err(CaptureRefusal::DearerThanSigned { reached_percent_exact, .. }) = capture_offer(&signed, &part, on, NO_LAW)
    else {
        panic!("it is dearer than signed");
    };
    let percent = |text: &str| text.parse::<f64>().unwrap();
    let dearer = percent(&reached_percent_exact) - percent(&signed.apr.apr_percent_exact);
    assert!((0.001..0.125).contains(&dearer), "{dearer}");
    let captured = capture_offer_up_to(&signed, &part, on, NO_LAW, &reached_percent_exact).unwrap();
    assert_eq!((captured.first_due, captured.principal), (day("2027-02-19"), amount(600_000)));
    let less = format!("{:.6}", percent(&reached_percent_exact) - 0.002);
    let refused = capture_offer_up_to(&signed, &part, on, NO_LAW, &less);
    assert!(matches!(refused, Err(CaptureRefusal::DearerThanSigned { .. })), "{refused:?}");
    let cap = r#"{"id":"low","basis":"test","convention":"cn_irr","ceiling_percent":"20","from":"2007-10-01"}"#;
    let caps: Vec<PlanCap> = vec![serde_json::from_str(cap).unwrap()];
    let law = Law { caps: &caps, lender: "" };
    let refused = capture_offer_up_to(&signed, &part, on, law, &reached_percent_exact);
    assert_eq!(refused, Err(CaptureRefusal::AboveCap { cap: "low".into() }));
}

/// 3.6 % by actual days over 365, in one payment after a month: signed for the 30 days from 1 April (3.551 % a year of
/// equal months), captured for the 31 from 1 May (3.669 %), where each day costs the same. With a fee beside it, it is refused.
#[test]
fn interest_by_actual_days_is_no_dearer_in_longer_months() {
    let mut terms = terms(1_200_000);
    terms.rate = Some(Rate::annual(Decimal::parse("3.6").unwrap(), DayCount::Actual365));
    terms.start = day("2027-04-01");
    terms.repayment = Repayment::regular(Method::Single, 1, Period::parse("P1M").unwrap());
    let whole = share(0, 1_200_000, 1_200_000);
    let on = day("2027-05-01");
    let captured = capture_offer(&offer(terms.clone(), Convention::UsRegZ, None), &whole, on, NO_LAW).unwrap();
    // 12,000.00 x 3.6 % x 31 / 365 = 36.69.
    assert_eq!(captured.total_interest, amount(3_669));
    terms.fees = vec![Fee {
        code: "set-up".into(),
        payee: "lender".into(),
        size: FeeSize::Amount(amount(100)),
        when: FeeWhen::First,
    }];
    let refused = capture_offer(&offer(terms, Convention::UsRegZ, None), &whole, on, NO_LAW);
    assert!(matches!(refused, Err(CaptureRefusal::DearerThanSigned { .. })), "{refused:?}");
}

/// 0.60 at 34.9 % a year: 1.745 cents of interest in the first month are rounded to 2, which is 40 % a year, and 36 % is
/// the law's ceiling. 1,000.00 on the same terms are lent.
#[test]
fn a_part_so_small_that_its_cents_pass_the_law_s_ceiling_is_refused_by_the_ceiling_s_name() {
    let mut dear = terms(100_000);
    dear.rate = Some(Rate::annual(Decimal::parse("34.9").unwrap(), DayCount::Thirty360));
    dear.repayment.count = 1;
    dear.repayment.method = Method::Single;
    let signed = offer(dear, Convention::UsRegZ, None);
    let cap =
        r#"{"id":"mla","basis":"10 USC 987(b)","convention":"us_reg_z","ceiling_percent":"36","from":"2007-10-01"}"#;
    let caps: Vec<PlanCap> = vec![serde_json::from_str(cap).unwrap()];
    let law = Law { caps: &caps, lender: "" };
    let at = |part| capture_offer(&signed, &share(0, part, 100_000), day("2027-01-13"), law);
    assert_eq!(at(60), Err(CaptureRefusal::AboveCap { cap: "mla".into() }));
    assert!(at(100_000).is_ok() && at(1).is_ok(), "a cent bears none");
}

/// One cent was signed for 1.00 in two halves: the first has none of it and the second has it. When the first fails,
/// the half that is captured in its place has none either.
#[test]
fn a_capture_in_the_place_of_one_that_failed_has_that_one_s_share() {
    let cent = amount(1);
    let half = |failed_after| Made { amount: amount(50), failed_after };
    let share = |before: &[Made]| Share::new(before, amount(50), amount(100)).unwrap().of(cent).unwrap().minor();
    assert_eq!((share(&[]), share(&[half(None)])), (0, 1));
    assert_eq!(share(&[half(Some(2)), half(None)]), 0);
    assert_eq!(share(&[half(None), half(Some(2))]), 1);
    // Whether the first failed before or after the second was captured makes the difference of where the second lies.
    assert_eq!(share(&[half(Some(1)), half(None)]), 1);
    let full = Share::new(&[half(None), half(Some(2)), half(None)], amount(1), amount(100));
    assert_eq!(full, Err(CaptureRefusal::NotAPart));
}

proptest! {
    /// However captures fail and are made again, those in force never have more than was signed, and all of it once they
    /// are the whole.
    #[test]
    fn captures_in_force_never_have_more_than_was_signed(
        total in 0_i64..2_000_000,
        whole in 1_i64..1_000,
        steps in prop::collection::vec((any::<bool>(), any::<u16>()), 1..60),
    ) {
        let mut made: Vec<(Made, i64)> = Vec::new();
        for (fails, random) in steps.into_iter().chain([(false, u16::MAX)]) {
            let count = u32::try_from(made.len()).unwrap();
            let left = whole - made.iter().filter(|(one, _)| one.failed_after.is_none()).map(|(one, _)| one.amount.minor()).sum::<i64>();
            if fails && count > 0 {
                let place = usize::from(random) % made.len();
                made[place].0.failed_after.get_or_insert(count);
            } else if left > 0 {
                // Last of all, what is left.
                let part = if random == u16::MAX { left } else { 1 + i64::from(random) % left };
                let before: Vec<Made> = made.iter().map(|(one, _)| *one).collect();
                let share = Share::new(&before, amount(part), amount(whole)).unwrap().of(amount(total)).unwrap();
                made.push((Made { amount: amount(part), failed_after: None }, share.minor()));
            }
            let in_force = || made.iter().filter(|(one, _)| one.failed_after.is_none());
            let captured: i64 = in_force().map(|(one, _)| one.amount.minor()).sum();
            let had: i64 = in_force().map(|(_, share)| *share).sum();
            prop_assert!(captured <= whole && had <= total);
            prop_assert!(captured < whole || had == total, "{had} of {total}");
        }
    }

    /// However an order is cut, the parts of what was signed are what was signed.
    #[test]
    fn shares_of_all_captures_are_the_whole(total in 0_i64..2_000_000, parts in prop::collection::vec(1_i64..500_000, 1..40)) {
        let whole = parts.iter().sum();
        let (mut before, mut sum) = (0, 0);
        for part in parts {
            sum += share(before, part, whole).of(amount(total)).unwrap().minor();
            before += part;
        }
        prop_assert_eq!(sum, total);
    }

    /// Principal is what was signed to the cent; interest differs by rounding only: at most a cent for each instalment of
    /// each part, and of the whole. Every part has a schedule, a cent too.
    #[test]
    fn captures_on_one_day_cost_what_the_whole_costs_but_for_rounding(
        parts in prop::collection::vec(prop_oneof![1_i64..10, 1_i64..1_000_000], 1..12),
        days in 0_i32..180,
    ) {
        let whole: i64 = parts.iter().sum();
        let signed = signed(whole);
        let date = signed.terms.start.add_days(days).unwrap();
        let at_once = capture_offer(&signed, &share(0, whole, whole), date, NO_LAW).unwrap();
        let (mut before, mut principal, mut interest) = (0, 0, 0);
        for part in &parts {
            let captured = capture_offer(&signed, &share(before, *part, whole), date, NO_LAW).unwrap();
            prop_assert_eq!(captured.count, signed.count);
            prop_assert_eq!(captured.first_due, at_once.first_due);
            principal += captured.installments.iter().map(|row| row.principal.minor()).sum::<i64>();
            interest += captured.total_interest.minor();
            before += part;
        }
        prop_assert_eq!(principal, whole);
        let slack = i64::from(signed.count) * i64::try_from(parts.len() + 1).unwrap();
        prop_assert!((interest - at_once.total_interest.minor()).abs() <= slack);
    }
}
