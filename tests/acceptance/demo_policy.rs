//! The demonstration policy, built as the demo builds it: a model fitted to the data in the repository, and the sources
//! in `www/shop/policy`.

use std::{path::PathBuf, sync::OnceLock};

use prequal_bundle::sources;
use prequal_core::{
    bundle::{Bundle, split},
    canonical,
};

/// The full part and the public part.
#[derive(Debug)]
pub struct Parts {
    pub full: Bundle,
    pub public: Bundle,
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Columns that the demonstration policy keeps out of the score; as `cargo xtask demo` leaves them out.
const EXCLUDED: [&str; 6] = [
    "age_in_years",
    "foreign_worker",
    "telephone",
    "job",
    "purpose",
    "installment_rate_in_percentage_of_disposable_income",
];

/// Both parts of the demonstration bundle, built once.
pub fn parts() -> &'static Parts {
    static PARTS: OnceLock<Parts> = OnceLock::new();
    PARTS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model.json");
        std::fs::write(&model, canonical::to_string(&scorecard()).unwrap()).unwrap();
        let full = sources::build(&root().join("www/shop/policy"), Some(&model)).unwrap().bundle;
        let public = canonical::to_string(&split(full.payload())).unwrap();
        let public = Bundle::from_payload(public.as_bytes()).unwrap();
        Parts { full, public }
    })
}

fn scorecard() -> prequal_core::score::Scorecard {
    let data = std::fs::read(root().join("tests/data/german_credit.csv")).unwrap();
    let mut options = prequal_train::Options::new("creditability", "bad");
    options.exclude = EXCLUDED.map(str::to_owned).to_vec();
    // Cross-validation does not touch the model; the fewest folds cost the least time.
    options.folds = 2;
    prequal_train::train(&data, options, &mut |_| {}).unwrap().scorecard
}
