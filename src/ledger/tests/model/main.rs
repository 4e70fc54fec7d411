//! Random lives of loans beside a model that shares no code with the ledger. After every event: debits equal credits,
//! every account holds what the model says, the parts of the funders are the whole, no limit is passed, and undoing
//! the event restores the state before it. `cargo xtask verify ledger` runs a thousand lives; here a slice.

mod model;
mod workload;

use workload::Life;

/// Events of one life, at least.
const EVENTS: usize = 40;
/// Lives in the slice.
const LIVES: u64 = 60;

#[test]
fn a_thousand_random_lives_agree_with_the_model() {
    let lives = std::env::var("PREQUAL_LEDGER_LIVES").map_or(LIVES, |text| text.parse().unwrap());
    let (mut ran, mut of_lines, mut refused, mut undone, mut shared) = (0, 0, 0, 0, 0);
    let mut reversed = std::collections::BTreeMap::<&'static str, u64>::new();
    let mut kinds = std::collections::BTreeMap::<&'static str, u64>::new();
    // One life again, to look at it: PREQUAL_LEDGER_SEED.
    let only: Option<u64> = std::env::var("PREQUAL_LEDGER_SEED").ok().map(|text| text.parse().unwrap());
    for seed in only.map_or(1..=lives, |seed| seed..=seed) {
        let mut life = Life::new(seed);
        while life.events() < EVENTS {
            life.step();
        }
        ran += life.events() as u64;
        refused += life.refused;
        undone += life.undone;
        of_lines += life.line_events() as u64;
        shared += life.shared;
        for (name, count) in life.reversed {
            *reversed.entry(name).or_default() += count;
        }
        for (name, count) in life.kinds {
            *kinds.entry(name).or_default() += count;
        }
    }
    println!(
        "{ran} events of {lives} loans ran, {refused} were refused, {undone} were undone to look at the state before"
    );
    println!("{of_lines} events of lines beside them, {shared} times every funder's share was compared");
    println!("{kinds:?}");
    println!("undone in earnest: {reversed:?}");
    // A workload that is mostly refused, or knows only some events, proves little.
    assert!(refused < ran, "{refused} of {ran}");
    if only.is_none() && lives >= LIVES {
        assert!(ran >= lives * EVENTS as u64);
        assert_eq!(kinds.len(), 28, "every kind of event ran: {kinds:?}");
        // One event in three is undone to look at the state before it, and of a loan not sold the shares are compared.
        assert!(undone * 5 > ran && shared * 2 > ran, "{undone} and {shared} of {ran}");
        let kinds: Vec<_> = reversed.keys().copied().collect();
        for kind in ["drawn", "disputed", "paid_back", "payout_settled", "payout_returned", "reversed", "cleared"] {
            assert!(kinds.contains(&kind), "{kind} was never undone: {reversed:?}");
        }
    }
}
