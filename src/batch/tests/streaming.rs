//! Tables of every form give the scores of one row at a time, in order, however they are cut and whoever scores them.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, cast::AsArray, types::Float64Type};
use arrow_ipc::{reader::StreamReader, writer::StreamWriter};
use parquet::arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder};
use prequal_batch::{
    Extras, Input, InputFormat, Model, Output, OutputFormat, Run, Task,
    cell::Cell,
    model::Row,
    resume::{checkpoint_path, part_path},
    table,
};
use prequal_models::{Kind, read};

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/score");

/// Trees over the 23 columns of the Taiwan set.
fn trees() -> Model {
    let bytes = std::fs::read(Path::new(MODELS).join("lightgbm_taiwan_no_missing_in_training.txt")).unwrap();
    Model::new(&read(&bytes, Kind::Lightgbm).unwrap().model).unwrap()
}

/// A scorecard of a number and a category.
fn card() -> Model {
    let bin = |points: i32| serde_json::json!({"woe": "0", "points": points});
    let (mut short, mut long, mut own) = (bin(20), bin(0), bin(7));
    short["below"] = "12".into();
    long["from"] = "12".into();
    own["categories"] = serde_json::json!(["own", "rent"]);
    let card = serde_json::json!({
        "format": "prequal-scorecard/1", "label": "", "purpose": "", "target": {"column": "y", "bad": "1"},
        "scaling": {"points_to_double_odds": "20", "base_score": 600, "base_odds": "50"}, "base_points": 600,
        "features": [
            {"name": "months", "kind": "number", "reason": "R1", "bins": [short, long], "missing": bin(-20)},
            {"name": "home", "kind": "category", "reason": "R2", "unseen": "missing", "bins": [own], "missing": bin(-40)}],
        "data": {"sha256": "0".repeat(64), "rows": 0, "bads": 0}, "seed": 0
    });
    Model::new(&read(card.to_string().as_bytes(), Kind::Prequal).unwrap().model).unwrap()
}

fn task(model: Model, input: &Path, output: &Path, output_format: OutputFormat) -> Task {
    Task {
        model,
        model_hash: "m".to_owned(),
        extras: Extras::default(),
        keep: Vec::new(),
        missing: Vec::new(),
        input: Input::File(input.to_owned()),
        input_format: InputFormat::Auto,
        output: Output::File(output.to_owned()),
        output_format,
        threads: Some(3),
        resume: false,
        checkpoint_every: Duration::ZERO,
    }
}

fn score(task: Task) -> Result<u64, String> {
    Run::open(task).and_then(|run| run.finish(&mut |_| ())).map_err(|error| error.to_string())
}

/// Rows of numbers drawn by a fixed rule, every seventh cell missing.
fn numbers(rows: usize, columns: usize) -> Vec<Vec<Option<f64>>> {
    let mut state = 7_u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = (state >> 40) as f64;
        (!(state >> 33).is_multiple_of(7)).then_some(if number % 2.0 == 0.0 {
            number / 64.0
        } else {
            number % 9.0 - 2.0
        })
    };
    (0..rows).map(|_| (0..columns).map(|_| draw()).collect()).collect()
}

fn write_csv(path: &Path, names: &[String], rows: &[Vec<Option<f64>>]) {
    let mut text = names.join(",") + "\n";
    for row in rows {
        let cells: Vec<String> =
            row.iter().map(|cell| cell.map_or_else(String::new, |number| number.to_string())).collect();
        text += &(cells.join(",") + "\n");
    }
    std::fs::write(path, text).unwrap();
}

fn batch(names: &[String], rows: &[Vec<Option<f64>>]) -> RecordBatch {
    let column = |at: usize| Arc::new(rows.iter().map(|row| row[at]).collect::<Float64Array>()) as ArrayRef;
    RecordBatch::try_from_iter(names.iter().enumerate().map(|(at, name)| (name, column(at)))).unwrap()
}

