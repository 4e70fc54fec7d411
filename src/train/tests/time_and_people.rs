//! Later rows, protected columns, rejected applicants and a second model.

use prequal_train::{
    Options, Training,
    options::{Card, RejectInference, TimeOptions},
    output::Metrics,
    scorer, train,
};

/// 1,200 applications over twelve months. Risk falls with `income`; `group` b has less of it; from November on income says
/// nothing any more. Numbers from a fixed sequence, so that a failure comes again.
fn applications() -> String {
    let mut text = String::from("income,note,group,applied,y\n");
    let mut state = 2026_u64;
    let mut below = |end: u32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as u32) % end
    };
    for index in 0..1200_u32 {
        let month = index / 100 + 1;
        let group = ["a", "b"][(index % 2) as usize];
        let income = 20 + below(60) - if group == "b" { 15 } else { 0 };
        let risk = if month < 11 { 80 - income.min(80) } else { 30 };
        let bad = below(100) < risk;
        let (day, note) = (index % 28 + 1, below(4));
        text.push_str(&format!("{income},{note},{group},2024-{month:02}-{day:02},{}\n", u8::from(bad)));
    }
    text
}

fn options() -> Options {
    let mut options = Options::new("y", "1");
    options.exclude = vec!["note".to_owned()];
    options.protected = vec!["group".to_owned()];
    options.time = Some(TimeOptions { column: "applied".to_owned(), share: 0.15, as_of: None });
    options
}

fn run(data: &str, options: Options) -> Training {
    train(data.as_bytes(), options, &mut |_| ()).unwrap()
}

#[test]
fn the_latest_rows_are_measured_and_change_nothing_that_is_fitted() {
    let data = applications();
    let training = run(&data, options());
    let later = training.out_of_time.as_ref().unwrap();
    assert!(later.rows.len() >= 180 && later.from.as_str() > "2024-11-01", "{} from {}", later.rows.len(), later.from);
    assert_eq!(training.development.len() + later.rows.len(), 1200);
    assert_eq!(training.scorecard.data.rows as usize, training.development.len());
    // Income says nothing in those months, and much before.
    let metrics = Metrics::of(&training);
    let (then, now) = (metrics.scorecard.auc.mean, metrics.out_of_time.unwrap().scorecard.auc);
    assert!(then > 0.65 && now < 0.6, "{then} then, {now} now");

    let header = data.lines().next().unwrap();
    let altered = data.lines().skip(1).map(|line| match line.split(',').collect::<Vec<_>>()[..] {
        [_, note, group, applied, y] if applied >= later.from.as_str() => {
            format!("999,{note},{group},{applied},{}", if y == "1" { 0 } else { 1 })
        }
        _ => line.to_owned(),
    });
    let altered: Vec<String> = std::iter::once(header.to_owned()).chain(altered).collect();
    let again = run(&(altered.join("\n") + "\n"), options());
    assert_eq!(training.scorecard.features, again.scorecard.features);
    let folds = |training: &Training| training.folds.iter().map(|fold| fold.fingerprint.clone()).collect::<Vec<_>>();
    assert_eq!(folds(&training), folds(&again));
}

/// Three months after the last application that is taken must have passed: 1 August is the last whose window ended.
#[test]
fn rows_that_have_not_matured_are_left_out() {
    let mut options = options();
    options.card = Some(Card::Collection);
    options.time.as_mut().unwrap().as_of = Some("2024-11-01".to_owned());
    let training = run(&applications(), options);
    let before = applications().lines().skip(1).filter(|line| line.split(',').nth(3).unwrap() <= "2024-08-01").count();
    assert_eq!(training.table.rows(), before);
    assert_eq!(training.table.immature, 1200 - before);
}

