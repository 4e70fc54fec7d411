//! The dynamic program against trying every partition.

use prequal_train::binning::{
    counts::Counts,
    optimal::{Constraints, Trend, partition},
};

const TRENDS: [Trend; 5] = [Trend::Ascending, Trend::Descending, Trend::Peak, Trend::Valley, Trend::Free];

/// Small numbers from a fixed sequence (Knuth's MMIX generator), so that a failure comes again.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as u32) % end
    }
}

fn follows(trend: Trend, bins: &[Counts]) -> bool {
    let rising: Vec<bool> = bins.windows(2).map(|pair| pair[1].rate() > pair[0].rate()).collect();
    let level = bins.windows(2).any(|pair| pair[1].compare_rate(pair[0]).is_eq());
    let turns_once = |first: bool| {
        let turn = rising.iter().position(|up| *up != first).unwrap_or(rising.len());
        rising.iter().skip(turn).all(|up| *up != first)
    };
    match trend {
        Trend::Free => true,
        _ if level => false,
        Trend::Ascending => rising.iter().all(|up| *up),
        Trend::Descending => rising.iter().all(|up| !up),
        Trend::Peak => turns_once(true),
        Trend::Valley => turns_once(false),
    }
}

/// The best worth over all 2^(n−1) partitions.
fn best_by_trying(cells: &[Counts], totals: Counts, trend: Trend, constraints: &Constraints) -> Option<f64> {
    let mut best = None;
    for mask in 0..1_u32 << (cells.len() - 1) {
        let mut bins = vec![cells[0]];
        for (index, cell) in cells.iter().enumerate().skip(1) {
            if mask >> (index - 1) & 1 == 1 {
                bins.push(*cell);
            } else if let Some(last) = bins.last_mut() {
                *last = *last + *cell;
            }
        }
        let large = bins.iter().all(|bin| {
            bin.rows() >= constraints.rows_min && bin.bads >= constraints.bads_min && bin.goods >= constraints.bads_min
        });
        if large && bins.len() <= constraints.bins_max && follows(trend, &bins) {
            let worth: f64 = bins.iter().map(|bin| bin.information(totals) - constraints.price).sum();
            best = Some(best.map_or(worth, |best: f64| best.max(worth)));
        }
    }
    best
}

#[test]
fn no_partition_is_better_than_the_one_found() {
    let mut numbers = Numbers(2026);
    let (mut found, mut none) = (0, 0);
    for _ in 0..60 {
        let count = 2 + numbers.below(9) as usize;
        let cells: Vec<Counts> =
            (0..count).map(|_| Counts { goods: numbers.below(30), bads: numbers.below(15) }).collect();
        let totals = cells.iter().fold(Counts { goods: 5, bads: 3 }, |sum, cell| sum + *cell);
        let constraints = Constraints {
            rows_min: numbers.below(90),
            bads_min: 1 + numbers.below(5),
            bins_max: 1 + numbers.below(6) as usize,
            price: f64::from(numbers.below(3)) * 0.01,
        };
        for trend in TRENDS {
            let expected = best_by_trying(&cells, totals, trend, &constraints);
            let got = partition(&cells, totals, trend, &constraints);
            match (expected, got) {
                (None, None) => none += 1,
                (Some(expected), Some(got)) => {
                    assert!((got.worth - expected).abs() < 1e-9, "{trend:?} {cells:?} {constraints:?}");
                    assert_eq!(got.ends.last(), Some(&cells.len()));
                    assert!(got.ends.len() <= constraints.bins_max);
                    found += 1;
                }
                (expected, got) => panic!("{trend:?} {cells:?} {constraints:?}: {expected:?}, got {got:?}"),
            }
        }
    }
    assert!(found > 100 && none > 5, "{found} found, {none} impossible");
}