fn write_parquet(path: &Path, batch: &RecordBatch) {
    let properties = parquet::file::properties::WriterProperties::builder()
        .set_compression(parquet::basic::Compression::SNAPPY)
        .set_max_row_group_row_count(Some(7_001))
        .build();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

fn write_arrow(path: &Path, batches: &[RecordBatch]) {
    let mut writer = StreamWriter::try_new(File::create(path).unwrap(), &batches[0].schema()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn stream(path: &Path) -> Vec<RecordBatch> {
    StreamReader::try_new(File::open(path).unwrap(), None).unwrap().map(Result::unwrap).collect()
}

fn text_column(batches: &[RecordBatch], name: &str) -> Vec<String> {
    let cells = |batch: &RecordBatch| -> Vec<String> {
        let column = batch.column_by_name(name).unwrap();
        column.as_string::<i32>().iter().map(|cell| cell.unwrap_or_default().to_owned()).collect()
    };
    batches.iter().flat_map(cells).collect()
}

/// 40,000 rows of 23 numbers: as CSV, Parquet and Arrow, with one thread and three, out as CSV, Parquet and Arrow, all
/// with the bits of one row at a time.
#[test]
fn every_form_gives_the_bits_of_one_row_at_a_time() {
    let place = Place::new();
    let mut model = trees();
    let names = model.names().to_vec();
    let rows = numbers(40_000, names.len());
    let mut expected = Vec::new();
    let mut scored = Row::default();
    for row in &rows {
        let cell = |cell: &Option<f64>| cell.map_or(Cell::Missing, Cell::Number);
        let values: Vec<f64> = row.iter().zip(0..).map(|(one, at)| model.value(at, cell(one)).unwrap()).collect();
        model.score(&values, Extras::default(), &mut scored).unwrap();
        expected.push(scored.bits.unwrap().bits_hex());
    }
    let different = expected.iter().collect::<std::collections::BTreeSet<_>>().len();
    assert!(different > 500, "the rows hardly differ: {different}");
    let (csv, parquet, arrow) = (place.path("in.csv"), place.path("in.parquet"), place.path("in.arrows"));
    write_csv(&csv, &names, &rows);
    let whole = batch(&names, &rows);
    write_parquet(&parquet, &whole);
    // One batch is larger than a block and one has no row.
    write_arrow(&arrow, &[whole.slice(0, 30_000), whole.slice(0, 0), whole.slice(30_000, 10_000)]);
    let mut outputs = Vec::new();
    for input in [&csv, &parquet, &arrow] {
        for threads in [1, 3] {
            let to = place.path("out.csv");
            let count = score(Task { threads: Some(threads), ..task(model.clone(), input, &to, OutputFormat::Csv) });
            assert_eq!(count, Ok(40_000));
            assert!(!part_path(&to).exists() && !checkpoint_path(&to).exists());
            outputs.push(std::fs::read_to_string(&to).unwrap());
        }
    }
    assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]), "the forms differ");
    let bits: Vec<&str> = outputs[0].lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    assert_eq!(bits, expected);
    let to = place.path("out.arrows");
    score(task(model.clone(), &csv, &to, OutputFormat::Arrow)).unwrap();
    assert_eq!(text_column(&stream(&to), "margin_bits"), expected);
    let to = place.path("out.parquet");
    score(task(model, &arrow, &to, OutputFormat::Parquet)).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&to).unwrap()).unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    assert_eq!(text_column(&batches, "margin_bits"), expected);
    let margins = batches[0].column_by_name("margin").unwrap().as_primitive::<Float64Type>().value(0);
    assert_eq!(format!("{:016x}", margins.to_bits()), expected[0]);
}

