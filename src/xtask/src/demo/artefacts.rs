//! What the demo decides by: keys, a model trained on the data in the repository, and the signed bundles.
//! All of it is made by the `prequal` program, as a lender would make it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::process::{self, Options};
use crate::{paths, setup};

/// Columns that the model must not see: what the law bars, what stands in for that, and what describes the credit of
/// 1994 and not the purchase. `www/shop/policy/features.toml` says why of each; the acceptance tests do the same.
const EXCLUDED: &str = "age_in_years,foreign_worker,telephone,job,purpose,\
                        installment_rate_in_percentage_of_disposable_income";
const LABEL: &str = "demonstration data of 1994, not for lending";
const PURPOSE: &str = "Shows in the demonstration shop how a purchase is decided. It must decide about nobody.";
const USES: [&str; 3] = ["bundle", "offer", "checkout"];

/// Where everything lies.
pub struct Artefacts {
    pub folder: PathBuf,
    pub full: PathBuf,
    pub public: PathBuf,
}

impl Artefacts {
    pub fn private_key(&self, purpose: &str) -> PathBuf {
        self.folder.join(format!("keys/{purpose}.private.jwk"))
    }

    pub fn public_key(&self, purpose: &str) -> PathBuf {
        self.folder.join(format!("keys/{purpose}.public.jwk"))
    }
}

/// Make what is missing or older than what it is made from. Keys, once made, stay.
pub fn make(root: &Path, program: &Path) -> Result<Artefacts> {
    let folder = paths::demo(root);
    let artefacts = Artefacts {
        full: folder.join("bundle.full.json"),
        public: folder.join("bundle.public.json"),
        folder: folder.clone(),
    };
    fs::create_dir_all(folder.join("keys")).with_context(|| format!("cannot make {}", folder.display()))?;
    let prequal = |arguments: &[&str], paths: &[(&str, &Path)]| {
        let mut command = setup::command(root, program);
        command.args(arguments);
        for (flag, path) in paths {
            if flag.is_empty() {
                command.arg(path);
            } else {
                command.arg(flag).arg(path);
            }
        }
        process::must(&mut command, &Options::default())
    };
    for purpose in USES {
        if !artefacts.private_key(purpose).is_file() {
            prequal(&["keygen", "--use", purpose], &[("--out", &folder.join("keys").join(purpose))])?;
        }
    }
    let data = root.join("tests/data/german_credit.csv");
    let model = folder.join("model");
    if !newer(&model.join("model.json"), &[program, &data]) {
        let what = ["train", "--target", "creditability", "--bad", "bad", "--exclude", EXCLUDED];
        let told = ["--label", LABEL, "--purpose", PURPOSE];
        prequal(&[&what[..], &told].concat(), &[("--data", &data), ("--out", &model)])?;
    }
    let sources = root.join("www/shop/policy");
    let (key, public_key) = (artefacts.private_key("bundle"), artefacts.public_key("bundle"));
    let (unsigned, part) = (folder.join("bundle.unsigned.json"), folder.join("bundle.part.json"));
    prequal(&["bundle", "build"], &[("", &sources), ("--model", &model.join("model.json")), ("--out", &unsigned)])?;
    prequal(&["bundle", "sign"], &[("--key", &key), ("", &unsigned), ("--out", &artefacts.full)])?;
    prequal(&["bundle", "split"], &[("", &artefacts.full), ("--out", &part)])?;
    prequal(&["bundle", "sign"], &[("--key", &key), ("", &part), ("--out", &artefacts.public)])?;
    for bundle in [&artefacts.full, &artefacts.public] {
        prequal(&["bundle", "verify"], &[("--key", &public_key), ("", bundle)])?;
    }
    fs::remove_file(unsigned)?;
    fs::remove_file(part)?;
    Ok(artefacts)
}

/// Whether a file is newer than all it is made from.
fn newer(file: &Path, inputs: &[&Path]) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    file.is_file() && inputs.iter().all(|input| changed(input) < changed(file))
}
