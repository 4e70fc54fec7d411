//! Counterfactuals against an oracle that knows nothing of bins or sums: it decides every combination of every value in
//! a small world, and picks the smallest change by the definition.

use prequal_bundle::sources;
use prequal_core::{
    bundle::{Bundle, FeatureDefinition, Payload, split},
    canonical,
    decide::{
        counterfactual::{Answer, Finding, Goal, counterfactual},
        decide,
    },
    evidence::{Assurance, Item},
    money::Amount,
    wire::{Input, Outcome, Scalar},
};

use serde_json::json;

use crate::{
    common::with,
    small::{Dice, GRADES, MONOTONE, PRICE_BORDERS, World, card_world, input, tree_world, world},
};

/// One feature's change as the definition orders it: position in the schema, difference, value; with its bins.
type Move = (usize, i64, i64, i64);
/// How large a change is: features, bins, then move by move.
type Size = (usize, i64, Vec<Move>);

fn number(input: &Input, key: &str) -> i64 {
    match input.evidence.get(key) {
        Some(Item::Present { value: Scalar::Integer(number), .. }) => *number,
        other => panic!("{other:?}"),
    }
}

fn verified(input: &Input, key: &str) -> bool {
    match input.evidence.get(key) {
        Some(Item::Present { assurance, .. }) => *assurance >= Assurance::ThirdParty,
        other => panic!("{other:?}"),
    }
}

fn crossed(borders: &[i64], from: i64, to: i64) -> i64 {
    let mut borders = borders.to_vec();
    borders.sort_unstable();
    borders.dedup();
    let between = borders.iter().filter(|border| (from.min(to) < **border) && (**border <= from.max(to)));
    i64::try_from(between.count()).unwrap().max(1)
}

fn set(input: &mut Input, key: &str, to: Scalar) {
    let Some(Item::Present { assurance, source, .. }) = input.evidence.get(key).cloned() else { panic!() };
    input.evidence.0.insert(key.to_owned(), Item::Present { value: to, assurance, source });
}

const HOMES: [&str; 3] = ["own", "rent", "other"];

/// Every value that each of the four features may take, its own first. The schema's order is order, income, debts, home.
fn choices(world: &World, input: &Input, person: bool) -> [Vec<Option<Move>>; 4] {
    let shown = |safe: bool, verified: bool| !person || safe && verified;
    let moves = |at: usize, from: i64, values: Vec<i64>, borders: &[i64]| {
        let moved = |to: i64| Some((at, (to - from).abs(), to, crossed(borders, from, to)));
        [None].into_iter().chain(values.into_iter().filter(|to| *to != from).map(moved)).collect::<Vec<_>>()
    };
    let amount = input.application.order.amount.minor();
    let prices = (1..=11).map(|step| amount - 230_000 * step).filter(|price| *price >= 30_000).collect();
    let (income, debts) = (number(input, "income"), number(input, "debts"));
    let incomes = (0..=39).filter(|value| (value - income) % 3 == 0).collect();
    let Some(Item::Present { value: Scalar::Text(home), .. }) = input.evidence.get("home") else { panic!() };
    let home = i64::try_from(HOMES.iter().position(|name| name == home).unwrap()).unwrap();
    let homes = [0, 2].into_iter().filter(|to| *to != home).map(|to| Some((3, 1, to, 1)));
    let mut all = [
        moves(0, amount, prices, &PRICE_BORDERS),
        moves(1, income, incomes, &world.income),
        moves(2, debts, (1..debts).collect(), &world.debts),
        [None].into_iter().chain(homes).collect(),
    ];
    for (at, (safe, known)) in
        [(true, true), (true, verified(input, "income")), (false, true), (true, verified(input, "home"))]
            .into_iter()
            .enumerate()
    {
        if !shown(safe, known) {
            all[at].truncate(1);
        }
    }
    all
}

