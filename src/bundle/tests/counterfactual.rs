//! Counterfactuals against an oracle that knows nothing of bins or sums: it decides every combination of every value in
//! a small world, and picks the smallest change by the definition.

mod common;

use std::fs;

use common::with;
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
    score::trees::TreeModel,
    wire::{Input, Outcome, Scalar, parse},
};
use serde_json::{Value as Json, json};

const FEATURES: &str = r#"
[[feature]]
id = "income"
type = "integer"
from = { evidence = "income" }
min = 0
max = 39
reason = "R10"
change = { step = 3, safe = true }
uses = ["score"]

[[feature]]
id = "debts"
type = "integer"
from = { evidence = "debts" }
min = 0
max = 6
reason = "R10"
change = { direction = "down", min = 1 }
uses = ["eligibility", "score"]

[[feature]]
id = "home"
type = "category"
categories = ["own", "rent", "other"]
from = { evidence = "home" }
reason = "R10"
change = { to = ["own", "other"], safe = true }
uses = ["score"]

[[feature]]
id = "salaried"
type = "boolean"
from = { evidence = "salaried" }
reason = "R30"
uses = ["score"]

[[feature]]
id = "points"
type = "integer"
from = { engine = "score_points" }
uses = ["score"]

[[feature]]
id = "band"
"#;
/// Not monotone: more points than 605 are worse until 610.
const GRADES: &str = "points,=> band,=> outcome,=> reason\n>=630,A,eligible,\n[610..630)|[600..605),B,eligible,\n\
    [605..610),D,decline,R10\n[580..600),C,refer,R10\n<580,D,decline,R10\n";
const MONOTONE: &str = "points,=> band,=> outcome,=> reason\n>=630,A,eligible,\n[600..630),B,eligible,\n\
    [580..600),C,refer,R10\n<580,D,decline,R10\n";
const DEBTS: &str = "debts,order_amount,=> outcome,=> reason\n>=5,-,decline,R10\n[3..5),>20000,refer,R10\n";
const DEBTS_TABLE: &str =
    "[[table]]\nid = \"debts\"\nfile = \"tables/debts.csv\"\nrole = \"eligibility\"\nhit = \"collect\"\n";

/// Where the policy cuts the price, in fen: product and knock-out from 500.00 and to 40,000.00, the plans that begin at
/// 1,000.00 and 5,000.00, the refusal above 20,000.00, the limits of 40,000.00, 8,000.00 and 0.
const PRICE_BORDERS: [i64; 7] = [1, 50_000, 100_000, 500_000, 800_001, 2_000_001, 4_000_001];

/// A small generator (Knuth's MMIX constants), so that a failure can be run again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn points(&mut self) -> i64 {
        i64::try_from(self.roll(61)).unwrap() - 30
    }
}

/// A policy and where it cuts income and debts.
struct World {
    bundle: Bundle,
    income: Vec<i64>,
    debts: Vec<i64>,
}

fn world(model: &str, head: &str, grades: &str, change: &[(&str, &str, &str)], income: &[i64], debts: &[i64]) -> World {
    let head = format!("[model]\nid = \"m\"\nfile = \"model.json\"\n{head}\n{DEBTS_TABLE}\n[[table]]\nid = \"grades\"");
    let order = "id = \"order_amount\"\ntype = \"money\"\nfrom = { engine = \"order_amount\" }";
    let marked = format!("{order}\nchange = {{ direction = \"down\", step = 230000, min = 30000, safe = true }}");
    let mut changes = vec![
        ("features.toml", "\n[[feature]]\nid = \"band\"\n", FEATURES),
        ("features.toml", order, marked.as_str()),
        ("bundle.toml", "[[table]]\nid = \"grades\"", head.as_str()),
    ];
    changes.extend(change);
    let folder = with(&changes);
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("model.json", model);
    write("tables/grades.csv", grades);
    write("tables/debts.csv", DEBTS);
    write("tables/limits.csv", "band,=> limit\nA,40000\nB,8000\nC|D,0\n");
    write("tables/prices.csv", "band,=> rate_percent\nA,0.02\nB,0.035\nC|D,0.05\n");
    let bundle = sources::build(folder.path(), None).unwrap().bundle;
    let mut debts = debts.to_vec();
    debts.extend([3, 5]);
    World { bundle, income: income.to_vec(), debts }
}

