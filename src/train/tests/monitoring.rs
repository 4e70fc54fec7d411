//! Watching a model: what has moved is found, and what has not is left alone.

use prequal_train::{
    Options,
    monitor::{Level, Limits, MonitorOptions, Monitoring, Outcome, monitor},
    train,
};

const DATA: &str = include_str!("../../../tests/data/german_credit.csv");

fn model() -> String {
    let mut options = Options::new("creditability", "bad");
    options.folds = 2;
    let training = train(DATA.as_bytes(), options, &mut |_| ()).unwrap();
    prequal_core::canonical::to_string(&training.scorecard).unwrap()
}

fn options() -> MonitorOptions {
    let target = Some(Outcome { column: "creditability".to_owned(), bad: "bad".to_owned() });
    MonitorOptions { target, time_column: None, missing: Vec::new(), limits: Limits::default() }
}

/// The German rows, changed cell by cell: given the row's number, the column and the cell.
fn changed(columns: &[&str], change: impl Fn(usize, &str, &str) -> String) -> String {
    let mut reader = csv::Reader::from_reader(DATA.as_bytes());
    let header = reader.headers().unwrap().clone();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header.iter().chain(columns.iter().copied())).unwrap();
    for (row, record) in reader.records().enumerate() {
        let record = record.unwrap();
        let cells = header.iter().zip(&record).chain(columns.iter().map(|column| (*column, "")));
        writer.write_record(cells.map(|(column, cell)| change(row, column, cell))).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

fn watch(current: &str, options: MonitorOptions) -> Monitoring {
    monitor(DATA.as_bytes(), current.as_bytes(), model().as_bytes(), options).unwrap()
}

#[test]
fn the_same_rows_have_moved_nowhere() {
    let found = watch(DATA, options());
    assert!(found.findings.is_empty(), "{:?}", found.findings);
    assert_eq!((found.score.psi, found.score.shift), (0.0, 0.0));
    assert!(found.characteristics.iter().all(|feature| feature.csi == 0.0 && feature.points_shift == Some(0.0)));
    let (before, now) = (found.reference_performance.unwrap(), found.current_performance.unwrap());
    assert_eq!((before.rows, before.bads, now.bads), (1000, 300, 300));
    assert_eq!(before.measures, now.measures);
}

/// Every second checking account is gone. The index by its definition over the one feature: half of each bin's share moves
/// into the bin of `no checking account` or wherever the model puts it, so that the feature leads the list and its points
/// rise or fall with it.
#[test]
fn a_feature_that_moves_is_found_by_name() {
    let column = "status_of_existing_checking_account";
    let current =
        changed(&[], |row, name, cell| if name == column && row % 2 == 0 { String::new() } else { cell.to_owned() });
    let found = watch(&current, options());
    let first = &found.characteristics[0];
    assert_eq!(first.feature, column);
    assert_eq!((first.reference_missing, first.current_missing), (0.0, 0.5));
    // A bin that was empty counts as half a row of 1,000 before.
    let part = (0.5 - 0.0005) * (0.5_f64 / 0.0005).ln();
    assert!((first.bins.last().unwrap().part - part).abs() < 1e-12);
    assert!((first.csi - first.bins.iter().map(|bin| bin.part).sum::<f64>()).abs() < 1e-12);
    assert!(found.characteristics[1..].iter().all(|feature| feature.csi < 1e-9));
    assert!(found.findings.iter().any(|f| f.measure == "csi" && f.of == column && f.level == Level::Alert));
}

/// The outcome of half the rows has not matured, and that of the others is turned round: a good score becomes a bad one.
#[test]
fn only_matured_rows_are_judged_and_lost_power_is_an_alert() {
    let current = changed(&[], |row, name, cell| match (name, row % 2, cell) {
        ("creditability", 0, _) => String::new(),
        ("creditability", _, "bad") => "good".to_owned(),
        ("creditability", ..) => "bad".to_owned(),
        _ => cell.to_owned(),
    });
    let found = watch(&current, options());
    assert_eq!(found.current_performance.unwrap().rows, 500);
    let lost = found.findings.iter().find(|finding| finding.measure == "auc_loss").unwrap();
    assert!(lost.level == Level::Alert && lost.value > 0.4, "{lost:?}");
    assert!(found.findings.iter().any(|finding| finding.measure == "rate_ratio"));
}

#[test]
fn periods_go_by_month_and_each_has_its_index() {
    let current = changed(&["applied"], |row, name, cell| match name {
        "applied" => format!("2026-{:02}-15", row / 250 + 1),
        // In the last month everybody wants sixty months.
        "duration_in_month" if row >= 750 => "60".to_owned(),
        _ => cell.to_owned(),
    });
    let found = watch(&current, MonitorOptions { time_column: Some("applied".to_owned()), ..options() });
    let names: Vec<&str> = found.periods.iter().map(|period| period.period.as_str()).collect();
    assert_eq!(names, ["2026-01", "2026-02", "2026-03", "2026-04"]);
    assert_eq!(found.periods.iter().map(|period| period.rows).sum::<usize>(), 1000);
    let duration = found.characteristics.iter().find(|c| c.feature == "duration_in_month").unwrap();
    assert!(duration.by_period[3] > 1.0 && duration.by_period[..3].iter().all(|index| *index < 0.25));
    assert!(found.findings.iter().any(|finding| finding.of == "the score in 2026-04"));
}

#[test]
fn a_file_that_lacks_what_the_model_reads_is_refused_by_name() {
    let refused = monitor(DATA.as_bytes(), b"x\n1\n", model().as_bytes(), options()).unwrap_err().to_string();
    assert!(refused.contains("is not a column of the data; its columns are `x`"), "{refused}");
    let refused = monitor(b"", DATA.as_bytes(), model().as_bytes(), options()).unwrap_err().to_string();
    assert_eq!(refused, "the reference: the data file is empty");
    let refused = monitor(DATA.as_bytes(), DATA.as_bytes(), b"{}", options()).unwrap_err().to_string();
    assert!(refused.starts_with("the model is refused: "), "{refused}");
}