/// The smallest change by the definition, over every combination there is.
fn oracle(world: &World, input: &Input, goal: Goal, person: bool) -> Option<(Outcome, Vec<Move>)> {
    let rank = |outcome: Outcome| {
        [Outcome::Needs, Outcome::Declined, Outcome::Referred, Outcome::Eligible]
            .iter()
            .position(|one| *one == outcome)
            .unwrap()
    };
    let was = decide(&world.bundle, input).unwrap().outcome;
    let [prices, incomes, debts, homes] = choices(world, input, person);
    let mut best: Option<(Size, Outcome)> = None;
    for price in &prices {
        for income in &incomes {
            for debt in &debts {
                for home in &homes {
                    let moves: Vec<Move> = [price, income, debt, home].into_iter().copied().flatten().collect();
                    let size = (moves.len(), moves.iter().map(|(_, _, _, bins)| bins).sum(), moves.clone());
                    if moves.is_empty() || best.as_ref().is_some_and(|(smallest, _)| *smallest <= size) {
                        continue;
                    }
                    let mut changed = input.clone();
                    for (at, _, to, _) in &moves {
                        match at {
                            0 => changed.application.order.amount = Amount::new(*to).unwrap(),
                            1 => set(&mut changed, "income", Scalar::Integer(*to)),
                            2 => set(&mut changed, "debts", Scalar::Integer(*to)),
                            _ => set(&mut changed, "home", Scalar::Text(HOMES[usize::try_from(*to).unwrap()].into())),
                        }
                    }
                    let now = decide(&world.bundle, &changed).unwrap().outcome;
                    let met = match goal {
                        Goal::Better => rank(now) > rank(was),
                        Goal::Eligible => now == Outcome::Eligible,
                        Goal::Other => now != was,
                    };
                    if met {
                        best = Some((size, now));
                    }
                }
            }
        }
    }
    best.map(|((_, _, moves), outcome)| (outcome, moves))
}

fn told(finding: &Finding) -> Option<(Outcome, Vec<Move>)> {
    let moves = finding.changes.iter().map(|change| {
        let at = ["order_amount", "income", "debts", "home"].iter().position(|name| *name == change.feature);
        let bins = i64::from(change.bins);
        match (&change.from, &change.to) {
            (Scalar::Integer(from), Scalar::Integer(to)) => (at.unwrap(), (to - from).abs(), *to, bins),
            (_, Scalar::Text(to)) => {
                (at.unwrap(), 1, i64::try_from(HOMES.iter().position(|name| name == to).unwrap()).unwrap(), bins)
            }
            other => panic!("{other:?}"),
        }
    });
    finding.outcome.map(|outcome| (outcome, moves.collect()))
}

/// How often each answer came, so that a world in which nothing ever happens proves nothing.
#[derive(Debug, Default)]
struct Seen {
    none: usize,
    one: usize,
    more: usize,
    people: usize,
}

fn agree(worlds: impl Iterator<Item = World>, dice: &mut Dice, goals: &[Goal]) -> Seen {
    let mut seen = Seen::default();
    for (number, world) in worlds.enumerate() {
        for row in 0..5 {
            let input = input(dice);
            let was = decide(&world.bundle, &input).unwrap().outcome;
            for goal in goals {
                let found = counterfactual(&world.bundle, &input, *goal).unwrap();
                if was == Outcome::Eligible && *goal != Goal::Other {
                    assert_eq!((found.staff.answer, found.person.answer), (Answer::Reached, Answer::Reached));
                    continue;
                }
                for (person, finding) in [(false, &found.staff), (true, &found.person)] {
                    let at = format!("world {number}, row {row}, {goal:?}, person {person}: {finding:?}\n{input:?}");
                    assert!(finding.smallest && finding.limit.is_none(), "{at}");
                    let expected = oracle(&world, &input, *goal, person);
                    assert_eq!(told(finding), expected, "{at}");
                    let answer = if expected.is_some() { Answer::Found } else { Answer::None };
                    assert_eq!(finding.answer, answer, "{at}");
                    match finding.changes.len() {
                        0 => seen.none += 1,
                        1 => seen.one += 1,
                        _ => seen.more += 1,
                    }
                    seen.people += usize::from(person && expected.is_some());
                }
            }
        }
    }
    seen
}

const GOALS: [Goal; 3] = [Goal::Better, Goal::Eligible, Goal::Other];

#[test]
fn of_a_scorecard_the_smallest_change_of_all_is_found() {
    let (mut dice, mut rows) = (Dice(1), Dice(2));
    let worlds = (0..6).map(|at| card_world(&mut dice, if at % 2 == 0 { MONOTONE } else { GRADES }));
    let seen = agree(worlds, &mut rows, &GOALS);
    assert!(seen.none > 10 && seen.one > 20 && seen.more > 5 && seen.people > 10, "{seen:?}");
}

