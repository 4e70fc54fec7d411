//! What the trainer turns away, in the words that the user reads.

use prequal_train::{Options, train};

fn refusal(data: &str, options: Options) -> String {
    train(data.as_bytes(), options, &mut |_| ()).expect_err("the data should be refused").to_string()
}

/// Forty rows in which `x` tells goods from bads a little.
fn sound() -> String {
    let mut text = String::from("x,colour,y\n");
    for index in 0..40 {
        let outcome = if index % 4 == 0 { "bad" } else { "good" };
        text.push_str(&format!("{},{},{outcome}\n", index % 8, ["red", "blue"][index % 2]));
    }
    text
}

fn options() -> Options {
    Options::new("y", "bad")
}

#[test]
fn a_file_that_is_no_table_is_refused() {
    assert_eq!(refusal("", options()), "the data file is empty");
    assert_eq!(refusal("x,y\n", options()), "the data file has a header and no row");
    assert_eq!(refusal("x,x,y\n1,2,bad\n", options()), "the data file has the header `x` twice");
    assert_eq!(refusal("x,,y\n1,2,bad\n", options()), "the data file has no header for column 2");
    assert_eq!(refusal("x,y\n1,bad\n2\n", options()), "the data file has 1 cells in line 3, and the header has 2");
    let latin = train(b"x,y\n\xe9,bad\n", options(), &mut |_| ()).unwrap_err().to_string();
    assert!(latin.starts_with("the data file is not UTF-8 text in line 2"), "{latin}");
}

#[test]
fn a_target_that_cannot_be_learned_is_refused() {
    let wrong = Options::new("z", "bad");
    assert_eq!(
        refusal(&sound(), wrong),
        "the target `z` is not a column of the data; its columns are `x`, `colour`, `y`"
    );
    let never = Options::new("y", "BAD");
    assert_eq!(refusal(&sound(), never), "the bad value `BAD` never occurs in `y`, which holds `bad`, `good`");
    assert_eq!(refusal("x,y\n1,bad\n2,bad\n", options()), "every row has the bad value `bad` in `y`");
    assert_eq!(refusal("x,y\n1,bad\n2,\n", options()), "the data file has no outcome in row 2: `y` is empty");
}

#[test]
fn choices_without_a_meaning_are_refused() {
    let with = |change: fn(&mut Options)| {
        let mut options = options();
        change(&mut options);
        refusal(&sound(), options)
    };
    assert_eq!(with(|o| o.folds = 1), "`folds` is `1`, and must be 2 to 100");
    assert_eq!(with(|o| o.folds = 60), "`folds` is 60, and the data has only 40 rows");
    assert_eq!(with(|o| o.exclude = vec!["y".into()]), "the target `y` is also excluded");
    assert!(with(|o| o.exclude = vec!["q".into()]).starts_with("the excluded column `q` is not a column"));
    assert!(with(|o| o.points_to_double_odds = -1.0).contains("`pdo` is `-1`"));
    assert!(with(|o| o.base_odds = f64::NAN).contains("`base-odds` is `NaN`"));
    assert!(with(|o| o.selection.ridge = f64::NAN).contains("`ridge`"));
    assert!(with(|o| o.exclude = vec!["x".into(), "colour".into()]).contains("no column to learn from"));
}

#[test]
fn data_that_says_nothing_is_refused() {
    // Bads are every fourth row, so `x` = index mod 8 tells all; an even mix of colours in goods and bads
    // tells nothing.
    let mut text = String::from("colour,y\n");
    for index in 0..200 {
        text.push_str(&format!("{},{}\n", ["red", "blue"][index / 2 % 2], if index % 2 == 0 { "bad" } else { "good" }));
    }
    assert_eq!(
        refusal(&text, options()),
        "no column tells goods from bads: none has an information value of 0.02 or more"
    );
}

#[test]
fn a_fold_of_one_class_is_refused() {
    // Bads are the rows 0, 4, 8 …: of four folds by index only the first holds them.
    let mut four = options();
    four.folds = 4;
    assert!(refusal(&sound(), four).contains("only one class of the target"));
}

/// A number column with a stray word is a column of categories; one of nothing but its own name is no
/// feature. Both are said in the model.
#[test]
fn unusable_columns_are_left_out_with_the_cause() {
    let mut text = String::from("id,same,none,x,y\n");
    for index in 0..400 {
        let outcome = if index * 13 % 17 < 3 + index % 5 * 2 { "bad" } else { "good" };
        text.push_str(&format!("row {index},1,,{},{outcome}\n", index % 5));
    }
    let training = train(text.as_bytes(), options(), &mut |_| ()).unwrap();
    let why = |column: &str| {
        training.scorecard.excluded.iter().find(|e| e.column == column).map(|e| e.why.clone()).unwrap_or_default()
    };
    assert_eq!(why("id"), "holds another name in every row");
    assert_eq!(why("same"), "has one value");
    assert_eq!(why("none"), "is empty");
}