/// A scorecard with two cuts of income and one of debts.
fn card_world(dice: &mut Dice, grades: &str) -> World {
    let cut = i64::try_from(5 + dice.roll(10)).unwrap();
    let (income, debts) = (vec![cut, cut + 11], vec![2]);
    let number = |name: &str, cuts: &[i64], dice: &mut Dice| {
        let mut bins = vec![json!({"below": cuts[0].to_string(), "woe": "0", "points": dice.points()})];
        for (at, from) in cuts.iter().enumerate() {
            let mut bin = json!({"from": from.to_string(), "woe": "0", "points": dice.points()});
            if let Some(below) = cuts.get(at + 1) {
                bin["below"] = json!(below.to_string());
            }
            bins.push(bin);
        }
        json!({"name": name, "kind": "number", "reason": "x", "bins": bins,
            "missing": {"woe": "0", "points": dice.points()}})
    };
    let named = |name: &str, names: &[&str], dice: &mut Dice| {
        let bin = |name: &&str, dice: &mut Dice| json!({"categories": [name], "woe": "0", "points": dice.points()});
        let bins: Vec<Json> = names.iter().map(|name| bin(name, dice)).collect();
        json!({"name": name, "kind": "category", "reason": "x", "unseen": "missing", "bins": bins,
            "missing": {"woe": "0", "points": dice.points()}})
    };
    let features = vec![
        number("income", &income, dice),
        number("debts", &debts, dice),
        named("home", &["own", "rent", "other"], dice),
        named("salaried", &["no", "yes"], dice),
    ];
    let card = json!({"format": "prequal-scorecard/1", "label": "", "purpose": "",
        "target": {"column": "y", "bad": "1"},
        "scaling": {"points_to_double_odds": "20", "base_score": 600, "base_odds": "1"}, "base_points": 590,
        "features": features, "data": {"sha256": "0".repeat(64), "rows": 2, "bads": 1}, "seed": 0});
    world(&card.to_string(), "", grades, &[], &income, &debts)
}

/// Trees of two levels, each over two features, so that one feature's effect depends on another.
fn tree_world(dice: &mut Dice, grades: &str) -> World {
    let cut = i64::try_from(5 + dice.roll(10)).unwrap();
    let (income, debts) = (vec![cut, cut + 11], vec![2]);
    let column = |feature: u32, cuts: &[i64]| {
        let cuts: Vec<String> = cuts.iter().map(ToString::to_string).collect();
        json!({"feature": feature, "missing": "own", "cuts": cuts})
    };
    let columns = json!([column(0, &income), column(1, &debts),
        {"feature": 2, "missing": "own", "categories": {"codes": [0, 1], "sets": ["100", "010"]}},
        {"feature": 3, "missing": "own", "cuts": ["0.5"]}]);
    let tests = [2, 1, 2, 1];
    let mut trees = Vec::new();
    for _ in 0..6 {
        let columns: Vec<u64> = (0..3).map(|_| dice.roll(4)).collect();
        let tests: Vec<u64> =
            columns.iter().map(|column| dice.roll(tests[usize::try_from(*column).unwrap()])).collect();
        let leaf = |dice: &mut Dice| {
            let leaf = (f64::from(u32::try_from(dice.roll(2001)).unwrap()) - 1000.0) / 1500.0;
            format!("{:016x}", leaf.to_bits())
        };
        let leaves: String = (0..4).map(|_| leaf(dice)).collect();
        trees.push(json!({"shape": "1100100", "columns": columns, "tests": tests, "missing_left": "101",
            "leaves": leaves, "leaf_ids": [0, 1, 2, 3]}));
    }
    let model = json!({"format": "prequal-trees/1", "label": "by chance",
        "source": {"library": "hand", "version": "1", "objective": "", "sha256": ""},
        "inputs": "f32", "sums": "f64", "base": "0000000000000000", "link": {"kind": "logistic", "slope": "1"},
        "features": [{"name": "income"}, {"name": "debts"}, {"name": "home", "categories": ["rent", "own"],
            "unseen": "other"}, {"name": "salaried"}],
        "columns": columns, "trees": trees});
    let hashed: TreeModel = serde_json::from_value(model).unwrap();
    let head = "scaling = { points_to_double_odds = \"20\", base_score = 590, base_odds = \"1\" }\n\
        baseline = { income = \"20\", debts = \"1\", home = \"own\", salaried = \"yes\" }\n";
    world(&hashed.to_file().unwrap(), head, grades, &[], &income, &debts)
}

fn input(dice: &mut Dice) -> Input {
    let mut pick = |of: &[&str]| of[usize::try_from(dice.roll(of.len() as u64)).unwrap()].to_owned();
    let (home, trust, other) = (
        pick(&["own", "rent", "other"]),
        pick(&["third_party", "signed", "own", "declared", "browser"]),
        pick(&["third_party", "own", "declared"]),
    );
    let (income, debts, salaried) = (dice.roll(40), dice.roll(7), dice.roll(2) == 1);
    let amount = 30_000 + 230_000 * dice.roll(11);
    let text = json!({
        "application": {
            "fields": {"full_name": "张伟", "resident_id": "360426199101010071", "phone": "+8613800138000",
                "income_monthly": 800_000},
            "order": {"amount": amount, "currency": "CNY"},
        },
        "as_of": "2026-11-23T08:00:00Z",
        "evidence": {
            "credit_grade": {"value": "B", "assurance": "third_party"},
            "income": {"value": income, "assurance": trust},
            "debts": {"value": debts, "assurance": "third_party"},
            "home": {"value": home, "assurance": other},
            "salaried": {"value": salaried, "assurance": "own"},
        },
        "salt": "00".repeat(16),
        "today": "2026-11-23",
    });
    parse(&text.to_string()).unwrap()
}

/// One feature's change as the definition orders it: position in the schema, difference, value; with its bins.
type Move = (usize, i64, i64, i64);

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
    let mut best: Option<((usize, i64, Vec<Move>), Outcome)> = None;
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