#[test]
fn protected_columns_are_no_inputs_and_show_how_groups_fare() {
    let mut options = options();
    options.time = None;
    options.exclude.push("applied".to_owned());
    let training = run(&applications(), options);
    assert!(training.table.columns.iter().all(|column| column.name != "group"));
    assert!(training.scorecard.features.iter().all(|feature| feature.name != "group"));
    let metrics = Metrics::of(&training);
    let [group] = &metrics.fairness[..] else { panic!("one column is protected") };
    let find = |name: &str| group.groups.iter().find(|group| group.name == name).unwrap();
    let (a, b) = (find("a"), find("b"));
    assert_eq!((a.rows, b.rows), (600, 600));
    // Group b has 15 less of what the score goes by.
    assert!(b.standardised_mean_difference.unwrap() < -0.3 && a.standardised_mean_difference == Some(0.0));
    for (best, worst) in a.at.iter().zip(&b.at) {
        assert_eq!(best.impact_ratio, 1.0);
        assert!((worst.impact_ratio - worst.rate / best.rate).abs() < 1e-12 && worst.impact_ratio < 1.0);
        assert!(worst.opportunity_difference < 0.0 && best.opportunity_difference == 0.0);
    }
    let [income] = &group.proxies[..] else { panic!("one feature: {:?}", group.proxies) };
    assert!(income.feature == "income" && income.cramers_v > 0.3, "{income:?}");
}

/// Applications without an outcome, which have less income, stand for those turned away.
fn with_rejects() -> String {
    let cut = |line: &str| {
        let income: u32 = line.split(',').next().unwrap().parse().ok()?;
        (income < 30).then(|| line.rsplit_once(',').unwrap().0.to_owned() + ",")
    };
    applications().lines().map(|line| cut(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

#[test]
fn nothing_is_assumed_of_the_rejected_unless_asked_for_and_then_it_is_told() {
    let data = with_rejects();
    let mut plain = options();
    plain.time = None;
    plain.exclude.push("applied".to_owned());
    let refused = train(data.as_bytes(), plain.clone(), &mut |_| ()).unwrap_err().to_string();
    assert!(refused.contains("has no outcome in row"), "{refused}");
    let with = |inference: RejectInference| run(&data, Options { reject_inference: Some(inference), ..plain.clone() });
    let reweighted = with(RejectInference::Reweighting);
    let even = with(RejectInference::Parcelling { factor: 1.0 });
    let harsh = with(RejectInference::Parcelling { factor: 4.0 });
    assert!(reweighted.table.rejects() > 100);
    assert_eq!(reweighted.table.rows() + reweighted.table.rejects(), 1200);
    for training in [&reweighted, &even, &harsh] {
        assert!(training.scorecard.label.contains("reject inference by"), "{}", training.scorecard.label);
        // Measures are of accepted rows alone.
        let measured: usize = training.folds.iter().map(|fold| fold.held_out.len()).sum();
        assert_eq!(measured, training.table.rows());
    }
    // Bins of a parcelled model hold the rejected too, and the harsher the assumption the more bads.
    let bads = |training: &Training| training.fitted.totals.bads;
    assert_eq!(even.fitted.totals.rows(), 1200);
    assert_eq!(reweighted.fitted.totals.rows() as usize, reweighted.table.rows());
    assert!(bads(&harsh) > bads(&even) + 50, "{} and {}", bads(&harsh), bads(&even));
    let again = with(RejectInference::Parcelling { factor: 4.0 });
    assert_eq!(again.scorecard, harsh.scorecard, "nothing is drawn at random");
}

/// The scorecard against itself: nobody is swapped, and the report says what it was compared with.
#[test]
fn a_model_compared_with_itself_swaps_nobody() {
    let data = applications();
    let mut options = options();
    options.time = None;
    options.exclude.push("applied".to_owned());
    let mut training = run(&data, options);
    let file = prequal_core::canonical::to_string(&training.scorecard).unwrap();
    let model = scorer::Model::read(file.as_bytes()).unwrap();
    training.challenge("the same".to_owned(), &model, data.as_bytes()).unwrap();
    let risk = &training.challenger.as_ref().unwrap().risk;
    assert!(risk.iter().zip(&training.points).all(|(risk, points)| *risk == -f64::from(*points)));
    let foreign = scorer::Model::read(file.replace("income", "wealth").as_bytes()).unwrap();
    let refused = training.challenge("foreign".to_owned(), &foreign, data.as_bytes()).unwrap_err().to_string();
    assert!(refused.starts_with("the model's feature `wealth` is not a column of the data"), "{refused}");
}
