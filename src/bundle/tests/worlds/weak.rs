//! What only the applicant vouches for may lower or refer, and never does better than silence: through whole decisions, of
//! scorecards and of trees.

use prequal_core::{
    decide::decide,
    evidence::{Assurance, Item},
    money::Amount,
    wire::{Decision, Input, Outcome},
};

use crate::small::{Dice, MONOTONE, World, card_world, input, tree_world};

const KEYS: [&str; 4] = ["income", "debts", "home", "salaried"];

fn vouched(input: &Input, keys: &[&str], by: Assurance) -> Input {
    let mut input = input.clone();
    for key in keys {
        if let Some(Item::Present { value, source, .. }) = input.evidence.get(key).cloned() {
            input.evidence.0.insert((*key).to_owned(), Item::Present { value, assurance: by, source });
        }
    }
    input
}

fn silent(input: &Input, keys: &[&str]) -> Input {
    let kept = input.evidence.iter().filter(|(key, _)| !keys.contains(key));
    let evidence = kept.map(|(key, item)| (key.to_owned(), item.clone())).collect();
    Input { evidence, ..input.clone() }
}

fn rank(decision: &Decision) -> usize {
    let order = [Outcome::Declined, Outcome::Referred, Outcome::Eligible];
    order.iter().position(|outcome| *outcome == decision.outcome).unwrap()
}

/// Asserts that `weak` is in nothing better: outcome, plans, the rate of each.
fn assert_not_better(weak: &Decision, than: &Decision, at: &str) {
    assert!(rank(weak) <= rank(than), "{at}: {:?} is better than {:?}", weak.outcome, than.outcome);
    if rank(weak) < rank(than) {
        return;
    }
    for offer in &weak.offers {
        let other = than.offers.iter().find(|other| other.plan == offer.plan);
        let other = other.unwrap_or_else(|| panic!("{at}: {} is offered to the weak one alone", offer.plan));
        assert!(offer.total_interest >= other.total_interest, "{at}: {} is cheaper", offer.plan);
    }
}

fn hold(worlds: &[World], rows: &mut Dice) {
    let (mut below_trusted, mut below_silence) = (0, 0);
    for (number, world) in worlds.iter().enumerate() {
        for row in 0..6 {
            let mut trusted = vouched(&input(rows), &KEYS, Assurance::ThirdParty);
            // Within the limit of every band that lends: above it a decline would hang on the price, and a referral, which
            // a weak value may cause, comes before the limit is asked.
            trusted.application.order.amount = Amount::new(300_000).unwrap();
            let known = decide(&world.bundle, &trusted).unwrap();
            for subset in 1_usize..16 {
                let keys: Vec<&str> = (0..4).filter(|bit| subset >> bit & 1 == 1).map(|bit| KEYS[bit]).collect();
                let silence = decide(&world.bundle, &silent(&trusted, &keys)).unwrap();
                for by in [Assurance::Declared, Assurance::Browser] {
                    let weak = decide(&world.bundle, &vouched(&trusted, &keys, by)).unwrap();
                    let at = format!("world {number}, row {row}, {by:?} {keys:?}");
                    assert_not_better(&weak, &known, &at);
                    assert_not_better(&weak, &silence, &at);
                    below_trusted += usize::from(rank(&weak) < rank(&known));
                    below_silence += usize::from(rank(&weak) < rank(&silence));
                }
            }
        }
    }
    assert!(below_trusted > 20 && below_silence > 20, "{below_trusted} below trusted, {below_silence} below silence");
}

#[test]
fn weak_evidence_never_helps_through_a_scorecard() {
    let mut dice = Dice(11);
    let worlds: Vec<World> = (0..4).map(|_| card_world(&mut dice, MONOTONE)).collect();
    hold(&worlds, &mut Dice(12));
}

/// Of trees the whole row is what counts: features lean on each other, and lowering one by one would prove nothing.
#[test]
fn weak_evidence_never_helps_through_trees() {
    let mut dice = Dice(13);
    let worlds: Vec<World> = (0..4).map(|_| tree_world(&mut dice, MONOTONE)).collect();
    hold(&worlds, &mut Dice(14));
}
