//! How many tests passed, failed and were skipped, read from what the runners print.

/// A sum over any number of runners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Counts {
    pub const PASSED: Self = Self { passed: 1, failed: 0, skipped: 0 };
    pub const FAILED: Self = Self { passed: 0, failed: 1, skipped: 0 };
    pub const SKIPPED: Self = Self { passed: 0, failed: 0, skipped: 1 };

    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// What `cargo test` printed: one `test result:` line for each test binary.
    pub fn of_cargo(output: &str) -> Self {
        let mut sum = Self::default();
        for line in output.lines() {
            let Some((_, result)) = line.split_once("test result: ") else { continue };
            let Some((_, parts)) = result.split_once(". ") else { continue };
            for part in parts.split(';') {
                let mut words = part.split_whitespace();
                let Some(count) = words.next().and_then(|word| word.parse::<u64>().ok()) else { continue };
                match words.next() {
                    Some("passed") => sum.passed += count,
                    Some("failed") => sum.failed += count,
                    Some("ignored") => sum.skipped += count,
                    _ => {}
                }
            }
        }
        sum
    }

    /// What Node's test runner printed: `ℹ pass 3` with its spec reporter, `# pass 3` with TAP.
    pub fn of_node(output: &str) -> Self {
        let mut sum = Self::default();
        for line in output.lines() {
            let mut words = line.split_whitespace();
            if !matches!(words.next(), Some("ℹ" | "#")) {
                continue;
            }
            let name = words.next();
            let Some(count) = words.next().and_then(|word| word.parse::<u64>().ok()) else { continue };
            if words.next().is_some() {
                continue;
            }
            match name {
                Some("pass") => sum.passed += count,
                Some("fail" | "cancelled") => sum.failed += count,
                Some("skipped" | "todo") => sum.skipped += count,
                _ => {}
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn cargo_prints_one_result_for_each_binary_and_all_are_summed() {
        // Printed by cargo 1.95.
        let output = "running 2 tests\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
            test result: FAILED. 3 passed; 4 failed; 0 ignored; 0 measured; 7 filtered out; finished in 0.00s\n";
        assert_eq!(Counts::of_cargo(output), Counts { passed: 5, failed: 4, skipped: 1 });
    }

    #[test]
    fn node_prints_its_counts_at_the_end_and_a_test_named_like_one_is_not_counted() {
        // Printed by Node 24 with --test-reporter=spec.
        let output = "✔ a test (0.6 ms)\nℹ pass 12 of them\nℹ tests 6\nℹ suites 0\nℹ pass 3\nℹ fail 1\n\
            ℹ cancelled 1\nℹ skipped 1\nℹ todo 0\nℹ duration_ms 64.8\n";
        assert_eq!(Counts::of_node(output), Counts { passed: 3, failed: 2, skipped: 1 });
    }

    #[test]
    fn output_without_a_summary_counts_nothing() {
        assert_eq!(Counts::of_cargo("error: could not compile"), Counts::default());
        assert_eq!(Counts::of_node("Error: cannot find module"), Counts::default());
    }
}