#[test]
fn of_trees_the_smallest_change_of_all_is_found() {
    let (mut dice, mut rows) = (Dice(3), Dice(4));
    let worlds = (0..6).map(|at| tree_world(&mut dice, if at % 2 == 0 { MONOTONE } else { GRADES }));
    let seen = agree(worlds, &mut rows, &GOALS);
    assert!(seen.none > 10 && seen.one > 20 && seen.more > 5 && seen.people > 10, "{seen:?}");
}

/// The same marks, the same words: what each of these says that cannot be meant.
#[test]
fn marks_without_meaning_are_refused_by_name() {
    let refused = |from: &str, to: &str| {
        let folder = with(&[("features.toml", from, to)]);
        sources::build(folder.path(), None).unwrap_err().to_string()
    };
    let grade = "label = { zh = \"信用等级\", en = \"your credit grade\" }";
    for (mark, why) in [
        ("{ direction = \"up\" }", "feature `credit_grade` is marked changeable as a number is, and has categories"),
        ("{ step = 2 }", "feature `credit_grade` is marked changeable as a number is, and has categories"),
        ("{ to = [\"E\"] }", "feature `credit_grade` is marked changeable to a category that it does not have"),
        ("{ direction = \"sideways\" }", "unknown variant `sideways`"),
        ("{ safely = true }", "unknown field `safely`"),
    ] {
        let message = refused(grade, &format!("{grade}\nchange = {mark}"));
        assert!(message.starts_with("features.toml:") && message.contains(why), "{mark}: {message}");
    }
    let order = "from = { engine = \"order_amount\" }";
    for (mark, why) in [
        ("{ step = 0 }", "feature `order_amount` is marked changeable with a `step` below 1"),
        ("{ min = 5, max = 4 }", "feature `order_amount` is marked changeable with a `min` above its `max`"),
        ("{ to = [\"A\"] }", "feature `order_amount` is marked changeable to categories, and is a number"),
    ] {
        let message = refused(order, &format!("{order}\nchange = {mark}"));
        assert!(message.contains(why), "{mark}: {message}");
    }
    let age = "from = { age_years = \"resident_id\" }";
    let message = refused(age, &format!("{age}\nchange = {{ direction = \"up\" }}"));
    assert!(
        message.contains("`age_years` is marked changeable and follows from other values; mark those"),
        "{message}"
    );
    let twice = "\n[[feature]]\nid = \"price\"\ntype = \"money\"\nfrom = { engine = \"order_amount\" }\nuses = []\n\n";
    let message = refused(
        "uses = [\"eligibility\"]\n\n[[feature]]\nid = \"order_amount\"",
        "uses = [\"eligibility\"]\n\n[[feature]]\nid = \"income\"\ntype = \"money\"\n\
         from = { field = \"income_monthly\" }\nuses = [\"eligibility\"]\nchange = { safe = true }\n\n\
         [[feature]]\nid = \"order_amount\"",
    );
    assert!(message.contains("safe to be shown, and what comes from the form is never verified"), "{message}");
    let message = refused(
        "\n[[feature]]\nid = \"band\"",
        &format!("{}[[feature]]\nid = \"band\"", twice.replace("uses = []", "uses = []\nchange = {}")),
    );
    assert!(message.contains("feature `price` is marked changeable and may not be used for anything"), "{message}");
}

/// The public part and the decision know nothing of it.
#[test]
fn marks_stay_in_the_full_part_and_leave_the_decision_alone() {
    let (mut dice, mut rows) = (Dice(5), Dice(6));
    let world = card_world(&mut dice, MONOTONE);
    let text = canonical::to_string(world.bundle.payload()).unwrap();
    assert!(text.contains("\"change\":\"down step=230000 min=30000 safe\""));
    assert!(
        text.contains("\"change\":\"either to=own|other\"") || text.contains("\"change\":\"either safe to=own|other\"")
    );
    assert!(!canonical::to_string(&split(world.bundle.payload())).unwrap().contains("\"change\""));
    let bare = Payload {
        features: world
            .bundle
            .payload()
            .features
            .iter()
            .cloned()
            .map(|feature| FeatureDefinition { change: String::new(), ..feature })
            .collect(),
        ..world.bundle.payload().clone()
    };
    let bare = Bundle::from_payload(canonical::to_string(&bare).unwrap().as_bytes()).unwrap();
    for _ in 0..50 {
        let input = input(&mut rows);
        let with = decide(&world.bundle, &input).unwrap();
        let without = decide(&bare, &input).unwrap();
        assert_eq!((with.outcome, with.offers, with.trace), (without.outcome, without.offers, without.trace));
        let nothing = counterfactual(&bare, &input, Goal::Other).unwrap();
        assert_eq!((nothing.staff.answer, nothing.staff.decisions), (Answer::None, 0), "nothing is marked");
    }
}

