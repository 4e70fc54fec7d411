//! A table in Parquet trains as the same table in CSV.

use std::{path::Path, sync::Arc};

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use prequal_train::{Options, frame::Frame, options::TreeOptions, train};

/// The German credit data with numbers as numbers and names as names; every eleventh amount is missing.
fn tables() -> (Vec<u8>, Vec<u8>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/german_credit.csv");
    let frame = Frame::read(&std::fs::read(path).unwrap()).unwrap();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&frame.headers).unwrap();
    let amount = frame.headers.iter().position(|name| name == "credit_amount").unwrap();
    let cell = |row: usize, at: usize| if at == amount && row.is_multiple_of(11) { "" } else { &frame.cells[at][row] };
    for row in 0..frame.rows() {
        writer.write_record((0..frame.headers.len()).map(|at| cell(row, at))).unwrap();
    }
    let column = |at: usize| -> ArrayRef {
        let cells = || (0..frame.rows()).map(|row| Some(cell(row, at)).filter(|cell| !cell.is_empty()));
        if at == amount {
            return Arc::new(
                cells().map(|cell| cell.map(|cell| cell.parse::<f64>().unwrap())).collect::<Float64Array>(),
            );
        }
        match cells().map(|cell| cell.and_then(|cell| cell.parse::<i64>().ok())).collect::<Option<Vec<i64>>>() {
            Some(whole) => Arc::new(Int64Array::from(whole)),
            None => Arc::new(cells().collect::<StringArray>()),
        }
    };
    let columns = frame.headers.iter().enumerate().map(|(at, name)| (name, column(at)));
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut parquet = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    parquet.write(&batch).unwrap();
    (writer.into_inner().unwrap(), parquet.into_inner().unwrap())
}

#[test]
fn parquet_and_csv_of_one_table_give_one_model() {
    let (csv, parquet) = tables();
    let mut options = Options::new("creditability", "bad");
    options.trees = Some(TreeOptions { rounds: 10, ..TreeOptions::default() });
    let one = train(&csv, options.clone(), &mut |_| ()).unwrap();
    let other = train(&parquet, options.clone(), &mut |_| ()).unwrap();
    assert_ne!(one.scorecard.data.sha256, other.scorecard.data.sha256, "each names the file that it was made of");
    assert_eq!(
        (&one.scorecard.features, one.scorecard.base_points),
        (&other.scorecard.features, other.scorecard.base_points)
    );
    assert_eq!(one.points, other.points);
    for (one, other) in one.folds.iter().zip(&other.folds) {
        assert_eq!((&one.fingerprint, one.measures), (&other.fingerprint, other.measures));
        let trees = |fold: &prequal_train::validate::Fold| fold.trees.as_ref().unwrap().fingerprint.clone();
        assert_eq!(trees(one), trees(other));
    }
    // A file that is cut off is no shorter table.
    let error = train(&parquet[..parquet.len() / 2], options, &mut |_| ()).unwrap_err().to_string();
    assert!(error.contains("it is no Parquet file, or a damaged one"), "{error}");
}