#[test]
fn a_scorecard_reads_numbers_and_names_from_typed_columns_and_keeps_an_identifier() {
    let place = Place::new();
    let (from, to) = (place.path("in.parquet"), place.path("out.csv"));
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![9_007_199_254_740_993, 2, 3, 4]));
    let months: ArrayRef = Arc::new(Float64Array::from(vec![Some(11.5), Some(f64::NAN), Some(-999.0), None]));
    let home: ArrayRef = Arc::new(StringArray::from(vec![Some("own"), Some("boat"), Some("rent"), Some(" ")]));
    write_parquet(&from, &RecordBatch::try_from_iter([("id", ids), ("home", home), ("months", months)]).unwrap());
    let wanted = Task {
        keep: vec!["id".to_owned()],
        missing: vec!["-999".to_owned()],
        ..task(card(), &from, &to, OutputFormat::Csv)
    };
    score(wanted.clone()).unwrap();
    let text = std::fs::read_to_string(&to).unwrap();
    let points: Vec<(&str, &str)> =
        text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>()).map(|row| (row[0], row[3])).collect();
    // 600 + 20 + 7; missing and unlisted: 600 - 20 - 40; missing by the word: 600 - 20 + 7; both missing.
    assert_eq!(points, [("9007199254740993", "627"), ("2", "540"), ("3", "587"), ("4", "540")]);
    // With reasons the same points come by another way.
    score(Task { extras: Extras { reasons: true, leaves: false }, ..wanted.clone() }).unwrap();
    let with_reasons = std::fs::read_to_string(&to).unwrap();
    for (line, with) in text.lines().zip(with_reasons.lines()) {
        assert!(with.starts_with(line), "{with}");
    }
    assert!(with_reasons.lines().nth(2).unwrap().ends_with("R2,47,R1,40,,,,"), "{with_reasons}");
    let twice = score(Task { keep: vec!["id".to_owned(), "id".to_owned()], ..wanted });
    assert_eq!(twice.unwrap_err(), "the output would have the column `id` twice");
}

/// A run is stopped after each checkpoint, and another goes on.
#[test]
fn a_run_that_was_stopped_goes_on_and_ends_in_the_same_bytes() {
    let place = Place::new();
    let model = trees();
    let names = model.names().to_vec();
    let rows = numbers(60_000, names.len());
    let (csv, parquet, arrow) = (place.path("in.csv"), place.path("in.parquet"), place.path("in.arrows"));
    write_csv(&csv, &names, &rows);
    let whole = batch(&names, &rows);
    write_parquet(&parquet, &whole);
    write_arrow(&arrow, &[whole.slice(0, 25_000), whole.slice(25_000, 35_000)]);
    for input in [&csv, &parquet, &arrow] {
        for format in [OutputFormat::Csv, OutputFormat::Arrow] {
            let (once, again) = (place.path("once"), place.path("again"));
            score(task(model.clone(), input, &once, format)).unwrap();
            let whole = std::fs::read(&once).unwrap();
            for share in [0.01, 0.5, 0.95] {
                stop_at(&task(model.clone(), input, &again, format), share);
                assert!(!again.exists() && part_path(&again).exists() && checkpoint_path(&again).exists());
                let run = Run::open(Task { resume: true, ..task(model.clone(), input, &again, format) }).unwrap();
                let before = run.rows_before();
                assert!(before > 0, "it began anew");
                assert_eq!(run.finish(&mut |_| ()).unwrap(), 60_000);
                assert!(std::fs::read(&again).unwrap() == whole, "{input:?} {format:?} from {before}");
                assert!(!part_path(&again).exists() && !checkpoint_path(&again).exists());
            }
        }
    }
}

/// Leaves what a run leaves behind that is killed: a part of the output with half a block after it, and a checkpoint.
fn stop_at(task: &Task, share: f64) {
    let Output::File(output) = &task.output else { unreachable!() };
    let _ = std::fs::remove_file(output);
    let mut copies = Vec::new();
    let mut run_progress = |_| ();
    // Checkpoints are copied while the run goes on, as a kill at that moment would leave them.
    let (path, part) = (checkpoint_path(output), part_path(output));
    let run = Run::open(task.clone()).unwrap();
    let worker = std::thread::spawn(move || run.finish(&mut run_progress).unwrap());
    while !worker.is_finished() {
        if let Ok(bytes) = std::fs::read(&path)
            && copies.last() != Some(&bytes)
        {
            copies.push(bytes);
        }
    }
    worker.join().unwrap();
    assert!(!copies.is_empty(), "no checkpoint was seen");
    let chosen = &copies[((copies.len() as f64 * share) as usize).min(copies.len() - 1)];
    let checkpoint: serde_json::Value = serde_json::from_slice(chosen).unwrap();
    let kept = usize::try_from(checkpoint["output_bytes"].as_u64().unwrap()).unwrap();
    let mut bytes = std::fs::read(output).unwrap();
    bytes.truncate(kept + 777);
    std::fs::remove_file(output).unwrap();
    std::fs::write(part, bytes).unwrap();
    std::fs::write(path, chosen).unwrap();
}