/// A missing value is to be found, not altered; and what is needed first leaves nothing to be altered.
#[test]
fn what_is_missing_is_not_changed_and_what_is_needed_comes_first() {
    let (mut dice, mut rows) = (Dice(7), Dice(8));
    let world = card_world(&mut dice, MONOTONE);
    for _ in 0..20 {
        let mut input = input(&mut rows);
        for key in ["income", "debts", "home"] {
            input.evidence.0.insert(
                key.to_owned(),
                Item::Missing { missing: prequal_core::score::MissingKind::TimedOut, source: None },
            );
        }
        let found = counterfactual(&world.bundle, &input, Goal::Other).unwrap();
        assert!(found.staff.changes.iter().all(|change| change.feature == "order_amount"), "{found:?}");
        input.application.fields.0.insert("phone".to_owned(), Scalar::Text("1".to_owned()));
        let found = counterfactual(&world.bundle, &input, Goal::Better).unwrap();
        assert_eq!((found.staff.answer, found.person.answer), (Answer::Undecided, Answer::Undecided));
    }
}

/// A price and an income meet in a burden, ⌊1000 × price ÷ (months × income)⌋, and move each other's bins. Up to 100 it is
/// eligible, up to 200 referred, above it declined.
const BURDENS: &str = "points,burden,=> band,=> outcome,=> reason\n>=90000,-,B,eligible,\n<90000,<=100,A,eligible,\n\
    <90000,(100..200]|missing,C,refer,R10\n<90000,>200,D,decline,R10\n";
/// As many cases, and no way out.
const HOPELESS: &str = "points,burden,=> band,=> outcome,=> reason\n>=90000,-,B,eligible,\n[80000..90000),-,A,eligible,\n\
    <80000,<=100|missing,C,decline,R10\n<80000,>100,D,decline,R10\n";

/// A change of price and income: features, bins, new values.
type Choice = (usize, i64, Vec<(usize, i64)>);

fn burden_world(grades: &str, step: i64) -> World {
    let wages = "\n[[feature]]\nid = \"wages\"\ntype = \"money\"\nfrom = { evidence = \"wages\" }\nuses = [\"score\"]\n\
        change = { direction = \"up\", step = 70000, max = 900000 }\n\n[[feature]]\nid = \"burden\"\n\
        type = \"integer\"\nfrom = { instalment_to_income_permille = \"wages\" }\nuses = [\"score\"]\n\n\
        [[feature]]\nid = \"points\"";
    let step = format!("step = {step}, min = 30000");
    let changes = [
        ("features.toml", "\n[[feature]]\nid = \"points\"", wages),
        ("features.toml", "change = { step = 3, safe = true }\n", ""),
        ("features.toml", "change = { direction = \"down\", min = 1 }\n", ""),
        ("features.toml", "change = { to = [\"own\", \"other\"], safe = true }\n", ""),
        ("features.toml", "step = 230000, min = 30000", step.as_str()),
    ];
    let bin = json!({"woe": "0", "points": 0});
    let card = json!({"format": "prequal-scorecard/1", "label": "", "purpose": "",
        "target": {"column": "y", "bad": "1"},
        "scaling": {"points_to_double_odds": "20", "base_score": 600, "base_odds": "1"}, "base_points": 600,
        "features": [{"name": "income", "kind": "number", "reason": "x", "bins": [bin], "missing": bin}],
        "data": {"sha256": "0".repeat(64), "rows": 2, "bads": 1}, "seed": 0});
    world(&card.to_string(), "", grades, &changes, &[], &[])
}

fn burdened(price: i64, wages: i64) -> Input {
    let mut row = input(&mut Dice(31));
    row.application.order.amount = Amount::new(price).unwrap();
    for (key, value) in [("debts", 0), ("wages", wages)] {
        let value = Scalar::Integer(value);
        row.evidence.0.insert(key.to_owned(), Item::Present { value, assurance: Assurance::Own, source: None });
    }
    row
}

