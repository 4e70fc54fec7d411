//! What every importer must do with a file that may be anything.

use prequal_models::{
    Kind, ReadOptions, Scorer, TableOptions,
    export::{Form, export},
    read_with,
};

/// Reads a file, scores with it and writes it in every form; whether it was read. Panics where an error is not one clear
/// line, or what was read cannot be scored.
pub fn try_file(bytes: &[u8], kind: Kind) -> bool {
    // A table of optbinning does not say which codes are special.
    let table = TableOptions { special_codes: vec!["-9".to_owned()], ..TableOptions::default() };
    let imported = match read_with(bytes, kind, &ReadOptions { table, event: None }) {
        Ok(imported) => imported,
        Err(error) => {
            let why = error.to_string();
            assert!(!why.contains('\n') && !why.contains("::") && why.len() < 2_000, "the error is `{why}`");
            return false;
        }
    };
    if let Ok(mut scorer) = Scorer::new(&imported.model) {
        let features = scorer.trees().names().len();
        for row in [vec![0.5; features], vec![f64::NAN; features], vec![-1e30; features]] {
            scorer.score(&row).unwrap();
            scorer.reasons(&row).unwrap();
        }
    }
    for form in [Form::Pmml, Form::Onnx, Form::Sql, Form::Python] {
        if let Err(error) = export(&imported.model, form) {
            assert!(!error.to_string().contains("::"), "{error}");
        }
    }
    true
}