#[test]
fn what_cannot_go_on_is_refused_by_name() {
    let place = Place::new();
    let (from, to) = (place.path("in.csv"), place.path("out.csv"));
    let model = trees();
    let names = model.names().to_vec();
    write_csv(&from, &names, &numbers(20_000, names.len()));
    let wanted = task(model, &from, &to, OutputFormat::Csv);
    stop_at(&wanted, 0.5);
    let resumed = Task { resume: true, ..wanted.clone() };
    let refused = |task: Task| Run::open(task).unwrap_err().to_string();
    assert!(refused(Task { model_hash: "other".to_owned(), ..resumed.clone() }).contains("begun with another model"));
    assert!(refused(Task { keep: vec![names[0].clone()], ..resumed.clone() }).contains("begun with other options"));
    assert!(refused(Task { output: Output::Standard, ..resumed.clone() }).contains("the output must be a file"));
    assert!(refused(Task { input: Input::Standard, ..resumed.clone() }).contains("the input must be a file"));
    assert!(refused(Task { output_format: OutputFormat::Parquet, ..resumed.clone() }).contains("a Parquet file"));
    std::fs::write(part_path(&to), "short").unwrap();
    assert!(refused(resumed.clone()).contains("has 5 bytes, and"));
    std::fs::write(&from, std::fs::read_to_string(&from).unwrap() + "\n").unwrap();
    assert!(refused(resumed.clone()).contains("the input has changed since"));
    std::fs::write(checkpoint_path(&to), "{}").unwrap();
    assert!(refused(resumed).contains("it is no checkpoint"));
    let held = Run::open(wanted.clone()).unwrap();
    assert!(refused(wanted).contains("another run is writing"));
    drop(held);
}

#[test]
fn the_first_bad_row_is_named_and_nothing_is_left() {
    let place = Place::new();
    let to = place.path("out.csv");
    let refused = |name: &str, make: &dyn Fn(&Path)| {
        let from = place.path(name);
        make(&from);
        let error = score(task(card(), &from, &to, OutputFormat::Csv)).unwrap_err();
        assert!(!to.exists() && !part_path(&to).exists() && !checkpoint_path(&to).exists(), "{error}");
        error
    };
    let bad_csv = |rows: usize, bad: usize| {
        move |path: &Path| {
            let line = |row: usize| if row == bad { "x,own\n" } else { "1,own\n" };
            std::fs::write(path, "months,home\n".to_owned() + &(0..rows).map(line).collect::<String>()).unwrap();
        }
    };
    // More than one block: 400,000 rows of six bytes.
    let error = refused("a.csv", &bad_csv(400_000, 399_999));
    assert_eq!(error, "line 400001: `x` in column `months` is not a number");
    let typed = |path: &Path| {
        let months: ArrayRef =
            Arc::new(StringArray::from_iter_values((0..40_000).map(|row| if row == 33_000 { "x" } else { "1" })));
        let home: ArrayRef = Arc::new(StringArray::from(vec!["own"; 40_000]));
        write_parquet(path, &RecordBatch::try_from_iter([("months", months), ("home", home)]).unwrap());
    };
    assert_eq!(refused("a.parquet", &typed), "row 33001: `x` in column `months` is not a number");
    let dates = |path: &Path| {
        let months: ArrayRef = Arc::new(arrow_array::Date32Array::from(vec![1]));
        let home: ArrayRef = Arc::new(StringArray::from(vec!["own"]));
        write_parquet(path, &RecordBatch::try_from_iter([("months", months), ("home", home)]).unwrap());
    };
    assert_eq!(
        refused("b.parquet", &dates),
        "the column `months` is of type Date32, which is neither a number nor text"
    );
    let lacking = |path: &Path| {
        let months: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
        write_parquet(path, &RecordBatch::try_from_iter([("months", months)]).unwrap());
    };
    assert_eq!(refused("c.parquet", &lacking), "the model needs columns that are not there: `home`");
    let utf8 = |path: &Path| std::fs::write(path, b"months,home\n1,own\n2,\xff\n").unwrap();
    assert_eq!(refused("d.csv", &utf8), "line 3 is not UTF-8 text");
}

