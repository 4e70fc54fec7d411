//! The dynamic program against trying every partition, and bins of one outcome only.

use prequal_train::{
    Options, Training,
    binning::{
        counts::Counts,
        optimal::{Constraints, Trend, partition},
    },
    train,
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
        let large = bins.iter().all(|bin| bin.rows() >= constraints.rows_min.max(1));
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

/// `leak` is the outcome itself; `half` is 1 for every second bad and for no good; `noise` says nothing.
fn with_a_leak() -> Training {
    let mut text = String::from("leak,half,noise,y\n");
    for index in 0..400 {
        let bad = index % 4 == 0;
        let half = u8::from(index % 8 == 0);
        text.push_str(&format!("{},{half},{},{}\n", u8::from(bad), index / 4 % 5, if bad { "bad" } else { "good" }));
    }
    train(text.as_bytes(), Options::new("y", "bad"), &mut |_| ()).unwrap()
}

/// The information value by its definition, an empty count taken as half a row: a bin of 300 goods, one of 100 bads.
#[test]
fn a_column_that_separates_perfectly_is_seen_and_reported() {
    let training = with_a_leak();
    let value = |name: &str| {
        let at = training.table.columns.iter().position(|column| column.name == name).unwrap();
        training.fitted.candidates[at].information_value
    };
    let expected = (1.0 / (0.5_f64 / 100.0)).ln() - ((0.5_f64 / 300.0) / 1.0).ln();
    assert!((value("leak") - expected).abs() < 1e-9, "{} is not {expected}", value("leak"));
    let [warning, second] = &training.warnings[..] else { panic!("{:?}", training.warnings) };
    assert!(warning.starts_with("`leak` has an information value of 11.70, more than 1:"), "{warning}");
    assert!(second.starts_with("`half` "), "{second}");
    assert_eq!(value("noise"), 0.0);
}

/// A bin of 50 bads and no good, of 400 rows: pure, and large enough to be believed.
#[test]
fn a_bin_of_one_outcome_stays_a_bin_with_a_finite_weight_of_evidence() {
    let training = with_a_leak();
    let half = training.fitted.features.iter().find(|f| training.table.columns[f.column].name == "half").unwrap();
    let counts: Vec<Counts> = half.binning.groups.iter().map(|group| group.counts).collect();
    assert_eq!(counts, [Counts { goods: 300, bads: 50 }, Counts { goods: 0, bads: 50 }]);
    // Ten rows of average risk are added: 7.5 goods and 2.5 bads.
    let woe = ((7.5_f64 / 300.0) / (52.5 / 100.0)).ln();
    assert!((half.binning.groups[1].woe - woe).abs() < 1e-12);
}
