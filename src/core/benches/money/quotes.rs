//! What native Rust makes of random contracts, one JSON object a line: the texts `terms` and `flows`, and as canonical
//! texts what follows from them, `schedule` and `apr`; an error is `error CODE: MESSAGE`.
//!
//! `cargo run --release -p prequal-core --example money_quotes -- COUNT`

#[path = "../../tests/credit/draw.rs"]
#[allow(dead_code, reason = "the tests draw more than contracts")]
mod draw;

use std::io::Write;

use draw::{Draw, METHODS, contract};
use prequal_core::{
    canonical,
    credit::{AprInput, CreditError, Schedule, Terms, apr, schedule},
    json::Read,
    wire,
};
use serde_json::{Value, json};

/// Contracts drawn where no count is given.
const COUNT: u64 = 2_000;
/// One in so many is misspelt: errors must be the same texts too.
const MISSPELT: u64 = 40;
const CONVENTIONS: [&str; 5] = ["us_reg_z", "eu_aprc", "uk", "cn_irr", "ifrs_eir"];

/// As the boundary to JavaScript answers: read the text, work, write canonical text.
fn said<I: Read, O: serde::Serialize>(text: &str, work: fn(&I) -> Result<O, CreditError>) -> (Option<O>, String) {
    let input: I = match wire::parse(text) {
        Ok(input) => input,
        Err(error) => return (None, format!("error {}: {error}", error.code())),
    };
    match work(&input) {
        Ok(answer) => {
            let text = canonical::to_string(&answer).unwrap_or_else(|error| format!("unwritable: {error}"));
            (Some(answer), text)
        }
        Err(error) => (None, format!("error {}: {error}", error.code())),
    }
}

/// The flows of a plan: what is lent, and each instalment by itself.
fn flows(terms: &Terms, made: &Schedule, convention: &str) -> Value {
    let payments: Vec<Value> =
        made.installments.iter().map(|row| json!({"date": row.due, "amount": row.total})).collect();
    let advances = json!([{"date": terms.start, "amount": made.total_principal}]);
    json!({"convention": convention, "currency": terms.currency, "advances": advances, "payments": payments})
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count = std::env::args().nth(1).map_or(Ok(COUNT), |text| text.parse())?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for case in 0..count {
        let mut draw = Draw::new(0xca5e << 32 | case);
        let (_, method) = draw.one(&METHODS);
        let terms = contract(&mut draw, method);
        let mut text = serde_json::to_string(&terms)?;
        if case % MISSPELT == 0 {
            text = text.replacen("\"principal\"", draw.one(&["\"principle\"", "\"lent\"", "\"Principal\""]), 1);
        }
        let (made, schedule) = said::<Terms, _>(&text, schedule);
        let mut line = json!({"terms": text, "schedule": schedule});
        if let Some(made) = made {
            let flows = flows(&terms, &made, draw.one(&CONVENTIONS)).to_string();
            line["apr"] = json!(said::<AprInput, _>(&flows, apr).1);
            line["flows"] = json!(flows);
        }
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}