/// Every cut and 2,000 flipped bits of a Parquet file and of a stream: an error in one line, or rows, never a panic.
#[test]
fn damaged_files_are_refused_in_one_line() {
    let place = Place::new();
    let months: ArrayRef =
        Arc::new(Float64Array::from_iter((0..300).map(|row| (row % 7 > 0).then_some(f64::from(row)))));
    let home: ArrayRef = Arc::new(StringArray::from_iter_values((0..300).map(|row| ["own", "rent", "boat"][row % 3])));
    let table = RecordBatch::try_from_iter([("months", months), ("home", home)]).unwrap();
    let (parquet, arrow) = (place.path("a.parquet"), place.path("a.arrows"));
    write_parquet(&parquet, &table);
    write_arrow(&arrow, &[table.slice(0, 100), table.slice(100, 200)]);
    // What the decoders say of damaged files while they fall is not what is tested.
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !prequal_batch::is_decoding() {
            before(panic);
        }
    }));
    let mut refused = 0;
    for (path, format) in [(&parquet, InputFormat::Parquet), (&arrow, InputFormat::Arrow)] {
        let whole = std::fs::read(path).unwrap();
        let cuts = (0..whole.len()).step_by(7).map(|end| whole[..end].to_vec());
        let flips = (0..2_000_usize).map(|number| {
            let mut bytes = whole.clone();
            let at = number * 7_919 % bytes.len();
            bytes[at] ^= 1 << (number % 8);
            bytes
        });
        for (number, bytes) in cuts.chain(flips).enumerate() {
            let (from, to) = (place.path("damaged"), place.path("out.csv"));
            std::fs::write(&from, &bytes).unwrap();
            let wanted = Task { input_format: format, threads: Some(1), ..task(card(), &from, &to, OutputFormat::Csv) };
            match score(wanted) {
                Ok(rows) => assert!(rows <= 1_000_000, "{number}: {rows} rows out of nothing"),
                Err(error) => {
                    assert!(!error.contains('\n') && !error.contains("::"), "{number}: {error}");
                    refused += 1;
                }
            }
            // A stream that is cut between two batches is whole to its reader; nothing else that is cut is.
            if number == 0 {
                assert!(refused > 0);
            }
        }
    }
    assert!(refused > 1_000, "{refused} were refused");
}

/// The text of a Parquet file is that of the CSV file with the same table.
#[test]
fn a_parquet_table_is_the_csv_table_as_text() {
    let place = Place::new();
    let path = place.path("a.parquet");
    let rows = vec![vec![Some(0.1), Some(1e300)], vec![None, Some(-0.0)], vec![Some(3.0), Some(1.0 / 3.0)]];
    write_parquet(&path, &batch(&["a".to_owned(), "b".to_owned()], &rows));
    let (headers, cells) = table::read_parquet(std::fs::read(&path).unwrap(), 3, 1_000).unwrap();
    assert_eq!(headers, ["a", "b"]);
    assert_eq!(cells[0], ["0.1", "", "3"]);
    assert_eq!(cells[1][2], "0.3333333333333333");
    let bytes = std::fs::read(&path).unwrap();
    let error = table::read_parquet(bytes.clone(), 2, 1_000).unwrap_err().to_string();
    assert_eq!(error, "it has 3 rows, and the limit is 2");
    assert_eq!(table::read_parquet(bytes, 3, 10).unwrap_err().to_string(), "it has more than 10 bytes of text");
}
