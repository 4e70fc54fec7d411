//! What a life begins with, at random: terms, rules, serving and funders.

use prequal_core::credit::Rules;
use prequal_ledger::{Funding, Servicing};

use super::shares::{Shares, WHOLE};

/// Marsaglia's xorshift: the same seed, the same life.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end.max(1)
    }

    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.below(u64::try_from(high - low + 1).unwrap())).unwrap()
    }

    pub fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Equal shares at no cost.
    Free,
    /// All at once, with simple interest.
    Single,
    /// All at once at no cost, with penalties and a late fee.
    Late,
    /// Level instalments with penalties, late fees and fees: too much for the model, not for what must always hold.
    Rich,
}

pub fn terms(random: &mut Random, kind: Kind, principal: i64, rate: i64) -> String {
    let repayment = match kind {
        Kind::Free => format!(r#""repayment":{{"method":"free","count":{},"every":"P1M"}}"#, random.between(1, 12)),
        Kind::Single => format!(
            r#""rate":{{"annual_percent":"{}.{:02}","day_count":"actual/365"}},
               "repayment":{{"method":"single","count":1,"first_due":"2026-05-01"}}"#,
            rate / 100,
            rate % 100
        ),
        Kind::Late => r#""repayment":{"method":"free","count":1,"first_due":"2026-01-20"}"#.to_owned(),
        Kind::Rich => format!(
            r#""rate":{{"annual_percent":"{}.{:02}","day_count":"{}"}},
               "fees":[{{"code":"set-up","payee":"lender","amount":{},"when":"each"}},
                   {{"code":"guarantee","payee":"guard","amount":{},"when":"{}"}}],
               "repayment":{{"method":"{}","count":{},"every":"P1M"}}"#,
            rate / 100,
            rate % 100,
            ["30/360", "actual/365", "actual/actual"][random.below(3) as usize],
            random.between(1, 50),
            random.between(1, 500),
            ["first", "each", "spread"][random.below(3) as usize],
            ["equal_installment", "equal_principal", "interest_only"][random.below(3) as usize],
            random.between(2, 8)
        ),
    };
    format!(r#"{{"currency":"USD","principal":{principal},"start":"2026-01-01",{repayment},"rounding":"half_even"}}"#)
}

pub fn rules(random: &mut Random, kind: Kind) -> Rules {
    if kind == Kind::Late {
        let text = r#"{"penalty":{"rate":{"annual_percent":"36.5","day_count":"actual/365"},"mode":"in_addition",
            "base":"overdue_principal"},"late_fee":{"tiers":[{"after_days":5,"amount":700}]}}"#;
        return serde_json::from_str(text).unwrap();
    }
    if kind != Kind::Rich {
        return Rules { withdrawal_days: None, ..Rules::default() };
    }
    let base = ["overdue_principal", "overdue_amount", "all_principal"][random.below(3) as usize];
    let mode = ["in_addition", "in_place"][random.below(2) as usize];
    let rest = ["next_installment", "last_installment", "reamortise", "unapplied"][random.below(4) as usize];
    let order = ["last_first", "first_first", "pro_rata"][random.below(3) as usize];
    let (interest, fees) = (random.one_in(2), random.one_in(2));
    serde_json::from_str(&format!(
        r#"{{"penalty":{{"multiple":"1.5","mode":"{mode}","base":"{base}","grace_days":{}}},
            "late_fee":{{"tiers":[{{"after_days":5,"amount":700}},{{"after_days":30,"percent":"2"}}],"cap_amount":3000}},
            "prepayment":{{"fee_percent":"1","cost_reduction":"linear"}},"withdrawal_days":20,
            "refund":{{"order":"{order}","interest_refunded":{interest},"fees_refunded":{fees}}},
            "allocation":{{"rest":"{rest}"}}}}"#,
        random.below(4)
    ))
    .unwrap()
}

pub fn serving(random: &mut Random) -> Servicing {
    if random.one_in(2) {
        return Servicing { re_ageings_max: 3, ..Servicing::default() };
    }
    serde_json::from_str(
        r#"{"non_accrual_from_days":30,"allowance":[{"from_days":0,"percent":"1"},{"from_days":60,"percent":"50"}],
            "charge_off_from_days":90,"re_ageings_max":3,"technical_grace_days":2,
            "buckets":[{"code":"M1","from_days":1},{"code":"M2","from_days":31}]}"#,
    )
    .unwrap()
}

pub fn funders(random: &mut Random) -> (Funding, Shares) {
    let shares: &[&str] = match random.below(4) {
        0 => &["100"],
        1 => &["70", "30"],
        2 => &["33.3", "33.3", "33.4"],
        _ => &["0.01", "24.99", "25", "50"],
    };
    let funders: Vec<_> = shares
        .iter()
        .enumerate()
        .map(|(place, share)| {
            serde_json::json!({ "id": format!("f{place}"), "share_percent": share, "servicing_fee_percent": "12.5" })
        })
        .collect();
    let stray = random.below(shares.len() as u64) as usize;
    let mut funding = serde_json::json!({ "funders": funders, "stray_cent": format!("f{stray}") });
    // Where the terms have no fee of the guarantor's, it has books in which nothing ever is.
    if random.one_in(2) {
        funding["guarantor"] = serde_json::json!({ "id": "guard", "payee": "guard" });
    }
    let hundredths = |share: &&str| (share.parse::<f64>().unwrap() * 100.0).round() as i128;
    let of: Vec<i128> = shares.iter().map(hundredths).collect();
    assert_eq!(of.iter().sum::<i128>(), WHOLE);
    (serde_json::from_value(funding).unwrap(), Shares { of, stray })
}
