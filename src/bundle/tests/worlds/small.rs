//! Small policies by chance: four features, a scorecard or trees, and tables that cut points, debts and price.

use std::fs;

use prequal_bundle::sources;
use prequal_core::{
    bundle::Bundle,
    score::trees::TreeModel,
    wire::{Input, parse},
};
use serde_json::{Value as Json, json};

use crate::common::with;

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
pub const GRADES: &str = "points,=> band,=> outcome,=> reason\n>=630,A,eligible,\n[610..630)|[600..605),B,eligible,\n\
    [605..610),D,decline,R10\n[580..600),C,refer,R10\n<580,D,decline,R10\n";
pub const MONOTONE: &str = "points,=> band,=> outcome,=> reason\n>=630,A,eligible,\n[600..630),B,eligible,\n\
    [580..600),C,refer,R10\n<580,D,decline,R10\n";
const DEBTS: &str = "debts,order_amount,=> outcome,=> reason\n>=5,-,decline,R10\n[3..5),>20000,refer,R10\n";
const DEBTS_TABLE: &str =
    "[[table]]\nid = \"debts\"\nfile = \"tables/debts.csv\"\nrole = \"eligibility\"\nhit = \"collect\"\n";

/// Where the policy cuts the price, in fen: product and knock-out from 500.00 and to 40,000.00, the plans that begin at
/// 1,000.00 and 5,000.00, the refusal above 20,000.00, the limits of 40,000.00, 8,000.00 and 0.
pub const PRICE_BORDERS: [i64; 7] = [1, 50_000, 100_000, 500_000, 800_001, 2_000_001, 4_000_001];

/// A small generator (Knuth's MMIX constants), so that a failure can be run again.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn points(&mut self) -> i64 {
        i64::try_from(self.roll(61)).unwrap() - 30
    }
}

/// A policy and where it cuts income and debts.
pub struct World {
    pub bundle: Bundle,
    pub income: Vec<i64>,
    pub debts: Vec<i64>,
}

pub fn world(
    model: &str,
    head: &str,
    grades: &str,
    change: &[(&str, &str, &str)],
    income: &[i64],
    debts: &[i64],
) -> World {
    let bundle = sources::build(policy(model, head, grades, change).path(), None).unwrap().bundle;
    let mut debts = debts.to_vec();
    debts.extend([3, 5]);
    World { bundle, income: income.to_vec(), debts }
}

/// The sources of a policy.
pub fn policy(model: &str, head: &str, grades: &str, change: &[(&str, &str, &str)]) -> tempfile::TempDir {
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
    folder
}

/// A scorecard with two cuts of income and one of debts.
pub fn card_world(dice: &mut Dice, grades: &str) -> World {
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
pub fn tree_world(dice: &mut Dice, grades: &str) -> World {
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

pub fn input(dice: &mut Dice) -> Input {
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
