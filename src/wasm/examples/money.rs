//! The work of `cargo xtask bench money` inside WebAssembly: each call repeats it, so that what is timed is the
//! mathematics and not the way in and out.

#[path = "../../core/benches/money/cases.rs"]
mod cases;

use std::hint::black_box;

use cases::{CONVENTIONS, Case, cases};
use prequal_core::credit::schedule;
use wasm_bindgen::prelude::*;

/// The contracts that are measured.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Money(Vec<Case>);

#[wasm_bindgen]
impl Money {
    /// Every method in every length.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::new_without_default, reason = "JavaScript has constructors and no defaults")]
    pub fn new() -> Self {
        Self(cases().unwrap_or_default())
    }

    /// Method and count of each contract, one a line.
    pub fn names(&self) -> String {
        self.0.iter().map(|case| format!("{} {}\n", case.method, case.count)).collect()
    }

    /// Makes the schedule of a contract so many times; the instalments made.
    pub fn schedules(&self, case: usize, repeats: u32) -> usize {
        let Some(case) = self.0.get(case) else { return 0 };
        let made = (0..repeats).filter_map(|_| black_box(schedule(black_box(&case.terms))).ok());
        made.map(|made| made.installments.len()).sum()
    }

    /// Finds the rate of a contract so many times; the letters of the answers.
    pub fn rates(&self, case: usize, convention: usize, repeats: u32) -> usize {
        let (Some(case), Some((_, convention))) = (self.0.get(case), CONVENTIONS.get(convention)) else { return 0 };
        let found = (0..repeats).filter_map(|_| black_box(black_box(case).rate(*convention)).ok());
        found.map(|answer| answer.apr_percent.len()).sum()
    }
}

fn main() {}
