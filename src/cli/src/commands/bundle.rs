//! `prequal bundle`: build, sign, verify, inspect and split bundles of policy.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail};
use prequal_bundle::{
    envelope::{self, ENVELOPE_BYTES_MAX, Unverified},
    jwk::{self, Use},
    sources,
};
use prequal_core::{
    bundle::{Bundle, Part, split},
    canonical,
};
use serde_json::{Value, json};

use crate::io::write_output;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Check a folder of sources and write one unsigned bundle
    Build(Build),
    /// Sign a bundle
    Sign(Sign),
    /// Verify a bundle's signature and content
    Verify(Verify),
    /// Say what a bundle holds
    Inspect(Inspect),
    /// Write the unsigned public part of a full bundle, for browsers
    Split(Split),
}

#[derive(clap::Args)]
struct Build {
    /// Folder with bundle.toml and the other sources
    sources: PathBuf,
    /// Scorecard in place of the one that bundle.toml names
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(clap::Args)]
struct Sign {
    /// Private key made by `prequal keygen --use bundle`
    #[arg(long, value_name = "PRIVATE.jwk")]
    key: PathBuf,
    /// Bundle to sign; a signature that it has is replaced
    file: PathBuf,
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(clap::Args)]
struct Verify {
    /// Public key to trust; may be given more than once
    #[arg(long, value_name = "PUBLIC.jwk", required = true)]
    key: Vec<PathBuf>,
    /// Bundle to verify
    file: PathBuf,
}

#[derive(clap::Args)]
struct Inspect {
    /// Bundle to look into; its signature is not judged
    file: PathBuf,
}

#[derive(clap::Args)]
struct Split {
    /// Full bundle, signed or not
    file: PathBuf,
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    match &args.command {
        Command::Build(args) => build(args),
        Command::Sign(args) => sign(args),
        Command::Verify(args) => verify(args),
        Command::Inspect(args) => inspect(args),
        Command::Split(args) => split_public(args),
    }
}

fn build(args: &Build) -> anyhow::Result<()> {
    let built = sources::build(&args.sources, args.model.as_deref())
        .with_context(|| format!("the sources in `{}` are not a bundle", args.sources.display()))?;
    for warning in &built.warnings {
        eprintln!("prequal: warning: {warning}");
    }
    write(&args.out, &envelope::unsigned(&built.payload))?;
    write_output(&summary(&built.bundle, None).to_string())
}

fn sign(args: &Sign) -> anyhow::Result<()> {
    let key = jwk::read_private(&args.key, Use::Bundle).map_err(|error| anyhow!(error))?;
    let file = read(&args.file)?;
    // Nobody should put a name under what does not decide.
    let bundle = open(&args.file, &file.payload)?;
    write(&args.out, &envelope::sign(&file.payload, &key))?;
    write_output(&summary(&bundle, Some(&key.public.kid)).to_string())
}

fn verify(args: &Verify) -> anyhow::Result<()> {
    let (bundle, kid) = verified(&args.file, &args.key)?;
    write_output(&summary(&bundle, Some(&kid)).to_string())
}

fn inspect(args: &Inspect) -> anyhow::Result<()> {
    let file = read(&args.file)?;
    let bundle = open(&args.file, &file.payload)?;
    let payload = bundle.payload();
    let mut summary = summary(&bundle, file.kid.as_deref());
    let tables = payload.eligibility.iter().chain(&payload.outcome).chain(&payload.limit).chain(&payload.price);
    let tables: Vec<Value> =
        tables.map(|table| json!({"id": table.id, "public": table.public, "rows": table.rows.len()})).collect();
    let model = payload.model.as_ref().map(|model| {
        let kind = if model.trees.is_some() { "trees" } else { "scorecard" };
        json!({"id": model.id, "label": model.label(), "kind": kind, "features": model.features().count()})
    });
    let extra = json!({
        "caps": payload.caps,
        "features": payload.features.iter().map(|feature| &feature.id).collect::<Vec<_>>(),
        "fields": payload.form.steps.iter().flat_map(|step| &step.fields).map(|field| &field.id).collect::<Vec<_>>(),
        "model": model,
        "plans": payload.product.plans.iter().map(|plan| &plan.id).collect::<Vec<_>>(),
        "reasons": payload.reasons.len(),
        "representative_rate_percent": payload.representative.rate_percent,
        "tables": tables,
    });
    if let (Some(all), Value::Object(extra)) = (summary.as_object_mut(), extra) {
        all.extend(extra);
    }
    write_output(&serde_json::to_string_pretty(&summary)?)
}

fn split_public(args: &Split) -> anyhow::Result<()> {
    let file = read(&args.file)?;
    let bundle = open(&args.file, &file.payload)?;
    if bundle.part() == Part::Public {
        bail!("`{}` is a public part already", args.file.display());
    }
    let payload = canonical::to_string(&split(bundle.payload()))?;
    let public = Bundle::from_payload(payload.as_bytes())
        .with_context(|| format!("the public part of `{}` does not stand alone", args.file.display()))?;
    write(&args.out, &envelope::unsigned(payload.as_bytes()))?;
    write_output(&summary(&public, None).to_string())
}

/// Reads a bundle file without judging its signature.
pub(super) fn read(path: &Path) -> anyhow::Result<Unverified> {
    envelope::read(&text(path)?).with_context(|| format!("cannot read the bundle `{}`", path.display()))
}

fn text(path: &Path) -> anyhow::Result<String> {
    let unreadable = || format!("cannot read `{}`", path.display());
    // Not by the file's stated length: a device or a pipe states none.
    let most = ENVELOPE_BYTES_MAX as u64;
    let mut text = String::new();
    let file = std::fs::File::open(path).with_context(unreadable)?;
    file.take(most + 1).read_to_string(&mut text).with_context(unreadable)?;
    if text.len() as u64 > most {
        bail!("`{}` is larger than {most} bytes", path.display());
    }
    Ok(text)
}

/// Opens a payload.
pub(super) fn open(path: &Path, payload: &[u8]) -> anyhow::Result<Bundle> {
    Bundle::from_payload(payload).with_context(|| format!("`{}` cannot be used", path.display()))
}

/// Verifies a bundle by the keys in these files and opens it.
pub(super) fn verified(path: &Path, keys: &[PathBuf]) -> anyhow::Result<(Bundle, String)> {
    let mut trusted = Vec::with_capacity(keys.len());
    for key in keys {
        trusted.push(jwk::read_public(key, Use::Bundle).map_err(|error| anyhow!(error))?);
    }
    let named: Vec<_> = trusted.iter().map(|key| (key.kid.as_str(), key.key)).collect();
    let text = text(path)?;
    let refused = || format!("`{}` is refused", path.display());
    let payload = envelope::verify(&text, &named).with_context(refused)?;
    let kid = envelope::read(&text).with_context(refused)?.kid.unwrap_or_default();
    Ok((open(path, &payload)?, kid))
}

fn summary(bundle: &Bundle, kid: Option<&str>) -> Value {
    let (from, until) = bundle.valid();
    json!({
        "bundle_hash": bundle.hash(),
        "currency": bundle.currency().code(),
        "id": bundle.id(),
        "kid": kid,
        "label": bundle.label(),
        "lender": bundle.lender_name(),
        "part": bundle.part(),
        "time_zone": bundle.time_zone(),
        "valid_from": from.to_string(),
        "valid_until": until.to_string(),
        "version": bundle.version(),
    })
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}
