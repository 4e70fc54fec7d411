//! How long one whole decision takes, natively: JSON text in, canonical JSON text out.
//!
//! `cargo xtask bench decide` runs it with `PREQUAL_BUNDLE` and `PREQUAL_BUNDLE_KEY`. The applications are the 1,000
//! German credit rows. *Whole* are those that come to four quotes: validated, all tables, scored, limited, priced, four
//! schedules with their rates. The others stop earlier and are shown beside them.

#[path = "../acceptance/german.rs"]
#[allow(dead_code, reason = "the acceptance tests use more of it")]
mod german;

use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use prequal_bundle::{envelope, jwk};
use prequal_core::bundle::Bundle;
use prequal_core::decide::decide_json;

type Failure = Box<dyn std::error::Error>;

/// Passes over all applications before anything is measured, and after.
const WARM_UP_PASSES: usize = 5;
const PASSES: usize = 50;
/// What a whole decision quotes.
const QUOTES: usize = 4;

fn main() -> Result<(), Failure> {
    let Some(bundle) = bundle()? else {
        println!("PREQUAL_BUNDLE is not set: cargo xtask bench decide");
        return Ok(());
    };
    let inputs: Vec<String> = german::inputs().into_iter().collect();
    if let Some(file) = std::env::var_os("PREQUAL_INPUTS") {
        // The measurement through the npm package takes the very same applications.
        std::fs::write(file, inputs.join("\n"))?;
    }
    let (whole, short): (Vec<&String>, Vec<&String>) =
        inputs.iter().partition(|input| quotes(&bundle, input) == QUOTES);
    println!("  {} applications: {} come to {QUOTES} quotes, {} stop earlier", inputs.len(), whole.len(), short.len());
    println!("  one thread, {PASSES} passes after {WARM_UP_PASSES} to warm up, each decision timed by itself");
    println!("  {}", machine());
    measure("whole decisions", &bundle, &whole);
    measure("decisions that stop", &bundle, &short);
    let all: Vec<&String> = inputs.iter().collect();
    measure("all applications", &bundle, &all);
    Ok(())
}

/// The signed bundle, verified as it is when a server starts.
fn bundle() -> Result<Option<Bundle>, Failure> {
    let (Some(file), Some(key)) = (std::env::var_os("PREQUAL_BUNDLE"), std::env::var_os("PREQUAL_BUNDLE_KEY")) else {
        return Ok(None);
    };
    let key = jwk::read_public(&PathBuf::from(key), jwk::Use::Bundle)?;
    let payload = envelope::verify(&std::fs::read_to_string(file)?, &[(key.kid.as_str(), key.key)])?;
    Ok(Some(Bundle::from_payload(&payload)?))
}

fn quotes(bundle: &Bundle, input: &str) -> usize {
    let decision = decide_json(bundle, input).ok().and_then(|text| serde_json::from_str(&text).ok());
    let decision: serde_json::Value = decision.unwrap_or_default();
    decision["offers"].as_array().map_or(0, Vec::len)
}

fn measure(name: &str, bundle: &Bundle, inputs: &[&String]) {
    if inputs.is_empty() {
        println!("  {name}: none");
        return;
    }
    let pass = |times: &mut Vec<Duration>| {
        for input in inputs {
            let started = Instant::now();
            let _ = black_box(decide_json(black_box(bundle), black_box(input)));
            times.push(started.elapsed());
        }
    };
    let mut times = Vec::with_capacity(PASSES * inputs.len());
    for _ in 0..WARM_UP_PASSES {
        pass(&mut times);
    }
    times.clear();
    let started = Instant::now();
    for _ in 0..PASSES {
        pass(&mut times);
    }
    let per_second = times.len() as f64 / started.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e6;
    println!("  {name:<22} p50 {:>7.1} µs   p99 {:>7.1} µs   {per_second:>9.0} a second", at(0.50), at(0.99));
}

fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")).and_then(|line| line.split_once(": "));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {threads} threads", model.map_or("an unnamed processor", |(_, name)| name))
}
