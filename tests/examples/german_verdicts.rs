//! What native Rust says of the 1,000 German credit rows, one JSON object a line: `input`, and as canonical texts
//! `decide` by the full bundle and `prequalify` by the public one; an error is `error CODE: MESSAGE`.
//!
//! `cargo run -p prequal-acceptance --example german_verdicts -- FULL.json PUBLIC.json BUNDLE.public.jwk`

#[path = "../acceptance/german.rs"]
#[allow(dead_code, reason = "the acceptance tests use more of it")]
mod german;

use std::{io::Write, path::Path};

use prequal_bundle::{envelope, jwk};
use prequal_core::{
    bundle::Bundle,
    decide::{DecideError, decide_json, prequalify_json},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [full, public, key] = arguments.as_slice() else {
        return Err("three files are needed: full bundle, public bundle, public key".into());
    };
    let key = jwk::read_public(Path::new(key), jwk::Use::Bundle)?;
    let load = |path: &String| -> Result<Bundle, Box<dyn std::error::Error>> {
        let text = std::fs::read_to_string(path)?;
        let payload = envelope::verify(&text, &[(key.kid.as_str(), key.key)])?;
        Ok(Bundle::from_payload(&payload)?)
    };
    let (full, public) = (load(full)?, load(public)?);
    let said =
        |answer: Result<String, DecideError>| answer.unwrap_or_else(|error| format!("error {}: {error}", error.code()));
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for input in german::inputs() {
        let decide = said(decide_json(&full, &input));
        let prequalify = said(prequalify_json(&public, &input));
        writeln!(out, "{}", serde_json::json!({ "decide": decide, "input": input, "prequalify": prequalify }))?;
    }
    Ok(out.flush()?)
}