#[test]
fn a_price_and_an_income_that_move_each_others_bins_are_searched_together() {
    let world = burden_world(BURDENS, 230_000);
    let (mut none, mut one, mut both) = (0, 0, 0);
    for (price, wages) in [
        (1_290_000, 100_000),
        (1_520_000, 300_000),
        (2_440_000, 200_000),
        (3_990_000, 240_000),
        (3_990_000, 10_000),
        (1_060_000, 860_000),
        (760_000, 50_000),
        (3_990_000, 900_000),
    ] {
        for goal in [Goal::Better, Goal::Eligible] {
            let row = burdened(price, wages);
            let outcome = |price: i64, wages: i64| decide(&world.bundle, &burdened(price, wages)).unwrap().outcome;
            let was = outcome(price, wages);
            if was == Outcome::Eligible {
                continue;
            }
            let met = |now: Outcome| {
                now == Outcome::Eligible || goal == Goal::Better && was == Outcome::Declined && now == Outcome::Referred
            };
            let prices = || (0..18).map(|step| price - 230_000 * step).filter(|price| *price >= 30_000);
            let incomes = || (0..13).map(|step| wages + 70_000 * step).filter(|wages| *wages <= 900_000);
            let months = |price: i64| if price >= 100_000 { 12 } else { 6 };
            // An income at which the burden of a price falls to 100, to 200, or ends being beyond all.
            let of_income = |price: i64| {
                [100, 200]
                    .map(|most| 1000 * price / ((most + 1) * months(price)) + 1)
                    .into_iter()
                    .chain([1])
                    .collect::<Vec<_>>()
            };
            let least = |most: i64, months: i64| ((most + 1) * months * wages + 999) / 1000;
            let mut of_price = PRICE_BORDERS.to_vec();
            for most in [100, 200] {
                of_price.extend(
                    [6, 12]
                        .into_iter()
                        .map(|m| (m, least(most, m)))
                        .filter(|(m, least)| months(*least) == *m || months(least - 1) == *m)
                        .map(|(_, least)| least),
                );
            }
            let mut best: Option<Choice> = None;
            for to in prices() {
                for earned in incomes() {
                    let mut moves = Vec::new();
                    let mut bins = 0;
                    if to != price {
                        moves.push((0, to));
                        bins += crossed(&of_price, price, to);
                    }
                    if earned != wages {
                        moves.push((1, earned));
                        bins += crossed(&of_income(to), wages, earned);
                    }
                    // Smaller differences first: down from the price, up from the income.
                    let size = |(count, bins, moves): &Choice| {
                        (
                            *count,
                            *bins,
                            moves
                                .iter()
                                .map(|(at, to)| (*at, if *at == 0 { price - to } else { to - wages }))
                                .collect::<Vec<_>>(),
                        )
                    };
                    let this = (moves.len(), bins, moves);
                    if !this.2.is_empty()
                        && met(outcome(to, earned))
                        && best.as_ref().is_none_or(|best| size(&this) < size(best))
                    {
                        best = Some(this);
                    }
                }
            }
            let found = counterfactual(&world.bundle, &row, goal).unwrap().staff;
            let told: Vec<(usize, i64)> = found
                .changes
                .iter()
                .map(|change| match change.to {
                    Scalar::Integer(to) => (usize::from(change.feature == "wages"), to),
                    _ => panic!("{change:?}"),
                })
                .collect();
            let expected = best.map(|(_, _, moves)| moves).unwrap_or_default();
            assert_eq!(told, expected, "{price} {wages} {goal:?}: {found:?}");
            assert!(found.smallest, "{found:?}");
            match expected.len() {
                0 => none += 1,
                1 => one += 1,
                _ => both += 1,
            }
        }
    }
    assert!(one > 2 && both > 1, "{none} none, {one} one, {both} both");
}

/// A price that may change by a cent has more values than are tried beside every income; where nothing is found, that is
/// no proof that there is nothing. On a coarser grid it is.
#[test]
fn where_a_limit_ends_the_search_it_is_named_and_none_is_not_said() {
    let look = |step: i64| {
        counterfactual(&burden_world(HOPELESS, step).bundle, &burdened(3_990_000, 240_000), Goal::Better).unwrap().staff
    };
    let fine = look(1);
    assert_eq!((fine.answer, fine.limit, fine.smallest), (Answer::Limit, Some("values"), false), "{fine:?}");
    let coarse = look(230_000);
    assert_eq!((coarse.answer, coarse.limit, coarse.smallest), (Answer::None, None, true), "{coarse:?}");
}
